//! Every way a program can end, twenty times: of a thousand records a thousand arrive, once each.
//!
//! What `info!` returned from survives the process: return, `exit`, panic, `abort`, SIGTERM, SIGSEGV,
//! SIGKILL.

use crate::harness::{
    Child, Collector, Port, SOON, Scene, abort_subject, assert_each_once, assert_in_spans, message,
    succeeds_once, wait_until,
};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

const ROUNDS: usize = 20;

/// Who delivers what a dead program has left behind.
#[derive(Clone, Copy)]
enum Heir {
    /// Nobody is needed: the program itself has delivered everything.
    Nobody,
    /// Every other time the next start of the same app, else `netlog ship`.
    Either,
}

/// Ends programs in one `way` and has the collector's file say that nothing was lost.
fn end_twenty_times(way: &str, heir: Heir, ended: impl Fn(ExitStatus) -> bool) {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    for round in 0..ROUNDS {
        let app = format!("{way}-{round}");
        let to = collector.authority();
        let door = door(round);
        let told = format!("to={to} app={app} threads=2 records=500 end={way} door={door}");
        let mut subject = scene.subject(&told);
        let status = subject.end();
        assert!(ended(status), "round {round}: {status}\n{}", subject.stderr());
        let left = scene.rings().len();
        match heir {
            Heir::Nobody => assert_eq!(left, 0, "round {round}: a spool is left behind"),
            Heir::Either if round % 2 == 0 => deliver_by_next_start(&scene, to, &app),
            Heir::Either => scene.netlog(&format!("ship --to {to}")).succeed(),
        }
        assert!(scene.rings().is_empty(), "round {round}: a spool is still there");
        let mut records = collector.records().of(&app);
        records.0.retain(|record| record["target"] == "subject");
        assert_each_once(&records, 2, 500);
        if door == "tracing" {
            assert_in_spans(&records);
        }
    }
}

/// Through which facade the records of a round are logged.
fn door(round: usize) -> &'static str {
    if (round / 2).is_multiple_of(2) { "log" } else { "tracing" }
}

/// The next start of the app delivers while it lives.
fn deliver_by_next_start(scene: &Scene, to: &str, app: &str) {
    let mut next = scene.subject(&format!("to={to} app={app} records=0 wait=1"));
    next.says("logged");
    // Its own spool is the one that stays.
    let delivered = wait_until(SOON, || scene.rings().len() == 1);
    assert!(delivered, "the next start has not delivered: {:?}\n{}", scene.rings(), next.stderr());
    next.succeed();
}

fn code(code: i32) -> impl Fn(ExitStatus) -> bool {
    move |status| status.code() == Some(code)
}

fn signal(signal: i32) -> impl Fn(ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    move |status| status.signal() == Some(signal)
}

#[test]
fn main_returns_and_nothing_is_lost() {
    end_twenty_times("return", Heir::Nobody, code(0));
}

#[test]
fn the_guard_is_leaked_and_nothing_is_lost() {
    end_twenty_times("leak", Heir::Nobody, code(0));
}

/// Complaints tracing#1120, #3267, logos PR3639: the last lines are lost at the end.
#[test]
fn the_program_exits_right_after_the_last_record_and_nothing_is_lost() {
    end_twenty_times("exit", Heir::Nobody, code(0));
}

#[test]
fn main_panics_and_nothing_is_lost() {
    end_twenty_times("panic", Heir::Nobody, code(101));
}

#[test]
fn a_thread_panics_and_nothing_is_lost() {
    end_twenty_times("thread-panic", Heir::Nobody, code(0));
}

#[test]
fn the_program_aborts_and_nothing_is_lost() {
    end_twenty_times("abort", Heir::Either, signal(libc::SIGABRT));
}

#[test]
fn the_program_reads_where_nothing_is_and_nothing_is_lost() {
    end_twenty_times("segv", Heir::Either, signal(libc::SIGSEGV));
}

#[test]
fn the_program_is_terminated_and_nothing_is_lost() {
    end_twenty_times("term", Heir::Either, signal(libc::SIGTERM));
}

#[test]
fn the_program_is_killed_and_nothing_is_lost() {
    end_twenty_times("kill", Heir::Either, signal(libc::SIGKILL));
}

#[test]
fn the_stack_overflows_and_nothing_is_lost() {
    end_twenty_times("overflow", Heir::Either, signal(libc::SIGABRT));
}

#[test]
fn a_panic_that_aborts_is_flushed_before_the_abort_and_nothing_is_lost() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let to = collector.authority();
    let mut late = 0;
    for round in 0..ROUNDS {
        let told = format!(
            "to={to} app=aborts-{round} threads=2 records=500 end=panic door={}",
            door(round)
        );
        let mut command = scene.command(&abort_subject());
        let mut subject = Child::start(command.args(told.split(' ')));
        assert!(signal(libc::SIGABRT)(subject.end()), "{}", subject.stderr());
        assert!(subject.stderr().contains("the end of main"), "the previous hook still prints");
        // There was time to deliver it all, the panic too: no heir is needed, unless the machine was
        // too busy for the limit of two seconds.
        let arrived = || collector.records().of(&format!("aborts-{round}"));
        if arrived().0.last().map(message) != Some("panicked: the end of main") {
            scene.netlog(&format!("ship --to {to}")).succeed();
            late += 1;
        }
        let mut records = arrived();
        let last = records.0.pop().expect("records have arrived");
        assert_eq!(
            (message(&last), &last["level"]),
            ("panicked: the end of main", &"ERROR".into())
        );
        assert_each_once(&records, 2, 500);
    }
    assert!(late < ROUNDS / 2, "{late} of {ROUNDS} were not flushed");
}

#[test]
fn a_guard_that_drops_has_delivered_whatever_becomes_of_the_program_then() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    for round in 0..ROUNDS {
        let to = collector.authority();
        let told = format!(
            "to={to} app=app{round} threads=2 records=500 end=guard-then-kill door={}",
            door(round)
        );
        let mut subject = scene.subject(&told);
        assert!(signal(libc::SIGKILL)(subject.end()), "{}", subject.stderr());
        assert_each_once(&collector.records().of(&format!("app{round}")), 2, 500);
    }
}

#[test]
fn a_panic_is_the_last_record_of_its_stream_with_place_and_thread_and_is_flushed_before_the_end() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    assert!(succeeds_once(|attempt| {
        let to = collector.authority();
        let told = format!("to={to} app=app{attempt} records=100 end=thread-panic-then-kill");
        let mut subject = scene.subject(&told);
        assert!(signal(libc::SIGKILL)(subject.end()), "{}", subject.stderr());
        assert!(subject.stderr().contains("the end of a thread"), "the previous hook still prints");
        let mut records = collector.records().of(&format!("app{attempt}"));
        let last = records.0.pop().expect("records have arrived");
        if message(&last) != "panicked: the end of a thread" {
            return false;
        }
        assert_eq!(last["level"], "ERROR");
        assert_eq!(last["thread"], "worker-7");
        assert_eq!(last["file"], "tests/subject/main.rs");
        assert!(last["line"].as_u64().is_some_and(|line| line > 1));
        assert_each_once(&records, 1, 100);
        true
    }));
}

#[test]
fn the_guard_and_the_exit_together_wait_no_longer_than_the_limit() {
    let scene = Scene::new();
    let port = Port::reserve();
    // In memory, records are worth waiting for even where nobody listens.
    let told = format!("to={} records=10 quiet=1 patience=8", port.address());
    let mut subject = scene.subject(&told);
    subject.says("cannot be reached");
    let began = Instant::now();
    subject.succeed();
    let waited = began.elapsed();
    assert!(waited < Duration::from_secs(14), "it took {waited:?}: the limit, twice");
}

#[test]
fn a_signal_handler_that_logs_in_a_thread_that_is_only_just_starting_does_not_abort_the_program() {
    let scene = Scene::new();
    let collector = Collector::start(&scene);
    let told = format!("to={} do=signals threads=300", collector.authority());
    for _ in 0..5 {
        let mut subject = scene.subject(&told);
        if !wait_until(Duration::from_secs(5), || !subject.running()) {
            // The allocator's own locks may hang a handler: that is for programs to mind.
            continue;
        }
        let end = subject.end();
        if end.success() {
            break;
        }
        // As may what it says when it was interrupted in the middle of a call.
        let said = subject.stderr();
        let allocator = ["free()", "malloc", "realloc()"].iter().any(|of| said.contains(of));
        assert!(!signal(libc::SIGABRT)(end) || allocator, "{said}");
    }
}
