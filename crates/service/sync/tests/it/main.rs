//! Several nodes at once.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it is"
)]

mod bitswap;
mod catchup;
mod exchange;
mod fetch;
mod kubo;
mod simulation;
