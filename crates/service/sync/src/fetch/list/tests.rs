use std::collections::{BTreeMap, BTreeSet};

use alephd_message::{ItemHash, Micros};
use proptest::prelude::*;

use super::*;
use crate::fetch::{What, schedule::Bounds};

const BOUNDS: Bounds = Bounds {
    running: 4,
    running_of_sender: 3,
    capacity: 1_000_000,
    longest_wait: Duration::from_secs(300),
};

fn want(row: i64, sender: &str) -> Want {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&row.to_be_bytes());
    Want {
        row,
        message: ItemHash::Sha256(digest),
        sender: sender.to_owned(),
        name: ItemHash::Sha256(digest),
        what: What::Content,
        since: Micros(row),
    }
}

/// Reads as long as there is something to read; returns how many pages.
fn read(list: &mut List, schedule: &mut Schedule, rows: &BTreeMap<i64, Want>, now: Duration) -> usize {
    let mut pages = 0;
    while let Some(page) = list.next(schedule, now) {
        let found = rows.range(page.after + 1..).map(|(_, want)| want.clone());
        let found = found.take(page.limit as usize).collect();
        list.take(schedule, page, found, now);
        pages += 1;
        assert!(pages < 10_000, "reads for ever");
    }
    pages
}

fn rows(numbers: impl IntoIterator<Item = i64>) -> BTreeMap<i64, Want> {
    numbers.into_iter().map(|row| (row, want(row, "a"))).collect()
}

fn held(schedule: &Schedule) -> BTreeSet<i64> {
    schedule.entries().map(|entry| entry.want.row).collect()
}

const PAUSE: Duration = Duration::from_secs(60);

#[test]
fn a_long_list_is_read_whole_once_and_then_only_what_is_new() {
    let (mut list, mut schedule) = (List::new(PAUSE), Schedule::new(BOUNDS, 0));
    let mut all = rows(1..=2_500);
    assert_eq!(read(&mut list, &mut schedule, &all, Duration::ZERO), 3);
    assert_eq!(held(&schedule).len(), 2_500);
    assert_eq!(list.next_sweep(), Some(PAUSE));
    list.wake();
    all.insert(2_501, want(2_501, "a"));
    assert_eq!(read(&mut list, &mut schedule, &all, Duration::from_secs(5)), 1);
    assert_eq!(held(&schedule).len(), 2_501);
    // What goes meanwhile is noticed with the next turn.
    all.remove(&7);
    assert_eq!(read(&mut list, &mut schedule, &all, PAUSE), 3);
    assert!(!held(&schedule).contains(&7));
}

#[test]
fn an_older_message_that_lacks_something_now_is_found_soon() {
    let (mut list, mut schedule) = (List::new(PAUSE), Schedule::new(BOUNDS, 0));
    let mut all = rows([5]);
    assert_eq!(read(&mut list, &mut schedule, &all, Duration::ZERO), 1);
    all.insert(3, want(3, "a"));
    list.wake();
    // Not at once again, but after the least pause.
    read(&mut list, &mut schedule, &all, Duration::ZERO);
    assert_eq!(held(&schedule), BTreeSet::from([5]));
    let soon = list.next_sweep().unwrap();
    assert_eq!(soon, LEAST_PAUSE);
    read(&mut list, &mut schedule, &all, soon);
    assert_eq!(held(&schedule), BTreeSet::from([3, 5]));
}

#[test]
fn the_first_of_all_is_found_when_it_comes() {
    let (mut list, mut schedule) = (List::new(PAUSE), Schedule::new(BOUNDS, 0));
    assert_eq!(read(&mut list, &mut schedule, &rows([]), Duration::ZERO), 1);
    list.wake();
    let soon = list.next_sweep().unwrap();
    read(&mut list, &mut schedule, &rows([1]), soon);
    assert_eq!(held(&schedule), BTreeSet::from([1]));
}

#[test]
fn a_list_that_cannot_be_read_is_read_later() {
    let (mut list, mut schedule) = (List::new(PAUSE), Schedule::new(BOUNDS, 0));
    assert!(list.next(&mut schedule, Duration::ZERO).is_some());
    list.failed(Duration::ZERO);
    assert_eq!(list.next(&mut schedule, Duration::ZERO), None);
    let later = list.next_sweep().unwrap();
    assert_eq!(later, PAUSE);
    read(&mut list, &mut schedule, &rows([1]), later);
    assert_eq!(held(&schedule), BTreeSet::from([1]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// However little room there is, everything in the list has its turn.
    #[test]
    fn all_have_their_turn(
        counts in prop::collection::vec(1..700usize, 1..5),
        capacity in 4..400usize,
        seed: u64,
    ) {
        let mut all = BTreeMap::new();
        for (sender, count) in counts.iter().enumerate() {
            for _ in 0..*count {
                let row = all.len() as i64 + 1;
                all.insert(row, want(row, &format!("s{sender}")));
            }
        }
        let bounds = Bounds { capacity, running: 4, running_of_sender: 4, ..BOUNDS };
        let (mut list, mut schedule) = (List::new(PAUSE), Schedule::new(bounds, seed));
        let mut tried = BTreeSet::new();
        let mut now = Duration::ZERO;
        // In a turn at least about half of the room is tried.
        let turns = 10 + 8 * all.len() / (capacity / 2).max(1) * counts.len();
        for _ in 0..turns {
            read(&mut list, &mut schedule, &all, now);
            while let Some(want) = schedule.next(now) {
                tried.insert(want.row);
                schedule.failed(&want.name, "no".into(), now);
            }
            now += PAUSE;
            if tried.len() == all.len() {
                break;
            }
        }
        prop_assert_eq!(tried.len(), all.len(), "in {} turns", turns);
    }
}
