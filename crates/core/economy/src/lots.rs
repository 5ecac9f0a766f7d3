//! The credit ledger: who has which credits, as a function of the set of credit posts.
//!
//! A grant makes a *lot*: an amount with an end of validity. Expenses and transfers drain lots,
//! the oldest first. What a spend finds depends on everything before it, so the ledger is a walk
//! over all posts in the order of their [`Position`], and never over their order of arrival: a
//! post that arrives late takes its place in the walk and everything after it is decided again.
//!
//! # Rules of the walk
//!
//! - A lot can be drained from its own position on and before its expiration. Lots are drained
//!   in the order in which they were made.
//! - An expense takes what is there. What is missing is dropped: there is no debt.
//! - A transfer applies as a whole or not at all ([`Outcome::Void`]): its sum must be covered by
//!   what its sender has at its position. Otherwise two transfers of the same credits, the second
//!   with an earlier date, would make credits out of nothing.
//! - Each part that a transfer drains becomes a lot of the recipient, which ends when the source
//!   ends or when the sender said, whichever is earlier. Neighbours with the same end are merged.
//! - A transfer by an account that may mint is a grant ([`Body::Grants`] with a `from`).
//!
//! # Three ways to run it
//!
//! [`Walk`] is the fold itself: posts in order go in, outcomes come out. [`Book`] keeps the posts
//! and the state of every account, takes posts in and out in any order, and walks only what
//! that affects. [`Book::from_posts`] is the full computation. All give the same result
//! (`tests.rs`: `any_route_gives_the_same_book`).
//!
//! # What it leaves to others
//!
//! Reading posts, and trusting their owners. Every sum here is in whole credits.
//!
//! Positions are those of messages without anchor. [`Account`] relies on that: in the order of the
//! walk, time never goes back. An order by anchors needs another test of what has ended.
//!
//! Protocol: `docs/protocol/money.md`.

mod account;
mod book;
mod history;
mod post;
mod walk;

pub use account::{Account, Lot, Part};
pub use book::{Book, Changes};
pub use history::{Row, Summary, rows};
pub use post::{Body, Expense, Grant, Post, Transfer};
pub use walk::{Outcome, Walk};

pub use crate::Position;

#[cfg(test)]
mod tests;
