//! netlog beside console-subscriber (`--cfg tokio_unstable`), which takes tokio's own spans.

use console_subscriber::ConsoleLayer;
use netlog_layers::Collector;
use std::collections::BTreeSet;
use tracing::{Instrument, info, info_span};
use tracing_subscriber::layer::SubscriberExt;

async fn request(id: u32) {
    tokio::task::yield_now().await;
    info!("request {id}");
}

#[test]
fn requests_beside_the_console_have_their_own_spans_and_no_more() {
    let collector = Collector::start();
    let builder = netlog::builder(&collector.address).filter("info,tokio=off,runtime=off");
    let (layer, _guard) = builder.memory_spool(true).layer().expect("netlog starts");
    // Its server is not started: the layer works all the same.
    let (console, _server) = ConsoleLayer::builder().build();
    let subscriber = tracing_subscriber::registry().with(console).with(layer);
    tracing::subscriber::set_global_default(subscriber).expect("there is no other");
    let records = collector.records(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
        runtime.expect("tokio starts").block_on(async {
            let span = |id| info_span!("request", id);
            let start = |id| tokio::spawn(request(id).instrument(span(id)));
            for task in (0..100).map(start).collect::<Vec<_>>() {
                task.await.expect("no request panics");
            }
        });
    });
    let seen: BTreeSet<u64> = records
        .iter()
        .map(|record| {
            let id = record["spans"][0]["kv"]["id"].as_u64().expect("its request's span");
            assert_eq!(record["msg"], format!("request {id}"));
            assert_eq!(record["spans"].as_array().map(Vec::len), Some(1), "{record}");
            id
        })
        .collect();
    assert_eq!((records.len(), seen.len()), (100, 100));
}
