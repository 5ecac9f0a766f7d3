//! What a node of a simulation knows, and when that is on disk.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use alephd_message::{Envelope, ErrorCode, ItemHash};
use alephd_peer_protocol::catchup::Record;
use alephd_pipeline::{Outcome, PipelineError};
use alephd_rules::{Interest, MessageStatus};
use alephd_store::read::KnownRow;
use alephd_sync::{
    catchup::{Holdings, HoldingsError, KnownPage, Taken},
    gossip::Judge,
};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::{
    Sabotage, lock,
    world::{Event, World},
};

/// What is live or gone. What waits or is refused is the same fact at two times, and the latter is not
/// told to others.
pub(super) type Facts = BTreeMap<ItemHash, MessageStatus>;

/// What is done in one commit.
#[derive(Clone)]
pub(super) enum Op {
    Submit(Envelope),
    /// A content that a client uploads before its message.
    Upload(String),
    Take(Record, bool),
}

pub(super) enum Reply {
    Outcome(Outcome),
    Taken(Taken),
    Uploaded,
}

/// What is on the disk of a node, and how it judges. Survives crashes.
pub(super) trait Disk: Send {
    fn commit(&mut self, ops: Vec<Op>) -> Vec<Reply>;
    fn known(&self, after: i64, limit: u64) -> Vec<KnownRow>;
    fn parked(&self) -> Vec<KnownRow>;
    fn records(&self, rows: &[i64]) -> Vec<Option<Record>>;
    fn is_known(&self, hash: &ItemHash) -> bool;
    /// Lets contents go that are forgotten.
    fn purge(&mut self);
    /// Stops without notice and starts again.
    fn restart(&mut self);
    fn facts(&self) -> Facts;
    /// What else has to be the same everywhere.
    fn root(&self) -> String;
}

type Waiting = (Op, oneshot::Sender<Reply>);

/// One life of a node: what it was asked and has not written yet is lost with it.
pub(super) struct Ledger {
    pub(super) disk: Arc<Mutex<Box<dyn Disk>>>,
    world: Arc<World>,
    node: usize,
    life: u32,
    queue: Mutex<Vec<Waiting>>,
}

impl Ledger {
    pub(super) fn new(disk: Arc<Mutex<Box<dyn Disk>>>, world: Arc<World>, node: usize, life: u32) -> Self {
        Self {
            disk,
            world,
            node,
            life,
            queue: Mutex::default(),
        }
    }

    pub(super) async fn ask(&self, op: Op) -> Option<Reply> {
        let early = match (&op, self.world.sabotage) {
            (Op::Submit(envelope), Sabotage::AnswersBeforeItWrites) => Some(Outcome {
                item_hash: envelope.item_hash.clone(),
                status: MessageStatus::Processed,
                code: None,
            }),
            _ => None,
        };
        let (answer, reply) = oneshot::channel();
        let is_first = {
            let mut queue = lock(&self.queue);
            queue.push((op, answer));
            queue.len() == 1
        };
        if is_first {
            let (node, life) = (self.node, self.life);
            self.world
                .push_within(self.world.weather.writes, Event::Commit { node, life });
        }
        match early {
            Some(outcome) => Some(Reply::Outcome(outcome)),
            None => reply.await.ok(),
        }
    }

    /// Writes what waits. Says nothing of it yet.
    pub(super) fn commit(&self) -> Vec<(oneshot::Sender<Reply>, Reply)> {
        let (ops, answers): (Vec<_>, Vec<_>) = std::mem::take(&mut *lock(&self.queue)).into_iter().unzip();
        let replies = lock(&self.disk).commit(ops);
        answers.into_iter().zip(replies).collect()
    }
}

#[async_trait]
impl Holdings for Ledger {
    async fn known(&self, after: i64, limit: u64) -> Result<KnownPage, HoldingsError> {
        Ok(KnownPage::of(lock(&self.disk).known(after, limit)))
    }

    async fn known_parked(&self) -> Result<Vec<KnownRow>, HoldingsError> {
        Ok(lock(&self.disk).parked())
    }

    async fn records(&self, rows: Vec<i64>) -> Result<Vec<Option<Record>>, HoldingsError> {
        Ok(lock(&self.disk).records(&rows))
    }

    fn within(&self, _: Vec<Interest>) -> Arc<dyn Holdings> {
        unreachable!("all of these keep everything")
    }

    async fn take(&self, record: Record, trusted: bool) -> Result<Taken, HoldingsError> {
        match self.ask(Op::Take(record, trusted)).await {
            Some(Reply::Taken(taken)) => Ok(taken),
            _ => Err("the node crashed".into()),
        }
    }
}

impl Judge for Ledger {
    fn submit(&self, envelope: Envelope) -> BoxFuture<'_, Result<Outcome, Arc<PipelineError>>> {
        Box::pin(async move {
            match self.ask(Op::Submit(envelope)).await {
                Some(Reply::Outcome(outcome)) => Ok(outcome),
                _ => Err(Arc::new(PipelineError::Closed)),
            }
        })
    }

    fn is_known(&self, hash: &ItemHash) -> bool {
        lock(&self.disk).is_known(hash)
    }
}

/// What a peer is told of a record that came to this, as `LocalHoldings` does.
pub(super) fn taken(outcome: &Outcome) -> Taken {
    match (outcome.status, outcome.code) {
        (MessageStatus::Rejected, Some(ErrorCode::InvalidFormat | ErrorCode::InvalidSignature)) => {
            Taken::Invalid
        }
        (MessageStatus::Rejected, _) => Taken::Refused,
        _ => Taken::Known,
    }
}
