//! As many messages as wanted, in the mix of real traffic.
//!
//! | share | type |
//! |---|---|
//! | 55 % | POST in several types and channels, some with tags, 2 % of them by delegates |
//! | 20 % | AGGREGATE in a dozen keys, with fields that replace each other |
//! | 10 % | STORE of one of a few files, some labelled, some revisions of another |
//! | 8 % | amends of earlier posts |
//! | 5 % | FORGET of earlier posts, aggregate elements and stores |
//! | 2 % | PROGRAM, INSTANCE and V-PROGRAM whose files are earlier stores |
//!
//! Contents have 300 to 2,000 bytes, but for the first nine messages: they give credits and
//! delegations, and are as long as they need to be. A tenth of the senders are accounts of Solana, the others
//! of Ethereum; some send much more than others.
//!
//! # What callers may rely on
//!
//! - The messages are a function of the [`Config`]; a smaller `count` with the same seed and
//!   [`Config::distance`] gives the first of the messages.
//! - All are valid in the order in which they come, on a network that trusts
//!   [`keys::funder`] and has the [`files`]. They need not arrive in that order:
//!   whatever a message refers to comes at least [`Config::distance`] messages before it, so a
//!   load generator with fewer requests in flight never sends them the wrong way round.
//! - Content times increase by about a second a message. They lie before the dates from which on
//!   files and functions cost something, so the mix needs no balances; the few V-PROGRAMs are
//!   paid for by credits from the first message.

mod contents;
mod filler;
mod pool;
mod write;

use alephd_message::ItemHash;
use alephd_signature::sign::Signer;

use self::pool::{Entry, Pool};
use crate::{
    builder::{self, Draft, Unsigned},
    keys::{self, Account},
    rng::Rng,
    sha256,
};

pub use write::write_jsonl;

/// Content time of the first message: the first second of 2025.
const START: u64 = 1_735_689_600;
/// Owners that delegate, and as many delegates after them. The owners also hold the credits.
const DELEGATIONS: usize = 8;
/// Fewest accounts that leave room for those roles.
const MIN_SENDERS: usize = 32;
/// Earlier messages that are remembered, of each kind, to be referred to.
const REMEMBERED: usize = 20_000;

/// What to make.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the randomness comes from.
    pub seed: u64,
    /// Number of messages.
    pub count: u64,
    /// Number of accounts; at least 32 are made.
    pub senders: usize,
    /// Smallest number of messages between one and what it refers to.
    pub distance: u64,
    /// Files that the STORE messages name; must not be empty.
    pub files: Vec<ItemHash>,
}

impl Config {
    /// `count` messages of 10,000 senders, with the files of [`files`].
    pub fn new(seed: u64, count: u64) -> Self {
        Self {
            seed,
            count,
            senders: 10_000,
            // Twice as many as any load generator of ours has in flight. Small sets get less, or
            // they would contain nothing that refers to anything.
            distance: 512.min(count / 8),
            files: files().iter().map(|bytes| sha256(bytes)).collect(),
        }
    }
}

/// The files that the STORE messages name: sixteen, of 1 to 16 KiB. A node needs them before the
/// messages.
pub fn files() -> Vec<Vec<u8>> {
    (1..=16)
        .map(|kib: u64| {
            let mut rng = Rng::new(kib);
            (0..kib * 128).flat_map(|_| rng.bits().to_le_bytes()).collect()
        })
        .collect()
}

/// The accounts of a workload.
#[derive(Debug)]
pub struct Accounts {
    senders: Vec<Account>,
    funder: Account,
}

impl Accounts {
    /// The accounts that `config` asks for.
    pub fn new(config: &Config) -> Self {
        let count = config.senders.max(MIN_SENDERS) as u64;
        Self {
            senders: (0..count).map(Account::numbered).collect(),
            funder: keys::funder().into(),
        }
    }
}

/// The messages of a [`Config`], one after the other, without their signatures.
pub struct Workload<'a> {
    accounts: &'a Accounts,
    files: Vec<ItemHash>,
    distance: u64,
    rng: Rng,
    index: u64,
    count: u64,
    posts: Pool,
    elements: Pool,
    stores: Pool,
}

impl<'a> Workload<'a> {
    /// The messages of `config`, sent by `accounts`, which must have been made from it.
    pub fn new(accounts: &'a Accounts, config: &Config) -> Self {
        Self {
            accounts,
            files: config.files.clone(),
            distance: config.distance,
            rng: Rng::new(config.seed),
            index: 0,
            count: config.count,
            posts: Pool::new(REMEMBERED),
            elements: Pool::new(REMEMBERED),
            stores: Pool::new(REMEMBERED),
        }
    }

    fn produce(&mut self) -> Unsigned<'a> {
        if let Some(prelude) = self.prelude() {
            return self.finish(prelude);
        }
        match self.rng.below(1_000) {
            0..550 => self.post(),
            550..750 => self.aggregate(),
            750..850 => self.store(),
            850..930 => self.amend(),
            930..980 => self.forget(),
            980..990 => self.program(),
            990..997 => self.instance(),
            _ => self.vprogram(),
        }
    }

    /// Credits and delegations come first, since later messages need them.
    fn prelude(&self) -> Option<Draft<'a>> {
        let index = usize::try_from(self.index).ok()?;
        let delegators = &self.accounts.senders[..DELEGATIONS];
        match index {
            0 => {
                let credits: Vec<_> = delegators
                    .iter()
                    .map(|account| (account.address(), 1 << 40))
                    .collect();
                Some(builder::credit_distribution(&self.accounts.funder, &credits))
            }
            1..=DELEGATIONS => {
                let delegate = &self.accounts.senders[DELEGATIONS + index - 1];
                let grant = builder::grant(delegate.address());
                Some(builder::security(&delegators[index - 1], &[grant]))
            }
            _ => None,
        }
    }

    fn post(&mut self) -> Unsigned<'a> {
        let may_delegate = self.index > self.distance + DELEGATIONS as u64;
        if may_delegate && self.rng.chance(2) {
            let pair = self.rng.below(DELEGATIONS as u64) as usize;
            let owner = self.accounts.senders[pair].address();
            let delegate = &self.accounts.senders[DELEGATIONS + pair];
            let draft = contents::post(delegate, &mut self.rng).on_behalf_of(owner);
            return self.finish(draft);
        }
        let (sender, account) = self.sender();
        let mut draft = contents::post(account, &mut self.rng);
        if self.rng.chance(10)
            && let Some(parent) = self.posts.any(self.index, &mut self.rng)
        {
            draft = draft.reference(&parent.hash);
        }
        let post = self.finish(draft);
        let entry = self.entry(&post, sender);
        self.posts.remember(entry, &mut self.rng);
        post
    }

    fn aggregate(&mut self) -> Unsigned<'a> {
        let (sender, account) = self.sender();
        let draft = contents::aggregate(account, &mut self.rng);
        let element = self.finish(draft);
        let entry = self.entry(&element, sender);
        self.elements.remember(entry, &mut self.rng);
        element
    }

    fn store(&mut self) -> Unsigned<'a> {
        let file = self.rng.pick(&self.files).clone();
        let kind = self.rng.below(100);
        // A revision is one by the same owner of a store that is none itself, which from then on
        // is not forgotten: the order of the two would matter.
        if kind < 5
            && let Some(original) = self.stores.any(self.index, &mut self.rng)
        {
            original.quiet_from = u64::MAX;
            let (account, hash) = (&self.accounts.senders[original.sender], original.hash.clone());
            let draft = contents::store(account, &file, &mut self.rng).reference(hash);
            return self.finish(draft);
        }
        let (sender, account) = self.sender();
        let draft = contents::store(account, &file, &mut self.rng);
        if kind < 15 {
            let label = format!("label-{}", self.rng.below(4));
            return self.finish(draft.reference(label));
        }
        let store = self.finish(draft);
        let entry = self.entry(&store, sender);
        self.stores.remember(entry, &mut self.rng);
        store
    }

    fn amend(&mut self) -> Unsigned<'a> {
        let quiet_from = self.index + self.distance;
        let Some(target) = self.posts.any(self.index, &mut self.rng) else {
            return self.post();
        };
        target.quiet_from = quiet_from;
        let (account, hash) = (&self.accounts.senders[target.sender], target.hash.clone());
        let draft = contents::amend(account, &hash, &mut self.rng);
        self.finish(draft)
    }

    fn forget(&mut self) -> Unsigned<'a> {
        let pool = match self.rng.below(10) {
            0 => &mut self.elements,
            1 => &mut self.stores,
            _ => &mut self.posts,
        };
        let Some(target) = pool.take_quiet(self.index, &mut self.rng) else {
            return self.post();
        };
        let account = &self.accounts.senders[target.sender];
        let draft = contents::forget(account, &target.hash, &mut self.rng);
        self.finish(draft)
    }

    fn program(&mut self) -> Unsigned<'a> {
        let (Some(code), Some(runtime), Some(data)) = (self.volume(), self.volume(), self.volume()) else {
            return self.store();
        };
        let (_, account) = self.sender();
        let draft = contents::program(account, [&code, &runtime, &data], &mut self.rng);
        self.finish(draft)
    }

    fn instance(&mut self) -> Unsigned<'a> {
        let Some(rootfs) = self.volume() else {
            return self.store();
        };
        let (_, account) = self.sender();
        let draft = contents::instance(account, &rootfs, &mut self.rng);
        self.finish(draft)
    }

    fn vprogram(&mut self) -> Unsigned<'a> {
        if self.index < self.distance {
            return self.post();
        }
        let Some(file) = self.volume() else {
            return self.store();
        };
        let account = self.rng.pick(&self.accounts.senders[..DELEGATIONS]);
        let draft = contents::vprogram(account, &file, &mut self.rng);
        self.finish(draft)
    }

    /// A store that some machine uses from now on, so that it is not forgotten.
    fn volume(&mut self) -> Option<ItemHash> {
        let store = self.stores.any(self.index, &mut self.rng)?;
        store.quiet_from = u64::MAX;
        Some(store.hash.clone())
    }

    /// Few accounts send much and many send little: the density falls with the square root.
    fn sender(&mut self) -> (usize, &'a Account) {
        let count = self.accounts.senders.len();
        let unit = self.rng.unit();
        let sender = ((unit * unit * count as f64) as usize).min(count - 1);
        (sender, &self.accounts.senders[sender])
    }

    /// Gives `draft` its times and writes it.
    fn finish(&mut self, draft: Draft<'a>) -> Unsigned<'a> {
        let micros = (START + self.index) * 1_000_000 + self.rng.below(1_000_000);
        let delay = self.rng.below(2_000_000);
        draft
            .at(micros as f64 / 1e6)
            .sent_at((micros + delay) as f64 / 1e6)
            .freeze()
    }

    fn entry(&self, message: &Unsigned<'a>, sender: usize) -> Entry {
        let ready_from = self.index + self.distance;
        Entry {
            hash: message.item_hash().clone(),
            sender,
            ready_from,
            quiet_from: ready_from,
        }
    }
}

impl<'a> Iterator for Workload<'a> {
    type Item = Unsigned<'a>;

    fn next(&mut self) -> Option<Unsigned<'a>> {
        if self.index >= self.count {
            return None;
        }
        let message = self.produce();
        self.index += 1;
        Some(message)
    }
}

#[cfg(test)]
mod tests;
