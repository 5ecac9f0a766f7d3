//! Uploads of files and archives that are named by their CID.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};

use alephd_blobs::BlobName;
use alephd_message::ItemType;
use alephd_store::read::FileKind;
use alephd_unixfs::Kind;

use super::{
    Received, Sink, announce, canonical, failed, form, import_failed, payment, publish, receive, store,
};
use crate::{Api, ApiError, body, json};

/// Stores a JSON document.
pub(super) async fn add_json(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let (_, _, limit) = api.settings.ipfs_limits;
    let document = canonical(&headers, body, limit).await?;
    let writer = api.blobs().writer_cid_v0(u64::MAX);
    let stored = store(&api, writer, document.as_bytes(), BlobName::CidV0).await?;
    let mut out = json::Writer::new();
    out.begin_object();
    out.key("status").text("success");
    out.key("hash").text(&stored.name.to_string());
    out.end_object();
    Ok(body::json(StatusCode::OK, out.finish()))
}

/// Stores the file of a form under its version 0 CID.
pub(super) async fn add_file(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let boundary = boundary(&headers)?;
    let (limit, _, open_limit) = api.settings.ipfs_limits;
    let sink = Sink::File(Box::new(api.blobs().writer_cid_v0(limit)));
    let received = receive(body, boundary, sink, ItemType::Ipfs, limit).await?;
    let Received {
        file: Some(Sink::File(writer)),
        metadata,
        filename,
    } = received
    else {
        return Err(missing("Missing 'file' in multipart form."));
    };
    if metadata.is_none() && writer.size() > open_limit {
        return Err(ApiError::BodyTooLarge { limit: open_limit });
    }
    let sealed = writer.seal().await.map_err(|error| failed(error, limit))?;
    if let (Some(metadata), Some(cid)) = (&metadata, sealed.cid_v0()) {
        payment::check(&api, metadata, sealed.size())?;
        metadata.check(&cid.to_string())?;
    }
    let stored = sealed.store(BlobName::CidV0).await;
    let stored = stored.map_err(|error| failed(error, limit))?;
    announce(&api, &stored.name, stored.size, FileKind::File).await?;
    let status = publish(&api, metadata).await?;

    let mut out = json::Writer::new();
    out.begin_object();
    out.key("status").text("success");
    out.key("hash").text(&stored.name.to_string());
    out.key("name").text(filename.as_deref().unwrap_or("file"));
    out.key("size").int(stored.size);
    out.end_object();
    Ok(body::json(status, out.finish()))
}

/// Stores the tree of an archive under the CID of its root.
pub(super) async fn add_car(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let boundary = boundary(&headers)?;
    let (_, limit, _) = api.settings.ipfs_limits;
    let sink = Sink::Archive(Box::new(api.content.import_car(limit)));
    let received = receive(body, boundary, sink, ItemType::Ipfs, limit).await?;
    let Received {
        file: Some(Sink::Archive(import)),
        metadata,
        ..
    } = received
    else {
        return Err(missing("Missing 'file' in multipart form."));
    };
    let metadata = metadata.ok_or_else(|| missing("metadata is required for CAR upload"))?;
    let sealed = import.seal().await.map_err(|error| import_failed(error, limit))?;
    let root = sealed.root().to_string();
    if root != metadata.file {
        let reason = format!("Root CID does not match ({root} != {})", metadata.file);
        return Err(ApiError::reason(StatusCode::UNPROCESSABLE_ENTITY, reason));
    }
    payment::check(&api, &metadata, sealed.facts().size)?;
    let stored = sealed
        .store()
        .await
        .map_err(|error| import_failed(error, limit))?;
    let kind = match stored.facts.kind {
        Kind::Directory => FileKind::Directory,
        Kind::File | Kind::Symlink => FileKind::File,
    };
    announce(&api, &stored.name, stored.facts.size, kind).await?;
    let status = publish(&api, Some(metadata)).await?;

    let mut out = json::Writer::new();
    out.begin_object();
    out.key("status").text("success");
    out.key("hash").text(&root);
    out.key("size").int(stored.facts.size);
    out.end_object();
    Ok(body::json(status, out.finish()))
}

fn boundary(headers: &HeaderMap) -> Result<String, ApiError> {
    let expected = "Expected Content-Type: multipart/form-data";
    form::boundary(headers).ok_or_else(|| ApiError::reason(StatusCode::BAD_REQUEST, expected))
}

fn missing(what: &'static str) -> ApiError {
    ApiError::reason(StatusCode::UNPROCESSABLE_ENTITY, what)
}
