//! A web service whose requests are spans: what they log is found by one request, or by the trace
//! that the client names. It stops gracefully at Ctrl-C or SIGTERM.
//!
//! ```text
//! cargo run --example axum -- localhost:1902 127.0.0.1:3000
//! curl -H 'x-trace-id: 4bf92f3577b34da6' http://127.0.0.1:3000/orders/7
//! netlog tail --trace 4bf92f3577b34da6
//! ```

use axum::Router;
use axum::extract::{Path, Request};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::field::Empty;
use tracing::{Instrument, info, info_span, instrument, warn};

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "localhost:1902".into());
    let _guard = netlog::init(&address)?;
    let listen = args.next().unwrap_or_else(|| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(&listen).await?;
    info!("listening on http://{}", listener.local_addr()?);
    let service = Router::new().route("/orders/{id}", get(order));
    let service = service.layer(middleware::from_fn(in_a_span));
    axum::serve(listener, service).with_graceful_shutdown(asked_to_stop()).await?;
    info!("stopped");
    Ok(())
}

/// Handles a request in a span of its own.
async fn in_a_span(request: Request, next: Next) -> Response {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let id = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = request.uri().path();
    let span = info_span!("request", id, method = %request.method(), path, trace_id = Empty);
    let trace = request.headers().get("x-trace-id");
    if let Some(trace) = trace.and_then(|value| value.to_str().ok()) {
        span.record("trace_id", trace);
    }
    let respond = async {
        let response = next.run(request).await;
        info!(status = response.status().as_u16(), "done");
        response
    };
    respond.instrument(span).await
}

async fn order(Path(id): Path<u64>) -> Result<String, StatusCode> {
    let client = load(id).await.ok_or(StatusCode::NOT_FOUND)?;
    Ok(format!("order {id} of {client}\n"))
}

#[instrument]
async fn load(order: u64) -> Option<&'static str> {
    let client = order.is_multiple_of(7).then_some("acme");
    match client {
        Some(client) => info!(client, "loaded"),
        None => warn!("there is no such order"),
    }
    client
}

async fn asked_to_stop() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => signals.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated => {}
    }
}
