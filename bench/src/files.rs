//! Files over HTTP against what the machine can do: SHA-256 alone, and the disk alone.

use std::{fs::File, io::Write, path::PathBuf, time::Duration};

use alephd_tasks::{Clock, SystemClock};
use alephd_testkit::sha256;
use anyhow::{Result, ensure};
use bytes::Bytes;
use hyper::StatusCode;

use crate::load::{self, Ask, Tally, Target};

const MIB: usize = 1 << 20;
/// Bytes in a small file.
const SMALL: usize = 10_000;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the node listens, as http://ADDRESS:PORT; its limit of uploads without a message must
    /// admit the large file
    #[arg(long, default_value = "http://127.0.0.1:4024")]
    api: String,
    /// Folder on the disk of the node, for the measurement of the disk alone
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    folder: PathBuf,
    /// Size of the large file
    #[arg(long, default_value_t = 1024)]
    mebibytes: usize,
    /// Number of small files
    #[arg(long, default_value_t = 10_000)]
    small: u32,
    /// Connections for small files, each with one request at a time
    #[arg(long, default_value_t = 32)]
    in_flight: usize,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let target = Target::parse(&args.api)?;
    let large = Bytes::from(pattern(args.mebibytes * MIB));
    let rate = |elapsed: Duration| args.mebibytes as f64 / elapsed.as_secs_f64();
    let clock = SystemClock::new();

    let start = clock.monotonic();
    let name = sha256(&large);
    let hashing = rate(clock.monotonic() - start);
    println!("SHA-256 alone      {hashing:6.0} MiB/s");
    let start = clock.monotonic();
    let mut plain = tempfile::tempfile_in(&args.folder)?;
    write_synced(&mut plain, &large)?;
    let disk = rate(clock.monotonic() - start);
    drop(plain);
    println!("disk alone, synced {disk:6.0} MiB/s");

    let bound = hashing.min(disk);
    let say = |what: &str, tally: &Tally| -> Result<()> {
        ensure!(
            tally.bad.is_empty(),
            "{what}: {}",
            tally.complaints().unwrap_or_default()
        );
        let rate = rate(tally.elapsed);
        println!("{what:18} {rate:6.0} MiB/s = {:.2} of the slower", rate / bound);
        Ok(())
    };
    let mut upload = Some(Ask::Post("/api/v0/storage/add_file", large.clone()));
    let tally = load::run(&target, 1, || Ok(upload.take()), succeeded)?;
    say("upload", &tally)?;
    let mut download = Some(Ask::Get(format!("/api/v0/storage/raw/{name}")));
    let whole = |status: StatusCode, body: &[u8]| {
        if status == StatusCode::OK && body == large {
            Ok(())
        } else {
            Err(format!("{status}, {} bytes", body.len()))
        }
    };
    let tally = load::run(&target, 1, || Ok(download.take()), whole)?;
    say("download", &tally)?;

    let mut number = 0;
    let mut file = pattern(SMALL);
    let next = || {
        if number == args.small {
            return Ok(None);
        }
        number += 1;
        file[..4].copy_from_slice(&number.to_le_bytes());
        Ok(Some(Ask::Post(
            "/api/v0/storage/add_file",
            Bytes::copy_from_slice(&file),
        )))
    };
    let tally = load::run(&target, args.in_flight, next, succeeded)?;
    println!(
        "files of {SMALL} bytes {:.0}/s, {} in flight {}",
        tally.rate(),
        args.in_flight,
        tally.complaints().unwrap_or_default()
    );
    Ok(())
}

fn write_synced(file: &mut File, bytes: &[u8]) -> Result<()> {
    for piece in bytes.chunks(MIB) {
        file.write_all(piece)?;
    }
    Ok(file.sync_all()?)
}

fn succeeded(status: StatusCode, body: &[u8]) -> Result<(), String> {
    if status == StatusCode::OK {
        return Ok(());
    }
    Err(format!("{status} {}", String::from_utf8_lossy(body)))
}

/// Bytes that no layer could make smaller.
fn pattern(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}
