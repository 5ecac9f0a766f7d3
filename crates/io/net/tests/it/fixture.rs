//! A host with its tasks, and waiting for something that must come true.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use alephd_net::{GossipInbox, GossipMessage, Identity, Multiaddr, Net, NetConfig, PeerId, Verdict};
use alephd_tasks::{SystemClock, Tasks};

pub(crate) const TOPIC: &str = "ALEPH-TEST";
/// Only to name a test that hangs; nothing is measured by it.
const LIMIT: Duration = Duration::from_secs(120);

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future)
        .await
        .unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    within(what, waiting).await;
}

pub(crate) fn memory() -> NetConfig {
    NetConfig {
        listen: vec!["/memory/0".parse().unwrap()],
        topics: vec![TOPIC.to_owned(), "ALIVE".to_owned()],
        memory: true,
        redial_min: Duration::from_millis(10),
        redial_max: Duration::from_millis(100),
        ..NetConfig::default()
    }
}

pub(crate) fn loopback(listen: &str) -> NetConfig {
    NetConfig {
        listen: vec![listen.parse().unwrap()],
        memory: false,
        ..memory()
    }
}

/// Three connected in a line. The ends refuse each other: Kademlia would introduce them.
pub(crate) async fn line() -> [Node; 3] {
    let ends = [Identity::generate(), Identity::generate()];
    let refusing = |other: &Identity| NetConfig {
        block: vec![other.peer_id()],
        ..memory()
    };
    let first = Node::start_as(ends[0].clone(), refusing(&ends[1])).await;
    let middle = Node::start(memory()).await;
    let last = Node::start_as(ends[1].clone(), refusing(&ends[0])).await;
    first.mesh(&middle).await;
    middle.mesh(&last).await;
    [first, middle, last]
}

pub(crate) struct Node {
    pub(crate) net: Net,
    pub(crate) inbox: GossipInbox,
    tasks: Tasks,
}

impl Node {
    pub(crate) async fn start(config: NetConfig) -> Self {
        Self::start_as(Identity::generate(), config).await
    }

    pub(crate) async fn start_as(identity: Identity, config: NetConfig) -> Self {
        let tasks = Tasks::new();
        let clock = Arc::new(SystemClock::new());
        let (net, inbox) = Net::start(identity, config, clock, &tasks).await.unwrap();
        Self { net, inbox, tasks }
    }

    pub(crate) fn id(&self) -> PeerId {
        self.net.local_peer()
    }

    /// Where it listens, its name included.
    pub(crate) fn address(&self) -> Multiaddr {
        let first = self.net.listening()[0].clone();
        first.with_p2p(self.id()).unwrap()
    }

    /// Connects, and waits until each sees the other in both topics and in the mesh of the first.
    pub(crate) async fn mesh(&self, other: &Self) {
        let peer = within("dial", self.net.dial(other.address())).await.unwrap();
        assert_eq!(peer, other.id());
        until("the mesh", || self.meshes(other) && other.meshes(self)).await;
    }

    /// Connects, and waits until each sees the other in both topics: gossip goes between them, be it
    /// without a place in the mesh, which those who fell out of it get back after a minute.
    pub(crate) async fn join(&self, other: &Self) {
        let peer = within("dial", self.net.dial(other.address())).await.unwrap();
        assert_eq!(peer, other.id());
        self.joined(other).await;
    }

    pub(crate) async fn joined(&self, other: &Self) {
        until("the topics", || {
            self.knows_topics(other) && other.knows_topics(self)
        })
        .await;
    }

    fn knows_topics(&self, other: &Self) -> bool {
        let peers = self.net.peers();
        peers
            .iter()
            .any(|info| info.peer == other.id() && info.topics.len() == 2)
    }

    fn meshes(&self, other: &Self) -> bool {
        let peers = self.net.peers();
        let info = peers.iter().find(|info| info.peer == other.id());
        info.is_some_and(|info| info.topics.len() == 2 && info.mesh.iter().any(|topic| topic == TOPIC))
    }

    pub(crate) async fn publish(&self, data: impl Into<Vec<u8>>) {
        self.net.publish(TOPIC, data.into()).await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> GossipMessage {
        within("gossip", self.inbox.next()).await.unwrap()
    }

    /// Takes the next message and judges it.
    pub(crate) async fn take(&mut self, verdict: Verdict) -> Vec<u8> {
        let message = self.next().await;
        self.net.judge(message.id, message.relay, verdict);
        message.data
    }

    /// Connections that ended by a panic.
    pub(crate) fn panics(&self) -> u64 {
        self.tasks.worker_panics()
    }

    pub(crate) async fn stop(&self) {
        self.tasks.shutdown(LIMIT).await.unwrap();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.tasks.cancel();
    }
}
