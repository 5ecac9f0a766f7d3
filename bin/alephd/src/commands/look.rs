//! Commands that need no data folder.

use std::{fs::File, io, process::ExitCode};

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use alephd_node::{config::TEMPLATE, verify as verifying};

use crate::{
    arguments::{StatusArgs, VerifyArgs},
    http, output,
};

/// `alephd config`
pub(crate) fn config() -> anyhow::Result<ExitCode> {
    output::say(TEMPLATE.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// `alephd verify`
pub(crate) fn verify(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = args.threads.unwrap_or_else(cores).clamp(1, 256);
    let output = io::stdout();
    if args.file.as_os_str() == "-" {
        verifying::verify_lines(io::stdin(), output, threads)?;
    } else {
        let file = File::open(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
        verifying::verify_lines(file, output, threads)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `alephd status`
pub(crate) fn status(args: &StatusArgs) -> anyhow::Result<ExitCode> {
    let version: Value = serde_json::from_str(&http::get(&args.api, "/api/v0/version")?)
        .context("the answer is not that of a node")?;
    // Older nodes and proxies may hide the rest; the version alone says that the node is there.
    let extra = |path: &str| {
        http::get(&args.api, path)
            .and_then(|body| Ok(serde_json::from_str::<Value>(&body)?))
            .unwrap_or(Value::Null)
    };
    let (metrics, root) = (extra("/metrics.json"), extra("/api/v0/state/root"));
    if args.json {
        let all = json!({"version": version["version"], "metrics": metrics, "state": root});
        output::say(&serde_json::to_string_pretty(&all)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = vec![
        ("node".to_owned(), args.api.clone()),
        ("version".to_owned(), shown(&version["version"])),
    ];
    rows.extend(fields(&root).map(|(name, value)| (format!("state {name}"), shown(value))));
    rows.extend(
        fields(&metrics)
            .filter(|(_, value)| value.is_number())
            .map(|(name, value)| {
                (
                    name.trim_start_matches("pyaleph_").replace('_', " "),
                    shown(value),
                )
            }),
    );
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in rows {
        output::say(&format!("{name:width$}  {value}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
