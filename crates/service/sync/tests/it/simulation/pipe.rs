//! Streams whose bytes arrive when the schedule says so, in pieces that it cuts.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use futures_util::io::{AsyncRead, AsyncWrite};

use super::{
    lock,
    world::{Event, World},
};

/// Bytes on their way in one direction at most.
const WINDOW: usize = 8 << 10;

/// One direction of a stream.
#[derive(Default)]
pub(super) struct Lane(Mutex<State>);

#[derive(Default)]
struct State {
    arrived: VecDeque<u8>,
    flying: usize,
    /// When the last piece arrives: they do not overtake each other.
    last: u64,
    said_end: bool,
    ended: bool,
    broken: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl State {
    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }
}

impl Lane {
    /// A piece arrives; nothing is the end.
    pub(super) fn arrive(&self, bytes: &[u8]) {
        let mut state = lock(&self.0);
        state.flying -= bytes.len();
        state.ended |= bytes.is_empty();
        state.arrived.extend(bytes);
        state.wake();
    }

    pub(super) fn break_off(&self) {
        let mut state = lock(&self.0);
        state.broken = true;
        state.wake();
    }
}

/// One end of a stream between two nodes.
pub(super) struct Pipe {
    world: Arc<World>,
    link: (usize, usize),
    inward: Arc<Lane>,
    outward: Arc<Lane>,
}

/// Both ends of a stream, and its lanes.
pub(super) fn pipe(world: &Arc<World>, link: (usize, usize)) -> (Pipe, Pipe, [Arc<Lane>; 2]) {
    let lanes = [Arc::new(Lane::default()), Arc::new(Lane::default())];
    let end = |inward: usize, outward: usize| Pipe {
        world: Arc::clone(world),
        link,
        inward: Arc::clone(&lanes[inward]),
        outward: Arc::clone(&lanes[outward]),
    };
    (end(0, 1), end(1, 0), lanes)
}

impl Pipe {
    fn send(&self, bytes: &[u8]) {
        let mut state = lock(&self.outward.0);
        state.flying += bytes.len();
        let event = Event::Piece {
            link: self.link,
            lane: Arc::clone(&self.outward),
            bytes: bytes.to_vec(),
        };
        state.last = self.world.push_after(state.last, 6, event);
    }
}

impl AsyncRead for Pipe {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut state = lock(&self.inward.0);
        if !state.arrived.is_empty() {
            let count = io::Read::read(&mut state.arrived, buf)?;
            state.wake();
            return Poll::Ready(Ok(count));
        }
        if state.broken {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if state.ended {
            return Poll::Ready(Ok(0));
        }
        state.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let room = {
            let mut state = lock(&self.outward.0);
            if state.broken || state.said_end {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            let room = WINDOW.saturating_sub(state.flying + state.arrived.len());
            if room == 0 {
                state.writer = Some(cx.waker().clone());
                return Poll::Pending;
            }
            room
        };
        let most = buf.len().min(room);
        let count = self.world.cut_piece(most);
        self.send(&buf[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !std::mem::replace(&mut lock(&self.outward.0).said_end, true) {
            self.send(&[]);
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        // Nobody reads any more; and whoever reads what was not finished finds out.
        self.inward.break_off();
        if !lock(&self.outward.0).said_end {
            self.outward.break_off();
        }
    }
}
