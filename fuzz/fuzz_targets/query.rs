//! Any query string for each family of routes: no panic.
#![no_main]

use alephd_api::params::{
    AddressStatsQuery, AddressStatsV0Query, AggregateQuery, AggregatesQuery, AuthorizationsQuery,
    BalanceQuery, BalancesQuery, CostsQuery, CreditBalancesQuery, CreditHistoryFilters, CreditHistoryQuery,
    FilesQuery, HashesQuery, MessagesQuery, NodeMetricsQuery, PostsQuery, PriceQuery, ProgramsQuery, Side,
    WsQuery,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|query: &str| {
    let _ = MessagesQuery::parse(query);
    let _ = HashesQuery::parse(query);
    let _ = WsQuery::parse(query);
    let _ = PostsQuery::parse(query);
    let _ = AggregateQuery::parse(query);
    let _ = AggregatesQuery::parse(query);
    let _ = AuthorizationsQuery::parse(query, Side::Granted);
    let _ = AddressStatsQuery::parse(query);
    let _ = AddressStatsV0Query::parse(query);
    let _ = BalanceQuery::parse(query);
    let _ = BalancesQuery::parse(query);
    let _ = CreditBalancesQuery::parse(query);
    let _ = CreditHistoryFilters::parse(query);
    let _ = CreditHistoryQuery::parse(query);
    let _ = FilesQuery::parse(query);
    let _ = NodeMetricsQuery::parse(query);
    let _ = ProgramsQuery::parse(query);
    let _ = PriceQuery::parse(query);
    let _ = CostsQuery::parse(query);
});
