//! What is known about addresses: messages sent, money, grants.

use rusqlite::Connection;

use alephd_economy::lots::Book;
use alephd_message::{Chain, ItemHash, MessageType, Micros};
use alephd_store::{
    Counter, Store, StoreConfig,
    read::{
        BalanceCursor, BalanceQuery, CreditBalanceQuery, CreditFilter, CreditPlace, CreditQuery, CreditRow,
        CreditSort, CreditWindow, Order, StatsCursor, StatsQuery, StatsSort, TypeSet,
    },
};

fn filled(script: &str) -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = StoreConfig::at(folder.path().join("store.sqlite"));
    let store = Store::open(&config).expect("a store");
    let connection = Connection::open(&config.path).expect("the same file");
    connection.execute_batch(script).expect("rows");
    (store, folder)
}

const SENT: &str = "INSERT INTO addresses (id, text) VALUES (1, '0xAb'), (2, '0xb'), (3, '0xc'), (4, '0xd');
    INSERT INTO names (id, text) VALUES (1, 'zebra'), (2, 'ape');
    INSERT INTO sent (address, type, n, start) VALUES
        (1, 0, 3, '0xAb'), (1, 2, 1, '0xAb'), (2, 0, 4, '0xb'), (3, 1, 9, '0xc'), (4, 0, 0, '0xd');
    INSERT INTO used_names (address, kind, name, n) VALUES (1, 0, 1, 1), (1, 0, 2, 1), (1, 1, 2, 1), (2, 1, 1, 1);";

fn stats_query() -> StatsQuery {
    StatsQuery {
        contains: String::new(),
        sort: StatsSort::Total,
        order: Order::Descending,
        after: None,
        offset: 0,
        limit: None,
    }
}

#[test]
fn addresses_are_listed_by_their_numbers_of_messages() {
    let (store, _folder) = filled(SENT);
    let reader = store.reader();
    let list = |query: &StatsQuery| {
        let rows = reader.address_stats_list(query).expect("a list");
        rows.iter().map(|row| row.address.clone()).collect::<Vec<_>>()
    };
    assert_eq!(list(&stats_query()), ["0xc", "0xAb", "0xb"]);
    let by_posts = StatsQuery {
        sort: StatsSort::Type(MessageType::Post),
        ..stats_query()
    };
    assert_eq!(list(&by_posts), ["0xb", "0xAb", "0xc"]);
    let ascending = StatsQuery {
        order: Order::Ascending,
        offset: 1,
        limit: Some(1),
        ..stats_query()
    };
    assert_eq!(list(&ascending), ["0xb"]);
    let after = StatsCursor {
        value: 4,
        address: "0xAb".into(),
    };
    assert_eq!(
        list(&StatsQuery {
            after: Some(after),
            ..stats_query()
        }),
        ["0xb"]
    );
    assert_eq!(
        list(&StatsQuery {
            contains: "aB".into(),
            ..stats_query()
        }),
        ["0xAb"]
    );
    let known = reader
        .address_stats(&["0xAb".into(), "0xunknown".into()])
        .expect("numbers");
    assert_eq!(
        (
            known[0].total(),
            known[0].of(MessageType::Store),
            known[1].total()
        ),
        (4, 1, 0)
    );
    assert_eq!(reader.address_stats_count("B").expect("a count"), 2);
}

#[test]
fn names_in_use_are_sorted() {
    let (store, _folder) = filled(SENT);
    let reader = store.reader();
    assert_eq!(reader.channels_of("0xAb").expect("names"), ["ape", "zebra"]);
    assert_eq!(reader.post_types_of("0xAb").expect("names"), ["ape"]);
    assert_eq!(reader.channels_of("nobody").expect("names"), Vec::<String>::new());
}

const BALANCES: &str = "INSERT INTO names (id, text) VALUES (7, 'dapp');
    INSERT INTO balances (address, chain, dapp, balance, height) VALUES
        ('0xa', 0, 0, '10.5', 1), ('0xa', 1, 0, '3', 1), ('0xa', 1, 7, '100', 1), ('0xb', 0, 0, '1e-7', 1);";

/// As many on the first chain as on the second.
fn count_balances(folder: &tempfile::TempDir) {
    let file = Connection::open(folder.path().join("store.sqlite")).expect("the same file");
    for chain in 0..2 {
        let counter = Counter::Balances(chain).id();
        file.execute("INSERT INTO counters (key, n) VALUES (?, 2)", [counter])
            .expect("a counter");
    }
}

#[test]
fn balances_are_listed_by_address_and_chain() {
    let (store, folder) = filled(BALANCES);
    count_balances(&folder);
    let reader = store.reader();
    let texts = |rows: Vec<alephd_store::read::BalanceRow>| {
        rows.into_iter().map(|row| row.balance).collect::<Vec<_>>()
    };
    let second = Chain::from_index(1).expect("a chain");
    assert_eq!(
        texts(reader.balance_get("0xa", None).expect("rows")),
        ["10.5", "3"]
    );
    assert_eq!(
        texts(reader.balance_get("0xa", Some(second)).expect("rows")),
        ["3"]
    );
    let list = |query: BalanceQuery| texts(reader.balance_list(&query).expect("rows"));
    assert_eq!(list(BalanceQuery::default()), ["10.5", "3", "100", "1e-7"]);
    assert_eq!(
        list(BalanceQuery {
            minimum: Some(4),
            ..Default::default()
        }),
        ["10.5", "100"]
    );
    assert_eq!(
        list(BalanceQuery {
            chains: vec![second],
            offset: 1,
            ..Default::default()
        }),
        ["100"]
    );
    let seen = |chain| BalanceCursor {
        address: "0xa".into(),
        chain,
    };
    let after = Some(seen(Some((second, 0))));
    assert_eq!(
        list(BalanceQuery {
            after,
            limit: Some(1),
            ..Default::default()
        }),
        ["100"]
    );
    assert_eq!(
        list(BalanceQuery {
            after: Some(seen(None)),
            ..Default::default()
        }),
        ["1e-7"]
    );
    assert_eq!(reader.balance_count(&[second], Some(4)).expect("a count"), 1);
    assert_eq!(reader.balance_count(&[second], None).expect("a count"), 2);
    assert_eq!(reader.balance_count(&[second, second], None).expect("a count"), 2);
    assert_eq!(reader.balance_count(&[], None).expect("a count"), 4);
}

/// Rows of a history; the post names of ids 1 and 2.
const CREDITS: &str = r#"
    INSERT INTO addresses (id, text) VALUES (1, '0xoracle');
    INSERT INTO messages (id, prefix, hash, status, accepted, type, chain, item_type, sender, owner, time,
        content_time, reception, size) VALUES
        (1, 1, x'0101010101010101010101010101010101010101010101010101010101010101', 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0),
        (2, 2, x'0202020202020202020202020202020202020202020202020202020202020202', 0, 1, 4, 0, 0, 1, 1, 0, 0, 0, 0);
    INSERT INTO credits (address, time, message, line, kind, amount, expiration, details) VALUES
        ('0xa', 10, 1, 0, 0, 100, NULL, '{"tx_hash":"0x1","provider":"P","price":"0.5"}'),
        ('0xa', 20, 1, 1, 0, 50, 500, '{"payment_method":"card"}'),
        ('0xa', 30, 2, 0, 2, -30, NULL,
            '{"origin":"0202020202020202020202020202020202020202020202020202020202020202","payment_method":"credit_expense"}'),
        ('0xb', 10, 1, 2, 0, 7, NULL, '{}');
    UPDATE messages SET prefix = 0;"#;

/// What the engine writes beside the history: the lots that are left in the end.
fn with_lots(store: &Store) {
    let mut writer = store.take_writer().expect("the writer");
    writer.begin().expect("begins");
    let book = Book::from_posts(writer.credit_posts().expect("posts"));
    for account in book.accounts() {
        writer.lots_set(*account, &book).expect("written");
    }
    writer.commit().expect("commits");
}

/// Grants at 10 and 20, a debit at 30; the second grant ends at 500.
const POSTS: &str = r#"
    INSERT INTO addresses (id, text) VALUES (1, '0xoracle');
    INSERT INTO messages (id, prefix, hash, status, accepted, type, chain, item_type, sender, owner, time,
        content_time, reception, size) VALUES
        (1, 1, x'0100000000000000000000000000000000000000000000000000000000000000', 0, 1, 0, 0, 0, 1, 1, 0, 10, 0, 0),
        (2, 2, x'0200000000000000000000000000000000000000000000000000000000000000', 0, 1, 0, 0, 0, 1, 1, 0, 20, 0, 0),
        (3, 3, x'0300000000000000000000000000000000000000000000000000000000000000', 0, 1, 0, 0, 0, 1, 1, 0, 30, 0, 0);
    INSERT INTO credits (address, time, message, line, kind, amount, expiration, details) VALUES
        ('0xa', 10, 1, 0, 0, 100, NULL, '{}'),
        ('0xb', 10, 1, 1, 0, 9223372036854775807, NULL, '{}'),
        ('0xc', 10, 1, 2, 0, 5, 15, '{}'),
        ('0xa', 20, 2, 0, 0, 50, 500, '{}'),
        ('0xb', 20, 2, 1, 0, 9223372036854775807, NULL, '{}'),
        ('0xa', 30, 3, 0, 2, -30, NULL, '{}'),
        ('0xc', 30, 3, 1, 2, -9, NULL, '{}');"#;

#[test]
fn credits_are_what_is_left_of_valid_lots() {
    let (store, _folder) = filled(POSTS);
    with_lots(&store);
    let reader = store.reader();
    let at = |address: &str, now| reader.credit_balance(address, Micros(now)).expect("a sum");
    // Before the last post of the account its history tells, after it the lots.
    let instants = [9, 10, 20, 29, 30, 499, 500];
    assert_eq!(
        instants.map(|now| at("0xa", now)),
        [0, 100, 150, 150, 120, 120, 70]
    );
    assert_eq!(instants.map(|now| at("0xc", now)), [0, 5, 0, 0, 0, 0, 0]);
    assert_eq!((at("0xb", 9), at("0xb", 20), at("unknown", 0)), (0, i64::MAX, 0));
    let details = |now| {
        let details = reader.credit_balance_details("0xa", Micros(now)).expect("lots");
        details.into_iter().collect::<Vec<_>>()
    };
    let end = Some(Micros(500));
    assert_eq!(details(29), [(None, 100), (end, 50)]);
    assert_eq!(details(30), [(None, 70), (end, 50)]);
    let list = |query: CreditBalanceQuery| {
        let rows = reader.credit_balance_list(&query, Micros(600)).expect("a list");
        rows.into_iter()
            .map(|row| (row.address, row.credits))
            .collect::<Vec<_>>()
    };
    let all = [
        ("0xa".to_owned(), 70),
        ("0xb".to_owned(), i64::MAX),
        ("0xc".to_owned(), 0),
    ];
    assert_eq!(list(CreditBalanceQuery::default()), all);
    assert_eq!(
        list(CreditBalanceQuery {
            offset: 1,
            limit: Some(1),
            ..Default::default()
        }),
        all[1..2]
    );
    assert_eq!(
        list(CreditBalanceQuery {
            after: Some("0xa".into()),
            ..Default::default()
        }),
        all[1..]
    );
    assert_eq!(
        list(CreditBalanceQuery {
            minimum: Some(1),
            ..Default::default()
        }),
        all[..2]
    );
    let count = |minimum, now| {
        let count = reader.credit_balance_count(minimum, Micros(now));
        count.expect("a count")
    };
    assert_eq!((count(Some(71), 600), count(None, 600)), (1, 3));
    // At 12 nothing was spent and the second grants had not been made.
    assert_eq!((count(Some(6), 12), count(Some(101), 12)), (2, 1));
}

#[test]
fn a_credit_history_can_be_filtered_and_sorted() {
    let (store, _folder) = filled(CREDITS);
    let reader = store.reader();
    // The prefix of the second post as the index has it.
    let expense = ItemHash::Sha256([2; 32]);
    let query = |filter, sort, order| CreditQuery { filter, sort, order };
    let history = |filter: CreditFilter, sort, order| {
        let rows = reader
            .credit_history("0xa", &query(filter, sort, order))
            .expect("a history");
        rows.iter().map(|row| row.amount).collect::<Vec<_>>()
    };
    let by_time = |filter| history(filter, CreditSort::Time, Order::Descending);
    assert_eq!(by_time(CreditFilter::default()), [-30, 50, 100]);
    assert_eq!(
        history(
            CreditFilter::default(),
            CreditSort::PaymentMethod,
            Order::Ascending
        ),
        [50, -30, 100]
    );
    assert_eq!(
        history(CreditFilter::default(), CreditSort::Amount, Order::Ascending),
        [-30, 50, 100]
    );
    assert_eq!(
        history(CreditFilter::default(), CreditSort::Expiration, Order::Descending),
        [50, -30, 100]
    );
    assert_eq!(
        by_time(CreditFilter {
            tx_hash: Some("0x1".into()),
            ..Default::default()
        }),
        [100]
    );
    assert_eq!(
        by_time(CreditFilter {
            has_expiration: Some(false),
            ..Default::default()
        }),
        [-30, 100]
    );
    assert_eq!(
        by_time(CreditFilter {
            incoming: Some(true),
            ..Default::default()
        }),
        [50, 100]
    );
    assert_eq!(
        by_time(CreditFilter {
            exclude_payment_methods: vec!["card".into()],
            ..Default::default()
        }),
        [-30, 100]
    );
    let between = CreditFilter {
        start: Some(Micros(10)),
        end: Some(Micros(20)),
        ..Default::default()
    };
    assert_eq!(by_time(between), [50, 100]);
    assert_eq!(
        by_time(CreditFilter {
            resource: Some(expense.to_string()),
            ..Default::default()
        }),
        [-30]
    );
    let rows = reader
        .credit_history(
            "0xa",
            &query(CreditFilter::default(), CreditSort::Time, Order::Ascending),
        )
        .expect("a history");
    assert_eq!((rows[0].line, rows[0].details.price.as_deref()), (0, Some("0.5")));
    assert_eq!(rows[2].item_hash, expense);
    let filter = CreditFilter {
        end: Some(Micros(30)),
        ..Default::default()
    };
    let summary = reader.credit_summary("0xa", &filter).expect("sums");
    assert_eq!(
        (summary.entries, summary.incoming, summary.outgoing),
        (3, 150, -30)
    );
}

/// Lines at few instants, with few different values, of posts whose ids are in no order of names.
fn history_with_ties() -> String {
    let mut script = "INSERT INTO addresses (id, text) VALUES (1, '0xoracle');".to_owned();
    for id in 1..=24 {
        let name = format!("{:02x}", id * 11 % 25).repeat(32);
        let post = format!(
            "INSERT INTO messages (id, prefix, hash, status, accepted, type, chain, item_type, sender, owner, time,
                content_time, reception, size) VALUES ({id}, {id}, x'{name}', 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0);"
        );
        script.push_str(&post);
        for line in 0..3 {
            let (time, amount) = (id % 4, (id + line) % 3);
            let details = match id % 5 {
                0 => "{}",
                1 | 2 => r#"{"origin":"a"}"#,
                _ => r#"{"origin":"b"}"#,
            };
            let row = format!(
                "INSERT INTO credits (address, time, message, line, kind, amount, expiration, details)
                 VALUES ('0xa', {time}, {id}, {line}, 0, {amount}, NULL, '{details}');"
            );
            script.push_str(&row);
        }
    }
    script
}

#[test]
fn histories_are_cut_into_pages_without_loss() {
    let (store, _folder) = filled(&history_with_ties());
    let reader = store.reader();
    for (sort, order) in [
        (CreditSort::Time, Order::Ascending),
        (CreditSort::Time, Order::Descending),
        (CreditSort::Origin, Order::Ascending),
        (CreditSort::Origin, Order::Descending),
        (CreditSort::Amount, Order::Descending),
        (CreditSort::Expiration, Order::Ascending),
    ] {
        for filter in [
            CreditFilter::default(),
            CreditFilter {
                origin: Some("b".into()),
                start: Some(Micros(1)),
                end: Some(Micros(2)),
                ..Default::default()
            },
        ] {
            let query = CreditQuery { filter, sort, order };
            let list = |after, offset, limit| {
                let window = CreditWindow { after, offset, limit };
                let page = reader.credit_history_page("0xa", &query, &window);
                page.expect("a history")
            };
            // All of it is sorted in one go where no page is asked for by anything but time.
            let mut expected = list(None, 0, None);
            expected.reverse();
            let place = |row: &CreditRow| CreditPlace::of(row, sort);
            expected.sort_by(|a, b| place(a).compare(&place(b), order));
            assert_eq!(list(None, 0, None), expected, "{sort:?} {order:?}");
            assert!(expected.len() > 10);
            for offset in 0..expected.len() as u64 + 2 {
                let page = crate::fixture::cut(expected.clone(), offset, Some(5));
                assert_eq!(
                    list(None, offset, Some(5)),
                    page,
                    "{sort:?} {order:?} from {offset}"
                );
            }
            let (mut walked, mut after) = (Vec::new(), None);
            loop {
                let page = list(after.clone(), 0, Some(4));
                let Some(last) = page.last() else { break };
                after = Some(place(last));
                walked.extend(page);
            }
            assert_eq!(walked, expected, "{sort:?} {order:?}");
        }
    }
}

#[test]
fn a_history_can_be_limited_to_expenses_for_some_types_of_messages() {
    let (store, folder) = filled(CREDITS);
    let expense = ItemHash::Sha256([2; 32]);
    Connection::open(folder.path().join("store.sqlite"))
        .and_then(|file| {
            file.execute(
                "UPDATE messages SET prefix = ? WHERE id = 2",
                [expense.order_prefix()],
            )
        })
        .expect("an update");
    let amounts = |kind| {
        let filter = CreditFilter {
            resource_types: Some(TypeSet::from_iter([kind])),
            ..Default::default()
        };
        let query = CreditQuery {
            filter,
            sort: CreditSort::Time,
            order: Order::Ascending,
        };
        let rows = store.reader().credit_history("0xa", &query).expect("a history");
        rows.iter().map(|row| row.amount).collect::<Vec<_>>()
    };
    assert_eq!(amounts(MessageType::Instance), [-30]);
    assert_eq!(amounts(MessageType::Post), Vec::<i64>::new());
}

/// Tombstones of three STOREs, the content of one still held, and of a post. The file of the first is
/// held, the bill of the second kept; of the third nothing is known.
const GONE: &str = r#"
    INSERT INTO addresses (id, text) VALUES (1, '0xa');
    INSERT INTO messages (id, prefix, hash, status, accepted, type, chain, item_type, sender, owner, time,
        content_time, reception, size, remains) VALUES
        (1, 1, x'0101010101010101010101010101010101010101010101010101010101010101', 4, 1, 2, 0, 0, 1, 1, 0, 0, 0, 0,
            '{"file":"0909090909090909090909090909090909090909090909090909090909090909"}'),
        (2, 2, x'0202020202020202020202020202020202020202020202020202020202020202', 4, 1, 2, 0, 0, 1, 1, 0, 0, 0, 0,
            '{"file":"0808080808080808080808080808080808080808080808080808080808080808"}'),
        (3, 3, x'0303030303030303030303030303030303030303030303030303030303030303', 4, 1, 2, 0, 0, 1, 1, 0, 0, 0, 0, NULL),
        (4, 4, x'0404040404040404040404040404040404040404040404040404040404040404', 4, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, NULL);
    INSERT INTO files (id, hash, size, kind, created) VALUES
        (1, x'0909090909090909090909090909090909090909090909090909090909090909', 1234567, 0, 0);
    INSERT INTO costs (owner, payment, time, hash, message, total, hold, stream, credit, admitted, live, prefix, lines)
        VALUES (1, 0, 0, x'02', 2, x'', x'', x'', x'', 1, 0, 2, '[{"type":"STORAGE","size_mib":95.36743259429932}]');"#;

#[test]
fn the_size_of_a_file_outlives_its_message_while_anything_tells_it() {
    let (store, folder) = filled(GONE);
    let names = [1, 2, 3, 4, 5].map(|byte| ItemHash::Sha256([byte; 32]));
    let file = Connection::open(folder.path().join("store.sqlite")).expect("the same file");
    for (id, name) in (1..).zip(&names) {
        file.execute(
            "UPDATE messages SET prefix = ? WHERE id = ?",
            (name.order_prefix(), id),
        )
        .expect("a prefix");
    }
    let reader = store.reader();
    let sizes = names.map(|name| reader.gone_file_size(&name).expect("a read"));
    assert_eq!(sizes, [Some(1_234_567), Some(100_000_001), None, None, None]);
}

#[test]
fn grants_are_found_from_both_sides() {
    let (store, _folder) = filled(
        r#"INSERT INTO addresses (id, text) VALUES (1, '0xz'), (2, '0xy');
        INSERT INTO names (id, text) VALUES (1, 'security');
        INSERT INTO aggregates (id, owner, key, created, updated, first, last, elements) VALUES
            (1, 1, 1, 0, 0, 1, 1, 1), (2, 2, 1, 0, 0, 1, 1, 1);
        INSERT INTO aggregate_fields (aggregate, field, time, hash, message, value) VALUES
            (1, 'authorizations', 0, x'', 1, '[{"address":"0xg"}]'), (1, 'other', 0, x'', 1, '1'),
            (2, 'authorizations', 0, x'', 1, '[]');
        INSERT INTO grantees (grantee, owner) VALUES ('0xg', 1), ('0xg', 2), ('0xG', 2);"#,
    );
    let reader = store.reader();
    let value = r#"[{"address":"0xg"}]"#.to_owned();
    assert_eq!(
        reader.authorizations_granted("0xz").expect("a read"),
        Some(value.clone())
    );
    assert_eq!(reader.authorizations_granted("0xg").expect("a read"), None);
    let received = reader.authorizations_received("0xg", 10).expect("a read");
    assert_eq!(
        received,
        [("0xy".to_owned(), "[]".to_owned()), ("0xz".to_owned(), value)]
    );
}
