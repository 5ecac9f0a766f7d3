//! Measures a node: how fast it takes messages in, how fast it answers, what it needs.
//!
//! One program makes the messages, the load and the yardstick: the limit *L*, the number of
//! signatures that all cores of this machine check in a second. Whoever verifies every message
//! cannot be faster, so results are given as parts of *L* and can be compared between machines.
//!
//! It knows the node by its command line and its HTTP interface only, and therefore measures any
//! build of it. README.md describes the method.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program: results go to stdout, progress to stderr"
)]

mod all;
mod disk;
mod files;
mod generate;
mod import;
mod latency;
mod limit;
mod load;
mod machine;
mod memory;
mod network;
mod publish;
mod query;
mod report;

use clap::{Parser, Subcommand};

/// Measurements of an alephd node.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Signature checks per second of all cores: the limit L
    Limit(limit::Args),
    /// Write signed messages to a file, one a line
    Generate(generate::Args),
    /// Time `alephd import` of such a file
    Import(import::Args),
    /// Publish messages over HTTP, one a request, and wait until each is processed
    Publish(publish::Args),
    /// Requests per second and latencies of the usual queries
    Query(query::Args),
    /// Resident memory of a process
    Memory(memory::Args),
    /// Time of a durable commit on the disk that holds a folder
    Fsync(disk::Args),
    /// Files over HTTP, against SHA-256 and the disk alone
    Files(files::Args),
    /// Several nodes: latency and rate until a message is everywhere, and how fast a new node catches up
    Network(network::Args),
    /// Everything in sequence, with a Markdown table of the results (the default)
    All(all::Args),
}

fn main() -> anyhow::Result<()> {
    let command = Cli::parse()
        .command
        .unwrap_or_else(|| Command::All(all::Args::default()));
    match command {
        Command::Limit(args) => limit::run(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Publish(args) => publish::run(&args),
        Command::Query(args) => query::run(&args),
        Command::Memory(args) => memory::run(&args),
        Command::Fsync(args) => disk::run(&args),
        Command::Files(args) => files::run(&args),
        Command::Network(args) => network::run(&args),
        Command::All(args) => all::run(&args),
    }
}
