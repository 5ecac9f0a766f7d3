//! Messages per second over the last minutes.

/// How far back the counts reach: five minutes, the width of the chart on the page.
pub(crate) const SECONDS: usize = 300;

/// A ring of counts, one a second.
pub(super) struct Rate {
    /// The count of second `s` stands at `s % SECONDS`.
    counts: [u32; SECONDS],
    newest: u64,
}

impl Rate {
    /// No messages until this second.
    pub(super) fn new(second: u64) -> Self {
        Self {
            counts: [0; SECONDS],
            newest: second,
        }
    }

    /// Counts a message.
    pub(super) fn count(&mut self, second: u64) {
        self.advance(second);
        let count = &mut self.counts[slot(second)];
        *count = count.saturating_add(1);
    }

    /// All counts, oldest first; the last is that of the current second.
    pub(super) fn read(&mut self, second: u64) -> Vec<u32> {
        self.advance(second);
        let oldest = slot(self.newest.wrapping_add(1));
        let (tail, head) = self.counts.split_at(oldest);
        [head, tail].concat()
    }

    /// Empties the seconds between the last one looked at and this.
    fn advance(&mut self, second: u64) {
        let passed = second.saturating_sub(self.newest).min(SECONDS as u64);
        for step in 0..passed {
            self.counts[slot(second - step)] = 0;
        }
        self.newest = self.newest.max(second);
    }
}

fn slot(second: u64) -> usize {
    (second % SECONDS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_move_to_the_left_and_fall_off() {
        let mut rate = Rate::new(1_000);
        rate.count(1_000);
        rate.count(1_000);
        rate.count(1_003);
        let read = rate.read(1_004);
        assert_eq!(read.len(), SECONDS);
        assert_eq!(read[SECONDS - 5..], [2, 0, 0, 1, 0]);
        assert_eq!(read.iter().sum::<u32>(), 3);
        let read = rate.read(1_000 + SECONDS as u64);
        assert_eq!(
            (read[0], read[2], read.iter().sum::<u32>()),
            (0, 1, 1),
            "the oldest are gone"
        );
        assert_eq!(
            rate.read(5_000_000).iter().sum::<u32>(),
            0,
            "a long pause empties all"
        );
        rate.count(5_000_000);
        assert_eq!(rate.read(5_000_000)[SECONDS - 1], 1);
    }
}
