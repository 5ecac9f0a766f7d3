//! A node without a network: everything between a request and the disk.

use std::sync::Arc;

use alephd_api::{Alone, Api, ApiParts, ApiSettings, Gauges, router};
use alephd_blobs::{BlobName, Blobs};
use alephd_content::Content;
use alephd_economy::admission::Parameters;
use alephd_message::{Envelope, ItemHash};
use alephd_pipeline::{EngineConfig, Origin, Pipeline, PipelineConfig};
use alephd_rules::{MessageStatus, Trusted};
use alephd_store::{BlockIndex, Store, StoreConfig};
use alephd_tasks::ManualClock;
use alephd_testkit::keys;
use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Request},
};
use serde_json::Value;
use tower::ServiceExt as _;

/// The instant at which everything happens: 2026-01-02T03:04:05.120Z.
pub(crate) const NOW: i64 = 1_767_323_045_120_000;

pub(crate) struct Fixture {
    pub(crate) clock: ManualClock,
    pipeline: Pipeline,
    blobs: Blobs,
    router: Router,
    _folder: tempfile::TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(ApiSettings::default())
    }

    pub(crate) fn with(settings: ApiSettings) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store = Store::open(&StoreConfig::at(folder.path().join("db"))).expect("opens");
        let blobs = Blobs::in_memory();
        let clock = ManualClock::new(NOW);
        let funder = keys::funder().address().to_owned();
        let default = EngineConfig::default();
        let engine = EngineConfig {
            trusted: Trusted {
                balance_oracles: vec![funder.clone()],
                balance_post_type: "balances-update".into(),
                credit_oracles: vec![funder],
                credit_channels: vec!["ALEPH_CREDIT".into()],
            },
            money: Parameters {
                pricing_owner: settings.money.pricing_owner.clone(),
                ..default.money
            },
            ..default
        };
        let pipeline = Pipeline::start(
            store.take_writer().expect("first taker"),
            blobs.clone(),
            PipelineConfig {
                engine,
                verifiers: 1,
                bulk: false,
                keep: None,
            },
            Arc::new(clock.clone()),
            tokio::runtime::Handle::current(),
        );
        let pipeline = pipeline.expect("starts");
        let api = Api::new(ApiParts {
            store,
            pipeline: pipeline.clone(),
            content: Content::new(blobs.clone(), BlockIndex::in_memory().expect("an index")),
            settings,
            clock: Arc::new(clock.clone()),
            network: Arc::new(Alone),
            gauges: Gauges::default(),
        });
        Self {
            clock,
            pipeline,
            blobs,
            router: router(api),
            _folder: folder,
        }
    }

    /// Publishes a message and says what became of it.
    pub(crate) async fn submit(&self, envelope: Envelope) -> MessageStatus {
        let outcome = self.pipeline.submit(envelope, Origin::Network).await;
        outcome.expect("the pipeline runs").status
    }

    /// Publishes a message that must be processed.
    pub(crate) async fn publish(&self, envelope: Envelope) -> ItemHash {
        let hash = envelope.item_hash.clone();
        assert_eq!(self.submit(envelope).await, MessageStatus::Processed, "{hash}");
        hash
    }

    /// Keeps a file.
    pub(crate) async fn add_file(&self, bytes: &[u8]) -> ItemHash {
        let mut writer = self.blobs.writer(1 << 20);
        writer.write(bytes).await.expect("within the limit");
        let stored = writer.finish(BlobName::Sha256).await.expect("stored");
        let arrived = self
            .pipeline
            .file_arrived(
                stored.name.clone(),
                stored.size,
                alephd_store::read::FileKind::File,
            )
            .await;
        arrived.expect("the pipeline runs");
        stored.name
    }

    /// Drops the bytes of a file behind the back of the database.
    pub(crate) async fn lose_file(&self, hash: &ItemHash) {
        self.blobs.delete(hash).await.expect("deletes");
    }

    pub(crate) async fn send(&self, method: &str, uri: &str, headers: &[(&str, &str)]) -> Answer {
        self.send_body(method, uri, headers, Body::empty()).await
    }

    pub(crate) async fn post(&self, uri: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        self.send_body("POST", uri, headers, body.into()).await
    }

    async fn send_body(&self, method: &str, uri: &str, headers: &[(&str, &str)], body: Body) -> Answer {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body).expect("request");
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: axum::body::to_bytes(body, 1 << 24).await.expect("body"),
        }
    }

    pub(crate) async fn get(&self, uri: &str) -> Answer {
        self.send("GET", uri, &[]).await
    }

    /// The JSON of an answer that must succeed.
    pub(crate) async fn json(&self, uri: &str) -> Value {
        let answer = self.get(uri).await;
        assert_eq!(answer.status, 200, "{uri}: {}", answer.text());
        assert_eq!(
            answer.header("content-type"),
            Some("application/json; charset=utf-8")
        );
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    /// Status and text of an answer that must fail.
    pub(crate) async fn failure(&self, uri: &str) -> (u16, String) {
        let answer = self.get(uri).await;
        assert!(answer.status >= 400, "{uri} succeeded");
        (answer.status, answer.text().to_owned())
    }

    /// The entries of a list, page by page through its cursors.
    pub(crate) async fn walk(&self, uri: &str, list: &str) -> Vec<Value> {
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.json(&format!("{uri}&cursor={cursor}")).await;
            assert!(page.get("pagination_total").is_none() && page.get("pagination_page").is_none());
            found.extend(page[list].as_array().expect("a list").iter().cloned());
            match &page["next_cursor"] {
                Value::Null => return found,
                next => cursor = next.as_str().expect("a text").to_owned(),
            }
        }
    }
}

/// The keys of an object, sorted.
pub(crate) fn keys_of(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}
