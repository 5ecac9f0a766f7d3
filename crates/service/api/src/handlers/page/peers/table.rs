//! The table of connected nodes.

use std::time::Duration;

use maud::{Markup, html};

use super::{NAME, decimal, standing};
use crate::{
    PeerView,
    handlers::page::{list, text},
};

/// Rows of the table: what a node allows to connect unless it is told otherwise.
const ROWS: usize = 256;
/// Topics that are named in a title.
const TOPICS: usize = 8;

/// The table. The peers are sorted.
pub(super) fn table(peers: &[PeerView]) -> Markup {
    let titles = [
        "#No.",
        "Peer",
        "#Score",
        "Mesh",
        "Direction",
        "#Since",
        "#Round trip",
        "#Received",
        "#Sent",
        "#Behind",
        "Address",
        "Agent",
    ];
    let more = peers.len().saturating_sub(ROWS);
    html! {
        (list::sheet(&titles, peers.iter().take(ROWS).enumerate().map(row)))
        @if more > 0 {
            p.muted.under {
                (text::number(more as u64)) " more are in the " a href="/api/v0/peers" { "plain list" } "."
            }
        }
    }
}

fn row((index, peer): (usize, &PeerView)) -> Markup {
    let none = html! { span.muted { "–" } };
    let connected = text::span(Duration::from_secs(peer.connected_seconds));
    html! {
        td.number { (index + 1) }
        td { (cut(&peer.peer_id, NAME, true)) }
        td.number {
            @match peer.score {
                Some(score) => span class=(standing(Some(score))) { (decimal(score)) },
                None => (none),
            }
        }
        td { (mesh(&peer.mesh)) }
        td { @if peer.inbound { "inbound" } @else { "outbound" } }
        td.number { (connected) }
        td.number {
            @match peer.rtt_ms.filter(|time| time.is_finite()) { Some(time) => { (decimal(time)) "\u{a0}ms" }, None => (none) }
        }
        td.number { (text::bytes(peer.received)) }
        td.number { (text::bytes(peer.sent)) }
        td.number {
            @match peer.behind { Some(behind) => (text::number(behind)), None => (none) }
            @if let Some(seconds) = peer.compared_seconds {
                " " span.muted { "(" (text::span(Duration::from_secs(seconds))) " ago)" }
            }
        }
        td { (cut(&peer.address, 34, true)) }
        td { @match &peer.agent { Some(agent) => (cut(agent, text::IN_TABLE, false)), None => (none) } }
    }
}

/// The topics of a mesh, counted; their names are in the title.
fn mesh(topics: &[String]) -> Markup {
    let names: Vec<_> = topics
        .iter()
        .take(TOPICS)
        .map(|topic| text::visible(&text::shorten(topic, text::IN_TABLE)).into_owned())
        .collect();
    html! {
        @match topics.len() {
            0 => span.muted { "no" },
            1 => span title=(names.join(", ")) { "1 topic" },
            count => span title=(names.join(", ")) { (text::number(count as u64)) " topics" },
        }
    }
}

/// A text of a peer, more of which is in the title.
fn cut(foreign: &str, limit: usize, is_code: bool) -> Markup {
    let title = text::shorten(foreign, text::IN_FULL);
    html! {
        span class=[is_code.then_some("mono")] title=(text::visible(&title)) { (text::foreign(foreign, limit)) }
    }
}
