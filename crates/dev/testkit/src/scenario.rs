//! Small sets of messages that get in each other's way.
//!
//! For the promise that the state depends on the messages and not on the order of their arrival:
//! a scenario has few accounts, few documents, few labels, few files and few instants, so that
//! its messages nearly always meet. Among them are
//!
//! - amends of posts, of other owners' posts, of amends and of nothing;
//! - aggregate elements whose fields overlap, at equal and at earlier times;
//! - stores with and without labels, revisions of revisions, machines that use them;
//! - delegations with and without filters, their revocation, also by a delegate, and messages
//!   that need them;
//! - forgets of one or several messages, by owners, delegates and strangers, of what does not
//!   exist, of other forgets, of elements of `security`;
//! - balance reports and credit posts of the trusted account and of others;
//! - copies of one item hash with other times, channels and signatures, forged ones, and ones
//!   signed by another account.
//!
//! A message refers only to messages made before it, since it contains their hashes; its *time*
//! says nothing about that. [`order`] brings a scenario into other orders.
//!
//! Whether a message is valid is not known here. All are well formed, and all signatures but the
//! forged ones verify.

mod actions;
pub mod order;
mod steps;

use std::sync::LazyLock;

use alephd_message::{Envelope, ItemHash};
use proptest::{collection::SizeRange, prelude::*};

use crate::{
    keys::{self, Account},
    sha256,
};

/// Steps of [`arb_scenario`]: enough for chains of a grant, its use, its revocation and the
/// forgetting of one of them, and few enough to read a counterexample.
const STEPS: std::ops::RangeInclusive<usize> = 1..=30;

/// Sets of messages, in the order in which they were made.
pub fn arb_scenario() -> impl Strategy<Value = Vec<Envelope>> {
    arb_scenario_of(STEPS)
}

/// The same with another number of messages.
pub fn arb_scenario_of(steps: impl Into<SizeRange>) -> impl Strategy<Value = Vec<Envelope>> {
    proptest::collection::vec(steps::arb_step(), steps).prop_map(|steps| actions::perform(&steps))
}

/// The accounts of all scenarios: four of Ethereum, one of Solana.
pub fn accounts() -> &'static [Account] {
    static ACCOUNTS: LazyLock<Vec<Account>> = LazyLock::new(|| {
        let mut accounts: Vec<Account> = ["s1", "s2", "s3", "s4"]
            .map(|name| keys::evm(name).into())
            .into_iter()
            .collect();
        accounts.push(keys::solana("s5").into());
        accounts
    });
    &ACCOUNTS
}

/// The files that the stores of all scenarios name. A node needs them before the messages.
pub fn files() -> [&'static [u8]; 3] {
    [b"first file", b"second file", b"third file"]
}

/// The account that is trusted with balances and credits.
fn funder() -> &'static Account {
    static FUNDER: LazyLock<Account> = LazyLock::new(|| keys::funder().into());
    &FUNDER
}

/// The name of a message or file that does not exist.
fn missing(number: u8) -> ItemHash {
    sha256(format!("missing {number}").as_bytes())
}

#[cfg(test)]
mod tests;
