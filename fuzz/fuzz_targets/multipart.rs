//! Any bytes as the form of an upload, in pieces of any size, through the routes of a node: no panic,
//! no internal error, and what is kept is a part of what was sent, within the bound.
#![no_main]

use std::{
    convert::Infallible,
    sync::{Arc, LazyLock},
};

use alephd_api::{Api, ApiParts, ApiSettings, Gauges, router};
use alephd_blobs::Blobs;
use alephd_content::Content;
use alephd_pipeline::{EngineConfig, Pipeline, PipelineConfig};
use alephd_store::{BlockIndex, Store, StoreConfig};
use alephd_tasks::ManualClock;
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::Request,
};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// Largest file: small, so that inputs of the fuzzer reach the bounds.
const LIMIT: u64 = 300;

struct Node {
    runtime: Runtime,
    router: Router,
    _folder: tempfile::TempDir,
}

static NODE: LazyLock<Node> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&StoreConfig::at(folder.path().join("db"))).expect("a store");
    let blobs = Blobs::in_memory();
    let clock = Arc::new(ManualClock::new(1_767_323_045_120_000));
    let config = PipelineConfig {
        engine: EngineConfig::default(),
        verifiers: 1,
        bulk: false,
        keep: None,
    };
    let writer = store.take_writer().expect("the only writer");
    let pipeline = Pipeline::start(writer, blobs.clone(), config, clock.clone(), runtime.handle().clone());
    let api = Api::new(ApiParts {
        store,
        pipeline: pipeline.expect("a pipeline"),
        content: Content::new(blobs, BlockIndex::in_memory().expect("an index")),
        settings: ApiSettings {
            max_file_size: LIMIT,
            max_unauthenticated_file_size: LIMIT,
            ipfs_limits: (LIMIT, LIMIT, LIMIT),
            ..ApiSettings::default()
        },
        clock,
        gauges: Gauges::default(),
    });
    Node {
        runtime,
        router: router(api),
        _folder: folder,
    }
});

async fn ask(request: Request<Body>) -> (u16, Bytes) {
    let answer = NODE.router.clone().oneshot(request).await.expect("infallible");
    let status = answer.status().as_u16();
    (status, to_bytes(answer.into_body(), 1 << 20).await.expect("a body"))
}

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (route, piece, form) = input;
    let route = ["storage/add_file", "ipfs/add_file", "ipfs/add_car"][usize::from(route) % 3];
    let pieces: Vec<_> = form
        .chunks(usize::from(piece) + 1)
        .map(|piece| Ok::<_, Infallible>(Bytes::copy_from_slice(piece)))
        .collect();
    let request = Request::post(format!("/api/v0/{route}"))
        .header("content-type", "multipart/form-data; boundary=cut")
        .body(Body::from_stream(futures_util::stream::iter(pieces)))
        .expect("a request");
    let (status, answer) = NODE.runtime.block_on(ask(request));
    let text = String::from_utf8_lossy(&answer);
    assert!(matches!(status, 200 | 202 | 400 | 402 | 403 | 413 | 422), "{status}: {text}");
    if status != 200 || route != "storage/add_file" {
        return;
    }
    let answer: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
    let hash = answer["hash"].as_str().expect("a name");
    let request = Request::get(format!("/api/v0/storage/raw/{hash}")).body(Body::empty());
    let (status, file) = NODE.runtime.block_on(ask(request.expect("a request")));
    assert_eq!(status, 200, "{hash} is kept");
    assert!(file.len() as u64 <= LIMIT, "{} bytes kept", file.len());
    let is_part = file.is_empty() || form.windows(file.len()).any(|window| window == &file[..]);
    assert!(is_part, "what is kept was not sent");
});
