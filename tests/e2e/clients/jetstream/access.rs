//! Servers that demand a proof: an NKEY, credentials with a JWT, a token, a client certificate. They
//! allow what docs/jetstream.md names, and nothing else.

use super::server::{NatsServer, versions};
use crate::harness::{Collector, Records, SOON, Scene, message, wait_until};
use crate::tls::authority::Ca;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::net::TcpStream;

/// Permissions of collectors that publish, and of readers, in the server's words.
const COLLECTOR: &str = "publish: [\"netlog.b.>\", \"$JS.API.>\"], subscribe: \"_INBOX.>\"";
const READER: &str = "publish: \"$JS.API.>\", subscribe: \"_INBOX.>\"";

/// A server with this configuration, whose file is made when its scene is there.
fn server(version: &str, config: impl FnOnce(&Scene) -> String) -> NatsServer {
    let mut server = NatsServer::prepare(version);
    let path = server.scene.path("server.conf");
    fs::write(&path, config(&server.scene)).expect("the scene has room");
    server.more = vec!["-c".into(), path.display().to_string()];
    server.go_on();
    server
}

/// A file of a scene, for the command line.
fn place(scene: &Scene, name: &str, text: &str) -> String {
    fs::write(scene.path(name), text).expect("the scene has room");
    scene.path(name).display().to_string()
}

/// Options of both sides.
struct Access {
    url: String,
    site: String,
    reader: String,
}

/// Has a collector publish and another one read, and one without a proof wait in vain.
fn records_pass(access: &Access, refusal: &str) {
    let [refused_scene, site_scene, reader_scene] = [Scene::new(), Scene::new(), Scene::new()];
    let listen = "--listen tcp://127.0.0.1:0";
    let start = |scene: &Scene, words: String| Collector::with(scene, &format!("{listen} {words}"));
    let Access { url, site, reader } = access;
    let refused = start(&refused_scene, format!("--forward-to {url}"));
    let site = start(&site_scene, format!("--forward-to {url} {site}"));
    let reader = start(&reader_scene, format!("--from {url} {reader}"));
    for (collector, word) in [(&refused, "nobody"), (&site, "order")] {
        let mut peer = TcpStream::connect(collector.authority()).expect("it listens");
        (0..20).for_each(|n| writeln!(peer, "{word} {n}").expect("it reads"));
    }
    refused.process.says(refusal);
    let Records(records) = reader.wait_for(20);
    let found: Vec<_> = records.iter().map(message).collect();
    assert_eq!(found, (0..20).map(|n| format!("order {n}")).collect::<Vec<_>>());
    for collector in [refused, site, reader] {
        collector.stop();
    }
}

#[test]
#[ignore = "needs tests/clients/get"]
fn a_server_that_demands_an_nkey_is_shown_one() {
    for version in versions() {
        let [site, reader] = [KeyPair::new_user(), KeyPair::new_user()];
        let user = |pair: &KeyPair, may: &str| {
            format!("{{nkey: {}, permissions: {{{may}}}}}", pair.public_key())
        };
        let server = server(&version, |_| {
            let users = [user(&site, COLLECTOR), user(&reader, READER)].join(", ");
            format!("authorization {{ users: [{users}] }}")
        });
        let seed = |name: &str, pair: &KeyPair| {
            let seed = format!("{}\n", pair.seed().expect("it has one"));
            format!("--nats-nkey {}", place(&server.scene, name, &seed))
        };
        let access = Access {
            url: server.url(),
            site: seed("site.nk", &site),
            reader: seed("reader.nk", &reader),
        };
        records_pass(&access, "authorization violation");
    }
}

/// A JWT as NATS has it, for `subject`, by `issuer`.
fn jwt(issuer: &KeyPair, subject: &KeyPair, name: &str, claims: Value) -> String {
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(json!({"typ": "JWT", "alg": "ed25519-nkey"}));
    let body = part(json!({
        "jti": name, "iat": 1, "iss": issuer.public_key(), "name": name,
        "sub": subject.public_key(), "nats": claims,
    }));
    let signed = format!("{head}.{body}");
    let signature = issuer.sign(signed.as_bytes()).expect("it has a seed");
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// A file with credentials, as `nsc` makes it.
fn credentials(account: &KeyPair, publish: &[&str]) -> String {
    let user = KeyPair::new_user();
    let claims = json!({
        "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1,
        "pub": {"allow": publish}, "sub": {"allow": ["_INBOX.>"]},
    });
    let jwt = jwt(account, &user, "user", claims);
    let seed = user.seed().expect("it has one");
    format!(
        "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n\
         -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    )
}

#[test]
#[ignore = "needs tests/clients/get"]
fn a_server_with_an_operator_is_shown_credentials() {
    for version in versions() {
        let operator = KeyPair::new_operator();
        let [system, account] = [KeyPair::new_account(), KeyPair::new_account()];
        let server = server(&version, |_| {
            let mut claims = json!({"type": "operator", "version": 2});
            claims["system_account"] = system.public_key().into();
            let own = jwt(&operator, &operator, "operator", claims);
            let limits = |stored: i64| {
                let limits = json!({
                    "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1,
                    "wildcards": true, "conn": -1, "leaf": -1, "mem_storage": stored,
                    "disk_storage": stored, "streams": stored, "consumer": stored,
                });
                json!({"type": "account", "version": 2, "limits": limits})
            };
            let preload = |pair: &KeyPair, name: &str, stored: i64| {
                format!("{}: {}", pair.public_key(), jwt(&operator, pair, name, limits(stored)))
            };
            let accounts = [preload(&system, "SYS", 0), preload(&account, "NETLOG", -1)].join("\n");
            format!(
                "operator: {own}\nsystem_account: {}\nresolver: MEMORY\n\
                 resolver_preload: {{\n{accounts}\n}}\n",
                system.public_key()
            )
        });
        let option = |name: &str, publish: &[&str]| {
            format!("--nats-creds {}", place(&server.scene, name, &credentials(&account, publish)))
        };
        let access = Access {
            url: server.url(),
            site: option("site.creds", &["netlog.b.>", "$JS.API.>"]),
            reader: option("reader.creds", &["$JS.API.>"]),
        };
        records_pass(&access, "authorization violation");
    }
}

#[test]
#[ignore = "needs tests/clients/get"]
fn a_server_that_demands_a_client_certificate_and_a_token_is_shown_both() {
    for version in versions() {
        let server = server(&version, |scene| {
            let ca = Ca::new(scene);
            ca.issue("server", &["127.0.0.1"]);
            ca.issue("site", &["site1"]);
            let path = |name: &str| scene.path(name).display().to_string();
            let [ca, cert, key] = ["ca.pem", "server.pem", "server.key"].map(path);
            format!(
                "tls {{ ca_file: \"{ca}\", cert_file: \"{cert}\", key_file: \"{key}\", \
                 verify: true }}\nauthorization {{ token: s3cret }}\n"
            )
        });
        let path = |name: &str| server.scene.path(name).display().to_string();
        let [ca, cert, key] = ["ca.pem", "site.pem", "site.key"].map(path);
        let token = place(&server.scene, "token", "s3cret\n");
        let trust = format!("--forward-ca {ca}");
        let pair = format!("--forward-cert {cert} --forward-key {key}");
        let options = format!("{trust} {pair} --forward-token-file {token}");
        let url = server.url().replace("nats://", "nats+tls://");
        let access = Access { url: url.clone(), site: options.clone(), reader: options };
        records_pass(&access, "is not trusted");
        // One that shows a part of it is refused too.
        for (words, refusal) in [(trust.clone(), ""), (format!("{trust} {pair}"), "authorization")]
        {
            let scene = Scene::new();
            let line = format!("--listen tcp://127.0.0.1:0 --forward-to {url} {words}");
            let collector = Collector::with(&scene, &line);
            let refused = wait_until(SOON, || {
                let stderr = collector.process.stderr();
                stderr.contains("failed to forward to") && stderr.contains(refusal)
            });
            assert!(refused, "{words}: {}", collector.process.stderr());
            collector.stop();
        }
    }
}
