//! The sessions of a node: with whom, how many, and what is said of peers afterwards.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use alephd_net::{IncomingStreams, Net, NetError, Offence, PeerEvent, PeerId};
use alephd_peer_protocol::catchup::{Limits, Settings, Violation};
use alephd_rules::Interest;
use alephd_tasks::{Clock, Tasks};
use futures_util::StreamExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast::error::RecvError};

use super::{
    BoxStream, Conduct, Holdings, HoldingsError, Host, Report, Trouble, converse,
    framed::ReadError,
    host::protocol,
    schedule::Schedule,
    sets::{self, Sets},
};

/// A set that is no older serves a peer that opens a session.
const FRESH_ENOUGH: Duration = Duration::from_millis(20);
/// Sessions one after the other with one peer at most: some hundred million messages.
const SESSIONS: u64 = 10_000;

/// How to catch up.
#[derive(Clone, Debug)]
pub struct CatchUpConfig {
    /// The network: nodes of others are not spoken with.
    pub network: String,
    /// The mean pause between sessions with one peer.
    pub every: Duration,
    /// Sessions that this node opens, at a time.
    pub outgoing: usize,
    /// Sessions that others open, at a time.
    pub incoming: usize,
    /// The longest wait for a frame.
    pub idle: Duration,
    /// Peers that are believed what tombstones cannot prove: the operator's own nodes.
    pub trusted: HashSet<PeerId>,
    /// Bounds of a session.
    pub limits: Limits,
    /// What this node keeps.
    pub interest: Interest,
}

impl Default for CatchUpConfig {
    fn default() -> Self {
        Self {
            network: String::new(),
            every: Duration::from_secs(300),
            outgoing: 4,
            incoming: 8,
            idle: Duration::from_secs(120),
            trusted: HashSet::new(),
            limits: Limits::default(),
            interest: Interest::default(),
        }
    }
}

/// Why catching up with a peer failed.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// A session with this peer is under way.
    #[error("a session with this peer is under way")]
    Busy,
    /// No stream could be opened.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The session did not end well.
    #[error("the session with the peer: {cause}")]
    Session {
        /// What was done until then.
        report: Box<Report>,
        /// Why.
        #[source]
        cause: Trouble,
    },
    /// This node could not read what it knows.
    #[error("this node: {0}")]
    Own(#[source] HoldingsError),
    /// The peer does not want to.
    #[error("the peer refuses: {0}")]
    Refused(String),
    /// The node is shutting down.
    #[error("the node is shutting down")]
    Stopped,
}

/// What operators see.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Status {
    /// Whether everything that is known was read once.
    pub loaded: bool,
    /// Messages and tombstones that are known.
    pub elements: u64,
    /// Bytes that the set of them takes.
    pub memory: u64,
    /// Sessions under way.
    pub under_way: u64,
    /// All sessions since the start.
    pub total: Report,
    /// Sessions that did not end well.
    pub failed: u64,
}

/// Catching up with peers. Clones share it.
#[derive(Clone)]
pub struct CatchUp {
    inner: Arc<Inner>,
}

struct Inner {
    host: Arc<dyn Host>,
    holdings: Arc<dyn Holdings>,
    sets: Sets,
    config: CatchUpConfig,
    clock: Arc<dyn Clock>,
    outgoing: Arc<Semaphore>,
    incoming: Arc<Semaphore>,
    /// Peers with a session.
    busy: Mutex<HashSet<PeerId>>,
    schedule: Mutex<Schedule<PeerId>>,
    status: Mutex<Status>,
    last: Mutex<HashMap<PeerId, Report>>,
    dice: RandomState,
    throws: AtomicU64,
}

/// The right to the one session with a peer.
struct Turn<'a> {
    inner: &'a Inner,
    peer: PeerId,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        lock(&self.inner.busy).remove(&self.peer);
        self.inner.spoken(&self.peer);
    }
}

impl CatchUp {
    /// Over the network and the messages of a node. Nothing happens by itself before
    /// [`CatchUp::start`], but [`CatchUp::sync_with`] and [`CatchUp::answer`] work.
    pub fn new(
        host: Arc<dyn Host>,
        holdings: Arc<dyn Holdings>,
        config: CatchUpConfig,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let inner = Inner {
            sets: Sets::new(Arc::clone(&holdings), Arc::clone(&clock), config.interest.clone()),
            outgoing: Arc::new(Semaphore::new(config.outgoing.clamp(1, 1_024))),
            incoming: Arc::new(Semaphore::new(config.incoming.min(1_024))),
            schedule: Mutex::new(Schedule::new(config.every)),
            busy: Mutex::default(),
            status: Mutex::default(),
            last: Mutex::default(),
            dice: RandomState::new(),
            throws: AtomicU64::new(0),
            host,
            holdings,
            config,
            clock,
        };
        let inner = Arc::new(inner);
        Self { inner }
    }

    /// Reads what is known in the background, answers peers, and opens sessions when they connect and
    /// now and then. `net` is the network that this is over.
    pub fn start(&self, net: &Net, tasks: &Tasks) -> Result<(), NetError> {
        let incoming = net.accept(protocol())?;
        let (this, token) = (self.clone(), tasks.token());
        tasks.spawn_worker("catch-up load", async move {
            tokio::select! {
                () = token.cancelled() => {}
                view = this.inner.whole() => match view {
                    Ok(view) => this.inner.note_view(&Interest::default(), &view),
                    Err(error) => tracing::warn!(%error, "what is known was not read; the next session tries again"),
                },
            }
        });
        let (this, spawner) = (self.clone(), tasks.clone());
        tasks.spawn("catch-up answers", async move {
            this.answer_all(incoming, &spawner).await;
            Ok::<_, Infallible>(())
        });
        let (this, spawner, net) = (self.clone(), tasks.clone(), net.clone());
        tasks.spawn("catch-up", async move {
            this.drive(&net, &spawner).await;
            Ok::<_, Infallible>(())
        });
        Ok(())
    }

    /// Catches up with one peer until both have what the other has.
    pub async fn sync_with(&self, peer: PeerId) -> Result<Report, SyncError> {
        let inner = &*self.inner;
        let _permit = inner.outgoing.acquire().await.map_err(|_| SyncError::Stopped)?;
        let _turn = inner.turn(peer).ok_or(SyncError::Busy)?;
        let mut total = Report::default();
        let _count = inner.count();
        while total.sessions < SESSIONS {
            let theirs = inner.sets.interest_of(&peer);
            let catalogue = inner.sets.with(&theirs);
            let view = catalogue.refresh().await.map_err(SyncError::Own)?;
            inner.note_view(&theirs, &view);
            let before = (view.set.len(), total.sent);
            let stream = inner.host.open(peer).await?;
            let mut conduct = inner.conduct(&peer);
            conduct.settings.peer_interest = sets::said(&theirs);
            let (report, result) = converse::initiate(stream, view, &inner.holdings, &conduct).await;
            total.add(report.clone());
            inner.note(peer, &report, result.as_ref().err());
            if let Err(cause) = result {
                let report = Box::new(total);
                return Err(SyncError::Session { report, cause });
            }
            if report.is_surprised && inner.sets.learn(peer, report.peer_interest.as_ref()) {
                continue;
            }
            if let Some(reason) = report.refusal {
                return Err(SyncError::Refused(reason));
            }
            if !report.more {
                break;
            }
            // A session that ended at a limit and brought nothing would do so again.
            let view = catalogue.refresh().await.map_err(SyncError::Own)?;
            if (view.set.len(), total.sent) == before {
                break;
            }
        }
        Ok(total)
    }

    /// What operators see.
    pub fn status(&self) -> Status {
        lock(&self.inner.status).clone()
    }

    /// What a connected peer keeps, if that was heard and is not everything.
    pub fn interest_of(&self, peer: &PeerId) -> Option<Interest> {
        let interest = self.inner.sets.interest_of(peer);
        (!interest.is_everything()).then_some(interest)
    }

    /// What the last session with a connected peer did.
    pub fn last_with(&self, peer: &PeerId) -> Option<Report> {
        lock(&self.inner.last).get(peer).cloned()
    }

    /// Answers a session that a peer opens on a stream, unless as many as there may be are under way.
    pub async fn answer(&self, peer: PeerId, stream: BoxStream) {
        // Whoever finds no place tries again later: the stream is closed without a word.
        if let Ok(permit) = Arc::clone(&self.inner.incoming).try_acquire_owned() {
            self.answer_one(peer, stream, permit).await;
        }
    }

    async fn drive(&self, net: &Net, tasks: &Tasks) {
        let inner = &*self.inner;
        let mut events = net.events();
        inner.look_round(net);
        loop {
            let next = lock(&inner.schedule).next(inner.clock.monotonic(), inner.throw());
            let wait = match next {
                Ok(peer) => {
                    self.spawn_sync(tasks, peer);
                    continue;
                }
                Err(wait) => inner.clock.sleep(wait),
            };
            tokio::select! {
                () = tasks.cancelled() => return,
                () = wait => {}
                event = events.recv() => match event {
                    Ok(PeerEvent::Identified { peer, protocols }) => {
                        if protocols.contains(&protocol()) {
                            inner.connected(peer);
                        }
                    }
                    Ok(PeerEvent::Disconnected(peer)) => {
                        lock(&inner.schedule).disconnected(&peer);
                        lock(&inner.last).remove(&peer);
                        inner.sets.forget(&peer);
                    }
                    Ok(PeerEvent::Connected(_)) => {}
                    Err(RecvError::Lagged(_)) => inner.look_round(net),
                    Err(RecvError::Closed) => return,
                },
            }
        }
    }

    fn spawn_sync(&self, tasks: &Tasks, peer: PeerId) {
        // While all are busy, others wait for their next turn rather than in a line that grows.
        if self.inner.outgoing.available_permits() == 0 {
            return;
        }
        let (this, token) = (self.clone(), tasks.token());
        tasks.spawn_worker("catch-up session", async move {
            tokio::select! {
                () = token.cancelled() => {}
                result = this.sync_with(peer) => match result {
                    Ok(report) => tracing::debug!(%peer, ?report, "caught up"),
                    Err(SyncError::Busy) => {}
                    Err(error) => tracing::debug!(%peer, %error, "did not catch up"),
                },
            }
        });
    }

    async fn answer_all(&self, mut incoming: IncomingStreams, tasks: &Tasks) {
        loop {
            let next = tokio::select! {
                () = tasks.cancelled() => return,
                next = incoming.next() => next,
            };
            let Some((peer, stream)) = next else { return };
            // Whoever finds no place tries again later: the stream is closed without a word.
            let Ok(permit) = Arc::clone(&self.inner.incoming).try_acquire_owned() else {
                continue;
            };
            let (this, token) = (self.clone(), tasks.token());
            tasks.spawn_worker("catch-up answer", async move {
                tokio::select! {
                    () = token.cancelled() => {}
                    () = this.answer_one(peer, Box::new(stream), permit) => {}
                }
            });
        }
    }

    async fn answer_one(&self, peer: PeerId, stream: BoxStream, _permit: OwnedSemaphorePermit) {
        let inner = &*self.inner;
        let Some(_turn) = inner.turn(peer) else {
            return converse::refuse(stream, "a session with you is under way").await;
        };
        let _count = inner.count();
        let conduct = inner.conduct(&peer);
        let greeted = match converse::listen(stream, conduct.idle).await {
            Ok(greeted) => greeted,
            Err(trouble) => return inner.note(peer, &Report::default(), Some(&trouble)),
        };
        let Some(theirs) = sets::interest(greeted.interest()) else {
            return greeted
                .refuse("this node does not understand what you keep")
                .await;
        };
        if inner.host.is_connected(&peer) {
            inner.sets.heard(peer, theirs.clone());
        }
        let catalogue = inner.sets.with(&theirs);
        let view = match catalogue.refresh_unless_younger(FRESH_ENOUGH).await {
            Ok(view) => view,
            Err(error) => return tracing::warn!(%error, "what is known was not read"),
        };
        inner.note_view(&theirs, &view);
        let (report, result) = greeted.respond(view, &inner.holdings, &conduct).await;
        inner.note(peer, &report, result.as_ref().err());
        match result {
            Ok(()) => tracing::debug!(%peer, ?report, "a peer caught up"),
            Err(error) => tracing::debug!(%peer, %error, "a peer did not catch up"),
        }
    }
}

impl Inner {
    fn conduct(&self, peer: &PeerId) -> Conduct {
        Conduct {
            settings: Settings {
                network: self.config.network.clone(),
                interest: sets::said(self.sets.own()),
                peer_interest: None,
                limits: self.config.limits.clone(),
            },
            trusted: self.config.trusted.contains(peer),
            idle: self.config.idle,
        }
    }

    fn turn(&self, peer: PeerId) -> Option<Turn<'_>> {
        let is_free = lock(&self.busy).insert(peer);
        is_free.then_some(Turn { inner: self, peer })
    }

    /// Counts a session for as long as the result lives.
    fn count(&self) -> impl Drop + Send + use<'_> {
        struct Counted<'a>(&'a Inner);
        impl Drop for Counted<'_> {
            fn drop(&mut self) {
                lock(&self.0.status).under_way -= 1;
            }
        }
        lock(&self.status).under_way += 1;
        Counted(self)
    }

    fn connected(&self, peer: PeerId) {
        // Both see each other at once: one of them begins, and the same one for both.
        let is_eager = self.host.local_peer() < peer;
        lock(&self.schedule).connected(peer, is_eager, self.clock.monotonic(), self.throw());
    }

    /// Peers as they are, for when their events were missed.
    fn look_round(&self, net: &Net) {
        let peers = net.peers();
        lock(&self.schedule).retain(|peer| peers.iter().any(|info| info.peer == *peer));
        for info in peers {
            if info.protocols.contains(&protocol()) {
                self.connected(info.peer);
            }
        }
    }

    fn spoken(&self, peer: &PeerId) {
        lock(&self.schedule).spoken(peer, self.clock.monotonic(), self.throw());
    }

    /// All that this node keeps.
    async fn whole(&self) -> Result<super::View, HoldingsError> {
        self.sets.with(&Interest::default()).refresh().await
    }

    fn note_view(&self, theirs: &Interest, view: &super::View) {
        if !theirs.is_everything() {
            return;
        }
        let mut status = lock(&self.status);
        status.loaded = true;
        status.elements = view.set.len() as u64;
        status.memory = view.set.memory() as u64;
    }

    fn note(&self, peer: PeerId, report: &Report, trouble: Option<&Trouble>) {
        let mut status = lock(&self.status);
        status.total.add(report.clone());
        status.failed += u64::from(trouble.is_some());
        drop(status);
        if self.host.is_connected(&peer) {
            lock(&self.last).insert(peer, report.clone());
        }
        if let Some(offence) = trouble.and_then(offence) {
            self.host.report(peer, offence);
        }
    }

    fn throw(&self) -> u64 {
        self.dice.hash_one(self.throws.fetch_add(1, Ordering::Relaxed))
    }
}

/// What of a failed session speaks against the peer.
fn offence(trouble: &Trouble) -> Option<Offence> {
    match trouble {
        Trouble::Violation(Violation::Flood) | Trouble::Read(ReadError::TooLong(_)) => Some(Offence::Flood),
        Trouble::Violation(_) | Trouble::Invalid | Trouble::Read(ReadError::Frame(_)) => {
            Some(Offence::BadProtocol)
        }
        Trouble::WrongBytes => Some(Offence::WrongBytes),
        Trouble::Silent => Some(Offence::Timeout),
        Trouble::Read(ReadError::Io(_) | ReadError::Ended) | Trouble::Write(_) | Trouble::Own(_) => None,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
