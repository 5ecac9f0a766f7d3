//! From the network into the pipeline, and the verdict back.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};

use alephd_message::{Envelope, ErrorCode};
use alephd_net::{GossipId, GossipInbox, GossipMessage, PeerId, Verdict};
use alephd_peer_protocol::gossip;
use alephd_pipeline::Outcome;
use alephd_rules::MessageStatus;
use alephd_tasks::CancellationToken;

use super::{ANNOUNCE_TOPIC, GossipCounters, Host, Judge, announce, count, is_for_others, seen::Seen};

/// Messages of gossip in the pipeline at once: enough that a commit has many of them.
pub const IN_FLIGHT: usize = 1_024;
/// An announced message that is not here by then is not passed on: the network forgets what it is
/// not told about.
const ANNOUNCED_WITHIN: Duration = Duration::from_secs(4);

/// Catches up with one peer at once.
pub type SyncNow = Arc<dyn Fn(PeerId) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// What takes messages in. [`Inbox::run`] is its task.
pub struct Inbox {
    /// The network.
    pub host: Arc<dyn Host>,
    /// Where messages go, and what is known already.
    pub judge: Arc<dyn Judge>,
    /// Topic of messages.
    pub topic: String,
    /// What is done for a message of which only the hash came.
    pub sync_now: SyncNow,
    /// What was done so far.
    pub counters: GossipCounters,
}

/// What one payload came to.
struct Judged {
    id: GossipId,
    relay: PeerId,
    verdict: Verdict,
    /// To be taken again when it comes again: this node could not judge it.
    forget: Option<Envelope>,
}

impl Inbox {
    /// Takes messages until the node stops. Signs of life and other topics go to `others`.
    pub async fn run(
        self,
        mut messages: GossipInbox,
        mut others: impl FnMut(GossipMessage) -> Verdict + Send,
        stop: CancellationToken,
    ) {
        let mut seen = Seen::default();
        let mut under_way = FuturesUnordered::new();
        loop {
            let has_room = under_way.len() < IN_FLIGHT;
            // What is judged goes before what is new, so that there is room for it; and the same
            // arrivals give the same run.
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(judged) = under_way.next() => self.tell(judged, &mut seen),
                message = messages.next(), if has_room => match message {
                    None => return,
                    Some(message) if message.topic == self.topic => {
                        match self.read(&message, &mut seen) {
                            Ok(envelope) => under_way.push(self.judge(message.id, message.relay, envelope).left_future()),
                            Err(verdict) => self.host.judge(message.id, message.relay, verdict),
                        }
                    }
                    Some(message) if message.topic == ANNOUNCE_TOPIC => {
                        under_way.push(self.fetch_announced(message).right_future());
                    }
                    Some(message) => {
                        let (id, relay) = (message.id.clone(), message.relay);
                        self.host.judge(id, relay, others(message));
                    }
                },
            }
        }
    }

    /// The message of a payload, or the verdict on the payload.
    fn read(&self, message: &GossipMessage, seen: &mut Seen) -> Result<Envelope, Verdict> {
        count(&self.counters.0.received);
        let envelope = gossip::decode(&message.data).find_map(|json| Envelope::parse(&json).ok());
        let Some(envelope) = envelope.filter(|envelope| envelope.signature.is_some()) else {
            count(&self.counters.0.refused);
            return Err(Verdict::Reject);
        };
        if seen.note(&envelope) {
            count(&self.counters.0.repeated);
            return Err(Verdict::Ignore);
        }
        Ok(envelope)
    }

    async fn judge(&self, id: GossipId, relay: PeerId, envelope: Envelope) -> Judged {
        let outcome = self.judge.submit(envelope.clone()).await;
        let (verdict, forget) = match outcome {
            Ok(outcome) => (verdict(&outcome), None),
            Err(_) => (Verdict::Ignore, Some(envelope)),
        };
        Judged {
            id,
            relay,
            verdict,
            forget,
        }
    }

    async fn fetch_announced(&self, message: GossipMessage) -> Judged {
        let verdict = match announce::parse(&message.data) {
            None => Verdict::Reject,
            Some(hash) => {
                let is_here = || self.judge.is_known(&hash);
                if !is_here() {
                    let fetched = (self.sync_now)(message.relay);
                    let _ = tokio::time::timeout(ANNOUNCED_WITHIN, fetched).await;
                }
                if is_here() {
                    Verdict::Accept
                } else {
                    Verdict::Ignore
                }
            }
        };
        Judged {
            id: message.id,
            relay: message.relay,
            verdict,
            forget: None,
        }
    }

    fn tell(&self, judged: Judged, seen: &mut Seen) {
        match judged.verdict {
            Verdict::Accept => count(&self.counters.0.accepted),
            Verdict::Reject => count(&self.counters.0.refused),
            Verdict::Ignore => {}
        }
        if let Some(envelope) = judged.forget {
            seen.forget(&envelope);
        }
        self.host.judge(judged.id, judged.relay, judged.verdict);
    }
}

/// What other nodes should make of a message that came to this here.
fn verdict(outcome: &Outcome) -> Verdict {
    match (outcome.status, outcome.code) {
        (status, _) if is_for_others(status) => Verdict::Accept,
        (MessageStatus::Rejected, Some(ErrorCode::InvalidFormat | ErrorCode::InvalidSignature)) => {
            Verdict::Reject
        }
        // It may be right elsewhere, where other facts are known; here it is nothing to pass on.
        _ => Verdict::Ignore,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_good_or_waits_is_passed_on() {
        let outcome = |status, code| Outcome {
            item_hash: alephd_testkit::sha256(b"any"),
            status,
            code,
        };
        let of = |status, code| verdict(&outcome(status, code));
        assert_eq!(of(MessageStatus::Processed, None), Verdict::Accept);
        assert_eq!(
            of(MessageStatus::Pending, Some(ErrorCode::FileUnavailable)),
            Verdict::Accept
        );
        assert_eq!(
            of(MessageStatus::Rejected, Some(ErrorCode::InvalidSignature)),
            Verdict::Reject
        );
        assert_eq!(
            of(MessageStatus::Rejected, Some(ErrorCode::InvalidFormat)),
            Verdict::Reject
        );
        assert_eq!(
            of(MessageStatus::Rejected, Some(ErrorCode::PermissionDenied)),
            Verdict::Ignore
        );
        assert_eq!(of(MessageStatus::Forgotten, None), Verdict::Ignore);
    }
}
