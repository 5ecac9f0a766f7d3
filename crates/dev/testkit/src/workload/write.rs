//! Signing on all cores, writing in order.

use std::{io, thread};

use super::{Accounts, Config, Workload};
use crate::builder::{self, Unsigned};

/// Messages between two meetings of the threads: some 50 ms of signing, and a few megabytes.
const BATCH: usize = 4_096;

/// Writes the messages of `config` to `out`, one a line, signed by `threads` threads. Calls
/// `progress` now and then with the number of messages written so far.
pub fn write_jsonl(
    config: &Config,
    out: &mut impl io::Write,
    threads: usize,
    mut progress: impl FnMut(u64),
) -> io::Result<()> {
    let accounts = Accounts::new(config);
    let mut workload = Workload::new(&accounts, config);
    let mut batch: Vec<_> = workload.by_ref().take(BATCH).collect();
    let mut written = 0;
    while !batch.is_empty() {
        let share = batch.len().div_ceil(threads.max(1));
        let (texts, next) = thread::scope(|scope| {
            let signers: Vec<_> = batch
                .chunks(share)
                .map(|messages| scope.spawn(|| lines(messages)))
                .collect();
            // Thinking up the next messages is done meanwhile.
            let next: Vec<_> = workload.by_ref().take(BATCH).collect();
            let texts: Vec<_> = signers
                .into_iter()
                .map(|signer| signer.join().expect("signing does not panic"))
                .collect();
            (texts, next)
        });
        for text in texts {
            out.write_all(text.as_bytes())?;
        }
        written += batch.len() as u64;
        progress(written);
        batch = next;
    }
    out.flush()
}

fn lines(messages: &[Unsigned<'_>]) -> String {
    let mut text = String::new();
    for message in messages {
        text.push_str(&builder::wire(&message.sign()));
        text.push('\n');
    }
    text
}
