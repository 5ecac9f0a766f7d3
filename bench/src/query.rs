//! The queries that clients make most, each measured alone.

mod samples;

use std::time::Duration;

use alephd_tasks::{Clock, SystemClock};
use alephd_testkit::{process::http::Client, rng::Rng};
use anyhow::{Result, ensure};
use form_urlencoded::byte_serialize;
use hyper::StatusCode;

use self::samples::Samples;
use crate::{
    latency::{Summary, millis},
    load::{self, Ask, Target},
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the node listens, as http://ADDRESS:PORT
    #[arg(long, default_value = "http://127.0.0.1:4024")]
    api: String,
    /// Connections, each with one request at a time
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Seconds for each query
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
}

/// A kind of query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Query {
    ByAddress,
    ByChannelAndType,
    ByHash,
    Page500,
    PostsByType,
    AggregateByKey,
    OneMessage,
}

impl Query {
    pub(crate) const ALL: [Self; 7] = [
        Self::ByAddress,
        Self::ByChannelAndType,
        Self::ByHash,
        Self::Page500,
        Self::PostsByType,
        Self::AggregateByKey,
        Self::OneMessage,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ByAddress => "messages by address",
            Self::ByChannelAndType => "messages by channel and type",
            Self::ByHash => "messages by hash",
            Self::Page500 => "messages, page 500",
            Self::PostsByType => "posts by type",
            Self::AggregateByKey => "aggregate by key",
            Self::OneMessage => "one message",
        }
    }

    /// Whether the answer is one object rather than a page of a list.
    pub(crate) fn is_single(self) -> bool {
        matches!(self, Self::AggregateByKey | Self::OneMessage)
    }

    /// A request with values that occur on the node.
    fn path(self, samples: &Samples, rng: &mut Rng) -> String {
        let one = |list: &[String], rng: &mut Rng| encode(rng.pick::<String>(list));
        match self {
            Self::ByAddress => format!("/api/v0/messages.json?addresses={}", one(&samples.senders, rng)),
            Self::ByChannelAndType => {
                let (channel, message_type) = rng.pick(&samples.channels);
                format!(
                    "/api/v0/messages.json?channels={}&msgTypes={}",
                    encode(channel),
                    encode(message_type)
                )
            }
            Self::ByHash => format!("/api/v0/messages.json?hashes={}", one(&samples.hashes, rng)),
            Self::Page500 => "/api/v0/messages.json?page=500".to_owned(),
            Self::PostsByType => format!("/api/v0/posts.json?types={}", one(&samples.post_types, rng)),
            Self::AggregateByKey => {
                let (address, key) = rng.pick(&samples.aggregates);
                format!("/api/v0/aggregates/{}.json?keys={}", encode(address), encode(key))
            }
            Self::OneMessage => format!("/api/v0/messages/{}", one(&samples.hashes, rng)),
        }
    }
}

/// How one kind of query went.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) query: Query,
    pub(crate) rate: f64,
    pub(crate) summary: Summary,
    pub(crate) complaints: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let target = Target::parse(&args.api)?;
    let duration = Duration::from_secs_f64(args.seconds);
    let results = measure(&target, args.connections, duration)?;
    for Answered {
        query,
        rate,
        summary,
        complaints,
    } in results
    {
        println!(
            "{:<30} {rate:>8.0}/s  p50 {}  p99 {}  max {}{}",
            query.name(),
            millis(summary.p50),
            millis(summary.p99),
            millis(summary.max),
            complaints.map_or_else(String::new, |text| format!("  BUT {text}"))
        );
    }
    Ok(())
}

/// Finds out what the node holds, then measures each query for `duration`.
pub(crate) fn measure(target: &Target, connections: usize, duration: Duration) -> Result<Vec<Answered>> {
    let samples = Samples::discover(&Client::new(target.address()))?;
    let clock = SystemClock::new();
    let mut results = Vec::new();
    for query in Query::ALL {
        let mut rng = Rng::new(1);
        let end = clock.monotonic() + duration;
        let next = || {
            let is_over = clock.monotonic() >= end;
            Ok((!is_over).then(|| Ask::Get(query.path(&samples, &mut rng))))
        };
        let tally = load::run(target, connections, next, |status, body| {
            judge(query, status, body)
        })?;
        ensure!(tally.latencies.len() > 0, "no answer to {}", query.name());
        results.push(Answered {
            query,
            rate: tally.rate(),
            complaints: tally.complaints(),
            summary: tally.latencies.summary(),
        });
    }
    Ok(results)
}

/// An answer must be a full one: an empty page would be fast and mean nothing. Page 500 is empty
/// on a small node; the caller sees the number of messages beside it.
fn judge(query: Query, status: StatusCode, body: &[u8]) -> Result<(), String> {
    const EMPTY_LISTS: [&[u8]; 4] = [
        b"\"messages\":[]",
        b"\"messages\": []",
        b"\"posts\":[]",
        b"\"posts\": []",
    ];
    if status != StatusCode::OK {
        return Err(format!("status {}", status.as_u16()));
    }
    let contains = |text: &[u8]| body.windows(text.len()).any(|window| window == text);
    // An empty list comes with a body of a few hundred bytes at most; longer ones are not searched.
    if query != Query::Page500 && body.len() < 512 && EMPTY_LISTS.iter().any(|list| contains(list)) {
        return Err("empty list".to_owned());
    }
    Ok(())
}

fn encode(text: &str) -> String {
    byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_encoded() {
        let samples = Samples {
            senders: vec!["a b".into()],
            hashes: vec!["h".into()],
            channels: vec![("c&d".into(), "POST".into())],
            post_types: vec!["t".into()],
            aggregates: vec![("0x1".into(), "k".into())],
        };
        let mut rng = Rng::new(0);
        let paths = Query::ALL.map(|query| query.path(&samples, &mut rng));
        assert_eq!(
            paths,
            [
                "/api/v0/messages.json?addresses=a%20b",
                "/api/v0/messages.json?channels=c%26d&msgTypes=POST",
                "/api/v0/messages.json?hashes=h",
                "/api/v0/messages.json?page=500",
                "/api/v0/posts.json?types=t",
                "/api/v0/aggregates/0x1.json?keys=k",
                "/api/v0/messages/h",
            ]
        );
    }

    #[test]
    fn empty_pages_do_not_count() {
        let ok = StatusCode::OK;
        judge(Query::ByHash, ok, b"{\"messages\":[]}").unwrap_err();
        judge(Query::ByHash, ok, b"{\"messages\":[{}]}").unwrap();
        judge(Query::Page500, ok, b"{\"messages\":[]}").unwrap();
        judge(Query::OneMessage, StatusCode::NOT_FOUND, b"").unwrap_err();
    }
}
