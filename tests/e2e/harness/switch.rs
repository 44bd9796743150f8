//! A way to several collectors: each new connection goes to the next of them.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Takes connections and passes them on, until it is dropped.
pub(crate) struct Switch {
    address: SocketAddr,
    open: Arc<OpenConnections>,
}

/// Connections that can be cut.
#[derive(Default)]
struct OpenConnections {
    streams: Mutex<Vec<TcpStream>>,
    ended: AtomicBool,
}

impl Switch {
    /// A way to `targets`, in turn.
    pub(crate) fn start(targets: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let open = Arc::<OpenConnections>::default();
        let ours = Arc::clone(&open);
        thread::spawn(move || {
            for (near, to) in listener.incoming().flatten().zip(targets.iter().cycle()) {
                if ours.ended.load(Ordering::Relaxed) {
                    return;
                }
                // A connection to one that is away is closed, so that the next one is tried.
                if let Ok(far) = TcpStream::connect_timeout(to, Duration::from_secs(1)) {
                    ours.join(near, far);
                }
            }
        });
        Self { address, open }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Cuts all connections, so that the next ones lead to another place.
    pub(crate) fn cut(&self) {
        for stream in self.open.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.open.ended.store(true, Ordering::Relaxed);
        self.cut();
        // The listening thread waits for a connection.
        let _ = TcpStream::connect(self.address);
    }
}

impl OpenConnections {
    fn join(&self, near: TcpStream, far: TcpStream) {
        let clone = |stream: &TcpStream| stream.try_clone().expect("descriptors are left");
        self.streams.lock().unwrap().extend([clone(&near), clone(&far)]);
        for (mut from, mut to) in [(clone(&near), clone(&far)), (far, near)] {
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
        }
    }
}
