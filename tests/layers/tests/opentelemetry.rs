//! Trace ids of OpenTelemetry in records, with the SDK's own tracer.

use netlog_layers::{Collector, find};
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::thread;
use tracing::{Span, info, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt};

fn trace_of(span: &Span) -> String {
    span.context().span().span_context().trace_id().to_string()
}

/// Logs when its thread is ending and has no OpenTelemetry context any more.
struct LastWords;

impl Drop for LastWords {
    fn drop(&mut self) {
        log::info!("the last words of a thread");
    }
}

thread_local! {
    static LAST: LastWords = const { LastWords };
}

fn log(request: &Span) {
    info!("in no span");
    request.in_scope(|| {
        info_span!("query").in_scope(|| info!("in the request"));
        log::info!(us = 31; "through log");
        info!(trace_id = "4bf9", "with a trace of its own");
    });
    info!(parent: request, "names the request");
    info_span!("other").in_scope(|| info!("in another request"));
    info_span!("field", trace_id = "00f0").in_scope(|| info!("in a span with a trace"));
    let thread = thread::spawn(|| {
        LAST.with(|_| ());
        let entered = info_span!("thread").entered();
        info!("in a thread");
        std::mem::forget(entered);
    });
    thread.join().expect("it logs and ends");
}

/// Works beside tracing-opentelemetry, EnvFilter and fmt, whichever layer comes first.
#[test]
fn a_record_in_a_span_has_the_trace_of_opentelemetry() {
    let collector = Collector::start();
    let builder = netlog::builder(&collector.address).filter("info").memory_spool(true);
    let (layer, _guard) = builder.span_ends(true).layer().expect("netlog starts");
    let provider = SdkTracerProvider::builder().build();
    let tracer = provider.tracer("test");
    let text = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let subscriber = tracing_subscriber::registry()
        .with(layer)
        .with(tracing_opentelemetry::layer().with_tracer(tracer))
        .with(text.with_filter(EnvFilter::new("debug")));
    tracing::subscriber::set_global_default(subscriber).expect("there is no other");
    let request = info_span!("request", id = 7);
    let mut trace = String::new();
    let records = collector.records(|| {
        log(&request);
        trace = trace_of(&request);
        drop(request);
    });
    assert_eq!(trace.len(), 32);
    for msg in ["in the request", "through log", "names the request"] {
        assert_eq!(find(&records, msg)["trace"], trace, "{msg}");
    }
    assert_eq!(find(&records, "through log")["kv"]["us"], 31);
    let _ = find(&records, "the last words of a thread");
    assert_eq!(find(&records, "in no span").get("trace"), None);
    assert_eq!(find(&records, "with a trace of its own")["trace"], "4bf9");
    assert_eq!(find(&records, "in a span with a trace")["trace"], "00f0");
    let other = find(&records, "in another request")["trace"].as_str().expect("it has a trace");
    assert!(other.len() == 32 && other != trace);
    let ends = records.iter().filter(|record| record["msg"] == "close");
    let of_request = ends.filter(|end| end["spans"].as_array().is_some_and(|all| all.len() == 1));
    let traces: Vec<_> = of_request.map(|end| &end["trace"]).collect();
    assert!(traces.contains(&&trace.into()), "{traces:?}");
}
