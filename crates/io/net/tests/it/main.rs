//! Hosts that talk to each other, in one process, over memory and over loopback.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers included")]

mod connections;
mod fixture;
mod gossip;
mod interop;
mod overload;
mod services;
