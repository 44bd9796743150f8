//! A commented configuration file with every option, made from their definitions.

use super::keys;
use super::setting::quoted;
use clap::{Arg, ArgAction, Command};

/// The widest line of a comment.
const WIDTH: usize = 98;

const HEAD: &str = "\
# Options of netlog-collector: netlog-collector --config FILE
#
# Every option is here, with its default. Environment variables and the command line override this
# file. SIGHUP reads it again; --check-config says whether it is valid.
";

/// The file, in the order of the help.
pub(super) fn example(command: &Command) -> String {
    let mut text = HEAD.to_owned();
    for (key, arg) in keys(command) {
        text.push('\n');
        let help = arg.get_long_help().or_else(|| arg.get_help());
        let help = help.map(ToString::to_string).unwrap_or_default();
        help.split("\n\n").for_each(|paragraph| push_wrapped(&mut text, paragraph));
        let values: Vec<_> =
            arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        if !values.is_empty() && !matches!(arg.get_action(), ArgAction::SetTrue) {
            push_wrapped(&mut text, &format!("One of: {}.", values.join(", ")));
        }
        text.push_str(&format!("#{key} = {}\n", shown(arg)));
    }
    text
}

/// The default, or the kind of value of an option without a default.
fn shown(arg: &Arg) -> String {
    let defaults = arg.get_default_values().iter().map(|value| quoted(&value.to_string_lossy()));
    let defaults: Vec<_> = defaults.collect();
    let kind = || {
        let names = arg.get_value_names().unwrap_or_default();
        names.iter().map(|name| quoted(name)).next().unwrap_or_else(|| "\"\"".into())
    };
    match arg.get_action() {
        ArgAction::SetTrue => "false".into(),
        ArgAction::Append if defaults.is_empty() => format!("[{}]", kind()),
        ArgAction::Append => format!("[{}]", defaults.join(", ")),
        _ => defaults.into_iter().next().unwrap_or_else(kind),
    }
}

fn push_wrapped(text: &mut String, paragraph: &str) {
    let mut line = String::from("#");
    for word in paragraph.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line.truncate(1);
        }
        line.push(' ');
        line.push_str(word);
    }
    // A help of one paragraph has lost its full stop.
    let end = if line.ends_with(['.', ':']) { "\n" } else { ".\n" };
    text.push_str(&line);
    text.push_str(end);
}
