//! Gossip as the rest of the node sees it.

use std::fmt;
use std::hash::{Hash, Hasher};

use libp2p::PeerId;
use libp2p::gossipsub::MessageId;
use tokio::sync::mpsc;

/// The name of a gossip message: equal for equal bytes.
#[derive(Clone, Debug)]
pub struct GossipId {
    pub(crate) message: MessageId,
    /// Carried along, so that a verdict can tell an author from somebody who passed it on.
    pub(crate) author: Option<PeerId>,
}

impl GossipId {
    /// The name of a message that did not come over this host: for tests of what is behind it.
    pub fn new(name: impl Into<Vec<u8>>, author: Option<PeerId>) -> Self {
        let message = MessageId(name.into());
        Self { message, author }
    }

    /// Its bytes.
    pub fn name(&self) -> &[u8] {
        &self.message.0
    }
}

impl PartialEq for GossipId {
    fn eq(&self, other: &Self) -> bool {
        self.message == other.message
    }
}

impl Eq for GossipId {}

impl Hash for GossipId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.message.hash(state);
    }
}

impl fmt::Display for GossipId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.message.0))
    }
}

/// A gossip message that waits for its verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GossipMessage {
    /// To be handed to [`Net::judge`](crate::Net::judge).
    pub id: GossipId,
    /// Where it was published.
    pub topic: String,
    /// What was published.
    pub data: Vec<u8>,
    /// Who published and signed it.
    pub author: Option<PeerId>,
    /// From whom it came.
    pub relay: PeerId,
}

/// What shall become of a gossip message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Forward it.
    Accept,
    /// Do not forward it; nobody is to blame.
    Ignore,
    /// Do not forward it; whoever should have known better is to blame.
    Reject,
}

/// The receiving end of gossip. There is one for each host.
///
/// A reader that is slower than the network holds the network up: while the inbox is full, gossip
/// stays on the wire. Verdicts may be given in any order, and should be given within ten seconds,
/// since messages are not kept for longer and then cannot be forwarded any more.
#[derive(Debug)]
pub struct GossipInbox {
    pub(crate) messages: mpsc::Receiver<GossipMessage>,
}

impl GossipInbox {
    /// An inbox that is filled by hand: for tests of what is behind it.
    pub fn by_hand(capacity: usize) -> (mpsc::Sender<GossipMessage>, Self) {
        let (sender, messages) = mpsc::channel(capacity);
        (sender, Self { messages })
    }

    /// Waits for the next message; `None` once the host has stopped and everything is read.
    pub async fn next(&mut self) -> Option<GossipMessage> {
        self.messages.recv().await
    }

    /// The next message if one is there now.
    pub fn try_next(&mut self) -> Option<GossipMessage> {
        self.messages.try_recv().ok()
    }

    /// How many messages wait.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
}
