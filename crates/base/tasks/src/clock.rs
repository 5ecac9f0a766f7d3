//! The only place where the time is read.
//!
//! Two readings exist and must not be mixed. [`Clock::now_micros`] is calendar time: it is what
//! messages carry, and it may jump when an administrator or NTP sets it. [`Clock::monotonic`]
//! never goes back and is what intervals, timeouts and retry delays are measured with.
//!
//! Calendar time is a bare `i64` here because this crate knows nothing of the protocol; the
//! message crate has a newtype for it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// A future that is ready when the asked time has passed.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A source of time, passed in so that tests decide what time it is.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Microseconds since the Unix epoch, UTC.
    fn now_micros(&self) -> i64;

    /// Time since an origin that is fixed for the life of this clock. Never decreases.
    fn monotonic(&self) -> Duration;

    /// Waits until [`Clock::monotonic`] has advanced by `duration`.
    fn sleep(&self, duration: Duration) -> Sleep;
}

/// The time of this machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock whose monotonic origin is this instant.
    #[expect(clippy::disallowed_methods, reason = "the one place where the time is read")]
    pub fn new() -> Self {
        Self {
            origin: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the time is read")]
    fn now_micros(&self) -> i64 {
        // A machine clock outside i64 microseconds (the years -290 000 to 290 000) is broken;
        // saturating keeps a node on such a machine alive enough to say so.
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
        }
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A clock that stands still until a test moves it. Clones share the same time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    reading: watch::Sender<Reading>,
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    now_micros: i64,
    monotonic: Duration,
}

impl ManualClock {
    /// A clock that shows `now_micros`.
    pub fn new(now_micros: i64) -> Self {
        let reading = Reading {
            now_micros,
            monotonic: Duration::ZERO,
        };
        Self {
            reading: watch::Sender::new(reading),
        }
    }

    /// Moves both readings forward and wakes the sleepers whose time has come.
    pub fn advance(&self, by: Duration) {
        self.reading.send_modify(|reading| {
            let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            reading.now_micros = reading.now_micros.saturating_add(micros);
            reading.monotonic = reading.monotonic.saturating_add(by);
        });
    }

    /// Sets calendar time alone, forward or back, as an administrator would. Nobody wakes.
    pub fn set_now_micros(&self, now_micros: i64) {
        self.reading
            .send_modify(|reading| reading.now_micros = now_micros);
    }

    /// How many sleeps wait for this clock. A test that must not advance too early waits for
    /// this number with [`ManualClock::wait_for_sleepers`].
    pub fn sleepers(&self) -> usize {
        self.reading.receiver_count()
    }

    /// Yields to other tasks of this runtime until at least `count` sleeps wait.
    pub async fn wait_for_sleepers(&self, count: usize) {
        while self.sleepers() < count {
            tokio::task::yield_now().await;
        }
    }
}

impl Clock for ManualClock {
    fn now_micros(&self) -> i64 {
        self.reading.borrow().now_micros
    }

    fn monotonic(&self) -> Duration {
        self.reading.borrow().monotonic
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let deadline = self.monotonic().saturating_add(duration);
        let mut reading = self.reading.subscribe();
        Box::pin(async move {
            if reading
                .wait_for(|reading| reading.monotonic >= deadline)
                .await
                .is_err()
            {
                // Every handle of the clock is gone: its time will never come.
                std::future::pending::<()>().await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_clock_is_after_2020_and_does_not_go_back() {
        let clock = SystemClock::new();
        assert!(clock.now_micros() > 1_577_836_800_000_000);
        let first = clock.monotonic();
        assert!(clock.monotonic() >= first);
    }

    #[tokio::test]
    async fn sleepers_wake_in_the_order_of_their_deadlines() {
        let clock = ManualClock::new(5);
        let mut short = clock.sleep(Duration::from_secs(1));
        let mut long = clock.sleep(Duration::from_secs(10));
        assert_eq!(clock.sleepers(), 2);

        clock.advance(Duration::from_secs(1));
        tokio::select! {
            biased;
            () = &mut long => panic!("the long sleep woke early"),
            () = &mut short => {}
        }
        clock.advance(Duration::from_secs(9));
        long.await;
        assert_eq!(clock.now_micros(), 10_000_005);
        assert_eq!(clock.monotonic(), Duration::from_secs(10));
    }

    #[tokio::test]
    async fn setting_the_calendar_wakes_nobody() {
        let clock = ManualClock::new(0);
        let mut sleep = clock.sleep(Duration::from_micros(1));
        clock.set_now_micros(1_000_000_000);
        tokio::select! {
            biased;
            () = &mut sleep => panic!("woken by calendar time"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(clock.now_micros(), 1_000_000_000);
        assert_eq!(clock.monotonic(), Duration::ZERO);
        clock.set_now_micros(-7);
        assert_eq!(clock.now_micros(), -7);
    }

    #[tokio::test]
    async fn a_finished_sleep_is_no_longer_counted() {
        let clock = ManualClock::new(0);
        let other = clock.clone();
        let waiting = async { other.sleep(Duration::from_secs(3)).await };
        let moving = async {
            clock.wait_for_sleepers(1).await;
            clock.advance(Duration::from_secs(3));
        };
        tokio::join!(waiting, moving);
        assert_eq!(clock.sleepers(), 0);
    }
}
