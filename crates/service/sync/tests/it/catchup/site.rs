//! A node without a network.

use std::{sync::Arc, time::Duration};

use alephd_blobs::{BlobName, Blobs};
use alephd_message::{Envelope, ItemHash, Micros};
use alephd_peer_protocol::catchup::Settings;
use alephd_pipeline::{EngineConfig, Keep, Origin, Pipeline, PipelineConfig};
use alephd_rules::{Interest, MessageStatus, Support, Trusted};
use alephd_store::{Store, StoreConfig, read::FileKind};
use alephd_sync::catchup::{
    Catalogue, Conduct, Holdings, LocalHoldings, Report, Trouble, View, initiate, respond,
};
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
        Self::keeping(None)
    }

    /// One that keeps a part.
    pub(super) fn keeping(keep: Option<Keep>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreConfig::at(folder.path().join("db"))).unwrap();
        let blobs = Blobs::in_memory();
        let clock = Arc::new(ManualClock::new(NOW));
        let config = PipelineConfig {
            keep: keep.map(Arc::new),
            ..pipeline_config()
        };
        let writer = store.take_writer().unwrap();
        let runtime = tokio::runtime::Handle::current();
        let pipeline = Pipeline::start(
            writer,
            blobs.clone(),
            config,
            Arc::<ManualClock>::clone(&clock),
            runtime,
        );
        let pipeline = pipeline.unwrap();
        let holdings = LocalHoldings::new(store.clone(), blobs.clone(), pipeline.clone(), support());
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

    async fn view_within(&self, interests: &[Interest]) -> View {
        let holdings = self.holdings.within(interests.to_vec());
        let clock = Arc::new(ManualClock::new(NOW));
        Catalogue::new(holdings, clock).refresh().await.unwrap()
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
        keep: None,
    }
}

/// What all nodes of the network of tests keep.
pub(crate) fn support() -> Support {
    Support {
        trusted: pipeline_config().engine.trusted,
        ..Support::default()
    }
}

pub(super) fn conduct(trusted: bool) -> Conduct {
    let settings = Settings {
        network: "test".into(),
        ..Settings::default()
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
    let ours = left.catalogue.refresh().await.unwrap();
    let theirs = right.catalogue.refresh().await.unwrap();
    compare((left, ours, conduct), (right, theirs, conduct)).await
}

/// The same between nodes that keep these parts.
pub(super) async fn catch_up_within(
    (left, of_left): (&Site, &Interest),
    (right, of_right): (&Site, &Interest),
) -> ((Report, Result<(), Trouble>), (Report, Result<(), Trouble>)) {
    let said =
        |interest: &Interest| (!interest.is_everything()).then(|| serde_json::to_value(interest).unwrap());
    let of = |interest: &Interest, peer: &Interest| {
        let mut conduct = conduct(false);
        conduct.settings.interest = said(interest);
        conduct.settings.peer_interest = said(peer);
        conduct
    };
    let (ours, theirs) = (of(of_left, of_right), of(of_right, of_left));
    let both = [of_left.clone(), of_right.clone()];
    compare(
        (left, left.view_within(&both).await, &ours),
        (right, right.view_within(&both).await, &theirs),
    )
    .await
}

async fn compare(
    (left, ours, our_conduct): (&Site, View, &Conduct),
    (right, theirs, their_conduct): (&Site, View, &Conduct),
) -> ((Report, Result<(), Trouble>), (Report, Result<(), Trouble>)) {
    let (near, far) = tokio::io::duplex(16 << 10);
    tokio::join!(
        initiate(near.compat(), ours, &left.holdings, our_conduct),
        respond(far.compat(), theirs, &right.holdings, their_conduct),
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
