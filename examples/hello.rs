//! The program of the README: one line makes everything that is logged reach the collector.

fn main() -> Result<(), netlog::InitError> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "localhost:1902".into());
    let _guard = netlog::init(&address)?;
    log::info!("hello, world");
    log::warn!(client = "acme", retries = 3; "order {} is late", 7);
    Ok(())
}
