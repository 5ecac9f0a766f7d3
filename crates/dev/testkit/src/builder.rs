//! One signed message at a time, field by field.
//!
//! ```
//! use alephd_testkit::{builder, keys};
//! use serde_json::json;
//!
//! let alice = keys::evm("alice");
//! let post = builder::post(&alice, "chat", json!({"body": "hello"})).at(1.5).channel("TEST").seal();
//! let amend = builder::amend(&alice, &post.item_hash, json!({"body": "hallo"})).at(2.0).seal();
//! assert_eq!(amend.channel, None);
//! ```
//!
//! A [`Draft`] starts with everything that its type requires; [`Draft::set`] adds or replaces any
//! key of the content, also with values that the network refuses.

mod ledger;
mod machine;

use alephd_message::{Chain, Envelope, ItemHash, ItemType, MessageType, Micros};
use alephd_signature::sign::{self, Signer};
use serde_json::{Map, Value, json};

pub use ledger::{
    balances_update, credit_distribution, credit_distribution_to, credit_expense, credit_transfer,
};
pub use machine::{immutable_volume, instance, program, vprogram};

use crate::sha256;

/// Content time and envelope time of a draft until [`Draft::at`] is called: a fixed instant of
/// November 2023.
pub const DEFAULT_TIME: f64 = 1_700_000_000.0;

/// A message that is not signed yet.
#[derive(Clone)]
pub struct Draft<'a> {
    signer: &'a (dyn Signer + Sync),
    chain: Chain,
    message_type: MessageType,
    content: Map<String, Value>,
    sent_at: Option<f64>,
    channel: Option<String>,
}

impl<'a> Draft<'a> {
    /// A message of any type with `content`, an object, in the signer's own name.
    pub fn new(signer: &'a (dyn Signer + Sync), message_type: MessageType, content: Value) -> Self {
        let Value::Object(mut content) = content else {
            panic!("a content is an object");
        };
        content.insert("address".into(), signer.address().into());
        content.insert("time".into(), DEFAULT_TIME.into());
        Self {
            signer,
            chain: signer.chain(),
            message_type,
            content,
            sent_at: None,
            channel: None,
        }
    }

    /// Sets the content time, in seconds; the envelope has the same unless
    /// [`Draft::sent_at`] says otherwise.
    pub fn at(self, seconds: f64) -> Self {
        self.set("time", seconds)
    }

    /// Sets the time of the envelope, which nobody signs.
    pub fn sent_at(mut self, seconds: f64) -> Self {
        self.sent_at = Some(seconds);
        self
    }

    /// Sets the channel.
    pub fn channel(mut self, channel: impl Into<String>) -> Self {
        self.channel = Some(channel.into());
        self
    }

    /// Speaks in the name of another owner, which needs a delegation.
    pub fn on_behalf_of(self, owner: impl Into<String>) -> Self {
        self.set("address", owner.into())
    }

    /// Signs with another chain code of the signer's family.
    pub fn chain(mut self, chain: Chain) -> Self {
        self.chain = chain;
        self
    }

    /// Sets one key of the content.
    pub fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.content.insert(key.into(), value.into());
        self
    }

    /// Sets `content.ref`: what a post is about, or what a STORE is a revision of.
    pub fn reference(self, reference: impl ToString) -> Self {
        self.set("ref", reference.to_string())
    }

    /// Sets the tags, wherever this type has them. A FORGET has none.
    pub fn tags(self, tags: &[&str]) -> Self {
        let within = match self.message_type {
            MessageType::Post | MessageType::Aggregate => "content",
            MessageType::Program | MessageType::Instance | MessageType::VProgram => "metadata",
            MessageType::Store | MessageType::Forget => return self.set("tags", tags),
        };
        self.set_within(within, "tags", tags)
    }

    /// Sets one key of the object that stands under `outer` in the content.
    pub fn set_within(mut self, outer: &str, key: &str, value: impl Into<Value>) -> Self {
        let inner = self.content.entry(outer).or_insert_with(|| json!({}));
        let inner = inner.as_object_mut().expect("an object stands there");
        inner.insert(key.into(), value.into());
        self
    }

    /// The content as it will be signed.
    pub fn content(&self) -> &Map<String, Value> {
        &self.content
    }

    /// Writes the content, after which only the signature is missing.
    pub fn freeze(self) -> Unsigned<'a> {
        let content_time = self.content.get("time").and_then(Value::as_f64);
        let seconds = self.sent_at.or(content_time).unwrap_or(DEFAULT_TIME);
        // Otherwise the order of the keys would depend on a feature that any crate of the workspace
        // can switch on, and with it every hash.
        let mut content = Value::Object(self.content);
        content.sort_all_objects();
        let text = content.to_string();
        Unsigned {
            signer: self.signer,
            chain: self.chain,
            message_type: self.message_type,
            item_hash: sha256(text.as_bytes()),
            text,
            time: Micros::from_seconds(seconds)
                .expect("the time of a test message is within the years 1 to 9999"),
            channel: self.channel,
        }
    }

    /// Signs the message with its content inline.
    pub fn seal(self) -> Envelope {
        self.freeze().sign()
    }

    /// Signs the message with its content as a file, which is returned beside it.
    pub fn seal_as_file(self) -> (Envelope, String) {
        let unsigned = self.freeze();
        let mut envelope = unsigned.sign();
        envelope.item_type = unsigned.item_hash.item_type();
        envelope.item_content = None;
        (envelope, unsigned.text)
    }
}

/// A message of which only the signature is missing. Signing is by far the most expensive part
/// of making one; it may be done on another thread.
#[derive(Clone)]
pub struct Unsigned<'a> {
    signer: &'a (dyn Signer + Sync),
    chain: Chain,
    message_type: MessageType,
    item_hash: ItemHash,
    text: String,
    time: Micros,
    channel: Option<String>,
}

impl Unsigned<'_> {
    /// The name that the message will have.
    pub fn item_hash(&self) -> &ItemHash {
        &self.item_hash
    }

    /// Signs the message with its content inline.
    pub fn sign(&self) -> Envelope {
        sign::seal(
            self.signer,
            self.chain,
            self.message_type,
            self.text.clone(),
            self.time,
            self.channel.clone(),
        )
    }
}

/// The JSON text of `envelope` as clients send it, without a line break.
pub fn wire(envelope: &Envelope) -> String {
    sign::wire_json(envelope)
}

/// A POST.
pub fn post<'a>(signer: &'a (dyn Signer + Sync), post_type: &str, content: Value) -> Draft<'a> {
    Draft::new(
        signer,
        MessageType::Post,
        json!({"type": post_type, "content": content}),
    )
}

/// A POST that replaces the content of `target`.
pub fn amend<'a>(signer: &'a (dyn Signer + Sync), target: &ItemHash, content: Value) -> Draft<'a> {
    post(signer, "amend", content).reference(target)
}

/// An AGGREGATE that sets the fields of `content` in the document `key`.
pub fn aggregate<'a>(signer: &'a (dyn Signer + Sync), key: &str, content: Value) -> Draft<'a> {
    Draft::new(
        signer,
        MessageType::Aggregate,
        json!({"key": key, "content": content}),
    )
}

/// The AGGREGATE that replaces the signer's list of delegations. See [`grant`] for the entries;
/// an empty list revokes them all.
pub fn security<'a>(signer: &'a (dyn Signer + Sync), authorizations: &[Value]) -> Draft<'a> {
    aggregate(signer, "security", json!({"authorizations": authorizations}))
}

/// An entry of [`security`] that lets `address` do everything. Filters are more keys of the
/// object: `chain`, `channels`, `types`, `post_types`, `aggregate_keys`.
pub fn grant(address: &str) -> Value {
    json!({"address": address})
}

/// A STORE of the file called `file`.
pub fn store<'a>(signer: &'a (dyn Signer + Sync), file: &ItemHash) -> Draft<'a> {
    let item_type: ItemType = file.item_type();
    Draft::new(
        signer,
        MessageType::Store,
        json!({"item_type": item_type, "item_hash": file}),
    )
}

/// A FORGET of `targets`.
pub fn forget<'a>(signer: &'a (dyn Signer + Sync), targets: &[ItemHash]) -> Draft<'a> {
    Draft::new(signer, MessageType::Forget, json!({"hashes": targets}))
}

#[cfg(test)]
mod tests;
