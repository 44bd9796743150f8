//! Three servers of NATS that keep a stream together.

use crate::clients::jetstream::server::{NatsServer, copy};
use crate::harness::Port;
use async_nats::ConnectOptions;
use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{self, Context};
use rustix::process::Signal;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use tokio::runtime::Runtime;

const NODES: usize = 3;

/// Time for a cluster to answer a question: without a leader it does not.
const ANSWER: Duration = Duration::from_secs(3);

/// Servers that know each other.
pub(super) struct NatsCluster {
    pub(super) nodes: Vec<NatsServer>,
    /// Ports between them.
    _routes: Vec<Port>,
}

impl NatsCluster {
    pub(super) fn start(version: &str) -> Self {
        let routes: Vec<_> = (0..NODES).map(|_| Port::reserve()).collect();
        let url = |port: &Port| format!("nats://{}", port.address());
        let all = routes.iter().map(url).collect::<Vec<_>>().join(",");
        let node = |number: usize| {
            let mut node = NatsServer::prepare(version);
            let name = format!("n{number}");
            let own = url(&routes[number]);
            node.more =
                ["-n", &name, "--cluster_name", "netlog", "--cluster", &own, "--routes", &all]
                    .map(str::to_owned)
                    .to_vec();
            node.go_on();
            node
        };
        let nodes = (0..NODES).map(node).collect();
        Self { nodes, _routes: routes }
    }

    /// Addresses of all of them.
    pub(super) fn url(&self) -> String {
        let addresses: Vec<_> = self.nodes.iter().map(NatsServer::address).collect();
        format!("nats://{}", addresses.join(","))
    }

    /// Asks about the streams; `None` if there is no answer soon.
    pub(super) fn ask<T>(&self, question: impl AsyncFnOnce(Context) -> Option<T>) -> Option<T> {
        Runtime::new().expect("a runtime").block_on(async {
            let urls: Vec<_> = self.nodes.iter().map(NatsServer::url).collect();
            let options = ConnectOptions::new().connection_timeout(ANSWER);
            let options = options.request_timeout(Some(ANSWER)).ignore_discovered_servers();
            let mut context = jetstream::new(options.connect(urls).await.ok()?);
            context.set_timeout(ANSWER);
            question(context).await
        })
    }

    /// The same about the stream.
    pub(super) fn ask_stream<T>(
        &self,
        question: impl AsyncFnOnce(Stream) -> Option<T>,
    ) -> Option<T> {
        self.ask(async |context| question(context.get_stream("NETLOG").await.ok()?).await)
    }

    /// The server that leads the stream, if it is known.
    pub(super) fn leader(&self) -> Option<usize> {
        let name =
            self.ask_stream(async |stream| stream.cached_info().cluster.as_ref()?.leader.clone())?;
        name.strip_prefix('n')?.parse().ok().filter(|number| *number < NODES)
    }

    /// True if all have all of the stream.
    pub(super) fn is_whole(&self) -> bool {
        let whole = self.ask_stream(async |stream| {
            let replicas = &stream.cached_info().cluster.as_ref()?.replicas;
            let current = replicas.iter().filter(|peer| peer.current && !peer.offline).count();
            Some(current == NODES - 1)
        });
        whole == Some(true)
    }

    /// Starts those that do not run, and lets those go on that were stopped.
    pub(super) fn mend(&mut self) {
        (0..NODES).for_each(|number| self.wake(number));
    }

    /// The same with one of them.
    pub(super) fn wake(&mut self, number: usize) {
        let node = &mut self.nodes[number];
        match node.runs() {
            true => node.signal(Signal::CONT),
            false => node.go_on(),
        }
    }

    /// Kills one and starts it without all that it has stored.
    pub(super) fn wipe(&mut self, number: usize) {
        let node = &mut self.nodes[number];
        node.kill();
        fs::remove_dir_all(node.store()).expect("the store can be removed");
        node.go_on();
    }

    /// Has the first ones lose power: they start with `copies` of what they had stored.
    pub(super) fn go_back_to(&mut self, copies: &[PathBuf]) {
        self.nodes.iter_mut().take(copies.len()).for_each(NatsServer::kill);
        for (node, copied) in self.nodes.iter_mut().zip(copies) {
            node.go_back_to(copied);
        }
    }

    /// Copies what they have stored to `to`, all of it at one moment.
    pub(super) fn copy_stores(&self, to: &[PathBuf]) {
        self.nodes.iter().for_each(|node| node.signal(Signal::STOP));
        for (node, to) in self.nodes.iter().zip(to) {
            copy(&node.store(), to).expect("the store can be copied");
        }
        self.nodes.iter().for_each(|node| node.signal(Signal::CONT));
    }
}
