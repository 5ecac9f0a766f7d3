//! Messages from a file into a data folder.
//!
//! ```text
//!   file ──▶ one reading thread: lines, envelopes, hashes ──▶ pipeline ──▶ outcomes, in order
//!                    ▲                                                         │
//!                    └────────────── at most IN_FLIGHT apart ◀─────────────────┘
//! ```
//!
//! Outcomes are taken in the order of the lines, so at any time there is one offset before which
//! everything is on disk. It is written down now and then (`mark.rs`); an interrupted
//! import of the same file goes on from there. Nothing depends on it: known messages are taken
//! again without effect.
//!
//! A line that is no message is counted and, for the first few, explained. Messages that are
//! refused or wait are the pipeline's business and counted by their status.

mod mark;

use std::{
    collections::{BTreeMap, VecDeque},
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::Serialize;
use tokio::sync::oneshot::Receiver;

use alephd_message::FormatError;
use alephd_pipeline::{Origin, Outcome, Pipeline, PipelineConfig, PipelineError};
use alephd_tasks::{CancellationToken, Clock};

use crate::{
    Config, DataDir, NodeError, Profile, dev,
    lines::{Lines, MessageReader},
    node,
    progress::{Progress, Show},
    state_root::{self, StateRoots},
};
use mark::Mark;

/// Messages under way: two transactions of the pipeline, so that verification goes on while one is
/// written. Some hundred megabytes at most.
const IN_FLIGHT: usize = 32_768;
/// Bytes of a file below which an import is no bulk load.
const BULK: u64 = 16 << 20;
/// Invalid lines that are explained.
const EXPLAINED: usize = 10;
/// Pause between marks: what an interrupted import does again.
const MARK_EVERY: Duration = Duration::from_secs(1);

/// What to import, and how to tell about it.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// A file, or `-` for standard input.
    pub file: PathBuf,
    /// How progress is shown.
    pub show: Show,
    /// Cancelled to stop early, cleanly.
    pub stop: CancellationToken,
}

/// What came of an import.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ImportReport {
    /// Whether the file was read to its end.
    pub complete: bool,
    /// Bytes of the file that an earlier import had done.
    pub resumed_at: u64,
    /// Lines with a message.
    pub messages: u64,
    /// Lines without one.
    pub invalid: u64,
    /// Messages by the status they got when they were taken in.
    pub by_status: BTreeMap<&'static str, u64>,
    /// Messages that are not live, by error code.
    pub by_code: BTreeMap<i16, u64>,
    /// The first invalid lines.
    pub explained: Vec<String>,
    /// Time taken.
    pub seconds: f64,
    /// Messages by time.
    pub messages_per_second: f64,
    /// The database afterwards.
    pub state: Option<StateRoots>,
}

/// Imports a file into the data folder of `config`.
pub async fn import(
    config: &Config,
    profile: &Profile,
    clock: Arc<dyn Clock>,
    options: ImportOptions,
) -> Result<ImportReport, NodeError> {
    let folder = DataDir::at(&config.data.folder);
    let is_used = folder.is_used();
    let data = folder.open(config, profile).await?;
    let store = data.store.clone();
    let settings = PipelineConfig {
        bulk: is_bulk(&folder, &options.file),
        ..node::pipeline_config(config, profile)
    };
    let pipeline = node::start_pipeline(&data, settings, Arc::clone(&clock))?;
    dev::fund(&pipeline, config, profile).await?;
    let feeder = pipeline.clone();
    // A mark beside a database that is gone speaks of another one.
    let marks = if is_used {
        Some(folder.path().to_owned())
    } else {
        None
    };
    let work = tokio::task::spawn_blocking(move || {
        let mut importer = Importer::open(&folder, marks.as_deref(), feeder, clock, options)?;
        importer.run()?;
        Ok::<_, NodeError>(importer.report())
    });
    let result = work.await;
    node::close(pipeline).await;
    let mut report = result.map_err(|error| NodeError::Pipeline(error.to_string()))??;
    report.state = Some(state_root::of_store(
        &store,
        &profile.name,
        profile.is_adversary_safe(),
    )?);
    Ok(report)
}

/// Whether the file is most of what the database will hold: then making the indexes of all its lists
/// afresh costs less than keeping them up to date.
fn is_bulk(folder: &DataDir, file: &Path) -> bool {
    let size = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    size(file) > BULK.max(size(&folder.database()))
}

type Answer = Receiver<Result<Outcome, Arc<PipelineError>>>;

/// A line under way.
struct Flight {
    end: u64,
    number: u64,
    /// `None` for a line without message.
    answer: Option<Answer>,
}

struct Importer {
    file: PathBuf,
    lines: Lines<Box<dyn Read + Send>>,
    reader: MessageReader,
    pipeline: Pipeline,
    clock: Arc<dyn Clock>,
    flights: VecDeque<Flight>,
    mark: Option<Mark>,
    marked_at: Duration,
    /// Everything before this offset is on disk.
    done: u64,
    progress: Progress,
    stop: CancellationToken,
    report: ImportReport,
}

impl Importer {
    fn open(
        folder: &DataDir,
        marks: Option<&Path>,
        pipeline: Pipeline,
        clock: Arc<dyn Clock>,
        options: ImportOptions,
    ) -> Result<Self, NodeError> {
        let file = options.file;
        let failed = |source| NodeError::Folder {
            path: file.clone(),
            source,
        };
        let (source, mark, total): (Box<dyn Read + Send>, _, _) = if file.as_os_str() == "-" {
            (Box::new(io::stdin()), None, None)
        } else {
            let mut opened = File::open(&file).map_err(failed)?;
            let length = opened.metadata().map_err(failed)?.len();
            let mut mark = Mark::of(&mut opened, folder.path()).map_err(failed)?;
            if marks.is_some() {
                mark.read(length);
            }
            opened.seek(SeekFrom::Start(mark.offset())).map_err(failed)?;
            (Box::new(opened), Some(mark), Some(length))
        };
        let (offset, number) = mark.as_ref().map_or((0, 0), |mark| (mark.offset(), mark.line()));
        Ok(Self {
            lines: Lines::new(source, offset, number),
            reader: MessageReader::default(),
            pipeline,
            flights: VecDeque::with_capacity(IN_FLIGHT),
            mark,
            marked_at: clock.monotonic(),
            done: offset,
            progress: Progress::new(options.show, total, Arc::clone(&clock)),
            clock,
            stop: options.stop,
            report: ImportReport {
                resumed_at: offset,
                ..ImportReport::default()
            },
            file,
        })
    }

    fn run(&mut self) -> Result<(), NodeError> {
        let mut ended = false;
        while !ended && !self.stop.is_cancelled() {
            ended = !self.feed()?;
            if self.flights.len() >= IN_FLIGHT {
                self.land(IN_FLIGHT / 2)?;
            }
        }
        self.land(0)?;
        self.report.complete = ended;
        match &self.mark {
            Some(mark) if ended => mark.remove(),
            Some(mark) => mark.write(),
            None => {}
        }
        self.progress.finish(self.report.messages);
        Ok(())
    }

    /// Sends the message of the next line on its way. Says whether there was a line.
    fn feed(&mut self) -> Result<bool, NodeError> {
        let failed = |source| NodeError::Folder {
            path: self.file.clone(),
            source,
        };
        let Some(line) = self.lines.next().map_err(failed)? else {
            return Ok(false);
        };
        let (number, end) = (line.number, line.end);
        let parsed = match line.text {
            Some([]) => None,
            Some(text) => Some(self.reader.read(text)),
            None => Some(Err(FormatError::at(
                &[],
                "too_long",
                "the line is too long for a message",
            ))),
        };
        let answer = match parsed {
            Some(Ok(envelope)) => Some(self.pipeline.submit_blocking(envelope, Origin::History)?),
            Some(Err(error)) => {
                self.explain(number, &error);
                None
            }
            None => None,
        };
        self.flights.push_back(Flight { end, number, answer });
        Ok(true)
    }

    /// Waits for outcomes until at most `left` lines are under way.
    fn land(&mut self, left: usize) -> Result<(), NodeError> {
        while self.flights.len() > left {
            let Some(flight) = self.flights.pop_front() else {
                break;
            };
            if let Some(answer) = flight.answer {
                let outcome = answer
                    .blocking_recv()
                    .unwrap_or_else(|_| Err(Arc::new(PipelineError::Closed)))?;
                self.count(&outcome);
            }
            self.done = flight.end;
            if let Some(mark) = &mut self.mark {
                mark.advance(flight.end, flight.number);
            }
        }
        self.progress.advance(self.report.messages, self.done);
        let now = self.clock.monotonic();
        if now.saturating_sub(self.marked_at) >= MARK_EVERY {
            self.marked_at = now;
            if let Some(mark) = &self.mark {
                mark.write();
            }
        }
        Ok(())
    }

    fn count(&mut self, outcome: &Outcome) {
        self.report.messages += 1;
        *self.report.by_status.entry(outcome.status.as_str()).or_default() += 1;
        if let Some(code) = outcome.code {
            *self.report.by_code.entry(code.code()).or_default() += 1;
        }
    }

    fn explain(&mut self, number: u64, error: &FormatError) {
        self.report.invalid += 1;
        if self.report.explained.len() < EXPLAINED {
            self.report.explained.push(format!("line {number}: {error}"));
        }
    }

    fn report(mut self) -> ImportReport {
        let seconds = self.progress.elapsed().as_secs_f64();
        self.report.seconds = seconds;
        self.report.messages_per_second = self.report.messages as f64 / seconds.max(0.001);
        self.report
    }
}
