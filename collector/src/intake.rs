//! The intakes: sockets that bytes come in by, and the connections on them.

mod accept;
mod address;
mod body_budget;
mod connection;
mod connection_limits;
mod datagram_socket;
mod datagrams;
mod endpoint;
mod forward;
mod frames;
mod gzip_members;
mod half_lines;
mod heavy_bodies;
mod http;
mod kernel_drops;
mod limits;
mod listener_format;
mod lumberjack;
mod message_buffer;
mod opening;
mod proxy_header;
mod recent_chunks;
mod refusals;
mod relay;
mod relay_source;
mod relayed_batch;
mod relp;
mod sequence_gaps;
mod shared;
mod socket_activation;
mod socket_file;
mod stream;
mod stream_reader;
mod submitter;
mod timeouts;
mod unpack;
mod unpack_room;

use accept::ListenerSettings;
use datagram_socket::DatagramSocket;
use listener_format::ListenerFormat;
use std::io;
use stream::StreamListener;
use tokio::net::{TcpListener, UdpSocket, UnixDatagram, UnixListener};
use tokio::task::JoinSet;

pub use address::Address;
pub(crate) use address::{BoundSocket, Transport};
pub(crate) use connection_limits::{ConnectionLimits, address_block};
pub use endpoint::{Endpoint, UnknownEndpoint};
pub(crate) use limits::{IN_FLIGHT_RANGE, IntakeLimits, LEAST_LINE, MOST_BODY, WantedLimits};
pub use proxy_header::{InvalidRange, ProxyRange};
pub use relay_source::{RelaySource, UnknownRelaySource};
pub(crate) use shared::{DRAIN, GIVE_UP, IntakeContext};
pub(crate) use socket_activation::any as sockets_were_passed;
pub(crate) use stream_reader::StreamReader;
pub(crate) use timeouts::Timeouts;

/// Serves all sockets, each with a task of its own.
///
/// # Errors
///
/// When the system refuses to watch a socket.
pub(crate) fn start(sockets: Vec<BoundSocket>, shared: &IntakeContext) -> io::Result<JoinSet<()>> {
    let mut intakes = JoinSet::new();
    for socket in sockets {
        serve(socket, shared, &mut intakes)?;
    }
    Ok(intakes)
}

fn serve(bound: BoundSocket, shared: &IntakeContext, intakes: &mut JoinSet<()>) -> io::Result<()> {
    let BoundSocket { address, socket, format, proxy, passed, file } = bound;
    let shared = shared.clone();
    let settings = ListenerSettings { format, proxy, passed };
    match address.transport {
        Transport::Tcp => {
            let listener = StreamListener::Tcp(TcpListener::from_std(socket.into())?);
            intakes.spawn(accept::run(listener, settings, shared));
        }
        Transport::Http => {
            let listener = StreamListener::Tcp(TcpListener::from_std(socket.into())?);
            let settings = ListenerSettings { format: ListenerFormat::Http, ..settings };
            intakes.spawn(accept::run(listener, settings, shared));
        }
        Transport::Tls => {
            let listener = StreamListener::Tls(TcpListener::from_std(socket.into())?);
            intakes.spawn(accept::run(listener, settings, shared));
        }
        Transport::Unix => {
            let listener = StreamListener::Unix(UnixListener::from_std(socket.into())?, file);
            intakes.spawn(accept::run(listener, settings, shared));
        }
        Transport::Udp => {
            let socket = DatagramSocket::Udp(UdpSocket::from_std(socket.into())?);
            intakes.spawn(datagrams::run(socket, settings.format.pin(), shared));
        }
        Transport::Unixgram => {
            let socket = DatagramSocket::Unix(UnixDatagram::from_std(socket.into())?, file);
            intakes.spawn(datagrams::run(socket, settings.format.pin(), shared));
        }
    }
    Ok(())
}
