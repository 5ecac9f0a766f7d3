//! The promises of the crate, each asked of every storage behind it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, helpers included")]

mod conformance;
mod folder;
mod killed;
#[cfg(feature = "s3")]
mod s3;
mod scrub;
mod verified;

use alephd_blobs::{BlobName, Blobs, Error, Stored};
use alephd_message::ItemHash;

/// Larger than any blob here.
const NO_LIMIT: u64 = 1 << 40;

fn name(text: &str) -> ItemHash {
    ItemHash::parse_strict(text).expect("strict shape")
}

/// Bytes without a period that a mix-up of parts could hide behind.
fn content(size: usize) -> Vec<u8> {
    let mut state = 0x1234_5678_u32;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    (0..size).map(next).collect()
}

async fn store(blobs: &Blobs, bytes: &[u8], name: BlobName) -> Result<Stored, Error> {
    let mut writer = blobs.writer(NO_LIMIT);
    writer.write(bytes).await?;
    writer.finish(name).await
}

/// Says aloud that `test` does not run here, to the reader and to the runner.
fn skip(test: &str, why: &str) {
    #[expect(clippy::print_stderr, reason = "a test talks to whoever runs it")]
    {
        eprintln!("skipped: {test}: {why}");
    }
    alephd_testkit::process::skip(test, why);
}
