//! Prices and costs.

use utoipa::IntoParams as _;

use super::{BAD_HASH, BAD_PARAMETERS, Entry, JSON, entry};
use crate::params::{CostsQuery, PriceQuery};

const PRICES: &str = "Prices and costs";
const BILL: &str = "`charged_address`, `payment_type`, `cost` and `required_tokens` in its currency, and `detail`: \
    lines with `type`, `name`, `size_mib` and their cost in each currency.";
const COUNTS: &str = "`message`, `recalculated_count`, `total_messages`.";
const BAD_TOKEN: (&str, &str) = ("401", "No valid `X-Auth-Token`.");
const NO_PRICE: (&str, &str) = ("404", "No price is set, or the content is not held.");

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "/api/v0/price/{item_hash}",
        PRICES,
        "What a message costs, by the prices of its time.",
        BILL,
    )
    .query(query!(PriceQuery))
    .fails(&[
        ("400", "Not a hash, or a message that is free."),
        ("404", "Unknown, pending or rejected."),
        ("410", "Forgotten or removed."),
    ]),
    entry(
        "/api/v0/price/estimate",
        PRICES,
        "What a message would cost now. It needs no signature and may state sizes of files.",
        BILL,
    )
    .body(
        JSON,
        "`message`: `type`, `item_hash`, `item_type`, `item_content`; the content may have `estimated_size_mib`.",
    )
    .fails(&[NO_PRICE, ("422", "Bad message, or one that is free.")]),
    entry(
        "/api/v0/price/estimate/instance",
        PRICES,
        "What an INSTANCE would cost now.",
        BILL,
    )
    .body(JSON, "The content of an INSTANCE.")
    .fails(&[("400", "Not JSON."), NO_PRICE, ("422", "Bad content.")]),
    entry(
        "/api/v0/price/recalculate",
        PRICES,
        "Number of recorded costs. They follow the price list by themselves.",
        COUNTS,
    )
    .fails(&[BAD_TOKEN]),
    entry(
        "/api/v0/price/{item_hash}/recalculate",
        PRICES,
        "The same for one message.",
        COUNTS,
    )
    .fails(&[
        BAD_HASH,
        BAD_TOKEN,
        ("404", "Unknown, pending or rejected."),
        ("410", "Forgotten or removed."),
    ]),
    entry(
        "/api/v0/costs",
        PRICES,
        "What resources cost, and the credits that they have consumed. Sums over everybody may be a minute old.",
        "`summary`, `filters`, `resources`, `pagination_*`.",
    )
    .query(query!(CostsQuery))
    .fails(&[BAD_PARAMETERS]),
];
