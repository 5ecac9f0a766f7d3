//! From this node's clients to the network.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::sync::oneshot;

use alephd_message::Envelope;
use alephd_net::PublishError;
use alephd_peer_protocol::gossip;
use alephd_pipeline::{Outcome, PipelineError};
use alephd_rules::MessageStatus;
use alephd_signature::sign::wire_json;
use alephd_tasks::{CancellationToken, queue::Receiver};

use super::{ANNOUNCE_TOPIC, GossipCounters, Host, IN_FLIGHT, announce, count};

/// A message of a client.
pub enum Outgoing {
    /// It is accepted.
    Now(Envelope),
    /// It goes out if it is accepted.
    Once(Envelope, oneshot::Receiver<Result<Outcome, Arc<PipelineError>>>),
}

/// What gives messages to the network. [`Outbox::run`] is its task.
pub struct Outbox {
    /// The network.
    pub host: Arc<dyn Host>,
    /// Topic of messages.
    pub topic: String,
    /// What was done so far.
    pub counters: GossipCounters,
}

/// Whether other nodes want a message that has this status here.
pub fn is_for_others(status: MessageStatus) -> bool {
    match status {
        MessageStatus::Processed | MessageStatus::Removing | MessageStatus::Pending => true,
        MessageStatus::Rejected | MessageStatus::Forgotten | MessageStatus::Removed => false,
    }
}

impl Outbox {
    /// Publishes what comes, until the node stops. Whatever is not published here (no peer is there,
    /// the node stops) the next catch-up takes along.
    pub async fn run(self, mut messages: Receiver<Outgoing>, stop: CancellationToken) {
        let mut coming = FuturesUnordered::new();
        loop {
            let has_room = coming.len() < IN_FLIGHT;
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(accepted) = coming.next() => if let Some(envelope) = accepted {
                    self.publish(&envelope).await;
                },
                message = messages.recv(), if has_room => match message {
                    None => return,
                    Some(Outgoing::Now(envelope)) => self.publish(&envelope).await,
                    Some(Outgoing::Once(envelope, outcome)) => coming.push(async move {
                        let outcome = outcome.await.ok()?.ok()?;
                        is_for_others(outcome.status).then_some(envelope)
                    }),
                },
            }
        }
    }

    async fn publish(&self, envelope: &Envelope) {
        let payload = gossip::encode(wire_json(envelope).as_bytes()).into_owned();
        match self.host.publish(&self.topic, payload).await {
            Ok(()) => count(&self.counters.0.published),
            // Somebody published the same bytes a moment ago.
            Err(PublishError::Duplicate) => {}
            Err(PublishError::TooLarge { .. }) => {
                let announcement = announce::write(&envelope.item_hash);
                match self.host.publish(ANNOUNCE_TOPIC, announcement).await {
                    Ok(()) => count(&self.counters.0.announced),
                    Err(_) => count(&self.counters.0.unpublished),
                }
            }
            Err(error) => {
                count(&self.counters.0.unpublished);
                tracing::debug!(%error, message = %envelope.item_hash, "not published");
            }
        }
    }
}
