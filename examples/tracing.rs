//! Events of `tracing`, each with the spans around it, and a `log` record among them.

use tracing::{info, info_span, instrument, warn};

fn main() -> Result<(), netlog::InitError> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "localhost:1902".into());
    let _guard = netlog::init(&address)?;
    info!("hello, tracing");
    for id in 1..=2 {
        let request = info_span!("request", id, status = tracing::field::Empty);
        let _entered = request.enter();
        load("orders");
        request.record("status", 200);
        info!("done");
    }
    Ok(())
}

#[instrument]
fn load(table: &str) {
    warn!(ms = 812, "slow query");
    log::info!(rows = 3; "from a library that uses log");
}
