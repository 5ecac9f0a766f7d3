//! The node about itself: version, addresses, channels, numbers, state.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;

use alephd_rules::root::StateRoot;
use alephd_store::{
    StoreError,
    read::{Counts, Root},
};

use super::kept::Kept;
use crate::{Api, ApiError, Routes, body, json::Writer, metrics};

/// How long the list of channels is kept. It costs a look at an index for each channel, and
/// anybody can make channels.
const CHANNELS_FOR: Duration = Duration::from_secs(60);

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    let kept = Arc::new(Kept::default());
    routes
        .get("/version", version)
        .get("/api/v0/version", version)
        .get("/api/v0/info/public.json", public)
        .get("/api/v0/channels/list.json", move |State(api): State<Api>| {
            let kept = Arc::clone(&kept);
            async move { channels(&api, &kept).await }
        })
        .get("/metrics", metrics_text)
        .get("/metrics.json", metrics_json)
        .get("/api/v0/state/root", state_root)
}

async fn version(State(api): State<Api>) -> Response {
    let mut out = Writer::new();
    out.begin_object();
    out.key("version").text(&api.settings.version);
    out.end_object();
    body::json(StatusCode::OK, out.finish())
}

async fn public(State(api): State<Api>) -> Response {
    let mut out = Writer::new();
    out.begin_object();
    out.key("node_multi_addresses")
        .texts(&api.settings.multiaddresses);
    out.end_object();
    body::json(StatusCode::OK, out.finish())
}

async fn channels(api: &Api, kept: &Kept<Bytes>) -> Result<Response, ApiError> {
    const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
    let made = kept.get(api.clock.monotonic(), CHANNELS_FOR, || {
        let names = api.read(|reader| reader.channel_list())?;
        let mut out = Writer::new();
        out.begin_object();
        out.key("channels").texts(&names);
        out.end_object();
        Ok(Bytes::from(out.finish()))
    });
    Ok(([(header::CONTENT_TYPE, JSON)], made.await?).into_response())
}

async fn metrics_text(State(api): State<Api>) -> Result<Response, ApiError> {
    const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, TEXT)], metrics::metrics_text(&api)?).into_response())
}

async fn metrics_json(State(api): State<Api>) -> Result<Response, ApiError> {
    Ok(body::json(StatusCode::OK, metrics::metrics_json(&api)?))
}

/// Equal roots mean equal state: what operators compare between nodes.
async fn state_root(State(api): State<Api>) -> Result<Response, ApiError> {
    let (counts, live, last) = api.read(|reader| {
        reader.snapshot(|reader| {
            let live = digest(reader.state_root(Root::Live)?)?;
            let last = digest(reader.state_root(Root::Final)?)?;
            Ok((reader.counts()?, live, last))
        })
    })?;
    let Counts {
        messages,
        pending,
        parked,
        forgotten,
        ..
    } = counts;
    let settings = &api.settings;
    // Without an ordering chain nothing gets more final than it is.
    let last = if settings.adversary_safe { &last } else { &live };
    let mut out = Writer::new();
    out.begin_object();
    out.key("live").text(&live);
    out.key("final").text(last);
    out.key("network").text(&settings.network);
    out.key("adversary_safe").bool(settings.adversary_safe);
    out.key("messages").int(messages);
    out.key("pending").int(pending);
    out.key("parked").int(parked);
    out.key("forgotten").int(forgotten);
    out.end_object();
    Ok(body::json(StatusCode::OK, out.finish()))
}

/// The published form of a stored root; before anything was stored, that of the empty state.
fn digest(bytes: Option<Vec<u8>>) -> Result<String, StoreError> {
    let root = match bytes {
        None => StateRoot::default(),
        Some(bytes) => StateRoot::from_bytes(&bytes).ok_or(StoreError::Damaged("state root"))?,
    };
    Ok(root.digest())
}
