//! Lists of messages.

use axum::{
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::Response,
};

use alephd_rules::MessageStatus;
use alephd_store::read::{GoneFilter, MessageFilter, MessageRow, Order, Sort, Window};

use super::rows;
use crate::{
    Api, ApiError, Routes, body,
    cursor::{Cursor, TimeCursor},
    json::Writer,
    params::{HashesQuery, Listing, MessageFilters, MessagesQuery, Paging, SortBy, SortOrder},
    render,
};

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    routes
        .get("/api/v0/messages.json", list)
        .get("/api/v0/messages/page/{page}", list_page)
        .get("/api/v0/messages/hashes", hashes)
}

async fn list(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    list_at(&api, query.as_deref(), None)
}

async fn list_page(
    State(api): State<Api>,
    Path(page): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    list_at(&api, query.as_deref(), Some(path_page(&page)?))
}

/// The page of a path `…/page/{page}.json`.
pub(super) fn path_page(segment: &str) -> Result<&str, ApiError> {
    segment
        .strip_suffix(".json")
        .ok_or_else(|| ApiError::status(StatusCode::NOT_FOUND))
}

fn list_at(api: &Api, query: Option<&str>, page: Option<&str>) -> Result<Response, ApiError> {
    let query = MessagesQuery::parse_at(query.unwrap_or_default(), page)?;
    match query.listing {
        Listing::Live => list_live(api, &query),
        Listing::Forgotten => list_gone(api, &query, MessageStatus::Forgotten),
        Listing::Removed => list_gone(api, &query, MessageStatus::Removed),
    }
}

fn list_live(api: &Api, query: &MessagesQuery) -> Result<Response, ApiError> {
    let statuses = &query.filters.statuses;
    let nothing = !statuses.is_empty() && !statuses.iter().any(|status| status.is_live());
    let filter = filter_of(&query.filters);
    let window = rows::window_within(&query.paging);
    let sort = if query.paging.is_cursor() {
        Sort::Time
    } else {
        sort_of(query.filters.ordered_by())
    };
    let order = order_of(query.filters.sort_order);
    let (mut rows, total) = api.read(|reader| {
        if nothing {
            return Ok((Vec::new(), 0));
        }
        reader.snapshot(|reader| {
            let rows = reader.message_list(&filter, sort, order, &window)?;
            let total = match &query.paging {
                Paging::Page { page, per_page } => {
                    total_of(*page, *per_page, rows.len(), || reader.message_count(&filter))?
                }
                Paging::Cursor { .. } => 0,
            };
            Ok((rows, total))
        })
    })?;
    rows::check(rows.len())?;
    let next = next_cursor(&query.paging, &mut rows, |row| TimeCursor {
        time: row.time,
        hash: row.item_hash.clone(),
    });
    let size: usize = rows.iter().map(|row| row.content().map_or(0, str::len)).sum();
    let mut out = Writer::with_capacity(2 * size + 600 * rows.len() + 256);
    out.begin_object();
    out.key("messages").begin_array();
    for row in &rows {
        render::list_item(&mut out, row, query.filters.content);
    }
    out.end_array();
    write_paging(&mut out, &query.paging, "messages", total, next.as_deref());
    out.end_object();
    Ok(body::json(StatusCode::OK, out.finish()))
}

fn list_gone(api: &Api, query: &MessagesQuery, status: MessageStatus) -> Result<Response, ApiError> {
    let filter = gone_filter(&query.filters);
    let window = rows::window_within(&query.paging);
    let order = order_of(query.filters.sort_order);
    let (rows, total) = api.read(|reader| {
        reader.snapshot(|reader| {
            let rows = reader.gone_list(status, &filter, order, &window)?;
            let total = match &query.paging {
                Paging::Page { page, per_page } => total_of(*page, *per_page, rows.len(), || {
                    reader.gone_count(status, &filter)
                })?,
                Paging::Cursor { .. } => 0,
            };
            Ok((rows, total))
        })
    })?;
    rows::check(rows.len())?;
    let mut out = Writer::with_capacity(800 * rows.len() + 256);
    out.begin_object();
    out.key("messages").begin_array();
    for row in &rows {
        gone_item(&mut out, row, status);
    }
    out.end_array();
    write_paging(&mut out, &query.paging, "messages", total, None);
    out.end_object();
    Ok(body::json(StatusCode::OK, out.finish()))
}

fn gone_item(out: &mut Writer, row: &MessageRow, status: MessageStatus) {
    out.begin_object();
    out.key("chain").text(row.chain.as_str());
    out.key("channel").text_or_null(row.channel.as_deref());
    if status == MessageStatus::Forgotten {
        out.key("forgotten_at").seconds_or_null(row.gone_at);
        out.key("forgotten_by");
        render::hashes(out, &row.forgotten_by);
    }
    out.key("item_hash").text(&row.item_hash.to_string());
    out.key("item_type").text(row.item_type.as_str());
    out.key("owner").text(&row.owner);
    out.key("payment_type")
        .text_or_null(row.payment.map(|payment| payment.as_str()));
    if status == MessageStatus::Removed {
        out.key("removed_at").seconds_or_null(row.gone_at);
    }
    out.key("sender").text(&row.sender);
    out.key("signature").text_or_null(row.signature.as_deref());
    out.key("size").int(row.size);
    out.key("status").text(status.as_str());
    out.key("time").seconds(row.time);
    out.key("type").text(row.message_type.as_str());
    out.end_object();
}

async fn hashes(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let query = HashesQuery::parse(query.as_deref().unwrap_or_default())?;
    let order = order_of(query.sort_order);
    let limit = (query.per_page > 0).then_some(query.per_page);
    let offset = query.page.saturating_sub(1).saturating_mul(query.per_page);
    let (rows, total) = api.read(|reader| {
        reader.snapshot(|reader| {
            let dates = (query.dates.start, query.dates.end);
            let rows = reader.message_hashes(query.status, dates, order, (offset, limit))?;
            let total = total_of(query.page, query.per_page, rows.len(), || {
                reader.message_hashes_count(query.status, dates)
            })?;
            Ok((rows, total))
        })
    })?;
    let mut out = Writer::with_capacity(120 * rows.len() + 128);
    out.begin_object();
    out.key("hashes").begin_array();
    for (hash, status, reception) in &rows {
        if query.hash_only {
            out.text(&hash.to_string());
        } else {
            out.begin_object();
            out.key("item_hash").text(&hash.to_string());
            out.key("reception_time").text(&reception.iso_offset());
            out.key("status").text(status.as_str());
            out.end_object();
        }
    }
    out.end_array();
    out.key("pagination_item").text("hashes");
    out.key("pagination_page").int(query.page);
    out.key("pagination_per_page").int(query.per_page);
    out.key("pagination_total").int(total);
    out.end_object();
    Ok(body::json(StatusCode::OK, out.finish()))
}

/// The filter of the store that parameters ask for.
pub(super) fn filter_of(filters: &MessageFilters) -> MessageFilter {
    MessageFilter {
        types: filters
            .types
            .as_ref()
            .map_or_else(Default::default, |types| types.iter().copied().collect()),
        senders: filters.senders.clone(),
        owners: filters.owners.clone(),
        references: filters.refs.clone(),
        content_hashes: filters.content_hashes.clone(),
        content_keys: filters.content_keys.clone(),
        content_types: filters.content_types.clone(),
        chains: filters.chains.clone(),
        channels: filters.channels.clone(),
        tags: filters.tags.clone(),
        hashes: filters.hashes.clone(),
        payments: filters.payment_types.clone(),
        start: filters.dates.start,
        end: filters.dates.end,
        start_block: filters
            .blocks
            .start
            .map(|height| i64::try_from(height).unwrap_or(i64::MAX)),
        end_block: filters
            .blocks
            .end
            .map(|height| i64::try_from(height).unwrap_or(i64::MAX)),
    }
}

fn gone_filter(filters: &MessageFilters) -> GoneFilter {
    GoneFilter {
        types: filters
            .types
            .as_ref()
            .map_or_else(Default::default, |types| types.iter().copied().collect()),
        senders: filters.senders.clone(),
        owners: filters.owners.clone(),
        chains: filters.chains.clone(),
        channels: filters.channels.clone(),
        hashes: filters.hashes.clone(),
        payments: filters.payment_types.clone(),
        start: filters.dates.start,
        end: filters.dates.end,
    }
}

/// The direction that a parameter asks for.
pub(super) fn order_of(order: SortOrder) -> Order {
    match order {
        SortOrder::Ascending => Order::Ascending,
        SortOrder::Descending => Order::Descending,
    }
}

/// The column that a parameter asks for.
pub(super) fn sort_of(sort: SortBy) -> Sort {
    match sort {
        SortBy::Time => Sort::Time,
        SortBy::TxTime => Sort::TxTime,
    }
}

/// The part of a list to read, and whether it is cut by cursors. In cursor mode one row more is
/// read, to know whether a next page exists.
pub(super) fn window_of(paging: &Paging<TimeCursor>) -> (Window, bool) {
    match paging {
        Paging::Page { .. } => (
            Window::Page {
                offset: paging.offset(),
                limit: paging.limit(),
            },
            false,
        ),
        Paging::Cursor {
            after: None,
            per_page,
        } => (Window::first(per_page + 1), true),
        Paging::Cursor {
            after: Some(after),
            per_page,
        } => {
            let window = Window::After {
                time: after.time,
                hash: after.hash.clone(),
                limit: per_page + 1,
            };
            (window, true)
        }
    }
}

/// Cuts the row that was read in excess and says where the next page starts.
pub(super) fn next_cursor<T, C: Cursor, P>(
    paging: &Paging<P>,
    rows: &mut Vec<T>,
    cursor: impl Fn(&T) -> C,
) -> Option<String> {
    let Paging::Cursor { per_page, .. } = paging else {
        return None;
    };
    let per_page = usize::try_from(*per_page).unwrap_or(usize::MAX);
    if rows.len() <= per_page {
        return None;
    }
    rows.truncate(per_page);
    rows.last().map(|row| cursor(row).encode())
}

/// The total of a list: known without counting when the page is not full.
pub(super) fn total_of<E>(
    page: u64,
    per_page: u64,
    rows: usize,
    count: impl FnOnce() -> Result<u64, E>,
) -> Result<u64, E> {
    let rows = rows as u64;
    if per_page == 0 {
        return Ok(rows);
    }
    if rows < per_page && (rows > 0 || page == 1) {
        return Ok((page - 1).saturating_mul(per_page) + rows);
    }
    count()
}

/// Writes the trailer of a list.
pub(super) fn write_paging<P>(
    out: &mut Writer,
    paging: &Paging<P>,
    item: &str,
    total: u64,
    next: Option<&str>,
) {
    match paging {
        Paging::Page { page, per_page } => {
            out.key("pagination_item").text(item);
            out.key("pagination_page").int(*page);
            out.key("pagination_per_page").int(*per_page);
            out.key("pagination_total").int(total);
        }
        Paging::Cursor { per_page, .. } => {
            out.key("next_cursor").text_or_null(next);
            out.key("pagination_per_page").int(*per_page);
        }
    }
}
