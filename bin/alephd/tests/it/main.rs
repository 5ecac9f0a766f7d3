//! The program as scripts use it: its words, its output, its exit status, its end.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers included")]
#![expect(
    clippy::print_stdout,
    reason = "drills tell their seeds and what they counted"
)]

mod dev;
mod drill;
mod network;
mod offline;

use std::{
    path::Path,
    process::{Command, Output},
};

/// The program, with nothing of this test's environment that could configure it.
fn alephd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_alephd"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ALEPHD_") {
            command.env_remove(name);
        }
    }
    command
}

fn run(arguments: &[&str]) -> Output {
    alephd().args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
