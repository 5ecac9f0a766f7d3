//! The fold over posts in the order of their positions.

use std::{collections::HashMap, hash::Hash};

use alephd_message::Micros;

use super::{Account, Body, Grant, Lot, Part, Position, Post, Transfer};

/// What became of a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its lines apply as they are written.
    Applied,
    /// A transfer moved these parts, for each of its lines.
    Moved(Vec<Vec<Part>>),
    /// A transfer was not covered and has no effect.
    Void {
        /// What the sender had at its position.
        available: u128,
    },
}

impl Outcome {
    /// The parts that a transfer moved, for each of its lines.
    pub fn moved(&self) -> &[Vec<Part>] {
        match self {
            Self::Moved(moved) => moved,
            Self::Applied | Self::Void { .. } => &[],
        }
    }
}

/// The state of all accounts at some point of the walk.
#[derive(Clone, Debug)]
pub struct Walk<A> {
    accounts: HashMap<A, Account>,
}

impl<A> Default for Walk<A> {
    fn default() -> Self {
        Self {
            accounts: HashMap::new(),
        }
    }
}

impl<A: Clone + Eq + Hash> Walk<A> {
    /// Applies the next post. Positions must not go back from one call to the next.
    pub fn apply(&mut self, post: &Post<A>) -> Outcome {
        let position = &post.position;
        match &post.body {
            Body::Grants { lines, .. } => {
                for (index, line) in (0..).zip(lines) {
                    self.account(&line.account).grant(granted(line, position, index));
                }
                Outcome::Applied
            }
            Body::Expenses(lines) => {
                for line in lines {
                    self.account(&line.account)
                        .drain(line.amount, position.time, |_| ());
                }
                Outcome::Applied
            }
            Body::Transfer(transfer) => {
                let outcome = send(transfer, self.account(&transfer.sender), position.time);
                for (line, lot) in received(transfer, &outcome, position) {
                    self.account(&line.account).grant(lot);
                }
                outcome
            }
        }
    }

    /// The lots of an account, if it occurred.
    pub fn get(&self, account: &A) -> Option<&Account> {
        self.accounts.get(account)
    }

    /// The state of every account that occurred.
    pub(super) fn into_accounts(self) -> HashMap<A, Account> {
        self.accounts
    }

    fn account(&mut self, account: &A) -> &mut Account {
        // Cloning the name only where it is new matters when it is a string.
        if !self.accounts.contains_key(account) {
            self.accounts.insert(account.clone(), Account::default());
        }
        self.accounts.get_mut(account).expect("inserted above")
    }
}

/// The lot that a line of a grant makes.
pub(super) fn granted<A>(line: &Grant<A>, position: &Position, index: u32) -> Lot {
    Lot {
        position: position.clone(),
        index,
        remaining: line.amount,
        expiration: line.expiration,
    }
}

/// The sender's side of a transfer.
pub(super) fn send<A>(transfer: &Transfer<A>, sender: &mut Account, now: Micros) -> Outcome {
    let available = sender.available(now);
    if available < u128::from(transfer.required) {
        return Outcome::Void { available };
    }
    let moved = transfer.lines.iter().map(|line| {
        let mut parts: Vec<Part> = Vec::new();
        sender.drain(line.amount, now, |part| {
            let ends = [part.expiration, line.expiration];
            let expiration = ends.into_iter().flatten().min();
            match parts.last_mut() {
                Some(last) if last.expiration == expiration => last.amount += part.amount,
                _ => parts.push(Part { expiration, ..part }),
            }
        });
        if parts.is_empty() {
            // Only reachable where `required` is less than the sum of the lines, that is for
            // amounts written before the change of their unit: the network granted these whole.
            parts.push(Part {
                amount: line.amount,
                expiration: line.expiration,
            });
        }
        parts
    });
    Outcome::Moved(moved.collect())
}

/// The recipients' side of a transfer. Rows are numbered over the whole post: the lots of a line,
/// then one for what its sender gave.
pub(super) fn received<'a, A>(
    transfer: &'a Transfer<A>,
    outcome: &'a Outcome,
    position: &'a Position,
) -> impl Iterator<Item = (&'a Grant<A>, Lot)> {
    let mut next = 0;
    transfer
        .lines
        .iter()
        .zip(outcome.moved())
        .flat_map(move |(line, parts)| {
            let first = next;
            next += parts.len() as u32 + 1;
            (first..).zip(parts).map(move |(index, part)| {
                let lot = Lot {
                    position: position.clone(),
                    index,
                    remaining: part.amount,
                    expiration: part.expiration,
                };
                (line, lot)
            })
        })
}
