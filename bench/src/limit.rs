//! The limit L: signature checks per second of all cores.

use std::{num::NonZero, thread, time::Duration};

use alephd_message::Envelope;
use alephd_signature::verify;
use alephd_tasks::{Clock, SystemClock};
use alephd_testkit::{
    builder,
    keys::{self, Account},
    workload::{Accounts, Config, Workload},
};
use anyhow::{Result, ensure};
use serde_json::json;

use crate::machine;

/// Distinct messages of each kind: together with what belongs to them larger than the caches of
/// a processor, as in reality.
const MESSAGES: u64 = 20_000;
/// Distinct signers of each kind.
const SIGNERS: u64 = 1_000;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Seconds for each of the three measurements
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Threads; as many as cores by default
    #[arg(long)]
    threads: Option<usize>,
}

/// Checks per second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    pub(crate) threads: usize,
    /// Recovery of a secp256k1 key.
    pub(crate) ethereum: f64,
    /// Ed25519.
    pub(crate) solana: f64,
    /// The senders of the workload: this is L.
    pub(crate) mix: f64,
    /// What L would be if nothing else ran: from the processor time instead of the time that
    /// passed. Equal to L on a quiet machine; unknown where the system does not tell.
    pub(crate) mix_undisturbed: Option<f64>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let threads = args.threads.unwrap_or_else(cores);
    let limit = measure(threads, Duration::from_secs_f64(args.seconds))?;
    println!("threads           {}", limit.threads);
    println!("ETH checks/s      {:.0}", limit.ethereum);
    println!("SOL checks/s      {:.0}", limit.solana);
    println!("mix checks/s (L)  {:.0}", limit.mix);
    if let Some(rate) = limit.mix_undisturbed {
        println!("L if undisturbed  {rate:.0}");
    }
    Ok(())
}

pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

pub(crate) fn measure(threads: usize, duration: Duration) -> Result<Limit> {
    measure_with(MESSAGES, threads, duration)
}

fn measure_with(messages: u64, threads: usize, duration: Duration) -> Result<Limit> {
    ensure!(threads > 0, "at least one thread is needed");
    let ethereum: Vec<Account> = (0..SIGNERS)
        .map(|number| keys::evm(&format!("limit {number}")).into())
        .collect();
    let solana: Vec<Account> = (0..SIGNERS)
        .map(|number| keys::solana(&format!("limit {number}")).into())
        .collect();
    let posts = |accounts: &[Account]| {
        signed(messages, threads, |number| {
            let account = &accounts[(number % SIGNERS) as usize];
            builder::post(account, "limit", json!({"number": number})).seal()
        })
    };
    let ethereum = checks_per_second(&posts(&ethereum), threads, duration)?;
    let solana = checks_per_second(&posts(&solana), threads, duration)?;
    let config = Config::new(0, messages);
    let accounts = Accounts::new(&config);
    let unsigned: Vec<_> = Workload::new(&accounts, &config).collect();
    let mixed = signed(messages, threads, |number| unsigned[number as usize].sign());
    let mix = checks_per_second(&mixed, threads, duration)?;
    Ok(Limit {
        threads,
        ethereum: ethereum.rate,
        solana: solana.rate,
        mix: mix.rate,
        mix_undisturbed: mix.undisturbed,
    })
}

/// Makes the messages with the numbers below `count` on all threads.
fn signed(count: u64, threads: usize, make: impl Fn(u64) -> Envelope + Sync) -> Vec<Envelope> {
    let numbers: Vec<u64> = (0..count).collect();
    thread::scope(|scope| {
        let make = &make;
        let parts: Vec<_> = numbers
            .chunks(numbers.len().div_ceil(threads))
            .map(|part| scope.spawn(move || part.iter().map(|&number| make(number)).collect::<Vec<_>>()))
            .collect();
        parts
            .into_iter()
            .flat_map(|part| part.join().expect("signing does not panic"))
            .collect()
    })
}

/// Checks per second of all threads together.
#[derive(Clone, Copy)]
struct Checks {
    rate: f64,
    undisturbed: Option<f64>,
}

/// Each thread checks its share of the messages, again and again, until the time is over.
fn checks_per_second(messages: &[Envelope], threads: usize, duration: Duration) -> Result<Checks> {
    for message in messages {
        ensure!(verify(message).is_ok(), "a generated message does not verify");
    }
    let parts: Vec<Checks> = thread::scope(|scope| {
        let parts: Vec<_> = messages
            .chunks(messages.len().div_ceil(threads))
            .map(|part| scope.spawn(move || check_for(part, duration)))
            .collect();
        parts
            .into_iter()
            .map(|part| part.join().expect("verification does not panic"))
            .collect()
    });
    Ok(Checks {
        rate: parts.iter().map(|part| part.rate).sum(),
        undisturbed: parts.iter().map(|part| part.undisturbed).sum(),
    })
}

fn check_for(messages: &[Envelope], duration: Duration) -> Checks {
    let clock = SystemClock::new();
    let cpu_before = machine::thread_cpu();
    let mut valid = 0u64;
    loop {
        // The clock is read once for many checks, so that it costs nothing.
        for chunk in messages.chunks(64) {
            valid += chunk.iter().filter(|message| verify(message).is_ok()).count() as u64;
            let elapsed = clock.monotonic();
            if elapsed >= duration {
                let cpu = cpu_before.zip(machine::thread_cpu());
                let rate = |time: Duration| valid as f64 / time.as_secs_f64().max(1e-9);
                return Checks {
                    rate: rate(elapsed),
                    undisturbed: cpu.map(|(before, after)| rate(after.saturating_sub(before))),
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_is_counted() {
        let limit = measure_with(200, 2, Duration::from_millis(20)).unwrap();
        assert_eq!(limit.threads, 2);
        assert!(limit.ethereum > 0.0 && limit.solana > 0.0 && limit.mix > 0.0);
        measure(0, Duration::ZERO).unwrap_err();
    }
}
