//! What is left of a message, handed from node to node.

use alephd_store::{
    Reader,
    read::{TombstoneRecord, WireRecord},
};
use alephd_testkit::scenario;
use proptest::prelude::*;

use super::{order::config, *};

/// Longer than any grace.
const LATER: Micros = Micros(NOW.0 + 30 * 24 * 3_600 * 1_000_000);

impl Fixture {
    fn open_reader(&self) -> Reader {
        let config = StoreConfig::at(self.folder.path().join("db"));
        Store::open_read_only(&config).expect("opens").reader()
    }

    /// What this node would hand to another one.
    fn records(&self) -> Vec<WireRecord> {
        let reader = self.open_reader();
        let known = reader.known(0, u64::MAX).expect("rows");
        let records = known.iter().map(|row| reader.wire(row.id).expect("a record"));
        records.flatten().collect()
    }

    fn tombstone_of(&self, message: &Envelope) -> TombstoneRecord {
        let records = self.records().into_iter().filter_map(|record| match record {
            WireRecord::Tombstone(record) => Some(*record),
            WireRecord::Message { .. } => None,
        });
        let mut records = records.filter(|record| record.envelope.item_hash == message.item_hash);
        let record = records.next().expect("a tombstone");
        // As it comes over the wire.
        TombstoneRecord::parse(record.to_json().as_bytes()).expect("a record")
    }

    fn tell(&mut self, record: &TombstoneRecord, trusted: bool) -> TombstoneOutcome {
        self.engine.begin(NOW).expect("begins");
        let outcome = self.engine.take_tombstone(record, trusted).expect("takes");
        self.engine.commit().expect("commits");
        outcome
    }

    /// Whether it was taken.
    fn receive(&mut self, record: &WireRecord, trusted: bool) -> bool {
        match record {
            WireRecord::Tombstone(record) => {
                let record = TombstoneRecord::parse(record.to_json().as_bytes()).expect("a record");
                matches!(
                    self.tell(&record, trusted),
                    TombstoneOutcome::Taken | TombstoneOutcome::Known
                )
            }
            WireRecord::Message { copies, content } => {
                for copy in copies {
                    self.engine.begin(NOW).expect("begins");
                    let prepared = prepare(copy.clone(), content.clone());
                    self.engine.take(&prepared).expect("takes");
                    self.engine.commit().expect("commits");
                }
                true
            }
        }
    }

    /// Everything in this order, then again what was not taken, until nothing is taken any more.
    fn receive_all(&mut self, records: &[WireRecord], trusted: bool) -> usize {
        let mut left: Vec<&WireRecord> = records.iter().collect();
        loop {
            let before = left.len();
            left.retain(|record| !self.receive(record, trusted));
            if left.is_empty() || left.len() == before {
                return left.len();
            }
        }
    }

    /// Contents of all that is forgotten go.
    fn purge(&mut self) {
        self.engine.begin(LATER).expect("begins");
        self.engine.sweep().expect("sweeps");
        self.engine.commit().expect("commits");
    }

    fn files(&mut self) {
        for file in scenario::files() {
            self.file(file);
        }
    }

    fn assert_tables_add_up(&self) {
        let tables = self.open_reader().state_root_of_tables().expect("adds up");
        assert_eq!(tables.digest(), self.root());
    }
}

/// What the two nodes say of each message, and the messages.
fn difference(one: &Fixture, other: &Fixture, messages: &[Envelope]) -> String {
    let (one, other) = (one.open_reader(), other.open_reader());
    let mut text = String::new();
    for (table, sql) in [
        (
            "credits",
            "SELECT lower(hex(m.hash)) || ' ' || c.line || ' ' || c.address || ' ' || c.amount
             FROM credits c JOIN messages m ON m.id = c.message ORDER BY 1",
        ),
        (
            "balances",
            "SELECT address || ' ' || balance FROM balances ORDER BY 1",
        ),
        (
            "fields",
            "SELECT field || ' ' || value FROM aggregate_fields ORDER BY 1",
        ),
    ] {
        let of = |reader: &Reader| -> Vec<String> {
            let mut statement = reader.prepare(sql).expect("a statement");
            let rows = statement.query_map([], |row| row.get(0)).expect("rows");
            rows.map(|row| row.expect("a row")).collect()
        };
        let (one, other) = (of(&one), of(&other));
        if one != other {
            text.push_str(&format!("{table}: {one:#?} and {other:#?}\n"));
        }
    }
    for message in messages {
        let of = |reader: &Reader| {
            let row = reader.message_get(&message.item_hash).expect("reads")?;
            let names = row
                .forgotten_by
                .iter()
                .map(|name| name.to_string()[..6].to_owned());
            Some((row.status, row.size, names.collect::<Vec<_>>()))
        };
        let (one, other) = (of(&one), of(&other));
        if one != other {
            text.push_str(&format!("{one:?} and {other:?}: "));
        }
        text.push_str(&super::order::line(message));
    }
    text
}

/// A node that has purged `targets`.
fn purged(messages: &[&Envelope]) -> Fixture {
    let mut fixture = Fixture::with(config());
    fixture.files();
    for message in messages {
        fixture.take(message);
    }
    fixture.purge();
    fixture
}

#[test]
fn a_tombstone_needs_its_forget_and_wakes_it() {
    let a = key(1);
    let (gone, other) = (post(&a, &a, 1.0), post(&a, &a, 1.5));
    let by = forget(&a, &[&gone, &other], 2.0);
    let source = purged(&[&gone, &other, &by]);
    let mut fixture = Fixture::with(config());
    let record = source.tombstone_of(&gone);
    assert!(record.witnessed && record.is_own());
    let needed = TombstoneOutcome::NeedsForget(vec![by.item_hash.clone()]);
    assert_eq!(fixture.tell(&record, false), needed);
    assert_eq!(fixture.take(&by).status, Pending);
    assert_eq!(fixture.tell(&record, false), TombstoneOutcome::Taken);
    // The FORGET waits for the other one still: nothing is forgotten yet.
    assert_eq!((fixture.status(&by), fixture.status(&gone)), (Pending, Pending));
    assert_eq!(
        fixture.tell(&source.tombstone_of(&other), false),
        TombstoneOutcome::Taken
    );
    assert_eq!(
        (fixture.status(&by), fixture.status(&gone)),
        (Processed, Forgotten)
    );
    assert_eq!(fixture.root(), source.root());
    assert_eq!(
        fixture.tell(&record, true),
        TombstoneOutcome::Taken,
        "believed now"
    );
    assert_eq!(fixture.tell(&record, true), TombstoneOutcome::Known);
    assert_eq!(fixture.root(), source.root());
    assert!(!fixture.tombstone_of(&gone).witnessed);
    assert!(fixture.tombstone_of(&gone).agrees_with(&record));
    fixture.assert_tables_add_up();
}

#[test]
fn nobody_buries_the_message_of_somebody_else() {
    let (a, b) = (key(1), key(2));
    let victim = post(&a, &a, 1.0);
    let by = forget(&b, &[&victim], 2.0);
    let source = {
        let mine = post(&b, &b, 1.0);
        purged(&[&mine, &forget(&b, &[&mine], 2.0)])
    };
    // The hash of the message, under the name of the one who forgets it.
    let mut forged = source.records().into_iter().find_map(|record| match record {
        WireRecord::Tombstone(record) => Some(*record),
        WireRecord::Message { .. } => None,
    });
    let forged = forged.as_mut().expect("a tombstone");
    forged.envelope.item_hash = victim.item_hash.clone();
    forged.forgotten_by = vec![by.item_hash.clone()];
    let mut fixture = Fixture::with(config());
    fixture.take(&by);
    let expected = {
        let mut fixture = Fixture::with(config());
        fixture.take(&by);
        fixture.take(&victim);
        fixture.root()
    };
    // On behalf of the victim: there is no delegation.
    let mut delegated = forged.clone();
    delegated.owner = a.address().to_owned();
    assert_eq!(
        fixture.tell(&delegated, false),
        TombstoneOutcome::Refused(TombstoneRefusal::Unproved)
    );
    // As his own: this cannot be told from the truth, and gives way to it.
    assert_eq!(fixture.tell(forged, false), TombstoneOutcome::Taken);
    let mut known = fixture.open_reader().known(0, 9).expect("rows");
    known.retain(|row| row.hash == victim.item_hash);
    assert!(matches!(&known[..], [row] if row.is_hearsay && row.status == Forgotten));
    let parked = fixture.open_reader().known_parked(9).expect("rows");
    assert!(parked.contains(&known[0]), "it may still become something else");
    fixture.take(&victim);
    assert_eq!(fixture.status(&victim), Processed);
    assert_eq!(fixture.root(), expected);
    fixture.assert_tables_add_up();
    // Where the message waits for its content, another sender does not take its place.
    let mut fixture = Fixture::with(config());
    fixture.take(&by);
    let mut bare = victim.clone();
    bare.item_content = None;
    bare.item_type = alephd_message::ItemType::Storage;
    fixture.take(&bare);
    assert_eq!(
        fixture.tell(forged, false),
        TombstoneOutcome::Refused(TombstoneRefusal::Unproved)
    );
}

#[test]
fn what_cannot_be_proved_is_taken_from_the_trusted_only() {
    let (a, b) = (key(1), key(2));
    let grant = security(&a, &[&b], 1.0);
    let within = post(&b, &a, 2.0);
    let by = forget(&a, &[&grant], 3.0);
    let source = purged(&[&grant, &within, &by]);
    let record = source.tombstone_of(&grant);
    let mut fixture = Fixture::with(config());
    fixture.take(&within);
    fixture.take(&by);
    assert_eq!(
        fixture.tell(&record, false),
        TombstoneOutcome::Refused(TombstoneRefusal::Unproved)
    );
    assert_eq!(fixture.status(&within), Rejected);
    assert_eq!(fixture.tell(&record, true), TombstoneOutcome::Taken);
    assert_eq!(fixture.status(&within), Processed);
    assert_eq!(fixture.root(), source.root());
    fixture.assert_tables_add_up();
}

#[test]
fn a_final_forget_stays_so_where_the_trusted_say_it_is() {
    let (a, b) = (key(1), key(2));
    let grant = security(&a, &[&b], 1.0);
    let gone = post(&a, &a, 2.0);
    let by = forget(&b, &[&gone], 3.0);
    let revoke = security(&a, &[], 2.5);
    let mut source = purged(&[&grant, &gone, &by]);
    source.take(&revoke);
    let record = source.tombstone_of(&gone);
    for order in orders(3) {
        let mut fixture = Fixture::with(config());
        for index in order {
            fixture.take([&grant, &by, &revoke][index]);
        }
        assert_eq!(
            fixture.tell(&record, false),
            TombstoneOutcome::Refused(TombstoneRefusal::NotForgotten)
        );
        assert_eq!(fixture.tell(&record, true), TombstoneOutcome::Taken);
        assert_eq!(fixture.root(), source.root());
    }
    // Also where the message itself is still there.
    let mut fixture = Fixture::with(config());
    for message in [&gone, &grant, &revoke, &by] {
        fixture.take(message);
    }
    assert_eq!(fixture.status(&gone), Processed);
    assert_eq!(fixture.tell(&record, true), TombstoneOutcome::Known);
    assert_eq!(fixture.status(&gone), Forgotten);
    assert_eq!(fixture.root(), source.root());
    fixture.assert_tables_add_up();
}

#[test]
fn a_late_revocation_undoes_what_strangers_said() {
    let (a, b) = (key(1), key(2));
    let grant = security(&a, &[&b], 1.0);
    let gone = post(&a, &a, 2.0);
    let by = forget(&b, &[&gone], 3.0);
    let record = purged(&[&grant, &gone, &by]).tombstone_of(&gone);
    let mut fixture = Fixture::with(config());
    fixture.take(&grant);
    fixture.take(&by);
    assert_eq!(fixture.tell(&record, false), TombstoneOutcome::Taken);
    assert_eq!(fixture.status(&gone), Forgotten);
    fixture.take(&security(&a, &[], 2.5));
    assert_eq!(fixture.status(&gone), Pending);
    let wanted = fixture.open_reader().wanted(0, 9).expect("rows");
    assert_eq!(wanted.first().map(|want| &want.name), Some(&gone.item_hash));
    fixture.take(&gone);
    assert_eq!(fixture.status(&gone), Processed);
    fixture.assert_tables_add_up();
}

#[test]
fn claims_that_wait_are_bounded() {
    let a = key(1);
    let mut targets: Vec<Envelope> = (1..=5).map(|time| post(&a, &a, f64::from(time))).collect();
    let by = forget(&a, &targets.iter().collect::<Vec<_>>(), 9.0);
    let mut all: Vec<&Envelope> = targets.iter().collect();
    all.push(&by);
    let source = purged(&all);
    let mut fixture = Fixture::with(EngineConfig {
        parked_per_sender: 3,
        ..config()
    });
    fixture.take(&by);
    targets.truncate(4);
    let told: Vec<_> = targets
        .iter()
        .map(|target| fixture.tell(&source.tombstone_of(target), false))
        .collect();
    let too_many = TombstoneOutcome::Refused(TombstoneRefusal::TooMany);
    use TombstoneOutcome::Taken;
    assert_eq!(told, [Taken, Taken, too_many.clone(), too_many]);
    assert_eq!(fixture.open_reader().known(0, 9).expect("rows").len(), 3);
    fixture.assert_tables_add_up();
}

#[test]
fn what_is_no_record_is_not_read() {
    let a = key(1);
    let gone = post(&a, &a, 1.0);
    let record = purged(&[&gone, &forget(&a, &[&gone], 2.0)]).tombstone_of(&gone);
    let good: serde_json::Value = serde_json::from_str(&record.to_json()).expect("JSON");
    let is_read = |key: &str, value: serde_json::Value| {
        let mut changed = good.clone();
        changed[key] = value;
        TombstoneRecord::parse(changed.to_string().as_bytes()).is_some()
    };
    assert!(is_read("size", json!(7)));
    let name = record.forgotten_by[0].to_string();
    for (key, value) in [
        ("size", json!(-1)),
        ("type", json!("FORGET")),
        ("item_hash", json!("abc")),
        ("item_type", json!("ipfs")),
        ("content_time", json!(i64::MAX)),
        ("forgotten_by", json!([name, name])),
        ("delegation", json!("[]")),
        ("more", json!(1)),
        (
            "bill",
            json!({"payment": "hold", "total": "1", "hold": "1", "stream": "0", "credit": "0", "lines": "[]"}),
        ),
        (
            "credits",
            json!([{"line": 0, "kind": 1, "address": "x", "amount": 1, "expiration": null, "details": "{}"}]),
        ),
    ] {
        assert!(!is_read(key, value), "{key}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_node_that_comes_later_ends_in_the_same_state(
        messages in scenario::arb_scenario(),
        seeds in prop::array::uniform2(any::<u64>()),
        purge_every in 1..12_usize,
    ) {
        let mut first = Fixture::with(config());
        first.files();
        for (index, message) in scenario::order::shuffled(&messages, seeds[0]).iter().enumerate() {
            first.take(message);
            if index % purge_every == 0 {
                first.purge();
            }
        }
        first.purge();
        let records = scenario::order::shuffled(&first.records(), seeds[1]);
        let mut second = Fixture::with(config());
        second.files();
        second.receive_all(&records, false);
        let left = second.receive_all(&records, true);
        prop_assert_eq!(first.root(), second.root(), "{} left; {}", left, difference(&first, &second, &messages));
        second.assert_tables_add_up();
        let mut third = Fixture::with(config());
        third.files();
        third.receive_all(&second.records(), true);
        prop_assert_eq!(first.root(), third.root());
    }

    #[test]
    fn what_strangers_say_gives_way_to_the_messages(
        messages in scenario::arb_scenario(),
        seeds in prop::array::uniform3(any::<u64>()),
    ) {
        let mut first = Fixture::with(config());
        first.files();
        for message in scenario::order::shuffled(&messages, seeds[0]) {
            first.take(&message);
        }
        let expected = first.root();
        first.purge();
        let records = scenario::order::shuffled(&first.records(), seeds[1]);
        let mut second = Fixture::with(config());
        second.files();
        second.receive_all(&records, false);
        for message in scenario::order::shuffled(&messages, seeds[2]) {
            second.take(&message);
        }
        prop_assert_eq!(expected, second.root());
        second.assert_tables_add_up();
    }
}
