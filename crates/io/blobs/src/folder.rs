//! Preparing a local folder: its structure, its lock, and what a crash left in it.

use std::{
    fs::{self, File, TryLockError},
    io::{self, ErrorKind},
    path::Path,
};

use crate::{
    Error,
    blobs::{ARCHIVES, FILES, INCOMING},
};

/// Makes `root` ready and locks it until the returned file is closed.
///
/// The lock is what makes the sweep safe: only a process that is alone here may take the
/// temporary files it finds for leftovers.
pub(crate) fn prepare(root: &Path) -> Result<File, Error> {
    let failed = |source| Error::Open {
        path: root.to_owned(),
        source,
    };
    create_synced(root).map_err(failed)?;
    let lock = File::options()
        .create(true)
        .append(true)
        .open(root.join("lock"))
        .map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(Error::InUse(root.to_owned())),
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    structure(root).map_err(failed)?;
    sweep(root).map_err(failed)?;
    Ok(lock)
}

/// Creates every folder now, so that no write depends on a folder entry that another write made
/// and has not synced yet.
fn structure(root: &Path) -> io::Result<()> {
    create_missing(&root.join(INCOMING))?;
    for room in [FILES, ARCHIVES] {
        let room = root.join(room);
        create_missing(&room)?;
        for first in 0..=u8::MAX {
            create_missing(&room.join(format!("{first:02x}")))?;
        }
        sync(&room)?;
    }
    sync(root)
}

/// Removes unfinished uploads: everything in the incoming folder, and beside the files whatever
/// has a `#`, which marks the temporary of a write in one piece and is in no name.
///
/// Reading the names of a million files takes about a second; nothing is opened.
fn sweep(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root.join(INCOMING))? {
        fs::remove_file(entry?.path())?;
    }
    for room in [FILES, ARCHIVES] {
        for folder in fs::read_dir(root.join(room))? {
            let folder = folder?;
            if folder.file_type()?.is_dir() {
                sweep_written(&folder.path())?;
            }
        }
    }
    Ok(())
}

fn sweep_written(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().contains(&b'#') {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Brings to the disk what an upload in parts has written so far, so that its end has little left to
/// wait for. No promise depends on it: the end syncs all of it and meets the errors again.
pub(crate) fn flush(root: &Path, upload: &str) {
    if let Ok(file) = File::open(root.join(format!("{upload}#1"))) {
        let _ = file.sync_data();
    }
}

/// Removes an upload in parts whose end failed: the file itself, and the temporary that becomes it,
/// whose name goes on with a `#`. What cannot be removed is left to the next opening.
pub(crate) fn discard(root: &Path, upload: &str) {
    let name = upload
        .strip_prefix(INCOMING)
        .and_then(|name| name.strip_prefix('/'));
    let (Some(name), Ok(entries)) = (name, fs::read_dir(root.join(INCOMING))) else {
        return;
    };
    for entry in entries.flatten() {
        let found = entry.file_name();
        let rest = found.as_encoded_bytes().strip_prefix(name.as_bytes());
        if rest.is_some_and(|rest| rest.is_empty() || rest[0] == b'#') {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Creates a folder and its missing parents, each entry synced.
fn create_synced(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    create_synced(parent)?;
    create_missing(path)?;
    sync(parent)
}

fn create_missing(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        result => result,
    }
}

/// Makes the entries of a folder durable. Windows has no such call and needs none.
fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}
