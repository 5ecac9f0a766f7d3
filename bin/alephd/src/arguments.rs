//! The words of the command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum, error::ErrorKind};

use alephd_message::Micros;
use alephd_node::{Config, ConfigSources, DataDir, Loaded};

/// The Aleph network node in one program.
#[derive(Debug, Parser)]
#[command(name = "alephd", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) log: LogArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Logging, for every command.
#[derive(Clone, Debug, Args)]
pub(crate) struct LogArgs {
    /// What is logged: error, warn, info, debug, trace, or a list like "info,alephd_api=debug".
    #[arg(long = "log", global = true, value_name = "FILTER")]
    pub(crate) filter: Option<String>,
    /// The form of log lines.
    #[arg(long = "log-format", global = true, value_name = "FORM")]
    pub(crate) format: Option<LogForm>,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogForm {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a node for development: this machine only, funded test accounts, throw-away data.
    Dev(DevArgs),
    /// Run a node.
    Run(ConfigArgs),
    /// Print the default configuration with comments.
    Config,
    /// Read messages from a file into a data folder. The node must not run.
    Import(ImportArgs),
    /// Write the live messages of a data folder into a file.
    Export(ExportArgs),
    /// Judge messages by their bytes alone: form, hash, signature, content.
    Verify(VerifyArgs),
    /// Ask a running node how it is.
    Status(StatusArgs),
    /// Print the state roots of a data folder. The node may run.
    StateRoot(StateRootArgs),
    /// Check that the messages of a data folder alone give its state. The node must not run.
    Rebuild(DataArgs),
    /// Read every file and compare it with its name; report damaged and missing ones. The node must
    /// not run.
    Scrub(DataArgs),
    /// Tell what the collector would remove, and why. The node must not run.
    Collect(CollectArgs),
    /// List the nodes that a running node is connected with.
    Peers(StatusArgs),
    /// Reach a node by its multiaddress, and say what it is and how far.
    Ping(PingArgs),
    /// Compare a data folder with a node, and exchange what either lacks. The own node must not run.
    Sync(SyncArgs),
}

/// How a node is configured.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ConfigArgs {
    /// Configuration: TOML, or the config.yml of a reference node.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder with the key of a reference node.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) key_dir: Option<PathBuf>,
    /// Network: mainnet, testnet, local, or the path of a profile.
    #[arg(long, value_name = "NETWORK")]
    pub(crate) profile: Option<String>,
    /// Data folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Address and port to serve.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) api: Option<SocketAddr>,
    /// Any other key of the configuration.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) set: Vec<(String, String)>,
}

/// A node for development.
#[derive(Clone, Debug, Args)]
pub(crate) struct DevArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Nodes to start, which know each other. The second one serves the next port, and so on.
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=50))]
    pub(crate) nodes: u16,
}

/// Whom to reach.
#[derive(Clone, Debug, Args)]
pub(crate) struct PingArgs {
    /// Where the node listens, for example /ip4/192.0.2.1/tcp/4025.
    pub(crate) address: String,
    /// How often.
    #[arg(long, value_name = "TIMES", default_value_t = 3)]
    pub(crate) count: u32,
}

/// With whom to compare.
#[derive(Clone, Debug, Args)]
pub(crate) struct SyncArgs {
    /// Where the node listens, for example /ip4/192.0.2.1/tcp/4025.
    pub(crate) peer: String,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

/// Which data folder, and how to treat it.
#[derive(Clone, Debug, Args)]
pub(crate) struct DataArgs {
    /// Data folder; otherwise that of the configuration.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Configuration: TOML, or the config.yml of a reference node.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Network; otherwise the one that the folder belongs to, or local for a new folder.
    #[arg(long, value_name = "NETWORK")]
    pub(crate) profile: Option<String>,
    /// Any other key of the configuration.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) set: Vec<(String, String)>,
}

/// What to tell of the collector.
#[derive(Clone, Debug, Args)]
pub(crate) struct CollectArgs {
    /// Change nothing: the node itself collects.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The instant to tell of, in seconds since 1970 or as 2026-01-31T12:00:00Z; otherwise now.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) at: Option<Micros>,
    /// Print one JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

/// What to import.
#[derive(Clone, Debug, Args)]
pub(crate) struct ImportArgs {
    /// One message a line, or an object with it under "message"; - is standard input.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

/// What to export.
#[derive(Clone, Debug, Args)]
pub(crate) struct ExportArgs {
    /// File to write; - is standard output.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Continue after this row (the last_id of an earlier export), appending to the file.
    #[arg(long, value_name = "ID")]
    pub(crate) from: Option<i64>,
}

/// What to verify.
#[derive(Clone, Debug, Args)]
pub(crate) struct VerifyArgs {
    /// One message a line, or an object with it under "message"; - is standard input.
    pub(crate) file: PathBuf,
    /// Threads; otherwise one a core.
    #[arg(long, value_name = "COUNT")]
    pub(crate) threads: Option<usize>,
}

/// Whom to ask.
#[derive(Clone, Debug, Args)]
pub(crate) struct StatusArgs {
    /// The node.
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:4024",
        env = "ALEPHD_STATUS_API"
    )]
    pub(crate) api: String,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Whose roots.
#[derive(Clone, Debug, Args)]
pub(crate) struct StateRootArgs {
    /// Data folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let split = text
        .split_once('=')
        .map(|(key, value)| (key.trim().to_owned(), value.to_owned()));
    split.ok_or_else(|| "KEY=VALUE is expected, for example api.drain_seconds=5".to_owned())
}

/// RFC 3339 in UTC, or seconds since 1970.
fn instant(text: &str) -> Result<Micros, String> {
    let seconds = || Micros::from_seconds(text.parse().ok()?);
    Micros::from_iso(text)
        .or_else(seconds)
        .ok_or_else(|| "seconds since 1970 or 2026-01-31T12:00:00Z are expected".to_owned())
}

/// The variables that are text. A variable that is not cannot be one of ours.
fn environment() -> Vec<(String, String)> {
    let texts = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    texts.collect()
}

impl ConfigArgs {
    /// Everything that was said, and whether a key was among it.
    pub(crate) fn sources(&self) -> ConfigSources {
        let mut flags = self.set.clone();
        let mut flag =
            |key: &str, value: Option<String>| flags.extend(value.map(|value| (key.to_owned(), value)));
        flag("profile", self.profile.clone());
        flag(
            "data.folder",
            self.data.as_ref().map(|path| path.display().to_string()),
        );
        flag("api.listen", self.api.map(|address| address.to_string()));
        ConfigSources {
            file: self.config.clone(),
            key_folder: self.key_dir.clone(),
            environment: environment(),
            flags,
        }
    }
}

/// Whether the operator named a network, or gave a file that does.
fn names_network(sources: &ConfigSources) -> bool {
    sources.file.is_some()
        || sources.flags.iter().any(|(key, _)| key == "profile")
        || sources
            .environment
            .iter()
            .any(|(name, _)| name == "ALEPHD_PROFILE")
}

impl CollectArgs {
    /// Ends the program unless nothing is to be changed: two collectors are one too many.
    pub(crate) fn insist_on_dry_run(&self) {
        if !self.dry_run {
            let why =
                "the node itself collects, every minute while it runs; --dry-run tells what it would do";
            Cli::command()
                .error(ErrorKind::MissingRequiredArgument, why)
                .exit();
        }
    }
}

impl DevArgs {
    /// The configuration of a development node, and whether it names a data folder.
    pub(crate) fn load(&self) -> anyhow::Result<(Config, bool)> {
        let mut sources = self.config.sources();
        if !names_network(&sources) {
            sources.flags.push(("profile".into(), "local".into()));
        }
        let names_folder = sources.file.is_some()
            || sources.flags.iter().any(|(key, _)| key == "data.folder")
            || sources
                .environment
                .iter()
                .any(|(name, _)| name == "ALEPHD_DATA_FOLDER");
        Ok((sources.load()?.config, names_folder))
    }
}

impl DataArgs {
    /// The configuration for a command on a data folder.
    pub(crate) fn load(&self) -> anyhow::Result<Loaded> {
        let config = ConfigArgs {
            config: self.config.clone(),
            profile: self.profile.clone(),
            data: self.data.clone(),
            set: self.set.clone(),
            ..ConfigArgs::default()
        };
        let mut sources = config.sources();
        if !names_network(&sources) {
            let folder = sources.load()?.config.data.folder;
            let network = DataDir::at(folder)
                .network()?
                .unwrap_or_else(|| "local".to_owned());
            sources.flags.push(("profile".into(), network));
        }
        Ok(sources.load()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_fixed_interfaces_parse() {
        for line in [
            "alephd dev --api 127.0.0.1:4024 --data d",
            "alephd import f.jsonl --data d",
            "alephd import - --data d --log-format json",
            "alephd state-root --data d",
            "alephd verify f.jsonl",
            "alephd run --config f.toml --set api.drain_seconds=5",
            "alephd export f --data d --from 7",
            "alephd rebuild --data d",
            "alephd collect --dry-run --data d --at 1800000000 --json",
            "alephd dev --nodes 5 --api 127.0.0.1:4024",
            "alephd peers --api http://127.0.0.1:4024",
            "alephd ping /ip4/127.0.0.1/tcp/4025",
            "alephd sync /ip4/127.0.0.1/tcp/4025 --data d",
            "alephd collect --dry-run --data d --at 2027-01-15T08:00:00Z",
        ] {
            Cli::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
        assert!(Cli::try_parse_from(["alephd", "run", "--set", "novalue"]).is_err());
        for time in ["yesterday", "1e99", "2027-13-01T00:00:00Z"] {
            let line = ["alephd", "collect", "--dry-run", "--at", time];
            assert!(Cli::try_parse_from(line).is_err(), "{time}");
        }
    }

    #[test]
    fn an_instant_has_two_forms() {
        assert_eq!(instant("2027-01-15T08:00:00Z"), Ok(Micros(1_800_000_000_000_000)));
        assert_eq!(instant("1800000000"), instant("2027-01-15T08:00:00+00:00"));
    }
}
