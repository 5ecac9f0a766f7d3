//! One open websocket: frames go out, a ping asks whether anybody is there, what comes in is
//! read and forgotten.
//!
//! Nothing here waits for a client without an end: a client that takes no bytes answers no ping
//! either, and is gone 45 seconds later at most.

use std::{future::Future, pin::pin, time::Duration};

use axum::{
    Error,
    extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code},
};
use bytes::Bytes;
use futures_util::{
    FutureExt as _, Sink, SinkExt as _, Stream, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use tokio::sync::Notify;

use alephd_tasks::Clock;

/// Largest frame of a client that is read, and forgotten. Clients have nothing to say here.
pub(super) const LARGEST_FRAME: usize = 64 << 10;
/// Pause between two pings, as in the reference.
const PING_EVERY: Duration = Duration::from_secs(30);
/// Time for the answer, as in the reference: half the pause.
const PONG_WITHIN: Duration = Duration::from_secs(15);
/// Time for a client to take the frame of the end and to answer it.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);
/// Frames that are written together when they wait: a burst then costs few system calls.
const BATCH: usize = 64;

/// Why the node ends a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closing {
    /// Code of RFC 6455.
    pub(super) code: u16,
    /// For people.
    pub(super) reason: &'static str,
}

impl Closing {
    /// The node stops.
    pub(super) const GOING_AWAY: Self = Self {
        code: close_code::AWAY,
        reason: "Shutting down",
    };
    /// The node cannot serve it.
    pub(super) const FAILED: Self = Self {
        code: close_code::ERROR,
        reason: "Internal error",
    };
    /// The client sent a frame that is too large or no frame at all.
    const UNREADABLE: Self = Self {
        code: close_code::POLICY,
        reason: "Unreadable frame",
    };
}

/// Sends `frames` until the client leaves, stops answering, or `end` says why the node ends it.
pub(super) async fn run(
    socket: WebSocket,
    clock: &dyn Clock,
    frames: impl Stream<Item = Utf8Bytes>,
    end: impl Future<Output = Closing>,
) {
    let (mut sink, mut stream) = socket.split();
    let (ping, pong) = (Notify::new(), Notify::new());
    let closing = tokio::select! {
        // An end that is known comes before more frames.
        biased;
        closing = end => Some(closing),
        closing = read(&mut stream, &pong) => closing,
        () = keep_alive(clock, &ping, &pong) => None,
        // A broken connection has nothing to be closed.
        _ = write(&mut sink, frames, &ping) => None,
    };
    if let Some(closing) = closing {
        finish(sink, stream, clock, closing).await;
    }
}

/// Ends a connection that was never served.
pub(super) async fn close(socket: WebSocket, clock: &dyn Clock, closing: Closing) {
    let (sink, stream) = socket.split();
    finish(sink, stream, clock, closing).await;
}

/// Says why, and waits a little for the client to say goodbye: closing at once could destroy the
/// frame on its way.
async fn finish(
    mut sink: SplitSink<WebSocket, Message>,
    mut stream: SplitStream<WebSocket>,
    clock: &dyn Clock,
    closing: Closing,
) {
    let frame = CloseFrame {
        code: closing.code,
        reason: closing.reason.into(),
    };
    let goodbye = async {
        if sink.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = stream.next().await {}
        }
    };
    tokio::select! {
        () = goodbye => {}
        () = clock.sleep(CLOSE_WITHIN) => {}
    }
}

/// Reads until the client leaves (`None`) or breaks a bound.
async fn read(
    stream: &mut (impl Stream<Item = Result<Message, Error>> + Unpin),
    pong: &Notify,
) -> Option<Closing> {
    while let Some(message) = stream.next().await {
        match message {
            Ok(Message::Pong(_)) => pong.notify_one(),
            // The library answers pings and closes by itself.
            Ok(Message::Text(_) | Message::Binary(_) | Message::Ping(_)) => {}
            Ok(Message::Close(_)) => {
                // The answer goes out when the stream is asked once more.
                let _ = stream.next().await;
                return None;
            }
            // A broken connection makes the farewell fail at once.
            Err(_) => return Some(Closing::UNREADABLE),
        }
    }
    None
}

/// Ends when a ping was not answered in time.
async fn keep_alive(clock: &dyn Clock, ping: &Notify, pong: &Notify) {
    loop {
        clock.sleep(PING_EVERY).await;
        // An answer to no question does not count for the next one.
        let _ = pong.notified().now_or_never();
        ping.notify_one();
        tokio::select! {
            // An answer that came in time counts even if it is looked at late.
            biased;
            () = pong.notified() => {}
            () = clock.sleep(PONG_WITHIN) => return,
        }
    }
}

async fn write<S>(sink: &mut S, frames: impl Stream<Item = Utf8Bytes>, ping: &Notify) -> Result<(), Error>
where
    S: Sink<Message, Error = Error> + Unpin,
{
    let mut frames = pin!(frames);
    let mut more = true;
    loop {
        tokio::select! {
            biased;
            () = ping.notified() => sink.send(Message::Ping(Bytes::new())).await?,
            frame = frames.next(), if more => match frame {
                Some(frame) => {
                    sink.feed(Message::Text(frame)).await?;
                    for _ in 1..BATCH {
                        let Some(Some(frame)) = frames.next().now_or_never() else { break };
                        sink.feed(Message::Text(frame)).await?;
                    }
                    sink.flush().await?;
                }
                // What was to be said is said; who listens is told why by the other branches.
                None => more = false,
            },
        }
    }
}
