//! Sessions over the host: who opens them, and what peers are blamed for.

use std::{collections::HashSet, sync::Arc, time::Duration};

use alephd_net::{Identity, Net, NetConfig, NetError, PeerId, StreamProtocol};
use alephd_peer_protocol::catchup::PROTOCOL;
use alephd_sync::catchup::{CatchUp, CatchUpConfig, SyncError};
use alephd_tasks::{SystemClock, Tasks};
use alephd_testkit::{builder::post, keys};
use futures_util::{AsyncReadExt as _, AsyncWriteExt as _};
use serde_json::json;

use super::site::Site;

struct Host {
    site: Site,
    net: Net,
    catch_up: CatchUp,
    tasks: Tasks,
}

impl Host {
    async fn new(network: &str, every: Duration) -> Self {
        let (site, tasks) = (Site::new(), Tasks::new());
        let clock = Arc::new(SystemClock::new());
        let config = NetConfig {
            listen: vec!["/memory/0".parse().unwrap()],
            memory: true,
            ..NetConfig::default()
        };
        let net = Net::start(Identity::generate(), config, clock.clone(), &tasks).await;
        let (net, _) = net.unwrap();
        let config = CatchUpConfig {
            network: network.into(),
            every,
            trusted: HashSet::new(),
            ..CatchUpConfig::default()
        };
        let catch_up = CatchUp::new(Arc::new(net.clone()), Arc::clone(&site.holdings), config, clock);
        catch_up.start(&net, &tasks).unwrap();
        Self {
            site,
            net,
            catch_up,
            tasks,
        }
    }

    async fn dial(&self, other: &Self) -> PeerId {
        self.net.dial(other.net.listening().remove(0)).await.unwrap()
    }

    async fn write(&self, name: &str, count: u64) {
        for number in 0..count {
            self.site
                .submit(&post(&keys::evm(name), "t", json!({ "n": number })).seal())
                .await;
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.tasks.cancel();
    }
}

const NEVER: Duration = Duration::from_secs(1_000_000);

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_meet_end_in_one_state_by_themselves() {
    let (left, right) = (Host::new("n", NEVER).await, Host::new("n", NEVER).await);
    left.write("alice", 30).await;
    right.write("bob", 20).await;
    left.dial(&right).await;
    while left.site.root() != right.site.root() {
        tokio::task::yield_now().await;
    }
    let opened = left.catch_up.status().total.sessions + right.catch_up.status().total.sessions;
    assert!(opened <= 2, "one session, which both count");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_asks_for_it() {
    let (left, right) = (Host::new("n", NEVER).await, Host::new("n", NEVER).await);
    let peer = left.dial(&right).await;
    right.write("bob", 20).await;
    let report = loop {
        match left.catch_up.sync_with(peer).await {
            Ok(report) if report.received > 0 => break report,
            // The session that one of them opens when they meet may be under way, or may be over.
            Ok(_) if left.site.root() == right.site.root() => return,
            Ok(_) | Err(SyncError::Busy | SyncError::Refused(_)) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(left.site.root(), right.site.root());
    assert_eq!(report.sessions, 1);
    let status = left.catch_up.status();
    assert!(status.loaded && status.failed == 0, "{status:?}");
    assert_eq!(left.catch_up.last_with(&peer).map(|last| last.received), Some(20));
    let stranger = Identity::generate().peer_id();
    assert!(matches!(
        left.catch_up.sync_with(stranger).await,
        Err(SyncError::Net(_))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_network_is_refused() {
    let (left, right) = (Host::new("one", NEVER).await, Host::new("two", NEVER).await);
    right.write("bob", 3).await;
    let peer = left.dial(&right).await;
    let result = loop {
        match left.catch_up.sync_with(peer).await {
            Err(SyncError::Busy) => tokio::task::yield_now().await,
            Err(SyncError::Refused(reason)) if reason.contains("under way") => tokio::task::yield_now().await,
            result => break result,
        }
    };
    assert!(
        matches!(&result, Err(SyncError::Refused(reason)) if reason.contains("network")),
        "{result:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_garbage_again_and_again_is_not_heard_any_more() {
    let node = Host::new("n", NEVER).await;
    let config = NetConfig {
        listen: vec!["/memory/0".parse().unwrap()],
        memory: true,
        ..NetConfig::default()
    };
    let (tasks, clock) = (Tasks::new(), Arc::new(SystemClock::new()));
    let (liar, _) = Net::start(Identity::generate(), config, clock, &tasks)
        .await
        .unwrap();
    let peer = liar.dial(node.net.listening().remove(0)).await.unwrap();
    let mut streams = 0;
    let end = loop {
        match liar.open(peer, StreamProtocol::new(PROTOCOL)).await {
            Ok(mut stream) => {
                streams += 1;
                // It may be closed at any time.
                let _ = stream.write_all(&[0, 0, 0, 1, 0xee]).await;
                let _ = stream.flush().await;
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
            Err(error) => break error,
        }
        assert!(streams < 100, "it is heard for ever");
    };
    assert!(
        matches!(
            end,
            NetError::NotConnected(_) | NetError::Dial(_) | NetError::Stream(_)
        ),
        "{end}"
    );
    assert!(node.catch_up.status().failed >= 3);
    tasks.cancel();
}
