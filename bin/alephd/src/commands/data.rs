//! Commands on a data folder.

use std::{process::ExitCode, sync::Arc};

use alephd_message::Micros;
use alephd_node::{
    DataDir, collect as collecting, export as exporting, import as importing, rebuild as rebuilding,
    scrub as scrubbing, state_root as roots,
};
use alephd_tasks::{Clock, SystemClock};

use super::{code, runtime, show, stop_at_signal};
use crate::{
    arguments::{CollectArgs, DataArgs, ExportArgs, ImportArgs, LogArgs, StateRootArgs},
    logging, output,
};

/// The pipeline has threads of its own; the runtime only reads contents for it.
const RUNTIME_THREADS: usize = 1;

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

/// `alephd import`
pub(crate) fn import(args: &ImportArgs, log: &LogArgs) -> anyhow::Result<ExitCode> {
    let config = args.data.load()?.config;
    logging::start_quiet(log, &config.log)?;
    let profile = config.load_profile()?;
    let report = runtime(RUNTIME_THREADS)?.block_on(async {
        let options = importing::ImportOptions {
            file: args.file.clone(),
            show: show(),
            stop: stop_at_signal()?,
        };
        Ok::<_, anyhow::Error>(importing::import(&config, &profile, clock(), options).await?)
    })?;
    for line in &report.explained {
        output::note(line);
    }
    output::say(&serde_json::to_string_pretty(&report)?)?;
    Ok(code(report.complete))
}

/// `alephd export`
pub(crate) fn export(args: &ExportArgs, log: &LogArgs) -> anyhow::Result<ExitCode> {
    let config = args.data.load()?.config;
    logging::start_quiet(log, &config.log)?;
    let report = runtime(RUNTIME_THREADS)?.block_on(async {
        let options = exporting::ExportOptions {
            file: args.file.clone(),
            from: args.from,
            show: show(),
            stop: stop_at_signal()?,
        };
        let folder = DataDir::at(&config.data.folder);
        let work = tokio::task::spawn_blocking(move || exporting::export(&folder, clock(), &options));
        Ok::<_, anyhow::Error>(work.await??)
    })?;
    // Standard output may be the export.
    output::note(&serde_json::to_string(&report)?);
    Ok(code(report.complete))
}

/// `alephd rebuild`
pub(crate) fn rebuild(args: &DataArgs, log: &LogArgs) -> anyhow::Result<ExitCode> {
    let config = args.load()?.config;
    logging::start_quiet(log, &config.log)?;
    let profile = config.load_profile()?;
    let report = runtime(RUNTIME_THREADS)?.block_on(async {
        let stop = stop_at_signal()?;
        Ok::<_, anyhow::Error>(rebuilding::rebuild(&config, &profile, clock(), show(), stop).await?)
    })?;
    output::say(&serde_json::to_string_pretty(&report)?)?;
    Ok(code(report.equal))
}

/// `alephd scrub`
pub(crate) fn scrub(args: &DataArgs, log: &LogArgs) -> anyhow::Result<ExitCode> {
    let config = args.load()?.config;
    logging::start_quiet(log, &config.log)?;
    let profile = config.load_profile()?;
    let report = runtime(RUNTIME_THREADS)?.block_on(async {
        let stop = stop_at_signal()?;
        let tell = |finding: &scrubbing::Finding| output::note(&finding.to_string());
        Ok::<_, anyhow::Error>(scrubbing::scrub(&config, &profile, clock(), tell, stop).await?)
    })?;
    output::say(&serde_json::to_string_pretty(&report)?)?;
    Ok(code(report.is_sound()))
}

/// `alephd collect`. A signal may end it at any time: nothing is changed.
pub(crate) fn collect(args: &CollectArgs, log: &LogArgs) -> anyhow::Result<ExitCode> {
    args.insist_on_dry_run();
    let config = args.data.load()?.config;
    logging::start_quiet(log, &config.log)?;
    let profile = config.load_profile()?;
    let now = args.at.unwrap_or_else(|| Micros(clock().now_micros()));
    let mut said = Ok(());
    let tell = |planned: &collecting::Planned| {
        let line = match args.json {
            true => planned.to_json().to_string(),
            false => planned.to_string(),
        };
        if said.is_ok() {
            said = output::say(&line);
        }
    };
    let rehearsal = collecting::rehearse(&config, &profile, now, tell);
    let summary = runtime(RUNTIME_THREADS)?.block_on(rehearsal)?;
    said?;
    output::say(&match args.json {
        true => summary.to_json().to_string(),
        false => summary.to_string(),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// `alephd state-root`
pub(crate) fn state_root(args: &StateRootArgs) -> anyhow::Result<ExitCode> {
    let roots = roots::of_folder(&DataDir::at(&args.data))?;
    output::say(&serde_json::to_string(&roots)?)?;
    Ok(ExitCode::SUCCESS)
}
