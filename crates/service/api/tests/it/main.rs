//! The API over real requests: the table of routes alone, and whole nodes.

mod node;
mod page;
mod routes;
mod sockets;
