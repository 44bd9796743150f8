//! `GET /metrics`: every counter, for Prometheus to read (text format 0.0.4).

use super::server::ReadServer;
use std::fmt::Write;

/// The media type of what [`text`] writes.
pub(crate) const TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All counters and gauges.
pub(crate) fn text(server: &ReadServer) -> String {
    let (view, mut out) = (&server.view, String::new());
    for (name, help, value) in view.stats.all() {
        match name.strip_suffix("_nanoseconds") {
            Some(of) => push_seconds(&mut out, (of, help), value),
            None => push(&mut out, (&format!("netlog_{name}_total"), help, "counter"), value),
        }
    }
    let stats = &view.stats;
    let open = stats.connections_opened.get().saturating_sub(stats.connections_closed.get());
    let tails = view.max_tails.saturating_sub(server.tails.available_permits()) as u64;
    let healthy = u64::from(view.progress.failing().is_none());
    for (name, help, value) in [
        ("netlog_connections", "Open connections of senders.", open),
        ("netlog_tails", "Running tails.", tails),
        (
            "netlog_senders",
            "Senders of netlog records whose marks are kept.",
            view.marks.lock().len() as u64,
        ),
        ("netlog_file_bytes", "Length of the active file.", view.progress.end().len),
        ("netlog_healthy", "1, or 0 while a sink fails.", healthy),
    ] {
        push(&mut out, (name, help, "gauge"), value);
    }
    let version = env!("CARGO_PKG_VERSION");
    let name = "netlog_build_info";
    let _ = writeln!(out, "# HELP {name} Version of the collector.\n# TYPE {name} gauge");
    let _ = writeln!(out, "{name}{{version=\"{version}\"}} 1");
    out
}

/// Times are in seconds, as everywhere in Prometheus.
fn push_seconds(out: &mut String, (of, help): (&str, &str), nanoseconds: u64) {
    let (name, seconds) = (format!("netlog_{of}_seconds_total"), nanoseconds as f64 / 1e9);
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {seconds:.6}");
}

fn push(out: &mut String, (name, help, kind): (&str, &str, &str), value: u64) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
}
