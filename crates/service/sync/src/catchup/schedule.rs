//! With whom to speak when. No time passes here: it is an argument.

use std::{collections::HashMap, hash::Hash, time::Duration};

/// When each connected peer is due.
#[derive(Debug)]
pub(super) struct Schedule<P> {
    every: Duration,
    due: HashMap<P, Duration>,
}

impl<P: Clone + Eq + Hash + Ord> Schedule<P> {
    pub(super) fn new(every: Duration) -> Self {
        let due = HashMap::new();
        Self { every, due }
    }

    /// A peer is there. `eager` ones are spoken with soon; the other side is eager then, and this one
    /// waits for its turn. `dice` is a random number.
    pub(super) fn connected(&mut self, peer: P, eager: bool, now: Duration, dice: u64) {
        let wait = if eager { Duration::from_secs(2) } else { self.every };
        let due = now + spread(wait, dice);
        self.due.entry(peer).or_insert(due);
    }

    /// A peer is gone.
    pub(super) fn disconnected(&mut self, peer: &P) {
        self.due.remove(peer);
    }

    /// A session with a peer ended, whoever opened it.
    pub(super) fn spoken(&mut self, peer: &P, now: Duration, dice: u64) {
        let due = now + spread(self.every, dice);
        if let Some(entry) = self.due.get_mut(peer) {
            *entry = due;
        }
    }

    /// The peer that is due for the longest; it is due again later. Else how long to wait.
    pub(super) fn next(&mut self, now: Duration, dice: u64) -> Result<P, Duration> {
        let first = self.due.iter().min_by_key(|(peer, due)| (**due, (*peer).clone()));
        let Some((peer, due)) = first else {
            return Err(self.every);
        };
        let (peer, due) = (peer.clone(), *due);
        if due > now {
            return Err(due - now);
        }
        self.spoken(&peer, now, dice);
        Ok(peer)
    }

    /// Forgets peers that are not there any more.
    pub(super) fn retain(&mut self, mut is_there: impl FnMut(&P) -> bool) {
        self.due.retain(|peer, _| is_there(peer));
    }
}

/// Between half and one and a half times a duration: nodes that start together do not stay together.
fn spread(wait: Duration, dice: u64) -> Duration {
    wait / 2 + wait.mul_f64((dice >> 11) as f64 / (1_u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn the_eager_side_goes_first() {
        let mut schedule = Schedule::new(HOUR);
        schedule.connected("eager", true, Duration::ZERO, u64::MAX / 2);
        schedule.connected("patient", false, Duration::ZERO, 0);
        assert_eq!(schedule.next(Duration::ZERO, 0), Err(Duration::from_secs(2)));
        assert_eq!(schedule.next(Duration::from_secs(2), 0), Ok("eager"));
        assert_eq!(
            schedule.next(Duration::from_secs(2), 0),
            Err(HOUR / 2 - Duration::from_secs(2))
        );
        assert_eq!(schedule.next(HOUR / 2, 0), Ok("patient"));
    }

    #[test]
    fn a_session_of_the_other_side_counts() {
        let mut schedule = Schedule::new(HOUR);
        schedule.connected("peer", true, Duration::ZERO, 0);
        schedule.spoken(&"peer", Duration::ZERO, 0);
        assert_eq!(
            schedule.next(Duration::from_secs(5), 0),
            Err(HOUR / 2 - Duration::from_secs(5))
        );
        schedule.disconnected(&"peer");
        schedule.spoken(&"peer", Duration::ZERO, 0);
        assert_eq!(schedule.next(HOUR * 9, 0), Err(HOUR), "nobody is there");
    }

    #[test]
    fn waits_are_spread() {
        assert_eq!(spread(HOUR, 0), HOUR / 2);
        let longest = spread(HOUR, u64::MAX);
        assert!(longest > HOUR.mul_f64(1.49) && longest <= HOUR.mul_f64(1.5));
    }
}
