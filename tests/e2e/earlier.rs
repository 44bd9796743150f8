//! Spools that programs with an earlier netlog have left, kept in `tests/formats`.

use crate::harness::{Collector, Scene, messages};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

#[test]
fn a_spool_that_a_program_with_an_earlier_netlog_has_left_is_delivered() {
    let scene = Scene::new();
    fs::create_dir(scene.spool()).expect("a directory");
    fs::set_permissions(scene.spool(), fs::Permissions::from_mode(0o700)).expect("it is ours");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/spool-1");
    for entry in fs::read_dir(kept).expect("the files are kept").flatten() {
        let bytes = zstd::decode_all(fs::File::open(entry.path()).expect("a file"));
        let name = entry.path().file_stem().expect("a name").to_owned();
        fs::write(scene.spool().join(name), bytes.expect("it is compressed")).expect("room");
    }
    let collector = Collector::start(&scene);
    scene.netlog(&format!("ship --to {}", collector.authority())).succeed();
    let records = collector.stop();
    let numbers: Vec<_> = (1..=300).map(|number| format!("number {number}")).collect();
    let of_program: Vec<_> =
        messages(&records).into_iter().filter(|message| message.starts_with("number ")).collect();
    assert_eq!(of_program, numbers);
    assert!(scene.rings().is_empty(), "{:?}", scene.rings());
}
