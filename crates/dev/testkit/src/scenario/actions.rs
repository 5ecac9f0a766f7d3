//! Steps become messages.

use alephd_message::{Chain, Envelope, ItemHash, MessageType, Micros};
use alephd_signature::sign::Signer;
use serde_json::{Map, Value, json};

use super::{
    accounts, files, funder, missing,
    steps::{
        Action, CHANNELS, CreditKind, Filter, Grant, MachineKind, Owner, Pick, Step, StoreRef, TIMES,
        Variation,
    },
};
use crate::{
    builder::{self, Draft},
    copies,
    keys::Account,
    sha256,
};

/// Instants: two that are a second apart, two that are a microsecond apart, one a day before.
const INSTANTS: [i64; TIMES] = [
    1_700_000_000_000_000,
    1_700_000_001_000_000,
    1_700_000_002_000_000,
    1_700_000_002_000_001,
    1_699_913_600_000_000,
];
const CHANNEL_NAMES: [Option<&str>; CHANNELS] = [None, Some("A"), Some("B")];
const POST_TYPES: [&str; 2] = ["chat", "blog"];
const KEYS: [&str; 2] = ["profile", "notes"];
const FIELDS: [&str; 3] = ["a", "b", "c"];
const LABELS: [&str; 2] = ["x", "y"];
const CHAINS: [Chain; 2] = [Chain::Eth, Chain::Bsc];

/// What later steps look for among earlier ones.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Post,
    Amend,
    Store,
    Machine,
    Forget,
    Other,
}

struct Made {
    envelope: Envelope,
    kind: Kind,
    /// The account that signed, or the funder.
    signer: &'static Account,
    owner: String,
}

/// Makes the messages of `steps`, one each.
pub(super) fn perform(steps: &[Step]) -> Vec<Envelope> {
    let mut made: Vec<Made> = Vec::with_capacity(steps.len());
    for (number, step) in steps.iter().enumerate() {
        let next = Scene {
            made: &made,
            number,
            step,
        }
        .perform();
        made.push(next);
    }
    made.into_iter().map(|made| made.envelope).collect()
}

/// One step and what was made before.
struct Scene<'a> {
    made: &'a [Made],
    /// Number of the step. It enters each content, so that only explicit copies have equal names.
    number: usize,
    step: &'a Step,
}

impl Scene<'_> {
    fn perform(&self) -> Made {
        let sender = &accounts()[self.step.sender];
        match &self.step.action {
            Action::Post {
                post_type,
                about,
                tagged,
            } => {
                let mut draft = builder::post(sender, POST_TYPES[*post_type], self.body());
                if let Some(about) = about {
                    draft = draft.reference(self.target(about, Kind::Post));
                }
                if *tagged {
                    draft = draft.tags(&["t1", "t2"]);
                }
                self.seal(Kind::Post, sender, draft)
            }
            Action::Amend { target, as_target } => {
                let hash = self.target(target, Kind::Post);
                match self.find(&hash).filter(|_| *as_target) {
                    Some(made) => {
                        let draft =
                            builder::amend(made.signer, &hash, self.body()).on_behalf_of(made.owner.clone());
                        self.seal_as(Kind::Amend, made.signer, made.owner.clone(), draft)
                    }
                    None => self.seal(Kind::Amend, sender, builder::amend(sender, &hash, self.body())),
                }
            }
            Action::Aggregate { key, fields } => {
                let content: Map<String, Value> = FIELDS
                    .iter()
                    .enumerate()
                    .filter(|(bit, _)| fields & (1 << bit) != 0)
                    .map(|(_, field)| ((*field).to_owned(), json!(self.number)))
                    .collect();
                let draft = builder::aggregate(sender, KEYS[*key], Value::Object(content));
                self.seal(Kind::Other, sender, draft)
            }
            Action::Store { file, reference } => {
                let mut draft = builder::store(sender, &sha256(files()[*file]));
                draft = draft.set("metadata", self.body());
                draft = match reference {
                    None => draft,
                    Some(StoreRef::Label(label)) => draft.reference(LABELS[*label]),
                    Some(StoreRef::Revision(of)) => draft.reference(self.target(of, Kind::Store)),
                };
                self.seal(Kind::Store, sender, draft)
            }
            Action::Machine { .. } => self.seal(Kind::Machine, sender, self.machine(sender)),
            Action::Forget { targets, as_target } => {
                let targets: Vec<_> = targets
                    .iter()
                    .map(|target| self.target(target, Kind::Post))
                    .collect();
                let first = self.find(&targets[0]).filter(|_| *as_target);
                let signer = first.map_or(sender, |made| made.signer);
                let draft =
                    builder::forget(signer, &targets).set("reason", format!("reason {}", self.number));
                self.seal(Kind::Forget, signer, draft)
            }
            Action::Grant(grants) => {
                let entries: Vec<_> = grants.iter().map(entry).collect();
                let draft = builder::security(sender, &entries).set_within("content", "n", self.number);
                self.seal(Kind::Other, sender, draft)
            }
            Action::Balances {
                trusted,
                chain,
                height,
                amounts,
            } => {
                let signer = if *trusted { funder() } else { sender };
                let balances: Vec<_> = amounts
                    .iter()
                    .map(|(account, amount)| (accounts()[*account].address(), f64::from(*amount)))
                    .collect();
                let draft = builder::balances_update(signer, CHAINS[*chain], *height, &balances);
                self.seal(Kind::Post, signer, draft.set_within("content", "n", self.number))
            }
            Action::Credits {
                trusted,
                kind,
                amounts,
            } => self.credits(*trusted, *kind, amounts),
            Action::Copy { of, variation } => self.copy(*of, variation),
        }
    }

    fn machine(&self, sender: &'static Account) -> Draft<'static> {
        let Action::Machine {
            kind,
            files,
            use_latest,
            replaces,
            allow_amend,
        } = &self.step.action
        else {
            unreachable!("called for machines only");
        };
        let [first, second] = [0, 1].map(|index: usize| self.target(&files[index], Kind::Store));
        let volume = json!([builder::immutable_volume(&second, *use_latest)]);
        let draft = match kind {
            MachineKind::Program => builder::program(sender, &first, &second).set("volumes", volume),
            MachineKind::Instance => builder::instance(sender, &first).set("volumes", volume),
            // Never replaced nor amended, by its schema.
            MachineKind::VProgram => return builder::vprogram(sender, &first).set("metadata", self.body()),
        };
        let draft = draft
            .set("metadata", self.body())
            .set("allow_amend", *allow_amend);
        match replaces {
            None => draft,
            Some(target) => draft.set("replaces", self.target(target, Kind::Machine).to_string()),
        }
    }

    fn credits(&self, trusted: bool, kind: CreditKind, amounts: &[(usize, u8)]) -> Made {
        let sender = &accounts()[self.step.sender];
        // Everybody may transfer; the others are for the trusted account.
        let signer = match kind {
            CreditKind::Transfer => sender,
            CreditKind::Distribution | CreditKind::Expense if trusted => funder(),
            CreditKind::Distribution | CreditKind::Expense => sender,
        };
        let lines: Vec<_> = amounts
            .iter()
            .map(|(account, amount)| (accounts()[*account].address(), u64::from(*amount)))
            .collect();
        let draft = match kind {
            CreditKind::Distribution => builder::credit_distribution(signer, &lines),
            CreditKind::Transfer => builder::credit_transfer(signer, &lines),
            CreditKind::Expense => builder::credit_expense(signer, &lines),
        };
        let draft = draft.set_within("content", "n", self.number);
        // Such posts count only in one channel; keep it, whatever the step says.
        let draft = self.timed(draft);
        let owner = signer.address().to_owned();
        Made {
            envelope: draft.seal(),
            kind: Kind::Post,
            signer,
            owner,
        }
    }

    fn copy(&self, of: u16, variation: &Variation) -> Made {
        let Some(original) = cyclic(self.made, of) else {
            // Nothing to copy yet.
            let sender = &accounts()[self.step.sender];
            return self.seal(
                Kind::Post,
                sender,
                builder::post(sender, POST_TYPES[0], self.body()),
            );
        };
        let envelope = &original.envelope;
        let (envelope, signer) = match variation {
            Variation::Nothing => (envelope.clone(), original.signer),
            Variation::Time(time) => {
                let time = Micros(INSTANTS[*time]);
                (copies::with_time(envelope, time), original.signer)
            }
            Variation::Channel(channel) => {
                let channel = CHANNEL_NAMES[*channel];
                (copies::with_channel(envelope, channel), original.signer)
            }
            Variation::HighS => {
                let copy = copies::with_high_s(envelope);
                (copy.unwrap_or_else(|| envelope.clone()), original.signer)
            }
            Variation::Notation => {
                let copy = copies::with_other_notation(envelope);
                (copy.unwrap_or_else(|| envelope.clone()), original.signer)
            }
            Variation::Forged => (copies::forged(envelope, original.signer), original.signer),
            Variation::BySender(sender) => {
                let sender = &accounts()[*sender];
                (copies::by_another(envelope, sender), sender)
            }
        };
        Made {
            envelope,
            kind: original.kind,
            signer,
            owner: original.owner.clone(),
        }
    }

    /// Signs in the name that the step says.
    fn seal(&self, kind: Kind, signer: &'static Account, draft: Draft<'_>) -> Made {
        let owner = match self.step.owner {
            Owner::Sender => signer.address().to_owned(),
            // Letters of a Solana address differ by case; in lower case it is nobody's.
            Owner::LowerCase => signer.address().to_lowercase(),
            Owner::Other(account) => accounts()[account].address().to_owned(),
        };
        self.seal_as(kind, signer, owner, draft)
    }

    fn seal_as(&self, kind: Kind, signer: &'static Account, owner: String, draft: Draft<'_>) -> Made {
        let mut draft = self.timed(draft).on_behalf_of(owner.clone());
        if let Some(channel) = CHANNEL_NAMES[self.step.channel] {
            draft = draft.channel(channel);
        }
        Made {
            envelope: draft.seal(),
            kind,
            signer,
            owner,
        }
    }

    fn timed<'d>(&self, draft: Draft<'d>) -> Draft<'d> {
        let seconds = |index: usize| Micros(INSTANTS[index]).as_seconds();
        let draft = draft.at(seconds(self.step.time));
        match self.step.sent {
            None => draft,
            Some(sent) => draft.sent_at(seconds(sent)),
        }
    }

    fn body(&self) -> Value {
        json!({"n": self.number})
    }

    fn target(&self, pick: &Pick, kind: Kind) -> ItemHash {
        let found = match pick {
            Pick::Missing(number) => return missing(*number),
            Pick::Any(number) => cyclic(self.made, *number),
            Pick::Made(number) => {
                let fitting: Vec<_> = self.made.iter().filter(|made| made.kind == kind).collect();
                cyclic(&fitting, *number)
                    .copied()
                    .or_else(|| cyclic(self.made, *number))
            }
        };
        found.map_or_else(|| missing(0), |made| made.envelope.item_hash.clone())
    }

    fn find(&self, hash: &ItemHash) -> Option<&Made> {
        self.made.iter().find(|made| &made.envelope.item_hash == hash)
    }
}

fn cyclic<T>(items: &[T], number: u16) -> Option<&T> {
    usize::from(number)
        .checked_rem(items.len())
        .map(|index| &items[index])
}

fn entry(grant: &Grant) -> Value {
    let mut entry = builder::grant(accounts()[grant.delegate].address());
    match grant.filter {
        None => {}
        Some(Filter::Chain) => entry["chain"] = json!(Chain::Eth),
        Some(Filter::Channel) => entry["channels"] = json!(["A"]),
        Some(Filter::Type) => entry["types"] = json!([MessageType::Post, MessageType::Store]),
        Some(Filter::PostType) => entry["post_types"] = json!([POST_TYPES[0]]),
        Some(Filter::Key) => entry["aggregate_keys"] = json!([KEYS[0]]),
    }
    entry
}
