//! Where log lines go, and in which form.

use std::io::{self, IsTerminal};

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

use alephd_node::config::{LogConfig, LogFormat};

use crate::arguments::{LogArgs, LogForm};

/// Starts logging to standard error. Flags win over the configuration.
pub(crate) fn start(args: &LogArgs, config: &LogConfig) -> anyhow::Result<()> {
    let filter = args.filter.as_deref().unwrap_or(&config.filter);
    let filter =
        EnvFilter::try_new(filter).with_context(|| format!("{filter:?} is no filter of log lines"))?;
    let is_json = match args.format {
        Some(form) => form == LogForm::Json,
        None => config.format == LogFormat::Json,
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    if is_json {
        lines.json().flatten_event(true).init();
    } else {
        lines
            .with_ansi(io::stderr().is_terminal())
            .with_target(false)
            .init();
    }
    Ok(())
}

/// The same for commands that only tell what goes wrong.
pub(crate) fn start_quiet(args: &LogArgs, config: &LogConfig) -> anyhow::Result<()> {
    start(
        args,
        &LogConfig {
            filter: "warn".into(),
            ..config.clone()
        },
    )
}
