//! A disk that can lose its power: a folder, and what of it is durable.
//!
//! `tests/drill/power_loss.c`, loaded into the node, keeps the durable half, and says what it
//! assumes. Here the halves are made for a new node, and after its death brought together to what
//! the next one finds.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ffi::OsString,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use alephd_testkit::rng::Rng;

use super::campaign::remove;

/// What a disk writes at once.
const BLOCK: usize = 4_096;

/// What becomes of writes that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsynced {
    /// None of them reached the disk.
    Dropped,
    /// Each block, each length and each entry of a folder reached it or not, by chance.
    Torn,
}

/// A disk in use.
pub(super) struct Disk {
    base: PathBuf,
    number: u32,
}

impl Disk {
    /// An empty disk below `base`.
    pub(super) fn new(base: &Path) -> Self {
        let disk = Self {
            base: base.to_owned(),
            number: 0,
        };
        fs::create_dir(disk.data()).unwrap();
        disk.adopt();
        disk
    }

    /// The folder that the node is given.
    pub(super) fn data(&self) -> PathBuf {
        self.base.join(format!("disk-{}", self.number))
    }

    fn shadow(&self) -> PathBuf {
        self.base.join(format!("shadow-{}", self.number))
    }

    /// A program that starts `program` on this disk. `library` is the compiled C file; `ignore`
    /// names the syncs that have no effect.
    pub(super) fn starter(&self, program: &Path, library: &Path, ignore: Option<&str>) -> PathBuf {
        let script = self.base.join("start.sh");
        let text = format!(
            "#!/bin/sh\nexport POWER_LOSS_DISK='{}' POWER_LOSS_SHADOW='{}' POWER_LOSS_IGNORE='{}'\n\
             LD_PRELOAD='{}' exec '{}' \"$@\"\n",
            self.data().display(),
            self.shadow().display(),
            ignore.unwrap_or_default(),
            library.display(),
            program.display()
        );
        fs::write(&script, text).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        script
    }

    /// Everything on the disk is durable from now on, as after a clean stop and a long time.
    pub(super) fn adopt(&self) {
        let shadow = self.shadow();
        remove(&shadow);
        fs::create_dir_all(shadow.join("files")).unwrap();
        fs::create_dir_all(shadow.join("dirs")).unwrap();
        fs::create_dir_all(shadow.join("held")).unwrap();
        adopt_folder(&shadow, &self.data());
    }

    /// The power is lost. The process must be dead.
    pub(super) fn lose_power(&mut self, unsynced: Unsynced, rng: &mut Rng) {
        let (data, shadow) = (self.data(), self.shadow());
        self.number += 1;
        let mut current = HashMap::new();
        find_files(&data, &mut current);
        let mut loss = Loss {
            shadow: &shadow,
            current,
            shadow_files: numbers(&shadow.join("files")),
            torn: (unsynced == Unsynced::Torn).then_some(rng),
        };
        loss.folder(inode(&data), Some(&data), &self.data());
        fs::remove_dir_all(data).unwrap();
        fs::remove_dir_all(shadow).unwrap();
        self.adopt();
    }
}

fn inode(path: &Path) -> u64 {
    fs::symlink_metadata(path).unwrap().ino()
}

fn is_volatile(name: &OsString) -> bool {
    name.to_string_lossy().ends_with("-shm")
}

fn names(folder: &Path) -> BTreeSet<OsString> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name());
    names.filter(|name| !is_volatile(name)).collect()
}

fn adopt_folder(shadow: &Path, folder: &Path) {
    let entries = shadow.join("dirs").join(inode(folder).to_string());
    fs::create_dir(&entries).unwrap();
    for name in names(folder) {
        let path = folder.join(&name);
        let number = inode(&path).to_string();
        if path.is_dir() {
            symlink(&number, entries.join(&name)).unwrap();
            adopt_folder(shadow, &path);
        } else {
            let bytes = shadow.join("files").join(&number);
            if !bytes.exists() {
                fs::copy(&path, &bytes).unwrap();
                // A second name, so that the inode of a file that the node removes is not given to
                // a new one, which would begin with the durable bytes of the old.
                fs::hard_link(&path, shadow.join("held").join(number)).unwrap();
            }
            fs::hard_link(bytes, entries.join(&name)).unwrap();
        }
    }
}

fn find_files(folder: &Path, found: &mut HashMap<u64, PathBuf>) {
    for name in names(folder) {
        let path = folder.join(name);
        if path.is_dir() {
            find_files(&path, found);
        } else {
            found.insert(inode(&path), path);
        }
    }
}

/// What an entry leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Folder(u64),
    File(u64),
}

/// One loss of power.
struct Loss<'a> {
    shadow: &'a Path,
    /// Where the files are that the kernel knew, by inode.
    current: HashMap<u64, PathBuf>,
    /// The numbers of the durable files by the inode that they have in the shadow themselves.
    shadow_files: HashMap<u64, u64>,
    torn: Option<&'a mut Rng>,
}

impl Loss<'_> {
    /// One of two by chance, or the durable one.
    fn choose<T>(&mut self, durable: T, current: T) -> T {
        let lucky = self.torn.as_mut().is_some_and(|rng| rng.chance(50));
        if lucky { current } else { durable }
    }

    /// Writes to `target` what is left of the folder `number`, which the kernel knew as `known`.
    fn folder(&mut self, number: u64, known: Option<&Path>, target: &Path) {
        fs::create_dir(target).unwrap();
        let durable = self.durable(number);
        let current = match known {
            Some(folder) if self.torn.is_some() => entries(folder),
            _ => BTreeMap::new(),
        };
        let all: BTreeSet<_> = durable.keys().chain(current.keys()).cloned().collect();
        for name in all {
            let entry = self.choose(durable.get(&name), current.get(&name));
            let target = target.join(&name);
            match entry {
                None => {}
                Some(Entry::File(number)) => {
                    let bytes = self.bytes(*number);
                    fs::write(target, bytes).unwrap();
                }
                Some(Entry::Folder(number)) => {
                    let known = known.map(|folder| folder.join(&name));
                    let known = known.filter(|folder| folder.is_dir());
                    self.folder(*number, known.as_deref(), &target);
                }
            }
        }
    }

    fn durable(&self, number: u64) -> BTreeMap<OsString, Entry> {
        let folder = self.shadow.join("dirs").join(number.to_string());
        if !folder.exists() {
            return BTreeMap::new();
        }
        let entry = |name: OsString| {
            let path = folder.join(&name);
            let entry = match fs::read_link(&path) {
                Ok(number) => Entry::Folder(number.to_string_lossy().parse().unwrap()),
                Err(_) => Entry::File(self.shadow_files[&inode(&path)]),
            };
            (name, entry)
        };
        names(&folder).into_iter().map(entry).collect()
    }

    fn bytes(&mut self, number: u64) -> Vec<u8> {
        let durable = fs::read(self.shadow.join("files").join(number.to_string())).unwrap_or_default();
        let Some(rng) = &mut self.torn else {
            return durable;
        };
        let current = self.current.get(&number).map(|path| fs::read(path).unwrap());
        let Some(current) = current.filter(|current| *current != durable) else {
            return durable;
        };
        let length = if rng.chance(50) {
            current.len()
        } else {
            durable.len()
        };
        let mut bytes = durable;
        bytes.resize(length, 0);
        for (block, new) in bytes.chunks_mut(BLOCK).zip(current.chunks(BLOCK)) {
            if rng.chance(50) {
                let both = block.len().min(new.len());
                block[..both].copy_from_slice(&new[..both]);
            }
        }
        bytes
    }
}

fn numbers(files: &Path) -> HashMap<u64, u64> {
    let number = |name: OsString| (inode(&files.join(&name)), name.to_string_lossy().parse().unwrap());
    names(files).into_iter().map(number).collect()
}

fn entries(folder: &Path) -> BTreeMap<OsString, Entry> {
    let entry = |name: OsString| {
        let path = folder.join(&name);
        let number = inode(&path);
        let entry = if path.is_dir() {
            Entry::Folder(number)
        } else {
            Entry::File(number)
        };
        (name, entry)
    };
    names(folder).into_iter().map(entry).collect()
}
