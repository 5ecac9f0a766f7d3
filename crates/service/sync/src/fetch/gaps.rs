//! What operators see of what is missing.

use serde::Serialize;

/// What this node lacks and tries to get: the body of `GET /api/v0/sync/gaps`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Gaps {
    /// Contents of messages that are missing.
    pub contents: u64,
    /// Files of STOREs that are missing.
    pub files: u64,
    /// Whether these are all. Otherwise more are missing than are kept in memory at a time.
    pub complete: bool,
    /// Attempts under way.
    pub running: u64,
    /// Attempts that may run at the same time.
    pub concurrency: u64,
    /// What was brought here since the start.
    pub fetched: u64,
    /// Attempts that failed since the start.
    pub failed: u64,
    /// Since when the oldest waits, in seconds since 1970.
    pub oldest: Option<f64>,
    /// The oldest ones.
    pub gaps: Vec<Gap>,
}

/// Something that is missing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gap {
    /// Its name.
    pub name: String,
    /// `content` or `file`.
    pub kind: &'static str,
    /// A message that waits for it; there may be more.
    pub message: String,
    /// Who sent the message.
    pub sender: String,
    /// Since when, in seconds since 1970.
    pub since: f64,
    /// Attempts that failed since the start.
    pub attempts: u32,
    /// Where it is looked for at this moment.
    pub trying: Option<&'static str>,
    /// Seconds until the next attempt; none while it is tried or in line.
    pub next_attempt_in: Option<u64>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}
