//! Load, death, restart, check, and again: what the drills have in common.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use alephd_message::ItemHash;
use alephd_testkit::{
    process::Node,
    rng::Rng,
    sha256,
    workload::{Accounts, Config},
};
use serde_json::Value;

use super::{
    client::Client,
    load::{self, Plan},
    reference::Reference,
    traffic::{Expected, Message, Traffic, Upload},
};

/// Item hashes in one request.
const BATCH: usize = 150;
/// Rounds whose messages and files are checked after each restart; all are at the end. Else the
/// work would grow with the square of the rounds.
const RECENT: usize = 20;

/// What was promised so far.
pub(super) struct Campaign<'a> {
    pub(super) rng: Rng,
    program: PathBuf,
    folder: PathBuf,
    traffic: Traffic<'a>,
    expected: Expected,
    reference: Reference,
    /// Messages that the node has, since it said so or, if it could not, since it shows them.
    served: Vec<ItemHash>,
    uploads: Vec<Upload>,
    /// Lengths of the two above at the beginning of each round.
    rounds: Vec<(usize, usize)>,
    /// All served messages, a line each.
    lines: File,
    /// Served messages that the reference does not have yet.
    fresh: Vec<Message>,
    /// Messages that the last node did not answer.
    unanswered: Vec<Message>,
    acknowledged: usize,
}

impl<'a> Campaign<'a> {
    /// Begins with an empty reference below `folder`.
    pub(super) fn new(program: &Path, folder: &Path, accounts: &'a Accounts, config: &Config) -> Self {
        Self {
            rng: Rng::new(config.seed),
            program: program.to_owned(),
            folder: folder.to_owned(),
            traffic: Traffic::new(accounts, config),
            expected: Expected::default(),
            reference: Reference::new(program, folder.join("reference")),
            served: Vec::new(),
            uploads: Vec::new(),
            rounds: Vec::new(),
            lines: File::create(folder.join("served.jsonl")).unwrap(),
            fresh: Vec::new(),
            unanswered: Vec::new(),
            acknowledged: 0,
        }
    }

    /// Gives the node the files that the messages name.
    pub(super) fn upload_named(&mut self, node: &Node) {
        let mut client = Client::connect(node.address()).unwrap();
        for upload in Upload::named() {
            let answer = client.upload(&upload.bytes.make()).unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
            self.uploads.push(upload);
        }
    }

    /// Loads the node until it dies.
    pub(super) fn load_until_death(&mut self, node: Node) -> Result<(), String> {
        let plan = Plan::random(&mut self.rng);
        self.rounds.push((self.served.len(), self.uploads.len()));
        let messages = self.traffic.take(plan.messages());
        let seen = load::until_death(node, messages, plan)?;
        self.acknowledged += seen.acknowledged.len();
        self.traffic.give_back(seen.unsent);
        for message in seen.acknowledged {
            self.serve(message);
        }
        self.unanswered = seen.unanswered;
        self.uploads.extend(seen.uploads);
        Ok(())
    }

    fn serve(&mut self, message: Message) {
        writeln!(self.lines, "{}", message.wire).unwrap();
        self.expected.add(&message);
        self.served.push(message.hash.clone());
        self.fresh.push(message);
    }

    /// Starts a node with `start` and kills it before it is up, sometimes.
    pub(super) fn cut_off_start(&mut self, start: &Path, data: &Path) -> bool {
        if !self.rng.chance(30) {
            return false;
        }
        let mut node = Command::new(start)
            .args(["dev", "--api", "127.0.0.1:0", "--data"])
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::park_timeout(Duration::from_micros(self.rng.below(60_000)));
        node.kill().unwrap();
        node.wait().unwrap();
        true
    }

    /// Everything that was promised in the last rounds is there, and nothing else is.
    pub(super) fn check(&mut self, node: &Node) -> Result<(), String> {
        let recent = self.rounds.len().saturating_sub(RECENT);
        let (messages, uploads) = self.rounds.get(recent).copied().unwrap_or_default();
        self.settle(node)?;
        self.check_messages(node, messages)?;
        self.check_uploads(node, uploads)?;
        let wanted = self.reference.import(&self.fresh);
        self.fresh.clear();
        check_state(node, &wanted)
    }

    /// What was not answered is there or is not; either is right.
    fn settle(&mut self, node: &Node) -> Result<(), String> {
        let mut client = Client::connect(node.address()).map_err(text)?;
        let mut missing = Vec::new();
        for message in std::mem::take(&mut self.unanswered) {
            let path = format!("/api/v0/messages/{}/status", message.hash);
            let answer = client.get(&path).map_err(text)?;
            match answer.status {
                404 => missing.push(message),
                200 if answer.json().map_err(text)?["status"] == "processed" => self.serve(message),
                _ => return Err(format!("{}: {}", message.hash, answer.text())),
            }
        }
        self.traffic.give_back(missing);
        Ok(())
    }

    /// Messages from the `from`th on have the status that they must have.
    pub(super) fn check_messages(&self, node: &Node, from: usize) -> Result<(), String> {
        let mut client = Client::connect(node.address()).map_err(text)?;
        let (forgotten, processed): (Vec<_>, Vec<_>) = self.served[from..]
            .iter()
            .partition(|hash| self.expected.is_forgotten(hash));
        for (status, hashes) in [("processed", processed), ("forgotten", forgotten)] {
            for batch in hashes.chunks(BATCH) {
                let names: Vec<_> = batch.iter().map(|hash| hash.to_string()).collect();
                let path = format!(
                    "/api/v0/messages.json?pagination={BATCH}&msgStatuses={status}&hashes={}",
                    names.join(",")
                );
                let answer = client.get(&path).map_err(text)?;
                let answer = answer.json().map_err(|_| answer.text())?;
                check_batch(&answer, &names, status)?;
            }
        }
        Ok(())
    }

    /// Files from the `from`th on have their bytes.
    pub(super) fn check_uploads(&self, node: &Node, from: usize) -> Result<(), String> {
        let mut client = Client::connect(node.address()).map_err(text)?;
        for upload in &self.uploads[from..] {
            let path = format!("/api/v0/storage/raw/{}", upload.hash);
            let answer = client.get(&path).map_err(text)?;
            if answer.status != 200 || answer.body != upload.bytes.make() {
                return Err(format!(
                    "the file {upload:?} was acknowledged; the node answers {} with {} bytes",
                    answer.status,
                    answer.body.len()
                ));
            }
        }
        Ok(())
    }

    /// Publishes what is left, checks everything ever promised, and compares with a clean import
    /// of it all.
    pub(super) fn finish(mut self, node: Node) -> Result<String, String> {
        self.check(&node)?;
        let mut client = Client::connect(node.address()).map_err(text)?;
        for message in self.traffic.take(PUBLISHED_LAST) {
            let answer = client.publish(&message.wire).map_err(text)?;
            if answer.json().map_err(text)?["message_status"] != "processed" {
                return Err(format!("{}: {}", message.hash, answer.text()));
            }
            self.serve(message);
        }
        self.check_messages(&node, 0)?;
        self.check_uploads(&node, 0)?;
        let again = Reference::new(&self.program, self.folder.join("again"));
        let wanted = again.import_file(&self.folder.join("served.jsonl"));
        check_state(&node, &wanted)?;
        if !node.terminate().map_err(text)?.success() {
            return Err("the last stop was not clean".to_owned());
        }
        Ok(format!(
            "{} rounds, {} messages and {} files acknowledged, {} messages there",
            self.rounds.len(),
            self.acknowledged,
            self.uploads.len(),
            self.served.len()
        ))
    }
}

/// Messages that are published when the last round is over: all that the last death left
/// unanswered, and some.
const PUBLISHED_LAST: usize = 32;

/// The state that the node tells is `wanted`.
pub(super) fn check_state(node: &Node, wanted: &Value) -> Result<(), String> {
    let mut client = Client::connect(node.address()).map_err(text)?;
    let state = client.get("/api/v0/state/root").and_then(|answer| answer.json());
    match state.map_err(text)? {
        state if state == *wanted => Ok(()),
        state => Err(format!(
            "the node has the state {state}, a clean import of the same messages has {wanted}"
        )),
    }
}

fn check_batch(answer: &Value, wanted: &[String], status: &str) -> Result<(), String> {
    let found = answer["messages"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    for name in wanted {
        let message = found.iter().find(|message| message["item_hash"] == name.as_str());
        let Some(message) = message else {
            return Err(format!(
                "the message {name} was acknowledged and is not served as {status}"
            ));
        };
        let content = message["item_content"].as_str().unwrap_or_default();
        if status == "processed" && sha256(content.as_bytes()).to_string() != *name {
            return Err(format!("the message {name} is served with another content"));
        }
    }
    Ok(())
}

pub(super) fn text(error: impl std::error::Error) -> String {
    error.to_string()
}

/// Removes a folder that may not be there.
pub(super) fn remove(folder: &Path) {
    if folder.exists() {
        fs::remove_dir_all(folder).unwrap();
    }
}
