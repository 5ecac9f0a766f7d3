//! What happens when, all of it from one seed; and what must be so at the end.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use alephd_message::ItemHash;
use alephd_rules::MessageStatus;
use alephd_store::read::KnownRow;
use alephd_testkit::{rng::Rng, scenario};
use proptest::{
    prelude::ProptestConfig,
    strategy::{Strategy as _, ValueTree as _},
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use tokio::task::JoinSet;

use super::{
    Sabotage,
    ledger::{Disk, Op, Reply},
    liar, lock,
    node::Node,
    pool::{Made, pool},
    world::{Counts, Event, Weather, World},
};

/// Comparisons after the healing until all must be the same: in each round every node speaks with one
/// other, so that what one knows reaches seven in three rounds if nothing is in the way. A session
/// that meets another one, or a liar, is lost.
const ROUNDS: u64 = 24;
/// Between the rounds, in milliseconds.
const PAUSE: u64 = 1_500;

#[derive(Clone, Debug, Hash)]
pub(super) enum Action {
    Submit {
        node: usize,
        message: usize,
    },
    Cut {
        one: usize,
        other: usize,
        breaks: bool,
    },
    Heal {
        one: usize,
        other: usize,
    },
    Crash {
        node: usize,
    },
    Restart {
        node: usize,
    },
    Sync {
        from: usize,
        to: usize,
    },
    Lie {
        from: usize,
        to: usize,
        lie: u64,
    },
    Purge {
        node: usize,
    },
    /// Everything is whole from here on.
    Calm,
    /// All compare with somebody, unless they are the same.
    Round(u64),
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) trace: u64,
    pub(super) faults: Vec<String>,
    pub(super) counts: Counts,
    pub(super) rounds: u64,
}

/// How to make the disk of a node.
pub(super) type MakeDisk<'a> = &'a dyn Fn(&mut Rng) -> Box<dyn Disk>;

/// Nodes, messages and a plan.
pub(super) struct Schedule {
    seed: u64,
    honest: usize,
    nodes: usize,
    weather: Weather,
    messages: Vec<Arc<Made>>,
    plan: Vec<(u64, Action)>,
}

impl Schedule {
    pub(super) fn of_pool(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let mut families: Vec<_> = (0..pool().families.len()).collect();
        rng.shuffle(&mut families);
        let count = 2 + rng.below(3) as usize;
        let families = families.iter().take(count);
        let messages = families.flat_map(|family| pool().families[*family].iter().cloned());
        Self::of(seed, messages.collect(), true, &mut rng)
    }

    /// The hardest messages there are, for the real engine. Of several copies of one only the first
    /// remains: which of them is served is not compared (docs/protocol/catch-up.md).
    pub(super) fn of_scenario(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let entropy: Vec<u8> = (0..4).flat_map(|_| rng.bits().to_le_bytes()).collect();
        let dice = TestRng::from_seed(RngAlgorithm::ChaCha, &entropy);
        let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), dice);
        let scenario = scenario::arb_scenario_of(6..=20).new_tree(&mut runner).unwrap();
        let mut names = BTreeSet::new();
        let mut messages = scenario.current();
        messages.retain(|message| names.insert(message.item_hash.clone()));
        let messages = messages.into_iter().map(|message| Made::new(message, None));
        Self::of(seed, messages.collect(), false, &mut rng)
    }

    fn of(seed: u64, messages: Vec<Arc<Made>>, with_liars: bool, rng: &mut Rng) -> Self {
        let honest = 3 + rng.below(if with_liars { 4 } else { 2 }) as usize;
        let liars = if with_liars { rng.below(3) as usize } else { 0 };
        let nodes = (honest + liars).min(7).max(honest);
        let weather = Weather {
            lost: *rng.pick(&[0, 0, 10, 40, 100]),
            doubled: *rng.pick(&[0, 10, 30]),
            slow: *rng.pick(&[4, 40, 300]),
            writes: *rng.pick(&[3, 12, 150]),
        };
        let length = 300 + rng.below(900);
        let mut plan = Vec::new();
        for message in 0..messages.len() {
            for _ in 0..1 + u64::from(rng.chance(15)) {
                let node = rng.below(honest as u64) as usize;
                plan.push((rng.below(length), Action::Submit { node, message }));
            }
        }
        for _ in 0..rng.below(10) {
            let (from, to) = two(rng, honest, nodes);
            plan.push((rng.below(length), Action::Sync { from, to }));
        }
        for _ in 0..rng.below(3) {
            let (at, until) = (rng.below(length), rng.below(length));
            // One link, or all between two parts.
            let (one, other) = two(rng, honest, nodes);
            let side: Vec<bool> = (0..nodes).map(|_| rng.chance(50)).collect();
            let is_parted = rng.chance(60);
            let breaks = rng.chance(50);
            for left in 0..nodes {
                for right in left + 1..nodes {
                    let is_cut = match is_parted {
                        true => side[left] != side[right],
                        false => (left, right) == (one.min(other), one.max(other)),
                    };
                    if is_cut {
                        let (one, other) = (left, right);
                        plan.push((at, Action::Cut { one, other, breaks }));
                        plan.push((at.max(until), Action::Heal { one, other }));
                    }
                }
            }
        }
        for _ in 0..rng.below(4) {
            let (at, node) = (rng.below(length), rng.below(honest as u64) as usize);
            plan.push((at, Action::Crash { node }));
            plan.push((at + 1 + rng.below(200), Action::Restart { node }));
        }
        for from in honest..nodes {
            for _ in 0..2 + rng.below(6) {
                let (to, lie) = (rng.below(honest as u64) as usize, rng.below(liar::LIES));
                plan.push((rng.below(length), Action::Lie { from, to, lie }));
            }
        }
        for _ in 0..2 {
            let node = rng.below(honest as u64) as usize;
            plan.push((rng.below(length), Action::Purge { node }));
        }
        plan.push((length + 200, Action::Calm));
        Self {
            seed,
            honest,
            nodes,
            weather,
            messages,
            plan,
        }
    }

    /// Runs it on this thread, in its own time.
    pub(super) fn run(&self, sabotage: Sabotage, make_disk: MakeDisk<'_>, trusts_all: bool) -> Outcome {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut run = Run::new(self, sabotage, make_disk, trusts_all);
            run.go().await;
            run.judge(make_disk)
        })
    }
}

/// A node with a catch-up of its own, and any other.
fn two(rng: &mut Rng, honest: usize, nodes: usize) -> (usize, usize) {
    let from = rng.below(honest as u64) as usize;
    let to = rng.below(nodes as u64 - 1) as usize;
    (from, to + usize::from(to >= from))
}

struct Run<'a> {
    schedule: &'a Schedule,
    world: Arc<World>,
    disks: Vec<Arc<Mutex<Box<dyn Disk>>>>,
    running: Vec<Option<Node>>,
    lives: u32,
    liars: JoinSet<()>,
    trusts_all: bool,
    rounds: u64,
    is_over: bool,
}

impl<'a> Run<'a> {
    fn new(schedule: &'a Schedule, sabotage: Sabotage, make_disk: MakeDisk<'_>, trusts_all: bool) -> Self {
        let Schedule {
            seed, honest, nodes, ..
        } = *schedule;
        let world = World::new(
            seed,
            honest,
            nodes,
            schedule.weather,
            sabotage,
            &schedule.messages,
        );
        let mut rng = Rng::new(seed ^ 0xd15c);
        let disks: Vec<_> = (0..honest)
            .map(|_| Arc::new(Mutex::new(make_disk(&mut rng))))
            .collect();
        for (at, action) in &schedule.plan {
            world.push_at(*at, Event::Act(action.clone()));
        }
        let mut run = Self {
            schedule,
            world,
            disks,
            running: (0..honest).map(|_| None).collect(),
            lives: 0,
            liars: JoinSet::new(),
            trusts_all,
            rounds: 0,
            is_over: false,
        };
        (0..honest).for_each(|node| run.start(node));
        run
    }

    fn start(&mut self, node: usize) {
        if self.running[node].is_none() {
            self.lives += 1;
            self.world.set_down(node, false);
            let disk = Arc::clone(&self.disks[node]);
            let life = Node::start(&self.world, node, self.lives, disk, self.trusts_all);
            self.running[node] = Some(life);
        }
    }

    fn crash(&mut self, node: usize) {
        if self.running[node].take().is_some() {
            self.world.count(|counts| counts.crashes += 1);
            self.world.set_down(node, true);
            lock(&self.disks[node]).restart();
        }
    }

    async fn go(&mut self) {
        while !self.is_over
            && let Some((pause, event)) = self.world.pop()
        {
            // Ends when nobody else has anything to do.
            tokio::time::sleep(Duration::from_millis(pause)).await;
            self.happen(event);
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Gossip {
                from,
                to,
                topic,
                data,
            } => {
                if self.world.is_linked(from, to)
                    && let Some(Some(node)) = self.running.get(to)
                {
                    node.hear(from, topic, &data);
                }
            }
            Event::Open { from, to, stream } => match self.running.get_mut(to) {
                None => {
                    let (messages, rng) = (self.schedule.messages.clone(), self.dice());
                    self.liars.spawn(liar::answer(stream, messages, rng));
                }
                Some(Some(node)) => node.answer(from, stream),
                Some(None) => {}
            },
            Event::Piece { link, lane, bytes } => self.world.arrive(link, lane, bytes),
            Event::Commit { node, life } => {
                if let Some(running) = &self.running[node]
                    && running.life == life
                {
                    let crashes = self.rounds == 0 && self.world.chance(2);
                    running.commit(crashes);
                    if crashes {
                        self.crash(node);
                        self.world.push_within(100, Event::Act(Action::Restart { node }));
                    }
                }
            }
            Event::Act(action) => self.act(action),
        }
    }

    fn dice(&self) -> Rng {
        Rng::new(self.world.below(u64::MAX))
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Submit { node, message } => {
                if let Some(node) = &mut self.running[node] {
                    node.submit(Arc::clone(&self.schedule.messages[message]));
                }
            }
            Action::Cut { one, other, breaks } => self.world.cut(one, other, breaks),
            Action::Heal { one, other } => self.world.heal(one, other),
            Action::Crash { node } => self.crash(node),
            Action::Restart { node } => self.start(node),
            Action::Sync { from, to } => {
                if let Some(node) = &mut self.running[from] {
                    node.sync(to);
                }
            }
            Action::Lie { from, to, lie } => {
                let (messages, mut rng) = (&self.schedule.messages, self.dice());
                if lie < 5 {
                    liar::speak(&self.world, from, to, lie, messages, &mut rng);
                } else if let Some(stream) = self.world.open(from, to) {
                    self.liars.spawn(liar::open(stream, messages.clone(), rng));
                }
            }
            Action::Purge { node } => lock(&self.disks[node]).purge(),
            Action::Calm => {
                for one in 0..self.schedule.nodes {
                    for other in one + 1..self.schedule.nodes {
                        self.world.heal(one, other);
                    }
                }
                (0..self.schedule.honest).for_each(|node| self.start(node));
                let first = self.world.now() + PAUSE;
                self.world.push_at(first, Event::Act(Action::Round(1)));
            }
            Action::Round(round) => {
                if round > ROUNDS || self.is_settled() {
                    self.is_over = true;
                    return;
                }
                self.rounds = round;
                for from in 0..self.schedule.honest {
                    let mut dice = self.dice();
                    let (_, to) = two(&mut dice, 1, self.schedule.nodes);
                    let to = (from + to) % self.schedule.nodes;
                    let sync = Event::Act(Action::Sync { from, to });
                    self.world.push_within(PAUSE / 2, sync);
                }
                let next = self.world.now() + PAUSE;
                self.world.push_at(next, Event::Act(Action::Round(round + 1)));
            }
        }
    }

    /// Whether all nodes hold the same, and know what waits.
    fn is_settled(&self) -> bool {
        let mut states = self.disks.iter().map(|disk| {
            let disk = lock(disk);
            (disk.facts(), disk.root())
        });
        let first = states.next();
        let is_refused = |hash: &ItemHash| {
            let is_it = |row: &KnownRow| row.status == MessageStatus::Rejected && row.hash == *hash;
            self.disks
                .iter()
                .any(|disk| lock(disk).parked().iter().any(is_it))
        };
        let is_everywhere = |hash: &ItemHash| self.disks.iter().all(|disk| lock(disk).is_known(hash));
        states.all(|state| Some(state) == first)
            && self.all().iter().all(|made| {
                let hash = &made.envelope.item_hash;
                is_everywhere(hash) || is_refused(hash)
            })
    }

    /// Messages that were acknowledged, or that somebody holds: one of which a liar has told the name,
    /// or what is left of it, may never have been said.
    fn all(&self) -> Vec<&Arc<Made>> {
        let acknowledged = self.world.acknowledged();
        let is_held = |row: &KnownRow| match row.status {
            MessageStatus::Pending | MessageStatus::Rejected => row.has_content,
            _ => true,
        };
        let mut held = BTreeSet::new();
        for disk in &self.disks {
            let rows = lock(disk).known(0, u64::from(u32::MAX));
            held.extend(rows.into_iter().filter(is_held).map(|row| row.hash));
        }
        let messages = self.schedule.messages.iter();
        messages
            .filter(|made| {
                let hash = &made.envelope.item_hash;
                acknowledged.contains(hash) || held.contains(hash)
            })
            .collect()
    }

    /// What was acknowledged and is not known anywhere.
    fn missing(&self) -> BTreeSet<ItemHash> {
        let mut missing = self.world.acknowledged();
        missing.retain(|hash| !self.disks.iter().any(|disk| lock(disk).is_known(hash)));
        missing
    }

    /// What must be so at the end.
    fn judge(&self, make_disk: MakeDisk<'_>) -> Outcome {
        // A node that was given everything directly.
        let mut reference = make_disk(&mut Rng::new(0));
        let mut refused = BTreeSet::new();
        let mut all = self.all();
        Rng::new(self.schedule.seed).shuffle(&mut all);
        let uploads = all.iter().filter_map(|made| made.file.clone().map(Op::Upload));
        let submissions = all.iter().map(|made| Op::Submit(made.envelope.clone()));
        let ops: Vec<_> = uploads.chain(submissions.clone()).chain(submissions).collect();
        for reply in reference.commit(ops) {
            if let Reply::Outcome(outcome) = reply {
                match outcome.status {
                    MessageStatus::Rejected => refused.insert(outcome.item_hash),
                    _ => refused.remove(&outcome.item_hash),
                };
            }
        }
        for hash in self.missing() {
            self.world.fault(format!("{hash} was acknowledged and is lost"));
        }
        let (facts, root) = (reference.facts(), reference.root());
        for (node, disk) in self.disks.iter().enumerate() {
            let disk = lock(disk);
            let theirs = disk.facts();
            for hash in facts.keys().chain(theirs.keys()).collect::<BTreeSet<_>>() {
                let (ours, theirs) = (facts.get(hash), theirs.get(hash));
                if ours != theirs {
                    self.world.fault(format!(
                        "node {node} holds {hash} as {theirs:?} and should as {ours:?}"
                    ));
                }
            }
            if disk.root() != root {
                self.world.fault(format!("node {node} has another root"));
            }
            for made in &all {
                let hash = &made.envelope.item_hash;
                if !refused.contains(hash) && !disk.is_known(hash) {
                    self.world.fault(format!("node {node} does not know {hash}"));
                }
            }
        }
        let (trace, faults, counts) = self.world.end();
        Outcome {
            trace,
            faults,
            counts,
            rounds: self.rounds,
        }
    }
}
