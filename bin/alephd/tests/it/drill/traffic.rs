//! What is published: messages in the mix of real traffic, and files.

use std::collections::{HashMap, HashSet, VecDeque};

use alephd_message::{Envelope, ItemHash, MessageType};
use alephd_testkit::{
    builder,
    rng::Rng,
    sha256,
    workload::{self, Accounts, Config, Workload},
};
use serde_json::Value;

/// Messages between one and what it refers to: more than are ever under way.
const DISTANCE: u64 = 64;
/// Accounts; few, so that they meet in aggregates and delegations.
const SENDERS: usize = 300;

/// A signed message, and what has to be known of it to tell its status later.
#[derive(Clone)]
pub(super) struct Message {
    pub(super) hash: ItemHash,
    pub(super) wire: String,
    /// What it forgets.
    forgets: Vec<ItemHash>,
    /// What it amends.
    amends: Option<ItemHash>,
}

impl Message {
    pub(super) fn of(envelope: Envelope) -> Self {
        let wire = builder::wire(&envelope);
        let text = envelope.item_content.unwrap_or_default();
        let content: Value = serde_json::from_str(&text).unwrap();
        let names = |value: &Value| ItemHash::parse_strict(value.as_str()?);
        let forgets = match (envelope.message_type, content["hashes"].as_array()) {
            (MessageType::Forget, Some(hashes)) => hashes.iter().filter_map(names).collect(),
            _ => Vec::new(),
        };
        let is_amend = envelope.message_type == MessageType::Post && content["type"] == "amend";
        Self {
            hash: envelope.item_hash,
            wire,
            forgets,
            amends: names(&content["ref"]).filter(|_| is_amend),
        }
    }
}

/// The configuration of all traffic with this seed, of `count` messages at most.
pub(super) fn config(seed: u64, count: u64) -> Config {
    Config {
        senders: SENDERS,
        distance: DISTANCE,
        ..Config::new(seed, count)
    }
}

/// Messages that were not sent yet, in their order.
pub(super) struct Traffic<'a> {
    workload: Workload<'a>,
    queue: VecDeque<Message>,
}

impl<'a> Traffic<'a> {
    pub(super) fn new(accounts: &'a Accounts, config: &Config) -> Self {
        Self {
            workload: Workload::new(accounts, config),
            queue: VecDeque::new(),
        }
    }

    /// The next `count` messages.
    pub(super) fn take(&mut self, count: usize) -> Vec<Message> {
        while self.queue.len() < count
            && let Some(unsigned) = self.workload.next()
        {
            self.queue.push_back(Message::of(unsigned.sign()));
        }
        let count = count.min(self.queue.len());
        self.queue.drain(..count).collect()
    }

    /// Puts messages back to the front, to be sent first.
    pub(super) fn give_back(&mut self, messages: Vec<Message>) {
        for message in messages.into_iter().rev() {
            self.queue.push_front(message);
        }
    }
}

/// What the messages that were taken in make of each other.
#[derive(Default)]
pub(super) struct Expected {
    forgotten: HashSet<ItemHash>,
    amends: HashMap<ItemHash, Vec<ItemHash>>,
}

impl Expected {
    /// `message` was taken in.
    pub(super) fn add(&mut self, message: &Message) {
        for target in &message.forgets {
            self.forgotten.insert(target.clone());
            self.forgotten
                .extend(self.amends.remove(target).unwrap_or_default());
        }
        if let Some(target) = &message.amends {
            if self.forgotten.contains(target) {
                self.forgotten.insert(message.hash.clone());
            }
            let amends = self.amends.entry(target.clone()).or_default();
            amends.push(message.hash.clone());
        }
    }

    pub(super) fn is_forgotten(&self, hash: &ItemHash) -> bool {
        self.forgotten.contains(hash)
    }
}

/// A file to upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Upload {
    pub(super) hash: ItemHash,
    pub(super) bytes: Source,
}

/// How to make its bytes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// One of those that the messages name.
    Named(usize),
    /// Random ones.
    Random { seed: u64, length: u64 },
}

/// Bytes from which on the node receives a file in parts.
const PARTS_FROM: u64 = 5 << 20;

impl Upload {
    /// The files that the messages name.
    pub(super) fn named() -> Vec<Self> {
        let files = workload::files();
        let named = files.iter().enumerate();
        named
            .map(|(index, bytes)| Self {
                hash: sha256(bytes),
                bytes: Source::Named(index),
            })
            .collect()
    }

    /// A file that nobody has seen. One in 32 is received in parts.
    pub(super) fn random(rng: &mut Rng) -> Self {
        let large = if rng.below(32) == 0 { PARTS_FROM } else { 0 };
        let source = Source::Random {
            seed: rng.bits(),
            length: large + 1 + rng.below(64 << 10),
        };
        Self {
            hash: sha256(&source.make()),
            bytes: source,
        }
    }
}

impl Source {
    pub(super) fn make(self) -> Vec<u8> {
        match self {
            Self::Named(index) => workload::files().swap_remove(index),
            Self::Random { seed, length } => {
                let mut rng = Rng::new(seed);
                let mut bytes = Vec::with_capacity(length as usize + 8);
                while (bytes.len() as u64) < length {
                    bytes.extend_from_slice(&rng.bits().to_le_bytes());
                }
                bytes.truncate(length as usize);
                bytes
            }
        }
    }
}
