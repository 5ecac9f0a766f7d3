//! One attempt to fetch a file from a number of peers.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

use alephd_content::{Content, Facts};
use alephd_peer_protocol::exchange::{Answer, Form, Request};
use futures_util::future::{Either, join_all, select};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{ExchangeConfig, Fault, Holders, worse};
use crate::{
    exchange::{
        client::{Connection, PeerError},
        plan::{Piece, Plan},
        sink::{Sink, SinkError},
    },
    fetch::{Demand, SourceError},
};

/// Pieces that must be left before a second stream to the same peer is worth opening.
const WORTH_A_STREAM: u64 = 4;

/// How an attempt ended.
pub(super) enum End<P> {
    /// It is here.
    Done(Facts, Trace<P>),
    /// Everything came and it was something else.
    Wrong(Trace<P>),
    /// It did not come; these peers are of no use for it, and this is what was wrong with them.
    Failed(Vec<P>, SourceError),
    /// This node cannot keep it.
    Local(String),
}

/// Who sent which piece, and what it was.
#[derive(Debug)]
pub(super) struct Trace<P> {
    peers: Vec<P>,
    /// Whose answer decided form and size.
    founder: usize,
    form: Form,
    /// Of each piece that was written, in order.
    pieces: Vec<(usize, u64)>,
}

impl<P: Clone> Trace<P> {
    /// Those who sent something, in the order of their first piece. If it was wrong without a single
    /// piece, whoever said that it has none.
    pub(super) fn peers(&self) -> Vec<P> {
        let founder = self.pieces.is_empty().then_some(self.founder);
        self.distinct(self.pieces.iter().map(|(holder, _)| *holder).chain(founder))
    }

    /// Those who sent another piece than there is in `right`. Of an archive nobody: there are many of
    /// the same tree.
    pub(super) fn differing(&self, right: &Self) -> Vec<P> {
        if (self.form, right.form) != (Form::File, Form::File) {
            return Vec::new();
        }
        let pairs = self.pieces.iter().zip(&right.pieces);
        self.distinct(
            pairs
                .filter(|(mine, right)| mine.1 != right.1)
                .map(|(mine, _)| mine.0),
        )
    }

    fn distinct(&self, holders: impl Iterator<Item = usize>) -> Vec<P> {
        let mut seen = vec![false; self.peers.len()];
        let new = holders.filter(|&holder| !std::mem::replace(&mut seen[holder], true));
        new.map(|holder| self.peers[holder].clone()).collect()
    }
}

/// An attempt under way.
pub(super) struct Attempt<'a, H: Holders> {
    holders: &'a H,
    content: &'a Content,
    config: ExchangeConfig,
    demand: &'a Demand,
    peers: &'a [H::Peer],
    /// Marks pieces, if two attempts are to be compared. Its key is secret.
    marks: Option<&'a RandomState>,
    state: Mutex<State>,
    /// Changes with the state.
    changed: watch::Sender<()>,
}

struct State {
    /// Peers that were not asked yet, as a position.
    next: usize,
    /// Streams to each peer.
    streams: Vec<usize>,
    /// Those of no use for this attempt.
    gone: Vec<bool>,
    /// Those who said another form or size than the first.
    other: Vec<bool>,
    /// Those who said the same.
    member: Vec<bool>,
    /// Whose answer made the plan.
    founder: usize,
    active: usize,
    error: SourceError,
    group: Option<(Form, u64, Plan)>,
}

/// What the writer does next.
enum Step {
    Wait,
    Open(Form, u64, usize),
    Write(usize, Vec<u8>),
    Finish,
    Fail,
}

impl<'a, H: Holders> Attempt<'a, H> {
    pub(super) fn new(
        holders: &'a H,
        content: &'a Content,
        config: ExchangeConfig,
        demand: &'a Demand,
        peers: &'a [H::Peer],
        marks: Option<&'a RandomState>,
    ) -> Self {
        let state = State {
            next: 0,
            streams: vec![0; peers.len()],
            gone: vec![false; peers.len()],
            other: vec![false; peers.len()],
            member: vec![false; peers.len()],
            founder: 0,
            active: 0,
            error: SourceError::NotHeld,
            group: None,
        };
        Self {
            holders,
            content,
            config,
            demand,
            peers,
            marks,
            state: Mutex::new(state),
            changed: watch::Sender::new(()),
        }
    }

    pub(super) async fn run(self) -> End<H::Peer> {
        let lanes = join_all((0..self.config.streams.max(1)).map(|_| self.lane()));
        let (writing, lanes) = (Box::pin(self.write()), Box::pin(lanes));
        match select(writing, lanes).await {
            Either::Left((end, _)) => end,
            // Lanes do not end; it would only mean that nobody is left.
            Either::Right((_, writing)) => writing.await,
        }
    }

    /// One stream after another.
    async fn lane(&self) {
        let mut changed = self.changed.subscribe();
        loop {
            changed.borrow_and_update();
            let holder = self.lock().next_holder(self.peers.len());
            let Some(holder) = holder else {
                // The sender lives as long as this.
                let _ = changed.changed().await;
                continue;
            };
            let Err(error) = self.ask(holder).await;
            tracing::debug!(name = %self.demand.name, peer = %self.peers[holder], %error, "leaves a download");
            if let PeerError::Protocol(_) = error {
                self.holders.report(&self.peers[holder], Fault::BadProtocol);
            }
            self.lock().left(holder, error);
            self.changed.send_replace(());
        }
    }

    /// Asks one peer for pieces until it fails.
    async fn ask(&self, holder: usize) -> Result<std::convert::Infallible, PeerError> {
        let opening = timeout(self.config.idle, self.holders.open(&self.peers[holder]));
        let stream = opening.await.map_err(|_| PeerError::Silent)?;
        let stream = stream.map_err(PeerError::Unreachable)?;
        let mut connection = Connection::new(stream, self.config.idle);
        let name = self.demand.name.clone();
        let mut request = Request {
            name,
            offset: 0,
            length: 0,
        };
        let (form, size, _) = self.found(&mut connection, &request).await?;
        self.lock().join(holder, form, size, self.demand, self.config)?;
        self.changed.send_replace(());
        let mut changed = self.changed.subscribe();
        loop {
            changed.borrow_and_update();
            let Some(piece) = self.lock().plan().and_then(|plan| plan.take(holder)) else {
                let _ = changed.changed().await;
                continue;
            };
            let index = piece.index;
            let fetching = self.piece(&mut connection, &mut request, (form, size), piece);
            let fetched = timeout(self.config.piece_time, fetching).await;
            let fetched = fetched.map_err(|_| PeerError::Slow).flatten();
            if let Some(plan) = self.lock().plan() {
                match fetched {
                    Ok(bytes) => plan.arrived(index, holder, bytes),
                    Err(error) => {
                        plan.failed(index, holder);
                        return Err(error);
                    }
                }
            }
            self.changed.send_replace(());
        }
    }

    /// Fetches a piece, by as many questions as it takes.
    async fn piece(
        &self,
        connection: &mut Connection<H::Stream>,
        request: &mut Request,
        known: (Form, u64),
        piece: Piece,
    ) -> Result<Vec<u8>, PeerError> {
        // No larger than a piece, whatever was announced.
        let mut bytes = vec![0; (piece.range.end - piece.range.start) as usize];
        let mut filled = 0;
        while filled < bytes.len() {
            request.offset = piece.range.start + filled as u64;
            request.length = (bytes.len() - filled) as u64;
            let (form, size, length) = self.found(connection, request).await?;
            if (form, size) != known {
                return Err(PeerError::Other);
            }
            // Not more than asked for: the codec has seen to it.
            let end = bytes.len().min(filled + length as usize);
            connection.read(&mut bytes[filled..end]).await?;
            filled = end;
        }
        Ok(bytes)
    }

    /// Asks until the peer is not busy.
    async fn found(
        &self,
        connection: &mut Connection<H::Stream>,
        request: &Request,
    ) -> Result<(Form, u64, u64), PeerError> {
        for _ in 0..self.config.busy_times.max(1) {
            match connection.ask(request).await? {
                Answer::Found { form, size, length } => return Ok((form, size, length)),
                Answer::NotFound => return Err(PeerError::NotFound),
                Answer::Beyond { .. } => return Err(PeerError::Other),
                Answer::Busy => sleep(self.config.busy_pause).await,
            }
        }
        Err(PeerError::Busy)
    }

    /// Writes the pieces in order.
    async fn write(&self) -> End<H::Peer> {
        let mut changed = self.changed.subscribe();
        let mut sink = None;
        let mut trace = Trace {
            peers: self.peers.to_vec(),
            founder: 0,
            form: Form::File,
            pieces: Vec::new(),
        };
        loop {
            changed.borrow_and_update();
            let step = self.lock().step(sink.is_some());
            let done = match step {
                Step::Wait => {
                    let _ = changed.changed().await;
                    Ok(())
                }
                Step::Fail => return self.failed(),
                Step::Open(form, size, founder) => {
                    (trace.founder, trace.form) = (founder, form);
                    let opened = Sink::open(self.content, &self.demand.name, form, size);
                    opened.map(|opened| sink = Some(opened))
                }
                Step::Write(holder, bytes) => {
                    // The window has moved.
                    self.changed.send_replace(());
                    let mark = self.marks.map(|marks| marks.hash_one(&bytes[..]));
                    trace.pieces.push((holder, mark.unwrap_or_default()));
                    match &mut sink {
                        Some(sink) => sink.write(&bytes).await,
                        None => Ok(()),
                    }
                }
                Step::Finish => {
                    let finished = match sink.take() {
                        Some(sink) => sink.finish().await,
                        None => return self.failed(),
                    };
                    match finished {
                        Ok(facts) => return End::Done(facts, trace),
                        Err(error) => Err(error),
                    }
                }
            };
            match done {
                Ok(()) => {}
                Err(SinkError::Local(error)) => return End::Local(error),
                Err(SinkError::Wrong(error)) => {
                    tracing::debug!(name = %self.demand.name, %error, "a download was something else");
                    return End::Wrong(trace);
                }
            }
        }
    }

    fn failed(&self) -> End<H::Peer> {
        let state = self.lock();
        let gone = state.gone.iter().zip(&state.other).zip(self.peers);
        let gone = gone.filter(|((gone, other), _)| **gone && !**other);
        End::Failed(gone.map(|(_, peer)| peer.clone()).collect(), state.error.clone())
    }

    /// Nothing below panics while it holds the lock, and nothing waits.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn plan(&mut self) -> Option<&mut Plan> {
        self.group.as_mut().map(|(.., plan)| plan)
    }

    /// The peer for a lane that has none: a new one, or one that is worth another stream.
    fn next_holder(&mut self, peers: usize) -> Option<usize> {
        let holder = if self.next < peers {
            self.next += 1;
            self.next - 1
        } else {
            let left = self.plan()?.untouched();
            let pairs = self.streams.iter().zip(&self.gone);
            let alone = pairs
                .into_iter()
                .position(|(streams, gone)| *streams == 1 && !gone);
            alone.filter(|_| left >= WORTH_A_STREAM)?
        };
        self.streams[holder] += 1;
        self.active += 1;
        Some(holder)
    }

    /// A peer said what it has.
    fn join(
        &mut self,
        holder: usize,
        form: Form,
        size: u64,
        demand: &Demand,
        config: ExchangeConfig,
    ) -> Result<(), PeerError> {
        match &self.group {
            Some((known, known_size, _)) if (*known, *known_size) == (form, size) => {
                self.member[holder] = true;
                Ok(())
            }
            Some(_) => {
                // Who changes its mind is none of those who say something else.
                self.other[holder] = !self.member[holder];
                Err(PeerError::Other)
            }
            None => {
                if let Err(error) = demand.admit(form, size) {
                    self.error = worse(self.error.clone(), error);
                    return Err(PeerError::TooLarge);
                }
                self.founder = holder;
                self.member[holder] = true;
                self.group = Some((form, size, Plan::new(size, config.piece, config.window)));
                Ok(())
            }
        }
    }

    /// A stream to a peer ended.
    fn left(&mut self, holder: usize, error: PeerError) {
        self.active -= 1;
        self.streams[holder] -= 1;
        self.gone[holder] = true;
        let error = match error {
            PeerError::NotFound => SourceError::NotHeld,
            // Recorded where it was found, or no error at all.
            PeerError::TooLarge | PeerError::Other => return,
            error => SourceError::Failed(format!("a peer {error}")),
        };
        self.error = worse(self.error.clone(), error);
    }

    fn step(&mut self, is_open: bool) -> Step {
        let hopeless = self.active == 0 && self.next == self.streams.len();
        match &mut self.group {
            Some((form, size, _)) if !is_open => Step::Open(*form, *size, self.founder),
            Some((.., plan)) => match plan.next_ready() {
                Some((holder, bytes)) => Step::Write(holder, bytes),
                None if plan.is_complete() => Step::Finish,
                None if hopeless => Step::Fail,
                None => Step::Wait,
            },
            None if hopeless => Step::Fail,
            None => Step::Wait,
        }
    }
}
