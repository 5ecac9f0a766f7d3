//! A development node from its start to its end.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::Stdio,
};

use alephd_testkit::{builder, keys, process::Node};
use serde_json::{Value, json};

use crate::{alephd, path, run, text};

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_alephd"))
}

#[test]
fn a_node_keeps_its_state_over_a_clean_stop_and_equals_an_import() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let node = Node::start(program(), &data).unwrap();
    let message = builder::post(&keys::evm("alice"), "chat", json!({"body": "hello"})).seal();
    let wire = builder::wire(&message);
    let body = format!("{{\"sync\":true,\"message\":{wire}}}");
    let answer: Value = node
        .http()
        .post_json("/api/v0/messages", &body)
        .unwrap()
        .json()
        .unwrap();
    assert_eq!(answer["message_status"], "processed");
    let served: Value = node.http().get("/api/v0/state/root").unwrap().json().unwrap();

    // The folder can be looked at meanwhile, and not be written to.
    let roots = |data: &Path| {
        let output = run(&["state-root", "--data", path(data)]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    assert_eq!(roots(&data), served);
    let second = run(&["dev", "--api", "127.0.0.1:0", "--data", path(&data)]);
    assert!(
        text(&second.stderr).contains("another process uses"),
        "{}",
        text(&second.stderr)
    );
    let status = run(&["status", "--api", &node.url()]);
    assert!(
        text(&status.stdout).contains(served["live"].as_str().unwrap()),
        "{}",
        text(&status.stdout)
    );

    assert!(node.terminate().unwrap().success(), "a clean stop");
    assert_eq!(
        fs::metadata(data.join("alephd.sqlite-wal")).map_or(0, |file| file.len()),
        0
    );
    assert_eq!(roots(&data), served);

    let file = folder.path().join("messages.jsonl");
    fs::write(&file, wire).unwrap();
    let other = folder.path().join("other");
    assert!(
        run(&["import", path(&file), "--data", path(&other)])
            .status
            .success()
    );
    assert_eq!(roots(&other), served);

    let again = Node::start(program(), &data).unwrap();
    let after: Value = again.http().get("/api/v0/state/root").unwrap().json().unwrap();
    assert_eq!(after, served);
    again.terminate().unwrap();
}

#[test]
fn without_a_folder_nothing_is_left_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let mut child = alephd()
        .args(["dev", "--api", "127.0.0.1:0", "--log-format", "json"])
        .env("TMPDIR", temporary.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(
        first.contains("is ready") && first.contains("removed at the end"),
        "{first}"
    );
    let shown: Vec<String> = lines
        .by_ref()
        .map(Result::unwrap)
        .take_while(|line| !line.contains("Ctrl-C"))
        .collect();
    assert_eq!(shown.iter().filter(|line| line.starts_with("  0x")).count(), 10);
    assert_eq!(shown.iter().filter(|line| line.starts_with("  curl ")).count(), 4);
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 1);

    let killed = std::process::Command::new("kill")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(killed.success());
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(child.wait().unwrap().success(), "{log}");
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
    let last: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["level"], &last["message"]),
        (&json!("INFO"), &json!("stopped"))
    );
}

#[test]
fn collect_tells_what_a_node_would_remove_and_removes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let node = Node::start(program(), &data).unwrap();
    let body = r#"{"kept":"by nothing"}"#;
    let answer = node.http().post_json("/api/v0/storage/add_json", body).unwrap();
    let stored: Value = answer.json().unwrap();
    let file = stored["hash"].as_str().unwrap();
    let beside = run(&["collect", "--dry-run", "--data", path(&data)]);
    assert_eq!(beside.status.code(), Some(1));
    assert!(
        text(&beside.stderr).contains("another process uses"),
        "{}",
        text(&beside.stderr)
    );
    assert!(node.terminate().unwrap().success());

    let lines = |arguments: &[&str]| {
        let output = run(&[&["collect", "--dry-run", "--data", path(&data)], arguments].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let now = lines(&[]);
    assert_eq!(now.len(), 1, "{now:?}");
    assert!(
        now[0].ends_with("messages removing 0, removed 0, processed again 0; files deleted 0, bytes 0"),
        "{now:?}"
    );
    for _ in 0..2 {
        let later = lines(&["--at", "2100-01-01T00:00:00Z"]);
        assert_eq!(later.len(), 3, "{later:?}");
        assert!(later[0].starts_with(&format!("unpin {file}: its grace period ended at 2")));
        assert_eq!(later[1], format!("delete {file}: nothing keeps it, 21 bytes"));
        let summary = "at 2100-01-01T00:00:00Z: messages removing 0, removed 0, processed again 0; files \
            deleted 1, bytes 21";
        assert_eq!(later[2], summary);
    }
    let objects: Vec<Value> = lines(&["--at", "4102444800", "--json"])
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(objects[1], json!({"step": "delete", "file": file, "bytes": 21}));
    assert_eq!(
        (&objects[2]["step"], &objects[2]["at"], &objects[2]["files"]),
        (&json!("summary"), &json!("2100-01-01T00:00:00Z"), &json!(1))
    );
}
