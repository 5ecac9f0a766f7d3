//! As much of Kubo's RPC as is used: commands are POST requests with their arguments in the query,
//! refusals are JSON with a status of 500, archives come in chunks.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use alephd_cid::AnyCid;
use alephd_content::Content;
use alephd_unixfs::{ByteRange, ExportOptions};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::post,
};
use futures_util::StreamExt as _;

use crate::bitswap::{
    mesh::{Storage, storage},
    trees::Tree,
};

/// What it does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    OtherBlock,
    EndlessBlock,
    OtherBytes,
    CutArchive,
    OtherArchive,
    EndlessError,
}

pub(super) struct Server {
    shared: Arc<Shared>,
    address: std::net::SocketAddr,
    serving: tokio::task::JoinHandle<()>,
}

struct Shared {
    storage: Storage,
    pins: Mutex<HashSet<AnyCid>>,
    calls: Mutex<Vec<String>>,
    fault: Mutex<Option<Fault>>,
}

impl Server {
    #[allow(clippy::disallowed_methods, reason = "ends with the server")]
    pub(super) async fn start() -> Self {
        let shared = Arc::new(Shared {
            storage: storage().await,
            pins: Mutex::default(),
            calls: Mutex::default(),
            fault: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new()
            .route("/api/v0/{*command}", post(answer))
            .with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self {
            shared,
            address,
            serving,
        }
    }

    pub(super) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn content(&self) -> Content {
        self.shared.storage.content.clone()
    }

    /// Commands so far, each with its arguments but the time limit.
    pub(super) fn calls(&self) -> Vec<String> {
        self.shared.calls.lock().unwrap().clone()
    }

    pub(super) fn holds(&self, cid: &AnyCid) -> bool {
        self.shared.pins.lock().unwrap().contains(cid)
    }

    pub(super) fn fail(&self, fault: Fault) {
        *self.shared.fault.lock().unwrap() = Some(fault);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn refusal(message: &str) -> Response {
    let body = serde_json::json!({ "Message": message, "Code": 0, "Type": "error" });
    (StatusCode::INTERNAL_SERVER_ERROR, body.to_string()).into_response()
}

fn endless() -> Body {
    Body::from_stream(futures_util::stream::repeat_with(|| {
        Ok::<_, std::io::Error>(vec![7_u8; 65536])
    }))
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let command = request.uri().path().trim_start_matches("/api/v0/").to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let arguments: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.starts_with("timeout="))
        .collect();
    shared
        .calls
        .lock()
        .unwrap()
        .push(format!("{command}?{}", arguments.join("&")));
    let cid = arguments
        .iter()
        .find_map(|pair| pair.strip_prefix("arg=")?.parse::<AnyCid>().ok());
    let content = &shared.storage.content;
    let fault = *shared.fault.lock().unwrap();
    match (&*command, cid) {
        (_, _) if fault == Some(Fault::EndlessError) => {
            (StatusCode::INTERNAL_SERVER_ERROR, endless()).into_response()
        }
        ("block/get", Some(_)) if fault == Some(Fault::OtherBlock) => "something else".into_response(),
        ("block/get", Some(_)) if fault == Some(Fault::EndlessBlock) => endless().into_response(),
        ("block/get", Some(cid)) => match content.block(&cid).await {
            Ok(block) => block.into_response(),
            Err(_) => refusal("block was not found locally (offline): ipld: could not find it"),
        },
        ("cat", Some(_)) if fault == Some(Fault::OtherBytes) => "something else".into_response(),
        ("cat", Some(cid)) => match content.file(&cid, ByteRange::ALL).await {
            Ok(file) => Body::from_stream(file.bytes).into_response(),
            Err(_) => refusal("this dag node is a directory"),
        },
        ("dag/export", Some(cid)) => export(content, &cid, fault).await,
        ("dag/import", None) => import(&shared, request).await,
        ("pin/add", Some(cid)) if content.block(&cid).await.is_ok() => {
            shared.pins.lock().unwrap().insert(cid.clone());
            serde_json::json!({ "Pins": [cid.to_string()] }).to_string().into_response()
        }
        ("pin/add", Some(_)) => refusal("pin: block was not found locally (offline): not found"),
        ("pin/rm", Some(cid)) => match shared.pins.lock().unwrap().remove(&cid) {
            true => serde_json::json!({ "Pins": [cid.to_string()] }).to_string().into_response(),
            false => refusal("not pinned or pinned indirectly"),
        },
        ("swarm/connect", None) if query.contains("arg=%2Fip4%2F") => {
            r#"{"Strings":["connect 12D3KooW success"]}"#.into_response()
        }
        ("id", None) => r#"{"ID":"12D3KooW","PublicKey":"CAES","Addresses":null,"AgentVersion":"kubo/0.22.0/","Protocols":["/ipfs/bitswap/1.2.0"]}"#
            .into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn export(content: &Content, cid: &AnyCid, fault: Option<Fault>) -> Response {
    let cid = match fault {
        Some(Fault::OtherArchive) => {
            let other = Tree::directory(&[("other", b"bytes")]);
            other.import(content).await;
            other.root
        }
        _ => cid.clone(),
    };
    let path = format!("/ipfs/{cid}").parse().unwrap();
    let archive = content
        .export(path, ExportOptions::default(), u64::MAX)
        .await
        .unwrap();
    let pieces = match fault {
        Some(Fault::CutArchive) => archive.take(1).boxed(),
        _ => archive.boxed(),
    };
    Body::from_stream(pieces).into_response()
}

async fn import(shared: &Shared, request: Request) -> Response {
    let kind = request.headers()["content-type"].to_str().unwrap().to_owned();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let body = to_bytes(request.into_body(), usize::MAX).await.unwrap();
    let head = body.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    assert!(body.starts_with(format!("--{boundary}\r\n").as_bytes()));
    let tail = format!("\r\n--{boundary}--\r\n");
    let archive = body[head..].strip_suffix(tail.as_bytes()).unwrap();
    let mut import = shared.storage.content.import_car(u64::MAX);
    import.write(archive).await.unwrap();
    let sealed = import.seal().await.unwrap();
    let root = sealed.root().clone();
    sealed.store().await.unwrap();
    shared.pins.lock().unwrap().insert(root.clone());
    let root = serde_json::json!({ "Root": { "Cid": { "/": root.to_string() }, "PinErrorMsg": "" } });
    let stats = serde_json::json!({ "Stats": { "BlockCount": 1 } });
    format!("{root}\n{stats}\n").into_response()
}
