//! The write-ahead log: how it gets into the main file.
//!
//! Copying pages costs processor time and two waits for the disk. A thread of its own does it,
//! with a connection of its own, while the writer goes on. Such a checkpoint never reaches the end
//! of a log that keeps growing, and only a log that was copied whole can start over: past a bound
//! the writer waits for one.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use rusqlite::{Connection, OpenFlags};

use crate::StoreError;

/// Frames (4 KiB each) after which the log is copied: a page that changes often is then written
/// once for many commits.
const COPY_EVERY: u32 = 16_384;
/// Frames after which the writer waits, so that the log takes hardly more than half a GiB.
const MOST: u32 = 8 * COPY_EVERY;

/// Keeps the log of one database short.
pub(crate) struct Log {
    frames: Arc<AtomicU32>,
    connection: Arc<Mutex<Connection>>,
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Frames when the last copy was asked for.
    asked_at: u32,
}

impl Log {
    /// Takes over the checkpoints of `writer`, the connection that writes to the file at `path`.
    pub(crate) fn keep(writer: &mut Connection, path: &Path) -> Result<Self, StoreError> {
        let frames = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&frames);
        // Replaces the checkpoints that SQLite makes within a commit.
        writer.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: i32| {
            seen.store(pages.unsigned_abs(), Ordering::Relaxed);
            Ok(())
        }))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let connection = Arc::new(Mutex::new(connection));
        let (wake, woken) = sync_channel(1);
        let copier = Arc::clone(&connection);
        let thread = thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn(move || copy_when_woken(&copier, &woken))
            .map_err(StoreError::Thread)?;
        Ok(Self {
            frames,
            connection,
            wake: Some(wake),
            thread: Some(thread),
            asked_at: 0,
        })
    }

    /// Moves the whole log into the main file and empties it. For a clean shutdown.
    pub(crate) fn empty(&self) -> Result<(), StoreError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// To be called after each commit.
    pub(crate) fn committed(&mut self) -> Result<(), StoreError> {
        let frames = self.frames.load(Ordering::Relaxed);
        // The log starts over by itself once all of it has been copied.
        self.asked_at = self.asked_at.min(frames);
        if frames - self.asked_at < COPY_EVERY {
            return Ok(());
        }
        self.asked_at = frames;
        if frames >= MOST {
            return copy(&self.connection);
        }
        if let Some(wake) = &self.wake {
            // Full means that a copy is due anyway.
            let _ = wake.try_send(());
        }
        Ok(())
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was reported when it happened.
            let _ = thread.join();
        }
    }
}

fn copy_when_woken(connection: &Mutex<Connection>, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        // What makes this fail makes the writer fail too, when the log reaches its bound at the
        // latest, and there it is reported.
        let _ = copy(connection);
    }
}

/// Copies what the log holds at this moment; takes no lock that a writer or reader waits for.
fn copy(connection: &Mutex<Connection>) -> Result<(), StoreError> {
    let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
    Ok(())
}
