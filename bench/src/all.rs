//! Everything in sequence.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use alephd_tasks::{Clock, SystemClock};
use alephd_testkit::{process::Node, workload::Config};
use anyhow::{Context, Result};
use serde_json::Value;

use crate::{
    disk, generate, import,
    latency::millis,
    limit,
    load::Target,
    machine, memory, publish,
    query::{self, Answered},
    report::Report,
};

/// Connections of the queries, as in the goals.
const QUERY_CONNECTIONS: usize = 8;
/// Commits that are timed.
const COMMITS: u32 = 300;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The program
    #[arg(
        long = "bin",
        env = "ALEPHD_BIN",
        value_name = "PATH",
        default_value = "target/release/alephd"
    )]
    program: PathBuf,
    /// Messages to import and then to query
    #[arg(long, default_value_t = 100_000)]
    messages: u64,
    /// Number of accounts that send them
    #[arg(long, default_value_t = 10_000)]
    senders: usize,
    /// Messages to publish with 256 in flight, and a quarter as many with 32
    #[arg(long, default_value_t = 40_000)]
    publish: u64,
    /// Seconds for each query and each measurement of L
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// Folder on the disk to use
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    folder: PathBuf,
    /// The same seed gives the same messages
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Default for Args {
    fn default() -> Self {
        use clap::{Args as _, FromArgMatches};
        let command = Self::augment_args(clap::Command::new("all"));
        Self::from_arg_matches(&command.get_matches_from(["all"])).expect("every argument has a default")
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let load_before = machine::load();
    let mut report = Report::default();
    let duration = Duration::from_secs_f64(args.seconds);
    let folder = tempfile::tempdir_in(&args.folder)
        .with_context(|| format!("cannot make a folder in {}", args.folder.display()))?;
    let file = folder.path().join("messages.jsonl");

    let limit = limit::measure(limit::cores(), duration)?;
    report.note("L, checks/s of the mix", format!("{:.0}", limit.mix));
    if let Some(rate) = limit.mix_undisturbed {
        report.note("L, if nothing else ran", format!("{rate:.0}"));
    }
    report.note("checks/s, ETH alone", format!("{:.0}", limit.ethereum));
    report.note("checks/s, SOL alone", format!("{:.0}", limit.solana));
    let commit = disk::measure(folder.path(), COMMITS)?;
    report.note(
        "durable commit, SQLite",
        format!(
            "mean {}, p99 {}",
            millis(commit.sqlite.mean),
            millis(commit.sqlite.p99)
        ),
    );
    report.note(
        "4 KiB append and fdatasync",
        format!("mean {}", millis(commit.append.mean)),
    );

    let config = Config {
        senders: args.senders,
        ..Config::new(args.seed, args.messages.max(args.publish + args.publish / 4))
    };
    generate::write(&config, &file)?;
    // Queries first, while the data of the import is there; then it makes room.
    {
        let data = folder.path().join("imported");
        import_and_query(args, limit.mix, &file, &data, &mut report)?;
        std::fs::remove_dir_all(&data)?;
    }
    let data = folder.path().join("published");
    publish_both(args, limit.mix, commit.sqlite.mean, &file, &data, &mut report)?;

    println!("- machine: {}", machine::describe());
    println!("- load before: {load_before}, after: {}", machine::load());
    println!(
        "- {} messages imported of {} senders, seed {}; {} published",
        config.count, args.senders, args.seed, args.publish
    );
    println!("\n{}", report.markdown());
    Ok(())
}

fn import_and_query(args: &Args, limit: f64, file: &Path, data: &Path, report: &mut Report) -> Result<()> {
    import::prepare(&args.program, data)?;
    let imported = import::measure(&args.program, file, data)?;
    let part = imported.rate() / limit;
    report.judge(
        format!("import of {} messages", imported.messages),
        format!("{:.0}/s, {part:.2} L", imported.rate()),
        "0.4 L, aim 0.6 L",
        part >= 0.4,
    );
    if let Some((first, last)) = imported.tenths {
        let part = last / first;
        report.judge(
            "last tenth of the import",
            format!("{last:.0}/s, {part:.2} of the first"),
            "0.6 of the first",
            part >= 0.6,
        );
    }
    report.note(
        "bytes on disk per message",
        format!("{:.0}", imported.bytes_per_message()),
    );

    let clock = SystemClock::new();
    let start = clock.monotonic();
    let node = Node::start(&args.program, data)?;
    let started = clock.monotonic() - start;
    report.judge(
        "start to first answer",
        millis(started),
        "1 s with 1,000,000 messages",
        started < Duration::from_secs(1),
    );
    let listing: Value = node.http().get("/api/v0/messages.json?pagination=1")?.json()?;
    report.note("messages listed", listing["pagination_total"].to_string());

    let target = Target::parse(&node.url())?;
    let duration = Duration::from_secs_f64(args.seconds);
    for answered in query::measure(&target, QUERY_CONNECTIONS, duration)? {
        report_query(report, &answered);
    }
    let peak = node.memory()?.peak;
    report.judge(
        "peak memory while queried",
        memory::mebibytes(peak),
        "400 MB with 1,000,000 messages",
        peak < 400_000_000,
    );
    node.terminate()?;
    Ok(())
}

fn report_query(report: &mut Report, answered: &Answered) {
    let Answered {
        query,
        rate,
        summary,
        complaints,
    } = answered;
    let wanted = if query.is_single() { 10_000.0 } else { 3_000.0 };
    let met = *rate >= wanted
        && summary.p50 < Duration::from_millis(2)
        && summary.p99 < Duration::from_millis(10)
        && complaints.is_none();
    let but = complaints
        .as_ref()
        .map_or_else(String::new, |text| format!(" BUT {text}"));
    report.judge(
        query.name(),
        format!(
            "{rate:.0}/s, p50 {}, p99 {}{but}",
            millis(summary.p50),
            millis(summary.p99)
        ),
        format!("{wanted:.0}/s, 2 ms, 10 ms"),
        met,
    );
}

fn publish_both(
    args: &Args,
    limit: f64,
    commit: Duration,
    file: &Path,
    data: &Path,
    report: &mut Report,
) -> Result<()> {
    let node = Node::start(&args.program, data)?;
    let idle = node.memory()?.resident;
    report.judge(
        "memory, idle and empty",
        memory::mebibytes(idle),
        "80 MB",
        idle < 80_000_000,
    );
    import::upload_files(&node)?;
    let target = Target::parse(&node.url())?;
    for (in_flight, skip, count) in [(256u32, 0, args.publish), (32, args.publish, args.publish / 4)] {
        let tally = publish::measure(&target, file, skip, count, in_flight as usize)?;
        let rate = tally.rate();
        let cpu = tally.generator_cpu.map_or_else(String::new, |cpu| {
            let part = cpu.as_secs_f64() / tally.elapsed.as_secs_f64();
            format!(", generator {part:.2} of a core")
        });
        let complaints = tally.complaints();
        let but = complaints
            .as_ref()
            .map_or_else(String::new, |text| format!(" BUT {text}"));
        let summary = tally.latencies.summary();
        let latency = format!("p50 {}, p99 {}", millis(summary.p50), millis(summary.p99));
        let what = format!("HTTP, {in_flight} in flight, {count} messages");
        let parts = rate / limit;
        let met_all = complaints.is_none();
        if in_flight == 256 {
            let result = format!("{rate:.0}/s, {parts:.2} L, {latency}{cpu}{but}");
            report.judge(what, result, "0.2 L", met_all && parts >= 0.2);
        } else {
            let bound = f64::from(in_flight) / commit.as_secs_f64();
            let part = rate / bound;
            let result = format!("{rate:.0}/s, {part:.2} of 32 / commit, {parts:.2} L, {latency}{cpu}{but}");
            report.judge(what, result, "0.7 of 32 / commit", met_all && part >= 0.7);
        }
    }
    let peak = node.memory()?.peak;
    report.note("peak memory while published to", memory::mebibytes(peak));
    node.terminate()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_argument_has_a_default() {
        assert!(Args::default().messages > 0);
    }
}
