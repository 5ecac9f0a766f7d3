//! When to read which part of the list of what is missing. Pure, as the schedule is.
//!
//! The whole list is read in turns: at the start, now and then, and when there is room again for
//! what did not fit. In between, when a message was parked, only what is behind the last one known.
//! A turn begins with the first for which there was no room in the last one, goes to the end and round.

use std::time::Duration;

use super::{
    Want,
    schedule::{Added, Schedule},
};

/// Wants read at once.
pub(crate) const PAGE: u64 = 1_000;
/// Least time between two turns, however often somebody asks.
const LEAST_PAUSE: Duration = Duration::from_secs(1);

/// A part of the list to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) after: i64,
    pub(crate) limit: u64,
    part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// What is new.
    Tail,
    Turn,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct List {
    pause: Duration,
    /// The largest number seen.
    tail: i64,
    tail_wanted: bool,
    turn_wanted: bool,
    /// Where the turn that is under way goes on.
    turn: Option<Turn>,
    next_turn: Duration,
    last_turn: Option<Duration>,
    /// Behind what a turn begins.
    start: i64,
    /// The first of the turn for which there was no room.
    lost: Option<i64>,
    /// Whether the last turn was a single page: then it is as cheap as reading what is new.
    is_short: bool,
}

#[derive(Debug)]
struct Turn {
    after: i64,
    /// Whether the end was reached and the rest is before `start`.
    is_round: bool,
    pages: u64,
}

impl List {
    /// A list of which the whole is read every `pause`, at first at once.
    pub(crate) fn new(pause: Duration) -> Self {
        Self {
            pause,
            tail: 0,
            tail_wanted: false,
            turn_wanted: false,
            turn: None,
            next_turn: Duration::ZERO,
            last_turn: None,
            start: 0,
            lost: None,
            is_short: true,
        }
    }

    /// Something is new. It may be an older message that lacked something else before, which is not
    /// behind the last one known.
    pub(crate) fn wake(&mut self) {
        self.tail_wanted = true;
        self.turn_wanted = self.is_short;
    }

    /// What to read now.
    pub(crate) fn next(&mut self, schedule: &mut Schedule, now: Duration) -> Option<Page> {
        let may = self.last_turn.is_none_or(|last| now >= last + LEAST_PAUSE);
        let hungry = schedule.is_crowded() && schedule.has_room();
        let due = now >= self.next_turn || (may && (hungry || self.turn_wanted));
        if self.turn.is_none() && due {
            schedule.begin_pass();
            self.turn_wanted = false;
            self.last_turn = Some(now);
            self.turn = Some(Turn {
                after: self.start,
                is_round: self.start == 0,
                pages: 0,
            });
        }
        if self.tail > 0 && std::mem::take(&mut self.tail_wanted) {
            return Some(page(self.tail, Part::Tail));
        }
        self.turn.as_ref().map(|turn| page(turn.after, Part::Turn))
    }

    /// When [`List::next`] has something if nothing happens before.
    pub(crate) fn next_sweep(&self) -> Option<Duration> {
        if self.turn.is_some() {
            return None;
        }
        let soon = self.last_turn.filter(|_| self.turn_wanted);
        let soon = soon.map(|last| last + LEAST_PAUSE);
        Some(soon.map_or(self.next_turn, |soon| soon.min(self.next_turn)))
    }

    /// The list cannot be read now.
    pub(crate) fn failed(&mut self, now: Duration) {
        self.turn = None;
        self.next_turn = now + self.pause;
    }

    /// Takes what was read.
    pub(crate) fn take(&mut self, schedule: &mut Schedule, page: Page, wants: Vec<Want>, now: Duration) {
        let is_last = (wants.len() as u64) < page.limit;
        let last = wants.last().map_or(page.after, |want| want.row);
        let limit = self.turn.as_ref().filter(|_| page.part == Part::Turn);
        let limit = limit
            .filter(|turn| turn.is_round && self.start > 0)
            .map(|_| self.start);
        for want in wants {
            let row = want.row;
            if limit.is_some_and(|limit| row > limit) {
                break;
            }
            self.tail = self.tail.max(row);
            match schedule.add(want) {
                Added::New | Added::Known => {}
                Added::Instead(other) => self.lose(other),
                Added::Crowded => self.lose(row),
            }
        }
        if page.part == Part::Tail {
            self.tail = self.tail.max(last);
            self.tail_wanted |= !is_last;
            return;
        }
        let Some(turn) = &mut self.turn else {
            return;
        };
        turn.pages += 1;
        turn.after = last;
        let is_past = limit.is_some_and(|limit| last >= limit);
        if !is_last && !is_past {
            return;
        }
        if turn.is_round {
            self.start = self.lost.take().map_or(0, |row| (row - 1).max(0));
            self.is_short = turn.pages == 1;
            self.turn = None;
            self.next_turn = now + self.pause;
            schedule.end_pass();
        } else {
            turn.is_round = true;
            turn.after = 0;
        }
    }

    fn lose(&mut self, row: i64) {
        // In the order of the turn.
        let order = |row: i64| (row <= self.start, row);
        if self.lost.is_none_or(|lost| order(row) < order(lost)) {
            self.lost = Some(row);
        }
    }
}

fn page(after: i64, part: Part) -> Page {
    Page {
        after,
        limit: PAGE,
        part,
    }
}

#[cfg(test)]
mod tests;
