//! Peers that say what is not so.

use std::{sync::Arc, time::Duration};

use alephd_message::Micros;
use alephd_peer_protocol::{
    catchup::{Limits, Record, Settings, id_of},
    gossip,
};
use alephd_reconcile::{Known, KnownIndex};
use alephd_rules::Interest;
use alephd_signature::sign::wire_json;
use alephd_store::read::KnownRow;
use alephd_sync::{
    catchup::{Conduct, Holdings, HoldingsError, KnownPage, Taken, View, initiate, respond},
    gossip::ANNOUNCE_TOPIC,
};
use alephd_testkit::{rng::Rng, sha256};
use async_trait::async_trait;
use futures_util::io::{AsyncReadExt as _, AsyncWriteExt as _};
use serde_json::json;

use super::{
    node::TOPIC,
    pipe::Pipe,
    pool::{Made, parse, pool, tombstone},
    world::World,
};

/// Ways to lie in gossip, and by opening a stream.
pub(super) const LIES: u64 = 7;

/// Lists and hands out what it is told to, and keeps nothing.
struct Liar(Vec<Option<Record>>);

#[async_trait]
impl Holdings for Liar {
    async fn known(&self, _: i64, _: u64) -> Result<KnownPage, HoldingsError> {
        Ok(KnownPage::default())
    }

    async fn known_parked(&self) -> Result<Vec<KnownRow>, HoldingsError> {
        Ok(Vec::new())
    }

    async fn records(&self, rows: Vec<i64>) -> Result<Vec<Option<Record>>, HoldingsError> {
        let record = |row: i64| self.0.get(row as usize).cloned().flatten();
        Ok(rows.into_iter().map(record).collect())
    }

    fn within(&self, _: Vec<Interest>) -> Arc<dyn Holdings> {
        unreachable!("all of these keep everything")
    }

    async fn take(&self, _: Record, _: bool) -> Result<Taken, HoldingsError> {
        Ok(Taken::Known)
    }
}

/// Says something in gossip. The rest of the lies are told on streams.
pub(super) fn speak(world: &World, from: usize, to: usize, lie: u64, messages: &[Arc<Made>], rng: &mut Rng) {
    let message = rng.pick(messages);
    let forged = wire_json(rng.pick(&pool().forged));
    let (topic, data) = match lie {
        0 => (TOPIC, forged.into_bytes()),
        1 => (TOPIC, (0..60).map(|_| rng.bits() as u8).collect()),
        // Another text under an honest signature.
        2 => (TOPIC, message.wire.replace("family", "fantasy").into_bytes()),
        3 => {
            let missing = sha256(&rng.bits().to_be_bytes()).to_string();
            let announcement = json!({"item_hash": missing});
            (ANNOUNCE_TOPIC, announcement.to_string().into_bytes())
        }
        // The truth, in bytes that nobody has seen; with its content, or nobody may ever have that.
        _ if message.file.is_some() => return,
        _ => {
            let spaced = format!("{}{}", message.wire, " ".repeat(rng.below(9) as usize));
            (TOPIC, gossip::encode(spaced.as_bytes()).into_owned())
        }
    };
    world.frame(from, to, topic, &data.into());
}

/// Speaks on a stream that it opened.
pub(super) async fn open(stream: Pipe, messages: Vec<Arc<Made>>, mut rng: Rng) {
    if rng.chance(30) {
        return garbage(stream, &mut rng).await;
    }
    let (view, holdings) = lies(&messages, &mut rng);
    // Whatever comes of it.
    let _ = initiate(stream, view, &holdings, &conduct()).await;
}

/// Answers a stream that somebody opened.
pub(super) async fn answer(stream: Pipe, messages: Vec<Arc<Made>>, mut rng: Rng) {
    match rng.below(10) {
        0..3 => garbage(stream, &mut rng).await,
        3 => {
            // Silent, and holding on.
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            drop(stream);
        }
        _ => {
            let (view, holdings) = lies(&messages, &mut rng);
            // Whatever comes of it.
            let _ = respond(stream, view, &holdings, &conduct()).await;
        }
    }
}

async fn garbage(mut stream: Pipe, rng: &mut Rng) {
    let mut bytes: Vec<u8> = (0..80).map(|_| rng.bits() as u8).collect();
    if rng.chance(50) {
        bytes[..5].copy_from_slice(&[0, 0, 0, 9, rng.below(12) as u8]);
    }
    // It may be cut at any time.
    let _ = stream.write_all(&bytes).await;
    let _ = stream.close().await;
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

fn conduct() -> Conduct {
    let settings = Settings {
        network: "simulated".into(),
        limits: Limits::default(),
        ..Settings::default()
    };
    Conduct {
        settings,
        trusted: false,
        idle: Duration::from_secs(60),
    }
}

fn lies(messages: &[Arc<Made>], rng: &mut Rng) -> (View, Arc<dyn Holdings>) {
    let (mut records, mut known) = (Vec::new(), Vec::new());
    for _ in 0..2 + rng.below(14) {
        let (message, other) = (rng.pick(messages), rng.pick(messages));
        let hash = message.envelope.item_hash.clone();
        let text = message
            .envelope
            .item_content
            .as_ref()
            .or(message.file.as_ref())
            .expect("all contents are at hand");
        let content = parse(message.envelope.message_type, text).expect("it is honest");
        let of = |hash, copies, content| Record::Message {
            hash,
            copies,
            content,
        };
        let mut name = hash.clone();
        let record = match rng.below(6) {
            0 => None,
            1 => {
                let forged = rng.pick(&pool().forged);
                name = forged.item_hash.clone();
                Some(of(name.clone(), vec![wire_json(forged)], None))
            }
            2 if rng.chance(20) => Some(of(hash, vec![other.wire.clone()], None)),
            // It is not forgotten, or not by this.
            2 | 3 => {
                let by = match rng.chance(50) {
                    true => other.envelope.item_hash.clone(),
                    false => sha256(b"nothing"),
                };
                let record = tombstone(&message.envelope, Micros(content.time.0), vec![by]);
                let json = record.to_json();
                Some(Record::Tombstone { hash, json })
            }
            _ => Some(of(hash, vec![message.wire.clone()], message.file.clone())),
        };
        // It lists it where it is, or somewhere else.
        let time = match rng.chance(70) {
            true => content.time.0 as u64 / 1_000,
            false => rng.below(1 << 41),
        };
        let (id, row) = (id_of(&name), records.len() as i64);
        known.push(Known { time, id, row });
        records.push(record);
    }
    let mut index = KnownIndex::new();
    index.update(known, Vec::new());
    let view = View {
        set: index.snapshot(),
        ..View::default()
    };
    (view, Arc::new(Liar(records)))
}
