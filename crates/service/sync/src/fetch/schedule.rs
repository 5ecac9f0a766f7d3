//! What to try when. No time passes here and nothing is fetched: the time is an argument, and what
//! comes of an attempt is told.
//!
//! ```text
//!             ┌──────── due ─────────┐
//!             ▼                      │
//!   add ──▶ ready, by sender ──▶ running ──▶ failed ──▶ waiting
//!             senders take turns     └──▶ done: forgotten
//! ```
//!
//! # When there is more than fits
//!
//! The list is in the store and may be longer than [`Bounds::capacity`]. A new want then takes the
//! place of one of the sender that has the most here, unless that is its own sender; it is refused
//! then. While anything is refused, what fails is forgotten instead of kept for later: whoever reads
//! the list goes round it and offers everything again, so everything has its turn.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use alephd_message::{ItemHash, Micros};

/// Waits that end later than this are cut to it by [`Schedule::hasten`].
const SOON: Duration = Duration::from_secs(10);

/// What a missing name is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The content of a message.
    Content,
    /// The file of a STORE.
    File,
}

/// Something that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The number of the message in the store: larger for later ones.
    pub row: i64,
    /// The message that waits.
    pub message: ItemHash,
    /// Who sent it.
    pub sender: String,
    /// What is missing.
    pub name: ItemHash,
    /// What for.
    pub what: What,
    /// Since when.
    pub since: Micros,
}

/// The bounds of a schedule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Attempts at the same time.
    pub(crate) running: usize,
    /// Attempts at the same time for one sender.
    pub(crate) running_of_sender: usize,
    /// Wants in memory.
    pub(crate) capacity: usize,
    /// The longest wait between two attempts.
    pub(crate) longest_wait: Duration,
}

/// What became of a want that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    New,
    /// In the place of the one with this number.
    Instead(i64),
    /// It was there; another message may want the same.
    Known,
    /// No room for more of this sender.
    Crowded,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Schedule {
    bounds: Bounds,
    random: Random,
    entries: HashMap<ItemHash, Entry>,
    lines: HashMap<Arc<str>, Line>,
    /// Senders with something ready, the next one first. Each at most once.
    turns: VecDeque<Arc<str>>,
    /// Senders by how much of theirs is here.
    longest: BTreeSet<(usize, Arc<str>)>,
    waiting: BTreeSet<(Duration, u64, ItemHash)>,
    running: usize,
    /// Numbers admissions and places in lines.
    counter: u64,
    /// The reading of the list that is under way.
    pass: u64,
    crowded: bool,
}

/// One want.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) want: Want,
    pub(crate) attempts: u32,
    pub(crate) error: Option<String>,
    pub(crate) place: Place,
    sender: Arc<str>,
    admitted: u64,
    pass: u64,
}

/// Where a want is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the line of its sender, at the place with this number.
    Ready(u64),
    /// Until then.
    Waiting(Duration, u64),
    Running,
}

/// The wants of a sender.
#[derive(Debug, Default)]
struct Line {
    /// All of them, by their admission.
    held: BTreeMap<u64, ItemHash>,
    ready: VecDeque<(u64, ItemHash)>,
    running: usize,
    has_turn: bool,
}

impl Schedule {
    /// An empty schedule. Equal seeds make equal waits.
    pub(crate) fn new(bounds: Bounds, seed: u64) -> Self {
        Self {
            bounds,
            random: Random(seed),
            entries: HashMap::new(),
            lines: HashMap::new(),
            turns: VecDeque::new(),
            longest: BTreeSet::new(),
            waiting: BTreeSet::new(),
            running: 0,
            counter: 0,
            pass: 0,
            crowded: false,
        }
    }

    /// Adds a want, to be tried as soon as it is its sender's turn.
    pub(crate) fn add(&mut self, want: Want) -> Added {
        if let Some(known) = self.entries.get_mut(&want.name) {
            known.pass = self.pass;
            return Added::Known;
        }
        let sender: Arc<str> = match self.lines.get_key_value(&want.sender[..]) {
            Some((sender, _)) => Arc::clone(sender),
            None => want.sender[..].into(),
        };
        let mut added = Added::New;
        if self.entries.len() >= self.bounds.capacity.max(1) {
            self.crowded = true;
            let Some(row) = self.make_room(&sender) else {
                return Added::Crowded;
            };
            added = Added::Instead(row);
        }
        let (admitted, name) = (self.count(), want.name.clone());
        let entry = Entry {
            want,
            attempts: 0,
            error: None,
            place: Place::Running,
            sender: Arc::clone(&sender),
            admitted,
            pass: self.pass,
        };
        self.entries.insert(name.clone(), entry);
        self.with_line(&sender, |line| line.held.insert(admitted, name.clone()));
        self.make_ready(&name);
        added
    }

    /// The next want to try now; it is running then.
    pub(crate) fn next(&mut self, now: Duration) -> Option<Want> {
        self.wake(now);
        if self.running >= self.bounds.running.max(1) {
            return None;
        }
        for _ in 0..self.turns.len() {
            let sender = self.turns.pop_front()?;
            let line = self.lines.get_mut(&sender)?;
            let may = line.running < self.bounds.running_of_sender.max(1);
            let mut taken = None;
            while let Some((number, name)) = line.ready.front().filter(|_| may).cloned() {
                line.ready.pop_front();
                // Those that were forgotten meanwhile are still in the line.
                let entry = self.entries.get_mut(&name);
                if let Some(entry) = entry.filter(|entry| entry.place == Place::Ready(number)) {
                    entry.place = Place::Running;
                    line.running += 1;
                    taken = Some(entry.want.clone());
                    break;
                }
            }
            line.has_turn = !line.ready.is_empty();
            if line.has_turn {
                self.turns.push_back(sender);
            }
            if taken.is_some() {
                self.running += 1;
                return taken;
            }
        }
        None
    }

    /// It is here.
    pub(crate) fn done(&mut self, name: &ItemHash) {
        self.stop(name);
        self.forget(name);
    }

    /// It did not come.
    pub(crate) fn failed(&mut self, name: &ItemHash, error: String, now: Duration) {
        self.stop(name);
        if self.crowded {
            self.forget(name);
            return;
        }
        let longest = self.bounds.longest_wait;
        let number = self.count();
        let Some(entry) = self.entries.get_mut(name) else {
            return;
        };
        entry.attempts = entry.attempts.saturating_add(1);
        entry.error = Some(error);
        let wait = Duration::from_secs(1 << entry.attempts.min(30)).min(longest) / 2;
        let due = now + wait + self.random.below(wait);
        entry.place = Place::Waiting(due, number);
        self.waiting.insert((due, number, name.clone()));
    }

    /// Whoever may have what is missing has come: what would wait for long is tried soon.
    pub(crate) fn hasten(&mut self, now: Duration) {
        let late = self
            .waiting
            .split_off(&(now + SOON, 0, ItemHash::Sha256([0; 32])));
        for (_, number, name) in late {
            let due = now + self.random.below(SOON);
            if let Some(entry) = self.entries.get_mut(&name) {
                entry.place = Place::Waiting(due, number);
                self.waiting.insert((due, number, name));
            }
        }
    }

    /// When [`Schedule::next`] may have something that it has not now, if nothing else happens.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.waiting.first().map(|(due, ..)| *due)
    }

    /// The reading of the list begins anew.
    pub(crate) fn begin_pass(&mut self) {
        self.pass += 1;
        self.crowded = false;
    }

    /// The list was read to its end: what was not in it is not wanted any more.
    pub(crate) fn end_pass(&mut self) {
        let pass = self.pass;
        let gone = self
            .entries
            .values()
            .filter(|entry| entry.pass < pass && entry.place != Place::Running)
            .map(|entry| entry.want.name.clone());
        for name in gone.collect::<Vec<_>>() {
            self.forget(&name);
        }
    }

    /// Whether something was refused in the last reading of the list.
    pub(crate) fn is_crowded(&self) -> bool {
        self.crowded
    }

    /// Whether much more fits.
    pub(crate) fn has_room(&self) -> bool {
        self.entries.len() < self.bounds.capacity / 2
    }

    /// Everything that is here.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// Attempts under way.
    pub(crate) fn running(&self) -> usize {
        self.running
    }

    fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Moves what is due into the lines.
    fn wake(&mut self, now: Duration) {
        while self.waiting.first().is_some_and(|(due, ..)| *due <= now) {
            if let Some((_, _, name)) = self.waiting.pop_first() {
                self.make_ready(&name);
            }
        }
    }

    fn make_ready(&mut self, name: &ItemHash) {
        let number = self.count();
        let Some(entry) = self.entries.get_mut(name) else {
            return;
        };
        entry.place = Place::Ready(number);
        if let Some(line) = self.lines.get_mut(&entry.sender) {
            line.ready.push_back((number, name.clone()));
            if !std::mem::replace(&mut line.has_turn, true) {
                self.turns.push_back(Arc::clone(&entry.sender));
            }
        }
    }

    /// An attempt ended.
    fn stop(&mut self, name: &ItemHash) {
        let Some(entry) = self.entries.get(name) else {
            return;
        };
        if entry.place == Place::Running {
            self.running -= 1;
            if let Some(line) = self.lines.get_mut(&entry.sender) {
                line.running -= 1;
            }
        }
    }

    /// Removes a want that is not running.
    fn forget(&mut self, name: &ItemHash) {
        let Some(entry) = self.entries.remove(name) else {
            return;
        };
        if let Place::Waiting(due, number) = entry.place {
            self.waiting.remove(&(due, number, name.clone()));
        }
        self.with_line(&entry.sender, |line| line.held.remove(&entry.admitted));
    }

    /// Changes what a sender has here.
    fn with_line<T>(&mut self, sender: &Arc<str>, change: impl FnOnce(&mut Line) -> T) {
        let line = self.lines.entry(Arc::clone(sender)).or_default();
        self.longest.remove(&(line.held.len(), Arc::clone(sender)));
        change(line);
        let held = line.held.len();
        if held > 0 {
            self.longest.insert((held, Arc::clone(sender)));
        } else {
            // What is left in its line are names that were forgotten.
            if line.has_turn {
                self.turns.retain(|other| other != sender);
            }
            self.lines.remove(sender);
        }
    }

    /// Makes room for a want of `sender` at the cost of whoever has the most. The number of what went.
    fn make_room(&mut self, sender: &Arc<str>) -> Option<i64> {
        let own = self.lines.get(sender).map_or(0, |line| line.held.len());
        let (most, richest) = self.longest.last()?;
        if *most <= own + 1 {
            return None;
        }
        let mut latest = self.lines.get(richest)?.held.values().rev();
        let latest = latest.find_map(|name| {
            let entry = self.entries.get(name)?;
            (entry.place != Place::Running).then(|| (name.clone(), entry.want.row))
        });
        let (name, row) = latest?;
        self.forget(&name);
        Some(row)
    }
}

/// SplitMix64: enough to spread attempts.
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From nothing to `end`.
    fn below(&mut self, end: Duration) -> Duration {
        let micros = u64::try_from(end.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(((u128::from(self.bits()) * u128::from(micros)) >> 64) as u64)
    }

    /// Brings items into a random order.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = ((u128::from(self.bits()) * (last as u128 + 1)) >> 64) as usize;
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests;
