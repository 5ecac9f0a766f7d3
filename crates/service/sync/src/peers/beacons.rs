//! Signs of life: ours go out, those of believed nodes into the address book, and whoever is in it
//! and not connected is dialled.

use std::{sync::Arc, time::Duration};

use alephd_message::Micros;
use alephd_net::{GossipMessage, Multiaddr, Net, Verdict};
use alephd_peer_protocol::gossip::{Beacon, PeerType};
use alephd_store::Store;
use alephd_tasks::{CancellationToken, Clock};

use super::{AddressBook, BookEntry, Listed, listed::peer_of};

/// Pause between signs of life: the network's own.
const BEACON_EVERY: Duration = Duration::from_secs(120);
/// Before the first one there has to be somebody to hear it.
const FIRST_AFTER: Duration = Duration::from_secs(2);
/// Pause between looks at the address book.
const DIAL_EVERY: Duration = Duration::from_secs(60);
/// Nodes not heard of for this long are not dialled.
const MAX_AGE: Duration = Duration::from_secs(86_400);
/// Nodes dialled in one round.
const DIALS: usize = 16;

/// Where others reach this node.
#[derive(Clone, Debug, Default)]
pub struct OwnAddresses {
    /// By libp2p; what [`Net::listening`] says if empty.
    pub p2p: Vec<Multiaddr>,
    /// By HTTP, a URL.
    pub http: Option<String>,
    /// The version told.
    pub version: String,
}

/// What keeps the address book. [`Beacons::run`] is its task.
pub struct Beacons {
    /// The network.
    pub net: Net,
    /// The topic.
    pub topic: String,
    /// Where this node is.
    pub own: OwnAddresses,
    /// Where the others are.
    pub book: AddressBook,
    /// Who is believed.
    pub listed: Listed,
    /// Owner of the list of nodes.
    pub list_owner: Option<String>,
    /// Where the list is.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Beacons {
    /// Tells, reads lists and dials until the node stops.
    pub async fn run(self, stop: CancellationToken) {
        let mut next_beacon = self.clock.monotonic() + FIRST_AFTER;
        let mut next_dial = self.clock.monotonic();
        loop {
            let now = self.clock.monotonic();
            if now >= next_dial {
                self.refresh();
                self.dial().await;
                next_dial = now + DIAL_EVERY;
            }
            if now >= next_beacon {
                self.tell().await;
                next_beacon = now + BEACON_EVERY;
            }
            let pause = next_dial.min(next_beacon).saturating_sub(self.clock.monotonic());
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.clock.sleep(pause) => {}
            }
        }
        self.save();
    }

    fn refresh(&self) {
        if let Some(owner) = &self.list_owner
            && let Err(error) = self.listed.refresh(&self.store.reader(), owner)
        {
            tracing::warn!(%error, "the list of nodes cannot be read");
        }
        self.save();
    }

    fn save(&self) {
        if let Err(error) = self.book.save() {
            tracing::warn!(%error, "the address book cannot be written");
        }
    }

    async fn dial(&self) {
        let now = Micros(self.clock.now_micros());
        let connected: Vec<_> = self.net.peers().into_iter().map(|info| info.peer).collect();
        let known = self.book.recent(PeerType::P2p, now, MAX_AGE);
        let addresses = known
            .iter()
            .filter_map(|entry| entry.address.parse::<Multiaddr>().ok());
        let missing = addresses.filter(|address| {
            peer_of(address).is_some_and(|peer| peer != self.net.local_peer() && !connected.contains(&peer))
        });
        for address in missing.take(DIALS) {
            if let Err(error) = self.net.dial(address.clone()).await {
                tracing::debug!(%error, %address, "not reached");
            }
        }
    }

    async fn tell(&self) {
        let own = match self.own.p2p.as_slice() {
            [] => self.net.listening(),
            given => given.to_vec(),
        };
        let peer = self.net.local_peer();
        let mut addresses: Vec<(PeerType, String)> = Vec::new();
        for address in own {
            let address = match peer_of(&address) {
                Some(_) => address,
                None => address.with(alephd_net::Protocol::P2p(peer)),
            };
            addresses.push((PeerType::P2p, address.to_string()));
        }
        addresses.extend(self.own.http.clone().map(|url| (PeerType::Http, url)));
        for (peer_type, address) in addresses {
            let beacon = Beacon {
                address,
                peer_type,
                version: self.own.version.clone(),
            };
            // The same bytes within half an hour are refused as a repetition; that is the network's way.
            if let Err(error) = self.net.publish(&self.topic, beacon.to_json().into_bytes()).await {
                tracing::trace!(%error, "no sign of life");
            }
        }
    }

    /// Takes a sign of life into the book.
    pub fn hear(book: &AddressBook, listed: &Listed, now: Micros, message: &GossipMessage) -> Verdict {
        let Ok(beacon) = Beacon::parse(&message.data) else {
            return Verdict::Reject;
        };
        // Whoever is not believed here may be believed elsewhere.
        if let Some(author) = message.author.filter(|author| listed.contains(author)) {
            book.note(BookEntry {
                peer: author.to_string(),
                kind: beacon.peer_type,
                address: beacon.address,
                last_seen: now.0,
            });
        }
        Verdict::Accept
    }
}
