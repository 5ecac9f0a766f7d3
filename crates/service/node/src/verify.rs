//! Verdicts on messages from their bytes alone: form, hash, signature, content.
//!
//! What other messages say about a message (permissions, targets, balances) is not looked at, and
//! a content that is not inline is not fetched. A program can rely on the form of the output: one
//! object for each line of the input, in its order.

use std::{
    io::{self, BufWriter, Read, Write},
    thread,
};

use crossbeam_channel::{Receiver, Sender, bounded};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use alephd_message::{Content, Envelope, ErrorCode};

use crate::lines::{Lines, MessageReader, unwrap};

/// Lines that go to a thread together: handing over costs little against verifying them.
const BATCH: usize = 64;
/// Batches that a thread may be ahead of the output.
const AHEAD: usize = 4;

/// What is said about one line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LineVerdict {
    /// The name that the message has or claims; `None` if it claims none.
    pub item_hash: Option<String>,
    /// `valid` or `invalid`.
    pub verdict: &'static str,
    /// The code of the refusal.
    pub error_code: Option<i16>,
    /// The reason of the refusal, for people.
    pub why: String,
}

/// How many lines were of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Valid messages.
    pub valid: u64,
    /// All others.
    pub invalid: u64,
}

/// Judges one line: a message, or an object with one under `message`.
pub fn verdict(line: &[u8]) -> LineVerdict {
    let envelope = match MessageReader::default().read(line) {
        Ok(envelope) => envelope,
        Err(error) => return refused(claimed_hash(line), ErrorCode::InvalidFormat, error.to_string()),
    };
    let item_hash = Some(envelope.item_hash.to_string());
    match judge_envelope(&envelope) {
        Ok(()) => LineVerdict {
            item_hash,
            verdict: "valid",
            error_code: None,
            why: String::new(),
        },
        Err((code, why)) => refused(item_hash, code, why),
    }
}

/// Content before signature: a message with both mistakes is refused for its form.
fn judge_envelope(envelope: &Envelope) -> Result<(), (ErrorCode, String)> {
    if let Some(text) = &envelope.item_content {
        Content::parse(envelope.message_type, text)
            .map_err(|error| (ErrorCode::InvalidFormat, error.to_string()))?;
    }
    alephd_signature::verify(envelope).map_err(|error| (error.code(), error.to_string()))
}

fn refused(item_hash: Option<String>, code: ErrorCode, why: String) -> LineVerdict {
    LineVerdict {
        item_hash,
        verdict: "invalid",
        error_code: Some(code.code()),
        why,
    }
}

/// What a message that cannot be parsed claims to be.
fn claimed_hash(line: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Claim {
        item_hash: Option<Value>,
    }
    let claim: Claim = serde_json::from_slice(unwrap(line).unwrap_or(line)).ok()?;
    claim.item_hash?.as_str().map(str::to_owned)
}

type Batch = Vec<Option<Vec<u8>>>;
type Answer = (String, Tally);

/// Judges every line of `input` on all cores. Empty lines are passed over.
pub fn verify_lines(input: impl Read + Send, output: impl Write, threads: usize) -> io::Result<Tally> {
    let threads = threads.max(1);
    let (jobs, job_source) = bounded::<(Batch, Sender<Answer>)>(threads);
    let (order, answers) = bounded::<Receiver<Answer>>(threads * AHEAD);
    thread::scope(|scope| {
        for _ in 0..threads {
            let jobs = job_source.clone();
            scope.spawn(move || {
                for (batch, answer) in jobs {
                    // Without a reader the output has failed, and everything ends.
                    let _ = answer.send(judge(&batch));
                }
            });
        }
        drop(job_source);
        let reading = scope.spawn(move || read(input, &jobs, &order));
        let written = write(output, answers);
        // A reader that was stopped by a failed output has nothing to add.
        let read = reading
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("reading panicked")));
        written.and_then(|tally| read.map(|()| tally))
    })
}

fn read(
    input: impl Read,
    jobs: &Sender<(Batch, Sender<Answer>)>,
    order: &Sender<Receiver<Answer>>,
) -> io::Result<()> {
    let mut lines = Lines::new(input, 0, 0);
    loop {
        let mut batch = Batch::with_capacity(BATCH);
        while batch.len() < BATCH {
            match lines.next()? {
                Some(line) if line.text.is_some_and(<[u8]>::is_empty) => {}
                Some(line) => batch.push(line.text.map(<[u8]>::to_vec)),
                None => break,
            }
        }
        let is_last = batch.len() < BATCH;
        let (answer, place) = bounded(1);
        // Either end is gone only after the output failed.
        if order.send(place).is_err() || jobs.send((batch, answer)).is_err() || is_last {
            return Ok(());
        }
    }
}

fn judge(batch: &Batch) -> Answer {
    let mut text = String::new();
    let mut tally = Tally::default();
    for line in batch {
        let verdict = match line {
            Some(line) => verdict(line),
            None => refused(
                None,
                ErrorCode::InvalidFormat,
                "the line is too long for a message".into(),
            ),
        };
        match verdict.error_code {
            None => tally.valid += 1,
            Some(_) => tally.invalid += 1,
        }
        text.push_str(&serde_json::to_string(&verdict).expect("texts and numbers are JSON"));
        text.push('\n');
    }
    (text, tally)
}

fn write(output: impl Write, answers: Receiver<Receiver<Answer>>) -> io::Result<Tally> {
    let mut output = BufWriter::new(output);
    let mut total = Tally::default();
    for answer in answers {
        let (text, tally) = answer
            .recv()
            .map_err(|_| io::Error::other("verifying panicked"))?;
        output.write_all(text.as_bytes())?;
        total.valid += tally.valid;
        total.invalid += tally.invalid;
    }
    output.flush()?;
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_gets_an_answer_in_its_place() {
        let count = BATCH * 5 + 3;
        let input: String = (0..count)
            .map(|number| format!("{{\"item_hash\":\"h{number}\"}}\n\n"))
            .collect();
        let mut output = Vec::new();
        let tally = verify_lines(input.as_bytes(), &mut output, 3).unwrap();
        assert_eq!(
            tally,
            Tally {
                valid: 0,
                invalid: count as u64
            }
        );
        let text = String::from_utf8(output).unwrap();
        assert_eq!(text.lines().count(), count);
        for (number, line) in text.lines().enumerate() {
            let verdict: Value = serde_json::from_str(line).unwrap();
            assert_eq!(verdict["item_hash"], format!("h{number}"));
            assert_eq!(
                (&verdict["verdict"], &verdict["error_code"]),
                (&"invalid".into(), &0.into())
            );
        }
    }

    #[test]
    fn what_is_no_json_has_no_name() {
        for line in [&b"nonsense"[..], b"[]", b"{}", b"{\"message\":{}}", b"\xff"] {
            let verdict = verdict(line);
            assert_eq!((verdict.item_hash, verdict.error_code), (None, Some(0)));
            assert!(!verdict.why.is_empty());
        }
    }

    #[test]
    fn an_output_that_fails_ends_the_work() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::Error::other("full"))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let input = "{}\n".repeat(BATCH * 200);
        assert!(verify_lines(input.as_bytes(), Full, 2).is_err());
    }
}
