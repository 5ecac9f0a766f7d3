//! What messages cost, who has what, and what follows when it is not enough.
//!
//! ```text
//!   aggregates ──▶ pricing::Pricing ─┐
//!   message ─────▶ cost::Demand ─────┴─▶ cost::Costs ──▶ admission::Check ──▶ Ok | Refusal
//!                       ▲
//!   estimate ───────────┘
//! ```
//!
//! # What it promises
//!
//! - No I/O, no clock, no randomness: prices, file sizes, balances and instants come in as
//!   arguments, and network constants as [`admission::Parameters`].
//! - No float takes part in arithmetic. Bills are those of the network to the last of eighteen
//!   decimals, with its order of operations and its rounding.
//! - Nothing that a message or a price list says makes it panic or work without bounds.
//!
//! # What it leaves to others
//!
//! Whether a text is a valid content (`alephd-message`), which of a message's facts are known
//! (`alephd-rules`, `alephd-store`), and when bills are made, recorded and checked
//! (`alephd-pipeline`).
//!
//! Protocol: `docs/protocol/money.md`.

pub mod admission;
mod amount;
pub mod collection;
pub mod cost;
pub mod estimate;
pub mod funding;
pub mod lots;
mod position;
pub mod pricing;

pub use amount::{Amount, AmountError};
pub use position::Position;
