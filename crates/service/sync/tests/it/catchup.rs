//! Catch-up between whole nodes without a network, and against dishonest peers.

mod honest;
mod liars;
mod network;
mod partial;
pub(crate) mod site;
