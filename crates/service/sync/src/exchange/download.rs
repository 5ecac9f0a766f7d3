//! One file from several peers at once.
//!
//! ```text
//!   candidates ──▶ lanes (a stream each): size? piece? piece? ... ──▶ plan ──▶ writer ──▶ sink
//!                   │ fails: the next candidate                        in order   hash, disk
//! ```
//!
//! The first answer decides form and size; who says otherwise waits for the case that those who
//! agree cannot deliver.

mod attempt;

use std::{
    collections::HashSet,
    fmt,
    future::Future,
    hash::{Hash, RandomState},
    time::Duration,
};

use alephd_content::{Content, Facts};
use futures_util::{
    future::BoxFuture,
    io::{AsyncRead, AsyncWrite},
};

use self::attempt::{Attempt, End, Trace};
use crate::fetch::{Demand, Source, SourceError};

/// What a peer did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It sent bytes that are not what was asked for.
    WrongBytes,
    /// It broke the protocol.
    BadProtocol,
}

/// The connections to those who may hold something.
pub trait Holders: Send + Sync + 'static {
    /// What peers are called.
    type Peer: Clone + Eq + Hash + fmt::Display + fmt::Debug + Send + Sync + 'static;
    /// A stream that speaks the protocol.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send;

    /// The peers that speak the protocol, in the order in which they should be asked.
    fn peers(&self) -> Vec<Self::Peer>;

    /// Opens a stream to a peer.
    fn open(&self, peer: &Self::Peer) -> impl Future<Output = Result<Self::Stream, String>> + Send;

    /// Tells what a peer did wrong.
    fn report(&self, peer: &Self::Peer, fault: Fault);
}

/// How downloads are made.
#[derive(Clone, Copy, Debug)]
pub struct ExchangeConfig {
    /// Bytes in a piece. One is what a peer has to be trusted with at a time, and at this size a
    /// round trip to another continent costs a third of the time of a piece at 10 MB/s.
    pub piece: u64,
    /// Pieces in memory at most.
    pub window: u64,
    /// Streams at the same time.
    pub streams: usize,
    /// Peers asked at most.
    pub candidates: usize,
    /// How long a peer may be silent. More than a server lets a request wait for its turn.
    pub idle: Duration,
    /// How long a piece may take: a mebibyte at 35 kB/s.
    pub piece_time: Duration,
    /// Pause after the answer that a peer is busy.
    pub busy_pause: Duration,
    /// Answers in a row that a peer is busy before another one is asked.
    pub busy_times: u32,
}

impl Default for ExchangeConfig {
    fn default() -> Self {
        Self {
            piece: 1 << 20,
            window: 6,
            streams: 4,
            candidates: 32,
            idle: Duration::from_secs(15),
            piece_time: Duration::from_secs(30),
            busy_pause: Duration::from_secs(1),
            busy_times: 5,
        }
    }
}

/// Fetches from peers by `/alephd/exchange/1`.
pub struct Exchange<H> {
    holders: H,
    content: Content,
    config: ExchangeConfig,
    marks: RandomState,
}

impl<H: Holders> Exchange<H> {
    /// Fetches into `content` from `holders`.
    pub fn new(holders: H, content: Content, config: ExchangeConfig) -> Self {
        Self {
            holders,
            content,
            config,
            marks: RandomState::new(),
        }
    }

    /// Fetches from those of the connected peers that have it.
    pub async fn fetch(&self, demand: &Demand) -> Result<Facts, SourceError> {
        self.fetch_from(demand, self.holders.peers()).await
    }

    /// Fetches from these peers.
    pub async fn fetch_from(&self, demand: &Demand, mut peers: Vec<H::Peer>) -> Result<Facts, SourceError> {
        let mut known = HashSet::new();
        peers.retain(|peer| known.insert(peer.clone()));
        peers.truncate(self.config.candidates);
        // Each round leaves at least one peer less.
        let mut failed = SourceError::NotHeld;
        while !peers.is_empty() {
            // Who is alone is not compared with anybody.
            let end = self.attempt(demand, &peers, peers.len() > 1).await;
            let (gone, error) = match end {
                End::Done(facts, _) => return Ok(facts),
                End::Local(error) => return Err(SourceError::Local(error)),
                End::Failed(gone, error) => (gone, error),
                End::Wrong(trace) => match self.find_liar(demand, &trace).await? {
                    Ok(facts) => return Ok(facts),
                    Err(gone) => (gone, SourceError::Failed("peers sent something else".into())),
                },
            };
            failed = worse(failed, error);
            if gone.is_empty() {
                break;
            }
            peers.retain(|peer| !gone.contains(peer));
        }
        Err(failed)
    }

    /// Somebody sent something else. Fetches from those who took part one after another; returns
    /// them if nobody had the right bytes.
    async fn find_liar(
        &self,
        demand: &Demand,
        wrong: &Trace<H::Peer>,
    ) -> Result<Result<Facts, Vec<H::Peer>>, SourceError> {
        let suspects = wrong.peers();
        if let [liar] = &suspects[..] {
            self.blame(demand, liar);
            return Ok(Err(suspects));
        }
        let mut blamed = HashSet::new();
        for suspect in &suspects {
            match self.attempt(demand, std::slice::from_ref(suspect), true).await {
                End::Done(facts, right) => {
                    // Pieces of the first attempt that are not those of the content.
                    for liar in wrong.differing(&right) {
                        if blamed.insert(liar.clone()) {
                            self.blame(demand, &liar);
                        }
                    }
                    return Ok(Ok(facts));
                }
                End::Wrong(_) => {
                    blamed.insert(suspect.clone());
                    self.blame(demand, suspect);
                }
                End::Failed(..) => {}
                End::Local(error) => return Err(SourceError::Local(error)),
            }
        }
        Ok(Err(suspects))
    }

    async fn attempt(&self, demand: &Demand, peers: &[H::Peer], compare: bool) -> End<H::Peer> {
        let (holders, content) = (&self.holders, &self.content);
        let marks = compare.then_some(&self.marks);
        let attempt = Attempt::new(holders, content, self.config, demand, peers, marks);
        attempt.run().await
    }

    fn blame(&self, demand: &Demand, peer: &H::Peer) {
        tracing::info!(name = %demand.name, %peer, "a peer sent wrong bytes");
        self.holders.report(peer, Fault::WrongBytes);
    }
}

impl<H: Holders> Source for Exchange<H> {
    fn label(&self) -> &'static str {
        "peers"
    }

    fn fetch<'a>(&'a self, demand: &'a Demand) -> BoxFuture<'a, Result<Facts, SourceError>> {
        Box::pin(Exchange::fetch(self, demand))
    }
}

/// The error that tells more.
fn worse(one: SourceError, other: SourceError) -> SourceError {
    let weight = |error: &SourceError| match error {
        SourceError::NotHeld => 0,
        SourceError::Failed(_) => 1,
        SourceError::TooLarge { .. } => 2,
        SourceError::Local(_) => 3,
    };
    if weight(&other) >= weight(&one) {
        other
    } else {
        one
    }
}
