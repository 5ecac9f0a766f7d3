//! A database filled by plain inserts, and the same rows as values for slow, obvious filters.
//!
//! Few different times and hash prefixes make many ties; rare senders make many streams.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rusqlite::{Connection, params};

use alephd_message::{Chain, ItemHash, MessageType, Micros, PaymentType};
use alephd_rules::MessageStatus;
use alephd_store::{Counter, Reader, Store, StoreConfig, Term};

/// A message.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) id: i64,
    pub(crate) hash: ItemHash,
    pub(crate) status: MessageStatus,
    pub(crate) kind: MessageType,
    pub(crate) chain: Chain,
    pub(crate) sender: String,
    pub(crate) owner: String,
    pub(crate) channel: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) payment: Option<PaymentType>,
    pub(crate) time: i64,
    pub(crate) reference: Option<String>,
    pub(crate) file: Option<ItemHash>,
    pub(crate) tags: Vec<String>,
    pub(crate) confirmed: Option<(i64, i64)>,
    pub(crate) gone_at: Option<i64>,
}

/// An original post.
#[derive(Clone, Debug)]
pub(crate) struct PostModel {
    pub(crate) original: Model,
    pub(crate) latest: Model,
    pub(crate) updated: i64,
}

/// An aggregate.
#[derive(Clone, Debug)]
pub(crate) struct AggregateModel {
    pub(crate) owner: String,
    pub(crate) key: String,
    /// Numbers that break ties.
    pub(crate) ids: (i64, i64),
    pub(crate) created: i64,
    pub(crate) updated: i64,
}

pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) messages: Vec<Model>,
    pub(crate) posts: Vec<PostModel>,
    pub(crate) aggregates: Vec<AggregateModel>,
    _folder: tempfile::TempDir,
}

/// A small generator: the fixture is the same in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // Constants of Knuth's MMIX generator; the high bits are the good ones.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }
}

const MESSAGES: i64 = 2400;
const FREQUENT: u64 = 5;
pub(crate) const SENDERS: u64 = 90;

pub(crate) fn sender(number: u64) -> String {
    format!("0xA{number}")
}

pub(crate) fn channel(number: u64) -> String {
    format!("CHANNEL {number}")
}

pub(crate) fn label(number: u64) -> String {
    ["amend", "note", "blog", "profile", "security"][number as usize % 5].to_owned()
}

pub(crate) fn tag(number: u64) -> String {
    format!("tag-{number}")
}

pub(crate) fn reference(number: u64) -> String {
    format!("reference-{number}")
}

pub(crate) fn file(number: u64) -> ItemHash {
    ItemHash::Sha256([number as u8 + 100; 32])
}

/// Names with few different prefixes; some are CIDs.
pub(crate) fn hash(id: i64, dice: &mut Dice) -> ItemHash {
    let digits: String = format!("{id:04}")
        .chars()
        .map(|digit| char::from(b'a' + digit as u8 - b'0'))
        .collect();
    match dice.below(8) {
        0 => ItemHash::parse_strict(&format!("Qm{}{}", "A".repeat(40), digits)).expect("a CID"),
        1 => ItemHash::parse_strict(&format!("bafybei{}{}", "a".repeat(48), digits)).expect("a CID"),
        _ => {
            let mut bytes = [dice.below(6) as u8 * 40; 32];
            // What follows the prefix is in no order of ids.
            bytes[8] = dice.below(256) as u8;
            bytes[24..].copy_from_slice(&id.to_be_bytes());
            ItemHash::Sha256(bytes)
        }
    }
}

fn model(id: i64, dice: &mut Dice) -> Model {
    let number = if dice.one_in(4) {
        dice.below(SENDERS)
    } else {
        dice.below(FREQUENT)
    };
    let kind = MessageType::ALL[dice.below(7) as usize];
    let sender_text = sender(number);
    let status = match dice.below(12) {
        0 => MessageStatus::Forgotten,
        1 => MessageStatus::Removed,
        2 => MessageStatus::Pending,
        3 => MessageStatus::Removing,
        _ => MessageStatus::Processed,
    };
    let is_gone = matches!(status, MessageStatus::Forgotten | MessageStatus::Removed);
    let has_label = matches!(kind, MessageType::Post | MessageType::Aggregate);
    let has_reference = matches!(kind, MessageType::Post | MessageType::Store);
    let has_payment = !matches!(
        kind,
        MessageType::Post | MessageType::Aggregate | MessageType::Forget
    );
    let tags: BTreeSet<_> = (0..dice.below(4)).map(|_| tag(dice.below(6))).collect();
    Model {
        id,
        hash: hash(id, dice),
        status,
        kind,
        chain: if dice.one_in(3) { Chain::Sol } else { Chain::Eth },
        owner: if dice.one_in(4) {
            sender(dice.below(FREQUENT))
        } else {
            sender_text.clone()
        },
        sender: sender_text,
        channel: (!dice.one_in(5)).then(|| channel(dice.below(6))),
        label: has_label.then(|| label(dice.below(5))),
        payment: has_payment.then(|| PaymentType::ALL[dice.below(3) as usize]),
        time: dice.below(60) as i64 * 10,
        reference: (has_reference && !dice.one_in(3)).then(|| reference(dice.below(8))),
        file: (kind == MessageType::Store).then(|| file(dice.below(9))),
        tags: tags.into_iter().collect(),
        confirmed: (!dice.one_in(3)).then(|| {
            let height = dice.below(12) as i64;
            (height * 15, height)
        }),
        gone_at: (is_gone && !dice.one_in(4)).then(|| dice.below(50) as i64 * 10),
    }
}

impl Fixture {
    /// `factor` falsifies the counters, as if there were so many more rows: lists must not depend
    /// on them.
    pub(crate) fn new(factor: i64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = StoreConfig {
            readers: 2,
            ..StoreConfig::at(folder.path().join("store.sqlite"))
        };
        let store = Store::open(&config).expect("a new store");
        let mut connection = Connection::open(&config.path).expect("the same file");
        let mut dice = Dice(7);
        let messages: Vec<_> = (1..=MESSAGES).map(|id| model(id, &mut dice)).collect();
        let transaction = connection.transaction().expect("a transaction");
        let mut filler = Filler {
            connection: &transaction,
            ids: HashMap::new(),
            counters: BTreeMap::new(),
        };
        for message in &messages {
            filler.message(message);
        }
        let posts = filler.posts(&messages, &mut dice);
        let aggregates = filler.aggregates(&mut dice);
        filler.write_counters(factor);
        transaction.commit().expect("a commit");
        Self {
            store,
            messages,
            posts,
            aggregates,
            _folder: folder,
        }
    }

    pub(crate) fn reader(&self) -> Reader {
        self.store.reader()
    }
}

struct Filler<'a> {
    connection: &'a Connection,
    ids: HashMap<(&'static str, String), i64>,
    counters: BTreeMap<i64, i64>,
}

impl Filler<'_> {
    fn id(&mut self, table: &'static str, text: &str) -> i64 {
        let connection = self.connection;
        *self.ids.entry((table, text.to_owned())).or_insert_with(|| {
            connection
                .execute(&format!("INSERT INTO {table} (text) VALUES (?)"), [text])
                .expect("a new text");
            connection.last_insert_rowid()
        })
    }

    fn count(&mut self, counter: Counter) {
        *self.counters.entry(counter.id()).or_default() += 1;
    }

    fn message(&mut self, message: &Model) {
        let sender = self.id("addresses", &message.sender);
        let owner = self.id("addresses", &message.owner);
        let channel = message.channel.as_ref().map(|channel| self.id("names", channel));
        let label = message.label.as_ref().map(|label| self.id("names", label));
        self.connection
            .execute(
                "INSERT INTO messages (id, prefix, hash, status, accepted, type, chain, item_type, sender, owner,
                    channel, label, payment, time, content_time, reception, size, reference, signature,
                    item_content, gone_at, confirmed_at, confirmed_height)
                 VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, 0, ?7, ?8, ?9, ?10, ?11, ?12, ?12, ?13, 2, ?14, '0x', '{}',
                    ?15, ?16, ?17)",
                params![
                    message.id,
                    message.hash.order_prefix(),
                    message.hash.key(),
                    message.status.index(),
                    message.kind.index(),
                    message.chain.index(),
                    sender,
                    owner,
                    channel,
                    label,
                    message.payment.map(PaymentType::index),
                    message.time,
                    message.id * 10,
                    message.reference,
                    message.gone_at,
                    message.confirmed.map(|confirmed| confirmed.0),
                    message.confirmed.map(|confirmed| confirmed.1),
                ],
            )
            .expect("a message");
        if message.status.is_live() {
            self.live(message, (sender, owner), channel);
        }
    }

    fn live(&mut self, message: &Model, (sender, owner): (i64, i64), channel: Option<i64>) {
        self.connection
            .execute(
                "INSERT INTO sent (address, type, n, start) VALUES (?, ?, 1, '') ON CONFLICT DO UPDATE SET n = n + 1",
                params![sender, message.kind.index()],
            )
            .expect("a count");
        self.count(Counter::Type(message.kind));
        if let Some(channel) = channel {
            self.count(Counter::Channel(channel, message.kind));
        }
        if sender != owner {
            self.count(Counter::OwnedByOther(owner, message.kind));
            self.count(Counter::SentForOther(sender, message.kind));
        }
        let mut terms: Vec<i64> = message.tags.iter().map(|tag| Term::Tag(tag).id()).collect();
        terms.extend(
            message
                .reference
                .iter()
                .map(|reference| Term::Reference(reference).id()),
        );
        terms.extend(message.file.iter().map(|file| Term::ContentHash(file).id()));
        terms.extend(message.payment.map(|payment| Term::Payment(payment.index()).id()));
        terms.extend(message.label.iter().map(|label| match message.kind {
            MessageType::Post => Term::ContentType(label).id(),
            _ => Term::ContentKey(label).id(),
        }));
        if message.chain != Chain::Eth {
            terms.push(Term::Chain(message.chain.index()).id());
        }
        for term in terms {
            self.count(Counter::Term(term));
            self.connection
                .execute(
                    "INSERT INTO terms (term, time, prefix, message) VALUES (?, ?, ?, ?)",
                    params![term, message.time, message.hash.order_prefix(), message.id],
                )
                .expect("a term");
        }
    }

    /// Every second live post that is no amend is an original; some have an amend as revision.
    fn posts(&mut self, messages: &[Model], dice: &mut Dice) -> Vec<PostModel> {
        let live = |message: &&Model| message.kind == MessageType::Post && message.status.is_live();
        let is_amend = |message: &&Model| message.label.as_deref() == Some("amend");
        let amends: Vec<_> = messages.iter().filter(live).filter(is_amend).collect();
        let mut posts = Vec::new();
        for original in messages.iter().filter(live).filter(|message| !is_amend(message)) {
            let amended = dice.one_in(3);
            let latest = if amended {
                amends[dice.below(amends.len() as u64) as usize]
            } else {
                original
            };
            let updated = if amended {
                latest.time / 40 * 40
            } else {
                original.time / 40 * 40
            };
            let post = PostModel {
                original: original.clone(),
                latest: latest.clone(),
                updated,
            };
            self.post(&post);
            posts.push(post);
        }
        posts
    }

    fn post(&mut self, post: &PostModel) {
        let original = &post.original;
        let owner = self.id("addresses", &original.owner);
        let kind = self.id("names", original.label.as_deref().expect("posts have a type"));
        let channel = original.channel.as_ref().map(|channel| self.id("names", channel));
        let prefix = original.hash.order_prefix();
        self.connection
            .execute(
                "INSERT INTO posts (id, latest, updated, prefix, owner, type, channel) VALUES (?, ?, ?, ?, ?, ?, ?)",
                params![original.id, post.latest.id, post.updated, prefix, owner, kind, channel],
            )
            .expect("a post");
        self.count(Counter::Posts);
        self.count(Counter::PostsOfType(kind));
        self.count(Counter::PostsOfOwner(owner));
        if let Some(channel) = channel {
            self.count(Counter::PostsInChannel(channel));
        }
        let mut terms: Vec<i64> = post.latest.tags.iter().map(|tag| Term::Tag(tag).id()).collect();
        terms.extend(
            original
                .reference
                .iter()
                .map(|reference| Term::Reference(reference).id()),
        );
        for term in terms {
            self.connection
                .execute(
                    "INSERT INTO post_terms (term, updated, prefix, post) VALUES (?, ?, ?, ?)",
                    params![term, post.updated, prefix, original.id],
                )
                .expect("a term");
        }
    }

    fn aggregates(&mut self, dice: &mut Dice) -> Vec<AggregateModel> {
        let mut aggregates = Vec::new();
        for number in 0..40 {
            for kind in 1..5 {
                if dice.one_in(3) {
                    continue;
                }
                let (owner, key) = (sender(number), label(kind));
                let ids = (self.id("names", &key), self.id("addresses", &owner));
                let (created, updated) = (dice.below(8) as i64, 10 + dice.below(8) as i64);
                self.connection
                    .execute(
                        "INSERT INTO aggregates (owner, key, created, updated, first, last, elements)
                         VALUES (?, ?, ?, ?, 1, 2, 2)",
                        params![ids.1, ids.0, created, updated],
                    )
                    .expect("an aggregate");
                self.count(Counter::Aggregates);
                aggregates.push(AggregateModel {
                    owner,
                    key,
                    ids,
                    created,
                    updated,
                });
            }
        }
        aggregates
    }

    fn write_counters(&mut self, factor: i64) {
        for (key, count) in &self.counters {
            self.connection
                .execute(
                    "INSERT INTO counters (key, n) VALUES (?, ?)",
                    [*key, count * factor],
                )
                .expect("a counter");
        }
        self.connection
            .execute("UPDATE sent SET n = n * ?", [factor])
            .expect("an update");
    }
}

/// The wanted part of a list that is in order already.
pub(crate) fn cut<T>(rows: Vec<T>, offset: u64, limit: Option<u64>) -> Vec<T> {
    let limit = limit.map_or(usize::MAX, |limit| limit as usize);
    rows.into_iter().skip(offset as usize).take(limit).collect()
}

pub(crate) fn micros(time: Option<i64>) -> Option<Micros> {
    time.map(Micros)
}
