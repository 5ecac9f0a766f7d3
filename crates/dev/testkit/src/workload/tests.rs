use std::collections::{HashMap, HashSet};

use alephd_message::{Chain, Content, Envelope};
use alephd_signature::verify;

use super::*;
use crate::builder::wire;

fn config(count: u64) -> Config {
    Config {
        senders: 300,
        ..Config::new(7, count)
    }
}

fn envelopes(config: &Config) -> Vec<Envelope> {
    let accounts = Accounts::new(config);
    Workload::new(&accounts, config)
        .map(|message| message.sign())
        .collect()
}

fn content(envelope: &Envelope) -> Content {
    let text = envelope.item_content.as_deref().unwrap();
    Content::parse(envelope.message_type, text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn messages_are_well_formed_verify_and_keep_their_sizes() {
    for (index, envelope) in envelopes(&config(3_000)).iter().enumerate() {
        verify(envelope).unwrap();
        assert_eq!(&Envelope::parse(wire(envelope).as_bytes()).unwrap(), envelope);
        content(envelope);
        let size = envelope.item_content.as_deref().unwrap().len();
        // Credits and delegations come first and are as long as they need to be.
        assert!(
            index <= DELEGATIONS || (300..=2_000).contains(&size),
            "{size}: {envelope:?}"
        );
    }
}

#[test]
fn the_mix_is_the_documented_one() {
    let mut shares: HashMap<&str, u64> = HashMap::new();
    let (mut solana, mut senders, mut channels) = (0, HashSet::new(), HashSet::new());
    let messages = envelopes(&config(20_000));
    for envelope in &messages {
        let is_amend = content(envelope).content_type() == Some("amend");
        let name = if is_amend {
            "amend"
        } else {
            envelope.message_type.as_str()
        };
        *shares.entry(name).or_default() += 1;
        solana += u64::from(envelope.chain == Chain::Sol);
        senders.insert(envelope.sender.clone());
        channels.insert(envelope.channel.clone());
    }
    let percent = |name: &str| shares.get(name).copied().unwrap_or(0) as f64 / 200.0;
    for (name, expected) in [
        ("POST", 55.0),
        ("AGGREGATE", 20.0),
        ("STORE", 10.0),
        ("amend", 8.0),
        ("FORGET", 5.0),
    ] {
        assert!(
            (percent(name) - expected).abs() < 2.0,
            "{name}: {}",
            percent(name)
        );
    }
    for name in ["PROGRAM", "INSTANCE", "V-PROGRAM"] {
        assert!(percent(name) > 0.1, "{name}: {}", percent(name));
    }
    let solana = solana as f64 / 200.0;
    assert!((solana - 10.0).abs() < 3.0, "{solana}");
    // 300 accounts and the funder.
    assert_eq!(senders.len(), 301);
    assert_eq!(channels.len(), 8);
}

#[test]
fn references_point_far_enough_back_and_never_to_what_is_forgotten() {
    let config = config(20_000);
    let messages = envelopes(&config);
    let place: HashMap<String, usize> = messages
        .iter()
        .enumerate()
        .map(|(index, envelope)| (envelope.item_hash.to_string(), index))
        .collect();
    assert_eq!(place.len(), messages.len(), "no message comes twice");
    let mut last_use: HashMap<usize, usize> = HashMap::new();
    let mut forgotten: HashSet<usize> = HashSet::new();
    for (index, envelope) in messages.iter().enumerate() {
        let content = content(envelope);
        let mut targets: Vec<String> = content.reference().map(str::to_owned).into_iter().collect();
        if let Some(machine) = content.machine() {
            targets.extend(machine.volumes.iter().map(|volume| volume.reference.to_string()));
        }
        for target in &targets {
            let Some(&target) = place.get(target) else {
                assert!(target.starts_with("label-"), "{target}");
                continue;
            };
            assert!(index - target >= config.distance as usize);
            assert!(!forgotten.contains(&target), "{index} refers to {target}");
            last_use.insert(target, index);
        }
        if let alephd_message::content::Body::Forget(forget) = &content.body {
            let target = place[&forget.hashes[0].to_string()];
            assert_eq!(messages[target].sender, envelope.sender);
            assert!(index - target >= config.distance as usize);
            assert!(forgotten.insert(target));
        }
    }
    assert!(forgotten.len() > 500);
    assert!(last_use.len() > 1_000);
}

#[test]
fn a_seed_fixes_every_byte() {
    let config = config(500);
    let mut one = Vec::new();
    let mut three = Vec::new();
    let mut reported = 0;
    write_jsonl(&config, &mut one, 1, |written| reported = written).unwrap();
    write_jsonl(&config, &mut three, 3, |_| {}).unwrap();
    assert_eq!(one, three);
    assert_eq!(reported, 500);
    let lines: Vec<_> = envelopes(&config).iter().map(wire).collect();
    assert_eq!(String::from_utf8(one).unwrap().trim_end(), lines.join("\n"));
    // Frozen: measurements of different days must be about the same messages.
    let names: String = envelopes(&config)
        .iter()
        .map(|envelope| envelope.item_hash.to_string())
        .collect();
    assert_eq!(
        sha256(names.as_bytes()).to_string(),
        "77c36db94d719d468a80b0b9799f0204ce675f1c7fd5f470881cdef443972321"
    );
    let longer = Config {
        count: 600,
        ..config.clone()
    };
    assert_eq!(envelopes(&longer)[..500], envelopes(&config));

    let other = Config { seed: 8, ..config };
    assert_ne!(envelopes(&other)[100], envelopes(&self::config(500))[100]);
}
