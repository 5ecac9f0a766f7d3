//! Starting and stopping within this process.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
};

use alephd_node::{Config, Node, NodeError, Profile, dev};
use alephd_tasks::SystemClock;

use crate::once_free;

fn config(folder: &std::path::Path, listen: &str) -> Config {
    let mut config = Config {
        profile: "local".into(),
        ..Config::default()
    };
    config.data.folder = folder.to_owned();
    config.api.listen = listen.parse().unwrap();
    config.pipeline.verifiers = 1;
    config
}

async fn start(config: &Config) -> Result<Node, NodeError> {
    Node::start(
        config,
        &config.load_profile().unwrap(),
        Arc::new(SystemClock::new()),
    )
    .await
}

/// Asks over HTTP/1.0 on a thread of its own, as the node runs on this one's runtime.
async fn get(address: std::net::SocketAddr, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
    let asking = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    asking.await.unwrap()
}

#[tokio::test]
async fn the_local_network_is_for_this_machine_only() {
    let folder = tempfile::tempdir().unwrap();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let refused = start(&config(folder.path(), address)).await;
        assert!(matches!(refused, Err(NodeError::NotLoopback { .. })), "{address}");
    }
    assert!(
        !folder.path().join("alephd.sqlite").exists(),
        "refused before anything is opened"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_serves_stops_and_starts_again_with_the_same_state() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), "127.0.0.1:0");
    let mut roots = Vec::new();
    for _ in 0..2 {
        let node = once_free(|| start(&config)).await.unwrap();
        let address = &dev::accounts()[0].address;
        let balance = get(node.address(), &format!("/api/v0/addresses/{address}/balance")).await;
        assert!(
            balance.starts_with("HTTP/1.") && balance.contains("1000000.0"),
            "{balance}"
        );
        let second = start(&config).await;
        assert!(matches!(second, Err(NodeError::InUse(_))));
        node.stop().await.unwrap();
        roots.push(alephd_node::state_root::of_folder(&alephd_node::DataDir::at(folder.path())).unwrap());
    }
    assert_eq!(roots[0], roots[1]);
    assert_eq!(roots[0].messages, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_does_not_hold_up_the_stop() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(&config(folder.path(), "127.0.0.1:0")).await.unwrap();
    // Accepted before the next one is answered, since the queue of the listener is in order.
    let idle = TcpStream::connect(node.address()).unwrap();
    get(node.address(), "/api/v0/version").await;
    node.stop().await.unwrap();
    drop(idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_belongs_to_one_network() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), "127.0.0.1:0");
    start(&config).await.unwrap().stop().await.unwrap();
    config.profile = "testnet".into();
    let refused = start(&config).await.err().unwrap();
    assert!(
        refused.to_string().contains("belongs to network local"),
        "{refused}"
    );
    assert_eq!(Profile::load("testnet").unwrap().name, "testnet");
}
