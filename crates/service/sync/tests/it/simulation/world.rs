//! Everything between the nodes: links, what is on its way, and when it arrives.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    sync::{Arc, Mutex, Weak},
};

use alephd_message::{Envelope, ItemHash};
use alephd_net::{Offence, PeerId};
use alephd_peer_protocol::gossip;
use alephd_sync::gossip::ANNOUNCE_TOPIC;
use alephd_tasks::clock::{Clock, Sleep};
use alephd_testkit::rng::Rng;

use super::{
    Sabotage, lock,
    pipe::{Lane, Pipe, pipe},
    pool::Made,
    schedule::Action,
};

/// The calendar time at which simulations begin.
pub(super) const EPOCH: i64 = 1_767_323_045_120_000;

/// Something that happens at a moment that the seed decides.
pub(super) enum Event {
    /// A gossip frame arrives.
    Gossip {
        from: usize,
        to: usize,
        topic: String,
        data: Arc<[u8]>,
    },
    /// A peer finds a stream that another one opened.
    Open { from: usize, to: usize, stream: Pipe },
    /// Bytes of a stream arrive.
    Piece {
        link: (usize, usize),
        lane: Arc<Lane>,
        bytes: Vec<u8>,
    },
    /// A node writes what it was asked to.
    Commit { node: usize, life: u32 },
    /// What the schedule says.
    Act(Action),
}

/// How good the links are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weather {
    /// In a hundred gossip frames.
    pub(super) lost: u64,
    pub(super) doubled: u64,
    /// The longest way of a frame, in milliseconds.
    pub(super) slow: u64,
    /// The longest that a node takes until it writes.
    pub(super) writes: u64,
}

#[derive(Default)]
struct Link {
    is_cut: bool,
    lanes: Vec<Weak<Lane>>,
    /// What is on its way while the link is cut, if its streams live on.
    held: Vec<Event>,
}

struct State {
    rng: Rng,
    now: u64,
    sequence: u64,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    events: BTreeMap<u64, Event>,
    links: BTreeMap<(usize, usize), Link>,
    down: BTreeSet<usize>,
    trace: DefaultHasher,
    faults: Vec<String>,
    acknowledged: BTreeSet<ItemHash>,
    counts: Counts,
}

/// What happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) events: u64,
    pub(super) lost: u64,
    pub(super) forwarded: u64,
    pub(super) refused: u64,
    pub(super) crashes: u64,
    pub(super) sessions: u64,
    pub(super) broken: u64,
    pub(super) records: u64,
    pub(super) tombstones: u64,
    pub(super) offences: u64,
}

impl Counts {
    pub(super) fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.lost += other.lost;
        self.forwarded += other.forwarded;
        self.refused += other.refused;
        self.crashes += other.crashes;
        self.sessions += other.sessions;
        self.broken += other.broken;
        self.records += other.records;
        self.tombstones += other.tombstones;
        self.offences += other.offences;
    }
}

pub(super) struct World {
    state: Mutex<State>,
    pub(super) honest: usize,
    pub(super) nodes: usize,
    pub(super) weather: Weather,
    pub(super) sabotage: Sabotage,
    /// Who signed what.
    signed: HashSet<(ItemHash, Option<String>)>,
}

impl World {
    pub(super) fn new(
        seed: u64,
        honest: usize,
        nodes: usize,
        weather: Weather,
        sabotage: Sabotage,
        messages: &[Arc<Made>],
    ) -> Arc<Self> {
        let signed = messages.iter().map(|made| name(&made.envelope)).collect();
        let mut links = BTreeMap::new();
        for one in 0..nodes {
            for other in one + 1..nodes {
                links.insert((one, other), Link::default());
            }
        }
        let state = State {
            rng: Rng::new(seed ^ 0xa5a5_5a5a),
            now: 0,
            sequence: 0,
            queue: BinaryHeap::new(),
            events: BTreeMap::new(),
            links,
            down: BTreeSet::new(),
            trace: DefaultHasher::new(),
            faults: Vec::new(),
            acknowledged: BTreeSet::new(),
            counts: Counts::default(),
        };
        Arc::new(Self {
            state: Mutex::new(state),
            honest,
            nodes,
            weather,
            sabotage,
            signed,
        })
    }

    pub(super) fn below(&self, end: u64) -> u64 {
        lock(&self.state).rng.below(end)
    }

    pub(super) fn chance(&self, percent: u64) -> bool {
        lock(&self.state).rng.chance(percent)
    }

    /// At a moment within so many milliseconds.
    pub(super) fn push_within(&self, most: u64, event: Event) {
        let mut state = lock(&self.state);
        let at = state.now + 1 + state.rng.below(most);
        state.push(at, event);
    }

    /// The same, but not before a moment. Says when.
    pub(super) fn push_after(&self, earliest: u64, most: u64, event: Event) -> u64 {
        let mut state = lock(&self.state);
        let at = earliest.max(state.now + 1 + state.rng.below(most));
        state.push(at, event);
        at
    }

    pub(super) fn push_at(&self, at: u64, event: Event) {
        lock(&self.state).push(at, event);
    }

    /// The next event, and how long it is until then.
    pub(super) fn pop(&self) -> Option<(u64, Event)> {
        let mut state = lock(&self.state);
        let Reverse((at, sequence)) = state.queue.pop()?;
        let event = state.events.remove(&sequence)?;
        // One at a time: whoever runs because of one is done before the next.
        let pause = at.saturating_sub(state.now).max(1);
        state.now += pause;
        state.counts.events += 1;
        let now = state.now;
        trace(&event, now).hash(&mut state.trace);
        Some((pause, event))
    }

    pub(super) fn now(&self) -> u64 {
        lock(&self.state).now
    }

    /// Notes what shall be the same whenever the seed is.
    pub(super) fn note(&self, what: impl Hash) {
        what.hash(&mut lock(&self.state).trace);
    }

    /// What must not happen.
    pub(super) fn fault(&self, fault: String) {
        lock(&self.state).faults.push(fault);
    }

    pub(super) fn count(&self, add: impl FnOnce(&mut Counts)) {
        add(&mut lock(&self.state).counts);
    }

    pub(super) fn acknowledge(&self, hash: ItemHash) {
        lock(&self.state).acknowledged.insert(hash);
    }

    pub(super) fn acknowledged(&self) -> BTreeSet<ItemHash> {
        lock(&self.state).acknowledged.clone()
    }

    pub(super) fn end(&self) -> (u64, Vec<String>, Counts) {
        let state = lock(&self.state);
        (state.trace.finish(), state.faults.clone(), state.counts)
    }

    /// How much of a write goes in one piece.
    pub(super) fn cut_piece(&self, most: usize) -> usize {
        let mut state = lock(&self.state);
        match state.rng.chance(70) {
            true => most,
            false => 1 + state.rng.below(most as u64) as usize,
        }
    }

    pub(super) fn is_linked(&self, one: usize, other: usize) -> bool {
        let state = lock(&self.state);
        let is_up = |node| !state.down.contains(&node);
        is_up(one) && is_up(other) && !state.links[&between(one, other)].is_cut
    }

    /// Cuts a link. Streams over it break, or stand still until it is there again.
    pub(super) fn cut(&self, one: usize, other: usize, breaks: bool) {
        let lanes = {
            let mut state = lock(&self.state);
            let link = state.link(one, other);
            link.is_cut = true;
            match breaks {
                true => std::mem::take(&mut link.lanes),
                false => Vec::new(),
            }
        };
        self.break_off(lanes);
    }

    pub(super) fn heal(&self, one: usize, other: usize) {
        let mut state = lock(&self.state);
        let link = state.link(one, other);
        link.is_cut = false;
        let held = std::mem::take(&mut link.held);
        for event in held {
            // Before what was sent later.
            state.push(0, event);
        }
    }

    pub(super) fn set_down(&self, node: usize, is_down: bool) {
        let mut lanes = Vec::new();
        {
            let mut state = lock(&self.state);
            if is_down {
                state.down.insert(node);
                for (_, link) in state.links.iter_mut().filter(|(ends, _)| touches(ends, node)) {
                    lanes.append(&mut link.lanes);
                    link.held.clear();
                }
            } else {
                state.down.remove(&node);
            }
        }
        self.break_off(lanes);
    }

    fn break_off(&self, lanes: Vec<Weak<Lane>>) {
        for lane in lanes.iter().filter_map(Weak::upgrade) {
            self.count(|counts| counts.broken += 1);
            lane.break_off();
        }
    }

    /// A stream from one node to another, if there is a way.
    pub(super) fn open(self: &Arc<Self>, from: usize, to: usize) -> Option<Pipe> {
        if !self.is_linked(from, to) {
            return None;
        }
        let (near, far, lanes) = pipe(self, (from, to));
        let mut state = lock(&self.state);
        let link = state.link(from, to);
        link.lanes.retain(|lane| lane.strong_count() > 0);
        link.lanes.extend(lanes.iter().map(Arc::downgrade));
        drop(state);
        self.push_within(
            6,
            Event::Open {
                from,
                to,
                stream: far,
            },
        );
        Some(near)
    }

    /// Bytes of a stream, if they arrive.
    pub(super) fn arrive(&self, link: (usize, usize), lane: Arc<Lane>, bytes: Vec<u8>) {
        {
            let mut state = lock(&self.state);
            let between = state.link(link.0, link.1);
            if between.is_cut {
                between.held.push(Event::Piece { link, lane, bytes });
                return;
            }
        }
        lane.arrive(&bytes);
    }

    /// Sends a gossip frame, which may be lost, doubled and overtaken.
    pub(super) fn frame(&self, from: usize, to: usize, topic: &str, data: &Arc<[u8]>) {
        let mut state = lock(&self.state);
        if state.rng.chance(self.weather.lost) {
            state.counts.lost += 1;
            return;
        }
        let copies = if state.rng.chance(self.weather.doubled) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            let at = state.now + 1 + state.rng.below(self.weather.slow);
            let (topic, data) = (topic.to_owned(), Arc::clone(data));
            let frame = Event::Gossip {
                from,
                to,
                topic,
                data,
            };
            state.push(at, frame);
        }
    }

    /// Passes something on to all neighbours but one.
    pub(super) fn spread(&self, from: usize, but: Option<usize>, topic: &str, data: &Arc<[u8]>) -> usize {
        if from < self.honest {
            self.count(|counts| counts.forwarded += 1);
            if !self.is_good(topic, data) {
                self.fault(format!("node {from} passed on in {topic} what nobody signed"));
            }
        }
        let others = (0..self.nodes).filter(|to| *to != from && Some(*to) != but);
        let neighbours: Vec<_> = others.filter(|to| self.is_linked(from, *to)).collect();
        for to in &neighbours {
            self.frame(from, *to, topic, data);
        }
        neighbours.len()
    }

    /// Whether this may be passed on: an honest message, or the name of one.
    fn is_good(&self, topic: &str, data: &[u8]) -> bool {
        if topic == ANNOUNCE_TOPIC {
            let value: serde_json::Value = serde_json::from_slice(data).unwrap_or_default();
            let hash = value["item_hash"].as_str().and_then(ItemHash::parse_strict);
            return hash.is_some_and(|hash| self.signed.iter().any(|(signed, _)| *signed == hash));
        }
        let envelope = gossip::decode(data).find_map(|json| Envelope::parse(&json).ok());
        envelope.is_some_and(|envelope| self.signed.contains(&name(&envelope)))
    }

    /// A node says what a peer did.
    pub(super) fn report(&self, by: usize, peer: usize, offence: Offence) {
        self.count(|counts| counts.offences += 1);
        self.note((by, peer, format!("{offence:?}")));
        if peer < self.honest && offence != Offence::Timeout {
            self.fault(format!("node {by} blames honest node {peer}: {offence:?}"));
        }
    }
}

impl State {
    fn push(&mut self, at: u64, event: Event) {
        self.sequence += 1;
        self.queue.push(Reverse((at, self.sequence)));
        self.events.insert(self.sequence, event);
    }

    fn link(&mut self, one: usize, other: usize) -> &mut Link {
        self.links
            .get_mut(&between(one, other))
            .expect("all nodes have links")
    }
}

fn between(one: usize, other: usize) -> (usize, usize) {
    (one.min(other), one.max(other))
}

fn touches(ends: &(usize, usize), node: usize) -> bool {
    ends.0 == node || ends.1 == node
}

/// What tells one copy of a message from another.
fn name(envelope: &Envelope) -> (ItemHash, Option<String>) {
    (envelope.item_hash.clone(), envelope.signature.clone())
}

/// What of an event enters the trace.
fn trace(event: &Event, now: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    now.hash(&mut hasher);
    match event {
        Event::Gossip {
            from,
            to,
            topic,
            data,
        } => (1, from, to, topic, data).hash(&mut hasher),
        Event::Open { from, to, .. } => (2, from, to).hash(&mut hasher),
        Event::Piece { link, bytes, .. } => (3, link, bytes).hash(&mut hasher),
        Event::Commit { node, life } => (4, node, life).hash(&mut hasher),
        Event::Act(action) => (5, action).hash(&mut hasher),
    }
    hasher.finish()
}

/// The name of a node, which tells its number.
pub(super) fn peer(node: usize) -> PeerId {
    // An ed25519 key in the form of identities; nobody asks whether it is one.
    let mut bytes = vec![0x00, 0x24, 0x08, 0x01, 0x12, 0x20];
    bytes.extend([node as u8; 32]);
    PeerId::from_bytes(&bytes).expect("the form of an identity")
}

pub(super) fn number(peer: &PeerId) -> usize {
    usize::from(peer.to_bytes().last().copied().unwrap_or(u8::MAX))
}

/// The time of a simulation, as nodes read it.
pub(super) struct SimulatedClock(pub(super) Arc<World>);

impl std::fmt::Debug for SimulatedClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SimulatedClock")
    }
}

impl Clock for SimulatedClock {
    fn now_micros(&self) -> i64 {
        EPOCH + self.0.now() as i64 * 1_000
    }

    fn monotonic(&self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0.now())
    }

    fn sleep(&self, duration: std::time::Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}
