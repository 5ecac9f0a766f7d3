//! The store as its users see it.

mod accounts;
mod blocks;
mod fixture;
mod holdings;
mod lists;
mod open;
mod plans;
mod rows;
mod sums;
