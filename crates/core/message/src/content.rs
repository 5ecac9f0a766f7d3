//! The contents of the seven message types (docs/protocol/messages.md, "Contents").
//!
//! A content is read from its text into the few facts that the rest of the node acts on. The
//! text itself stays the truth: what is stored and served is the text, and the parts of it that
//! are kept here ([`Post::content_json`], [`Aggregate::fields`], [`Machine::on_message`]) are
//! verbatim slices, never re-serialised.
//!
//! # What callers may rely on
//!
//! - A text that parses has the shape, the bounds and the cross rules of its type.
//! - It is strict JSON: one value, no lone surrogates, numbers within the range of a float,
//!   fewer than 128 levels of nesting. Any JSON reader of this workspace can read it again.
//! - Where a key is repeated, the last one counts.
//!
//! # How it is read
//!
//! `read` splits one object into the texts of its known keys, `lax` turns such a text into a
//! value with the conversions that the network applies, and one module per type says which keys
//! exist. Unknown values are walked, not built: a content is never turned into a tree.

mod address_pattern;
mod aggregate;
mod attestation;
mod defaults;
mod forget;
mod header;
mod host;
mod instance;
mod issues;
mod lax;
mod machine;
mod post;
mod program;
mod read;
mod store;
mod types;
mod volume;
mod vprogram;

pub use types::{Aggregate, Body, Forget, Machine, Post, Store, VolumeRef, VolumeRole};

use std::borrow::Cow;

use self::{header::Header, issues::Issues};
use crate::{FormatError, ItemHash, ItemType, MessageType, Micros, PaymentType};

/// The content of a message, reduced to what the node acts on.
#[derive(Clone, Debug)]
pub struct Content {
    /// The owner: the account on whose behalf the message acts.
    pub address: String,
    /// Seconds since 1970 as signed, between 0 and 9223372036.
    pub time: f64,
    /// What is specific to the message type.
    pub body: Body,
}

impl Content {
    /// Reads the content of an inline message: `address` and `time` are required.
    pub fn parse(message_type: MessageType, text: &str) -> Result<Self, FormatError> {
        let mut issues = Issues::default();
        let content = read(message_type, text, &mut issues);
        issues.finish(content)
    }

    /// Reads a content that was fetched as a file: `address` and `time` default to those of the
    /// envelope. The second part of the answer is the text with the defaults written in, when
    /// any was needed.
    pub fn parse_with_defaults(
        message_type: MessageType,
        text: &str,
        sender: &str,
        envelope_time: Micros,
    ) -> Result<(Self, Option<String>), FormatError> {
        let mut issues = Issues::default();
        let Some(filled) = defaults::filled(text, sender, envelope_time, &mut issues) else {
            return issues.finish(None);
        };
        let content = read(message_type, &filled, &mut issues);
        let text = match filled {
            Cow::Borrowed(_) => None,
            Cow::Owned(filled) => Some(filled),
        };
        issues.finish(content.map(|content| (content, text)))
    }

    /// The instant that orders posts, aggregates and file tags.
    pub fn position_time(&self) -> Micros {
        Micros::from_seconds(self.time).unwrap_or_default()
    }

    /// The message type that this content belongs to.
    pub fn message_type(&self) -> MessageType {
        match &self.body {
            Body::Post(_) => MessageType::Post,
            Body::Aggregate(_) => MessageType::Aggregate,
            Body::Store(_) => MessageType::Store,
            Body::Forget(_) => MessageType::Forget,
            Body::Program(_) => MessageType::Program,
            Body::Instance(_) => MessageType::Instance,
            Body::VProgram(_) => MessageType::VProgram,
        }
    }

    /// The machine of a PROGRAM, an INSTANCE or a V-PROGRAM.
    pub fn machine(&self) -> Option<&Machine> {
        match &self.body {
            Body::Program(machine) | Body::Instance(machine) | Body::VProgram(machine) => Some(machine),
            Body::Post(_) | Body::Aggregate(_) | Body::Store(_) | Body::Forget(_) => None,
        }
    }

    /// `content.ref` where it is a string.
    pub fn reference(&self) -> Option<&str> {
        match &self.body {
            Body::Post(post) if !post.object_ref => post.reference.as_deref(),
            Body::Store(store) => store.reference.as_deref(),
            _ => None,
        }
    }

    /// `content.type`.
    pub fn content_type(&self) -> Option<&str> {
        match &self.body {
            Body::Post(post) => Some(&post.post_type),
            Body::Program(_) => Some("vm-function"),
            _ => None,
        }
    }

    /// `content.item_hash`: the file of a STORE.
    pub fn content_item_hash(&self) -> Option<&ItemHash> {
        match &self.body {
            Body::Store(store) => Some(&store.item_hash),
            _ => None,
        }
    }

    /// `content.item_type`: where the file of a STORE is.
    pub fn content_item_type(&self) -> Option<ItemType> {
        match &self.body {
            Body::Store(store) => Some(store.item_type),
            _ => None,
        }
    }

    /// `content.key` of an AGGREGATE.
    pub fn content_key(&self) -> Option<&str> {
        match &self.body {
            Body::Aggregate(aggregate) => Some(&aggregate.key),
            _ => None,
        }
    }

    /// The tags that lists of messages can be filtered by.
    pub fn tags(&self) -> &[String] {
        match &self.body {
            Body::Post(post) => &post.tags,
            Body::Aggregate(aggregate) => &aggregate.tags,
            Body::Store(store) => &store.tags,
            Body::Program(machine) | Body::Instance(machine) | Body::VProgram(machine) => &machine.tags,
            Body::Forget(_) => &[],
        }
    }

    /// How the resource is paid for; `None` for the types that are free.
    pub fn payment_type(&self) -> Option<PaymentType> {
        match &self.body {
            Body::Store(store) => Some(store.payment),
            _ => self.machine().map(|machine| machine.payment),
        }
    }
}

fn read(message_type: MessageType, text: &str, issues: &mut Issues) -> Option<Content> {
    // Textual on purpose, as on the network: a doubled backslash before the `u` does not help.
    if text.as_bytes().contains(&b'\\') && text.contains("\\u0000") {
        return issues.refuse("value_error", "a content never contains the text \\u0000");
    }
    read::check_depth(text, issues)?;
    let (Header { address, time }, body) = match message_type {
        MessageType::Post => post::parse(text, issues).map(|(header, post)| (header, Body::Post(post))),
        MessageType::Aggregate => {
            aggregate::parse(text, issues).map(|(header, aggregate)| (header, Body::Aggregate(aggregate)))
        }
        MessageType::Store => store::parse(text, issues).map(|(header, store)| (header, Body::Store(store))),
        MessageType::Forget => {
            forget::parse(text, issues).map(|(header, forget)| (header, Body::Forget(forget)))
        }
        MessageType::Program => {
            program::parse(text, issues).map(|(header, machine)| (header, Body::Program(machine)))
        }
        MessageType::Instance => {
            instance::parse(text, issues).map(|(header, machine)| (header, Body::Instance(machine)))
        }
        MessageType::VProgram => {
            vprogram::parse(text, issues).map(|(header, machine)| (header, Body::VProgram(machine)))
        }
    }?;
    Some(Content { address, time, body })
}

#[cfg(test)]
mod tests;
