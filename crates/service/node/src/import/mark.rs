//! How far an import came, remembered across interruptions.
//!
//! The mark of a file is found by a hash of its first bytes, not by its name: it survives a move
//! of the file and lines appended to it, and never applies to another file. It is not synced to
//! disk, since it is only a hint: after a crash it is behind at worst, because what it speaks of
//! was committed before it was written.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes that tell files apart: some dozens of messages, each with a signature. Shorter files are
/// imported again in no time.
const HEAD: u64 = 64 << 10;

/// The mark of one file.
pub(super) struct Mark {
    path: PathBuf,
    place: Place,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Place {
    /// Everything before this is imported.
    offset: u64,
    /// Number of lines before it.
    line: u64,
}

impl Mark {
    /// The mark of a file, at its beginning. Moves the file.
    pub(super) fn of(file: &mut File, folder: &Path) -> io::Result<Self> {
        let mut head = Vec::new();
        file.take(HEAD).read_to_end(&mut head)?;
        let name = hex::encode(&Sha256::digest(&head)[..8]);
        Ok(Self {
            path: folder.join(format!("import-{name}.json")),
            place: Place::default(),
        })
    }

    /// Continues where an earlier import stopped, unless the file has become shorter since.
    pub(super) fn read(&mut self, length: u64) {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        if let Ok(found) = serde_json::from_str::<Place>(&text)
            && found.offset <= length
        {
            self.place = found;
        }
    }

    pub(super) fn offset(&self) -> u64 {
        self.place.offset
    }

    pub(super) fn line(&self) -> u64 {
        self.place.line
    }

    /// Everything before `offset`, the end of line `line`, is on disk.
    pub(super) fn advance(&mut self, offset: u64, line: u64) {
        self.place = Place { offset, line };
    }

    /// Writes the mark. Failing is not worth stopping for.
    pub(super) fn write(&self) {
        let Ok(text) = serde_json::to_string(&self.place) else {
            return;
        };
        let new = self.path.with_extension("new");
        if let Err(error) = fs::write(&new, text).and_then(|()| fs::rename(&new, &self.path)) {
            tracing::warn!(%error, "how far the import came was not written down");
        }
    }

    /// The file is imported.
    pub(super) fn remove(&self) {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, "the mark of the import was not removed");
            }
            _ => {}
        }
    }
}
