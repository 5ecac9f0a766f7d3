//! What every handler works on.

use std::{ops::Deref, sync::Arc};

use alephd_blobs::Blobs;
use alephd_content::Content;
use alephd_economy::admission::Parameters;
use alephd_message::Micros;
use alephd_pipeline::Pipeline;
use alephd_rules::{Interest, Support};
use alephd_store::{Reader, Store};
use alephd_tasks::Clock;

use crate::{ApiError, Network, live::Live, metrics::Gauges, prices::PriceList};

/// The parts of the node that the API speaks for. Cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<Shared>);

struct Shared {
    parts: ApiParts,
    live: Live,
    prices: PriceList,
}

/// What an [`Api`] is made of.
pub struct ApiParts {
    /// The database, for reading.
    pub store: Store,
    /// Where messages go.
    pub pipeline: Pipeline,
    /// Where files go.
    pub content: Content,
    /// Constants of the network and limits of this node.
    pub settings: ApiSettings,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The other nodes.
    pub network: Arc<dyn Network>,
    /// Numbers that only exist while the node runs.
    pub gauges: Gauges,
}

/// Constants of the network and limits of this node.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// Version told to clients and peers; scoring compares it with releases of the reference.
    pub version: String,
    /// Name of the network profile.
    pub network: String,
    /// Whether an ordering chain makes the state safe against backdating.
    pub adversary_safe: bool,
    /// Topic that the publishing routes of old clients must name.
    pub queue_topic: String,
    /// Addresses under which peers reach the node.
    pub multiaddresses: Vec<String>,
    /// Largest upload that comes with a signed STORE, bytes.
    pub max_file_size: u64,
    /// Largest upload without one, bytes.
    pub max_unauthenticated_file_size: u64,
    /// The same limits for IPFS: (with STORE, CAR, without).
    pub ipfs_limits: (u64, u64, u64),
    /// Most websockets on messages.
    pub max_message_sockets: usize,
    /// Most websockets on the status.
    pub max_status_sockets: usize,
    /// What this node keeps.
    pub interest: Interest,
    /// What every node keeps.
    pub support: Support,
    /// Owners of the posts that hold node metrics.
    pub scoring_addresses: Vec<String>,
    /// Channel of these posts.
    pub scoring_channel: String,
    /// Type of these posts.
    pub scoring_post_type: String,
    /// Whether tokens held by contracts count into balances.
    pub count_dapp_balances: bool,
    /// Who sets prices, and from when on what has to be paid how.
    pub money: Parameters,
    /// Whose signature opens guarded routes: a compressed secp256k1 key in hexadecimal. Without one
    /// they stay closed.
    pub auth_public_key: Option<String>,
}

impl Default for ApiSettings {
    /// The values of the reference; addresses are empty.
    fn default() -> Self {
        const MIB: u64 = 1 << 20;
        let second = |second: i64| Micros(second * 1_000_000);
        Self {
            version: "0.10.3".into(),
            network: "local".into(),
            adversary_safe: false,
            queue_topic: "ALEPH-TEST".into(),
            multiaddresses: Vec::new(),
            max_file_size: 100 * MIB,
            max_unauthenticated_file_size: 25 * MIB,
            ipfs_limits: (1024 * MIB, 4096 * MIB, 25 * MIB),
            max_message_sockets: 10_000,
            max_status_sockets: 1_000,
            interest: Interest::default(),
            support: Support::default(),
            scoring_addresses: Vec::new(),
            scoring_channel: "aleph-scoring".into(),
            scoring_post_type: "aleph-network-metrics".into(),
            count_dapp_balances: false,
            money: Parameters {
                pricing_owner: String::new(),
                cost_time: second(1_743_775_079),
                cost_height: 22_196_000,
                no_hold_time: second(1_773_187_200),
                credit_only_time: second(1_798_761_600),
            },
            auth_public_key: None,
        }
    }
}

impl Deref for Api {
    type Target = ApiParts;
    fn deref(&self) -> &ApiParts {
        &self.0.parts
    }
}

impl Api {
    /// Puts the parts together.
    pub fn new(parts: ApiParts) -> Self {
        let live = Live::new(parts.clock.monotonic());
        let prices = PriceList::default();
        Self(Arc::new(Shared { parts, live, prices }))
    }

    /// The files as they lie.
    pub fn blobs(&self) -> &Blobs {
        self.content.blobs()
    }

    /// The price list, as far as it is remembered.
    pub(crate) fn price_list(&self) -> &PriceList {
        &self.0.prices
    }

    /// What is told while it happens.
    pub(crate) fn live(&self) -> &Live {
        &self.0.live
    }

    /// Reads from the database, on this thread.
    ///
    /// A read takes microseconds; handing it to another thread costs more than most of them. The
    /// runtime has more threads than there are cores, so that a long one holds up nobody.
    pub fn read<T>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, alephd_store::StoreError>,
    ) -> Result<T, ApiError> {
        let reader = self.store.reader();
        read(&reader).map_err(ApiError::internal)
    }

    /// The time now.
    pub fn now(&self) -> Micros {
        Micros(self.clock.now_micros())
    }
}
