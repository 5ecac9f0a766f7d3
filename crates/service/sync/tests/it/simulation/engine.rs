//! The real pipeline and store as the disk of a node.
//!
//! They have threads of their own. The simulation stands still until they have answered, so that a run
//! remains a function of its seed.

use std::{
    sync::{Arc, LazyLock, mpsc},
    time::Duration,
};

use alephd_blobs::{BlobName, Blobs};
use alephd_message::{ItemHash, Micros};
use alephd_peer_protocol::catchup::Record;
use alephd_pipeline::{Origin, Pipeline};
use alephd_rules::MessageStatus::{Pending, Rejected};
use alephd_store::{
    Store, StoreConfig,
    read::{FileKind, KnownRow},
};
use alephd_sync::catchup::{Holdings as _, LocalHoldings};
use alephd_tasks::ManualClock;
use tokio::runtime::Runtime;

use super::{
    ledger::{Disk, Facts, Op, Reply},
    world::EPOCH,
};
use crate::catchup::site::{pipeline_config, support};

pub(super) struct Engine {
    folder: tempfile::TempDir,
    blobs: Blobs,
    parts: Option<Parts>,
}

struct Parts {
    store: Store,
    pipeline: Pipeline,
    holdings: LocalHoldings,
}

/// Where the real parts run, beside the simulation.
fn beside() -> &'static Runtime {
    static BESIDE: LazyLock<Runtime> = LazyLock::new(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).enable_all().build().unwrap()
    });
    &BESIDE
}

/// Stands still until it is done.
fn wait<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let (sender, receiver) = mpsc::sync_channel(1);
    beside().spawn(async move { sender.send(future.await) });
    receiver
        .recv_timeout(Duration::from_secs(300))
        .expect("the engine answers")
}

impl Parts {
    fn open(folder: &std::path::Path, blobs: &Blobs) -> Self {
        let store = Store::open(&StoreConfig::at(folder.join("db"))).unwrap();
        let clock = Arc::new(ManualClock::new(EPOCH));
        let writer = store.take_writer().unwrap();
        let runtime = beside().handle().clone();
        let pipeline = Pipeline::start(writer, blobs.clone(), pipeline_config(), clock, runtime).unwrap();
        let holdings = LocalHoldings::new(store.clone(), blobs.clone(), pipeline.clone(), support());
        Self {
            store,
            pipeline,
            holdings,
        }
    }
}

impl Engine {
    pub(super) fn new(files: &[&[u8]]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::in_memory();
        let parts = Some(Parts::open(folder.path(), &blobs));
        let engine = Self { folder, blobs, parts };
        files.iter().for_each(|file| engine.upload(file.to_vec()));
        engine
    }

    fn parts(&self) -> &Parts {
        self.parts.as_ref().expect("it runs between restarts")
    }

    fn upload(&self, bytes: Vec<u8>) {
        let (blobs, pipeline) = (self.blobs.clone(), self.parts().pipeline.clone());
        wait(async move {
            let mut writer = blobs.writer(1 << 24);
            writer.write(&bytes).await.unwrap();
            let stored = writer.finish(BlobName::Sha256).await.unwrap();
            let arrived = pipeline.file_arrived(stored.name, stored.size, FileKind::File);
            arrived.await.unwrap();
        });
    }
}

impl Disk for Engine {
    fn commit(&mut self, ops: Vec<Op>) -> Vec<Reply> {
        let reply = |op| match op {
            Op::Submit(envelope) => {
                let pipeline = self.parts().pipeline.clone();
                let outcome = wait(async move { pipeline.submit(envelope, Origin::Network).await });
                Reply::Outcome(outcome.unwrap())
            }
            Op::Upload(text) => {
                self.upload(text.into_bytes());
                Reply::Uploaded
            }
            Op::Take(record, trusted) => {
                let holdings = self.parts().holdings.clone();
                Reply::Taken(wait(async move { holdings.take(record, trusted).await }).unwrap())
            }
        };
        ops.into_iter().map(reply).collect()
    }

    fn known(&self, after: i64, limit: u64) -> Vec<KnownRow> {
        self.parts().store.reader().known(after, limit).unwrap()
    }

    fn parked(&self) -> Vec<KnownRow> {
        self.parts().store.reader().known_parked(u64::MAX).unwrap()
    }

    fn records(&self, rows: &[i64]) -> Vec<Option<Record>> {
        let (holdings, rows) = (self.parts().holdings.clone(), rows.to_vec());
        wait(async move { holdings.records(rows).await }).unwrap()
    }

    fn is_known(&self, hash: &ItemHash) -> bool {
        let status = self.parts().store.reader().message_status(hash, Micros(EPOCH));
        status.unwrap().is_some()
    }

    fn purge(&mut self) {}

    fn restart(&mut self) {
        if let Some(parts) = self.parts.take() {
            parts.pipeline.close();
        }
        self.parts = Some(Parts::open(self.folder.path(), &self.blobs));
    }

    fn facts(&self) -> Facts {
        let mut rows = self.known(0, u64::from(u32::MAX));
        rows.retain(|row| !matches!(row.status, Pending | Rejected));
        rows.into_iter().map(|row| (row.hash, row.status)).collect()
    }

    fn root(&self) -> String {
        let reader = self.parts().store.reader();
        reader.state_root_of_tables().unwrap().digest()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(parts) = self.parts.take() {
            parts.pipeline.close();
        }
    }
}
