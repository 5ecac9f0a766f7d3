//! What nodes say to each other, byte by byte.
//!
//! | module | protocol | with whom |
//! |---|---|---|
//! | [`gossip`] | payloads of gossip topics, ids of gossip messages, signs of life | every node of the network |
//! | [`catchup`] | finding and handing over what one of two nodes lacks | alephd |
//! | [`exchange`] | contents and files by name, in ranges | alephd |
//! | [`bitswap`] | blocks by CID | IPFS |
//!
//! # What it promises
//!
//! - Reading never panics, never allocates more than a constant factor of the bytes at hand, and
//!   refuses what is longer than the bound that stands beside it.
//! - What is written can be read again and is the same.
//!
//! # What it leaves to others
//!
//! Streams and time (`alephd-net`, `alephd-sync`), and whether what is said is true: names of bytes
//! are checked by whoever keeps them.

pub mod bitswap;
pub mod catchup;
pub mod exchange;
pub mod gossip;
