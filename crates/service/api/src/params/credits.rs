//! The credit history of an address and its summary.

use alephd_message::{MessageType, Micros};

use super::{
    CreditFlow, CreditSort, Field, Form, Kind, Paging, ParamErrors, SortOrder, Span, WireName as _,
    messages::fields::DATES_INVERTED,
    paging::{CURSOR, PAGE, RawPaging, page_size},
    reader::Reader,
};
use crate::cursor::CreditCursor;

const fn exact(name: &'static str, text: &'static str) -> Field {
    Field::new(name, Kind::Text { max: None }, text)
}

const TX_HASH: Field = exact("tx_hash", "Transaction.");
const TOKEN: Field = exact("token", "Token that was paid.");
const CHAIN: Field = exact("chain", "Chain of the transaction.");
const PROVIDER: Field = exact("provider", "Who sold the credits.");
const ORIGIN: Field = exact("origin", "Where the entry comes from.");
const ORIGIN_REF: Field = exact("origin_ref", "Reference within the origin.");
const PAYMENT_METHOD: Field = exact("payment_method", "Way of payment.");
const HAS_EXPIRATION: Field = Field::new(
    "has_expiration",
    Kind::Bool { default: None },
    "Whether the entry has an end of validity.",
);
const EXCLUDE_PAYMENT_METHOD: Field = Field::new(
    "exclude_payment_method",
    Kind::List,
    "Ways of payment to leave out.",
);
const START_DATE: Field = Field::new(
    "startDate",
    Kind::Date,
    "First instant, in seconds since the epoch.",
)
.or("start_date");
const END_DATE: Field =
    Field::new("endDate", Kind::Date, "Last instant, in seconds since the epoch.").or("end_date");
const DIRECTION: Field = Field::new(
    "direction",
    Kind::Choice {
        names: CreditFlow::names,
        default: None,
    },
    "Only positive or only negative amounts.",
);
const RESOURCE_TYPES: Field = Field::new(
    "resourceTypes",
    Kind::Choices {
        names: MessageType::names,
    },
    "Types of the message that was paid for.",
)
.or("resource_types");
const RESOURCE: Field = exact("resource", "Hash of the message that was paid for.");
const PAGINATION: Field = page_size(0);
const SORT_BY: Field = Field::new(
    "sort_by",
    Kind::Choice {
        names: CreditSort::names,
        default: Some("message_timestamp"),
    },
    "Column that orders the entries.",
);
const SORT_ORDER: Field = Field::new(
    "sort_order",
    Kind::Order { default: -1 },
    "1 for ascending, -1 for descending.",
);

/// Which credit entries; also the whole of `GET …/credit_history/summary`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreditHistoryFilters {
    /// Exact transaction.
    pub tx_hash: Option<String>,
    /// Exact token.
    pub token: Option<String>,
    /// Exact name of the chain. Any text: the column is text of the payer.
    pub chain: Option<String>,
    /// Exact provider.
    pub provider: Option<String>,
    /// Exact origin.
    pub origin: Option<String>,
    /// Exact reference within the origin.
    pub origin_ref: Option<String>,
    /// Exact way of payment.
    pub payment_method: Option<String>,
    /// Whether the entry must or must not have an end of validity.
    pub has_expiration: Option<bool>,
    /// Ways of payment to leave out.
    pub exclude_payment_methods: Vec<String>,
    /// Accepted times of the message, including the end.
    pub dates: Span<Micros>,
    /// The sign of the amount; zero is neither.
    pub direction: Option<CreditFlow>,
    /// Accepted types of the message named by the effective origin (the origin or, where that is
    /// empty, the reference).
    pub resource_types: Vec<MessageType>,
    /// Exact effective origin.
    pub resource: Option<String>,
}

impl CreditHistoryFilters {
    /// The parameters of the summary.
    pub const FIELDS: &'static [&'static Field] = &[
        &TX_HASH,
        &TOKEN,
        &CHAIN,
        &PROVIDER,
        &ORIGIN,
        &ORIGIN_REF,
        &PAYMENT_METHOD,
        &HAS_EXPIRATION,
        &EXCLUDE_PAYMENT_METHOD,
        &START_DATE,
        &END_DATE,
        &DIRECTION,
        &RESOURCE_TYPES,
        &RESOURCE,
    ];

    /// Reads a query string of the summary.
    pub fn parse(query: &str) -> Result<Self, ParamErrors> {
        let mut reader = Reader::new(query, Form::Text);
        let filters = Self::read(&mut reader);
        reader.check()?;
        filters.require(&reader)?;
        Ok(filters)
    }

    fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            tx_hash: reader.text(&TX_HASH),
            token: reader.text(&TOKEN),
            chain: reader.text(&CHAIN),
            provider: reader.text(&PROVIDER),
            origin: reader.text(&ORIGIN),
            origin_ref: reader.text(&ORIGIN_REF),
            payment_method: reader.text(&PAYMENT_METHOD),
            has_expiration: reader.bool(&HAS_EXPIRATION),
            exclude_payment_methods: reader.list(&EXCLUDE_PAYMENT_METHOD),
            dates: Span {
                start: reader.epoch(&START_DATE),
                end: reader.epoch(&END_DATE),
            },
            direction: reader.choice(&DIRECTION),
            resource_types: reader.choices(&RESOURCE_TYPES),
            resource: reader.text(&RESOURCE),
        }
    }

    fn require(&self, reader: &Reader<'_>) -> Result<(), ParamErrors> {
        reader.require(!self.dates.is_inverted(), DATES_INVERTED)
    }
}

/// `GET /api/v0/addresses/{address}/credit_history`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreditHistoryQuery {
    /// The filters.
    pub filters: CreditHistoryFilters,
    /// Column that decides the order. Empty columns come last in either direction; ties are
    /// broken by reference and index, in the direction of the order.
    pub sort_by: CreditSort,
    /// The direction.
    pub sort_order: SortOrder,
    /// The part of the list. A cursor belongs to the order above.
    pub paging: Paging<CreditCursor>,
}

impl CreditHistoryQuery {
    /// The parameters of the route.
    pub const FIELDS: &'static [&'static Field] = &[
        &TX_HASH,
        &TOKEN,
        &CHAIN,
        &PROVIDER,
        &ORIGIN,
        &ORIGIN_REF,
        &PAYMENT_METHOD,
        &HAS_EXPIRATION,
        &EXCLUDE_PAYMENT_METHOD,
        &START_DATE,
        &END_DATE,
        &DIRECTION,
        &RESOURCE_TYPES,
        &RESOURCE,
        &PAGINATION,
        &PAGE,
        &CURSOR,
        &SORT_BY,
        &SORT_ORDER,
    ];

    /// Reads a query string. Everything is sent on one page unless a size is given; in cursor
    /// mode a size is therefore required.
    pub fn parse(query: &str) -> Result<Self, ParamErrors> {
        let mut reader = Reader::new(query, Form::Text);
        let filters = CreditHistoryFilters::read(&mut reader);
        let paging = RawPaging::read(&mut reader, &PAGINATION);
        let sort_by = reader.choice(&SORT_BY).unwrap_or_default();
        let sort_order = reader.order(&SORT_ORDER);
        reader.check()?;
        filters.require(&reader)?;
        let paging: Paging<CreditCursor> = paging.finish()?;
        if let Paging::Cursor {
            after: Some(after), ..
        } = &paging
        {
            let same_order = after.sort_order.is_none_or(|order| order == sort_order);
            if after.sort_by != sort_by || !same_order {
                let rule = "Invalid cursor: it belongs to another sort_by or sort_order";
                return Err(ParamErrors::Unprocessable(rule.to_owned()));
            }
        }
        Ok(Self {
            filters,
            sort_by,
            sort_order,
            paging,
        })
    }
}
