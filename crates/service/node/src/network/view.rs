//! What the API shows of the network.

use alephd_api::{ComingVerdict, Network, NetworkView, PeerView};
use alephd_message::{Envelope, Micros};
use alephd_net::{Direction, PeerId, PeerInfo};
use alephd_peer_protocol::gossip::PeerType;
use alephd_rules::Interest;
use alephd_sync::{catchup::CatchUp, gossip::GossipCounts, peers::BookEntry};
use serde_json::Value;

use super::{Others, files::HTTP_AGE};

/// Missing things that are listed one by one.
const GAPS: usize = 100;

impl Network for Others {
    fn publish(&self, envelope: Envelope, verdict: ComingVerdict) {
        self.give(envelope, verdict);
    }

    fn view(&self) -> NetworkView {
        let now = self.clock.now_micros();
        let peers = self.net.peers();
        NetworkView {
            enabled: true,
            peer_id: self.net.local_peer().to_string(),
            listening: self.multiaddresses(),
            interest: (!self.interest.is_everything()).then(|| self.interest.clone()),
            gossip: numbers(self.counters.read()),
            peers: peers.iter().map(|info| self.peer(info, now)).collect(),
        }
    }

    fn gaps(&self) -> Value {
        let mut gaps = serde_json::to_value(self.fetcher.gaps(GAPS)).unwrap_or_default();
        let catch_up = self.catch_up.as_ref().map(CatchUp::status);
        gaps["catch_up"] = serde_json::to_value(catch_up).unwrap_or_default();
        gaps
    }

    fn holders(&self, wanted: &Interest) -> Vec<String> {
        let now = Micros(self.clock.now_micros());
        let heard = self.book.recent(PeerType::Http, now, HTTP_AGE).into_iter();
        let keeps_it = |entry: &BookEntry| {
            let peer = entry.peer.parse().ok();
            let interest = peer.and_then(|peer: PeerId| self.interest_of(&peer));
            interest.is_none_or(|interest| interest.covers(wanted))
        };
        let mut holders = self.http_peers.clone();
        holders.extend(heard.filter(keeps_it).map(|entry| entry.address));
        holders.retain(|base| Some(base) != self.http_url.as_ref());
        holders.dedup();
        holders
    }
}

impl Others {
    /// Where other nodes reach this one, with its name.
    pub(crate) fn multiaddresses(&self) -> Vec<String> {
        let peer = self.net.local_peer();
        let listening = self.net.listening().into_iter();
        let named = listening.map(|address| match address.with_p2p(peer) {
            Ok(address) | Err(address) => address.to_string(),
        });
        named.collect()
    }

    fn interest_of(&self, peer: &PeerId) -> Option<Interest> {
        self.catch_up.as_ref()?.interest_of(peer)
    }

    fn peer(&self, info: &PeerInfo, now: i64) -> PeerView {
        let last = self
            .catch_up
            .as_ref()
            .and_then(|catch_up| catch_up.last_with(&info.peer));
        PeerView {
            peer_id: info.peer.to_string(),
            address: info
                .addresses
                .first()
                .map(ToString::to_string)
                .unwrap_or_default(),
            inbound: info.direction == Direction::Incoming,
            agent: info.agent.clone(),
            mesh: info.mesh.clone(),
            rtt_ms: info.rtt.map(|time| time.as_secs_f64() * 1_000.0),
            score: Some(info.score),
            connected_seconds: u64::try_from(now.saturating_sub(info.since) / 1_000_000).unwrap_or(0),
            behind: last.map(|report| report.received),
            compared_seconds: None,
            received: info.received,
            sent: info.sent,
            interest: self.interest_of(&info.peer),
        }
    }
}

fn numbers(counts: GossipCounts) -> Vec<(&'static str, u64)> {
    let GossipCounts {
        received,
        repeated,
        accepted,
        refused,
        published,
        announced,
        unpublished,
    } = counts;
    vec![
        ("received", received),
        ("repeated", repeated),
        ("accepted", accepted),
        ("refused", refused),
        ("published", published),
        ("announced", announced),
        ("unpublished", unpublished),
    ]
}
