//! Multipart forms, part by part and never as a whole.

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
};
use bytes::{Bytes, BytesMut};

use crate::ApiError;

/// Parts of one form; honest clients send two.
const PARTS: usize = 16;

/// A form that is being received.
pub(super) struct Form {
    parts: multer::Multipart<'static>,
    seen: usize,
}

/// One part of a form.
pub(super) struct Part(multer::Field<'static>);

/// The boundary, if the body is a form.
pub(super) fn boundary(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    multer::parse_boundary(kind).ok()
}

impl Form {
    pub(super) fn new(body: Body, boundary: String) -> Self {
        Self {
            parts: multer::Multipart::new(body.into_data_stream(), boundary),
            seen: 0,
        }
    }

    /// The next part; the one before must be read or dropped.
    pub(super) async fn next(&mut self) -> Result<Option<Part>, ApiError> {
        self.seen += 1;
        if self.seen > PARTS {
            return Err(malformed());
        }
        Ok(self.parts.next_field().await.map_err(|_| malformed())?.map(Part))
    }
}

impl Part {
    pub(super) fn name(&self) -> &str {
        self.0.name().unwrap_or_default()
    }

    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, ApiError> {
        self.0.chunk().await.map_err(|_| malformed())
    }

    /// The whole part, if it is not larger than `limit`.
    pub(super) async fn bytes(mut self, limit: u64) -> Result<Bytes, ApiError> {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            if bytes.len() as u64 + chunk.len() as u64 > limit {
                return Err(ApiError::BodyTooLarge { limit });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes.freeze())
    }

    pub(super) async fn skip(mut self) -> Result<(), ApiError> {
        while self.chunk().await?.is_some() {}
        Ok(())
    }
}

fn malformed() -> ApiError {
    ApiError::reason(StatusCode::BAD_REQUEST, "Invalid multipart structure")
}
