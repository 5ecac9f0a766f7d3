//! Bodies of requests and answers.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;

use crate::ApiError;

/// Longest body of a request that is no upload.
pub const DEFAULT_LIMIT: u64 = 1024 * 1024;

/// Reads a whole body of at most `limit` bytes.
///
/// A length that is announced beyond the limit is refused before anything is read.
pub async fn read(headers: &HeaderMap, body: Body, limit: u64) -> Result<Bytes, ApiError> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(ApiError::BodyTooLarge { limit });
    }
    let mut chunks = body.into_data_stream();
    let mut read = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        // The connection broke: nobody reads this answer.
        let chunk = chunk.map_err(|_| ApiError::status(StatusCode::BAD_REQUEST))?;
        if read.len() as u64 + chunk.len() as u64 > limit {
            return Err(ApiError::BodyTooLarge { limit });
        }
        read.extend_from_slice(&chunk);
    }
    Ok(read.freeze())
}

/// An answer of JSON text.
pub fn json(status: StatusCode, json: String) -> Response {
    const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
    (status, [(header::CONTENT_TYPE, JSON)], json).into_response()
}
