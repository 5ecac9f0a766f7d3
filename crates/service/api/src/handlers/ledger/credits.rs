//! The credit history of an address.

use axum::{
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::Response,
};

use alephd_message::Micros;
use alephd_store::{
    StoreError,
    read::{
        CreditFilter, CreditPlace, CreditQuery, CreditRow, CreditSort as Column, CreditValue, CreditWindow,
        CreditsByExpiration,
    },
};

use super::tokens;
use crate::{
    Api, ApiError, body,
    cursor::{CreditCursor, SortValue},
    handlers::{
        messages::{next_cursor, order_of, total_of, write_paging},
        rows,
    },
    json::Writer,
    params::{CreditFlow, CreditHistoryFilters, CreditHistoryQuery, CreditSort, Paging},
};

pub(super) async fn history(
    State(api): State<Api>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let query = CreditHistoryQuery::parse(query.as_deref().unwrap_or_default())?;
    let ask = CreditQuery {
        filter: filter_of(&query.filters),
        sort: column_of(query.sort_by),
        order: order_of(query.sort_order),
    };
    let window = CreditWindow {
        after: match &query.paging {
            Paging::Cursor { after, .. } => after.as_ref().map(place_of),
            Paging::Page { .. } => None,
        },
        offset: query.paging.offset(),
        limit: Some(rows::limit_of(&query.paging)),
    };
    check_length(&api, &address, ask.sort)?;
    let (mut rows, total) = api.read(|reader| {
        reader.snapshot(|reader| {
            let rows = reader.credit_history_page(&address, &ask, &window)?;
            let total = match &query.paging {
                Paging::Page { page, per_page } => total_of(*page, *per_page, rows.len(), || {
                    Ok::<_, StoreError>(reader.credit_summary(&address, &ask.filter)?.entries)
                })?,
                Paging::Cursor { .. } => 0,
            };
            Ok((rows, total))
        })
    })?;
    rows::check(rows.len())?;
    let next = next_cursor(&query.paging, &mut rows, |row| cursor_of(&query, row));
    if rows.is_empty() {
        return Err(ApiError::not_found("No credit history found for this address"));
    }
    let mut out = Writer::with_capacity(500 * rows.len() + 256);
    out.begin_object();
    out.key("address").text(&address);
    out.key("credit_history").begin_array();
    for row in &rows {
        write_row(&mut out, row, query.paging.is_cursor());
    }
    out.end_array();
    match &query.paging {
        Paging::Page { page, per_page } => {
            out.key("pagination_page").int(*page);
            out.key("pagination_total").int(total);
            out.key("pagination_per_page").int(*per_page);
        }
        Paging::Cursor { .. } => write_paging(&mut out, &query.paging, "", 0, next.as_deref()),
    }
    out.end_object();
    Ok(body::json(StatusCode::OK, out.finish()))
}

/// A history that is sorted by anything but time is read as a whole.
fn check_length(api: &Api, address: &str, sort: Column) -> Result<(), ApiError> {
    if sort == Column::Time {
        return Ok(());
    }
    let all = CreditFilter::default();
    let entries = api.read(|reader| reader.credit_summary(address, &all))?.entries;
    if entries <= rows::MAX_ROWS {
        return Ok(());
    }
    Err(ApiError::unprocessable(format!(
        "{entries} entries are too many to be sorted: use sort_by=message_timestamp"
    )))
}

pub(super) async fn summary(
    State(api): State<Api>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let filters = CreditHistoryFilters::parse(query.as_deref().unwrap_or_default())?;
    let filter = filter_of(&filters);
    let summary = api.read(|reader| reader.credit_summary(&address, &filter))?;
    let mut out = Writer::new();
    out.begin_object();
    out.key("address").text(&address);
    out.key("entry_count").int(summary.entries);
    out.key("total_amount").int(summary.incoming + summary.outgoing);
    out.key("total_incoming").int(summary.incoming);
    out.key("total_outgoing").int(summary.outgoing);
    out.end_object();
    Ok(body::json(StatusCode::OK, out.finish()))
}

fn filter_of(filters: &CreditHistoryFilters) -> CreditFilter {
    CreditFilter {
        tx_hash: filters.tx_hash.clone(),
        token: filters.token.clone(),
        chain: filters.chain.clone(),
        provider: filters.provider.clone(),
        origin: filters.origin.clone(),
        origin_ref: filters.origin_ref.clone(),
        payment_method: filters.payment_method.clone(),
        exclude_payment_methods: filters.exclude_payment_methods.clone(),
        has_expiration: filters.has_expiration,
        start: filters.dates.start,
        end: filters.dates.end,
        incoming: filters.direction.map(|flow| flow == CreditFlow::Incoming),
        resource_types: Some(filters.resource_types.iter().copied())
            .filter(|types| types.len() > 0)
            .map(FromIterator::from_iter),
        resource: filters.resource.clone(),
    }
}

fn column_of(sort: CreditSort) -> Column {
    match sort {
        CreditSort::MessageTimestamp => Column::Time,
        CreditSort::ExpirationDate => Column::Expiration,
        CreditSort::PaymentMethod => Column::PaymentMethod,
        CreditSort::Amount => Column::Amount,
        CreditSort::Origin => Column::Origin,
        CreditSort::TxHash => Column::TxHash,
        CreditSort::Provider => Column::Provider,
    }
}

/// The entry that a cursor names.
fn place_of(cursor: &CreditCursor) -> CreditPlace {
    CreditPlace {
        value: match &cursor.value {
            SortValue::Null => CreditValue::Missing,
            SortValue::Time(time) => CreditValue::Time(*time),
            SortValue::Int(amount) => CreditValue::Int(*amount),
            SortValue::Text(text) => CreditValue::Text(text.clone()),
        },
        item_hash: cursor.credit_ref.clone(),
        line: cursor.credit_index,
    }
}

fn cursor_of(query: &CreditHistoryQuery, row: &CreditRow) -> CreditCursor {
    let place = CreditPlace::of(row, column_of(query.sort_by));
    CreditCursor {
        sort_by: query.sort_by,
        sort_order: Some(query.sort_order),
        value: match place.value {
            CreditValue::Missing => SortValue::Null,
            CreditValue::Time(time) => SortValue::Time(time),
            CreditValue::Int(amount) => SortValue::Int(amount),
            CreditValue::Text(text) => SortValue::Text(text),
        },
        credit_ref: place.item_hash,
        credit_index: place.line,
    }
}

/// Writes an entry. In cursor mode decimals and times are floats, else texts: clients of either
/// mode have learned it so.
fn write_row(out: &mut Writer, row: &CreditRow, floats: bool) {
    let details = &row.details;
    out.begin_object();
    out.key("amount").int(row.amount);
    out.key("price");
    write_decimal(out, details.price.as_deref(), floats);
    out.key("bonus_amount");
    write_int(out, details.bonus_amount);
    out.key("tx_hash").text_or_null(details.tx_hash.as_deref());
    out.key("token").text_or_null(details.token.as_deref());
    out.key("chain").text_or_null(details.chain.as_deref());
    out.key("provider").text_or_null(details.provider.as_deref());
    out.key("origin").text_or_null(details.origin.as_deref());
    out.key("origin_ref").text_or_null(details.origin_ref.as_deref());
    out.key("payment_method")
        .text_or_null(details.payment_method.as_deref());
    out.key("credit_ref").text(&row.item_hash.to_string());
    out.key("credit_index").int(row.line);
    out.key("expiration_date");
    write_time(out, row.expiration, floats);
    out.key("message_timestamp");
    write_time(out, Some(row.time), floats);
    out.key("expense_count");
    write_int(out, details.expense_count);
    out.key("expense_size_mib");
    write_decimal(out, details.expense_size_mib.as_deref(), floats);
    out.end_object();
}

/// Lines are written by users: what is no decimal is not sent, since clients parse it.
fn write_decimal(out: &mut Writer, text: Option<&str>, floats: bool) {
    match text.filter(|text| text.parse::<f64>().is_ok_and(f64::is_finite)) {
        None => out.null(),
        Some(text) if floats => out.float(tokens::float(text)),
        Some(text) => out.text(text),
    };
}

fn write_int(out: &mut Writer, value: Option<i64>) {
    match value {
        None => out.null(),
        Some(value) => out.int(value),
    };
}

fn write_time(out: &mut Writer, time: Option<Micros>, floats: bool) {
    match time {
        Some(time) if !floats => out.text(&time.iso_z()),
        time => out.seconds_or_null(time),
    };
}

/// Writes the credits that are left, by their end of validity.
pub(super) fn write_lots(out: &mut Writer, lots: &CreditsByExpiration) {
    out.begin_array();
    for (expiration, amount) in lots {
        out.begin_object();
        out.key("expiration_date")
            .text_or_null(expiration.map(|time| time.iso_z()).as_deref());
        out.key("amount").int(*amount);
        out.end_object();
    }
    out.end_array();
}
