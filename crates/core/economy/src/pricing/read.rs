//! Reads the two aggregates.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{ComputeUnit, LIST_LIMIT, Product, ProductPricing, Rates};
use crate::amount::Decimal;

/// Seconds in the hour that prices per time are quoted for.
const HOUR: u32 = 3_600;

/// One level of an object: the last of equal keys counts, a null is as good as nothing.
pub(super) type Fields<'a> = HashMap<String, &'a RawValue>;

/// The products of a price list; `None` if it is none.
pub(super) fn products(text: &str) -> Option<BTreeMap<Product, ProductPricing>> {
    let list = fields(text)?;
    let read = |product: Product| {
        let pricing = list
            .get(product.as_str())
            .and_then(|text| self::product(text.get()));
        pricing.map(|pricing| (product, pricing))
    };
    Some(Product::ALL.into_iter().filter_map(read).collect())
}

/// Device ids and models of the GPUs that hosts may offer. Entries that cannot be read are left
/// out.
pub(super) fn gpus(text: &str) -> Option<Vec<(String, String)>> {
    let settings = fields(text)?;
    let list: Vec<&RawValue> = match settings.get("compatible_gpus") {
        Some(list) => serde_json::from_str(list.get()).unwrap_or_default(),
        None => Vec::new(),
    };
    let gpu = |text: &RawValue| {
        let gpu = fields(text.get())?;
        let text = |key| {
            gpu.get(key)
                .and_then(|text| serde_json::from_str(text.get()).ok())
        };
        Some((text("device_id")?, text("model")?))
    };
    Some(list.into_iter().filter_map(gpu).collect())
}

fn fields(text: &str) -> Option<Fields<'_>> {
    if text.len() > LIST_LIMIT {
        return None;
    }
    let mut fields: Fields<'_> = serde_json::from_str(text).ok()?;
    fields.retain(|_, value| value.get() != "null");
    Some(fields)
}

fn product(text: &str) -> Option<ProductPricing> {
    let product = fields(text)?;
    let price = fields(product.get("price")?.get())?;
    let tiers: Vec<Tier> = match product.get("tiers") {
        Some(tiers) => serde_json::from_str(tiers.get()).ok()?,
        None => Vec::new(),
    };
    // The size of a unit says that there is a price for it, and tiers that there is a size.
    let unit = product.get("compute_unit").map(|text| text.get());
    let compute = match unit {
        Some(_) => Some(rates(price.get("compute_unit")?)?),
        None => None,
    };
    let unit = match tiers.is_empty() {
        true => None,
        false => Some(compute_unit(unit?)?),
    };
    let models = tiers
        .into_iter()
        .filter_map(|tier| Some((tier.model?, tier.compute_units)));
    Some(ProductPricing {
        storage: rates(price.get("storage")?)?,
        compute,
        unit,
        gpu_units: models.collect(),
    })
}

#[derive(Deserialize)]
struct Tier {
    compute_units: u32,
    model: Option<String>,
}

fn compute_unit(text: &str) -> Option<ComputeUnit> {
    let unit = fields(text)?;
    let size = |key| {
        unit.get(key)
            .and_then(|text| serde_json::from_str(text.get()).ok())
    };
    // The processors of a unit are not used: one each, whatever the list says.
    let unit = ComputeUnit {
        memory_mib: size("memory_mib")?,
        disk_mib: size("disk_mib")?,
    };
    (unit.memory_mib > 0).then_some(unit)
}

fn rates(value: &RawValue) -> Option<Rates> {
    let rates = fields(value.get())?;
    let rate = |key| match rates.get(key) {
        Some(value) => price(value),
        None => Some(Decimal::ZERO),
    };
    Some(Rates {
        hold: rate("holding")?,
        stream: rate("payg")?.divided_by(HOUR).ok()?,
        credit: rate("credit")?.divided_by(HOUR).ok()?,
    })
}

/// A price as text, exactly, or as a number. A number with a fraction has the value of the double
/// that it is on the network, which is not quite its text.
fn price(value: &RawValue) -> Option<Decimal> {
    let json = value.get();
    match json.as_bytes().first()? {
        b'"' => {
            let text: String = serde_json::from_str(json).ok()?;
            match text.trim() {
                "" => Some(Decimal::ZERO),
                text => Decimal::parse(text).ok(),
            }
        }
        b'-' | b'0'..=b'9' if json.contains(['.', 'e', 'E']) => Decimal::from_double(json.parse().ok()?),
        b'-' | b'0'..=b'9' => Decimal::parse(json).ok(),
        b'f' => Some(Decimal::ZERO),
        _ => None,
    }
}
