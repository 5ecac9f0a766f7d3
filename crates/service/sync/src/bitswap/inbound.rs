//! What peers say.

use std::sync::Arc;

use alephd_cid::Multihash;
use alephd_net::{Offence, PeerId};
use alephd_peer_protocol::bitswap::{Block, Message};
use alephd_unixfs::MAX_BLOCK_SIZE;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::{
    Inner, count,
    host::BoxStream,
    lock,
    peers::Peer,
    session::{Event, Sessions},
    wire::{Memory, WireError, read_message},
};

/// Blocks that a peer may send without being asked: those that a fetch has on their way.
const STRAYS: u32 = 64;

impl Inner {
    /// Reads a stream to its end.
    pub(super) fn listen(self: &Arc<Self>, id: PeerId, mut stream: BoxStream) {
        let Some(peer) = self.peer(id) else {
            tracing::debug!(peer = %id, "no room for another bitswap peer");
            return;
        };
        let Ok(one_stream) = Arc::clone(&peer.streams).try_acquire_owned() else {
            self.host.report(id, Offence::Flood);
            return;
        };
        let memory = Memory {
            of_peer: Arc::clone(&peer.receiving),
            of_all: Arc::clone(&self.receiving),
        };
        let inner = Arc::clone(self);
        self.tasks.spawn_worker("bitswap-listen", async move {
            let _one_stream = one_stream;
            let token = inner.tasks.token();
            let listening = async {
                loop {
                    match read_message(&mut stream, &memory).await {
                        Ok(Some((message, _held))) => inner.heard(&peer, message).await,
                        Ok(None) => return,
                        Err(WireError::Io(error)) => {
                            tracing::debug!(peer = %id, %error, "a bitswap stream broke off");
                            return;
                        }
                        Err(WireError::Message(error)) => {
                            tracing::debug!(peer = %id, %error, "not a bitswap message");
                            inner.host.report(id, Offence::BadProtocol);
                            return;
                        }
                    }
                }
            };
            token.run_until_cancelled(listening).await;
        });
    }

    /// Takes a message.
    async fn heard(self: &Arc<Self>, peer: &Arc<Peer>, message: Message) {
        if !message.wants.is_empty() || message.full {
            let now = self.clock.monotonic();
            let refused = peer.lock().ledger.apply(message.wants, message.full, now);
            count(&self.counters.wants_refused, refused + message.left_out);
            self.speak(peer);
        }
        let size: usize = message.blocks.iter().map(|block| block.data.len()).sum();
        for block in message.blocks {
            self.take_block(peer, block, size).await;
        }
        for presence in message.presences {
            let event = |hash| match presence.have {
                true => Event::Have { peer: peer.id, hash },
                false => Event::DontHave { peer: peer.id, hash },
            };
            let hash = presence.cid.hash();
            let takers = lock(&self.sessions).asking(hash);
            for taker in takers {
                // A fetch that has ended meanwhile wants nothing.
                let _ = taker.send(event(hash.clone())).await;
            }
        }
    }

    async fn take_block(&self, peer: &Arc<Peer>, block: Block, message_size: usize) {
        let Some(hash) = name(peer, &self.sessions, &block) else {
            count(&self.counters.blocks_unwanted, 1);
            if let Some(offence) = stray(peer) {
                self.host.report(peer.id, offence);
            }
            return;
        };
        let takers = lock(&self.sessions).take(&hash);
        if takers.is_empty() {
            count(&self.counters.blocks_unwanted, 1);
            return;
        }
        count(&self.counters.blocks_received, 1);
        count(&self.counters.bytes_received, block.data.len());
        // A small block must not keep a large message in memory.
        let data = match block.data.len() < message_size / 2 {
            true => Bytes::copy_from_slice(&block.data),
            false => block.data,
        };
        for taker in takers {
            let (hash, data) = (hash.clone(), data.clone());
            let peer = peer.id;
            let _ = taker.send(Event::Block { peer, hash, data }).await;
        }
    }

    /// Tells all fetches that a peer cannot be reached.
    pub(super) fn gone(&self, peer: PeerId) {
        for session in lock(&self.sessions).all() {
            // One that is busy finds out by its patience.
            let _ = session.try_send(Event::Gone { peer });
        }
    }
}

/// What it means that a block hashes to nothing that the peer was asked for.
fn stray(peer: &Peer) -> Option<Offence> {
    let mut state = peer.lock();
    if !state.asked.is_empty() {
        return Some(Offence::WrongBytes);
    }
    // What was asked of it before it was away for a moment is forgotten.
    state.strays = state.strays.saturating_add(1);
    (state.strays > STRAYS).then_some(Offence::Flood)
}

/// The hash of a block, if it is one that the peer was asked for.
fn name(peer: &Peer, sessions: &std::sync::Mutex<Sessions>, block: &Block) -> Option<Multihash> {
    if block.data.len() > MAX_BLOCK_SIZE {
        return None;
    }
    if block.prefix.function == alephd_cid::Multicodec::SHA2_256 {
        let hash = Multihash::sha2_256(Sha256::digest(&block.data).into());
        return peer.lock().asked.contains(&hash).then_some(hash);
    }
    // Of other functions only a name that is wanted tells how to check.
    let asked: Vec<_> = peer.lock().asked.unusual().cloned().collect();
    let candidates = lock(sessions).names(asked);
    let found = candidates
        .iter()
        .find(|cid| block.prefix.fits(cid) && cid.check(&block.data).is_ok());
    found.map(|cid| cid.hash().clone())
}
