//! The house rules a machine can check. Each says where it is broken.

mod code;
mod dependencies;
mod figures;
mod floors;
mod imports;
mod language;
mod links;
mod names;
mod portable;
mod promises;
mod size;
mod source;
mod syntax;
mod tuples;

#[track_caller]
fn assert_none(rule: &str, broken: Vec<String>) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}
