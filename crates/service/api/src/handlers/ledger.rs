//! Money: balances of tokens and of credits.

mod credits;
mod tokens;

use axum::{
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::Response,
};

use alephd_economy::Amount;
use alephd_message::{Chain, PaymentType};
use alephd_store::{
    Reader, StoreError,
    read::{BalanceCursor, BalanceQuery as ListQuery, BalanceRow, CostQuery, CreditBalanceQuery},
};

use super::{
    messages::{next_cursor, total_of, write_paging},
    rows,
};
use crate::{
    Api, ApiError, Routes, body,
    cursor::AddressCursor,
    json::Writer,
    params::{BalanceQuery, BalancesQuery, CreditBalancesQuery, Paging},
};

/// Rows of one address that are read at a time: chains times contracts, so one piece nearly always.
const PIECE: u64 = 256;

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    routes
        .get("/api/v0/addresses/{address}/balance", balance)
        .get("/api/v0/balances", balances)
        .get("/api/v0/credit_balances", credit_balances)
        .get("/api/v0/addresses/{address}/credit_history", credits::history)
        .get(
            "/api/v0/addresses/{address}/credit_history/summary",
            credits::summary,
        )
        .get("/api/v0/messages/{item_hash}/consumed_credits", consumed_credits)
}

async fn balance(
    State(api): State<Api>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let query = BalanceQuery::parse(query.as_deref().unwrap_or_default())?;
    let now = api.now();
    let (rows, locked, credits, lots) = api.read(|reader| {
        reader.snapshot(|reader| {
            let rows = holdings(&api, reader, &address, query.chain)?;
            let locked = reader.cost_sums(&CostQuery {
                payment: PaymentType::Hold,
                owner: Some(address.clone()),
                item_hash: None,
            })?;
            let credits = reader.credit_balance(&address, now)?;
            let lots = match query.include_credit_details {
                true => Some(reader.credit_balance_details(&address, now)?),
                false => None,
            };
            Ok((rows, Amount::from_units(locked.hold), credits, lots))
        })
    })?;
    let mut out = Writer::with_capacity(512);
    out.begin_object();
    out.key("address").text(&address);
    out.key("balance")
        .float(tokens::sum(rows.iter().map(|row| row.balance.as_str())));
    out.key("details").begin_object();
    if query.chain.is_none() {
        for (chain, rows) in by_chain(&rows) {
            let sum = tokens::sum(rows.iter().map(|row| row.balance.as_str()));
            out.key(chain.as_str()).float(sum);
        }
    }
    out.end_object();
    out.key("locked_amount").float(locked.to_f64());
    out.key("credit_balance").int(credits);
    out.key("credit_balance_details");
    match lots {
        None => {
            out.null();
        }
        Some(lots) => credits::write_lots(&mut out, &lots),
    }
    out.end_object();
    Ok(body::json(StatusCode::OK, out.finish()))
}

/// What counts as the tokens of an address on this network, by chain.
pub(super) fn holdings(
    api: &Api,
    reader: &Reader,
    address: &str,
    chain: Option<Chain>,
) -> Result<Vec<BalanceRow>, StoreError> {
    match api.settings.count_dapp_balances {
        true => all_holdings(reader, address, chain),
        false => reader.balance_get(address, chain),
    }
}

/// What an address holds itself and through contracts, by chain.
fn all_holdings(reader: &Reader, address: &str, chain: Option<Chain>) -> Result<Vec<BalanceRow>, StoreError> {
    let mut found: Vec<BalanceRow> = Vec::new();
    // The place before all rows of the address; numbers of contracts are not negative.
    let mut place = (Chain::ALL[0], -1);
    loop {
        let piece = reader.balance_list(&ListQuery {
            chains: chain.into_iter().collect(),
            after: Some(BalanceCursor {
                address: address.to_owned(),
                chain: Some(place),
            }),
            limit: Some(PIECE),
            ..ListQuery::default()
        })?;
        let is_last = (piece.len() as u64) < PIECE || piece.iter().any(|row| row.address != address);
        found.extend(piece.into_iter().filter(|row| row.address == address));
        match found.last() {
            Some(last) if !is_last => place = (last.chain, last.dapp_number()),
            _ => return Ok(found),
        }
    }
}

/// Neighbours on the same chain, together.
fn by_chain(rows: &[BalanceRow]) -> impl Iterator<Item = (Chain, &[BalanceRow])> {
    rows.chunk_by(|a, b| a.chain == b.chain)
        .filter_map(|rows| Some((rows.first()?.chain, rows)))
}

async fn balances(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let query = BalancesQuery::parse(query.as_deref().unwrap_or_default())?;
    let minimum = minimum_of(query.min_balance);
    let ask = ListQuery {
        chains: query.chains.clone(),
        minimum,
        after: match &query.paging {
            Paging::Cursor { after, .. } => after.as_ref().map(|after| BalanceCursor {
                address: after.address.clone(),
                chain: after.chain.map(|chain| (chain, i64::MAX)),
            }),
            Paging::Page { .. } => None,
        },
        offset: query.paging.offset(),
        limit: Some(rows::limit_of(&query.paging)),
    };
    let (rows, next, total) = api.read(|reader| {
        reader.snapshot(|reader| {
            let mut rows = reader.balance_list(&ask)?;
            let next = match &query.paging {
                Paging::Cursor { .. } => cut(reader, &ask, &query.paging, &mut rows)?,
                Paging::Page { .. } => None,
            };
            let total = match &query.paging {
                Paging::Page { page, per_page } => total_of(*page, *per_page, rows.len(), || {
                    reader.balance_count(&query.chains, minimum)
                })?,
                Paging::Cursor { .. } => 0,
            };
            Ok((rows, next, total))
        })
    })?;
    rows::check(rows.len())?;
    let mut out = Writer::with_capacity(96 * rows.len() + 256);
    out.begin_object();
    out.key("balances").begin_array();
    for row in &rows {
        out.begin_object();
        out.key("address").text(&row.address);
        out.key("balance").float(tokens::float(&row.balance));
        out.key("chain").text(row.chain.as_str());
        out.end_object();
    }
    out.end_array();
    write_paging(&mut out, &query.paging, "balances", total, next.as_deref());
    out.end_object();
    Ok(body::json(StatusCode::OK, out.finish()))
}

/// Cuts a page in cursor mode.
///
/// A cursor names an address and a chain but no contract: rows that differ only in that must not
/// fall on two pages, so a page may be longer by what is left of the last chain.
fn cut(
    reader: &Reader,
    ask: &ListQuery,
    paging: &Paging<AddressCursor>,
    rows: &mut Vec<BalanceRow>,
) -> Result<Option<String>, StoreError> {
    let more = rows.len() as u64 > paging.per_page();
    let next = next_cursor(paging, rows, |row| AddressCursor {
        address: row.address.clone(),
        chain: Some(row.chain),
    });
    let Some(last) = rows.last().filter(|_| more) else {
        return Ok(next);
    };
    let (address, chain, mut dapp) = (last.address.clone(), last.chain, last.dapp_number());
    loop {
        let rest = reader.balance_list(&ListQuery {
            after: Some(BalanceCursor {
                address: address.clone(),
                chain: Some((chain, dapp)),
            }),
            limit: Some(PIECE),
            ..ask.clone()
        })?;
        let together = rest
            .iter()
            .take_while(|row| row.address == address && row.chain == chain)
            .count();
        if together < rest.len() {
            rows.extend(rest.into_iter().take(together));
            return Ok(next);
        }
        match rest.last() {
            None => return Ok(None),
            Some(last) => dapp = last.dapp_number(),
        }
        rows.extend(rest);
    }
}

async fn credit_balances(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let query = CreditBalancesQuery::parse(query.as_deref().unwrap_or_default())?;
    let now = api.now();
    let minimum = minimum_of(query.min_balance);
    let ask = CreditBalanceQuery {
        minimum,
        after: match &query.paging {
            Paging::Cursor { after, .. } => after.as_ref().map(|after| after.address.clone()),
            Paging::Page { .. } => None,
        },
        offset: query.paging.offset(),
        limit: Some(rows::limit_of(&query.paging)),
    };
    let (mut rows, total) = api.read(|reader| {
        reader.snapshot(|reader| {
            let rows = reader.credit_balance_list(&ask, now)?;
            let total = match &query.paging {
                Paging::Page { page, per_page } => total_of(*page, *per_page, rows.len(), || {
                    reader.credit_balance_count(minimum, now)
                })?,
                Paging::Cursor { .. } => 0,
            };
            Ok((rows, total))
        })
    })?;
    rows::check(rows.len())?;
    let next = next_cursor(&query.paging, &mut rows, |row| AddressCursor {
        address: row.address.clone(),
        chain: None,
    });
    let mut out = Writer::with_capacity(80 * rows.len() + 256);
    out.begin_object();
    out.key("credit_balances").begin_array();
    for row in &rows {
        out.begin_object();
        out.key("address").text(&row.address);
        out.key("credits").int(row.credits);
        out.end_object();
    }
    out.end_array();
    write_paging(&mut out, &query.paging, "credit_balances", total, next.as_deref());
    out.end_object();
    Ok(body::json(StatusCode::OK, out.finish()))
}

fn minimum_of(minimum: Option<u64>) -> Option<i64> {
    minimum.map(|minimum| i64::try_from(minimum).unwrap_or(i64::MAX))
}

/// Any text is accepted as a hash: what is none has consumed nothing.
async fn consumed_credits(State(api): State<Api>, Path(hash): Path<String>) -> Result<Response, ApiError> {
    let credits = api.read(|reader| reader.consumed_credits(&hash, None))?;
    let mut out = Writer::new();
    out.begin_object();
    out.key("item_hash").text(&hash);
    out.key("consumed_credits").int(credits);
    out.end_object();
    Ok(body::json(StatusCode::OK, out.finish()))
}
