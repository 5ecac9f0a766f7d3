//! Multipart forms, part by part and never as a whole.

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
};
use bytes::{Bytes, BytesMut};

use crate::ApiError;

/// Parts of one form; honest clients send two.
const PARTS: usize = 16;
/// What is still read of a form that is refused already. A client that is cut off while it sends
/// sees a broken connection instead of the answer.
const DRAINED: usize = 8 << 20;

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

    /// Reads on without keeping anything, up to a bound.
    pub(super) async fn drain(&mut self) {
        let mut left = DRAINED;
        while let Ok(Some(mut part)) = self.next().await {
            while let Ok(Some(chunk)) = part.chunk().await {
                left = left.saturating_sub(chunk.len());
                if left == 0 {
                    return;
                }
            }
        }
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
