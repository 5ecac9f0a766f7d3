//! The task that speaks to a peer.

use std::{sync::Arc, time::Duration};

use alephd_content::ContentError;
use alephd_peer_protocol::bitswap::{Block, Message, Presence, Version, Want, WantType};
use bytes::Bytes;
use tokio::{sync::OwnedSemaphorePermit, time::timeout};

use super::{Inner, count, host::BoxStream, lock, peers::Peer, wire::write_message};

/// Silence after which our stream is closed: some peers break off those that are silent for ten
/// seconds, and what is written to a stream just then is lost.
const IDLE: Duration = Duration::from_secs(2);

/// To open a stream, with a connection before it if need be.
const OPENING: Duration = Duration::from_secs(15);

/// Bytes of blocks after which a message goes out: two usual chunks. Larger ones would make the
/// other side wait for what it could use already.
const MESSAGE: usize = 512 * 1024;

/// Our wants in one message.
const WANTS: usize = 512;

/// Answers in one message.
const ANSWERS: usize = 512;

/// Blocks up to this size are sent to whoever only asked whether they are there: a question and an
/// answer more would cost more. Other implementations have the same bound.
const SMALL: usize = 1024;

/// What a look-up costs at least, in bytes read.
const LOOKUP: u64 = 4096;

impl Inner {
    /// Sees to it that somebody speaks to a peer.
    pub(super) fn speak(self: &Arc<Self>, peer: &Arc<Peer>) {
        {
            let mut state = peer.lock();
            if state.speaking {
                peer.wake.notify_one();
                return;
            }
            if !state.has_something() {
                return;
            }
            state.speaking = true;
        }
        let (inner, peer) = (Arc::clone(self), Arc::clone(peer));
        self.tasks.spawn_worker("bitswap-speak", async move {
            let token = inner.tasks.token();
            let mut speaker = Speaker {
                inner: Arc::clone(&inner),
                peer: Arc::clone(&peer),
                stream: None,
                ended: false,
            };
            if let Some(false) = token.run_until_cancelled(speaker.run()).await {
                // Nothing was heard of it since; what it wanted cannot be told.
                lock(&inner.peers).remove(&peer.id);
                inner.gone(peer.id);
            }
        });
    }
}

struct Speaker {
    inner: Arc<Inner>,
    peer: Arc<Peer>,
    stream: Option<(BoxStream, Version)>,
    /// Whether another one may have begun.
    ended: bool,
}

impl Drop for Speaker {
    /// However it ends: another one may begin.
    fn drop(&mut self) {
        if !self.ended {
            self.peer.lock().speaking = false;
        }
    }
}

impl Speaker {
    /// Speaks until there is nothing to say; `false` if the peer cannot be reached.
    async fn run(&mut self) -> bool {
        loop {
            // Held until the message is on its way: it bounds what lies in memory for slow peers.
            let (message, sending) = self.message().await;
            if !message.is_empty() {
                if !self.send(&message).await {
                    return false;
                }
                continue;
            }
            drop(sending);
            if timeout(IDLE, self.peer.wake.notified()).await.is_ok() {
                continue;
            }
            if let Some((mut stream, _)) = self.stream.take() {
                // Whether it arrives or not: everything was said.
                let closing = futures_util::AsyncWriteExt::close(&mut stream);
                let _ = timeout(IDLE, closing).await;
            }
            let mut state = self.peer.lock();
            if !state.has_something() {
                // Under the lock, so that nobody thinks that we still listen.
                state.speaking = false;
                self.ended = true;
                return true;
            }
        }
    }

    async fn send(&mut self, message: &Message) -> bool {
        // The first attempt may meet a stream that the peer has closed meanwhile.
        for _ in 0..2 {
            let (mut stream, version) = match self.stream.take() {
                Some(open) => open,
                None => match timeout(OPENING, self.inner.host.open(self.peer.id)).await {
                    Ok(Ok(open)) => open,
                    Ok(Err(error)) => {
                        tracing::debug!(peer = %self.peer.id, %error, "no bitswap stream");
                        return false;
                    }
                    Err(_) => return false,
                },
            };
            match write_message(&mut stream, message, version).await {
                Ok(()) => {
                    self.stream = Some((stream, version));
                    let counters = &self.inner.counters;
                    let bytes = message.blocks.iter().map(|block| block.data.len()).sum();
                    count(&counters.blocks_sent, message.blocks.len());
                    count(&counters.bytes_sent, bytes);
                    return true;
                }
                Err(error) => tracing::debug!(peer = %self.peer.id, %error, "a bitswap stream broke"),
            }
        }
        false
    }

    /// What there is to say: our wants first, they are small.
    async fn message(&mut self) -> (Message, Option<OwnedSemaphorePermit>) {
        let mut message = Message {
            wants: self.peer.lock().take_unsaid(WANTS),
            ..Message::default()
        };
        if message.is_empty() {
            let wait = self.wait();
            if self.peer.lock().ledger.has_next() && !wait.is_zero() {
                self.inner.clock.sleep(wait).await;
            }
        }
        if !self.peer.lock().ledger.has_next() {
            return (message, None);
        }
        let sending = Arc::clone(&self.inner.sending).acquire_owned().await.ok();
        let mut bytes = 0;
        for _ in 0..ANSWERS {
            if bytes >= MESSAGE || !self.wait().is_zero() {
                break;
            }
            let Some(want) = self.peer.lock().ledger.next() else {
                break;
            };
            let block = self.look_up(&want).await;
            bytes += self.answer(want, block, &mut message);
        }
        (message, sending)
    }

    /// How long nothing may be read for this peer.
    fn wait(&self) -> Duration {
        let now = self.inner.clock.monotonic();
        let all = lock(&self.inner.upload).wait(now);
        self.peer.lock().upload.wait(now).max(all)
    }

    async fn look_up(&mut self, want: &Want) -> Option<Bytes> {
        let block = match self.inner.content.block(&want.cid).await {
            Ok(block) => Some(block),
            Err(ContentError::Missing(_)) => None,
            Err(error) => {
                tracing::warn!(cid = %want.cid, %error, "a block cannot be read for a peer");
                None
            }
        };
        let cost = LOOKUP.max(block.as_ref().map_or(0, |block| block.len() as u64));
        let now = self.inner.clock.monotonic();
        self.peer.lock().upload.take(cost, now);
        lock(&self.inner.upload).take(cost, now);
        block
    }

    /// Puts the answer into a message; how many bytes of blocks it added.
    fn answer(&self, want: Want, block: Option<Bytes>, message: &mut Message) -> usize {
        let mut state = self.peer.lock();
        if !state.ledger.is_taken(&want.cid) {
            return 0;
        }
        match block {
            Some(block) if want.want_type == WantType::Block || block.len() <= SMALL => {
                state.ledger.answered(&want.cid, WantType::Block);
                let size = block.len();
                message.blocks.push(Block::new(&want.cid, block));
                size
            }
            Some(_) => {
                state.ledger.answered(&want.cid, WantType::Have);
                message.presences.push(Presence {
                    cid: want.cid,
                    have: true,
                });
                0
            }
            None => {
                let until = self
                    .inner
                    .clock
                    .monotonic()
                    .saturating_add(self.inner.limits.remember);
                state.ledger.wait(&want.cid, until);
                if want.send_dont_have {
                    message.presences.push(Presence {
                        cid: want.cid,
                        have: false,
                    });
                }
                0
            }
        }
    }
}
