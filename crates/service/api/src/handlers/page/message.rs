//! One message, with everything that the node knows of it.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use maud::{Markup, html};

use alephd_message::{Content, ItemHash, MessageType, Micros, PaymentType};
use alephd_rules::MessageStatus;
use alephd_store::read::{MessageRow, RefusedRow, StatusRow, VerdictRow};

use super::{
    json,
    layout::{self, Refresh, Section},
    list, reasons, signature, text,
};
use crate::{Api, ApiError};

/// What the node has of a message.
enum Found {
    /// It has a valid form and signature.
    Known(Box<MessageRow>, StatusRow),
    /// Only its wire form is kept.
    Refused(RefusedRow, StatusRow),
    Nothing,
}

/// `GET /explore/messages/{item_hash}`
pub(super) async fn message(State(api): State<Api>, Path(hash): Path<String>) -> Result<Response, ApiError> {
    let Some(hash) = ItemHash::parse_strict(&hash) else {
        let explanation = "Item hashes have 64 hexadecimal digits, or begin with Qm or bafy.";
        return Ok(layout::missing(
            &api,
            StatusCode::NOT_FOUND,
            "That is no item hash",
            explanation,
        ));
    };
    let now = api.now();
    let content = match find(&api, &hash, now)? {
        Found::Nothing => {
            let explanation = format!(
                "{hash} never arrived here. Other nodes may know it, or it was published a moment ago."
            );
            return Ok(layout::missing(
                &api,
                StatusCode::NOT_FOUND,
                "This node does not know that message",
                &explanation,
            ));
        }
        Found::Known(row, status) => known(&row, &status, now),
        Found::Refused(row, status) => refused(&row, &status, now),
    };
    let title = format!("Message {}", text::shorten(&hash.to_string(), 16));
    Ok(layout::page(
        &api,
        StatusCode::OK,
        &title,
        Section::Messages,
        Refresh::Still,
        &content,
    ))
}

fn find(api: &Api, hash: &ItemHash, now: Micros) -> Result<Found, ApiError> {
    api.read(|reader| {
        reader.snapshot(|reader| {
            let Some(status) = reader.message_status(hash, now)? else {
                return Ok(Found::Nothing);
            };
            if status.refused {
                let refused = reader.refused_get(hash)?;
                return Ok(refused.map_or(Found::Nothing, |row| Found::Refused(row, status)));
            }
            let row = reader.message_get(hash)?;
            Ok(row.map_or(Found::Nothing, |row| Found::Known(Box::new(row), status)))
        })
    })
}

fn known(row: &MessageRow, status: &StatusRow, now: Micros) -> Markup {
    let hash = row.item_hash.to_string();
    html! {
        (heading(&hash, Some(row.message_type), status.status))
        (standing(status, now))
        (unpaid(row, now))
        div.columns {
            section.card {
                h2 { "Envelope" }
                (facts(row, now))
            }
            div {
                section.card { h2 { "Signature" } (signature::words(row)) }
                section.card { h2 { "Confirmations" } (confirmations(row, now)) }
                @if !row.forgotten_by.is_empty() {
                    section.card {
                        h2 { "Forgotten by" }
                        ul { @for forget in &row.forgotten_by { li { (text::message_link(forget, 30)) } } }
                    }
                }
            }
        }
        section {
            h2 { "Content" }
            @match row.content() {
                Some(content) => (json::block(content)),
                None if row.status.is_live() || row.status == MessageStatus::Pending => p.empty { "Not here yet." },
                None => p.empty { "Gone." },
            }
        }
        (plain(&hash, row))
    }
}

fn refused(row: &RefusedRow, status: &StatusRow, now: Micros) -> Markup {
    html! {
        (heading(&row.item_hash.to_string(), None, status.status))
        (standing(status, now))
        section {
            h2 { "As it arrived" }
            p.muted { "Nothing of this is known to be true, not even who sent it." }
            (json::block(&row.message))
        }
    }
}

fn heading(hash: &str, kind: Option<MessageType>, status: MessageStatus) -> Markup {
    html! {
        p.crumbs { a href="/explore" { "Messages" } " /" }
        h1.hash { code { (hash) } }
        p { @if let Some(kind) = kind { (list::kind(kind)) " " } (text::status(status)) " "
            (reasons::of_status(status)) }
    }
}

/// Why it waits or was refused.
fn standing(status: &StatusRow, now: Micros) -> Markup {
    let Some(verdict) = &status.verdict else {
        return html! {};
    };
    let VerdictRow { code, details, since } = verdict;
    html! {
        section class={ "card verdict " (status.status.as_str()) } {
            h2 { @if status.status == MessageStatus::Pending { "Why it waits" } @else { "Why it was refused" } }
            p { strong { (reasons::of_code(*code)) } " " (reasons::outlook(*code)) }
            p.muted { "Code " (code.code()) ", since " (text::instant(*since, now)) }
            @if let Some(details) = details { (json::block(details)) }
        }
    }
}

/// Why it is about to be removed, and when.
fn unpaid(row: &MessageRow, now: Micros) -> Markup {
    let since = row.gone_at.filter(|_| row.status == MessageStatus::Removing);
    let Some(since) = since else {
        return html! {};
    };
    let end = reasons::end_of_notice(since);
    html! {
        section.card.verdict.removing {
            h2 { "What is about to happen" }
            p { strong { (reasons::of_unpaid(row.payment.unwrap_or(PaymentType::Hold))) } " "
                @if end > now { "It is removed"
                    @if row.message_type == MessageType::Store { " with its file" }
                    ", unless there is enough by then." }
                @else { "The notice is over: it is removed at the next occasion, unless a machine still uses it." } }
            p.muted { "Announced " (text::instant(since, now)) ", to be removed from " (text::instant(end, now)) " on" }
        }
    }
}

fn facts(row: &MessageRow, now: Micros) -> Markup {
    let label = match row.message_type {
        MessageType::Aggregate => "Key",
        _ => "Post type",
    };
    html! {
        dl.facts {
            dt { "Owner" }
            dd {
                (text::address_link(&row.owner, "owner", text::IN_FULL))
                @if let Some(path) = text::account_path(&row.owner) { " · " a href=(path) { "account" } }
            }
            dt { "Sender" }
            dd {
                (text::address_link(&row.sender, "sender", text::IN_FULL))
                @if row.sender != row.owner { " " span.muted { "on behalf of the owner" } }
            }
            dt { "Chain" } dd { (row.chain.as_str()) }
            dt { "Channel" } dd { (text::channel_link(row.channel.as_deref(), text::IN_FULL)) }
            @if let Some(text) = &row.label { dt { (label) } dd { (text::foreign(text, text::IN_FULL)) } }
            @if let Some(reference) = &row.reference {
                dt { @if row.message_type == MessageType::Post || row.message_type == MessageType::Store { "Refers to" }
                    @else { "Replaces" } }
                dd { (reference_link(reference)) }
            }
            @if let Some(file) = stored_file(row) {
                dt { "File" }
                dd { a.mono href={ "/api/v0/storage/raw/" (file) } { (file) } }
            }
            @if let Some(payment) = row.payment { dt { "Paid by" } dd { (payment.as_str()) } }
            dt { "Sent" } dd { (text::instant(row.time, now)) }
            @if row.content_time != row.time { dt { "Signed time" } dd { (text::instant(row.content_time, now)) } }
            dt { "Received" } dd { (text::instant(row.reception, now)) }
            @if let Some(gone) = row.gone_at.filter(|_| row.status != MessageStatus::Removing) { dt { "Gone" } dd { (text::instant(gone, now)) } }
            dt { "Size" } dd { (text::number(u64::try_from(row.size).unwrap_or(0))) " "
                span.muted { (row.item_type.as_str()) } }
        }
    }
}

fn reference_link(reference: &str) -> Markup {
    match ItemHash::parse_strict(reference) {
        Some(hash) => text::message_link(&hash, text::IN_FULL),
        None => text::foreign(reference, text::IN_FULL),
    }
}

fn stored_file(row: &MessageRow) -> Option<ItemHash> {
    if row.message_type != MessageType::Store {
        return None;
    }
    let content = Content::parse(MessageType::Store, row.content()?).ok()?;
    content.content_item_hash().cloned()
}

fn confirmations(row: &MessageRow, now: Micros) -> Markup {
    html! {
        @if row.confirmations.is_empty() {
            p.muted { "None yet: no chain that this node reads has recorded the message." }
        } @else {
            dl.facts {
                @for confirmation in &row.confirmations {
                    dt { (confirmation.chain.as_str()) " block " (confirmation.height) }
                    dd { code { (text::foreign(&confirmation.hash, text::IN_FULL)) } br;
                        (text::instant(confirmation.time, now)) }
                }
            }
        }
    }
}

/// The same for programs.
fn plain(hash: &str, row: &MessageRow) -> Markup {
    html! {
        p.links {
            a href={ "/api/v0/messages/" (hash) } { "Plain JSON" }
            @if row.status == MessageStatus::Processed {
                " · " a href={ "/api/v0/messages/" (hash) "/content" } { "Plain content" }
            }
            " · " a href={ "/api/v0/messages/" (hash) "/status" } { "Plain status" }
        }
    }
}
