//! Addresses: statistics, balances and files.

use alephd_message::Chain;

use super::{
    Field, Form, Kind, Paging, ParamErrors, SortOrder, StatsSort, WireName as _,
    paging::{CURSOR, PAGE, RawPaging, page_size},
    reader::Reader,
};
use crate::cursor::{AddressCursor, StatsCursor, TimeCursor};

/// Longest part of an address that is searched for: the longest address known is shorter.
const LONGEST_ADDRESS: usize = 66;

const ADDRESSES: Field = Field::new("addresses[]", Kind::Repeated, "Addresses; all when absent.");
const ADDRESS_CONTAINS: Field = Field::new(
    "addressContains",
    Kind::Text {
        max: Some(LONGEST_ADDRESS),
    },
    "Part of the address, in any case.",
);
const STATS_SORT: Field = Field::new(
    "sortBy",
    Kind::Choice {
        names: StatsSort::names,
        default: Some("total"),
    },
    "The count that orders the addresses.",
);
const STATS_ORDER: Field = Field::new(
    "sortOrder",
    Kind::Order { default: -1 },
    "1 for ascending, -1 for descending.",
);
const STATS_PAGE_SIZE: Field = page_size(20);
const CHAIN: Field = Field::new(
    "chain",
    Kind::Choice {
        names: Chain::names,
        default: None,
    },
    "Only the balance on this chain.",
);
const CREDIT_DETAILS: Field = Field::new(
    "include_credit_details",
    Kind::Bool { default: Some(false) },
    "Itemise the credits by their end of validity.",
);
const CHAINS: Field = Field::new("chains", Kind::Choices { names: Chain::names }, "Chains.");
const PAGE_SIZE: Field = page_size(100);
const MIN_BALANCE: Field = Field::new(
    "min_balance",
    Kind::Int {
        default: None,
        min: 1,
        max: None,
    },
    "Smallest balance; without it zeros are listed too.",
);
const FILE_ORDER: Field = Field::new(
    "sort_order",
    Kind::Order { default: -1 },
    "1 for oldest first, -1 for newest first.",
);
const FILE_HASH: Field = Field::new("file_hash", Kind::Text { max: None }, "Only this file.");

/// `GET /api/v0/addresses/stats.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressStatsV0Query {
    /// Accepted addresses; empty for everyone.
    pub addresses: Vec<String>,
}

impl AddressStatsV0Query {
    /// The parameters of the route.
    pub const FIELDS: &'static [&'static Field] = &[&ADDRESSES];

    /// Reads a query string.
    pub fn parse(query: &str) -> Result<Self, ParamErrors> {
        Ok(Self {
            addresses: Reader::new(query, Form::Text).repeated(&ADDRESSES),
        })
    }
}

/// `GET /api/v1/addresses/stats.json`.
#[derive(Clone, Debug, PartialEq)]
pub struct AddressStatsQuery {
    /// Part of the address, in any case. It is plain text: no character has a special meaning.
    pub address_contains: Option<String>,
    /// The count that decides the order; ties are broken by ascending address.
    pub sort_by: StatsSort,
    /// The direction.
    pub sort_order: SortOrder,
    /// The part of the list.
    pub paging: Paging<StatsCursor>,
}

impl AddressStatsQuery {
    /// The parameters of the route.
    pub const FIELDS: &'static [&'static Field] = &[
        &CURSOR,
        &ADDRESS_CONTAINS,
        &STATS_SORT,
        &STATS_ORDER,
        &STATS_PAGE_SIZE,
        &PAGE,
    ];

    /// Reads a query string.
    pub fn parse(query: &str) -> Result<Self, ParamErrors> {
        let mut reader = Reader::new(query, Form::Text);
        let address_contains = reader.text(&ADDRESS_CONTAINS).filter(|part| !part.is_empty());
        let sort_by = reader.choice(&STATS_SORT).unwrap_or_default();
        let sort_order = reader.order(&STATS_ORDER);
        let paging = RawPaging::read(&mut reader, &STATS_PAGE_SIZE);
        reader.check()?;
        Ok(Self {
            address_contains,
            sort_by,
            sort_order,
            paging: paging.finish()?,
        })
    }
}

/// `GET /api/v0/addresses/{address}/balance`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BalanceQuery {
    /// The only chain to count, or `None` for the sum.
    pub chain: Option<Chain>,
    /// Whether to itemise the credits.
    pub include_credit_details: bool,
}

impl BalanceQuery {
    /// The parameters of the route.
    pub const FIELDS: &'static [&'static Field] = &[&CHAIN, &CREDIT_DETAILS];

    /// Reads a query string.
    pub fn parse(query: &str) -> Result<Self, ParamErrors> {
        let mut reader = Reader::new(query, Form::Text);
        let chain = reader.choice(&CHAIN);
        let include_credit_details = reader.bool(&CREDIT_DETAILS).unwrap_or_default();
        reader.check()?;
        Ok(Self {
            chain,
            include_credit_details,
        })
    }
}

/// `GET /api/v0/balances`, ordered by address and chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalancesQuery {
    /// Accepted chains.
    pub chains: Vec<Chain>,
    /// Smallest balance, in whole tokens; at least 1.
    pub min_balance: Option<u64>,
    /// The part of the list.
    pub paging: Paging<AddressCursor>,
}

impl BalancesQuery {
    /// The parameters of the route.
    pub const FIELDS: &'static [&'static Field] = &[&CHAINS, &PAGE_SIZE, &PAGE, &MIN_BALANCE, &CURSOR];

    /// Reads a query string.
    pub fn parse(query: &str) -> Result<Self, ParamErrors> {
        let mut reader = Reader::new(query, Form::Text);
        let chains = reader.choices(&CHAINS);
        let (min_balance, paging) = read_balances(&mut reader)?;
        Ok(Self {
            chains,
            min_balance,
            paging,
        })
    }
}

/// `GET /api/v0/credit_balances`, ordered by address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditBalancesQuery {
    /// Smallest sum of credits; at least 1.
    pub min_balance: Option<u64>,
    /// The part of the list; the cursor carries no chain.
    pub paging: Paging<AddressCursor>,
}

impl CreditBalancesQuery {
    /// The parameters of the route.
    pub const FIELDS: &'static [&'static Field] = &[&PAGE_SIZE, &PAGE, &MIN_BALANCE, &CURSOR];

    /// Reads a query string.
    pub fn parse(query: &str) -> Result<Self, ParamErrors> {
        let (min_balance, paging) = read_balances(&mut Reader::new(query, Form::Text))?;
        Ok(Self { min_balance, paging })
    }
}

fn read_balances(reader: &mut Reader<'_>) -> Result<(Option<u64>, Paging<AddressCursor>), ParamErrors> {
    let paging = RawPaging::read(reader, &PAGE_SIZE);
    let min_balance = reader
        .int(&MIN_BALANCE)
        .and_then(|value| u64::try_from(value).ok());
    reader.check()?;
    Ok((min_balance, paging.finish()?))
}

/// `GET /api/v0/addresses/{address}/files`.
#[derive(Clone, Debug, PartialEq)]
pub struct FilesQuery {
    /// The direction by time, then ascending hash.
    pub sort_order: SortOrder,
    /// The only file to list. Any text: what is no hash matches nothing.
    pub file_hash: Option<String>,
    /// The part of the list.
    pub paging: Paging<TimeCursor>,
}

impl FilesQuery {
    /// The parameters of the route.
    pub const FIELDS: &'static [&'static Field] = &[&PAGE_SIZE, &PAGE, &FILE_ORDER, &CURSOR, &FILE_HASH];

    /// Reads a query string.
    pub fn parse(query: &str) -> Result<Self, ParamErrors> {
        let mut reader = Reader::new(query, Form::Text);
        let paging = RawPaging::read(&mut reader, &PAGE_SIZE);
        let sort_order = reader.order(&FILE_ORDER);
        let file_hash = reader.text(&FILE_HASH);
        reader.check()?;
        Ok(Self {
            sort_order,
            file_hash,
            paging: paging.finish()?,
        })
    }
}
