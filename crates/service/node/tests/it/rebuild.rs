//! Rebuilding: what is derived comes out the same, what is final stays, what is damaged shows.

use std::{fs, path::Path, slice, sync::Arc};

use alephd_blobs::{BlobName, Blobs};
use alephd_message::{Chain, Envelope, ItemHash, Micros};
use alephd_node::{
    Config, NodeError,
    progress::Show,
    rebuild::{RebuildReport, rebuild},
};
use alephd_store::{Store, StoreConfig, StoreError};
use alephd_tasks::{CancellationToken, Clock as _, SystemClock};
use alephd_testkit::{builder, keys, scenario, sha256};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::json;

use crate::{
    import::{config, run},
    once_free,
};

/// Random histories: each takes two databases, so there are few.
const CASES: usize = 8;

/// A data folder that is filled part by part.
struct Bench {
    config: Config,
    folder: tempfile::TempDir,
    parts: usize,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config(&folder.path().join("data"));
        let parts = 0;
        Self {
            config,
            folder,
            parts,
        }
    }

    fn store(&self) -> Store {
        Store::open(&StoreConfig::at(self.config.data.folder.join("alephd.sqlite"))).unwrap()
    }

    /// Files that the node holds from the start.
    async fn hold(&self, files: &[&[u8]]) {
        let blobs = once_free(|| async {
            let opened = Blobs::open_folder(&self.config.data.folder).await;
            opened.map_err(|error| match error {
                alephd_blobs::Error::InUse(path) => NodeError::InUse(path),
                error => NodeError::Blobs(error),
            })
        });
        let blobs = blobs.await.unwrap();
        let mut writer = self.store().take_writer().unwrap();
        writer.begin().unwrap();
        for file in files {
            let mut upload = blobs.writer(1 << 20);
            upload.write(file).await.unwrap();
            let stored = upload.finish(BlobName::Sha256).await.unwrap();
            let now = Micros(SystemClock::new().now_micros());
            writer
                .file_insert(&stored.name, stored.size, alephd_store::read::FileKind::File, now)
                .unwrap();
        }
        writer.commit().unwrap();
    }

    async fn take(&mut self, messages: &[Envelope]) {
        let lines: Vec<_> = messages.iter().map(builder::wire).collect();
        let file = self.folder.path().join(format!("part-{}.jsonl", self.parts));
        self.parts += 1;
        fs::write(&file, lines.join("\n")).unwrap();
        assert!(run(&self.config, &file).await.complete);
    }

    /// What the pipeline does when the grace of tombstones is over.
    fn sweep(&self) -> usize {
        let store = self.store();
        let mut writer = store.take_writer().unwrap();
        let reader = store.reader();
        writer.begin().unwrap();
        let due = writer.messages_to_purge(Micros(i64::MAX), u32::MAX).unwrap();
        for id in &due {
            let mut row = writer.message_load(*id).unwrap();
            writer.message_purge(&mut row).unwrap();
            let sql = "SELECT forgotten_by FROM tombstones WHERE message = ?";
            let names: String = reader.query_row(sql, [id], |row| row.get(0)).unwrap();
            for name in names.split(' ') {
                let forget = writer
                    .message_find(&ItemHash::parse_strict(name).unwrap())
                    .unwrap()
                    .unwrap();
                writer.forget_set_final(forget.id).unwrap();
            }
        }
        writer.commit().unwrap();
        writer.checkpoint().unwrap();
        due.len()
    }

    async fn rebuild(&self) -> RebuildReport {
        let profile = self.config.load_profile().unwrap();
        let clock = Arc::new(SystemClock::new());
        let stop = CancellationToken::new();
        let rebuilding = || {
            rebuild(
                &self.config,
                &profile,
                Arc::clone(&clock) as _,
                Show::Nothing,
                stop.clone(),
            )
        };
        once_free(rebuilding).await.unwrap()
    }

    fn count(&self, condition: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM messages WHERE {condition}");
        let store = self.store();
        store.reader().query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    /// Changes rows behind the back of the program.
    fn damage(&self, sql: &str) {
        let path = self.config.data.folder.join("alephd.sqlite");
        let connection = rusqlite::Connection::open(path).unwrap();
        assert!(
            connection.execute(sql, []).unwrap() > 0,
            "nothing was damaged: {sql}"
        );
    }
}

/// What the stores of [`history`] name.
const FILE: &[u8] = b"a file of some bytes";

/// Forgotten messages of every kind that does something to others.
fn history() -> Vec<Envelope> {
    let (alice, bob, funder) = (keys::evm("alice"), keys::evm("bob"), keys::funder());
    let post = |number: u64, time: f64| {
        builder::post(&alice, "chat", json!({"n": number, "tags": ["a"]}))
            .at(time)
            .channel("TEST")
            .seal()
    };
    let amend = |target: &Envelope, time: f64| {
        builder::amend(&alice, &target.item_hash, json!({"t": time}))
            .at(time)
            .seal()
    };
    let forget = |targets: &[&Envelope], time: f64| {
        let targets: Vec<_> = targets.iter().map(|target| target.item_hash.clone()).collect();
        builder::forget(&alice, &targets).at(time).seal()
    };
    let element = |key: &str, fields, time: f64| builder::aggregate(&alice, key, fields).at(time).seal();
    let mut all = Vec::new();

    // A post that takes its amends along, one whose last amend goes alone, and one that stays.
    let (dropped, revised, kept) = (post(1, 1.0), post(2, 2.0), post(3, 3.0));
    let amends = [amend(&dropped, 4.0), amend(&dropped, 5.0)];
    let revisions = [amend(&revised, 4.0), amend(&revised, 5.0), amend(&kept, 6.0)];
    let gone = [forget(&[&dropped], 7.0), forget(&[&revisions[1]], 7.5)];
    // Two more name what is gone already, one of them with an earlier time.
    let joining = [forget(&[&dropped, &amends[0]], 6.5), forget(&[&dropped], 9.0)];
    all.extend([dropped, revised, kept]);
    all.extend(amends);
    all.extend(revisions);
    all.extend(gone);
    all.extend(joining);

    // Fields that fall back to an older element; a whole aggregate, by its key.
    let elements = [
        element("k", json!({"x": 1, "y": 1}), 10.0),
        element("k", json!({"x": 2, "z": 2}), 11.0),
        element("k", json!({"x": 3}), 12.0),
    ];
    let key = sha256(b"key");
    let keyed = [
        element(&key.to_string(), json!({"a": 1}), 10.0),
        element(&key.to_string(), json!({"b": 1}), 20.0),
    ];
    all.push(forget(&[&elements[1]], 13.0));
    let by_key = builder::forget(&alice, &[])
        .set("aggregates", json!([key]))
        .at(15.0)
        .seal();
    // The forgotten element comes after its FORGET.
    all.extend(elements);
    all.extend(keyed);
    all.push(by_key);

    // What a grant allowed stays allowed when the grant is forgotten.
    let grant = builder::security(&alice, &[builder::grant(bob.address())])
        .at(20.0)
        .seal();
    let revocation = builder::security(&alice, &[]).at(30.0).seal();
    let by_bob = |time: f64| {
        builder::post(&bob, "chat", json!({"by": "bob"}))
            .on_behalf_of(alice.address())
            .at(time)
            .seal()
    };
    let ungranted = forget(&[&grant], 26.0);
    // A FORGET by a delegate is provisional: its target is held.
    let target = post(4, 21.0);
    let delegated = builder::forget(&bob, slice::from_ref(&target.item_hash))
        .at(23.0)
        .seal();
    all.extend([
        grant,
        by_bob(21.0),
        by_bob(27.0),
        by_bob(31.0),
        revocation,
        target,
        delegated,
        ungranted,
    ]);

    // So is the FORGET of a file, even by its owner.
    let store = builder::store(&alice, &sha256(FILE)).at(40.0).seal();
    let labelled = builder::store(&alice, &sha256(FILE))
        .reference("name")
        .at(41.0)
        .seal();
    all.push(forget(&[&store], 43.0));
    all.extend([store, labelled]);

    // What a report or a credit post did to money stays.
    let (a, b) = (alice.address(), bob.address());
    let old = builder::balances_update(&funder, Chain::Eth, 10, &[(a, 1.0), (b, 2.0)])
        .at(50.0)
        .seal();
    let new = builder::balances_update(&funder, Chain::Eth, 20, &[(a, 3.0)])
        .at(51.0)
        .seal();
    let dapp = builder::balances_update(&funder, Chain::Eth, 5, &[(a, 7.5)])
        .set_within("content", "dapp", "pool")
        .at(52.0)
        .seal();
    let credits = builder::credit_distribution(&funder, &[(a, 100), (b, 200)])
        .at(53.0)
        .seal();
    let expense = builder::credit_expense(&funder, &[(a, 5)]).at(54.0).seal();
    let money = [&old, &dapp, &credits].map(|message| message.item_hash.clone());
    let unpaid = builder::forget(&funder, &money).at(60.0).seal();
    all.extend([old, new, dapp, credits, expense, unpaid]);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_forgotten_for_good_is_taken_over() {
    let mut bench = Bench::new();
    let as_file = {
        let alice = keys::evm("alice");
        let target = builder::post(&alice, "chat", json!({"n": 9})).at(70.0).seal();
        let (forget, text) = builder::forget(&alice, slice::from_ref(&target.item_hash))
            .at(71.0)
            .seal_as_file();
        (vec![target, forget], text)
    };
    bench.hold(&[FILE, as_file.1.as_bytes()]).await;
    bench.take(&history()).await;
    bench.take(&as_file.0).await;
    let purged = bench.count("purged = 1 AND item_content IS NULL");
    let held = bench.count("purge_after IS NOT NULL");
    let finals = bench.count("purged = 1");
    assert!(purged >= 11, "{purged} contents are gone");
    assert_eq!(held, 2, "a target of a delegate, a file");
    let report = bench.rebuild().await;
    assert!(report.equal, "{report:?}");
    assert_eq!(report.taken_over, finals as u64);
    let left = fs::read_dir(&bench.config.data.folder).unwrap();
    assert!(left.into_iter().all(|entry| {
        let name = entry.unwrap().file_name();
        !name.to_string_lossy().starts_with("rebuild-")
    }));

    // Once the grace is over nothing undoes the FORGET of the delegate, here an earlier revocation.
    assert_eq!(bench.sweep(), 2);
    let revocation = builder::security(&keys::evm("alice"), &[]).at(22.0).seal();
    bench.take(&[revocation]).await;
    assert_eq!(bench.count("purged = 1 AND item_content IS NULL"), purged + 2);
    let later = bench.rebuild().await;
    assert!(later.equal, "{later:?}");
    assert_eq!(later.taken_over, report.taken_over + 4);
    assert_ne!(later.live, report.live);
    // Judged again, that FORGET would be refused: it is its mark that counts.
    bench.damage(
        "UPDATE messages SET purged = 0 WHERE purged = 1 AND time = 23000000 AND item_content LIKE '%hashes%'",
    );
    let judged = bench.rebuild().await;
    assert_eq!((judged.equal, judged.taken_over), (false, later.taken_over - 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn random_histories_come_out_the_same() {
    let mut runner = TestRunner::deterministic();
    for case in 0..CASES {
        let tree = scenario::arb_scenario().new_tree(&mut runner).unwrap();
        let mut bench = Bench::new();
        bench.hold(&scenario::files()).await;
        bench.take(&tree.current()).await;
        if case % 2 == 1 {
            bench.sweep();
        }
        let report = bench.rebuild().await;
        assert!(report.equal, "case {case}: {report:?}\n{:#?}", tree.current());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_row_is_found() {
    let mut bench = Bench::new();
    bench.hold(&[FILE]).await;
    bench.take(&history()).await;
    assert!(bench.rebuild().await.equal);
    let path = bench.config.data.folder.join("alephd.sqlite");
    let whole = fs::read(&path).unwrap();
    for (sql, in_tables, in_messages) in [
        // The content of a message, of one that a FORGET made final, the names in a tombstone.
        (
            "UPDATE messages SET item_content = replace(item_content, '\"n\":3', '\"n\":4') WHERE status = 0
            AND item_content LIKE '%\"n\":3%'",
            true,
            true,
        ),
        (
            "UPDATE messages SET item_content = replace(item_content, 'hashes', 'hashez') WHERE purged = 1
            AND item_content LIKE '%hashes%'",
            true,
            true,
        ),
        (
            "UPDATE tombstones SET forgotten_by = substr(forgotten_by, 66) WHERE length(forgotten_by) > 64",
            true,
            false,
        ),
        (
            "UPDATE messages SET size = size + 1 WHERE purged = 1 AND item_content IS NULL",
            true,
            true,
        ),
        // What is derived, and nothing else.
        (
            "UPDATE aggregate_fields SET value = '77' WHERE field = 'y'",
            true,
            false,
        ),
        (
            "UPDATE tags SET time = time + 1, hash = zeroblob(32)",
            true,
            false,
        ),
        // Money of messages that are gone: nothing else tells it.
        ("UPDATE balances SET balance = '8' WHERE dapp <> 0", true, false),
        (
            "UPDATE balance_reports SET balance = '8' WHERE dapp <> 0",
            false,
            true,
        ),
        (
            "UPDATE credits SET amount = amount + 1 WHERE amount = 2000000",
            true,
            true,
        ),
        // Delegations of an element that is gone: who acted by them had no right to.
        (
            "DELETE FROM delegations WHERE message IN (SELECT id FROM messages WHERE purged = 1)",
            false,
            true,
        ),
        // A message that is missing, with all that was derived from it.
        (
            "DELETE FROM messages WHERE type = 0 AND status = 0 AND item_content LIKE '%\"n\":3%'",
            true,
            true,
        ),
        // The root itself.
        (
            "UPDATE meta SET value = zeroblob(2048) WHERE key = 'root_live'",
            true,
            true,
        ),
    ] {
        bench.damage(sql);
        let report = bench.rebuild().await;
        assert!(!report.equal, "{sql}");
        assert_eq!(
            (report.tables != report.live, report.rebuilt != report.live),
            (in_tables, in_messages),
            "{sql}"
        );
        for suffix in ["-wal", "-shm"] {
            let _ = fs::remove_file(path.with_file_name(format!("alephd.sqlite{suffix}")));
        }
        fs::write(&path, &whole).unwrap();
    }
    assert!(bench.rebuild().await.equal);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_commands_leave_the_database_alone() {
    let mut bench = Bench::new();
    bench.take(&history()[..3]).await;
    let data = alephd_node::DataDir::at(&bench.config.data.folder);
    let roots = alephd_node::state_root::of_folder(&data).unwrap();
    assert_eq!(roots.messages, 3);
    let schema = |version: u32| {
        let path: &Path = &bench.config.data.folder.join("alephd.sqlite");
        let connection = rusqlite::Connection::open(path).unwrap();
        connection.pragma_update(None, "user_version", version).unwrap();
    };
    schema(0);
    let older = alephd_node::state_root::of_folder(&data);
    assert!(
        matches!(older, Err(NodeError::Store(StoreError::TooOld { found: 0, .. }))),
        "{older:?}"
    );
    schema(9_999);
    let newer = alephd_node::state_root::of_folder(&data);
    assert!(
        matches!(
            newer,
            Err(NodeError::Store(StoreError::TooNew { found: 9_999, .. }))
        ),
        "{newer:?}"
    );
}
