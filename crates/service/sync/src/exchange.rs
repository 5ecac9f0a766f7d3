//! Contents and files from other nodes, and for them: `/alephd/exchange/1`.
//!
//! | module | does |
//! |---|---|
//! | `serve` | answers what is asked on a stream, within the bounds of `slots` |
//! | `client` | one stream, from the side that asks |
//! | `plan` | which piece to ask of whom next; pure |
//! | `download` | one file from several peers at once |
//! | `sink` | where bytes go that have yet to prove that they are what was asked for |
//! | `over_net` | the streams of the peer-to-peer host |
//!
//! # What it promises
//!
//! - Nothing is kept that has not the hash of its name. Pieces cannot be checked alone, so they are
//!   written in order while they are hashed; whole, the file is kept or gone.
//! - If it was wrong, the one who lied is found: it is fetched again from one peer at a time, and
//!   the first attempt is compared with what proves right. Whoever sent something else is reported.
//! - A peer that is silent, slow, cut off or busy costs its piece a delay; another peer goes on there.
//! - The memory of a download is [`ExchangeConfig::window`] pieces and the two parts of a blob writer;
//!   that of a stream that is served two reads of a disk.
//! - One peer never takes all the streams or all the reads of a server ([`ServeLimits`]).
//!
//! # What it leaves to others
//!
//! What is wanted and when to try again ([`crate::fetch`]), and punishment (`alephd-net`).
//!
//! Protocol: `docs/protocol/exchange.md`.

mod client;
mod download;
mod frame;
mod over_net;
mod plan;
mod serve;
mod sink;
mod slots;

pub use download::{Exchange, ExchangeConfig, Fault, Holders};
pub use over_net::NetHolders;
pub use serve::{ServeError, ServeLimits, Served, Server};
pub(crate) use sink::{Sink, SinkError};
