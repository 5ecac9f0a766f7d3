//! Reading everything again, to find what the disk has lost.
//!
//! Blobs are taken in the order of their places, so that the last name is all it takes to go on
//! after a stop. A storage lists in any order and may hold more names than memory, so a round
//! takes the [`BATCH`] first places after the cursor.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use alephd_message::ItemHash;
use alephd_tasks::Clock;
use futures_util::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream::FuturesOrdered};
use object_store::path::Path;

use crate::{
    Blobs, Error,
    blobs::{FILES, held, location},
    verify::Check,
};

/// Names held from one listing: some ten megabytes, and enough that a folder of 25 million files
/// is listed once.
const BATCH: usize = 100_000;
/// Blobs read at once: hides the way to a bucket, and leaves a disk to those who are served.
const AT_ONCE: usize = 4;

/// What the reading of a blob showed.
#[derive(Debug)]
pub enum Verdict {
    /// Its bytes are what the name says.
    Sound,
    /// They are not.
    Damaged,
    /// It could not be read to its end.
    Unreadable(Error),
}

/// A blob that was read.
#[derive(Debug)]
pub struct Checked {
    /// Its name.
    pub name: ItemHash,
    /// Its size in bytes.
    pub size: u64,
    /// What it turned out to be.
    pub verdict: Verdict,
}

/// How far a [`Scrub`] has come since it was started or resumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Blobs read to their end.
    pub blobs: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Time since the start.
    pub elapsed: Duration,
}

impl Progress {
    /// Bytes a second since the start.
    pub fn rate(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 {
            self.bytes as f64 / seconds
        } else {
            0.0
        }
    }
}

type Report = Box<dyn Fn(Progress) + Send + Sync>;

/// Counts what the readings under way have read.
struct Meter {
    clock: Arc<dyn Clock>,
    started: Duration,
    blobs: AtomicU64,
    bytes: AtomicU64,
    report: Option<Report>,
}

impl Meter {
    fn progress(&self) -> Progress {
        Progress {
            blobs: self.blobs.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            elapsed: self.clock.monotonic().saturating_sub(self.started),
        }
    }

    fn add(&self, blobs: u64, bytes: u64) {
        self.blobs.fetch_add(blobs, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if let Some(report) = &self.report {
            report(self.progress());
        }
    }
}

/// A walk over all blobs that reads and re-hashes each. Made by [`Blobs::scrub`].
///
/// It reads only when asked for the next blob, and a few blobs ahead. What is written or deleted
/// meanwhile may or may not be seen.
#[must_use = "nothing is read before `next`"]
pub struct Scrub {
    blobs: Blobs,
    meter: Arc<Meter>,
    /// The last name that was handed out.
    cursor: Option<ItemHash>,
    /// The first byte of the digests being listed; `None` at the end.
    shard: Option<u8>,
    /// The last place that was listed.
    listed: Option<Path>,
    waiting: VecDeque<(ItemHash, u64)>,
    reading: FuturesOrdered<BoxFuture<'static, Result<Option<Checked>, Error>>>,
    /// After an error, names ahead of the cursor are missing here.
    failed: bool,
}

impl Blobs {
    /// Starts to read all blobs (not the archives, whose blocks others know), those after `cursor` if there is one: a name from
    /// [`Scrub::cursor`] of an earlier walk, whether or not that blob still exists.
    ///
    /// Blobs that should be there and are not are found by [`Blobs::missing`].
    pub fn scrub(&self, cursor: Option<ItemHash>, clock: Arc<dyn Clock>) -> Scrub {
        let place = cursor.as_ref().and_then(location);
        let shard = place.as_ref().and_then(shard_of).unwrap_or(0);
        Scrub {
            blobs: self.clone(),
            meter: Arc::new(Meter {
                started: clock.monotonic(),
                clock,
                blobs: AtomicU64::new(0),
                bytes: AtomicU64::new(0),
                report: None,
            }),
            cursor,
            shard: Some(shard),
            listed: place,
            waiting: VecDeque::new(),
            reading: FuturesOrdered::new(),
            failed: false,
        }
    }
}

impl Scrub {
    /// Calls `report` for each piece read and each blob completed. It is called where the reading
    /// runs and must not block.
    pub fn on_progress(mut self, report: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        // Nobody else has the meter before the first reading.
        if let Some(meter) = Arc::get_mut(&mut self.meter) {
            meter.report = Some(Box::new(report));
        }
        self
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        self.meter.progress()
    }

    /// Where to go on after a stop here.
    pub fn cursor(&self) -> Option<&ItemHash> {
        self.cursor.as_ref()
    }

    /// Reads on until the next blob is judged; `None` at the end.
    ///
    /// An error means that the storage does not answer. It ends this walk; another one goes on at
    /// the cursor.
    pub async fn next(&mut self) -> Result<Option<Checked>, Error> {
        if self.failed {
            return Err(Error::Interrupted);
        }
        let next = self.advance().await;
        self.failed = next.is_err();
        next
    }

    async fn advance(&mut self) -> Result<Option<Checked>, Error> {
        loop {
            while self.reading.len() < AT_ONCE {
                if self.waiting.is_empty() {
                    self.list().await?;
                }
                let Some((name, size)) = self.waiting.pop_front() else {
                    break;
                };
                let reading = check(self.blobs.clone(), name, size, self.meter.clone());
                self.reading.push_back(reading.boxed());
            }
            match self.reading.next().await {
                None => return Ok(None),
                // Deleted since it was listed.
                Some(Ok(None)) => {}
                Some(Ok(Some(checked))) => {
                    self.cursor = Some(checked.name.clone());
                    return Ok(Some(checked));
                }
                Some(Err(error)) => return Err(error),
            }
        }
    }

    /// Takes the next names in order. Leaves none waiting only at the end.
    async fn list(&mut self) -> Result<(), Error> {
        while let Some(shard) = self.shard {
            let folder = Path::from(format!("{FILES}/{shard:02x}"));
            let mut found = self.blobs.store().list(Some(&folder));
            let mut first: BTreeMap<Path, (ItemHash, u64)> = BTreeMap::new();
            while let Some(meta) = found.try_next().await? {
                let is_next = self.listed.as_ref().is_none_or(|listed| meta.location > *listed);
                if let Some(blob) = held(&meta, location).filter(|_| is_next) {
                    first.insert(meta.location, blob);
                    if first.len() > BATCH {
                        first.pop_last();
                    }
                }
            }
            if first.len() < BATCH {
                self.shard = shard.checked_add(1);
            }
            if let Some((last, _)) = first.last_key_value() {
                self.listed = Some(last.clone());
                self.waiting.extend(first.into_values());
                return Ok(());
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Scrub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrub")
            .field("cursor", &self.cursor)
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}

/// The folder of a place, which is the first byte of the digest.
fn shard_of(place: &Path) -> Option<u8> {
    let shard = place.parts().nth(1)?;
    u8::from_str_radix(shard.as_ref(), 16).ok()
}

/// Reads one blob. `None` if it is gone.
async fn check(blobs: Blobs, name: ItemHash, size: u64, meter: Arc<Meter>) -> Result<Option<Checked>, Error> {
    let verdict = match read_through(&blobs, &name, &meter).await {
        Ok(()) => Verdict::Sound,
        Err(Error::NotFound) => return Ok(None),
        Err(Error::Damaged(_)) => Verdict::Damaged,
        Err(error @ Error::Interrupted) => return Err(error),
        Err(error) if blobs.fails_by_blob() => Verdict::Unreadable(error),
        Err(error) => return Err(error),
    };
    meter.add(1, 0);
    Ok(Some(Checked { name, size, verdict }))
}

async fn read_through(blobs: &Blobs, name: &ItemHash, meter: &Meter) -> Result<(), Error> {
    let mut check = Check::new(name).ok_or(Error::NotFound)?;
    let mut reader = blobs.read(name, None).await?;
    let mut next = reader.try_next().await?;
    while let Some(piece) = next {
        meter.add(0, piece.len() as u64);
        let (updated, following) = futures_util::join!(check.updated(piece), reader.try_next());
        check = updated.ok_or(Error::Interrupted)?;
        next = following?;
    }
    if check.finish() {
        Ok(())
    } else {
        Err(Error::Damaged(name.clone()))
    }
}
