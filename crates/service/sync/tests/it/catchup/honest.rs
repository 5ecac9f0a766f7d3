//! Two nodes that were apart.

use alephd_message::Envelope;
use alephd_rules::MessageStatus;
use alephd_testkit::{
    builder::{aggregate, amend, forget, post, store},
    keys,
    rng::Rng,
    scenario,
    workload::{self, Accounts, Workload},
};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::json;

use super::site::{Site, catch_up, conduct, settle};

#[tokio::test(flavor = "multi_thread")]
async fn disjoint_writes_end_in_one_state() {
    let (left, right) = (Site::new(), Site::new());
    let (alice, bob) = (keys::evm("alice"), keys::evm("bob"));
    let original = post(&alice, "chat", json!({"body": "hello"}))
        .at(1_700_000_000.0)
        .seal();
    let amended = amend(&alice, &original.item_hash, json!({"body": "hallo"}))
        .at(1_700_000_100.0)
        .seal();
    let (as_file, text) = post(&bob, "chat", json!({"body": "x".repeat(5_000)}))
        .at(1_700_000_050.0)
        .seal_as_file();
    for site in [&left, &right] {
        assert_eq!(site.submit(&original).await, MessageStatus::Processed);
    }
    assert_eq!(left.submit(&amended).await, MessageStatus::Processed);
    right.add_file(text.as_bytes()).await;
    assert_eq!(right.submit(&as_file).await, MessageStatus::Processed);
    for number in 0..40 {
        let element = aggregate(&bob, "k", json!({ format!("f{}", number % 7): number }));
        let element = element.at(1_700_000_200.0 + f64::from(number)).seal();
        let site = if number % 3 == 0 { &left } else { &right };
        assert_eq!(site.submit(&element).await, MessageStatus::Processed);
    }
    assert_ne!(left.root(), right.root());

    let ((ours, result), (theirs, other)) = catch_up(&left, &right, &conduct(false)).await;
    result.unwrap();
    other.unwrap();
    assert_eq!((ours.sent, ours.received), (1 + 14, 1 + 26));
    assert_eq!((theirs.sent, theirs.received), (ours.received, ours.sent));
    assert_eq!(
        (ours.bytes_sent, ours.bytes_received),
        (theirs.bytes_received, theirs.bytes_sent)
    );
    assert_eq!(left.root(), right.root());
    assert_eq!(
        left.status(&as_file.item_hash),
        Some(MessageStatus::Processed),
        "with its content"
    );

    let ((again, _), _) = catch_up(&right, &left, &conduct(false)).await;
    assert_eq!((again.sent, again.received, again.rounds), (0, 0, 1));
    assert!(again.bytes() < 4_096, "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_forgotten_does_not_return_and_is_forgotten_elsewhere() {
    let (left, right, fresh) = (Site::new(), Site::new(), Site::new());
    let alice = keys::evm("alice");
    let posts: Vec<Envelope> = (0..4)
        .map(|number| {
            post(&alice, "t", json!({"n": number}))
                .at(1_700_000_000.0 + f64::from(number))
                .seal()
        })
        .collect();
    for message in &posts {
        left.submit(message).await;
        right.submit(message).await;
    }
    let forgotten = forget(&alice, &[posts[1].item_hash.clone(), posts[2].item_hash.clone()]);
    let forgotten = forgotten.at(1_700_000_900.0).seal();
    assert_eq!(left.submit(&forgotten).await, MessageStatus::Processed);
    assert_eq!(left.status(&posts[1].item_hash), Some(MessageStatus::Forgotten));

    let ((report, result), _) = catch_up(&right, &left, &conduct(false)).await;
    result.unwrap();
    assert_eq!(
        (report.sent, report.received),
        (0, 1),
        "only the FORGET: the tombstone is known"
    );
    assert_eq!(right.status(&posts[1].item_hash), Some(MessageStatus::Forgotten));
    assert_eq!(left.root(), right.root());

    // One that was not there gets the tombstones, before the FORGET by their time.
    let ((report, result), _) = catch_up(&fresh, &left, &conduct(false)).await;
    result.unwrap();
    assert_eq!((report.received, report.tombstones), (5, 2));
    assert_eq!(fresh.status(&posts[2].item_hash), Some(MessageStatus::Forgotten));
    assert_eq!(fresh.root(), left.root());
    let ((again, _), _) = catch_up(&fresh, &right, &conduct(false)).await;
    assert_eq!((again.sent, again.received), (0, 0), "nothing forgotten returns");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_stays_where_it_is() {
    let (left, right) = (Site::new(), Site::new());
    let (alice, eve) = (keys::evm("alice"), keys::evm("eve"));
    let stolen = post(&eve, "t", json!({})).on_behalf_of(alice.address()).seal();
    assert_eq!(left.submit(&stolen).await, MessageStatus::Rejected);
    let waiting = store(&alice, &alephd_testkit::sha256(b"nobody has this")).seal();
    assert_eq!(left.submit(&waiting).await, MessageStatus::Pending);
    let ((report, result), _) = catch_up(&left, &right, &conduct(false)).await;
    result.unwrap();
    assert_eq!(report.sent, 1, "what waits is told, what is refused is not");
    assert_eq!(right.status(&stolen.item_hash), None);
    assert_eq!(right.status(&waiting.item_hash), Some(MessageStatus::Pending));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_node_gets_everything_through_many_sessions() {
    let (full, fresh) = (Site::new(), Site::new());
    for bytes in workload::files() {
        full.add_file(&bytes).await;
        fresh.add_file(&bytes).await;
    }
    let config = workload::Config {
        senders: 40,
        ..workload::Config::new(7, 700)
    };
    let accounts = Accounts::new(&config);
    for unsigned in Workload::new(&accounts, &config) {
        full.submit(&unsigned.sign()).await;
    }
    let mut limited = conduct(false);
    limited.settings.limits.records = 150;
    let mut received = 0;
    for session in 0..8 {
        let ((report, result), _) = catch_up(&fresh, &full, &limited).await;
        result.unwrap();
        received += report.received;
        assert!(report.received <= 150);
        if !report.more {
            assert!(session >= 4, "{session} sessions");
            break;
        }
    }
    assert!(received >= 650, "{received}");
    assert_eq!(fresh.root(), full.root());
}

#[test]
fn scenarios_split_in_any_way_end_in_one_state() {
    // The hardest messages there are, some here, some there, some on both sides.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let config = ProptestConfig {
        cases: 16,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let strategy = (scenario::arb_scenario(), any::<u64>());
    let outcome = TestRunner::new(config).run(&strategy, |(messages, seed)| {
        runtime.block_on(async {
            let (left, right) = (Site::new(), Site::new());
            for bytes in scenario::files() {
                left.add_file(bytes).await;
                right.add_file(bytes).await;
            }
            // Copies of one message stay together: the copies of what both know are no difference.
            let mut rng = Rng::new(seed);
            let mut sides = std::collections::HashMap::new();
            for message in &messages {
                let side = *sides
                    .entry(message.item_hash.clone())
                    .or_insert_with(|| rng.below(3));
                if side != 1 {
                    left.submit(message).await;
                }
                if side != 0 {
                    right.submit(message).await;
                }
            }
            settle(&left, &right, &conduct(true)).await;
            assert_eq!(left.root(), right.root());
        });
        Ok(())
    });
    outcome.unwrap();
}
