//! SIGKILL at random moments, again and again, on one data folder.

use alephd_testkit::{process::Node, workload::Accounts};

use super::{Folder, campaign::Campaign, number, program, seed, traffic};

/// Deaths in an ordinary run. `ALEPHD_KILL_ROUNDS` asks for more.
const ROUNDS: u64 = 20;
/// Messages that a round uses at most.
const PER_ROUND: u64 = 400;

#[test]
fn nothing_acknowledged_is_lost() {
    let (program, seed) = (program(), seed("drill::kill"));
    let rounds = number("ALEPHD_KILL_ROUNDS").unwrap_or(ROUNDS);
    let folder = Folder::new();
    let data = folder.path().join("data");
    let config = traffic::config(seed, rounds * PER_ROUND + 1_000);
    let accounts = Accounts::new(&config);
    let mut campaign = Campaign::new(&program, folder.path(), &accounts, &config);

    let mut node = Node::start(&program, &data).unwrap();
    campaign.upload_named(&node);
    for round in 1..=rounds {
        let failed = |error: String| panic!("round {round}, seed {seed}: {error}");
        campaign.load_until_death(node).unwrap_or_else(failed);
        campaign.cut_off_start(&program, &data);
        node = Node::start(&program, &data)
            .unwrap_or_else(|error| panic!("round {round}, seed {seed}: {error}"));
        campaign.check(&node).unwrap_or_else(failed);
    }
    let report = campaign
        .finish(node)
        .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    println!("drill::kill: {report}");
}
