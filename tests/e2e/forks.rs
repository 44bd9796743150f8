//! Programs that fork at the worst moments.

use crate::harness::{Collector, Port, SOON, Scene, assert_each_once, message, wait_until};

#[test]
fn what_a_killed_parent_left_is_delivered_while_its_forked_child_still_lives() {
    let scene = Scene::new();
    let port = Port::reserve();
    let told = format!("to={} do=orphan records=500", port.address());
    let mut parent = scene.subject(&told);
    parent.says("the child lives");
    assert!(wait_until(SOON, || !parent.running()), "the parent kills itself");
    let collector = Collector::with(&scene, &format!("--listen tcp://{}", port.address()));
    scene.netlog(&format!("ship --to {}", port.address())).succeed();
    assert!(scene.rings().is_empty(), "{:?}", scene.rings());
    parent.hang_up(); // and so the child ends
    let mut records = collector.stop();
    records.0.retain(|record| record["target"] == "subject");
    assert_each_once(&records, 1, 500);
}

#[test]
fn a_grandchild_forked_while_a_thread_of_its_parent_logs_for_the_first_time_logs_and_does_not_hang()
{
    const CHILDREN: usize = 60;
    let scene = Scene::new();
    let port = Port::reserve();
    let told = format!("to={} do=grandchildren records={CHILDREN}", port.address());
    let mut subject = scene.subject(&told);
    assert!(subject.end_within(SOON * 3).success(), "{}", subject.stderr());
    subject.says(&format!("0 of {CHILDREN} hung"));
    let collector = Collector::with(&scene, &format!("--listen tcp://{}", port.address()));
    scene.netlog(&format!("ship --to {}", port.address())).succeed();
    let records = collector.stop();
    for thread in [2, 3] {
        let said = format!("thread {thread} number 1");
        let came = records.0.iter().filter(|record| message(record) == said).count();
        assert_eq!(came, CHILDREN, "{said}");
    }
}
