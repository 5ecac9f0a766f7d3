//! Commands that are about other nodes.

use std::{process::ExitCode, sync::Arc};

use anyhow::Context as _;
use serde_json::Value;

use alephd_node::network;
use alephd_tasks::SystemClock;

use super::{code, runtime, runtime_threads, stop_at_signal};
use crate::{
    arguments::{LogArgs, PingArgs, StatusArgs, SyncArgs},
    http, logging, output,
};

/// `alephd peers`
pub(crate) fn peers(args: &StatusArgs) -> anyhow::Result<ExitCode> {
    let view: Value = serde_json::from_str(&http::get(&args.api, "/api/v0/peers")?)
        .context("the answer is not that of a node")?;
    if args.json {
        output::say(&serde_json::to_string_pretty(&view)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let peers = view["peers"].as_array().map(Vec::as_slice).unwrap_or_default();
    output::say(&format!("{} with {} peers", text(&view["peer_id"]), peers.len()))?;
    for peer in peers {
        let direction = if peer["inbound"] == true { "in" } else { "out" };
        let mesh = peer["mesh"].as_array().is_some_and(|topics| !topics.is_empty());
        output::say(&format!(
            "{peer}  {direction:3}  {mesh:4}  {rtt:>8}  {score:>7}  {address}  {agent}",
            peer = text(&peer["peer_id"]),
            mesh = if mesh { "mesh" } else { "-" },
            rtt = number(&peer["rtt_ms"], " ms"),
            score = number(&peer["score"], ""),
            address = text(&peer["address"]),
            agent = text(&peer["agent"]),
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `alephd ping`
pub(crate) fn ping(args: &PingArgs, log: &LogArgs) -> anyhow::Result<ExitCode> {
    logging::start_quiet(log, &alephd_node::Config::default().log)?;
    let clock = Arc::new(SystemClock::new());
    let reached = runtime(2)?.block_on(network::ping(&args.address, args.count, clock))?;
    output::say(&format!(
        "{} {}",
        reached.peer_id,
        reached.agent.as_deref().unwrap_or("says nothing of itself")
    ))?;
    for protocol in &reached.protocols {
        output::say(&format!("  speaks {protocol}"))?;
    }
    for time in &reached.round_trips {
        output::say(&format!("  {:.3} ms", time.as_secs_f64() * 1_000.0))?;
    }
    if reached.round_trips.is_empty() {
        output::say("  it answers no pings")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `alephd sync`
pub(crate) fn sync(args: &SyncArgs, log: &LogArgs) -> anyhow::Result<ExitCode> {
    let config = args.data.load()?.config;
    logging::start_quiet(log, &config.log)?;
    let profile = config.load_profile()?;
    let report = runtime(runtime_threads())?.block_on(async {
        let stop = stop_at_signal()?;
        let clock = Arc::new(SystemClock::new());
        Ok::<_, anyhow::Error>(network::sync(&config, &profile, clock, &args.peer, stop).await?)
    })?;
    output::say(&serde_json::to_string_pretty(&report)?)?;
    Ok(code(report.complete))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

fn number(value: &Value, unit: &str) -> String {
    value
        .as_f64()
        .map_or("-".to_owned(), |number| format!("{number:.1}{unit}"))
}
