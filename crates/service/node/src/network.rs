//! The part of a node that speaks to other nodes: how it is configured, wired and shown.
//!
//! ```text
//!   API ── publish ──▶ outbox ──▶ gossip ──▶ others
//!   others ──▶ gossip, catch-up ──▶ pipeline ── waits for a file ──▶ fetcher ──▶ exchange, bitswap, HTTP
//! ```
//!
//! Each path can be switched off, and each heals alone (`[p2p]` of the configuration).

mod addresses;
mod commands;
mod files;
mod paths;
mod view;

pub use commands::{Reached, SyncReport, ping, sync};
pub(crate) use paths::Others;
