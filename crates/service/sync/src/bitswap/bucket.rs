//! Bytes in a second.

use std::time::Duration;

/// Lets a number of units pass in a second. What was taken is a debt that time pays, so that one large
/// piece is no special case.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: u64,
    /// When all debts are paid.
    paid: Duration,
}

/// Unused time that counts.
const BURST: Duration = Duration::from_secs(1);

impl Bucket {
    pub(super) fn new(per_second: u64, now: Duration) -> Self {
        Self {
            per_second: per_second.max(1),
            paid: now,
        }
    }

    /// Takes units; they are not waited for.
    pub(super) fn take(&mut self, units: u64, now: Duration) {
        let cost = Duration::from_secs_f64(units as f64 / self.per_second as f64);
        self.paid = self.paid.max(now.saturating_sub(BURST)).saturating_add(cost);
    }

    /// How long to wait before anything else is taken.
    pub(super) fn wait(&self, now: Duration) -> Duration {
        self.paid.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debts_are_paid_by_time() {
        let at = Duration::from_secs;
        let mut bucket = Bucket::new(100, at(10));
        assert_eq!(bucket.wait(at(10)), Duration::ZERO);
        bucket.take(250, at(10));
        assert_eq!(bucket.wait(at(10)), Duration::from_millis(2500));
        assert_eq!(bucket.wait(at(12)), Duration::from_millis(500));
        // A second that was not used is there, an hour is not.
        bucket.take(200, at(3600));
        assert_eq!(bucket.wait(at(3600)), Duration::from_secs(1));
    }
}
