//! What a node does with other nodes.
//!
//! | module | does |
//! |---|---|
//! | [`gossip`] | takes messages from the gossip network and gives new ones to it |
//! | [`peers`] | keeps the address book: who says where he is, and who is believed |
//! | [`catchup`] | finds what one of two nodes lacks, and fetches it |
//! | [`exchange`] | serves and fetches contents and files |
//! | [`fetch`] | brings here what this node lacks, from whoever has it |
//! | [`bitswap`] | the same block by block, with IPFS |
//! | [`kubo`] | the same by an IPFS node beside this one |
//!
//! # What it promises
//!
//! - Nothing is relayed before it was judged, and nothing invalid is relayed at all.
//! - Bytes are taken only if they have the hash of their name; wrong ones discredit the peer that
//!   sent them, never the message.
//! - Each path heals alone: a message that gossip lost comes with the next catch-up, and the other
//!   way round.
//!
//! # What it leaves to others
//!
//! Connections (`alephd-net`), what a message means (`alephd-pipeline`), blocks (`alephd-content`).

pub mod bitswap;
pub mod catchup;
mod duplex;
pub mod exchange;
pub mod fetch;
pub mod gossip;
pub mod kubo;
pub mod peers;
