//! An archive in a real store, SeaweedFS, with and without TLS.

use super::client;
use crate::archive::{archived, send};
use crate::harness::{Child, Collector, Port, SOON, Scene, metric, program, wait_until};
use rustix::process::Signal;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Credentials that the store knows.
const IDENTITY: &str = r#"{"identities":[{"name":"netlog","credentials":[{"accessKey":"id","secretKey":"secret"}],
    "actions":["Admin","Read","Write","List"]}]}"#;

/// A store with a port and a directory of its own, however often it is killed.
struct Store {
    scene: Scene,
    ports: Vec<Port>,
    child: Option<Child>,
}

impl Store {
    fn start() -> Self {
        let scene = Scene::new();
        let mut cert = scene.netlog("cert . 127.0.0.1");
        cert.succeed();
        fs::write(scene.path("s3.json"), IDENTITY).expect("the scene has room");
        fs::create_dir(scene.path("data")).expect("the scene has room");
        let ports = (0..9).map(|_| Port::reserve()).collect();
        let mut store = Self { scene, ports, child: None };
        store.go_on();
        let made = wait_until(SOON, || store.curl(&["-X", "PUT"], "/logs").contains("200"));
        assert!(made, "no bucket: {}", store.curl(&["-X", "PUT"], "/logs"));
        store
    }

    fn go_on(&mut self) {
        let mut command = self.scene.command(&client("weed"));
        command.args([
            "server",
            "-dir=data",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-filer",
            "-s3",
        ]);
        command.args(["-s3.config=s3.json", "-s3.iam=false", "-master.telemetry=false"]);
        command.args(["-s3.cert.file=server.pem", "-s3.key.file=server.key"]);
        command.args(["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.volumeSizeLimitMB=64"]);
        let names = ["master.port", "master.port.grpc", "volume.port", "volume.port.grpc"];
        let more = ["filer.port", "filer.port.grpc", "s3.port", "s3.port.grpc", "s3.port.https"];
        for (name, port) in names.iter().chain(&more).zip(&self.ports) {
            command.arg(format!("-{name}={}", port_of(port)));
        }
        self.child = Some(Child::start(&mut command));
    }

    fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        child.signal(Signal::KILL);
        child.end();
    }

    fn url(&self, encrypted: bool) -> String {
        match encrypted {
            true => format!("https://{}", self.ports[8].address()),
            false => format!("http://{}", self.ports[6].address()),
        }
    }

    /// The status, or the body, of a signed request.
    fn curl(&self, args: &[&str], path: &str) -> String {
        let mut curl = Command::new("curl");
        curl.args(["-s", "--aws-sigv4", "aws:amz:us-east-1:s3", "-u", "id:secret"]);
        curl.args(["-w", "%{http_code}"]).args(args).arg(self.url(false) + path);
        String::from_utf8_lossy(&curl.output().expect("curl runs").stdout).into_owned()
    }

    fn names(&self) -> Vec<String> {
        let list = self.curl(&[], "/logs?list-type=2");
        let names = list.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        names.map(str::to_owned).collect()
    }

    fn object(&self, name: &str, to: &Path) {
        let to = to.display().to_string();
        let status = self.curl(&["-o", &to], &format!("/logs/{name}"));
        assert_eq!(status, "200", "{name}");
    }
}

fn port_of(port: &Port) -> String {
    let address = port.address();
    address.rsplit_once(':').expect("an address has a port").1.to_owned()
}

fn archiving(scene: &Scene, store: &Store, encrypted: bool, line: &str) -> Collector {
    let mut command = scene.command(&program("netlog-collector"));
    command.envs([("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")]);
    command.env("AWS_ENDPOINT_URL", store.url(encrypted));
    command.env("AWS_CA_BUNDLE", store.scene.path("ca.pem"));
    let line =
        format!("--listen tcp://127.0.0.1:0 --http 127.0.0.1:0 --archive s3://logs/site {line}");
    let mut collector = Collector::by(command, scene.path("app.log"), &line);
    assert!(collector.listening(1), "{}", collector.process.stderr());
    collector
}

/// Every object is what the file was, byte by byte.
fn check(store: &Store, scene: &Scene, kept: &Path) {
    let names = store.names();
    assert!(!names.is_empty());
    for name in names {
        let to = scene.path("object");
        store.object(&name, &to);
        let file = kept.join(name.strip_prefix("site/").expect("it has the prefix"));
        assert!(fs::read(&to).ok() == fs::read(&file).ok(), "{name} is not as it was");
    }
}

#[test]
#[ignore = "needs tests/clients/get"]
fn a_real_store_has_the_rotated_files_also_after_both_were_killed() {
    let mut store = Store::start();
    for encrypted in [false, true] {
        let scene = Scene::new();
        let mut collector = archiving(&scene, &store, encrypted, "--rotate-size 3000");
        send(&collector, 0..40);
        let some = wait_until(SOON, || archived(&scene) > 1);
        assert!(some, "{}", collector.process.stderr());
        store.kill();
        send(&collector, 40..80);
        collector.process.says("failed to archive to s3://logs/site: ");
        collector.process.signal(Signal::KILL);
        collector.process.end();
        store.go_on();
        let collector = archiving(&scene, &store, encrypted, "--rotate-size 3000");
        send(&collector, 80..120);
        let all = wait_until(SOON, || {
            let body = crate::harness::get(&collector.server(), "/metrics").body;
            archived(&scene) > 5 && body.contains("\nnetlog_segments_to_archive 0\n")
        });
        assert!(all, "{}", collector.process.stderr());
        collector.stop();
        check(&store, &scene, &scene.path(""));
        for name in store.names() {
            store.curl(&["-X", "DELETE"], &format!("/logs/{name}"));
        }
    }
}

#[test]
#[ignore = "needs tests/clients/get"]
fn a_large_file_goes_to_a_real_store_in_parts() {
    let store = Store::start();
    let scene = Scene::new();
    let collector = archiving(&scene, &store, false, "--compress off --rotate-size 9MiB");
    crate::harness::speak(collector.authority(), "x".repeat(1000).as_bytes());
    let line = format!("{}\n", "y".repeat(1000)).repeat(10_000);
    crate::harness::speak(collector.authority(), line.as_bytes());
    let server = collector.server();
    let there = wait_until(SOON * 2, || metric(&server, "segments_archived") > 0);
    assert!(there, "{}", collector.process.stderr());
    assert!(metric(&server, "bytes_archived") > 8 << 20);
    assert_eq!(metric(&server, "archiving_failed"), 0);
    let peak = collector.process.peak_memory() >> 20;
    assert!(peak < 160, "{peak} MiB");
    collector.stop();
    check(&store, &scene, &scene.path(""));
}
