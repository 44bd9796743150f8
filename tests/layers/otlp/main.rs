//! A program that logs through opentelemetry-otlp: http|json|grpc URL [COUNT].

use opentelemetry::KeyValue;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{
    Compression, LogExporter, Protocol, RetryPolicy, WithExportConfig, WithHttpConfig,
    WithTonicConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{BatchConfigBuilder, BatchLogProcessor, SdkLoggerProvider};
use std::error::Error;
use std::time::Duration;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};

/// Longest time for a batch, with all attempts.
const LONG: Duration = Duration::from_secs(60);

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [protocol, url, count @ ..] = &words[..] else {
        return Err("http|json|grpc URL [COUNT]".into());
    };
    let runtime = tokio::runtime::Runtime::new()?;
    let exporter = match &protocol[..] {
        "grpc" => {
            let _entered = runtime.enter();
            let grpc = LogExporter::builder().with_tonic().with_endpoint(url).with_timeout(LONG);
            grpc.with_compression(Compression::Gzip).with_retry_policy(often()).build()?
        }
        protocol => {
            let http = LogExporter::builder().with_http().with_timeout(LONG);
            let http = http.with_protocol(match protocol {
                "json" => Protocol::HttpJson,
                _ => Protocol::HttpBinary,
            });
            let http = http.with_endpoint(format!("{url}/v1/logs"));
            http.with_compression(Compression::Gzip).with_retry_policy(often()).build()?
        }
    };
    let batches = BatchConfigBuilder::default()
        .with_scheduled_delay(Duration::from_millis(50))
        .with_max_export_batch_size(20);
    let batches = BatchLogProcessor::builder(exporter).with_batch_config(batches.build()).build();
    let resource = Resource::builder_empty().with_service_name("orders");
    let resource = resource.with_attribute(KeyValue::new("host.name", "web1"));
    let provider = SdkLoggerProvider::builder()
        .with_resource(resource.build())
        .with_log_processor(batches)
        .build();
    // Not what the exporter says of itself.
    let own = Targets::new().with_target(env!("CARGO_CRATE_NAME"), LevelFilter::INFO);
    let bridge = OpenTelemetryTracingBridge::new(&provider).with_filter(own);
    let failures = Targets::new().with_target("opentelemetry", LevelFilter::ERROR);
    let stderr = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let subscriber = tracing_subscriber::registry().with(bridge).with(stderr.with_filter(failures));
    tracing::subscriber::set_global_default(subscriber)?;
    log(count.first().map(|count| count.parse()).transpose()?);
    Ok(provider.shutdown_with_timeout(LONG)?)
}

/// Retries for as long as a collector is away.
fn often() -> RetryPolicy {
    RetryPolicy::recommended().with_max_retries(1000)
}

fn log(count: Option<u32>) {
    let Some(count) = count else {
        tracing::warn!(client = "acme", "order 7 is late");
        return tracing::warn!(client = "acme", "order 8 is late");
    };
    for number in 1..=count {
        tracing::warn!("thread 1 number {number}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
