//! The file of tokens, in either of its forms: TOML, or one token a line.

use super::grant::{Grant, Scope};
use netlog_wire::parse_time;
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use toml::value::Datetime;

/// The longest file read: some thousand tokens.
const LONGEST: u64 = 256 << 10;

/// SHA-256 of a token.
pub(super) type TokenHash = [u8; 32];

/// A token of the file.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) hash: TokenHash,
    pub(super) grant: Arc<Grant>,
}

/// One table of the TOML form; its key is the token's name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenTable {
    token: Option<String>,
    sha256: Option<String>,
    #[serde(default)]
    send: ScopeText,
    #[serde(default)]
    read: ScopeText,
    #[serde(default)]
    control: ScopeText,
    #[serde(default)]
    relay: bool,
    expires: Option<Datetime>,
}

/// `true`, a pattern, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected true, \"app=PATTERN host=PATTERN\", or a list of those")]
enum ScopeText {
    All(bool),
    One(String),
    Several(Vec<String>),
}

impl Default for ScopeText {
    fn default() -> Self {
        Self::All(false)
    }
}

/// Reads the tokens of the file at `path`.
///
/// # Errors
///
/// When the file cannot be read, is longer than 256 KiB, is wrong somewhere (named by its line or
/// its token), or has no token.
pub(super) fn read(path: &Path) -> io::Result<Vec<Token>> {
    let mut text = String::new();
    File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(invalid(format!("it is longer than {LONGEST} bytes")));
    }
    let tokens = parse(&text).map_err(invalid)?;
    if tokens.is_empty() {
        return Err(invalid("there is no token in it".into()));
    }
    Ok(tokens)
}

pub(super) fn hash(token: &str) -> TokenHash {
    let digest = digest(&SHA256, token.as_bytes());
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}

fn parse(text: &str) -> Result<Vec<Token>, String> {
    let mut lines = text.lines().map(str::trim);
    let first = lines.find(|line| !is_comment(line));
    if first.is_some_and(|line| line.starts_with('[')) {
        parse_toml(text)
    } else {
        parse_lines(text)
    }
}

fn is_comment(line: &str) -> bool {
    line.is_empty() || line.starts_with('#')
}

/// One token a line, each with every right.
fn parse_lines(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    for (at, line) in text.lines().map(str::trim).enumerate() {
        if is_comment(line) {
            continue;
        }
        let number = at + 1;
        if !is_token(line) {
            return Err(format!("line {number}: {EXPECTED}"));
        }
        let grant = Grant::full(format!("of line {number}"));
        tokens.push(Token { hash: hash(line), grant: Arc::new(grant) });
    }
    Ok(tokens)
}

const EXPECTED: &str = "expected a token of printable ASCII characters without spaces";

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn parse_toml(text: &str) -> Result<Vec<Token>, String> {
    let tables: BTreeMap<String, TokenTable> = toml::from_str(text).map_err(|error| {
        let begin = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.as_bytes()[..begin].iter().filter(|&&byte| byte == b'\n').count() + 1;
        format!("line {line}: {}", error.message())
    })?;
    let mut tokens: Vec<Token> = Vec::new();
    for (name, table) in tables {
        let token = table.token(&name).map_err(|reason| format!("token {name:?}: {reason}"))?;
        if let Some(same) = tokens.iter().find(|other| other.hash == token.hash) {
            return Err(format!("token {name:?}: it is the same as {:?}", same.grant.name));
        }
        tokens.push(token);
    }
    Ok(tokens)
}

impl TokenTable {
    fn token(self, name: &str) -> Result<Token, String> {
        let hash = match (self.token, self.sha256) {
            (Some(token), None) if is_token(&token) => hash(&token),
            (Some(_), None) => return Err(format!("token: {EXPECTED}")),
            (None, Some(hex)) => parse_hash(&hex)?,
            _ => return Err("expected either token or sha256".into()),
        };
        let expires = self.expires.map(|time| expiry(&time)).transpose()?;
        let send = self.send.scope("send")?;
        let read = self.read.scope("read")?;
        let control = self.control.scope("control")?;
        if [&send, &read, &control].into_iter().all(|scope| *scope == Scope::Nothing) && !self.relay
        {
            return Err("it has no right: set send, read, control or relay".into());
        }
        let grant = Grant {
            name: name.to_owned(),
            send,
            read,
            control,
            relay: self.relay,
            unnamed: false,
            expires,
        };
        Ok(Token { hash, grant: Arc::new(grant) })
    }
}

impl ScopeText {
    fn scope(self, key: &str) -> Result<Scope, String> {
        let texts = match self {
            Self::All(true) => return Ok(Scope::Everything),
            Self::All(false) => return Ok(Scope::Nothing),
            Self::One(text) => vec![text],
            Self::Several(texts) => texts,
        };
        let patterns = texts.iter().map(|text| text.parse()).collect::<Result<Vec<_>, _>>();
        patterns.map(Scope::Matching).map_err(|error| format!("{key}: {error}"))
    }
}

fn parse_hash(hex: &str) -> Result<TokenHash, String> {
    let invalid = || "sha256: expected 64 hexadecimal digits".to_owned();
    if hex.len() != 64 || !hex.is_ascii() {
        return Err(invalid());
    }
    let mut hash = [0; 32];
    for (byte, at) in hash.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&hex[at..at + 2], 16).map_err(|_| invalid())?;
    }
    Ok(hash)
}

/// A date counts from its beginning in UTC; a time needs its zone.
fn expiry(time: &Datetime) -> Result<i64, String> {
    let text = time.to_string();
    let text = if time.time.is_none() { format!("{text}T00:00:00Z") } else { text };
    let invalid = || "expires: expected a date, or a time with its zone".to_owned();
    parse_time(text.as_bytes()).ok_or_else(invalid)
}

fn invalid(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(text).unwrap_err()
    }

    #[test]
    fn both_forms_are_read() {
        let tokens = parse("# of the shop\nfirst-7f2a\n\n  second-91bc \n").unwrap();
        let hashes: Vec<TokenHash> = tokens.iter().map(|token| token.hash).collect();
        assert_eq!(hashes, [hash("first-7f2a"), hash("second-91bc")]);
        assert!(tokens.iter().all(|token| token.grant.read == Scope::Everything));
        let hex = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
        let text = format!(
            "# named\n[orders]\ntoken = \"a-1\"\nsend = \"app=orders*\"\nexpires = 2027-01-01\n\
             [ann]\nsha256 = \"{hex}\"\nread = [\"app=orders*\", \"host=db1\"]\nsend = true\n"
        );
        let tokens = parse(&text).unwrap();
        let [ann, orders] = &tokens[..] else { panic!("{tokens:?}") };
        assert_eq!((ann.hash, orders.hash), (hash("foo"), hash("a-1")));
        assert_eq!((&ann.grant.send, &orders.grant.read), (&Scope::Everything, &Scope::Nothing));
        assert!(ann.grant.read.covers(None, Some("db1")));
        assert_eq!(orders.grant.expires, Some(1_798_761_600_000_000));
    }

    #[test]
    fn an_error_names_the_line_or_the_token_and_what_is_expected() {
        for (text, expected) in [
            ("fine\ntwo words", "line 2: expected a token of printable ASCII"),
            ("[a]\ntoken = \"x\"\nsend = true\nred = true\n", "line 4: unknown field `red`"),
            (
                "[a]\ntoken = \"x\"\n",
                "token \"a\": it has no right: set send, read, control or relay",
            ),
            ("[a]\nsend = true\n", "token \"a\": expected either token or sha256"),
            ("[a]\ntoken = \"x\"\nsha256 = \"y\"\nsend = true\n", "token \"a\": expected either"),
            ("[a]\nsha256 = \"zz\"\nsend = true\n", "token \"a\": sha256: expected 64"),
            ("[a]\ntoken = \"x y\"\nsend = true\n", "token \"a\": token: expected a token of"),
            ("[a]\ntoken = \"x\"\nsend = \"orders\"\n", "token \"a\": send: invalid senders"),
            ("[a]\ntoken = \"x\"\nsend = 7\n", "line 3: expected true, \"app="),
            ("[a]\ntoken = \"x\"\nsend = true\nexpires = 07:00:00\n", "token \"a\": expires:"),
            (
                "[a]\ntoken = \"x\"\nsend = true\n[b]\ntoken = \"x\"\nread = true\n",
                "token \"b\": it is the same as \"a\"",
            ),
        ] {
            let found = error(text);
            assert!(found.starts_with(expected), "{found}");
        }
    }
}
