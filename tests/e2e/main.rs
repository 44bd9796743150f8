//! End to end: real processes, real sockets, real kills. Each test is a promise in its own words.

mod away;
mod chaos;
mod clients;
mod command;
mod deaths;
mod endings;
mod endpoints;
mod examples;
mod facade;
mod hand_tool;
mod harness;
mod hostile;
mod intake;
mod limits;
mod look;
mod look_cli;
mod main_path;
mod old_files;
mod siege;
mod skipping;
mod spool;
mod systemd;
mod tails;
mod templates;
mod tokens;
mod unix;
