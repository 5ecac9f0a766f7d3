//! When to dial the bootstrap peers again.
//!
//! The wait doubles with each failure and is drawn from its upper half, so that a thousand nodes that
//! lost the same peer at once do not come back at once.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};

use super::peer_of;
use crate::config::NetConfig;

#[derive(Debug)]
struct Target {
    /// Who is there, once that is known.
    peer: Option<PeerId>,
    state: State,
    failures: u32,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Waiting(Duration),
    Dialling(ConnectionId),
    Connected,
}

#[derive(Debug)]
pub(crate) struct Redial {
    targets: HashMap<Multiaddr, Target>,
    min: Duration,
    max: Duration,
}

impl Redial {
    pub(super) fn new(config: &NetConfig, local: PeerId) -> Self {
        let others = config
            .bootstrap
            .iter()
            .filter(|address| peer_of(address) != Some(local));
        let targets = others.map(|address| {
            let target = Target {
                peer: peer_of(address),
                state: State::Waiting(Duration::ZERO),
                failures: 0,
            };
            (address.clone(), target)
        });
        Self {
            targets: targets.collect(),
            min: config.redial_min,
            max: config.redial_max,
        }
    }

    /// The addresses whose time has come.
    pub(super) fn due(&self, now: Duration) -> Vec<Multiaddr> {
        let due = self.targets.iter().filter(|(_, target)| match target.state {
            State::Waiting(until) => until <= now,
            State::Dialling(_) | State::Connected => false,
        });
        due.map(|(address, _)| address.clone()).collect()
    }

    pub(super) fn dialling(&mut self, address: &Multiaddr, connection: ConnectionId) {
        if let Some(target) = self.targets.get_mut(address) {
            target.state = State::Dialling(connection);
        }
    }

    /// Whoever made it, a connection with a target is what was wanted.
    pub(super) fn connected(&mut self, peer: PeerId, connection: ConnectionId) {
        for target in self.targets.values_mut() {
            if target.state == State::Dialling(connection) {
                target.peer = Some(peer);
            }
            if target.peer == Some(peer) {
                target.state = State::Connected;
                target.failures = 0;
            }
        }
    }

    pub(super) fn disconnected(&mut self, peer: PeerId, now: Duration) {
        let lost: HashSet<Multiaddr> = self
            .targets
            .iter()
            .filter(|(_, target)| target.peer == Some(peer) && target.state == State::Connected)
            .map(|(address, _)| address.clone())
            .collect();
        for address in lost {
            self.failed(&address, now);
        }
    }

    pub(super) fn dial_failed(&mut self, connection: ConnectionId, now: Duration) {
        let dialled = State::Dialling(connection);
        let failed = self.targets.iter().find(|(_, target)| target.state == dialled);
        if let Some(address) = failed.map(|(address, _)| address.clone()) {
            self.failed(&address, now);
        }
    }

    pub(super) fn failed(&mut self, address: &Multiaddr, now: Duration) {
        let Some(target) = self.targets.get_mut(address) else {
            return;
        };
        let factor = 1_u32.checked_shl(target.failures).unwrap_or(u32::MAX);
        let longest = self.min.saturating_mul(factor).min(self.max);
        target.failures = target.failures.saturating_add(1);
        target.state = State::Waiting(now.saturating_add(longest.mul_f64(0.5 + 0.5 * random())));
    }
}

/// Between 0 and 1. Hashers of the standard library are seeded by the system; nobody gains by
/// guessing these waits.
fn random() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn redial(addresses: &[&str]) -> Redial {
        let config = NetConfig {
            bootstrap: addresses.iter().map(|address| address.parse().unwrap()).collect(),
            redial_min: SECOND,
            redial_max: 8 * SECOND,
            ..NetConfig::default()
        };
        Redial::new(&config, PeerId::random())
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut redial = redial(&["/memory/1"]);
        let address: Multiaddr = "/memory/1".parse().unwrap();
        let mut now = Duration::ZERO;
        for (failure, longest) in [1, 2, 4, 8, 8, 8].into_iter().enumerate() {
            assert_eq!(redial.due(now), std::slice::from_ref(&address));
            let connection = ConnectionId::new_unchecked(failure);
            redial.dialling(&address, connection);
            assert!(redial.due(now + 1000 * SECOND).is_empty());
            redial.dial_failed(connection, now);
            let half = (longest * SECOND) / 2;
            assert!(redial.due(now + half - Duration::from_millis(1)).is_empty());
            now += longest * SECOND;
        }
    }

    #[test]
    fn a_lost_peer_is_dialled_soon_again_whoever_connected() {
        let peer = PeerId::random();
        let address = format!("/memory/1/p2p/{peer}");
        let mut redial = redial(&[&address]);
        redial.failed(&address.parse().unwrap(), Duration::ZERO);
        redial.failed(&address.parse().unwrap(), Duration::ZERO);
        redial.connected(peer, ConnectionId::new_unchecked(9));
        assert!(redial.due(100 * SECOND).is_empty());
        redial.disconnected(peer, 100 * SECOND);
        assert!(redial.due(100 * SECOND).is_empty());
        assert_eq!(redial.due(101 * SECOND).len(), 1);
    }

    #[test]
    fn a_target_without_a_name_is_known_once_met() {
        let mut redial = redial(&["/memory/1"]);
        let address: Multiaddr = "/memory/1".parse().unwrap();
        let (peer, connection) = (PeerId::random(), ConnectionId::new_unchecked(1));
        redial.dialling(&address, connection);
        redial.connected(peer, connection);
        redial.disconnected(PeerId::random(), Duration::ZERO);
        assert!(redial.due(100 * SECOND).is_empty());
        redial.disconnected(peer, Duration::ZERO);
        assert_eq!(redial.due(SECOND), [address]);
    }

    #[test]
    fn random_stays_within_its_bounds() {
        assert!((0..1000).all(|_| (0.0..1.0).contains(&random())));
    }
}
