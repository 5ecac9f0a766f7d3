//! The price list of the network: the aggregates `pricing` and `settings` of one trusted owner
//! (docs/protocol/money.md, "Prices").
//!
//! The owner is trusted with prices, not with the health of the node: a list of any shape is
//! read without failing, within [`LIST_LIMIT`], and what it says badly about one product leaves
//! that product without a price and all others alone.

mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::amount::Decimal;

/// Key of the aggregate with the prices.
pub const PRICING_KEY: &str = "pricing";
/// Key of the aggregate with the models of GPUs.
pub const SETTINGS_KEY: &str = "settings";
/// Longest aggregate that is read, in bytes: hundreds of times the size of the default list.
pub const LIST_LIMIT: usize = 1 << 20;

/// The list that holds where the owner has not published one.
const DEFAULT_PRICING: &str = include_str!("pricing/pricing.json");
/// The models of GPUs that hold where the owner has not published any.
const DEFAULT_SETTINGS: &str = include_str!("pricing/settings.json");

/// What is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Product {
    /// Keeping a file.
    Storage,
    /// A function that runs on demand.
    Program,
    /// A function that keeps running.
    ProgramPersistent,
    /// A virtual machine.
    Instance,
    /// A virtual machine that its host cannot look into.
    InstanceConfidential,
    /// A virtual machine with a GPU of the lower class.
    InstanceGpuStandard,
    /// A virtual machine with a GPU of the upper class.
    InstanceGpuPremium,
}

impl Product {
    /// Everything that is sold.
    pub const ALL: [Self; 7] = [
        Self::Storage,
        Self::Program,
        Self::ProgramPersistent,
        Self::Instance,
        Self::InstanceConfidential,
        Self::InstanceGpuStandard,
        Self::InstanceGpuPremium,
    ];

    /// The name in the price list and of the line that bills it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::Program => "program",
            Self::ProgramPersistent => "program_persistent",
            Self::Instance => "instance",
            Self::InstanceConfidential => "instance_confidential",
            Self::InstanceGpuStandard => "instance_gpu_standard",
            Self::InstanceGpuPremium => "instance_gpu_premium",
        }
    }
}

/// Prices in the three currencies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rates {
    /// Tokens to hold.
    pub(crate) hold: Decimal,
    /// Tokens per second.
    pub(crate) stream: Decimal,
    /// Credits per second.
    pub(crate) credit: Decimal,
}

/// What one unit of computing consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ComputeUnit {
    /// Memory; never zero.
    pub(crate) memory_mib: u32,
    /// Disk that is included in the price of the unit.
    pub(crate) disk_mib: u32,
}

/// The prices of one product.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ProductPricing {
    /// For one MiB.
    pub(crate) storage: Rates,
    /// For one unit of computing.
    pub(crate) compute: Option<Rates>,
    /// `None` where the list names no sizes, which it says by its `tiers`.
    pub(crate) unit: Option<ComputeUnit>,
    /// Units of computing that come with a model of GPU; of equal models the first counts.
    pub(crate) gpu_units: Vec<(String, u32)>,
}

/// Prices at one point in time.
#[derive(Clone, Debug, PartialEq)]
pub struct Pricing {
    products: BTreeMap<Product, ProductPricing>,
    /// Device ids and models; of equal ids the first counts.
    gpus: Vec<(String, String)>,
}

impl Pricing {
    /// The prices that hold where the owner has published none.
    pub fn defaults() -> Self {
        Self::read(None, None)
    }

    /// Reads the texts of the two aggregates as they are built, `None` where there is none.
    ///
    /// A text that is no object or too long counts as absent, and the defaults hold. A product
    /// that is missing from a list, or badly described by it, has no price, as on the network.
    pub fn read(pricing: Option<&str>, settings: Option<&str>) -> Self {
        let products = pricing.and_then(read::products);
        let gpus = settings.and_then(read::gpus);
        Self {
            products: products
                .or_else(|| read::products(DEFAULT_PRICING))
                .unwrap_or_default(),
            gpus: gpus.or_else(|| read::gpus(DEFAULT_SETTINGS)).unwrap_or_default(),
        }
    }

    /// The prices of a product, unless the list in force has none that can be read.
    pub(crate) fn product(&self, product: Product) -> Option<&ProductPricing> {
        self.products.get(&product)
    }

    /// The model of the GPUs with this device id.
    pub fn gpu_model(&self, device_id: &str) -> Option<&str> {
        let found = self.gpus.iter().find(|(id, _)| id == device_id);
        found.map(|(_, model)| model.as_str())
    }
}

impl ProductPricing {
    /// Units of computing that come with a model of GPU.
    pub(crate) fn gpu_units(&self, model: &str) -> Option<u32> {
        let found = self.gpu_units.iter().find(|(known, _)| known == model);
        found.map(|(_, units)| *units)
    }
}
