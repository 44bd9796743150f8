//! A template of files: `/var/log/netlog/{app}/{host}.log`. Everything before the directory of the
//! first placeholder is fixed; whatever peers call themselves, their files lie below it.

mod value;

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};

/// App and host in the path of the file for records that have no file of their own.
const OTHER: &str = "other";

/// The most bytes of text in one name: with two placeholders, a time and the ledger's ending, it
/// has to stay within the 255 that file systems take.
const MOST_TEXT: usize = 64;

/// The most placeholders in one name.
const MOST_PLACEHOLDERS: usize = 2;

/// Suffixes of rotated files, compressed files and ledgers, and of what is known about their archive.
const TAKEN: [&str; 5] = ["ledger", "new", "zst", "gz", "archived"];

/// A path with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    /// The directory below which all files are.
    pub(crate) base: PathBuf,
    /// The names below it, the last one of the file.
    names: Vec<NameTemplate>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NameTemplate(Vec<NamePart>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum NamePart {
    Text(String),
    App,
    Host,
}

impl Template {
    /// Reads a template; `None` when `path` is a plain one.
    pub(crate) fn parse(path: &Path) -> Result<Option<Self>, BadTemplate> {
        let bytes = path.as_os_str().as_encoded_bytes();
        let Some(first) = bytes.iter().position(|byte| b"{}".contains(byte)) else {
            return Ok(None);
        };
        let text = path.to_str().ok_or(BadTemplate::NotText)?;
        let (base, names) = text.split_at(text[..first].rfind('/').map_or(0, |at| at + 1));
        let names = names.split('/').map(NameTemplate::parse).collect::<Result<Vec<_>, _>>()?;
        if !names.last().is_some_and(NameTemplate::has_an_end_of_its_own) {
            return Err(BadTemplate::End);
        }
        let base = if base.is_empty() { "." } else { base };
        Ok(Some(Self { base: base.into(), names }))
    }

    /// The file of an app on a host, as a path below the base.
    pub(crate) fn place(&self, app: Option<&str>, host: Option<&str>) -> PathBuf {
        let app = value::name(app);
        let host = value::name(host);
        self.names.iter().map(|name| name.with(&app, &host)).collect()
    }

    /// The file of all who have none of their own.
    pub(crate) fn other(&self) -> PathBuf {
        self.names.iter().map(|name| name.with(OTHER, OTHER)).collect()
    }

    /// The names below the base, the last one of the file.
    pub(crate) fn names(&self) -> &[NameTemplate] {
        &self.names
    }
}

impl NameTemplate {
    fn parse(text: &str) -> Result<Self, BadTemplate> {
        if matches!(text, "" | "." | "..") {
            return Err(BadTemplate::Step(text.into()));
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            if at > 0 {
                pieces.push(NamePart::Text(rest[..at].into()));
            }
            rest = &rest[at..];
            let end = rest.find('}').map_or(rest.len(), |end| end + 1);
            pieces.push(match &rest[..end] {
                "{app}" => NamePart::App,
                "{host}" => NamePart::Host,
                word => return Err(BadTemplate::Word(word.into())),
            });
            rest = &rest[end..];
        }
        if !rest.is_empty() {
            pieces.push(NamePart::Text(rest.into()));
        }
        let is_text = |piece: &&NamePart| matches!(piece, NamePart::Text(_));
        let placeholders = pieces.len() - pieces.iter().filter(is_text).count();
        let len = text.len() - "{host}".len().min(text.len()) * placeholders;
        if placeholders > MOST_PLACEHOLDERS || len > MOST_TEXT + MOST_PLACEHOLDERS {
            return Err(BadTemplate::Long(text.into()));
        }
        Ok(Self(pieces))
    }

    /// Tells whether no name it stands for can be that of another one's ledger or rotated file.
    fn has_an_end_of_its_own(&self) -> bool {
        match &self.0[..] {
            [NamePart::Text(_)] => true,
            [.., NamePart::Text(end)] => end.rsplit_once('.').is_some_and(|(_, end)| {
                end.starts_with(|c: char| c.is_ascii_alphabetic()) && !TAKEN.contains(&end)
            }),
            _ => false,
        }
    }

    fn with(&self, app: &str, host: &str) -> String {
        let text = |piece: &'_ NamePart| match piece {
            NamePart::Text(text) => text.clone(),
            NamePart::App => app.into(),
            NamePart::Host => host.into(),
        };
        self.0.iter().map(text).collect()
    }

    /// Tells whether it may stand for `name`.
    pub(crate) fn matches(&self, name: &str) -> bool {
        matches(&self.0, name)
    }
}

fn matches(pieces: &[NamePart], name: &str) -> bool {
    match pieces {
        [] => name.is_empty(),
        [NamePart::Text(text), rest @ ..] => {
            name.strip_prefix(text.as_str()).is_some_and(|name| matches(rest, name))
        }
        [_, rest @ ..] => {
            let mut ends = name.char_indices().map(|(at, c)| at + c.len_utf8());
            ends.any(|end| matches(rest, &name[end..]))
        }
    }
}

/// Why a path with braces is no template.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadTemplate {
    /// Something else stands in braces, or only one brace.
    Word(String),
    /// A name below the fixed directory is empty, or leads elsewhere.
    Step(String),
    /// The name of the file does not end in text by which ledgers are told from it.
    End,
    /// A name is too long, or has too many placeholders.
    Long(String),
    /// The path is not UTF-8.
    NotText,
}

impl fmt::Display for BadTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => {
                write!(f, "{word} in a file's name: only {{app}} and {{host}} may stand in it")
            }
            Self::Step(name) => write!(f, "{name:?} behind a placeholder: each name has to be one"),
            Self::End => write!(
                f,
                "a file's name with a placeholder has to end in letters behind a dot, such as .log, \
                 but not in .{}",
                TAKEN.join(", .")
            ),
            Self::Long(name) => write!(
                f,
                "{name}: a name has at most {MOST_TEXT} bytes besides {MOST_PLACEHOLDERS} placeholders"
            ),
            Self::NotText => f.write_str("a file's name with a placeholder has to be UTF-8"),
        }
    }
}

impl Error for BadTemplate {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: &str) -> Result<Option<Template>, BadTemplate> {
        Template::parse(Path::new(path))
    }

    fn template(path: &str) -> Template {
        parse(path).unwrap().unwrap()
    }

    #[test]
    fn a_template_has_a_fixed_directory_and_names_below_it() {
        for (path, base, place) in [
            ("/var/log/{app}/{host}.log", "/var/log/", "orders/web1.log"),
            ("/var/log/x-{app}@{host}.log", "/var/log/", "x-orders@web1.log"),
            ("{app}.log", ".", "orders.log"),
            ("/{host}/all", "/", "web1/all"),
            ("logs/{host}/{app}/{app}.json", "logs/", "web1/orders/orders.json"),
        ] {
            let template = template(path);
            assert_eq!(template.base, Path::new(base));
            assert_eq!(template.place(Some("orders"), Some("web1")), Path::new(place));
        }
        assert_eq!(template("/{app}/{host}.log").other(), Path::new("other/other.log"));
        assert_eq!(parse("/var/log/app.log"), Ok(None));
    }

    #[test]
    fn whatever_else_stands_in_braces_is_refused_with_what_is_allowed() {
        for (path, word) in [
            ("/x/{pid}.log", "{pid}"),
            ("/x/{}.log", "{}"),
            ("/x/{app.log", "{app.log"),
            ("/x/app}.log", "}"),
            ("/x/{{app}}.log", "{{app}"),
            ("/x/{App}.log", "{App}"),
        ] {
            let error = parse(path).unwrap_err();
            assert_eq!(error, BadTemplate::Word(word.into()), "{path}");
            assert!(error.to_string().ends_with("only {app} and {host} may stand in it"));
        }
    }

    #[test]
    fn names_that_lead_elsewhere_or_could_be_those_of_ledgers_are_refused() {
        for name in ["/x/{app}/../y.log", "/x/{app}/./y.log", "/x/{app}//y.log", "/x/{app}.log/"] {
            assert!(matches!(parse(name), Err(BadTemplate::Step(_))), "{name}");
        }
        for name in [
            "{app}",
            "a.{app}",
            "{app}.ledger",
            "{app}x",
            "{app}.2026",
            "{app}.log.zst",
            "{app}.archived",
        ] {
            assert_eq!(parse(name), Err(BadTemplate::End), "{name}");
        }
        let long = format!("{{app}}{}.log", "x".repeat(99));
        assert!(matches!(parse(&long), Err(BadTemplate::Long(_))));
        assert!(matches!(parse("{app}{app}{app}.log"), Err(BadTemplate::Long(_))));
    }

    #[test]
    fn a_name_knows_which_files_may_be_its_own() {
        let template = template("{app}-{host}.log");
        for (name, mine) in [
            ("a-b.log", true),
            ("a-b-c.log", true),
            ("ü-ü.log", true),
            ("-b.log", false),
            ("a-b.log.ledger", false),
            ("a-b.log.20261122T184223Z", false),
        ] {
            assert_eq!(template.names()[0].matches(name), mine, "{name}");
        }
    }
}
