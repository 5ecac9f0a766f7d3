//! Who may send what costs something (docs/protocol/money.md, "Admission").
//!
//! ```text
//!   Demand, Costs, time ──▶ check() ──▶ Check::None
//!                             │    └──▶ Check::Hold | Check::Credit ── against(balance, recorded) ──▶ Ok
//!                             └──▶ Refusal (202)                                        └──▶ Refusal (5, 6)
//! ```
//!
//! Admission is a question of the day of sending: what was admitted stays, and what becomes of it
//! when the balance shrinks is a matter of funding.

#[cfg(test)]
mod tests;

use alephd_message::{ErrorCode, Micros, PaymentType};
use serde_json::{Value, json};

use crate::{
    amount::Amount,
    cost::{Costs, Demand, MachineClass, Mib, Resource},
};

/// Size up to which a file is kept for who merely may hold tokens.
pub(crate) const FREE_STORE_MIB: u32 = 25;
/// Credits must last this long at the rate of everything that they pay for.
pub const RESERVE_SECONDS: u64 = 86_400;

/// What the profile of a network says about money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Owner of the aggregates [`PRICING_KEY`](crate::pricing::PRICING_KEY) and
    /// [`SETTINGS_KEY`](crate::pricing::SETTINGS_KEY).
    pub pricing_owner: String,
    /// Files and functions on demand that were sent before this instant are free.
    pub cost_time: Micros,
    /// The same as a height of the ordering chain, for what is confirmed there.
    pub cost_height: u64,
    /// From this instant on, what keeps running is paid for by credits.
    pub no_hold_time: Micros,
    /// From this instant on, everything is paid for by credits.
    pub credit_only_time: Micros,
}

/// When a message was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The time in its envelope.
    pub time: Micros,
    /// Height of its first confirmation on the ordering chain, if there is one.
    pub height: Option<u64>,
}

/// What the owner has to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Nothing.
    None,
    /// Tokens, on top of those that recorded costs need.
    Hold {
        /// Cost of the message.
        needed: Amount,
    },
    /// Credits for a day of this and of all recorded costs.
    Credit {
        /// Cost of the message by the second.
        needed: Amount,
    },
}

/// The message is not admitted, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// This way of paying is no longer accepted for it.
    #[error("the payment method is not accepted")]
    PaymentMethod,
    /// The owner does not hold enough tokens.
    #[error("{required} tokens are needed, {balance} are held")]
    Balance {
        /// What all costs with this one need.
        required: Amount,
        /// What the owner holds.
        balance: Amount,
    },
    /// The owner does not have enough credits.
    #[error("{required} credits are needed, {balance} are there")]
    Credit {
        /// What all costs with this one need for a day.
        required: Amount,
        /// What the owner has.
        balance: Amount,
    },
}

/// What has to be checked before a message is admitted. `costs` are those of `demand`.
///
/// The same answers the question about an upload before it is stored: with a demand of a
/// [given size](Demand::with_file_size).
pub fn check(parameters: &Parameters, demand: &Demand, costs: &Costs, sent: Sent) -> Result<Check, Refusal> {
    let payment = demand.payment;
    let pays_credits = payment == PaymentType::Credit;
    let is_free = match sent.height {
        Some(height) => height < parameters.cost_height,
        None => sent.time < parameters.cost_time,
    };
    match &demand.resource {
        Resource::Store { .. } => {
            if is_free {
                return Ok(Check::None);
            }
            if sent.time >= parameters.credit_only_time && !pays_credits {
                return Err(Refusal::PaymentMethod);
            }
            // A file that is empty or not known has no line, and nothing to be checked for.
            let size = costs.lines.first().and_then(|line| line.size);
            let is_small = size.is_none_or(|size: Mib| size.is_at_most(FREE_STORE_MIB));
            if is_small && payment == PaymentType::Hold && costs.total > Amount::ZERO {
                // It costs nothing extra, but does not help who cannot pay for what he has.
                return Ok(Check::Hold { needed: Amount::ZERO });
            }
            if is_small && !pays_credits {
                return Ok(Check::None);
            }
        }
        Resource::Machine(machine) => {
            let keeps_running = match machine.class {
                MachineClass::Program { persistent, .. } => persistent,
                MachineClass::Instance { .. } | MachineClass::VProgram => true,
            };
            if is_free && !keeps_running {
                return Ok(Check::None);
            }
            let credits_only = machine.class == MachineClass::VProgram
                || sent.time >= parameters.credit_only_time
                || (keeps_running && sent.time >= parameters.no_hold_time);
            if credits_only && !pays_credits {
                return Err(Refusal::PaymentMethod);
            }
        }
    }
    let needed = costs.total;
    Ok(match payment {
        PaymentType::Hold => Check::Hold { needed },
        // Streams are watched by the hosts that they pay.
        PaymentType::Superfluid => Check::None,
        PaymentType::Credit => Check::Credit { needed },
    })
}

impl Check {
    /// Compares what is needed with what the owner has: his balance in the currency of the check,
    /// and the sum of the costs recorded for him in that currency.
    pub fn against(self, balance: Amount, recorded: Amount) -> Result<(), Refusal> {
        let sum = |needed: Amount| recorded.checked_add(needed);
        match self {
            Self::None => Ok(()),
            Self::Hold { needed } => {
                let required = sum(needed).unwrap_or(Amount::MAX);
                let missing = Refusal::Balance { required, balance };
                (balance >= required).then_some(()).ok_or(missing)
            }
            Self::Credit { needed } => {
                let required = sum(needed).and_then(|sum| sum.checked_mul(RESERVE_SECONDS));
                let required = required.unwrap_or(Amount::MAX);
                let missing = Refusal::Credit { required, balance };
                (balance >= required).then_some(()).ok_or(missing)
            }
        }
    }
}

impl Refusal {
    /// The code that clients see.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::PaymentMethod => ErrorCode::InvalidPaymentMethod,
            Self::Balance { .. } => ErrorCode::BalanceInsufficient,
            Self::Credit { .. } => ErrorCode::CreditInsufficient,
        }
    }

    /// The details that clients see.
    pub fn details(self) -> Option<Value> {
        let error = match self {
            Self::PaymentMethod => return None,
            Self::Balance { required, balance } => json!({
                "required_balance": scaled(required),
                "account_balance": balance.shortest(),
            }),
            Self::Credit { required, balance } => json!({
                "required_credits": scaled(required),
                "account_credits": balance.shortest(),
                "min_runtime_days": RESERVE_SECONDS / 86_400,
            }),
        };
        Some(json!({ "errors": [error] }))
    }
}

/// A computed sum as the network prints it here: with all decimals, but in scientific notation
/// below 10^-6.
fn scaled(amount: Amount) -> String {
    let digits = amount.units().unsigned_abs().to_string();
    // Of the first digit.
    let exponent = digits.len() as i32 - 19;
    if exponent >= -6 {
        return amount.to_string();
    }
    let sign = if amount.is_negative() { "-" } else { "" };
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{first}{point}{rest}E{exponent}")
}
