//! Saying what is here.

use std::{sync::Arc, time::Duration};

use alephd_blobs::Error as BlobError;
use alephd_cid::AnyCid;
use alephd_content::Content;
use alephd_message::ItemHash;
use alephd_tasks::{
    Clock, Tasks,
    queue::{self, Receiver, Sender},
};
use futures_util::{Stream, TryStreamExt as _};

use super::{Host, cid_of, multihash};

/// Names that wait to be announced; the next round has those that find no room.
const WAITING: usize = 1024;

/// How often names are announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProvideConfig {
    /// Time between two announcements: rounds of many files take as long as they take.
    pub pause: Duration,
    /// Time between the beginnings of two rounds. Records are forgotten by others after a day or two.
    pub round: Duration,
    /// By how much a round begins earlier or later, so that nodes that were started together do not
    /// speak together.
    pub spread: Duration,
}

impl Default for ProvideConfig {
    /// Twenty a second; every 12 to 22 hours.
    fn default() -> Self {
        Self {
            pause: Duration::from_millis(50),
            round: Duration::from_secs(17 * 3600),
            spread: Duration::from_secs(5 * 3600),
        }
    }
}

/// Tells the network which files and trees are here.
#[derive(Clone, Debug)]
pub struct Providing {
    changes: Sender<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Here(AnyCid),
    Gone(AnyCid),
}

impl Providing {
    /// Starts with a round over all that `content` keeps under a CID. `seed` tells this node from
    /// others.
    pub fn start(
        host: Arc<dyn Host>,
        content: Content,
        config: ProvideConfig,
        seed: u64,
        clock: Arc<dyn Clock>,
        tasks: &Tasks,
    ) -> Self {
        let (changes, waiting) = queue::bounded("bitswap-provide", WAITING);
        let task = Task {
            host,
            content,
            config,
            clock,
            waiting,
            random: seed,
        };
        let token = tasks.token();
        tasks.spawn_worker("bitswap-provide", async move {
            token.run_until_cancelled(task.run()).await;
        });
        Self { changes }
    }

    /// Announces what has just arrived, before any round.
    pub fn announce(&self, cid: &AnyCid) {
        // If there is no room, the next round has it.
        let _ = self.changes.offer(Change::Here(cid.clone()));
    }

    /// Says no more that something is here, which was deleted.
    pub fn withdraw(&self, cid: &AnyCid) {
        // If there is no room, peers ask in vain until the record is forgotten.
        let _ = self.changes.offer(Change::Gone(cid.clone()));
    }
}

struct Task {
    host: Arc<dyn Host>,
    content: Content,
    config: ProvideConfig,
    clock: Arc<dyn Clock>,
    waiting: Receiver<Change>,
    random: u64,
}

impl Task {
    async fn run(mut self) {
        loop {
            let next = self.clock.monotonic() + self.interval();
            let blobs = self.content.blobs().clone();
            self.round(blobs.list()).await;
            self.round(blobs.list_archives()).await;
            loop {
                let left = next.saturating_sub(self.clock.monotonic());
                if left.is_zero() {
                    break;
                }
                let timer = self.clock.sleep(left);
                tokio::select! {
                    change = self.waiting.recv() => match change {
                        Some(change) => self.tell(change).await,
                        // Nobody announces any more; rounds go on.
                        None => self.clock.sleep(left).await,
                    },
                    () = timer => {}
                }
            }
        }
    }

    async fn round(&mut self, names: impl Stream<Item = Result<(ItemHash, u64), BlobError>>) {
        let mut names = std::pin::pin!(names);
        loop {
            match names.try_next().await {
                Ok(Some((name, _))) => {
                    while let Some(change) = self.waiting.try_recv() {
                        self.tell(change).await;
                    }
                    if let Some(cid) = cid_of(&name) {
                        self.tell(Change::Here(cid)).await;
                    }
                }
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(%error, "not all files were announced to peers");
                    return;
                }
            }
        }
    }

    async fn tell(&self, change: Change) {
        match change {
            Change::Here(cid) => self.host.provide(multihash(&cid)).await,
            Change::Gone(cid) => self.host.unprovide(multihash(&cid)).await,
        }
        self.clock.sleep(self.config.pause).await;
    }

    /// The time to the next round. A generator of poor numbers (Lehmer's) is good enough for that.
    fn interval(&mut self) -> Duration {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let part = (self.random >> 33) as f64 / f64::from(1_u32 << 31);
        let earliest = self.config.round.saturating_sub(self.config.spread);
        earliest + self.config.spread.mul_f64(2.0 * part)
    }
}
