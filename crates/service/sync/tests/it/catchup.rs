//! Catch-up between whole nodes without a network, and against dishonest peers.

mod honest;
mod liars;
mod network;
pub(crate) mod site;
