//! What sessions did.

use serde::Serialize;

/// What came of catching up with a peer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Messages and tombstones that were handed to the peer.
    pub sent: u64,
    /// Messages and tombstones that came from it.
    pub received: u64,
    /// Of these, tombstones.
    pub tombstones: u64,
    /// Of those that came, how many the rules or bounds of this node refused.
    pub refused: u64,
    /// Of those that came, how many nobody has signed.
    pub invalid: u64,
    /// Ids that were listed and not there.
    pub gone: u64,
    /// Steps of the reconciliation.
    pub rounds: u64,
    /// Bytes written to the streams.
    pub bytes_sent: u64,
    /// Bytes read from the streams.
    pub bytes_received: u64,
    /// Sessions that it took.
    pub sessions: u64,
    /// Whether a limit ended it before everything was done.
    pub more: bool,
    /// Why one side would not speak with the other.
    pub refusal: Option<String>,
    /// What the peer keeps, if not everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_interest: Option<serde_json::Value>,
    /// Whether that was not known before, and nothing was compared.
    #[serde(skip)]
    pub(super) is_surprised: bool,
}

impl Report {
    /// Bytes both ways.
    pub fn bytes(&self) -> u64 {
        self.bytes_sent + self.bytes_received
    }

    /// Adds a later one.
    pub(super) fn add(&mut self, later: Self) {
        self.sent += later.sent;
        self.received += later.received;
        self.tombstones += later.tombstones;
        self.refused += later.refused;
        self.invalid += later.invalid;
        self.gone += later.gone;
        self.rounds += later.rounds;
        self.bytes_sent += later.bytes_sent;
        self.bytes_received += later.bytes_received;
        self.sessions += later.sessions;
        self.more = later.more;
        self.refusal = later.refusal;
        self.peer_interest = later.peer_interest;
        self.is_surprised = later.is_surprised;
    }
}
