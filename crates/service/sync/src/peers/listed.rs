//! Whose signs of life are believed.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError, RwLock},
};

use serde_json::Value;

use alephd_net::{Multiaddr, PeerId};
use alephd_store::{Reader, StoreError};

/// The key of the aggregate that lists the nodes.
const KEY: &str = "corechannel";
/// Its field that holds them.
const FIELD: &str = "nodes";
/// Most nodes that a list is read for.
const LIMIT: usize = 10_000;

/// The nodes that are believed. Clones share the list.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    everybody: bool,
    named: Arc<HashSet<PeerId>>,
    listed: Arc<RwLock<HashSet<PeerId>>>,
}

impl Listed {
    /// Those whose addresses the operator or the profile names.
    pub fn named<'a>(addresses: impl IntoIterator<Item = &'a Multiaddr>) -> Self {
        Self {
            named: Arc::new(addresses.into_iter().filter_map(peer_of).collect()),
            ..Self::default()
        }
    }

    /// Everybody: for a network that keeps to this machine.
    pub fn everybody() -> Self {
        Self {
            everybody: true,
            ..Self::default()
        }
    }

    /// Whether a node is believed.
    pub fn contains(&self, peer: &PeerId) -> bool {
        let listed = || {
            self.listed
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .contains(peer)
        };
        self.everybody || self.named.contains(peer) || listed()
    }

    /// Reads the list of the network again.
    pub fn refresh(&self, reader: &Reader, owner: &str) -> Result<(), StoreError> {
        let found = reader.aggregate_get(owner, Some(&[KEY.to_owned()]))?;
        let fields = found.iter().flat_map(|aggregate| &aggregate.fields);
        let nodes = fields.filter(|(field, _)| field == FIELD);
        let nodes = nodes.filter_map(|(_, nodes)| serde_json::from_str(nodes).ok());
        let listed = nodes.flat_map(|nodes| peers_of(&nodes)).collect();
        *self.listed.write().unwrap_or_else(PoisonError::into_inner) = listed;
        Ok(())
    }
}

/// The peer that an address ends with.
pub(crate) fn peer_of(address: &Multiaddr) -> Option<PeerId> {
    address.iter().find_map(|part| match part {
        alephd_net::Protocol::P2p(peer) => Some(peer),
        _ => None,
    })
}

/// The peers in the `multiaddress` of nodes. What cannot be read is passed over.
fn peers_of(nodes: &Value) -> HashSet<PeerId> {
    let nodes = nodes.as_array().map(Vec::as_slice).unwrap_or_default();
    let addresses = nodes
        .iter()
        .take(LIMIT)
        .filter_map(|node| node["multiaddress"].as_str());
    addresses
        .filter_map(|address| peer_of(&address.trim().parse().ok()?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PEER: &str = "QmZkurbY2G2hWay59yiTgQNaQxHSNzKZFt2jbnwJhQcKgV";

    #[test]
    fn peers_are_read_from_the_list_and_the_rest_passed_over() {
        let list = json!([
            {"multiaddress": format!("/dns/a.example/tcp/4025/p2p/{PEER}")},
            {"multiaddress": "/ip4/192.0.2.1/tcp/4025"},
            {"multiaddress": "nonsense"},
            {"multiaddress": null},
            7,
        ]);
        assert_eq!(peers_of(&list), [PEER.parse().unwrap()].into());
        assert!(peers_of(&json!("x")).is_empty());
    }

    #[test]
    fn named_ones_are_believed() {
        let address: Multiaddr = format!("/ip4/192.0.2.1/tcp/1/p2p/{PEER}").parse().unwrap();
        let listed = Listed::named([&address]);
        assert!(listed.contains(&PEER.parse().unwrap()));
        let other = "Qmb5b2ZwJm9pVWrppf3D3iMF1bXbjZhbJTwGvKEBMZNxa2".parse().unwrap();
        assert!(!listed.contains(&other));
        assert!(Listed::everybody().contains(&other));
    }
}
