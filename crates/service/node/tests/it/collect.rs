//! A rehearsal of the collector and a node that runs at the same instant agree.

use std::{fs, path::Path, sync::Arc};

use alephd_blobs::{BlobName, Blobs};
use alephd_message::{Chain, ItemHash, Micros};
use alephd_node::{
    Config, Node,
    collect::{Summary, rehearse},
    import::{ImportOptions, import},
    progress::Show,
};
use alephd_rules::MessageStatus;
use alephd_store::{Store, StoreConfig};
use alephd_tasks::{CancellationToken, ManualClock};
use alephd_testkit::{builder, keys};

use crate::{import::config, once_free};

/// Larger than what stays without payment.
const SIZE: u64 = 30 << 20;
const HOUR: i64 = 3_600;
/// When the file came, and the message that stores it.
const START: i64 = 1_785_000_000;

fn at(seconds: i64) -> Micros {
    Micros(seconds * 1_000_000)
}

fn clock(seconds: i64) -> Arc<ManualClock> {
    Arc::new(ManualClock::new(at(seconds).0))
}

/// Stores a few bytes that the database takes for many.
async fn hold(folder: &Path) -> ItemHash {
    let blobs = Blobs::open_folder(folder).await.unwrap();
    let store = Store::open(&StoreConfig::at(folder.join("alephd.sqlite"))).unwrap();
    let mut upload = blobs.writer(1 << 20);
    upload.write(b"a large file").await.unwrap();
    let name = upload.finish(BlobName::Sha256).await.unwrap().name;
    let mut writer = store.take_writer().unwrap();
    writer.begin().unwrap();
    writer
        .file_insert(&name, SIZE, alephd_store::read::FileKind::File, at(START))
        .unwrap();
    writer.commit().unwrap();
    name
}

async fn told(config: &Config, seconds: i64) -> (Vec<String>, Summary) {
    let profile = config.load_profile().unwrap();
    let lines = std::sync::Mutex::new(Vec::new());
    let rehearsing = || {
        lines.lock().unwrap().clear();
        rehearse(config, &profile, at(seconds), |planned| {
            lines.lock().unwrap().push(planned.to_string());
        })
    };
    let summary = once_free(rehearsing).await.unwrap();
    (lines.into_inner().unwrap(), summary)
}

/// Runs a node at an instant until the message has a status.
async fn run_until(config: &Config, seconds: i64, message: &ItemHash, wanted: MessageStatus) {
    let profile = config.load_profile().unwrap();
    let node = once_free(|| Node::start(config, &profile, clock(seconds)))
        .await
        .unwrap();
    let database = config.data.folder.join("alephd.sqlite");
    let store = Store::open_read_only(&StoreConfig::at(database)).unwrap();
    let status = || {
        let found = store.reader().message_status(message, at(seconds)).unwrap();
        found.unwrap().status
    };
    while status() != wanted {
        tokio::task::yield_now().await;
    }
    node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_is_what_a_node_does() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&folder.path().join("data"));
    config.api.listen = "127.0.0.1:0".parse().unwrap();
    let data = config.data.folder.clone();
    fs::create_dir(&data).unwrap();
    let file = hold(&data).await;

    // Somebody stores a file and holds tokens for it, and a day later he does not.
    let day = 24 * HOUR;
    let (alice, funder) = (keys::evm("alice"), keys::funder());
    let report = |tokens: f64, height: u64| {
        builder::balances_update(&funder, Chain::Eth, height, &[(alice.address(), tokens)])
    };
    let store = builder::store(&alice, &file).at(START as f64).seal();
    let messages = [
        report(100.0, 1).at((START - HOUR) as f64).seal(),
        store.clone(),
        report(0.0, 2).at((START + day) as f64).seal(),
    ];
    let lines: Vec<_> = messages.iter().map(builder::wire).collect();
    let options = ImportOptions {
        file: folder.path().join("messages.jsonl"),
        show: Show::Nothing,
        stop: CancellationToken::new(),
    };
    fs::write(&options.file, lines.join("\n")).unwrap();
    let profile = config.load_profile().unwrap();
    // While it is still paid for: an import collects, too.
    let importing = || import(&config, &profile, clock(START + HOUR), options.clone());
    let report = once_free(importing).await.unwrap();
    assert_eq!(report.by_status["processed"], 3, "{report:?}");

    let (hash, owner) = (&store.item_hash, alice.address());
    let (lines, summary) = told(&config, START + HOUR).await;
    assert_eq!(lines, [""; 0]);
    let nothing = Summary {
        at: at(START + HOUR),
        ..Summary::default()
    };
    assert_eq!(summary, nothing);

    let later = START + day + HOUR;
    let until = at(later + 25 * HOUR);
    for _ in 0..2 {
        let (lines, summary) = told(&config, later).await;
        let announce =
            format!("announce {hash}: {owner} holds too few tokens, and it can be removed from {until} on");
        assert_eq!((lines, summary.removing), (vec![announce], 1));
    }
    run_until(&config, later, hash, MessageStatus::Removing).await;
    assert_eq!(told(&config, later).await.0, [""; 0]);
    assert_eq!(told(&config, later + 24 * HOUR).await.0, [""; 0]);

    let end = later + 26 * HOUR;
    let (lines, summary) = told(&config, end).await;
    let expected = [
        format!("remove {hash}: {owner} holds too few tokens, and its notice is over"),
        format!("delete {file}: nothing keeps it, {SIZE} bytes"),
    ];
    assert_eq!(lines, expected);
    assert_eq!((summary.removed, summary.files, summary.bytes), (1, 1, SIZE));
    let name = file.to_string();
    let path = data.join("files").join(&name[..2]).join(&name);
    assert!(path.exists(), "nothing was done yet");

    run_until(&config, end, hash, MessageStatus::Removed).await;
    assert!(!path.exists());
    let (lines, summary) = told(&config, end).await;
    assert_eq!((lines.len(), summary.files), (0, 0));
}
