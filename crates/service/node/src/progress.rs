//! Telling how far long work is: a bar for people, lines for scripts.

use std::{
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use alephd_tasks::Clock;

/// A line is written after that many messages, and after each tenth of a known amount.
const LINE_EVERY: u64 = 50_000;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// A bar on standard error.
    Bar,
    /// Lines `progress COUNT SECONDS` on standard error.
    Lines,
    /// Not at all.
    Nothing,
}

/// The progress of one work.
pub(crate) struct Progress {
    clock: Arc<dyn Clock>,
    started: Duration,
    show: Show,
    bar: Option<ProgressBar>,
    /// All of it, in the unit of `advance`'s `position`.
    total: Option<u64>,
    next_count: u64,
    next_tenth: u64,
}

impl Progress {
    pub(crate) fn new(show: Show, total: Option<u64>, clock: Arc<dyn Clock>) -> Self {
        let bar = (show == Show::Bar).then(|| {
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(5));
            let template = match total {
                Some(_) => "{bar:30} {percent:>3} %  {msg}  {elapsed}, {eta} to go",
                None => "{spinner} {msg}  {elapsed}",
            };
            bar.with_style(
                ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
            )
        });
        let started = clock.monotonic();
        Self {
            clock,
            started,
            show,
            bar,
            total,
            next_count: LINE_EVERY,
            next_tenth: 1,
        }
    }

    /// Since the beginning.
    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.monotonic().saturating_sub(self.started)
    }

    /// `count` messages are done, which is `position` of the total.
    pub(crate) fn advance(&mut self, count: u64, position: u64) {
        match self.show {
            Show::Nothing => {}
            Show::Bar => {
                if let Some(bar) = &self.bar {
                    let rate = count as f64 / self.elapsed().as_secs_f64().max(0.001);
                    bar.set_message(format!("{count} messages, {rate:.0}/s"));
                    bar.set_position(position);
                }
            }
            Show::Lines => self.lines(count, position),
        }
    }

    /// The work is over.
    pub(crate) fn finish(&mut self, count: u64) {
        match self.show {
            Show::Nothing => {}
            Show::Bar => {
                if let Some(bar) = &self.bar {
                    bar.finish_and_clear();
                }
            }
            Show::Lines => self.line(count),
        }
    }

    fn lines(&mut self, count: u64, position: u64) {
        let tenth = self
            .total
            .map_or(0, |total| position.saturating_mul(10) / total.max(1));
        // The last tenth is told by `finish`.
        let is_tenth = tenth >= self.next_tenth && tenth < 10;
        if !is_tenth && count < self.next_count {
            return;
        }
        self.next_tenth = self.next_tenth.max(tenth + 1);
        while count >= self.next_count {
            self.next_count += LINE_EVERY;
        }
        self.line(count);
    }

    fn line(&self, count: u64) {
        // A closed standard error is no reason to stop the work.
        let _ = writeln!(
            io::stderr().lock(),
            "progress {count} {:.3}",
            self.elapsed().as_secs_f64()
        );
    }
}
