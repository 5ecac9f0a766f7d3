//! How fast a file goes from one node to another, beside what a bare TCP connection carries.
//!
//! ```text
//! cargo run -p alephd-sync --example exchange_speed [MiB [pieces in the window]]
//! ```
//!
//! Everything is on loopback within one process:
//!
//! - `tcp`: bytes from memory, read and thrown away;
//! - `folder`: bytes from memory into a folder of blobs, hashed and synced: what any way must do;
//! - `exchange`: the protocol on a bare TCP connection, from a folder to a folder, hashed and synced;
//! - `hosts`: the same between two peer-to-peer hosts, so encrypted and multiplexed.

#![expect(clippy::disallowed_methods, reason = "a measurement")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

use std::{net::SocketAddr, sync::Arc, time::Instant};

use alephd_blobs::{BlobName, Blobs};
use alephd_content::Content;
use alephd_message::ItemHash;
use alephd_net::{Identity, Net, NetConfig};
use alephd_store::BlockIndex;
use alephd_sync::{
    exchange::{Exchange, ExchangeConfig, Fault, Holders, NetHolders, ServeLimits, Server},
    fetch::Demand,
};
use alephd_tasks::{SystemClock, Tasks};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt as _};

const ROUNDS: usize = 3;

struct Tcp(SocketAddr);

impl Holders for Tcp {
    type Peer = SocketAddr;
    type Stream = Compat<TcpStream>;

    fn peers(&self) -> Vec<SocketAddr> {
        vec![self.0]
    }

    async fn open(&self, peer: &SocketAddr) -> Result<Self::Stream, String> {
        let stream = TcpStream::connect(peer)
            .await
            .map_err(|error| error.to_string())?;
        stream.set_nodelay(true).unwrap();
        Ok(stream.compat())
    }

    fn report(&self, _: &SocketAddr, fault: Fault) {
        panic!("{fault:?}");
    }
}

async fn folder() -> (tempfile::TempDir, Content) {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open_folder(folder.path()).await.unwrap();
    (folder, Content::new(blobs, BlockIndex::in_memory().unwrap()))
}

async fn put(content: &Content, size: usize) -> ItemHash {
    let mut writer = content.blobs().writer_sha256(u64::MAX);
    let mut state = 1_u64;
    let mut piece = vec![0; 1 << 20];
    for _ in 0..size >> 20 {
        for bytes in piece.chunks_exact_mut(8) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            bytes.copy_from_slice(&state.to_le_bytes());
        }
        writer.write(&piece).await.unwrap();
    }
    writer.finish(BlobName::Sha256).await.unwrap().name
}

/// The best of some rounds: bytes a second, and seconds of all cores for a gigabyte, which says more on
/// a machine that does other things too.
#[derive(Clone, Copy)]
struct Speed {
    bytes: f64,
    cores: f64,
}

/// Rounds of something that moves `size` bytes.
struct Rounds {
    size: usize,
    start: (Instant, f64),
    best: Speed,
}

impl Rounds {
    fn new(size: usize) -> Self {
        Self {
            size,
            start: (Instant::now(), cpu()),
            best: Speed {
                bytes: 0.0,
                cores: f64::INFINITY,
            },
        }
    }

    fn begin(&mut self) {
        self.start = (Instant::now(), cpu());
    }

    fn end(&mut self) {
        let (start, cpu_start) = self.start;
        let size = self.size as f64;
        self.best.bytes = self.best.bytes.max(size / start.elapsed().as_secs_f64());
        self.best.cores = self.best.cores.min((cpu() - cpu_start) / size * 1e9);
    }
}

/// Seconds that all threads of this process have run, from the hundredths that Linux counts.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split(' ');
    let ticks = fields.skip(12).take(2).map(|field| field.parse().unwrap_or(0.0));
    ticks.sum::<f64>() / 100.0
}

fn config() -> ExchangeConfig {
    let window = std::env::args().nth(2).map(|text| text.parse().unwrap());
    let default = ExchangeConfig::default();
    ExchangeConfig {
        window: window.unwrap_or(default.window),
        ..default
    }
}

async fn tcp(size: usize) -> Speed {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut rounds = Rounds::new(size);
    for _ in 0..ROUNDS {
        let sending = tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let piece = vec![7; 256 * 1024];
            for _ in 0..size / piece.len() {
                stream.write_all(&piece).await.unwrap();
            }
        });
        let (mut stream, _) = listener.accept().await.unwrap();
        rounds.begin();
        let mut into = vec![0; 256 * 1024];
        let mut total = 0;
        while total < size {
            total += stream.read(&mut into).await.unwrap();
        }
        rounds.end();
        sending.await.unwrap();
    }
    rounds.best
}

async fn local(size: usize) -> Speed {
    let mut rounds = Rounds::new(size);
    for _ in 0..ROUNDS {
        let (_folder, content) = folder().await;
        let mut writer = content.blobs().writer_sha256(u64::MAX);
        let piece = vec![7; 1 << 20];
        rounds.begin();
        for _ in 0..size >> 20 {
            writer.write(&piece).await.unwrap();
        }
        writer.finish(BlobName::Sha256).await.unwrap();
        rounds.end();
    }
    rounds.best
}

async fn fetch(exchange: &Exchange<impl Holders>, mine: &Content, name: &ItemHash, size: usize) -> Speed {
    let demand = Demand {
        name: name.clone(),
        file_limit: u64::MAX,
        archive_limit: 0,
    };
    let mut rounds = Rounds::new(size);
    for _ in 0..ROUNDS {
        rounds.begin();
        exchange.fetch(&demand).await.unwrap();
        rounds.end();
        mine.blobs().delete(name).await.unwrap();
    }
    rounds.best
}

async fn host(tasks: &Tasks) -> Net {
    let config = NetConfig {
        listen: vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()],
        ..NetConfig::default()
    };
    let (net, _) = Net::start(Identity::generate(), config, Arc::new(SystemClock::new()), tasks)
        .await
        .unwrap();
    net
}

#[tokio::main]
async fn main() {
    let size: usize = std::env::args().nth(1).map_or(256, |text| text.parse().unwrap()) << 20;
    let (_theirs, theirs) = folder().await;
    let (_mine, mine) = folder().await;
    let name = put(&theirs, size).await;
    let server = Server::new(theirs.blobs().clone(), ServeLimits::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            let server = server.clone();
            tokio::spawn(async move { server.serve(&peer, stream.compat()).await });
        }
    });
    let raw = tcp(size).await;
    let folder = local(size).await;
    let bare = Exchange::new(Tcp(address), mine.clone(), config());
    let bare = fetch(&bare, &mine, &name, size).await;

    let tasks = Tasks::new();
    let (asker, holder) = (host(&tasks).await, host(&tasks).await);
    let server = Server::new(theirs.blobs().clone(), ServeLimits::default());
    server.start(&holder, &tasks).unwrap();
    let mut events = asker.events();
    asker.dial(holder.listening()[0].clone()).await.unwrap();
    let holders = NetHolders::new(asker);
    while holders.peers().is_empty() {
        events.recv().await.unwrap();
    }
    let hosts = Exchange::new(holders, mine.clone(), config());
    let hosts = fetch(&hosts, &mine, &name, size).await;
    let again = tcp(size).await;
    let raw = if again.bytes > raw.bytes { again } else { raw };
    let all = [
        ("tcp", raw),
        ("folder", folder),
        ("exchange", bare),
        ("hosts", hosts),
    ];
    for (what, speed) in all {
        let (megabytes, part) = (speed.bytes / 1e6, speed.bytes / raw.bytes);
        let cores = speed.cores;
        println!("{what:10} {megabytes:8.0} MB/s   {part:.2} of tcp   {cores:.2} core seconds for a GB");
    }
    std::process::exit(0);
}
