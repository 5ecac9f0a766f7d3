//! Lists of tombstones: forgotten and removed messages.

use rusqlite::{Connection, types::Value};

use alephd_message::PaymentType;
use alephd_rules::MessageStatus;

use super::{
    filter::{GoneFilter, Order, TypeSet, Window},
    lookup, message,
    message::MessageRow,
    plan::Plan,
    stream::{Columns, Conditions, Stream},
    window::Span,
};
use crate::{Reader, StoreError};

const COLUMNS: Columns = Columns {
    sort: None,
    time: "m.gone_at",
    prefix: "m.prefix",
    id: "m.id",
};

impl Reader {
    /// Forgotten or removed messages by the time they went; those without such a time come last.
    /// `status` is [`MessageStatus::Forgotten`] or [`MessageStatus::Removed`], the list of any
    /// other is empty. These lists have no cursor.
    pub fn gone_list(
        &self,
        status: MessageStatus,
        filter: &GoneFilter,
        order: Order,
        window: &Window,
    ) -> Result<Vec<MessageRow>, StoreError> {
        self.snapshot(|reader| {
            let span = Span::from(&window.without_cursor());
            let entries = plan(reader, status, filter, order)?.entries(reader, order, &span)?;
            message::by_ids(reader, entries.iter().map(|entry| entry.id))
        })
    }

    /// Number of tombstones that match.
    pub fn gone_count(&self, status: MessageStatus, filter: &GoneFilter) -> Result<u64, StoreError> {
        self.snapshot(|reader| {
            let plan = plan(reader, status, filter, Order::Descending)?;
            plan.streams().iter().map(|stream| stream.count(reader)).sum()
        })
    }

    /// How SQLite reads such a list.
    pub fn gone_explain(
        &self,
        status: MessageStatus,
        filter: &GoneFilter,
        order: Order,
    ) -> Result<Vec<String>, StoreError> {
        self.snapshot(|reader| plan(reader, status, filter, order)?.explain(reader, order))
    }
}

fn plan(
    connection: &Connection,
    status: MessageStatus,
    filter: &GoneFilter,
    order: Order,
) -> Result<Plan, StoreError> {
    let bounds = lookup::bounds(filter.start, filter.end);
    let is_gone = matches!(status, MessageStatus::Forgotten | MessageStatus::Removed);
    let Some(rest) = conditions(connection, filter)?.filter(|_| is_gone && bounds.0 <= bounds.1) else {
        return Ok(Plan::nothing());
    };
    let is_bounded = bounds != (i64::MIN, i64::MAX);
    let stream = |index: &str, condition: &str, bounds| {
        let mut conditions = Conditions::new(condition, [status.index().into()]);
        conditions.and_all(&rest);
        Stream {
            from: format!("messages m INDEXED BY {index}"),
            columns: COLUMNS,
            conditions,
            bounds,
        }
    };
    if !filter.hashes.is_empty() {
        let mut hashes = filter.hashes.clone();
        hashes.sort_unstable();
        hashes.dedup();
        // Rows without a time come last in both orders.
        let sort = match order {
            Order::Ascending => "m.gone_at IS NULL",
            Order::Descending => "m.gone_at IS NOT NULL",
        };
        let streams = hashes.iter().map(|hash| {
            let mut stream = stream("messages_hash", "m.status = ?", bounds);
            stream.columns.sort = Some(sort);
            stream
                .conditions
                .and("m.prefix = ?", [hash.order_prefix().into()]);
            stream
                .conditions
                .and("m.hash = ?", [Value::Blob(hash.key().to_vec())]);
            stream
        });
        return Ok(Plan::Collect(streams.collect()));
    }
    let timed = stream(
        "messages_gone",
        "m.status >= 4 AND m.status = ? AND m.gone_at IS NOT NULL",
        bounds,
    );
    let untimed = stream(
        "messages_gone",
        "m.status >= 4 AND m.status = ? AND m.gone_at IS NULL",
        (i64::MIN, i64::MAX),
    );
    Ok(Plan::Concatenate(if is_bounded {
        vec![timed]
    } else {
        vec![timed, untimed]
    }))
}

/// `None` if nothing can match.
fn conditions(connection: &Connection, filter: &GoneFilter) -> Result<Option<Conditions>, StoreError> {
    let mut conditions = Conditions::default();
    if filter.types.is_empty() {
        return Ok(None);
    }
    if filter.types != TypeSet::ALL {
        conditions.and("(1 << m.type) & ? <> 0", [filter.types.bits().into()]);
    }
    let columns = [
        (
            "m.sender",
            lookup::ids(connection, &filter.senders, lookup::address_id)?,
        ),
        (
            "m.owner",
            lookup::ids(connection, &filter.owners, lookup::address_id)?,
        ),
        (
            "m.channel",
            lookup::ids(connection, &filter.channels, lookup::name_id)?,
        ),
    ];
    for (column, ids) in columns {
        let Some(ids) = ids else { continue };
        if ids.is_empty() {
            return Ok(None);
        }
        conditions.and_list(&format!("+{column} IN (SELECT value FROM json_each(?))"), &ids);
    }
    if !filter.chains.is_empty() {
        let chains: Vec<_> = filter.chains.iter().map(|chain| chain.index()).collect();
        conditions.and_list("m.chain IN (SELECT value FROM json_each(?))", &chains);
    }
    if !filter.payments.is_empty() {
        let payments: Vec<_> = filter.payments.iter().map(|payment| payment.index()).collect();
        let held = PaymentType::Hold.index();
        let text = format!("coalesce(m.payment, {held}) IN (SELECT value FROM json_each(?))");
        conditions.and_list(&text, &payments);
    }
    Ok(Some(conditions))
}
