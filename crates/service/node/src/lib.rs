//! A node: how its parts are configured, wired, started and stopped, and what can be done with
//! its data while it is stopped.
//!
//! | module | what it holds |
//! |---|---|
//! | [`Config`], [`Profile`] | what one node decides, what its network decides |
//! | [`DataDir`] | what lies where in the data folder |
//! | [`Node`] | start, serve, stop |
//! | [`import`], [`export`] | messages from and into a file |
//! | [`state_root`], [`rebuild`] | showing and checking that the state is a function of the messages |
//! | [`collect`], [`scrub`] | what the collector would remove; whether the files are what they are called |
//! | [`verify`] | verdicts on messages without a node |
//! | [`network`] | other nodes: the ways to them, and commands about them |
//! | [`dev`] | funded accounts of the local network |
//!
//! # What it promises
//!
//! - A mistake in the configuration is told with its place and, for a name, the nearest right one;
//!   nothing is guessed or silently ignored.
//! - One process at a time writes to a data folder, and a folder belongs to one network.
//! - A network whose keys are public is not served to other machines.
//! - Stopping finishes requests under way within a bounded time and writes what is queued. Being
//!   killed instead loses nothing that was acknowledged.
//!
//! # What it leaves to others
//!
//! What messages mean (`alephd-rules`, `alephd-pipeline`), what requests mean (`alephd-api`), and
//! the command line (`alephd`).

mod adopt;
mod api;
pub mod collect;
pub mod config;
mod data_dir;
pub mod dev;
mod error;
pub mod export;
pub mod import;
mod limits;
mod lines;
pub mod network;
mod node;
pub mod profile;
pub mod progress;
pub mod rebuild;
mod reference;
pub mod scrub;
mod serve;
pub mod state_root;
pub mod verify;

pub use config::{Config, ConfigError, ConfigSources, Loaded};
pub use data_dir::DataDir;
pub use error::NodeError;
pub use node::Node;
pub use profile::{Profile, ProfileError};
