//! The configuration of a stream: as it is made, and as it must not be.

use super::options::NatsOptions;
use super::target::NatsTarget;
use async_nats::jetstream::stream::{
    Config, DiscardPolicy, PersistenceMode, RetentionPolicy, StorageType,
};

/// The stream that is made if there is none.
pub(super) fn config(target: &NatsTarget, options: &NatsOptions) -> Config {
    Config {
        name: target.stream.clone(),
        description: Some("records of netlog".into()),
        subjects: vec![format!("{}.>", target.prefix())],
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        num_replicas: options.nats_replicas.into(),
        max_age: options.nats_max_age.0,
        max_bytes: i64::try_from(options.nats_max_bytes.0).unwrap_or(i64::MAX),
        deny_delete: true,
        deny_purge: true,
        ..Config::default()
    }
}

/// Refuses a stream that would lose records, or in which they would not be found.
pub(super) fn check(config: &Config, target: &NatsTarget) -> Result<(), String> {
    let expected = format!("{}.>", target.prefix());
    let covers = |subject: &String| *subject == expected || subject == ">";
    let faults = [
        (config.storage == StorageType::Memory, "it is kept in memory".to_owned()),
        (
            matches!(config.persist_mode, Some(PersistenceMode::Async)),
            "its persist_mode is async".to_owned(),
        ),
        (config.retention != RetentionPolicy::Limits, "its retention is not limits".to_owned()),
        (config.no_ack, "it acknowledges nothing".to_owned()),
        (config.sealed, "it is sealed".to_owned()),
        (
            config.max_messages_per_subject > 0,
            "it limits the messages of a subject (max_msgs_per_subject)".to_owned(),
        ),
        (config.mirror.is_some(), "it is a mirror".to_owned()),
        (config.subject_transform.is_some(), "it transforms subjects".to_owned()),
        (!config.subjects.iter().any(covers), format!("its subjects are not {expected}")),
    ];
    let faults: Vec<_> =
        faults.into_iter().filter(|(found, _)| *found).map(|(_, words)| words).collect();
    match faults.is_empty() {
        true => Ok(()),
        false => Err(format!("stream {} cannot be used: {}", target.stream, faults.join("; "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The collector reads the configuration of the stream and refuses one that would lose records.
    #[test]
    fn a_stream_that_would_lose_records_is_refused() {
        let target: NatsTarget = "nats://a".parse().unwrap();
        let made = config(&target, &NatsOptions::default());
        assert_eq!(check(&made, &target), Ok(()));
        let refused = |change: fn(&mut Config)| {
            let mut changed = made.clone();
            change(&mut changed);
            check(&changed, &target).unwrap_err()
        };
        for words in [
            refused(|config| config.storage = StorageType::Memory),
            refused(|config| config.persist_mode = Some(PersistenceMode::Async)),
            refused(|config| config.retention = RetentionPolicy::WorkQueue),
            refused(|config| config.no_ack = true),
            refused(|config| config.sealed = true),
            refused(|config| config.max_messages_per_subject = 1),
            refused(|config| config.subjects = vec!["orders.>".into()]),
        ] {
            assert!(words.starts_with("stream NETLOG cannot be used: it"), "{words}");
            assert!(!words.contains("; "), "{words}");
        }
    }
}
