use serde_json::{Value, json};

use super::*;

/// `(folder, [(dependency, kind)])`; the package is named after the last part of its folder.
type Sketch<'a> = (&'a str, &'a [(&'a str, Option<&'a str>)]);

fn workspace(sketches: &[Sketch<'_>]) -> Workspace {
    let packages: Vec<Value> = sketches
        .iter()
        .map(|(folder, dependencies)| {
            let dependencies: Vec<Value> = dependencies
                .iter()
                .map(|(name, kind)| json!({"name": name, "kind": kind}))
                .collect();
            json!({
                "name": folder.rsplit('/').next(),
                "manifest_path": format!("/repo/{folder}/Cargo.toml"),
                "dependencies": dependencies,
            })
        })
        .collect();
    Workspace::from_metadata(&json!({"workspace_root": "/repo", "packages": packages})).unwrap()
}

fn violations(sketches: &[Sketch<'_>], exceptions: &str) -> Vec<String> {
    let mut exceptions = Exceptions::parse("exceptions.txt", exceptions).unwrap();
    check_with(&workspace(sketches), &mut exceptions).violations
}

const ALL: &[&str] = &[
    "crates/core/cid",
    "crates/core/message",
    "crates/core/signature",
    "crates/core/rules",
    "crates/core/economy",
    "crates/core/placement",
    "crates/base/tasks",
    "crates/base/telemetry",
    "crates/io/store",
    "crates/io/blobs",
    "crates/service/pipeline",
    "crates/service/api",
    "crates/service/node",
    "crates/service/edge",
    "crates/dev/testkit",
    "bin/alephd",
    "bench",
    "xtask",
];

/// Every arrow that is allowed among `ALL`, as the architecture page lists them.
fn expected(from: &str, to: &str) -> bool {
    let core = to.starts_with("crates/core/");
    let down = core || to.starts_with("crates/base/");
    let io = to.starts_with("crates/io/");
    let service = to.starts_with("crates/service/");
    match from {
        "crates/core/message" => to == "crates/core/cid",
        "crates/core/signature" | "crates/core/economy" => to == "crates/core/message",
        "crates/core/rules" => matches!(to, "crates/core/message" | "crates/core/economy"),
        "crates/core/placement" => to == "crates/core/economy",
        "crates/io/store" | "crates/io/blobs" => down,
        "crates/service/api" => down || io || to == "crates/service/pipeline",
        "crates/service/pipeline" | "crates/service/edge" => down || io,
        "crates/service/node" | "bin/alephd" => down || io || service,
        "crates/dev/testkit" | "bench" | "xtask" => down || io || service || to == "crates/dev/testkit",
        _ => false,
    }
}

#[test]
fn exactly_the_named_arrows_are_allowed() {
    for from in ALL {
        for to in ALL.iter().filter(|to| *to != from) {
            let name = to.rsplit('/').next().unwrap();
            let arrow = [(name, None)];
            let found = violations(&[(from, &arrow), (to, &[])], "");
            assert_eq!(found.is_empty(), expected(from, to), "{from} -> {to}: {found:?}");
        }
    }
}

#[test]
fn a_wrong_arrow_is_described() {
    let found = violations(
        &[("crates/io/store", &[("api", None)]), ("crates/service/api", &[])],
        "",
    );
    assert_eq!(
        found,
        ["store (io) must not depend on api (service): arrows only go down; an adapter uses core and base"]
    );
}

#[test]
fn build_dependencies_count_and_dev_dependencies_do_not() {
    let packages = |kind| {
        violations(
            &[("crates/core/cid", &[("store", kind)]), ("crates/io/store", &[])],
            "",
        )
    };
    assert_eq!(packages(Some("build")).len(), 1);
    assert_eq!(packages(Some("dev")), [""; 0]);
}

#[test]
fn the_core_is_pure() {
    let found = violations(&[("crates/core/rules", &[("tokio", None), ("serde", None)])], "");
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("rules (core) must not depend on tokio"),
        "{found:?}"
    );
    assert_eq!(
        violations(&[("crates/core/rules", &[("tokio", Some("dev"))])], ""),
        [""; 0]
    );
    assert_eq!(
        violations(&[("crates/io/store", &[("tokio", None)])], ""),
        [""; 0]
    );
}

#[test]
fn a_crate_on_no_floor_is_found() {
    let found = violations(&[("crates/misc", &[])], "");
    assert!(
        found[0].starts_with("misc lies in crates/misc, which is no floor"),
        "{found:?}"
    );
}

#[test]
fn an_exception_silences_one_arrow_and_must_be_needed() {
    let wrong: &[Sketch<'_>] = &[("crates/io/store", &[("blobs", None)]), ("crates/io/blobs", &[])];
    assert_eq!(
        violations(wrong, "store -> blobs # until the cut is made"),
        [""; 0]
    );
    let found = violations(
        &[("crates/io/store", &[])],
        "store -> blobs # until the cut is made",
    );
    assert_eq!(
        found,
        ["exceptions.txt:1: \"store -> blobs\" is no longer needed; remove it"]
    );
}
