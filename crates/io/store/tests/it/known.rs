//! What other nodes are told, and what this one lacks.

use serde_json::json;

use alephd_message::{Content, Envelope, ErrorCode, ItemHash, ItemType, Micros};
use alephd_rules::MessageStatus;
use alephd_store::{
    Store, StoreConfig, Writer,
    read::{TombstoneRecord, WantedKind, WireRecord},
    write::{Claim, LinkKind, NewMessage, Row, State},
};
use alephd_testkit::{builder, keys, sha256};

struct Bench {
    store: Store,
    writer: Writer,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&StoreConfig::at(folder.path().join("store.sqlite"))).expect("a store");
        let mut writer = store.take_writer().expect("the only writer");
        writer.begin().expect("a transaction");
        Self {
            store,
            writer,
            _folder: folder,
        }
    }

    /// A message that stands as `status` says, because of `code`.
    fn insert(
        &mut self,
        envelope: &Envelope,
        text: Option<&str>,
        status: MessageStatus,
        code: Option<ErrorCode>,
    ) -> Row {
        let content = text.map(|text| Content::parse(envelope.message_type, text).expect("a valid content"));
        let new = NewMessage {
            envelope,
            content: content.as_ref(),
            fetched_text: text.filter(|_| envelope.item_content.is_none()),
            item_text: None,
            reception: Micros(1),
        };
        let mut row = self.writer.message_draft(&new).expect("a draft");
        row.state = State {
            status,
            accepted: code.is_none(),
            ..State::undecided()
        };
        self.writer.message_insert(&row, None).expect("a row");
        if let Some(code) = code {
            let since = Micros(row.id * 10);
            self.writer
                .verdict_set(row.id, code, None, since)
                .expect("a verdict");
        }
        row
    }

    fn inline(&mut self, envelope: &Envelope, status: MessageStatus, code: Option<ErrorCode>) -> Row {
        let text = envelope.item_content.clone();
        self.insert(envelope, text.as_deref(), status, code)
    }

    fn wire(&self, id: i64) -> Option<WireRecord> {
        self.store.reader().wire(id).expect("a read")
    }
}

use MessageStatus::{Forgotten, Pending, Processed, Rejected};

#[test]
fn bytes_are_wanted_for_messages_that_lack_nothing_else() {
    let mut bench = Bench::new();
    let alice = keys::evm("alice");
    let file = sha256(b"a file");
    let (bare, text) = builder::post(&alice, "chat", json!({})).seal_as_file();
    let store = |time| builder::store(&alice, &file).at(time).seal();
    let missing = bench.insert(&bare, None, Pending, Some(ErrorCode::ContentUnavailable));
    let waiting = bench.inline(&store(1.0), Pending, Some(ErrorCode::FileUnavailable));
    bench.inline(&store(2.0), Processed, None);
    bench.inline(&store(3.0), Rejected, Some(ErrorCode::PermissionDenied));
    bench.inline(&store(4.0), Forgotten, Some(ErrorCode::FileUnavailable));
    bench.writer.commit().expect("a commit");
    let reader = bench.store.reader();
    let wanted = reader.wanted(0, 9).expect("a read");
    let facts: Vec<_> = wanted
        .iter()
        .map(|want| (want.id, &want.name, want.what, want.since))
        .collect();
    let expected = [
        (
            missing.id,
            &missing.hash,
            WantedKind::Content,
            Micros(missing.id * 10),
        ),
        (waiting.id, &file, WantedKind::File, Micros(waiting.id * 10)),
    ];
    assert_eq!(facts, expected);
    assert_eq!(
        (&*wanted[1].sender, &wanted[1].hash),
        (&*waiting.sender, &waiting.hash)
    );
    assert_eq!(reader.wanted(missing.id, 9).expect("a read"), wanted[1..]);
    assert_eq!(reader.wanted(0, 1).expect("a read"), wanted[..1]);

    let known = reader.known(0, 9).expect("a read");
    let facts: Vec<_> = known.iter().map(|row| (row.status, row.has_content)).collect();
    let held = |status| (status, true);
    assert_eq!(
        facts,
        [
            (Pending, false),
            held(Pending),
            held(Processed),
            held(Rejected),
            held(Forgotten)
        ]
    );
    assert_eq!(known[2].time, Micros(2_000_000));
    assert_eq!(reader.known(known[1].id, 2).expect("a read"), known[2..4]);
    let mut parked = reader.known_parked(9).expect("a read");
    parked.sort_by_key(|row| row.id);
    assert_eq!(parked, [known[0].clone(), known[1].clone(), known[3].clone()]);
    drop(reader);

    assert_eq!(
        bench.wire(missing.id),
        Some(WireRecord::Message {
            copies: vec![bare.clone()],
            content: None
        })
    );
    bench.writer.begin().expect("a transaction");
    let mut row = missing;
    let content = Content::parse(bare.message_type, &text).expect("a valid content");
    bench
        .writer
        .message_set_content(&mut row, &content, &text, None, &bare)
        .expect("written");
    bench.writer.commit().expect("a commit");
    let content = Some(text);
    assert_eq!(
        bench.wire(row.id),
        Some(WireRecord::Message {
            copies: vec![bare],
            content
        })
    );
    assert_eq!(bench.wire(99), None);
}

/// A record that came from another node, and what it leaves when it is removed.
#[test]
fn a_claim_comes_and_goes_without_a_trace() {
    let mut bench = Bench::new();
    let alice = keys::evm("alice");
    let target = builder::aggregate(&alice, &sha256(b"key").to_string(), json!({"x": 1})).seal();
    let forget = builder::forget(&alice, std::slice::from_ref(&target.item_hash))
        .at(9.0)
        .seal();
    let mut row = bench.inline(&target, Forgotten, None);
    bench.writer.message_purge(&mut row).expect("purged");
    bench.writer.commit().expect("a commit");
    assert_eq!(bench.wire(row.id), None, "nobody knows by what it is forgotten");
    bench.writer.begin().expect("a transaction");
    bench
        .writer
        .tombstone_set(&row, std::slice::from_ref(&forget.item_hash))
        .expect("a tombstone");
    bench.writer.commit().expect("a commit");
    let Some(WireRecord::Tombstone(record)) = bench.wire(row.id) else {
        panic!("no tombstone");
    };
    assert_eq!(record.envelope.item_type, ItemType::Inline);
    assert_eq!(record.envelope.signature, target.signature);
    assert_eq!((record.size, record.witnessed), (row.size, true));
    assert_eq!(record.forgotten_by, [forget.item_hash]);
    let again = TombstoneRecord::parse(record.to_json().as_bytes()).expect("a record");
    assert_eq!(again, *record);

    let mut other = Bench::new();
    let before = other.writer.root().digest();
    let row = other
        .writer
        .claim_insert(&again, Claim::Untrusted, None, Micros(7))
        .expect("written");
    let key = sha256(b"key");
    let links = other.writer.link_sources(&key).expect("links");
    assert_eq!(links, [(LinkKind::Element, row.id)]);
    other
        .writer
        .tombstone_set(&row, &again.forgotten_by)
        .expect("a tombstone");
    assert_ne!(other.writer.root().digest(), before);
    assert_eq!(
        other.writer.claim_get(row.id).expect("a claim"),
        Some(Claim::Untrusted)
    );
    other.writer.row_remove(&row).expect("removed");
    assert_eq!(other.writer.root().digest(), before);
    assert_eq!(other.writer.link_sources(&key).expect("links"), []);
    assert_eq!(other.writer.claim_get(row.id).expect("no claim"), None);
    let moved = other
        .writer
        .claim_insert(&again, Claim::Trusted, Some(row.place()), Micros(8))
        .expect("written");
    assert_eq!((moved.id, moved.reception), (row.id, row.reception));
    other.writer.commit().expect("a commit");
    let reader = other.store.reader();
    let known: Vec<(ItemHash, bool)> = reader
        .known(0, 9)
        .expect("a read")
        .into_iter()
        .map(|row| (row.hash, row.is_hearsay))
        .collect();
    assert_eq!(known, [(target.item_hash, false)]);
    assert_eq!(
        reader.state_root_of_tables().expect("adds up").digest(),
        other.writer.root().digest()
    );
}
