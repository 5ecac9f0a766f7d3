//! SIGKILL while files are uploaded, stored, forgotten and collected, on one data folder.

mod ledger;
mod load;

use std::{collections::BTreeSet, fs, path::Path, process::Command, thread, time::Duration};

use alephd_message::ItemHash;
use alephd_testkit::{builder, keys, process::Node, rng::Rng, sha256};
use serde_json::{Value, json};

use self::load::{Plan, World};
use super::{
    Folder, campaign,
    client::Client,
    clock::{self, Clock},
    number, program, seed,
    traffic::Source,
};

/// Deaths in an ordinary run. `ALEPHD_KILL_ROUNDS` asks for more.
const ROUNDS: u64 = 8;
/// Rounds whose files are read after each restart; all are at the end.
const RECENT: u64 = 4;
/// Days after which nothing is left to collect: a notice, a grace period, and one more.
const LAST_DAYS: u32 = 4;
/// Messages to publish until the collector must have come to rest.
const PATIENCE: u32 = 500;
/// Messages published in each of the last days.
const MESSAGES_A_DAY: u32 = 50;

#[test]
fn files_outlive_kills_as_long_as_promised_and_no_longer() {
    let (program, seed) = (program(), seed("drill::files"));
    let rounds = number("ALEPHD_KILL_ROUNDS").unwrap_or(ROUNDS);
    let folder = Folder::new();
    let Some(clock) = Clock::new("drill::files", &folder, &program) else {
        return;
    };
    let data = folder.path().join("data");
    let drill = Drill {
        world: World::new(clock),
        program: &program,
        data: &data,
    };
    let report = drill
        .play(rounds, &mut Rng::new(seed))
        .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    println!("drill::files: {report}");
}

struct Drill<'a> {
    world: World,
    program: &'a Path,
    data: &'a Path,
}

impl Drill<'_> {
    fn play(&self, rounds: u64, rng: &mut Rng) -> Result<String, String> {
        let mut node = self.start()?;
        for round in 1..=rounds {
            let within = |error: String| format!("round {round}: {error}");
            self.world.fund(node.address()).map_err(within)?;
            let plan = Plan::random(round, rng);
            load::until_death(node, &self.world, plan).map_err(within)?;
            if rng.chance(40) {
                self.world.next_epoch();
            }
            if rng.chance(30) {
                self.cut_off_start(rng);
            }
            if rng.chance(50) {
                self.scrub().map_err(within)?;
            }
            node = self.start().map_err(within)?;
            self.check_owed(&node, round.saturating_sub(RECENT))
                .map_err(within)?;
        }
        self.check_owed(&node, 0)?;
        let left = self.come_to_rest(&node)?;
        if !node.terminate().map_err(campaign::text)?.success() {
            return Err("the last stop was not clean".to_owned());
        }
        self.scrub()?;
        let ledger = self.world.ledger.lock().unwrap();
        Ok(format!(
            "{rounds} rounds, {} epochs, {} uploads acknowledged, {left} files kept of {}",
            self.world.epoch(),
            ledger.acknowledged,
            ledger.names().count()
        ))
    }

    fn start(&self) -> Result<Node, String> {
        Node::start(self.world.clock.starter(), self.data).map_err(campaign::text)
    }

    /// Starts a node and kills it while it starts, which is when it collects what became due.
    fn cut_off_start(&self, rng: &mut Rng) {
        let mut node = Command::new(self.world.clock.starter())
            .args(["dev", "--api", "127.0.0.1:0", "--data"])
            .arg(self.data)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        thread::park_timeout(Duration::from_micros(rng.below(150_000)));
        node.kill().unwrap();
        node.wait().unwrap();
    }

    /// No file is other than its name says, and none is missing.
    fn scrub(&self) -> Result<(), String> {
        let mut command = Command::new(self.program);
        let output = command
            .arg("scrub")
            .arg("--data")
            .arg(self.data)
            .output()
            .unwrap();
        match output.status.success() {
            true => Ok(()),
            false => Err(format!(
                "scrub: {} {}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            )),
        }
    }

    /// Every file that was promised for the present epoch is served, whole.
    fn check_owed(&self, node: &Node, from: u64) -> Result<(), String> {
        let epoch = self.world.epoch();
        let owed = self.world.ledger.lock().unwrap().owed(epoch, from);
        let mut client = Client::connect(node.address()).map_err(campaign::text)?;
        for (hash, source) in owed {
            check_served(&mut client, &hash, source, epoch)?;
        }
        Ok(())
    }

    /// Lets days pass until nothing is left to collect. What is kept then is what live STOREs name,
    /// for the folder, the database and the messages alike. The number of files.
    fn come_to_rest(&self, node: &Node) -> Result<usize, String> {
        let mut client = Client::connect(node.address()).map_err(campaign::text)?;
        for _ in 0..LAST_DAYS {
            self.world.next_epoch();
            // Between two of them there is time for a sweep.
            for _ in 0..MESSAGES_A_DAY {
                self.publish(&mut client)?;
            }
        }
        let mut wanted = self.named_by_stores(&mut client)?;
        for waited in 0..PATIENCE {
            if waited % MESSAGES_A_DAY == 0 {
                self.world.next_epoch();
            }
            if folder_files(self.data) == wanted {
                break;
            }
            self.publish(&mut client)?;
            wanted = self.named_by_stores_of(&mut client, &wanted)?;
        }
        let found = folder_files(self.data);
        let ledger = self.world.ledger.lock().unwrap();
        for name in ledger.names() {
            let known = status(&mut client, &format!("/api/v0/storage/metadata/{name}"))? == 200;
            let pins = get(&mut client, &format!("/api/v0/storage/count/{name}"))?;
            let pins = pins.as_u64().unwrap_or_default();
            let kept = [wanted.contains(name), found.contains(name), known, pins > 0];
            if kept != [true; 4] && kept != [false; 4] {
                let [named, held, known, _] = kept;
                return Err(format!(
                    "the file {name} is named by a live STORE: {named}, held: {held}, known: {known}, pins: {pins}"
                ));
            }
        }
        if let Some(stranger) = found.difference(&wanted).next() {
            return Err(format!("the file {stranger} was never sent"));
        }
        Ok(found.len())
    }

    /// A message, for the engine to look at the clock.
    fn publish(&self, client: &mut Client) -> Result<(), String> {
        let key = keys::evm("clock");
        let time = clock::begin(self.world.epoch());
        let count = self.world.count();
        let post = builder::post(&key, "tick", json!({ "count": count })).at(time);
        let answer = client
            .publish(&builder::wire(&post.seal()))
            .map_err(campaign::text)?;
        match answer.status {
            200 => Ok(()),
            _ => Err(answer.text()),
        }
    }

    /// Files that live STOREs name, whoever was told of them.
    fn named_by_stores(&self, client: &mut Client) -> Result<BTreeSet<ItemHash>, String> {
        let ledger = self.world.ledger.lock().unwrap();
        let mut files = BTreeSet::new();
        for store in ledger.stores() {
            let answer = get(client, &format!("/api/v0/messages/{}/status", store.message))?;
            let is_live = answer["status"] == "processed" || answer["status"] == "removing";
            if store.is_acknowledged && store.is_paid && store.forgotten.is_none() && !is_live {
                return Err(format!(
                    "the STORE {} was acknowledged and is {answer}",
                    store.message
                ));
            }
            if is_live {
                files.insert(store.file.clone());
            }
        }
        Ok(files)
    }

    /// The same where only fewer can have become live.
    fn named_by_stores_of(
        &self,
        client: &mut Client,
        before: &BTreeSet<ItemHash>,
    ) -> Result<BTreeSet<ItemHash>, String> {
        let unpaid = self.world.ledger.lock().unwrap();
        let has_unpaid = unpaid
            .stores()
            .iter()
            .any(|store| !store.is_paid && before.contains(&store.file));
        drop(unpaid);
        match has_unpaid {
            true => self.named_by_stores(client),
            false => Ok(before.clone()),
        }
    }
}

fn check_served(client: &mut Client, hash: &ItemHash, source: Source, epoch: u32) -> Result<(), String> {
    let answer = client.get(&format!("/api/v0/storage/raw/{hash}"));
    let answer = answer.map_err(campaign::text)?;
    if answer.status == 200 && sha256(&answer.body) == *hash {
        return Ok(());
    }
    Err(format!(
        "the file {hash} ({source:?}) was promised for epoch {epoch}; the node answers {} with {} bytes",
        answer.status,
        answer.body.len()
    ))
}

fn status(client: &mut Client, path: &str) -> Result<u16, String> {
    Ok(client.get(path).map_err(campaign::text)?.status)
}

/// The JSON at `path`; null where there is nothing.
fn get(client: &mut Client, path: &str) -> Result<Value, String> {
    let answer = client.get(path).map_err(campaign::text)?;
    match answer.status {
        200 => answer.json().map_err(campaign::text),
        404 => Ok(Value::Null),
        status => Err(format!("{path} is answered with {status}: {}", answer.text())),
    }
}

/// The names of all files in a data folder; whatever is none is a failure.
pub(super) fn folder_files(data: &Path) -> BTreeSet<ItemHash> {
    let mut names = BTreeSet::new();
    for folder in fs::read_dir(data.join("files")).unwrap() {
        for entry in fs::read_dir(folder.unwrap().path()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            names.insert(ItemHash::parse_strict(&name).unwrap_or_else(|| panic!("{name} is no file")));
        }
    }
    names
}
