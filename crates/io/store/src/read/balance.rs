//! Reported balances.

use alephd_message::Chain;

use super::{lookup, stream};
use crate::{Counter, Reader, StoreError, codec};

/// A reported balance.
#[derive(Clone, Debug, PartialEq)]
pub struct BalanceRow {
    /// Who has it.
    pub address: String,
    /// Where.
    pub chain: Chain,
    /// The contract that holds it for the address, if any.
    pub dapp: Option<String>,
    /// Decimal number of tokens, as reported.
    pub balance: String,
    /// Block of the report.
    pub height: i64,
    /// Place within (address, chain), for cursors.
    dapp_id: i64,
}

/// Place after which a list of balances goes on. Without a chain, all rows of the address have
/// been seen.
#[derive(Clone, Debug, PartialEq)]
pub struct BalanceCursor {
    /// The address.
    pub address: String,
    /// The chain and the number of the dapp ([`BalanceRow::dapp_number`]).
    pub chain: Option<(Chain, i64)>,
}

/// A page of a list of balances, by address, then chain.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BalanceQuery {
    /// Chains; all if empty.
    pub chains: Vec<Chain>,
    /// Least balance.
    pub minimum: Option<i64>,
    /// The row before the page; the offset does not count then.
    pub after: Option<BalanceCursor>,
    /// Rows before the page.
    pub offset: u64,
    /// Rows on the page; `None` for all.
    pub limit: Option<u64>,
}

impl BalanceRow {
    /// Distinguishes dapps of one address and chain; zero for plain holdings.
    pub fn dapp_number(&self) -> i64 {
        self.dapp_id
    }
}

const COLUMNS: &str = "b.address, b.chain, d.text, b.balance, b.height, b.dapp \
    FROM balances b LEFT JOIN names d ON d.id = b.dapp";

/// What a balance list matches; the values are chains (JSON or null) and the least balance or null.
const MATCHES: &str = "(?1 IS NULL OR b.chain IN (SELECT value FROM json_each(?1))) \
    AND (?2 IS NULL OR CAST(b.balance AS REAL) >= ?2)";

impl Reader {
    /// Plain holdings of an address, on one chain or all. What dapps hold for it is left out.
    pub fn balance_get(&self, address: &str, chain: Option<Chain>) -> Result<Vec<BalanceRow>, StoreError> {
        let sql =
            format!("SELECT {COLUMNS} WHERE b.address = ? AND b.dapp = 0 AND (?2 IS NULL OR b.chain = ?2)");
        read_rows(stream::rows(
            self,
            &sql,
            &[&address, &chain.map(Chain::index)],
            raw,
        )?)
    }

    /// Balances, those held by dapps included.
    pub fn balance_list(&self, query: &BalanceQuery) -> Result<Vec<BalanceRow>, StoreError> {
        let chains = json_chains(&query.chains);
        let limit = lookup::signed(query.limit.unwrap_or(u64::MAX));
        let Some(after) = &query.after else {
            let sql = format!(
                "SELECT {COLUMNS} WHERE {MATCHES} ORDER BY b.address, b.chain, b.dapp LIMIT ?3 OFFSET ?4"
            );
            let offset = lookup::signed(query.offset);
            return read_rows(stream::rows(
                self,
                &sql,
                &[&chains, &query.minimum, &limit, &offset],
                raw,
            )?);
        };
        let (chain, dapp) = match after.chain {
            Some((chain, dapp)) => (i64::from(chain.index()), dapp),
            None => (i64::MAX, i64::MAX),
        };
        let sql = format!(
            "SELECT {COLUMNS} WHERE (b.address, b.chain, b.dapp) > (?3, ?4, ?5) AND {MATCHES}
             ORDER BY b.address, b.chain, b.dapp LIMIT ?6"
        );
        let values: [&dyn rusqlite::ToSql; 6] =
            [&chains, &query.minimum, &after.address, &chain, &dapp, &limit];
        read_rows(stream::rows(self, &sql, &values, raw)?)
    }

    /// Number of balances that match. Without a minimum it is the sum of a few counters; with one,
    /// each balance is compared: they are what trusted accounts reported, not what strangers sent.
    pub fn balance_count(&self, chains: &[Chain], minimum: Option<i64>) -> Result<u64, StoreError> {
        if minimum.is_none() {
            return self.snapshot(|reader| {
                let mut wanted: Vec<Chain> = chains.to_vec();
                wanted.sort_unstable_by_key(|chain| chain.index());
                wanted.dedup();
                let chains = if wanted.is_empty() {
                    Chain::ALL
                } else {
                    &wanted[..]
                };
                let counts = chains
                    .iter()
                    .map(|chain| lookup::counter(reader, Counter::Balances(chain.index())));
                counts.sum()
            });
        }
        let sql = format!("SELECT count(*) FROM balances b WHERE {MATCHES}");
        let count: Option<i64> = stream::value(self, &sql, &[&json_chains(chains), &minimum])?;
        Ok(lookup::unsigned(count.unwrap_or(0)))
    }
}

fn json_chains(chains: &[Chain]) -> Option<String> {
    let indexes: Vec<_> = chains.iter().map(|chain| chain.index()).collect();
    (!indexes.is_empty()).then(|| format!("{indexes:?}"))
}

type Raw = (u8, BalanceRow);

fn raw(row: &rusqlite::Row<'_>) -> rusqlite::Result<Raw> {
    let balance = BalanceRow {
        address: row.get(0)?,
        chain: Chain::Eth,
        dapp: row.get(2)?,
        balance: row.get(3)?,
        height: row.get(4)?,
        dapp_id: row.get(5)?,
    };
    Ok((row.get(1)?, balance))
}

fn read_rows(rows: Vec<Raw>) -> Result<Vec<BalanceRow>, StoreError> {
    rows.into_iter()
        .map(|(chain, row)| {
            Ok(BalanceRow {
                chain: codec::chain(chain)?,
                ..row
            })
        })
        .collect()
}
