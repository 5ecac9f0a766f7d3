//! Which nodes there are: signs of life, the address book, the list of those that are believed.
//!
//! A node says every two minutes where it can be reached, on the topic of signs of life. What others
//! say is believed only of nodes that the network lists (aggregate `corechannel`) or the operator
//! named, as in the reference: otherwise anybody could make every node dial any address.
//!
//! Protocol: `docs/protocol/gossip.md`.

mod beacons;
mod book;
mod listed;

pub use beacons::{Beacons, OwnAddresses};
pub use book::{AddressBook, BookEntry};
pub use listed::Listed;
