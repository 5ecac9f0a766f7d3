//! The HTTP API of the node: what a request means and how an answer is written.
//!
//! Existing clients of the network talk to this crate, so its contract is not what would be
//! elegant but what they already depend on: spellings of parameters, texts of errors, forms of
//! numbers. Everything of that kind lives in the modules below; a handler only parses, asks, and
//! writes.
//!
//! # The way of a request
//!
//! ```text
//!   Routes (methods, CORS, 405, panics)
//!      └─▶ handler ──▶ params::XQuery::parse(query) ──▶ typed filters, Paging<Cursor>
//!                 ├──▶ the store, the pipeline, the blobs
//!                 └──▶ json::Writer ─▶ body        any ApiError ─▶ the body clients expect
//! ```
//!
//! # What it promises
//!
//! - Parsing a query string never panics, needs memory proportional to its length, and reports
//!   every bad parameter at once, in the shape that clients know.
//! - Cursors handed out by other nodes of the network are accepted, and ours by them.
//! - The cause of an internal error is logged and never reaches the client.
//! - [`json::canonical`] yields the bytes whose hash the reference node would return.
//!
//! # What it leaves to others
//!
//! The meaning of messages (`alephd-rules`), the queries behind the filters (`alephd-store`), and
//! the listening socket, whose header limits bound the length of a query string.
//!
//! Protocol: `docs/protocol/http.md`.

pub mod body;
mod cors;
pub mod cursor;
mod error;
mod handlers;
pub mod json;
mod live;
mod metrics;
mod network;
pub mod params;
mod prices;
mod render;
mod routes;
mod state;

pub use error::ApiError;
pub use handlers::{router, table};
pub use metrics::Gauges;
pub use network::{Alone, ComingVerdict, Network, NetworkView, PeerView};
pub use routes::Routes;
pub use state::{Api, ApiParts, ApiSettings};
