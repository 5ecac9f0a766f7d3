//! Who may act for whom, from either side: views of `security` aggregates.
//!
//! Entries are user data. They are sent as they were written, less the address they are grouped by.

use std::collections::{BTreeMap, HashMap};

use axum::{
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::Response,
};
use serde_json::value::RawValue;

use super::messages::path_page;
use crate::{
    Api, ApiError, Routes, body,
    json::Writer,
    params::{AuthorizationsQuery, Side},
};

/// Most owners that are looked through for an address. Anybody can grant to anybody, so the number
/// is the choice of strangers, and each may bring a list of a hundred kilobytes.
const MAX_GRANTERS: u64 = 5_000;

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    routes
        .get("/api/v0/authorizations/granted/{address}", granted)
        .get("/api/v0/authorizations/received/{address}", received)
}

/// An entry of a list, without its address; the values are verbatim.
type Entry<'a> = BTreeMap<String, &'a RawValue>;

/// Entries by the address on the other side, in the order in which the addresses appear.
type Groups<'a> = Vec<(String, Vec<Entry<'a>>)>;

async fn granted(
    State(api): State<Api>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let address = path_page(&address)?;
    let query = AuthorizationsQuery::parse(query.as_deref().unwrap_or_default(), Side::Granted)?;
    let list = api.read(|reader| reader.authorizations_granted(address))?;
    let mut groups = Groups::new();
    let mut places = HashMap::new();
    for (grantee, entry) in entries(list.as_deref().unwrap_or_default()) {
        let place = *places.entry(grantee.clone()).or_insert_with(|| {
            groups.push((grantee, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(entry);
    }
    Ok(answer(address, &query, groups))
}

async fn received(
    State(api): State<Api>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let address = path_page(&address)?;
    let query = AuthorizationsQuery::parse(query.as_deref().unwrap_or_default(), Side::Received)?;
    let lists = api.read(|reader| reader.authorizations_received(address, MAX_GRANTERS))?;
    let groups = lists.iter().map(|(owner, list)| {
        let own = entries(list)
            .into_iter()
            .filter(|(grantee, _)| grantee == address);
        (owner.clone(), own.map(|(_, entry)| entry).collect())
    });
    let groups = groups.collect();
    Ok(answer(address, &query, groups))
}

/// The entries of a list that name an address; whatever else strangers put there is passed over.
fn entries(list: &str) -> Vec<(String, Entry<'_>)> {
    let list: Vec<&RawValue> = serde_json::from_str(list).unwrap_or_default();
    let entries = list.into_iter().filter_map(|entry| {
        let mut entry: Entry<'_> = serde_json::from_str(entry.get()).ok()?;
        let address: String = serde_json::from_str(entry.remove("address")?.get()).ok()?;
        (!address.is_empty()).then_some((address, entry))
    });
    entries.collect()
}

fn answer(address: &str, query: &AuthorizationsQuery, mut groups: Groups<'_>) -> Response {
    groups.retain(|(other, _)| query.other.as_ref().is_none_or(|wanted| wanted == other));
    for (_, entries) in &mut groups {
        entries.retain(|entry| matches(query, entry));
    }
    groups.retain(|(_, entries)| !entries.is_empty());
    let skipped = query.page.saturating_sub(1).saturating_mul(query.per_page);
    let page = groups
        .iter()
        .skip(to_usize(skipped))
        .take(to_usize(query.per_page));
    let mut out = Writer::with_capacity(1024);
    out.begin_object();
    out.key("authorizations").begin_object();
    for (other, entries) in page {
        out.key(other).begin_array();
        for entry in entries {
            out.begin_object();
            for (key, value) in entry {
                out.key(key).raw(value.get());
            }
            out.end_object();
        }
        out.end_array();
    }
    out.end_object();
    out.key("pagination_page").int(query.page);
    out.key("pagination_per_page").int(query.per_page);
    out.key("pagination_total").int(groups.len() as u64);
    out.key("pagination_item").text("authorizations");
    out.key("address").text(address);
    out.end_object();
    body::json(StatusCode::OK, out.finish())
}

fn matches(query: &AuthorizationsQuery, entry: &Entry<'_>) -> bool {
    allows(&query.channels, &listed(entry, "channels"))
        && allows(&query.types, &listed(entry, "types"))
        && allows(&query.post_types, &listed(entry, "post_types"))
        && allows(&query.aggregate_keys, &listed(entry, "aggregate_keys"))
        && allows(&query.chains, &chain(entry))
}

/// An entry that names nothing allows everything.
fn allows(wanted: &[String], named: &[String]) -> bool {
    wanted.is_empty() || named.is_empty() || named.iter().any(|name| wanted.contains(name))
}

fn listed(entry: &Entry<'_>, key: &str) -> Vec<String> {
    let names = entry
        .get(key)
        .and_then(|value| serde_json::from_str(value.get()).ok());
    names.unwrap_or_default()
}

fn chain(entry: &Entry<'_>) -> Vec<String> {
    let name = entry
        .get("chain")
        .and_then(|value| serde_json::from_str::<String>(value.get()).ok());
    name.into_iter().filter(|name| !name.is_empty()).collect()
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_entry_is_passed_over() {
        let list = r#"[7, null, {"types":[]}, {"address":3}, {"address":""},
            {"address":"a","x":1.50,"types":["POST"]}]"#;
        let found = entries(list);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, "a");
        let values: Vec<_> = found[0].1.values().map(|value| value.get()).collect();
        assert_eq!(values, [r#"["POST"]"#, "1.50"]);
        assert!(entries(r#"{"address":"a"}"#).is_empty());
        assert!(entries("").is_empty());
    }

    #[test]
    fn a_dimension_that_is_left_out_matches_everything() {
        let wanted = ["POST".to_owned()];
        assert!(allows(&wanted, &[]));
        assert!(allows(&[], &["STORE".to_owned()]));
        assert!(allows(&wanted, &["STORE".to_owned(), "POST".to_owned()]));
        assert!(!allows(&wanted, &["STORE".to_owned()]));
    }
}
