//! Prices of messages and costs of resources.

use alephd_message::PaymentType;

use super::{
    CostDetail, Field, Form, Kind, ParamErrors, WireName as _,
    paging::{PAGE, bounded_page_size},
    reader::Reader,
};

const INCLUDE_SIZE: Field = Field::new(
    "include_size",
    Kind::Bool { default: Some(false) },
    "Send the size of each component.",
);
const ADDRESS: Field = Field::new("address", Kind::Text { max: None }, "Owner of the resources.");
const ITEM_HASH: Field = Field::new("item_hash", Kind::Text { max: None }, "The only resource.");
const PAYMENT_TYPE: Field = Field::new(
    "payment_type",
    Kind::Choice {
        names: PaymentType::names,
        default: Some("credit"),
    },
    "Way of payment.",
);
const INCLUDE_DETAILS: Field = Field::new(
    "include_details",
    Kind::Int {
        default: Some(0),
        min: 0,
        max: Some(2),
    },
    "0 for the summary, 1 for the resources, 2 for their components.",
);
const PAGINATION: Field = bounded_page_size(100, 10, 1000);

/// `GET /api/v0/price/{item_hash}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PriceQuery {
    /// Whether to send the size of each component.
    pub include_size: bool,
}

impl PriceQuery {
    /// The parameters of the route.
    pub const FIELDS: &'static [&'static Field] = &[&INCLUDE_SIZE];

    /// Reads a query string. Only `true` switches the sizes on; nothing is an error here.
    pub fn parse(query: &str) -> Result<Self, ParamErrors> {
        let value = Reader::new(query, Form::Text).text(&INCLUDE_SIZE);
        Ok(Self {
            include_size: value.is_some_and(|value| value.eq_ignore_ascii_case("true")),
        })
    }
}

/// `GET /api/v0/costs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostsQuery {
    /// Owner of the resources, or `None` for everyone.
    pub address: Option<String>,
    /// The only resource, or `None` for all. Any text: what is no hash matches nothing.
    pub item_hash: Option<String>,
    /// The way of payment to count.
    pub payment_type: PaymentType,
    /// How closely to itemise.
    pub detail: CostDetail,
    /// Whether to send the size of each component.
    pub include_size: bool,
    /// Number of the page, from 1.
    pub page: u64,
    /// Resources on a page, from 10 to 1000.
    pub per_page: u64,
}

impl CostsQuery {
    /// The parameters of the route.
    pub const FIELDS: &'static [&'static Field] = &[
        &ADDRESS,
        &ITEM_HASH,
        &PAYMENT_TYPE,
        &INCLUDE_DETAILS,
        &INCLUDE_SIZE,
        &PAGINATION,
        &PAGE,
    ];

    /// Reads a query string.
    pub fn parse(query: &str) -> Result<Self, ParamErrors> {
        let mut reader = Reader::new(query, Form::Text);
        let query = Self {
            address: reader.text(&ADDRESS),
            item_hash: reader.text(&ITEM_HASH),
            payment_type: reader.choice(&PAYMENT_TYPE).unwrap_or(PaymentType::Credit),
            detail: match reader.int(&INCLUDE_DETAILS) {
                Some(1) => CostDetail::Resources,
                Some(2) => CostDetail::Components,
                _ => CostDetail::Summary,
            },
            include_size: reader.bool(&INCLUDE_SIZE).unwrap_or_default(),
            per_page: reader.count(&PAGINATION),
            page: reader.count(&PAGE),
        };
        reader.check()?;
        if query.detail == CostDetail::Components && query.address.is_none() && query.item_hash.is_none() {
            let rule = "include_details=2 requires the address or item_hash filter";
            return Err(ParamErrors::Unprocessable(rule.to_owned()));
        }
        Ok(query)
    }
}
