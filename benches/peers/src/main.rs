//! netlog beside its peers: what a log call costs, what is lost, and what a collector spends on a
//! line. `run` builds what it needs and starts it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its tables")]

#[path = "../../append.rs"]
mod append;
#[path = "../../catch.rs"]
mod catch;
mod collectors;
mod daemons;
#[path = "../../floor.rs"]
mod floor;
#[path = "../../load.rs"]
mod load;
mod loggers;
#[path = "../../metrics.rs"]
mod metrics;
mod process;
#[path = "../../run.rs"]
mod run;
mod sink;
mod spans;
#[path = "../../spread.rs"]
mod spread;
#[path = "../../table.rs"]
mod table;
mod tables;
mod task;
#[path = "../../trickle.rs"]
mod trickle;
mod turns;
mod versions;
#[path = "../../volley.rs"]
mod volley;

use std::path::Path;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match &args[..] {
        [flag, file, address] if flag == "--floor" => {
            let address = address.parse().expect("an address");
            append::run(Path::new(file), address).expect("the floor runs until it is killed");
        }
        [flag, file, address] if flag == "--floor-of-datagrams" => {
            let address = address.parse().expect("an address");
            catch::run(Path::new(file), address).expect("the floor runs until it is killed");
        }
        [flag, logger, address, task, threads, count] if flag == "--child" => {
            let number = |text: &str| text.parse().expect("a number");
            task::run(logger, address, (task, number(threads), number(count)));
        }
        wanted => {
            println!("{}", run::machine());
            println!("{}", versions::all());
            println!(
                "Each waits where its queue is full. netlog sends to its collector, which keeps the \
                 records in a file; the others send to a peer that only counts them. Cases take \
                 turns in rounds; x is the median of the rounds' ratios, with the quartiles."
            );
            tables::loggers(wanted);
            tables::spans(wanted);
            collectors::tables(wanted);
        }
    }
}
