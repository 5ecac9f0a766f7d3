//! The states of a message, as the API names them.

use std::{fmt, time::Duration};

/// Where a message stands. The numbers are used in storage; `Processed` and `Removing` are the
/// two *live* states and come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum MessageStatus {
    /// Accepted: it has its effects.
    Processed = 0,
    /// Accepted, but no longer paid for: it has its effects until the end of the grace period.
    Removing = 1,
    /// Waiting for a fact, or withdrawn until one comes back.
    Pending = 2,
    /// Refused. Kept aside, since a later fact may lift the refusal.
    Rejected = 3,
    /// Dropped by a FORGET: a tombstone without content.
    Forgotten = 4,
    /// Dropped because nobody paid.
    Removed = 5,
}

impl MessageStatus {
    /// Every status, in storage order.
    pub const ALL: [Self; 6] = [
        Self::Processed,
        Self::Removing,
        Self::Pending,
        Self::Rejected,
        Self::Forgotten,
        Self::Removed,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processed => "processed",
            Self::Removing => "removing",
            Self::Pending => "pending",
            Self::Rejected => "rejected",
            Self::Forgotten => "forgotten",
            Self::Removed => "removed",
        }
    }

    /// The number used in storage.
    pub fn index(self) -> u8 {
        self as u8
    }

    /// The status with this number.
    pub fn from_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }

    /// The status with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether a message in this state has effects and is served.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Processed | Self::Removing)
    }
}

impl fmt::Display for MessageStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How long a waiting message is shown as pending before clients see the code of what it lacks.
///
/// The reference tries eleven times and waits a uniform share of `min(2^n, 300)` seconds before
/// the n-th retry: 405 seconds on average. The message stays parked afterwards and still rises
/// when its dependency arrives.
pub const SHOWN_AS_PENDING: Duration = Duration::from_secs(405);
