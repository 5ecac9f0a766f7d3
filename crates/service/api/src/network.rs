//! What the API tells of other nodes, and to them.
//!
//! The API knows no network; whoever wires a node together gives it one. A node that keeps to itself
//! is [`Alone`].

use alephd_message::Envelope;
use alephd_pipeline::Outcome;
use alephd_rules::{Interest, MessageStatus};
use serde::Serialize;
use tokio::sync::oneshot::Receiver;

/// The other nodes, as far as the API is concerned.
pub trait Network: Send + Sync + 'static {
    /// Hands a message of a client to the other nodes, when it is accepted. Does not wait.
    fn publish(&self, envelope: Envelope, verdict: ComingVerdict);

    /// Who is there, and what passes.
    fn view(&self) -> NetworkView;

    /// What this node lacks and is looking for: a JSON object.
    fn gaps(&self) -> serde_json::Value;

    /// URLs of the HTTP interfaces of nodes that keep all of this, as far as this node knows.
    fn holders(&self, wanted: &Interest) -> Vec<String>;
}

/// What becomes of a message.
pub enum ComingVerdict {
    /// It is known.
    Known(MessageStatus),
    /// It will be. An end without an outcome is a failure of this node.
    Coming(Receiver<Result<Outcome, std::sync::Arc<alephd_pipeline::PipelineError>>>),
}

/// The network, seen from here.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct NetworkView {
    /// Whether the node speaks to others at all.
    pub enabled: bool,
    /// This node's name, in base58.
    pub peer_id: String,
    /// Where it listens.
    pub listening: Vec<String>,
    /// What this node keeps, if not everything.
    pub interest: Option<Interest>,
    /// What gossip brought and took since the start, by name.
    pub gossip: Vec<(&'static str, u64)>,
    /// Who is connected.
    pub peers: Vec<PeerView>,
}

/// One connected node.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PeerView {
    /// Its name, in base58.
    pub peer_id: String,
    /// Where it is.
    pub address: String,
    /// Whether it connected to this node, or this node to it.
    pub inbound: bool,
    /// What it says it is.
    pub agent: Option<String>,
    /// The topics on which messages pass directly between the two.
    pub mesh: Vec<String>,
    /// Round trip, milliseconds.
    pub rtt_ms: Option<f64>,
    /// Gossip's opinion of it; below zero is bad.
    pub score: Option<f64>,
    /// Seconds since the connection.
    pub connected_seconds: u64,
    /// Messages that it is known to have and this node has not, after the last comparison.
    pub behind: Option<u64>,
    /// Seconds since that comparison.
    pub compared_seconds: Option<u64>,
    /// What passed, bytes.
    pub received: u64,
    /// The other way.
    pub sent: u64,
    /// What it keeps, if that was heard and is not everything.
    pub interest: Option<Interest>,
}

/// A node that keeps to itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Network for Alone {
    fn publish(&self, _: Envelope, _: ComingVerdict) {}

    fn view(&self) -> NetworkView {
        NetworkView::default()
    }

    fn gaps(&self) -> serde_json::Value {
        serde_json::json!({"enabled": false})
    }

    fn holders(&self, _: &Interest) -> Vec<String> {
        Vec::new()
    }
}
