//! POST: a document, or an amendment of one.

use serde_json::value::RawValue;

use super::{
    Post,
    header::{Header, header, tags_within},
    issues::Issues,
    lax,
    read::{Object, Unknown},
};
use crate::{Chain, ItemType};

/// Longest channel of a message that is quoted as a reference.
const CHANNEL_LIMIT: usize = 128;

/// Reads the content of a POST.
pub(super) fn parse(text: &str, issues: &mut Issues) -> Option<(Header, Post)> {
    const KEYS: [&str; 5] = ["address", "time", "type", "ref", "content"];
    let mut object = Object::read(text, &KEYS, Unknown::Refused, issues)?;
    let header = header(&mut object, issues);
    let post_type = object.required("type", issues, lax::string);
    let reference = object.nullable("ref", issues, reference);
    let content = object.defaulted("content", (None, Vec::new()), issues, |value, issues| {
        let tags = tags_within(value, issues)?;
        Some((Some(value.to_owned()), tags))
    });
    object.finish(issues);
    let (reference, object_ref) = match reference? {
        Some((reference, object_ref)) => (Some(reference), object_ref),
        None => (None, false),
    };
    let (content_json, tags) = content?;
    let post = Post {
        post_type: post_type?,
        reference,
        object_ref,
        content_json,
        tags,
    };
    if post.is_amend() && post.reference.as_deref().unwrap_or_default().is_empty() {
        return issues.refuse("value_error", "an amend needs a ref");
    }
    Some((header?, post))
}

/// A reference to a message: its name, and whether an object gave it.
fn reference(value: &RawValue, issues: &mut Issues) -> Option<(String, bool)> {
    if value.get().starts_with('{') {
        return quoted_message(value, issues).map(|hash| (hash, true));
    }
    lax::string(value, issues).map(|reference| (reference, false))
}

/// The item hash of a message that is quoted as an object. Only its shape is checked.
fn quoted_message(value: &RawValue, issues: &mut Issues) -> Option<String> {
    const KEYS: [&str; 9] = [
        "chain",
        "channel",
        "item_content",
        "item_hash",
        "item_type",
        "sender",
        "signature",
        "time",
        "type",
    ];
    let mut object = Object::read(value.get(), &KEYS, Unknown::Ignored, issues)?;
    object.required("chain", issues, lax::word::<Chain>);
    object.nullable("channel", issues, |value, issues| {
        lax::string_up_to(value, CHANNEL_LIMIT, issues)
    });
    object.required("item_content", issues, lax::text);
    let item_hash = object.required("item_hash", issues, lax::item_hash);
    object.required("item_type", issues, lax::word::<ItemType>);
    object.required("sender", issues, lax::text);
    object.required("signature", issues, lax::text);
    object.required("time", issues, lax::float);
    object.defaulted("type", "POST", issues, |value, issues| {
        lax::one_of(value, &["POST"], issues)
    });
    object.finish(issues);
    item_hash.map(|hash| hash.to_string())
}
