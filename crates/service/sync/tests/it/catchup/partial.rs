//! Nodes that keep a part of the messages.

use std::collections::BTreeSet;

use alephd_message::Envelope;
use alephd_pipeline::Keep;
use alephd_rules::{Interest, MessageStatus, Support};
use alephd_testkit::{builder, keys};
use proptest::prelude::*;
use serde_json::json;

use super::site::{Site, catch_up_within};

const CHANNELS: [&str; 3] = ["a", "b", "c"];
const OWNERS: [&str; 3] = ["alice", "bob", "carol"];

fn messages() -> Vec<Envelope> {
    let mut messages = Vec::new();
    for (number, (channel, owner)) in CHANNELS
        .iter()
        .flat_map(|channel| OWNERS.map(|owner| (*channel, owner)))
        .enumerate()
    {
        let (key, time) = (keys::evm(owner), 1_700_000_000.0 + number as f64);
        let post = builder::post(&key, "chat", json!({"number": number}));
        let aggregate = builder::aggregate(&key, "profile", json!({"number": number}));
        let grants = builder::aggregate(&key, "security", json!({"authorizations": [], "number": number}));
        for draft in [post, aggregate, grants] {
            messages.push(draft.at(time).channel(channel).seal());
        }
    }
    messages
}

/// By hand, not by the code under test.
fn is_kept(interest: &Interest, message: &Envelope) -> bool {
    let text = message.item_content.as_deref().unwrap();
    let named = |names: &BTreeSet<String>, name: &str| names.is_empty() || names.contains(name);
    text.contains("\"security\"")
        || (named(&interest.channels, message.channel.as_deref().unwrap())
            && named(&interest.addresses, &message.sender)
            && named(&interest.types, message.message_type.as_str()))
}

fn any_interest() -> impl Strategy<Value = Interest> {
    let channels = prop::collection::btree_set(prop::sample::select(&CHANNELS[..]), 0..3);
    let owners = prop::collection::btree_set(prop::sample::select(&OWNERS[..]), 0..3);
    let types = prop::collection::btree_set(prop::sample::select(&["POST", "AGGREGATE"][..]), 0..2);
    (channels, owners, types).prop_map(|(channels, owners, types)| Interest {
        channels: channels.into_iter().map(str::to_owned).collect(),
        addresses: owners
            .into_iter()
            .map(|owner| keys::evm(owner).address().to_owned())
            .collect(),
        types: types.into_iter().map(str::to_owned).collect(),
    })
}

async fn check(left: Interest, right: Interest, known_left: &[bool]) {
    let keeping = |interest: &Interest| {
        let keep = Keep {
            interest: interest.clone(),
            support: Support::default(),
        };
        Site::keeping((!interest.is_everything()).then_some(keep))
    };
    let (one, two) = (keeping(&left), keeping(&right));
    let messages = messages();
    for (message, is_left) in messages.iter().zip(known_left.iter().cycle()) {
        let site = if *is_left { &one } else { &two };
        site.submit(message).await;
    }
    let (of_one, of_two) = ((&one, &left), (&two, &right));
    let ((first, ours), (_, theirs)) = catch_up_within(of_one, of_two).await;
    assert!(ours.is_ok() && theirs.is_ok(), "{ours:?} {theirs:?}");
    for message in &messages {
        let was_known = |interest: &Interest, is_here: bool| is_here && is_kept(interest, message);
        let at = messages.iter().position(|other| other == message).unwrap();
        let is_left = known_left[at % known_left.len()];
        let sources = was_known(&left, is_left) || was_known(&right, !is_left);
        for (site, interest) in [(&one, &left), (&two, &right)] {
            let expected = (sources && is_kept(interest, message)).then_some(MessageStatus::Processed);
            assert_eq!(
                site.status(&message.item_hash),
                expected,
                "{interest:?} {message:?}"
            );
        }
    }
    let ((second, _), _) = catch_up_within(of_one, of_two).await;
    assert_eq!((second.received, second.sent), (0, 0), "after {first:?}");
}

#[test]
fn two_nodes_exchange_what_both_keep_and_nothing_else() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let config = ProptestConfig {
        cases: 12,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let inputs = (
        any_interest(),
        any_interest(),
        prop::collection::vec(any::<bool>(), 1..9),
    );
    proptest!(config, |((left, right, known_left) in inputs)| {
        runtime.block_on(check(left, right, &known_left));
    });
}
