//! A disk that fills up under a node: clients are told, nothing that was acknowledged is lost, and
//! the node goes on by itself when there is room again.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use alephd_message::ItemHash;
use alephd_testkit::{
    builder, keys,
    process::{self, Node, ProcessError},
    rng::Rng,
    sha256,
};
use serde_json::json;

use super::{
    Folder,
    campaign::{self, text},
    client::Client,
    files::folder_files,
    program,
    reference::Reference,
    seed,
    traffic::{Message, Source},
};

/// The size of the disk, and of what is put aside on it to make room again.
const DISK: &str = "size=72m";
const RESERVE: usize = 32 << 20;
/// Refusals in a row after which nothing of this kind fits any more.
const REFUSALS: u32 = 3;
/// Bytes in a message; an inline content has a bound.
const MESSAGE: usize = 16 << 10;
/// How the node tells it.
const TOLD: (u16, &str) = (
    507,
    "507: The storage of this node is full; nothing of the request was kept",
);

/// A small file system, taken off when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, which is told to the runner, where it may not be mounted.
    fn mount(test: &str, folder: &Folder) -> Option<Self> {
        let path = folder.path().join("disk");
        fs::create_dir(&path).unwrap();
        let mut mount = Command::new("mount");
        let mounting = mount
            .args(["-t", "tmpfs", "-o", DISK, "none"])
            .arg(&path)
            .output();
        if mounting.is_ok_and(|output| output.status.success()) {
            return Some(Self(path));
        }
        process::skip(test, "needs the right to mount a small file system");
        None
    }

    fn reserve(&self) {
        let mut file = fs::File::create(self.0.join("reserve")).unwrap();
        file.write_all(&vec![0; RESERVE]).unwrap();
    }

    fn release(&self) {
        fs::remove_file(self.0.join("reserve")).unwrap();
    }

    /// Takes the last bytes.
    fn fill(&self) {
        let mut file = fs::File::create(self.0.join("filler")).unwrap();
        for size in [1 << 20, 1 << 16, 1 << 12] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn empty(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// What was acknowledged.
struct Kept {
    rng: Rng,
    files: Vec<(ItemHash, Source)>,
    messages: Vec<Message>,
}

impl Kept {
    /// Uploads a file of about `size` bytes. Says whether it was taken; any other refusal than that
    /// of a full disk is a failure.
    fn upload(&mut self, node: &Node, size: u64, in_form: bool) -> Result<bool, String> {
        // A node that refuses a file before it has read it closes the connection.
        let mut client = Client::connect(node.address()).map_err(text)?;
        let source = Source::Random {
            seed: self.rng.bits(),
            length: size + self.rng.below(100),
        };
        let bytes = source.make();
        let answer = match in_form {
            true => client.upload_form(&bytes, None),
            false => client.upload(&bytes),
        };
        let answer = answer.map_err(|error| format!("an upload has no answer: {error}"))?;
        match answer.status {
            200 => self.files.push((sha256(&bytes), source)),
            _ if (answer.status, answer.text().as_str()) == TOLD => return Ok(false),
            status => return Err(format!("an upload is answered with {status}: {}", answer.text())),
        }
        Ok(true)
    }

    fn publish(&mut self, node: &Node) -> Result<bool, String> {
        let mut client = Client::connect(node.address()).map_err(text)?;
        let key = keys::evm(&format!("full-{}", self.rng.below(8)));
        let body = hex(&mut self.rng, MESSAGE);
        let message = Message::of(builder::post(&key, "full", json!({ "body": body })).seal());
        let answer = client.publish(&message.wire).map_err(text)?;
        match answer.status {
            200 => self.messages.push(message),
            _ if (answer.status, answer.text().as_str()) == TOLD => return Ok(false),
            status => return Err(format!("a message is answered with {status}: {}", answer.text())),
        }
        Ok(true)
    }

    /// Everything acknowledged is served, and nothing else is held.
    fn check(&self, node: &Node, data: &Path) -> Result<(), String> {
        let mut client = Client::connect(node.address()).map_err(text)?;
        for (hash, source) in &self.files {
            let answer = client.get(&format!("/api/v0/storage/raw/{hash}")).map_err(text)?;
            if answer.status != 200 || sha256(&answer.body) != *hash {
                return Err(format!(
                    "the file {source:?} was acknowledged and is {}",
                    answer.status
                ));
            }
        }
        for message in &self.messages {
            let path = format!("/api/v0/messages/{}", message.hash);
            let answer = client.get(&path).map_err(text)?;
            if answer.status != 200 || !answer.text().contains("\"processed\"") {
                return Err(format!("a message was acknowledged and is {}", answer.text()));
            }
        }
        let named: Vec<_> = self.files.iter().map(|(hash, _)| hash.clone()).collect();
        let strangers: Vec<_> = folder_files(data)
            .into_iter()
            .filter(|hash| !named.contains(hash))
            .collect();
        match strangers.is_empty() && incoming(data) == 0 {
            true => Ok(()),
            false => Err(format!(
                "left behind: {strangers:?}, {} under way",
                incoming(data)
            )),
        }
    }
}

fn hex(rng: &mut Rng, length: usize) -> String {
    (0..length.div_ceil(16))
        .map(|_| format!("{:016x}", rng.bits()))
        .collect()
}

/// Files that are being received.
pub(super) fn incoming(data: &Path) -> usize {
    fs::read_dir(data.join("incoming")).unwrap().count()
}

#[test]
fn a_full_disk_is_told_and_survived() {
    let (program, seed) = (program(), seed("drill::full_disk"));
    let folder = Folder::new();
    let Some(disk) = SmallDisk::mount("drill::full_disk", &folder) else {
        return;
    };
    disk.reserve();
    // The log of the node, which is beside its data, is on another disk.
    let data = folder.path().join("data");
    fs::create_dir(disk.0.join("data")).unwrap();
    symlink(disk.0.join("data"), &data).unwrap();
    let node = Node::start(&program, &data).unwrap();
    let mut kept = Kept {
        rng: Rng::new(seed),
        files: Vec::new(),
        messages: Vec::new(),
    };
    let drill = Drill {
        program: &program,
        folder: &folder,
        disk: &disk,
        data: &data,
    };
    let report = drill
        .play(node, &mut kept)
        .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    println!("drill::full_disk: {report}");
}

struct Drill<'a> {
    program: &'a Path,
    folder: &'a Folder,
    disk: &'a SmallDisk,
    data: &'a Path,
}

impl Drill<'_> {
    fn play(&self, node: Node, kept: &mut Kept) -> Result<String, String> {
        self.fill_by_clients(&node, kept)?;
        kept.check(&node, self.data)?;
        // There is room again, and the node does not need to be told.
        self.disk.release();
        self.go_on(&node, kept)?;
        let node = self.die_on_a_full_disk(node, kept)?;
        self.go_on(&node, kept)?;
        if !node.terminate().map_err(text)?.success() {
            return Err("the last stop was not clean".to_owned());
        }
        Ok(format!(
            "{} files and {} messages acknowledged",
            kept.files.len(),
            kept.messages.len()
        ))
    }

    /// Files in parts, files in one piece, forms, then messages, each until nothing more fits.
    fn fill_by_clients(&self, node: &Node, kept: &mut Kept) -> Result<(), String> {
        let kinds = [
            (7 << 20, false),
            (7 << 20, true),
            (1 << 20, false),
            (60 << 10, true),
            (1, false),
        ];
        for (size, in_form) in kinds {
            let mut refused = 0;
            while refused < REFUSALS {
                refused += u32::from(!kept.upload(node, size, in_form)?);
            }
        }
        if kept.files.len() < 4 {
            return Err("the disk was full from the beginning".to_owned());
        }
        self.publish_until_full(node, kept)
    }

    /// The database has room in the pages that it has already, but not for long.
    fn publish_until_full(&self, node: &Node, kept: &mut Kept) -> Result<(), String> {
        let mut refused = 0;
        while refused < REFUSALS {
            refused += u32::from(!kept.publish(node)?);
        }
        Ok(())
    }

    /// Everything works as on any disk.
    fn go_on(&self, node: &Node, kept: &mut Kept) -> Result<(), String> {
        for number in 0..20 {
            let file = kept.upload(node, 50 << 10, number % 2 == 0)?;
            if !file || !kept.publish(node)? {
                return Err(format!("there is room again, and number {number} is refused"));
            }
        }
        if !kept.upload(node, 6 << 20, true)? {
            return Err("there is room again, and a large file is refused".to_owned());
        }
        kept.check(node, self.data)?;
        self.check_state(node, kept)
    }

    /// A node that is killed and started with no byte free runs, or says why it does not.
    fn die_on_a_full_disk(&self, node: Node, kept: &mut Kept) -> Result<Node, String> {
        self.disk.fill();
        self.publish_until_full(&node, kept)?;
        node.kill().map_err(text)?;
        self.disk.fill();
        match Node::start(self.program, self.data) {
            Ok(node) => {
                println!("drill::full_disk: a node starts on the full disk");
                kept.check(&node, self.data)?;
                node.kill().map_err(text)?;
            }
            Err(ProcessError::Ended { status, log }) => {
                let last = log.lines().last().unwrap_or_default().to_lowercase();
                println!("drill::full_disk: a node ends on the full disk: {last}");
                let is_told = last.contains("full") || last.contains("no space");
                if status.code() != Some(1) || !is_told {
                    return Err(format!("ended with {status}: {log}"));
                }
            }
            Err(error) => return Err(error.to_string()),
        }
        self.disk.empty();
        Node::start(self.program, self.data).map_err(text)
    }

    /// The state is that of a folder with the same messages which nothing ever happened to.
    fn check_state(&self, node: &Node, kept: &Kept) -> Result<(), String> {
        let clean = self.folder.path().join(format!("clean-{}", kept.messages.len()));
        let wanted = Reference::new(self.program, clean).import(&kept.messages);
        campaign::check_state(node, &wanted)
    }
}
