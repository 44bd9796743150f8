//! Shell completions and the manual page, made from the options.

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use std::io::{self, Write};

/// Prints the completions for `shell` to stdout.
pub(crate) fn print_completions<C: CommandFactory>(shell: Shell) -> io::Result<()> {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut C::command(), "netlog", &mut out);
    io::stdout().write_all(&out)
}

/// Prints the manual, a page for each command, to stdout: for `man -l -`.
pub(crate) fn print_man<C: CommandFactory>() -> io::Result<()> {
    let mut command = C::command();
    command.build();
    let mut out = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut out)?;
    let shown = |command: &&Command| !command.is_hide_set() && command.get_name() != "help";
    for sub in command.get_subcommands().filter(shown) {
        clap_mangen::Man::new(sub.clone()).render(&mut out)?;
    }
    io::stdout().write_all(&out)
}
