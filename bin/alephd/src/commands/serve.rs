//! Commands that run a node.

use std::{
    net::{SocketAddr, TcpListener},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;

use alephd_message::Micros;
use alephd_node::{Config, Node, Profile};
use alephd_tasks::{Clock, ShutdownSignals, SystemClock};

use super::{runtime, runtime_threads};
use crate::{
    arguments::{ConfigArgs, DevArgs, LogArgs},
    banner, logging, output,
};

/// `alephd run`
pub(crate) fn run(args: &ConfigArgs, log: &LogArgs) -> anyhow::Result<ExitCode> {
    let loaded = args.sources().load()?;
    logging::start(log, &loaded.config.log)?;
    if !loaded.ignored.is_empty() {
        tracing::warn!(
            keys = %loaded.ignored.join(", "),
            "keys of the reference configuration that mean nothing here",
        );
    }
    if let Some(key) = &loaded.config.p2p.key_file {
        anyhow::ensure!(key.is_file(), "the node key {} is missing", key.display());
    }
    let config = loaded.config;
    let profile = config.load_profile()?;
    runtime(runtime_threads())?.block_on(serve(&config, &profile, None))
}

/// `alephd dev`
pub(crate) fn dev(args: &DevArgs, log: &LogArgs) -> anyhow::Result<ExitCode> {
    let (mut config, names_folder) = args.load()?;
    logging::start(log, &config.log)?;
    let profile = config.load_profile()?;
    // Removed when it goes out of scope, after the node has stopped.
    let mut temporary = None;
    if !names_folder {
        let folder = tempfile::Builder::new().prefix("alephd-dev-").tempdir();
        let folder = folder.context("no temporary folder can be made; give one with --data")?;
        config.data.folder = folder.path().to_owned();
        temporary = Some(folder);
    }
    let dev = Dev {
        keeps: temporary.is_none(),
        nodes: args.nodes,
    };
    runtime(runtime_threads())?.block_on(serve(&config, &profile, Some(dev)))
}

/// What a development network is, and tells.
#[derive(Clone, Copy)]
struct Dev {
    /// Whether the data folder outlives the node.
    keeps: bool,
    /// How many nodes there are.
    nodes: u16,
}

async fn serve(config: &Config, profile: &Profile, dev: Option<Dev>) -> anyhow::Result<ExitCode> {
    // Before anything is opened: a signal during the start must not be lost.
    let mut signals = ShutdownSignals::listen().context("signals cannot be listened to")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let nodes = start(config, profile, dev.map_or(1, |dev| dev.nodes), &clock).await?;
    if let Some(dev) = dev {
        let now = Micros(clock.now_micros());
        output::say(&banner::text(&nodes, config, profile, dev.keeps, now))?;
    }
    let failed = tokio::select! {
        signal = signals.next() => {
            tracing::info!(signal = %signal.context("signals cannot be waited for")?, "asked to stop");
            false
        }
        () = any_failed(&nodes) => true,
    };
    let stopped = tokio::select! {
        stopped = stop(nodes) => stopped,
        // Whoever asks twice does not want to wait. Nothing acknowledged is lost.
        _ = signals.next() => return Ok(ExitCode::FAILURE),
    };
    stopped?;
    Ok(super::code(!failed))
}

/// Starts the first node as it is configured, and further ones beside it that know the first.
async fn start(
    config: &Config,
    profile: &Profile,
    count: u16,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Vec<Node>> {
    if count == 1 {
        return Ok(vec![Node::start(config, profile, Arc::clone(clock)).await?]);
    }
    let mut nodes: Vec<Node> = Vec::new();
    let mut listen = config.api.listen;
    for number in 0..count {
        let mut config = config.clone();
        config.data.folder.push(format!("node-{}", number + 1));
        std::fs::create_dir_all(&config.data.folder)
            .with_context(|| format!("cannot make {}", config.data.folder.display()))?;
        if let Some(first) = nodes.first() {
            listen = next_free(listen).context("there are not as many free ports")?;
            config.api.listen = listen;
            config.p2p.bootstrap = Some(first.multiaddresses());
            config.p2p.listen = None;
        }
        nodes.push(Node::start(&config, profile, Arc::clone(clock)).await?);
    }
    Ok(nodes)
}

/// The next address after `address` whose port nobody has; port 0 stays as it is.
fn next_free(mut address: SocketAddr) -> Option<SocketAddr> {
    if address.port() == 0 {
        return Some(address);
    }
    loop {
        address.set_port(address.port().checked_add(1)?);
        if TcpListener::bind(address).is_ok() {
            return Some(address);
        }
    }
}

/// Ready when one of the nodes has failed.
async fn any_failed(nodes: &[Node]) {
    let failures = nodes.iter().map(|node| Box::pin(node.failed()));
    futures_util::future::select_all(failures).await;
}

async fn stop(nodes: Vec<Node>) -> Result<(), alephd_node::NodeError> {
    let stops = nodes.into_iter().map(Node::stop);
    futures_util::future::try_join_all(stops).await.map(|_| ())
}
