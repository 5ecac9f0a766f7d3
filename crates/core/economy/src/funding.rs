//! Who can pay for what: one walk over the messages of an owner.
//!
//! The owner's means are handed out in the order of the messages' [`Position`]s, each message
//! being charged whether or not there is enough for it. So what is left for a message depends on
//! those before it alone, and three laws hold (`tests.rs` states each as a property):
//!
//! - the order in which messages arrived makes no difference;
//! - more means never unfund anything;
//! - a message never unfunds one before it.
//!
//! Skipping what cannot be paid and serving the next, smaller message instead would break the
//! second law: with a little more money the skipped one takes what the smaller one had.
//!
//! # What is charged
//!
//! Holding tokens pays as long as the balance covers the sum. Credits must last for a day at the
//! rate of the sum ([`RESERVE_SECONDS`]); the day is a condition, never a payment: credits only go
//! when an expense post says so. Streams ([`PaymentType::Superfluid`]) are watched elsewhere.
//!
//! # What it leaves to others
//!
//! Prices, cut-offs for whole payment methods, and which messages are live: forgotten and removed
//! ones are not passed in. What follows for a message that is not funded is
//! [`collection`](crate::collection)'s.
//!
//! Protocol: `docs/protocol/money.md`.

use std::fmt;

use alephd_message::{ErrorCode, MessageType, Micros, PaymentType};

use crate::{
    Amount, Position,
    admission::{FREE_STORE_MIB, Parameters},
};

pub use crate::admission::RESERVE_SECONDS;

/// What an owner has at some instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Means {
    /// Tokens held.
    pub tokens: Amount,
    /// Credits.
    pub credits: Amount,
}

/// A live message that has to be paid for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its place among the owner's messages, and its identity.
    pub position: Position,
    /// What it is.
    pub message_type: MessageType,
    /// How it is paid for.
    pub payment: PaymentType,
    /// Tokens to hold, or credits per second. A negative cost is none.
    pub cost: Amount,
    /// Bytes of the file that a STORE keeps.
    pub size: Option<u64>,
    /// What is compared with dates: when the network says the message was sent.
    pub time: Micros,
    /// Height of its first confirmation on the ordering chain.
    pub height: Option<u64>,
}

/// What stays although nobody pays for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exemptions {
    /// A STORE of at most this many bytes, paid for by holding or else sent before `credit_only`.
    pub file_size: u64,
    /// From this instant on, credits are the only way to pay.
    pub credit_only: Micros,
    /// What is paid for by holding and was confirmed below this height,
    pub height: u64,
    /// or is not confirmed and was sent before this instant.
    pub time: Micros,
}

/// What the walk says about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Funding {
    /// There is enough.
    Funded,
    /// There is not enough, but it stays.
    Exempt,
    /// There is not enough.
    Unfunded(Shortfall),
}

impl Funding {
    /// Whether the message stays.
    pub fn is_kept(&self) -> bool {
        !matches!(self, Self::Unfunded(_))
    }
}

/// There is not enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {needed} needed, {available} available")]
pub struct Shortfall {
    /// Of what.
    pub reason: Reason,
    /// For this message and all before it.
    pub needed: Amount,
    /// What the owner has.
    pub available: Amount,
}

/// What there is not enough of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Tokens.
    BalanceInsufficient,
    /// Credits.
    CreditInsufficient,
}

impl Reason {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BalanceInsufficient => "balance_insufficient",
            Self::CreditInsufficient => "credit_insufficient",
        }
    }

    /// The code with which a message is refused for it.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::BalanceInsufficient => ErrorCode::BalanceInsufficient,
            Self::CreditInsufficient => ErrorCode::CreditInsufficient,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<&Parameters> for Exemptions {
    fn from(parameters: &Parameters) -> Self {
        Self {
            file_size: u64::from(FREE_STORE_MIB) << 20,
            credit_only: parameters.credit_only_time,
            height: parameters.cost_height,
            time: parameters.cost_time,
        }
    }
}

impl Exemptions {
    /// Whether a message stays although nobody pays for it.
    pub fn cover(&self, claim: &Claim) -> bool {
        let is_hold = claim.payment == PaymentType::Hold;
        let is_small = claim.message_type == MessageType::Store
            && claim.size.is_some_and(|size| size <= self.file_size)
            && (is_hold || claim.time < self.credit_only);
        let is_old = match claim.height {
            Some(height) => height < self.height,
            None => claim.time < self.time,
        };
        is_small || (is_hold && is_old)
    }
}

/// Whether the means cover a message when those before it cost `before`. Both costs are in the
/// unit of the payment: tokens to hold, or credits per second.
pub fn cover(means: &Means, payment: PaymentType, before: Amount, cost: Amount) -> Result<(), Shortfall> {
    if cost <= Amount::ZERO {
        return Ok(());
    }
    let sum = before.saturating_add(cost);
    let most = Amount::from_units(i128::MAX);
    let (reason, needed, available) = match payment {
        PaymentType::Superfluid => return Ok(()),
        PaymentType::Hold => (Reason::BalanceInsufficient, sum, means.tokens),
        PaymentType::Credit => {
            let day = sum.checked_mul(RESERVE_SECONDS).unwrap_or(most);
            (Reason::CreditInsufficient, day, means.credits)
        }
    };
    if available >= needed && needed < most {
        return Ok(());
    }
    Err(Shortfall {
        reason,
        needed,
        available,
    })
}

/// What the messages before a position cost that are paid for in this way: what
/// [`admission`](crate::admission) takes as recorded when a message comes in, and [`cover`] as
/// `before`. Those after it do not count, or an earlier message could be refused for a later one.
pub fn recorded_before(claims: &[Claim], position: &Position, payment: PaymentType) -> Amount {
    let mut before: Vec<&Claim> = claims
        .iter()
        .filter(|claim| claim.position < *position && claim.payment == payment)
        .collect();
    before.sort_by(|a, b| a.position.cmp(&b.position));
    before.dedup_by(|a, b| a.position == b.position);
    before.iter().fold(Amount::ZERO, |sum, claim| {
        sum.saturating_add(claim.cost.max(Amount::ZERO))
    })
}

/// The walk. The answer has an element for each claim, in the order in which they are given; a
/// message that occurs twice is charged once.
pub fn walk(means: &Means, claims: &[Claim], exemptions: &Exemptions) -> Vec<Funding> {
    let mut order: Vec<usize> = (0..claims.len()).collect();
    order.sort_by(|&a, &b| claims[a].position.cmp(&claims[b].position));
    let mut answers = vec![Funding::Funded; claims.len()];
    let mut charged = Charged::default();
    let mut last: Option<usize> = None;
    for index in order {
        let claim = &claims[index];
        let same = last.filter(|&last| claims[last].position == claim.position);
        answers[index] = match same {
            Some(same) => answers[same],
            None => charged.next(means, claim, exemptions),
        };
        last = Some(index);
    }
    answers
}

/// What the messages so far cost.
#[derive(Default)]
struct Charged {
    held: Amount,
    per_second: Amount,
}

impl Charged {
    fn next(&mut self, means: &Means, claim: &Claim, exemptions: &Exemptions) -> Funding {
        let sum = match claim.payment {
            PaymentType::Superfluid => return Funding::Funded,
            PaymentType::Hold => &mut self.held,
            PaymentType::Credit => &mut self.per_second,
        };
        let covered = cover(means, claim.payment, *sum, claim.cost);
        *sum = sum.saturating_add(claim.cost.max(Amount::ZERO));
        match covered {
            Ok(()) => Funding::Funded,
            Err(_) if exemptions.cover(claim) => Funding::Exempt,
            Err(shortfall) => Funding::Unfunded(shortfall),
        }
    }
}

#[cfg(test)]
mod tests;
