use alephd_message::ItemHash;
use alephd_rules::CreditKind;
use alephd_store::read::CreditDetails;

use super::*;

fn row(amount: i64, origin: Option<&str>, hash: u8) -> CreditRow {
    CreditRow {
        item_hash: ItemHash::Sha256([hash; 32]),
        line: 0,
        time: Micros(i64::from(hash)),
        kind: CreditKind::Distribution,
        amount,
        expiration: None,
        details: CreditDetails {
            origin: origin.map(str::to_owned),
            ..CreditDetails::default()
        },
    }
}

fn walk(sort: &str) -> Vec<u8> {
    let rows = vec![
        row(1, Some("a"), 3),
        row(2, None, 2),
        row(3, Some("a"), 1),
        row(4, Some("b"), 4),
        row(5, None, 5),
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
