//! A node: the real gossip and the real catch-up, over links and a disk of the simulation.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use alephd_net::{GossipId, GossipInbox, GossipMessage, NetError, Offence, PeerId, PublishError, Verdict};
use alephd_peer_protocol::gossip::message_id;
use alephd_pipeline::PipelineError;
use alephd_sync::{
    catchup::{self, BoxStream, CatchUp, CatchUpConfig},
    gossip::{self, GossipCounters, Inbox, Judge as _, Outbox, Outgoing, SyncNow, is_for_others},
};
use alephd_tasks::{CancellationToken, queue};
use futures_util::future::BoxFuture;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use super::{
    Sabotage,
    ledger::{Disk, Ledger, Op},
    lock,
    pipe::Pipe,
    pool::{GOSSIP_LIMIT, Made},
    world::{SimulatedClock, World, number, peer},
};

pub(super) const TOPIC: &str = "messages";

/// The place of a node in the world.
struct Seat {
    world: Arc<World>,
    node: usize,
    mesh: Mutex<Mesh>,
}

/// What libp2p's gossip keeps, as far as the rest of the node notices.
#[derive(Default)]
struct Mesh {
    seen: HashSet<String>,
    /// Not judged yet.
    waiting: HashMap<Vec<u8>, (String, Arc<[u8]>)>,
}

impl gossip::Host for Seat {
    fn judge(&self, id: GossipId, relay: PeerId, verdict: Verdict) {
        let waiting = lock(&self.mesh).waiting.remove(id.name());
        self.world
            .note((self.node, number(&relay), format!("{verdict:?}")));
        let Some((topic, data)) = waiting else { return };
        match verdict {
            Verdict::Accept if self.world.sabotage != Sabotage::ForwardsBeforeItJudges => {
                self.world.spread(self.node, Some(number(&relay)), &topic, &data);
            }
            Verdict::Accept | Verdict::Ignore => {}
            Verdict::Reject => {
                self.world.count(|counts| counts.refused += 1);
                self.world.report(self.node, number(&relay), Offence::BadProtocol);
            }
        }
    }

    fn publish<'a>(&'a self, topic: &'a str, data: Vec<u8>) -> BoxFuture<'a, Result<(), PublishError>> {
        Box::pin(async move {
            if data.len() > GOSSIP_LIMIT {
                return Err(PublishError::TooLarge {
                    size: data.len(),
                    limit: GOSSIP_LIMIT,
                });
            }
            if !lock(&self.mesh).seen.insert(message_id(&data)) {
                return Err(PublishError::Duplicate);
            }
            match self.world.spread(self.node, None, topic, &data.into()) {
                0 => Err(PublishError::NoPeers),
                _ => Ok(()),
            }
        })
    }
}

impl catchup::Host for Seat {
    fn local_peer(&self) -> PeerId {
        peer(self.node)
    }

    fn is_connected(&self, peer: &PeerId) -> bool {
        self.world.is_linked(self.node, number(peer))
    }

    fn open(&self, peer: PeerId) -> BoxFuture<'_, Result<BoxStream, NetError>> {
        Box::pin(async move {
            let stream = self.world.open(self.node, number(&peer));
            let stream = stream.ok_or(NetError::NotConnected(peer))?;
            Ok(Box::new(stream) as BoxStream)
        })
    }

    fn report(&self, peer: PeerId, offence: Offence) {
        self.world.report(self.node, number(&peer), offence);
    }
}

/// One life of a node. Dropping it is a crash.
pub(super) struct Node {
    seat: Arc<Seat>,
    ledger: Arc<Ledger>,
    pub(super) life: u32,
    inbox: mpsc::Sender<GossipMessage>,
    outbox: queue::Sender<Outgoing>,
    catch_up: CatchUp,
    tasks: JoinSet<()>,
}

impl Node {
    pub(super) fn start(
        world: &Arc<World>,
        node: usize,
        life: u32,
        disk: Arc<Mutex<Box<dyn Disk>>>,
        trusts_all: bool,
    ) -> Self {
        let seat = Arc::new(Seat {
            world: Arc::clone(world),
            node,
            mesh: Mutex::default(),
        });
        let ledger = Arc::new(Ledger::new(disk, Arc::clone(world), node, life));
        let trusted = (0..world.honest).filter(|_| trusts_all).map(peer);
        let config = CatchUpConfig {
            network: "simulated".into(),
            trusted: trusted.collect(),
            ..CatchUpConfig::default()
        };
        let clock = Arc::new(SimulatedClock(Arc::clone(world)));
        let catch_up = CatchUp::new(
            Arc::<Seat>::clone(&seat),
            Arc::<Ledger>::clone(&ledger),
            config,
            clock,
        );
        let fetching = catch_up.clone();
        let without = world.sabotage == Sabotage::NeverCatchesUp;
        let sync_now: SyncNow = Arc::new(move |peer| {
            let catch_up = fetching.clone();
            Box::pin(async move {
                if !without {
                    // What this did not bring, a later session does.
                    let _ = catch_up.sync_with(peer).await;
                }
            })
        });
        let taking = Inbox {
            host: Arc::<Seat>::clone(&seat),
            judge: Arc::<Ledger>::clone(&ledger),
            topic: TOPIC.into(),
            sync_now,
            counters: GossipCounters::default(),
        };
        let giving = Outbox {
            host: Arc::<Seat>::clone(&seat),
            topic: TOPIC.into(),
            counters: GossipCounters::default(),
        };
        let (inbox, messages) = GossipInbox::by_hand(64);
        let (outbox, outgoing) = queue::bounded("simulated outbox", 64);
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(taking.run(messages, |_| Verdict::Ignore, stop.clone()));
        tasks.spawn(giving.run(outgoing, stop));
        Self {
            seat,
            ledger,
            life,
            inbox,
            outbox,
            catch_up,
            tasks,
        }
    }

    /// A client hands in a message.
    pub(super) fn submit(&mut self, made: Arc<Made>) {
        let (ledger, world) = (Arc::clone(&self.ledger), Arc::clone(&self.seat.world));
        let (answer, outcome) = oneshot::channel();
        let outgoing = Outgoing::Once(made.envelope.clone(), outcome);
        // A full outbox leaves it to catch-up.
        let _ = self.outbox.offer(outgoing);
        self.tasks.spawn(async move {
            if let Some(text) = &made.file
                && ledger.ask(Op::Upload(text.clone())).await.is_none()
            {
                return;
            }
            let outcome: Result<_, Arc<PipelineError>> = ledger.submit(made.envelope.clone()).await;
            if let Ok(outcome) = &outcome
                && is_for_others(outcome.status)
            {
                world.acknowledge(outcome.item_hash.clone());
            }
            // The outbox may have gone.
            let _ = answer.send(outcome);
        });
    }

    /// A gossip frame arrives.
    pub(super) fn hear(&self, from: usize, topic: String, data: &Arc<[u8]>) {
        let id = message_id(data);
        let is_new = {
            let mut mesh = lock(&self.seat.mesh);
            mesh.seen.insert(id.clone())
        };
        // Now and then it is so late that libp2p has forgotten the first one.
        if !is_new && !self.seat.world.chance(20) {
            return;
        }
        let waiting = (topic.clone(), Arc::clone(data));
        lock(&self.seat.mesh)
            .waiting
            .insert(id.clone().into_bytes(), waiting);
        if self.seat.world.sabotage == Sabotage::ForwardsBeforeItJudges {
            self.seat.world.spread(self.seat.node, Some(from), &topic, data);
        }
        let message = GossipMessage {
            id: GossipId::new(id, None),
            topic,
            data: data.to_vec(),
            author: None,
            relay: peer(from),
        };
        // libp2p waits when the inbox is full; here it is one more frame that is lost.
        let _ = self.inbox.try_send(message);
    }

    /// Catches up with a peer.
    pub(super) fn sync(&mut self, with: usize) {
        if self.seat.world.sabotage == Sabotage::NeverCatchesUp {
            return;
        }
        let (catch_up, world, node) = (
            self.catch_up.clone(),
            Arc::clone(&self.seat.world),
            self.seat.node,
        );
        self.tasks.spawn(async move {
            let result = catch_up.sync_with(peer(with)).await;
            world.count(|counts| {
                counts.sessions += 1;
                if let Ok(report) = &result {
                    counts.records += report.received + report.sent;
                    counts.tombstones += report.tombstones;
                }
            });
            match result {
                Ok(report) => world.note((node, with, format!("{report:?}"))),
                Err(error) => world.note((node, with, error.to_string())),
            }
        });
    }

    /// A peer opened a stream.
    pub(super) fn answer(&mut self, from: usize, stream: Pipe) {
        let catch_up = self.catch_up.clone();
        self.tasks
            .spawn(async move { catch_up.answer(peer(from), Box::new(stream)).await });
    }

    /// Writes what waits, and says so unless it crashes in between.
    pub(super) fn commit(&self, crashes: bool) {
        for (answer, reply) in self.ledger.commit() {
            if !crashes {
                // Whoever asked may have gone.
                let _ = answer.send(reply);
            }
        }
    }
}
