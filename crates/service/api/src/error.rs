//! Failures of requests, as clients see them.
//!
//! Existing clients look into the bodies of errors, so each has one of a few fixed shapes. All are
//! plain text unless said otherwise.
//!
//! | variant | body |
//! |---|---|
//! | [`ApiError::Reason`] | `<status>: <reason>`; the reason is in the status line too |
//! | [`ApiError::Text`] | the text alone |
//! | [`ApiError::Params`] | a JSON array of issues, or one text |
//! | [`ApiError::BodyTooLarge`] | the limit that was exceeded |
//! | [`ApiError::Internal`] | always the same; the cause goes to the log |
//!
//! A few causes of [`ApiError::Internal`] are something that the client can do something about, if
//! only later: these have a status and a sentence of their own, in the form of
//! [`ApiError::Reason`].

use std::{borrow::Cow, error::Error, sync::Arc};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hyper::ext::ReasonPhrase;

use alephd_blobs::Error as BlobError;
use alephd_pipeline::PipelineError;
use alephd_store::StoreError;

use crate::params::{Form, ParamErrors};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const INTERNAL: &str = "500 Internal Server Error\n\nServer got itself in trouble";
/// SQLite's code for a full disk. Extended codes have more bits to the left.
const SQLITE_FULL: i32 = 13;

/// A request that failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// A failure named by a reason.
    #[error("{}: {reason}", status.as_u16())]
    Reason {
        /// The status.
        status: StatusCode,
        /// What went wrong, for the client.
        reason: Cow<'static, str>,
    },
    /// A failure with a free text.
    #[error("{text}")]
    Text {
        /// The status.
        status: StatusCode,
        /// The body.
        text: Cow<'static, str>,
    },
    /// Parameters that were refused.
    #[error(transparent)]
    Params(#[from] ParamErrors),
    /// A request body beyond its limit: status 413.
    #[error("request body exceeds {limit} bytes")]
    BodyTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// A failure that is no fault of the client. The cause is logged and never sent.
    #[error("internal error")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
}

impl ApiError {
    /// A failure named by a reason.
    pub fn reason(status: StatusCode, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Reason {
            status,
            reason: reason.into(),
        }
    }

    /// A failure named by nothing but its status, e.g. `404: Not Found`.
    pub fn status(status: StatusCode) -> Self {
        Self::reason(status, status.canonical_reason().unwrap_or("Unknown"))
    }

    /// A failure with a free text.
    pub fn text(status: StatusCode, text: impl Into<Cow<'static, str>>) -> Self {
        Self::Text {
            status,
            text: text.into(),
        }
    }

    /// `400` with a free text.
    pub fn bad_request(text: impl Into<Cow<'static, str>>) -> Self {
        Self::text(StatusCode::BAD_REQUEST, text)
    }

    /// `404` with a free text.
    pub fn not_found(text: impl Into<Cow<'static, str>>) -> Self {
        Self::text(StatusCode::NOT_FOUND, text)
    }

    /// `422` with a free text.
    pub fn unprocessable(text: impl Into<Cow<'static, str>>) -> Self {
        Self::text(StatusCode::UNPROCESSABLE_ENTITY, text)
    }

    /// A failure that is no fault of the client.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            Self::Reason { status, reason } => {
                let body = format!("{}: {reason}", status.as_u16());
                let mut response = answer(status, TEXT, body);
                // A reason that cannot stand in a status line is in the body at least.
                if let Ok(phrase) = ReasonPhrase::try_from(reason.as_bytes()) {
                    response.extensions_mut().insert(phrase);
                }
                response
            }
            Self::Text { status, text } => answer(status, TEXT, text.into_owned()),
            Self::Params(errors) => params_response(errors),
            Self::BodyTooLarge { limit } => {
                let body = format!("Maximum request body size {limit} exceeded.");
                answer(StatusCode::PAYLOAD_TOO_LARGE, TEXT, body)
            }
            Self::Internal(cause) => {
                tracing::error!(error = %chain(cause.as_ref()), "request failed");
                match passing(cause.as_ref()) {
                    Some((status, reason)) => Self::reason(status, reason).into_response(),
                    None => internal_response(),
                }
            }
        }
    }
}

/// The answer to a request that failed for no fault of the client.
pub(crate) fn internal_response() -> Response {
    let mut response = answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, INTERNAL.to_owned());
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Causes that go away, with what to tell the client: the same request may succeed later, or
/// elsewhere.
fn passing(error: &(dyn Error + 'static)) -> Option<(StatusCode, &'static str)> {
    const FULL: (StatusCode, &str) = (
        StatusCode::INSUFFICIENT_STORAGE,
        "The storage of this node is full; nothing of the request was kept",
    );
    const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
    if let Some(BlobError::Full(_)) = error.downcast_ref() {
        return Some(FULL);
    }
    let shared = error.downcast_ref::<Arc<PipelineError>>().map(AsRef::as_ref);
    match shared.or_else(|| error.downcast_ref())? {
        PipelineError::Store(StoreError::Sqlite(error)) => {
            let code = error.sqlite_error()?.extended_code;
            (code & 0xff == SQLITE_FULL).then_some(FULL)
        }
        PipelineError::FileGone => Some((UNAVAILABLE, "The file was just being removed; upload it again")),
        PipelineError::Closed => Some((UNAVAILABLE, "The node is shutting down")),
        PipelineError::Store(_) | PipelineError::Unsettled(_) | PipelineError::Thread(_) => None,
    }
}

fn params_response(errors: ParamErrors) -> Response {
    let list = errors.to_json();
    match errors {
        ParamErrors::Invalid { form, .. } => match form {
            Form::Text => answer(StatusCode::UNPROCESSABLE_ENTITY, TEXT, list),
            Form::Json => answer(StatusCode::UNPROCESSABLE_ENTITY, JSON, list),
            Form::Quoted => {
                let mut quoted = String::new();
                crate::json::push_text(&mut quoted, &list, crate::json::Style::Ascii);
                answer(StatusCode::BAD_REQUEST, JSON, quoted)
            }
        },
        ParamErrors::Unprocessable(text) => answer(StatusCode::UNPROCESSABLE_ENTITY, TEXT, text),
        ParamErrors::BadRequest(text) => answer(StatusCode::BAD_REQUEST, TEXT, text),
    }
}

fn answer(status: StatusCode, content_type: HeaderValue, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
}

/// An error with its causes, for the log.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(cause: impl Into<Box<dyn Error + Send + Sync>>) -> StatusCode {
        ApiError::internal(cause).into_response().status()
    }

    /// A full disk is asked for by a drill (`docs/how-to/drills.md`).
    #[test]
    fn what_passes_is_told() {
        let gone = Arc::new(PipelineError::FileGone);
        assert_eq!(status(gone), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(status(PipelineError::Closed), StatusCode::SERVICE_UNAVAILABLE);
    }

    #[test]
    fn what_does_not_is_not() {
        assert_eq!(status(BlobError::Interrupted), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(
            status(StoreError::Damaged("x")),
            StatusCode::INTERNAL_SERVER_ERROR
        );
    }
}
