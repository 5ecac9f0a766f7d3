//! Gossip on its way to the inbox, and back as verdicts.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use alephd_tasks::Clock;
use libp2p::PeerId;
use libp2p::gossipsub::{Message, MessageAcceptance, MessageId};
use tokio::sync::mpsc;
use tracing::trace;

use super::Host;
use crate::config::NetConfig;
use crate::gossip::{GossipId, GossipMessage, Verdict};
use crate::reputation;

/// A verdict on its way to the swarm.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) id: GossipId,
    pub(crate) relay: PeerId,
    pub(crate) verdict: Verdict,
}

/// Messages that came out of gossipsub and have not been read, and who may send more.
#[derive(Debug)]
pub(crate) struct Intake {
    clock: Arc<dyn Clock>,
    inbox: mpsc::Sender<GossipMessage>,
    /// What had no place in the inbox. The gate is closed until it is empty, so it holds at most
    /// the messages of the frames that were under way.
    waiting: VecDeque<GossipMessage>,
    buckets: HashMap<PeerId, Bucket>,
    rate: f64,
    burst: f64,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Duration,
}

impl Intake {
    pub(super) fn new(config: &NetConfig, inbox: mpsc::Sender<GossipMessage>, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            inbox,
            waiting: VecDeque::new(),
            buckets: HashMap::new(),
            rate: f64::from(config.limits.gossip_per_second),
            burst: f64::from(config.limits.gossip_burst.max(1)),
        }
    }

    /// Takes a token of this peer, if it has one.
    fn admits(&mut self, relay: PeerId) -> bool {
        let now = self.clock.monotonic();
        let bucket = self.buckets.entry(relay).or_insert(Bucket {
            tokens: self.burst,
            at: now,
        });
        let earned = now.saturating_sub(bucket.at).as_secs_f64() * self.rate;
        bucket.tokens = (bucket.tokens + earned).min(self.burst);
        bucket.at = now;
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }

    /// Forgets whoever is not among `connected`. To be done now and again, since the last messages
    /// of a peer may come after its end.
    pub(super) fn retain(&mut self, connected: &[PeerId]) {
        if self.buckets.len() > connected.len() {
            self.buckets.retain(|peer, _| connected.contains(peer));
        }
    }

    /// Whether messages wait for room.
    pub(super) fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Waits for room in the inbox and fills it with the oldest that waits.
    pub(super) async fn room(&mut self) {
        match self.inbox.reserve().await {
            Ok(permit) => {
                if let Some(message) = self.waiting.pop_front() {
                    permit.send(message);
                }
            }
            Err(_) if self.waiting.is_empty() => poll_fn(|_| std::task::Poll::Pending).await,
            // Nobody reads any more.
            Err(_) => self.waiting.clear(),
        }
    }

    fn put(&mut self, message: GossipMessage) {
        if self.waits() {
            self.waiting.push_back(message);
        } else if let Err(mpsc::error::TrySendError::Full(message)) = self.inbox.try_send(message) {
            self.waiting.push_back(message);
        }
    }
}

impl Host {
    pub(super) fn gossip(&mut self, relay: PeerId, id: MessageId, message: Message) {
        if !self.intake.admits(relay) {
            trace!(%relay, "gossip beyond the rate");
            self.reputation.add(relay, reputation::EXCESS);
            self.report(&id, &relay, MessageAcceptance::Ignore);
            return;
        }
        self.intake.put(GossipMessage {
            id: GossipId {
                message: id,
                author: message.source,
            },
            topic: message.topic.into_string(),
            data: message.data,
            author: message.source,
            relay,
        });
        self.gate();
    }

    /// After messages found room in the inbox.
    pub(super) fn deliver(&mut self) {
        self.gate();
    }

    fn gate(&mut self) {
        let open = !self.intake.waits();
        self.swarm.behaviour_mut().gossip.set_open(open);
    }

    pub(super) fn judged(&mut self, judgement: Judgement) {
        let Judgement { id, relay, verdict } = judgement;
        let acceptance = match verdict {
            Verdict::Accept => MessageAcceptance::Accept,
            Verdict::Ignore => MessageAcceptance::Ignore,
            Verdict::Reject => {
                let points = if id.author == Some(relay) {
                    reputation::AUTHORED
                } else if self.view.judges(&relay, &self.config.judging_agents) {
                    reputation::UNJUDGED
                } else {
                    reputation::RELAYED
                };
                self.reputation.add(relay, points);
                MessageAcceptance::Reject
            }
        };
        self.report(&id.message, &relay, acceptance);
    }

    /// Gossipsub answers whether it still had the message; one that is too old is not forwarded.
    fn report(&mut self, id: &MessageId, relay: &PeerId, acceptance: MessageAcceptance) {
        let gossip = self.swarm.behaviour_mut().gossip.gossipsub_mut();
        gossip.report_message_validation_result(id, relay, acceptance);
    }
}
