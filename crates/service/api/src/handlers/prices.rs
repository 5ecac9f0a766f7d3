//! Prices: of messages, of messages to be sent, and the check of what was billed.

mod bill;
mod estimate;
mod recalculate;
mod token;

use axum::{
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::Response,
};

use alephd_economy::cost::{Demand, Mib};
use alephd_message::{Content, MessageType, PaymentType};
use alephd_rules::MessageStatus;
use alephd_store::read::MessageRow;

use super::message::path_hash;
use crate::{Api, ApiError, Routes, body, params::PriceQuery};

pub(super) use bill::{Bill, write_lines};

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    routes
        .get("/api/v0/price/{item_hash}", price)
        .post("/api/v0/price/estimate", estimate::message)
        .post("/api/v0/price/estimate/instance", estimate::instance)
        .post("/api/v0/price/recalculate", recalculate::all)
        .post("/api/v0/price/{item_hash}/recalculate", recalculate::one)
}

async fn price(
    State(api): State<Api>,
    Path(hash): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let query = PriceQuery::parse(query.as_deref().unwrap_or_default())?;
    let bill = billed(&api, &hash)?;
    Ok(body::json(StatusCode::OK, bill.to_json(query.include_size)?))
}

/// The bill of a message that costs something: the recorded one of a live message. Of a STORE that is
/// gone it is what keeping its file would cost now, while its size is known.
fn billed(api: &Api, text: &str) -> Result<Bill, ApiError> {
    let hash = path_hash(text)?;
    let now = api.now();
    let (status, row, recorded) = api.read(|reader| {
        reader.snapshot(|reader| {
            let status = reader.message_status(&hash, now)?.map(|found| found.status);
            Ok((status, reader.message_get(&hash)?, reader.cost_get(&hash)?))
        })
    })?;
    let missing = || ApiError::not_found(format!("Message not found with hash: {text}"));
    match status.ok_or_else(missing)? {
        MessageStatus::Processed | MessageStatus::Removing => {}
        MessageStatus::Pending => return Err(ApiError::not_found(format!("Message still pending: {text}"))),
        MessageStatus::Rejected => {
            return Err(ApiError::not_found(format!("This message was rejected: {text}")));
        }
        gone @ (MessageStatus::Forgotten | MessageStatus::Removed) => {
            let reason = format!("This message has been {gone}: {text}");
            let known = row.as_ref().map(|row| demand_of_gone(api, row)).transpose()?;
            let demand = known.flatten();
            let demand = demand.ok_or_else(|| ApiError::text(StatusCode::GONE, reason))?;
            return Ok(Bill::from(&bill::costs_now(api, &demand)?));
        }
    }
    if let Some(recorded) = recorded {
        return Ok(Bill::from(recorded));
    }
    let demand = demand_of(&row.ok_or_else(missing)?)?;
    let free = || ApiError::bad_request(format!("Message is not an executable or store message: {text}"));
    // Taken in before bills were recorded.
    Ok(Bill::from(&bill::costs_now(api, &demand.ok_or_else(free)?)?))
}

/// What a message asks for; `None` for those that are free.
fn demand_of(row: &MessageRow) -> Result<Option<Demand>, ApiError> {
    match row.message_type {
        MessageType::Post | MessageType::Aggregate | MessageType::Forget => return Ok(None),
        MessageType::Store | MessageType::Program | MessageType::Instance | MessageType::VProgram => {}
    }
    let text = row.content().unwrap_or_default();
    let content = Content::parse(row.message_type, text).map_err(ApiError::internal)?;
    Demand::of(&content, text, &row.item_hash).map_err(ApiError::internal)
}

/// What is known of what a STORE asked for that was forgotten or removed.
fn demand_of_gone(api: &Api, row: &MessageRow) -> Result<Option<Demand>, ApiError> {
    let size = api.read(|reader| reader.gone_file_size(&row.item_hash))?;
    let payment = row.payment.unwrap_or(PaymentType::Hold);
    Ok(size.map(|size| {
        Demand::of_store(
            row.owner.clone(),
            payment,
            row.item_hash.clone(),
            Mib::of_bytes(size),
        )
    }))
}
