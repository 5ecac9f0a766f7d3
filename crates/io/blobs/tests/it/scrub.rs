//! Finding damage.

use std::{
    collections::BTreeSet,
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use alephd_blobs::{BlobName, Blobs, Progress, READ_SIZE, Scrub, Verdict};
use alephd_message::ItemHash;
use alephd_tasks::ManualClock;
use futures_util::{TryStreamExt, stream};

use crate::{content, folder::files, name, store};

fn scrub(blobs: &Blobs, cursor: Option<ItemHash>) -> Scrub {
    blobs.scrub(cursor, Arc::new(ManualClock::new(0)))
}

fn letter(verdict: &Verdict) -> char {
    match verdict {
        Verdict::Sound => 's',
        Verdict::Damaged => 'd',
        Verdict::Unreadable(_) => 'r',
    }
}

async fn rest(mut scrub: Scrub) -> Vec<(ItemHash, char)> {
    let mut found = Vec::new();
    while let Some(checked) = scrub.next().await.unwrap() {
        assert_eq!(scrub.cursor(), Some(&checked.name));
        found.push((checked.name, letter(&checked.verdict)));
    }
    assert!(scrub.next().await.unwrap().is_none());
    found
}

async fn filled(blobs: &Blobs, count: usize) -> Vec<ItemHash> {
    let mut names = Vec::new();
    for size in 0..count {
        let wanted = if size % 3 == 0 {
            BlobName::CidV0
        } else {
            BlobName::Sha256
        };
        names.push(store(blobs, &content(size * 100), wanted).await.unwrap().name);
    }
    names
}

#[tokio::test]
async fn every_kind_of_damage() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open_folder(folder.path()).await.unwrap();
    let names = filled(&blobs, 40).await;
    let place = |name: &ItemHash| {
        let text = name.to_string();
        let found = files(folder.path());
        folder
            .path()
            .join(found.iter().find(|path| path.ends_with(&text)).unwrap())
    };
    fs::write(place(&names[7]), content(699)).unwrap();
    fs::write(place(&names[8]), "").unwrap();
    fs::write(place(&names[9]), content(901)).unwrap();
    // Says that it has 4096 bytes and yields fewer, to root as well.
    let short = std::path::Path::new("/sys/kernel/uevent_seqnum");
    if short.exists() {
        let at = place(&names[10]);
        fs::remove_file(&at).unwrap();
        std::os::unix::fs::symlink(short, &at).unwrap();
    }
    fs::remove_file(place(&names[11])).unwrap();

    let mut found = rest(scrub(&blobs, None)).await;
    let mut odd: Vec<_> = found.extract_if(.., |(_, letter)| *letter != 's').collect();
    odd.sort_by_key(|(_, letter)| *letter);
    let is = |wanted: char| -> BTreeSet<&ItemHash> {
        let named = odd.iter().filter(|(_, letter)| *letter == wanted);
        named.map(|(name, _)| name).collect()
    };
    assert_eq!(is('d'), [&names[7], &names[8], &names[9]].into());
    if short.exists() {
        assert_eq!(is('r'), [&names[10]].into());
    }
    assert_eq!(found.len() + odd.len(), 39, "all but the one that is gone");
    assert!(found.iter().all(|(name, _)| *name != names[11]));

    let absent = name(&"1e".repeat(32));
    let asked = [names[0].clone(), names[11].clone(), absent.clone()];
    let missing: Vec<_> = blobs.missing(stream::iter(asked)).try_collect().await.unwrap();
    assert_eq!(missing, [names[11].clone(), absent]);
}

#[tokio::test]
async fn goes_on_where_it_stopped() {
    let blobs = Blobs::in_memory();
    let names = filled(&blobs, 60).await;
    let whole = rest(scrub(&blobs, None)).await;
    assert_eq!(whole.len(), names.len());
    for stop in [1, 2, 30, 59, 60] {
        let mut first = scrub(&blobs, None);
        for _ in 0..stop {
            first.next().await.unwrap();
        }
        let cursor = first.cursor().cloned();
        assert_eq!(rest(scrub(&blobs, cursor)).await, whole[stop..], "after {stop}");
    }
    // The blob at the cursor may be gone.
    let (at, _) = &whole[20];
    blobs.delete(at).await.unwrap();
    assert_eq!(rest(scrub(&blobs, Some(at.clone()))).await, whole[21..]);
}

#[tokio::test]
async fn reports_its_rate() {
    let blobs = Blobs::in_memory();
    store(&blobs, &content(3 * READ_SIZE), BlobName::Sha256)
        .await
        .unwrap();
    store(&blobs, &content(10), BlobName::Sha256).await.unwrap();
    let clock = ManualClock::new(0);
    let reports = Arc::new(Mutex::new(Vec::<Progress>::new()));
    let (kept, time) = (reports.clone(), clock.clone());
    let mut scrub = blobs.scrub(None, Arc::new(clock)).on_progress(move |progress| {
        time.advance(Duration::from_secs(1));
        kept.lock().unwrap().push(progress);
    });
    while scrub.next().await.unwrap().is_some() {}
    let reports = reports.lock().unwrap();
    assert_eq!(reports.len(), 3 + 1 + 2, "pieces and ends: {reports:?}");
    assert!(reports.is_sorted_by_key(|progress| (progress.bytes, progress.blobs, progress.elapsed)));
    let last = scrub.progress();
    assert_eq!((last.blobs, last.bytes), (2, 3 * READ_SIZE as u64 + 10));
    assert_eq!(last.elapsed, Duration::from_secs(6));
    assert!((last.rate() - last.bytes as f64 / 6.0).abs() < 1e-6);
    assert_eq!(Progress::default().rate(), 0.0);
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn a_service_that_fails_ends_the_walk() {
    let Some(mut server) = crate::s3::server::start("scrub::a_service_that_fails_ends_the_walk") else {
        return;
    };
    let blobs = server.open().await;
    let names = filled(&blobs, 30).await;
    let mut first = scrub(&blobs, None);
    for _ in 0..5 {
        first.next().await.unwrap();
    }
    server.kill();
    let error = loop {
        match first.next().await {
            Ok(checked) => assert!(checked.is_some(), "an outage is no end"),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(
            error,
            alephd_blobs::Error::Storage(_) | alephd_blobs::Error::Read(_)
        ),
        "{error:?}"
    );
    assert!(matches!(
        first.next().await,
        Err(alephd_blobs::Error::Interrupted)
    ));
    let cursor = first.cursor().cloned();
    server.restart();
    let whole = rest(scrub(&blobs, None)).await;
    let left = rest(scrub(&blobs, cursor)).await;
    assert_eq!(whole.len(), names.len());
    assert!(!left.is_empty() && whole.ends_with(&left));
}
