//! Uploads: files and JSON documents, streamed to the blobs and hashed on the way.

mod form;
mod payment;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use alephd_blobs::{BlobName, BlobWriter, Error as BlobError};
use alephd_economy::cost::Demand;
use alephd_message::{
    Content, Envelope, ItemHash, ItemType, MessageType, Micros, content::Body as ContentBody,
};

use super::publish;
use crate::{Api, ApiError, Routes, body, json};
use form::Form;

/// Largest metadata part: the envelope of an inline message, escaped twice at worst.
const METADATA_LIMIT: u64 = 4 << 20;

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    routes
        .post("/api/v0/storage/add_json", add_json)
        .post("/api/v0/storage/add_file", add_file)
        .post("/api/v0/ipfs/add_json", no_ipfs)
        .post("/api/v0/ipfs/add_file", no_ipfs)
        .post("/api/v0/ipfs/add_car", no_ipfs)
}

/// The node has no IPFS engine yet. Clients look for this text.
async fn no_ipfs() -> ApiError {
    ApiError::reason(StatusCode::FORBIDDEN, "IPFS is disabled on this node")
}

/// Stores a JSON document in the one form that every node of the network would hash.
async fn add_json(State(api): State<Api>, headers: HeaderMap, body: Body) -> Result<Response, ApiError> {
    let limit = api.settings.max_unauthenticated_file_size;
    let bytes = body::read(&headers, body, limit).await?;
    let canonical = json::canonical(&bytes)
        .map_err(|error| ApiError::reason(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))?;
    let mut writer = api.blobs.writer(u64::MAX);
    writer
        .write(canonical.as_bytes())
        .await
        .map_err(ApiError::internal)?;
    let stored = writer
        .finish(BlobName::Sha256)
        .await
        .map_err(ApiError::internal)?;
    announce(&api, &stored).await?;
    Ok(success(StatusCode::OK, &stored.name.to_string()))
}

async fn add_file(State(api): State<Api>, headers: HeaderMap, body: Body) -> Result<Response, ApiError> {
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
    let mut writer = api.blobs.writer(limit);
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        // The connection broke: nobody reads this answer, and the writer drops what it has.
        let chunk = chunk.map_err(|_| ApiError::status(StatusCode::BAD_REQUEST))?;
        writer
            .write(&chunk)
            .await
            .map_err(|error| upload_error(error, limit))?;
    }
    if writer.size() == 0 {
        let reason = "File should be sent as FormData or Raw Upload";
        return Err(ApiError::reason(StatusCode::BAD_REQUEST, reason));
    }
    let stored = writer
        .finish(BlobName::Sha256)
        .await
        .map_err(ApiError::internal)?;
    announce(api, &stored).await?;
    Ok(success(StatusCode::OK, &stored.name.to_string()))
}

/// A form with a file and, in any order, an optional signed STORE.
async fn add_form(api: &Api, body: Body, boundary: String) -> Result<Response, ApiError> {
    // The larger limit holds until it is known whether a message comes along.
    let limit = api.settings.max_file_size;
    let mut form = Form::new(body, boundary);
    let (file, metadata) = match receive(api, &mut form, limit).await {
        Ok(parts) => parts,
        Err(error) => {
            form.drain().await;
            return Err(error);
        }
    };
    let open_limit = api.settings.max_unauthenticated_file_size;
    if metadata.is_none() && file.writer.size() > open_limit {
        return Err(ApiError::BodyTooLarge { limit: open_limit });
    }
    store_form(api, file, metadata).await
}

/// Reads the parts of a form: the file goes to the blobs as it arrives.
async fn receive(api: &Api, form: &mut Form, limit: u64) -> Result<(Incoming, Option<Metadata>), ApiError> {
    let mut file: Option<Incoming> = None;
    let mut metadata: Option<Metadata> = None;
    while let Some(mut part) = form.next().await? {
        match part.name() {
            "file" if file.is_none() => {
                let mut incoming = Incoming::new(api.blobs.writer(limit));
                while let Some(chunk) = part.chunk().await? {
                    incoming
                        .write(&chunk)
                        .await
                        .map_err(|error| upload_error(error, limit))?;
                }
                file = Some(incoming);
            }
            "metadata" => {
                let bytes = part.bytes(METADATA_LIMIT).await?;
                metadata = Some(Metadata::parse(&bytes)?);
            }
            _ => part.skip().await?,
        }
    }
    let missing = "File should be sent as FormData or Raw Upload";
    let file = file.ok_or_else(|| ApiError::reason(StatusCode::BAD_REQUEST, missing))?;
    Ok((file, metadata))
}

/// Makes the file visible, then publishes its message. Nothing is kept of a file that is not that
/// of its message, or that nobody pays for.
async fn store_form(api: &Api, file: Incoming, metadata: Option<Metadata>) -> Result<Response, ApiError> {
    let Incoming { writer, sha256 } = file;
    if let Some(metadata) = &metadata {
        let name = ItemHash::Sha256(sha256.finalize().into());
        metadata.check(&name.to_string())?;
        payment::check(api, metadata, writer.size())?;
    }
    let stored = writer
        .finish(BlobName::Sha256)
        .await
        .map_err(ApiError::internal)?;
    announce(api, &stored).await?;
    let status = match metadata {
        Some(metadata) => {
            publish::submit(api, metadata.envelope, metadata.sync)
                .await?
                .status
        }
        None => StatusCode::OK,
    };
    Ok(success(status, &stored.sha256.to_string()))
}

/// A file that is being received. Its name has to be known before it is stored, which is when the
/// blobs tell it.
struct Incoming {
    writer: BlobWriter,
    sha256: Sha256,
}

impl Incoming {
    fn new(writer: BlobWriter) -> Self {
        let sha256 = Sha256::new();
        Self { writer, sha256 }
    }

    async fn write(&mut self, chunk: &[u8]) -> Result<(), BlobError> {
        self.sha256.update(chunk);
        self.writer.write(chunk).await
    }
}

/// A signed STORE that comes along with a file.
struct Metadata {
    envelope: Envelope,
    file: String,
    sync: bool,
    /// What has to be paid.
    demand: Demand,
    /// The signed time.
    time: Micros,
}

#[derive(Deserialize)]
struct RawMetadata<'a> {
    #[serde(borrow)]
    message: &'a RawValue,
    sync: serde_json::Value,
}

impl Metadata {
    /// Reads the part, and checks everything that needs no file: signature first.
    fn parse(bytes: &[u8]) -> Result<Self, ApiError> {
        let undecodable = |why: String| {
            let reason = format!("Could not decode metadata: {why}");
            ApiError::reason(StatusCode::UNPROCESSABLE_ENTITY, reason)
        };
        let raw: RawMetadata<'_> =
            serde_json::from_slice(bytes).map_err(|error| undecodable(error.to_string()))?;
        let sync = publish::truth(&raw.sync).ok_or_else(|| undecodable("sync must be a boolean".into()))?;
        let envelope =
            Envelope::parse(raw.message.get().as_bytes()).map_err(|error| undecodable(error.to_string()))?;
        alephd_signature::verify(&envelope).map_err(|_| ApiError::status(StatusCode::FORBIDDEN))?;
        let invalid = |why: String| {
            let reason = format!("Invalid store message content: {why}");
            ApiError::reason(StatusCode::UNPROCESSABLE_ENTITY, reason)
        };
        let text = envelope.item_content.as_deref();
        let text = text.filter(|_| envelope.message_type == MessageType::Store);
        let text = text.ok_or_else(|| invalid("an inline STORE message is expected".into()))?;
        let content = Content::parse(MessageType::Store, text).map_err(|error| invalid(error.to_string()))?;
        let demand = Demand::of(&content, text, &envelope.item_hash);
        let demand = demand.map_err(|error| invalid(error.to_string()))?;
        let time = content.position_time();
        let (ContentBody::Store(store), Some(demand)) = (content.body, demand) else {
            return Err(invalid("an inline STORE message is expected".into()));
        };
        if store.item_type != ItemType::Storage {
            return Err(invalid(format!(
                "item_type must be storage, not {}",
                store.item_type
            )));
        }
        Ok(Self {
            envelope,
            file: store.item_hash.to_string(),
            sync,
            demand,
            time,
        })
    }

    fn check(&self, file: &str) -> Result<(), ApiError> {
        if self.file == file {
            return Ok(());
        }
        let reason = format!("File hash does not match ({file} != {})", self.file);
        Err(ApiError::reason(StatusCode::UNPROCESSABLE_ENTITY, reason))
    }
}

/// Tells the pipeline that a file is held: it is kept for the grace period at least, and messages
/// that wait for it go on.
async fn announce(api: &Api, stored: &alephd_blobs::Stored) -> Result<(), ApiError> {
    let name = stored.name.clone();
    api.pipeline
        .file_arrived(name, stored.size)
        .await
        .map_err(ApiError::internal)
}

fn upload_error(error: BlobError, limit: u64) -> ApiError {
    match error {
        BlobError::TooLarge { .. } => ApiError::BodyTooLarge { limit },
        error => ApiError::internal(error),
    }
}

fn success(status: StatusCode, hash: &str) -> Response {
    let mut out = json::Writer::new();
    out.begin_object();
    out.key("status").text("success");
    out.key("hash").text(hash);
    out.end_object();
    body::json(status, out.finish())
}
