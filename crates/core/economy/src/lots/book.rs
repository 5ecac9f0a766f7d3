//! The ledger kept up to date while posts come and go.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::Hash,
    mem,
    ops::Bound,
};

use alephd_message::Micros;

use super::{
    Account, Body, Lot, Outcome, Position, Post, Row, Walk, rows,
    walk::{granted, received, send},
};

/// All credit posts and what they result in.
///
/// Taking a post in or out costs its own size if it is the last one of every account in it, which
/// is what happens as time goes on. Otherwise each account that it touches is walked anew from
/// its first post, and so is each account that thereby gets something else from a transfer. Memory is
/// some three hundred bytes for a post of one line.
#[derive(Clone, Debug)]
pub struct Book<A> {
    posts: BTreeMap<Position, Entry<A>>,
    accounts: HashMap<A, Timeline>,
}

#[derive(Clone, Debug)]
struct Entry<A> {
    post: Post<A>,
    outcome: Outcome,
}

/// An account after its last post.
#[derive(Clone, Debug, Default)]
struct Timeline {
    /// Positions of the posts that touch it, ascending.
    posts: Vec<Position>,
    state: Account,
}

/// What deciding a transfer anew leads to.
struct Resent<A> {
    /// Its outcome is another one.
    changed: bool,
    /// Recipients that get something else and have not been walked so far.
    newcomers: Vec<A>,
}

/// What else than itself a post changed by coming or going.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes<A> {
    /// Accounts whose lots may have changed.
    pub accounts: BTreeSet<A>,
    /// Transfers that now move something else, or have become void or valid.
    pub transfers: BTreeSet<Position>,
}

impl<A> Default for Changes<A> {
    fn default() -> Self {
        Self {
            accounts: BTreeSet::new(),
            transfers: BTreeSet::new(),
        }
    }
}

impl<A> Default for Book<A> {
    fn default() -> Self {
        Self {
            posts: BTreeMap::new(),
            accounts: HashMap::new(),
        }
    }
}

impl<A: Clone + Ord + Hash> Book<A> {
    /// The full computation. Posts come in any order; one that occurs twice counts once.
    pub fn from_posts(posts: impl IntoIterator<Item = Post<A>>) -> Self {
        let mut sorted: Vec<Post<A>> = posts.into_iter().collect();
        sorted.sort_unstable_by(|a, b| a.position.cmp(&b.position));
        sorted.dedup_by(|a, b| a.position == b.position);
        let mut walk = Walk::default();
        let mut accounts: HashMap<A, Timeline> = HashMap::new();
        let mut entries = Vec::with_capacity(sorted.len());
        for post in sorted {
            let outcome = walk.apply(&post);
            for account in post.accounts() {
                let posts = match accounts.get_mut(account) {
                    Some(timeline) => &mut timeline.posts,
                    None => &mut accounts.entry(account.clone()).or_default().posts,
                };
                if posts.last() != Some(&post.position) {
                    posts.push(post.position.clone());
                }
            }
            entries.push((post.position.clone(), Entry { post, outcome }));
        }
        for (account, state) in walk.into_accounts() {
            accounts.entry(account).or_default().state = state;
        }
        Self {
            posts: entries.into_iter().collect(),
            accounts,
        }
    }

    /// Takes a post in. Nothing happens if it is there already.
    pub fn insert(&mut self, post: Post<A>) -> Changes<A> {
        let position = post.position.clone();
        if self.posts.contains_key(&position) {
            return Changes::default();
        }
        let accounts: BTreeSet<A> = post.accounts().cloned().collect();
        // States first: they are those before the post as long as no timeline has it.
        let states = self.take_states(&accounts, &position);
        for account in &accounts {
            let posts = &mut self.accounts.entry(account.clone()).or_default().posts;
            let place = posts.partition_point(|other| *other < position);
            posts.insert(place, position.clone());
        }
        let outcome = Outcome::Applied;
        self.posts.insert(position.clone(), Entry { post, outcome });
        self.walk_from(Bound::Included(&position), states)
    }

    /// Takes a post out again.
    pub fn remove(&mut self, position: &Position) -> Changes<A> {
        let Some(entry) = self.posts.get(position) else {
            return Changes::default();
        };
        let accounts: BTreeSet<A> = entry.post.accounts().cloned().collect();
        let states = self.take_states(&accounts, position);
        self.posts.remove(position);
        for account in &accounts {
            if let Some(timeline) = self.accounts.get_mut(account)
                && let Ok(place) = timeline.posts.binary_search(position)
            {
                timeline.posts.remove(place);
            }
        }
        let changes = self.walk_from(Bound::Excluded(position), states);
        for account in &accounts {
            if self.accounts.get(account).is_some_and(|it| it.posts.is_empty()) {
                self.accounts.remove(account);
            }
        }
        changes
    }

    /// Whether a post is there.
    pub fn contains(&self, position: &Position) -> bool {
        self.posts.contains_key(position)
    }

    /// What became of a post.
    pub fn outcome(&self, position: &Position) -> Option<&Outcome> {
        self.posts.get(position).map(|entry| &entry.outcome)
    }

    /// The rows of a post in the histories of accounts.
    pub fn rows<'a>(&'a self, position: &Position) -> impl Iterator<Item = Row<&'a A>> + use<'a, A> {
        let entry = self.posts.get(position).into_iter();
        entry.flat_map(|entry| rows(&entry.post, &entry.outcome))
    }

    /// The history of an account, oldest first.
    pub fn history<'a>(&'a self, account: &'a A) -> impl Iterator<Item = (&'a Position, Row<&'a A>)> {
        let timeline = self.accounts.get(account);
        let posts = timeline.into_iter().flat_map(|timeline| &timeline.posts);
        posts.flat_map(move |position| {
            let rows = self.rows(position);
            rows.filter(move |row| row.account == account)
                .map(move |row| (position, row))
        })
    }

    /// The lots of an account at an instant. Posts dated later have not happened: neither their
    /// grants nor their expenses count.
    pub fn account(&self, account: &A, at: Micros) -> Cow<'_, Account> {
        let Some(timeline) = self.accounts.get(account) else {
            return Cow::Owned(Account::default());
        };
        let happened = timeline.posts.partition_point(|position| position.time <= at);
        self.replay(account, timeline, happened)
    }

    /// Credits of an account that are valid at an instant.
    pub fn balance(&self, account: &A, at: Micros) -> u128 {
        self.account(account, at).balance(at)
    }

    /// What an account has for a message at this position: the credits that the posts before it
    /// left. Whether a transfer that is not in the book would be covered is a comparison with this.
    pub fn balance_before(&self, account: &A, position: &Position) -> u128 {
        let Some(timeline) = self.accounts.get(account) else {
            return 0;
        };
        let before = timeline.posts.partition_point(|other| other < position);
        self.replay(account, timeline, before).balance(position.time)
    }

    /// When the balance of an account next changes without a new post: a lot ends, or the time of
    /// a post comes.
    pub fn next_change(&self, account: &A, after: Micros) -> Option<Micros> {
        let timeline = self.accounts.get(account)?;
        let happened = timeline.posts.partition_point(|position| position.time <= after);
        let post = timeline.posts.get(happened).map(|position| position.time);
        let end = self.account(account, after).next_expiration(after);
        post.into_iter().chain(end).min()
    }

    /// Every account that occurs in a post, in no particular order.
    pub fn accounts(&self) -> impl Iterator<Item = &A> {
        self.accounts.keys()
    }

    /// Takes out the states of accounts as the posts before a position left them. [`Self::walk_from`]
    /// must put them back.
    fn take_states(&mut self, accounts: &BTreeSet<A>, position: &Position) -> BTreeMap<A, Account> {
        let mut states = BTreeMap::new();
        for account in accounts {
            states.insert(account.clone(), self.take_state(account, position));
        }
        states
    }

    fn take_state(&mut self, account: &A, position: &Position) -> Account {
        let Some(timeline) = self.accounts.get_mut(account) else {
            return Account::default();
        };
        let before = timeline.posts.partition_point(|other| other < position);
        if before == timeline.posts.len() {
            // Taken rather than cloned: this is the common case, and an account may have many lots.
            return mem::take(&mut timeline.state);
        }
        match self.accounts.get(account) {
            Some(timeline) => self.replay(account, timeline, before).into_owned(),
            None => Account::default(),
        }
    }

    /// The account after the first `count` of its posts, by their recorded outcomes.
    fn replay<'a>(&'a self, account: &A, timeline: &'a Timeline, count: usize) -> Cow<'a, Account> {
        if count == timeline.posts.len() {
            return Cow::Borrowed(&timeline.state);
        }
        let mut states = BTreeMap::from([(account.clone(), Account::default())]);
        for position in &timeline.posts[..count] {
            if let Some(entry) = self.posts.get(position) {
                apply_to(&mut states, &entry.post, &entry.outcome);
            }
        }
        Cow::Owned(states.remove(account).unwrap_or_default())
    }

    /// Walks these accounts from a position on, and whatever turns out to depend on them.
    fn walk_from(&mut self, start: Bound<&Position>, mut states: BTreeMap<A, Account>) -> Changes<A> {
        let mut ahead = BTreeSet::new();
        for account in states.keys() {
            ahead.extend(self.posts_after(account, start));
        }
        let mut changes = Changes::default();
        while let Some(position) = ahead.pop_first() {
            let joining = self.send_again(&position, &mut states);
            for account in joining.newcomers {
                ahead.extend(self.posts_after(&account, Bound::Excluded(&position)));
                let state = self.take_state(&account, &position);
                states.insert(account, state);
            }
            if let Some(entry) = self.posts.get(&position) {
                receive(&mut states, &entry.post, &entry.outcome);
            }
            if joining.changed && start != Bound::Included(&position) {
                changes.transfers.insert(position);
            }
        }
        for (account, state) in states {
            self.accounts.entry(account.clone()).or_default().state = state;
            changes.accounts.insert(account);
        }
        changes
    }

    /// Decides a transfer anew if its sender is among those that are walked.
    fn send_again(&mut self, position: &Position, states: &mut BTreeMap<A, Account>) -> Resent<A> {
        let mut result = Resent {
            changed: false,
            newcomers: Vec::new(),
        };
        let Some(Entry { post, outcome: known }) = self.posts.get_mut(position) else {
            return result;
        };
        let Body::Transfer(transfer) = &post.body else {
            return result;
        };
        let Some(sender) = states.get_mut(&transfer.sender) else {
            return result;
        };
        let outcome = send(transfer, sender, position.time);
        if outcome.moved() != known.moved() {
            let newcomers: BTreeSet<&A> = post
                .accounts()
                .filter(|account| !states.contains_key(*account))
                .collect();
            result.newcomers = newcomers.into_iter().cloned().collect();
        }
        result.changed = outcome != *known;
        *known = outcome;
        result
    }

    fn posts_after(&self, account: &A, start: Bound<&Position>) -> Vec<Position> {
        let posts = self.accounts.get(account).map_or(&[][..], |it| &it.posts);
        let first = match start {
            Bound::Included(start) => posts.partition_point(|other| other < start),
            Bound::Excluded(start) => posts.partition_point(|other| other <= start),
            Bound::Unbounded => 0,
        };
        posts[first..].to_vec()
    }
}

/// Applies a post with a known outcome to those of its accounts that are in `states`.
fn apply_to<A: Ord>(states: &mut BTreeMap<A, Account>, post: &Post<A>, outcome: &Outcome) {
    let now = post.position.time;
    if let Body::Transfer(transfer) = &post.body
        && !outcome.moved().is_empty()
        && let Some(sender) = states.get_mut(&transfer.sender)
    {
        for line in &transfer.lines {
            sender.drain(line.amount, now, |_| ());
        }
    }
    receive(states, post, outcome);
}

/// As [`apply_to`], but for the sender of a transfer.
fn receive<A: Ord>(states: &mut BTreeMap<A, Account>, post: &Post<A>, outcome: &Outcome) {
    let position = &post.position;
    let mut grant = |account: &A, lot: Lot| {
        if let Some(state) = states.get_mut(account) {
            state.grant(lot);
        }
    };
    match &post.body {
        Body::Grants { lines, .. } => {
            for (index, line) in (0..).zip(lines) {
                grant(&line.account, granted(line, position, index));
            }
        }
        Body::Expenses(lines) => {
            for line in lines {
                if let Some(state) = states.get_mut(&line.account) {
                    state.drain(line.amount, position.time, |_| ());
                }
            }
        }
        Body::Transfer(transfer) => {
            for (line, lot) in received(transfer, outcome, position) {
                grant(&line.account, lot);
            }
        }
    }
}
