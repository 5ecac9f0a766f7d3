//! Clients that mean harm, and an honest one beside them that must not notice.
//!
//! Nothing here is timed. The honest client has to be answered, however long it takes, while the
//! others hold what they hold; and the memory of the node has a bound.

mod requests;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    path::Path,
    process::{Command, Stdio},
};

use alephd_testkit::{process::Node, workload::Accounts};

use self::requests::{Attack, Expected};
use super::{
    Folder,
    client::{Answer, Client},
    compile, program,
    traffic::{self, Message, Traffic},
};

/// What all attacks together may add to the resident memory: the node's budget for bodies, twice
/// since buffers grow by doubling, some ten kilobytes for each connection of the crowd, and room.
const GROWTH: u64 = 512 << 20;
/// Exchanges of the honest client during each attack.
const EXCHANGES: usize = 8;
/// Connections that dribble: enough to fill any small pool of threads or slots.
const SLOW: usize = 400;
/// Connections that stop within a large body.
const STALLED: usize = 600;
/// Bytes of such a body that are sent: just below what a message may have.
const STALLED_BYTES: usize = 1_000_000;
/// Idle connections, if the limit of open files allows for them.
const CROWD: usize = 8_000;
/// Idle connections otherwise.
const SMALL_CROWD: usize = 2_000;

/// The honest client.
struct Honest<'a> {
    client: Client,
    traffic: Traffic<'a>,
    last: Option<Message>,
}

impl Honest<'_> {
    /// One of each: publish, look at it, list.
    fn exchange(&mut self, during: &str) {
        let message = self.traffic.take(1).remove(0);
        let path = format!("/api/v0/messages/{}", message.hash);
        let published = self.client.publish(&message.wire).unwrap();
        assert_eq!(published.status, 200, "{during}: {}", published.text());
        for path in [
            path.as_str(),
            "/api/v0/messages.json?pagination=20",
            "/api/v0/state/root",
        ] {
            let answer = self.client.get(path).unwrap();
            assert_eq!(answer.status, 200, "{during}: {path}: {}", answer.text());
        }
        self.last = Some(message);
    }

    fn exchanges(&mut self, during: &str) {
        for _ in 0..EXCHANGES {
            self.exchange(during);
        }
    }
}

#[test]
fn others_do_not_notice() {
    let (program, folder) = (program(), Folder::new());
    let node = Node::start(&program, &folder.path().join("data")).unwrap();
    let config = traffic::config(1, 4_000);
    let accounts = Accounts::new(&config);
    let mut setup = Client::connect(node.address()).unwrap();
    for upload in traffic::Upload::named() {
        assert_eq!(setup.upload(&upload.bytes.make()).unwrap().status, 200);
    }
    let mut honest = Honest {
        client: Client::connect(node.address()).unwrap(),
        traffic: Traffic::new(&accounts, &config),
        last: None,
    };
    // Caches fill once, whoever comes.
    for _ in 0..100 {
        honest.exchange("nothing");
    }
    let before = node.memory().unwrap().resident;
    let report = |attack: &str| {
        let memory = node.memory().unwrap();
        println!(
            "drill::hostile: after {attack}: {} MiB resident, {} MiB at most, from {} MiB",
            memory.resident >> 20,
            memory.peak >> 20,
            before >> 20
        );
        assert!(
            memory.peak < before + GROWTH,
            "{attack}: {memory:?}, before {before}"
        );
    };

    bad_requests(node.address(), &mut honest);
    report("bad requests");
    slow_heads(node.address(), &mut honest);
    report("slow heads");
    slow_bodies(node.address(), &mut honest);
    report("slow bodies");
    crowd(node.address(), &mut honest, folder.path());
    report("the crowd");
    stalled_bodies(node.address(), &mut honest);
    report("stalled bodies");
    assert!(node.terminate().unwrap().success(), "a clean stop");
}

/// Each is answered with what it deserves, and the connection of nobody else suffers.
fn bad_requests(node: SocketAddr, honest: &mut Honest<'_>) {
    let good = honest.last.clone().unwrap();
    let mut mistakes = Vec::new();
    for Attack {
        name,
        request,
        expected,
    } in requests::all(&good.wire)
    {
        let refused = |status: u16| (400..500).contains(&status);
        match expected {
            Expected::Status(_) | Expected::Refused => {
                let answer = Client::connect(node).unwrap().exchange(&request);
                let answer = answer.unwrap_or_else(|error| Answer {
                    status: 0,
                    body: format!("no answer: {error}").into_bytes(),
                });
                let right = match expected {
                    Expected::Status(wanted) => answer.status == wanted,
                    _ => refused(answer.status),
                };
                if !right {
                    mistakes.push(format!("{name}: {} {}", answer.status, answer.text()));
                }
            }
            Expected::RefusedOrClosed => {
                let mut stream = TcpStream::connect(node).unwrap();
                let mut answer = Vec::new();
                // The node may close before it has read everything.
                let _ = stream
                    .write_all(&request)
                    .and_then(|()| stream.shutdown(Shutdown::Write));
                let _ = stream.read_to_end(&mut answer);
                let answer = String::from_utf8_lossy(&answer);
                let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
                if !status.is_none_or(refused) {
                    mistakes.push(format!("{name}: {answer}"));
                }
            }
        }
        honest.exchange(name);
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

/// Requests whose heads never end, a byte at a time.
fn slow_heads(node: SocketAddr, honest: &mut Honest<'_>) {
    let mut slow = connections(node, SLOW, b"GET /api/v0/version HTTP/1.1\r\nhost: x\r\nx-slow: ");
    dribble(&mut slow, honest, "slow heads", b'a');
}

/// Requests whose bodies never end, a byte at a time.
fn slow_bodies(node: SocketAddr, honest: &mut Honest<'_>) {
    for path in [
        "/api/v0/messages",
        "/api/v0/storage/add_file",
        "/api/v0/storage/add_json",
    ] {
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n[");
        let mut slow = connections(node, SLOW, head.as_bytes());
        dribble(&mut slow, honest, path, b' ');
    }
}

/// Large bodies that stop before their end: what the node has of them must not pile up.
fn stalled_bodies(node: SocketAddr, honest: &mut Honest<'_>) {
    let length = STALLED_BYTES + 1;
    let head = format!("POST /api/v0/messages HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
    let mut request = head.into_bytes();
    request.resize(request.len() + STALLED_BYTES, b' ');
    let mut stalled = Vec::new();
    for _ in 0..STALLED {
        let mut stream = TcpStream::connect(node).unwrap();
        // The node may refuse some; that is its right.
        let _ = stream.write_all(&request);
        stalled.push(stream);
    }
    honest.exchanges("stalled bodies");
}

/// Connections from another process that say nothing.
fn crowd(node: SocketAddr, honest: &mut Honest<'_>, folder: &Path) {
    let binary = folder.join("crowd");
    if compile("drill::hostile (crowd)", "crowd.c", &[], &binary).is_none() {
        return;
    }
    // The node uses three quarters of its descriptors for connections.
    let room = open_files().saturating_mul(3) / 4;
    let count = if room > CROWD + 1_000 { CROWD } else { SMALL_CROWD };
    let mut crowd = Command::new(binary)
        .args([node.port().to_string(), count.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let output = crowd.stdout.take().unwrap();
    BufReader::new(output).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), count.to_string(), "connections of the crowd");
    honest.exchanges("the crowd");
    // One that comes later than the crowd.
    let mut late = Client::connect(node).unwrap();
    assert_eq!(late.get("/api/v0/version").unwrap().status, 200);
    drop(crowd.stdin.take());
    assert!(crowd.wait().unwrap().success());
    honest.exchanges("the end of the crowd");
}

fn connections(node: SocketAddr, count: usize, beginning: &[u8]) -> Vec<TcpStream> {
    let open = || {
        let mut stream = TcpStream::connect(node).unwrap();
        stream.write_all(beginning).unwrap();
        stream
    };
    std::iter::repeat_with(open).take(count).collect()
}

/// A byte from each of `slow` between the exchanges of `honest`.
fn dribble(slow: &mut [TcpStream], honest: &mut Honest<'_>, during: &str, byte: u8) {
    for _ in 0..EXCHANGES {
        for stream in slow.iter_mut() {
            // Being closed is what they deserve.
            let _ = stream.write_all(&[byte]);
        }
        honest.exchange(during);
    }
}

/// The limit of open files of this process, which the node inherits and raises to the hard one.
fn open_files() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    // "Max open files  SOFT  HARD  files"
    let hard = line.and_then(|line| line.split_whitespace().nth(4)?.parse().ok());
    hard.unwrap_or(1_024)
}
