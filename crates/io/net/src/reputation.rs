//! How peers stand, and who is banned.
//!
//! Offences give points; points halve every [`HALF_LIFE`]; [`LIMIT`] of them are a ban. The sums are
//! chosen so that an accident or two is forgiven and a habit is not. Peers of the reference relay
//! gossip without looking at it, and one sender of rubbish must not make us ban all of them: what
//! they merely relayed costs next to nothing.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use alephd_tasks::Clock;
use libp2p::PeerId;
use tokio::sync::Notify;

use crate::config::NetConfig;
use crate::peer::Offence;

/// Points at which a peer is banned.
pub(crate) const LIMIT: f64 = 100.0;
/// Points of the author of a rejected message.
pub(crate) const AUTHORED: f64 = 5.0;
/// Points of a relay that promises to judge and did not.
pub(crate) const UNJUDGED: f64 = 2.0;
/// Points of a relay that does not judge: some 58 rejected messages a second for ten minutes ban it.
pub(crate) const RELAYED: f64 = 0.002;
/// Points of each gossip message beyond the rate: 2000 of them are a ban.
pub(crate) const EXCESS: f64 = 0.05;

const HALF_LIFE: Duration = Duration::from_secs(600);
const LONGEST_BAN: Duration = Duration::from_secs(24 * 3600);
/// Peers remembered. Ids of peers are free, so their number needs a bound; some 100 bytes each.
const REMEMBERED: usize = 16_384;

impl Offence {
    fn points(self) -> f64 {
        match self {
            // Wrong bytes are never an accident of the network, but may be one of a disk.
            Self::WrongBytes => 30.0,
            Self::BadProtocol => 20.0,
            Self::Flood => 10.0,
            Self::Timeout => 1.0,
        }
    }
}

#[derive(Debug, Default)]
struct Standing {
    points: f64,
    /// When `points` was right.
    at: Duration,
    bans: u32,
    until: Option<Duration>,
}

impl Standing {
    fn points(&self, now: Duration) -> f64 {
        let halvings = now.saturating_sub(self.at).as_secs_f64() / HALF_LIFE.as_secs_f64();
        self.points * (-halvings).exp2()
    }

    fn banned(&self, now: Duration) -> bool {
        self.until.is_some_and(|until| now < until)
    }
}

#[derive(Debug, Default)]
struct State {
    peers: HashMap<PeerId, Standing>,
    /// Those whose connections are to be closed.
    fallen: Vec<PeerId>,
}

/// The standing of all peers. Shared by the handle, the host and the behaviour that refuses
/// connections.
#[derive(Debug)]
pub(crate) struct Reputation {
    clock: Arc<dyn Clock>,
    first_ban: Duration,
    blocked: HashSet<PeerId>,
    allowed: HashSet<PeerId>,
    state: Mutex<State>,
    changed: Notify,
}

impl Reputation {
    pub(crate) fn new(config: &NetConfig, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            first_ban: config.limits.ban,
            blocked: config.block.iter().copied().collect(),
            allowed: config.allow.iter().copied().collect(),
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Whether there shall be no connection with this peer.
    pub(crate) fn refuses(&self, peer: &PeerId) -> bool {
        if self.blocked.contains(peer) || (!self.allowed.is_empty() && !self.allowed.contains(peer)) {
            return true;
        }
        let now = self.clock.monotonic();
        self.lock()
            .peers
            .get(peer)
            .is_some_and(|standing| standing.banned(now))
    }

    pub(crate) fn report(&self, peer: PeerId, offence: Offence) {
        self.add(peer, offence.points());
    }

    pub(crate) fn add(&self, peer: PeerId, points: f64) {
        let now = self.clock.monotonic();
        let mut state = self.lock();
        let standing = state.entry(peer, now);
        standing.points = standing.points(now) + points;
        standing.at = now;
        if standing.points >= LIMIT {
            self.fall(&mut state, peer, now);
        }
    }

    pub(crate) fn ban(&self, peer: PeerId) {
        let now = self.clock.monotonic();
        let mut state = self.lock();
        state.entry(peer, now);
        self.fall(&mut state, peer, now);
    }

    pub(crate) fn unban(&self, peer: &PeerId) {
        self.lock().peers.remove(peer);
    }

    /// What gossip shall add to the score of this peer; at most 0.
    pub(crate) fn score(&self, peer: &PeerId) -> f64 {
        let now = self.clock.monotonic();
        self.lock()
            .peers
            .get(peer)
            .map_or(0.0, |standing| -standing.points(now))
    }

    /// Waits until somebody fell.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Those whose connections are to be closed since the last call.
    pub(crate) fn fallen(&self) -> Vec<PeerId> {
        std::mem::take(&mut self.lock().fallen)
    }

    fn fall(&self, state: &mut State, peer: PeerId, now: Duration) {
        let Some(standing) = state.peers.get_mut(&peer) else {
            return;
        };
        let doubled = self
            .first_ban
            .saturating_mul(1_u32.checked_shl(standing.bans).unwrap_or(u32::MAX));
        standing.bans = standing.bans.saturating_add(1);
        standing.until = Some(now.saturating_add(doubled.min(LONGEST_BAN.max(self.first_ban))));
        // Half of the limit is left, so that a relapse counts for more than a first offence.
        standing.points = LIMIT / 2.0;
        standing.at = now;
        // Each peer in it is in `peers` as well, so its length is bounded.
        if !state.fallen.contains(&peer) {
            state.fallen.push(peer);
        }
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn entry(&mut self, peer: PeerId, now: Duration) -> &mut Standing {
        if self.peers.len() >= REMEMBERED && !self.peers.contains_key(&peer) {
            self.forget(now);
        }
        self.peers.entry(peer).or_default()
    }

    /// Forgets at least half: those that stand best, and of the banned those whose ban ends first.
    fn forget(&mut self, now: Duration) {
        let mut ranks: Vec<(Duration, u64, PeerId)> = self
            .peers
            .iter()
            .map(|(peer, standing)| {
                let until = standing.until.filter(|until| now < *until).unwrap_or_default();
                (until, (standing.points(now) * 1000.0) as u64, *peer)
            })
            .collect();
        ranks.sort_unstable();
        for (_, _, peer) in &ranks[..ranks.len() / 2] {
            self.peers.remove(peer);
        }
    }
}

#[cfg(test)]
mod tests;
