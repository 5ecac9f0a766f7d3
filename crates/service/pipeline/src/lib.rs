//! The way of a message: intake, verification, judgement, effects, publication.
//!
//! ```text
//!  submit ──▶ verify (one thread a core) ──▶ engine (one thread) ──▶ answers, subscribers
//!             hash, signature, content       facts, judge, effects
//!                                            one commit for all that is queued
//! ```
//!
//! # What it promises
//!
//! - **Durable before acknowledged.** An [`Outcome`] is handed out after the transaction that
//!   holds it is on disk. Everything else (subscribers, relays) follows from committed rows.
//! - **Order does not matter.** The engine judges a message again whenever a fact that precedes
//!   it changes, until nothing changes any more; the end state depends on the set of messages.
//! - An acknowledged message never becomes rejected. If a late fact withdraws its ground, it is
//!   suspended: pending, without effects, until the ground is back.
//! - Every queue is bounded. A full queue makes `submit` wait, never memory grow.
//!
//! # What it leaves to others
//!
//! The rules (`alephd-rules`), the tables (`alephd-store`), transport (`alephd-api` and later the
//! network).
//!
//! # Threads
//!
//! | thread | input | output |
//! |---|---|---|
//! | `verify-N` | [`Pipeline::submit`] queue | engine queue |
//! | `engine` | engine queue, sweeps | the store's only writer; answers; events |
//!
//! There is one engine because a verdict reads what the previous message wrote; batching makes it
//! fast, not concurrency.

mod engine;
mod error;
mod event;
mod keep;
mod pipeline;
mod prepare;

pub use engine::{EngineConfig, Outcome, TombstoneOutcome, TombstoneRefusal, rehearse};
pub use error::PipelineError;
pub use event::Event;
pub use keep::Keep;
pub use pipeline::{Origin, Pipeline, PipelineConfig};
pub use prepare::{Prepared, prepare};
