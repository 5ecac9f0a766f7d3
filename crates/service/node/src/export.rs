//! Live messages from a data folder into a file, in the order of their reception.
//!
//! A line is a message as it goes over the wire; contents that are not inline stay where they are,
//! in the `files` folder. A running node does not mind. An export is continued with the last row
//! id that an earlier one reported: what became live since is added to the file.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
    sync::Arc,
};

use serde::Serialize;

use alephd_message::Envelope;
use alephd_store::read::Order;
use alephd_tasks::{CancellationToken, Clock};

use crate::{
    DataDir, NodeError,
    progress::{Progress, Show},
};

/// Messages read at once: some megabytes at the most usual sizes.
const PAGE: u64 = 1_000;

/// What to export, and how to tell about it.
#[derive(Clone, Debug)]
pub struct ExportOptions {
    /// A file, or `-` for standard output. It must not exist unless `from` is given.
    pub file: PathBuf,
    /// Continue after this row id, appending to the file.
    pub from: Option<i64>,
    /// How progress is shown.
    pub show: Show,
    /// Cancelled to stop early, cleanly.
    pub stop: CancellationToken,
}

/// What came of an export.
#[derive(Clone, Debug, Serialize)]
pub struct ExportReport {
    /// Whether it came to the end.
    pub complete: bool,
    /// Messages written.
    pub messages: u64,
    /// To continue from.
    pub last_id: i64,
    /// Time taken.
    pub seconds: f64,
}

/// A message as it goes over the wire.
#[derive(Serialize)]
struct Wire<'a> {
    chain: &'static str,
    sender: &'a str,
    #[serde(rename = "type")]
    message_type: &'static str,
    channel: Option<&'a str>,
    time: f64,
    item_type: &'static str,
    item_content: Option<&'a str>,
    item_hash: String,
    signature: Option<&'a str>,
}

/// Exports the messages of a data folder. Blocks.
pub fn export(
    folder: &DataDir,
    clock: Arc<dyn Clock>,
    options: &ExportOptions,
) -> Result<ExportReport, NodeError> {
    let store = folder.open_for_reading()?;
    let reader = store.reader();
    let failed = |source| NodeError::Folder {
        path: options.file.clone(),
        source,
    };
    let mut output = BufWriter::with_capacity(1 << 20, open(options).map_err(failed)?);
    let total = reader.counts()?.messages;
    let mut progress = Progress::new(options.show, options.from.is_none().then_some(total), clock);
    let mut report = ExportReport {
        complete: false,
        messages: 0,
        last_id: options.from.unwrap_or(0),
        seconds: 0.0,
    };
    while !report.complete && !options.stop.is_cancelled() {
        let page = reader.raw_messages(report.last_id, Order::Ascending, PAGE)?;
        report.complete = page.is_empty();
        for message in &page {
            report.last_id = message.id;
            if message.status.is_live() {
                write(&mut output, &message.envelope).map_err(failed)?;
                report.messages += 1;
            }
        }
        progress.advance(report.messages, report.messages);
    }
    output.flush().map_err(failed)?;
    progress.finish(report.messages);
    report.seconds = progress.elapsed().as_secs_f64();
    Ok(report)
}

fn open(options: &ExportOptions) -> io::Result<Box<dyn Write>> {
    if options.file.as_os_str() == "-" {
        return Ok(Box::new(io::stdout()));
    }
    let mut opening = File::options();
    match options.from {
        Some(_) => opening.append(true).create(true),
        None => opening.write(true).create_new(true),
    };
    Ok(Box::new(opening.open(&options.file)?))
}

fn write(output: &mut impl Write, envelope: &Envelope) -> io::Result<()> {
    let wire = Wire {
        chain: envelope.chain.as_str(),
        sender: &envelope.sender,
        message_type: envelope.message_type.as_str(),
        channel: envelope.channel.as_deref(),
        time: envelope.time.as_seconds(),
        item_type: envelope.item_type.as_str(),
        item_content: envelope.item_content.as_deref(),
        item_hash: envelope.item_hash.to_string(),
        signature: envelope.signature.as_deref(),
    };
    serde_json::to_writer(&mut *output, &wire)?;
    output.write_all(b"\n")
}
