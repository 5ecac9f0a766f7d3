//! Getting blocks for one fetch.
//!
//! A block is asked of one peer at a time, the one with the least to do of those that have shown that
//! they have parts of the tree. While there is none, all are asked whether they have the block, and
//! two for the block itself. Who says that it has not, or is silent for too long, is passed over.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use alephd_cid::{AnyCid, Multihash};
use alephd_net::PeerId;
use alephd_peer_protocol::bitswap::Want;
use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::sync::mpsc;

use super::{FetchError, FetchLimits, Inner, lock, multihash};

/// Silence of a peer that was asked for a block, after which another one is.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two looks at who is silent.
const TICK: Duration = Duration::from_millis(500);

/// Between two searches for peers, and before those that had nothing are asked again.
const SEARCH: Duration = Duration::from_secs(5);

/// Blocks asked of one peer at once.
const PER_PEER: usize = 64;

/// Peers that a fetch deals with.
const PEERS: usize = 32;

/// Peers asked for the first block itself.
const EAGER: usize = 2;

/// Answers that wait for a fetch; when they are too many, the streams that they come from do.
const EVENTS: usize = 64;

/// What a peer said about a block.
#[derive(Debug)]
pub(super) enum Event {
    /// The block, which has this hash.
    Block {
        peer: PeerId,
        hash: Multihash,
        data: Bytes,
    },
    /// It has it.
    Have { peer: PeerId, hash: Multihash },
    /// It has it not.
    DontHave { peer: PeerId, hash: Multihash },
    /// It cannot be reached.
    Gone { peer: PeerId },
}

/// Who wants which block.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    next: u64,
    senders: HashMap<u64, mpsc::Sender<Event>>,
    wants: HashMap<Multihash, (AnyCid, Vec<u64>)>,
}

impl Sessions {
    /// Those that want a block, which get it and want it no more.
    pub(super) fn take(&mut self, hash: &Multihash) -> Vec<mpsc::Sender<Event>> {
        let takers = self.wants.remove(hash).map(|(_, ids)| ids).unwrap_or_default();
        takers
            .iter()
            .filter_map(|id| self.senders.get(id).cloned())
            .collect()
    }

    /// Those that want a block.
    pub(super) fn asking(&self, hash: &Multihash) -> Vec<mpsc::Sender<Event>> {
        let takers = self.wants.get(hash).map(|(_, ids)| &ids[..]).unwrap_or_default();
        takers
            .iter()
            .filter_map(|id| self.senders.get(id).cloned())
            .collect()
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<mpsc::Sender<Event>> {
        self.senders.values().cloned().collect()
    }

    /// The names under which these blocks are wanted.
    pub(super) fn names(&self, hashes: Vec<Multihash>) -> Vec<AnyCid> {
        let found = hashes.iter().filter_map(|hash| self.wants.get(hash));
        found.map(|(cid, _)| cid.clone()).collect()
    }

    fn want(&mut self, id: u64, cid: &AnyCid) {
        let (_, ids) = self
            .wants
            .entry(cid.hash().clone())
            .or_insert_with(|| (cid.clone(), Vec::new()));
        ids.push(id);
    }

    fn unwant(&mut self, id: u64, hash: &Multihash) {
        if let Some((_, ids)) = self.wants.get_mut(hash) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.wants.remove(hash);
            }
        }
    }
}

/// The blocks of one fetch that are on their way.
pub(super) struct Session {
    inner: Arc<Inner>,
    id: u64,
    root: AnyCid,
    limits: FetchLimits,
    events: mpsc::Receiver<Event>,
    wanted: HashMap<Multihash, Wanted>,
    peers: HashMap<PeerId, Known>,
    /// Of the next block; the earlier ones are needed first.
    priority: i32,
    search: Option<BoxFuture<'static, Vec<PeerId>>>,
    searched: Option<Duration>,
    begun: Duration,
    /// When the last block came.
    progress: Duration,
    /// Whether any came.
    any: bool,
}

struct Wanted {
    cid: AnyCid,
    priority: i32,
    /// Who was asked for the block, and when.
    asked: HashMap<PeerId, Duration>,
    /// Who was told anything about it.
    told: HashSet<PeerId>,
    /// Who has it not, or does not give it.
    without: HashSet<PeerId>,
}

#[derive(Default)]
struct Known {
    /// It has shown that it has parts of the tree.
    useful: bool,
    /// Blocks that it was asked for.
    waiting: usize,
    /// When it last gave one.
    last: Duration,
}

impl Session {
    pub(super) fn new(inner: &Arc<Inner>, root: &AnyCid, limits: FetchLimits) -> Self {
        let (sender, events) = mpsc::channel(EVENTS);
        let id = {
            let mut sessions = lock(&inner.sessions);
            sessions.next += 1;
            let id = sessions.next;
            sessions.senders.insert(id, sender);
            id
        };
        let now = inner.clock.monotonic();
        Self {
            inner: Arc::clone(inner),
            id,
            root: root.clone(),
            limits,
            events,
            wanted: HashMap::new(),
            peers: HashMap::new(),
            priority: i32::MAX,
            search: None,
            searched: None,
            begun: now,
            progress: now,
            any: false,
        }
    }

    /// Blocks that are on their way.
    pub(super) fn outstanding(&self) -> usize {
        self.wanted.len()
    }

    /// Whether a block is on its way.
    pub(super) fn wants(&self, hash: &Multihash) -> bool {
        self.wanted.contains_key(hash)
    }

    /// Asks for a block.
    pub(super) fn want(&mut self, cid: &AnyCid) {
        let hash = cid.hash().clone();
        if self.wants(&hash) {
            return;
        }
        // Ends at zero for the last two billion.
        self.priority = self.priority.saturating_sub(1).max(1);
        if self.wanted.is_empty() {
            // Nobody was asked for anything, so nobody was silent.
            self.progress = self.inner.clock.monotonic();
        }
        lock(&self.inner.sessions).want(self.id, cid);
        let wanted = Wanted {
            cid: cid.clone(),
            priority: self.priority,
            asked: HashMap::new(),
            told: HashSet::new(),
            without: HashSet::new(),
        };
        self.wanted.insert(hash.clone(), wanted);
        self.ask(&hash);
    }

    /// The next block that comes.
    pub(super) async fn next(&mut self) -> Result<(Multihash, Bytes), FetchError> {
        loop {
            let tick = self.inner.clock.sleep(TICK);
            let found = tokio::select! {
                biased;
                event = self.events.recv() => match event {
                    Some(event) => {
                        if let Some(block) = self.hear(event) {
                            return Ok(block);
                        }
                        None
                    }
                    None => return Err(FetchError::Stopped),
                },
                found = async { self.search.as_mut().expect("only polled if there is one").await },
                    if self.search.is_some() => Some(found),
                () = tick => {
                    self.look_round()?;
                    None
                }
            };
            if let Some(found) = found {
                self.search = None;
                for peer in found.into_iter().take(PEERS) {
                    self.meet(peer);
                }
                self.ask_all();
            }
        }
    }

    fn hear(&mut self, event: Event) -> Option<(Multihash, Bytes)> {
        let now = self.inner.clock.monotonic();
        match event {
            Event::Block { peer, hash, data } => {
                let wanted = self.wanted.remove(&hash)?;
                self.settle(&wanted, Some(peer));
                let known = self.peers.entry(peer).or_default();
                (known.useful, known.last) = (true, now);
                (self.progress, self.any) = (now, true);
                return Some((hash, data));
            }
            Event::Have { peer, hash } => {
                self.peers.entry(peer).or_default().useful = true;
                self.ask(&hash);
            }
            Event::DontHave { peer, hash } => {
                self.pass_over(peer, &hash);
                self.ask(&hash);
            }
            Event::Gone { peer } => {
                self.peers.remove(&peer);
                let hashes: Vec<_> = self.wanted.keys().cloned().collect();
                for hash in hashes {
                    self.pass_over(peer, &hash);
                    self.ask(&hash);
                }
            }
        }
        None
    }

    /// A want that is no more: those who were asked besides are told.
    fn settle(&mut self, wanted: &Wanted, giver: Option<PeerId>) {
        for peer in wanted.asked.keys() {
            if let Some(known) = self.peers.get_mut(peer) {
                known.waiting = known.waiting.saturating_sub(1);
            }
        }
        for peer in &wanted.told {
            if Some(*peer) != giver {
                self.inner.say(*peer, Want::cancel(wanted.cid.clone()));
            }
        }
    }

    fn pass_over(&mut self, peer: PeerId, hash: &Multihash) {
        let Some(wanted) = self.wanted.get_mut(hash) else {
            return;
        };
        wanted.without.insert(peer);
        if wanted.asked.remove(&peer).is_some()
            && let Some(known) = self.peers.get_mut(&peer)
        {
            known.waiting = known.waiting.saturating_sub(1);
        }
    }

    /// Tells a peer that nothing is expected of it any more. Some do not send a block again that they
    /// have sent lately, or believe to have, until the want for it has begun anew.
    fn withdraw(&mut self, peer: PeerId, hash: &Multihash) {
        if let Some(wanted) = self.wanted.get_mut(hash)
            && wanted.told.remove(&peer)
        {
            self.inner.say(peer, Want::cancel(wanted.cid.clone()));
        }
    }

    fn ask_all(&mut self) {
        let hashes: Vec<_> = self.wanted.keys().cloned().collect();
        for hash in hashes {
            self.ask(&hash);
        }
    }

    fn meet(&mut self, peer: PeerId) {
        if self.peers.len() < PEERS {
            self.peers.entry(peer).or_default();
        }
    }

    /// Sees to it that somebody is asked for a block.
    fn ask(&mut self, hash: &Multihash) {
        let now = self.inner.clock.monotonic();
        let Some(wanted) = self.wanted.get_mut(hash) else {
            return;
        };
        let fresh = |peer: &PeerId| !wanted.without.contains(peer) && !wanted.asked.contains_key(peer);
        let able = self
            .peers
            .iter()
            .filter(|(peer, known)| known.useful && known.waiting < PER_PEER && fresh(peer));
        if wanted.asked.is_empty() {
            if let Some(peer) = able.min_by_key(|(_, known)| known.waiting).map(|(peer, _)| *peer) {
                self.ask_of(peer, hash, now);
                return;
            }
        } else if wanted.told.len() >= self.peers.len() || self.peers.values().any(|known| known.useful) {
            return;
        }
        if self
            .peers
            .values()
            .any(|known| known.useful && known.waiting >= PER_PEER)
        {
            // All who could are busy. It is asked for when one has answered, or at the next tick.
            return;
        }
        for peer in self.inner.host.peers() {
            self.meet(peer);
        }
        let nobody_useful = !self.peers.values().any(|known| known.useful);
        let mut untold: Vec<_> = self.peers.keys().copied().collect();
        untold.retain(|peer| {
            let wanted = &self.wanted[hash];
            !wanted.told.contains(peer) && !wanted.without.contains(peer)
        });
        let nobody = untold.is_empty();
        for peer in untold {
            let wanted = &self.wanted[hash];
            if nobody_useful && wanted.asked.len() < EAGER {
                self.ask_of(peer, hash, now);
            } else {
                let have = Want::have(wanted.cid.clone(), wanted.priority);
                self.inner.say(peer, have);
                if let Some(wanted) = self.wanted.get_mut(hash) {
                    wanted.told.insert(peer);
                }
            }
        }
        if nobody {
            self.look_for_peers(now);
        }
    }

    fn ask_of(&mut self, peer: PeerId, hash: &Multihash, now: Duration) {
        let Some(wanted) = self.wanted.get_mut(hash) else {
            return;
        };
        wanted.told.insert(peer);
        if wanted.asked.insert(peer, now).is_none() {
            self.peers.entry(peer).or_default().waiting += 1;
        }
        self.inner
            .say(peer, Want::block(wanted.cid.clone(), wanted.priority));
    }

    /// Searches for those who have the root, which is what is announced.
    fn look_for_peers(&mut self, now: Duration) {
        let due = self
            .searched
            .is_none_or(|last| now.saturating_sub(last) >= SEARCH);
        if self.search.is_none() && due {
            self.searched = Some(now);
            let (inner, key) = (Arc::clone(&self.inner), multihash(&self.root));
            self.search = Some(async move { inner.host.providers(key).await }.boxed());
        }
    }

    /// What time brings about.
    fn look_round(&mut self) -> Result<(), FetchError> {
        let now = self.inner.clock.monotonic();
        if now.saturating_sub(self.progress) >= self.limits.idle {
            return Err(if self.any {
                FetchError::Stalled
            } else {
                FetchError::NotFound
            });
        }
        if now.saturating_sub(self.begun) >= self.limits.total {
            return Err(FetchError::TooSlow);
        }
        let mut silent = Vec::new();
        for (hash, wanted) in &self.wanted {
            for (peer, asked) in &wanted.asked {
                let last = self
                    .peers
                    .get(peer)
                    .map_or(*asked, |known| known.last.max(*asked));
                if now.saturating_sub(last) >= PATIENCE {
                    silent.push((*peer, hash.clone()));
                }
            }
        }
        for (peer, hash) in &silent {
            self.pass_over(*peer, hash);
            self.withdraw(*peer, hash);
            if let Some(known) = self.peers.get_mut(peer) {
                known.useful = false;
            }
        }
        // Nobody is left for these: all get another chance.
        let again = self
            .searched
            .is_some_and(|last| now.saturating_sub(last) >= SEARCH);
        for wanted in self
            .wanted
            .values_mut()
            .filter(|wanted| wanted.asked.is_empty() && again)
        {
            wanted.told.clear();
            wanted.without.clear();
        }
        self.ask_all();
        if self.wanted.values().any(|wanted| wanted.asked.is_empty()) {
            self.look_for_peers(now);
        }
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let wanted = std::mem::take(&mut self.wanted);
        {
            let mut sessions = lock(&self.inner.sessions);
            sessions.senders.remove(&self.id);
            for hash in wanted.keys() {
                sessions.unwant(self.id, hash);
            }
        }
        for wanted in wanted.values() {
            self.settle(wanted, None);
        }
    }
}
