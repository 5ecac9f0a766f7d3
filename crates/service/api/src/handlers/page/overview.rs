//! The state of the node at a glance.

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
};
use maud::{Markup, html};

use alephd_rules::root::StateRoot;
use alephd_store::{
    Reader, StoreError,
    read::{Counts, MessageRow, Order, Root},
};

use super::{
    layout::{self, Refresh, Section},
    list::{self, Search, Shown},
    rate, text,
};
use crate::{Api, ApiError};

/// Messages in the table.
const LATEST: u64 = 12;

/// What the page shows, of one instant.
struct Glance {
    counts: Counts,
    root: String,
    latest: Vec<MessageRow>,
}

/// `GET /`
pub(super) async fn overview(
    State(api): State<Api>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let still = form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes())
        .any(|(key, _)| key == "still");
    let state = api.read(|reader| reader.snapshot(read))?;
    let refresh = if still { Refresh::Still } else { Refresh::Live };
    let content = content(&api, &state, refresh);
    Ok(layout::page(
        &api,
        StatusCode::OK,
        "Overview",
        Section::Overview,
        refresh,
        &content,
    ))
}

fn read(reader: &Reader) -> Result<Glance, StoreError> {
    let root = match reader.state_root(Root::Live)? {
        None => StateRoot::default(),
        Some(bytes) => StateRoot::from_bytes(&bytes).ok_or(StoreError::Damaged("state root"))?,
    };
    // By arrival: the time that senders claim could keep a message on top for years.
    let hashes = reader.message_hashes(None, (None, None), Order::Descending, (0, Some(LATEST)))?;
    let mut latest = Vec::with_capacity(hashes.len());
    for (hash, _, _) in &hashes {
        latest.extend(reader.message_get(hash)?);
    }
    Ok(Glance {
        counts: reader.counts()?,
        root: root.digest(),
        latest,
    })
}

fn content(api: &Api, state: &Glance, refresh: Refresh) -> Markup {
    html! {
        h1 { "This node" }
        div #live {
            (headline(api))
            (numbers(&state.counts))
            section.card {
                h2 { "Messages per second" }
                (rate::chart(&api.live().rate(api.clock.monotonic())))
            }
            (root(api, &state.root))
            section {
                h2 { "Latest messages" }
                @if state.latest.is_empty() {
                    p.empty { "No messages yet." }
                } @else {
                    (list::table(&state.latest, Shown::Received, api.now()))
                    p { a href="/explore" { "All messages →" } }
                }
            }
        }
        section {
            h2 { "Find messages" }
            (list::form(&Search::default()))
        }
        section {
            h2 { "Find an account" }
            (list::account_form())
        }
        p.muted {
            @if refresh == Refresh::Live { "This page keeps itself current. " a href="/?still=1" { "Hold it" } "." }
            @else { "This page stands still. " a href="/" { "Let it run" } "." }
        }
    }
}

fn headline(api: &Api) -> Markup {
    let up = api.clock.monotonic().saturating_sub(api.live().started());
    let sockets = api
        .gauges
        .message_sockets
        .load(std::sync::atomic::Ordering::Relaxed);
    let network = api.network.view();
    html! {
        p.lead {
            span.dot aria-hidden="true" {}
            "Running for " strong { (text::span(up)) }
            " on network " strong { (api.settings.network) }
            ", interface version " strong { (api.settings.version) }
            ", " strong { (text::number(sockets as u64)) }
            @if sockets == 1 { " client listens." } @else { " clients listen." }
            @if network.enabled {
                " " a href="/peers" {
                    (text::number(network.peers.len() as u64)) @if network.peers.len() == 1 { " peer" } @else { " peers" }
                } "."
            }
        }
    }
}

fn numbers(counts: &Counts) -> Markup {
    let cards = [
        ("Messages", counts.messages, Some("/explore")),
        ("Waiting", counts.pending, Some("/explore/waiting")),
        ("Refused", counts.parked, Some("/explore/waiting")),
        ("Forgotten", counts.forgotten, None),
        ("Posts", counts.posts, Some("/explore?type=POST")),
        ("Aggregates", counts.aggregates, Some("/explore?type=AGGREGATE")),
        ("File pins", counts.pins, Some("/explore/storage")),
    ];
    html! {
        dl.numbers {
            @for (name, value, link) in cards {
                div {
                    dt { @if let Some(link) = link { a href=(link) { (name) } } @else { (name) } }
                    dd { (text::number(value)) }
                }
            }
        }
    }
}

fn root(api: &Api, digest: &str) -> Markup {
    html! {
        section.card {
            h2 { "State root" }
            p { code.root { (digest) } }
            @if api.settings.adversary_safe {
                p { span.pill.processed { "safe against backdating" } " An ordering chain fixes the place of every "
                    "message. Nodes with the same messages have the same root, whatever anybody claims about time." }
            } @else {
                p { span.pill.pending { "not adversary-safe" } " Nodes with the same messages have the same root. "
                    "But no chain orders them here: a sender may claim an earlier time, and so change what "
                    "came before." }
            }
        }
    }
}
