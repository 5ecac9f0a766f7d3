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
