//! What subscribers learn.

use std::sync::Arc;

use alephd_store::write::Row;

/// A committed change.
#[derive(Clone, Debug)]
pub enum Event {
    /// A message became live.
    Processed(Arc<Row>),
}
