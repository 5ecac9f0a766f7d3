//! What SQLite does for the statements of lists: ranges of indexes in their order, nothing else.

use rusqlite::{params_from_iter, types::Value};

use alephd_message::{Chain, MessageType, Micros, PaymentType};
use alephd_rules::MessageStatus;
use alephd_store::{
    Reader,
    read::{
        AggregateFilter, AggregateQuery, AggregateSort, CostQuery, GoneFilter, MessageFilter, Order,
        PostFilter, Sort, TypeSet,
    },
};

use crate::fixture::{self, Fixture};

const ORDERS: [Order; 2] = [Order::Ascending, Order::Descending];
const SORTS: [Sort; 2] = [Sort::Time, Sort::TxTime];

type Set<F> = fn(&mut F);

const MESSAGE_DIMENSIONS: &[Set<MessageFilter>] = &[
    |_| {},
    |filter| filter.types = TypeSet::from_iter([MessageType::Post, MessageType::Store]),
    |filter| filter.senders = vec![fixture::sender(1), fixture::sender(2)],
    |filter| filter.owners = vec![fixture::sender(1), fixture::sender(3)],
    |filter| filter.references = vec![fixture::reference(1)],
    |filter| filter.content_hashes = vec![fixture::file(1)],
    |filter| filter.content_keys = vec![fixture::label(3)],
    |filter| filter.content_types = vec![fixture::label(1)],
    |filter| filter.chains = vec![Chain::Eth],
    |filter| filter.chains = vec![Chain::Sol],
    |filter| filter.channels = vec![fixture::channel(1)],
    |filter| filter.tags = vec![fixture::tag(1), fixture::tag(2)],
    |filter| filter.hashes = vec![fixture::file(1)],
    |filter| filter.payments = vec![PaymentType::Credit],
    |filter| filter.start = Some(Micros(100)),
    |filter| filter.end = Some(Micros(300)),
    |filter| filter.start_block = Some(2),
    |filter| filter.end_block = Some(9),
];

const POST_DIMENSIONS: &[Set<PostFilter>] = &[
    |_| {},
    |filter| filter.owners = vec![fixture::sender(1), fixture::sender(2)],
    |filter| filter.hashes = vec![fixture::file(1)],
    |filter| filter.references = vec![fixture::reference(1)],
    |filter| filter.types = vec![fixture::label(1)],
    |filter| filter.tags = vec![fixture::tag(1), fixture::tag(2)],
    |filter| filter.channels = vec![fixture::channel(1)],
    |filter| filter.start = Some(Micros(100)),
];

const GONE_DIMENSIONS: &[Set<GoneFilter>] = &[
    |_| {},
    |filter| filter.types = TypeSet::from_iter([MessageType::Post]),
    |filter| filter.senders = vec![fixture::sender(1)],
    |filter| filter.owners = vec![fixture::sender(1)],
    |filter| filter.chains = vec![Chain::Eth],
    |filter| filter.channels = vec![fixture::channel(1)],
    |filter| filter.hashes = vec![fixture::file(1)],
    |filter| filter.payments = vec![PaymentType::Hold],
    |filter| filter.start = Some(Micros(100)),
];

/// All filters with at most two dimensions.
fn pairs<F: Default>(dimensions: &[Set<F>]) -> Vec<F> {
    let mut filters = Vec::new();
    for first in dimensions {
        for second in dimensions {
            let mut filter = F::default();
            first(&mut filter);
            second(&mut filter);
            filters.push(filter);
        }
    }
    filters
}

/// The plans of all statements that lists of these shapes may run.
fn all_plans(fixture: &Fixture) -> Vec<String> {
    let reader = fixture.reader();
    let mut plans = Vec::new();
    for order in ORDERS {
        for sort in SORTS {
            for filter in pairs(MESSAGE_DIMENSIONS) {
                plans.extend(reader.message_explain(&filter, sort, order).expect("plans"));
            }
            for filter in pairs(POST_DIMENSIONS) {
                plans.extend(reader.post_explain(&filter, sort, order).expect("plans"));
            }
        }
        for filter in pairs(GONE_DIMENSIONS) {
            plans.extend(
                reader
                    .gone_explain(MessageStatus::Forgotten, &filter, order)
                    .expect("plans"),
            );
        }
        for sort in [AggregateSort::Updated, AggregateSort::Created] {
            for (keys, owners) in [(0, 0), (1, 0), (0, 1), (2, 2)] {
                let filter = AggregateFilter {
                    keys: (1..=keys).map(fixture::label).collect(),
                    owners: (1..=owners).map(fixture::sender).collect(),
                };
                let query = AggregateQuery {
                    filter,
                    sort,
                    order,
                    after: None,
                    offset: 0,
                    limit: 1,
                };
                plans.extend(reader.aggregate_explain(&query).expect("plans"));
            }
        }
        plans.extend(
            reader
                .files_explain(&fixture::sender(1), None, order)
                .expect("plans"),
        );
    }
    plans.extend(reader.credit_explain().expect("plans"));
    plans.extend(bill_plans(&reader));
    plans.extend(reader.storage_explain().expect("plans"));
    plans.extend(reader.holdings_explain().expect("plans"));
    plans.extend(reader.known_explain().expect("plans"));
    plans.sort_unstable();
    plans.dedup();
    plans
}

/// Bills of everybody, of an account, of a message, and both; addresses by what they have sent.
fn bill_plans(reader: &Reader) -> Vec<String> {
    let mut plans = Vec::new();
    let hash: alephd_message::ItemHash = reader
        .query_row("SELECT hash FROM messages LIMIT 1", [], |row| {
            row.get::<_, Vec<u8>>(0)
        })
        .map(|key| alephd_message::ItemHash::from_key(&key).expect("a name"))
        .expect("a message");
    for owner in [None, Some(fixture::sender(1))] {
        for item_hash in [None, Some(hash.clone())] {
            let query = CostQuery {
                payment: PaymentType::Credit,
                owner: owner.clone(),
                item_hash,
            };
            let found = reader.cost_explain(&query).expect("plans");
            assert_eq!(found.len(), 1);
            plans.extend(found);
        }
    }
    plans
}

/// A step that reads a whole table, sorts a whole result or builds an index for one statement.
fn is_slow(step: &str) -> bool {
    let reads_all = step.starts_with("SCAN ")
        && !step.contains("USING INDEX")
        && !step.contains("USING COVERING INDEX")
        && !step.contains("VIRTUAL TABLE")
        && !step.contains("CONSTANT ROW");
    let sorts_all = step == "USE TEMP B-TREE FOR ORDER BY";
    reads_all || sorts_all || step.contains("AUTOMATIC")
}

#[test]
fn every_statement_of_a_list_uses_an_index() {
    for fixture in [Fixture::new(1), Fixture::new(1_000_000)] {
        let plans = all_plans(&fixture);
        assert!(plans.len() > 100, "only {} statements", plans.len());
        for plan in plans {
            let (steps, _) = plan.split_once(" <- ").expect("a plan and its statement");
            assert!(!steps.split("; ").any(is_slow), "{plan}");
        }
    }
}

/// Whether a statement reads columns of a row of `messages`, and not of indexes alone. The plan
/// does not tell: the condition of a partial index counts there although it is never evaluated.
fn reads_rows(reader: &Reader, statement: &str) -> bool {
    let mut explain = reader
        .prepare(&format!("EXPLAIN {statement}"))
        .expect("a statement");
    let values = vec![Value::Null; explain.parameter_count()];
    let steps = explain.query_map(params_from_iter(values), |row| {
        Ok((
            row.get::<_, String>(1)?,
            row.get::<_, i64>(2)?,
            row.get::<_, Option<String>>(5)?,
        ))
    });
    let steps: Vec<_> = steps.expect("steps").map(|step| step.expect("a step")).collect();
    // Cursors of indexes carry a description of their key, those of tables a number of columns.
    let is_table = |key: &Option<String>| key.as_ref().is_some_and(|key| !key.starts_with("k("));
    let tables: Vec<_> = steps
        .iter()
        .filter(|step| step.0 == "OpenRead" && is_table(&step.2))
        .collect();
    steps
        .iter()
        .any(|step| step.0 == "Column" && tables.iter().any(|table| table.1 == step.1))
}

/// The commonest lists are read from an index alone until their rows are fetched.
#[test]
fn lists_by_one_dimension_read_the_index_alone() {
    let fixture = Fixture::new(1);
    let reader = fixture.reader();
    let sets: [Set<MessageFilter>; 7] = [
        |_| {},
        |filter| filter.start = Some(Micros(100)),
        |filter| filter.types = TypeSet::from_iter([MessageType::Post]),
        |filter| filter.senders = vec![fixture::sender(1)],
        |filter| filter.channels = vec![fixture::channel(1)],
        |filter| filter.tags = vec![fixture::tag(1)],
        |filter| {
            filter.senders = vec![fixture::sender(1)];
            filter.types = TypeSet::from_iter([MessageType::Store]);
        },
    ];
    for set in sets {
        let mut filter = MessageFilter::default();
        set(&mut filter);
        for order in ORDERS {
            for plan in reader.message_explain(&filter, Sort::Time, order).expect("plans") {
                let (_, statement) = plan.split_once(" <- ").expect("a plan and its statement");
                assert!(!reads_rows(&reader, statement), "{plan}");
            }
        }
    }
    assert!(reads_rows(
        &reader,
        "SELECT sender FROM messages INDEXED BY messages_time WHERE status <= 1"
    ));
}
