//! Addresses of other nodes, and when they were last heard of.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use alephd_message::Micros;
use alephd_peer_protocol::gossip::PeerType;

/// Nodes that are remembered; of more, those heard of least lately go.
const LIMIT: usize = 4_096;
/// Largest file that is read at the start.
const FILE_LIMIT: u64 = 8 << 20;

/// One way to reach one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookEntry {
    /// Who said so, in base58.
    pub peer: String,
    /// How.
    pub kind: PeerType,
    /// Where.
    pub address: String,
    /// When, in microseconds since 1970.
    pub last_seen: i64,
}

/// The address book. Clones share it.
#[derive(Clone, Debug)]
pub struct AddressBook {
    entries: Arc<Mutex<BTreeMap<(PeerType, String), BookEntry>>>,
    file: PathBuf,
}

impl AddressBook {
    /// The book in a file, or an empty one: a book that cannot be read is made again by what is heard.
    pub fn open(file: impl Into<PathBuf>) -> Self {
        let file = file.into();
        let entries = match read(&file) {
            Ok(entries) => entries,
            Err(error) => {
                tracing::warn!(%error, file = %file.display(), "the address book begins anew");
                Vec::new()
            }
        };
        let entries = entries.into_iter().take(LIMIT);
        let entries = entries.map(|entry| ((entry.kind, entry.peer.clone()), entry));
        Self {
            entries: Arc::new(Mutex::new(entries.collect())),
            file,
        }
    }

    /// Notes where a node can be reached.
    pub fn note(&self, entry: BookEntry) {
        let mut entries = self.lock();
        let key = (entry.kind, entry.peer.clone());
        if entries.len() >= LIMIT && !entries.contains_key(&key) {
            let oldest = entries.iter().min_by_key(|(_, entry)| entry.last_seen);
            let oldest = oldest.map(|(key, _)| key.clone());
            oldest.and_then(|key| entries.remove(&key));
        }
        entries.insert(key, entry);
    }

    /// Nodes of one kind that were heard of within `age`.
    pub fn recent(&self, kind: PeerType, now: Micros, age: Duration) -> Vec<BookEntry> {
        let age = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
        let oldest = now.0.saturating_sub(age);
        let entries = self.lock();
        let recent = entries
            .values()
            .filter(|entry| entry.kind == kind && entry.last_seen >= oldest);
        recent.cloned().collect()
    }

    /// Writes the book to its file: beside, then renamed.
    pub fn save(&self) -> io::Result<()> {
        let entries: Vec<_> = self.lock().values().cloned().collect();
        let beside = self.file.with_extension("new");
        fs::write(&beside, serde_json::to_vec(&entries)?)?;
        fs::rename(beside, &self.file)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(PeerType, String), BookEntry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(file: &Path) -> io::Result<Vec<BookEntry>> {
    match fs::metadata(file) {
        Ok(found) if found.len() > FILE_LIMIT => Err(io::Error::other("it is too large")),
        Ok(_) => Ok(serde_json::from_slice(&fs::read(file)?)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(peer: &str, last_seen: i64) -> BookEntry {
        BookEntry {
            peer: peer.to_owned(),
            kind: PeerType::Http,
            address: "http://192.0.2.1:4024".to_owned(),
            last_seen,
        }
    }

    #[test]
    fn it_outlives_the_node_and_forgets_the_oldest() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("peers.json");
        let book = AddressBook::open(&file);
        for number in 0..=LIMIT {
            book.note(entry(&format!("peer-{number}"), 1_000_000 + number as i64));
        }
        book.save().unwrap();
        let book = AddressBook::open(&file);
        let now = Micros(2_000_000 + LIMIT as i64);
        let all = book.recent(PeerType::Http, now, Duration::from_secs(10));
        assert_eq!(all.len(), LIMIT);
        assert!(all.iter().all(|entry| entry.peer != "peer-0"));
        assert_eq!(book.recent(PeerType::Http, now, Duration::from_secs(1)).len(), 1);
        assert!(
            book.recent(PeerType::P2p, now, Duration::from_secs(10))
                .is_empty()
        );
    }

    #[test]
    fn a_damaged_file_is_an_empty_book() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("peers.json");
        fs::write(&file, "[{").unwrap();
        let book = AddressBook::open(&file);
        assert!(book.recent(PeerType::Http, Micros(0), Duration::MAX).is_empty());
        book.note(entry("a", 1));
        book.save().unwrap();
        let book = AddressBook::open(&file);
        assert_eq!(
            book.recent(PeerType::Http, Micros(1), Duration::from_secs(1)),
            [entry("a", 1)]
        );
    }
}
