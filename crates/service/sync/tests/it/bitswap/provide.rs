use std::{sync::Arc, time::Duration};

use alephd_cid::AnyCid;
use alephd_sync::bitswap::{ProvideConfig, Providing};
use alephd_tasks::{Clock as _, ManualClock, Tasks};

use super::{
    mesh::{Mesh, Node, pass, peer},
    trees::{Tree, add_file},
};

fn multihash(cid: &AnyCid) -> Vec<u8> {
    [&[0x12, 0x20], cid.hash().digest()].concat()
}

#[tokio::test]
async fn everything_is_announced_now_and_again() {
    let mesh = Arc::new(Mesh::default());
    let node = Node::new(&mesh, 1).await;
    let file = add_file(&node.content, b"file").await;
    let site = Tree::directory(&[("a", b"b")]);
    site.import(&node.content).await;
    let (clock, tasks) = (ManualClock::new(0), Tasks::new());
    let config = ProvideConfig::default();
    let time = Arc::new(clock.clone());
    let providing = Providing::start(mesh.port(peer(1)), node.content.clone(), config, 7, time, &tasks);

    let step = Duration::from_millis(10);
    let known = async |count| {
        while mesh.provided().len() < count {
            tokio::task::yield_now().await;
        }
    };
    pass(&clock, step, known(2)).await;
    let mut announced = mesh.provided();
    announced.sort();
    let mut expected = vec![multihash(&file), multihash(&site.root)];
    expected.sort();
    assert_eq!(announced, expected);

    // New ones do not wait for the next round.
    let new = add_file(&node.content, b"new").await;
    providing.announce(&new);
    pass(&clock, step, known(3)).await;
    assert_eq!(mesh.provided()[2], multihash(&new));
    assert!(clock.monotonic() < config.round - config.spread);

    pass(&clock, Duration::from_secs(600), known(6)).await;
    let hours = clock.monotonic().as_secs() / 3600;
    assert!((12..=22).contains(&hours), "{hours}");

    let gone = async {
        while mesh.provided().contains(&multihash(&new)) {
            tokio::task::yield_now().await;
        }
    };
    providing.withdraw(&new);
    pass(&clock, step, gone).await;
    assert!(mesh.provided().contains(&multihash(&file)));
    tasks.cancel();
}
