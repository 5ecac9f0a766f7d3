//! The paths on which contents and files come and go.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use alephd_cid::AnyCid;
use alephd_content::Facts;
use alephd_message::{ItemHash, Micros};
use alephd_net::{Net, PeerEvent};
use alephd_peer_protocol::gossip::PeerType;
use alephd_pipeline::Pipeline;
use alephd_store::{Store, read::WantedKind};
use alephd_sync::{
    bitswap::{Bitswap, BitswapLimits, FetchError, FetchLimits},
    exchange::{Exchange, ExchangeConfig, NetHolders, ServeLimits, Server},
    fetch::{
        Arrivals, Demand, FetchConfig, Fetcher, HttpConfig, HttpPeers, Local, Source, SourceError, Want,
        Wants, What,
    },
    peers::AddressBook,
};
use alephd_tasks::{CancellationToken, Clock, Tasks};

use crate::{Config, NodeError, Profile, adopt::file_kind, data_dir::OpenData};

/// Nodes not heard of for this long are not asked by HTTP.
pub(super) const HTTP_AGE: Duration = Duration::from_secs(86_400);

/// What runs.
pub(super) struct Files {
    pub(super) fetcher: Fetcher,
}

/// What it needs.
pub(super) struct Around<'a> {
    pub(super) config: &'a Config,
    pub(super) profile: &'a Profile,
    pub(super) data: &'a OpenData,
    pub(super) pipeline: &'a Pipeline,
    pub(super) net: &'a Net,
    /// Nodes that can be asked by HTTP, as they become known.
    pub(super) http: watch::Receiver<Vec<String>>,
    pub(super) clock: &'a Arc<dyn Clock>,
    pub(super) tasks: &'a Tasks,
}

impl Files {
    /// Starts serving, and fetching what messages wait for.
    pub(super) fn start(around: &Around<'_>) -> Result<Self, NodeError> {
        let Around {
            config,
            profile,
            data,
            pipeline,
            net,
            http,
            clock,
            tasks,
        } = around;
        let content = &data.content;
        let mut sources: Vec<Arc<dyn Source>> = vec![Arc::new(Local::new(content.clone()))];
        if config.p2p.exchange {
            Server::new(data.blobs.clone(), ServeLimits::default()).start(net, tasks)?;
            let holders = NetHolders::new((*net).clone());
            sources.push(Arc::new(Exchange::new(
                holders,
                content.clone(),
                ExchangeConfig::default(),
            )));
        }
        if config.p2p.bitswap {
            let limits = BitswapLimits::default();
            let bitswap = Bitswap::start(net, content.clone(), limits, Arc::clone(clock), tasks)?;
            sources.push(Arc::new(Blocks(bitswap)));
        }
        if config.p2p.http_fallback {
            let settings = HttpConfig {
                private: config.p2p.private_http,
                ..HttpConfig::default()
            };
            match HttpPeers::new(content.clone(), http.clone(), settings, Arc::clone(clock)) {
                Ok(peers) => sources.push(Arc::new(peers)),
                // The other paths do without.
                Err(error) => tracing::warn!(%error, "nothing is fetched by HTTP"),
            }
        }
        let settings = FetchConfig {
            concurrency: config.p2p.fetches as usize,
            concurrency_of_sender: (config.p2p.fetches as usize * 3 / 4).max(1),
            file_limit: profile.uploads.max_ipfs_file.max(profile.uploads.max_file),
            archive_limit: profile.uploads.max_car,
            ..FetchConfig::default()
        };
        let fetcher = Fetcher::start(
            Arc::new(StoreWants(data.store.clone())),
            Arc::new(IntoPipeline((*pipeline).clone())),
            sources,
            settings,
            Arc::clone(clock),
            tasks,
        );
        let waking = wake(
            fetcher.clone(),
            (*pipeline).clone(),
            (*net).clone(),
            tasks.token(),
        );
        tasks.spawn_worker("fetch-wake", waking);
        Ok(Self { fetcher })
    }
}

/// Tells the fetcher of new wants, and of peers that may have them.
async fn wake(fetcher: Fetcher, pipeline: Pipeline, net: Net, stop: CancellationToken) {
    let waiting = pipeline.waiting();
    let mut events = net.events();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = waiting.notified() => fetcher.wake(),
            event = events.recv() => match event {
                Ok(PeerEvent::Identified { .. }) | Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {
                    fetcher.hasten();
                }
                Ok(_) => {}
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            },
        }
    }
}

/// The nodes that can be asked by HTTP now.
pub(super) fn http_bases(config: &Config, book: &AddressBook, now: Micros) -> Vec<String> {
    let mut bases = config.p2p.http_peers.clone();
    let heard = book.recent(PeerType::Http, now, HTTP_AGE);
    bases.extend(heard.into_iter().map(|entry| entry.address));
    bases.retain(|base| Some(base) != config.p2p.http_url.as_ref());
    bases.dedup();
    bases
}

struct StoreWants(Store);

impl Wants for StoreWants {
    fn wanted(&self, after: i64, limit: u64) -> Result<Vec<Want>, String> {
        let reader = self.0.reader();
        let wanted = reader.wanted(after, limit).map_err(|error| error.to_string())?;
        let want = |wanted: alephd_store::read::Wanted| Want {
            row: wanted.id,
            message: wanted.hash,
            sender: wanted.sender,
            name: wanted.name,
            what: match wanted.what {
                WantedKind::Content => What::Content,
                WantedKind::File => What::File,
            },
            since: wanted.since,
        };
        Ok(wanted.into_iter().map(want).collect())
    }
}

struct IntoPipeline(Pipeline);

impl Arrivals for IntoPipeline {
    fn arrived(&self, name: ItemHash, facts: Facts) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let arrived = self.0.file_arrived(name, facts.size, file_kind(facts));
            arrived.await.map_err(|error| error.to_string())
        })
    }
}

/// Blocks of IPFS as a place to fetch from.
struct Blocks(Bitswap);

impl Source for Blocks {
    fn label(&self) -> &'static str {
        "bitswap"
    }

    fn fetch<'a>(&'a self, demand: &'a Demand) -> BoxFuture<'a, Result<Facts, SourceError>> {
        Box::pin(async move {
            let cid: AnyCid = match &demand.name {
                ItemHash::Sha256(_) => return Err(SourceError::NotHeld),
                ItemHash::Text(text) => text.parse().map_err(|_| SourceError::NotHeld)?,
            };
            let limits = FetchLimits {
                file: demand.file_limit,
                archive: demand.archive_limit,
                ..FetchLimits::default()
            };
            self.0.fetch(&cid, limits).await.map_err(|error| match error {
                FetchError::NotFound | FetchError::Name(_) => SourceError::NotHeld,
                FetchError::Blobs(error) => SourceError::Local(error.to_string()),
                error => SourceError::Failed(error.to_string()),
            })
        })
    }
}
