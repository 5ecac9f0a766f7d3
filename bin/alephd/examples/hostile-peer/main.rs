//! A peer that means harm: it speaks libp2p well and everything above it badly.
//!
//!     hostile-peer ATTACK TOPIC ADDRESS...
//!
//! Attacks the nodes at these addresses of libp2p, the first of which is the victim, until its input
//! ends or it gets SIGTERM, and then says in JSON what it did. `tests/drill-partition --hostile` runs it;
//! what needs no libp2p is in `tests/drill/attacks.py`. Everything here is what anybody can do who
//! reaches the port: keys are made up on the way, and a name that was banned is followed by a new one.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool of the drills: it fails loudly, and its output is its report"
)]

mod wrong;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use alephd_message::{Envelope, Micros};
use alephd_net::{GossipInbox, Identity, Limits, Multiaddr, Net, NetConfig, PeerId, StreamProtocol};
use alephd_peer_protocol::{catchup, exchange, gossip};
use alephd_tasks::{SystemClock, Tasks};
use alephd_testkit::{
    builder::{self, wire},
    copies, keys,
    rng::Rng,
};
use futures_util::{AsyncWriteExt as _, StreamExt as _, future::join_all};
use serde_json::json;

/// Names that `sybil` and `stall` use at a time: many times what one address gets.
const CROWD: u64 = 64;
/// Seconds since the epoch: before files cost anything.
const START: f64 = 1_735_700_000.0;
/// Pause where an attack would otherwise spin.
const BREATH: Duration = Duration::from_millis(20);
/// After a flood met a full queue of its own host.
const FULL: Duration = Duration::from_millis(1);
/// How long a dribbling stream waits between two bytes.
const DRIBBLE: Duration = Duration::from_millis(500);
/// A piece of rubbish.
const PIECE: usize = 64 << 10;

/// Protocols that a node answers.
const PROTOCOLS: [&str; 9] = [
    catchup::PROTOCOL,
    exchange::PROTOCOL,
    "/ipfs/bitswap/1.2.0",
    "/meshsub/1.1.0",
    "/meshsub/1.0.0",
    "/ipfs/kad/1.0.0",
    "/ipfs/id/1.0.0",
    "/ipfs/id/push/1.0.0",
    "/ipfs/ping/1.0.0",
];

/// What was done so far.
#[derive(Clone)]
struct Counts {
    done: Arc<Mutex<BTreeMap<&'static str, u64>>>,
    /// The attack has begun when this was done once.
    begins: &'static str,
}

impl Counts {
    fn add(&self, what: &'static str, count: u64) {
        let mut done = self.done.lock().unwrap();
        let sum = done.entry(what).or_default();
        if what == self.begins && *sum == 0 && count > 0 {
            println!("begun");
        }
        *sum += count;
    }
}

struct Attacker {
    topic: String,
    victims: Vec<Multiaddr>,
    counts: Counts,
    tasks: Tasks,
}

/// One name under which the attacker appears.
struct Mask {
    net: Net,
    /// Gossip that comes is not read: a full one holds up nothing but what this name is sent.
    _inbox: GossipInbox,
    tasks: Tasks,
}

impl Drop for Mask {
    fn drop(&mut self) {
        self.tasks.cancel();
    }
}

impl Mask {
    async fn new(topic: &str) -> Self {
        let config = NetConfig {
            topics: vec![topic.to_owned()],
            // It calls itself one of those that promise to judge, and does not.
            limits: Limits {
                gossip_per_second: 1_000_000,
                ..Limits::default()
            },
            ..NetConfig::default()
        };
        let tasks = Tasks::new();
        let clock = Arc::new(SystemClock::new());
        let (net, inbox) = Net::start(Identity::generate(), config, clock, &tasks)
            .await
            .expect("a host that listens nowhere starts");
        Self {
            net,
            _inbox: inbox,
            tasks,
        }
    }
}

impl Attacker {
    /// A new name that is connected with `victims`, as far as they want.
    async fn mask(&self, victims: &[Multiaddr]) -> (Mask, Vec<PeerId>) {
        let mask = Mask::new(&self.topic).await;
        let peers = self.dial(&mask, victims).await;
        (mask, peers)
    }

    async fn dial(&self, mask: &Mask, victims: &[Multiaddr]) -> Vec<PeerId> {
        let dials = victims.iter().map(|victim| mask.net.dial(victim.clone()));
        let dialled = join_all(dials).await;
        let peers: Vec<PeerId> = dialled.into_iter().flatten().collect();
        self.counts.add("names", 1);
        self.counts.add("connections", peers.len() as u64);
        if peers.is_empty() {
            tokio::time::sleep(BREATH * 5).await;
        }
        peers
    }

    /// Publishes what `next` makes, as fast as it goes; a new name follows each that was banned.
    async fn flood(&self, mut next: impl FnMut() -> Vec<u8>) {
        loop {
            let (mask, peers) = self.mask(&self.victims[..1]).await;
            let mut failures = 0_u32;
            while peers.iter().any(|peer| mask.net.is_connected(peer)) {
                match mask.net.publish(&self.topic, next()).await {
                    Ok(()) => self.counts.add("messages", 1),
                    Err(error) => {
                        if failures == 0 {
                            eprintln!("not sent: {error}");
                        }
                        failures += 1;
                        tokio::time::sleep(FULL).await;
                    }
                }
            }
        }
    }

    /// Good messages of accounts that never end.
    async fn flood_valid(&self) {
        let mut number = 0_u64;
        self.flood(move || {
            number += 1;
            let key = keys::solana(&format!("flood-{}", number % 16));
            let post = builder::post(&key, "flood", json!({ "n": number }));
            payload(&post.at(START + number as f64 / 1e3).seal())
        })
        .await;
    }

    /// Messages that somebody else should have signed, and such as are none.
    async fn flood_invalid(&self) {
        let mut number = 0_u64;
        let eve = keys::solana("eve");
        self.flood(move || {
            number += 1;
            let victim = keys::solana("victim");
            let post = builder::post(&victim, "forged", json!({ "n": number }));
            match number % 3 {
                0 => format!("{{\"no\": \"message\", \"n\": {number}}}").into_bytes(),
                _ => payload(&copies::forged(&post.at(START).seal(), &eve)),
            }
        })
        .await;
    }

    /// Different things to different nodes: copies of one message that differ where nothing is
    /// signed, two values of one field at one time, an amend here and a FORGET there.
    async fn equivocate(&self) {
        let half = self.victims.len() / 2;
        let (left, near) = self.mask(&self.victims[..half]).await;
        let (right, far) = self.mask(&self.victims[half..]).await;
        assert!(!near.is_empty() && !far.is_empty(), "nobody to tell anything");
        let key = keys::evm("janus");
        for number in 0_u64.. {
            let time = START + number as f64;
            let post = builder::post(&key, "two", json!({ "n": number })).at(time).seal();
            let other = copies::with_high_s(&post).expect("of an EVM account");
            let other = copies::with_channel(&other, Some("ELSEWHERE"));
            let other = copies::with_time(&other, Micros(((time + 3_600.0) * 1e6) as i64));
            let field = |value: &str| {
                let content = json!({ "field": value });
                builder::aggregate(&key, &format!("k{}", number % 8), content)
                    .at(time)
                    .seal()
            };
            let hash = &post.item_hash;
            let amend = builder::amend(&key, hash, json!({ "n": "other" }))
                .at(time + 1.0)
                .seal();
            let forget = builder::forget(&key, std::slice::from_ref(hash))
                .at(time + 1.0)
                .seal();
            let lies = [(&post, &other), (&field("one"), &field("two")), (&amend, &forget)];
            for (here, there) in lies {
                self.tell(&left, here).await;
                self.tell(&right, there).await;
                self.counts.add("contradictions", 1);
            }
            tokio::time::sleep(BREATH).await;
        }
    }

    async fn tell(&self, mask: &Mask, envelope: &Envelope) {
        // Nobody in the mesh yet, or a full queue: what the others say is all there is then.
        if mask.net.publish(&self.topic, payload(envelope)).await.is_ok() {
            self.counts.add("messages", 1);
        }
    }

    /// Says to have every file there is, and sends other bytes.
    async fn wrong_blobs(&self) {
        loop {
            let mask = Mask::new(&self.topic).await;
            // Before the first connection, which is told what is spoken here.
            let mut streams = mask
                .net
                .accept(protocol(exchange::PROTOCOL))
                .expect("accepted once");
            let known = self.dial(&mask, &self.victims).await;
            let ask = async {
                while let Some((_, stream)) = streams.next().await {
                    let counts = self.counts.clone();
                    mask.tasks.spawn_worker("lie", async move {
                        let _ = wrong::lie(stream, &counts).await;
                    });
                }
            };
            let watch = async {
                while known.iter().any(|peer| mask.net.is_connected(peer)) {
                    tokio::time::sleep(BREATH).await;
                }
            };
            tokio::select! { () = ask => {}, () = watch => self.counts.add("bans", 1) }
        }
    }

    /// Answers and asks what is no reconciliation.
    async fn garbage_sync(&self) {
        let mut rng = Rng::new(7);
        loop {
            let mask = Mask::new(&self.topic).await;
            let mut streams = mask
                .net
                .accept(protocol(catchup::PROTOCOL))
                .expect("accepted once");
            let peers = self.dial(&mask, &self.victims).await;
            let answer = async {
                while let Some((_, stream)) = streams.next().await {
                    let (counts, seed) = (self.counts.clone(), rng.bits());
                    counts.add("answers", 1);
                    mask.tasks.spawn_worker("garbage", async move {
                        let _ = wrong::garbage(stream, seed).await;
                    });
                }
            };
            let ask = async {
                let mut seed = 0;
                while peers.iter().any(|peer| mask.net.is_connected(peer)) {
                    for peer in &peers {
                        seed += 1;
                        if let Ok(stream) = mask.net.open(*peer, protocol(catchup::PROTOCOL)).await {
                            self.counts.add("questions", 1);
                            let _ = wrong::garbage(stream, seed).await;
                        }
                    }
                    tokio::time::sleep(BREATH).await;
                }
            };
            tokio::select! { () = answer => {}, () = ask => self.counts.add("bans", 1) }
        }
    }

    /// Frames as large as can be, and such as say to be larger.
    async fn giant_frames(&self) {
        let heads: [&[u8]; 4] = [
            // Four gibibytes in four bytes, 2^63 as a varint, and the most that each protocol has.
            &[0xff; 4],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
            &[0, 0x40, 0, 0],
            &[0x80, 0x80, 0x10],
        ];
        let piece = vec![0x5a; PIECE];
        loop {
            let (mask, peers) = self.mask(&self.victims[..1]).await;
            for number in 0.. {
                let Some(peer) = peers.first().filter(|peer| mask.net.is_connected(peer)) else {
                    break;
                };
                let rubbish = vec![b'%'; 262_000 - number % 1_000];
                if mask.net.publish(&self.topic, rubbish).await.is_ok() {
                    self.counts.add("messages", 1);
                }
                let name = PROTOCOLS[number % PROTOCOLS.len()];
                let head = heads[number / PROTOCOLS.len() % heads.len()];
                let Ok(mut stream) = mask.net.open(*peer, protocol(name)).await else {
                    continue;
                };
                self.counts.add("streams", 1);
                let send = async {
                    stream.write_all(head).await?;
                    // Four mebibytes, if they are taken.
                    for _ in 0..64 {
                        stream.write_all(&piece).await?;
                        self.counts.add("bytes", PIECE as u64);
                    }
                    stream.close().await
                };
                let _ = tokio::time::timeout(DRIBBLE, send).await;
            }
        }
    }

    /// Opens every stream there is under every name there may be, and says next to nothing on them; and
    /// takes the sessions that are opened with it, and says nothing at all.
    async fn stall(&self) {
        join_all((0..CROWD).map(|_| self.stall_as_one())).await;
    }

    async fn stall_as_one(&self) {
        loop {
            let mask = Mask::new(&self.topic).await;
            let mut sessions = mask
                .net
                .accept(protocol(catchup::PROTOCOL))
                .expect("accepted once");
            let counts = self.counts.clone();
            mask.tasks.spawn_worker("silence", async move {
                let mut held = Vec::new();
                while let Some(session) = sessions.next().await {
                    counts.add("sessions", 1);
                    held.push(session);
                }
            });
            let peers = self.dial(&mask, &self.victims[..1]).await;
            let Some(peer) = peers.first() else { continue };
            let mut streams = Vec::new();
            for name in PROTOCOLS.iter().cycle().take(4 * PROTOCOLS.len()) {
                if let Ok(stream) = mask.net.open(*peer, protocol(name)).await {
                    streams.push(stream);
                }
            }
            self.counts.add("streams", streams.len() as u64);
            let mut written = 0_u8;
            while mask.net.is_connected(peer) && !streams.is_empty() {
                for mut stream in std::mem::take(&mut streams) {
                    // The length of a small frame, then its bytes one at a time.
                    let byte = if written < 3 { 0 } else { 0x40 };
                    let dribble = async {
                        stream.write_all(&[byte]).await?;
                        stream.flush().await
                    };
                    if tokio::time::timeout(BREATH, dribble)
                        .await
                        .is_ok_and(|told| told.is_ok())
                    {
                        streams.push(stream);
                    }
                }
                written = written.saturating_add(1);
                tokio::time::sleep(DRIBBLE).await;
            }
        }
    }

    /// Many names of one machine, all of which only want to be connected.
    async fn sybil(&self) {
        join_all((0..CROWD).map(|_| async {
            loop {
                let (mask, peers) = self.mask(&self.victims[..1]).await;
                while peers.iter().any(|peer| mask.net.is_connected(peer)) {
                    tokio::time::sleep(BREATH * 10).await;
                }
            }
        }))
        .await;
    }
}

fn protocol(name: &'static str) -> StreamProtocol {
    StreamProtocol::new(name)
}

fn payload(envelope: &Envelope) -> Vec<u8> {
    gossip::encode(wire(envelope).as_bytes()).into_owned()
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(topic)) = (arguments.next(), arguments.next()) else {
        panic!("hostile-peer ATTACK TOPIC ADDRESS...");
    };
    let victims: Vec<Multiaddr> = arguments
        .map(|address| address.parse().expect("an address of libp2p"))
        .collect();
    assert!(!victims.is_empty(), "nobody to attack");
    let attacker = Attacker {
        topic,
        victims,
        counts: Counts {
            done: Arc::default(),
            begins: match name.as_str() {
                "flood-valid" | "flood-invalid" => "messages",
                "equivocation" => "contradictions",
                "garbage-sync" => "questions",
                "giant-frames" | "stalled-streams" => "streams",
                _ => "connections",
            },
        },
        tasks: Tasks::new(),
    };
    let attack = async {
        match name.as_str() {
            "flood-valid" => attacker.flood_valid().await,
            "flood-invalid" => attacker.flood_invalid().await,
            "equivocation" => attacker.equivocate().await,
            "wrong-blobs" => attacker.wrong_blobs().await,
            "garbage-sync" => attacker.garbage_sync().await,
            "giant-frames" => attacker.giant_frames().await,
            "stalled-streams" => attacker.stall().await,
            "sybil" => attacker.sybil().await,
            other => panic!("no attack is called {other}"),
        }
    };
    tokio::select! {
        () = attack => {}
        _ = alephd_tasks::shutdown_signal() => {}
    }
    attacker.tasks.cancel();
    println!("{}", json!(*attacker.counts.done.lock().unwrap()));
}
