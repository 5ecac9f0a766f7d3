//! Whole nodes that are killed, lose their disk's memory, or are attacked.
//!
//! One at a time (`.config/nextest.toml`). Seeds, numbers of rounds and how to read a failure:
//! `docs/how-to/drills.md`.

mod campaign;
mod client;
mod clock;
mod disk;
mod files;
mod full_disk;
mod hostile;
mod kill;
mod large;
mod load;
mod partition;
mod power_loss;
mod reference;
mod traffic;

use std::{
    env,
    hash::{BuildHasher, RandomState},
    path::{Path, PathBuf},
    process::Command,
};

use alephd_testkit::process;

/// The program under test: an optimised one where there is one.
fn program() -> PathBuf {
    process::program().unwrap_or_else(|| env!("CARGO_BIN_EXE_alephd").into())
}

/// The number that the variable `name` gives.
fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
    )
}

/// Where the randomness of a drill comes from; printed, so that a failure can be tried again.
fn seed(drill: &str) -> u64 {
    let seed = number("ALEPHD_DRILL_SEED").unwrap_or_else(|| RandomState::new().hash_one(0) >> 16);
    println!("{drill}: again with ALEPHD_DRILL_SEED={seed}");
    seed
}

/// A temporary folder that is kept if the drill fails: it shows what a user would have found.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.disable_cleanup(true);
            println!("kept: {}", self.path().display());
        }
    }
}

/// Compiles `tests/drill/{source}`; says `None`, and tells the runner, where there is no compiler.
fn compile(test: &str, source: &str, arguments: &[&str], output: &Path) -> Option<()> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/drill")
        .join(source);
    let mut command = Command::new("cc");
    command
        .args(["-O1", "-Wall", "-o"])
        .arg(output)
        .arg(&source)
        .args(arguments);
    match command.output() {
        Ok(output) if output.status.success() => Some(()),
        Ok(output) => panic!(
            "{} is not compiled: {}",
            source.display(),
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => {
            process::skip(test, &format!("needs the C compiler cc: {error}"));
            None
        }
    }
}
