//! What a node holds that does not hold everything.
//!
//! An interest names channels, owners and types; a message is of interest if it meets each of these
//! three that says anything. Some messages every node holds, since others are judged by them: FORGETs,
//! delegations, money, prices, the list of nodes (the *support set*).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use alephd_message::{Content, Envelope, MessageType, content::Body};

use crate::Trusted;

/// The key of the aggregate that holds delegations.
const SECURITY: &str = "security";

/// What a node holds. Empty is everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interest {
    /// Of these channels, if any are named.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub channels: BTreeSet<String>,
    /// Of these owners, letter by letter.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub addresses: BTreeSet<String>,
    /// Of these types, by their names.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub types: BTreeSet<String>,
}

/// By whom other messages are judged.
#[derive(Clone, Debug, Default)]
pub struct Support {
    /// Who is believed about money.
    pub trusted: Trusted,
    /// Owners whose aggregates every node needs: prices, settings, the list of nodes.
    pub aggregate_owners: Vec<String>,
}

impl Interest {
    /// Whether everything is of interest.
    pub fn is_everything(&self) -> bool {
        self.channels.is_empty() && self.addresses.is_empty() && self.types.is_empty()
    }

    /// Whether a node with this interest holds a message.
    pub fn holds(&self, subject: &Outline<'_>, support: &Support) -> bool {
        self.is_everything()
            || self.matches(subject.channel, subject.owner, subject.message_type)
            || support.needs(subject)
    }

    /// Whether a message with these is of interest by itself, support or not.
    pub fn matches(&self, channel: Option<&str>, owner: &str, message_type: MessageType) -> bool {
        let one_of = |names: &BTreeSet<String>, name: Option<&str>| {
            names.is_empty() || name.is_some_and(|name| names.contains(name))
        };
        one_of(&self.channels, channel)
            && one_of(&self.addresses, Some(owner))
            && one_of(&self.types, Some(message_type.as_str()))
    }

    /// Whether everything that `other` wants is of interest here, as far as it can be told from the
    /// two alone.
    pub fn covers(&self, other: &Self) -> bool {
        let wider = |own: &BTreeSet<String>, theirs: &BTreeSet<String>| {
            own.is_empty() || (!theirs.is_empty() && theirs.is_subset(own))
        };
        wider(&self.channels, &other.channels)
            && wider(&self.addresses, &other.addresses)
            && wider(&self.types, &other.types)
    }
}

/// What decides whether a message is of interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline<'a> {
    /// Its channel.
    pub channel: Option<&'a str>,
    /// Whose it is; the sender while the content is not at hand.
    pub owner: &'a str,
    /// Its type.
    pub message_type: MessageType,
    /// The key of an aggregate.
    pub key: Option<&'a str>,
}

impl<'a> Outline<'a> {
    /// Of a message, with its content if it is at hand.
    pub fn of(envelope: &'a Envelope, content: Option<&'a Content>) -> Self {
        let key = content.and_then(|content| match &content.body {
            Body::Aggregate(aggregate) => Some(&*aggregate.key),
            _ => None,
        });
        Self {
            channel: envelope.channel.as_deref(),
            owner: content.map_or(&*envelope.sender, |content| &*content.address),
            message_type: envelope.message_type,
            key,
        }
    }
}

impl Support {
    /// Whether every node holds such a message.
    pub fn needs(&self, subject: &Outline<'_>) -> bool {
        let is_one_of = |owners: &[String]| owners.iter().any(|owner| owner == subject.owner);
        match subject.message_type {
            MessageType::Forget => true,
            MessageType::Aggregate => subject.key == Some(SECURITY) || is_one_of(&self.aggregate_owners),
            MessageType::Post => {
                is_one_of(&self.trusted.balance_oracles) || is_one_of(&self.trusted.credit_oracles)
            }
            MessageType::Store | MessageType::Program | MessageType::Instance | MessageType::VProgram => {
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interest(channels: &[&str], addresses: &[&str], types: &[&str]) -> Interest {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Interest {
            channels: set(channels),
            addresses: set(addresses),
            types: set(types),
        }
    }

    fn message(message_type: MessageType, channel: Option<&'static str>) -> Outline<'static> {
        Outline {
            channel,
            owner: "0xalice",
            message_type,
            key: None,
        }
    }

    fn holds(interest: &Interest, message: &Outline<'_>) -> bool {
        interest.holds(message, &Support::default())
    }

    #[test]
    fn each_of_the_three_must_be_met() {
        let post = message(MessageType::Post, Some("A"));
        assert!(holds(&Interest::default(), &post));
        assert!(holds(&interest(&["A", "B"], &[], &["POST"]), &post));
        assert!(holds(&interest(&["A"], &["0xalice"], &[]), &post));
        assert!(!holds(&interest(&["B"], &[], &["POST"]), &post));
        assert!(!holds(&interest(&["A"], &["0xother"], &[]), &post));
        assert!(!holds(&interest(&[], &[], &["STORE"]), &post));
        let nowhere = message(MessageType::Post, None);
        assert!(!holds(&interest(&["A"], &[], &[]), &nowhere));
    }

    #[test]
    fn what_others_are_judged_by_is_always_held() {
        let other = interest(&["other"], &[], &[]);
        let of_key = |key| Outline {
            key: Some(key),
            ..message(MessageType::Aggregate, Some("A"))
        };
        assert!(holds(&other, &of_key("security")));
        assert!(!holds(&other, &of_key("profile")));
        assert!(holds(&other, &message(MessageType::Forget, None)));
        let support = Support {
            trusted: Trusted {
                credit_oracles: vec!["0xalice".into()],
                ..Trusted::default()
            },
            aggregate_owners: vec!["0xalice".into()],
        };
        assert!(other.holds(&of_key("price"), &support));
        assert!(other.holds(&message(MessageType::Post, None), &support));
        assert!(!other.holds(&message(MessageType::Store, None), &support));
    }

    #[test]
    fn one_covers_another_only_if_it_is_wider() {
        let wide = interest(&["A", "B"], &[], &[]);
        assert!(Interest::default().covers(&wide));
        assert!(!wide.covers(&Interest::default()));
        assert!(wide.covers(&interest(&["A"], &[], &["POST"])));
        assert!(!wide.covers(&interest(&["C"], &[], &[])));
    }
}
