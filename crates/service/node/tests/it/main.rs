//! The node as an operator meets it: configuration, profiles, start and stop, import and export.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers included")]

mod collect;
mod config;
mod import;
mod profile;
mod rebuild;
mod scrub;
mod start;

use std::future::Future;

use alephd_node::NodeError;

/// Does it again while the threads of the node before still hold the folder: they let go of it
/// after `stop` has returned.
async fn once_free<T, F: Future<Output = Result<T, NodeError>>>(act: impl Fn() -> F) -> Result<T, NodeError> {
    loop {
        match act().await {
            Err(NodeError::InUse(_)) => tokio::task::yield_now().await,
            result => return result,
        }
    }
}
