//! The collector on real sockets and files: one program, so that it is linked once.

mod ack_both;
mod bench;
mod clients;
mod daemon;
mod earlier;
mod formats;
mod intake;
mod keeping;
mod old_files;
mod power_cut;
mod proxied;
mod relay;
mod relay_slow;
mod relay_tls;
mod templates;
mod tls;
mod tls_files;
mod tls_handshakes;
