//! Loss of power at random moments: what a kill does not test, since the kernel keeps what a dead
//! process wrote. The node runs on a disk that keeps only what was synced.

use std::path::PathBuf;

use alephd_testkit::{process::Node, workload::Accounts};

use super::{
    Folder,
    campaign::Campaign,
    compile,
    disk::{Disk, Unsynced},
    number, program, seed, traffic,
};

/// Losses of power in an ordinary run. `ALEPHD_POWER_ROUNDS` asks for more.
const ROUNDS: u64 = 10;
/// Messages that a round uses at most.
const PER_ROUND: u64 = 400;

fn library(test: &str, folder: &Folder) -> Option<PathBuf> {
    if !cfg!(target_os = "linux") {
        alephd_testkit::process::skip(test, "needs LD_PRELOAD and /proc of Linux");
        return None;
    }
    let library = folder.path().join("power_loss.so");
    let arguments = ["-shared", "-fPIC", "-lpthread"];
    compile(test, "power_loss.c", &arguments, &library).map(|()| library)
}

#[test]
fn nothing_acknowledged_is_lost() {
    let folder = Folder::new();
    let Some(library) = library("drill::power_loss", &folder) else {
        return;
    };
    let (program, seed) = (program(), seed("drill::power_loss"));
    let rounds = number("ALEPHD_POWER_ROUNDS").unwrap_or(ROUNDS);
    let config = traffic::config(seed, rounds * PER_ROUND + 1_000);
    let accounts = Accounts::new(&config);
    let mut campaign = Campaign::new(&program, folder.path(), &accounts, &config);
    let mut disk = Disk::new(folder.path());
    let start = |disk: &Disk| Node::start(&disk.starter(&program, &library, None), &disk.data());

    let mut node = start(&disk).unwrap();
    campaign.upload_named(&node);
    for round in 1..=rounds {
        let failed = |error: String| panic!("round {round}, seed {seed}: {error}");
        let unsynced = match round % 2 {
            1 => Unsynced::Dropped,
            _ => Unsynced::Torn,
        };
        campaign.load_until_death(node).unwrap_or_else(failed);
        disk.lose_power(unsynced, &mut campaign.rng);
        let starter = disk.starter(&program, &library, None);
        if campaign.cut_off_start(&starter, &disk.data()) {
            disk.lose_power(unsynced, &mut campaign.rng);
        }
        node = start(&disk).unwrap_or_else(|error| panic!("round {round}, seed {seed}: {error}"));
        campaign.check(&node).unwrap_or_else(failed);
    }
    let report = campaign
        .finish(node)
        .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    println!("drill::power_loss: {report}");
}

/// The same on a disk that says it has synced and has not: the drill must notice, or it proves
/// nothing.
#[test]
fn a_disk_that_forgets_is_noticed() {
    let folder = Folder::new();
    let Some(library) = library("drill::power_loss (controls)", &folder) else {
        return;
    };
    let program = program();
    let config = traffic::config(1, 2_000);
    let accounts = Accounts::new(&config);
    for ignore in ["all", "folders"] {
        let folder = Folder::new();
        let mut campaign = Campaign::new(&program, folder.path(), &accounts, &config);
        let mut disk = Disk::new(folder.path());
        // A node that has run and stopped: only what comes after it can be lost.
        let node = Node::start(&disk.starter(&program, &library, None), &disk.data()).unwrap();
        campaign.upload_named(&node);
        node.terminate().unwrap();
        disk.adopt();
        let starter = disk.starter(&program, &library, Some(ignore));
        let node = Node::start(&starter, &disk.data()).unwrap();
        campaign.load_until_death(node).unwrap();
        disk.lose_power(Unsynced::Dropped, &mut campaign.rng);

        let node = Node::start(&disk.starter(&program, &library, None), &disk.data()).unwrap();
        let messages = campaign.check_messages(&node, 0).unwrap_err();
        assert!(
            messages.contains("was acknowledged and is not served"),
            "{ignore}: {messages}"
        );
        let uploads = campaign.check_uploads(&node, 0).unwrap_err();
        assert!(
            uploads.contains("was acknowledged; the node answers 404"),
            "{ignore}: {uploads}"
        );
        campaign.check(&node).unwrap_err();
    }
}
