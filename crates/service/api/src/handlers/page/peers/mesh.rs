//! The picture of the mesh.
//!
//! This node stands in the middle, its peers in a circle with the numbers that they have in the
//! table, clockwise from the top. No text of a stranger is drawn but short names in tooltips.

use std::f64::consts::{FRAC_PI_2, TAU};

use maud::{Markup, html};

use super::standing;
use crate::{PeerView, handlers::page::text};

/// Peers in the picture: as many as stand in the circle without touching each other.
const DRAWN: usize = 40;
/// Middle of the drawing, in units of its own.
const CENTRE: f64 = 224.0;
/// Radius of the circle of peers.
const RADIUS: f64 = 206.0;
/// Radius of a peer: [`DRAWN`] of them take three quarters of the circle.
const PEER: f64 = 12.5;
/// Radius of this node.
const HERE: f64 = 24.0;
/// Where on its line the arrow of a peer stands, from the middle.
const ARROW: f64 = 150.0;

/// The picture, what it means, and the same in words. The peers are sorted.
pub(super) fn figure(peers: &[PeerView]) -> Markup {
    let size = CENTRE * 2.0;
    html! {
        figure.mesh {
            svg viewBox=(format!("0 0 {size} {size}")) role="img" aria-label=(in_words(peers)) {
                @for (index, peer) in peers.iter().take(DRAWN).enumerate() {
                    (drawn(peer, index, peers.len().min(DRAWN)))
                }
                circle.here cx=(CENTRE) cy=(CENTRE) r=(HERE) {}
                text.here x=(CENTRE) y=(CENTRE) dy="0.35em" { "ℵ" }
            }
            figcaption {
                ul.legend aria-hidden="true" {
                    li { (line("solid")) "in the mesh: gets messages at once" }
                    li { (line("dashed")) "connected, hears of messages" }
                    li { (arrow(Towards::Peer)) "outbound: this node connected" }
                    li { (arrow(Towards::Here)) "inbound: the other one did" }
                    li { (dot("good")) "good score" }
                    li { (dot("plain")) "score zero, or none yet" }
                    li { (dot("bad")) "bad score" }
                }
                @if peers.len() > DRAWN {
                    p { "Drawn are the first " (DRAWN) " of " (text::number(peers.len() as u64)) "." }
                }
            }
        }
    }
}

/// What the picture shows, for whoever does not see it.
fn in_words(peers: &[PeerView]) -> String {
    let count = |is: &dyn Fn(&PeerView) -> bool| peers.iter().filter(|peer| is(peer)).count();
    format!(
        "This node with {} of its {} peers round it. In the mesh: {}. Inbound: {}. Outbound: {}. \
         With a bad score: {}. The table below lists them by the same numbers.",
        peers.len().min(DRAWN),
        peers.len(),
        count(&|peer| !peer.mesh.is_empty()),
        count(&|peer| peer.inbound),
        count(&|peer| !peer.inbound),
        count(&|peer| standing(peer.score) == "bad"),
    )
}

fn drawn(peer: &PeerView, index: usize, of: usize) -> Markup {
    let angle = TAU * index as f64 / of as f64 - FRAC_PI_2;
    let (x, y) = (CENTRE + RADIUS * angle.cos(), CENTRE + RADIUS * angle.sin());
    let (cx, cy) = (format!("{x:.1}"), format!("{y:.1}"));
    let tie = if peer.mesh.is_empty() { "dashed" } else { "solid" };
    let towards = if peer.inbound {
        Towards::Here
    } else {
        Towards::Peer
    };
    let turn = format!(
        "translate({:.1} {:.1}) rotate({:.1})",
        CENTRE + ARROW * angle.cos(),
        CENTRE + ARROW * angle.sin(),
        angle.to_degrees()
    );
    html! {
        g class={ "peer " (standing(peer.score)) } {
            title { (index + 1) ": " (text::visible(&text::shorten(&peer.peer_id, super::NAME))) }
            line class=(tie) x1=(CENTRE) y1=(CENTRE) x2=(cx) y2=(cy) {}
            g transform=(turn) { (towards.head()) }
            // A bad one differs by its shape too.
            @if standing(peer.score) == "bad" {
                rect x=(format!("{:.1}", x - PEER)) y=(format!("{:.1}", y - PEER)) width=(PEER * 2.0)
                    height=(PEER * 2.0) rx="3" {}
            } @else {
                circle cx=(cx) cy=(cy) r=(PEER) {}
            }
            text x=(cx) y=(cy) dy="0.35em" { (index + 1) }
        }
    }
}

/// Whom a connection was made to.
#[derive(Clone, Copy)]
enum Towards {
    Peer,
    Here,
}

impl Towards {
    /// The head of an arrow on a line that goes to the right.
    fn head(self) -> Markup {
        let points = match self {
            Self::Peer => "6,0 -5,-5 -5,5",
            Self::Here => "-6,0 5,-5 5,5",
        };
        html! { polygon points=(points) {} }
    }
}

fn line(tie: &str) -> Markup {
    sample(
        &html! { line class=(tie) x1="-18" y1="0" x2="18" y2="0" {} },
        "plain",
    )
}

/// The left end of the sample is this node.
fn arrow(towards: Towards) -> Markup {
    let drawing = html! {
        line.solid x1="-12" y1="0" x2="18" y2="0" {}
        circle.here cx="-13" cy="0" r="5" {}
        g transform="translate(8 0)" { (towards.head()) }
    };
    sample(&drawing, "plain")
}

fn dot(standing: &str) -> Markup {
    let drawing = html! {
        @if standing == "bad" { rect x="-7" y="-7" width="14" height="14" rx="2" {} }
        @else { circle cx="0" cy="0" r="7" {} }
    };
    sample(&drawing, standing)
}

fn sample(drawing: &Markup, standing: &str) -> Markup {
    html! { svg viewBox="-18 -9 36 18" { g class={ "peer " (standing) } { (drawing) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers(count: usize) -> Vec<PeerView> {
        vec![PeerView::default(); count]
    }

    #[test]
    fn a_crowd_is_drawn_in_part() {
        for (count, drawn) in [(1, 1), (DRAWN, DRAWN), (DRAWN + 1, DRAWN), (5_000, DRAWN)] {
            let figure = figure(&peers(count)).into_string();
            assert_eq!(figure.matches("<title>").count(), drawn);
            assert_eq!(figure.contains("Drawn are the first"), count > DRAWN);
            assert!(
                figure.contains(&format!("{drawn} of its {count} peers")),
                "{figure}"
            );
        }
    }

    #[test]
    fn lines_and_shapes_tell_what_a_peer_is() {
        let bad = PeerView {
            score: Some(-3.0),
            inbound: true,
            ..PeerView::default()
        };
        let meshed = PeerView {
            score: Some(3.0),
            mesh: vec!["topic".into()],
            ..PeerView::default()
        };
        let (bad, meshed) = (
            drawn(&bad, 0, 2).into_string(),
            drawn(&meshed, 1, 2).into_string(),
        );
        for part in ["peer bad", "line class=\"dashed\"", "<rect", "points=\"-6,0"] {
            assert!(bad.contains(part) && !meshed.contains(part), "{part}");
        }
        for part in ["peer good", "line class=\"solid\"", "<circle", "points=\"6,0"] {
            assert!(meshed.contains(part) && !bad.contains(part), "{part}");
        }
    }
}
