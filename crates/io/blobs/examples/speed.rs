//! Measures a folder against what the machine can do: SHA-256 alone, and the disk alone.
//!
//! ```sh
//! cargo run --profile ci -p alephd-blobs --example speed -- FOLDER [MEBIBYTES] [SMALL_FILES]
//! ```

#![expect(clippy::disallowed_methods, reason = "measures time")]
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::{
    env,
    error::Error,
    fs::{self, File},
    io::Write,
    path::PathBuf,
    sync::Arc,
    time::Instant,
};

use alephd_blobs::{BlobName, Blobs};
use alephd_tasks::SystemClock;
use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};

const MIB: usize = 1 << 20;
const SMALL: usize = 10_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("name a folder that may be written to")?);
    let mebibytes: usize = arguments.next().map_or(Ok(1024), |text| text.parse())?;
    let files: usize = arguments.next().map_or(Ok(10_000), |text| text.parse())?;
    let root = folder.join("speed");
    let _ = fs::remove_dir_all(&root);
    let blobs = Blobs::open_folder(&root).await?;
    let chunk: Vec<u8> = (0..MIB).map(|i| ((i * 2_654_435_761_usize) >> 7) as u8).collect();
    let mib_per_second = |start: Instant| mebibytes as f64 / start.elapsed().as_secs_f64();

    for round in 1..=2 {
        println!("round {round}, {mebibytes} MiB");
        let start = Instant::now();
        let mut hash = Sha256::new();
        (0..mebibytes).for_each(|_| hash.update(&chunk));
        let raw = mib_per_second(start);
        println!(
            "  SHA-256 alone       {raw:8.0} MiB/s ({:02x})",
            hash.finalize()[0]
        );

        let start = Instant::now();
        let plain = root.join("plain");
        let mut file = File::create(&plain)?;
        for _ in 0..mebibytes {
            file.write_all(&chunk)?;
        }
        file.sync_all()?;
        println!("  disk alone, synced  {:8.0} MiB/s", mib_per_second(start));
        fs::remove_file(plain)?;

        let writers = [
            ("written", blobs.writer(u64::MAX)),
            ("written, SHA-256", blobs.writer_sha256(u64::MAX)),
        ];
        let mut name = None;
        for (how, mut writer) in writers {
            let start = Instant::now();
            for _ in 0..mebibytes {
                writer.write(&chunk).await?;
            }
            name = Some(writer.finish(BlobName::Sha256).await?.name);
            let speed = mib_per_second(start);
            println!("  {how:<19} {speed:8.0} MiB/s, {:.2} of SHA-256", speed / raw);
        }
        let name = name.ok_or("nothing written")?;

        for verified in [false, true] {
            let start = Instant::now();
            let mut reader = match verified {
                true => blobs.read_verified(&name).await?,
                false => blobs.read(&name, None).await?,
            };
            while reader.try_next().await?.is_some() {}
            let speed = mib_per_second(start);
            let how = if verified { "read and verified" } else { "read" };
            println!("  {how:<19} {speed:8.0} MiB/s, {:.2} of SHA-256", speed / raw);
        }

        let mut scrub = blobs.scrub(None, Arc::new(SystemClock::new()));
        while scrub.next().await?.is_some() {}
        let speed = scrub.progress().rate() / MIB as f64;
        println!(
            "  scrubbed            {speed:8.0} MiB/s, {:.2} of SHA-256",
            speed / raw
        );
        blobs.delete(&name).await?;
    }

    println!("{files} files of {SMALL} bytes");
    for (round, at_once) in [1, 4, 16, 64].into_iter().enumerate() {
        let start = Instant::now();
        let writing = stream::iter(0..files).map(|number| {
            let (blobs, chunk) = (&blobs, &chunk);
            async move {
                let mut writer = blobs.writer(SMALL as u64);
                let mark = ((round * files + number) as u64).to_le_bytes();
                writer.write(&mark).await?;
                writer.write(&chunk[..SMALL - mark.len()]).await?;
                writer.finish(BlobName::Sha256).await
            }
        });
        writing
            .buffer_unordered(at_once)
            .try_for_each(|_| async { Ok(()) })
            .await?;
        let speed = files as f64 / start.elapsed().as_secs_f64();
        println!("  {at_once:3} at once          {speed:8.0} files/s, each synced");
    }
    drop(blobs);
    fs::remove_dir_all(&root)?;
    Ok(())
}
