//! Several nodes on one machine: how long a message takes to all of them, how many of them arrive
//! everywhere in a second, and how fast a new node gets what another one has.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use alephd_message::Envelope;
use alephd_tasks::{Clock as _, SystemClock};
use alephd_testkit::{
    builder, keys,
    process::{Node, http::Client},
};
use serde_json::{Value, json};

use crate::{
    latency::{Latencies, millis},
    limit,
    load::Target,
    machine, publish,
};

/// Between two looks at the state of a node that is behind by thousands of messages.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The longest that anything may take.
const PATIENCE: Duration = Duration::from_secs(3_600);
/// Authors of the messages.
const AUTHORS: u64 = 50;
/// Ports that are looked at for each node: those in use are passed over.
const PORTS: u16 = 20;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The program to measure
    #[arg(long, default_value = "target/release/alephd")]
    program: PathBuf,
    /// Nodes
    #[arg(long, default_value_t = 5)]
    nodes: u16,
    /// Messages that are sent one after the other, for the latency
    #[arg(long, default_value_t = 500)]
    samples: u64,
    /// Messages that are sent at once, for the rate
    #[arg(long, default_value_t = 20_000)]
    messages: u64,
    /// A file of messages that one node has and a new one gets by comparison alone
    #[arg(long)]
    catch_up: Option<PathBuf>,
}

/// The time since it was started.
struct Stopwatch {
    clock: SystemClock,
    begin: Duration,
}

impl Stopwatch {
    fn start() -> Self {
        let clock = SystemClock::new();
        let begin = clock.monotonic();
        Self { clock, begin }
    }

    fn elapsed(&self) -> Duration {
        self.clock.monotonic().saturating_sub(self.begin)
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    println!("machine      {}, {}", machine::describe(), machine::load());
    let limit = limit::measure(limit::cores(), Duration::from_secs(3))?.mix;
    println!("L            {limit:.0}/s");
    let folder = tempfile::tempdir()?;
    spread(args, folder.path(), limit)?;
    match &args.catch_up {
        Some(file) => catch_up(&args.program, file, folder.path(), limit),
        None => Ok(()),
    }
}

fn spread(args: &Args, folder: &Path, limit: f64) -> Result<()> {
    let count = args.nodes.to_string();
    let first = Node::start_with(&args.program, &folder.join("nodes"), &["--nodes", &count])?;
    let clients = clients(&first, args.nodes)?;
    until("all nodes are connected", || {
        let peers = get(&clients[0], "/api/v0/peers")?;
        Ok(peers["peers"].as_array().map_or(0, Vec::len) + 1 >= usize::from(args.nodes))
    })?;

    let mut latencies = Latencies::default();
    for number in 0..args.samples {
        latencies.record(everywhere(&clients, &post(number))?);
    }
    let summary = latencies.summary();
    println!(
        "everywhere   {} nodes, one message at a time: p50 {}  p99 {}  max {}",
        args.nodes,
        millis(summary.p50),
        millis(summary.p99),
        millis(summary.max)
    );

    let file = folder.join("messages");
    let mut lines = fs::File::create(&file)?;
    for number in 0..args.messages {
        writeln!(lines, "{}", builder::wire(&post(args.samples + number)))?;
    }
    let target = Target::parse(&first.url())?;
    let begin = Stopwatch::start();
    let tally = publish::measure(&target, &file, 0, args.messages, 256)?;
    ensure!(tally.good == args.messages, "{:?}", tally.complaints());
    until("all nodes have one state", || {
        Ok(roots(&clients)?.windows(2).all(|two| two[0] == two[1]))
    })?;
    let rate = args.messages as f64 / begin.elapsed().as_secs_f64();
    println!(
        "sustained    {rate:.0} messages/s on each of {} nodes ({:.3} L; the first took {:.0}/s)",
        args.nodes,
        rate / limit,
        tally.rate()
    );
    ensure!(first.terminate()?.success(), "the nodes did not stop well");
    Ok(())
}

/// From the request until all nodes have processed the message.
fn everywhere(clients: &[Client], message: &Envelope) -> Result<Duration> {
    let body = format!("{{\"sync\":true,\"message\":{}}}", builder::wire(message));
    let path = format!("/api/v0/messages/{}/status", message.item_hash);
    let begin = Stopwatch::start();
    let answer = clients[0].post_json("/api/v0/messages", &body)?;
    ensure!(answer.status == 200, "{}", answer.text());
    for client in &clients[1..] {
        // Without pauses: the time between two looks is the error of the figure.
        while client.get(&path)?.status != 200 {
            ensure!(begin.elapsed() < PATIENCE, "a message did not arrive");
        }
    }
    Ok(begin.elapsed())
}

fn catch_up(program: &Path, file: &Path, folder: &Path, limit: f64) -> Result<()> {
    let data = folder.join("full");
    let status = Command::new(program)
        .args(["import", "--profile", "local", "--data"])
        .arg(&data)
        .arg(file)
        .stdout(std::process::Stdio::null())
        .status()
        .context("the program does not start")?;
    ensure!(status.success(), "the import failed");
    let full = Node::start_with(program, &data, &["--set", "p2p.gossip=false"])?;
    let full_client = full.http();
    until("it has read what it knows", || {
        Ok(get(&full_client, "/api/v0/sync/gaps")?["catch_up"]["loaded"] == true)
    })?;
    let elements = get(&full_client, "/api/v0/sync/gaps")?["catch_up"]["elements"]
        .as_u64()
        .unwrap_or_default();
    let peers = get(&full_client, "/api/v0/peers")?;
    let address = peers["listening"][0].as_str().context("it listens nowhere")?;
    let bootstrap = format!("p2p.bootstrap={address}");
    let begin = Stopwatch::start();
    let settings = ["--set", &bootstrap, "--set", "p2p.gossip=false"];
    let fresh = Node::start_with(program, &folder.join("fresh"), &settings)?;
    let clients = [full_client, fresh.http()];
    until("the new node has it all", || {
        Ok(roots(&clients)?.windows(2).all(|two| two[0] == two[1]))
    })?;
    let seconds = begin.elapsed().as_secs_f64();
    let rate = elements as f64 / seconds;
    println!(
        "catch-up     {elements} messages in {seconds:.1} s: {rate:.0}/s ({:.3} L)",
        rate / limit
    );
    Ok(())
}

fn post(number: u64) -> Envelope {
    let author = keys::evm(&format!("author-{}", number % AUTHORS));
    let content = json!({"body": format!("message {number} of a measurement of usual length, more or less")});
    builder::post(&author, "chat", content)
        .at(1_790_000_000.0 + number as f64 * 1e-3)
        .channel("BENCH")
        .seal()
}

/// The nodes of one program: the ports after that of the first, but for those that were in use.
fn clients(first: &Node, count: u16) -> Result<Vec<Client>> {
    let mut address = first.address();
    let mut clients = vec![first.http()];
    let begin = Stopwatch::start();
    while clients.len() < usize::from(count) {
        ensure!(begin.elapsed() < PATIENCE, "not all nodes answer");
        clients.truncate(1);
        for step in 1..=PORTS {
            address.set_port(first.address().port() + step);
            let client = Client::new(address);
            if client
                .get("/api/v0/state/root")
                .is_ok_and(|answer| answer.status == 200)
            {
                clients.push(client);
            }
        }
        clients.truncate(usize::from(count));
        thread::sleep(LOOK_EVERY);
    }
    Ok(clients)
}

fn roots(clients: &[Client]) -> Result<Vec<Value>> {
    let root = |client: &Client| Ok(get(client, "/api/v0/state/root")?["live"].clone());
    clients.iter().map(root).collect()
}

fn get(client: &Client, path: &str) -> Result<Value> {
    Ok(client.get(path)?.json()?)
}

fn until(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let begin = Stopwatch::start();
    while !holds()? {
        ensure!(begin.elapsed() < PATIENCE, "in vain: {what}");
        thread::sleep(LOOK_EVERY);
    }
    Ok(())
}
