//! Aggregates, and the authorizations that are kept in one of them.

use super::{
    AggregateSort, Field, Form, Kind, Paging, ParamErrors, SortOrder, WireName as _,
    paging::{CURSOR, PAGE, RawPaging, bounded_page_size},
    reader::Reader,
};
use crate::cursor::AggregateCursor;

const KEYS: Field = Field::new("keys", Kind::List, "Keys of aggregates.");
const LIMIT: Field = Field::new(
    "limit",
    Kind::Int {
        default: Some(1000),
        min: i64::MIN,
        max: None,
    },
    "Accepted for old clients, without effect.",
)
.deprecated();
const WITH_INFO: Field = Field::new(
    "with_info",
    Kind::Bool { default: Some(false) },
    "Send times and hashes of the first and last element.",
);
const VALUE_ONLY: Field = Field::new(
    "value_only",
    Kind::Bool { default: Some(false) },
    "Send the bare content of a single key.",
);
const ADDRESSES: Field = Field::new("addresses", Kind::List, "Owners.");
// Without a second spelling, unlike the parameters of this name elsewhere.
const SORT_BY: Field = Field::new(
    "sortBy",
    Kind::Choice {
        names: AggregateSort::names,
        default: Some("last_modified"),
    },
    "Order by the last change or by the creation.",
);
const SORT_ORDER: Field = Field::new(
    "sortOrder",
    Kind::Order { default: -1 },
    "1 for ascending, -1 for descending.",
);
const PAGINATION: Field = bounded_page_size(20, 1, 500);
const CHANNELS: Field = Field::new("channels", Kind::List, "Channels that the entry must allow.");
const TYPES: Field = Field::new("types", Kind::List, "Message types that the entry must allow.");
const POST_TYPES: Field =
    Field::new("postTypes", Kind::List, "Post types that the entry must allow.").or("post_types");
const CHAINS: Field = Field::new("chains", Kind::List, "Chains that the entry must allow.");
const AGGREGATE_KEYS: Field =
    Field::new("aggregateKeys", Kind::List, "Keys that the entry must allow.").or("aggregate_keys");
const GRANTEE: Field = Field::new(
    "grantee",
    Kind::Text { max: None },
    "Only entries for this address (granted).",
);
const GRANTER: Field = Field::new(
    "granter",
    Kind::Text { max: None },
    "Only entries of this address (received).",
);

/// `GET /api/v0/aggregates/{address}.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AggregateQuery {
    /// Accepted keys.
    pub keys: Vec<String>,
    /// Whether to describe the elements.
    pub with_info: bool,
    /// Whether to send the bare content; applies when there is exactly one key.
    pub value_only: bool,
}

impl AggregateQuery {
    /// The parameters of the route.
    pub const FIELDS: &'static [&'static Field] = &[&KEYS, &LIMIT, &WITH_INFO, &VALUE_ONLY];

    /// Reads a query string.
    pub fn parse(query: &str) -> Result<Self, ParamErrors> {
        let mut reader = Reader::new(query, Form::Json);
        let keys = reader.list(&KEYS);
        reader.int(&LIMIT);
        let with_info = reader.bool(&WITH_INFO).unwrap_or_default();
        let value_only = reader.bool(&VALUE_ONLY).unwrap_or_default();
        reader.check()?;
        Ok(Self {
            keys,
            with_info,
            value_only,
        })
    }
}

/// `GET /api/v0/aggregates` and `/api/v0/aggregates.json`.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregatesQuery {
    /// Accepted keys.
    pub keys: Vec<String>,
    /// Accepted owners.
    pub owners: Vec<String>,
    /// What the order goes by; ties are broken by key and owner.
    pub sort_by: AggregateSort,
    /// The direction.
    pub sort_order: SortOrder,
    /// The part of the list.
    pub paging: Paging<AggregateCursor>,
}

impl AggregatesQuery {
    /// The parameters of the route.
    pub const FIELDS: &'static [&'static Field] = &[
        &KEYS,
        &ADDRESSES,
        &SORT_BY,
        &SORT_ORDER,
        &PAGINATION,
        &PAGE,
        &CURSOR,
    ];

    /// Reads a query string.
    pub fn parse(query: &str) -> Result<Self, ParamErrors> {
        let mut reader = Reader::new(query, Form::Json);
        let keys = reader.list(&KEYS);
        let owners = reader.list(&ADDRESSES);
        let sort_by = reader.choice(&SORT_BY).unwrap_or_default();
        let sort_order = reader.order(&SORT_ORDER);
        let paging = RawPaging::read(&mut reader, &PAGINATION);
        reader.check()?;
        Ok(Self {
            keys,
            owners,
            sort_by,
            sort_order,
            paging: paging.finish()?,
        })
    }
}

/// The side from which authorizations are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Those that the address gave: `GET /api/v0/authorizations/granted/{address}.json`.
    Granted,
    /// Those that others gave it: `GET /api/v0/authorizations/received/{address}.json`.
    Received,
}

/// Both routes of authorizations. An entry that leaves a dimension out allows all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationsQuery {
    /// The address on the other side, if only its entries are wanted.
    pub other: Option<String>,
    /// Channels, of which the entry must allow one.
    pub channels: Vec<String>,
    /// Names of message types, likewise. Any text, as users may have written any.
    pub types: Vec<String>,
    /// Post types, likewise.
    pub post_types: Vec<String>,
    /// Names of chains, likewise.
    pub chains: Vec<String>,
    /// Keys of aggregates, likewise.
    pub aggregate_keys: Vec<String>,
    /// Number of the page, from 1; pages count addresses.
    pub page: u64,
    /// Addresses on a page, from 1 to 500.
    pub per_page: u64,
}

impl AuthorizationsQuery {
    /// The parameters of the routes.
    pub const FIELDS: &'static [&'static Field] = &[
        &CHANNELS,
        &TYPES,
        &POST_TYPES,
        &CHAINS,
        &AGGREGATE_KEYS,
        &PAGINATION,
        &PAGE,
        &GRANTEE,
        &GRANTER,
    ];

    /// Reads a query string of one of the two routes.
    pub fn parse(query: &str, side: Side) -> Result<Self, ParamErrors> {
        let mut reader = Reader::new(query, Form::Json);
        let query = Self {
            channels: reader.list(&CHANNELS),
            types: reader.list(&TYPES),
            post_types: reader.list(&POST_TYPES),
            chains: reader.list(&CHAINS),
            aggregate_keys: reader.list(&AGGREGATE_KEYS),
            per_page: reader.count(&PAGINATION),
            page: reader.count(&PAGE),
            // An empty value asks for everyone.
            other: reader
                .text(if side == Side::Granted { &GRANTEE } else { &GRANTER })
                .filter(|address| !address.is_empty()),
        };
        reader.check()?;
        Ok(query)
    }
}
