//! Blocks between nodes, and with peers that behave in other ways.

mod fetch;
mod hostile;
pub(crate) mod mesh;
mod peers;
mod provide;
mod serve;
pub(crate) mod trees;
