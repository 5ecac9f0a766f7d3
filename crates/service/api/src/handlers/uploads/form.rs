//! Multipart forms, part by part and never as a whole.
//!
//! The parser takes what it is given and keeps what has not become part of anything: a form without a
//! boundary, or a header without an end, would be kept whole. So it is fed by the piece, and no more
//! than [`UNREAD`] without giving something back.

mod feed;

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
};
use bytes::{Bytes, BytesMut};

use crate::ApiError;
use feed::Feed;

/// Parts of one form; honest clients send two.
const PARTS: usize = 16;
/// What is still read of a form that is refused already. A client that is cut off while it sends
/// sees a broken connection instead of the answer.
pub(super) const DRAINED: usize = 8 << 20;
/// Most bytes that the parser may hold: far more than the headers of a part.
const UNREAD: usize = 256 << 10;

/// A form that is being received.
pub(super) struct Form {
    parts: multer::Multipart<'static>,
    feed: Feed,
    seen: usize,
}

/// One part of a form.
pub(super) struct Part {
    field: multer::Field<'static>,
    feed: Feed,
}

/// The boundary, if the body is a form.
pub(super) fn boundary(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    multer::parse_boundary(kind).ok()
}

impl Form {
    pub(super) fn new(body: Body, boundary: String) -> Self {
        let feed = Feed::new(body, UNREAD);
        Self {
            parts: multer::Multipart::new(feed.clone(), boundary),
            feed,
            seen: 0,
        }
    }

    /// The next part; the one before must be read or dropped.
    pub(super) async fn next(&mut self) -> Result<Option<Part>, ApiError> {
        self.seen += 1;
        if self.seen > PARTS {
            return Err(malformed());
        }
        let field = self.parts.next_field().await.map_err(|_| malformed())?;
        self.feed.was_read();
        let feed = || self.feed.clone();
        Ok(field.map(|field| Part { field, feed: feed() }))
    }

    /// Reads on without keeping anything, up to a bound. No further part can be read then.
    pub(super) async fn drain(self) {
        let Self { parts, feed, .. } = self;
        drop(parts);
        feed.drain(DRAINED).await;
    }
}

impl Part {
    pub(super) fn name(&self) -> &str {
        self.field.name().unwrap_or_default()
    }

    /// The name that the client gave to the file of this part.
    pub(super) fn filename(&self) -> Option<String> {
        self.field.file_name().map(str::to_owned)
    }

    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, ApiError> {
        let chunk = self.field.chunk().await.map_err(|_| malformed())?;
        self.feed.was_read();
        Ok(chunk)
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
