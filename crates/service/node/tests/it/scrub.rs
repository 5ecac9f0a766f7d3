//! Scrubbing: what is wrong with files is found, and nothing else.

use std::{fs, path::Path, sync::Arc};

use alephd_blobs::{BlobName, Blobs};
use alephd_cid::{AnyCid, FileBuilder, Layout};
use alephd_message::{ItemHash, Micros};
use alephd_node::scrub::{Finding, ScrubReport, scrub};
use alephd_store::{Store, StoreConfig};
use alephd_tasks::{CancellationToken, SystemClock};
use alephd_unixfs::car::{encode_header, section_head};

use crate::{import::config, once_free};

/// Stores files as a node does; returns their names.
async fn hold(folder: &Path, files: &[&[u8]]) -> Vec<ItemHash> {
    let blobs = Blobs::open_folder(folder).await.unwrap();
    let store = Store::open(&StoreConfig::at(folder.join("alephd.sqlite"))).unwrap();
    let mut writer = store.take_writer().unwrap();
    writer.begin().unwrap();
    let mut names = Vec::new();
    for file in files {
        let mut upload = blobs.writer(1 << 20);
        upload.write(file).await.unwrap();
        let stored = upload.finish(BlobName::Sha256).await.unwrap();
        writer
            .file_insert(
                &stored.name,
                stored.size,
                alephd_store::read::FileKind::File,
                Micros(0),
            )
            .unwrap();
        names.push(stored.name);
    }
    writer.commit().unwrap();
    names
}

async fn run(folder: &Path) -> (ScrubReport, Vec<Finding>) {
    let config = config(folder);
    let profile = config.load_profile().unwrap();
    let findings = std::sync::Mutex::new(Vec::new());
    let scrubbing = || {
        scrub(
            &config,
            &profile,
            Arc::new(SystemClock::new()),
            |finding| findings.lock().unwrap().push(finding.clone()),
            CancellationToken::new(),
        )
    };
    let report = once_free(scrubbing).await.unwrap();
    (report, findings.into_inner().unwrap())
}

fn path_of(folder: &Path, file: &ItemHash) -> std::path::PathBuf {
    let name = file.to_string();
    folder.join("files").join(&name[..2]).join(&name)
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_and_missing_files_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let names = hold(folder.path(), &[b"sound", b"damaged", b"missing"]).await;
    let (report, findings) = run(folder.path()).await;
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.files, findings), (3, vec![]));

    // An archive of one block.
    let block = b"\n\x04\x08\x02\x18\x00";
    let mut file = FileBuilder::new(Layout::V0);
    file.update(b"", &mut |_| ());
    let root = AnyCid::from(file.finish(&mut |_| ()).cid);
    let mut car = encode_header(std::slice::from_ref(&root));
    car.extend(section_head(&root, block.len()));
    car.extend(block);
    let archive = ItemHash::parse_strict(&root.to_string()).unwrap();
    let shard = format!("archives/{:02x}", root.hash().digest()[0]);
    let place = folder.path().join(shard).join(root.to_string());
    fs::write(&place, &car).unwrap();
    let (report, findings) = run(folder.path()).await;
    assert_eq!((report.files, findings), (4, vec![]));
    car.truncate(car.len() - 1);
    fs::write(&place, &car).unwrap();
    let (report, findings) = run(folder.path()).await;
    assert_eq!((report.damaged, findings), (1, vec![Finding::Damaged(archive)]));
    fs::remove_file(place).unwrap();

    fs::write(path_of(folder.path(), &names[1]), b"damagec").unwrap();
    fs::remove_file(path_of(folder.path(), &names[2])).unwrap();
    let (report, findings) = run(folder.path()).await;
    assert!(!report.is_sound());
    assert_eq!((report.files, report.damaged, report.missing), (2, 1, 1));
    assert_eq!(
        findings,
        [
            Finding::Damaged(names[1].clone()),
            Finding::Missing(names[2].clone())
        ]
    );
}
