//! A running node: its parts in the order in which they start, and the reverse.
//!
//! ```text
//!   start:  port ▶ data folder (lock) ▶ database ▶ pipeline ▶ first answer
//!   stop:   accept no more ▶ finish requests ▶ finish what is queued, write it ▶ empty the log
//! ```
//!
//! A stop that is cut short at any point is a crash, and a crash loses nothing that was
//! acknowledged: the order only spares work at the next start.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use tokio::runtime::Handle;

use alephd_api::{Alone, Network};
use alephd_blobs::Blobs;
use alephd_message::Micros;
use alephd_pipeline::{EngineConfig, Keep, Pipeline, PipelineConfig};
use alephd_rules::Support;
use alephd_tasks::{Clock, ShutdownError, Tasks};

use crate::{
    Config, DataDir, NodeError, Profile, adopt, api, data_dir::OpenData, dev, limits, network::Others, serve,
};

/// A running node.
pub struct Node {
    /// Held, not used: the lock of the data folder.
    _folder: Blobs,
    address: SocketAddr,
    multiaddresses: Vec<String>,
    tasks: Tasks,
    pipeline: Pipeline,
    drain: Duration,
}

impl Node {
    /// Starts a node. When this returns, requests are answered.
    pub async fn start(config: &Config, profile: &Profile, clock: Arc<dyn Clock>) -> Result<Self, NodeError> {
        let address = config.api.listen;
        if profile.loopback_only && !address.ip().is_loopback() {
            return Err(NodeError::NotLoopback {
                network: profile.name.clone(),
                address,
            });
        }
        let max_connections = limits::connections(config.api.max_connections);
        // Before anything that takes time: two nodes on one port should find out at once.
        let failed = |source| NodeError::Listen { address, source };
        let listener = serve::listen(address).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;

        let data = DataDir::at(&config.data.folder).open(config, profile).await?;
        let pipeline = start_pipeline(&data, pipeline_config(config, profile), Arc::clone(&clock))?;
        dev::fund(&pipeline, config, profile).await?;
        let folder = data.folder.clone();
        let content = data.content.clone();
        let adoption = adopt::adopt(content.clone(), data.store.clone(), pipeline.clone());
        let tasks = Tasks::new();
        let others = match config.p2p.enabled {
            false => None,
            true => {
                let started =
                    Others::start(config, profile, &data, &pipeline, Arc::clone(&clock), &tasks).await?;
                Some(Arc::new(started))
            }
        };
        let multiaddresses = others.as_ref().map(|others| others.multiaddresses());
        let others: Arc<dyn Network> = match others {
            None => Arc::new(Alone),
            Some(others) => others,
        };
        let api = api::api(
            data,
            pipeline.clone(),
            others,
            config,
            profile,
            Arc::clone(&clock),
        );

        let live = api.live_task(tasks.token());
        tasks.spawn("live", async move {
            live.await;
            Ok::<_, Infallible>(())
        });
        let stopping = tasks.token();
        tasks.spawn_worker("blocks", async move {
            tokio::select! {
                () = stopping.cancelled() => {}
                listed = content.index_all() => if let Err(error) = listed {
                    tracing::warn!(%error, "not all blocks of files can be found by their own names");
                }
            }
        });
        let token = tasks.token();
        tasks.spawn_worker("adopt", async move {
            tokio::select! {
                () = token.cancelled() => {}
                () = adoption => {}
            }
        });
        let router = alephd_api::router(api);
        let serving = serve::serve(listener, router, max_connections, tasks.clone(), clock);
        tasks.spawn("http", serving);
        tracing::info!(%address, network = %profile.name, folder = %config.data.folder.display(), "ready");
        Ok(Self {
            _folder: folder,
            address,
            multiaddresses: multiaddresses.unwrap_or_default(),
            tasks,
            pipeline,
            drain: Duration::from_secs(config.api.drain_seconds),
        })
    }

    /// The address that is served; with port 0 in the configuration, the port that was free.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where other nodes reach this one; nothing if it keeps to itself.
    pub fn multiaddresses(&self) -> Vec<String> {
        self.multiaddresses.clone()
    }

    /// Ready when a part has failed that the node cannot do without.
    pub async fn failed(&self) {
        tokio::select! {
            () = self.tasks.cancelled() => {}
            () = self.pipeline.stopped() => tracing::error!("the engine has stopped: nothing can be taken in"),
        }
    }

    /// Stops: requests under way are finished within the configured time, then everything that is
    /// queued is written.
    pub async fn stop(self) -> Result<(), NodeError> {
        tracing::info!("stopping");
        let result = match self.tasks.shutdown(self.drain).await {
            Ok(()) => Ok(()),
            Err(ShutdownError::Failed(failure)) => Err(failure.into()),
            Err(ShutdownError::Stuck { names, failure, .. }) => {
                tracing::warn!(tasks = %names.join(", "), "not everything ended in time");
                failure.map_or(Ok(()), |failure| Err(failure.into()))
            }
        };
        close(self.pipeline).await;
        tracing::info!("stopped");
        result
    }
}

/// Starts the pipeline over an opened data folder.
pub(crate) fn start_pipeline(
    data: &OpenData,
    settings: PipelineConfig,
    clock: Arc<dyn Clock>,
) -> Result<Pipeline, NodeError> {
    let writer = data
        .store
        .take_writer()
        .expect("the folder was opened for this one writer");
    Ok(Pipeline::start(
        writer,
        data.blobs.clone(),
        settings,
        clock,
        Handle::current(),
    )?)
}

/// How the pipeline of this node runs.
pub(crate) fn pipeline_config(config: &Config, profile: &Profile) -> PipelineConfig {
    let default = EngineConfig::default();
    let hours = |hours: u32| Micros(i64::from(hours) * 3_600 * 1_000_000);
    let mut periods = default.periods;
    if let Some(hours) = config.uploads.grace_hours {
        let grace = Duration::from_secs(u64::from(hours) * 3_600);
        (periods.upload, periods.forgotten) = (grace, grace);
    }
    PipelineConfig {
        engine: EngineConfig {
            trusted: profile.trusted(),
            money: profile.money(),
            count_dapp_balances: profile.balances.count_dapp_balances,
            unbuilt_aggregates: profile.aggregates.unbuilt_owners.clone(),
            parked_per_sender: config.pipeline.parked_per_sender,
            periods,
            grace: config.uploads.grace_hours.map_or(default.grace, hours),
        },
        verifiers: config.verifiers(),
        bulk: false,
        keep: keep(config, profile),
    }
}

/// What this node keeps, if not everything.
fn keep(config: &Config, profile: &Profile) -> Option<Arc<Keep>> {
    let interest = config.interest.clone();
    (!interest.is_everything()).then(|| {
        Arc::new(Keep {
            interest,
            support: support(profile),
        })
    })
}

/// What every node of a network keeps.
pub(crate) fn support(profile: &Profile) -> Support {
    let mut aggregate_owners = vec![profile.money().pricing_owner];
    aggregate_owners.extend(profile.corechannel.address.clone());
    aggregate_owners.retain(|owner| !owner.is_empty());
    Support {
        trusted: profile.trusted(),
        aggregate_owners,
    }
}

/// Closes a pipeline, which blocks.
pub(crate) async fn close(pipeline: Pipeline) {
    if tokio::task::spawn_blocking(move || pipeline.close())
        .await
        .is_err()
    {
        tracing::error!("closing the pipeline panicked");
    }
}
