//! Messages as JSON.
//!
//! Two forms exist. A *list item* has `size` and sorted keys; a *message* (single view, live
//! websocket) has neither. Contents are written as they were signed: they are valid JSON, so
//! copying the text is both the fastest and the only faithful way.

use alephd_message::{ItemHash, MessageType};
use alephd_store::read::{Confirmation, MessageRow};
use serde_json::value::RawValue;

use crate::{json::Writer, params::ContentFormat};

/// Writes a list item.
pub(crate) fn list_item(out: &mut Writer, row: &MessageRow, format: ContentFormat) {
    out.begin_object();
    out.key("chain").text(row.chain.as_str());
    out.key("channel").text_or_null(row.channel.as_deref());
    out.key("confirmations");
    confirmations(out, &row.confirmations);
    out.key("confirmed").bool(!row.confirmations.is_empty());
    match format {
        ContentFormat::Full => {
            out.key("content").raw(row.content().unwrap_or("null"));
        }
        ContentFormat::Headers => {
            out.key("content");
            headers(out, row);
        }
        ContentFormat::None => {}
    }
    out.key("item_content").text_or_null(row.item_content());
    out.key("item_hash").text(&row.item_hash.to_string());
    out.key("item_type").text(row.item_type.as_str());
    out.key("sender").text(&row.sender);
    out.key("signature").text_or_null(row.signature.as_deref());
    out.key("size").int(row.size);
    out.key("time").seconds(row.time);
    out.key("type").text(row.message_type.as_str());
    out.end_object();
}

/// Writes a message; `content` is left out where a subscriber asked for none.
pub(crate) fn message(out: &mut Writer, row: &MessageRow, with_content: bool) {
    out.begin_object();
    out.key("sender").text(&row.sender);
    out.key("chain").text(row.chain.as_str());
    out.key("signature").text_or_null(row.signature.as_deref());
    out.key("type").text(row.message_type.as_str());
    out.key("item_content").text_or_null(row.item_content());
    out.key("item_type").text(row.item_type.as_str());
    out.key("item_hash").text(&row.item_hash.to_string());
    out.key("time").seconds(row.time);
    out.key("channel").text_or_null(row.channel.as_deref());
    if with_content {
        out.key("content").raw(row.content().unwrap_or("null"));
    }
    out.key("confirmed").bool(!row.confirmations.is_empty());
    out.key("confirmations");
    confirmations(out, &row.confirmations);
    out.end_object();
}

/// Writes the list of confirmations.
pub(crate) fn confirmations(out: &mut Writer, list: &[Confirmation]) {
    out.begin_array();
    for confirmation in list {
        out.begin_object();
        out.key("chain").text(confirmation.chain.as_str());
        out.key("hash").text(&confirmation.hash);
        out.key("height").int(confirmation.height);
        out.end_object();
    }
    out.end_array();
}

/// Writes a list of item hashes.
pub(crate) fn hashes(out: &mut Writer, list: &[ItemHash]) {
    out.texts(list.iter().map(ItemHash::to_string));
}

/// Writes the few keys of a content by which lists are sorted out.
fn headers(out: &mut Writer, row: &MessageRow) {
    out.begin_object();
    out.key("address").text(&row.owner);
    match row.message_type {
        MessageType::Post => {
            if let Some(kind) = &row.label {
                out.key("type").text(kind);
            }
            if let Some(reference) = &row.reference {
                out.key("ref").text(reference);
            }
        }
        MessageType::Aggregate => {
            if let Some(key) = &row.label {
                out.key("key").text(key);
            }
        }
        MessageType::Store => {
            if let Some(file) = row.content().and_then(store_file) {
                out.key("item_hash").text(&file);
            }
            if let Some(reference) = &row.reference {
                out.key("ref").text(reference);
            }
        }
        MessageType::Forget | MessageType::Program | MessageType::Instance | MessageType::VProgram => {}
    }
    out.end_object();
}

fn store_file(content: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct File {
        item_hash: String,
    }
    serde_json::from_str::<File>(content)
        .ok()
        .map(|file| file.item_hash)
}

/// The user content of a POST, as JSON text.
pub(crate) fn user_content(content: &str) -> Option<Box<RawValue>> {
    #[derive(serde::Deserialize)]
    struct Post<'a> {
        #[serde(borrow)]
        content: Option<&'a RawValue>,
    }
    let post: Post<'_> = serde_json::from_str(content).ok()?;
    post.content.map(ToOwned::to_owned)
}
