//! Options from the command line, the environment and a file, in this order of precedence.

mod example;
mod file;
mod setting;

use crate::options::Options;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, CommandFactory, Error, FromArgMatches, ValueEnum};
use clap_complete::Shell;
use file::{FileEntry, entries};
use setting::{Setting, settings};
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// Keys that a running collector takes over from a changed file.
const RELOADED: [&str; 4] = ["compress", "keep-age", "keep-files", "keep-size"];

/// Options that the file cannot set.
const NO_KEYS: [&str; 6] =
    ["config", "check-config", "print-config", "generate", "help", "version"];

#[derive(Debug, Clone, Args)]
struct ConfigArguments {
    /// TOML file of options, one key for each, named as here without the dashes in front. The
    /// environment and the command line override it. SIGHUP reads it again.
    #[arg(long, env = "NETLOG_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Check the options and the files they name, then exit.
    #[arg(long)]
    check_config: bool,

    /// Print each option as a line of a configuration file with the origin of its value, then exit.
    #[arg(long)]
    print_config: bool,

    /// Print a commented configuration file, the manual page or completions of a shell, then exit.
    #[arg(long, value_name = "WHAT", hide_short_help = true)]
    generate: Option<Generated>,
}

/// Texts made from the definitions of the options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Generated {
    Config,
    Man,
    Bash,
    Fish,
    Zsh,
}

/// Everything the collector was asked for when it was started.
#[derive(Debug, Clone)]
pub struct Config {
    /// The options in force.
    pub options: Options,
    /// True if they are only to be checked.
    pub check: bool,
    arguments: Vec<OsString>,
    settings: Vec<Setting>,
    print: bool,
    generate: Option<Generated>,
}

impl Config {
    /// Reads the command line, the environment and the file that one of them names.
    ///
    /// # Errors
    ///
    /// When one of them is wrong, and when the command line asks for help or the version.
    pub fn load(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, Error> {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        let mut command = command();
        let given = command.clone().ignore_errors(true).try_get_matches_from(&arguments)?;
        let entries = match given.get_one::<PathBuf>("config") {
            Some(path) => entries(path, &command)
                .map_err(|error| command.error(ErrorKind::ValueValidation, error))?,
            None => Vec::new(),
        };
        let used: Vec<_> =
            entries.into_iter().filter(|entry| !is_given(&command, &given, &entry.key)).collect();
        let line = with_entries(&arguments, &used);
        let matches = command.clone().try_get_matches_from(&line);
        let matches = matches.map_err(|error| named_by_origin(error, &command, &line))?;
        let asked = ConfigArguments::from_arg_matches(&matches)?;
        let mut options = Options::from_arg_matches(&matches)?;
        // A reader beside a collector would take its port.
        let listen = matches.value_source("listen");
        if options.from.is_some() && listen == Some(ValueSource::DefaultValue) {
            options.listen.clear();
        }
        Ok(Self {
            options,
            check: asked.check_config,
            settings: settings(&command, &matches, &used),
            print: asked.print_config,
            generate: asked.generate,
            arguments,
        })
    }

    /// Reads everything again, for a running collector.
    ///
    /// # Errors
    ///
    /// When something is wrong with it by now.
    pub fn load_again(&self) -> Result<Self, Error> {
        Self::load(self.arguments.clone())
    }

    /// True if an option has another value than in `other`.
    pub fn differs(&self, other: &Self) -> bool {
        let mut pairs = self.settings.iter().zip(&other.settings);
        pairs.any(|(ours, theirs)| ours.value != theirs.value)
    }

    /// Takes over those options of `changed` that a running collector can change. Returns the
    /// names of the others whose values differ.
    pub fn take_over(&mut self, changed: &Self) -> Vec<String> {
        let is_reloaded = |key: &str| RELOADED.contains(&key);
        let differ = self.settings.iter_mut().zip(&changed.settings);
        let mut left = Vec::new();
        for (ours, theirs) in differ.filter(|(ours, theirs)| ours.value != theirs.value) {
            if is_reloaded(&ours.key) {
                ours.clone_from(theirs);
            } else {
                left.push(ours.key.clone());
            }
        }
        let from = &changed.options;
        self.options.compress = from.compress;
        self.options.keep_age = from.keep_age;
        self.options.keep_files = from.keep_files;
        self.options.keep_size = from.keep_size;
        left
    }

    /// The text to print instead of collecting anything, if there is one.
    ///
    /// # Errors
    ///
    /// When the manual page cannot be rendered.
    pub fn text(&self) -> io::Result<Option<String>> {
        let text = match self.generate {
            Some(Generated::Config) => example::example(&command()),
            Some(Generated::Man) => man()?,
            Some(Generated::Bash) => completions(Shell::Bash),
            Some(Generated::Fish) => completions(Shell::Fish),
            Some(Generated::Zsh) => completions(Shell::Zsh),
            None if self.print => self.settings.iter().map(Setting::to_string).collect(),
            None => return Ok(None),
        };
        Ok(Some(text))
    }
}

/// All options of the program.
fn command() -> Command {
    ConfigArguments::augment_args(Options::command())
}

/// The options that may stand in the file, with their names there.
fn keys(command: &Command) -> impl Iterator<Item = (&str, &clap::Arg)> {
    let named = command.get_arguments().filter_map(|arg| Some((arg.get_long()?, arg)));
    named.filter(|(key, _)| !NO_KEYS.contains(key))
}

/// Tells whether the command line or the environment has a value for `key`.
fn is_given(command: &Command, given: &ArgMatches, key: &str) -> bool {
    let Some((_, arg)) = keys(command).find(|(long, _)| *long == key) else { return false };
    let on_the_line = given.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    on_the_line || arg.get_env().is_some_and(|name| std::env::var_os(name).is_some())
}

/// The command line with the entries of the file in front.
fn with_entries(arguments: &[OsString], entries: &[FileEntry]) -> Vec<OsString> {
    let (program, rest) = arguments.split_at(arguments.len().min(1));
    let entries = entries.iter().flat_map(FileEntry::arguments).map(OsString::from);
    program.iter().cloned().chain(entries).chain(rest.iter().cloned()).collect()
}

/// The error, which names the variable instead of the option if the environment has the wrong value.
fn named_by_origin(mut error: Error, command: &Command, line: &[OsString]) -> Error {
    let option = option_of(&error);
    let mut command = command.clone();
    command.build();
    let variable = command.get_arguments().find(|arg| Some(arg.to_string()) == option);
    let variable = variable.and_then(|arg| arg.get_env()).map(|name| name.to_owned());
    let without = command.mut_args(|arg| arg.env(None::<&str>));
    let given = without.try_get_matches_from(line).err().as_ref().and_then(option_of);
    if let Some(name) = variable.filter(|_| given != option) {
        error.insert(ContextKind::InvalidArg, ContextValue::String(name.to_string_lossy().into()));
    }
    error
}

/// The option whose value is wrong, as errors show it.
fn option_of(error: &Error) -> Option<String> {
    let wrong = matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation);
    match error.get(ContextKind::InvalidArg).filter(|_| wrong)? {
        ContextValue::String(option) => Some(option.clone()),
        _ => None,
    }
}

fn man() -> io::Result<String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command()).section("8").render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "netlog-collector", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests;
