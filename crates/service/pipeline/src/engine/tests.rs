//! The engine against a real database, message by message.

use alephd_message::{Chain, Envelope, MessageType};
use alephd_signature::sign::{EvmKey, seal};
use alephd_store::{Store, StoreConfig};
use alephd_testkit::sha256;
use serde_json::json;

use super::*;
use crate::prepare;

mod collection;
mod costs;
mod credits;
mod gone;
mod order;
mod tombstones;

/// The instant at which everything happens.
const NOW: Micros = Micros(1_800_000_000_000_000);

struct Fixture {
    engine: Engine,
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self::with(EngineConfig::default())
    }

    fn with(config: EngineConfig) -> Self {
        // Hundreds of short-lived databases: on a memory file system where there is one.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let folder = folder.expect("temporary folder");
        let engine = Self::open(folder.path(), config);
        Self { engine, folder }
    }

    fn open(folder: &std::path::Path, config: EngineConfig) -> Engine {
        let store = Store::open(&StoreConfig::at(folder.join("db"))).expect("opens");
        Engine::new(store.take_writer().expect("first taker"), config)
    }

    /// As after a crash: nothing but the database is left.
    fn restart(self) -> Self {
        let (config, folder) = (self.engine.config.clone(), self.folder);
        drop(self.engine);
        let engine = Self::open(folder.path(), config);
        Self { engine, folder }
    }

    fn file(&mut self, bytes: &[u8]) {
        self.engine.begin(NOW).expect("begins");
        let hash = alephd_testkit::sha256(bytes);
        self.engine
            .file_arrived(&hash, bytes.len() as u64, alephd_store::read::FileKind::File)
            .expect("arrives");
        self.engine.commit().expect("commits");
    }

    fn take(&mut self, envelope: &Envelope) -> Outcome {
        self.take_at(envelope, NOW)
    }

    fn take_at(&mut self, envelope: &Envelope, now: Micros) -> Outcome {
        self.engine.begin(now).expect("begins");
        let outcome = self.engine.take(&prepare(envelope.clone(), None)).expect("takes");
        self.engine.commit().expect("commits");
        outcome
    }

    fn status(&mut self, envelope: &Envelope) -> MessageStatus {
        let row = self
            .engine
            .writer
            .message_find(&envelope.item_hash)
            .expect("reads");
        row.expect("known").state.status
    }

    fn root(&self) -> String {
        self.engine.writer.root().digest()
    }
}

fn key(number: u8) -> EvmKey {
    EvmKey::from_bytes([number; 32]).expect("a valid key")
}

fn sealed(signer: &EvmKey, kind: MessageType, content: &serde_json::Value) -> Envelope {
    seal(
        signer,
        Chain::Eth,
        kind,
        content.to_string(),
        Micros(1_700_000_000_000_000),
        Some("TEST".into()),
    )
}

fn post(signer: &EvmKey, owner: &EvmKey, time: f64) -> Envelope {
    let content = json!({"type": "t", "address": owner.address(), "time": time, "content": {"x": 1}});
    sealed(signer, MessageType::Post, &content)
}

fn amend(signer: &EvmKey, target: &Envelope, time: f64) -> Envelope {
    let content = json!({"type": "amend", "address": signer.address(), "time": time, "content": {"x": 2},
        "ref": target.item_hash});
    sealed(signer, MessageType::Post, &content)
}

fn forget(signer: &EvmKey, targets: &[&Envelope], time: f64) -> Envelope {
    let hashes: Vec<_> = targets.iter().map(|target| &target.item_hash).collect();
    sealed(
        signer,
        MessageType::Forget,
        &json!({"address": signer.address(), "time": time, "hashes": hashes}),
    )
}

fn security(owner: &EvmKey, delegates: &[&EvmKey], time: f64) -> Envelope {
    let list: Vec<_> = delegates
        .iter()
        .map(|delegate| json!({"address": delegate.address()}))
        .collect();
    let content = json!({"key": "security", "address": owner.address(), "time": time,
        "content": {"authorizations": list}});
    sealed(owner, MessageType::Aggregate, &content)
}

fn aggregate(owner: &EvmKey, fields: &serde_json::Value, time: f64) -> Envelope {
    let content = json!({"key": "k", "address": owner.address(), "time": time, "content": fields});
    sealed(owner, MessageType::Aggregate, &content)
}

fn store(owner: &EvmKey, file: &[u8], time: f64) -> Envelope {
    let content = json!({"address": owner.address(), "time": time, "item_type": "storage",
        "item_hash": sha256(file)});
    sealed(owner, MessageType::Store, &content)
}

fn program(owner: &EvmKey, code: &Envelope, time: f64, more: &serde_json::Value) -> Envelope {
    let mut content = json!({"address": owner.address(), "time": time, "type": "vm-function",
        "allow_amend": true, "variables": {}, "volumes": [],
        "code": {"encoding": "plain", "entrypoint": "main:app", "ref": code.item_hash, "use_latest": false},
        "on": {"http": true, "persistent": false},
        "environment": {"reproducible": false, "internet": false, "aleph_api": false, "shared_cache": false},
        "resources": {"vcpus": 1, "memory": 128, "seconds": 30},
        "runtime": {"ref": code.item_hash, "use_latest": false, "comment": "r"}});
    for (key, value) in more.as_object().expect("an object") {
        content[key] = value.clone();
    }
    sealed(owner, MessageType::Program, &content)
}

/// Which of `messages` are live, in every order, when a file and the `first` messages are known from
/// the beginning. (Whether one that is not live was refused or suspended depends on whether it had
/// been acknowledged.)
fn live_in_every_order(
    config: &EngineConfig,
    file: &[u8],
    first: &[Envelope],
    messages: &[Envelope],
) -> Vec<bool> {
    let mut expected = None;
    for order in orders(messages.len()) {
        let mut fixture = Fixture::with(config.clone());
        fixture.file(file);
        for message in first {
            fixture.take(message);
        }
        for index in &order {
            fixture.take(&messages[*index]);
        }
        let live = messages.iter().map(|message| fixture.status(message).is_live());
        let result = (live.collect::<Vec<_>>(), fixture.root());
        assert_eq!(
            expected.get_or_insert_with(|| result.clone()),
            &result,
            "{order:?}"
        );
    }
    expected.expect("there is an order").0
}

/// Every order of `count` things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut orders = vec![vec![]];
    for index in 0..count {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                (0..=order.len()).map(move |place| {
                    let mut order = order.clone();
                    order.insert(place, index);
                    order
                })
            })
            .collect();
    }
    orders
}

/// Every order of up to six messages ends in one root; returns the statuses of the last order.
fn same_in_every_order(messages: &[Envelope]) -> Vec<MessageStatus> {
    let mut expected: Option<(String, Vec<usize>)> = None;
    let mut statuses = Vec::new();
    for order in orders(messages.len()) {
        let mut fixture = Fixture::new();
        for index in &order {
            fixture.take(&messages[*index]);
        }
        let root = fixture.root();
        let (first, first_order) = expected.get_or_insert_with(|| (root.clone(), order.clone()));
        assert_eq!(&root, first, "order {order:?} against {first_order:?}");
        statuses = messages.iter().map(|message| fixture.status(message)).collect();
    }
    statuses
}

use MessageStatus::{Forgotten, Pending, Processed, Rejected};

#[test]
fn a_post_is_processed_and_its_copy_changes_nothing() {
    let mut fixture = Fixture::new();
    let message = post(&key(1), &key(1), 1.0);
    assert_eq!(fixture.take(&message).status, Processed);
    let root = fixture.root();
    assert_eq!(fixture.take(&message).status, Processed);
    assert_eq!(fixture.root(), root);
    assert_ne!(root, Fixture::new().root());
}

#[test]
fn a_bad_signature_never_replaces_a_good_message() {
    let mut fixture = Fixture::new();
    let message = post(&key(1), &key(1), 1.0);
    let mut bad = message.clone();
    bad.signature = Some(format!("0x{}", "11".repeat(65)));
    assert_eq!(fixture.take(&bad).code, Some(ErrorCode::InvalidSignature));
    assert_eq!(fixture.take(&message).status, Processed);
    assert_eq!(fixture.take(&bad).status, Rejected);
    assert_eq!(fixture.status(&message), Processed);
}

#[test]
fn amends_in_any_order() {
    let (a, b) = (key(1), key(2));
    let original = post(&a, &a, 1.0);
    let first = amend(&a, &original, 2.0);
    let second = amend(&a, &original, 2.0);
    let foreign = amend(&b, &original, 3.0);
    let of_amend = amend(&a, &first, 4.0);
    assert_eq!(first.item_hash, second.item_hash);
    let later = amend(&a, &original, 2.5);
    let statuses = same_in_every_order(&[original, first, later, foreign, of_amend]);
    assert_eq!(statuses, [Processed, Processed, Processed, Rejected, Rejected]);
}

#[test]
fn aggregates_in_any_order() {
    let a = key(1);
    let elements = [
        aggregate(&a, &json!({"x": 1, "y": 1}), 1.0),
        aggregate(&a, &json!({"x": 2}), 2.0),
        aggregate(&a, &json!({"x": 3, "z": 3}), 2.0),
        aggregate(&a, &json!({"y": null}), 0.5),
    ];
    let drop = forget(&a, &[&elements[2]], 9.0);
    let mut messages = elements.to_vec();
    messages.push(drop);
    let statuses = same_in_every_order(&messages);
    assert_eq!(statuses, [Processed, Processed, Forgotten, Processed, Processed]);
}

#[test]
fn forgetting_takes_amends_along_in_any_order() {
    let a = key(1);
    let original = post(&a, &a, 1.0);
    let early = amend(&a, &original, 2.0);
    let late = amend(&a, &original, 9.0);
    let gone = forget(&a, &[&original], 5.0);
    let again = forget(&a, &[&original, &early], 6.0);
    let statuses = same_in_every_order(&[original, early, late, gone, again]);
    assert_eq!(statuses, [Forgotten, Forgotten, Forgotten, Processed, Processed]);
}

#[test]
fn a_forget_waits_for_each_target() {
    let (a, b) = (key(1), key(2));
    let mut fixture = Fixture::new();
    let (known, unknown) = (post(&a, &a, 1.0), post(&a, &a, 2.0));
    fixture.take(&known);
    let outcome = fixture.take(&forget(&a, &[&known, &unknown], 3.0));
    assert_eq!(
        (outcome.status, outcome.code),
        (Pending, Some(ErrorCode::ForgetTargetNotFound))
    );
    assert_eq!(fixture.status(&known), Processed);
    fixture.take(&unknown);
    assert_eq!(
        (fixture.status(&known), fixture.status(&unknown)),
        (Forgotten, Forgotten)
    );
    let of_forget = forget(&a, &[&forget(&a, &[&known, &unknown], 3.0)], 4.0);
    assert_eq!(fixture.take(&of_forget).code, Some(ErrorCode::ForgetForget));
    let other = post(&a, &a, 5.0);
    fixture.take(&other);
    assert_eq!(
        fixture.take(&forget(&b, &[&other], 6.0)).code,
        Some(ErrorCode::PermissionDenied)
    );
}

#[test]
fn delegation_and_its_revocation_in_any_order() {
    let (a, b) = (key(1), key(2));
    let grant = security(&a, &[&b], 1.0);
    let within = post(&b, &a, 2.0);
    let revoke = security(&a, &[], 3.0);
    let after = post(&b, &a, 4.0);
    let before = post(&b, &a, 0.5);
    let statuses = same_in_every_order(&[grant, within, revoke, after.clone(), before.clone()]);
    assert_eq!(statuses[..3], [Processed, Processed, Processed]);
    assert!(matches!(statuses[3], Pending | Rejected) && matches!(statuses[4], Pending | Rejected));
}

#[test]
fn a_delegated_forget_follows_the_revocation_in_any_order() {
    let (a, b) = (key(1), key(2));
    let grant = security(&a, &[&b], 1.0);
    let target = post(&a, &a, 1.5);
    let allowed = forget(&b, &[&target], 2.0);
    let revoke = security(&a, &[], 3.0);
    let other = post(&a, &a, 3.5);
    let denied = forget(&b, &[&other], 4.0);
    let statuses = same_in_every_order(&[grant, target, allowed, revoke, other, denied]);
    assert_eq!(
        statuses[..5],
        [Processed, Forgotten, Processed, Processed, Processed]
    );
}

#[test]
fn forgetting_a_grant_counts_from_its_position_in_any_order() {
    let (a, b) = (key(1), key(2));
    let grant = security(&a, &[&b], 1.0);
    let within = post(&b, &a, 2.0);
    let gone = forget(&a, &[&grant], 3.0);
    let after = post(&b, &a, 4.0);
    let statuses = same_in_every_order(&[grant, within, gone, after]);
    assert_eq!(statuses[..3], [Forgotten, Processed, Processed]);
}

#[test]
fn a_delegate_may_forget_the_very_grant_that_permits_it() {
    let (owner, delegate) = (key(1), key(2));
    let grant = security(&owner, &[&delegate], 1.0);
    let content = json!({"address": owner.address(), "time": 2.0, "hashes": [grant.item_hash]});
    let last_act = sealed(&delegate, MessageType::Forget, &content);
    let statuses = same_in_every_order(&[grant, last_act]);
    assert_eq!(statuses, [Forgotten, Processed]);
}

#[test]
fn an_acknowledged_message_is_suspended_not_rejected() {
    let (a, b) = (key(1), key(2));
    let mut fixture = Fixture::new();
    fixture.take(&security(&a, &[&b], 1.0));
    let message = post(&b, &a, 4.0);
    assert_eq!(fixture.take(&message).status, Processed);
    fixture.take(&security(&a, &[], 3.0));
    assert_eq!(fixture.status(&message), Pending);
    fixture.take(&security(&a, &[&b], 3.5));
    assert_eq!(fixture.status(&message), Processed);
}

#[test]
fn copies_that_differ_in_what_nobody_signed() {
    let a = key(1);
    let message = post(&a, &a, 1.0);
    let mut later = message.clone();
    later.time = Micros(1_700_000_001_000_000);
    later.channel = None;
    let mut elsewhere = message.clone();
    elsewhere.channel = Some("OTHER".into());
    let gone = forget(&a, &[&message], 5.0);
    same_in_every_order(&[message, later, elsewhere, gone]);
}

#[test]
fn two_delegates_may_sign_the_same_content() {
    let (a, b, c) = (key(1), key(2), key(3));
    let grant = security(&a, &[&b, &c], 1.0);
    let by_b = post(&b, &a, 2.0);
    let by_c = post(&c, &a, 2.0);
    assert_eq!(by_b.item_hash, by_c.item_hash);
    same_in_every_order(&[
        grant,
        by_b,
        by_c.clone(),
        security(&a, &[&c], 1.5),
        forget(&a, &[&by_c], 7.0),
    ]);
}
