//! Money facts: what balance reports and credit posts say (docs/protocol/ledger.md).
//!
//! This module reads them; which lots an expense drains and who can pay for what is decided
//! elsewhere.

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

/// What a line of a credit post does.
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

/// One line of a credit post.
#[derive(Clone, Debug, PartialEq)]
pub struct CreditEntry {
    /// What it does.
    pub kind: CreditKind,
    /// Address whose balance changes.
    pub address: String,
    /// The other side of a transfer.
    pub counterparty: Option<String>,
    /// Signed change, in credits (10^-6 of a dollar).
    pub amount: i64,
    /// End of validity of what was granted.
    pub expiration: Option<Micros>,
    /// Decimal text of the price of one credit, as sent.
    pub price: Option<String>,
    /// Credits on top of what was paid for.
    pub bonus_amount: Option<i64>,
    /// Payment behind a distribution.
    pub tx_hash: Option<String>,
    /// Token of the payment.
    pub token: Option<String>,
    /// Chain of the payment.
    pub chain: Option<String>,
    /// Payment provider.
    pub provider: Option<String>,
    /// What the credits are for, e.g. a message.
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

/// Before this instant amounts were counted in cents of today's credits.
const FINE_CREDITS_SINCE: Micros = Micros(1_769_990_400_000_000);
/// Factor between the two.
const COARSE_CREDIT: i64 = 10_000;

/// Reads the lines of a credit post; `None` if the post is not one. `channels` are those of all
/// known copies of the message: nobody signed the channel, so one copy in the right channel counts.
pub fn credit_entries(
    trusted: &Trusted,
    owner: &str,
    channels: &[Option<String>],
    post_type: &str,
    time: Micros,
    content: Option<&str>,
) -> Option<Result<Vec<CreditEntry>, LedgerError>> {
    let in_channel = |channel: &Option<String>| {
        channel
            .as_ref()
            .is_some_and(|channel| trusted.credit_channels.contains(channel))
    };
    if !channels.iter().any(in_channel) {
        return None;
    }
    let is_oracle = trusted.credit_oracles.iter().any(|oracle| oracle == owner);
    let (kind, section) = match post_type {
        "aleph_credit_distribution" if is_oracle => (CreditKind::Distribution, "distribution"),
        "aleph_credit_expense" if is_oracle => (CreditKind::Expense, "expense"),
        "aleph_credit_transfer" => (CreditKind::Transfer, "transfer"),
        _ => return None,
    };
    Some(parse_credits(kind, section, owner, time, content))
}

fn parse_credits(
    kind: CreditKind,
    section: &str,
    owner: &str,
    time: Micros,
    content: Option<&str>,
) -> Result<Vec<CreditEntry>, LedgerError> {
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
    let mut entries = Vec::with_capacity(lines.len());
    for line in lines {
        let line = line
            .as_object()
            .ok_or_else(|| LedgerError("a credit line must be an object".into()))?;
        let amount = line
            .get("amount")
            .and_then(Value::as_i64)
            .filter(|amount| *amount > 0);
        let amount = amount.and_then(|amount| amount.checked_mul(factor));
        let amount = amount.ok_or_else(|| LedgerError("amount must be a positive integer".into()))?;
        let address = text(line, "address")?;
        let mut entry = credit_line(kind, address, line, body)?;
        entry.amount = if kind == CreditKind::Expense {
            -amount
        } else {
            amount
        };
        if kind == CreditKind::Transfer {
            check_recipient(&entries, owner, &entry.address)?;
            entry.counterparty = Some(owner.to_owned());
            entry.payment_method = Some("credit_transfer".into());
            entries.push(entry);
            entries.push(sender_side(owner, &entries[entries.len() - 1]));
        } else {
            entries.push(entry);
        }
    }
    Ok(entries)
}

fn check_recipient(entries: &[CreditEntry], owner: &str, recipient: &str) -> Result<(), LedgerError> {
    if recipient == owner {
        return Err(LedgerError("a transfer to oneself is not possible".into()));
    }
    if entries
        .iter()
        .any(|entry| entry.amount > 0 && entry.address == recipient)
    {
        return Err(LedgerError(format!("{recipient} occurs twice in one transfer")));
    }
    Ok(())
}

/// The debit that belongs to a granted line of a transfer.
fn sender_side(owner: &str, granted: &CreditEntry) -> CreditEntry {
    CreditEntry {
        address: owner.to_owned(),
        counterparty: Some(granted.address.clone()),
        amount: -granted.amount,
        expiration: None,
        ..granted.clone()
    }
}

fn credit_line(
    kind: CreditKind,
    address: String,
    line: &Map<String, Value>,
    body: &Map<String, Value>,
) -> Result<CreditEntry, LedgerError> {
    let optional = |key: &str| line.get(key).and_then(Value::as_str).map(str::to_owned);
    let decimal = |key: &str| match line.get(key) {
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::String(number)) => Some(number.clone()),
        _ => None,
    };
    let common = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
    let expiration = match line.get("expiration") {
        None | Some(Value::Null) => None,
        Some(value) => Some(milliseconds(value.as_number())?),
    };
    let is_expense = kind == CreditKind::Expense;
    Ok(CreditEntry {
        kind,
        address,
        counterparty: None,
        amount: 0,
        expiration,
        price: decimal("price"),
        bonus_amount: line.get("bonus_amount").and_then(Value::as_i64),
        tx_hash: optional("tx_hash"),
        token: common("token"),
        chain: common("chain"),
        provider: optional("provider"),
        origin: if is_expense {
            optional("execution_id")
        } else {
            optional("origin")
        },
        origin_ref: optional("ref"),
        payment_method: if is_expense {
            Some("credit_expense".into())
        } else {
            optional("payment_method")
        },
        count: line.get("count").and_then(Value::as_i64),
        size_mib: decimal("size"),
    })
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
