//! What an account has and what is about to go, page by page.

use rusqlite::Connection;

use alephd_message::{Micros, PaymentType};
use alephd_store::{
    Reader, Store, StoreConfig, StoreError,
    read::{Page, PinCounts, Place},
};

/// Twenty messages of two owners: every third is being removed, every fourth has no live bill. Each
/// has a file; every second file has nothing but a grace period.
const ROWS: &str = "
    INSERT INTO addresses (id, text) VALUES (1, '0xa'), (2, '0xb');
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
    INSERT INTO messages (id, prefix, hash, status, accepted, type, chain, item_type, sender, owner, time,
        content_time, reception, size, gone_at)
    SELECT i, 0, CAST(printf('%032d', i) AS BLOB), i % 3 = 0, 1, 2, 0, 0, 1, 1 + i % 2, 0, i, 0, 0,
        CASE WHEN i % 3 = 0 THEN i * 100 END FROM n;
    INSERT INTO files (id, hash, size, kind, created) SELECT id, hash, 1000 + id, 0, 7 FROM messages;
    INSERT INTO pins (file, kind, message, created, prefix, delete_by)
        SELECT id, 3, 0, 0, 0, 500 - id / 4 FROM files;
    INSERT INTO pins (file, kind, message, owner, created, prefix)
        SELECT id, 1, id, owner, 0, 0 FROM messages WHERE id % 2 = 0;
    INSERT INTO costs (owner, payment, time, hash, message, total, hold, stream, credit, admitted, live, prefix,
        lines)
    SELECT 1, id % 3, content_time / 5, hash, id, CAST(zeroblob(15) || x'09' AS BLOB), x'', x'', x'', 1,
        id % 4 <> 0, 0, '[]' FROM messages;
    INSERT INTO credits (address, time, message, line, kind, amount, details)
        SELECT '0xa', id / 3, id, line, 2, -line, '{\"origin\":\"o\"}'
        FROM messages, (SELECT 1 AS line UNION SELECT 2);
    INSERT INTO lots (address, time, hash, line, remaining, expiration)
        SELECT '0xa', id / 3, hash, line, id % 5, CASE WHEN id % 2 = 0 THEN id END
        FROM messages, (SELECT 1 AS line UNION SELECT 2);";

fn filled() -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = StoreConfig::at(folder.path().join("store.sqlite"));
    let store = Store::open(&config).expect("a store");
    let connection = Connection::open(&config.path).expect("the same file");
    connection.execute_batch(ROWS).expect("rows");
    (store, folder)
}

/// All rows of a list, read in pages of each of some sizes, which must not matter.
fn walked<T: Clone + PartialEq + std::fmt::Debug>(
    reader: &Reader,
    list: impl Fn(&Reader, Option<&Place>, u64) -> Result<Page<T>, StoreError>,
) -> Vec<T> {
    let whole = list(reader, None, 1_000).expect("a page");
    assert_eq!(whole.next, None);
    for size in [1, 2, 7, 40] {
        let mut rows = Vec::new();
        let mut after: Option<Place> = None;
        loop {
            let page = list(reader, after.as_ref(), size).expect("a page");
            assert!(page.rows.len() as u64 <= size);
            rows.extend(page.rows);
            let Some(next) = page.next else { break };
            // A cursor survives the way through a link.
            assert_eq!(next.to_string().parse(), Ok(next.clone()));
            after = Some(next);
        }
        assert_eq!(rows, whole.rows, "pages of {size}");
    }
    whole.rows
}

#[test]
fn what_is_stored_is_counted() {
    let (store, _folder) = filled();
    let usage = store.reader().usage().expect("numbers");
    let pins = PinCounts {
        message: 10,
        grace: 20,
        ..PinCounts::default()
    };
    assert_eq!((usage.files, usage.bytes, usage.removing), (20, 20_210, 6));
    assert_eq!(usage.pins, pins);
}

#[test]
fn what_is_about_to_go_is_listed() {
    let (store, _folder) = filled();
    let reader = store.reader();
    let rows = walked(&reader, Reader::removing_list);
    let since: Vec<_> = rows
        .iter()
        .map(|row| (row.owner.as_str(), row.since.0, row.bytes))
        .collect();
    // Those of 0xa have even numbers, and their files are pinned.
    let expected = [
        ("0xa", 600, Some(1_006)),
        ("0xa", 1_200, Some(1_012)),
        ("0xa", 1_800, Some(1_018)),
        ("0xb", 300, None),
        ("0xb", 900, None),
        ("0xb", 1_500, None),
    ];
    assert_eq!(since, expected);
    assert!(rows.iter().all(|row| row.payment == PaymentType::Hold));

    let rows = walked(&reader, Reader::expiring_list);
    let ends: Vec<_> = rows.iter().map(|row| (row.until.0, row.bytes)).collect();
    assert_eq!((rows.len(), ends[0], ends[9]), (10, (496, 1_017), (500, 1_003)));
    assert!(ends.is_sorted_by_key(|end| end.0) && rows.iter().all(|row| row.bytes % 2 == 1));
}

#[test]
fn what_an_account_has_is_listed() {
    let (store, _folder) = filled();
    let reader = store.reader();
    let rows = walked(&reader, |reader, after, limit| {
        reader.lot_list("0xa", Micros(10), after, limit)
    });
    // Nothing left in every fifth; those with even numbers end, up to ten they have ended.
    let places: Vec<_> = rows.iter().map(|row| (row.time.0, row.expiration)).collect();
    assert_eq!(places.len(), 24, "{places:?}");
    assert!(places.is_sorted_by_key(|place| std::cmp::Reverse(place.0)));

    let rows = walked(&reader, |reader, after, limit| {
        reader.credit_entry_list("0xa", after, limit)
    });
    assert_eq!((rows.len(), rows[0].amount, rows[1].amount), (40, -2, -1));
    assert_eq!(rows[0].origin.as_deref(), Some("o"));

    let rows = walked(&reader, |reader, after, limit| {
        reader.bill_list("0xa", after, limit)
    });
    let payments: Vec<_> = rows.iter().map(|row| row.payment.index()).collect();
    assert_eq!(rows.len(), 15);
    assert!(payments.is_sorted_by_key(|payment| std::cmp::Reverse(*payment)));
    assert!(rows.iter().all(|row| row.total == 9));
    for nobody in ["0xb", "0xc"] {
        assert_eq!(
            walked(&reader, |reader, after, limit| reader
                .bill_list(nobody, after, limit)),
            []
        );
    }
}

#[test]
fn a_text_that_is_no_place_is_refused() {
    for text in [
        "",
        "1.2",
        "1.2.3.",
        "1.2.x",
        "1.2.3.zz",
        "99999999999999999999.0.0",
    ] {
        assert!(text.parse::<Place>().is_err(), "{text}");
    }
}
