//! Publication over HTTP, one message a request, counted when processed and on disk.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use bytes::{BufMut, Bytes, BytesMut};
use hyper::StatusCode;

use crate::{
    latency::millis,
    limit,
    load::{self, Ask, Tally, Target},
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the node listens, as http://ADDRESS:PORT
    #[arg(long, default_value = "http://127.0.0.1:4024")]
    api: String,
    /// File of messages, one a line; the node must have the files that they name
    #[arg(long)]
    file: PathBuf,
    /// Connections, each with one request at a time
    #[arg(long, default_value_t = 256)]
    in_flight: usize,
    /// Messages to publish; all by default
    #[arg(long)]
    count: Option<u64>,
    /// Messages at the beginning of the file to leave out
    #[arg(long, default_value_t = 0)]
    skip: u64,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let limit = limit::measure(limit::cores(), Duration::from_secs(3))?.mix;
    let target = Target::parse(&args.api)?;
    let count = args.count.unwrap_or(u64::MAX);
    let tally = measure(&target, &args.file, args.skip, count, args.in_flight)?;
    println!("processed    {}", tally.good);
    if let Some(complaints) = tally.complaints() {
        println!("others       {complaints}");
    }
    println!(
        "messages/s   {:.0} ({:.2} L, L = {limit:.0}/s)",
        tally.rate(),
        tally.rate() / limit
    );
    if let Some(cpu) = tally.generator_cpu {
        let part = cpu.as_secs_f64() / tally.elapsed.as_secs_f64();
        println!("generator    {part:.2} of a core");
    }
    let summary = tally.latencies.summary();
    println!(
        "latency      p50 {}  p99 {}  max {}",
        millis(summary.p50),
        millis(summary.p99),
        millis(summary.max)
    );
    Ok(())
}

/// Publishes `count` messages of `file` after the first `skip`.
pub(crate) fn measure(
    target: &Target,
    file: &Path,
    skip: u64,
    count: u64,
    in_flight: usize,
) -> Result<Tally> {
    let open = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    let mut lines = BufReader::with_capacity(1 << 20, open);
    let mut line = Vec::new();
    for _ in 0..skip {
        line.clear();
        lines.read_until(b'\n', &mut line)?;
    }
    let mut left = count;
    let next = || {
        line.clear();
        // The file was just written and is read from memory, so that reading it here does not
        // hold up the other connections.
        if left == 0 || lines.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        left -= 1;
        Ok(Some(Ask::Post("/api/v0/messages", body(&line))))
    };
    load::run(target, in_flight, next, judge)
}

fn body(line: &[u8]) -> Bytes {
    const BEFORE: &[u8] = b"{\"sync\":true,\"message\":";
    let mut body = BytesMut::with_capacity(BEFORE.len() + line.len() + 1);
    body.put(BEFORE);
    body.put(line.trim_ascii_end());
    body.put_u8(b'}');
    body.freeze()
}

/// Only `processed` counts: it is what promises that the message is on disk.
fn judge(status: StatusCode, body: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(body);
    let (_, message_status) = text.split_once("\"message_status\"").unwrap_or_default();
    let word = message_status
        .trim_start_matches([':', ' '])
        .split(['"', ',', '}'])
        .find(|word| !word.is_empty())
        .unwrap_or("no message_status");
    if status == StatusCode::OK && word == "processed" {
        Ok(())
    } else {
        Err(format!("{} {word}", status.as_u16()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_processed_counts() {
        let answer = |status: u16, body: &str| judge(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        let processed =
            r#"{"publication_status":{"status":"success","failed":[]},"message_status":"processed"}"#;
        assert_eq!(answer(200, processed), Ok(()));
        assert_eq!(answer(202, processed), Err("202 processed".to_owned()));
        let spaced = r#"{"message_status": "pending", "x": 1}"#;
        assert_eq!(answer(202, spaced), Err("202 pending".to_owned()));
        assert_eq!(
            answer(500, r#"{"message_status":null}"#),
            Err("500 null".to_owned())
        );
        assert_eq!(answer(422, "no"), Err("422 no message_status".to_owned()));
    }

    #[test]
    fn a_body_is_json() {
        assert_eq!(
            body(b"{\"a\":1}\n"),
            &b"{\"sync\":true,\"message\":{\"a\":1}}"[..]
        );
    }
}
