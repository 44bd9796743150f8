//! Many threads log at once; each thread's records arrive in the order in which it logged them.

use std::thread;

fn main() -> Result<(), netlog::InitError> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "localhost:1902".into());
    let _guard = netlog::init(&address)?;
    thread::scope(|scope| {
        for name in ["alice", "bob", "carol", "dave"] {
            let thread = thread::Builder::new().name(name.into());
            let counts = || (1..=25).for_each(|n| log::info!(n; "{n} of 25"));
            thread.spawn_scoped(scope, counts).expect("the system gives us a thread");
        }
    });
    Ok(())
}
