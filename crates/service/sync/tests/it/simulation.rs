//! The protocol under schedules that a seed decides: no sockets, no threads, no real time.
//!
//! ```text
//!   seed ──▶ Schedule ──▶ events, one at a time ──▶ World: links, frames, pieces of streams
//!                                                     │ ▲
//!                      real: Inbox, Outbox, CatchUp   ▼ │
//!                                                   Node ──▶ Ledger: what waits is lost in a crash
//!                                                              ▼
//!                                                            Disk: a model, or the real engine
//! ```
//!
//! Real are: what gossip makes of a payload, whether it is passed on, announcements, the turns of
//! catch-up, sessions, reconciliation and all codecs. A stand-in are libp2p's mesh (everybody passes on
//! to all neighbours), and for most runs the judgement of messages (`model`).
//!
//! A run that fails prints its seed. `ALEPHD_SIM_SEED=N` runs that one alone, `ALEPHD_SIM_RUNS=N` so
//! many instead of the usual number: see CONTRIBUTING.md.

mod engine;
mod ledger;
mod liar;
mod model;
mod node;
mod pipe;
mod pool;
mod schedule;
mod world;

use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};

use alephd_testkit::{rng::Rng, scenario};

use self::{
    engine::Engine,
    ledger::Disk,
    model::Model,
    schedule::{Outcome, Schedule},
};

/// What is broken on purpose, to see that it would be noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sabotage {
    Nothing,
    NeverCatchesUp,
    ForwardsBeforeItJudges,
    AnswersBeforeItWrites,
    BelievesTombstones,
}

/// Schedules of an ordinary run.
const RUNS: u64 = 2_000;

/// The same with the real engine, which takes a hundred times as long.
const ENGINE_RUNS: u64 = 24;

fn run(seed: u64, sabotage: Sabotage) -> Outcome {
    let disk = |rng: &mut Rng| Box::new(Model::new(rng.chance(50), sabotage)) as Box<dyn Disk>;
    Schedule::of_pool(seed).run(sabotage, &disk, false)
}

/// Runs the seeds on all cores. `check` sees them in no order.
fn run_all(seeds: std::ops::Range<u64>, check: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(seeds.start);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let seed = next.fetch_add(1, Ordering::Relaxed)
                    && seed < seeds.end
                {
                    check(seed);
                }
            });
        }
    });
}

fn from_environment(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

/// The same with the real engine: other people's liars among simple messages, or hard messages among
/// nodes that trust each other.
fn run_engine(seed: u64) -> Outcome {
    match seed.is_multiple_of(2) {
        true => Schedule::of_scenario(seed).run(
            Sabotage::Nothing,
            &|_: &mut Rng| Box::new(Engine::new(&scenario::files())) as Box<dyn Disk>,
            true,
        ),
        false => Schedule::of_pool(seed).run(
            Sabotage::Nothing,
            &|_: &mut Rng| Box::new(Engine::new(&[])) as Box<dyn Disk>,
            false,
        ),
    }
}

fn assert_good(seed: u64, outcome: &Outcome) {
    assert!(
        outcome.faults.is_empty(),
        "seed {seed}: {outcome:#?}\nagain: ALEPHD_SIM_SEED={seed} cargo test -p alephd-sync --test it \
         simulation::any_schedule -- --nocapture"
    );
}

#[test]
fn any_schedule_ends_in_one_state() {
    if let Some(seed) = from_environment("ALEPHD_SIM_SEED") {
        let outcome = run(seed, Sabotage::Nothing);
        println!("{outcome:#?}");
        return assert_good(seed, &outcome);
    }
    let total = Mutex::new((world::Counts::default(), 0));
    let runs = from_environment("ALEPHD_SIM_RUNS").unwrap_or(RUNS);
    run_all(0..runs, |seed| {
        let outcome = run(seed, Sabotage::Nothing);
        assert_good(seed, &outcome);
        let mut total = lock(&total);
        total.0.add(&outcome.counts);
        total.1 = outcome.rounds.max(total.1);
    });
    let (counts, rounds) = *lock(&total);
    println!("{runs} schedules, at most {rounds} rounds after the healing: {counts:?}");
    // Everything that this is about did happen.
    for count in [
        counts.lost,
        counts.forwarded,
        counts.refused,
        counts.crashes,
        counts.broken,
        counts.records,
        counts.tombstones,
        counts.offences,
    ] {
        assert!(count > runs / 4, "{counts:?}");
    }
}

#[test]
fn a_run_is_a_function_of_its_seed() {
    run_all(10_000..10_100, |seed| {
        let outcome = run(seed, Sabotage::Nothing);
        assert_eq!(outcome, run(seed, Sabotage::Nothing), "seed {seed}");
        assert_ne!(outcome.trace, run(seed + 1_000, Sabotage::Nothing).trace);
    });
}

#[test]
fn the_real_engine_ends_in_one_state_as_well() {
    let seeds = match from_environment("ALEPHD_SIM_ENGINE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..from_environment("ALEPHD_SIM_RUNS").unwrap_or(ENGINE_RUNS),
    };
    let is_one = seeds.end - seeds.start == 1;
    run_all(seeds, |seed| {
        let outcome = run_engine(seed);
        assert!(
            outcome.faults.is_empty(),
            "seed {seed}: {outcome:#?}\nagain: ALEPHD_SIM_ENGINE_SEED={seed} cargo test -p alephd-sync \
             --test it simulation::the_real_engine -- --nocapture"
        );
        if is_one || seed < 4 {
            assert_eq!(outcome, run_engine(seed), "seed {seed}");
        }
    });
}

/// How many of two hundred schedules show a fault that says this.
fn noticed(sabotage: Sabotage, says: &str) -> u64 {
    let count = AtomicU64::new(0);
    run_all(0..200, |seed| {
        let faults = run(seed, sabotage).faults;
        let is_noticed = faults.iter().any(|fault| fault.contains(says));
        count.fetch_add(u64::from(is_noticed), Ordering::Relaxed);
    });
    count.into_inner()
}

#[test]
fn without_catch_up_it_fails() {
    let count = noticed(Sabotage::NeverCatchesUp, "does not know");
    assert!(count > 100, "{count}");
}

#[test]
fn with_forwarding_before_judging_it_fails() {
    let count = noticed(Sabotage::ForwardsBeforeItJudges, "nobody signed");
    assert!(count > 20, "{count}");
    let count = noticed(Sabotage::ForwardsBeforeItJudges, "blames honest node");
    assert!(count > 10, "{count}");
}

#[test]
fn with_answers_before_writing_it_fails() {
    let count = noticed(Sabotage::AnswersBeforeItWrites, "is lost");
    assert!(count > 4, "{count}");
}

#[test]
fn with_belief_in_tombstones_it_fails() {
    let count = noticed(Sabotage::BelievesTombstones, "and should as Some(Processed)");
    assert!(count > 10, "{count}");
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
