//! What one peer wants of us.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use alephd_cid::{AnyCid, Multihash};
use alephd_peer_protocol::bitswap::{Want, WantType};

/// The open wants of a peer, those to answer next by their priority. Pure: it is told the time.
#[derive(Debug)]
pub(super) struct Ledger {
    limit: usize,
    wants: HashMap<AnyCid, Open>,
    /// What is to be looked up, the most urgent first; of equals the one that came first.
    queue: BTreeSet<(Reverse<i32>, u64, AnyCid)>,
    arrivals: u64,
}

#[derive(Debug)]
struct Open {
    want: Want,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Under this number in the queue.
    Queued(u64),
    /// Being looked up.
    Taken,
    /// Not here; remembered until then.
    Waiting(Duration),
}

impl Ledger {
    /// No wants, and room for so many.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            wants: HashMap::new(),
            queue: BTreeSet::new(),
            arrivals: 0,
        }
    }

    /// Whether nothing is open.
    pub(super) fn is_empty(&self) -> bool {
        self.wants.is_empty()
    }

    /// Whether there is something to look up.
    pub(super) fn has_next(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Takes the wants of a message, and how many of them found no room.
    pub(super) fn apply(&mut self, wants: Vec<Want>, full: bool, now: Duration) -> usize {
        self.expire(now);
        if full {
            self.wants.clear();
            self.queue.clear();
        }
        let mut refused = 0;
        for want in wants {
            if want.cancel {
                self.remove(&want.cid);
            } else if !self.add(want) {
                refused += 1;
            }
        }
        refused
    }

    fn add(&mut self, mut want: Want) -> bool {
        match self.remove(&want.cid) {
            // Whoever wants the block is not content with hearing of it.
            Some(earlier) => want.want_type = want.want_type.max(earlier.want_type),
            None if self.wants.len() >= self.limit => return false,
            None => {}
        }
        self.enqueue(want);
        true
    }

    fn enqueue(&mut self, want: Want) {
        self.arrivals += 1;
        let cid = want.cid.clone();
        self.queue
            .insert((Reverse(want.priority), self.arrivals, cid.clone()));
        let state = State::Queued(self.arrivals);
        self.wants.insert(cid, Open { want, state });
    }

    fn remove(&mut self, cid: &AnyCid) -> Option<Want> {
        let open = self.wants.remove(cid)?;
        if let State::Queued(number) = open.state {
            self.queue
                .remove(&(Reverse(open.want.priority), number, cid.clone()));
        }
        Some(open.want)
    }

    /// The want to look up next. It is answered by [`Ledger::answered`] or [`Ledger::wait`].
    pub(super) fn next(&mut self) -> Option<Want> {
        let (_, _, cid) = self.queue.pop_first()?;
        let open = self.wants.get_mut(&cid)?;
        open.state = State::Taken;
        Some(open.want.clone())
    }

    /// Whether a want that was taken is open still: it may have been cancelled meanwhile.
    pub(super) fn is_taken(&self, cid: &AnyCid) -> bool {
        let open = self.wants.get(cid);
        open.is_some_and(|open| matches!(open.state, State::Taken))
    }

    /// Closes a want that was answered, unless it came anew meanwhile or wants more now.
    pub(super) fn answered(&mut self, cid: &AnyCid, what: WantType) {
        let satisfied = |open: &Open| matches!(open.state, State::Taken) && open.want.want_type <= what;
        if self.wants.get(cid).is_some_and(satisfied) {
            self.wants.remove(cid);
        }
    }

    /// Remembers a want of what is not here.
    pub(super) fn wait(&mut self, cid: &AnyCid, until: Duration) {
        if let Some(open) = self.wants.get_mut(cid)
            && matches!(open.state, State::Taken)
        {
            open.state = State::Waiting(until);
        }
    }

    /// Puts remembered wants of a block that has arrived back into the queue; whether there are any.
    pub(super) fn arrived(&mut self, hash: &Multihash) -> bool {
        let waits = |open: &&Open| matches!(open.state, State::Waiting(_)) && open.want.cid.hash() == hash;
        let found: Vec<_> = self
            .wants
            .values()
            .filter(waits)
            .map(|open| open.want.clone())
            .collect();
        let any = !found.is_empty();
        for want in found {
            self.enqueue(want);
        }
        any
    }

    /// Forgets what was remembered for too long.
    pub(super) fn expire(&mut self, now: Duration) {
        self.wants
            .retain(|_, open| !matches!(open.state, State::Waiting(until) if until <= now));
    }
}

#[cfg(test)]
mod tests {
    use alephd_cid::Multicodec;

    use super::*;

    const NOW: Duration = Duration::ZERO;

    fn cid(seed: u8) -> AnyCid {
        AnyCid::v1(Multicodec::RAW, Multihash::sha2_256([seed; 32]))
    }

    fn order(ledger: &mut Ledger) -> Vec<AnyCid> {
        std::iter::from_fn(|| ledger.next().map(|want| want.cid)).collect()
    }

    #[test]
    fn the_most_urgent_comes_first_and_equals_in_order() {
        let mut ledger = Ledger::new(10);
        let wants = [(1, 5), (2, 9), (3, 5), (4, -1)];
        ledger.apply(
            wants
                .map(|(seed, priority)| Want::block(cid(seed), priority))
                .to_vec(),
            false,
            NOW,
        );
        assert_eq!(order(&mut ledger), [cid(2), cid(1), cid(3), cid(4)]);
    }

    #[test]
    fn cancelled_and_replaced_wants_are_gone() {
        let mut ledger = Ledger::new(10);
        ledger.apply(vec![Want::block(cid(1), 1), Want::block(cid(2), 1)], false, NOW);
        ledger.apply(vec![Want::cancel(cid(1))], false, NOW);
        assert_eq!(order(&mut ledger), [cid(2)]);
        ledger.apply(vec![Want::block(cid(3), 1)], true, NOW);
        assert!(!ledger.is_taken(&cid(2)));
        assert_eq!(order(&mut ledger), [cid(3)]);
        ledger.answered(&cid(3), WantType::Block);
        assert!(ledger.is_empty());
    }

    #[test]
    fn no_more_than_the_limit_is_open() {
        let mut ledger = Ledger::new(2);
        let wants = |seeds: &[u8]| seeds.iter().map(|seed| Want::block(cid(*seed), 1)).collect();
        assert_eq!(ledger.apply(wants(&[1, 2, 3]), false, NOW), 1);
        // One that is open can come again.
        assert_eq!(ledger.apply(wants(&[2]), false, NOW), 0);
        assert_eq!(order(&mut ledger), [cid(1), cid(2)]);
        assert_eq!(ledger.apply(wants(&[3]), false, NOW), 1);
        ledger.answered(&cid(1), WantType::Block);
        assert_eq!(ledger.apply(wants(&[3]), false, NOW), 0);
    }

    #[test]
    fn a_want_of_the_block_outlives_the_answer_that_it_is_there() {
        let mut ledger = Ledger::new(2);
        ledger.apply(vec![Want::have(cid(1), 1)], false, NOW);
        assert_eq!(ledger.next().map(|want| want.want_type), Some(WantType::Have));
        ledger.apply(vec![Want::block(cid(1), 1)], false, NOW);
        ledger.answered(&cid(1), WantType::Have);
        assert_eq!(ledger.next().map(|want| want.want_type), Some(WantType::Block));
        // And hearing of it is no step back.
        ledger.apply(vec![Want::have(cid(1), 1)], false, NOW);
        assert_eq!(ledger.next().map(|want| want.want_type), Some(WantType::Block));
    }

    #[test]
    fn what_is_not_here_is_remembered_for_a_while() {
        let mut ledger = Ledger::new(2);
        let soon = Duration::from_secs(1);
        ledger.apply(vec![Want::block(cid(1), 1), Want::block(cid(2), 1)], false, NOW);
        for cid in order(&mut ledger) {
            ledger.wait(&cid, soon);
        }
        assert!(!ledger.arrived(cid(3).hash()) && ledger.arrived(cid(1).hash()));
        assert_eq!(order(&mut ledger), [cid(1)]);
        ledger.answered(&cid(1), WantType::Block);
        ledger.expire(soon);
        assert!(ledger.is_empty());
    }
}
