//! The client of an IPFS node's RPC, against a server that answers as Kubo's documentation says.

mod server;

use std::time::Duration;

use alephd_cid::{AnyCid, CHUNK_SIZE, FileBuilder, Layout};
use alephd_sync::kubo::{Kubo, KuboConfig, KuboError};
use alephd_unixfs::Kind;

use self::server::{Fault, Server};
use crate::bitswap::{
    mesh::{Storage, storage},
    trees::{Tree, add_file, name, pattern, read},
};

const MUCH: u64 = 1 << 30;

async fn client(server: &Server) -> (Storage, Kubo) {
    let storage = storage().await;
    let config = KuboConfig {
        idle: Duration::from_secs(20),
        ..KuboConfig::new(server.base())
    };
    let kubo = Kubo::new(config, storage.content.clone()).unwrap();
    (storage, kubo)
}

#[tokio::test]
async fn files_and_trees_are_fetched() {
    let server = Server::start().await;
    let (here, kubo) = client(&server).await;
    let bytes = pattern(3 * CHUNK_SIZE + 1);
    let file = add_file(&server.content(), &bytes).await;
    let facts = kubo.fetch(&file, MUCH, MUCH).await.unwrap();
    assert_eq!((facts.kind, facts.size), (Kind::File, bytes.len() as u64));
    let kept = here.content.blobs().read_all(&name(&file), MUCH).await.unwrap();
    assert!(kept == bytes);

    let site = Tree::directory(&[("a/b", &bytes), ("c", b"d")]);
    let unusual = Tree::file(FileBuilder::with_sizes(Layout::V0, 1000, 7), &bytes);
    for tree in [&site, &unusual] {
        tree.import(&server.content()).await;
        let facts = kubo.fetch(&tree.root, MUCH, MUCH).await.unwrap();
        assert_eq!(here.content.facts(&name(&tree.root)).await.unwrap(), Some(facts));
    }
    assert!(read(&here.content, &format!("/ipfs/{}/a/b", site.root)).await == bytes);

    // What is here is not asked for.
    let before = server.calls().len();
    kubo.fetch(&site.root, MUCH, MUCH).await.unwrap();
    assert_eq!(server.calls().len(), before);
}

#[tokio::test]
async fn what_is_here_is_given_and_pinned() {
    let server = Server::start().await;
    let (here, kubo) = client(&server).await;
    let bytes = pattern(CHUNK_SIZE + 1);
    let file = add_file(&here.content, &bytes).await;
    let site = Tree::directory(&[("a/b", &bytes), ("c", b"d")]);
    site.import(&here.content).await;
    for cid in [&file, &site.root] {
        kubo.give(cid).await.unwrap();
        assert_eq!(server.calls().last().unwrap(), "dag/import?pin-roots=true");
        assert!(server.holds(cid));
    }
    kubo.pin(&file).await.unwrap();
    assert!(server.calls().last().unwrap().contains(&format!("arg={file}")));
    kubo.unpin(&file).await.unwrap();
    // Not pinned any more, which is what was wanted.
    kubo.unpin(&file).await.unwrap();

    let missing = Tree::file(FileBuilder::new(Layout::V0), b"nowhere").root;
    let refused = kubo.give(&missing).await;
    assert!(matches!(refused, Err(KuboError::Content(_))), "{refused:?}");
    let refused = kubo.pin(&missing).await;
    assert!(
        matches!(&refused, Err(KuboError::Refused(text)) if text.contains("not found")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn who_it_is_and_whom_it_knows() {
    let server = Server::start().await;
    let (_here, kubo) = client(&server).await;
    let id = kubo.id().await.unwrap();
    assert_eq!(id.agent_version, "kubo/0.22.0/");
    let address = "/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo";
    kubo.connect(&address.parse().unwrap()).await.unwrap();
    assert!(server.calls().last().unwrap().starts_with("swarm/connect?"));
}

#[tokio::test]
async fn limits_hold() {
    let server = Server::start().await;
    let (here, kubo) = client(&server).await;
    let file = add_file(&server.content(), &pattern(1000)).await;
    let refused = kubo.fetch(&file, 999, MUCH).await;
    assert!(
        matches!(
            refused,
            Err(KuboError::TooLarge {
                size: 1000,
                limit: 999
            })
        ),
        "{refused:?}"
    );
    let site = Tree::directory(&[("a", &pattern(1000))]);
    site.import(&server.content()).await;
    for limit in [0, 1000] {
        let refused = kubo.fetch(&site.root, MUCH, limit).await;
        assert!(matches!(refused, Err(KuboError::TooLarge { .. })), "{refused:?}");
    }
    assert_eq!(here.content.facts(&name(&site.root)).await.unwrap(), None);
}

#[tokio::test]
async fn it_is_not_believed() {
    let server = Server::start().await;
    let (here, kubo) = client(&server).await;
    let file = add_file(&server.content(), &pattern(2 * CHUNK_SIZE)).await;
    let site = Tree::directory(&[("a", &pattern(1000))]);
    site.import(&server.content()).await;
    let cases: [(Fault, &AnyCid); 5] = [
        (Fault::OtherBlock, &file),
        (Fault::EndlessBlock, &file),
        (Fault::CutArchive, &site.root),
        (Fault::OtherArchive, &site.root),
        (Fault::EndlessError, &file),
    ];
    for (fault, cid) in cases {
        server.fail(fault);
        let refused = kubo.fetch(cid, MUCH, MUCH).await;
        assert!(refused.is_err(), "{fault:?}: {refused:?}");
        assert_eq!(here.content.facts(&name(cid)).await.unwrap(), None);
    }
    // Other bytes for a file: its blocks are asked for instead.
    server.fail(Fault::OtherBytes);
    kubo.fetch(&file, MUCH, MUCH).await.unwrap();
    assert!(
        here.content
            .blobs()
            .archive_size(&name(&file))
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn nobody_is_there() {
    let here = storage().await;
    for base in ["ftp://127.0.0.1/", "127.0.0.1:5001", "unix:/run/ipfs", ""] {
        let refused = Kubo::new(KuboConfig::new(base), here.content.clone());
        assert!(matches!(refused.map(|_| ()), Err(KuboError::Base(_))), "{base}");
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let kubo = Kubo::new(KuboConfig::new(format!("http://{free}")), here.content.clone()).unwrap();
    let refused = kubo.id().await;
    assert!(matches!(refused, Err(KuboError::Http(_))), "{refused:?}");
}
