//! Metrics of nodes, and the programs that wait for messages.

use alephd_message::Micros;

use super::{Field, Form, Kind, ParamErrors, SortOrder, Span, reader::Reader};

const START_DATE: Field = Field::new(
    "start_date",
    Kind::Instant,
    "First instant, in seconds since the epoch.",
);
const END_DATE: Field = Field::new(
    "end_date",
    Kind::Instant,
    "Last instant, in seconds since the epoch.",
);
const SORT: Field = Field::new(
    "sort",
    Kind::Order { default: 1 },
    "1, ASC or ASCENDING for oldest first; -1, DESC or DESCENDING for newest first.",
);
const SORT_ORDER: Field = Field::new(
    "sort_order",
    Kind::Order { default: -1 },
    "1 for ascending, -1 for descending.",
);

/// Length of the default period of metrics: 14 days.
const DEFAULT_PERIOD: i64 = 14 * 24 * 3600 * 1_000_000;

/// `GET /api/v0/core/{node_id}/metrics` and `/api/v0/compute/{node_id}/metrics`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeMetricsQuery {
    /// The period that was asked for, including both ends. See [`NodeMetricsQuery::period`].
    pub dates: Span<Micros>,
    /// The direction by time.
    pub sort_order: SortOrder,
}

impl NodeMetricsQuery {
    /// The parameters of the routes.
    pub const FIELDS: &'static [&'static Field] = &[&START_DATE, &END_DATE, &SORT];

    /// Reads a query string.
    pub fn parse(query: &str) -> Result<Self, ParamErrors> {
        let mut reader = Reader::new(query, Form::Text);
        let query = Self {
            dates: reader.dates(&START_DATE, &END_DATE),
            sort_order: reader.order_with(&SORT, direction),
        };
        reader.check()?;
        Ok(query)
    }

    /// The period with its defaults at `now`: the 14 days before its end.
    pub fn period(&self, now: Micros) -> (Micros, Micros) {
        let end = self.dates.end.unwrap_or(now);
        let start = self
            .dates
            .start
            .unwrap_or(Micros(end.0.saturating_sub(DEFAULT_PERIOD)));
        (start, end)
    }
}

fn direction(word: &str) -> Option<SortOrder> {
    match word.to_ascii_uppercase().as_str() {
        "ASC" | "ASCENDING" => Some(SortOrder::Ascending),
        "DESC" | "DESCENDING" => Some(SortOrder::Descending),
        _ => None,
    }
}

/// `GET /api/v0/programs/on/message`. The only route that refuses unknown parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProgramsQuery {
    /// The direction by time.
    pub sort_order: SortOrder,
}

impl ProgramsQuery {
    /// The parameters of the route.
    pub const FIELDS: &'static [&'static Field] = &[&SORT_ORDER];

    /// Reads a query string.
    pub fn parse(query: &str) -> Result<Self, ParamErrors> {
        let mut reader = Reader::new(query, Form::Quoted);
        let sort_order = reader.order(&SORT_ORDER);
        reader.forbid_others(Self::FIELDS);
        reader.check()?;
        Ok(Self { sort_order })
    }
}
