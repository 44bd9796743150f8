//! The figures of the house, printed: `cargo test --test tidy figures -- --ignored --nocapture`.

use super::names::{of_one_word, shared};
use super::source::{CRATES, production, root};
use super::{imports, language, tuples};
use std::fs;

#[test]
#[ignore = "prints figures and checks nothing"]
#[allow(clippy::print_stdout)]
fn figures() {
    for name in CRATES {
        println!("{name}: {} production lines", lines(&format!("{name}/src/")));
    }
    for room in ["read", "look"] {
        println!("collector, {room}: {} production lines", lines(&format!("collector/src/{room}")));
    }
    let (single, all) = of_one_word();
    println!("type names of one word: {single} of {all}, {} %", single * 100 / all.max(1));
    println!("type names used twice within a crate: {}", shared().len());
    let (clauses, openings) = (language::clauses().len(), language::openings().len());
    println!(
        "doc comments that open with a clause: {clauses} of {openings}, {} %",
        clauses * 100 / openings
    );
    println!("functions that take a tuple: {}", tuples::functions(|f| f.tuples > 0).len());
    println!(
        "functions with more than five parameters: {}",
        tuples::functions(|f| f.parameters > 5).len()
    );
    let lets = tuples::lets().len();
    println!(
        "lets of several values: {lets}, {:.1} per 1,000 lines",
        lets as f64 * 1000.0 / tuples::lines() as f64
    );
    println!("imports that are part of a circle of files: {}", imports::circles().len());
    println!("phrases of the dialect: {}", language::dialect().len());
    let readme = fs::read_to_string(root().join("README.md")).expect("there is a README");
    println!("README: {} words", readme.split_whitespace().count());
}

#[test]
#[ignore = "prints where each rule is broken"]
#[allow(clippy::print_stdout)]
fn offenders() {
    let mut all = [
        ("types of one name in a crate", shared()),
        ("circles of files", imports::circles()),
        ("tuple parameters", tuples::functions(|f| f.tuples > 0)),
        ("lets of several values", tuples::lets()),
        ("phrases of the dialect", language::dialect()),
        ("doc comments that open with a clause", language::clauses()),
    ];
    for (rule, broken) in &mut all {
        broken.sort();
        println!("\n== {rule}: {}\n{}", broken.len(), broken.join("\n"));
    }
}

fn lines(prefix: &str) -> usize {
    let ours = production().filter(|source| source.path.starts_with(prefix));
    ours.map(|source| source.body().lines().count()).sum()
}
