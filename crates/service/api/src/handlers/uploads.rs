//! Uploads: files, JSON documents and archives, streamed to the blobs and hashed on the way.
//!
//! The engines differ in how files are named. What is not the file of its message, or what nobody
//! pays for, is refused before it is stored.

mod form;
mod ipfs;
mod metadata;
mod payment;
mod storage;

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode},
};

use alephd_blobs::{BlobName, BlobWriter, Error as BlobError, Stored};
use alephd_content::{CarImport, ImportError};
use alephd_message::{ItemHash, ItemType};
use alephd_store::read::FileKind;

use super::publish;
use crate::{Api, ApiError, Routes, body, json};
use form::Form;
use metadata::Metadata;

/// Largest metadata part: the envelope of an inline message, escaped twice at worst.
const METADATA_LIMIT: u64 = 4 << 20;

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    routes
        .post("/api/v0/storage/add_json", storage::add_json)
        .post("/api/v0/storage/add_file", storage::add_file)
        .post("/api/v0/ipfs/add_json", ipfs::add_json)
        .post("/api/v0/ipfs/add_file", ipfs::add_file)
        .post("/api/v0/ipfs/add_car", ipfs::add_car)
}

/// Where the bytes of a form's file go.
enum Sink {
    File(Box<BlobWriter>),
    Archive(Box<CarImport>),
}

impl Sink {
    async fn write(&mut self, bytes: &[u8], limit: u64) -> Result<(), ApiError> {
        match self {
            Self::File(writer) => writer.write(bytes).await.map_err(|error| failed(error, limit)),
            Self::Archive(import) => import
                .write(bytes)
                .await
                .map_err(|error| import_failed(error, limit)),
        }
    }
}

/// What a form brought.
struct Received {
    file: Option<Sink>,
    /// The name that the client gave to the file.
    filename: Option<String>,
    metadata: Option<Metadata>,
}

/// Reads a form with a file and, in any order, a signed STORE that names files by `engine`. The file
/// goes to `sink` as it arrives.
async fn receive(
    body: Body,
    boundary: String,
    sink: Sink,
    engine: ItemType,
    limit: u64,
) -> Result<Received, ApiError> {
    let mut form = Form::new(body, boundary);
    match receive_parts(&mut form, sink, engine, limit).await {
        Ok(received) => Ok(received),
        Err(error) => {
            form.drain().await;
            Err(error)
        }
    }
}

async fn receive_parts(
    form: &mut Form,
    sink: Sink,
    engine: ItemType,
    limit: u64,
) -> Result<Received, ApiError> {
    let mut unused = Some(sink);
    let mut received = Received {
        file: None,
        filename: None,
        metadata: None,
    };
    while let Some(mut part) = form.next().await? {
        match (part.name(), unused.take()) {
            ("file", Some(mut sink)) => {
                received.filename = part.filename();
                while let Some(chunk) = part.chunk().await? {
                    sink.write(&chunk, limit).await?;
                }
                received.file = Some(sink);
            }
            ("metadata", sink) => {
                let bytes = part.bytes(METADATA_LIMIT).await?;
                received.metadata = Some(Metadata::parse(&bytes, engine)?);
                unused = sink;
            }
            (_, sink) => {
                part.skip().await?;
                unused = sink;
            }
        }
    }
    Ok(received)
}

/// A JSON document in the one form that every node of the network would hash.
async fn canonical(headers: &HeaderMap, body: Body, limit: u64) -> Result<String, ApiError> {
    let bytes = body::read(headers, body, limit).await?;
    let canonical = json::canonical(&bytes);
    canonical.map_err(|error| ApiError::reason(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))
}

/// Stores a small content under the name that `name` says.
async fn store(
    api: &Api,
    mut writer: BlobWriter,
    content: &[u8],
    name: BlobName,
) -> Result<Stored, ApiError> {
    writer.write(content).await.map_err(ApiError::internal)?;
    let stored = writer.finish(name).await.map_err(ApiError::internal)?;
    announce(api, &stored.name, stored.size, FileKind::File).await?;
    Ok(stored)
}

/// Tells the pipeline that a file is held: it is kept for the grace period at least, and messages
/// that wait for it go on.
async fn announce(api: &Api, name: &ItemHash, size: u64, kind: FileKind) -> Result<(), ApiError> {
    let arrived = api.pipeline.file_arrived(name.clone(), size, kind);
    arrived.await.map_err(ApiError::internal)
}

/// Publishes the message that came along; the status of the answer.
async fn publish(api: &Api, metadata: Option<Metadata>) -> Result<StatusCode, ApiError> {
    Ok(match metadata {
        Some(metadata) => {
            publish::submit(api, metadata.envelope, metadata.sync)
                .await?
                .status
        }
        None => StatusCode::OK,
    })
}

fn failed(error: BlobError, limit: u64) -> ApiError {
    match error {
        BlobError::TooLarge { .. } => ApiError::BodyTooLarge { limit },
        error => ApiError::internal(error),
    }
}

fn import_failed(error: ImportError, limit: u64) -> ApiError {
    match error {
        ImportError::Blobs(error) => failed(error, limit),
        ImportError::Content(error) => ApiError::internal(error),
        error => {
            let reason = format!("Invalid CAR file: {error}");
            ApiError::reason(StatusCode::UNPROCESSABLE_ENTITY, reason)
        }
    }
}
