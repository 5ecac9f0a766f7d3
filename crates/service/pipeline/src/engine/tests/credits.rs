//! The credit ledger through the engine and a real database.

use std::collections::BTreeMap;

use alephd_economy::lots::Book;
use alephd_rules::{Position, Trusted};
use alephd_store::{
    Reader,
    read::{CreditFilter, CreditQuery, CreditRow, CreditSort, Order},
};
use alephd_testkit::scenario::order::shuffled;
use proptest::prelude::*;

use super::*;

/// Whose distributions and expenses count, and who may mint.
const ORACLE: u8 = 9;

fn config() -> EngineConfig {
    EngineConfig {
        trusted: Trusted {
            credit_oracles: vec![key(ORACLE).address().to_owned()],
            credit_channels: vec!["TEST".into()],
            ..Trusted::default()
        },
        ..EngineConfig::default()
    }
}

/// Credits for somebody, until a second or for ever.
type Line<'a> = (&'a EvmKey, u64, Option<u64>);

/// From here on amounts count as they are written.
const START: f64 = 1_770_000_000.0;

fn at(seconds: f64) -> Micros {
    Micros(((START + seconds) * 1e6) as i64)
}

fn credit_post(signer: &EvmKey, kind: &str, time: f64, lines: &[Line<'_>]) -> Envelope {
    let line = |(account, amount, end): &Line<'_>| {
        let end = end.map(|end| (START as u64 + end) * 1_000);
        json!({"address": account.address(), "amount": amount, "expiration": end, "execution_id": "e"})
    };
    let lines: Vec<_> = lines.iter().map(line).collect();
    let content = json!({"type": format!("aleph_credit_{kind}"), "address": signer.address(), "time": START + time,
        "content": {kind: {"token": "ALEPH", "chain": "ETH", "credits": lines}}});
    sealed(signer, MessageType::Post, &content)
}

fn grant(time: f64, lines: &[Line<'_>]) -> Envelope {
    credit_post(&key(ORACLE), "distribution", time, lines)
}

fn spend(time: f64, account: &EvmKey, amount: u64) -> Envelope {
    credit_post(&key(ORACLE), "expense", time, &[(account, amount, None)])
}

fn send(time: f64, sender: &EvmKey, lines: &[Line<'_>]) -> Envelope {
    credit_post(sender, "transfer", time, lines)
}

impl Fixture {
    fn reader(&self) -> Reader {
        let config = StoreConfig::at(self.folder.path().join("db"));
        Store::open_read_only(&config).expect("opens").reader()
    }

    /// In one transaction.
    fn take_all(&mut self, messages: &[Envelope]) {
        self.engine.begin(NOW).expect("begins");
        for message in messages {
            self.engine.take(&prepare(message.clone(), None)).expect("takes");
        }
        self.engine.commit().expect("commits");
    }

    fn has(&self, account: &EvmKey, seconds: f64) -> i64 {
        let balance = self.reader().credit_balance(account.address(), at(seconds));
        balance.expect("a sum")
    }

    fn history(&self, account: &EvmKey) -> Vec<CreditRow> {
        let query = CreditQuery {
            filter: CreditFilter::default(),
            sort: CreditSort::Time,
            order: Order::Ascending,
        };
        let rows = self.reader().credit_history(account.address(), &query);
        rows.expect("a history")
    }

    fn amounts(&self, account: &EvmKey) -> Vec<i64> {
        self.history(account).iter().map(|row| row.amount).collect()
    }

    /// Everything derived is what one walk over what the posts say gives, at any instant.
    fn assert_consistent(&mut self, accounts: &[EvmKey], until: u32) {
        let reader = self.reader();
        let posts = self.engine.writer.credit_posts().expect("posts");
        let book = Book::from_posts(posts);
        assert_eq!(
            reader.state_root_of_tables().expect("a root").digest(),
            self.root()
        );
        for account in accounts {
            let address = account.address();
            let Some(id) = self.engine.writer.address_find(address).expect("reads") else {
                continue;
            };
            for second in 0..=until {
                let now = at(f64::from(second));
                let expected = book.account(&id, now).by_expiration(now);
                let found = reader.credit_balance_details(address, now).expect("lots");
                let found: Vec<_> = found.into_iter().map(|(end, sum)| (end, sum as u128)).collect();
                assert_eq!(found, expected, "{address} at {second}");
            }
            let rows = book.history(&id).map(|(position, row)| {
                (
                    position.hash.clone(),
                    i64::from(row.index),
                    row.amount,
                    row.expiration,
                )
            });
            let mut rows: Vec<_> = rows.collect();
            let found = self.history(account).into_iter();
            let mut found: Vec<_> = found
                .map(|row| (row.item_hash, row.line, i128::from(row.amount), row.expiration))
                .collect();
            rows.sort();
            found.sort();
            assert_eq!(found, rows, "history of {address}");
        }
    }
}

#[test]
fn a_late_grant_makes_a_void_transfer_valid() {
    let (alice, bob) = (key(1), key(2));
    let mut fixture = Fixture::with(config());
    let transfer = send(5.0, &alice, &[(&bob, 10, None)]);
    fixture.take(&transfer);
    fixture.take(&grant(1.0, &[(&alice, 9, None)]));
    assert_eq!((fixture.has(&alice, 9.0), fixture.has(&bob, 9.0)), (9, 0));
    assert_eq!(fixture.history(&bob), []);
    fixture.take(&grant(2.0, &[(&alice, 9, Some(50))]));
    assert_eq!((fixture.has(&alice, 9.0), fixture.has(&bob, 9.0)), (8, 10));
    assert_eq!(fixture.amounts(&bob), [9, 1]);
    assert_eq!(fixture.amounts(&alice), [9, 9, -10]);
    // An earlier transfer takes the credits away from it.
    let earlier = send(3.0, &alice, &[(&bob, 17, None)]);
    fixture.take(&earlier);
    assert_eq!(fixture.amounts(&bob), [9, 8]);
    fixture.assert_consistent(&[alice, bob], 60);
}

#[test]
fn the_oldest_lot_goes_first_and_ends_when_it_ends() {
    let alice = key(1);
    let mut fixture = Fixture::with(config());
    fixture.take(&grant(1.0, &[(&alice, 10, None), (&alice, 10, Some(30))]));
    fixture.take(&spend(2.0, &alice, 4));
    let seconds = [0.0, 1.0, 2.0, 29.0, 30.0];
    assert_eq!(seconds.map(|now| fixture.has(&alice, now)), [0, 20, 16, 16, 6]);
    // What has ended is of no use to a later expense, and what is missing is dropped.
    let (bob, root) = (key(2), fixture.root());
    fixture.take(&send(31.0, &alice, &[(&bob, 7, None)]));
    assert_ne!(fixture.root(), root, "the post is a message");
    // It is void, and so changes nothing at any instant.
    assert_eq!(seconds.map(|now| fixture.has(&alice, now)), [0, 20, 16, 16, 6]);
    fixture.take(&spend(31.0, &alice, 100));
    fixture.take(&grant(32.0, &[(&alice, 1, None)]));
    assert_eq!([31.0, 32.0].map(|now| fixture.has(&alice, now)), [0, 1]);
    fixture.assert_consistent(&[alice], 40);
}

#[test]
fn rows_of_a_transfer_name_the_other_side() {
    let (alice, bob, oracle) = (key(1), key(2), key(ORACLE));
    let mut fixture = Fixture::with(config());
    fixture.take(&send(1.0, &oracle, &[(&alice, 10, None)]));
    fixture.take(&send(2.0, &alice, &[(&bob, 4, Some(9))]));
    assert_eq!(fixture.history(&oracle), [], "who mints is not debited");
    let rows = [fixture.history(&alice), fixture.history(&bob)].concat();
    let seen: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.line,
                row.amount,
                row.expiration,
                row.details.origin.as_deref(),
            )
        })
        .collect();
    let expected = [
        (0, 10, None, Some(oracle.address())),
        (1, -4, None, Some(bob.address())),
        (0, 4, Some(at(9.0)), Some(alice.address())),
    ];
    assert_eq!(seen, expected);
    for row in rows {
        let details = row.details;
        assert_eq!(details.provider.as_deref(), Some("ALEPH"));
        assert_eq!(details.payment_method.as_deref(), Some("credit_transfer"));
        assert_eq!((details.token, details.tx_hash), (None, None));
    }
}

#[test]
fn a_forgotten_transfer_still_moves_credits_even_if_it_was_void() {
    let (alice, bob) = (key(1), key(2));
    let mut fixture = Fixture::with(config());
    let transfer = send(5.0, &alice, &[(&bob, 10, None)]);
    fixture.take(&transfer);
    fixture.take(&forget(&alice, &[&transfer], START + 6.0));
    let row = fixture.engine.writer.message_find(&transfer.item_hash);
    assert!(row.expect("reads").expect("known").state.purged);
    let gift = grant(1.0, &[(&alice, 10, None)]);
    fixture.take(&gift);
    assert_eq!((fixture.has(&alice, 9.0), fixture.has(&bob, 9.0)), (0, 10));
    fixture.take(&forget(&key(ORACLE), &[&gift], START + 7.0));
    assert_eq!(fixture.has(&bob, 9.0), 10);
    fixture.assert_consistent(&[alice, bob], 10);
}

#[test]
fn a_post_that_is_no_longer_acceptable_takes_its_credits_along() {
    let (oracle, clerk, alice, bob) = (key(ORACLE), key(3), key(1), key(2));
    let mut fixture = Fixture::with(config());
    fixture.take(&security(&oracle, &[&clerk], START));
    let content = json!({"type": "aleph_credit_distribution", "address": oracle.address(), "time": START + 2.0,
        "content": {"distribution": {"credits": [{"address": alice.address(), "amount": 10}]}}});
    fixture.take(&sealed(&clerk, MessageType::Post, &content));
    let root = fixture.root();
    fixture.take(&send(5.0, &alice, &[(&bob, 10, None)]));
    assert_eq!(fixture.has(&bob, 9.0), 10);
    fixture.take(&security(&oracle, &[], START + 1.0));
    assert_eq!((fixture.has(&alice, 9.0), fixture.has(&bob, 9.0)), (0, 0));
    assert_eq!(fixture.history(&bob), []);
    assert_ne!(fixture.root(), root);
    fixture.assert_consistent(&[alice, bob], 10);
}

#[test]
fn what_was_rolled_back_has_never_been() {
    let (alice, bob) = (key(1), key(2));
    let mut fixture = Fixture::with(config());
    fixture.take(&grant(1.0, &[(&alice, 10, None)]));
    let before = fixture.root();
    let transfer = send(5.0, &alice, &[(&bob, 10, None)]);
    fixture.engine.begin(NOW).expect("begins");
    let prepared = prepare(transfer.clone(), None);
    fixture.engine.take(&prepared).expect("takes");
    fixture.engine.credits_settle().expect("settles");
    fixture.engine.rollback().expect("rolls back");
    assert_eq!((fixture.root(), fixture.has(&bob, 9.0)), (before, 0));
    fixture.take(&transfer);
    assert_eq!((fixture.has(&alice, 9.0), fixture.has(&bob, 9.0)), (0, 10));
    fixture.assert_consistent(&[alice, bob], 10);
}

#[test]
fn balances_as_of_a_position_and_who_is_concerned() {
    let (alice, bob, carol) = (key(1), key(2), key(3));
    let mut fixture = Fixture::with(config());
    let position = |seconds| Position::provisional(at(seconds), alephd_testkit::sha256(b"a message"));
    let before = |fixture: &mut Fixture, owner: &EvmKey, seconds| {
        let credits = fixture.engine.credits_before(owner.address(), &position(seconds));
        credits.expect("a sum")
    };
    fixture.engine.begin(NOW).expect("begins");
    assert_eq!(before(&mut fixture, &alice, 9.0), 0, "nothing is known");
    let messages = [
        grant(1.0, &[(&alice, 10, Some(8))]),
        send(5.0, &alice, &[(&bob, 10, None)]),
    ];
    for message in messages {
        fixture.engine.take(&prepare(message, None)).expect("takes");
    }
    // Before anything is committed.
    let seconds = [0.5, 2.0, 6.0];
    assert_eq!(seconds.map(|time| before(&mut fixture, &alice, time)), [0, 10, 0]);
    assert_eq!([6.0, 8.5].map(|time| before(&mut fixture, &bob, time)), [10, 0]);
    let late = send(3.0, &alice, &[(&carol, 1, None)]);
    fixture.engine.take(&prepare(late, None)).expect("takes");
    assert_eq!(before(&mut fixture, &bob, 6.0), 0);
    fixture.engine.commit().expect("commits");
}

#[test]
fn owners_whose_credits_changed_are_told_once_with_the_first_position() {
    let (alice, bob, carol) = (key(1), key(2), key(3));
    let mut fixture = Fixture::with(config());
    let messages = [
        grant(1.0, &[(&alice, 10, None), (&carol, 1, None)]),
        send(3.0, &alice, &[(&carol, 1, None)]),
        send(5.0, &alice, &[(&bob, 10, None)]),
        spend(6.0, &carol, 1),
    ];
    fixture.take_all(&messages);
    let mut changed_without = |left: &[&Envelope]| {
        let engine = &mut fixture.engine;
        engine.credits_take_changed().expect("owners");
        for message in left {
            let row = engine.writer.message_find(&message.item_hash).expect("reads");
            engine.credits_leave(&row.expect("known")).expect("leaves");
        }
        let changed = engine.credits_take_changed().expect("owners");
        assert_eq!(engine.credits_take_changed().expect("owners"), []);
        let changed = changed.into_iter().map(|(owner, from)| (owner, from.time));
        changed.collect::<BTreeMap<_, _>>()
    };
    let names = |owners: &[&EvmKey], from| {
        let owners = owners.iter().map(|owner| (owner.address().to_owned(), at(from)));
        owners.collect::<BTreeMap<_, _>>()
    };
    assert_eq!(changed_without(&[&messages[3]]), names(&[&carol], 6.0));
    // The transfer to Bob is valid without the one before it.
    assert_eq!(
        changed_without(&[&messages[1]]),
        names(&[&alice, &bob, &carol], 3.0)
    );
    assert_eq!(changed_without(&[]), BTreeMap::new());
}

/// The final facts of one database in another, as a rebuild takes them over.
#[test]
fn tombstones_carry_what_transfers_say() {
    let (alice, bob) = (key(1), key(2));
    let mut fixture = Fixture::with(config());
    let gift = grant(1.0, &[(&alice, 10, None)]);
    let (moved, void) = (
        send(5.0, &alice, &[(&bob, 6, None)]),
        send(6.0, &alice, &[(&bob, 5, None)]),
    );
    let (gone, unpaid) = (
        forget(&alice, &[&moved, &void], START + 7.0),
        forget(&key(ORACLE), &[&gift], START + 8.0),
    );
    fixture.take_all(&[gift, moved, void, gone, unpaid]);
    let reader = fixture.reader();
    let mut other = Fixture::with(config());
    other.engine.writer.begin().expect("begins");
    for forget in reader.final_forgets(0, 9).expect("FORGETs") {
        other.engine.writer.forget_seed(&forget).expect("taken over");
    }
    for tombstone in reader.tombstones(0, 9).expect("tombstones") {
        other
            .engine
            .writer
            .tombstone_seed(&tombstone)
            .expect("taken over");
    }
    other.engine.writer.commit().expect("commits");
    assert_ne!(other.root(), fixture.root(), "what follows is not written yet");
    other.engine.end_bulk().expect("ends");
    assert_eq!(other.root(), fixture.root());
    assert_eq!((other.has(&alice, 9.0), other.has(&bob, 9.0)), (4, 6));
    let late = grant(2.0, &[(&alice, 1, None)]);
    other.take(&late);
    fixture.take(&late);
    assert_eq!((other.has(&bob, 9.0), other.root()), (11, fixture.root()));
    other.assert_consistent(&[alice, bob], 10);
}

const ACCOUNTS: u8 = 3;
const END: u32 = 16;

fn any_message() -> impl Strategy<Value = Envelope> {
    let account = || (1..=ACCOUNTS).prop_map(key);
    let line = || (account(), 1..20_u64, prop::option::of(0..u64::from(END)));
    let time = || (0..END).prop_map(f64::from);
    prop_oneof![
        2 => (time(), line()).prop_map(|(time, (to, amount, end))| grant(time, &[(&to, amount, end)])),
        1 => (time(), account(), 1..25_u64).prop_map(|(time, of, amount)| spend(time, &of, amount)),
        3 => (time(), account(), line()).prop_map(|(time, from, (to, amount, end))| {
            send(time, &from, &[(&to, amount, end)])
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_order_in_any_transactions_gives_the_same_ledger(
        mut messages in prop::collection::vec(any_message(), 0..40),
        forgotten in 0..5_usize,
        seed in any::<u64>(),
        cut in 0..40_usize,
    ) {
        let drops: Vec<_> = messages.iter().take(forgotten).map(|message| {
            let signer = (1..=ACCOUNTS).chain([ORACLE]).map(key).find(|key| key.address() == message.sender);
            forget(&signer.expect("one of them"), &[message], START + 99.0)
        }).collect();
        messages.extend(drops);
        let accounts: Vec<_> = (1..=ACCOUNTS).chain([ORACLE]).map(key).collect();
        let mut one = Fixture::with(config());
        for message in &messages {
            one.take(message);
        }
        one.assert_consistent(&accounts, END);
        // Many late posts at once, and a restart between.
        let other_order = shuffled(&messages, seed);
        let (first, second) = other_order.split_at(cut.min(other_order.len()));
        let mut other = Fixture::with(config());
        other.take_all(first);
        other = other.restart();
        other.take_all(second);
        other.assert_consistent(&accounts, END);
        prop_assert_eq!(one.root(), other.root());
        for account in &accounts {
            prop_assert_eq!(one.history(account), other.history(account));
        }
    }

    /// Above a number of them at once, which [`Fixture::take`] does not reach.
    #[test]
    fn many_late_posts_are_entered_as_one_by_one(
        messages in prop::collection::vec(any_message(), 30..40),
    ) {
        let accounts: Vec<_> = (1..=ACCOUNTS).chain([ORACLE]).map(key).collect();
        let mut fixture = Fixture::with(config());
        fixture.take_all(&messages);
        let (root, histories) = (fixture.root(), accounts.iter().map(|of| fixture.history(of)).collect::<Vec<_>>());
        let engine = &mut fixture.engine;
        let mut rows = Vec::new();
        for message in &messages {
            let row = engine.writer.message_find(&message.item_hash).expect("reads");
            rows.push(row.expect("known"));
        }
        rows.retain(|row| engine.writer.credits_exist(row).expect("reads"));
        rows.sort_by_key(Row::position);
        rows.dedup_by_key(|row| row.id);
        rows.pop();
        engine.begin(NOW).expect("begins");
        for row in &rows {
            engine.credits_leave(row).expect("leaves");
        }
        engine.commit().expect("commits");
        fixture.assert_consistent(&accounts, END);
        let engine = &mut fixture.engine;
        engine.begin(NOW).expect("begins");
        engine.credits_take_changed().expect("owners");
        for row in &rows {
            let text = row.content_text().expect("a content");
            let content = alephd_message::Content::parse(MessageType::Post, text).expect("a post");
            engine.ledger_enter(row, &content).expect("enters");
        }
        let changed: BTreeMap<_, _> = engine.credits_take_changed().expect("owners").into_iter().collect();
        engine.commit().expect("commits");
        fixture.assert_consistent(&accounts, END);
        prop_assert_eq!(fixture.root(), root);
        for (account, history) in accounts.iter().zip(histories) {
            prop_assert_eq!(fixture.history(account), history.clone());
            // Whoever has a row of such a post is told at the latest from there on.
            let mut entered = history.iter().filter(|row| rows.iter().any(|post| post.hash == row.item_hash));
            if let Some(first) = entered.next() {
                let from = changed.get(account.address()).map(|position| position.time);
                prop_assert!(from.is_some_and(|from| from <= first.time), "{} from {from:?}", account.address());
            }
        }
    }
}
