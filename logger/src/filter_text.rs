//! Directives of `RUST_LOG` that select by span, which `tracing-subscriber` knows and the logger does
//! not: they are set aside, so that the others count.

use env_filter::Filter;

/// A filter's directives by kind.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Directives {
    /// Those that select by target and level, and a regular expression behind them.
    pub(crate) plain: String,
    /// Those that select by span: `[request{id=7}]=debug`.
    pub(crate) of_spans: Vec<String>,
}

impl Directives {
    pub(crate) fn split(text: &str) -> Self {
        let mut directives = Self::default();
        let mut rest = text;
        loop {
            let end = end_of_directive(rest);
            let directive = &rest[..end];
            if directive.contains('[') {
                directives.of_spans.push(directive.trim().to_owned());
            } else {
                if !directives.plain.is_empty() && !directive.is_empty() {
                    directives.plain.push(',');
                }
                directives.plain.push_str(directive);
            }
            match rest[end..].strip_prefix(',') {
                Some(behind) => rest = behind,
                None => {
                    // What follows a slash is a regular expression and no directive.
                    directives.plain.push_str(&rest[end..]);
                    return directives;
                }
            }
        }
    }
}

/// Place of the comma or slash behind the first directive. Those within a span's braces are part of it.
fn end_of_directive(text: &str) -> usize {
    let mut depth = 0_u32;
    let ends = |c: char| {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && (c == ',' || c == '/')
    };
    text.find(ends).unwrap_or(text.len())
}

/// Reads the directives that a collector sends: those by target and level, and nothing else.
///
/// # Errors
///
/// The reason in words.
pub(crate) fn parse_remote(text: &str) -> Result<Filter, String> {
    let Directives { plain, of_spans } = Directives::split(text);
    if text.trim().is_empty() {
        return Err("it is empty".into());
    }
    if !of_spans.is_empty() {
        return Err("it selects by span".into());
    }
    if plain.contains('/') {
        return Err("it has a regular expression".into());
    }
    let mut filter = env_filter::Builder::new();
    filter.try_parse(&plain).map_err(|error| error.to_string())?;
    Ok(filter.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_of_spans_are_set_aside_and_all_others_stay() {
        for (text, plain, of_spans) in [
            ("info,hyper=warn", "info,hyper=warn", &[][..]),
            ("[request{id=7}]=debug", "", &["[request{id=7}]=debug"]),
            ("info,[a{x=1,y=\"/\"}]=debug,b=warn", "info,b=warn", &["[a{x=1,y=\"/\"}]=debug"]),
            ("a[span]=trace,info", "info", &["a[span]=trace"]),
            ("info/[a-z],x", "info/[a-z],x", &[]),
            ("[a{", "", &["[a{"]),
            ("", "", &[]),
        ] {
            let of_spans = of_spans.iter().map(ToString::to_string).collect();
            let expected = Directives { plain: plain.into(), of_spans };
            assert_eq!(Directives::split(text), expected, "{text}");
        }
    }
}
