//! Money facts: what balance reports and credit posts say (docs/protocol/ledger.md).
//!
//! This module reads them; which lots a post drains and who can pay for what is decided in
//! `alephd-economy`.

use std::collections::HashSet;

use serde_json::{Map, Number, Value};

use alephd_message::{Chain, Micros};

/// The addresses and names that a network trusts with money facts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trusted {
    /// Owners of balance reports.
    pub balance_oracles: Vec<String>,
    /// Type of a balance report.
    pub balance_post_type: String,
    /// Owners of credit distributions and expenses.
    pub credit_oracles: Vec<String>,
    /// Channels in which credit posts count.
    pub credit_channels: Vec<String>,
}

/// The post claims to be a money fact and is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LedgerError(String);

/// One report of balances.
#[derive(Clone, Debug, PartialEq)]
pub struct BalanceUpdate {
    /// Chain that was read.
    pub chain: Chain,
    /// Name of the contract that holds tokens for others, if any.
    pub dapp: Option<String>,
    /// Block height of the report: a report of a greater height replaces one of a lesser.
    pub height: i64,
    /// What it says.
    pub entries: Vec<BalanceEntry>,
}

/// The balance of one address.
#[derive(Clone, Debug, PartialEq)]
pub struct BalanceEntry {
    /// Address, exact.
    pub address: String,
    /// Decimal text of the number of tokens, as reported.
    pub balance: String,
}

/// Reads a balance report; `None` if the post is not one.
pub fn balance_update(
    trusted: &Trusted,
    owner: &str,
    post_type: &str,
    content: Option<&str>,
) -> Option<Result<BalanceUpdate, LedgerError>> {
    let is_report = post_type == trusted.balance_post_type
        && trusted.balance_oracles.iter().any(|oracle| oracle == owner);
    is_report.then(|| parse_balances(content))
}

fn parse_balances(content: Option<&str>) -> Result<BalanceUpdate, LedgerError> {
    let content = object(content)?;
    let chain = text(&content, "chain")?;
    let chain = chain
        .parse()
        .map_err(|_| LedgerError(format!("unknown chain {chain:?}")))?;
    let dapp = match content.get("dapp") {
        None | Some(Value::Null) => None,
        Some(Value::String(dapp)) => Some(dapp.clone()),
        Some(_) => return Err(LedgerError("dapp must be a string".into())),
    };
    let height = content.get("main_height").and_then(Value::as_i64);
    let height = height.ok_or_else(|| LedgerError("main_height must be an integer".into()))?;
    let Some(Value::Object(balances)) = content.get("balances") else {
        return Err(LedgerError("balances must be an object".into()));
    };
    let entries = balances.iter().map(|(address, balance)| {
        let balance = match balance {
            Value::Number(number) => number.to_string(),
            Value::String(number) if number.parse::<f64>().is_ok_and(f64::is_finite) => number.clone(),
            _ => return Err(LedgerError(format!("the balance of {address} must be a number"))),
        };
        Ok(BalanceEntry {
            address: address.clone(),
            balance,
        })
    });
    Ok(BalanceUpdate {
        chain,
        dapp,
        height,
        entries: entries.collect::<Result<_, _>>()?,
    })
}

/// What a credit post does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CreditKind {
    /// New credits for an address.
    Distribution = 0,
    /// Credits that the owner of the post gives away.
    Transfer = 1,
    /// Credits that an address has used up.
    Expense = 2,
}

/// What a credit post says. What it does depends on the posts before it.
#[derive(Clone, Debug, PartialEq)]
pub struct CreditEntries {
    /// What kind of post it is.
    pub kind: CreditKind,
    /// For a transfer, the sum of its amounts as written, which its sender must have: the factor of
    /// old amounts was never applied to it. `None` if the sender may mint, and for other posts.
    pub required: Option<u64>,
    /// The lines, in the order of the post.
    pub entries: Vec<CreditEntry>,
}

/// One line of a credit post.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreditEntry {
    /// Address that gets or has used the credits.
    pub address: String,
    /// How many (10^-6 of a dollar), positive and at most `i64::MAX`.
    pub amount: u64,
    /// End of validity of what is granted.
    pub expiration: Option<Micros>,
    /// Decimal text of the price of one credit, as sent.
    pub price: Option<String>,
    /// Credits on top of what was paid for.
    pub bonus_amount: Option<i64>,
    /// Payment behind a distribution, or the node of an expense.
    pub tx_hash: Option<String>,
    /// Token of the payment.
    pub token: Option<String>,
    /// Chain of the payment.
    pub chain: Option<String>,
    /// Payment provider.
    pub provider: Option<String>,
    /// What the credits are for, e.g. a message. That of a transfer is the other side.
    pub origin: Option<String>,
    /// Reference within the origin.
    pub origin_ref: Option<String>,
    /// How it was paid.
    pub payment_method: Option<String>,
    /// Units of an expense.
    pub count: Option<i64>,
    /// Decimal text of the size of an expense in MiB.
    pub size_mib: Option<String>,
}

impl CreditEntry {
    /// What a row of a transfer tells beside its amount; `other` is the other side.
    pub fn of_transfer(other: &str) -> Self {
        Self {
            provider: Some(PROVIDER.into()),
            origin: Some(other.to_owned()),
            payment_method: Some("credit_transfer".into()),
            ..Self::default()
        }
    }
}

/// Before this instant amounts were counted in cents of today's credits.
const FINE_CREDITS_SINCE: Micros = Micros(1_769_990_400_000_000);
/// Factor between the two.
const COARSE_CREDIT: i64 = 10_000;
/// Who provides credits that no payment is behind.
const PROVIDER: &str = "ALEPH";

/// Reads a credit post; `None` if the post is not one. `channels` are those of all known copies of
/// the message: nobody signed the channel, so one copy in the right channel counts.
pub fn credit_entries(
    trusted: &Trusted,
    owner: &str,
    channels: &[Option<String>],
    post_type: &str,
    time: Micros,
    content: Option<&str>,
) -> Option<Result<CreditEntries, LedgerError>> {
    let in_channel = |channel: &Option<String>| {
        channel
            .as_ref()
            .is_some_and(|channel| trusted.credit_channels.contains(channel))
    };
    if !channels.iter().any(in_channel) {
        return None;
    }
    let mints = trusted.credit_oracles.iter().any(|oracle| oracle == owner);
    let kind = match post_type {
        "aleph_credit_distribution" if mints => CreditKind::Distribution,
        "aleph_credit_expense" if mints => CreditKind::Expense,
        "aleph_credit_transfer" => CreditKind::Transfer,
        _ => return None,
    };
    let parsed = parse_credits(kind, owner, time, content);
    Some(parsed.map(|mut post| {
        if mints {
            post.required = None;
        }
        post
    }))
}

fn parse_credits(
    kind: CreditKind,
    owner: &str,
    time: Micros,
    content: Option<&str>,
) -> Result<CreditEntries, LedgerError> {
    let section = match kind {
        CreditKind::Distribution => "distribution",
        CreditKind::Transfer => "transfer",
        CreditKind::Expense => "expense",
    };
    let content = object(content)?;
    let missing = || LedgerError(format!("{section}.credits must be a list"));
    let body = content
        .get(section)
        .and_then(Value::as_object)
        .ok_or_else(missing)?;
    let lines = body
        .get("credits")
        .and_then(Value::as_array)
        .ok_or_else(missing)?;
    let factor = if time < FINE_CREDITS_SINCE {
        COARSE_CREDIT
    } else {
        1
    };
    let mut required = 0_u64;
    let mut recipients = HashSet::new();
    let mut entries = Vec::with_capacity(lines.len());
    for line in lines {
        let line = line
            .as_object()
            .ok_or_else(|| LedgerError("a credit line must be an object".into()))?;
        let written = line
            .get("amount")
            .and_then(Value::as_i64)
            .filter(|amount| *amount > 0);
        let amount = written.and_then(|amount| amount.checked_mul(factor));
        let (Some(written), Some(amount)) = (written, amount) else {
            return Err(LedgerError("amount must be a positive integer".into()));
        };
        let entry = match kind {
            CreditKind::Distribution => distribution_line(line, body)?,
            CreditKind::Transfer => transfer_line(line, owner)?,
            CreditKind::Expense => expense_line(line)?,
        };
        if kind == CreditKind::Transfer && !recipients.insert(entry.address.clone()) {
            let error = format!("{} occurs twice in one transfer", entry.address);
            return Err(LedgerError(error));
        }
        required = required.saturating_add(written.unsigned_abs());
        entries.push(CreditEntry {
            amount: amount.unsigned_abs(),
            ..entry
        });
    }
    Ok(CreditEntries {
        kind,
        required: (kind == CreditKind::Transfer).then_some(required),
        entries,
    })
}

fn distribution_line(
    line: &Map<String, Value>,
    body: &Map<String, Value>,
) -> Result<CreditEntry, LedgerError> {
    Ok(CreditEntry {
        address: text(line, "address")?,
        expiration: expiration(line)?,
        price: decimal(line, "price"),
        bonus_amount: line
            .get("bonus_amount")
            .and_then(Value::as_i64)
            .filter(|bonus| *bonus != 0),
        tx_hash: optional(line, "tx_hash"),
        token: optional(body, "token"),
        chain: optional(body, "chain"),
        provider: optional(line, "provider"),
        origin: optional(line, "origin"),
        origin_ref: optional(line, "ref"),
        payment_method: optional(line, "payment_method"),
        ..CreditEntry::default()
    })
}

fn transfer_line(line: &Map<String, Value>, owner: &str) -> Result<CreditEntry, LedgerError> {
    let address = text(line, "address")?;
    if address == owner {
        return Err(LedgerError("a transfer to oneself is not possible".into()));
    }
    Ok(CreditEntry {
        address,
        expiration: expiration(line)?,
        ..CreditEntry::of_transfer(owner)
    })
}

fn expense_line(line: &Map<String, Value>) -> Result<CreditEntry, LedgerError> {
    Ok(CreditEntry {
        address: text(line, "address")?,
        price: decimal(line, "price"),
        tx_hash: optional(line, "node_id"),
        provider: Some(PROVIDER.into()),
        origin: optional(line, "execution_id"),
        origin_ref: optional(line, "ref"),
        payment_method: Some("credit_expense".into()),
        count: line.get("count").and_then(Value::as_i64),
        size_mib: decimal(line, "size"),
        ..CreditEntry::default()
    })
}

fn optional(map: &Map<String, Value>, key: &str) -> Option<String> {
    map.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn decimal(map: &Map<String, Value>, key: &str) -> Option<String> {
    match map.get(key) {
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::String(number)) => Some(number.clone()),
        _ => None,
    }
}

/// Zero, like nothing, means without end.
fn expiration(line: &Map<String, Value>) -> Result<Option<Micros>, LedgerError> {
    match line.get("expiration") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => Ok(Some(milliseconds(value.as_number())?).filter(|end| end.0 != 0)),
    }
}

fn milliseconds(number: Option<&Number>) -> Result<Micros, LedgerError> {
    let millis = number
        .and_then(Number::as_i64)
        .and_then(|millis| millis.checked_mul(1000));
    millis
        .map(Micros)
        .ok_or_else(|| LedgerError("expiration must be a number of milliseconds".into()))
}

fn object(content: Option<&str>) -> Result<Map<String, Value>, LedgerError> {
    let parsed = content.and_then(|text| serde_json::from_str(text).ok());
    parsed.ok_or_else(|| LedgerError("the content must be an object".into()))
}

fn text(map: &Map<String, Value>, key: &str) -> Result<String, LedgerError> {
    let value = map.get(key).and_then(Value::as_str);
    value
        .map(str::to_owned)
        .ok_or_else(|| LedgerError(format!("{key} must be a string")))
}

#[cfg(test)]
mod tests;
