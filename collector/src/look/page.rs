//! `GET /`: the web page, which is part of the program and asks nobody else for anything.

/// What the page may do: run its own script, look like its own sheet, ask its own address.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// To whom a link on the page says where it was followed: nobody.
pub(crate) const REFERRER: &str = "no-referrer";

/// The file at `path` with its media type, if it is one of the page's.
pub(crate) fn file(path: &str) -> Option<(&'static str, &'static [u8])> {
    match path {
        "/" | "/page/index.html" => {
            Some(("text/html; charset=utf-8", include_bytes!("../page/index.html")))
        }
        "/page/page.css" => Some(("text/css; charset=utf-8", include_bytes!("../page/page.css"))),
        "/page/page.js" => {
            Some(("text/javascript; charset=utf-8", include_bytes!("../page/page.js")))
        }
        _ => None,
    }
}
