//! A node of the parts that the API needs, on a port of its own.

use std::{net::SocketAddr, sync::Arc};

use alephd_api::{Alone, Api, ApiParts, ApiSettings, Gauges, Network, router};
use alephd_blobs::Blobs;
use alephd_content::Content;
use alephd_message::Envelope;
use alephd_pipeline::{EngineConfig, Origin, Outcome, Pipeline, PipelineConfig};
use alephd_store::{BlockIndex, Store, StoreConfig};
use alephd_tasks::{CancellationToken, ManualClock, Tasks};
use axum::{
    body::Body,
    http::{HeaderMap, Request, header},
};
use tokio::{net::TcpListener, runtime::Handle};
use tower::ServiceExt as _;

/// Calendar time of the clock of every node: some years after the messages of tests.
pub(crate) const NOW: i64 = 1_800_000_000_000_000;

pub(crate) struct Node {
    pub(crate) api: Api,
    pub(crate) address: SocketAddr,
    pub(crate) clock: ManualClock,
    /// Ends the task behind websockets.
    pub(crate) live: CancellationToken,
    tasks: Tasks,
    _folder: tempfile::TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: header::HeaderName) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

impl Node {
    pub(crate) async fn start() -> Self {
        Self::start_with(ApiSettings::default()).await
    }

    pub(crate) async fn start_with(settings: ApiSettings) -> Self {
        Self::start_on(settings, Blobs::in_memory()).await
    }

    /// Among other nodes.
    pub(crate) async fn start_among(network: Arc<dyn Network>) -> Self {
        Self::start_as(ApiSettings::default(), Blobs::in_memory(), network).await
    }

    /// With files of one's own.
    pub(crate) async fn start_on(settings: ApiSettings, blobs: Blobs) -> Self {
        Self::start_as(settings, blobs, Arc::new(Alone)).await
    }

    async fn start_as(settings: ApiSettings, blobs: Blobs, network: Arc<dyn Network>) -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let folder = folder.expect("temporary folder");
        let store = Store::open(&StoreConfig::at(folder.path().join("db"))).expect("opens");
        let clock = ManualClock::new(NOW);
        let pipeline = Pipeline::start(
            store.take_writer().expect("the first to ask"),
            blobs.clone(),
            PipelineConfig {
                engine: EngineConfig::default(),
                verifiers: 1,
                bulk: false,
                keep: None,
            },
            Arc::new(clock.clone()),
            Handle::current(),
        )
        .expect("starts");
        let clock_of_api = Arc::new(clock.clone());
        let gauges = Gauges::default();
        let api = Api::new(ApiParts {
            store,
            pipeline,
            content: Content::new(blobs, BlockIndex::in_memory().expect("an index")),
            settings,
            clock: clock_of_api,
            network,
            gauges,
        });

        let tasks = Tasks::new();
        let live = CancellationToken::new();
        tasks.spawn_worker("live", api.live_task(live.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let router = router(api.clone());
        tasks.spawn_worker("http", async move {
            axum::serve(listener, router).await.expect("serves");
        });
        Self {
            api,
            address,
            clock,
            live,
            tasks,
            _folder: folder,
        }
    }

    /// Takes a message in; its outcome is on disk.
    pub(crate) async fn publish(&self, message: &Envelope) -> Outcome {
        self.api
            .pipeline
            .submit(message.clone(), Origin::Network)
            .await
            .expect("takes")
    }

    /// Stores a file.
    pub(crate) async fn file(&self, bytes: &[u8]) {
        let name = alephd_testkit::sha256(bytes);
        let mut writer = self
            .api
            .content
            .blobs()
            .writer_for(&name, 1 << 20)
            .expect("a name of content");
        writer.write(bytes).await.expect("writes");
        writer
            .finish(alephd_blobs::BlobName::Sha256)
            .await
            .expect("finishes");
        self.api
            .pipeline
            .file_arrived(name, bytes.len() as u64, alephd_store::read::FileKind::File)
            .await
            .expect("recorded");
    }

    /// A request that does not go through the network.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = Request::builder().uri(path).body(Body::empty());
        self.answer(request.expect("request")).await
    }

    /// The same with a body.
    pub(crate) async fn post(&self, path: &str, body: String) -> Answer {
        let request = Request::builder().method("POST").uri(path).body(body.into());
        self.answer(request.expect("request")).await
    }

    async fn answer(&self, request: Request<Body>) -> Answer {
        let response = router(self.api.clone())
            .oneshot(request)
            .await
            .expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 16 << 20).await.expect("body");
        let body = String::from_utf8(bytes.to_vec()).expect("text");
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.live.cancel();
        self.tasks.cancel();
    }
}
