use std::collections::{BTreeSet, HashMap, HashSet};

use alephd_message::{Content, content::Body};
use alephd_signature::verify;
use proptest::{strategy::ValueTree, test_runner::TestRunner};

use super::*;

fn samples(count: usize) -> Vec<Vec<Envelope>> {
    let mut runner = TestRunner::deterministic();
    (0..count)
        .map(|_| arb_scenario().new_tree(&mut runner).unwrap().current())
        .collect()
}

fn content(envelope: &Envelope) -> Content {
    let text = envelope.item_content.as_deref().unwrap();
    Content::parse(envelope.message_type, text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn messages_are_well_formed_and_only_forged_ones_fail() {
    for scenario in samples(50) {
        for envelope in &scenario {
            content(envelope);
            let wire = crate::builder::wire(envelope);
            assert_eq!(&Envelope::parse(wire.as_bytes()).unwrap(), envelope);
            if verify(envelope).is_err() {
                let has_honest_copy = scenario
                    .iter()
                    .any(|other| other.item_hash == envelope.item_hash && verify(other).is_ok());
                assert!(has_honest_copy, "{envelope:?}");
            }
        }
    }
}

/// Everything that the documentation promises occurs within a few hundred scenarios.
#[test]
fn every_conflict_occurs() {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for scenario in samples(300) {
        let by_hash: HashMap<String, &Envelope> = scenario
            .iter()
            .map(|envelope| (envelope.item_hash.to_string(), envelope))
            .collect();
        let mut times = HashSet::new();
        for (index, envelope) in scenario.iter().enumerate() {
            let content = content(envelope);
            seen.insert(envelope.message_type.as_str());
            if envelope.sender != content.address {
                let is_same = envelope.sender.eq_ignore_ascii_case(&content.address);
                seen.insert(if is_same {
                    "owner in lower case"
                } else {
                    "delegate"
                });
            }
            if !times.insert(content.time.to_bits()) {
                seen.insert("equal times");
            }
            if verify(envelope).is_err() {
                seen.insert("forged");
            }
            for other in &scenario[..index] {
                if other.item_hash != envelope.item_hash {
                    continue;
                }
                for (differs, name) in [
                    (other.time != envelope.time, "copy with other time"),
                    (other.channel != envelope.channel, "copy with other channel"),
                    (other.signature != envelope.signature, "copy with other signature"),
                    (other.sender != envelope.sender, "copy by another sender"),
                    (other == envelope, "same copy"),
                ] {
                    if differs {
                        seen.insert(name);
                    }
                }
            }
            match &content.body {
                Body::Post(post) if post.is_amend() => {
                    let target = post.reference.as_ref().and_then(|hash| by_hash.get(hash));
                    let target = target.map(|envelope| self::content(envelope));
                    seen.insert(match target {
                        None => "amend of nothing",
                        Some(target) if target.content_type() == Some("amend") => "amend of an amend",
                        Some(target) if target.time > content.time => "amend before its target",
                        Some(target) if target.address != content.address => "amend of another's",
                        Some(_) => "amend",
                    });
                }
                Body::Post(post) => {
                    seen.insert(match post.post_type.as_str() {
                        "balances-update" => "balances",
                        "aleph_credit_distribution" => "distribution",
                        "aleph_credit_transfer" => "transfer",
                        "aleph_credit_expense" => "expense",
                        _ => "post",
                    });
                }
                Body::Aggregate(aggregate) if aggregate.key == "security" => {
                    let revokes = aggregate.fields.iter().any(|(_, value)| value.get() == "[]");
                    seen.insert(if revokes { "revocation" } else { "grant" });
                }
                Body::Store(store) => {
                    seen.insert(match &store.reference {
                        None => "file",
                        Some(label) if label.len() == 1 => "labelled file",
                        Some(_) => "revision",
                    });
                }
                Body::Forget(forget) => {
                    if forget.hashes.len() > 1 {
                        seen.insert("forget of several");
                    }
                    for hash in &forget.hashes {
                        let target = by_hash
                            .get(&hash.to_string())
                            .map(|envelope| self::content(envelope));
                        seen.insert(match &target {
                            None => "forget of nothing",
                            Some(target) if target.content_key() == Some("security") => "forget of a grant",
                            Some(target) if target.machine().is_some() => "forget of a machine",
                            Some(target) if matches!(target.body, Body::Forget(_)) => "forget of a forget",
                            Some(target) if matches!(target.body, Body::Store(_)) => "forget of a file",
                            Some(target) if target.time > content.time => "forget before its target",
                            Some(_) => "forget after its target",
                        });
                    }
                }
                _ => {}
            }
        }
    }
    let expected: BTreeSet<&str> = [
        "POST",
        "AGGREGATE",
        "STORE",
        "PROGRAM",
        "INSTANCE",
        "FORGET",
        "V-PROGRAM",
        "owner in lower case",
        "delegate",
        "equal times",
        "forged",
        "copy with other time",
        "copy with other channel",
        "copy with other signature",
        "copy by another sender",
        "same copy",
        "amend of nothing",
        "amend of an amend",
        "amend before its target",
        "amend of another's",
        "amend",
        "balances",
        "distribution",
        "transfer",
        "expense",
        "post",
        "revocation",
        "grant",
        "file",
        "labelled file",
        "revision",
        "forget of several",
        "forget of nothing",
        "forget of a grant",
        "forget of a machine",
        "forget of a forget",
        "forget of a file",
        "forget before its target",
        "forget after its target",
    ]
    .into();
    assert_eq!(seen, expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_shuffle_has_the_same_messages((made, other) in order::arb_shuffled(arb_scenario())) {
        let names = |messages: &[Envelope]| {
            let mut names: Vec<_> = messages.iter().map(|envelope| format!("{envelope:?}")).collect();
            names.sort();
            names
        };
        prop_assert_eq!(names(&made), names(&other));
    }
}
