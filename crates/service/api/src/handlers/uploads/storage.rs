//! Uploads of files that are named by their SHA-256.

use axum::{
    body::{Body, BodyDataStream},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use futures_util::StreamExt as _;

use alephd_blobs::BlobName;
use alephd_message::ItemType;
use alephd_store::read::FileKind;

use super::{Received, Sink, announce, canonical, failed, form, payment, publish, receive, store};
use crate::{Api, ApiError, body, json};

const NO_FILE: &str = "File should be sent as FormData or Raw Upload";

/// Stores a JSON document.
pub(super) async fn add_json(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let limit = api.settings.max_unauthenticated_file_size;
    let document = canonical(&headers, body, limit).await?;
    let writer = api.blobs().writer_sha256(u64::MAX);
    let stored = store(&api, writer, document.as_bytes(), BlobName::Sha256).await?;
    Ok(success(StatusCode::OK, &stored.name.to_string()))
}

/// Stores a file: a form, or anything else as it is.
pub(super) async fn add_file(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    match form::boundary(&headers) {
        Some(boundary) => add_form(&api, body, boundary).await,
        None => add_raw(&api, &headers, body).await,
    }
}

/// A file as the whole body: never comes with a message.
async fn add_raw(api: &Api, headers: &HeaderMap, body: Body) -> Result<Response, ApiError> {
    let limit = api.settings.max_unauthenticated_file_size;
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limit) {
        return Err(ApiError::BodyTooLarge { limit });
    }
    let mut writer = api.blobs().writer_sha256(limit);
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        // The connection broke: nobody reads this answer, and the writer drops what it has.
        let chunk = chunk.map_err(|_| ApiError::status(StatusCode::BAD_REQUEST))?;
        if let Err(error) = writer.write(&chunk).await {
            read_on(chunks).await;
            return Err(failed(error, limit));
        }
    }
    if writer.size() == 0 {
        return Err(ApiError::reason(StatusCode::BAD_REQUEST, NO_FILE));
    }
    let stored = writer.finish(BlobName::Sha256).await;
    let stored = stored.map_err(|error| failed(error, limit))?;
    announce(api, &stored.name, stored.size, FileKind::File).await?;
    Ok(success(StatusCode::OK, &stored.name.to_string()))
}

/// Reads on without keeping anything, up to a bound: a client that is cut off while it sends does not
/// see the answer.
async fn read_on(mut chunks: BodyDataStream) {
    let mut left = form::DRAINED;
    while let Some(Ok(chunk)) = chunks.next().await {
        left = left.saturating_sub(chunk.len());
        if left == 0 {
            return;
        }
    }
}

/// A form with a file and, in any order, an optional signed STORE.
async fn add_form(api: &Api, body: Body, boundary: String) -> Result<Response, ApiError> {
    // The larger limit holds until it is known whether a message comes along.
    let limit = api.settings.max_file_size;
    let sink = Sink::File(Box::new(api.blobs().writer_sha256(limit)));
    let received = receive(body, boundary, sink, ItemType::Storage, limit).await?;
    let Received {
        file: Some(Sink::File(writer)),
        metadata,
        ..
    } = received
    else {
        return Err(ApiError::reason(StatusCode::BAD_REQUEST, NO_FILE));
    };
    let open_limit = api.settings.max_unauthenticated_file_size;
    if metadata.is_none() && writer.size() > open_limit {
        return Err(ApiError::BodyTooLarge { limit: open_limit });
    }
    let sealed = writer.seal().await.map_err(|error| failed(error, limit))?;
    if let (Some(metadata), Some(name)) = (&metadata, sealed.sha256()) {
        metadata.check(&name.to_string())?;
        payment::check(api, metadata, sealed.size())?;
    }
    let stored = sealed.store(BlobName::Sha256).await;
    let stored = stored.map_err(|error| failed(error, limit))?;
    announce(api, &stored.name, stored.size, FileKind::File).await?;
    let status = publish(api, metadata).await?;
    Ok(success(status, &stored.name.to_string()))
}

fn success(status: StatusCode, hash: &str) -> Response {
    let mut out = json::Writer::new();
    out.begin_object();
    out.key("status").text("success");
    out.key("hash").text(hash);
    out.end_object();
    body::json(status, out.finish())
}
