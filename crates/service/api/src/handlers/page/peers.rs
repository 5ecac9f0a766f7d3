//! The nodes that this one is connected with, what passes, and what is missing.
//!
//! What peers say of themselves is shown with a bounded length and made harmless by
//! [`text::foreign`], and so are the numbers that come of it: of the lists only so much is drawn.

mod gaps;
mod mesh;
mod table;

use axum::{extract::State, http::StatusCode, response::Response};
use maud::{Markup, html};

use super::{
    layout::{self, Refresh, Section},
    text,
};
use crate::{Api, NetworkView, PeerView};

/// Addresses of this node that are listed; one behind many interfaces may have more.
const ADDRESSES: usize = 16;
/// Characters of a peer's name where there is little room. Names begin alike and differ at the end.
const NAME: usize = 16;

/// `GET /peers`
pub(super) async fn peers(State(api): State<Api>) -> Response {
    let mut view = api.network.view();
    let (refresh, content) = if view.enabled {
        sort(&mut view.peers);
        (Refresh::Live, content(&api, &view))
    } else {
        (Refresh::Still, alone())
    };
    layout::page(&api, StatusCode::OK, "Peers", Section::Peers, refresh, &content)
}

/// Those in the mesh first, and then the oldest connections, so that numbers rarely move.
fn sort(peers: &mut [PeerView]) {
    peers.sort_by(|one, other| {
        let key = |peer: &PeerView| (peer.mesh.is_empty(), std::cmp::Reverse(peer.connected_seconds));
        key(one)
            .cmp(&key(other))
            .then_with(|| one.peer_id.cmp(&other.peer_id))
    });
}

fn alone() -> Markup {
    html! {
        h1 { "Peers" }
        p.lead { "This node keeps to itself: it speaks to no other node." }
        div.card {
            p { "To let it take part in the network, set this in its configuration and start it again:" }
            pre.json { code { "[p2p]\nenabled = true" } }
        }
    }
}

fn content(api: &Api, view: &NetworkView) -> Markup {
    html! {
        h1 { "Peers" }
        p.lead { "The nodes that this one is connected with. Messages and files come and go through them." }
        div #live {
            (numbers(&view.peers))
            section.card {
                h2 { "Mesh" }
                @if view.peers.is_empty() {
                    p.muted { "Nobody is connected yet. The node keeps asking the first peers of its configuration." }
                } @else {
                    (mesh::figure(&view.peers))
                }
            }
            @if !view.peers.is_empty() {
                section {
                    h2 { "Connected nodes" }
                    (table::table(&view.peers))
                }
            }
            @if !view.gossip.is_empty() {
                section {
                    h2 { "Gossip since the start" }
                    (gossip(&view.gossip))
                }
            }
            (gaps::section(&api.network.gaps(), api.now()))
            (here(view))
        }
        p.links { a href="/api/v0/peers" { "Plain list" } " · " a href="/api/v0/sync/gaps" { "Plain gaps" } }
    }
}

fn numbers(peers: &[PeerView]) -> Markup {
    let count = |is: fn(&&PeerView) -> bool| text::number(peers.iter().filter(is).count() as u64);
    let sum = |of: fn(&PeerView) -> u64| text::bytes(peers.iter().map(of).fold(0, u64::saturating_add));
    let behind = peers.iter().filter_map(|peer| peer.behind).max();
    let cards = [
        ("Connected", text::number(peers.len() as u64), "nodes"),
        (
            "In the mesh",
            count(|peer| !peer.mesh.is_empty()),
            "get messages at once",
        ),
        ("Inbound", count(|peer| peer.inbound), "connected to this node"),
        ("Outbound", count(|peer| !peer.inbound), "this node connected to"),
        ("Received", sum(|peer| peer.received), "from those connected"),
        ("Sent", sum(|peer| peer.sent), "to those connected"),
        (
            "Behind",
            behind.map_or_else(|| "–".to_owned(), text::number),
            "messages, at most",
        ),
    ];
    cards_of(&cards)
}

fn gossip(counts: &[(&'static str, u64)]) -> Markup {
    let cards: Vec<_> = counts
        .iter()
        .map(|(name, count)| (*name, text::number(*count), meaning(name)))
        .collect();
    cards_of(&cards)
}

/// What a counter of gossip counts.
fn meaning(name: &str) -> &'static str {
    match name {
        "received" => "came in",
        "repeated" => "of these seen before",
        "accepted" => "of these passed on",
        "refused" => "of these invalid",
        "published" => "of this node went out",
        "announced" => "of these by their hash",
        "unpublished" => "of this node left to catch-up",
        _ => "",
    }
}

fn cards_of(cards: &[(&'static str, String, &'static str)]) -> Markup {
    html! {
        dl.numbers {
            @for (name, value, note) in cards {
                div { dt { (name) } dd { (value) } dd.note { (note) } }
            }
        }
    }
}

/// This node, as others know it.
fn here(view: &NetworkView) -> Markup {
    let more = view.listening.len().saturating_sub(ADDRESSES);
    html! {
        section.card {
            h2 { "This node" }
            dl.facts {
                dt { "Name" }
                dd { code { (text::foreign(&view.peer_id, text::IN_FULL)) } }
                dt { "Listens at" }
                dd {
                    @if view.listening.is_empty() { span.muted { "no address: others cannot connect to it" } }
                    @for address in view.listening.iter().take(ADDRESSES) {
                        div { code { (text::foreign(address, text::IN_FULL)) } }
                    }
                    @if more > 0 { div.muted { "and " (text::number(more as u64)) " more" } }
                }
            }
        }
    }
}

/// How gossip thinks of a peer, as a class of the style.
fn standing(score: Option<f64>) -> &'static str {
    match score {
        Some(score) if score > 0.0 => "good",
        Some(score) if score < 0.0 => "bad",
        Some(_) | None => "plain",
    }
}

/// A number with at most one decimal, whatever it is.
fn decimal(value: f64) -> String {
    // Whatever is rounded to nothing has no sign either.
    let value = if value.abs() < 0.05 { 0.0 } else { value };
    match () {
        () if !value.is_finite() => "–".to_owned(),
        () if value.abs() >= 1e6 => format!("{value:.0e}").replace('-', "−"),
        () if value.abs() >= 100.0 || value == 0.0 => format!("{value:.0}").replace('-', "−"),
        () => format!("{value:.1}").replace('-', "−"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_is_short() {
        for (value, shown) in [
            (0.0, "0"),
            (-0.01, "0"),
            (12.345, "12.3"),
            (-7.25, "−7.2"),
            (123.4, "123"),
            (f64::NAN, "–"),
            (f64::NEG_INFINITY, "–"),
            (f64::MAX, "2e308"),
            (-1e300, "−1e300"),
        ] {
            assert_eq!(decimal(value), shown, "{value}");
        }
    }

    #[test]
    fn a_score_below_zero_is_bad() {
        assert_eq!(standing(Some(-0.5)), "bad");
        assert_eq!(standing(Some(0.5)), "good");
        for neither in [None, Some(0.0), Some(f64::NAN)] {
            assert_eq!(standing(neither), "plain");
        }
    }
}
