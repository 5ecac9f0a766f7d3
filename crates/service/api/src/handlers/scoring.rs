//! Measurements of nodes, folded from the posts of those who measure.
//!
//! Every hour a post brings a few hundred kilobytes about all nodes. The posts of the period are
//! read a few at a time, and of each only the entries that mention the node are parsed.

use axum::{
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::Response,
};
use serde_json::{Map, Value, value::RawValue};

use alephd_message::{MessageType, Micros};
use alephd_store::read::{MessageFilter, MessageRow, Order, Sort, Window};

use super::rows;
use crate::{
    Api, ApiError, Routes, body,
    json::Writer,
    params::{NodeMetricsQuery, SortOrder},
};

/// Posts that are read at a time, so that a handful of them is in memory.
const PIECE: u64 = 8;
/// Most posts that are read for an answer, the newest of the period: two months of hourly ones.
const MAX_POSTS: usize = 1_500;
/// How long after a measurement its post may come: they are made over an hour and then published.
const DELAY: i64 = 24 * 3_600 * 1_000_000;

/// What is measured of a kind of node.
struct Kind {
    /// Key of the list in a post.
    list: &'static str,
    columns: &'static [Column],
}

/// A column of the answer.
#[derive(Clone, Copy)]
enum Column {
    Float(&'static str),
    Int(&'static str),
}

const CORE: Kind = Kind {
    list: "ccn",
    columns: &[
        Column::Float("base_latency"),
        Column::Float("base_latency_ipv4"),
        Column::Float("metrics_latency"),
        Column::Float("aggregate_latency"),
        Column::Float("file_download_latency"),
        Column::Int("pending_messages"),
        Column::Int("eth_height_remaining"),
    ],
};

const COMPUTE: Kind = Kind {
    list: "crn",
    columns: &[
        Column::Float("base_latency"),
        Column::Float("base_latency_ipv4"),
        Column::Float("full_check_latency"),
        Column::Float("diagnostic_vm_latency"),
    ],
};

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    routes
        .get("/api/v0/core/{node_id}/metrics", core)
        .get("/api/v0/compute/{node_id}/metrics", compute)
}

async fn core(
    State(api): State<Api>,
    Path(node): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    measurements(&api, &node, query.as_deref(), &CORE)
}

async fn compute(
    State(api): State<Api>,
    Path(node): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    measurements(&api, &node, query.as_deref(), &COMPUTE)
}

/// One measurement of a node.
struct Measurement {
    item_hash: String,
    measured_at: f64,
    values: Vec<Option<f64>>,
}

fn measurements(api: &Api, node: &str, query: Option<&str>, kind: &Kind) -> Result<Response, ApiError> {
    let query = NodeMetricsQuery::parse(query.unwrap_or_default())?;
    let (start, end) = query.period(api.now());
    let mut found = Vec::new();
    for_each_post(api, start, end, |post| {
        let list = post.content().map(|content| entries(content, kind.list));
        for entry in list.unwrap_or_default() {
            found.extend(measurement(post, entry, node, kind));
        }
    })?;
    let period = start.as_seconds()..=end.as_seconds();
    found.retain(|found| period.contains(&found.measured_at));
    if found.is_empty() {
        return Err(ApiError::status(StatusCode::NOT_FOUND));
    }
    rows::check(found.len())?;
    found.sort_by(|a, b| {
        let by_time = a.measured_at.total_cmp(&b.measured_at);
        let by_time = match query.sort_order {
            SortOrder::Ascending => by_time,
            SortOrder::Descending => by_time.reverse(),
        };
        by_time.then_with(|| a.item_hash.cmp(&b.item_hash))
    });
    Ok(body::json(StatusCode::OK, columns(&found, kind)))
}

/// Visits the posts that may have measurements of a period.
fn for_each_post(
    api: &Api,
    start: Micros,
    end: Micros,
    mut visit: impl FnMut(&MessageRow),
) -> Result<(), ApiError> {
    let settings = &api.settings;
    if settings.scoring_addresses.is_empty() {
        return Ok(());
    }
    let filter = MessageFilter {
        types: [MessageType::Post].into_iter().collect(),
        owners: settings.scoring_addresses.clone(),
        channels: vec![settings.scoring_channel.clone()],
        content_types: vec![settings.scoring_post_type.clone()],
        start: Some(start),
        end: Some(Micros(end.0.saturating_add(DELAY))),
        ..MessageFilter::default()
    };
    let mut window = Window::first(PIECE);
    let mut count = 0;
    while count < MAX_POSTS {
        let posts =
            api.read(|reader| reader.message_list(&filter, Sort::Time, Order::Descending, &window))?;
        posts.iter().for_each(&mut visit);
        count += posts.len();
        let Some(last) = posts.last().filter(|_| posts.len() as u64 == PIECE) else {
            return Ok(());
        };
        window = Window::After {
            time: last.time,
            hash: last.item_hash.clone(),
            limit: PIECE,
        };
    }
    Ok(())
}

/// The unparsed entries about nodes of one kind.
fn entries<'a>(content: &'a str, list: &str) -> Vec<&'a RawValue> {
    #[derive(serde::Deserialize)]
    struct Content<'a> {
        #[serde(borrow)]
        content: Post<'a>,
    }
    #[derive(serde::Deserialize)]
    struct Post<'a> {
        #[serde(borrow)]
        metrics: std::collections::BTreeMap<String, &'a RawValue>,
    }
    let Ok(Content { content }) = serde_json::from_str(content) else {
        return Vec::new();
    };
    let list = content.metrics.get(list);
    list.and_then(|list| serde_json::from_str(list.get()).ok())
        .unwrap_or_default()
}

fn measurement(post: &MessageRow, entry: &RawValue, node: &str, kind: &Kind) -> Option<Measurement> {
    // Most entries are about other nodes. Ids are plain text, which JSON does not escape.
    if !entry.get().contains(node) {
        return None;
    }
    let entry: Map<String, Value> = serde_json::from_str(entry.get()).ok()?;
    let is_meant = match entry.get("node_id")? {
        Value::String(id) => id == node,
        Value::Number(id) => id.to_string() == node,
        _ => false,
    };
    let value = |name: &str| entry.get(name).and_then(number);
    let values = kind.columns.iter().map(|column| match column {
        Column::Float(name) => value(name),
        Column::Int(name) => value(name).map(f64::trunc),
    });
    is_meant.then_some(Measurement {
        item_hash: post.item_hash.to_string(),
        measured_at: value("measured_at")?,
        values: values.collect(),
    })
}

/// A number, also one that was written as text.
fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

fn columns(found: &[Measurement], kind: &Kind) -> String {
    let mut out = Writer::with_capacity(150 * found.len() + 256);
    out.begin_object();
    out.key("metrics").begin_object();
    out.key("item_hash")
        .texts(found.iter().map(|found| &found.item_hash));
    out.key("measured_at").begin_array();
    for found in found {
        out.float(found.measured_at);
    }
    out.end_array();
    for (index, column) in kind.columns.iter().enumerate() {
        let (Column::Float(name) | Column::Int(name)) = column;
        out.key(name).begin_array();
        for found in found {
            match (found.values.get(index).copied().flatten(), column) {
                (None, _) => out.null(),
                (Some(value), Column::Float(_)) => out.float(value),
                // Whole by construction, and a cast saturates.
                (Some(value), Column::Int(_)) => out.int(value as i64),
            };
        }
        out.end_array();
    }
    out.end_object().end_object();
    out.finish()
}
