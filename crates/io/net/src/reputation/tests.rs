use alephd_tasks::ManualClock;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn reputation(config: &NetConfig) -> (Reputation, ManualClock) {
    let clock = ManualClock::new(0);
    (Reputation::new(config, Arc::new(clock.clone())), clock)
}

#[test]
fn accidents_are_forgiven_and_habits_are_not() {
    let (reputation, clock) = reputation(&NetConfig::default());
    let (careless, hostile) = (PeerId::random(), PeerId::random());
    for _ in 0..50 {
        reputation.report(careless, Offence::WrongBytes);
        clock.advance(20 * MINUTE);
    }
    assert!(!reputation.refuses(&careless));
    for _ in 0..4 {
        assert!(!reputation.refuses(&hostile));
        reputation.report(hostile, Offence::WrongBytes);
    }
    assert!(reputation.refuses(&hostile));
    assert_eq!(reputation.fallen(), [hostile]);
    assert!(reputation.fallen().is_empty());
}

#[test]
fn bans_end_and_double() {
    let (reputation, clock) = reputation(&NetConfig::default());
    let peer = PeerId::random();
    for minutes in [10, 20, 40] {
        reputation.ban(peer);
        clock.advance(minutes * MINUTE - Duration::from_millis(1));
        assert!(reputation.refuses(&peer), "{minutes}");
        clock.advance(Duration::from_millis(1));
        assert!(!reputation.refuses(&peer), "{minutes}");
    }
    for _ in 0..100 {
        reputation.ban(peer);
    }
    clock.advance(LONGEST_BAN);
    assert!(!reputation.refuses(&peer));
    reputation.ban(peer);
    reputation.unban(&peer);
    assert!(!reputation.refuses(&peer));
    assert_eq!(reputation.score(&peer), 0.0);
}

#[test]
fn points_halve() {
    let (reputation, clock) = reputation(&NetConfig::default());
    let peer = PeerId::random();
    reputation.report(peer, Offence::BadProtocol);
    assert_eq!(reputation.score(&peer), -20.0);
    clock.advance(HALF_LIFE);
    assert_eq!(reputation.score(&peer), -10.0);
}

#[test]
fn relays_that_do_not_judge_survive_what_bans_an_author() {
    let (reputation, clock) = reputation(&NetConfig::default());
    let (relay, author) = (PeerId::random(), PeerId::random());
    // An hour of 20 rejected messages a second.
    for _ in 0..3600 {
        (0..20).for_each(|_| reputation.add(relay, RELAYED));
        clock.advance(Duration::from_secs(1));
    }
    assert!(!reputation.refuses(&relay));
    (0..20).for_each(|_| reputation.add(author, AUTHORED));
    assert!(reputation.refuses(&author));
}

#[test]
fn lists_are_obeyed() {
    let (blocked, allowed, other) = (PeerId::random(), PeerId::random(), PeerId::random());
    let closed = NetConfig {
        block: vec![blocked],
        allow: vec![allowed, blocked],
        ..NetConfig::default()
    };
    let (reputation, _) = self::reputation(&closed);
    assert!(reputation.refuses(&blocked) && reputation.refuses(&other));
    assert!(!reputation.refuses(&allowed));
}

#[test]
fn the_memory_of_peers_is_bounded_and_keeps_the_worst() {
    let (reputation, _) = reputation(&NetConfig::default());
    let banned = PeerId::random();
    reputation.ban(banned);
    for _ in 0..2 * REMEMBERED {
        reputation.report(PeerId::random(), Offence::Timeout);
    }
    assert!(reputation.lock().peers.len() <= REMEMBERED);
    assert!(reputation.refuses(&banned));
}
