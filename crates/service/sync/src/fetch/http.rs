//! Other nodes by their HTTP API: what every node of the network understands.
//!
//! ```text
//!   GET <base>/api/v0/storage/raw/{name}    the bytes, streamed
//!   GET <base>/api/v0/storage/{name}        the same in base 64 inside JSON: older nodes, other files
//! ```
//!
//! # What it promises
//!
//! - Addresses come from strangers. Only public addresses are asked, whatever a name resolves to, no
//!   proxy and no redirection is followed, and nothing of an answer reaches anybody but the hash
//!   check: a node cannot be made to talk to what is behind its firewall.
//! - Nothing longer than allowed is taken, and no answer is held in memory, however it is coded.
//! - A node that sent other bytes than those asked for is left alone for a while. For the bytes of a
//!   CID this proves nothing (it may be a tree that was cut in another way), so only a SHA-256 does.

mod address;
mod embedded;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use alephd_content::{Content, Facts};
use alephd_message::ItemHash;
use alephd_peer_protocol::exchange::Form;
use alephd_tasks::Clock;
use futures_util::future::BoxFuture;
use reqwest::{Client, Response, StatusCode, redirect::Policy};
use tokio::{sync::watch, time::timeout};

use self::embedded::Embedded;
use super::{Demand, Source, SourceError, schedule::Random};
use crate::exchange::{Sink, SinkError};

pub use self::address::BadBase;

/// Bytes around the content in the JSON of the older route, and to spare.
const ENVELOPE: u64 = 4_096;

/// How other nodes are asked.
#[derive(Clone, Copy, Debug)]
pub struct HttpConfig {
    /// Nodes asked in one attempt.
    pub tries: usize,
    /// How long a connection may take.
    pub connect: Duration,
    /// How long a node may be silent.
    pub idle: Duration,
    /// How long a node is left alone that sent something else.
    pub rest: Duration,
    /// Whether addresses of this machine and of private networks may be asked.
    pub private: bool,
    /// Where the order of nodes starts.
    pub seed: u64,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            tries: 4,
            connect: Duration::from_secs(5),
            idle: Duration::from_secs(10),
            rest: Duration::from_secs(600),
            private: false,
            seed: 0,
        }
    }
}

/// The nodes whose HTTP API is known.
pub struct HttpPeers {
    client: Client,
    content: Content,
    bases: watch::Receiver<Vec<String>>,
    config: HttpConfig,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    random: Random,
    /// Nodes that sent something else, and until when they are left alone.
    resting: HashMap<String, Duration>,
}

/// What one node did.
enum Fault {
    /// Of no use now.
    Useless(SourceError),
    /// It sent something else.
    Wrong(String),
    /// This node cannot keep it.
    Local(String),
}

impl HttpPeers {
    /// Fetches into `content` from the nodes at the URLs in `bases`, as they are at the time.
    ///
    /// Fails if the system has no certificates or no cryptography for TLS.
    pub fn new(
        content: Content,
        bases: watch::Receiver<Vec<String>>,
        config: HttpConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, reqwest::Error> {
        // TLS takes its cryptography from whoever comes first in the process; it is the same everywhere.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("alephd/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(config.connect)
            .pool_max_idle_per_host(2)
            .pool_idle_timeout(Duration::from_secs(30))
            .dns_resolver(Arc::new(address::Public {
                private: config.private,
            }))
            .build()?;
        Ok(Self {
            client,
            content,
            bases,
            config,
            clock,
            state: Mutex::new(State {
                random: Random(config.seed),
                resting: HashMap::new(),
            }),
        })
    }

    /// Asks a few nodes.
    async fn ask_some(&self, demand: &Demand) -> Result<Facts, SourceError> {
        let mut failed = SourceError::NotHeld;
        for base in self.choose() {
            match self.ask(&base, demand).await {
                Ok(facts) => return Ok(facts),
                Err(Fault::Local(error)) => return Err(SourceError::Local(error)),
                Err(Fault::Useless(SourceError::NotHeld)) => {}
                Err(Fault::Useless(error)) => failed = error,
                Err(Fault::Wrong(error)) => {
                    tracing::info!(name = %demand.name, base, error, "a node sent something else");
                    failed = SourceError::Failed("a node sent something else".to_owned());
                    if matches!(demand.name, ItemHash::Sha256(_)) {
                        let until = self.clock.monotonic() + self.config.rest;
                        self.lock().resting.insert(base, until);
                    }
                }
            }
        }
        Err(failed)
    }

    /// The nodes to ask, in random order: nobody is asked by everybody first.
    fn choose(&self) -> Vec<String> {
        let now = self.clock.monotonic();
        let mut bases = self.bases.borrow().clone();
        let mut state = self.lock();
        state
            .resting
            .retain(|base, until| *until > now && bases.contains(base));
        bases.retain(|base| !state.resting.contains_key(base));
        state.random.shuffle(&mut bases);
        bases.truncate(self.config.tries);
        bases
    }

    async fn ask(&self, base: &str, demand: &Demand) -> Result<Facts, Fault> {
        let raw = format!("/api/v0/storage/raw/{}", demand.name);
        let raw = match self.get(base, &raw).await {
            Ok(response) => self.take_raw(response, demand).await,
            Err(error) => Err(error),
        };
        let unheld = match raw {
            Err(Fault::Useless(SourceError::NotHeld)) => raw,
            done => return done,
        };
        let embedded = format!("/api/v0/storage/{}", demand.name);
        match self.get(base, &embedded).await {
            Ok(response) => self.take_embedded(response, demand).await,
            Err(Fault::Useless(SourceError::NotHeld)) => unheld,
            Err(error) => Err(error),
        }
    }

    async fn get(&self, base: &str, path: &str) -> Result<Response, Fault> {
        let url = address::url(base, path, self.config.private);
        let url = url.map_err(|error| useless(&error))?;
        // A connection, and then an answer.
        let limit = self.config.connect + self.config.idle;
        let response = timeout(limit, self.client.get(url).send()).await;
        let response = response.map_err(|_| useless(&"silent"))?;
        // The address stays out: errors are shown to whoever asks.
        let response = response.map_err(|error| useless(&error.without_url()))?;
        match response.status() {
            StatusCode::OK => Ok(response),
            status if status.is_client_error() => Err(Fault::Useless(SourceError::NotHeld)),
            status => Err(useless(&status)),
        }
    }

    async fn take_raw(&self, mut response: Response, demand: &Demand) -> Result<Facts, Fault> {
        let announced = response.content_length();
        let limit = announced.unwrap_or(demand.file_limit);
        demand.admit(Form::File, limit).map_err(Fault::Useless)?;
        let mut taking = Taking::new(&self.content, demand, limit)?;
        while let Some(bytes) = self.chunk(&mut response).await? {
            taking.take(&bytes).await?;
        }
        taking.finish().await
    }

    async fn take_embedded(&self, mut response: Response, demand: &Demand) -> Result<Facts, Fault> {
        let most = demand
            .file_limit
            .div_ceil(3)
            .saturating_mul(4)
            .saturating_add(ENVELOPE);
        if let Some(size) = response.content_length().filter(|size| *size > most) {
            let limit = demand.file_limit;
            return Err(Fault::Useless(SourceError::TooLarge { size, limit }));
        }
        let mut taking = Taking::new(&self.content, demand, demand.file_limit)?;
        let mut embedded = Embedded::default();
        let mut bytes = Vec::new();
        while let Some(json) = self.chunk(&mut response).await? {
            embedded
                .take(&json, &mut bytes)
                .map_err(|error| useless(&error))?;
            taking.take(&bytes).await?;
            bytes.clear();
        }
        embedded.finish(&mut bytes).map_err(|error| useless(&error))?;
        taking.take(&bytes).await?;
        taking.finish().await
    }

    async fn chunk(&self, response: &mut Response) -> Result<Option<bytes::Bytes>, Fault> {
        let chunk = timeout(self.config.idle, response.chunk()).await;
        let chunk = chunk.map_err(|_| useless(&"silent"))?;
        chunk.map_err(|error| useless(&error.without_url()))
    }

    /// Nothing panics while it holds the lock, and nothing waits.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for HttpPeers {
    fn label(&self) -> &'static str {
        "http"
    }

    fn fetch<'a>(&'a self, demand: &'a Demand) -> BoxFuture<'a, Result<Facts, SourceError>> {
        Box::pin(self.ask_some(demand))
    }
}

fn useless(error: &dyn std::fmt::Display) -> Fault {
    Fault::Useless(SourceError::Failed(error.to_string()))
}

/// A file on its way in, with its limit.
struct Taking {
    sink: Sink,
    size: u64,
    limit: u64,
}

impl Taking {
    fn new(content: &Content, demand: &Demand, limit: u64) -> Result<Self, Fault> {
        let sink = Sink::open(content, &demand.name, Form::File, limit)?;
        Ok(Self { sink, size: 0, limit })
    }

    async fn take(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.size = self.size.saturating_add(bytes.len() as u64);
        let (size, limit) = (self.size, self.limit);
        if size > limit {
            return Err(Fault::Useless(SourceError::TooLarge { size, limit }));
        }
        Ok(self.sink.write(bytes).await?)
    }

    async fn finish(self) -> Result<Facts, Fault> {
        Ok(self.sink.finish().await?)
    }
}

impl From<SinkError> for Fault {
    fn from(error: SinkError) -> Self {
        match error {
            SinkError::Wrong(error) => Self::Wrong(error),
            SinkError::Local(error) => Self::Local(error),
        }
    }
}
