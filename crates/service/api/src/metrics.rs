//! Numbers about the node: those that only exist while it runs, and the table that `/metrics`,
//! `/metrics.json`, the status websocket and the page show.
//!
//! The names are those that dashboards and the scoring of the network already know. Names for
//! parts that this node does not have stay in the table, as null or zero, because readers look
//! for them.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use alephd_store::read::Counts;

use crate::{
    Api, ApiError,
    json::{Style, Writer, push_text},
};

/// Counters of the running program.
#[derive(Debug, Default)]
pub struct Gauges {
    /// Open websockets on messages.
    pub message_sockets: AtomicUsize,
    /// Open websockets on the status.
    pub status_sockets: AtomicUsize,
    /// Messages handed to at least one websocket.
    pub broadcast: AtomicU64,
    /// Websockets on messages refused for lack of room.
    pub message_sockets_refused: AtomicU64,
    /// Websockets on the status refused for lack of room.
    pub status_sockets_refused: AtomicU64,
    /// Websockets closed because their client read too slowly.
    pub slow_sockets: AtomicU64,
    /// Messages that no websocket was told of because the fan-out fell behind the pipeline.
    pub missed_events: AtomicU64,
}

/// Reads a counter.
pub(crate) fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// The table as `/metrics.json` shows it.
pub(crate) fn metrics_json(api: &Api) -> Result<String, ApiError> {
    Ok(json(&table(api, &Sockets::of(api))?, &api.settings.version))
}

/// The table as `/metrics` shows it: a line each, without nulls and without a final line break.
pub(crate) fn metrics_text(api: &Api) -> Result<String, ApiError> {
    Ok(text(&table(api, &Sockets::of(api))?, &api.settings.version))
}

/// The table as the status websocket shows it: without the counters of websockets and fetches, so
/// that a new frame means that the node itself has changed.
pub(crate) fn status_json(api: &Api) -> Result<String, ApiError> {
    Ok(json(&table(api, &Sockets::default())?, &api.settings.version))
}

const BUILD_INFO: &str = "pyaleph_build_info";
/// What stands where the reference names its Python: nothing here is written in it.
const PYTHON_VERSION: &str = "none";

/// A number, or `None` for what this node does not know.
type Metric = (&'static str, Option<u64>);

/// The part that the table tells of websockets.
#[derive(Default)]
struct Sockets {
    messages: u64,
    messages_max: u64,
    status: u64,
    status_max: u64,
    broadcast: u64,
    messages_refused: u64,
    status_refused: u64,
}

impl Sockets {
    fn of(api: &Api) -> Self {
        let open = |count: &AtomicUsize| count.load(Ordering::Relaxed) as u64;
        let gauges = &api.gauges;
        Self {
            messages: open(&gauges.message_sockets),
            messages_max: api.settings.max_message_sockets as u64,
            status: open(&gauges.status_sockets),
            status_max: api.settings.max_status_sockets as u64,
            broadcast: get(&gauges.broadcast),
            messages_refused: get(&gauges.message_sockets_refused),
            status_refused: get(&gauges.status_sockets_refused),
        }
    }
}

fn table(api: &Api, sockets: &Sockets) -> Result<Vec<Metric>, ApiError> {
    Ok(rows(&api.read(|reader| reader.counts())?, sockets))
}

/// The rows in the order in which the reference prints them.
fn rows(counts: &Counts, sockets: &Sockets) -> Vec<Metric> {
    vec![
        ("pyaleph_status_peers_total", Some(0)),
        ("pyaleph_status_sync_messages_total", Some(counts.messages)),
        ("pyaleph_status_sync_permanent_files_total", Some(counts.pins)),
        ("pyaleph_status_sync_pending_messages_total", Some(counts.pending)),
        ("pyaleph_status_sync_pending_txs_total", Some(0)),
        ("pyaleph_status_chain_eth_last_committed_height", None),
        ("pyaleph_processing_pending_messages_seen_ids_total", None),
        ("pyaleph_processing_pending_messages_tasks_total", Some(0)),
        ("pyaleph_processing_pending_messages_aggregate_tasks", Some(0)),
        ("pyaleph_processing_pending_messages_forget_tasks", Some(0)),
        ("pyaleph_processing_pending_messages_post_tasks", Some(0)),
        ("pyaleph_processing_pending_messages_program_tasks", Some(0)),
        ("pyaleph_processing_pending_messages_store_tasks", Some(0)),
        ("pyaleph_processing_pending_messages_action_total", None),
        ("pyaleph_status_sync_messages_reference_total", None),
        ("pyaleph_status_sync_messages_remaining_total", None),
        ("pyaleph_status_chain_eth_height_reference_total", None),
        ("pyaleph_status_chain_eth_height_remaining_total", None),
        ("pyaleph_ws_messages_connections_active", Some(sockets.messages)),
        ("pyaleph_ws_messages_connections_max", Some(sockets.messages_max)),
        ("pyaleph_ws_status_connections_active", Some(sockets.status)),
        ("pyaleph_ws_status_connections_max", Some(sockets.status_max)),
        ("pyaleph_ws_messages_broadcast_total", Some(sockets.broadcast)),
        (
            "pyaleph_ws_messages_connections_rejected_total",
            Some(sockets.messages_refused),
        ),
        (
            "pyaleph_ws_status_connections_rejected_total",
            Some(sockets.status_refused),
        ),
        ("pyaleph_ws_broadcaster_consumer_restarts_total", Some(0)),
        ("pyaleph_store_fetch_ipfs_total", Some(0)),
        ("pyaleph_store_fetch_ipfs_failed_total", Some(0)),
        ("pyaleph_store_fetch_ipfs_duration_ms_sum", Some(0)),
        ("pyaleph_store_fetch_storage_total", Some(0)),
        ("pyaleph_store_fetch_storage_failed_total", Some(0)),
        ("pyaleph_store_fetch_storage_duration_ms_sum", Some(0)),
    ]
}

fn json(rows: &[Metric], version: &str) -> String {
    let mut out = Writer::with_capacity(2048);
    out.begin_object();
    out.key(BUILD_INFO).begin_object();
    out.key("python_version").text(PYTHON_VERSION);
    out.key("version").text(version);
    out.end_object();
    for (name, value) in rows {
        out.key(name);
        match value {
            Some(value) => out.int(*value),
            None => out.null(),
        };
    }
    out.end_object();
    out.finish()
}

fn text(rows: &[Metric], version: &str) -> String {
    let mut line = format!("{BUILD_INFO}{{python_version=\"{PYTHON_VERSION}\",version=");
    // The escapes of a label are a subset of those of JSON.
    push_text(&mut line, version, Style::Compact);
    line.push_str("} 1");
    let numbers = rows
        .iter()
        .filter_map(|(name, value)| Some(format!("{name} {}", (*value)?)));
    std::iter::once(line)
        .chain(numbers)
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_are_kept_in_json_and_left_out_of_text() {
        let counts = Counts {
            messages: 7,
            pins: 3,
            pending: 2,
            ..Counts::default()
        };
        let sockets = Sockets {
            messages: 1,
            messages_max: 10,
            broadcast: 5,
            ..Sockets::default()
        };
        let rows = rows(&counts, &sockets);
        let json: serde_json::Value = serde_json::from_str(&json(&rows, "0.10.3")).expect("JSON");
        assert_eq!(json[BUILD_INFO]["version"], "0.10.3");
        assert_eq!(json["pyaleph_status_sync_messages_total"], 7);
        assert!(json["pyaleph_status_chain_eth_last_committed_height"].is_null());
        assert_eq!(json.as_object().map(serde_json::Map::len), Some(33));

        let text = text(&rows, "0.10.3");
        let lines: Vec<_> = text.split('\n').collect();
        assert_eq!(
            lines[0],
            "pyaleph_build_info{python_version=\"none\",version=\"0.10.3\"} 1"
        );
        assert_eq!(lines[1], "pyaleph_status_peers_total 0");
        assert_eq!(lines[2], "pyaleph_status_sync_messages_total 7");
        assert_eq!(lines.len(), 33 - 7, "seven values are unknown");
        assert!(text.contains("\npyaleph_ws_messages_connections_max 10\n"));
        assert!(!text.ends_with('\n'));
    }
}
