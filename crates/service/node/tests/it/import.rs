//! Importing: what is counted, and going on where an earlier import stopped.

use std::{fs, path::Path, sync::Arc};

use alephd_node::{
    Config, DataDir,
    export::{ExportOptions, export},
    import::{ImportOptions, ImportReport, import},
    progress::Show,
};
use alephd_tasks::{CancellationToken, SystemClock};
use alephd_testkit::{builder, keys};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::once_free;

pub(crate) fn config(folder: &Path) -> Config {
    let mut config = Config {
        profile: "local".into(),
        ..Config::default()
    };
    config.data.folder = folder.to_owned();
    config.pipeline.verifiers = 1;
    config.network.test_accounts = false;
    config
}

pub(crate) async fn run(config: &Config, file: &Path) -> ImportReport {
    let options = ImportOptions {
        file: file.to_owned(),
        show: Show::Nothing,
        stop: CancellationToken::new(),
    };
    let profile = config.load_profile().unwrap();
    let importing = || import(config, &profile, Arc::new(SystemClock::new()), options.clone());
    once_free(importing).await.unwrap()
}

/// Posts with an amend before its target among them.
fn messages(count: u64) -> Vec<String> {
    let alice = keys::evm("alice");
    let post = |number: u64| {
        builder::post(&alice, "chat", json!({"number": number}))
            .at(1_700_000_000.0 + number as f64)
            .seal()
    };
    let first = post(0);
    let amend = builder::amend(&alice, &first.item_hash, json!({"number": "none"}))
        .at(1_700_001_000.0)
        .seal();
    let mut lines = vec![builder::wire(&amend), builder::wire(&first)];
    lines.extend((1..count).map(|number| builder::wire(&post(number))));
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_is_counted_once_and_a_second_time_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder.path().join("data"));
    let file = folder.path().join("messages.jsonl");
    let mut lines = messages(20);
    lines[3] = format!("{{\"id\":7,\"message\":{}}}", lines[3]);
    lines.insert(5, "no message".to_owned());
    lines.insert(7, String::new());
    fs::write(&file, lines.join("\n")).unwrap();

    let report = run(&config, &file).await;
    assert!(report.complete);
    assert_eq!((report.messages, report.invalid), (21, 1));
    assert!(
        report.explained[0].starts_with("line 6: "),
        "{:?}",
        report.explained
    );
    assert_eq!(
        (report.by_status["pending"], report.by_status["processed"]),
        (1, 20)
    );
    assert_eq!(report.by_code[&101], 1);
    let state = report.state.unwrap();
    assert_eq!((state.messages, state.pending), (21, 0));

    let again = run(&config, &file).await;
    assert_eq!((again.resumed_at, again.messages), (0, 21));
    assert_eq!(again.state.unwrap(), state);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_goes_on_after_the_part_that_is_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder.path().join("data"));
    let data = config.data.folder.clone();
    let file = folder.path().join("messages.jsonl");
    let lines = messages(30);
    let text = lines.join("\n") + "\n";
    fs::write(&file, &text).unwrap();
    let offset: usize = lines[..10].iter().map(|line| line.len() + 1).sum();
    let head = hex::encode(&Sha256::digest(&text.as_bytes()[..text.len().min(64 << 10)])[..8]);
    let mark = data.join(format!("import-{head}.json"));
    let place = json!({"offset": offset, "line": 10}).to_string();

    // Beside no database a mark means nothing.
    fs::create_dir(&data).unwrap();
    fs::write(&mark, &place).unwrap();
    let whole = run(&config, &file).await;
    assert_eq!((whole.resumed_at, whole.messages), (0, 31));
    assert!(!mark.exists(), "a finished import leaves no mark");

    fs::write(&mark, &place).unwrap();
    let rest = run(&config, &file).await;
    assert_eq!((rest.resumed_at, rest.messages), (offset as u64, 21));
    assert!(!mark.exists());

    // A mark beyond the end is of a file that was longer.
    fs::write(&mark, json!({"offset": text.len() + 1, "line": 99}).to_string()).unwrap();
    assert_eq!(run(&config, &file).await.messages, 31);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_import_says_so_and_leaves_a_mark() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(&folder.path().join("data"));
    let file = folder.path().join("messages.jsonl");
    fs::write(&file, messages(3).join("\n")).unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    let options = ImportOptions {
        file: file.clone(),
        show: Show::Nothing,
        stop,
    };
    let profile = config.load_profile().unwrap();
    let report = import(&config, &profile, Arc::new(SystemClock::new()), options)
        .await
        .unwrap();
    assert!(!report.complete);
    assert_eq!(report.messages, 0);
    let marks = fs::read_dir(&config.data.folder).unwrap();
    assert_eq!(
        marks
            .filter(|entry| entry
                .as_ref()
                .unwrap()
                .file_name()
                .to_string_lossy()
                .starts_with("import-"))
            .count(),
        1
    );
    assert!(run(&config, &file).await.complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_gives_the_same_state() {
    let folder = tempfile::tempdir().unwrap();
    let first = config(&folder.path().join("first"));
    let file = folder.path().join("messages.jsonl");
    let mut lines = messages(30);
    fs::write(&file, lines[..12].join("\n")).unwrap();
    run(&first, &file).await;

    let exported = folder.path().join("exported.jsonl");
    let data = DataDir::at(&first.data.folder);
    let write = |from| {
        let options = ExportOptions {
            file: exported.clone(),
            from,
            show: Show::Nothing,
            stop: CancellationToken::new(),
        };
        export(&data, Arc::new(SystemClock::new()), &options)
    };
    let part = write(None).unwrap();
    assert_eq!((part.complete, part.messages), (true, 12));
    assert!(write(None).is_err(), "a file that is there is not written over");

    lines.remove(2);
    fs::write(&file, lines.join("\n")).unwrap();
    let state = run(&first, &file).await.state.unwrap();
    let rest = write(Some(part.last_id)).unwrap();
    assert_eq!(part.messages + rest.messages, state.messages);

    let second = config(&folder.path().join("second"));
    assert_eq!(run(&second, &exported).await.state.unwrap(), state);
}
