//! A node without a network.

use std::{sync::Arc, time::Duration};

use alephd_blobs::{BlobName, Blobs};
use alephd_message::{Envelope, ItemHash, Micros};
use alephd_peer_protocol::catchup::{Limits, Settings};
use alephd_pipeline::{EngineConfig, Origin, Pipeline, PipelineConfig};
use alephd_rules::{MessageStatus, Trusted};
use alephd_store::{Store, StoreConfig, read::FileKind};
use alephd_sync::catchup::{Catalogue, Conduct, Holdings, LocalHoldings, Report, Trouble, initiate, respond};
use alephd_tasks::ManualClock;
use alephd_testkit::keys;
use tokio_util::compat::TokioAsyncReadCompatExt as _;

/// The instant at which everything happens, in 2026.
pub(super) const NOW: i64 = 1_767_323_045_120_000;

pub(super) struct Site {
    pub(super) store: Store,
    pub(super) blobs: Blobs,
    pub(super) pipeline: Pipeline,
    pub(super) holdings: Arc<dyn Holdings>,
    pub(super) catalogue: Catalogue,
    _folder: tempfile::TempDir,
}

impl Site {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreConfig::at(folder.path().join("db"))).unwrap();
        let blobs = Blobs::in_memory();
        let clock = Arc::new(ManualClock::new(NOW));
        let writer = store.take_writer().unwrap();
        let runtime = tokio::runtime::Handle::current();
        let pipeline = Pipeline::start(
            writer,
            blobs.clone(),
            pipeline_config(),
            Arc::<ManualClock>::clone(&clock),
            runtime,
        );
        let pipeline = pipeline.unwrap();
        let holdings = LocalHoldings::new(store.clone(), blobs.clone(), pipeline.clone());
        let holdings: Arc<dyn Holdings> = Arc::new(holdings);
        Self {
            catalogue: Catalogue::new(Arc::clone(&holdings), clock),
            holdings,
            store,
            blobs,
            pipeline,
            _folder: folder,
        }
    }

    pub(super) async fn submit(&self, envelope: &Envelope) -> MessageStatus {
        self.pipeline
            .submit(envelope.clone(), Origin::Network)
            .await
            .unwrap()
            .status
    }

    pub(super) async fn add_file(&self, bytes: &[u8]) -> ItemHash {
        let mut writer = self.blobs.writer(1 << 24);
        writer.write(bytes).await.unwrap();
        let stored = writer.finish(BlobName::Sha256).await.unwrap();
        let arrived = self
            .pipeline
            .file_arrived(stored.name.clone(), stored.size, FileKind::File);
        arrived.await.unwrap();
        stored.name
    }

    pub(super) fn status(&self, hash: &ItemHash) -> Option<MessageStatus> {
        let row = self.store.reader().message_status(hash, Micros(NOW)).unwrap();
        row.map(|row| row.status)
    }

    pub(super) fn root(&self) -> String {
        self.store.reader().state_root_of_tables().unwrap().digest()
    }
}

/// The pipeline of a node that trusts the account of tests.
pub(crate) fn pipeline_config() -> PipelineConfig {
    let funder = keys::funder().address().to_owned();
    let trusted = Trusted {
        balance_oracles: vec![funder.clone()],
        balance_post_type: "balances-update".into(),
        credit_oracles: vec![funder],
        credit_channels: vec!["ALEPH_CREDIT".into()],
    };
    PipelineConfig {
        engine: EngineConfig {
            trusted,
            ..EngineConfig::default()
        },
        verifiers: 1,
        bulk: false,
    }
}

pub(super) fn conduct(trusted: bool) -> Conduct {
    let settings = Settings {
        network: "test".into(),
        limits: Limits::default(),
    };
    Conduct {
        settings,
        trusted,
        idle: Duration::from_secs(60),
    }
}

/// One session that `left` opens.
pub(super) async fn catch_up(
    left: &Site,
    right: &Site,
    conduct: &Conduct,
) -> ((Report, Result<(), Trouble>), (Report, Result<(), Trouble>)) {
    let (near, far) = tokio::io::duplex(16 << 10);
    let ours = left.catalogue.refresh().await.unwrap();
    let theirs = right.catalogue.refresh().await.unwrap();
    tokio::join!(
        initiate(near.compat(), ours, &left.holdings, conduct),
        respond(far.compat(), theirs, &right.holdings, conduct),
    )
}

/// Sessions until nothing is left to say.
pub(super) async fn settle(left: &Site, right: &Site, conduct: &Conduct) {
    for _ in 0..6 {
        let ((report, ours), (_, theirs)) = catch_up(left, right, conduct).await;
        ours.unwrap();
        theirs.unwrap();
        if report.sent + report.received == 0 {
            return;
        }
    }
}
