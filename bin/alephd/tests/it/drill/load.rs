//! Clients that publish and upload until the node dies under them.

use std::{
    io,
    net::SocketAddr,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use alephd_testkit::{process::Node, rng::Rng};

use super::{
    client::{Answer, Client},
    traffic::{Message, Upload},
};

/// Clients that publish, each with one message under way.
const PUBLISHERS: usize = 8;

/// How a node ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// At once, under load (SIGKILL).
    UnderLoad,
    /// While it stops cleanly: it was asked to (SIGTERM) a moment before.
    WhileStopping,
}

/// When and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) death: Death,
    /// Acknowledgements to wait for.
    pub(super) after: usize,
    /// And how long from then on. Chosen by chance, so that a node dies everywhere.
    pub(super) delay: Duration,
    /// Where the uploads come from.
    pub(super) uploads: u64,
}

impl Plan {
    pub(super) fn random(rng: &mut Rng) -> Self {
        let death = if rng.chance(25) {
            Death::WhileStopping
        } else {
            Death::UnderLoad
        };
        let longest = match death {
            Death::UnderLoad => 5_000,
            Death::WhileStopping => 30_000,
        };
        Self {
            death,
            after: 100 + rng.below(200) as usize,
            delay: Duration::from_micros(rng.below(longest)),
            uploads: rng.bits(),
        }
    }

    /// Messages that the load may need.
    pub(super) fn messages(&self) -> usize {
        2 * self.after + 200
    }
}

/// What the clients saw.
#[derive(Default)]
pub(super) struct Seen {
    /// Messages that were answered with `processed`.
    pub(super) acknowledged: Vec<Message>,
    /// Messages that were sent and got no answer.
    pub(super) unanswered: Vec<Message>,
    /// Messages that were not sent.
    pub(super) unsent: Vec<Message>,
    /// Files that were answered with their hash.
    pub(super) uploads: Vec<Upload>,
}

enum Event {
    Message(usize, io::Result<Answer>),
    File(Upload, io::Result<Answer>),
}

/// Sends `messages` and files to `node` until it dies as planned.
pub(super) fn until_death(node: Node, messages: Vec<Message>, plan: Plan) -> Result<Seen, String> {
    let address = node.address();
    let (next, dying) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (wake, woken) = sync_channel::<()>(1);
    let mut answered = vec![false; messages.len()];
    let mut seen = Seen::default();
    thread::scope(|scope| {
        let (events, received) = sync_channel(1_024);
        for _ in 0..PUBLISHERS {
            let events = events.clone();
            let (messages, next) = (&messages, &next);
            scope.spawn(move || publish(address, messages, next, &events));
        }
        scope.spawn(move || upload(address, Rng::new(plan.uploads), &events));
        let dying = &dying;
        scope.spawn(move || {
            // An error says that the load failed: the node has to end for its clients to end.
            if woken.recv().is_ok() {
                die(node, plan, dying);
            }
        });
        let mut wake = Some(wake);
        for event in received {
            let broken = match event {
                Event::Message(index, Ok(answer)) => {
                    answered[index] = true;
                    acknowledge(&answer, "message_status", "processed")?;
                    seen.acknowledged.push(messages[index].clone());
                    None
                }
                Event::File(upload, Ok(answer)) => {
                    acknowledge(&answer, "hash", &upload.hash.to_string())?;
                    seen.uploads.push(upload);
                    None
                }
                Event::Message(_, Err(error)) | Event::File(_, Err(error)) => Some(error),
            };
            if let Some(error) = broken.filter(|_| !dying.load(Ordering::SeqCst)) {
                return Err(format!("a connection broke before the node was killed: {error}"));
            }
            if seen.acknowledged.len() >= plan.after
                && let Some(wake) = wake.take()
            {
                wake.send(()).map_err(|_| "nobody kills the node")?;
            }
        }
        Ok(())
    })?;
    if seen.acknowledged.len() < plan.after {
        return Err("the clients ended before the node was killed".to_owned());
    }
    let sent = next.load(Ordering::SeqCst);
    for (index, message) in messages.into_iter().enumerate() {
        if index >= sent {
            seen.unsent.push(message);
        } else if !answered[index] {
            seen.unanswered.push(message);
        }
    }
    Ok(seen)
}

/// Every answer is an acknowledgement; anything else is a failure of the node.
fn acknowledge(answer: &Answer, key: &str, value: &str) -> Result<(), String> {
    match answer.json() {
        Ok(json) if answer.status == 200 && json[key] == value => Ok(()),
        _ => Err(format!(
            "an answer is {} instead of an acknowledgement: {}",
            answer.status,
            answer.text()
        )),
    }
}

fn die(node: Node, plan: Plan, dying: &AtomicBool) {
    if plan.death == Death::WhileStopping {
        dying.store(true, Ordering::SeqCst);
        let asked = std::process::Command::new("kill")
            .arg(node.id().to_string())
            .status();
        assert!(asked.unwrap().success());
    }
    // The moment is the point of the drill, and nothing is asserted of how long it was.
    thread::park_timeout(plan.delay);
    dying.store(true, Ordering::SeqCst);
    node.kill().unwrap();
}

fn publish(node: SocketAddr, messages: &[Message], next: &AtomicUsize, events: &SyncSender<Event>) {
    let mut client = Client::connect(node);
    loop {
        let index = next.fetch_add(1, Ordering::SeqCst);
        let Some(message) = messages.get(index) else {
            return;
        };
        let answer = match &mut client {
            Ok(client) => client.publish(&message.wire),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        };
        let broken = answer.is_err();
        if events.send(Event::Message(index, answer)).is_err() || broken {
            return;
        }
    }
}

fn upload(node: SocketAddr, mut rng: Rng, events: &SyncSender<Event>) {
    let Ok(mut client) = Client::connect(node) else {
        return;
    };
    loop {
        let upload = Upload::random(&mut rng);
        let answer = client.upload(&upload.bytes.make());
        let broken = answer.is_err();
        if events.send(Event::File(upload, answer)).is_err() || broken {
            return;
        }
    }
}
