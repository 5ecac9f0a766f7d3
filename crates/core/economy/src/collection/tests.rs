use proptest::prelude::*;

use super::*;

const HOUR: i64 = 3_600_000_000;
const SHORT: Option<Reason> = Some(Reason::BalanceInsufficient);

fn name(id: u8) -> ItemHash {
    ItemHash::Sha256([id; 32])
}

fn message(id: u8, state: State, unpaid: Option<Reason>) -> Message {
    Message {
        hash: name(id),
        state,
        unpaid,
        used_by: Vec::new(),
    }
}

fn file(id: u8, pins: Vec<Pin>) -> File {
    File {
        hash: name(id),
        written: Micros(0),
        pins,
        used_by: Vec::new(),
    }
}

fn at(hours: i64) -> Micros {
    Micros(hours * HOUR)
}

fn world(messages: Vec<Message>, files: Vec<File>) -> World {
    World { messages, files }
}

/// What plans are made of, and the plainest way to carry them out.
#[derive(Clone, Debug, PartialEq)]
struct World {
    messages: Vec<Message>,
    files: Vec<File>,
}

impl World {
    fn plan(&self, now: Micros) -> Vec<Step> {
        plan(&self.messages, &self.files, now, &Periods::default())
    }

    fn pass(&mut self, now: Micros) -> Vec<Step> {
        let steps = self.plan(now);
        for step in &steps {
            self.carry_out(step, now);
        }
        steps
    }

    fn carry_out(&mut self, step: &Step, now: Micros) {
        match step {
            Step::Announce { message, .. } => self.message(message).state = State::Removing { since: now },
            Step::Recover { message } => self.message(message).state = State::Processed,
            Step::Remove { message, .. } => {
                self.messages.retain(|other| other.hash != *message);
                for other in &mut self.messages {
                    other.used_by.retain(|user| user != message);
                }
                for file in &mut self.files {
                    file.used_by.retain(|user| user != message);
                }
            }
            Step::Unpin { file, pin } => self.file(file).pins.retain(|other| other != pin),
            Step::Grace { file, until } => self.file(file).pins.push(Pin::Grace { until: *until }),
            Step::Delete { file } => self.files.retain(|other| other.hash != *file),
        }
    }

    fn message(&mut self, hash: &ItemHash) -> &mut Message {
        self.messages
            .iter_mut()
            .find(|it| it.hash == *hash)
            .expect("in the world")
    }

    fn file(&mut self, hash: &ItemHash) -> &mut File {
        self.files
            .iter_mut()
            .find(|it| it.hash == *hash)
            .expect("in the world")
    }
}

#[test]
fn an_unpaid_store_goes_after_its_notice() {
    let mut world = world(
        vec![message(1, State::Processed, SHORT)],
        vec![file(9, vec![Pin::Store(name(1))])],
    );
    let announced = world.pass(at(100));
    assert_eq!(
        announced,
        [Step::Announce {
            message: name(1),
            reason: Reason::BalanceInsufficient,
            delete_by: at(125)
        }]
    );
    assert_eq!(world.pass(Micros(125 * HOUR - 1)), []);
    assert_eq!(
        world.pass(at(125)),
        [
            Step::Remove {
                message: name(1),
                reason: Reason::BalanceInsufficient
            },
            Step::Unpin {
                file: name(9),
                pin: Pin::Store(name(1))
            },
            Step::Delete { file: name(9) },
        ]
    );
}

#[test]
fn whoever_pays_before_the_pass_keeps_everything() {
    let mut world = world(
        vec![message(1, State::Removing { since: at(100) }, None)],
        vec![file(9, vec![Pin::Store(name(1))])],
    );
    assert_eq!(world.pass(at(500)), [Step::Recover { message: name(1) }]);
    assert_eq!(world.messages[0].state, State::Processed);
    assert_eq!(world.files.len(), 1);
}

#[test]
fn another_pin_keeps_the_file_of_a_removed_store() {
    let mut world = world(
        vec![message(1, State::Removing { since: at(0) }, SHORT)],
        vec![file(9, vec![Pin::Store(name(1)), Pin::Store(name(2))])],
    );
    let steps = world.pass(at(50));
    assert!(!steps.contains(&Step::Delete { file: name(9) }));
    assert_eq!(world.files[0].pins, [Pin::Store(name(2))]);
}

#[test]
fn a_store_in_use_waits_for_the_machine() {
    let mut volume = message(1, State::Removing { since: at(0) }, SHORT);
    volume.used_by = vec![name(2)];
    let mut disk = file(9, vec![Pin::Store(name(1))]);
    disk.used_by = vec![name(2)];
    let mut world = world(vec![volume, message(2, State::Processed, None)], vec![disk]);
    assert_eq!(world.pass(at(100)), []);
    world.message(&name(2)).unpaid = SHORT;
    assert_eq!(world.pass(at(100)).len(), 1);
    let steps = world.pass(at(125));
    assert!(steps.contains(&Step::Delete { file: name(9) }));
    assert_eq!((world.messages, world.files), (vec![], vec![]));
}

#[test]
fn one_of_two_machines_is_enough_to_hold_a_store() {
    let due = State::Removing { since: at(0) };
    let mut volume = message(1, due, SHORT);
    volume.used_by = vec![name(2), name(3)];
    let machines = [message(2, due, SHORT), message(3, State::Processed, None)];
    let mut world = world([vec![volume], machines.to_vec()].concat(), vec![]);
    let reason = Reason::BalanceInsufficient;
    let message = name(2);
    assert_eq!(world.pass(at(100)), [Step::Remove { message, reason }]);
}

#[test]
fn an_upload_waits_a_day_for_its_message() {
    let upload = Periods::default().upload_pin(at(100));
    let written = File {
        written: at(100),
        ..file(9, vec![upload])
    };
    let mut world = world(vec![], vec![written]);
    assert_eq!(world.pass(Micros(124 * HOUR - 1)), []);
    let steps = world.pass(at(124));
    assert_eq!(steps.last(), Some(&Step::Delete { file: name(9) }));
}

#[test]
fn a_file_between_its_bytes_and_its_pin_is_not_swept() {
    let written = File {
        written: at(100),
        ..file(9, vec![])
    };
    let mut world = world(vec![], vec![written]);
    assert_eq!(world.pass(Micros(124 * HOUR - 1)), []);
    assert_eq!(world.pass(at(124)), [Step::Delete { file: name(9) }]);
}

#[test]
fn the_file_of_a_forgotten_store_stays_for_a_day() {
    let periods = Periods::default();
    let stored = file(9, vec![Pin::Store(name(1))]);
    let steps = forget(&stored, &name(1), at(100), &periods);
    let mut world = world(vec![], vec![stored]);
    for step in &steps {
        world.carry_out(step, at(100));
    }
    assert_eq!(world.files[0].pins, [Pin::Grace { until: at(124) }]);
    assert_eq!(world.pass(Micros(124 * HOUR - 1)), []);
    world.pass(at(124));
    assert_eq!(world.files, []);
}

#[test]
fn forgetting_one_of_two_stores_starts_no_grace_period() {
    let periods = Periods::default();
    let stored = file(9, vec![Pin::Store(name(1)), Pin::Store(name(2))]);
    let steps = forget(&stored, &name(1), at(100), &periods);
    let pin = Pin::Store(name(1));
    assert_eq!(steps, [Step::Unpin { file: name(9), pin }]);
    assert_eq!(forget(&stored, &name(3), at(100), &periods), []);
    assert_eq!(forget(&file(9, vec![]), &name(3), at(100), &periods), []);
}

#[test]
fn an_archive_is_kept() {
    let mut world = world(vec![], vec![file(9, vec![Pin::Archive])]);
    assert_eq!(world.pass(Micros(i64::MAX)), []);
}

#[test]
fn steps_read_as_sentences() {
    let step = Step::Remove {
        message: name(1),
        reason: Reason::CreditInsufficient,
    };
    let text = step.to_string();
    assert!(
        text.starts_with("remove 0101") && text.contains("credit_insufficient"),
        "{text}"
    );
}

const MESSAGES: u8 = 6;
const FILES: u8 = 4;

fn any_time() -> impl Strategy<Value = Micros> {
    (0..60_i64).prop_map(at)
}

fn any_message(id: u8) -> impl Strategy<Value = Message> {
    let state = prop_oneof![
        Just(State::Processed),
        any_time().prop_map(|since| State::Removing { since })
    ];
    // The first half are machines, which use what is stored by the second half.
    let users = if id < MESSAGES / 2 { 0..1_usize } else { 0..3_usize };
    let users = prop::collection::vec((0..MESSAGES / 2).prop_map(name), users);
    (state, any::<bool>(), users).prop_map(move |(state, is_paid, used_by)| Message {
        hash: name(id),
        state,
        unpaid: if is_paid { None } else { SHORT },
        used_by,
    })
}

fn any_file(id: u8) -> impl Strategy<Value = File> {
    let pin = prop_oneof![
        (0..MESSAGES).prop_map(|of| Pin::Store(name(of))),
        (0..MESSAGES).prop_map(|of| Pin::Content(name(of))),
        Just(Pin::Archive),
        any_time().prop_map(|until| Pin::Grace { until }),
    ];
    let users = prop::collection::vec((0..MESSAGES / 2).prop_map(name), 0..2);
    (any_time(), prop::collection::vec(pin, 0..4), users).prop_map(move |(written, pins, used_by)| File {
        hash: name(100 + id),
        written,
        pins,
        used_by,
    })
}

fn any_world() -> impl Strategy<Value = World> {
    let messages: Vec<_> = (0..MESSAGES).map(any_message).collect();
    let files: Vec<_> = (0..FILES).map(any_file).collect();
    (messages, files).prop_map(|(messages, files)| World { messages, files })
}

proptest! {
    #[test]
    fn a_plan_that_was_carried_out_leaves_nothing_to_do(mut world in any_world(), now in any_time()) {
        world.pass(now);
        prop_assert_eq!(world.plan(now), []);
    }

    #[test]
    fn nothing_that_is_pinned_or_used_is_deleted(mut world in any_world(), now in any_time()) {
        let before = world.clone();
        world.pass(now);
        for file in &before.files {
            let is_live = |hash: &ItemHash| {
                !before.messages.iter().any(|it| it.hash == *hash) || world.messages.iter().any(|it| it.hash == *hash)
            };
            let is_pinned = file.pins.iter().any(|pin| match pin {
                Pin::Store(of) | Pin::Content(of) => is_live(of),
                Pin::Archive => true,
                Pin::Grace { until } => *until > now,
            });
            let is_used = file.used_by.iter().any(is_live);
            let is_kept = is_pinned || is_used || after(file.written, Periods::default().upload) > now;
            prop_assert_eq!(world.files.iter().any(|it| it.hash == file.hash), is_kept);
        }
    }

    #[test]
    fn only_what_is_unpaid_since_the_notice_is_removed(mut world in any_world(), now in any_time()) {
        let before = world.clone();
        world.pass(now);
        for message in &before.messages {
            if !world.messages.iter().any(|it| it.hash == message.hash) {
                prop_assert!(message.unpaid.is_some());
                let State::Removing { since } = message.state else {
                    return Err(TestCaseError::fail("removed without notice"));
                };
                prop_assert!(since.0 + 25 * HOUR <= now.0);
            }
        }
    }

    #[test]
    fn everybody_who_pays_recovers(mut world in any_world(), now in any_time()) {
        world.pass(now);
        let left = world.clone();
        for message in &mut world.messages {
            message.unpaid = None;
        }
        world.pass(Micros(now.0 + 1000 * HOUR));
        prop_assert_eq!(world.messages.len(), left.messages.len());
        prop_assert!(world.messages.iter().all(|message| message.state == State::Processed));
    }

    #[test]
    fn what_nobody_pays_is_gone_after_two_notices(mut world in any_world(), now in any_time()) {
        for message in &mut world.messages {
            message.unpaid = SHORT;
        }
        // Every notice of the generator is before the first of these passes.
        let now = Micros(now.0 + at(60).0);
        world.pass(now);
        world.pass(after(now, Periods::default().notice));
        prop_assert_eq!(world.messages, []);
    }
}
