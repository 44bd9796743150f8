//! End to end: real processes, real sockets, real kills. Each test is a promise in its own words.

mod away;
mod endings;
mod facade;
mod harness;
mod main_path;
