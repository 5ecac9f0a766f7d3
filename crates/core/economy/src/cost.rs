//! What a message costs (docs/protocol/money.md, "Costs").
//!
//! ```text
//!   content, text ──▶ Demand::of ──▶ demand.files() ── sizes looked up by the caller ──┐
//!                                      │                                             ▼
//!                       Pricing ───────┴──────────────────────────▶ costs() ──▶ Costs: lines, total
//! ```
//!
//! A bill is a list of lines, each in all three currencies: tokens to hold, tokens by the second,
//! credits by the second. It is made for a message at the time of its reception and recorded;
//! later prices do not change it.
//!
//! # What callers may rely on
//!
//! - No line but the discount is negative, and the discount never exceeds the volumes, so that no
//!   sum of lines is negative.
//! - The lines, their order and their digits are those of the network.
//! - Contents and price lists of any size and shape are billed or refused with a [`CostError`].

mod demand;
mod fields;
mod lines;
#[cfg(test)]
mod tests;

use alephd_message::{ErrorCode, ItemHash, PaymentType};
use serde_json::{Value, json};

pub use demand::{CostFile, Demand};
pub(crate) use demand::{Estimates, MachineClass, Resource};

use crate::{
    amount::{Amount, AmountError, Decimal},
    pricing::{Pricing, Product},
};

/// What a line of a bill is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CostKind {
    /// Processors and memory.
    Execution,
    /// A writable volume, kept or not.
    Persistent,
    /// A read-only volume.
    Immutable,
    /// The disk that comes with processors and memory.
    Discount,
    /// The root file system of an instance.
    Rootfs,
    /// The code of a program.
    Code,
    /// The runtime of a program.
    Runtime,
    /// The data of a program.
    Data,
    /// The file of a STORE.
    Storage,
}

impl CostKind {
    /// Every kind, in storage order.
    pub const ALL: &'static [Self] = &[
        Self::Execution,
        Self::Persistent,
        Self::Immutable,
        Self::Discount,
        Self::Rootfs,
        Self::Code,
        Self::Runtime,
        Self::Data,
        Self::Storage,
    ];

    /// The name on the wire, misspelt where the network misspells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Execution => "EXECUTION",
            Self::Persistent => "EXECUTION_VOLUME_PERSISTENT",
            Self::Immutable => "EXECUTION_VOLUME_INMUTABLE",
            Self::Discount => "EXECUTION_VOLUME_DISCOUNT",
            Self::Rootfs => "EXECUTION_INSTANCE_VOLUME_ROOTFS",
            Self::Code => "EXECUTION_PROGRAM_VOLUME_CODE",
            Self::Runtime => "EXECUTION_PROGRAM_VOLUME_RUNTIME",
            Self::Data => "EXECUTION_PROGRAM_VOLUME_DATA",
            Self::Storage => "STORAGE",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }
}

/// A size in MiB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mib(pub(crate) Decimal);

impl Mib {
    /// The size of a file.
    pub fn of_bytes(bytes: u64) -> Self {
        Self(Decimal::mib_of_bytes(bytes))
    }

    /// A whole number of MiB.
    pub fn from_mib(mib: u64) -> Self {
        Self(Decimal::from_integer(mib))
    }

    /// The nearest double, as the API shows sizes.
    pub fn to_f64(self) -> f64 {
        self.0.to_double()
    }

    /// Whether there is nothing to bill.
    pub(crate) fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// Whether this is a whole number of MiB or less.
    pub(crate) fn is_at_most(self, mib: u32) -> bool {
        // What is beyond the bounds of amounts is more.
        self.0
            .ceil()
            .is_ok_and(|size| size <= Amount::from_whole(i64::from(mib)))
    }
}

/// One line of a bill.
#[derive(Clone, Debug, PartialEq)]
pub struct CostLine {
    /// What it is for.
    pub kind: CostKind,
    /// The product, the volume or, for want of a better name, the kind.
    pub name: String,
    /// The STORE message of a volume; for a STORE the message itself.
    pub reference: Option<ItemHash>,
    /// The size of what is stored.
    pub size: Option<Mib>,
    /// Tokens to hold.
    pub hold: Amount,
    /// Tokens by the second.
    pub stream: Amount,
    /// Credits by the second.
    pub credit: Amount,
}

impl CostLine {
    /// The cost in the currency of a payment.
    pub fn in_currency(&self, payment: PaymentType) -> Amount {
        match payment {
            PaymentType::Hold => self.hold,
            PaymentType::Superfluid => self.stream,
            PaymentType::Credit => self.credit,
        }
    }

    /// The line as the API shows it, with its size if that is wanted.
    pub fn to_json(&self, with_size: bool) -> Value {
        let size = self.size.filter(|_| with_size).map(Mib::to_f64);
        json!({
            "type": self.kind.as_str(),
            "name": self.name,
            "cost_hold": self.hold,
            "cost_stream": self.stream,
            "cost_credit": self.credit,
            "size_mib": size,
        })
    }
}

/// The bill of one message.
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    /// The account that is charged.
    pub owner: String,
    /// How it pays.
    pub payment: PaymentType,
    /// The lines, in the order of the network.
    pub lines: Vec<CostLine>,
    /// The sum of the lines in the currency of the payment.
    pub total: Amount,
}

impl Costs {
    /// The answer of the routes that show or estimate the price of a message.
    pub fn to_json(&self, with_sizes: bool) -> Value {
        let detail: Vec<Value> = self.lines.iter().map(|line| line.to_json(with_sizes)).collect();
        json!({
            "charged_address": self.owner,
            "cost": self.total,
            "detail": detail,
            "payment_type": self.payment,
            "required_tokens": self.total.to_f64(),
        })
    }
}

/// A message that cannot be billed. Prices may change that, so a message waits with
/// [`ErrorCode::Internal`] for them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CostError {
    /// The text is not the one that the content was read from.
    #[error("the text does not belong to the content")]
    Unreadable,
    /// The price list has no price that can be read.
    #[error("no price is set for {}", .0.as_str())]
    NoPrice(Product),
    /// The settings do not know the device.
    #[error("GPU device_id {0} is not among the compatible GPUs")]
    UnknownGpu(String),
    /// The price list does not have the model.
    #[error("GPU model {0} is in no pricing tier")]
    UnpricedGpu(String),
    /// A cost of 10^10 and more, which the network cannot express.
    #[error("the cost is out of bounds")]
    TooLarge,
}

impl CostError {
    /// The code that clients see.
    pub fn code(&self) -> ErrorCode {
        ErrorCode::Internal
    }
}

impl From<AmountError> for CostError {
    fn from(_: AmountError) -> Self {
        Self::TooLarge
    }
}

/// Makes the bill of a message. `file_size` gives the bytes of those of [`Demand::files`] that are
/// known; what depends on others is left out.
pub fn costs(
    demand: &Demand,
    pricing: &Pricing,
    file_size: &dyn Fn(&CostFile) -> Option<u64>,
) -> Result<Costs, CostError> {
    let payment = demand.payment;
    let biller = lines::Biller {
        payment,
        pricing,
        files: file_size,
    };
    let lines = biller.lines(&demand.resource)?;
    let total = within_bounds(sum(lines.iter().map(|line| line.in_currency(payment)))?)?;
    Ok(Costs {
        owner: demand.owner.clone(),
        payment,
        lines,
        total,
    })
}

fn sum(mut costs: impl Iterator<Item = Amount>) -> Result<Amount, CostError> {
    let sum = costs.try_fold(Amount::ZERO, Amount::checked_add);
    sum.ok_or(CostError::TooLarge)
}

/// Refuses what has more than 28 digits with all its decimals.
fn within_bounds(cost: Amount) -> Result<Amount, CostError> {
    const BOUND: Amount = Amount::from_whole(10_000_000_000);
    (cost < BOUND).then_some(cost).ok_or(CostError::TooLarge)
}
