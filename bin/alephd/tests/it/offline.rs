//! Commands that need no running node.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
};

use alephd_testkit::{builder, keys, vectors};
use serde_json::{Value, json};

use crate::{alephd, path, run, text};

fn vector_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
    vectors::FILES
        .iter()
        .map(|file| folder.join(file).with_extension("jsonl"))
        .collect()
}

fn json_lines(bytes: &[u8]) -> Vec<Value> {
    text(bytes)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn verify_gives_the_verdict_of_every_vector() {
    for (file, name) in vector_files().iter().zip(vectors::FILES) {
        let output = run(&["verify", path(file)]);
        assert!(output.status.success());
        let verdicts = json_lines(&output.stdout);
        let expected = vectors::load(name).unwrap();
        assert_eq!(verdicts.len(), expected.len());
        for (verdict, vector) in verdicts.iter().zip(expected) {
            // Where the verifier of other nodes crashes, they give up with -1; ours says why.
            let code = vector
                .expected
                .error_code
                .map(|code| if code == -1 { 1 } else { code });
            let wanted = (json!(vector.expected.verdict), json!(code));
            let got = (verdict["verdict"].clone(), verdict["error_code"].clone());
            assert_eq!(
                got, wanted,
                "{}: {} / {}",
                vector.id, verdict["why"], vector.expected.why
            );
            let message: Value = serde_json::from_str(vector.message.get()).unwrap();
            if verdict["verdict"] == "valid" {
                assert_eq!(verdict["item_hash"], message["item_hash"]);
            }
            assert_eq!(verdict["why"] == "", verdict["verdict"] == "valid");
            assert_eq!(verdict.as_object().unwrap().len(), 4);
        }
    }
}

#[test]
fn verify_reads_bare_messages_from_standard_input() {
    let message = builder::post(&keys::evm("alice"), "chat", json!({})).seal();
    let mut child = alephd()
        .args(["verify", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{}\nnonsense", builder::wire(&message)).unwrap();
    drop(input);
    let verdicts = json_lines(&child.wait_with_output().unwrap().stdout);
    assert_eq!(verdicts[0]["item_hash"], message.item_hash.to_string());
    assert_eq!(
        (&verdicts[0]["verdict"], &verdicts[1]["verdict"]),
        (&json!("valid"), &json!("invalid"))
    );
}

#[test]
fn import_twice_state_root_export_and_rebuild() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("messages.jsonl");
    let alice = keys::evm("alice");
    let lines: Vec<String> = (0..50)
        .map(|number| builder::wire(&builder::post(&alice, "chat", json!({"n": number})).seal()))
        .collect();
    fs::write(&file, lines.join("\n")).unwrap();

    let mut roots = Vec::new();
    for _ in 0..2 {
        let output = run(&["import", path(&file), "--data", path(&data)]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            (&report["messages"], &report["by_status"]["processed"]),
            (&json!(50), &json!(50))
        );
        assert!(
            text(&output.stderr).starts_with("progress 50 "),
            "{}",
            text(&output.stderr)
        );
        let output = run(&["state-root", "--data", path(&data)]);
        assert!(output.status.success());
        roots.push(serde_json::from_slice::<Value>(&output.stdout).unwrap());
        assert_eq!(report["state"], roots[0]);
    }
    assert_eq!(roots[0], roots[1]);
    // The local network begins with the two messages that fund its test accounts.
    assert_eq!(roots[0]["messages"], 52);
    assert_eq!(roots[0]["adversary_safe"], false);
    assert_eq!(roots[0]["live"].as_str().unwrap().len(), 64);

    let output = run(&["export", "-", "--data", path(&data)]);
    assert!(output.status.success());
    assert_eq!(text(&output.stdout).lines().count(), 52);

    let output = run(&["rebuild", "--data", path(&data)]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["equal"], &report["live"]),
        (&json!(true), &roots[0]["live"])
    );
}

#[test]
fn the_printed_configuration_is_accepted() {
    let output = run(&["config"]);
    assert!(output.status.success());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("alephd.toml");
    fs::write(&file, &output.stdout).unwrap();
    // An empty folder is found only after the configuration was read.
    let data = folder.path().join("none");
    let output = run(&["rebuild", "--config", path(&file), "--data", path(&data)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("no node has run"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn mistakes_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let none = folder.path().join("none");
    let absent = folder.path().join("absent");
    for (arguments, status, told) in [
        (vec!["state-root", "--data", path(&none)], 1, "no node has run"),
        (
            vec!["import", "/nonexistent", "--data", path(&none)],
            1,
            "cannot use /nonexistent",
        ),
        (vec!["verify", "/nonexistent"], 1, "cannot read /nonexistent"),
        (vec!["run", "--set", "api.lisen=1"], 1, "did you mean api.listen?"),
        (vec!["run", "--profile", "manynet"], 1, "is no network profile"),
        (vec!["dev", "--api", "0.0.0.0:0"], 1, "is not a loopback address"),
        (vec!["status", "--api", "ftp://x"], 1, "ftp is not supported"),
        (vec!["frobnicate"], 2, "unrecognized subcommand"),
        (
            vec!["collect", "--data", path(&absent)],
            2,
            "the node itself collects",
        ),
        (
            vec!["collect", "--dry-run", "--data", path(&absent)],
            1,
            "no node has run",
        ),
    ] {
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}");
        assert!(
            text(&output.stderr).contains(told),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}
