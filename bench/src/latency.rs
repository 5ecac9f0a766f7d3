//! Latencies and what is reported of them.

use std::time::Duration;

/// Latencies of requests, all of them: a few bytes each, and exact.
#[derive(Debug, Default)]
pub(crate) struct Latencies {
    /// Microseconds; one that takes longer than an hour counts as an hour or so.
    micros: Vec<u32>,
}

/// The usual figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) max: Duration,
    pub(crate) mean: Duration,
}

impl Latencies {
    pub(crate) fn record(&mut self, latency: Duration) {
        self.micros
            .push(u32::try_from(latency.as_micros()).unwrap_or(u32::MAX));
    }

    pub(crate) fn len(&self) -> usize {
        self.micros.len()
    }

    /// The summary; zeros if nothing was recorded.
    pub(crate) fn summary(mut self) -> Summary {
        self.micros.sort_unstable();
        let at = |part: f64| {
            // The smallest latency that at least this part of the requests did not exceed.
            let rank = (part * self.micros.len() as f64).ceil() as usize;
            let micros = self.micros.get(rank.saturating_sub(1)).copied().unwrap_or(0);
            Duration::from_micros(u64::from(micros))
        };
        let total: u64 = self.micros.iter().map(|&micros| u64::from(micros)).sum();
        Summary {
            p50: at(0.5),
            p99: at(0.99),
            max: at(1.0),
            mean: Duration::from_micros(total.checked_div(self.micros.len() as u64).unwrap_or(0)),
        }
    }
}

/// Milliseconds, as they are printed.
pub(crate) fn millis(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_ranks() {
        let mut latencies = Latencies::default();
        for micros in (1..=200).rev() {
            latencies.record(Duration::from_micros(micros));
        }
        let summary = latencies.summary();
        assert_eq!(summary.p50, Duration::from_micros(100));
        assert_eq!(summary.p99, Duration::from_micros(198));
        assert_eq!(summary.max, Duration::from_micros(200));
        assert_eq!(summary.mean, Duration::from_micros(100));
    }

    #[test]
    fn nothing_has_a_summary_too() {
        assert_eq!(Latencies::default().summary().max, Duration::ZERO);
    }
}
