//! Which crate may stand on which.

use super::assert_none;
use super::source::root;
use std::fs;

#[test]
fn no_crate_names_one_of_a_floor_above() {
    let floors: [(&str, &[&str]); 4] = [
        ("wire", &[]),
        ("logger", &["netlog-wire"]),
        ("collector", &["netlog-wire"]),
        ("cli", &["netlog", "netlog-wire"]),
    ];
    let mut found = Vec::new();
    for (name, allowed) in floors {
        let path = root().join(name).join("Cargo.toml");
        let manifest = fs::read_to_string(path).expect("every crate has a manifest");
        let mut section = "";
        for (at, line) in manifest.lines().enumerate() {
            section = line.strip_prefix('[').unwrap_or(section);
            let named = line.split(['.', ' ', '=']).next().unwrap_or_default();
            let ours = named == "netlog" || named.starts_with("netlog-");
            if section.contains("dependencies") && ours && !allowed.contains(&named) {
                found.push(format!("{name}/Cargo.toml:{}: {named}", at + 1));
            }
        }
    }
    assert_none("these dependencies point upwards", found);
}
