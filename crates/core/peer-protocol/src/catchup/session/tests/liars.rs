//! What a session does with peers that do not keep to the protocol.

use alephd_reconcile::{Bound, Responder};

use super::*;
use crate::catchup::BATCH;

fn hello() -> Frame {
    Frame::Hello(Greeting {
        network: "test".into(),
        interest: None,
        elements: 0,
    })
}

/// Everything that a session has to write.
fn drain(session: &mut Session) -> Vec<Output> {
    std::iter::from_fn(|| session.poll()).collect()
}

fn initiator(numbers: std::ops::Range<u64>) -> Session {
    let mut session = Session::initiate(set(numbers), settings(Limits::default()));
    session.receive(hello()).expect("a greeting");
    drain(&mut session);
    session
}

fn responder(numbers: std::ops::Range<u64>) -> Session {
    let mut session = Session::respond(set(numbers), settings(Limits::default()));
    session.receive(hello()).expect("a greeting");
    drain(&mut session);
    session
}

/// An initiator that asked for the first numbers.
fn asking(count: u64) -> Session {
    let mut session = initiator(0..0);
    let first = alephd_reconcile::Initiator::new(set([]), 4_096).first();
    let reply = Responder::new(set(0..count), 60 << 10)
        .reply(&first)
        .expect("honest");
    session.receive(Frame::Reconcile(reply)).expect("honest");
    session
}

#[test]
fn what_was_not_asked_for_is_not_taken() {
    let mut session = asking(10);
    let stranger = Frame::Record(Box::new(record(known(77).id)));
    assert_eq!(session.receive(stranger), Err(Violation::NotAsked));
    let mut session = asking(10);
    let second = Frame::Record(Box::new(record(known(1).id)));
    assert_eq!(session.receive(second), Err(Violation::NotAsked), "out of turn");
    let mut session = asking(10);
    let first = Frame::Record(Box::new(record(known(0).id)));
    assert!(matches!(session.receive(first.clone()), Ok(Some(_))));
    assert_eq!(session.receive(first), Err(Violation::NotAsked), "a second time");
    let unasked = Frame::Record(Box::new(record(known(3).id)));
    assert_eq!(responder(0..9).receive(unasked), Err(Violation::NotAsked));
}

#[test]
fn frames_that_are_not_due_end_it() {
    let mut strangers = vec![
        Frame::Done,
        Frame::Taken(1),
        Frame::Accept(vec![true]),
        Frame::Want(vec![(Bound::START, vec![known(1).id])]),
        Frame::Offer(vec![known(1).element()]),
        hello(),
    ];
    for frame in strangers.drain(..) {
        let mut session = initiator(0..100);
        assert_eq!(
            session.receive(frame.clone()),
            Err(Violation::Unexpected),
            "{frame:?}"
        );
    }
    for frame in [Frame::Taken(1), Frame::Accept(vec![]), hello()] {
        let mut session = responder(0..100);
        assert_eq!(
            session.receive(frame.clone()),
            Err(Violation::Unexpected),
            "{frame:?}"
        );
    }
    let mut silent = Session::respond(set(0..9), settings(Limits::default()));
    assert_eq!(
        silent.receive(Frame::Done),
        Err(Violation::Unexpected),
        "no greeting"
    );
}

#[test]
fn a_garbled_reconciliation_ends_it() {
    let answer = Frame::Reconcile(vec![0x61, 0, 0, 9]);
    assert!(matches!(
        initiator(0..9).receive(answer.clone()),
        Err(Violation::Reconcile(_))
    ));
    assert!(matches!(
        responder(0..9).receive(answer),
        Err(Violation::Reconcile(_))
    ));
}

#[test]
fn a_reconciliation_without_end_ends() {
    // A responder that says of every range that it differs, whatever it is told.
    let mut session = initiator(0..5_000);
    let mut result = Ok(None);
    for round in 0..1_000_u64 {
        let mut answer = vec![0x61, 0, 0, 1];
        answer.extend([round as u8; 16]);
        result = session.receive(Frame::Reconcile(answer));
        drain(&mut session);
        if result.is_err() {
            break;
        }
    }
    assert_eq!(result, Err(Violation::Endless));
    // And an initiator that asks the same again and again.
    let mut session = responder(0..5_000);
    let step = alephd_reconcile::Initiator::new(set(0..4_000), 4_096).first();
    let mut result = Ok(None);
    for _ in 0..1_000 {
        result = session.receive(Frame::Reconcile(step.clone()));
        drain(&mut session);
        if result.is_err() {
            break;
        }
    }
    assert_eq!(result, Err(Violation::Endless));
}

#[test]
fn ids_that_nobody_has_end_it() {
    // Each answer lists other ids, and none of them is there.
    let mut session = initiator(0..0);
    let mut next = 0_u64;
    let mut result = Ok(None);
    let mut frames = 0;
    while result.is_ok() && frames < 100_000 {
        let mut answer = vec![0x61, 0, 0, 2, 100];
        for _ in 0..100 {
            answer.extend(known(next).id);
            next += 1;
        }
        result = session.receive(Frame::Reconcile(answer));
        let asked = drain(&mut session).into_iter().flat_map(|output| match output {
            Output::Send(Frame::Want(groups)) => groups.into_iter().flat_map(|(_, ids)| ids).collect(),
            _ => Vec::new(),
        });
        for id in asked.collect::<Vec<_>>() {
            frames += 1;
            if result.is_ok() {
                result = session.receive(Frame::Gone(id));
            }
        }
    }
    // It listed them as the end of the list: the session is over, or it was ended.
    assert!(
        matches!(result, Err(Violation::Hollow | Violation::Unexpected)),
        "{result:?}"
    );
    assert!(frames <= 2_000, "{frames}");
}

#[test]
fn the_window_bounds_what_waits() {
    // A reader of nothing that wants more and more.
    let mut session = responder(0..50_000);
    let mut result = Ok(None);
    let mut asked = 0;
    while result.is_ok() {
        let ids: Vec<Id> = (asked..asked + BATCH as u64)
            .map(|number| known(number).id)
            .collect();
        let after = Bound::before(known(asked).element());
        result = session.receive(Frame::Want(vec![(after, ids)]));
        asked += BATCH as u64;
    }
    assert_eq!(result, Err(Violation::Flood));
    assert!(asked <= 4 * BATCH as u64);
    // One that offers more and more and sends nothing.
    let mut session = responder(0..0);
    let (mut offered, mut result) = (0, Ok(None));
    while result.is_ok() {
        let elements = (offered..offered + BATCH as u64).map(|number| known(number).element());
        result = session.receive(Frame::Offer(elements.collect()));
        drain(&mut session);
        offered += BATCH as u64;
    }
    assert_eq!(result, Err(Violation::Flood));
    assert!(offered <= 4 * BATCH as u64);
    // One that asks to compare and does not read the answers.
    let mut session = responder(0..50_000);
    let step = alephd_reconcile::Initiator::new(set([]), 4_096).first();
    assert_eq!(session.receive(Frame::Reconcile(step.clone())), Ok(None));
    assert_eq!(session.receive(Frame::Reconcile(step)), Err(Violation::Flood));
}

#[test]
fn what_is_served_in_a_session_is_bounded() {
    let limits = Limits {
        served: 1_000,
        ..Limits::default()
    };
    let mut session = Session::respond(set(0..500), settings(limits));
    session.receive(hello()).expect("a greeting");
    let ids: Vec<Id> = (0..500).map(|number| known(number).id).collect();
    let want = Frame::Want(vec![(Bound::START, ids)]);
    for _ in 0..2 {
        session.receive(want.clone()).expect("within the limit");
        drain(&mut session);
    }
    assert_eq!(session.receive(want), Err(Violation::Flood));
}

#[test]
fn confirmations_of_nothing_end_it() {
    let mut session = initiator(0..10);
    // The other side has nothing: everything is offered.
    session
        .receive(Frame::Reconcile(vec![0x61, 0, 0, 2, 0]))
        .expect("honest");
    assert_eq!(
        session.receive(Frame::Accept(vec![true; 9])),
        Err(Violation::Unexpected),
        "of ten"
    );
    let mut session = initiator(0..10);
    session
        .receive(Frame::Reconcile(vec![0x61, 0, 0, 2, 0]))
        .expect("honest");
    session.receive(Frame::Accept(vec![true; 10])).expect("honest");
    assert_eq!(session.receive(Frame::Taken(11)), Err(Violation::Unexpected));
}

#[test]
fn what_is_missing_is_said_to_be_gone() {
    let mut session = responder(0..10);
    let ids = vec![known(3).id, known(99).id, known(4).id];
    session
        .receive(Frame::Want(vec![(Bound::START, ids)]))
        .expect("honest");
    let serve = |number: u64| Output::Serve {
        row: number as i64,
        id: known(number).id,
    };
    let expected = [serve(3), Output::Send(Frame::Gone(known(99).id)), serve(4)];
    assert_eq!(drain(&mut session), expected);
}
