//! Websockets: messages as they become live, and the numbers of the node.
//!
//! ```text
//!   GET ──▶ query wrong? 422 ──▶ no upgrade asked? 400 ──▶ 101 ──▶ no room? close 1013
//!                                                                └─▶ subscribe, history, live
//! ```
//!
//! The subscription begins before the history is read, and what arrived meanwhile and stands in
//! the history too is left out: a client sees each message once and misses none.
//!
//! Protocol: `docs/protocol/websockets.md`.

mod connection;
mod slot;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use axum::{
    extract::{
        RawQuery, State,
        ws::{Utf8Bytes, WebSocket, WebSocketUpgrade, close_code, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, header},
    response::Response,
};
use futures_util::{Stream, StreamExt as _, stream};

use alephd_message::ItemHash;
use alephd_store::read::{MessageRow, Order, Window};

use super::messages::{filter_of, order_of, sort_of};
use crate::{
    Api, ApiError, Routes,
    json::Writer,
    live::{Frame, Subscription},
    metrics,
    params::{ContentFormat, WsQuery},
    render,
};
use connection::{Closing, LARGEST_FRAME};
use slot::{Kind, Slot};

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    routes
        .get("/api/ws0/messages", messages)
        .get("/api/ws0/status", status)
}

/// Bytes of contents that are held for a client that has not read its history yet. What is beyond
/// is read again when it is sent: many clients that ask for large messages and then read nothing
/// must not fill the memory.
const HELD_HISTORY: usize = 256 << 10;

type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

async fn messages(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    upgrade: Upgrade,
) -> Result<Response, ApiError> {
    let query = WsQuery::parse(query.as_deref().unwrap_or_default())?;
    let upgrade = asked(upgrade, &headers)?;
    let Some(slot) = Slot::take(&api, Kind::Messages) else {
        return Ok(upgrade.on_upgrade(move |socket| refuse(api, socket)));
    };
    // Before the answer: what a client publishes once it is connected comes back to it.
    let subscription = api.subscribe(
        filter_of(&query.filters),
        query.filters.content == ContentFormat::Full,
    );
    Ok(upgrade.on_upgrade(move |socket| serve_messages(api, query, subscription, slot, socket)))
}

async fn status(State(api): State<Api>, headers: HeaderMap, upgrade: Upgrade) -> Result<Response, ApiError> {
    let upgrade = asked(upgrade, &headers)?;
    Ok(match Slot::take(&api, Kind::Status) {
        Some(slot) => upgrade.on_upgrade(move |socket| serve_status(api, slot, socket)),
        None => upgrade.on_upgrade(move |socket| refuse(api, socket)),
    })
}

/// The upgrade, with buffers for many quiet clients; or the error of a plain request.
fn asked(upgrade: Upgrade, headers: &HeaderMap) -> Result<WebSocketUpgrade, ApiError> {
    let upgrade = upgrade.map_err(|_| {
        let wanted = headers.get(header::UPGRADE).and_then(|value| value.to_str().ok());
        let wanted = wanted.unwrap_or("None");
        ApiError::bad_request(format!(
            "No WebSocket UPGRADE hdr: {wanted}\n Can \"Upgrade\" only to \"WebSocket\"."
        ))
    })?;
    Ok(upgrade
        .read_buffer_size(4 << 10)
        .write_buffer_size(32 << 10)
        .max_message_size(LARGEST_FRAME)
        .max_frame_size(LARGEST_FRAME))
}

async fn refuse(api: Api, socket: WebSocket) {
    let closing = Closing {
        code: close_code::AGAIN,
        reason: "Too many connections",
    };
    connection::close(socket, api.clock.as_ref(), closing).await;
}

async fn serve_messages(
    api: Api,
    query: WsQuery,
    mut subscription: Subscription,
    slot: Slot,
    socket: WebSocket,
) {
    // Headers are a form of pages only.
    let format = match query.filters.content {
        ContentFormat::Full => ContentFormat::Full,
        ContentFormat::Headers | ContentFormat::None => ContentFormat::None,
    };
    let overflow = subscription.overflow();
    let stopped = api.live().stopped().clone();
    let end = async move {
        tokio::select! {
            () = overflow => Closing { code: close_code::AGAIN, reason: "Too slow" },
            () = stopped.cancelled() => Closing::GOING_AWAY,
        }
    };
    match history(&api, &query, format) {
        Ok(history) => {
            let frames = frames(api.clone(), history, format, subscription);
            connection::run(socket, api.clock.as_ref(), frames, end).await;
        }
        Err(error) => {
            tracing::error!(%error, "the history for a websocket cannot be read");
            connection::close(socket, api.clock.as_ref(), Closing::FAILED).await;
        }
    }
    drop(slot);
}

/// A message of the past.
enum Past {
    /// Ready to be sent.
    Written(Frame),
    /// To be read again when its turn comes.
    Named(ItemHash),
}

impl Past {
    fn hash(&self) -> &ItemHash {
        match self {
            Self::Written(frame) => &frame.hash,
            Self::Named(hash) => hash,
        }
    }

    /// `None` if the message is gone meanwhile.
    fn text(self, api: &Api, format: ContentFormat) -> Option<Utf8Bytes> {
        match self {
            Self::Written(frame) => Some(frame.text),
            Self::Named(hash) => {
                let row = api.read(|reader| reader.message_get(&hash));
                let row = row.inspect_err(|error| tracing::error!(%error, "a message cannot be read"));
                let row = row.ok().flatten().filter(|row| row.status.is_live());
                row.map(|row| written(&row, format).text)
            }
        }
    }
}

/// The latest messages that match, oldest first.
fn history(api: &Api, query: &WsQuery, format: ContentFormat) -> Result<Vec<Past>, ApiError> {
    let filters = &query.filters;
    if query.history == 0 || !filters.statuses.iter().any(|status| status.is_live()) {
        return Ok(Vec::new());
    }
    let (sort, order) = (sort_of(filters.ordered_by()), order_of(filters.sort_order));
    let window = Window::first(u64::from(query.history));
    let mut rows = api.read(|reader| reader.message_list(&filter_of(filters), sort, order, &window))?;
    if order == Order::Descending {
        rows.reverse();
    }
    let mut room = HELD_HISTORY;
    let past = rows.iter().map(|row| {
        let size = row.content().map_or(0, str::len);
        if size > room {
            return Past::Named(row.item_hash.clone());
        }
        room -= size;
        Past::Written(written(row, format))
    });
    Ok(past.collect())
}

fn written(row: &MessageRow, format: ContentFormat) -> Frame {
    let mut out = Writer::new();
    render::list_item(&mut out, row, format);
    Frame {
        hash: row.item_hash.clone(),
        text: out.finish().into(),
    }
}

/// History, then what comes, without what was in the history already.
fn frames(
    api: Api,
    history: Vec<Past>,
    format: ContentFormat,
    subscription: Subscription,
) -> impl Stream<Item = Utf8Bytes> + Send {
    let seen: HashSet<ItemHash> = history.iter().map(|past| past.hash().clone()).collect();
    let history = stream::iter(
        history
            .into_iter()
            .filter_map(move |past| past.text(&api, format)),
    );
    let live = stream::unfold((subscription, seen), |(mut subscription, mut seen)| async move {
        loop {
            let frame = subscription.next().await?;
            // Each only once: a message that comes back later is told again.
            if seen.is_empty() || !seen.remove(&frame.hash) {
                return Some((frame.text, (subscription, seen)));
            }
        }
    });
    history.chain(live)
}

async fn serve_status(api: Api, slot: Slot, socket: WebSocket) {
    let stopped = api.live().stopped().clone();
    let end = async move {
        stopped.cancelled().await;
        Closing::GOING_AWAY
    };
    let changes = api.live().status();
    match metrics::status_json(&api) {
        Ok(json) => {
            let first = Utf8Bytes::from(json);
            let rest = stream::unfold((changes, first.clone()), |(mut changes, last)| async move {
                loop {
                    changes.changed().await.ok()?;
                    let next = changes.borrow_and_update().clone();
                    if next != last {
                        return Some((next.clone(), (changes, next)));
                    }
                }
            });
            let frames = stream::iter([first]).chain(rest);
            connection::run(socket, api.clock.as_ref(), frames, end).await;
        }
        Err(error) => {
            tracing::error!(%error, "the metrics for a websocket cannot be read");
            connection::close(socket, api.clock.as_ref(), Closing::FAILED).await;
        }
    }
    drop(slot);
}
