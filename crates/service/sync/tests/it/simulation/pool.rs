//! The messages of simulations: made and signed once, since that is what takes time.

use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use alephd_message::{Content, Envelope, ErrorCode, ItemHash, MessageType, Micros, content::Body};
use alephd_signature::{sign::wire_json, verify};
use alephd_store::read::{Deeds, TombstoneRecord};
use alephd_testkit::{
    builder::{amend, forget, post},
    copies, keys,
    rng::Rng,
    sha256,
};
use serde_json::json;

/// Payloads that are longer do not fit in gossip. The real bound is 256 KiB; what matters is that
/// some messages are on either side of it.
pub(super) const GOSSIP_LIMIT: usize = 1_500;
/// Groups of messages that refer to each other.
const FAMILIES: usize = 96;

/// An honest message.
pub(super) struct Made {
    pub(super) envelope: Envelope,
    /// The content, if it is not inline.
    pub(super) file: Option<String>,
    pub(super) wire: String,
}

impl Made {
    pub(super) fn new(envelope: Envelope, file: Option<String>) -> Arc<Self> {
        let wire = wire_json(&envelope);
        Arc::new(Self { envelope, file, wire })
    }
}

/// What everybody draws from.
pub(super) struct Pool {
    pub(super) families: Vec<Vec<Arc<Made>>>,
    /// What liars say that somebody signed.
    pub(super) forged: Vec<Envelope>,
}

pub(super) fn pool() -> &'static Pool {
    static POOL: LazyLock<Pool> = LazyLock::new(make);
    &POOL
}

fn make() -> Pool {
    let mut rng = Rng::new(0x5eed);
    let accounts: Vec<_> = (0..5).map(|number| keys::evm(&format!("sim {number}"))).collect();
    let (mut families, mut forged) = (Vec::new(), Vec::new());
    for family in 0..FAMILIES {
        let alice = &accounts[family % 5];
        let eve = &accounts[(family + 1) % 5];
        // Few instants: ids decide the order as often as times do.
        let mut at = || 1_700_000_000.0 + rng.below(20) as f64 / 8.0;
        let body = |what: &str| json!({"family": family, "what": what});
        let mut made = Vec::new();
        let mut add = |envelope: Envelope, file: Option<String>| {
            let hash = envelope.item_hash.clone();
            made.push(Made::new(envelope, file));
            hash
        };
        let first = add(post(alice, "chat", body("50% of %41")).at(at()).seal(), None);
        match family % 6 {
            // A chain of amends, and one of somebody who may not.
            0 => {
                let second = add(amend(alice, &first, body("amended")).at(at()).seal(), None);
                add(amend(alice, &second, body("again")).at(at()).seal(), None);
                add(amend(eve, &first, body("stolen")).at(at()).seal(), None);
            }
            // One of two is forgotten, and somebody else would like to.
            1 => {
                let second = add(post(alice, "chat", body("second")).at(at()).seal(), None);
                add(forget(alice, &[first]).at(at()).seal(), None);
                add(forget(eve, &[second]).at(at()).seal(), None);
            }
            // Both are forgotten at once, and one of them twice.
            2 => {
                let second = add(post(alice, "chat", body("second")).at(at()).seal(), None);
                add(forget(alice, &[first.clone(), second]).at(at()).seal(), None);
                let again = forget(alice, &[first]).set("reason", "again");
                add(again.at(at()).seal(), None);
            }
            // Not inline, one of them forgotten.
            3 => {
                let (envelope, text) = post(alice, "chat", body("file")).at(at()).seal_as_file();
                let second = add(envelope, Some(text));
                let (envelope, text) = post(alice, "chat", body("other")).at(at()).seal_as_file();
                add(envelope, Some(text));
                add(forget(alice, &[second]).at(at()).seal(), None);
            }
            // Too large for gossip.
            4 => {
                let large = body(&"x".repeat(GOSSIP_LIMIT));
                let second = add(post(alice, "chat", large).at(at()).seal(), None);
                add(amend(alice, &second, body("smaller")).at(at()).seal(), None);
            }
            // What it refers to does not exist.
            _ => {
                let missing = sha256(&family.to_be_bytes());
                add(amend(alice, &missing, body("of nothing")).at(at()).seal(), None);
                add(forget(alice, &[first, missing]).at(at()).seal(), None);
            }
        }
        forged.push(copies::forged(&made[0].envelope, eve));
        let unknown = post(alice, "chat", body("never said")).at(at()).seal();
        forged.push(copies::forged(&unknown, eve));
        families.push(made);
    }
    Pool { families, forged }
}

/// What a content says, as far as the model judges by it.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Post,
    Amend(ItemHash),
    Forget(Vec<ItemHash>),
}

#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) time: Micros,
    pub(super) kind: Kind,
}

/// What a message says, if it has form.
pub(super) fn parse(message_type: MessageType, text: &str) -> Option<Parsed> {
    let content = Content::parse(message_type, text).ok()?;
    let kind = match content.body {
        Body::Forget(forget) => Kind::Forget(forget.hashes),
        Body::Post(post) if post.is_amend() => Kind::Amend(ItemHash::parse_lenient(&post.reference?)?),
        Body::Post(_) => Kind::Post,
        _ => return None,
    };
    let time = Micros((content.time * 1e6).round() as i64);
    Some(Parsed { time, kind })
}

/// Whether its sender signed it. Asked of few messages again and again.
pub(super) fn is_signed(envelope: &Envelope) -> Result<(), ErrorCode> {
    type Signed = HashMap<(ItemHash, String, Option<String>), Result<(), ErrorCode>>;
    thread_local! {
        static SIGNED: RefCell<Signed> = RefCell::default();
    }
    let name = (
        envelope.item_hash.clone(),
        envelope.sender.clone(),
        envelope.signature.clone(),
    );
    SIGNED.with_borrow_mut(|signed| {
        let check = || verify(envelope).map_err(|error| error.code());
        *signed.entry(name).or_insert_with(check)
    })
}

/// What is left of a message when it is forgotten by these.
pub(super) fn tombstone(envelope: &Envelope, time: Micros, forgotten_by: Vec<ItemHash>) -> TombstoneRecord {
    TombstoneRecord {
        owner: envelope.sender.clone(),
        envelope: Envelope {
            item_content: None,
            ..envelope.clone()
        },
        content_time: time,
        size: 1,
        payment: None,
        label: Some("chat".into()),
        reference: None,
        accepted: true,
        remains: None,
        forgotten_by,
        witnessed: true,
        deeds: Deeds::default(),
    }
}
