//! What addresses have in credits.
//!
//! The writer keeps what is left after all posts. That is the answer unless a post of the account
//! is dated in the future; then its history up to now is walked.

use std::collections::BTreeMap;

use alephd_economy::lots::{Body, Book, Expense, Grant, Position, Post};
use alephd_message::Micros;

use super::stream;
use crate::{Reader, StoreError, codec};

/// A page of a list of credits, by address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreditBalanceQuery {
    /// Least sum.
    pub minimum: Option<i64>,
    /// The address before the page; the offset does not count then.
    pub after: Option<String>,
    /// Addresses before the page.
    pub offset: u64,
    /// Addresses on the page; `None` for all.
    pub limit: Option<u64>,
}

/// Credits of an address.
#[derive(Clone, Debug, PartialEq)]
pub struct CreditBalance {
    /// The address.
    pub address: String,
    /// Credits that are left and valid.
    pub credits: i64,
}

/// Credits by end of validity: those without end first, then the nearest end.
pub type CreditsByExpiration = BTreeMap<Option<Micros>, i128>;

impl Reader {
    /// Credits of an address at a time.
    pub fn credit_balance(&self, address: &str, now: Micros) -> Result<i64, StoreError> {
        let details = self.credit_balance_details(address, now)?;
        Ok(credits(details.into_values().sum()))
    }

    /// The same, by end of validity.
    pub fn credit_balance_details(
        &self,
        address: &str,
        now: Micros,
    ) -> Result<CreditsByExpiration, StoreError> {
        self.snapshot(|reader| {
            let last: Option<i64> = stream::value(
                reader,
                "SELECT last FROM credit_accounts WHERE address = ?",
                &[&address],
            )?;
            match last {
                None => Ok(CreditsByExpiration::new()),
                Some(last) if last > now.0 => reader.credits_of_history(address, now),
                Some(_) => reader.credits_of_lots(address, now),
            }
        })
    }

    /// Credits of all addresses that ever had any.
    pub fn credit_balance_list(
        &self,
        query: &CreditBalanceQuery,
        now: Micros,
    ) -> Result<Vec<CreditBalance>, StoreError> {
        let minimum = query.minimum.unwrap_or(0);
        let offset = if query.after.is_some() { 0 } else { query.offset };
        let end = offset.saturating_add(query.limit.unwrap_or(u64::MAX));
        let mut rows = Vec::new();
        let mut matching = 0;
        self.credit_balances(query.after.as_deref(), now, |row| {
            if row.credits >= minimum {
                matching += 1;
                if matching > offset && matching <= end {
                    rows.push(row);
                }
            }
            matching < end
        })?;
        Ok(rows)
    }

    /// Number of addresses in that list. Looks at all of them: callers should keep it for a while.
    pub fn credit_balance_count(&self, minimum: Option<i64>, now: Micros) -> Result<u64, StoreError> {
        let mut matching = 0;
        self.credit_balances(None, now, |row| {
            matching += u64::from(row.credits >= minimum.unwrap_or(0));
            true
        })?;
        Ok(matching)
    }

    /// Hands out all balances by address, as long as more are wanted.
    fn credit_balances(
        &self,
        after: Option<&str>,
        now: Micros,
        mut take: impl FnMut(CreditBalance) -> bool,
    ) -> Result<(), StoreError> {
        let sql = "SELECT a.address, a.last, l.remaining, l.expiration FROM credit_accounts a
             LEFT JOIN lots l ON l.address = a.address
             WHERE (?1 IS NULL OR a.address > ?1) ORDER BY a.address";
        self.snapshot(|reader| {
            let mut statement = reader.prepare_cached(sql)?;
            let mut rows = statement.query([after])?;
            let mut current: Option<(CreditBalance, i64)> = None;
            let mut sum = 0_i128;
            let mut finish = |reader: &Self, (mut row, last): (CreditBalance, i64), sum: i128| {
                row.credits = if last > now.0 {
                    credits(reader.credits_of_history(&row.address, now)?.into_values().sum())
                } else {
                    credits(sum)
                };
                Ok::<bool, StoreError>(take(row))
            };
            while let Some(row) = rows.next()? {
                let address = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
                if current
                    .as_ref()
                    .is_none_or(|(balance, _)| balance.address != address)
                {
                    let next = CreditBalance {
                        address: address.to_owned(),
                        credits: 0,
                    };
                    let next = (next, row.get(1)?);
                    if let Some(done) = current.replace(next)
                        && !finish(reader, done, sum)?
                    {
                        return Ok(());
                    }
                    sum = 0;
                }
                let remaining: Option<i64> = row.get(2)?;
                let expiration: Option<i64> = row.get(3)?;
                if expiration.is_none_or(|end| end > now.0) {
                    sum += i128::from(remaining.unwrap_or(0));
                }
            }
            if let Some(done) = current {
                finish(reader, done, sum)?;
            }
            Ok(())
        })
    }

    /// What is left after all rows of the history. Added up here because sums of strangers could
    /// make that of SQLite overflow, which fails the statement.
    fn credits_of_lots(&self, address: &str, now: Micros) -> Result<CreditsByExpiration, StoreError> {
        let lots: Vec<(i64, Option<i64>)> = stream::rows(
            self,
            "SELECT remaining, expiration FROM lots WHERE address = ?1 AND (expiration IS NULL OR expiration > ?2)",
            &[&address, &now.0],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let mut sums = CreditsByExpiration::new();
        for (remaining, expiration) in lots {
            *sums.entry(expiration.map(Micros)).or_default() += i128::from(remaining);
        }
        Ok(sums)
    }

    /// What is left after the rows of the history up to `now`. What a row took or gave was decided
    /// by the walk over all accounts, so each of them can be walked by itself.
    fn credits_of_history(&self, address: &str, now: Micros) -> Result<CreditsByExpiration, StoreError> {
        let rows: Vec<(Vec<u8>, i64, i64, Option<i64>)> = stream::rows(
            self,
            "SELECT m.hash, c.time, c.amount, c.expiration FROM credits c CROSS JOIN messages m ON m.id = c.message
             WHERE c.address = ?1 AND c.time <= ?2 ORDER BY c.time, m.hash, c.line",
            &[&address, &now.0],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )?;
        let mut posts: Vec<Post<()>> = Vec::new();
        for (hash, time, amount, expiration) in rows {
            let position = Position {
                time: Micros(time),
                hash: codec::item_hash(&hash)?,
            };
            // All rows of an account in a post go the same way.
            if posts.last().is_none_or(|post| post.position != position) {
                let (from, lines) = (None, Vec::new());
                let body = if amount < 0 {
                    Body::Expenses(Vec::new())
                } else {
                    Body::Grants { from, lines }
                };
                posts.push(Post { position, body });
            }
            let (account, amount) = ((), amount.unsigned_abs());
            let expiration = expiration.map(Micros);
            match posts.last_mut().map(|post| &mut post.body) {
                Some(Body::Expenses(lines)) => lines.push(Expense { account, amount }),
                Some(Body::Grants { lines, .. }) => lines.push(Grant {
                    account,
                    amount,
                    expiration,
                }),
                Some(Body::Transfer(_)) | None => {}
            }
        }
        let book = Book::from_posts(posts);
        let left = book.account(&(), now).by_expiration(now);
        let amount = |sum: u128| i128::try_from(sum).unwrap_or(i128::MAX);
        Ok(left.into_iter().map(|(end, sum)| (end, amount(sum))).collect())
    }
}

fn credits(sum: i128) -> i64 {
    i64::try_from(sum).unwrap_or(i64::MAX)
}
