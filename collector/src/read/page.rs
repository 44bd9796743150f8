//! `GET /`: the web page, which is part of the program and asks nobody else for anything.

/// Content security policy of the page: its own scripts, its own sheet, its own address.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// To whom a link on the page says where it was followed: nobody.
pub(crate) const REFERRER: &str = "no-referrer";

const MARKUP: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// A path, its media type, and what is there.
type File = (&'static str, &'static str, &'static [u8]);

const FILES: &[File] = &[
    ("/", MARKUP, include_bytes!("../../page/index.html")),
    ("/page/detail.js", SCRIPT, include_bytes!("../../page/detail.js")),
    ("/page/filters.js", SCRIPT, include_bytes!("../../page/filters.js")),
    ("/page/histogram.js", SCRIPT, include_bytes!("../../page/histogram.js")),
    ("/page/keys.js", SCRIPT, include_bytes!("../../page/keys.js")),
    ("/page/list.js", SCRIPT, include_bytes!("../../page/list.js")),
    ("/page/page.css", STYLE, include_bytes!("../../page/page.css")),
    ("/page/page.js", SCRIPT, include_bytes!("../../page/page.js")),
    ("/page/row.js", SCRIPT, include_bytes!("../../page/row.js")),
    ("/page/senders.js", SCRIPT, include_bytes!("../../page/senders.js")),
    ("/page/session.js", SCRIPT, include_bytes!("../../page/session.js")),
    ("/page/stream.js", SCRIPT, include_bytes!("../../page/stream.js")),
    ("/page/text.js", SCRIPT, include_bytes!("../../page/text.js")),
    ("/page/theme.js", SCRIPT, include_bytes!("../../page/theme.js")),
    ("/page/time.js", SCRIPT, include_bytes!("../../page/time.js")),
];

/// The file at `path` with its media type, if it is one of the page's.
pub(crate) fn file(path: &str) -> Option<(&'static str, &'static [u8])> {
    FILES.iter().find(|(at, ..)| *at == path).map(|(_, kind, bytes)| (*kind, *bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_whole() {
        let there = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/page")).unwrap();
        for name in there.map(|file| file.unwrap().file_name().into_string().unwrap()) {
            let path = if name == "index.html" { "/".into() } else { format!("/page/{name}") };
            assert!(file(&path).is_some_and(|(_, bytes)| !bytes.is_empty()), "{name}");
        }
    }
}
