//! Gossipsub with the numbers of the network, and scores that suit its oldest members.
//!
//! The numbers that every node must share, or messages are lost or travel twice: the protocol names,
//! signatures, the function of message ids, the size of a message, and how long ids are remembered.
//!
//! Scores. Sidecars of the reference forward whatever is signed and take part in nothing but gossip;
//! a parameter that asks more of them would cut the network in two. So there is no penalty for slow
//! or missing deliveries, and none for invalid ones: gossipsub would charge everybody who forwarded
//! a copy. Who is to blame is decided by [`reputation`], which enters here as the
//! score of the application.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use alephd_peer_protocol::gossip::message_id;
use libp2p::gossipsub::{
    self, ConfigBuilder, IdentTopic, IdentityTransform, MessageAuthenticity, MessageId, PeerScoreParams,
    PeerScoreThresholds, TopicScoreParams, ValidationMode, WhitelistSubscriptionFilter,
    score_parameter_decay,
};
use libp2p::identity::Keypair;

use super::gate::Gossipsub;
use crate::config::NetConfig;
use crate::error::NetError;
use crate::reputation;

/// Ids of messages are remembered for so long: the same bytes travel once in this time.
const REMEMBERED: Duration = Duration::from_secs(1800);
/// Heartbeats for which messages are kept: a verdict that comes later cannot forward any more.
const HISTORY: usize = 12;
/// Messages that may wait for one peer. They wait for a second, those of our own for five.
const QUEUE: usize = 2048;

/// The bytes that a message takes besides its data: whose it is, its number, its topic, its signature
/// and the key, each with its tag and length, and the frame around them.
pub(crate) fn envelope(keypair: &Keypair, topic: &str) -> usize {
    const TAGS_AND_LENGTHS: usize = 6 * 4 + 16;
    const SEQUENCE_NUMBER: usize = 8;
    let key = keypair.public().encode_protobuf();
    let peer = keypair.public().to_peer_id().to_bytes();
    // RSA signatures are as long as the modulus, which is shorter than the encoded key.
    let signature = key.len().max(64);
    TAGS_AND_LENGTHS + SEQUENCE_NUMBER + peer.len() + topic.len() + signature + key.len()
}

pub(crate) fn behaviour(keypair: &Keypair, config: &NetConfig) -> Result<Gossipsub, NetError> {
    let failed = |error: &dyn std::fmt::Display| NetError::Config(error.to_string());
    let settings = ConfigBuilder::default()
        .protocol_id_prefix("/meshsub")
        .validation_mode(ValidationMode::Strict)
        .validate_messages()
        .message_id_fn(|message| MessageId::from(message_id(&message.data)))
        .max_transmit_size(config.max_gossip)
        .duplicate_cache_time(REMEMBERED)
        .heartbeat_interval(Duration::from_secs(1))
        .heartbeat_initial_delay(Duration::from_millis(200))
        .history_length(HISTORY)
        .history_gossip(3)
        .max_publish_messages(config.limits.gossip_per_frame)
        // Older nodes announce up to 5000 ids at once, some 110 kB; the frame is limit enough.
        .max_control_message_size(config.max_gossip)
        .connection_handler_queue_len(QUEUE)
        .build()
        .map_err(|error| failed(&error))?;

    // Peers may subscribe to whatever they like; only our topics are remembered.
    let topics = config.topics.iter().map(|topic| IdentTopic::new(topic).hash());
    let filter = WhitelistSubscriptionFilter(topics.collect::<HashSet<_>>());
    let signed = MessageAuthenticity::Signed(keypair.clone());
    let mut gossip = gossipsub::Behaviour::new_with_subscription_filter_and_transform(
        signed,
        settings,
        filter,
        IdentityTransform,
    )
    .map_err(|error| failed(&error))?;
    gossip
        .with_peer_score(scores(config), thresholds())
        .map_err(|error| failed(&error))?;
    for topic in &config.topics {
        gossip
            .subscribe(&IdentTopic::new(topic))
            .map_err(|error| failed(&error))?;
    }
    Ok(gossip)
}

/// An offence weighs as many points as it has, and what a peer can earn by good deeds does not
/// outweigh them. Nobody is ignored by gossip before the points suffice for a ban: one whose
/// messages are ignored would earn no more of them and stay.
fn thresholds() -> PeerScoreThresholds {
    PeerScoreThresholds {
        gossip_threshold: -30.0,
        publish_threshold: -60.0,
        graylist_threshold: -reputation::LIMIT,
        accept_px_threshold: 10.0,
        opportunistic_graft_threshold: 1.0,
    }
}

fn scores(config: &NetConfig) -> PeerScoreParams {
    let topics = config
        .topics
        .iter()
        .map(|topic| (IdentTopic::new(topic).hash(), topic_scores()));
    PeerScoreParams {
        topics: topics.collect::<HashMap<_, _>>(),
        topic_score_cap: 10.0,
        app_specific_weight: 1.0,
        // The number of connections from one address is limited already; this only says whom to
        // prefer. Whole networks of tests live on one loopback address.
        ip_colocation_factor_weight: -1.0,
        ip_colocation_factor_threshold: 10.0,
        ip_colocation_factor_whitelist: HashSet::from([
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ]),
        // Asking for a place in the mesh too early and not sending what was announced. Both happen
        // to honest peers whose queues overflow; a dozen within a minute do not.
        behaviour_penalty_weight: -1.0,
        behaviour_penalty_threshold: 12.0,
        behaviour_penalty_decay: score_parameter_decay(Duration::from_secs(60)),
        // A slow peer loses messages by its slowness and needs no further penalty.
        slow_peer_weight: 0.0,
        retain_score: Duration::from_secs(3600),
        ..PeerScoreParams::default()
    }
}

fn topic_scores() -> TopicScoreParams {
    TopicScoreParams {
        topic_weight: 1.0,
        time_in_mesh_weight: 0.01,
        time_in_mesh_quantum: Duration::from_secs(1),
        time_in_mesh_cap: 200.0,
        first_message_deliveries_weight: 0.1,
        first_message_deliveries_decay: score_parameter_decay(Duration::from_secs(600)),
        first_message_deliveries_cap: 50.0,
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: 0.0,
        ..TopicScoreParams::default()
    }
}
