//! Commands that reach another node from here, once.

use std::{sync::Arc, time::Duration};

use futures_util::io::{AsyncReadExt as _, AsyncWriteExt as _};
use serde::Serialize;

use alephd_net::{Identity, Multiaddr, Net, NetConfig, PeerEvent, PeerId, StreamProtocol};
use alephd_sync::catchup::{Report, SyncError};
use alephd_tasks::{CancellationToken, Clock, Tasks};

use super::paths::{self, identity};
use crate::{Config, ConfigError, DataDir, NodeError, Profile, dev, node};

/// How long a stranger has to say what it is, and to answer pings.
const PATIENCE: Duration = Duration::from_secs(10);
/// The protocol that echoes.
const PING: StreamProtocol = StreamProtocol::new("/ipfs/ping/1.0.0");

/// A node that was reached.
#[derive(Clone, Debug)]
pub struct Reached {
    /// Its name.
    pub peer_id: PeerId,
    /// What it says it is.
    pub agent: Option<String>,
    /// What it says it speaks.
    pub protocols: Vec<String>,
    /// Times of round trips.
    pub round_trips: Vec<Duration>,
}

/// What a comparison with another node came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SyncReport {
    /// Whether it came to its end.
    pub complete: bool,
    /// Why it did not.
    pub error: Option<String>,
    /// Who the other one is.
    pub peer: String,
    /// What was done.
    #[serde(flatten)]
    pub report: Report,
}

/// Reaches a node by its multiaddress.
pub async fn ping(address: &str, count: u32, clock: Arc<dyn Clock>) -> Result<Reached, NodeError> {
    let address = multiaddress("address", address)?;
    let tasks = Tasks::new();
    let (net, _inbox) = Net::start(
        Identity::generate(),
        NetConfig::default(),
        Arc::clone(&clock),
        &tasks,
    )
    .await?;
    let mut events = net.events();
    let peer_id = net.dial(address).await?;
    let identified = async {
        while let Ok(event) = events.recv().await {
            match event {
                PeerEvent::Identified { peer, .. } if peer == peer_id => return,
                PeerEvent::Disconnected(peer) if peer == peer_id => return,
                _ => {}
            }
        }
    };
    // Nodes of the reference never say what they are.
    let _ = tokio::time::timeout(PATIENCE, identified).await;
    let round_trips = round_trips(&net, peer_id, count, &*clock).await;
    let info = net.peers().into_iter().find(|info| info.peer == peer_id);
    let protocols = info
        .iter()
        .flat_map(|info| &info.protocols)
        .map(ToString::to_string);
    let reached = Reached {
        peer_id,
        protocols: protocols.collect(),
        agent: info.and_then(|info| info.agent),
        round_trips,
    };
    // Nothing is left to finish.
    let _ = tasks.shutdown(Duration::from_secs(1)).await;
    Ok(reached)
}

/// Times of round trips over one stream of the ping protocol, which echoes 32 bytes. As many as there
/// are before an answer stays out.
async fn round_trips(net: &Net, peer: PeerId, count: u32, clock: &dyn Clock) -> Vec<Duration> {
    let mut times = Vec::new();
    let Ok(mut stream) = net.open(peer, PING).await else {
        return times;
    };
    for number in 0..count {
        let sent = [u8::try_from(number % 256).unwrap_or_default(); 32];
        let start = clock.monotonic();
        let echo = async {
            stream.write_all(&sent).await?;
            stream.flush().await?;
            let mut came = [0; 32];
            stream.read_exact(&mut came).await?;
            Ok::<_, std::io::Error>(came == sent)
        };
        match tokio::time::timeout(PATIENCE, echo).await {
            Ok(Ok(true)) => times.push(clock.monotonic().saturating_sub(start)),
            _ => break,
        }
    }
    times
}

/// Compares a data folder with a node, and exchanges what either lacks: messages, not files, which
/// the node fetches when it runs.
pub async fn sync(
    config: &Config,
    profile: &Profile,
    clock: Arc<dyn Clock>,
    peer: &str,
    stop: CancellationToken,
) -> Result<SyncReport, NodeError> {
    let address = multiaddress("peer", peer)?;
    let data = DataDir::at(&config.data.folder).open(config, profile).await?;
    let pipeline = node::start_pipeline(&data, node::pipeline_config(config, profile), Arc::clone(&clock))?;
    let result = async {
        dev::fund(&pipeline, config, profile).await?;
        let tasks = Tasks::new();
        let settings = NetConfig::default();
        let (net, _inbox) = Net::start(identity(config)?, settings, Arc::clone(&clock), &tasks).await?;
        let catch_up = paths::catch_up(config, profile, &data, &pipeline, &net, &clock)?;
        let peer = net.dial(address).await?;
        let synced = tokio::select! {
            synced = catch_up.sync_with(peer) => synced,
            () = stop.cancelled() => Err(SyncError::Stopped),
        };
        // Nothing is left to finish.
        let _ = tasks.shutdown(Duration::from_secs(1)).await;
        Ok(match synced {
            Ok(report) => SyncReport {
                complete: report.refusal.is_none() && !report.more,
                error: report.refusal.clone(),
                peer: peer.to_string(),
                report,
            },
            Err(error) => SyncReport {
                error: Some(error.to_string()),
                peer: peer.to_string(),
                ..SyncReport::default()
            },
        })
    };
    let result = result.await;
    node::close(pipeline).await;
    result
}

fn multiaddress(key: &str, text: &str) -> Result<Multiaddr, NodeError> {
    let wrong = |_| ConfigError::Value {
        key: key.to_owned(),
        text: format!("{text} is no multiaddress, for example /ip4/192.0.2.1/tcp/4025"),
    };
    Ok(text.parse().map_err(wrong)?)
}
