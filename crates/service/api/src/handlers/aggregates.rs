//! Aggregates: those of one owner, and lists over owners.

use axum::{
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::Response,
};

use alephd_store::read::{
    AggregateCursor as Place, AggregateFilter, AggregateItem, AggregateQuery as ListQuery, AggregateRow,
    AggregateSort as Column,
};

use super::{
    messages::{next_cursor, order_of, path_page, total_of, write_paging},
    rows,
};
use crate::{
    Api, ApiError, Routes, body,
    cursor::AggregateCursor,
    json::Writer,
    params::{AggregateQuery, AggregateSort, AggregatesQuery, Paging},
};

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    routes
        .get("/api/v0/aggregates.json", list)
        .get("/api/v0/aggregates", list)
        .get("/api/v0/aggregates/{address}", single)
}

async fn single(
    State(api): State<Api>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let address = path_page(&address)?;
    let query = AggregateQuery::parse(query.as_deref().unwrap_or_default())?;
    let keys = Some(query.keys.as_slice()).filter(|keys| !keys.is_empty());
    let filter = AggregateFilter {
        keys: Vec::new(),
        owners: vec![address.to_owned()],
    };
    let found = api.read(|reader| {
        reader.snapshot(|reader| {
            // Keys are free: without a look at their number, one owner decides how large this gets.
            let many = keys.is_none() && reader.aggregate_count(&filter)? > rows::MAX_ROWS;
            if many {
                return Ok(None);
            }
            reader.aggregate_get(address, keys).map(Some)
        })
    })?;
    let Some(found) = found else {
        return Err(ApiError::unprocessable("too many aggregates: name the keys"));
    };
    if found.is_empty() {
        return Err(ApiError::not_found("No aggregate found for this address"));
    }
    let mut out = Writer::with_capacity(1024);
    if let ([_], true, [aggregate]) = (query.keys.as_slice(), query.value_only, found.as_slice()) {
        write_content(&mut out, aggregate);
        return Ok(body::json(StatusCode::OK, out.finish()));
    }
    out.begin_object();
    out.key("address").text(address);
    out.key("data").begin_object();
    for aggregate in &found {
        out.key(&aggregate.key);
        write_content(&mut out, aggregate);
    }
    out.end_object();
    out.key("info").begin_object();
    if query.with_info {
        for aggregate in &found {
            out.key(&aggregate.key);
            write_info(&mut out, aggregate);
        }
    }
    out.end_object();
    out.end_object();
    Ok(body::json(StatusCode::OK, out.finish()))
}

fn write_content(out: &mut Writer, aggregate: &AggregateRow) {
    out.begin_object();
    for (name, value) in &aggregate.fields {
        out.key(name).raw(value);
    }
    out.end_object();
}

fn write_info(out: &mut Writer, aggregate: &AggregateRow) {
    out.begin_object();
    out.key("created").text(&aggregate.created.iso_offset());
    out.key("last_updated").text(&aggregate.updated.iso_offset());
    out.key("original_item_hash").text(&aggregate.first.to_string());
    out.key("last_update_item_hash").text(&aggregate.last.to_string());
    out.end_object();
}

async fn list(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let query = AggregatesQuery::parse(query.as_deref().unwrap_or_default())?;
    let ask = list_query(&query);
    let (mut items, total) = api.read(|reader| {
        reader.snapshot(|reader| {
            let items = reader.aggregate_list(&ask)?;
            let total = match &query.paging {
                Paging::Page { page, per_page } => total_of(*page, *per_page, items.len(), || {
                    reader.aggregate_count(&ask.filter)
                })?,
                Paging::Cursor { .. } => 0,
            };
            Ok((items, total))
        })
    })?;
    let next = next_cursor(&query.paging, &mut items, |item| AggregateCursor {
        time: match query.sort_by {
            AggregateSort::CreationTime => item.aggregate.created,
            AggregateSort::LastModified => item.aggregate.updated,
        },
        key: item.aggregate.key.clone(),
        owner: item.owner.clone(),
    });
    let mut out = Writer::with_capacity(512 * items.len() + 256);
    out.begin_object();
    out.key("aggregates").begin_array();
    for item in &items {
        write_item(&mut out, item);
    }
    out.end_array();
    write_paging(&mut out, &query.paging, "aggregates", total, next.as_deref());
    out.end_object();
    Ok(body::json(StatusCode::OK, out.finish()))
}

fn list_query(query: &AggregatesQuery) -> ListQuery {
    let after = match &query.paging {
        Paging::Cursor { after, .. } => after.as_ref().map(|after| Place {
            time: after.time,
            key: after.key.clone(),
            owner: after.owner.clone(),
        }),
        Paging::Page { .. } => None,
    };
    ListQuery {
        filter: AggregateFilter {
            keys: query.keys.clone(),
            owners: query.owners.clone(),
        },
        sort: match query.sort_by {
            AggregateSort::CreationTime => Column::Created,
            AggregateSort::LastModified => Column::Updated,
        },
        order: order_of(query.sort_order),
        after,
        offset: query.paging.offset(),
        limit: rows::limit_of(&query.paging),
    }
}

fn write_item(out: &mut Writer, item: &AggregateItem) {
    out.begin_object();
    out.key("address").text(&item.owner);
    out.key("key").text(&item.aggregate.key);
    out.key("content");
    write_content(out, &item.aggregate);
    out.key("created").text(&item.aggregate.created.iso_offset());
    out.key("last_updated").text(&item.aggregate.updated.iso_offset());
    out.end_object();
}
