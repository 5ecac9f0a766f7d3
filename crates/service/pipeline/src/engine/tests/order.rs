//! The law of the engine: the state depends on the set of messages, not on their arrival.

use alephd_rules::Trusted;
use alephd_testkit::{keys, scenario};
use proptest::prelude::*;

use super::*;

pub(super) fn config() -> EngineConfig {
    let funder = keys::funder().address().to_owned();
    EngineConfig {
        trusted: Trusted {
            balance_oracles: vec![funder.clone()],
            balance_post_type: "balances-update".into(),
            credit_oracles: vec![funder],
            credit_channels: vec!["ALEPH_CREDIT".into()],
        },
        ..EngineConfig::default()
    }
}

/// The root and the statuses after taking in `messages`; files come before the message whose
/// index their own is.
fn state_after(messages: &[Envelope], restart_every: usize) -> (String, Vec<(String, MessageStatus)>) {
    let mut fixture = Fixture::with(config());
    for (index, message) in messages.iter().enumerate() {
        if let Some(file) = scenario::files().get(index) {
            fixture.file(file);
        }
        if index % restart_every == restart_every - 1 {
            fixture = fixture.restart();
        }
        fixture.take(message);
    }
    for file in scenario::files() {
        fixture.file(file);
    }
    let mut sorted = messages.to_vec();
    sorted.sort_by(|a, b| a.item_hash.cmp(&b.item_hash));
    sorted.dedup_by(|a, b| a.item_hash == b.item_hash);
    let named = |message: &Envelope| (short(message), fixture.status(message));
    let statuses = sorted.iter().map(named).collect();
    (fixture.root(), statuses)
}

/// Statuses that two nodes must agree on: pending and rejected are the same fact at two times.
fn comparable(statuses: &[(String, MessageStatus)]) -> Vec<(String, Option<MessageStatus>)> {
    let fact = |status: MessageStatus| Some(status).filter(|status| !matches!(status, Pending | Rejected));
    statuses
        .iter()
        .map(|(name, status)| (name.clone(), fact(*status)))
        .collect()
}

/// Enough of the name to find a message in a story.
fn short(message: &Envelope) -> String {
    message.item_hash.to_string()[..6].to_owned()
}

/// A counterexample that can be read: both orders, one message a line.
fn story(one: &[Envelope], other: &[Envelope]) -> String {
    let mut text = String::new();
    for message in one {
        text.push_str(&line(message));
    }
    let order: Vec<_> = other.iter().map(short).collect();
    text + "other order: " + &order.join(" ")
}

/// A message on one line.
pub(super) fn line(message: &Envelope) -> String {
    let content = message.item_content.as_deref().unwrap_or_default();
    let (name, sender, kind) = (short(message), &message.sender[..6], message.message_type);
    let (time, channel) = (message.time.0 % 1_000_000_000, &message.channel);
    format!("{name} {kind} by {sender} at {time} in {channel:?}: {content}\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_order_ends_in_one_state(
        messages in scenario::arb_scenario(),
        seeds in prop::array::uniform2(any::<u64>()),
    ) {
        let (root, statuses) = state_after(&messages, 7);
        for seed in seeds {
            let shuffled = scenario::order::shuffled(&messages, seed);
            let (other_root, other_statuses) = state_after(&shuffled, 5);
            let (one, other) = (comparable(&statuses), comparable(&other_statuses));
            prop_assert_eq!(one, other, "{}", story(&shuffled, &messages));
            prop_assert_eq!(&root, &other_root, "{}", story(&shuffled, &messages));
        }
    }

    #[test]
    fn taking_everything_twice_changes_nothing(messages in scenario::arb_scenario()) {
        let (once, _) = state_after(&messages, usize::MAX);
        let twice: Vec<_> = messages.iter().chain(&messages).cloned().collect();
        let (again, _) = state_after(&twice, usize::MAX);
        prop_assert_eq!(once, again);
    }
}
