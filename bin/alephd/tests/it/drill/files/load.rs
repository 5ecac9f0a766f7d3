//! Clients that upload, store and forget files until the node dies under them.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use alephd_message::ItemHash;
use alephd_testkit::{builder, keys, process::Node, rng::Rng, sha256};
use serde_json::json;

use super::ledger::{Ledger, Store};
use crate::drill::{
    client::{Answer, Client},
    clock::{self, Clock},
    traffic::Source,
};

/// Clients, each with one request under way.
pub(super) const CLIENTS: usize = 6;
/// Largest ordinary file, and the largest of all.
const ORDINARY: u64 = 48 << 10;
const LARGE: u64 = 12 << 20;
/// Credits of an account: more than all its files need for a day.
const CREDITS: u64 = 1_000_000_000_000;

/// What all clients share.
pub(super) struct World {
    pub(super) ledger: Mutex<Ledger>,
    pub(super) clock: Clock,
    /// The present epoch: the clock is never behind it.
    epoch: AtomicU32,
    /// Counts messages, for each has its own time.
    messages: AtomicU64,
}

/// When a node dies, and what happens before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// Acknowledgements to wait for.
    after: usize,
    /// Acknowledgements after which a day passes, with the load going on.
    day_after: Option<usize>,
    /// How long to wait from `after` on.
    delay: Duration,
    seed: u64,
    round: u64,
}

impl Plan {
    pub(super) fn random(round: u64, rng: &mut Rng) -> Self {
        let after = 60 + rng.below(140) as usize;
        Self {
            after,
            day_after: rng.chance(60).then(|| rng.below(after as u64) as usize),
            delay: Duration::from_micros(rng.below(20_000)),
            seed: rng.bits(),
            round,
        }
    }
}

impl World {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            ledger: Mutex::default(),
            clock,
            epoch: AtomicU32::new(0),
            messages: AtomicU64::new(0),
        }
    }

    pub(super) fn epoch(&self) -> u32 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// A day passes: uploads of the last epoch are due.
    pub(super) fn next_epoch(&self) {
        self.clock.set(self.epoch() + 1);
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    /// Messages so far, and one more.
    pub(super) fn count(&self) -> u64 {
        self.messages.fetch_add(1, Ordering::SeqCst)
    }

    /// A time for a message of this epoch, later than that of any message before.
    fn time(&self, epoch: u32) -> f64 {
        clock::begin(epoch) + self.count() as f64 * 1e-5
    }

    /// Gives credits to the accounts that pay, for ever, and to those that pay in this epoch only.
    pub(super) fn fund(&self, node: SocketAddr) -> Result<(), String> {
        let epoch = self.epoch();
        let end = (clock::begin(epoch) + 25.0 * 3_600.0) * 1_000.0;
        let line = |name: &str, end: Option<f64>| {
            let account = keys::evm(name);
            let mut line = json!({"address": account.address(), "amount": CREDITS, "price": "0.000001",
                "tx_hash": "0x00", "provider": "ALEPH"});
            if let Some(end) = end {
                line["expiration"] = json!(end as u64);
            }
            line
        };
        let mut lines: Vec<_> = (0..CLIENTS)
            .map(|client| line(&poor(client, epoch), Some(end)))
            .collect();
        if epoch == 0 {
            lines.extend((0..CLIENTS).map(|client| line(&rich(client), None)));
        }
        let funder = keys::funder();
        let post = builder::credit_distribution_to(&funder, lines).at(self.time(epoch));
        let wire = builder::wire(&post.seal());
        let answer = Client::connect(node).and_then(|mut client| client.publish(&wire));
        let answer = answer.map_err(|error| format!("funding: {error}"))?;
        match answer.status {
            200 => Ok(()),
            _ => Err(format!(
                "funding is answered with {}: {}",
                answer.status,
                answer.text()
            )),
        }
    }
}

/// The account of a client that pays for ever.
fn rich(client: usize) -> String {
    format!("rich-{client}")
}

/// Its account that pays in this epoch.
fn poor(client: usize, epoch: u32) -> String {
    format!("poor-{client}-{epoch}")
}

/// Loads the node until it dies as planned.
pub(super) fn until_death(node: Node, world: &World, plan: Plan) -> Result<(), String> {
    let address = node.address();
    let is_dying = AtomicUsize::new(0);
    let (events, received) = sync_channel(1_024);
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (events, is_dying) = (events.clone(), &is_dying);
            scope.spawn(move || {
                let mut user = User::new(client, world, plan);
                let end = user.use_node(address, &events);
                if let Err(error) = end
                    && is_dying.load(Ordering::SeqCst) == 0
                {
                    // Nobody listens when an earlier error has ended the load.
                    let _ = events.send(Err(error));
                }
            });
        }
        drop(events);
        let (mut node, mut done, mut passes) = (Some(node), 0, plan.day_after);
        for event in received {
            event?;
            done += 1;
            if passes.is_some_and(|after| done >= after) {
                passes = None;
                world.next_epoch();
                world.fund(address)?;
            }
            if done >= plan.after
                && let Some(node) = node.take()
            {
                let is_dying = &is_dying;
                scope.spawn(move || {
                    // The moment is the point of the drill, and nothing is asserted of it.
                    thread::park_timeout(plan.delay);
                    is_dying.store(1, Ordering::SeqCst);
                    node.kill().unwrap();
                });
            }
        }
        match node {
            Some(_) => Err("the clients ended before the node was killed".to_owned()),
            None => Ok(()),
        }
    })
}

/// One client.
struct User<'a> {
    number: usize,
    world: &'a World,
    rng: Rng,
    round: u64,
    /// Its STOREs that can be forgotten, from this round.
    own: Vec<usize>,
}

/// Why a client ends: the connection broke, or the node gave an answer that it must not give.
type Broken = String;

impl<'a> User<'a> {
    fn new(number: usize, world: &'a World, plan: Plan) -> Self {
        Self {
            number,
            world,
            rng: Rng::new(plan.seed.wrapping_add(number as u64)),
            round: plan.round,
            own: Vec::new(),
        }
    }

    fn use_node(&mut self, node: SocketAddr, events: &SyncSender<Result<(), Broken>>) -> Result<(), Broken> {
        let mut client = Client::connect(node).map_err(|error| error.to_string())?;
        loop {
            let done = match self.rng.below(100) {
                0..45 => self.upload(&mut client)?,
                45..65 => self.store(&mut client, true)?,
                65..80 => self.store(&mut client, false)?,
                _ => self.forget(&mut client)?,
            };
            if done && events.send(Ok(())).is_err() {
                return Ok(());
            }
        }
    }

    /// A new file, or one that was sent before and may be about to be deleted.
    fn file(&mut self) -> (ItemHash, Source) {
        let mut ledger = self.world.ledger.lock().unwrap();
        let again = self
            .rng
            .chance(30)
            .then(|| ledger.again(self.rng.bits()))
            .flatten();
        let (hash, source) = again.unwrap_or_else(|| {
            let most = if self.rng.below(40) == 0 { LARGE } else { ORDINARY };
            let source = Source::Random {
                seed: self.rng.bits(),
                length: 1 + self.rng.below(most),
            };
            (sha256(&source.make()), source)
        });
        ledger.sent(&hash, source);
        (hash, source)
    }

    fn upload(&mut self, client: &mut Client) -> Result<bool, Broken> {
        let epoch = self.world.epoch();
        let (hash, source) = self.file();
        let answer = client.upload(&source.make());
        self.uploaded(&hash, epoch, answer, &[503])
    }

    /// A file with a STORE. The poor may find that their credits have ended.
    fn store(&mut self, client: &mut Client, is_paid: bool) -> Result<bool, Broken> {
        let epoch = self.world.epoch();
        let (file, source) = self.file();
        let account = if is_paid {
            rich(self.number)
        } else {
            poor(self.number, epoch)
        };
        let account = keys::evm(&account);
        let draft = builder::store(&account, &file)
            .set("payment", json!({"type": "credit"}))
            .at(self.world.time(epoch));
        let envelope = draft.seal();
        let number = self.world.ledger.lock().unwrap().store(Store {
            message: envelope.item_hash.clone(),
            file: file.clone(),
            is_acknowledged: false,
            is_paid,
            epoch,
            forgotten: None,
        });
        let answer = client.upload_form(&source.make(), Some(&builder::wire(&envelope)));
        let refusals: &[u16] = if is_paid { &[503] } else { &[402, 422, 503] };
        let done = self.uploaded(&file, epoch, answer, refusals)?;
        if done {
            self.world.ledger.lock().unwrap().stored(number);
            if is_paid {
                self.own.push(number);
            }
        }
        Ok(done)
    }

    fn forget(&mut self, client: &mut Client) -> Result<bool, Broken> {
        if self.own.is_empty() {
            return Ok(false);
        }
        let number = self
            .own
            .swap_remove(self.rng.below(self.own.len() as u64) as usize);
        let epoch = self.world.epoch();
        let target = {
            let mut ledger = self.world.ledger.lock().unwrap();
            ledger.forgetting(number, epoch);
            ledger.message(number)
        };
        let account = keys::evm(&rich(self.number));
        let forget = builder::forget(&account, &[target]).at(self.world.time(epoch));
        let answer = client.publish(&builder::wire(&forget.seal())).map_err(text)?;
        match answer.status {
            200 => Ok(true),
            _ => Err(format!(
                "a FORGET is answered with {}: {}",
                answer.status,
                answer.text()
            )),
        }
    }

    /// Notes an answer to an upload. Says whether the file was taken.
    fn uploaded(
        &mut self,
        file: &ItemHash,
        epoch: u32,
        answer: io::Result<Answer>,
        refusals: &[u16],
    ) -> Result<bool, Broken> {
        let answer = answer.map_err(text)?;
        let told = answer.json().map(|json| json["hash"] == file.to_string());
        match answer.status {
            200 if told.is_ok_and(|is_right| is_right) => {
                let mut ledger = self.world.ledger.lock().unwrap();
                ledger.uploaded(file, epoch, self.round);
                Ok(true)
            }
            status if refusals.contains(&status) => Ok(false),
            // A day passed between the file and its STORE, which waits for the file now.
            202 if self.world.epoch() > epoch => Ok(false),
            status => Err(format!("an upload is answered with {status}: {}", answer.text())),
        }
    }
}

fn text(error: io::Error) -> String {
    format!("a connection broke before the node was killed: {error}")
}
