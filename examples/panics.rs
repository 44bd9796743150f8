//! A program that panics: the panic is the last record of its stream, with its place and thread.

fn main() -> Result<(), netlog::InitError> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "localhost:1902".into());
    let _guard = netlog::init(&address)?;
    log::info!("about to divide 7 by nothing");
    let nothing = std::env::args().len() as u32 / 1000;
    log::info!("the result is {}", 7_u32.checked_div(nothing).expect("a divisor that is not zero"));
    Ok(())
}
