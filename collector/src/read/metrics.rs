//! `GET /metrics`: every counter, for Prometheus to read (text format 0.0.4).

use super::read_context::ReadContext;
use std::fmt::{Display, Write};

/// The media type of what [`text`] writes.
pub(crate) const TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All counters and gauges.
pub(crate) fn text(server: &ReadContext) -> String {
    let view = &server.view;
    let mut out = String::new();
    for (name, help, value) in view.stats.all() {
        match name.strip_suffix("_nanoseconds") {
            // Times are in seconds, as everywhere in Prometheus.
            Some(of) => {
                let seconds = format!("{:.6}", value as f64 / 1e9);
                push(&mut out, &format!("{of}_seconds_total"), help, seconds);
            }
            None => push(&mut out, &format!("{name}_total"), help, value),
        }
    }
    let stats = &view.stats;
    let open = stats.connections_opened.get().saturating_sub(stats.connections_closed.get());
    let tails = view.max_tails.saturating_sub(server.tails.available_permits()) as u64;
    let marks = view.marks.lock();
    let senders = marks.len() as u64;
    let marks_bytes = marks.bytes();
    drop(marks);
    push(&mut out, "connections", "Open connections of senders.", open);
    push(&mut out, "tails", "Running tails.", tails);
    push(&mut out, "senders", "Senders of netlog records whose marks are kept.", senders);
    let help = "Memory charged for these, at most `--max-marks-memory`.";
    push(&mut out, "marks_bytes", help, marks_bytes);
    push(&mut out, "file_bytes", "Length of the active file.", view.progress.end().len);
    if let Some(archive) = &view.archive {
        let help = "Rotated files that wait to be archived.";
        push(&mut out, "segments_to_archive", help, archive.waiting());
    }
    let healthy = u64::from(view.progress.failing().is_none());
    push(&mut out, "healthy", "1, or 0 while a sink fails.", healthy);
    if let Some(forward) = &view.status.forward {
        let connected = u64::from(forward.link.report().connected);
        push(&mut out, "forward_connected", "1 while connected to `--forward-to`.", connected);
    }
    if let Some(reader) = &view.status.reader {
        let connected = u64::from(reader.link.report().connected);
        push(
            &mut out,
            "stream_connected",
            "1 while connected to the stream of `--from`.",
            connected,
        );
        let help = "Messages of the stream of `--from` that are not read yet.";
        push(&mut out, "stream_messages_waiting", help, reader.lag.waiting());
    }
    if let Some(tls) = &view.tls {
        let help = "Time until the certificate expires; 0 once it has.";
        push(&mut out, "tls_cert_expiry_seconds", help, tls.left().as_secs());
    }
    let name = "netlog_build_info";
    let _ = writeln!(out, "# HELP {name} Version of the collector.\n# TYPE {name} gauge");
    let _ = writeln!(out, "{name}{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
    out
}

fn push(out: &mut String, name: &str, help: &str, value: impl Display) {
    let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
    let _ = writeln!(
        out,
        "# HELP netlog_{name} {help}\n# TYPE netlog_{name} {kind}\nnetlog_{name} {value}"
    );
}
