//! Bringing here what this node lacks.
//!
//! Contents of messages that do not carry them, and files of STOREs, come from whoever has them. The
//! list of what is missing is in the store, so a restart loses nothing but the count of attempts.
//!
//! ```text
//!   store (what waits) ──▶ schedule ──▶ local? peers? blocks? HTTP? ──▶ blobs ──▶ pipeline
//!                           ▲   fair between senders      │ nobody
//!                           └────── later, with jitter ───┘
//! ```
//!
//! | module | does |
//! |---|---|
//! | `source` | what a place to fetch from is |
//! | `local` | what is here already |
//! | `http` | other nodes by their HTTP API |
//! | `schedule` | what to try when; pure |
//! | `list` | when to read what is missing; pure |
//! | `driver` | tries it |
//! | `gaps` | what operators see |
//!
//! # What it promises
//!
//! - Nothing is given up as long as the store says that it is wanted.
//! - At most [`FetchConfig::concurrency`] things are fetched at once, a part of them for one sender, and
//!   senders take turns: one with a million missing files does not delay one with a single file.
//! - Memory is bounded by [`FetchConfig::capacity`]; what does not fit is read again later.
//! - Wrong bytes never count against a message.
//!
//! # What it leaves to others
//!
//! What is wanted (`alephd-store`), what follows from an arrival (`alephd-pipeline`), blocks from
//! IPFS ([`crate::bitswap`], as a [`Source`]).

mod driver;
mod gaps;
mod http;
mod list;
mod local;
mod parts;
mod schedule;
mod source;

pub use driver::{Arrivals, FetchConfig, Fetcher, FreeSpace, Wants};
pub use gaps::{Gap, Gaps};
pub use http::{BadBase, HttpConfig, HttpPeers};
pub use local::Local;
pub use schedule::{Want, What};
pub use source::{Demand, Source, SourceError};
