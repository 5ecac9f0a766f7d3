//! Finding what one of two nodes lacks, and fetching it.
//!
//! ```text
//!   store ──▶ Catalogue ──▶ set ──▶ session ◀──▶ stream ◀──▶ session of the other node
//!             refreshed before           │ ▲
//!             each session        records│ │records
//!                                        ▼ │
//!                                      Holdings ──▶ pipeline, store, blobs
//! ```
//!
//! | module | does |
//! |---|---|
//! | `catalogue` | keeps the set of what is known, and brings it up to date |
//! | `sets` | one catalogue for each interest that peers have |
//! | `holdings` | what a node hands out and takes in |
//! | `host` | the network as sessions see it |
//! | `local` | the same with the store, the blobs and the pipeline of this node |
//! | `converse` | one session over one stream |
//! | `schedule` | with whom to speak when; pure |
//! | `driver` | the sessions of a node |
//!
//! # What it promises
//!
//! - What two nodes have between them, both have after a session that ended well, as far as their
//!   rules let it in; messages come in the order of their time.
//! - Memory is bounded: 48 bytes for each message known, and for each session what is under way. The
//!   stream is read no faster than the pipeline takes messages in.
//! - Each wait is bounded, and a peer that does not keep to the protocol loses its session and is
//!   reported. Nothing is taken that was not asked for.
//!
//! # What it leaves to others
//!
//! The conversation (`alephd-peer-protocol`), contents that are large and files ([`crate::fetch`]).
//! Different copies of a message that both have are no difference here.
//!
//! Protocol: `docs/protocol/catch-up.md`.

mod catalogue;
mod converse;
mod driver;
mod framed;
mod holdings;
mod host;
mod local;
mod report;
mod schedule;
mod sets;

pub use catalogue::{Catalogue, View};
pub use converse::{Conduct, Trouble, initiate, listen, respond};
pub use driver::{CatchUp, CatchUpConfig, Status, SyncError};
pub use holdings::{Holdings, HoldingsError, KnownPage, Taken};
pub use host::{BoxStream, Host};
pub use local::LocalHoldings;
pub use report::Report;
