//! What a message means among other messages: the rules of the network as pure functions.
//!
//! ```text
//!   message ──▶ needs() ──▶ names of other messages, owners whose delegations count
//!                                  │ the caller gathers these facts
//!   message + facts ──▶ judge() ──▶ Accept | Wait(dependency) | Refuse(code)
//! ```
//!
//! # What it promises
//!
//! - No I/O, no clock, no randomness: the same message and facts give the same verdict.
//! - A verdict depends on a *set* of facts and their [`Position`]s, never on the order in which
//!   they became known. Permission, its revocation and the use of a volume are looked up *as of
//!   the position of the message that needs them*, so a late fact changes exactly what it
//!   precedes.
//! - [`root::StateRoot`] is a multiset hash: adding and removing leaves commutes.
//!
//! # What it leaves to others
//!
//! Whether bytes are a message (`alephd-message`), signatures (`alephd-signature`), where facts
//! are kept (`alephd-store`), and in which order messages are judged again when facts arrive
//! (`alephd-pipeline`).
//!
//! Protocol: `docs/protocol/state.md`.

mod interest;
mod judge;
mod ledger;
mod permission;
mod remains;
pub mod root;
mod status;
mod subject;

pub use alephd_economy::Position;
pub use interest::{Interest, Outline, Support};
pub use judge::{Facts, Known, Needs, Verdict, VolumeUse, judge, needs, owners_to_consult};
pub use ledger::{
    BalanceEntry, BalanceUpdate, CreditEntries, CreditEntry, CreditKind, LedgerError, Trusted,
    balance_update, credit_entries,
};
pub use permission::{Authorization, Authorizations};
pub use remains::Remains;
pub use status::{MessageStatus, SHOWN_AS_PENDING};
pub use subject::Subject;
