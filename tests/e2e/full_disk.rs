//! A disk that is full when the collector starts.

use crate::harness::{
    Collector, SOON, Scene, assert_each_once, caller, get, messages, metric, speak, wait_until,
};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use std::fs;
use std::io::{Write, stderr};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};

/// A small file system with a file that fills it.
struct FullDisk(PathBuf);

impl FullDisk {
    /// `None` for anybody but root.
    fn mount(path: &Path) -> Option<Self> {
        fs::create_dir(path).expect("a directory");
        let mounted = mount("netlog-full", path, "tmpfs", MountFlags::empty(), c"size=32m");
        if let Err(error) = mounted {
            let _ = writeln!(stderr(), "not tested, only root can mount a small disk: {error}");
            return None;
        }
        let disk = Self(path.to_owned());
        fs::write(path.join("app.log"), "").expect("there is room for a name");
        let mut ballast = fs::File::create(path.join("ballast")).expect("there is room for a name");
        while ballast.write_all(&[0; 4096]).is_ok() {}
        Some(disk)
    }

    fn free(&self) {
        fs::remove_file(self.0.join("ballast")).expect("it is ours");
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        let _ = unmount(&self.0, UnmountFlags::DETACH);
    }
}

#[test]
fn a_collector_that_starts_on_a_full_disk_says_so_acks_nothing_and_recovers_by_itself() {
    let scene = Scene::new();
    let Some(disk) = FullDisk::mount(&scene.path("disk")) else { return };
    let line = "--listen tcp://127.0.0.1:0 --listen udp://127.0.0.1:0 --http 127.0.0.1:0";
    let mut collector = Collector::launch(&scene, scene.path("disk/app.log"), line);
    assert!(collector.listening(2), "it starts\n{}", collector.process.stderr());
    let server = collector.server();
    let mut program = scene.subject(&format!("to={} records=500", collector.authority()));
    assert!(wait_until(SOON, || metric(&server, "writes_failed") > 0));
    let health = get(&server, "/healthz");
    assert_eq!(health.status, 503);
    assert!(health.body.contains("no space left"), "{}", health.body);
    let mut asked = scene.netlog(&format!("health --at {server}"));
    assert_eq!(asked.end().code(), Some(1));
    asked.says(&format!("{server} is not healthy: "));
    asked.says("no space left");
    // What is compressed is charged for what it becomes.
    let before = collector.process.memory();
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let packed = packed_lines();
    for _ in 0..80 {
        socket.send_to(&packed, collector.at("udp")).expect("a datagram");
    }
    let more = || collector.process.memory().saturating_sub(before);
    wait_until(std::time::Duration::from_secs(2), || more() > 48 << 20);
    let _ = writeln!(stderr(), "{} MiB more while the disk is full", more() >> 20);
    assert!(more() < 48 << 20, "{} MiB more", more() >> 20);
    disk.free();
    assert!(wait_until(SOON, || get(&server, "/healthz").status == 200));
    scene.netlog(&format!("health --at {server}")).succeed();
    program.succeed();
    speak(collector.at("tcp"), b"writes again\n");
    let came = || messages(&collector.records()).contains(&"writes again");
    assert!(wait_until(SOON, came));
    assert_each_once(&collector.records().of("subject"), 1, 500);
    let said = collector.process.stderr();
    assert_eq!(said.matches("will go on trying").count(), 1, "{said}");
}

#[test]
fn forty_senders_with_names_of_control_characters_hold_little_while_the_disk_is_full() {
    let scene = Scene::new();
    let Some(_disk) = FullDisk::mount(&scene.path("disk")) else { return };
    let line = "--listen tcp://127.0.0.1:0 --http 127.0.0.1:0";
    let mut collector = Collector::launch(&scene, scene.path("disk/app.log"), line);
    assert!(collector.listening(1), "it starts\n{}", collector.process.stderr());
    let server = collector.server();
    let before = collector.process.memory();
    let name = "\\u0001".repeat(128);
    let senders: Vec<_> = (0..40)
        .map(|id| {
            let mut sender = caller([127, 0, 0, 1], collector.authority());
            let hello = format!(
                r#"{{"netlog":1,"sender":"{id:032x}","app":"{name}","host":"{name}","pid":1,"next":1}}"#
            );
            sender.set_nonblocking(true).expect("a socket");
            let text = format!("{hello}\n{}", "a\n".repeat(200 << 10));
            let _ = sender.write(text.as_bytes());
            sender
        })
        .collect();
    assert!(wait_until(SOON, || metric(&server, "reads_delayed") > 0));
    let more = || collector.process.memory().saturating_sub(before);
    wait_until(std::time::Duration::from_secs(2), || more() > 100 << 20);
    let _ = writeln!(stderr(), "{} MiB more while the disk is full", more() >> 20);
    assert!(more() < 100 << 20, "{} MiB more", more() >> 20);
    drop(senders);
}

fn packed_lines() -> Vec<u8> {
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&b"a\n".repeat(200 << 10)).expect("memory");
    packed.finish().expect("memory")
}
