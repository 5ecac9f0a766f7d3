//! The running network part.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use alephd_api::ComingVerdict;
use alephd_message::{Envelope, Micros};
use alephd_net::{Identity, Net, NetConfig, Verdict};
use alephd_pipeline::Pipeline;
use alephd_rules::Interest;
use alephd_sync::{
    catchup::{CatchUp, CatchUpConfig, LocalHoldings},
    fetch::Fetcher,
    gossip::{ANNOUNCE_TOPIC, GossipCounters, Inbox, LocalJudge, Outbox, Outgoing, SyncNow, is_for_others},
    peers::{AddressBook, Beacons, Listed, OwnAddresses},
};
use alephd_tasks::{
    Clock, Tasks,
    queue::{self, Sender},
};

use super::{
    addresses,
    files::{self, Around, Files},
};
use crate::{Config, NodeError, Profile, data_dir::OpenData, node};

/// Messages of clients that wait to be published. Beyond, catch-up has to take them along.
const OUTBOX: usize = 8_192;

/// The other nodes, as the rest of this one sees them.
pub(crate) struct Others {
    pub(super) net: Net,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) counters: GossipCounters,
    pub(super) fetcher: Fetcher,
    pub(super) catch_up: Option<CatchUp>,
    pub(super) book: AddressBook,
    pub(super) http_peers: Vec<String>,
    pub(super) http_url: Option<String>,
    pub(super) interest: Interest,
    outbox: Option<Sender<Outgoing>>,
}

impl Others {
    /// Starts everything that the configuration wants, on `tasks`.
    pub(crate) async fn start(
        config: &Config,
        profile: &Profile,
        data: &OpenData,
        pipeline: &Pipeline,
        clock: Arc<dyn Clock>,
        tasks: &Tasks,
    ) -> Result<Self, NodeError> {
        let bootstrap = addresses::bootstrap(config, profile)?;
        let topics = &profile.p2p;
        let mut subscribed = Vec::new();
        if config.p2p.gossip {
            subscribed = vec![
                topics.queue_topic.clone(),
                topics.alive_topic.clone(),
                ANNOUNCE_TOPIC.to_owned(),
            ];
        }
        let own = addresses::external(config)?;
        let settings = NetConfig {
            listen: addresses::listen(config, profile)?,
            bootstrap: bootstrap.clone(),
            external: own.clone(),
            topics: subscribed,
            ..addresses::limits(config)
        };
        let (net, inbox) = Net::start(identity(config)?, settings, Arc::clone(&clock), tasks).await?;
        let book = AddressBook::open(config.data.folder.join("peers.json"));
        let bases = {
            let (config, book, clock) = (config.clone(), book.clone(), Arc::clone(&clock));
            move || files::http_bases(&config, &book, Micros(clock.now_micros()))
        };
        let (http, known_http) = watch::channel(bases());
        let files = Files::start(&Around {
            config,
            profile,
            data,
            pipeline,
            net: &net,
            http: known_http,
            clock: &clock,
            tasks,
        })?;
        let catch_up = match config.p2p.catch_up {
            false => None,
            true => Some(catch_up(config, profile, data, pipeline, &net, &clock)?),
        };
        if let Some(catch_up) = &catch_up {
            catch_up.start(&net, tasks)?;
        }
        let others = Self {
            net: net.clone(),
            clock: Arc::clone(&clock),
            counters: GossipCounters::default(),
            fetcher: files.fetcher,
            catch_up: catch_up.clone(),
            book: book.clone(),
            http_peers: config.p2p.http_peers.clone(),
            http_url: config.p2p.http_url.clone(),
            interest: config.interest.clone(),
            outbox: None,
        };
        if !config.p2p.gossip {
            return Ok(others);
        }

        let listed = match profile.loopback_only {
            true => Listed::everybody(),
            false => Listed::named(&bootstrap),
        };
        let beacons = Beacons {
            net: net.clone(),
            topic: topics.alive_topic.clone(),
            own: OwnAddresses {
                p2p: own,
                http: config.p2p.http_url.clone(),
                version: config.api.version.clone(),
            },
            book: book.clone(),
            listed: listed.clone(),
            list_owner: profile.corechannel.address.clone(),
            store: data.store.clone(),
            clock: Arc::clone(&clock),
        };
        tasks.spawn_worker("beacons", beacons.run(tasks.token()));

        let sync_now: SyncNow = Arc::new(move |peer| {
            let catch_up = catch_up.clone();
            Box::pin(async move {
                if let Some(catch_up) = catch_up
                    && let Err(error) = catch_up.sync_with(peer).await
                {
                    tracing::debug!(%error, %peer, "an announced message was not fetched");
                }
            })
        });
        let judge = LocalJudge {
            pipeline: pipeline.clone(),
            store: data.store.clone(),
            clock: Arc::clone(&clock),
        };
        let taking = Inbox {
            host: Arc::new(net.clone()),
            judge: Arc::new(judge),
            topic: topics.queue_topic.clone(),
            sync_now,
            counters: others.counters.clone(),
        };
        let alive = topics.alive_topic.clone();
        let hear = move |message: alephd_net::GossipMessage| {
            if message.topic != alive {
                return Verdict::Ignore;
            }
            let verdict = Beacons::hear(&book, &listed, Micros(clock.now_micros()), &message);
            http.send_if_modified(|known| {
                let now = bases();
                std::mem::replace(known, now.clone()) != now
            });
            verdict
        };
        let stop = tasks.token();
        tasks.spawn("gossip", async move {
            taking.run(inbox, hear, stop).await;
            Ok::<_, std::convert::Infallible>(())
        });

        let giving = Outbox {
            host: Arc::new(net),
            topic: topics.queue_topic.clone(),
            counters: others.counters.clone(),
        };
        let (sender, messages) = queue::bounded("outbox", OUTBOX);
        tasks.spawn_worker("outbox", giving.run(messages, tasks.token()));
        Ok(Self {
            outbox: Some(sender),
            ..others
        })
    }

    /// Gives a message of a client to the others, if it is accepted.
    pub(super) fn give(&self, envelope: Envelope, verdict: ComingVerdict) {
        let outgoing = match verdict {
            ComingVerdict::Known(status) if is_for_others(status) => Outgoing::Now(envelope),
            ComingVerdict::Known(_) => return,
            ComingVerdict::Coming(outcome) => Outgoing::Once(envelope, outcome),
        };
        // A full queue counts what it refused; catch-up takes it along.
        if let Some(outbox) = &self.outbox {
            let _ = outbox.offer(outgoing);
        }
    }
}

/// Catching up as this node does it; not started.
pub(super) fn catch_up(
    config: &Config,
    profile: &Profile,
    data: &OpenData,
    pipeline: &Pipeline,
    net: &Net,
    clock: &Arc<dyn Clock>,
) -> Result<CatchUp, NodeError> {
    let trusted = config.p2p.trusted.iter().filter_map(|peer| peer.parse().ok());
    let settings = CatchUpConfig {
        network: profile.name.clone(),
        every: Duration::from_secs(config.p2p.catch_up_seconds),
        trusted: trusted.collect(),
        interest: config.interest.clone(),
        ..CatchUpConfig::default()
    };
    let holdings = LocalHoldings::new(
        data.store.clone(),
        data.blobs.clone(),
        pipeline.clone(),
        node::support(profile),
    );
    Ok(CatchUp::new(
        Arc::new(net.clone()),
        Arc::new(holdings),
        settings,
        Arc::clone(clock),
    ))
}

pub(super) fn identity(config: &Config) -> Result<Identity, NodeError> {
    let identity = match &config.p2p.key_file {
        Some(file) => Identity::from_file(file),
        None => Identity::load_or_create(&config.data.folder.join("node.key")),
    };
    Ok(identity?)
}
