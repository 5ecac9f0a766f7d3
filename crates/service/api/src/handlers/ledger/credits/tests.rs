use alephd_message::ItemHash;
use alephd_rules::CreditKind;
use alephd_store::read::CreditDetails;

use super::*;

fn row(amount: i64, expiration: Option<i64>, origin: Option<&str>, hash: u8) -> CreditRow {
    CreditRow {
        item_hash: ItemHash::Sha256([hash; 32]),
        line: 0,
        time: Micros(i64::from(hash)),
        kind: CreditKind::Distribution,
        amount,
        expiration: expiration.map(Micros),
        details: CreditDetails {
            origin: origin.map(str::to_owned),
            ..CreditDetails::default()
        },
    }
}

#[test]
fn spending_drains_the_oldest_valid_grants() {
    let now = Micros(100);
    let rows = [
        row(10, Some(100), None, 1),
        row(20, Some(200), None, 2),
        row(30, None, None, 3),
        row(-25, None, None, 4),
        row(5, Some(150), None, 5),
    ];
    let expected = Lots::from([(None, 25), (Some(Micros(150)), 5)]);
    assert_eq!(drain(&rows, now), expected);
    assert_eq!(drain(&rows[..1], now), Lots::new());
    let overdrawn = [row(10, None, None, 1), row(-25, None, None, 2)];
    assert_eq!(drain(&overdrawn, now), Lots::new());
}

fn walk(sort: &str) -> Vec<u8> {
    let rows = vec![
        row(1, None, Some("a"), 3),
        row(2, None, None, 2),
        row(3, None, Some("a"), 1),
        row(4, None, Some("b"), 4),
        row(5, None, None, 5),
    ];
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let query = CreditHistoryQuery::parse(&format!("pagination=2&cursor={cursor}&{sort}"));
        let query = query.expect("a cursor of our own");
        let order = order_of(query.sort_order);
        let mut rows = rows.clone();
        rows.sort_by(|a, b| place_of(&query, a).compare(&place_of(&query, b), order));
        cut(&query, order, &mut rows);
        let next = next_cursor(&query.paging, &mut rows, |row| cursor_of(&query, row));
        seen.extend(rows.iter().map(|row| row.time.0 as u8));
        match next {
            Some(next) => cursor = next,
            None => return seen,
        }
    }
}

#[test]
fn cursors_meet_every_entry_once() {
    assert_eq!(walk("sort_by=origin&sort_order=1"), [1, 3, 4, 2, 5]);
    assert_eq!(walk("sort_by=origin&sort_order=-1"), [4, 3, 1, 5, 2]);
    assert_eq!(walk("sort_by=amount&sort_order=1"), [3, 2, 1, 4, 5]);
    assert_eq!(walk("sort_order=-1"), [5, 4, 3, 2, 1]);
}
