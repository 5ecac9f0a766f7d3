//! The API over real requests: the table of routes alone, and whole nodes.

mod accounts;
mod aggregates;
mod authorizations;
mod fixture;
mod forms;
mod gateway;
mod info;
mod ipfs;
mod ledger;
mod messages;
mod node;
mod page;
mod posts;
mod prices;
mod routes;
mod scoring;
mod sockets;
mod storage;
