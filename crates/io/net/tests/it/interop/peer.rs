//! A foreign peer as a child process that speaks JSON lines (`tests/peers/README.md`).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers included")]

use std::collections::VecDeque;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;

use alephd_net::{Multiaddr, PeerId};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::fixture::{TOPIC, within};

/// Events that wait for the test; the peer waits when there are more.
const QUEUE: usize = 1024;

/// A message as the peer saw it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) id: String,
    pub(crate) author: String,
    pub(crate) relay: String,
    pub(crate) data: Vec<u8>,
}

/// A running peer. Dropping it ends it.
pub(crate) struct Peer {
    child: Child,
    commands: ChildStdin,
    events: mpsc::Receiver<Value>,
    /// Events that nobody has waited for yet.
    passed: VecDeque<Value>,
    id: String,
    addresses: Vec<String>,
}

impl Peer {
    /// js-libp2p, or `None` where it is not installed; the test is then noted as skipped.
    pub(crate) async fn js(test: &str, arguments: &[&str]) -> Option<Self> {
        Self::start("ALEPHD_JS_PEER", test, arguments).await
    }

    /// The libp2p of the reference's sidecar, likewise.
    pub(crate) async fn old(test: &str, arguments: &[&str]) -> Option<Self> {
        Self::start("ALEPHD_OLD_PEER", test, arguments).await
    }

    async fn start(variable: &str, test: &str, arguments: &[&str]) -> Option<Self> {
        let Some(program) = env::var_os(variable) else {
            let why = format!("{variable} is not set (scripts/peers.sh)");
            alephd_testkit::process::skip(&format!("interop::{test}"), &why);
            return None;
        };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let commands = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, events) = mpsc::channel(QUEUE);
        // Ends with the process, or when nobody listens any more.
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).expect("peers write JSON");
                if sender.blocking_send(event).is_err() {
                    return;
                }
            }
        });
        let mut peer = Self {
            child,
            commands,
            events,
            passed: VecDeque::new(),
            id: String::new(),
            addresses: Vec::new(),
        };
        let ready = peer.event("listening", |_| true).await;
        peer.id = text(&ready, "peer");
        let addresses = ready["addresses"].as_array().unwrap();
        peer.addresses = addresses
            .iter()
            .map(|address| address.as_str().unwrap().to_owned())
            .collect();
        Some(peer)
    }

    pub(crate) fn id(&self) -> PeerId {
        self.id.parse().unwrap()
    }

    /// Where it listens; over WebSocket if so asked.
    pub(crate) fn address(&self, websocket: bool) -> Multiaddr {
        let mut addresses = self.addresses.iter();
        let address = addresses
            .find(|address| address.contains("/ws/") == websocket)
            .unwrap();
        address.parse().unwrap()
    }

    pub(crate) fn tell(&mut self, command: &Value) {
        writeln!(self.commands, "{command}").unwrap();
    }

    /// Waits for an event of this kind that fits. What came before stays for others. A command that
    /// failed is never waited for in vain.
    pub(crate) async fn event(&mut self, kind: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.wait(kind, |event| event["event"] == kind && fits(event))
            .await
    }

    async fn wait(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.passed.iter().position(&wanted) {
            return self.passed.remove(at).unwrap();
        }
        loop {
            let what = format!("{what} after {:?}", self.passed);
            let event = within(&what, self.events.recv()).await;
            let event = event.unwrap_or_else(|| panic!("the peer ended; {what}"));
            if wanted(&event) {
                return event;
            }
            assert_ne!(event["event"], "failed", "{event}");
            self.passed.push_back(event);
        }
    }

    pub(crate) fn dial(&mut self, address: &Multiaddr) {
        self.tell(&json!({ "do": "dial", "address": address.to_string() }));
    }

    /// Waits until `peer` told it that it takes part in our topic: what is published from then on is
    /// sent to it.
    pub(crate) async fn subscribed(&mut self, peer: PeerId) {
        let peer = peer.to_string();
        self.event("subscribed", |event| {
            event["peer"] == peer && event["topic"] == TOPIC
        })
        .await;
    }

    /// Publishes and returns the id under which it did.
    pub(crate) async fn publish(&mut self, data: &[u8]) -> String {
        self.begin_publish(data);
        text(&self.event("published", |_| true).await, "id")
    }

    /// Publishes without waiting for it.
    pub(crate) fn begin_publish(&mut self, data: &[u8]) {
        self.tell(&json!({ "do": "publish", "topic": TOPIC, "data": STANDARD.encode(data) }));
    }

    /// Waits until it has published, or has refused to because the same bytes had come from another.
    pub(crate) async fn published_by_someone(&mut self) {
        let known = |event: &Value| {
            event["error"]
                .as_str()
                .is_some_and(|error| error.contains("Duplicate"))
        };
        self.wait("published or known", |event| {
            event["event"] == "published" || known(event)
        })
        .await;
    }

    /// The next message that its router delivered.
    pub(crate) async fn message(&mut self) -> Seen {
        let event = self.event("message", |event| event["topic"] == TOPIC).await;
        Seen {
            id: text(&event, "id"),
            author: text(&event, "author"),
            relay: text(&event, "relay"),
            data: STANDARD.decode(text(&event, "data")).unwrap(),
        }
    }

    /// Sends an RPC of gossip that its own router would not.
    pub(crate) async fn rpc(&mut self, to: PeerId, rpc: &[u8]) {
        self.tell(&json!({ "do": "rpc", "peer": to.to_string(), "data": STANDARD.encode(rpc) }));
        self.event("sent", |_| true).await;
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(event: &Value, key: &str) -> String {
    event[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} in {event}"))
        .to_owned()
}
