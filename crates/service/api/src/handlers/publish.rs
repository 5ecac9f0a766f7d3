//! Publishing messages.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use alephd_message::{Content, Envelope, FormatError};
use alephd_pipeline::{Origin, Outcome};
use alephd_rules::MessageStatus;

use super::partial;
use crate::{Api, ApiError, ComingVerdict, Routes, body, json::Writer};

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    routes
        .post("/api/v0/messages", publish)
        .post("/api/v0/ipfs/pubsub/pub", publish_legacy)
        .post("/api/v0/p2p/pubsub/pub", publish_legacy)
}

/// What a publication came to.
pub(super) struct Publication {
    /// The status for the answer.
    pub(super) status: StatusCode,
    /// The status of the message.
    message_status: MessageStatus,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    sync: Option<serde_json::Value>,
}

async fn publish(State(api): State<Api>, headers: HeaderMap, body: Body) -> Result<Response, ApiError> {
    let bytes = body::read(&headers, body, body::DEFAULT_LIMIT).await?;
    let request: Request<'_> =
        serde_json::from_slice(&bytes).map_err(|_| ApiError::status(StatusCode::UNPROCESSABLE_ENTITY))?;
    let sync = match &request.sync {
        None | Some(serde_json::Value::Null) => false,
        Some(value) => truth(value).ok_or_else(|| ApiError::unprocessable("sync: a boolean is expected"))?,
    };
    let message = request
        .message
        .ok_or_else(|| ApiError::unprocessable("message: Field required"))?;
    let envelope = parse_message(message.get())?;
    let publication = submit(&api, envelope, sync).await?;
    Ok(body::json(publication.status, publication_json(&publication)))
}

/// Parses a message at the door: what no node would accept is refused with the reason, and no
/// status of it is kept.
pub(super) fn parse_message(json: &str) -> Result<Envelope, ApiError> {
    let refuse = |error: FormatError| ApiError::unprocessable(format!("InvalidMessageFormat: {error}"));
    let envelope = Envelope::parse(json.as_bytes()).map_err(refuse)?;
    if let Some(text) = &envelope.item_content {
        Content::parse(envelope.message_type, text).map_err(refuse)?;
    }
    Ok(envelope)
}

/// Hands a message to the pipeline. Without `sync` the answer does not wait for its outcome.
pub(super) async fn submit(api: &Api, envelope: Envelope, sync: bool) -> Result<Publication, ApiError> {
    partial::check_takers(api, &envelope)?;
    let pipeline = &api.pipeline;
    if !sync {
        let outcome = pipeline.submit_deferred(envelope.clone(), Origin::Network).await;
        let outcome = outcome.map_err(ApiError::internal)?;
        api.network.publish(envelope, ComingVerdict::Coming(outcome));
        return Ok(Publication::of(MessageStatus::Pending));
    }
    let outcome = pipeline.submit(envelope.clone(), Origin::Network).await;
    let outcome: Outcome = outcome.map_err(ApiError::internal)?;
    api.network
        .publish(envelope, ComingVerdict::Known(outcome.status));
    Ok(Publication::of(outcome.status))
}

impl Publication {
    fn of(message_status: MessageStatus) -> Self {
        let status = match message_status {
            MessageStatus::Processed | MessageStatus::Removing => StatusCode::OK,
            MessageStatus::Pending => StatusCode::ACCEPTED,
            MessageStatus::Rejected => StatusCode::UNPROCESSABLE_ENTITY,
            MessageStatus::Forgotten | MessageStatus::Removed => StatusCode::GONE,
        };
        Self {
            status,
            message_status,
        }
    }
}

fn publication_json(publication: &Publication) -> String {
    let mut out = Writer::new();
    out.begin_object();
    out.key("publication_status")
        .raw(r#"{"status":"success","failed":[]}"#);
    out.key("message_status")
        .text(publication.message_status.as_str());
    out.end_object();
    out.finish()
}

#[derive(Deserialize)]
struct LegacyRequest {
    topic: Option<serde_json::Value>,
    data: Option<serde_json::Value>,
}

/// The route of clients from before `POST /api/v0/messages`.
async fn publish_legacy(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let bytes = body::read(&headers, body, body::DEFAULT_LIMIT).await?;
    let request: LegacyRequest = serde_json::from_slice(&bytes)
        .map_err(|_| ApiError::reason(StatusCode::UNPROCESSABLE_ENTITY, "body must be a JSON object"))?;
    let topic = request
        .topic
        .as_ref()
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default();
    let expected = &api.settings.queue_topic;
    if topic != expected {
        let reason = format!("Unauthorized P2P topic: {topic}. Use {expected}.");
        return Err(ApiError::reason(StatusCode::FORBIDDEN, reason));
    }
    let Some(serde_json::Value::String(data)) = &request.data else {
        let reason = "'data': expected a serialized JSON string.";
        return Err(ApiError::reason(StatusCode::UNPROCESSABLE_ENTITY, reason));
    };
    if serde_json::from_str::<&RawValue>(data).is_err() {
        let reason = "'data': must be deserializable as JSON.";
        return Err(ApiError::reason(StatusCode::UNPROCESSABLE_ENTITY, reason));
    }
    submit(&api, parse_message(data)?, false).await?;
    Ok(body::json(
        StatusCode::OK,
        r#"{"status":"success","failed":[]}"#.to_owned(),
    ))
}

/// A boolean, as leniently as the network reads one.
pub(super) fn truth(value: &serde_json::Value) -> Option<bool> {
    use serde_json::Value;
    match value {
        Value::Bool(value) => Some(*value),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "t" | "yes" | "y" | "on" => Some(true),
            "0" | "false" | "f" | "no" | "n" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
