use proptest::prelude::*;

use super::*;

const BOUNDS: Bounds = Bounds {
    running: 4,
    running_of_sender: 3,
    capacity: 1_000,
    longest_wait: Duration::from_secs(300),
};

fn name(number: u64) -> ItemHash {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&number.to_be_bytes());
    ItemHash::Sha256(digest)
}

fn want(sender: &str, number: u64) -> Want {
    Want {
        row: number as i64,
        message: name(number | 1 << 40),
        sender: sender.to_owned(),
        name: name(number),
        what: What::File,
        since: Micros(0),
    }
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn senders(schedule: &mut Schedule, count: usize) -> Vec<String> {
    let mut found = Vec::new();
    for _ in 0..count {
        let want = schedule.next(Duration::ZERO).expect("something is ready");
        found.push(want.sender.clone());
        schedule.done(&want.name);
    }
    found
}

#[test]
fn one_next_to_two_hundred() {
    let mut schedule = Schedule::new(BOUNDS, 1);
    for number in 0..200 {
        assert_eq!(schedule.add(want("many", number)), Added::New);
    }
    schedule.add(want("one", 200));
    schedule.add(want("two", 201));
    schedule.add(want("two", 202));
    let order = senders(&mut schedule, 7);
    assert_eq!(order, ["many", "one", "two", "many", "two", "many", "many"]);
}

#[test]
fn a_sender_whose_wants_hang_leaves_room_for_others() {
    let mut schedule = Schedule::new(BOUNDS, 1);
    for number in 0..200 {
        schedule.add(want("many", number));
    }
    while schedule.next(Duration::ZERO).is_some() {}
    assert_eq!(schedule.running(), 3);
    schedule.add(want("one", 200));
    assert_eq!(schedule.next(Duration::ZERO).unwrap().sender, "one");
    schedule.add(want("two", 201));
    // Everything is taken now.
    assert_eq!(schedule.next(Duration::ZERO), None);
    // The next turn, and the one after it.
    for (number, sender) in [(0, "many"), (1, "two")] {
        schedule.failed(&name(number), "no".into(), Duration::ZERO);
        assert_eq!(schedule.next(Duration::ZERO).unwrap().sender, sender);
    }
}

#[test]
fn waits_double_up_to_the_longest() {
    let mut schedule = Schedule::new(BOUNDS, 7);
    schedule.add(want("a", 1));
    let mut now = Duration::ZERO;
    for attempt in 1..40u32 {
        let running = schedule.next(now).expect("due");
        schedule.failed(&running.name, "no".into(), now);
        let due = schedule.next_due().unwrap();
        let most = secs(1 << attempt.min(30)).min(secs(300));
        assert!(
            due - now >= most / 2 && due - now <= most,
            "{attempt}: {:?}",
            due - now
        );
        assert_eq!(schedule.next(due - Duration::from_micros(1)), None);
        now = due;
    }
    assert_eq!(schedule.entries().next().unwrap().attempts, 39);
}

#[test]
fn waits_differ() {
    let mut schedule = Schedule::new(BOUNDS, 7);
    for number in 0..3 {
        schedule.add(want("a", number));
    }
    let names: Vec<_> = std::iter::from_fn(|| schedule.next(Duration::ZERO)).collect();
    for want in names {
        schedule.failed(&want.name, "no".into(), Duration::ZERO);
    }
    let dues: BTreeSet<_> = schedule.waiting.iter().map(|(due, ..)| *due).collect();
    assert_eq!(dues.len(), 3);
}

#[test]
fn somebody_came() {
    let mut schedule = Schedule::new(BOUNDS, 7);
    schedule.add(want("a", 1));
    let mut now = Duration::ZERO;
    for _ in 0..12 {
        let running = schedule.next(now).expect("due");
        schedule.failed(&running.name, "no".into(), now);
        now = schedule.next_due().unwrap();
    }
    let running = schedule.next(now).unwrap();
    schedule.failed(&running.name, "no".into(), now);
    assert!(schedule.next_due().unwrap() >= now + secs(150));
    schedule.hasten(now);
    assert!(schedule.next_due().unwrap() <= now + SOON);
    let soon = schedule.next(now + SOON).unwrap();
    assert_eq!(soon.name, name(1));
}

#[test]
fn what_is_not_in_the_list_any_more_is_forgotten() {
    let mut schedule = Schedule::new(BOUNDS, 7);
    schedule.begin_pass();
    for number in 0..3 {
        schedule.add(want("a", number));
    }
    schedule.end_pass();
    assert_eq!(schedule.entries().count(), 3);
    let running = schedule.next(Duration::ZERO).unwrap();
    assert_eq!(running.name, name(0));
    schedule.begin_pass();
    assert_eq!(schedule.add(want("a", 2)), Added::Known);
    schedule.end_pass();
    // The one that runs is forgotten when it has ended.
    let left: BTreeSet<_> = schedule.entries().map(|entry| entry.want.row).collect();
    assert_eq!(left, BTreeSet::from([0, 2]));
    schedule.done(&name(0));
    assert_eq!(schedule.next(Duration::ZERO).unwrap().name, name(2));
    schedule.done(&name(2));
    assert!(schedule.lines.is_empty() && schedule.longest.is_empty() && schedule.turns.is_empty());
}

#[test]
fn when_it_is_full_the_sender_with_the_most_gives_way() {
    let bounds = Bounds {
        capacity: 10,
        ..BOUNDS
    };
    let mut schedule = Schedule::new(bounds, 7);
    for number in 0..10 {
        assert_eq!(schedule.add(want("many", number)), Added::New);
    }
    assert_eq!(schedule.add(want("many", 10)), Added::Crowded);
    for number in 20..26 {
        // The latest of the other sender goes.
        let expected = match number {
            20..25 => Added::Instead(9 - (number as i64 - 20)),
            _ => Added::Crowded,
        };
        assert_eq!(schedule.add(want("few", number)), expected, "{number}");
    }
    assert_eq!(schedule.entries().count(), 10);
    assert!(schedule.is_crowded());
    // What fails makes room.
    let want = schedule.next(Duration::ZERO).unwrap();
    schedule.failed(&want.name, "no".into(), Duration::ZERO);
    assert_eq!(schedule.entries().count(), 9);
}

/// Steps of a random history.
#[derive(Clone, Debug)]
enum Act {
    Add(u8, u16),
    Next,
    Done(u8),
    Failed(u8),
    Pass(u16),
    Later(u16),
    Hasten,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (0..6u8, 0..60u16).prop_map(|(sender, number)| Act::Add(sender, number)),
        4 => Just(Act::Next),
        2 => any::<u8>().prop_map(Act::Done),
        3 => any::<u8>().prop_map(Act::Failed),
        1 => (1..60u16).prop_map(Act::Pass),
        3 => (0..400u16).prop_map(Act::Later),
        1 => Just(Act::Hasten),
    ];
    prop::collection::vec(act, 0..300)
}

/// What the parts of a schedule must agree on.
fn check(schedule: &Schedule) {
    assert!(schedule.running <= schedule.bounds.running);
    assert!(schedule.entries.len() <= schedule.bounds.capacity);
    let in_place = |wanted: fn(&Place) -> bool| {
        let entries = schedule.entries.values();
        entries.filter(|entry| wanted(&entry.place)).count()
    };
    assert_eq!(in_place(|place| *place == Place::Running), schedule.running);
    assert_eq!(
        in_place(|place| matches!(place, Place::Waiting(..))),
        schedule.waiting.len()
    );
    let lines = schedule.lines.iter();
    for (sender, line) in lines {
        assert!(line.running <= schedule.bounds.running_of_sender);
        assert!(!line.held.is_empty());
        assert!(schedule.longest.contains(&(line.held.len(), Arc::clone(sender))));
        assert_eq!(line.has_turn, schedule.turns.contains(sender));
    }
    assert_eq!(schedule.longest.len(), schedule.lines.len());
    for entry in schedule.entries.values() {
        let line = &schedule.lines[&entry.sender];
        assert_eq!(line.held.get(&entry.admitted), Some(&entry.want.name));
        if let Place::Ready(number) = entry.place {
            assert!(line.has_turn && line.ready.contains(&(number, entry.want.name.clone())));
        }
    }
}

proptest! {
    #[test]
    fn bounds_hold_and_nothing_gets_lost(acts in acts(), capacity in 3..40usize, seed: u64) {
        let mut schedule = Schedule::new(Bounds { capacity, ..BOUNDS }, seed);
        let mut now = Duration::ZERO;
        let mut running: Vec<ItemHash> = Vec::new();
        let pick = |running: &mut Vec<ItemHash>, at: u8| {
            (!running.is_empty()).then(|| running.remove(usize::from(at) % running.len()))
        };
        for act in acts {
            match act {
                Act::Add(sender, number) => {
                    schedule.add(want(&format!("s{sender}"), u64::from(number)));
                }
                Act::Next => running.extend(schedule.next(now).map(|want| want.name)),
                Act::Done(at) => {
                    if let Some(name) = pick(&mut running, at) {
                        schedule.done(&name);
                    }
                }
                Act::Failed(at) => {
                    if let Some(name) = pick(&mut running, at) {
                        schedule.failed(&name, "no".into(), now);
                    }
                }
                Act::Pass(kept) => {
                    schedule.begin_pass();
                    for number in 0..kept {
                        schedule.add(want(&format!("s{}", number % 6), u64::from(number)));
                    }
                    schedule.end_pass();
                }
                Act::Later(seconds) => now += secs(u64::from(seconds)),
                Act::Hasten => schedule.hasten(now),
            }
            check(&schedule);
        }
        prop_assert_eq!(running.len(), schedule.running());
        // In the end everything is tried.
        for name in running {
            schedule.failed(&name, "no".into(), now);
        }
        now += secs(300);
        let mut left = schedule.entries().count();
        while let Some(want) = schedule.next(now) {
            schedule.done(&want.name);
            check(&schedule);
            left -= 1;
        }
        prop_assert_eq!(left, 0);
    }

    /// Every want of every sender is tried again and again, whoever else there is.
    #[test]
    fn nobody_starves(
        crowd in prop::collection::vec(1..120u64, 1..6),
        slow in 1..30u64,
        seed: u64,
    ) {
        let mut schedule = Schedule::new(BOUNDS, seed);
        let mut number = 0;
        for (sender, count) in crowd.iter().enumerate() {
            for _ in 0..*count {
                schedule.add(want(&format!("s{sender}"), number));
                number += 1;
            }
        }
        let mut tried = vec![0u32; number as usize];
        let mut running: VecDeque<(Duration, ItemHash, i64)> = VecDeque::new();
        let mut now = Duration::ZERO;
        // Each attempt takes `slow` seconds: all of them three times, and the longest waits between.
        let rounds = 3 * (number * slow + 600);
        while now < secs(rounds) {
            while running.front().is_some_and(|(end, ..)| *end <= now) {
                let (_, name, row) = running.pop_front().unwrap();
                tried[row as usize] += 1;
                schedule.failed(&name, "no".into(), now);
            }
            while let Some(want) = schedule.next(now) {
                running.push_back((now + secs(slow), want.name, want.row));
            }
            let next = running.front().map(|(end, ..)| *end).into_iter().chain(schedule.next_due()).min();
            now = next.expect("something goes on").max(now);
        }
        prop_assert!(tried.iter().all(|times| *times >= 3), "{tried:?}");
    }
}
