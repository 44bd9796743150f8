//! Lines for people: run `nc -lk 1902` in another terminal and read them there.

use netlog::Format;

fn main() -> Result<(), netlog::InitError> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "localhost:1902".into());
    let _guard = netlog::builder(&address).format(Format::Text).init()?;
    log::info!("hello, netcat");
    log::warn!(client = "acme", retries = 3; "order {} is late", 7);
    Ok(())
}
