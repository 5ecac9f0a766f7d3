//! What goes when nobody pays for it or keeps it, and when.

use super::{costs::balance, *};

const HOUR: i64 = 3_600_000_000;

fn at(hours: i64) -> Micros {
    Micros(NOW.0 + hours * HOUR)
}

impl Fixture {
    /// Collects until nothing is left to do; returns the files whose bytes go.
    fn collect(&mut self, now: Micros) -> Vec<ItemHash> {
        let mut deleted = Vec::new();
        loop {
            self.engine.begin(now).expect("begins");
            let more = self.engine.collect().expect("collects");
            self.engine.commit().expect("commits");
            deleted.extend(self.engine.take_deleted());
            if !more {
                return deleted;
            }
        }
    }

    /// A file of 30 MiB, which has to be paid for, as far as the database knows.
    fn large_file(&mut self, name: &[u8]) {
        self.engine.begin(NOW).expect("begins");
        let hash = sha256(name);
        self.engine
            .file_arrived(&hash, 30 << 20, alephd_store::read::FileKind::File)
            .expect("arrives");
        self.engine.commit().expect("commits");
    }
}

#[test]
fn an_upload_goes_after_its_grace_unless_a_store_keeps_it() {
    let alice = key(1);
    let mut fixture = Fixture::new();
    fixture.file(b"kept");
    fixture.file(b"left");
    fixture.take(&store(&alice, b"kept", 1.0));
    assert_eq!(fixture.collect(at(23)), []);
    assert_eq!(fixture.collect(at(25)), [sha256(b"left")]);
    assert_eq!(fixture.collect(at(1_000)), []);
}

#[test]
fn a_forgotten_file_goes_after_its_grace() {
    let alice = key(1);
    let mut fixture = Fixture::new();
    fixture.file(b"file");
    let message = store(&alice, b"file", 1.0);
    fixture.take(&message);
    fixture.take(&forget(&alice, &[&message], 2.0));
    assert_eq!(fixture.collect(at(23)), []);
    assert_eq!(fixture.collect(at(25)), [sha256(b"file")]);
}

#[test]
fn an_unpaid_store_is_announced_and_removed_with_its_file() {
    let alice = key(1);
    let mut fixture = Fixture::with(costs::config());
    fixture.large_file(b"large");
    fixture.take(&balance(&alice, 100, 1, 1.0));
    let message = store(&alice, b"large", 2.0);
    assert_eq!(fixture.take(&message).status, Processed);
    let before = fixture.root();

    fixture.take(&balance(&alice, 0, 2, 3.0));
    assert_eq!(fixture.collect(at(0)), []);
    assert_eq!(fixture.status(&message), MessageStatus::Removing);
    assert_eq!(fixture.collect(at(24)), []);
    assert_eq!(fixture.status(&message), MessageStatus::Removing);
    assert_eq!(fixture.collect(at(26)), [sha256(b"large")]);
    assert_eq!(fixture.status(&message), MessageStatus::Removed);
    assert_ne!(fixture.root(), before);

    // It stays removed, whatever arrives.
    fixture.take(&balance(&alice, 100, 3, 4.0));
    fixture.collect(at(27));
    assert_eq!(fixture.take(&message).status, MessageStatus::Removed);
}

#[test]
fn a_forgotten_file_outlives_the_removal_of_another_store_of_it() {
    let (alice, bob) = (key(1), key(2));
    let mut fixture = Fixture::with(costs::config());
    fixture.large_file(b"large");
    fixture.take(&balance(&alice, 100, 1, 1.0));
    fixture.take(&store(&alice, b"large", 2.0));
    fixture.take(&balance(&bob, 100, 2, 3.0));
    let of_bob = store(&bob, b"large", 4.0);
    assert_eq!(fixture.take(&of_bob).status, Processed);
    fixture.take(&balance(&alice, 0, 3, 5.0));
    assert_eq!(fixture.collect(at(0)), []);

    fixture.take_at(&forget(&bob, &[&of_bob], 6.0), at(25));
    assert_eq!(fixture.collect(at(26)), [], "the FORGET may still be undone");
    assert_eq!(fixture.collect(at(50)), [sha256(b"large")]);
}

#[test]
fn who_pays_again_in_time_loses_nothing() {
    let alice = key(1);
    let mut fixture = Fixture::with(costs::config());
    fixture.large_file(b"large");
    fixture.take(&balance(&alice, 100, 1, 1.0));
    let message = store(&alice, b"large", 2.0);
    fixture.take(&message);
    fixture.take(&balance(&alice, 0, 2, 3.0));
    fixture.collect(at(0));
    fixture.take(&balance(&alice, 50, 3, 4.0));
    assert_eq!(fixture.collect(at(30)), []);
    assert_eq!(fixture.status(&message), Processed);
    assert_eq!(fixture.collect(at(60)), []);
}

#[test]
fn a_restart_forgets_no_account() {
    let alice = key(1);
    let mut fixture = Fixture::with(costs::config());
    fixture.large_file(b"large");
    fixture.take(&balance(&alice, 100, 1, 1.0));
    let message = store(&alice, b"large", 2.0);
    fixture.take(&message);
    fixture.take(&balance(&alice, 0, 2, 3.0));
    let mut fixture = fixture.restart();
    fixture.engine.start_round();
    fixture.collect(at(0));
    assert_eq!(fixture.status(&message), MessageStatus::Removing);
}

#[test]
fn what_was_refused_stays_refused_when_an_earlier_message_is_forgotten_later() {
    let alice = key(1);
    let mut fixture = Fixture::with(costs::config());
    fixture.large_file(b"first");
    fixture.large_file(b"second");
    fixture.take(&balance(&alice, 15, 1, 1.0));
    let first = store(&alice, b"first", 2.0);
    let second = store(&alice, b"second", 3.0);
    assert_eq!(fixture.take(&first).status, Processed);
    assert_eq!(fixture.take(&second).code, Some(ErrorCode::BalanceInsufficient));
    fixture.take(&forget(&alice, &[&first], 4.0));
    // As of its position, the first was still there.
    assert_eq!(fixture.status(&second), Rejected);
}

/// What a rehearsal tells, and that it leaves nothing behind.
fn rehearsed(fixture: &mut Fixture, now: Micros) -> (Vec<String>, Vec<ItemHash>) {
    let before = fixture.root();
    let mut told = Vec::new();
    let risen = fixture
        .engine
        .rehearse(now, &mut |step| told.push(step.to_string()));
    assert_eq!(fixture.root(), before);
    assert_eq!(fixture.engine.take_deleted(), []);
    (told, risen.expect("rehearses"))
}

#[test]
fn a_rehearsal_tells_what_a_collection_then_does() {
    let alice = key(1);
    let mut fixture = Fixture::with(costs::config());
    fixture.large_file(b"first");
    fixture.large_file(b"second");
    fixture.take(&balance(&alice, 15, 1, 1.0));
    let first = store(&alice, b"first", 2.0);
    let second = store(&alice, b"second", 3.0);
    fixture.take(&first);
    assert_eq!(fixture.take(&second).code, Some(ErrorCode::BalanceInsufficient));
    assert_eq!(rehearsed(&mut fixture, at(0)), (vec![], vec![]));

    fixture.take(&balance(&alice, 1, 2, 3.5));
    let (told, _) = rehearsed(&mut fixture, at(0));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with(&format!("announce {}: balance_insufficient", first.item_hash)));
    assert_eq!(fixture.status(&first), Processed);

    fixture.collect(at(0));
    assert_eq!(fixture.status(&first), MessageStatus::Removing);
    assert_eq!(rehearsed(&mut fixture, at(20)), (vec![], vec![]));

    // The second had enough before its position, if nothing was charged before it.
    let (told, risen) = rehearsed(&mut fixture, at(26));
    let verbs: Vec<_> = told.iter().filter_map(|step| step.split(' ').next()).collect();
    assert_eq!(verbs, ["remove", "delete", "unpin", "announce"], "{told:?}");
    assert_eq!(risen, std::slice::from_ref(&second.item_hash));
    assert_eq!(fixture.status(&first), MessageStatus::Removing);
    assert_eq!(fixture.status(&second), Rejected);

    // What really happens is the same, and leaves nothing to tell.
    assert_eq!(fixture.collect(at(26)), [sha256(b"first")]);
    assert_eq!(fixture.status(&first), MessageStatus::Removed);
    assert_eq!(fixture.status(&second), MessageStatus::Removing);
    assert_eq!(rehearsed(&mut fixture, at(26)), (vec![], vec![]));
}
