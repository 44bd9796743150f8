//! One record a datagram, with no acks: for a collector that listens with `--listen udp://…`.

fn main() -> Result<(), netlog::InitError> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "udp://localhost:1902".into());
    let _guard = netlog::init(&address)?;
    log::info!("hello, whoever is there");
    log::warn!(client = "acme", retries = 3; "order {} is late", 7);
    Ok(())
}
