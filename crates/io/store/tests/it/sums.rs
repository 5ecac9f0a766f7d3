//! Sums that the writer keeps, against the same sums over the rows.

use alephd_economy::lots;
use alephd_message::{Content, MessageType, Micros, PaymentType};
use alephd_rules::{CreditEntries, CreditEntry, CreditKind, MessageStatus, Position};
use alephd_store::{
    Reader, Store, StoreConfig, Writer,
    read::{
        CostQuery, CostSums, CreditFilter, CreditQuery, CreditSort, Order, StatsCursor, StatsQuery, StatsSort,
    },
    write::{Bill, NewMessage, Row, State},
};
use alephd_testkit::{builder, keys, sha256};
use serde_json::json;

use crate::fixture::Dice;

struct Bench {
    store: Store,
    writer: Writer,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&StoreConfig::at(folder.path().join("store.sqlite"))).expect("a store");
        let mut writer = store.take_writer().expect("the only writer");
        writer.begin().expect("a transaction");
        Self {
            store,
            writer,
            _folder: folder,
        }
    }

    /// A message of one of a few senders; the number makes it different from others.
    fn message(&mut self, sender: &str, kind: MessageType, number: u64) -> Row {
        let key = keys::evm(sender);
        let draft = match kind {
            MessageType::Aggregate => builder::aggregate(&key, "key", json!({"number": number})),
            _ => builder::post(&key, "note", json!({"number": number})),
        };
        let envelope = draft.at(number as f64).seal();
        let text = envelope.item_content.as_deref().expect("inline");
        let content = Content::parse(envelope.message_type, text).expect("a valid content");
        let new = NewMessage {
            envelope: &envelope,
            content: Some(&content),
            fetched_text: None,
            item_text: None,
            reception: Micros(1),
        };
        let mut row = self.writer.message_draft(&new).expect("a draft");
        row.state = live();
        self.writer.message_insert(&row, None).expect("a row");
        row
    }

    /// Ends the transaction, one time in four by giving it up, and begins another. Says whether it
    /// was kept.
    fn next(&mut self, dice: &mut Dice) -> bool {
        let kept = dice.below(4) != 0;
        match kept {
            true => self.writer.commit().expect("commits"),
            false => self.writer.rollback().expect("rolls back"),
        }
        self.writer.begin().expect("begins");
        kept
    }
}

fn live() -> State {
    State {
        status: MessageStatus::Processed,
        accepted: true,
        ..State::undecided()
    }
}

const ACCOUNTS: [&str; 3] = ["0xa", "0xb", "0xc"];
const RESOURCES: [&str; 3] = ["one", "two", "three"];

fn credit_post(dice: &mut Dice) -> CreditEntries {
    let kind = match dice.below(2) {
        0 => CreditKind::Distribution,
        _ => CreditKind::Expense,
    };
    let entries = (0..1 + dice.below(4)).map(|_| CreditEntry {
        address: ACCOUNTS[dice.below(3) as usize].to_owned(),
        // Sums of a few of the largest leave 64 bits.
        amount: if dice.below(3) == 0 {
            i64::MAX as u64
        } else {
            1 + dice.below(50)
        },
        origin: (dice.below(4) != 0).then(|| RESOURCES[dice.below(3) as usize].to_owned()),
        ..CreditEntry::default()
    });
    CreditEntries {
        kind,
        required: None,
        entries: entries.collect(),
    }
}

fn assert_credit_sums(reader: &Reader) {
    let all = CreditFilter::default();
    // Not the default, yet everything.
    let walked = CreditFilter {
        start: Some(Micros(i64::MIN)),
        ..all.clone()
    };
    let (mut spent, mut consumed) = (0, [0; 3]);
    for account in ACCOUNTS {
        let sums = reader.credit_summary(account, &all).expect("sums");
        assert_eq!(
            sums,
            reader.credit_summary(account, &walked).expect("sums"),
            "{account}"
        );
        let query = CreditQuery {
            filter: all.clone(),
            sort: CreditSort::Time,
            order: Order::Ascending,
        };
        let rows = reader.credit_history(account, &query).expect("a history");
        let expenses: Vec<_> = rows
            .iter()
            .filter(|row| row.kind == CreditKind::Expense)
            .collect();
        let sum = |resource: Option<&str>| -> i128 {
            let of = expenses
                .iter()
                .filter(|row| resource.is_none() || row.details.origin.as_deref() == resource);
            of.map(|row| -i128::from(row.amount)).sum()
        };
        assert_eq!(reader.credits_spent(Some(account)).expect("a sum"), sum(None));
        spent += sum(None);
        for (total, resource) in consumed.iter_mut().zip(RESOURCES) {
            let of_account = reader.consumed_credits(resource, Some(account)).expect("a sum");
            assert_eq!(of_account, sum(Some(resource)), "{account} for {resource}");
            *total += of_account;
        }
    }
    assert_eq!(reader.credits_spent(None).expect("a sum"), spent);
    let consumed_by_all = RESOURCES.map(|resource| reader.consumed_credits(resource, None).expect("a sum"));
    assert_eq!(consumed_by_all, consumed);
}

#[test]
fn sums_of_credits_follow_the_histories() {
    let (mut bench, mut dice) = (Bench::new(), Dice::new(11));
    let mut kept: Vec<Row> = Vec::new();
    let mut open = kept.clone();
    for number in 0..240 {
        if open.is_empty() || dice.below(3) != 0 {
            let row = bench.message("oracle", MessageType::Post, number);
            let post = credit_post(&mut dice);
            bench.writer.credit_post_insert(&row, &post).expect("lines");
            // Once more changes nothing.
            bench.writer.credit_post_insert(&row, &post).expect("lines");
            open.push(row);
        } else {
            let gone = open.swap_remove(dice.below(open.len() as u64) as usize);
            bench.writer.credit_post_remove(&gone).expect("no lines");
        }
        if dice.below(5) == 0 {
            match bench.next(&mut dice) {
                true => kept = open.clone(),
                false => open = kept.clone(),
            }
            assert_credit_sums(&bench.store.reader());
        }
    }
    for row in open.drain(..) {
        bench.writer.credit_post_remove(&row).expect("no lines");
    }
    bench.writer.commit().expect("commits");
    let reader = bench.store.reader();
    assert_credit_sums(&reader);
    let left: i64 = reader
        .query_row(
            "SELECT (SELECT count(*) FROM credit_sums) + (SELECT count(*) FROM consumed)",
            [],
            |row| row.get(0),
        )
        .expect("a count");
    assert_eq!(left, 0, "sums of nothing are not kept");
}

#[test]
fn rows_of_transfers_count_too() {
    let mut bench = Bench::new();
    let row = bench.message("alice", MessageType::Post, 1);
    let (alice, bob) = (bench.address("0xa"), bench.address("0xb"));
    let moved = |amount: i128, account, other, index| lots::Row {
        line: 0,
        account,
        index,
        amount,
        expiration: None,
        counterparty: Some(other),
    };
    let rows = [moved(7, &bob, &alice, 0), moved(-7, &alice, &bob, 1)];
    bench.writer.transfer_rows_set(&row, &rows).expect("rows");
    bench.writer.commit().expect("commits");
    assert_credit_sums(&bench.store.reader());
    let all = CreditFilter::default();
    let sums = bench.store.reader().credit_summary("0xa", &all).expect("sums");
    assert_eq!((sums.entries, sums.incoming, sums.outgoing), (1, 0, -7));
    assert_eq!(bench.store.reader().credits_spent(None).expect("a sum"), 0);
    bench.writer.begin().expect("begins");
    bench.writer.transfer_rows_set(&row, &[]).expect("no rows");
    bench.writer.commit().expect("commits");
    let sums = bench.store.reader().credit_summary("0xa", &all).expect("sums");
    assert_eq!(sums.entries, 0);
}

impl Bench {
    fn address(&mut self, text: &str) -> i64 {
        // Whoever is named by a post gets a number.
        let row = self.message(
            "namer",
            MessageType::Post,
            text.len() as u64 * 1000 + u64::from(text.as_bytes()[2]),
        );
        let entry = CreditEntry {
            address: text.to_owned(),
            amount: 1,
            ..CreditEntry::default()
        };
        let post = CreditEntries {
            kind: CreditKind::Transfer,
            required: Some(1),
            entries: vec![entry],
        };
        self.writer.credit_post_insert(&row, &post).expect("a line");
        self.writer.address_find(text).expect("reads").expect("a number")
    }
}

fn bill(dice: &mut Dice) -> Bill {
    let mut amount = || i128::from(dice.below(1000)) - 100;
    let (total, hold, stream, credit) = (amount(), amount(), amount(), amount());
    Bill {
        payment: PaymentType::ALL[dice.below(3) as usize],
        total,
        hold,
        stream,
        credit,
        lines: "[]".to_owned(),
    }
}

fn position(time: u64, name: &[u8]) -> Position {
    Position::provisional(Micros(time as i64 * 1_000_000), sha256(name))
}

/// Any state that a message may have, as far as bills go.
fn any_state(dice: &mut Dice) -> State {
    let forgotten = dice.below(4) == 0;
    State {
        status: if forgotten {
            MessageStatus::Forgotten
        } else {
            MessageStatus::Processed
        },
        accepted: dice.below(4) != 0,
        withdrawn: forgotten.then(|| position(dice.below(40), &[dice.below(3) as u8])),
        ..State::undecided()
    }
}

fn assert_cost_sums(reader: &Reader, owners: &[String]) {
    for payment in PaymentType::ALL.iter().copied() {
        for owner in owners.iter().cloned().map(Some).chain([None]) {
            let query = CostQuery {
                payment,
                owner,
                item_hash: None,
            };
            let mut sums = CostSums::default();
            for row in reader.cost_list(&query, 0, 1000).expect("bills") {
                sums.count += 1;
                sums.hold += row.hold;
                sums.stream += row.stream;
                sums.credit += row.credit;
            }
            assert_eq!(reader.cost_sums(&query).expect("sums"), sums, "{query:?}");
        }
    }
}

/// What messages before a position cost is the same whether all of them are read or only those since
/// the last question, whatever was changed in between.
#[test]
fn sums_of_bills_follow_the_bills() {
    let (mut bench, mut dice) = (Bench::new(), Dice::new(5));
    let names = ["alice", "bob"];
    let owners = names.map(|name| keys::evm(name).address().to_owned());
    let mut rows: Vec<Row> = (0..40)
        .map(|number| bench.message(names[dice.below(2) as usize], MessageType::Post, number))
        .collect();
    bench.writer.commit().expect("commits");
    bench.writer.begin().expect("begins");
    let mut asked = 0;
    for _ in 0..1500 {
        let index = dice.below(40) as usize;
        match dice.below(10) {
            0 => bench.writer.bill_remove(&rows[index]).expect("no bill"),
            1..5 => {
                rows[index].state = any_state(&mut dice);
                let bill = bill(&mut dice);
                bench.writer.bill_set(&rows[index], &bill).expect("a bill");
            }
            5 if dice.below(10) == 0 => {
                bench.next(&mut dice);
                assert_cost_sums(&bench.store.reader(), &owners);
            }
            _ => {
                let at = match dice.below(2) {
                    0 => rows[index].position(),
                    _ => position(dice.below(42), &[dice.below(3) as u8]),
                };
                let owner = &owners[dice.below(2) as usize];
                let payment = PaymentType::ALL[dice.below(3) as usize];
                let before = bench.writer.costs_before(owner, payment, &at).expect("bills");
                let expected: i128 = before.iter().map(|claim| claim.total.max(0)).sum();
                let found = bench.writer.costs_sum_before(owner, payment, &at).expect("a sum");
                assert_eq!(found, expected, "{owner} {payment} {at:?}");
                asked += i32::from(expected > 0);
            }
        }
    }
    assert!(asked > 300, "only {asked} questions had an answer");
    bench.writer.commit().expect("commits");
    assert_cost_sums(&bench.store.reader(), &owners);
}

fn query(sort: StatsSort, order: Order) -> StatsQuery {
    StatsQuery {
        contains: String::new(),
        sort,
        order,
        after: None,
        offset: 0,
        limit: None,
    }
}

/// The writer's numbers of senders, and the lists that they make.
#[test]
fn senders_are_counted_as_they_come_and_go() {
    let (mut bench, mut dice) = (Bench::new(), Dice::new(3));
    let names = ["alice", "bob", "carol", "dave", "erin"];
    let kinds = [MessageType::Post, MessageType::Aggregate];
    let mut rows: Vec<(usize, Row)> = Vec::new();
    for number in 0..60 {
        let (name, kind) = (dice.below(5) as usize, kinds[dice.below(2) as usize]);
        let row = bench.message(names[name], kind, number);
        rows.push((name, row));
    }
    bench.writer.commit().expect("commits");
    for _ in 0..30 {
        bench.writer.begin().expect("begins");
        for _ in 0..4 {
            let (_, row) = &mut rows[dice.below(60) as usize];
            let state = match row.state.status {
                MessageStatus::Processed => State {
                    status: MessageStatus::Rejected,
                    accepted: false,
                    ..State::undecided()
                },
                _ => live(),
            };
            bench.writer.message_set_state(row, state).expect("a state");
        }
        bench.writer.commit().expect("commits");
        let reader = bench.store.reader();
        let numbers = |name: usize, kind: Option<MessageType>| {
            let counted = rows.iter().filter(|(owner, row)| {
                *owner == name
                    && row.state.status == MessageStatus::Processed
                    && kind.is_none_or(|kind| row.message_type == kind)
            });
            counted.count() as u64
        };
        let present = || (0..5).filter(|name| numbers(*name, None) > 0);
        assert_eq!(
            reader.address_stats_count("").expect("a count"),
            present().count() as u64
        );
        for sort in [StatsSort::Total, StatsSort::Type(MessageType::Aggregate)] {
            let kind = match sort {
                StatsSort::Total => None,
                StatsSort::Type(kind) => Some(kind),
            };
            let mut expected: Vec<_> = present()
                .map(|name| {
                    (
                        u64::MAX - numbers(name, kind),
                        keys::evm(names[name]).address().to_owned(),
                    )
                })
                .collect();
            expected.sort();
            let found = reader
                .address_stats_list(&query(sort, Order::Descending))
                .expect("a list");
            let found: Vec<_> = found
                .into_iter()
                .map(|stats| {
                    let value = kind.map_or_else(|| stats.total(), |kind| stats.of(kind));
                    (u64::MAX - value, stats.address)
                })
                .collect();
            assert_eq!(found, expected);
        }
    }
}

/// Addresses whose beginnings and numbers are often equal, in all orders, page by page.
#[test]
fn address_lists_are_cut_into_pages_without_loss() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = StoreConfig::at(folder.path().join("store.sqlite"));
    let store = Store::open(&config).expect("a store");
    let file = rusqlite::Connection::open(&config.path).expect("the same file");
    let mut dice = Dice::new(9);
    let mut model: Vec<(String, u64, u64)> = Vec::new();
    for id in 1..=60_i64 {
        // Ids are in no order of texts.
        let text = format!(
            "0x{}{}{:02}",
            ["AA", "aa", "b"][dice.below(3) as usize],
            "0".repeat(8),
            id * 37 % 61
        );
        let (posts, stores) = (dice.below(3) as i64, dice.below(3) as i64);
        let start: String = text.chars().take(10).collect();
        file.execute("INSERT INTO addresses (id, text) VALUES (?, ?)", (id, &text))
            .expect("an address");
        for (kind, n) in [(MessageType::Post, posts), (MessageType::Store, stores)] {
            let kind = kind.index();
            if n > 0 || id % 2 == 0 {
                file.execute(
                    "INSERT INTO sent (address, type, n, start) VALUES (?, ?, ?, ?)",
                    (id, kind, n, &start),
                )
                .expect("a number");
            }
        }
        let sum = posts + stores;
        if sum > 0 {
            model.push((text, posts as u64, sum as u64));
        }
    }
    let reader = store.reader();
    for (sort, order, contains) in [
        (StatsSort::Total, Order::Descending, ""),
        (StatsSort::Total, Order::Ascending, "AA0"),
        (StatsSort::Total, Order::Ascending, ""),
        (StatsSort::Type(MessageType::Post), Order::Descending, ""),
        (StatsSort::Type(MessageType::Post), Order::Descending, "B00"),
        (StatsSort::Type(MessageType::Post), Order::Ascending, ""),
        (StatsSort::Type(MessageType::Post), Order::Ascending, "3"),
    ] {
        let value = |(_, posts, sum): &(String, u64, u64)| match sort {
            StatsSort::Total => *sum,
            StatsSort::Type(_) => *posts,
        };
        let mut expected: Vec<_> = model
            .iter()
            .filter(|row| {
                row.0
                    .to_ascii_lowercase()
                    .contains(&contains.to_ascii_lowercase())
            })
            .collect();
        expected.sort_by_key(|row| {
            let value = value(row);
            (
                if order == Order::Ascending {
                    value
                } else {
                    u64::MAX - value
                },
                row.0.clone(),
            )
        });
        let expected: Vec<_> = expected.into_iter().map(|row| row.0.clone()).collect();
        let list = |after: Option<StatsCursor>, offset: u64, limit: Option<u64>| {
            let rows = reader.address_stats_list(&StatsQuery {
                contains: contains.to_owned(),
                after,
                offset,
                limit,
                ..query(sort, order)
            });
            rows.expect("a list")
        };
        let names = |rows: Vec<alephd_store::read::AddressStats>| {
            rows.into_iter().map(|row| row.address).collect::<Vec<_>>()
        };
        assert!(expected.len() > 10, "{contains}");
        assert_eq!(
            names(list(None, 0, None)),
            expected,
            "{sort:?} {order:?} {contains}"
        );
        assert_eq!(
            reader.address_stats_count(contains).expect("a count"),
            expected.len() as u64
        );
        for offset in 0..expected.len() as u64 + 2 {
            let page = crate::fixture::cut(expected.clone(), offset, Some(7));
            assert_eq!(
                names(list(None, offset, Some(7))),
                page,
                "{sort:?} {order:?} {contains} from {offset}"
            );
        }
        let (mut walked, mut after) = (Vec::new(), None);
        loop {
            let page = list(after.clone(), 0, Some(3));
            let Some(last) = page.last() else { break };
            let value = match sort {
                StatsSort::Total => last.total(),
                StatsSort::Type(kind) => last.of(kind),
            };
            after = Some(StatsCursor {
                value,
                address: last.address.clone(),
            });
            walked.extend(names(page));
        }
        assert_eq!(walked, expected, "{sort:?} {order:?} {contains}");
    }
}
