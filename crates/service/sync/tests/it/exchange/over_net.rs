//! The same between real hosts.

use std::sync::Arc;

use alephd_blobs::BlobName;
use alephd_content::Content;
use alephd_net::{Identity, Net, NetConfig, PeerEvent};
use alephd_sync::exchange::{Exchange, ExchangeConfig, Holders as _, NetHolders, ServeLimits, Server};
use alephd_tasks::{SystemClock, Tasks};

use super::{content, demand, pattern};

async fn host(port: u64, tasks: &Tasks) -> Net {
    let config = NetConfig {
        listen: vec![format!("/memory/{port}").parse().unwrap()],
        memory: true,
        ..NetConfig::default()
    };
    let clock = Arc::new(SystemClock::new());
    let (net, _inbox) = Net::start(Identity::generate(), config, clock, tasks)
        .await
        .unwrap();
    net
}

async fn put(content: &Content, bytes: &[u8]) -> alephd_message::ItemHash {
    let mut writer = content.blobs().writer(u64::MAX);
    writer.write(bytes).await.unwrap();
    writer.finish(BlobName::Sha256).await.unwrap().name
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_serve_a_third() {
    let tasks = Tasks::new();
    let bytes = pattern(5_000_000);
    let asker = host(71_001, &tasks).await;
    let mut events = asker.events();
    let mut servers = Vec::new();
    for port in [71_002, 71_003] {
        let net = host(port, &tasks).await;
        let content = content();
        put(&content, &bytes).await;
        let server = Server::new(content.blobs().clone(), ServeLimits::default());
        server.start(&net, &tasks).unwrap();
        asker
            .dial(format!("/memory/{port}").parse().unwrap())
            .await
            .unwrap();
        servers.push((net, server));
    }
    let holders = NetHolders::new(asker.clone());
    while holders.peers().len() < 2 {
        // Nothing is known of a peer before it has said what it speaks.
        let event = events.recv().await.unwrap();
        assert!(!matches!(event, PeerEvent::Disconnected(_)));
    }
    let mine = content();
    let exchange = Exchange::new(holders, mine.clone(), ExchangeConfig::default());
    let name = alephd_testkit::sha256(&bytes);
    assert_eq!(exchange.fetch(&demand(&name)).await.unwrap().size, 5_000_000);
    assert!(mine.blobs().read_all(&name, u64::MAX).await.unwrap() == bytes);
    for (_, server) in &servers {
        assert!(server.served().requests > 0);
    }
    tasks.shutdown(std::time::Duration::from_secs(10)).await.unwrap();
}
