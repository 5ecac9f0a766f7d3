//! One index range that yields rows in the order of a list.

use rusqlite::{
    Connection, Row, ToSql, params_from_iter,
    types::{FromSql, Value},
};

use super::{filter::Order, lookup};
use crate::StoreError;

/// The place of a row in a list. `sort` is the confirmation time where that comes first, and zero
/// elsewhere; `id` is the row id of the message or original post that gives the item hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) sort: i64,
    pub(super) time: i64,
    pub(super) prefix: i64,
    pub(super) id: i64,
}

impl Entry {
    /// A value that grows along the list.
    pub(super) fn place(&self, order: Order) -> (i64, i64, i64, i64) {
        match order {
            Order::Ascending => (self.sort, self.time, self.prefix, self.id),
            // The complement reverses the order of numbers without a case that overflows.
            Order::Descending => (!self.sort, !self.time, self.prefix, self.id),
        }
    }

    /// Whether only the item hashes can order the two.
    pub(super) fn ties(&self, other: &Self) -> bool {
        (self.sort, self.time, self.prefix) == (other.sort, other.time, other.prefix)
    }
}

/// A conjunction of SQL conditions with the values of its `?`.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions {
    text: String,
    values: Vec<Value>,
}

impl Conditions {
    pub(super) fn new(text: &str, values: impl IntoIterator<Item = i64>) -> Self {
        Self {
            text: text.to_owned(),
            values: values.into_iter().map(Value::Integer).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Adds a condition.
    pub(super) fn and(&mut self, text: &str, values: impl IntoIterator<Item = Value>) {
        if !self.text.is_empty() {
            self.text.push_str(" AND ");
        }
        self.text.push_str(text);
        self.values.extend(values);
    }

    /// Adds another conjunction.
    pub(super) fn and_all(&mut self, other: &Self) {
        if !other.is_empty() {
            self.and(&other.text, other.values.iter().cloned());
        }
    }

    /// Adds a condition with one `?` that stands for the text of a JSON list of numbers: the
    /// statement is the same for any number of members, and so stays prepared.
    pub(super) fn and_list(&mut self, text: &str, members: &[impl std::fmt::Display]) {
        let mut list = String::from("[");
        for (index, member) in members.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            list.push_str(&format!("{comma}{member}"));
        }
        list.push(']');
        self.and(text, [Value::Text(list)]);
    }
}

/// Rows `FROM from WHERE conditions`, ordered by (sort, time, prefix, id).
///
/// `from` names the index; the conditions fix its leading columns, so that what remains of the
/// index is the wanted order.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) from: String,
    pub(super) columns: Columns,
    pub(super) conditions: Conditions,
    /// Inclusive bounds of the time column.
    pub(super) bounds: (i64, i64),
}

/// The names of the columns of an [`Entry`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    pub(super) sort: Option<&'static str>,
    pub(super) time: &'static str,
    pub(super) prefix: &'static str,
    pub(super) id: &'static str,
}

impl Stream {
    /// A part of the rows in order.
    pub(super) fn page(
        &self,
        connection: &Connection,
        order: Order,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<Entry>, StoreError> {
        let last = [lookup::signed(limit), lookup::signed(offset)].map(Value::Integer);
        self.entries(connection, &self.page_sql(order), self.bounds_values(), last)
    }

    /// The next rows from `after` on, which is left out, or from the beginning.
    pub(super) fn chunk(
        &self,
        connection: &Connection,
        order: Order,
        after: Option<&Entry>,
        limit: u64,
    ) -> Result<Vec<Entry>, StoreError> {
        let Some(after) = after else {
            return self.page(connection, order, 0, limit);
        };
        let (low, high) = self.bounds;
        let mut entries = Vec::new();
        // Rows of the same time first: a range over (time, prefix) in opposite directions is
        // none in the index, and many messages may share one time.
        if (low..=high).contains(&after.time) {
            let place = [after.time, after.prefix, after.prefix, after.id].map(Value::Integer);
            let limit = [Value::Integer(lookup::signed(limit))];
            entries = self.entries(connection, &self.same_time_sql(), place, limit)?;
        }
        let missing = limit.saturating_sub(entries.len() as u64);
        let rest = match order {
            Order::Ascending => (low.max(after.time.saturating_add(1)), high),
            Order::Descending => (low, high.min(after.time.saturating_sub(1))),
        };
        if missing > 0 && rest.0 <= rest.1 {
            let rest = Self {
                bounds: rest,
                ..self.clone()
            };
            entries.extend(rest.page(connection, order, 0, missing)?);
        }
        Ok(entries)
    }

    /// All rows, in no order.
    pub(super) fn all(&self, connection: &Connection) -> Result<Vec<Entry>, StoreError> {
        self.entries(connection, &self.all_sql(), self.bounds_values(), [])
    }

    /// Number of rows.
    pub(super) fn count(&self, connection: &Connection) -> Result<u64, StoreError> {
        let mut statement = connection.prepare_cached(&self.count_sql())?;
        let values = self.conditions.values.iter().cloned().chain(self.bounds_values());
        let count: i64 = statement.query_row(params_from_iter(values), |row| row.get(0))?;
        Ok(lookup::unsigned(count))
    }

    /// What SQLite does for each statement of this stream, which is read in order or as a whole.
    pub(super) fn explain(
        &self,
        connection: &Connection,
        order: Order,
        ordered: bool,
    ) -> Result<Vec<String>, StoreError> {
        let mut texts = vec![self.count_sql()];
        match (ordered, self.columns.sort) {
            (false, _) => texts.push(self.all_sql()),
            (true, Some(_)) => texts.push(self.page_sql(order)),
            (true, None) => texts.extend([self.page_sql(order), self.same_time_sql()]),
        }
        texts.iter().map(|text| explain(connection, text)).collect()
    }

    fn page_sql(&self, order: Order) -> String {
        let direction = order.sql();
        let Columns {
            sort,
            time,
            prefix,
            id,
        } = self.columns;
        let first = sort.map_or_else(String::new, |sort| format!("{sort} {direction}, "));
        format!(
            "{} ORDER BY {first}{time} {direction}, {prefix}, {id} LIMIT ? OFFSET ?",
            self.all_sql()
        )
    }

    fn same_time_sql(&self) -> String {
        let Columns { time, prefix, id, .. } = self.columns;
        format!(
            "{} AND {time} = ? AND {prefix} >= ? AND ({prefix} > ? OR {id} > ?) ORDER BY {prefix}, {id} LIMIT ?",
            self.select_sql(),
        )
    }

    fn all_sql(&self) -> String {
        format!("{}{}", self.select_sql(), self.bounds_sql())
    }

    fn select_sql(&self) -> String {
        let Columns {
            sort,
            time,
            prefix,
            id,
        } = self.columns;
        let sort = sort.unwrap_or("0");
        format!(
            "SELECT {sort}, {time}, {prefix}, {id} FROM {} WHERE {}",
            self.from, self.conditions.text
        )
    }

    fn count_sql(&self) -> String {
        format!(
            "SELECT count(*) FROM {} WHERE {}{}",
            self.from,
            self.conditions.text,
            self.bounds_sql()
        )
    }

    fn is_bounded(&self) -> bool {
        self.bounds != (i64::MIN, i64::MAX)
    }

    fn bounds_sql(&self) -> String {
        let time = self.columns.time;
        if self.is_bounded() {
            format!(" AND {time} >= ? AND {time} <= ?")
        } else {
            String::new()
        }
    }

    fn bounds_values(&self) -> Vec<Value> {
        let (low, high) = self.bounds;
        if self.is_bounded() {
            vec![Value::Integer(low), Value::Integer(high)]
        } else {
            Vec::new()
        }
    }

    fn entries(
        &self,
        connection: &Connection,
        text: &str,
        middle: impl IntoIterator<Item = Value>,
        last: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut statement = connection.prepare_cached(text)?;
        let values = self.conditions.values.iter().cloned().chain(middle).chain(last);
        let rows = statement.query_map(params_from_iter(values), |row| {
            Ok(Entry {
                // An unconfirmed message counts as later than all confirmed ones.
                sort: row.get::<_, Option<i64>>(0)?.unwrap_or(i64::MAX),
                time: row.get::<_, Option<i64>>(1)?.unwrap_or(0),
                prefix: row.get(2)?,
                id: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// What SQLite does for a statement: its steps, and the statement.
pub(super) fn explain(connection: &Connection, text: &str) -> Result<String, StoreError> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {text}"))?;
    let nulls = vec![Value::Null; statement.parameter_count()];
    let steps = statement.query_map(params_from_iter(nulls), |row| row.get::<_, String>(3))?;
    let steps: Vec<_> = steps.collect::<Result<_, _>>()?;
    Ok(format!("{} <- {text}", steps.join("; ")))
}

/// One value, by a statement that stays prepared; `None` without a row.
pub(super) fn value<T: FromSql>(
    connection: &Connection,
    text: &str,
    values: &[&dyn ToSql],
) -> Result<Option<T>, StoreError> {
    rows(connection, text, values, |row| row.get(0)).map(|values: Vec<T>| values.into_iter().next())
}

/// All rows of a statement that stays prepared.
pub(super) fn rows<T>(
    connection: &Connection,
    text: &str,
    values: &[&dyn ToSql],
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(text)?;
    Ok(statement.query_map(values, read)?.collect::<Result<_, _>>()?)
}
