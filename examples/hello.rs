//! The program of the README: one line makes everything that is logged reach the collector.

fn main() -> Result<(), netlog::InitError> {
    let _guard = netlog::init("localhost:1902")?;
    log::info!("hello, world");
    log::warn!(client = "acme", retries = 3; "order {} is late", 7);
    Ok(())
}
