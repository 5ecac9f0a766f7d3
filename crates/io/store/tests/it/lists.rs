//! Lists agree with a slow, obvious filter over all rows: for generated filters, orders, pages and
//! cursors, with true counters and with counters that make the planner expect a large database.

use std::{cmp::Reverse, sync::OnceLock};

use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{Index, select, subsequence},
    test_runner::TestCaseError,
};

use alephd_message::{Chain, ItemHash, MessageType, Micros, PaymentType};
use alephd_rules::MessageStatus;
use alephd_store::read::{
    AggregateCursor, AggregateFilter, AggregateQuery, AggregateSort, GoneFilter, MessageFilter, Order,
    PostFilter, Sort, TypeSet, Window,
};

use crate::fixture::{self, AggregateModel, Fixture, Model, PostModel, cut, micros};

/// With true counters, and with counters that are far too large.
fn fixtures() -> &'static [Fixture; 2] {
    static FIXTURES: OnceLock<[Fixture; 2]> = OnceLock::new();
    FIXTURES.get_or_init(|| [Fixture::new(1), Fixture::new(1_000_000)])
}

fn order() -> impl Strategy<Value = Order> {
    select(vec![Order::Ascending, Order::Descending])
}

fn sort() -> impl Strategy<Value = Sort> {
    select(vec![Sort::Time, Sort::Time, Sort::TxTime])
}

/// Part of a list, in terms of the list.
#[derive(Clone, Debug)]
enum Part {
    Page(u64, Option<u64>),
    AfterRow(Index, u64),
    AfterUnknown(i64, u8, u64),
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        (0..200_u64, option::weighted(0.9, 0..60_u64)).prop_map(|(offset, limit)| Part::Page(offset, limit)),
        (any::<Index>(), 1..60_u64).prop_map(|(row, limit)| Part::AfterRow(row, limit)),
        (-10..620_i64, any::<u8>(), 1..60_u64).prop_map(|(time, byte, n)| Part::AfterUnknown(time, byte, n)),
    ]
}

impl Part {
    /// The window, and the rows of `list` (in order, as (time, hash, id)) that it shows.
    fn of(&self, list: &[(i64, ItemHash, i64)], order: Order) -> (Window, Vec<i64>) {
        let ids = |rows: &[(i64, ItemHash, i64)]| rows.iter().map(|row| row.2).collect::<Vec<_>>();
        let (time, hash, limit) = match self {
            Self::Page(offset, limit) => {
                let window = Window::Page {
                    offset: *offset,
                    limit: *limit,
                };
                return (window, cut(ids(list), *offset, *limit));
            }
            Self::AfterRow(row, limit) if !list.is_empty() => {
                let row = row.get(list);
                (row.0, row.1.clone(), *limit)
            }
            Self::AfterRow(_, limit) => (100, ItemHash::Sha256([0; 32]), *limit),
            Self::AfterUnknown(time, byte, limit) => (*time, ItemHash::Sha256([*byte; 32]), *limit),
        };
        let is_after = |row: &&(i64, ItemHash, i64)| match order {
            Order::Ascending => (row.0, &row.1) > (time, &hash),
            Order::Descending => (Reverse(row.0), &row.1) > (Reverse(time), &hash),
        };
        let rows: Vec<_> = list.iter().filter(is_after).cloned().collect();
        (
            Window::After {
                time: Micros(time),
                hash,
                limit,
            },
            cut(ids(&rows), 0, Some(limit)),
        )
    }
}

/// Mostly nothing, else some members.
fn some<T: Clone + std::fmt::Debug + 'static>(members: Vec<T>, most: usize) -> impl Strategy<Value = Vec<T>> {
    let most = most.min(members.len());
    prop_oneof![5 => Just(Vec::new()), 2 => vec(select(members), 1..=most)]
}

fn senders() -> impl Strategy<Value = Vec<String>> {
    let all: Vec<_> = (0..fixture::SENDERS).map(fixture::sender).collect();
    let few: Vec<_> = (0..8)
        .map(fixture::sender)
        .chain(["unknown".to_owned()])
        .collect();
    prop_oneof![8 => some(few, 4), 1 => Just(all)]
}

fn texts(text: fn(u64) -> String, count: u64) -> impl Strategy<Value = Vec<String>> {
    some((0..=count).map(text).collect(), 3)
}

fn types() -> impl Strategy<Value = TypeSet> {
    prop_oneof![
        3 => Just(TypeSet::ALL),
        2 => subsequence(MessageType::ALL.to_vec(), 0..7).prop_map(TypeSet::from_iter),
    ]
}

fn range(end: i64) -> impl Strategy<Value = (Option<i64>, Option<i64>)> {
    (option::weighted(0.2, 0..end), option::weighted(0.2, 0..end))
}

fn hashes() -> impl Strategy<Value = Vec<ItemHash>> {
    let known: Vec<_> = fixtures()[0]
        .messages
        .iter()
        .map(|message| message.hash.clone())
        .collect();
    let none = Just(Vec::new());
    prop_oneof![8 => none, 1 => vec(select(known), 1..200)]
}

fn message_filter() -> impl Strategy<Value = MessageFilter> {
    let columns = (
        types(),
        senders(),
        senders(),
        texts(fixture::channel, 6),
        hashes(),
    );
    let terms = (
        texts(fixture::reference, 8),
        texts(fixture::label, 4),
        texts(fixture::label, 4),
        texts(fixture::tag, 6),
        some((0..10).map(fixture::file).collect(), 3),
    );
    let rest = (
        some(vec![Chain::Eth, Chain::Sol, Chain::Bsc], 2),
        some(PaymentType::ALL.to_vec(), 2),
        range(600),
        option::weighted(0.1, 0..12_i64),
        option::weighted(0.1, 0..12_i64),
    );
    (columns, terms, rest).prop_map(|(columns, terms, rest)| {
        let (types, senders, owners, channels, hashes) = columns;
        let (references, content_types, content_keys, tags, content_hashes) = terms;
        let (chains, payments, (start, end), start_block, end_block) = rest;
        MessageFilter {
            types,
            senders,
            owners,
            references,
            content_hashes,
            content_keys,
            content_types,
            chains,
            channels,
            tags,
            hashes,
            payments,
            start: micros(start),
            end: micros(end),
            start_block,
            end_block,
        }
    })
}

fn within<T: PartialEq>(wanted: &[T], value: Option<&T>) -> bool {
    wanted.is_empty() || value.is_some_and(|value| wanted.contains(value))
}

fn matches(filter: &MessageFilter, message: &Model) -> bool {
    let is = |kind| message.kind == kind;
    let height = message.confirmed.map(|confirmed| confirmed.1);
    message.status.is_live()
        && filter.types.contains(message.kind)
        && within(&filter.senders, Some(&message.sender))
        && within(&filter.owners, Some(&message.owner))
        && within(&filter.references, message.reference.as_ref())
        && within(&filter.content_hashes, message.file.as_ref())
        && within(
            &filter.content_keys,
            message.label.as_ref().filter(|_| is(MessageType::Aggregate)),
        )
        && within(
            &filter.content_types,
            message.label.as_ref().filter(|_| is(MessageType::Post)),
        )
        && within(&filter.chains, Some(&message.chain))
        && within(&filter.channels, message.channel.as_ref())
        && (filter.tags.is_empty() || message.tags.iter().any(|tag| filter.tags.contains(tag)))
        && within(&filter.hashes, Some(&message.hash))
        && within(&filter.payments, message.payment.as_ref())
        && filter.start.is_none_or(|start| message.time >= start.0)
        && filter.end.is_none_or(|end| message.time < end.0)
        && filter
            .start_block
            .is_none_or(|start| height.is_none_or(|height| height >= start))
        && filter
            .end_block
            .is_none_or(|end| height.is_some_and(|height| height < end))
}

/// Messages in the order of a list, as (time, hash, id).
fn in_order<'a>(
    messages: impl Iterator<Item = (&'a Model, i64)>,
    sort: Sort,
    order: Order,
) -> Vec<(i64, ItemHash, i64)> {
    let mut list: Vec<_> = messages
        .map(|(message, time)| {
            let unconfirmed = message.confirmed.is_none();
            let confirmed = message.confirmed.map_or(0, |confirmed| confirmed.0);
            let first = if sort == Sort::TxTime {
                (unconfirmed, confirmed)
            } else {
                (false, 0)
            };
            (first, time, message.hash.clone(), message.id)
        })
        .collect();
    list.sort_by(|a, b| match order {
        Order::Ascending => (a.0, a.1, &a.2).cmp(&(b.0, b.1, &b.2)),
        Order::Descending => (Reverse((a.0, a.1)), &a.2).cmp(&(Reverse((b.0, b.1)), &b.2)),
    });
    list.into_iter()
        .map(|(_, time, hash, id)| (time, hash, id))
        .collect()
}

fn check_messages(
    filter: &MessageFilter,
    sort: Sort,
    order: Order,
    part: &Part,
) -> Result<(), TestCaseError> {
    // Without cursors by confirmation.
    let part = if sort == Sort::TxTime && !matches!(part, Part::Page(..)) {
        &Part::Page(3, Some(20))
    } else {
        part
    };
    for fixture in fixtures() {
        let reader = fixture.reader();
        let matching = fixture.messages.iter().filter(|message| matches(filter, message));
        let list = in_order(matching.map(|message| (message, message.time)), sort, order);
        let (window, expected) = part.of(&list, order);
        let found = reader.message_list(filter, sort, order, &window).expect("a list");
        let found: Vec<_> = found.iter().map(|message| message.id).collect();
        prop_assert_eq!(found, expected, "{:?}", window);
    }
    let fixture = &fixtures()[0];
    let expected = fixture
        .messages
        .iter()
        .filter(|message| matches(filter, message))
        .count();
    prop_assert_eq!(
        fixture.reader().message_count(filter).expect("a count"),
        expected as u64
    );
    Ok(())
}

fn post_filter() -> impl Strategy<Value = PostFilter> {
    let columns = (
        senders(),
        hashes(),
        texts(fixture::label, 4),
        texts(fixture::channel, 6),
    );
    let rest = (texts(fixture::reference, 8), texts(fixture::tag, 6), range(600));
    (columns, rest).prop_map(
        |((owners, hashes, types, channels), (references, tags, (start, end)))| PostFilter {
            owners,
            hashes,
            references,
            types,
            tags,
            channels,
            start: micros(start),
            end: micros(end),
        },
    )
}

fn post_matches(filter: &PostFilter, post: &PostModel) -> bool {
    let original = &post.original;
    within(&filter.owners, Some(&original.owner))
        && within(&filter.hashes, Some(&original.hash))
        && within(&filter.references, original.reference.as_ref())
        && within(&filter.types, original.label.as_ref())
        && (filter.tags.is_empty() || post.latest.tags.iter().any(|tag| filter.tags.contains(tag)))
        && within(&filter.channels, original.channel.as_ref())
        && filter.start.is_none_or(|start| post.updated >= start.0)
        && filter.end.is_none_or(|end| post.updated < end.0)
}

fn check_posts(filter: &PostFilter, sort: Sort, order: Order, part: &Part) -> Result<(), TestCaseError> {
    let part = if sort == Sort::TxTime && !matches!(part, Part::Page(..)) {
        &Part::Page(3, Some(20))
    } else {
        part
    };
    for fixture in fixtures() {
        let reader = fixture.reader();
        let matching = fixture.posts.iter().filter(|post| post_matches(filter, post));
        let time = |post: &PostModel| {
            if sort == Sort::TxTime {
                post.original.time
            } else {
                post.updated
            }
        };
        let list = in_order(matching.map(|post| (&post.original, time(post))), sort, order);
        let (window, expected) = part.of(&list, order);
        let found = reader.post_list(filter, sort, order, &window).expect("a list");
        let name = |id: i64| fixture.messages[id as usize - 1].hash.clone();
        let hashes: Vec<_> = found.iter().map(|post| post.original.item_hash.clone()).collect();
        let expected: Vec<_> = expected.into_iter().map(name).collect();
        prop_assert_eq!(&hashes, &expected, "{:?}", window);
        for post in &found {
            let model = fixture
                .posts
                .iter()
                .find(|model| model.original.hash == post.original.item_hash);
            let model = model.expect("a known post");
            prop_assert_eq!(&post.latest.item_hash, &model.latest.hash);
            prop_assert_eq!(post.updated, Micros(model.updated));
        }
    }
    let fixture = &fixtures()[0];
    let expected = fixture
        .posts
        .iter()
        .filter(|post| post_matches(filter, post))
        .count();
    prop_assert_eq!(
        fixture.reader().post_count(filter).expect("a count"),
        expected as u64
    );
    Ok(())
}

fn gone_filter() -> impl Strategy<Value = GoneFilter> {
    let columns = (
        types(),
        senders(),
        senders(),
        texts(fixture::channel, 6),
        hashes(),
    );
    let rest = (
        some(vec![Chain::Eth, Chain::Sol], 2),
        some(PaymentType::ALL.to_vec(), 2),
        range(500),
    );
    (columns, rest).prop_map(
        |((types, senders, owners, channels, hashes), (chains, payments, range))| {
            let (start, end) = (micros(range.0), micros(range.1));
            GoneFilter {
                types,
                senders,
                owners,
                chains,
                channels,
                hashes,
                payments,
                start,
                end,
            }
        },
    )
}

fn gone_matches(filter: &GoneFilter, status: MessageStatus, message: &Model) -> bool {
    message.status == status
        && filter.types.contains(message.kind)
        && within(&filter.senders, Some(&message.sender))
        && within(&filter.owners, Some(&message.owner))
        && within(&filter.chains, Some(&message.chain))
        && within(&filter.channels, message.channel.as_ref())
        && within(&filter.hashes, Some(&message.hash))
        && within(
            &filter.payments,
            Some(&message.payment.unwrap_or(PaymentType::Hold)),
        )
        && filter
            .start
            .is_none_or(|start| message.gone_at.is_some_and(|gone| gone >= start.0))
        && filter
            .end
            .is_none_or(|end| message.gone_at.is_some_and(|gone| gone < end.0))
}

fn check_gone(
    filter: &GoneFilter,
    status: MessageStatus,
    order: Order,
    (offset, limit): (u64, Option<u64>),
) -> Result<(), TestCaseError> {
    let fixture = &fixtures()[0];
    let matching = fixture
        .messages
        .iter()
        .filter(|message| gone_matches(filter, status, message));
    let mut list: Vec<_> = matching.collect();
    list.sort_by_key(|message| {
        let gone = message.gone_at.unwrap_or(0);
        let time = if order == Order::Descending { -gone } else { gone };
        (message.gone_at.is_none(), time, message.hash.clone())
    });
    let expected: Vec<_> = list.iter().map(|message| message.id).collect();
    let reader = fixture.reader();
    prop_assert_eq!(
        reader.gone_count(status, filter).expect("a count"),
        expected.len() as u64
    );
    let window = Window::Page { offset, limit };
    let found = reader.gone_list(status, filter, order, &window).expect("a list");
    let found: Vec<_> = found.iter().map(|message| message.id).collect();
    prop_assert_eq!(found, cut(expected, offset, limit));
    Ok(())
}

fn check_aggregates(
    filter: AggregateFilter,
    sort: AggregateSort,
    order: Order,
    (after, offset, limit): (Option<Index>, u64, u64),
) -> Result<(), TestCaseError> {
    let fixture = &fixtures()[0];
    let time = |row: &AggregateModel| match sort {
        AggregateSort::Updated => row.updated,
        AggregateSort::Created => row.created,
    };
    let place = |row: &AggregateModel| {
        (
            if order == Order::Descending {
                -time(row)
            } else {
                time(row)
            },
            row.ids,
        )
    };
    let matching = fixture
        .aggregates
        .iter()
        .filter(|row| within(&filter.keys, Some(&row.key)) && within(&filter.owners, Some(&row.owner)));
    let mut list: Vec<_> = matching.collect();
    list.sort_by_key(|row| place(row));
    let reader = fixture.reader();
    prop_assert_eq!(
        reader.aggregate_count(&filter).expect("a count"),
        list.len() as u64
    );
    let after = after.filter(|_| !list.is_empty()).map(|after| *after.get(&list));
    let expected = match after {
        Some(after) => {
            let rest = list.into_iter().filter(|row| place(row) > place(after)).collect();
            cut(rest, 0, Some(limit))
        }
        None => cut(list, offset, Some(limit)),
    };
    let after = after.map(|row| AggregateCursor {
        time: Micros(time(row)),
        key: row.key.clone(),
        owner: row.owner.clone(),
    });
    let query = AggregateQuery {
        filter,
        sort,
        order,
        after,
        offset,
        limit,
    };
    let found = reader.aggregate_list(&query).expect("a list");
    let found: Vec<_> = found
        .iter()
        .map(|item| (item.owner.as_str(), item.aggregate.key.as_str()))
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|row| (row.owner.as_str(), row.key.as_str()))
        .collect();
    prop_assert_eq!(found, expected);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn message_lists_agree_with_the_obvious_filter(
        filter in message_filter(), sort in sort(), order in order(), part in part(),
    ) {
        check_messages(&filter, sort, order, &part)?;
    }

    #[test]
    fn post_lists_agree_with_the_obvious_filter(
        filter in post_filter(), sort in sort(), order in order(), part in part(),
    ) {
        check_posts(&filter, sort, order, &part)?;
    }

    #[test]
    fn lists_of_tombstones_agree_with_the_obvious_filter(
        filter in gone_filter(),
        status in select(vec![MessageStatus::Forgotten, MessageStatus::Removed, MessageStatus::Pending]),
        order in order(),
        page in (0..40_u64, option::of(0..40_u64)),
    ) {
        let status = if status == MessageStatus::Pending { MessageStatus::Removed } else { status };
        check_gone(&filter, status, order, page)?;
    }

    #[test]
    fn aggregate_lists_agree_with_the_obvious_filter(
        keys in texts(fixture::label, 4),
        owners in senders(),
        sort in select(vec![AggregateSort::Updated, AggregateSort::Created]),
        order in order(),
        part in (option::of(any::<Index>()), 0..40_u64, 1..40_u64),
    ) {
        check_aggregates(AggregateFilter { keys, owners }, sort, order, part)?;
    }

    #[test]
    fn hashes_by_reception_agree_with_the_obvious_filter(
        status in select(vec![
            None, Some(MessageStatus::Processed), Some(MessageStatus::Removing), Some(MessageStatus::Forgotten),
        ]),
        range in (option::of(-5..25_000_i64), option::of(-5..25_000_i64)),
        order in order(),
        page in (0..400_u64, option::of(0..40_u64)),
    ) {
        let fixture = &fixtures()[0];
        let matching = fixture.messages.iter().filter(|message| {
            message.status.is_live()
                && status.is_none_or(|status| status == message.status)
                && range.0.is_none_or(|start| message.id * 10 >= start)
                && range.1.is_none_or(|end| message.id * 10 < end)
        });
        let mut list: Vec<_> = matching.map(|message| message.hash.clone()).collect();
        if order == Order::Descending {
            list.reverse();
        }
        let (reader, range) = (fixture.reader(), (micros(range.0), micros(range.1)));
        let count = reader.message_hashes_count(status, range).expect("a count");
        prop_assert_eq!(count, list.len() as u64);
        let found = reader.message_hashes(status, range, order, page).expect("a list");
        let found: Vec<_> = found.into_iter().map(|row| row.0).collect();
        prop_assert_eq!(found, cut(list, page.0, page.1));
    }
}

/// Whoever follows cursors with small pages sees every row once, ties included.
#[test]
fn cursors_visit_every_message_once() {
    for fixture in fixtures() {
        for (filter, order) in [
            (MessageFilter::default(), Order::Ascending),
            (
                MessageFilter {
                    senders: vec![fixture::sender(1)],
                    ..Default::default()
                },
                Order::Descending,
            ),
            (
                MessageFilter {
                    tags: (0..6).map(fixture::tag).collect(),
                    ..Default::default()
                },
                Order::Ascending,
            ),
        ] {
            let reader = fixture.reader();
            let mut window = Window::first(7);
            let mut seen = Vec::new();
            loop {
                let page = reader
                    .message_list(&filter, Sort::Time, order, &window)
                    .expect("a page");
                let Some(last) = page.last() else { break };
                window = Window::After {
                    time: last.time,
                    hash: last.item_hash.clone(),
                    limit: 7,
                };
                seen.extend(page.iter().map(|message| message.id));
            }
            let matching = fixture
                .messages
                .iter()
                .filter(|message| matches(&filter, message));
            let list = in_order(matching.map(|message| (message, message.time)), Sort::Time, order);
            assert_eq!(seen, list.iter().map(|row| row.2).collect::<Vec<_>>());
        }
    }
}
