//! What can go wrong between a message and its outcome.

/// A failure that is not the message's fault.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The database failed; nothing of the batch was kept.
    #[error(transparent)]
    Store(#[from] alephd_store::StoreError),
    /// The node is shutting down.
    #[error("the node is shutting down")]
    Closed,
    /// Rules and rows contradict each other.
    #[error("judging did not come to rest after {0} evaluations")]
    Unsettled(usize),
    /// The file was collected at the moment at which it was uploaded again.
    #[error("the file was just being removed; upload it again")]
    FileGone,
    /// A worker thread could not be started.
    #[error("starting a thread: {0}")]
    Thread(#[source] std::io::Error),
}
