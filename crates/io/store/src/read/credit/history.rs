//! Reading a history: its pages and its sums.
//!
//! The table has the lines of an account in the order of time, so a page in that order reads no more
//! than itself and what is before it or filtered out. In any other order the history of the account
//! is read and sorted. What a whole history sums up to is kept by the writer; what a part of it does
//! is added up from the lines.

use std::ops::ControlFlow;

use alephd_message::Micros;

use super::{
    CreditFilter, CreditPlace, CreditQuery, CreditRow, CreditSort, CreditSummary, CreditValue, CreditWindow,
    RawCredit,
};
use crate::{
    Reader, StoreError, codec,
    read::{Order, stream},
    write::SPENT,
};

/// Lines of an account within some time.
fn walk_sql(order: Order) -> String {
    format!(
        "SELECT m.hash, c.line, c.time, c.kind, c.amount, c.expiration, c.details
         FROM credits c CROSS JOIN messages m ON m.id = c.message
         WHERE c.address = ? AND c.time >= ? AND c.time <= ? ORDER BY c.time {}",
        order.sql()
    )
}

const SUMS: &str = "SELECT entries, incoming, outgoing FROM credit_sums WHERE address = ?";
const SPENT_BY: &str = "SELECT spent FROM credit_sums WHERE address = ?";
const SPENT_BY_ALL: &str = "SELECT value FROM meta WHERE key = ?";
const CONSUMED: &str = "SELECT credits FROM consumed WHERE resource = ?";
const CONSUMED_BY: &str = "SELECT credits FROM consumed WHERE resource = ? AND address = ?";

impl Reader {
    /// The lines of an address that match, all of them.
    pub fn credit_history(&self, address: &str, query: &CreditQuery) -> Result<Vec<CreditRow>, StoreError> {
        self.credit_history_page(address, query, &CreditWindow::default())
    }

    /// A page of them.
    pub fn credit_history_page(
        &self,
        address: &str,
        query: &CreditQuery,
        window: &CreditWindow,
    ) -> Result<Vec<CreditRow>, StoreError> {
        self.snapshot(|reader| {
            let mut page = Page::new(query, window);
            match query.sort {
                CreditSort::Time => reader.credit_page(address, &mut page)?,
                _ => {
                    let mut rows = Vec::new();
                    reader.credit_walk(address, &query.filter, query.order, |row| {
                        rows.push(row);
                        ControlFlow::Continue(())
                    })?;
                    // Whether it is full makes no difference any more.
                    let _ = page.take(rows);
                }
            }
            Ok(page.rows)
        })
    }

    /// Sums over the lines of an address that match. Those of all of its lines are kept; to filter
    /// them, each within the wanted time is read.
    pub fn credit_summary(&self, address: &str, filter: &CreditFilter) -> Result<CreditSummary, StoreError> {
        if *filter == CreditFilter::default() {
            return self.credit_sums(address);
        }
        self.snapshot(|reader| {
            let mut sum = CreditSummary::default();
            reader.credit_walk(address, filter, Order::Ascending, |row| {
                let amount = i128::from(row.amount);
                sum.entries += 1;
                sum.incoming += amount.max(0);
                sum.outgoing += amount.min(0);
                ControlFlow::Continue(())
            })?;
            Ok(sum)
        })
    }

    /// What expenses took from an address, or from everybody; not negative.
    pub fn credits_spent(&self, address: Option<&str>) -> Result<i128, StoreError> {
        let stored: Option<Vec<u8>> = match address {
            Some(address) => stream::value(self, SPENT_BY, &[&address])?,
            None => stream::value(self, SPENT_BY_ALL, &[&SPENT])?,
        };
        stored.map_or(Ok(0), |stored| codec::amount(&stored))
    }

    /// What expenses took for a message from everybody, or from one address; not negative. The number of
    /// those who were charged for one message is that of its owners: one.
    pub fn consumed_credits(&self, message: &str, address: Option<&str>) -> Result<i128, StoreError> {
        let stored: Vec<Vec<u8>> = match address {
            Some(address) => stream::rows(self, CONSUMED_BY, &[&message, &address], |row| row.get(0))?,
            None => stream::rows(self, CONSUMED, &[&message], |row| row.get(0))?,
        };
        let mut sum = 0_i128;
        for stored in &stored {
            sum = sum.saturating_add(codec::amount(stored)?);
        }
        Ok(sum)
    }

    /// How SQLite reads histories and what they sum up to.
    pub fn credit_explain(&self) -> Result<Vec<String>, StoreError> {
        let walks = [Order::Ascending, Order::Descending].map(walk_sql);
        let sums = [SUMS, SPENT_BY, SPENT_BY_ALL, CONSUMED, CONSUMED_BY].map(str::to_owned);
        let statements = walks.iter().chain(&sums);
        statements.map(|sql| stream::explain(self, sql)).collect()
    }

    fn credit_sums(&self, address: &str) -> Result<CreditSummary, StoreError> {
        let sums = stream::rows(self, SUMS, &[&address], |row| {
            Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, Vec<u8>>(2)?))
        })?;
        match sums.first() {
            None => Ok(CreditSummary::default()),
            Some((entries, incoming, outgoing)) => Ok(CreditSummary {
                entries: crate::read::lookup::unsigned(*entries),
                incoming: codec::amount(incoming)?,
                outgoing: codec::amount(outgoing)?,
            }),
        }
    }

    /// A page in the order of time: lines of one instant are put in order together.
    fn credit_page(&self, address: &str, page: &mut Page<'_>) -> Result<(), StoreError> {
        let (query, after) = (page.query, page.window.after.as_ref());
        let mut filter = query.filter.clone();
        if let Some(CreditValue::Time(after)) = after.map(|after| &after.value) {
            match query.order {
                Order::Ascending => filter.start = filter.start.max(Some(*after)),
                Order::Descending => filter.end = Some(filter.end.map_or(*after, |end| end.min(*after))),
            }
        }
        let mut instant: Vec<CreditRow> = Vec::new();
        let mut is_full = ControlFlow::Continue(());
        self.credit_walk(address, &filter, query.order, |row| {
            if instant.first().is_some_and(|first| first.time != row.time) {
                is_full = page.take(std::mem::take(&mut instant));
            }
            instant.push(row);
            is_full
        })?;
        if is_full.is_continue() {
            let _ = page.take(instant);
        }
        Ok(())
    }

    /// Hands out the lines that match in the order of time, as long as more are wanted.
    fn credit_walk(
        &self,
        address: &str,
        filter: &CreditFilter,
        order: Order,
        mut take: impl FnMut(CreditRow) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let start = filter.start.map_or(i64::MIN, |Micros(start)| start);
        let end = filter.end.map_or(i64::MAX, |Micros(end)| end);
        let mut statement = self.prepare_cached(&walk_sql(order))?;
        let mut rows = statement.query(rusqlite::params![address, start, end])?;
        while let Some(row) = rows.next()? {
            let row = RawCredit::read(row)?.into_row()?;
            if filter.matches(&row) && filter.matches_resource(self, &row)? && take(row).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// A page that is being filled.
struct Page<'a> {
    query: &'a CreditQuery,
    window: &'a CreditWindow,
    offset: u64,
    limit: u64,
    rows: Vec<CreditRow>,
}

impl<'a> Page<'a> {
    fn new(query: &'a CreditQuery, window: &'a CreditWindow) -> Self {
        Self {
            query,
            window,
            offset: if window.after.is_some() { 0 } else { window.offset },
            limit: window.limit.unwrap_or(u64::MAX),
            rows: Vec::new(),
        }
    }

    /// Takes lines that follow those before, in any order; says whether the page is full.
    fn take(&mut self, rows: Vec<CreditRow>) -> ControlFlow<()> {
        let CreditQuery { sort, order, .. } = self.query;
        let after = self.window.after.as_ref();
        let mut placed: Vec<(CreditPlace, CreditRow)> = rows
            .into_iter()
            .map(|row| (CreditPlace::of(&row, *sort), row))
            .filter(|(place, _)| after.is_none_or(|after| place.compare(after, *order).is_gt()))
            .collect();
        placed.sort_by(|(a, _), (b, _)| a.compare(b, *order));
        for (_, row) in placed {
            if self.offset > 0 {
                self.offset -= 1;
            } else if (self.rows.len() as u64) < self.limit {
                self.rows.push(row);
            }
        }
        match (self.rows.len() as u64) < self.limit {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    }
}
