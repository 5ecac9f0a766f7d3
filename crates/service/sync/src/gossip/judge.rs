//! Who judges what gossip brings.

use std::sync::Arc;

use alephd_message::{Envelope, ItemHash, Micros};
use alephd_pipeline::{Origin, Outcome, Pipeline, PipelineError};
use alephd_store::Store;
use alephd_tasks::Clock;
use futures_util::future::BoxFuture;

/// The node as gossip sees it: this one, or what a test puts in its place.
pub trait Judge: Send + Sync + 'static {
    /// Takes a message in and waits until its outcome is on disk.
    fn submit(&self, envelope: Envelope) -> BoxFuture<'_, Result<Outcome, Arc<PipelineError>>>;

    /// Whether a message of this name is here.
    fn is_known(&self, hash: &ItemHash) -> bool;
}

/// The pipeline and the store of this node.
pub struct LocalJudge {
    /// Where messages go.
    pub pipeline: Pipeline,
    /// What is known already.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Judge for LocalJudge {
    fn submit(&self, envelope: Envelope) -> BoxFuture<'_, Result<Outcome, Arc<PipelineError>>> {
        Box::pin(self.pipeline.submit(envelope, Origin::Network))
    }

    fn is_known(&self, hash: &ItemHash) -> bool {
        let now = Micros(self.clock.now_micros());
        let status = self.store.reader().message_status(hash, now);
        status.is_ok_and(|status| status.is_some())
    }
}
