//! Prices of messages that are not sent yet.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde_json::value::RawValue;

use alephd_economy::estimate::{EstimateRequest, estimate_demand};
use alephd_message::{FormatError, ItemHash, MessageType};

use super::bill::{Bill, costs_now};
use crate::{Api, ApiError, body};

/// Longest content that is read from a file. A larger one could not have been sent inline either.
const CONTENT_LIMIT: u64 = body::DEFAULT_LIMIT;

/// `POST /api/v0/price/estimate`.
pub(super) async fn message(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let refuse = |error: FormatError| ApiError::unprocessable(format!("InvalidMessageFormat: {error}"));
    let bytes = body::read(&headers, body, body::DEFAULT_LIMIT).await?;
    let request = EstimateRequest::parse(&bytes).map_err(refuse)?;
    let text = match request.item_content {
        Some(text) => text,
        None => content_of(&api, &request.item_hash).await?,
    };
    let demand = estimate_demand(request.message_type, &text, Some(&request.item_hash)).map_err(refuse)?;
    let bill = Bill::from(&costs_now(&api, &demand)?);
    Ok(body::json(StatusCode::OK, bill.to_json(true)?))
}

/// `POST /api/v0/price/estimate/instance`: the content of an INSTANCE alone.
pub(super) async fn instance(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let bytes = body::read(&headers, body, body::DEFAULT_LIMIT).await?;
    let content: Result<&RawValue, _> = serde_json::from_slice(&bytes);
    let content = content.map_err(|_| ApiError::reason(StatusCode::BAD_REQUEST, "Invalid JSON body"))?;
    let demand = estimate_demand(MessageType::Instance, content.get(), None)
        .map_err(|error| ApiError::unprocessable(error.to_json().to_string()))?;
    let bill = Bill::from(&costs_now(&api, &demand)?);
    Ok(body::json(StatusCode::OK, bill.to_json(true)?))
}

/// A content that is a file. Only what the node holds is looked at: to make it search the network
/// is more than who asks for a price may cause.
async fn content_of(api: &Api, hash: &ItemHash) -> Result<String, ApiError> {
    use alephd_blobs::Error;
    let missing = || ApiError::reason(StatusCode::NOT_FOUND, format!("Content not found: {hash}"));
    let bytes = match api.blobs().read_all(hash, CONTENT_LIMIT).await {
        Ok(bytes) => bytes,
        Err(Error::NotFound | Error::BadName(_)) => return Err(missing()),
        Err(Error::TooLarge { .. }) => {
            return Err(ApiError::unprocessable(
                "InvalidMessageFormat: the content is too large",
            ));
        }
        Err(error) => return Err(ApiError::internal(error)),
    };
    String::from_utf8(bytes.into())
        .map_err(|_| ApiError::unprocessable("InvalidMessageFormat: the content is not UTF-8"))
}
