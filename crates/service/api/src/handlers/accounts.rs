//! What addresses have sent: statistics, files, channels, types of posts.

use std::{collections::HashSet, sync::Arc};

use axum::{
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::Response,
};

use tokio::sync::Mutex;

use alephd_message::{ItemHash, MessageType};
use alephd_store::read::{
    AddressStats, FileKind, Order, OwnedFile, StatsCursor as Place, StatsQuery, StatsSort as Column,
};

use super::{
    messages::{next_cursor, order_of, total_of, write_paging},
    rows,
};
use crate::{
    Api, ApiError, Routes, body,
    cursor::{StatsCursor, TimeCursor},
    json::Writer,
    params::{AddressStatsQuery, AddressStatsV0Query, FilesQuery, Paging, StatsSort},
};

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    // Such a list looks at every address: one at a time, so that the other routes keep their cores.
    let searches = Arc::new(Mutex::new(()));
    routes
        .get("/api/v0/addresses/stats.json", stats_v0)
        .get(
            "/api/v1/addresses/stats.json",
            move |State(api): State<Api>, RawQuery(query): RawQuery| {
                let searches = Arc::clone(&searches);
                async move { stats_v1(&api, &searches, query.as_deref().unwrap_or_default()).await }
            },
        )
        .get("/api/v0/addresses/{address}/files", files)
        .get("/api/v0/addresses/{address}/post_types", post_types)
        .get("/api/v0/addresses/{address}/channels", channels)
}

async fn stats_v0(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let AddressStatsV0Query { mut addresses } =
        AddressStatsV0Query::parse(query.as_deref().unwrap_or_default())?;
    let stats = if addresses.is_empty() {
        // All of them, in the order of the other route.
        let ask = StatsQuery {
            contains: String::new(),
            sort: Column::Total,
            order: Order::Descending,
            after: None,
            offset: 0,
            limit: Some(rows::MAX_ROWS + 1),
        };
        api.read(|reader| reader.address_stats_list(&ask))?
    } else {
        let mut seen = HashSet::new();
        addresses.retain(|address| seen.insert(address.clone()));
        let mut stats = api.read(|reader| reader.address_stats(&addresses))?;
        stats.retain(|stats| stats.total() > 0);
        stats
    };
    rows::check(stats.len())?;
    let mut out = Writer::with_capacity(160 * stats.len() + 16);
    out.begin_object();
    write_stats(&mut out, &stats);
    out.end_object();
    Ok(body::json(StatusCode::OK, out.finish()))
}

async fn stats_v1(api: &Api, searches: &Mutex<()>, query: &str) -> Result<Response, ApiError> {
    let query = AddressStatsQuery::parse(query)?;
    let ask = StatsQuery {
        contains: query.address_contains.clone().unwrap_or_default(),
        sort: column_of(query.sort_by),
        order: order_of(query.sort_order),
        after: match &query.paging {
            Paging::Cursor { after, .. } => after.as_ref().map(|after| Place {
                value: u64::try_from(after.value).unwrap_or(0),
                address: after.address.clone(),
            }),
            Paging::Page { .. } => None,
        },
        offset: query.paging.offset(),
        limit: Some(rows::limit_of(&query.paging)),
    };
    let _one_at_a_time = searches.lock().await;
    let (mut stats, total) = api.read(|reader| {
        reader.snapshot(|reader| {
            let stats = reader.address_stats_list(&ask)?;
            let total = match &query.paging {
                Paging::Page { page, per_page } => total_of(*page, *per_page, stats.len(), || {
                    reader.address_stats_count(&ask.contains)
                })?,
                Paging::Cursor { .. } => 0,
            };
            Ok((stats, total))
        })
    })?;
    rows::check(stats.len())?;
    let next = next_cursor(&query.paging, &mut stats, |stats| StatsCursor {
        value: i64::try_from(value_of(stats, ask.sort)).unwrap_or(i64::MAX),
        address: stats.address.clone(),
    });
    let mut out = Writer::with_capacity(160 * stats.len() + 256);
    out.begin_object();
    write_stats(&mut out, &stats);
    write_paging(&mut out, &query.paging, "addresses", total, next.as_deref());
    out.end_object();
    Ok(body::json(StatusCode::OK, out.finish()))
}

fn column_of(sort: StatsSort) -> Column {
    match sort {
        StatsSort::Total => Column::Total,
        StatsSort::Aggregate => Column::Type(MessageType::Aggregate),
        StatsSort::Forget => Column::Type(MessageType::Forget),
        StatsSort::Instance => Column::Type(MessageType::Instance),
        StatsSort::Post => Column::Type(MessageType::Post),
        StatsSort::Program => Column::Type(MessageType::Program),
        StatsSort::Store => Column::Type(MessageType::Store),
    }
}

fn value_of(stats: &AddressStats, column: Column) -> u64 {
    match column {
        Column::Total => stats.total(),
        Column::Type(kind) => stats.of(kind),
    }
}

/// Clients refuse unknown keys here, so no further type of message is counted by name.
fn write_stats(out: &mut Writer, stats: &[AddressStats]) {
    out.key("data").begin_object();
    for stats in stats {
        out.key(&stats.address).begin_object();
        out.key("messages").int(stats.total());
        for (name, kind) in [
            ("aggregate", MessageType::Aggregate),
            ("forget", MessageType::Forget),
            ("instance", MessageType::Instance),
            ("post", MessageType::Post),
            ("program", MessageType::Program),
            ("store", MessageType::Store),
        ] {
            out.key(name).int(stats.of(kind));
        }
        out.end_object();
    }
    out.end_object();
}

async fn files(
    State(api): State<Api>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let query = FilesQuery::parse(query.as_deref().unwrap_or_default())?;
    let missing = || ApiError::status(StatusCode::NOT_FOUND);
    let only = match &query.file_hash {
        None => None,
        Some(text) => Some(ItemHash::parse_lenient(text).ok_or_else(missing)?),
    };
    let window = rows::window_within(&query.paging);
    let order = order_of(query.sort_order);
    let (mut files, (count, bytes)) = api.read(|reader| {
        reader.snapshot(|reader| {
            let files = reader.files_of(&address, only.as_ref(), order, &window)?;
            Ok((files, reader.files_total(&address)?))
        })
    })?;
    rows::check(files.len())?;
    if files.is_empty() {
        return Err(missing());
    }
    let next = next_cursor(&query.paging, &mut files, |file| TimeCursor {
        time: file.created,
        hash: file.item_hash.clone(),
    });
    let mut out = Writer::with_capacity(300 * files.len() + 256);
    out.begin_object();
    out.key("address").text(&address);
    // The two modes differ in the types of times and sums, and clients have learned both.
    match &query.paging {
        Paging::Page { page, per_page } => {
            out.key("total_size").int(bytes);
            write_files(&mut out, &files, |out, file| {
                out.text(&file.created.iso_z());
            });
            out.key("pagination_page").int(*page);
            out.key("pagination_total").int(count);
            out.key("pagination_per_page").int(*per_page);
        }
        Paging::Cursor { per_page, .. } => {
            write_files(&mut out, &files, |out, file| {
                out.seconds(file.created);
            });
            out.key("next_cursor").text_or_null(next.as_deref());
            out.key("pagination_per_page").int(*per_page);
            out.key("total_size").float(bytes as f64);
        }
    }
    out.end_object();
    Ok(body::json(StatusCode::OK, out.finish()))
}

fn write_files(out: &mut Writer, files: &[OwnedFile], created: impl Fn(&mut Writer, &OwnedFile)) {
    out.key("files").begin_array();
    for file in files {
        out.begin_object();
        out.key("file_hash").text(&file.file.hash.to_string());
        out.key("size").int(file.file.size);
        out.key("type").text(kind_name(file.file.kind));
        out.key("created");
        created(out, file);
        out.key("item_hash").text(&file.item_hash.to_string());
        out.end_object();
    }
    out.end_array();
}

/// The name of a kind of file.
pub(super) fn kind_name(kind: FileKind) -> &'static str {
    match kind {
        FileKind::File => "file",
        FileKind::Directory => "dir",
    }
}

async fn post_types(State(api): State<Api>, Path(address): Path<String>) -> Result<Response, ApiError> {
    let names = api.read(|reader| reader.post_types_of(&address))?;
    Ok(names_of(&address, "post_types", &names))
}

async fn channels(State(api): State<Api>, Path(address): Path<String>) -> Result<Response, ApiError> {
    let names = api.read(|reader| reader.channels_of(&address))?;
    Ok(names_of(&address, "channels", &names))
}

fn names_of(address: &str, key: &str, names: &[String]) -> Response {
    let mut out = Writer::new();
    out.begin_object();
    out.key("address").text(address);
    out.key(key).texts(names);
    out.end_object();
    body::json(StatusCode::OK, out.finish())
}
