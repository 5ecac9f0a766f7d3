//! Single rows, written by the writer and read back.

use serde_json::json;

use alephd_message::{Chain, Content, Envelope, ErrorCode, ItemHash, ItemType, Micros};
use alephd_rules::MessageStatus;
use alephd_store::{
    Store, StoreConfig, Writer,
    read::{FileKind, Order, Window},
    write::{NewMessage, PinKind, Refused, Row, State},
};
use alephd_testkit::{
    builder::{self, Draft},
    keys, sha256,
};

/// A store with its writer in a transaction.
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

    fn insert(&mut self, envelope: &Envelope, status: MessageStatus, reception: i64) -> Row {
        let text = envelope.item_content.as_deref().expect("inline messages only");
        let content = Content::parse(envelope.message_type, text).expect("a valid content");
        let new = NewMessage {
            envelope,
            content: Some(&content),
            fetched_text: None,
            item_text: None,
            reception: Micros(reception),
        };
        let mut row = self.writer.message_draft(&new).expect("a draft");
        row.state = state(status);
        self.writer.message_insert(&row, None).expect("a row");
        row
    }

    fn processed(&mut self, draft: Draft<'_>, reception: i64) -> Row {
        self.insert(&draft.seal(), MessageStatus::Processed, reception)
    }
}

fn state(status: MessageStatus) -> State {
    let accepted = !matches!(status, MessageStatus::Pending | MessageStatus::Rejected);
    State {
        status,
        accepted,
        ..State::undecided()
    }
}

#[test]
fn a_message_comes_back_as_it_was_sent() {
    let mut bench = Bench::new();
    let alice = keys::evm("alice");
    let envelope = builder::post(&alice, "chat", json!({"body": "é"}))
        .at(12.5)
        .channel("TEST")
        .seal();
    let row = bench.insert(&envelope, MessageStatus::Processed, 77);
    bench.writer.commit().expect("a commit");
    let reader = bench.store.reader();
    reader
        .execute_batch("SELECT 1")
        .expect("readers are connections; nothing below depends on the order of calls");
    let found = reader
        .message_get(&envelope.item_hash)
        .expect("a read")
        .expect("a message");
    assert_eq!(found.id, row.id);
    assert_eq!(found.item_hash, envelope.item_hash);
    assert_eq!(
        (found.status, found.chain, found.item_type),
        (MessageStatus::Processed, Chain::Eth, ItemType::Inline)
    );
    assert_eq!(
        (found.sender.as_str(), found.owner.as_str()),
        (&*envelope.sender, &*envelope.sender)
    );
    assert_eq!(
        (found.channel.as_deref(), found.label.as_deref()),
        (Some("TEST"), Some("chat"))
    );
    assert_eq!(
        (found.time, found.content_time),
        (envelope.time, Micros(12_500_000))
    );
    assert_eq!(found.signature, envelope.signature);
    assert_eq!(found.item_content(), envelope.item_content.as_deref());
    assert_eq!(found.content(), envelope.item_content.as_deref());
    assert_eq!(found.confirmations, []);
    assert_eq!(reader.message_get(&sha256(b"unknown")).expect("a read"), None);
    let status = reader
        .message_status(&envelope.item_hash, Micros(0))
        .expect("a read")
        .expect("a status");
    assert_eq!(
        (status.status, status.verdict, status.refused),
        (MessageStatus::Processed, None, false)
    );
}

#[test]
fn a_waiting_message_shows_its_code_when_the_retries_are_used_up() {
    let mut bench = Bench::new();
    let alice = keys::evm("alice");
    let waiting = builder::amend(&alice, &sha256(b"later"), json!({})).seal();
    let refused = builder::post(&alice, "chat", json!({})).seal();
    let waiting_row = bench.insert(&waiting, MessageStatus::Pending, 1_000_000);
    let refused_row = bench.insert(&refused, MessageStatus::Rejected, 1_000_001);
    let details = Some(r#"{"errors":[]}"#);
    let code = ErrorCode::PostAmendTargetNotFound;
    bench
        .writer
        .verdict_set(waiting_row.id, code, details, Micros(1_000_000))
        .expect("a verdict");
    let code = ErrorCode::PermissionDenied;
    bench
        .writer
        .verdict_set(refused_row.id, code, None, Micros(1_000_001))
        .expect("a verdict");
    bench.writer.commit().expect("a commit");
    let reader = bench.store.reader();
    let status = |hash: &ItemHash, now| {
        reader
            .message_status(hash, Micros(now))
            .expect("a read")
            .expect("a status")
    };
    let at_once = status(&waiting.item_hash, 405_999_999);
    assert_eq!(at_once.status, MessageStatus::Pending);
    assert_eq!(at_once.reception, Micros(1_000_000));
    let later = status(&waiting.item_hash, 406_000_000);
    assert_eq!(later.status, MessageStatus::Rejected);
    let verdict = later.verdict.expect("a verdict");
    assert_eq!(
        (verdict.code, verdict.details.as_deref()),
        (ErrorCode::PostAmendTargetNotFound, details)
    );
    assert_eq!(status(&refused.item_hash, 0).status, MessageStatus::Rejected);
    let parked = reader.parked_list(10, Micros(406_000_000)).expect("a list");
    let shown: Vec<_> = parked.iter().map(|row| (row.code, row.status)).collect();
    assert_eq!(
        shown,
        [
            (ErrorCode::PermissionDenied, MessageStatus::Rejected),
            (ErrorCode::PostAmendTargetNotFound, MessageStatus::Rejected),
        ],
    );
    let counts = reader.counts().expect("counts");
    assert_eq!((counts.messages, counts.pending, counts.parked), (0, 1, 1));
}

#[test]
fn a_refused_message_is_found_until_a_good_copy_arrives() {
    let mut bench = Bench::new();
    let hash = sha256(b"refused");
    let refused = Refused {
        hash: &hash,
        code: ErrorCode::InvalidSignature,
        details: None,
        message: "{}",
    };
    bench.writer.refused_put(&refused, Micros(5)).expect("a row");
    bench.writer.commit().expect("a commit");
    let reader = bench.store.reader();
    let status = reader
        .message_status(&hash, Micros(6))
        .expect("a read")
        .expect("a status");
    assert!(status.refused);
    assert_eq!(
        (status.status, status.reception),
        (MessageStatus::Rejected, Micros(5))
    );
    let row = reader.refused_get(&hash).expect("a read").expect("a row");
    assert_eq!(
        (row.code, row.message.as_str()),
        (ErrorCode::InvalidSignature, "{}")
    );
    bench.writer.begin().expect("a transaction");
    bench.writer.refused_clear(&hash).expect("a change");
    bench.writer.commit().expect("a commit");
    assert_eq!(reader.message_status(&hash, Micros(6)).expect("a read"), None);
}

#[test]
fn a_tombstone_names_the_forgets_and_hides_what_is_still_held() {
    let mut bench = Bench::new();
    let alice = keys::evm("alice");
    let mut row = bench.processed(builder::post(&alice, "chat", json!({"body": "secret"})), 1);
    let first = bench.processed(
        builder::forget(&alice, &[row.hash.clone()]).at(1_700_000_001.0),
        2,
    );
    let second = bench.processed(
        builder::forget(&alice, &[row.hash.clone()]).at(1_700_000_002.0),
        3,
    );
    let gone = State {
        gone_at: Some(Micros(9)),
        ..state(MessageStatus::Forgotten)
    };
    bench.writer.message_set_state(&mut row, gone).expect("a change");
    bench
        .writer
        .tombstone_set(&row, &[first.hash.clone(), second.hash.clone()])
        .expect("a tombstone");
    bench.writer.commit().expect("a commit");
    let found = bench
        .store
        .reader()
        .message_get(&row.hash)
        .expect("a read")
        .expect("a tombstone");
    assert_eq!(
        (found.status, found.gone_at),
        (MessageStatus::Forgotten, Some(Micros(9)))
    );
    assert_eq!(found.forgotten_by, [first.hash, second.hash]);
    assert_eq!(
        (found.content(), found.item_content(), found.signed_text()),
        (None, None, None)
    );
}

#[test]
fn confirmations_come_earliest_first() {
    let mut bench = Bench::new();
    let alice = keys::evm("alice");
    let row = bench.processed(builder::post(&alice, "chat", json!({})), 1);
    bench.writer.commit().expect("a commit");
    // The writer does not confirm yet.
    let path: String = bench.store.reader().path().expect("a file").to_owned();
    let connection = rusqlite::Connection::open(path).expect("the same file");
    connection
        .execute_batch(&format!(
            "INSERT INTO confirmations (message, tx_hash, chain, height, time)
             VALUES ({0}, '0xb', 0, 12, 120), ({0}, '0xa', 1, 11, 110);
             UPDATE messages SET confirmed_at = 110, confirmed_height = 11 WHERE id = {0};",
            row.id
        ))
        .expect("rows");
    let found = bench
        .store
        .reader()
        .message_get(&row.hash)
        .expect("a read")
        .expect("a message");
    let confirmations: Vec<_> = found
        .confirmations
        .iter()
        .map(|one| (one.hash.as_str(), one.height))
        .collect();
    assert_eq!(confirmations, [("0xa", 11), ("0xb", 12)]);
    assert_eq!(found.confirmed_at, Some(Micros(110)));
}

#[test]
fn a_post_shows_its_last_amend() {
    let mut bench = Bench::new();
    let alice = keys::evm("alice");
    let original = bench.processed(
        builder::post(&alice, "chat", json!({"n": 1}))
            .at(10.0)
            .channel("C"),
        1,
    );
    bench.writer.post_enter(&original).expect("a post");
    let amend = bench.processed(
        builder::amend(&alice, &original.hash, json!({"n": 2})).at(20.0),
        2,
    );
    bench.writer.amend_enter(&original, &amend).expect("an amend");
    bench.writer.commit().expect("a commit");
    let reader = bench.store.reader();
    let post = reader.post_get(&original.hash).expect("a read").expect("a post");
    assert_eq!(
        (&post.latest.item_hash, post.updated),
        (&amend.hash, Micros(20_000_000))
    );
    assert_eq!(
        (post.original.post_type.as_str(), post.original.created),
        ("chat", Micros(10_000_000))
    );
    assert_eq!(post.original.channel.as_deref(), Some("C"));
    assert_eq!(post.original.signature, original.signature);
    assert_eq!(reader.post_get(&amend.hash).expect("a read"), None);
}

#[test]
fn an_aggregate_is_the_sum_of_its_elements() {
    let mut bench = Bench::new();
    let alice = keys::evm("alice");
    let first = bench.processed(
        builder::aggregate(&alice, "profile", json!({"b": 1, "a": 1})).at(10.0),
        1,
    );
    let last = bench.processed(
        builder::aggregate(&alice, "profile", json!({"a": [2]})).at(20.0),
        2,
    );
    bench
        .writer
        .aggregate_enter(&first, &[("b".into(), "1"), ("a".into(), "1")])
        .expect("an element");
    bench
        .writer
        .aggregate_enter(&last, &[("a".into(), "[2]")])
        .expect("an element");
    let other = bench.processed(builder::aggregate(&alice, "domains", json!({"c": 3})).at(30.0), 3);
    bench
        .writer
        .aggregate_enter(&other, &[("c".into(), "3")])
        .expect("an element");
    bench.writer.commit().expect("a commit");
    let reader = bench.store.reader();
    let owner = &*first.owner;
    let wanted = ["profile".to_owned(), "unknown".to_owned()];
    let found = reader.aggregate_get(owner, Some(&wanted)).expect("a read");
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].fields,
        [("a".into(), "[2]".into()), ("b".into(), "1".into())]
    );
    assert_eq!(
        (found[0].created, found[0].updated),
        (Micros(10_000_000), Micros(20_000_000))
    );
    assert_eq!((&found[0].first, &found[0].last), (&first.hash, &last.hash));
    let all = reader.aggregate_get(owner, None).expect("a read");
    assert_eq!(
        all.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(),
        ["domains", "profile"]
    );
    assert_eq!(reader.aggregate_get("nobody", None).expect("a read"), []);
}

#[test]
fn files_are_found_by_name_message_and_owner() {
    let mut bench = Bench::new();
    let alice = keys::evm("alice");
    let files = [sha256(b"one"), sha256(b"two"), sha256(b"three")];
    let mut stores = Vec::new();
    for (index, file) in files.iter().enumerate() {
        bench
            .writer
            .file_insert(file, 100 + index as u64, FileKind::File, Micros(0))
            .expect("a file");
        let row = bench.processed(builder::store(&alice, file).at(10.0 * index as f64), index as i64);
        bench
            .writer
            .pin_insert(&row, PinKind::Message, file)
            .expect("a pin");
        stores.push(row);
    }
    bench.writer.tag_insert("0xA/doc", &stores[1]).expect("a tag");
    bench.writer.tag_insert("0xA/doc", &stores[0]).expect("a tag");
    bench.writer.commit().expect("a commit");
    let reader = bench.store.reader();
    let file = reader.file_get(&files[1]).expect("a read").expect("a file");
    assert_eq!((file.size, file.kind), (101, FileKind::File));
    assert_eq!(reader.file_pins(&files[1]).expect("a count"), 1);
    assert_eq!(reader.file_pins(&sha256(b"unknown")).expect("a count"), 0);
    let stored = reader
        .file_by_message(&stores[2].hash)
        .expect("a read")
        .expect("a file");
    assert_eq!(
        (&stored.file.hash, &stored.message.item_hash),
        (&files[2], &stores[2].hash)
    );
    let tagged = reader.file_by_tag("0xA/doc").expect("a read").expect("a file");
    assert_eq!(tagged.file.hash, files[1]);
    assert_eq!(reader.file_by_tag("0xA/other").expect("a read"), None);
    let owner = &*stores[0].owner;
    assert_eq!(reader.files_total(owner).expect("totals"), (3, 303));
    let list = |file, window: &Window| {
        let list = reader
            .files_of(owner, file, Order::Descending, window)
            .expect("a list");
        list.into_iter().map(|owned| owned.file.hash).collect::<Vec<_>>()
    };
    assert_eq!(
        list(None, &Window::first(2)),
        [files[2].clone(), files[1].clone()]
    );
    let cursor = Window::After {
        time: Micros(10_000_000),
        hash: stores[1].hash.clone(),
        limit: 5,
    };
    assert_eq!(list(None, &cursor), [files[0].clone()]);
    assert_eq!(list(Some(&files[1]), &Window::first(5)), [files[1].clone()]);
}

#[test]
fn several_reads_see_one_snapshot() {
    let mut bench = Bench::new();
    let alice = keys::evm("alice");
    let first = bench.processed(builder::post(&alice, "chat", json!({"n": 1})), 1);
    bench.writer.commit().expect("a commit");
    let reader = bench.store.reader();
    reader
        .snapshot(|reader| {
            assert!(reader.message_get(&first.hash)?.is_some());
            bench.writer.begin()?;
            let second = bench.processed(builder::post(&alice, "chat", json!({"n": 2})), 2);
            bench.writer.commit()?;
            assert_eq!(reader.message_get(&second.hash)?, None);
            assert_eq!(reader.counts()?.messages, 1);
            Ok(())
        })
        .expect("a snapshot");
    assert_eq!(reader.counts().expect("counts").messages, 2);
}
