//! The API's view of the node: its parts, constants of the network, limits of this node.

use std::sync::Arc;

use alephd_api::{Api, ApiParts, ApiSettings, Gauges, Network};
use alephd_pipeline::Pipeline;
use alephd_tasks::Clock;

use crate::{Config, Profile, data_dir::OpenData, node};

/// The API of a node with these parts.
pub(crate) fn api(
    data: OpenData,
    pipeline: Pipeline,
    network: Arc<dyn Network>,
    config: &Config,
    profile: &Profile,
    clock: Arc<dyn Clock>,
) -> Api {
    Api::new(ApiParts {
        store: data.store,
        pipeline,
        content: data.content,
        settings: settings(config, profile),
        clock,
        network,
        gauges: Gauges::default(),
    })
}

fn settings(config: &Config, profile: &Profile) -> ApiSettings {
    let uploads = &profile.uploads;
    ApiSettings {
        version: config.api.version.clone(),
        interest: config.interest.clone(),
        support: node::support(profile),
        network: profile.name.clone(),
        adversary_safe: profile.is_adversary_safe(),
        queue_topic: profile.p2p.queue_topic.clone(),
        multiaddresses: config.api.multiaddresses.clone(),
        max_file_size: uploads.max_file,
        max_unauthenticated_file_size: uploads.max_unauthenticated_file,
        ipfs_limits: (
            uploads.max_ipfs_file,
            uploads.max_car,
            uploads.max_ipfs_unauthenticated_file,
        ),
        max_message_sockets: config.api.max_message_sockets,
        max_status_sockets: config.api.max_status_sockets,
        scoring_addresses: profile.scoring.addresses.clone(),
        scoring_channel: profile.scoring.channel.clone(),
        scoring_post_type: profile.scoring.post_type.clone(),
        count_dapp_balances: profile.balances.count_dapp_balances,
        money: profile.money(),
        auth_public_key: profile.auth.public_key.clone(),
    }
}
