use std::os::unix::fs::PermissionsExt;

use super::*;

/// A stand-in for the program, as a shell script.
fn script(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("program");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn a_program_that_ends_at_once_is_reported_with_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let program = script(folder.path(), "echo \"args $*\"; echo reason >&2; exit 3");
    let error = Node::start(&program, &folder.path().join("data")).unwrap_err();
    let ProcessError::Ended { status, log } = error else {
        panic!("{error}");
    };
    assert_eq!(status.code(), Some(3));
    assert!(log.starts_with("args dev --api 127.0.0.1:"), "{log}");
    assert!(log.contains("--data") && log.ends_with("reason"), "{log}");
}

#[test]
fn a_port_that_was_taken_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let program = script(folder.path(), "echo 'Address already in use'; exit 1");
    let log = folder.path().join("data.log");
    Node::start(&program, &folder.path().join("data")).unwrap_err();
    assert_eq!(
        fs::read_to_string(log).unwrap().lines().count(),
        ATTEMPTS as usize
    );
}

#[test]
fn a_missing_program_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let error = Node::start(&folder.path().join("no"), &folder.path().join("data")).unwrap_err();
    assert!(
        matches!(error, ProcessError::System { action: "start", .. }),
        "{error}"
    );
}

/// Starts a node if there is a program that speaks HTTP here: the real one.
#[test]
fn the_real_program_starts_answers_and_ends() {
    let Some(program) = program() else {
        skip("process::the_real_program", "ALEPHD_BIN names no program");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let node = Node::start(&program, &data).unwrap();
    assert!(node.memory().unwrap().resident > 0);
    assert!(node.terminate().unwrap().success());
    Node::start(&program, &data).unwrap().kill().unwrap();
}
