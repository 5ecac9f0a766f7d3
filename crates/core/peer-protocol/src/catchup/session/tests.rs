//! Sessions without streams: any schedule, any size of buffers, and dishonest peers.

mod liars;

use std::collections::{BTreeSet, VecDeque};

use alephd_message::ItemHash;
use alephd_reconcile::{Known, KnownIndex};
use proptest::prelude::*;

use super::*;

/// The element of a number.
fn known(number: u64) -> Known {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    id[24..].copy_from_slice(&number.to_be_bytes());
    Known {
        time: number / 4,
        id,
        row: number as i64,
    }
}

fn set(numbers: impl IntoIterator<Item = u64>) -> Snapshot {
    let mut index = KnownIndex::new();
    index.update(numbers.into_iter().map(known).collect(), Vec::new());
    index.snapshot()
}

fn record(id: Id) -> Record {
    Record::Message {
        hash: ItemHash::Sha256(id),
        copies: vec!["{}".into()],
        content: None,
    }
}

fn settings(limits: Limits) -> Settings {
    Settings {
        network: "test".into(),
        limits,
        ..Settings::default()
    }
}

/// A session with a buffer in front of it.
struct Side {
    session: Session,
    inbox: VecDeque<Vec<u8>>,
    under_way: VecDeque<usize>,
    took: Vec<Id>,
}

impl Side {
    fn new(session: Session) -> Self {
        Self {
            session,
            inbox: VecDeque::new(),
            under_way: VecDeque::new(),
            took: Vec::new(),
        }
    }

    /// Writes one frame to the other side, if there is one.
    fn write_to(&mut self, other: &mut Self) -> bool {
        let Some(output) = self.session.poll() else {
            return false;
        };
        let frame = match output {
            Output::Send(frame) => frame,
            Output::Serve { row, id } => {
                assert_eq!(known(row as u64).id, id, "the row that holds it");
                Frame::Record(Box::new(record(id)))
            }
        };
        other.inbox.push_back(frame.write());
        true
    }

    fn read(&mut self) -> bool {
        if self.session.is_over() || !self.session.has_room() {
            return false;
        }
        let Some(bytes) = self.inbox.pop_front() else {
            return false;
        };
        let frame = Frame::read(&bytes).expect("an honest frame");
        if let Some(record) = self.session.receive(frame).expect("an honest peer") {
            self.took.push(id_of(record.hash()));
            self.under_way.push_back(record.size());
        }
        true
    }

    fn finish_one(&mut self) -> bool {
        let Some(size) = self.under_way.pop_front() else {
            return false;
        };
        self.session.taken(size);
        true
    }
}

/// Runs two sides in an order made from `seed`; each buffer holds `buffer` frames.
fn run(left: &mut Side, right: &mut Side, mut seed: u64, buffer: usize) {
    loop {
        let mut actions: Vec<usize> = (0..6).collect();
        let mut moved = false;
        while !actions.is_empty() && !moved {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let action = actions.swap_remove((seed >> 33) as usize % actions.len());
            moved = match action {
                0 if right.inbox.len() < buffer => left.write_to(right),
                1 if left.inbox.len() < buffer => right.write_to(left),
                2 => left.read(),
                3 => right.read(),
                4 => left.finish_one(),
                5 => right.finish_one(),
                _ => false,
            };
        }
        if !moved {
            break;
        }
    }
    assert!(
        left.session.is_over() && right.session.is_over(),
        "they do not wait for each other"
    );
}

fn pair(ours: &Snapshot, theirs: &Snapshot, limits: &Limits) -> (Side, Side) {
    let left = Session::initiate(ours.clone(), settings(limits.clone()));
    let right = Session::respond(theirs.clone(), settings(limits.clone()));
    (Side::new(left), Side::new(right))
}

fn lacking(ours: &Snapshot, theirs: &Snapshot) -> BTreeSet<Id> {
    let elements = theirs.iter(0..theirs.len());
    elements
        .filter(|known| !ours.contains(&known.element()))
        .map(|known| known.id)
        .collect()
}

fn numbers() -> impl Strategy<Value = BTreeSet<u64>> {
    prop_oneof![
        prop::collection::btree_set(0_u64..60, 0..50),
        prop::collection::btree_set(0_u64..20_000, 0..400),
        (0_u64..1_500, 0_u64..1_200).prop_map(|(start, length)| (start..start + length).collect()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn both_end_with_the_same_and_nothing_else_is_sent(
        common in numbers(), ours in numbers(), theirs in numbers(),
        seed: u64, buffer in 1_usize..9, in_flight in 1_usize..600, step in 4_096_usize..20_000,
    ) {
        let ours = set(ours.union(&common).copied());
        let theirs = set(theirs.union(&common).copied());
        let limits = Limits { in_flight, step, ..Limits::default() };
        let (mut left, mut right) = pair(&ours, &theirs, &limits);
        run(&mut left, &mut right, seed, buffer);
        for (side, own, other) in [(&left, &ours, &theirs), (&right, &theirs, &ours)] {
            let took: BTreeSet<Id> = side.took.iter().copied().collect();
            prop_assert_eq!(took.len(), side.took.len(), "each once");
            prop_assert_eq!(took, lacking(own, other));
            let tally = side.session.tally();
            prop_assert_eq!((tally.more, tally.gone, &tally.refusal), (false, 0, &None));
        }
        prop_assert_eq!(left.session.tally().served, right.took.len() as u64);
        prop_assert_eq!(right.session.tally().served, left.took.len() as u64);
    }

    #[test]
    fn sessions_with_a_limit_get_there_one_after_the_other(
        common in numbers(), ours in numbers(), theirs in numbers(), seed: u64, records in 50_u64..400,
    ) {
        let limits = Limits { records, step: 4_096, ..Limits::default() };
        let mut ours: BTreeSet<u64> = ours.union(&common).copied().collect();
        let mut theirs: BTreeSet<u64> = theirs.union(&common).copied().collect();
        let everything: BTreeSet<u64> = ours.union(&theirs).copied().collect();
        let number = |id: &Id| u64::from_be_bytes(id[24..].try_into().expect("eight bytes"));
        let most = 2 + everything.len() as u64 / records * 2;
        for _ in 0..=most {
            let (mut left, mut right) = pair(&set(ours.clone()), &set(theirs.clone()), &limits);
            run(&mut left, &mut right, seed, 4);
            prop_assert!(left.took.len() as u64 <= records && right.took.len() as u64 <= records);
            ours.extend(left.took.iter().map(number));
            theirs.extend(right.took.iter().map(number));
            if !left.session.tally().more {
                break;
            }
        }
        prop_assert_eq!(&ours, &everything);
        prop_assert_eq!(&theirs, &everything);
    }
}

#[test]
fn a_fresh_node_takes_everything_in_the_order_of_time() {
    let all = set(0..6_000);
    let (mut left, mut right) = pair(&set([]), &all, &Limits::default());
    run(&mut left, &mut right, 5, 3);
    let expected: Vec<Id> = all.iter(0..all.len()).map(|known| known.id).collect();
    assert_eq!(left.took, expected);
    let (mut left, mut right) = pair(&all, &set([]), &Limits::default());
    run(&mut left, &mut right, 6, 3);
    assert_eq!(right.took, expected);
}

#[test]
fn sets_for_another_interest_are_not_compared() {
    let chat = serde_json::json!({"channels": ["chat"]});
    let of = |interest: &serde_json::Value, peer_interest: &serde_json::Value| {
        let some = |value: &serde_json::Value| (!value.is_null()).then(|| value.clone());
        Settings {
            interest: some(interest),
            peer_interest: some(peer_interest),
            ..settings(Limits::default())
        }
    };
    let all = serde_json::Value::Null;
    // The initiator does not know yet that the other side keeps a part.
    let mut left = Side::new(Session::initiate(set(0..9), of(&all, &all)));
    let mut right = Side::new(Session::respond(set(5..19), of(&chat, &all)));
    run(&mut left, &mut right, 1, 2);
    assert!(left.took.is_empty() && right.took.is_empty());
    let tally = left.session.tally();
    assert!(tally.is_surprised && tally.peer_interest.as_ref() == Some(&chat));
    // Now it does.
    let mut left = Side::new(Session::initiate(set(5..9), of(&all, &chat)));
    let mut right = Side::new(Session::respond(set(5..19), of(&chat, &all)));
    run(&mut left, &mut right, 1, 2);
    assert_eq!((left.took.len(), right.took.len()), (10, 0));
    assert!(!left.session.tally().is_surprised);
}

#[test]
fn networks_do_not_mix() {
    let mut left = Side::new(Session::initiate(set(0..9), settings(Limits::default())));
    let other = Settings {
        network: "other".into(),
        ..Settings::default()
    };
    let mut right = Side::new(Session::respond(set(5..19), other));
    run(&mut left, &mut right, 1, 2);
    assert!(left.took.is_empty() && right.took.is_empty());
    assert!(
        left.session
            .tally()
            .refusal
            .as_ref()
            .is_some_and(|reason| reason.contains("network"))
    );
    assert!(right.session.tally().refusal.is_some());
}

#[test]
fn nothing_is_read_while_too_much_is_under_way() {
    let limits = Limits {
        in_flight_bytes: 300,
        ..Limits::default()
    };
    let (mut left, mut right) = pair(&set([]), &set(0..1_000), &limits);
    // Nothing that came is ever done with.
    loop {
        let written = left.write_to(&mut right) | right.write_to(&mut left);
        if !(written | left.read() | right.read()) {
            break;
        }
    }
    let size = record([0; 32]).size();
    assert_eq!(
        left.took.len(),
        300_usize.div_ceil(size),
        "the one that fills it, and no more"
    );
    assert!(!left.session.is_over());
}

#[test]
fn what_was_refused_is_not_asked_for_again() {
    let refused = |numbers: std::ops::Range<u64>| Arc::new(numbers.map(|number| known(number).id).collect());
    let (left, right) = pair(&set(0..50), &set(30..100), &Limits::default());
    let mut left = Side::new(left.session.leave_out(refused(60..70)));
    let mut right = Side::new(right.session.leave_out(refused(10..30)));
    run(&mut left, &mut right, 9, 3);
    let expected: Vec<Id> = (50..60).chain(70..100).map(|number| known(number).id).collect();
    let in_order = |mut ids: Vec<Id>| {
        ids.sort_unstable();
        ids
    };
    assert_eq!(in_order(left.took), in_order(expected));
    assert_eq!(
        in_order(right.took),
        in_order((0..10).map(|number| known(number).id).collect())
    );
}
