//! The URL of an archive.

use std::fmt;
use std::str::FromStr;

/// A bucket, and what all names of objects in it begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveTarget {
    pub(crate) bucket: String,
    /// Without slashes at its ends; may be empty.
    pub(crate) prefix: String,
}

/// A URL that is not that of an archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid address: expected s3://BUCKET or s3://BUCKET/PREFIX")]
pub struct UnknownArchiveTarget;

impl FromStr for ArchiveTarget {
    type Err = UnknownArchiveTarget;

    /// Reads `s3://bucket` or `s3://bucket/prefix`.
    fn from_str(url: &str) -> Result<Self, UnknownArchiveTarget> {
        let rest = url.strip_prefix("s3://").ok_or(UnknownArchiveTarget)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_matches('/');
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        let is_bucket = !bucket.is_empty() && bucket.chars().all(named);
        let is_step = |step: &str| {
            !matches!(step, "" | "." | "..")
                && step.chars().all(|c| named(c) || "+=@:,".contains(c))
        };
        let is_prefix = prefix.is_empty() || prefix.split('/').all(is_step);
        match is_bucket && is_prefix {
            true => Ok(Self { bucket: bucket.to_owned(), prefix: prefix.to_owned() }),
            false => Err(UnknownArchiveTarget),
        }
    }
}

impl fmt::Display for ArchiveTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_and_a_prefix_are_read_and_written_back() {
        for (url, shown) in [
            ("s3://logs", "s3://logs"),
            ("s3://logs/", "s3://logs"),
            ("s3://my.logs-1/site/web1/", "s3://my.logs-1/site/web1"),
        ] {
            let target: ArchiveTarget = url.parse().unwrap();
            assert_eq!(target.to_string(), shown);
            assert_eq!(shown.parse(), Ok(target));
        }
        for bad in [
            "",
            "logs",
            "s3://",
            "s3:///x",
            "https://a/b",
            "s3://a b",
            "s3://a//b/..",
            "s3://a/%2F",
        ] {
            assert_eq!(bad.parse::<ArchiveTarget>(), Err(UnknownArchiveTarget), "{bad}");
        }
    }
}
