//! A network of five nodes is cut in two, both sides write, it is healed: `tests/drill-partition`
//! in short. By hand it does much more.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use alephd_testkit::process;

use super::program;

/// What the drill ends with where it cannot run.
const SKIPPED: i32 = 77;

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/drill-partition")
}

fn drill(test: &str, arguments: &[&str]) {
    let mut command = Command::new("python3");
    command.arg(script()).arg("--program").arg(program());
    command.args(arguments).stdin(Stdio::null());
    if let Some(seed) = super::number("ALEPHD_DRILL_SEED") {
        command.args(["--seed", &seed.to_string()]);
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            process::skip(test, &format!("needs python3: {error}"));
            return;
        }
    };
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}{}", String::from_utf8_lossy(&output.stderr));
    if output.status.code() == Some(SKIPPED) {
        let why = said.lines().find_map(|line| line.strip_prefix("skipped: "));
        process::skip(test, why.unwrap_or("it did not say why"));
        return;
    }
    assert!(output.status.success(), "{}", output.status);
}

#[test]
fn a_network_that_was_cut_comes_to_one_state() {
    let test = "drill::partition::a_network_that_was_cut_comes_to_one_state";
    drill(test, &["--cut", "link,drop", "--common", "30", "--writes", "30"]);
}

#[test]
fn it_does_so_while_nodes_die_and_frames_are_lost() {
    let test = "drill::partition::it_does_so_while_nodes_die_and_frames_are_lost";
    drill(
        test,
        &[
            "--cut", "reject", "--kill", "--loss", "2", "--common", "30", "--writes", "30",
        ],
    );
}

#[test]
fn comparison_alone_heals_as_well() {
    let test = "drill::partition::comparison_alone_heals_as_well";
    drill(
        test,
        &[
            "--cut", "one-way", "--only", "catch-up", "--common", "30", "--writes", "30",
        ],
    );
}

/// Invalid floods, giant frames, slow streams, contradictions, wrong files, many names of one machine,
/// garbage: every attack but those that have to be asked for by name (`docs/how-to/drills.md`), each for as
/// long as twenty messages and a newcomer take.
#[test]
fn a_network_that_is_attacked_goes_on() {
    let test = "drill::partition::a_network_that_is_attacked_goes_on";
    let built = Path::new(env!("CARGO_BIN_EXE_alephd")).with_file_name("examples");
    let attacker = built.join("hostile-peer");
    assert!(attacker.exists(), "cargo build -p alephd --example hostile-peer");
    let attacker = attacker.to_string_lossy();
    drill(test, &["--hostile", "--messages", "20", "--attacker", &attacker]);
}
