//! Query strings, read the way the network's clients expect.
//!
//! Each family of routes has one struct of plain values and one `parse`. The struct says what was
//! asked for; it knows nothing of HTTP, so the store and the tests can build it by hand.
//!
//! # Rules that hold for every family
//!
//! - Of a repeated parameter the first value counts, except `addresses[]`. Unknown parameters are
//!   ignored, except by [`ProgramsQuery`].
//! - Most parameters have a second, snake_case spelling. When both are given, the documented
//!   spelling (the camelCase one) wins.
//! - Numbers are read leniently: surrounding white space, a sign, single underscores between
//!   digits and a fraction of zeros are accepted in integers.
//! - A list is one value cut at commas. An empty value is a list with one empty element: it
//!   matches nothing, and it is an error where the elements are hashes or names.
//! - An empty `Vec` in a struct means "no filter".
//! - An instant that does not fit the calendar is clamped to its end, so `startDate=inf` matches
//!   nothing instead of failing.
//! - All bad parameters are reported together, in the order of declaration; rules between
//!   parameters are only checked when each of them is right.
//!
//! The parameters are declared once, as [`Field`] constants, and that table serves the parser, the
//! error texts and the OpenAPI document.

mod accounts;
mod aggregates;
mod credits;
mod field;
mod issue;
mod lax;
mod messages;
mod nodes;
mod openapi;
mod paging;
mod posts;
mod pricing;
mod reader;
mod vocabulary;

#[cfg(test)]
mod tests;

pub use accounts::{
    AddressStatsQuery, AddressStatsV0Query, BalanceQuery, BalancesQuery, CreditBalancesQuery, FilesQuery,
};
pub use aggregates::{AggregateQuery, AggregatesQuery, AuthorizationsQuery, Side};
pub use credits::{CreditHistoryFilters, CreditHistoryQuery};
pub use field::{Field, Kind};
pub use issue::{Form, Location, ParamErrors, ParamIssue};
pub use messages::{HashesQuery, Listing, MessageFilters, MessagesQuery, WsQuery};
pub use nodes::{NodeMetricsQuery, ProgramsQuery};
pub use paging::{CURSOR_PAGE_LIMIT, Paging, path_page};
pub use posts::PostsQuery;
pub use pricing::{CostsQuery, PriceQuery};
pub use vocabulary::{
    AggregateSort, ContentFormat, CostDetail, CreditFlow, CreditSort, SortBy, SortOrder, Span, StatsSort,
    WireName,
};
