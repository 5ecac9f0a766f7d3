//! The SQL store: schema, one writer with group commit, a pool of readers.
//!
//! # What it promises
//!
//! - All SQL of the node lives here, and nothing else does: what a row means is decided in
//!   `alephd-rules`, when it changes in `alephd-pipeline`.
//! - [`Writer::commit`] returns after the operating system has confirmed that the transaction is
//!   on disk (`synchronous = FULL`, write-ahead log). A crash at any point leaves the last
//!   committed state.
//! - Readers see a consistent snapshot and never wait for the writer.
//! - Lists cost what they return, not what the tables hold: every list is a merge of index
//!   ranges ([`read`]), and totals come from counters.
//!
//! # Shape
//!
//! ```text
//!   Store ──▶ writer()  one Writer: transaction, facts, changes, state root
//!         └─▶ reader()  one of N Readers: lists, single rows, counts
//! ```
//!
//! Decision: `docs/decisions/0003-sqlite-schema.md`.

pub mod blocks;
mod codec;
mod error;
mod leaf;
mod lists;
mod log;
mod open;
pub mod read;
mod record;
mod term;
pub mod write;

pub use blocks::BlockIndex;
pub use error::StoreError;
pub use open::{Reader, Store, StoreConfig};
pub use term::{Counter, Term};
pub use write::Writer;
