//! What goes when nobody pays or asks for it any more: a plan, made of facts at one instant.
//!
//! ```text
//!              unpaid                  notice over
//!  processed ─────────▶ removing ─────────────────────▶ removed   metadata stays, pins go
//!      ▲                   │  put off while a live machine uses the STORE
//!      └───────────────────┘
//!             paid again
//!
//!  file:  a pin or a use ──▶ none ──▶ deleted
//! ```
//!
//! # What callers may rely on
//!
//! - [`plan`] does nothing and decides everything; a dry run prints it. Carrying a plan out and
//!   planning again at the same instant gives an empty plan.
//! - A file is deleted only if it has no pin left, no live machine uses it, and its bytes have
//!   been here for longer than an upload may wait for its message. The last protects a file that
//!   a crash or a slow judge left between its bytes and its pin.
//! - A message that is paid for again before it is removed loses nothing, however late the pass.
//!   Its pin stays in place until the very plan that removes it.
//!
//! # What this module leaves to others
//!
//! Whether a message is paid for ([`funding`](crate::funding)), which machines use what, and the
//! doing. A plan is about what it was given: whoever carries it out must do so in the transaction
//! in which the facts were read, and must delete bytes after that transaction.
//!
//! Protocol: `docs/protocol/money.md`.

use std::{collections::HashSet, fmt, time::Duration};

use alephd_message::{ItemHash, Micros};

use crate::funding::Reason;

/// How long things are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periods {
    /// Between the notice that a message is unpaid and its removal.
    pub notice: Duration,
    /// For an uploaded file without a message.
    pub upload: Duration,
    /// For a file whose last message is forgotten.
    pub forgotten: Duration,
}

impl Default for Periods {
    /// Those of the network.
    fn default() -> Self {
        const HOUR: u64 = 3600;
        Self {
            notice: Duration::from_secs(25 * HOUR),
            upload: Duration::from_secs(24 * HOUR),
            forgotten: Duration::from_secs(24 * HOUR),
        }
    }
}

impl Periods {
    /// The pin of a file that was uploaded without a message.
    pub fn upload_pin(&self, now: Micros) -> Pin {
        let until = after(now, self.upload);
        Pin::Grace { until }
    }
}

/// A live message that has to be paid for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its name.
    pub hash: ItemHash,
    /// Where it stands.
    pub state: State,
    /// Why it is not paid for; `None` if it is.
    pub unpaid: Option<Reason>,
    /// Live machines with a volume that is this STORE.
    pub used_by: Vec<ItemHash>,
}

/// Where a live message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Paid for, as far as is known.
    Processed,
    /// Unpaid, and said so.
    Removing {
        /// When it was said.
        since: Micros,
    },
}

/// A file whose bytes are held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub hash: ItemHash,
    /// When its bytes came.
    pub written: Micros,
    /// Why it is kept.
    pub pins: Vec<Pin>,
    /// Live machines with a volume that is this file.
    pub used_by: Vec<ItemHash>,
}

/// A reason to keep a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pin {
    /// It is the content of this message.
    Content(ItemHash),
    /// This STORE names it.
    Store(ItemHash),
    /// It is an archive of a chain.
    Archive,
    /// It is given time.
    Grace {
        /// Its end.
        until: Micros,
    },
}

impl Pin {
    fn is_of(&self, message: &ItemHash) -> bool {
        match self {
            Self::Content(of) | Self::Store(of) => of == message,
            Self::Archive | Self::Grace { .. } => false,
        }
    }
}

/// One thing to do, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// `processed` becomes `removing`.
    Announce {
        /// The message.
        message: ItemHash,
        /// What it lacks.
        reason: Reason,
        /// When it can be removed; the pin of a STORE is shown as a grace period until then.
        delete_by: Micros,
    },
    /// `removing` becomes `processed` again, for it is paid for.
    Recover {
        /// The message.
        message: ItemHash,
    },
    /// `removing` becomes `removed`.
    Remove {
        /// The message.
        message: ItemHash,
        /// What it lacks.
        reason: Reason,
    },
    /// A pin goes: its message is removed or forgotten, or its time is over.
    Unpin {
        /// The file.
        file: ItemHash,
        /// The pin.
        pin: Pin,
    },
    /// A pin comes: the last message of the file is forgotten.
    Grace {
        /// The file.
        file: ItemHash,
        /// End of the grace period.
        until: Micros,
    },
    /// The bytes go, for nothing keeps them.
    Delete {
        /// The file.
        file: ItemHash,
    },
}

/// What has to be done, in this order: messages before the pins that follow from them, and the
/// bytes of a file last.
pub fn plan(messages: &[Message], files: &[File], now: Micros, periods: &Periods) -> Vec<Step> {
    let removed = removed(messages, now, periods);
    let mut steps: Vec<Step> = messages
        .iter()
        .filter_map(|message| message_step(message, &removed, now, periods))
        .collect();
    for file in files {
        file_steps(file, &removed, now, periods, &mut steps);
    }
    steps
}

/// What follows for a file when a STORE or a message with this content is forgotten.
pub fn forget(file: &File, message: &ItemHash, now: Micros, periods: &Periods) -> Vec<Step> {
    let (gone, left): (Vec<&Pin>, Vec<&Pin>) = file.pins.iter().partition(|pin| pin.is_of(message));
    let mut steps: Vec<Step> = gone.iter().map(|pin| unpin(file, pin)).collect();
    if !gone.is_empty() && left.is_empty() {
        steps.push(Step::Grace {
            file: file.hash.clone(),
            until: after(now, periods.forgotten),
        });
    }
    steps
}

/// The messages that a plan removes.
fn removed<'a>(messages: &'a [Message], now: Micros, periods: &Periods) -> HashSet<&'a ItemHash> {
    let is_due = |message: &&Message| match message.state {
        State::Processed => false,
        State::Removing { since } => message.unpaid.is_some() && after(since, periods.notice) <= now,
    };
    // Machines first: a STORE is free to go with the last machine that uses it. Nothing uses a
    // machine, so two rounds reach everything.
    let (used, unused): (Vec<&Message>, Vec<&Message>) = messages
        .iter()
        .filter(is_due)
        .partition(|message| !message.used_by.is_empty());
    let unused: HashSet<&ItemHash> = unused.iter().map(|message| &message.hash).collect();
    let freed = used
        .into_iter()
        .filter(|message| message.used_by.iter().all(|user| unused.contains(user)))
        .map(|message| &message.hash);
    let freed: Vec<&ItemHash> = freed.collect();
    unused.into_iter().chain(freed).collect()
}

fn message_step(
    message: &Message,
    removed: &HashSet<&ItemHash>,
    now: Micros,
    periods: &Periods,
) -> Option<Step> {
    let hash = || message.hash.clone();
    match (message.state, message.unpaid) {
        (State::Processed, None) => None,
        (State::Processed, Some(reason)) => Some(Step::Announce {
            message: hash(),
            reason,
            delete_by: after(now, periods.notice),
        }),
        (State::Removing { .. }, None) => Some(Step::Recover { message: hash() }),
        (State::Removing { .. }, Some(reason)) => {
            let message = hash();
            removed
                .contains(&message)
                .then_some(Step::Remove { message, reason })
        }
    }
}

fn file_steps(
    file: &File,
    removed: &HashSet<&ItemHash>,
    now: Micros,
    periods: &Periods,
    steps: &mut Vec<Step>,
) {
    let mut is_pinned = false;
    for pin in &file.pins {
        let is_over = match pin {
            Pin::Content(message) | Pin::Store(message) => removed.contains(message),
            Pin::Archive => false,
            Pin::Grace { until } => *until <= now,
        };
        if is_over {
            steps.push(unpin(file, pin));
        } else {
            is_pinned = true;
        }
    }
    let is_used = file.used_by.iter().any(|user| !removed.contains(user));
    let is_new = after(file.written, periods.upload) > now;
    if !is_pinned && !is_used && !is_new {
        steps.push(Step::Delete {
            file: file.hash.clone(),
        });
    }
}

fn unpin(file: &File, pin: &Pin) -> Step {
    Step::Unpin {
        file: file.hash.clone(),
        pin: pin.clone(),
    }
}

fn after(start: Micros, period: Duration) -> Micros {
    let period = i64::try_from(period.as_micros()).unwrap_or(i64::MAX);
    Micros(start.0.saturating_add(period))
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Announce {
                message,
                reason,
                delete_by,
            } => write!(
                f,
                "announce {message}: {reason}, to be removed from {}",
                delete_by.as_seconds()
            ),
            Self::Recover { message } => write!(f, "recover {message}: paid for again"),
            Self::Remove { message, reason } => write!(f, "remove {message}: {reason}, the notice is over"),
            Self::Unpin { file, pin } => match pin {
                Pin::Content(message) => write!(f, "unpin {file}: content of {message}, which goes"),
                Pin::Store(message) => write!(f, "unpin {file}: stored by {message}, which goes"),
                Pin::Archive => write!(f, "unpin {file}: archive"),
                Pin::Grace { until } => write!(f, "unpin {file}: grace period ended {}", until.as_seconds()),
            },
            Self::Grace { file, until } => {
                write!(
                    f,
                    "keep {file} until {}: its last message is forgotten",
                    until.as_seconds()
                )
            }
            Self::Delete { file } => write!(f, "delete {file}: no pins, no use"),
        }
    }
}

#[cfg(test)]
mod tests;
