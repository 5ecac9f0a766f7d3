//! The store as its users see it.

mod accounts;
mod fixture;
mod lists;
mod open;
mod plans;
mod rows;
