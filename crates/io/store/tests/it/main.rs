//! The store as its users see it.

mod accounts;
mod blocks;
mod fixture;
mod holdings;
mod known;
mod lists;
mod open;
mod plans;
mod rows;
mod sums;
