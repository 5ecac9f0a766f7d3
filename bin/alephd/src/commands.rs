//! One function a command.

mod data;
mod look;
mod network;
mod serve;

pub(crate) use data::{collect, export, import, rebuild, scrub, state_root};
pub(crate) use look::{config, status, verify};
pub(crate) use network::{peers, ping, sync};
pub(crate) use serve::{dev, run};

use std::{io::IsTerminal, process::ExitCode};

use alephd_node::progress::Show;
use alephd_tasks::{CancellationToken, ShutdownSignals};
use anyhow::Context as _;

use crate::output;

/// Threads of the runtime that serves requests: reads of the database happen on them, so there are
/// more than cores, and a long read holds up nobody.
fn runtime_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (2 * cores).max(4)
}

fn runtime(threads: usize) -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(threads)
        .enable_all()
        .build()
        .context("the runtime does not start")
}

/// A bar where somebody looks, lines where something reads.
fn show() -> Show {
    if std::io::stderr().is_terminal() {
        Show::Bar
    } else {
        Show::Lines
    }
}

/// A token that the first signal cancels. The second one ends the process at once.
fn stop_at_signal() -> anyhow::Result<CancellationToken> {
    let token = CancellationToken::new();
    let stop = token.clone();
    let mut signals = ShutdownSignals::listen().context("signals cannot be listened to")?;
    // It lives as long as the process, so nobody has to stop it or wait for it.
    let tasks = alephd_tasks::Tasks::new();
    tasks.spawn_worker("signals", async move {
        if signals.next().await.is_ok() {
            output::note("stopping; once more ends at once");
            stop.cancel();
            if signals.next().await.is_ok() {
                std::process::exit(130);
            }
        }
    });
    Ok(token)
}

/// The exit status of a command that answers a question with yes or no.
fn code(is_good: bool) -> ExitCode {
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
