//! Against Helia and Kubo. `tests/peers/ipfs/install.sh` puts them into a folder and prints its name for
//! the variable.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use alephd_cid::{AnyCid, CHUNK_SIZE, FileBuilder, Layout};
use alephd_content::Content;
use alephd_net::{Identity, Multiaddr, Net, NetConfig};
use alephd_sync::bitswap::{Bitswap, BitswapLimits, FetchError, FetchLimits};
use alephd_tasks::{SystemClock, Tasks};
use alephd_unixfs::Kind;
use serde_json::{Value, json};

use super::{
    mesh::{Storage, storage},
    trees::{Tree, add_file, name, pattern, read},
};

/// Another implementation as a process.
struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    ready: Value,
}

impl Peer {
    fn start(folder: &Path, command: &str) -> Self {
        let mut child = Command::new(folder.join(command))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the installed command");
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut peer = Self {
            child,
            input,
            output,
            ready: Value::Null,
        };
        peer.ready = peer.line();
        assert_eq!(peer.ready["event"], "ready");
        peer
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        tokio::task::block_in_place(|| self.output.read_line(&mut line)).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn try_ask(&mut self, mut command: Value) -> Result<Value, String> {
        command["id"] = json!(1);
        writeln!(self.input, "{command}").unwrap();
        let answer = self.line();
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["ok"].clone()),
        }
    }

    fn ask(&mut self, command: Value) -> Value {
        self.try_ask(command.clone())
            .unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    fn add(&mut self, path: &Path, like: &str) -> AnyCid {
        let added = self.ask(json!({ "command": "add", "path": path, "like": like }));
        added["cid"].as_str().unwrap().parse().unwrap()
    }

    /// Where it listens for this transport.
    fn address(&self, websocket: bool) -> Multiaddr {
        let addresses = self.ready["addresses"].as_array().unwrap().iter();
        let mut texts = addresses.map(|address| address.as_str().unwrap());
        let text = texts.find(|text| text.contains("/ws") == websocket).unwrap();
        let text = text.split("/p2p/").next().unwrap();
        format!("{text}/p2p/{}", self.ready["peer"].as_str().unwrap())
            .parse()
            .unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A node of ours with sockets.
struct Site {
    net: Net,
    bitswap: Bitswap,
    content: Content,
    tasks: Tasks,
    _storage: Storage,
}

impl Site {
    async fn start() -> Self {
        let (storage, tasks) = (storage().await, Tasks::new());
        let clock = Arc::new(SystemClock::new());
        let config = NetConfig {
            listen: ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws"]
                .map(|text| text.parse().unwrap())
                .to_vec(),
            ..NetConfig::default()
        };
        let started = Net::start(Identity::generate(), config, clock.clone(), &tasks).await;
        let (net, _) = started.unwrap();
        let content = storage.content.clone();
        let limits = BitswapLimits::default();
        let bitswap = Bitswap::start(&net, content.clone(), limits, clock, &tasks).unwrap();
        Self {
            net,
            bitswap,
            content,
            tasks,
            _storage: storage,
        }
    }

    fn address(&self, websocket: bool) -> String {
        let listening = self.net.listening();
        let mut texts = listening.iter().map(Multiaddr::to_string);
        let text = texts.find(|text| text.contains("/ws") == websocket).unwrap();
        let peer = self.net.local_peer();
        format!("{}/p2p/{peer}", text.split("/p2p/").next().unwrap())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        assert_eq!(self.tasks.worker_panics(), 0);
        self.tasks.cancel();
    }
}

/// The peer, if it is installed.
fn installed(test: &str, command: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("ALEPHD_IPFS_PEERS").map(PathBuf::from) else {
        alephd_testkit::process::skip(test, "ALEPHD_IPFS_PEERS is not set");
        return None;
    };
    if !folder.join(command).exists() {
        alephd_testkit::process::skip(test, "it could not be installed here");
        return None;
    }
    Some(folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn helia_and_we_fetch_from_each_other() {
    let Some(folder) = installed("bitswap::peers::helia_and_we_fetch_from_each_other", "helia") else {
        return;
    };
    for websocket in [false, true] {
        let (mut peer, site) = (Peer::start(&folder, "helia"), Site::start().await);
        peer.ask(json!({ "command": "connect", "address": site.address(websocket) }));
        they_fetch(&mut peer, &site).await;
        we_fetch(&mut peer, &site).await;
        we_fetch_unusual(&mut peer, &site).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kubo_and_we_fetch_from_each_other() {
    let Some(folder) = installed("bitswap::peers::kubo_and_we_fetch_from_each_other", "kubo") else {
        return;
    };
    for websocket in [false, true] {
        let (mut peer, site) = (Peer::start(&folder, "kubo"), Site::start().await);
        site.net.dial(peer.address(websocket)).await.unwrap();
        we_fetch(&mut peer, &site).await;
        they_fetch(&mut peer, &site).await;
    }
}

async fn they_fetch(peer: &mut Peer, site: &Site) {
    let folder = tempfile::tempdir().unwrap();
    let mut fetch = |cid: &AnyCid| {
        let to = folder.path().join(cid.to_string());
        peer.ask(json!({ "command": "fetch", "cid": cid.to_string(), "to": to }));
        to
    };
    for size in [0, 100, 5 * CHUNK_SIZE + 1, 200 * CHUNK_SIZE] {
        let bytes = pattern(size);
        let cid = add_file(&site.content, &bytes).await;
        assert!(fs::read(fetch(&cid)).unwrap() == bytes, "{size} bytes");
    }
    let video = pattern(3 * CHUNK_SIZE + 5);
    let tree = Tree::directory(&[("index.html", b"<h1>hello</h1>"), ("media/video", &video)]);
    tree.import(&site.content).await;
    let to = fetch(&tree.root);
    assert_eq!(fs::read(to.join("index.html")).unwrap(), b"<h1>hello</h1>");
    assert!(fs::read(to.join("media/video")).unwrap() == video);
    let unusual = Tree::file(FileBuilder::with_sizes(Layout::V0, 100_000, 3), &video);
    unusual.import(&site.content).await;
    assert!(fs::read(fetch(&unusual.root)).unwrap() == video);
}

/// Bytes that share no chunk with those of ours.
fn theirs(size: usize) -> Vec<u8> {
    pattern(size).iter().map(|byte| !byte).collect()
}

/// Chunks of a megabyte, as Helia cuts files by itself.
async fn we_fetch_unusual(peer: &mut Peer, site: &Site) {
    let folder = tempfile::tempdir().unwrap();
    let (bytes, path) = (theirs(3 << 20), folder.path().join("file"));
    fs::write(&path, &bytes).unwrap();
    let cid = peer.add(&path, "helia");
    let facts = site.bitswap.fetch(&cid, FetchLimits::default()).await.unwrap();
    assert_eq!((facts.kind, facts.size), (Kind::File, bytes.len() as u64));
    assert!(read(&site.content, &format!("/ipfs/{cid}")).await == bytes);
}

async fn we_fetch(peer: &mut Peer, site: &Site) {
    let folder = tempfile::tempdir().unwrap();
    for size in [0, 100, 5 * CHUNK_SIZE + 1, 200 * CHUNK_SIZE] {
        let (bytes, path) = (theirs(size), folder.path().join("file"));
        fs::write(&path, &bytes).unwrap();
        let cid = peer.add(&path, "kubo");
        let before = site.bitswap.stats();
        let facts = site.bitswap.fetch(&cid, FetchLimits::default()).await;
        let facts = facts.unwrap_or_else(|error| panic!("{size} bytes: {error}"));
        assert_eq!((facts.kind, facts.size), (Kind::File, bytes.len() as u64));
        // Cut as we do, so it is kept as it is.
        assert!(
            site.content
                .blobs()
                .read_all(&name(&cid), u64::MAX)
                .await
                .unwrap()
                == bytes
        );
        // Earlier files are the beginning of later ones, but for their last chunk.
        let least = (size / CHUNK_SIZE).saturating_sub(5) * CHUNK_SIZE;
        assert!(site.bitswap.stats().bytes_received - before.bytes_received >= least as u64);
    }
    let (tree, video) = (folder.path().join("tree"), theirs(2 * CHUNK_SIZE + 11));
    fs::create_dir_all(tree.join("media")).unwrap();
    fs::write(tree.join("index.html"), "<h1>hello</h1>").unwrap();
    fs::write(tree.join("media/video"), &video).unwrap();
    let cid = peer.add(&tree, "kubo");
    let facts = site.bitswap.fetch(&cid, FetchLimits::default()).await.unwrap();
    assert_eq!(facts.kind, Kind::Directory);
    assert!(read(&site.content, &format!("/ipfs/{cid}/media/video")).await == video);

    let nowhere = Tree::file(FileBuilder::new(Layout::V0), b"nowhere to be found").root;
    let limits = FetchLimits {
        idle: Duration::from_secs(2),
        ..FetchLimits::default()
    };
    let refused = site.bitswap.fetch(&nowhere, limits).await;
    assert!(matches!(refused, Err(FetchError::NotFound)), "{refused:?}");
}
