//! The time of a node, moved by hand: files are kept for a day, which no test waits for.
//!
//! `tests/drill/clock.c`, loaded into the node, adds what stands in a file to its clocks.

use std::{
    fs,
    os::unix::fs::{FileExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use alephd_tasks::{Clock as _, SystemClock};

use super::{Folder, compile};

/// When the drills begin: everything has to be paid for by credits from 2027 on.
const BEGIN: u64 = 1_801_440_000;
/// From one epoch to the next: longer than anything is kept that nobody pays for.
pub(super) const EPOCH: Duration = Duration::from_secs(26 * 3_600);

/// A clock.
pub(super) struct Clock {
    file: fs::File,
    starter: PathBuf,
    /// Between the time of this machine and the beginning.
    ahead: i64,
}

impl Clock {
    /// A clock at the beginning of epoch 0; `None`, which is told to the runner, where it cannot be.
    pub(super) fn new(test: &str, folder: &Folder, program: &Path) -> Option<Self> {
        if !cfg!(target_os = "linux") {
            alephd_testkit::process::skip(test, "needs LD_PRELOAD and futexes of Linux");
            return None;
        }
        let library = folder.path().join("clock.so");
        compile(test, "clock.c", &["-shared", "-fPIC", "-ldl"], &library)?;
        let path = folder.path().join("clock");
        fs::write(&path, [0; 16]).unwrap();
        let starter = folder.path().join("start-with-clock.sh");
        let text = format!(
            "#!/bin/sh\nexport DRILL_CLOCK='{}'\nLD_PRELOAD='{}' exec '{}' \"$@\"\n",
            path.display(),
            library.display(),
            program.display()
        );
        fs::write(&starter, text).unwrap();
        fs::set_permissions(&starter, fs::Permissions::from_mode(0o755)).unwrap();
        let begin = i64::try_from(BEGIN).unwrap() * 1_000_000_000;
        let clock = Self {
            file: fs::File::options().write(true).open(path).unwrap(),
            starter,
            ahead: begin - SystemClock::new().now_micros() * 1_000,
        };
        clock.set(0);
        Some(clock)
    }

    /// A program that starts the one under test with this clock.
    pub(super) fn starter(&self) -> &Path {
        &self.starter
    }

    /// Moves to the beginning of an epoch, whatever of the last one has passed.
    pub(super) fn set(&self, epoch: u32) {
        let passed = i64::try_from((EPOCH * epoch).as_nanos()).unwrap();
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&(self.ahead + passed).to_le_bytes());
        bytes[8..].copy_from_slice(&passed.to_le_bytes());
        self.file.write_all_at(&bytes, 0).unwrap();
    }
}

/// The first second of an epoch, since 1970.
pub(super) fn begin(epoch: u32) -> f64 {
    (Duration::from_secs(BEGIN) + EPOCH * epoch).as_secs_f64()
}
