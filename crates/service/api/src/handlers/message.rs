//! Single messages: the whole view, the content, the status.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};

use alephd_message::{ItemHash, MessageType};
use alephd_rules::MessageStatus;
use alephd_store::{
    Reader, StoreError,
    read::{MessageRow, StatusRow},
};

use crate::{Api, ApiError, Routes, body, json::Writer, render};

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    routes
        .get("/api/v0/messages/{item_hash}", single)
        .get("/api/v0/messages/{item_hash}/content", content)
        .get("/api/v0/messages/{item_hash}/status", status)
}

/// The item hash of a path.
pub(super) fn path_hash(text: &str) -> Result<ItemHash, ApiError> {
    ItemHash::parse_strict(text).ok_or_else(|| ApiError::bad_request(format!("Invalid message hash: {text}")))
}

async fn status(State(api): State<Api>, Path(hash): Path<String>) -> Result<Response, ApiError> {
    let hash = path_hash(&hash)?;
    let now = api.now();
    let row = api.read(|reader| reader.message_status(&hash, now))?;
    let row = row.ok_or_else(|| ApiError::status(StatusCode::NOT_FOUND))?;
    let mut out = Writer::new();
    out.begin_object();
    write_head(&mut out, &hash, &row);
    out.end_object();
    Ok(body::json(StatusCode::OK, out.finish()))
}

fn write_head(out: &mut Writer, hash: &ItemHash, row: &StatusRow) {
    out.key("status").text(row.status.as_str());
    out.key("item_hash").text(&hash.to_string());
    out.key("reception_time").text(&row.reception.iso_z());
}

async fn content(State(api): State<Api>, Path(hash): Path<String>) -> Result<Response, ApiError> {
    let hash = path_hash(&hash)?;
    let now = api.now();
    let status = api.read(|reader| reader.message_status(&hash, now))?;
    let status = status
        .ok_or_else(|| ApiError::status(StatusCode::NOT_FOUND))?
        .status;
    let row = match status {
        MessageStatus::Processed => api.read(|reader| reader.message_get(&hash))?,
        _ => None,
    };
    let Some((row, text)) = row.as_ref().and_then(|row| Some((row, row.content()?))) else {
        let reason = format!("Message {hash} is not processed (status: {status})");
        return Err(ApiError::text(StatusCode::UNPROCESSABLE_ENTITY, reason));
    };
    let text = match row.message_type {
        MessageType::Post => render::user_content(text).map_or("null".into(), |json| json.get().to_owned()),
        _ => text.to_owned(),
    };
    Ok(body::json(StatusCode::OK, text))
}

async fn single(State(api): State<Api>, Path(hash): Path<String>) -> Result<Response, ApiError> {
    let hash = path_hash(&hash)?;
    let now = api.now();
    let json = api.read(|reader| {
        reader.snapshot(|reader| match reader.message_status(&hash, now)? {
            Some(status) => single_json(reader, &hash, &status).map(Some),
            None => Ok(None),
        })
    })?;
    let json = json.ok_or_else(|| ApiError::status(StatusCode::NOT_FOUND))?;
    Ok(body::json(StatusCode::OK, json))
}

fn single_json(reader: &Reader, hash: &ItemHash, status: &StatusRow) -> Result<String, StoreError> {
    let mut out = Writer::with_capacity(2048);
    out.begin_object();
    write_head(&mut out, hash, status);
    if status.refused {
        if let Some(refused) = reader.refused_get(hash)? {
            out.key("message").raw(&refused.message);
        }
        write_verdict(&mut out, status);
        out.end_object();
        return Ok(out.finish());
    }
    let row = reader
        .message_get(hash)?
        .ok_or(StoreError::Damaged("message without row"))?;
    match status.status {
        MessageStatus::Processed => {
            out.key("message");
            render::message(&mut out, &row, true);
        }
        MessageStatus::Removing | MessageStatus::Removed => write_unpaid(&mut out, &row, status.status),
        MessageStatus::Forgotten => {
            out.key("message");
            write_tombstone(&mut out, &row);
            out.key("forgotten_by");
            render::hashes(&mut out, &row.forgotten_by);
        }
        MessageStatus::Pending => {
            out.key("messages").begin_array();
            write_pending(&mut out, &row, false);
            out.end_array();
        }
        MessageStatus::Rejected => {
            out.key("message");
            write_pending(&mut out, &row, true);
            write_verdict(&mut out, status);
        }
    }
    out.end_object();
    Ok(out.finish())
}

fn write_verdict(out: &mut Writer, status: &StatusRow) {
    let verdict = status.verdict.as_ref();
    out.key("error_code")
        .int(verdict.map_or(-1, |verdict| verdict.code.code()));
    out.key("details").raw(
        verdict
            .and_then(|verdict| verdict.details.as_deref())
            .unwrap_or("null"),
    );
}

fn write_unpaid(out: &mut Writer, row: &MessageRow, status: MessageStatus) {
    let credit = row.payment == Some(alephd_message::PaymentType::Credit);
    out.key("message");
    render::message(out, row, true);
    out.key("reason").text(if credit {
        "credit_insufficient"
    } else {
        "balance_insufficient"
    });
    if status == MessageStatus::Removed {
        out.key("removed_at")
            .text_or_null(row.gone_at.map(|time| time.iso_z()).as_deref());
        out.key("size").int(row.size);
    }
}

fn write_tombstone(out: &mut Writer, row: &MessageRow) {
    out.begin_object();
    out.key("sender").text(&row.sender);
    out.key("chain").text(row.chain.as_str());
    out.key("signature").text_or_null(row.signature.as_deref());
    out.key("type").text(row.message_type.as_str());
    out.key("item_type").text(row.item_type.as_str());
    out.key("item_hash").text(&row.item_hash.to_string());
    out.key("time").text(&row.time.iso_z());
    out.key("channel").text_or_null(row.channel.as_deref());
    out.key("owner").text(&row.owner);
    out.key("payment_type")
        .text_or_null(row.payment.map(|payment| payment.as_str()));
    out.key("size").int(row.size);
    out.key("forgotten_at")
        .text_or_null(row.gone_at.map(|time| time.iso_z()).as_deref());
    out.end_object();
}

/// A message that is not judged yet (times as text), or was refused (times as numbers).
fn write_pending(out: &mut Writer, row: &MessageRow, rejected: bool) {
    out.begin_object();
    out.key("sender").text(&row.sender);
    out.key("chain").text(row.chain.as_str());
    out.key("signature").text_or_null(row.signature.as_deref());
    out.key("type").text(row.message_type.as_str());
    out.key("item_content").text_or_null(row.item_content());
    out.key("item_type").text(row.item_type.as_str());
    out.key("item_hash").text(&row.item_hash.to_string());
    if rejected {
        out.key("time").seconds(row.time);
    } else {
        out.key("time").text(&row.time.iso_z());
    }
    out.key("channel").text_or_null(row.channel.as_deref());
    out.key("content")
        .raw(row.content().filter(|_| !rejected).unwrap_or("null"));
    if !rejected {
        out.key("reception_time").text(&row.reception.iso_z());
    }
    out.end_object();
}
