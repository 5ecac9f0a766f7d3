//! The JSON of a record, and what is checked when it is read.

use std::collections::HashSet;

use alephd_message::{Chain, Envelope, ItemHash, ItemType, MessageType, Micros, PaymentType};
use alephd_rules::{BalanceEntry, BalanceUpdate, CreditKind, Remains};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Deeds, TombstoneRecord, can_be_forgotten};
use crate::{
    leaf::CreditLine,
    write::{Bill, TransferLine},
};

/// Most FORGETs in a record; a few name a message, as a rule.
const MOST_FORGETS: usize = 1_000;
/// Largest amount: sums of them stay far from where numbers end.
const MOST_UNITS: i128 = 10_i128.pow(36);

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    sender: String,
    chain: Chain,
    #[serde(rename = "type")]
    message_type: MessageType,
    item_hash: String,
    item_type: ItemType,
    signature: Option<String>,
    time: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    owner: String,
    content_time: i64,
    size: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payment: Option<PaymentType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    accepted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remains: Option<Remains>,
    forgotten_by: Vec<String>,
    #[serde(default)]
    witnessed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delegation: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    credits: Vec<CreditForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    transfers: Vec<TransferForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    balances: Vec<BalanceForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bill: Option<BillForm>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CreditForm {
    line: i64,
    kind: u8,
    address: String,
    amount: i64,
    expiration: Option<i64>,
    details: String,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TransferForm {
    line: i64,
    recipient: String,
    amount: i64,
    expiration: Option<i64>,
    required: Option<u64>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BalanceForm {
    chain: Chain,
    dapp: Option<String>,
    height: i64,
    entries: Vec<(String, String)>,
}

/// Amounts are too large for numbers in JSON.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BillForm {
    payment: PaymentType,
    total: String,
    hold: String,
    stream: String,
    credit: String,
    lines: String,
}

/// Why a record is none.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct BadForm(&'static str);

impl From<TombstoneRecord> for Form {
    fn from(record: TombstoneRecord) -> Self {
        let (envelope, deeds) = (record.envelope, record.deeds);
        Self {
            sender: envelope.sender,
            chain: envelope.chain,
            message_type: envelope.message_type,
            item_hash: envelope.item_hash.to_string(),
            item_type: envelope.item_type,
            signature: envelope.signature,
            time: envelope.time.0,
            channel: envelope.channel,
            owner: record.owner,
            content_time: record.content_time.0,
            size: record.size,
            payment: record.payment,
            label: record.label,
            reference: record.reference,
            accepted: record.accepted,
            remains: record.remains,
            forgotten_by: record.forgotten_by.iter().map(ItemHash::to_string).collect(),
            witnessed: record.witnessed,
            delegation: deeds.delegation,
            credits: deeds.credits.into_iter().map(CreditForm::from).collect(),
            transfers: deeds.transfers.into_iter().map(TransferForm::from).collect(),
            balances: deeds.balances.into_iter().map(BalanceForm::from).collect(),
            bill: deeds.bill.map(BillForm::from),
        }
    }
}

impl TryFrom<Form> for TombstoneRecord {
    type Error = BadForm;

    fn try_from(form: Form) -> Result<Self, BadForm> {
        let name = |text: &str| ItemHash::parse_lenient(text).ok_or(BadForm("no item hash"));
        let item_hash = name(&form.item_hash)?;
        require(
            can_be_forgotten(form.message_type),
            "a FORGET cannot be forgotten",
        )?;
        require(
            match form.item_type {
                ItemType::Inline => matches!(item_hash, ItemHash::Sha256(_)),
                other => other == item_hash.item_type(),
            },
            "an item type that is not of this item hash",
        )?;
        require(form.size >= 0, "a size below zero")?;
        require(
            is_time(form.time) && is_time(form.content_time),
            "a time that is none",
        )?;
        require(form.forgotten_by.len() <= MOST_FORGETS, "too many FORGETs")?;
        let forgotten_by: Vec<ItemHash> = form
            .forgotten_by
            .iter()
            .map(|text| name(text))
            .collect::<Result<_, _>>()?;
        require(
            forgotten_by.iter().collect::<HashSet<_>>().len() == forgotten_by.len(),
            "a FORGET that is listed twice",
        )?;
        let deeds = Deeds {
            delegation: form.delegation.map(json).transpose()?,
            credits: form
                .credits
                .into_iter()
                .map(CreditLine::try_from)
                .collect::<Result<_, _>>()?,
            transfers: form.transfers.into_iter().map(TransferLine::from).collect(),
            balances: form
                .balances
                .into_iter()
                .map(BalanceUpdate::try_from)
                .collect::<Result<_, _>>()?,
            bill: form.bill.map(Bill::try_from).transpose()?,
        };
        // Money and permissions come from the types that have them.
        let is_post = form.message_type == MessageType::Post;
        let is_aggregate = form.message_type == MessageType::Aggregate;
        let has_ledger =
            !deeds.credits.is_empty() || !deeds.transfers.is_empty() || !deeds.balances.is_empty();
        require(is_post || !has_ledger, "money of a message that is no POST")?;
        require(
            is_aggregate || deeds.delegation.is_none(),
            "delegations of a message that is no AGGREGATE",
        )?;
        require(
            deeds.bill.is_none() || !(is_post || is_aggregate),
            "a bill of what costs nothing",
        )?;
        Ok(Self {
            envelope: Envelope {
                chain: form.chain,
                sender: form.sender,
                message_type: form.message_type,
                item_hash,
                item_type: form.item_type,
                item_content: None,
                signature: form.signature,
                time: Micros(form.time),
                channel: form.channel,
            },
            owner: form.owner,
            content_time: Micros(form.content_time),
            size: form.size,
            payment: form.payment,
            label: form.label,
            reference: form.reference,
            accepted: form.accepted,
            remains: form.remains,
            forgotten_by,
            witnessed: form.witnessed,
            deeds,
        })
    }
}

fn require(is_so: bool, otherwise: &'static str) -> Result<(), BadForm> {
    is_so.then_some(()).ok_or(BadForm(otherwise))
}

/// Whether messages can have this time.
fn is_time(micros: i64) -> bool {
    Micros::from_seconds(Micros(micros).as_seconds()).is_some()
}

/// A text that is JSON.
fn json(text: String) -> Result<String, BadForm> {
    match serde_json::from_str::<&RawValue>(&text) {
        Ok(_) => Ok(text),
        Err(_) => Err(BadForm("a text that is no JSON")),
    }
}

impl From<CreditLine> for CreditForm {
    fn from(line: CreditLine) -> Self {
        Self {
            line: line.line,
            kind: line.kind,
            address: line.address,
            amount: line.amount,
            expiration: line.expiration.map(|time| time.0),
            details: line.details,
        }
    }
}

impl TryFrom<CreditForm> for CreditLine {
    type Error = BadForm;

    fn try_from(form: CreditForm) -> Result<Self, BadForm> {
        // Lines of transfers follow from other posts and are never handed out.
        let is_distribution = form.kind == CreditKind::Distribution as u8 && form.amount >= 0;
        let is_expense = form.kind == CreditKind::Expense as u8 && form.amount <= 0;
        require(is_distribution || is_expense, "a credit line of another kind")?;
        Ok(Self {
            line: form.line,
            kind: form.kind,
            address: form.address,
            amount: form.amount,
            expiration: form.expiration.map(Micros),
            details: json(form.details)?,
        })
    }
}

impl From<TransferLine> for TransferForm {
    fn from(line: TransferLine) -> Self {
        Self {
            line: line.line,
            recipient: line.recipient,
            amount: line.amount,
            expiration: line.expiration.map(|time| time.0),
            required: line.required,
        }
    }
}

impl From<TransferForm> for TransferLine {
    fn from(form: TransferForm) -> Self {
        Self {
            line: form.line,
            recipient: form.recipient,
            amount: form.amount,
            expiration: form.expiration.map(Micros),
            required: form.required,
        }
    }
}

impl From<BalanceUpdate> for BalanceForm {
    fn from(update: BalanceUpdate) -> Self {
        let entries = update.entries.into_iter();
        Self {
            chain: update.chain,
            dapp: update.dapp,
            height: update.height,
            entries: entries.map(|entry| (entry.address, entry.balance)).collect(),
        }
    }
}

impl TryFrom<BalanceForm> for BalanceUpdate {
    type Error = BadForm;

    fn try_from(form: BalanceForm) -> Result<Self, BadForm> {
        let entry = |(address, balance): (String, String)| {
            let is_number = balance.parse::<f64>().is_ok_and(f64::is_finite);
            require(is_number, "a balance that is no number")?;
            Ok(BalanceEntry { address, balance })
        };
        Ok(Self {
            chain: form.chain,
            dapp: form.dapp,
            height: form.height,
            entries: form
                .entries
                .into_iter()
                .map(entry)
                .collect::<Result<_, BadForm>>()?,
        })
    }
}

impl From<Bill> for BillForm {
    fn from(bill: Bill) -> Self {
        Self {
            payment: bill.payment,
            total: bill.total.to_string(),
            hold: bill.hold.to_string(),
            stream: bill.stream.to_string(),
            credit: bill.credit.to_string(),
            lines: bill.lines,
        }
    }
}

impl TryFrom<BillForm> for Bill {
    type Error = BadForm;

    fn try_from(form: BillForm) -> Result<Self, BadForm> {
        let amount = |text: &str| {
            text.parse::<i128>()
                .ok()
                .filter(|amount| (-MOST_UNITS..=MOST_UNITS).contains(amount))
                .ok_or(BadForm("an amount that is none"))
        };
        Ok(Self {
            payment: form.payment,
            total: amount(&form.total)?,
            hold: amount(&form.hold)?,
            stream: amount(&form.stream)?,
            credit: amount(&form.credit)?,
            lines: json(form.lines)?,
        })
    }
}
