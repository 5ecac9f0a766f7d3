//! Supervised tasks, bounded queues and the clock: what every long-running part needs once.
//!
//! A node consists of a few dozen tasks and threads. Each must be owned by somebody, stop when
//! the node stops, and be noticed when it panics. This crate is the one place where tasks are
//! spawned, where queues get their bound and their counters, and where the time is read, so
//! that no other crate needs a private version of any of the three.
//!
//! ```text
//!   Tasks::spawn ───────┐                     error or panic
//!   Tasks::spawn_thread ┼──▶ running ──────────────────────────▶ token cancelled ──┐
//!   Tasks::spawn_worker ┘      ▲   │ panic of a worker: logged, counted            │
//!                              │   └───────────────────────────▶ others go on      ▼
//!   SIGTERM ──▶ Tasks::shutdown(limit) ──▶ token cancelled ──▶ wait ──▶ Ok | who failed | who is stuck
//! ```
//!
//! # What it promises
//!
//! - A critical task that fails or panics cancels the whole node, and [`Tasks::join`] says which
//!   one and why. The first failure is kept; later ones are usually its consequences.
//! - [`Tasks::shutdown`] returns within its limit and names the tasks that did not stop.
//! - A [`queue`] never holds more than its capacity, and what it refused is counted.
//! - Code that takes a [`Clock`] can be tested with a [`ManualClock`], including code that waits.
//!
//! # What it leaves to others
//!
//! It does not restart anything: a part that can recover does so inside its own task, since only
//! that part knows what to clean up first. It knows no metrics library: [`queue::Gauge`] and
//! [`Tasks::worker_panics`] are plain numbers that the API exports.

pub mod clock;
mod panic;
pub mod queue;
mod signal;
mod supervise;

pub use clock::{Clock, ManualClock, SystemClock};
pub use signal::{ShutdownSignal, ShutdownSignals, shutdown_signal};
pub use supervise::{BoxError, Cause, ShutdownError, TaskFailure, Tasks};
pub use tokio_util::sync::CancellationToken;
