use alephd_message::{ItemHash, Micros};
use proptest::prelude::*;

use super::*;

type TestPost = Post<u8>;

fn position(time: i64, id: u8) -> Position {
    Position {
        time: Micros(time),
        hash: ItemHash::Sha256([id; 32]),
    }
}

fn grant(account: u8, amount: u64, expiration: Option<i64>) -> Grant<u8> {
    Grant {
        account,
        amount,
        expiration: expiration.map(Micros),
    }
}

fn distribution(time: i64, id: u8, lines: Vec<Grant<u8>>) -> TestPost {
    Post {
        position: position(time, id),
        body: Body::Grants { from: None, lines },
    }
}

fn expense(time: i64, id: u8, account: u8, amount: u64) -> TestPost {
    Post {
        position: position(time, id),
        body: Body::Expenses(vec![Expense { account, amount }]),
    }
}

fn transfer(time: i64, id: u8, sender: u8, lines: Vec<Grant<u8>>) -> TestPost {
    Post {
        position: position(time, id),
        body: Body::Transfer(Transfer {
            sender,
            required: lines.iter().map(|line| line.amount).sum(),
            lines,
        }),
    }
}

fn book(posts: &[TestPost]) -> Book<u8> {
    Book::from_posts(posts.iter().cloned())
}

/// `(remaining, expiration)` of the lots of an account.
fn lots(book: &Book<u8>, account: u8, at: i64) -> Vec<(u64, Option<i64>)> {
    let account = book.account(&account, Micros(at));
    let lots = account.lots(Micros(at));
    lots.map(|lot| (lot.remaining, lot.expiration.map(|end| end.0)))
        .collect()
}

#[test]
fn the_oldest_lot_is_drained_first_whatever_ends_first() {
    let book = book(&[
        distribution(1, 1, vec![grant(0, 10, None)]),
        distribution(2, 2, vec![grant(0, 10, Some(50))]),
        expense(3, 3, 0, 12),
    ]);
    assert_eq!(lots(&book, 0, 3), [(8, Some(50))]);
    assert_eq!(book.balance(&0, Micros(49)), 8);
    assert_eq!(book.balance(&0, Micros(50)), 0);
}

#[test]
fn lots_of_one_instant_go_by_hash_and_line() {
    let book = book(&[
        distribution(1, 2, vec![grant(0, 1, Some(90))]),
        distribution(1, 1, vec![grant(0, 2, Some(91)), grant(0, 4, Some(92))]),
        expense(1, 3, 0, 3),
    ]);
    assert_eq!(lots(&book, 0, 1), [(3, Some(92)), (1, Some(90))]);
}

#[test]
fn what_ended_before_the_expense_is_not_used() {
    let posts = [
        distribution(1, 1, vec![grant(0, 10, Some(5)), grant(0, 10, None)]),
        expense(5, 2, 0, 4),
    ];
    assert_eq!(lots(&book(&posts), 0, 5), [(6, None)]);
}

#[test]
fn what_comes_after_the_expense_is_not_used_and_the_rest_is_dropped() {
    let book = book(&[
        distribution(1, 1, vec![grant(0, 10, None)]),
        expense(2, 2, 0, 15),
        distribution(3, 3, vec![grant(0, 10, None)]),
    ]);
    assert_eq!(lots(&book, 0, 3), [(10, None)]);
    let all: Vec<_> = book.history(&0).map(|(_, row)| row).collect();
    let summary: Summary = all.iter().collect();
    assert_eq!(
        (summary.entries, summary.incoming, summary.outgoing),
        (3, 20, -15)
    );
}

#[test]
fn what_is_dated_later_has_not_happened() {
    let book = book(&[
        distribution(1, 1, vec![grant(0, 10, None)]),
        expense(5, 2, 0, 4),
        distribution(9, 3, vec![grant(0, 100, Some(20))]),
    ]);
    let balance = |at| book.balance(&0, Micros(at));
    assert_eq!([0, 1, 4, 5, 8, 9, 20].map(balance), [0, 10, 10, 6, 6, 106, 6]);
    let changes = [0, 1, 5, 9, 20].map(|at| book.next_change(&0, Micros(at)).map(|next| next.0));
    assert_eq!(changes, [Some(1), Some(5), Some(9), Some(20), None]);
}

#[test]
fn a_transfer_hands_on_parts_with_the_earlier_end() {
    let book = book(&[
        distribution(
            1,
            1,
            vec![
                grant(0, 3, Some(40)),
                grant(0, 3, Some(60)),
                grant(0, 3, None),
                grant(0, 3, None),
            ],
        ),
        transfer(2, 2, 0, vec![grant(1, 10, Some(50)), grant(2, 1, None)]),
    ]);
    // 60 and no end are both cut to 50 and become one lot.
    assert_eq!(lots(&book, 1, 2), [(3, Some(40)), (7, Some(50))]);
    assert_eq!(lots(&book, 2, 2), [(1, None)]);
    assert_eq!(lots(&book, 0, 2), [(1, None)]);
    let rows = book.rows(&position(2, 2));
    let seen: Vec<_> = rows
        .map(|row| {
            (
                row.index,
                row.line,
                *row.account,
                row.counterparty.copied(),
                row.amount,
                row.expiration.map(|end| end.0),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (0, 0, 1, Some(0), 3, Some(40)),
            (1, 0, 1, Some(0), 7, Some(50)),
            (2, 0, 0, Some(1), -10, None),
            (3, 1, 2, Some(0), 1, None),
            (4, 1, 0, Some(2), -1, None),
        ]
    );
}

#[test]
fn an_earlier_spend_makes_a_transfer_void_and_taking_it_out_revives_it() {
    let posts = [
        distribution(1, 1, vec![grant(0, 10, None)]),
        transfer(5, 2, 0, vec![grant(1, 10, None)]),
        transfer(7, 3, 1, vec![grant(2, 6, None)]),
    ];
    let mut book = book(&posts);
    assert_eq!(book.balance(&2, Micros(9)), 6);
    let changes = book.insert(transfer(3, 4, 0, vec![grant(3, 1, None)]));
    assert_eq!(
        book.outcome(&position(5, 2)),
        Some(&Outcome::Void { available: 9 })
    );
    assert_eq!(
        book.outcome(&position(7, 3)),
        Some(&Outcome::Void { available: 0 })
    );
    assert_eq!(book.rows(&position(5, 2)).count(), 0);
    assert_eq!(
        changes.transfers.into_iter().collect::<Vec<_>>(),
        [position(5, 2), position(7, 3)]
    );
    assert_eq!(changes.accounts.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
    book.remove(&position(3, 4));
    assert_eq!(book.balance(&2, Micros(9)), 6);
    assert_eq!(book.balance(&3, Micros(9)), 0);
}

#[test]
fn cover_is_judged_at_the_position() {
    let book = book(&[
        distribution(1, 1, vec![grant(0, 10, Some(5))]),
        expense(3, 4, 0, 4),
        distribution(9, 5, vec![grant(0, 100, None)]),
    ]);
    let before = |time, id| book.balance_before(&0, &position(time, id));
    assert_eq!(before(1, 1), 0);
    assert_eq!(before(1, 2), 10);
    assert_eq!(before(3, 4), 10);
    assert_eq!(before(3, 5), 6);
    assert_eq!(before(5, 0), 0);
    assert_eq!(before(9, 6), 100);
}

#[test]
fn a_line_of_an_old_transfer_that_finds_nothing_is_granted_whole() {
    let mut old = transfer(2, 2, 0, vec![grant(1, 9, None), grant(2, 9, Some(30))]);
    if let Body::Transfer(transfer) = &mut old.body {
        transfer.required = 2;
    }
    let book = book(&[distribution(1, 1, vec![grant(0, 7, None)]), old]);
    assert_eq!(lots(&book, 1, 2), [(7, None)]);
    assert_eq!(lots(&book, 2, 2), [(9, Some(30))]);
}

#[test]
fn a_post_counts_once() {
    let post = distribution(1, 1, vec![grant(0, 10, None)]);
    let mut book = book(&[post.clone(), post.clone()]);
    assert_eq!(book.balance(&0, Micros(1)), 10);
    assert_eq!(book.insert(post), Changes::default());
    assert_eq!(book.remove(&position(2, 2)), Changes::default());
    assert_eq!(book.balance(&0, Micros(1)), 10);
}

#[test]
fn balance_by_end() {
    let book = book(&[distribution(
        1,
        1,
        vec![
            grant(0, 1, Some(9)),
            grant(0, 2, None),
            grant(0, 4, Some(7)),
            grant(0, 8, Some(9)),
        ],
    )]);
    let account = book.account(&0, Micros(1));
    assert_eq!(
        account.by_expiration(Micros(1)),
        [(None, 2), (Some(Micros(7)), 4), (Some(Micros(9)), 9)]
    );
}

/// The rules again, as directly as they can be written: all lots in one list, searched each time.
#[derive(Default)]
struct Model {
    lots: Vec<(u8, u64, Option<i64>)>,
}

impl Model {
    fn of(posts: &[TestPost], at: i64) -> Self {
        let mut posts: Vec<&TestPost> = posts.iter().filter(|post| post.position.time.0 <= at).collect();
        posts.sort_by_key(|post| post.position.clone());
        posts.dedup_by_key(|post| post.position.clone());
        let mut model = Self::default();
        for post in posts {
            model.apply(post);
        }
        model
    }

    fn apply(&mut self, post: &TestPost) {
        let now = post.position.time.0;
        match &post.body {
            Body::Grants { lines, .. } => {
                for line in lines {
                    self.lots
                        .push((line.account, line.amount, line.expiration.map(|end| end.0)));
                }
            }
            Body::Expenses(lines) => {
                for line in lines {
                    self.take(line.account, line.amount, now);
                }
            }
            Body::Transfer(transfer) => {
                if self.balance(transfer.sender, now) < transfer.required {
                    return;
                }
                for line in &transfer.lines {
                    let wanted = line.expiration.map(|end| end.0);
                    for (amount, end) in self.take(transfer.sender, line.amount, now) {
                        let end = [end, wanted].into_iter().flatten().min();
                        self.lots.push((line.account, amount, end));
                    }
                }
            }
        }
    }

    fn take(&mut self, account: u8, mut amount: u64, now: i64) -> Vec<(u64, Option<i64>)> {
        let mut parts = Vec::new();
        for lot in &mut self.lots {
            let taken = lot.1.min(amount);
            if lot.0 == account && lot.2.is_none_or(|end| end > now) && taken > 0 {
                lot.1 -= taken;
                amount -= taken;
                parts.push((taken, lot.2));
            }
        }
        parts
    }

    fn balance(&self, account: u8, at: i64) -> u64 {
        let valid = |lot: &&(u8, u64, Option<i64>)| lot.0 == account && lot.2.is_none_or(|end| end > at);
        self.lots.iter().filter(valid).map(|lot| lot.1).sum()
    }
}

const ACCOUNTS: u8 = 4;
const END: i64 = 24;

fn any_line() -> impl Strategy<Value = Grant<u8>> {
    (0..ACCOUNTS, 1..20_u64, prop::option::of(0..END))
        .prop_map(|(account, amount, end)| grant(account, amount, end))
}

fn any_post() -> impl Strategy<Value = TestPost> {
    let body = prop_oneof![
        2 => prop::collection::vec(any_line(), 1..3).prop_map(|lines| Body::Grants { from: None, lines }),
        1 => prop::collection::vec((0..ACCOUNTS, 1..30_u64), 1..3).prop_map(|lines| {
            let line = |(account, amount)| Expense { account, amount };
            Body::Expenses(lines.into_iter().map(line).collect())
        }),
        3 => (0..ACCOUNTS, any_line(), prop::option::of(any_line())).prop_map(|(sender, first, second)| {
            let mut lines = vec![first];
            lines.extend(second.filter(|line| line.account != lines[0].account));
            lines.retain(|line| line.account != sender);
            Body::Transfer(Transfer {
                sender,
                required: lines.iter().map(|line| line.amount).sum(),
                lines,
            })
        }),
    ];
    // The time repeats often, and the number of the post makes its hash unique below.
    (0..END, body).prop_map(|(time, body)| Post {
        position: position(time, 0),
        body,
    })
}

fn any_posts() -> impl Strategy<Value = Vec<TestPost>> {
    prop::collection::vec(any_post(), 0..24).prop_map(|mut posts| {
        for (id, post) in (0..).zip(&mut posts) {
            post.position = position(post.position.time.0, id);
        }
        posts
    })
}

/// Posts, an order of arrival, and how many of the first to arrive are taken out again.
fn any_arrival() -> impl Strategy<Value = (Vec<TestPost>, Vec<TestPost>, usize)> {
    any_posts().prop_flat_map(|posts| {
        let count = posts.len();
        (Just(posts.clone()), Just(posts).prop_shuffle(), 0..=count)
    })
}

fn assert_same(a: &Book<u8>, b: &Book<u8>, posts: &[TestPost]) {
    for account in 0..ACCOUNTS {
        for at in 0..=END {
            assert_eq!(
                lots(a, account, at),
                lots(b, account, at),
                "account {account} at {at}"
            );
        }
    }
    for post in posts {
        assert_eq!(a.outcome(&post.position), b.outcome(&post.position));
        assert!(a.rows(&post.position).eq(b.rows(&post.position)));
    }
}

proptest! {
    #[test]
    fn every_lot_has_a_row(posts in any_posts()) {
        let book = book(&posts);
        for account in 0..ACCOUNTS {
            for lot in book.account(&account, Micros(END)).lots(Micros(END)) {
                let row = book.rows(&lot.position).find(|row| row.index == lot.index);
                let found = row.map(|row| (*row.account, row.expiration, row.amount >= i128::from(lot.remaining)));
                prop_assert_eq!(found, Some((account, lot.expiration, true)));
            }
        }
    }

    #[test]
    fn the_book_is_the_model(posts in any_posts()) {
        let book = book(&posts);
        for at in 0..=END {
            let model = Model::of(&posts, at);
            for account in 0..ACCOUNTS {
                prop_assert_eq!(book.balance(&account, Micros(at)), u128::from(model.balance(account, at)));
            }
        }
    }

    #[test]
    fn any_route_gives_the_same_book((posts, arrival, withdrawn) in any_arrival()) {
        let mut incremental = Book::default();
        for post in &arrival {
            incremental.insert(post.clone());
        }
        assert_same(&incremental, &book(&posts), &posts);
        for post in &arrival[..withdrawn] {
            incremental.remove(&post.position);
        }
        assert_same(&incremental, &book(&arrival[withdrawn..]), &posts);
    }

    #[test]
    fn changes_name_everything_that_changed((posts, arrival, _) in any_arrival()) {
        let mut book = Book::default();
        for post in &arrival {
            let before = book.clone();
            let changes = book.insert(post.clone());
            for account in (0..ACCOUNTS).filter(|account| !changes.accounts.contains(account)) {
                prop_assert_eq!(lots(&before, account, END), lots(&book, account, END));
            }
            for other in posts.iter().filter(|other| before.contains(&other.position)) {
                let changed = !before.rows(&other.position).eq(book.rows(&other.position));
                prop_assert!(!changed || changes.transfers.contains(&other.position));
            }
        }
    }

    #[test]
    fn what_comes_later_changes_nothing_before_it(posts in any_posts(), at in 0..END) {
        let earlier: Vec<_> = posts.iter().filter(|post| post.position.time.0 <= at).cloned().collect();
        let (all, earlier_only) = (book(&posts), book(&earlier));
        for post in &earlier {
            prop_assert_eq!(all.outcome(&post.position), earlier_only.outcome(&post.position));
        }
        for account in 0..ACCOUNTS {
            prop_assert_eq!(lots(&all, account, at), lots(&earlier_only, account, at));
        }
    }

    #[test]
    fn only_grants_make_credits(posts in any_posts()) {
        let granted: u64 = posts.iter().map(|post| match &post.body {
            Body::Grants { lines, .. } => lines.iter().map(|line| line.amount).sum(),
            Body::Expenses(_) | Body::Transfer(_) => 0,
        }).sum();
        let book = book(&posts);
        for at in 0..=END {
            let held: u128 = (0..ACCOUNTS).map(|account| book.balance(&account, Micros(at))).sum();
            prop_assert!(held <= u128::from(granted));
        }
    }

    #[test]
    fn a_transfer_is_covered_exactly_if_the_balance_before_it_says_so(posts in any_posts()) {
        let book = book(&posts);
        for post in &posts {
            if let Body::Transfer(transfer) = &post.body {
                let available = book.balance_before(&transfer.sender, &post.position);
                let is_void = matches!(book.outcome(&post.position), Some(Outcome::Void { .. }));
                prop_assert_eq!(is_void, available < u128::from(transfer.required));
            }
        }
    }
}
