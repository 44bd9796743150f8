//! `GET /`: the web page, which is part of the program and asks only this collector and its peers.

use crate::web_origin::WebOrigin;
use hyper::header::HeaderValue;
use serde_json::{Value, json};

/// Content security policy of the page: its own scripts, its own sheet, its own address; the addresses
/// of peers stand between both parts.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'";
const POLICY_END: &str =
    "; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const MARKUP: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// A path, its media type, and what is there.
type File = (&'static str, &'static str, &'static [u8]);

const FILES: &[File] = &[
    ("/", MARKUP, include_bytes!("../../page/index.html")),
    ("/page/detail.js", SCRIPT, include_bytes!("../../page/detail.js")),
    ("/page/feed.js", SCRIPT, include_bytes!("../../page/feed.js")),
    ("/page/filters.js", SCRIPT, include_bytes!("../../page/filters.js")),
    ("/page/histogram.js", SCRIPT, include_bytes!("../../page/histogram.js")),
    ("/page/keys.js", SCRIPT, include_bytes!("../../page/keys.js")),
    ("/page/list.js", SCRIPT, include_bytes!("../../page/list.js")),
    ("/page/page.css", STYLE, include_bytes!("../../page/page.css")),
    ("/page/page.js", SCRIPT, include_bytes!("../../page/page.js")),
    ("/page/row.js", SCRIPT, include_bytes!("../../page/row.js")),
    ("/page/senders.js", SCRIPT, include_bytes!("../../page/senders.js")),
    ("/page/session.js", SCRIPT, include_bytes!("../../page/session.js")),
    ("/page/sources.js", SCRIPT, include_bytes!("../../page/sources.js")),
    ("/page/stream.js", SCRIPT, include_bytes!("../../page/stream.js")),
    ("/page/text.js", SCRIPT, include_bytes!("../../page/text.js")),
    ("/page/theme.js", SCRIPT, include_bytes!("../../page/theme.js")),
    ("/page/time.js", SCRIPT, include_bytes!("../../page/time.js")),
];

/// The file at `path` with its media type, if it is one of the page's.
pub(crate) fn file(path: &str) -> Option<(&'static str, &'static [u8])> {
    FILES.iter().find(|(at, ..)| *at == path).map(|(_, kind, bytes)| (*kind, *bytes))
}

/// Content security policy of a page that reads these peers.
pub(super) fn policy(peers: &[WebOrigin]) -> HeaderValue {
    let sources: String = peers.iter().map(|peer| format!(" {peer}")).collect();
    HeaderValue::try_from(format!("{POLICY}{sources}{POLICY_END}"))
        .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
}

/// `GET /peers`: names and addresses of the other collectors that the page reads.
pub(super) fn peers(peers: &[WebOrigin]) -> Value {
    peers.iter().map(|peer| json!({"name": peer.authority(), "url": peer.as_str()})).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_may_ask_its_own_address_and_its_peers() {
        let two = ["http://site2:1903", "https://logs.example.com"];
        let two = two.map(|peer| WebOrigin::of_peer(peer).unwrap());
        for (list, sources) in [
            (&[][..], "; connect-src 'self'; "),
            (&two[..], "; connect-src 'self' http://site2:1903 https://logs.example.com; "),
        ] {
            let policy = policy(list);
            let policy = policy.to_str().unwrap();
            assert!(policy.contains(sources) && policy.contains("default-src 'none'"), "{policy}");
        }
        let list = r#"[{"name":"site2:1903","url":"http://site2:1903"},{"name":"logs.example.com","url":"https://logs.example.com"}]"#;
        assert_eq!(peers(&two).to_string(), list);
        assert_eq!(peers(&[]).to_string(), "[]");
    }

    #[test]
    fn the_page_is_whole() {
        let there = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/page")).unwrap();
        for name in there.map(|file| file.unwrap().file_name().into_string().unwrap()) {
            let path = if name == "index.html" { "/".into() } else { format!("/page/{name}") };
            assert!(file(&path).is_some_and(|(_, bytes)| !bytes.is_empty()), "{name}");
        }
    }
}
