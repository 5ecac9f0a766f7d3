//! Load over HTTP: a number of keep-alive connections, each with one request at a time.
//!
//! Everything runs on the calling thread and nothing is spawned, so that the generator takes as
//! little as possible of the cores that the node needs; what it took is part of the result. Each
//! connection is one future that drives both its socket and its requests.

use std::{cell::RefCell, collections::BTreeMap, net::SocketAddr, pin::pin, time::Duration};

use alephd_tasks::{Clock, SystemClock};
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use futures_util::future::{Either, join_all, select};
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, StatusCode,
    client::conn::http1::{self, SendRequest},
    header::{CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::{latency::Latencies, machine};

/// Failures in a row after which a connection gives up: the node is gone.
const PATIENCE: u32 = 20;
/// Longest wait for an answer. A synchronous publication may take 30 seconds.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A node to ask.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    address: SocketAddr,
    host: String,
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    Get(String),
    Post(&'static str, Bytes),
}

/// What came of the requests.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Latencies of all answered requests.
    pub(crate) latencies: Latencies,
    /// Answers that the caller found good.
    pub(crate) good: u64,
    /// The others, by what was wrong.
    pub(crate) bad: BTreeMap<String, u64>,
    pub(crate) elapsed: Duration,
    /// Processor time of this thread, where the system tells.
    pub(crate) generator_cpu: Option<Duration>,
}

impl Tally {
    /// Good answers per second.
    pub(crate) fn rate(&self) -> f64 {
        self.good as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// The bad answers in a line, or nothing.
    pub(crate) fn complaints(&self) -> Option<String> {
        if self.bad.is_empty() {
            return None;
        }
        let parts: Vec<_> = self
            .bad
            .iter()
            .map(|(what, count)| format!("{count} x {what}"))
            .collect();
        Some(parts.join(", "))
    }
}

impl Target {
    /// Reads `http://HOST:PORT`, where the host is an address.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let host = url.strip_prefix("http://").unwrap_or(url).trim_end_matches('/');
        let address = host
            .replace("localhost", "127.0.0.1")
            .parse()
            .with_context(|| format!("{url} is not http://ADDRESS:PORT"))?;
        Ok(Self {
            address,
            host: host.to_owned(),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    async fn connect(&self) -> Result<(SendRequest<Full<Bytes>>, Connection)> {
        let stream = TcpStream::connect(self.address)
            .await
            .with_context(|| format!("cannot connect to {}", self.host))?;
        stream.set_nodelay(true)?;
        Ok(http1::handshake(TokioIo::new(stream)).await?)
    }

    fn request(&self, ask: Ask) -> Result<Request<Full<Bytes>>> {
        let builder = Request::builder().header(HOST, &self.host);
        Ok(match ask {
            Ask::Get(path) => builder.uri(path).body(Full::default())?,
            Ask::Post(path, body) => builder
                .method(Method::POST)
                .uri(path)
                .header(CONTENT_TYPE, "application/json")
                .body(Full::new(body))?,
        })
    }
}

type Connection = http1::Connection<TokioIo<TcpStream>, Full<Bytes>>;

/// Sends what `next` gives over `connections` connections until it gives nothing more. `judge`
/// says what is wrong with an answer.
pub(crate) fn run(
    target: &Target,
    connections: usize,
    next: impl FnMut() -> Result<Option<Ask>>,
    judge: impl Fn(StatusCode, &[u8]) -> Result<(), String>,
) -> Result<Tally> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let clock = SystemClock::new();
    let load = Load {
        target,
        clock: &clock,
        next: RefCell::new(next),
        judge,
        tally: RefCell::default(),
    };
    let cpu_before = machine::thread_cpu();
    let start = clock.monotonic();
    let results = runtime.block_on(join_all((0..connections).map(|_| load.keep_busy())));
    let mut tally = load.tally.into_inner();
    tally.elapsed = clock.monotonic() - start;
    tally.generator_cpu = cpu_before
        .zip(machine::thread_cpu())
        .map(|(before, after)| after - before);
    results.into_iter().collect::<Result<()>>()?;
    Ok(tally)
}

/// Why a connection is not used any more.
enum End {
    NothingLeft,
    Closed,
}

struct Load<'a, N, J> {
    target: &'a Target,
    clock: &'a SystemClock,
    next: RefCell<N>,
    judge: J,
    tally: RefCell<Tally>,
}

impl<N, J> Load<'_, N, J>
where
    N: FnMut() -> Result<Option<Ask>>,
    J: Fn(StatusCode, &[u8]) -> Result<(), String>,
{
    /// One connection after the other until the work is done.
    async fn keep_busy(&self) -> Result<()> {
        let mut failures = 0;
        loop {
            let answered_before = self.answered();
            let result = self.use_one_connection().await;
            if let Ok(End::NothingLeft) = result {
                return Ok(());
            }
            let has_progressed = self.answered() > answered_before;
            failures = if has_progressed { 1 } else { failures + 1 };
            match result {
                Err(error) if failures > PATIENCE => {
                    bail!(error.context("the node does not answer any more"))
                }
                Ok(_) if failures > PATIENCE => bail!("the node closes every connection at once"),
                Err(error) => self.complain(format!("{error:#}")),
                // It may close a connection between two requests; nothing is lost.
                Ok(_) => {}
            }
        }
    }

    async fn use_one_connection(&self) -> Result<End> {
        let (mut sender, connection) = self.target.connect().await?;
        let requests = pin!(async {
            loop {
                if sender.ready().await.is_err() {
                    return Ok(End::Closed);
                }
                let Some(ask) = (self.next.borrow_mut())()? else {
                    return Ok(End::NothingLeft);
                };
                let answer = tokio::time::timeout(TIMEOUT, self.ask(&mut sender, ask)).await;
                answer.context("no answer")??;
            }
        });
        // Boxed, since a connection that has ended must also be dropped: only then does the sender
        // tell whoever waits for an answer that there will be none.
        match select(Box::pin(connection), requests).await {
            Either::Left((_, requests)) => requests.await,
            Either::Right((result, _)) => result,
        }
    }

    async fn ask(&self, sender: &mut SendRequest<Full<Bytes>>, ask: Ask) -> Result<()> {
        let request = self.target.request(ask)?;
        let start = self.clock.monotonic();
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        let latency = self.clock.monotonic() - start;
        let verdict = (self.judge)(status, &body);
        let mut tally = self.tally.borrow_mut();
        tally.latencies.record(latency);
        match verdict {
            Ok(()) => tally.good += 1,
            Err(what) => *tally.bad.entry(what).or_default() += 1,
        }
        Ok(())
    }

    fn answered(&self) -> usize {
        self.tally.borrow().latencies.len()
    }

    fn complain(&self, what: String) {
        *self.tally.borrow_mut().bad.entry(what).or_default() += 1;
    }
}

#[cfg(test)]
mod tests;
