//! Posts that move money facts.

use alephd_message::Chain;
use alephd_signature::sign::Signer;
use serde_json::{Map, Value, json};

use super::{Draft, post};

/// The channel in which credit posts count.
const CREDIT_CHANNEL: &str = "ALEPH_CREDIT";

/// A report of token balances at a block height. Only trusted owners are believed.
pub fn balances_update<'a>(
    signer: &'a (dyn Signer + Sync),
    chain: Chain,
    height: u64,
    balances: &[(&str, f64)],
) -> Draft<'a> {
    let balances: Map<String, Value> = balances
        .iter()
        .map(|(address, balance)| ((*address).to_owned(), json!(balance)))
        .collect();
    let content = json!({"chain": chain, "main_height": height, "balances": balances});
    post(signer, "balances-update", content)
}

/// New credits, a line for each `(address, amount)`. Only trusted owners are believed.
pub fn credit_distribution<'a>(signer: &'a (dyn Signer + Sync), credits: &[(&str, u64)]) -> Draft<'a> {
    let lines = credits.iter().map(|(address, amount)| {
        json!({"address": address, "amount": amount, "price": "0.000001", "tx_hash": "0x00", "provider": "ALEPH"})
    });
    credit_distribution_to(signer, lines.collect())
}

/// New credits, with every line given whole.
pub fn credit_distribution_to(signer: &(dyn Signer + Sync), lines: Vec<Value>) -> Draft<'_> {
    let content = json!({"distribution": {"credits": lines, "token": "ALEPH", "chain": "ETH"}});
    post(signer, "aleph_credit_distribution", content).channel(CREDIT_CHANNEL)
}

/// Credits that the owner of the message gives away.
pub fn credit_transfer<'a>(signer: &'a (dyn Signer + Sync), credits: &[(&str, u64)]) -> Draft<'a> {
    let content = json!({"transfer": {"credits": amounts(credits)}});
    post(signer, "aleph_credit_transfer", content).channel(CREDIT_CHANNEL)
}

/// Credits that were used up. Only trusted owners are believed.
pub fn credit_expense<'a>(signer: &'a (dyn Signer + Sync), credits: &[(&str, u64)]) -> Draft<'a> {
    let content = json!({"expense": {"credits": amounts(credits)}});
    post(signer, "aleph_credit_expense", content).channel(CREDIT_CHANNEL)
}

fn amounts(credits: &[(&str, u64)]) -> Vec<Value> {
    credits
        .iter()
        .map(|(address, amount)| json!({"address": address, "amount": amount}))
        .collect()
}
