//! The bytes of a file, streamed.
//!
//! A name stands for one content for ever, so the name is the validator of caches and of resumed
//! downloads alike. A directory is sent as a tar archive, whose length nobody knows before.

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use alephd_blobs::Error as BlobError;
use alephd_cid::AnyCid;
use alephd_content::ContentError;
use alephd_message::ItemHash;
use alephd_unixfs::{ByteRange, Kind};

use super::{
    hash_of, known,
    range::{self, Asked},
};
use crate::{Api, ApiError};

const TAR: HeaderValue = HeaderValue::from_static("application/x-tar");
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");
const ACCEPTS: (HeaderName, HeaderValue) = (header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));

/// A file that can be sent.
struct Held {
    hash: ItemHash,
    size: u64,
    kind: Kind,
    tag: HeaderValue,
}

impl Held {
    async fn find(api: &Api, text: &str) -> Result<Self, ApiError> {
        let hash = hash_of(text, "Invalid hash")?;
        let missing = || ApiError::not_found("Not found");
        known(api, &hash)?.ok_or_else(missing)?;
        let facts = api.content.facts(&hash).await.map_err(ApiError::internal)?;
        let facts = facts.ok_or_else(missing)?;
        // Held files have names of letters and digits.
        let tag = HeaderValue::try_from(format!("\"{hash}\"")).map_err(ApiError::internal)?;
        Ok(Self {
            hash,
            size: facts.size,
            kind: facts.kind,
            tag,
        })
    }

    /// Whether the client has the file already.
    fn is_cached(&self, headers: &HeaderMap) -> bool {
        let values = headers.get_all(header::IF_NONE_MATCH).iter();
        let mut tags = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim);
        tags.any(|tag| tag == "*" || tag.trim_start_matches("W/").as_bytes() == self.tag.as_bytes())
    }

    /// The part that is asked for. A client that resumes another content gets the whole.
    fn asked(&self, headers: &HeaderMap) -> Asked {
        let resumes_other = headers
            .get(header::IF_RANGE)
            .is_some_and(|value| value != self.tag);
        match headers.get(header::RANGE).and_then(|value| value.to_str().ok()) {
            Some(value) if !resumes_other => range::parse(value, self.size),
            _ => Asked::Whole,
        }
    }

    fn unchanged(&self) -> Response {
        (
            StatusCode::NOT_MODIFIED,
            [(header::ETAG, self.tag.clone()), ACCEPTS],
        )
            .into_response()
    }

    fn tar_headers(&self) -> [(HeaderName, HeaderValue); 3] {
        [
            (header::CONTENT_TYPE, TAR),
            (header::ETAG, self.tag.clone()),
            (header::ACCEPT_RANGES, HeaderValue::from_static("none")),
        ]
    }

    /// The directory as an archive in which everything lies below its name.
    fn tar(&self, api: &Api) -> Result<Response, ApiError> {
        let name = self.hash.to_string();
        let root: AnyCid = name.parse().map_err(ApiError::internal)?;
        let archive = Body::from_stream(api.content.tar(name, root));
        Ok((self.tar_headers(), archive).into_response())
    }

    fn headers(&self, length: u64) -> [(HeaderName, HeaderValue); 4] {
        [
            (header::CONTENT_TYPE, BYTES),
            (header::CONTENT_LENGTH, HeaderValue::from(length)),
            (header::ETAG, self.tag.clone()),
            ACCEPTS,
        ]
    }
}

pub(super) async fn head(
    State(api): State<Api>,
    Path(hash): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let file = Held::find(&api, &hash).await?;
    if file.is_cached(&headers) {
        return Ok(file.unchanged());
    }
    if file.kind == Kind::Directory {
        return Ok(file.tar_headers().into_response());
    }
    Ok(file.headers(file.size).into_response())
}

pub(super) async fn get(
    State(api): State<Api>,
    Path(hash): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let file = Held::find(&api, &hash).await?;
    if file.is_cached(&headers) {
        return Ok(file.unchanged());
    }
    if file.kind == Kind::Directory {
        return file.tar(&api);
    }
    let part = match file.asked(&headers) {
        Asked::Whole => None,
        Asked::Part(part) => Some(part),
        Asked::Outside => return Ok(outside(file.size)),
    };
    let range = part.clone().map_or(ByteRange::ALL, ByteRange::Bytes);
    let found = match api.content.read(&file.hash, range).await {
        Ok(Some(found)) => found,
        // Deleted since it was found.
        Ok(None) | Err(ContentError::Blobs(BlobError::NotFound)) => {
            return Err(ApiError::not_found("Not found"));
        }
        Err(error) => return Err(ApiError::internal(error)),
    };
    let (size, sent) = (found.size, found.range);
    let headers = file.headers(sent.end - sent.start);
    let content = Body::from_stream(found.bytes);
    if part.is_none() {
        return Ok((headers, content).into_response());
    }
    let place = format!("bytes {}-{}/{size}", sent.start, sent.end - 1);
    Ok((
        StatusCode::PARTIAL_CONTENT,
        headers,
        [(header::CONTENT_RANGE, place)],
        content,
    )
        .into_response())
}

fn outside(size: u64) -> Response {
    let place = format!("bytes */{size}");
    (
        StatusCode::RANGE_NOT_SATISFIABLE,
        [(header::CONTENT_RANGE, place)],
        "416: Range Not Satisfiable",
    )
        .into_response()
}
