//! Numbers that only exist while the node runs.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Counters of the running program.
#[derive(Debug, Default)]
pub struct Gauges {
    /// Open websockets on messages.
    pub message_sockets: AtomicUsize,
    /// Open websockets on the status.
    pub status_sockets: AtomicUsize,
    /// Messages sent to websockets.
    pub broadcast: AtomicU64,
    /// Websockets on messages refused for lack of room.
    pub message_sockets_refused: AtomicU64,
    /// Websockets on the status refused for lack of room.
    pub status_sockets_refused: AtomicU64,
}

/// Reads a counter.
pub(crate) fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
