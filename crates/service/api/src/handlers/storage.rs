//! Files: their bytes, what is known of them, and the names that lead to them.

mod encode;
pub(super) mod range;
mod raw;

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};

use alephd_content::ContentError;
use alephd_message::{ItemHash, ItemType};
use alephd_store::read::{FileRow, StoredFile};
use alephd_unixfs::{ByteRange, Error as TreeError};

use super::accounts::kind_name;
use crate::{Api, ApiError, Routes, body, json::Writer};

/// Largest file that is sent inside JSON.
const MAX_EMBEDDED: u64 = 100 << 20;

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    routes
        .get("/api/v0/storage/limits.json", limits)
        .get("/api/v0/storage/{hash}", embedded)
        .get("/api/v0/storage/raw/{hash}", raw::get)
        .head("/api/v0/storage/raw/{hash}", raw::head)
        .get("/api/v0/storage/metadata/{hash}", metadata)
        .get("/api/v0/storage/count/{hash}", count)
        .get("/api/v0/storage/by-message-hash/{hash}", by_message)
        .get("/api/v0/storage/by-ref/{ref}", by_hash_ref)
        .get("/api/v0/storage/by-ref/{address}/{*ref}", by_named_ref)
}

async fn limits(State(api): State<Api>) -> Response {
    let settings = &api.settings;
    let (ipfs, car, ipfs_unauthenticated) = settings.ipfs_limits;
    let mut out = Writer::new();
    out.begin_object();
    out.key("storage").begin_object();
    out.key("max_file_size").int(settings.max_file_size);
    out.key("max_unauthenticated_upload_file_size")
        .int(settings.max_unauthenticated_file_size);
    out.end_object();
    out.key("ipfs").begin_object();
    out.key("max_upload_file_size").int(ipfs);
    out.key("max_upload_car_size").int(car);
    out.key("max_unauthenticated_upload_file_size")
        .int(ipfs_unauthenticated);
    out.end_object().end_object();
    body::json(StatusCode::OK, out.finish())
}

/// A hash, by its length and prefix alone.
fn hash_of(text: &str, refusal: &'static str) -> Result<ItemHash, ApiError> {
    ItemHash::parse_lenient(text).ok_or_else(|| ApiError::bad_request(refusal))
}

/// A file that is known to the network, whether its bytes are here or not.
fn known(api: &Api, hash: &ItemHash) -> Result<Option<FileRow>, ApiError> {
    api.read(|reader| reader.file_get(hash))
}

/// The route by which nodes fetch files from each other.
async fn embedded(State(api): State<Api>, Path(text): Path<String>) -> Result<Response, ApiError> {
    let hash = hash_of(&text, "Invalid hash provided")?;
    let file = known(&api, &hash)?.ok_or_else(|| ApiError::not_found("Not found"))?;
    if file.size > MAX_EMBEDDED {
        return Err(ApiError::BodyTooLarge { limit: MAX_EMBEDDED });
    }
    let content = match api.content.read(&hash, ByteRange::ALL).await {
        Ok(Some(content)) => content,
        Ok(None) | Err(ContentError::Tree(TreeError::NotAFile(_))) => return Err(no_file(&hash)),
        Err(error) => return Err(ApiError::internal(error)),
    };
    let engine = match hash.item_type() {
        ItemType::Ipfs => "ipfs",
        ItemType::Storage | ItemType::Inline => "storage",
    };
    let mut head = Writer::new();
    head.begin_object();
    head.key("status").text("success");
    head.key("hash").text(&text);
    head.key("engine").text(engine);
    head.key("content");
    Ok(encode::answer(head.finish(), content))
}

fn no_file(hash: &ItemHash) -> ApiError {
    ApiError::not_found(format!("No file found for hash {hash}"))
}

fn raw_path(hash: &ItemHash) -> String {
    format!("/api/v0/storage/raw/{hash}")
}

async fn metadata(State(api): State<Api>, Path(text): Path<String>) -> Result<Response, ApiError> {
    let hash = hash_of(&text, "Invalid hash provided")?;
    let file = known(&api, &hash)?.ok_or_else(|| no_file(&hash))?;
    let mut out = Writer::new();
    out.begin_object();
    out.key("file_hash").text(&text);
    out.key("type").text(kind_name(file.kind));
    out.key("size").int(file.size);
    out.key("download_url").text(&raw_path(&hash));
    out.end_object();
    Ok(body::json(StatusCode::OK, out.finish()))
}

async fn count(State(api): State<Api>, Path(text): Path<String>) -> Result<Response, ApiError> {
    let pins = match ItemHash::parse_lenient(&text) {
        Some(hash) => api.read(|reader| reader.file_pins(&hash))?,
        None => 0,
    };
    Ok(body::json(StatusCode::OK, pins.to_string()))
}

async fn by_message(State(api): State<Api>, Path(text): Path<String>) -> Result<Response, ApiError> {
    let hash = hash_of(&text, "Invalid hash provided")?;
    let file = api.read(|reader| reader.file_by_message(&hash))?;
    let file = file.ok_or_else(|| ApiError::not_found(format!("No file found for message {hash}")))?;
    Ok(named_file(&file))
}

async fn by_hash_ref(State(api): State<Api>, Path(tag): Path<String>) -> Result<Response, ApiError> {
    if ItemHash::parse_lenient(&tag).is_none() {
        return Err(ApiError::bad_request("address is required for user-defined ref"));
    }
    by_tag(&api, &tag)
}

/// Names may contain slashes, which some clients do not escape. Addresses have none, so the first
/// one that is not escaped ends the address.
async fn by_named_ref(
    State(api): State<Api>,
    Path((address, reference)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    // As strictly as a STORE is read: what only resembles a hash is a name there.
    match ItemHash::parse_strict(&reference) {
        Some(_) => by_tag(&api, &reference),
        None => by_tag(&api, &format!("{address}/{reference}")),
    }
}

fn by_tag(api: &Api, tag: &str) -> Result<Response, ApiError> {
    let file = api.read(|reader| reader.file_by_tag(tag))?;
    let file = file.ok_or_else(|| ApiError::not_found(format!("No file found for tag {tag}")))?;
    Ok(named_file(&file))
}

/// Describes a file through the STORE that names it.
fn named_file(stored: &StoredFile) -> Response {
    let StoredFile { message, file } = stored;
    let own = message.item_hash.to_string();
    let mut out = Writer::new();
    out.begin_object();
    out.key("ref").text(message.reference.as_deref().unwrap_or(&own));
    out.key("owner").text(&message.owner);
    out.key("file_hash").text(&file.hash.to_string());
    out.key("download_url").text(&raw_path(&file.hash));
    out.key("size").int(file.size);
    out.end_object();
    body::json(StatusCode::OK, out.finish())
}
