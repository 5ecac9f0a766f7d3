//! The vectors of the repository, envelope and content.

use std::{fs, path::Path};

use alephd_message::{Content, Envelope, ItemType};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

#[derive(Deserialize)]
struct Vector {
    id: String,
    expected: Expected,
    message: Box<RawValue>,
}

#[derive(Deserialize)]
struct Expected {
    error_code: Option<i16>,
    format: String,
    content: String,
    why: String,
}

fn vectors() -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../vectors");
    let mut vectors = Vec::new();
    for name in ["derived-mutations", "real-messages", "synthetic"] {
        let text = fs::read_to_string(folder.join(name).with_extension("jsonl")).expect("vector file");
        vectors.extend(
            text.lines()
                .map(|line| serde_json::from_str::<Vector>(line).expect("vector")),
        );
    }
    vectors
}

/// What this crate says: `None` for a well-formed message, else why not.
fn verdict(message: &RawValue) -> Option<String> {
    let envelope = match Envelope::parse(message.get().as_bytes()) {
        Ok(envelope) => envelope,
        Err(error) => return Some(format!("envelope: {error}")),
    };
    let text = envelope.item_content.as_deref()?;
    let content = Content::parse(envelope.message_type, text);
    content.err().map(|error| format!("content: {error}"))
}

#[test]
fn every_vector_gets_its_format_verdict() {
    let vectors = vectors();
    let (mut refused, mut accepted) = (0, 0);
    for Vector {
        id,
        expected,
        message,
    } in &vectors
    {
        // Code 0 is ours alone; the other codes are about signatures, of well-formed messages.
        let verdict = verdict(message);
        assert_eq!(
            verdict.is_some(),
            expected.error_code == Some(0),
            "{id}: {verdict:?}, {}",
            expected.why
        );
        let well_formed = expected.format == "valid" && expected.content != "invalid";
        assert_eq!(verdict.is_none(), well_formed, "{id}");
        match verdict {
            Some(_) => refused += 1,
            None => accepted += 1,
        }
    }
    assert_eq!((vectors.len(), refused, accepted), (318, 64, 254));
}

#[test]
fn every_inline_content_gets_its_content_verdict() {
    /// Contents that pass the schema, but not the reader that the envelope puts before it.
    const NOT_STRICT_JSON: [&str; 1] = ["741c2ce63566ce48"];
    /// Valid once the defaults of the envelope are filled in, which inline contents do not get.
    const NEEDS_DEFAULTS: [&str; 1] = ["1c9f56a8648e4a36"];
    let (mut valid, mut invalid, mut without) = (0, 0, 0);
    for Vector {
        id,
        expected,
        message,
    } in vectors()
    {
        #[derive(Deserialize)]
        struct Parts {
            #[serde(rename = "type")]
            message_type: String,
            item_content: Option<String>,
        }
        let parts: Parts = serde_json::from_str(message.get()).expect("message");
        let (Ok(message_type), Some(text)) = (parts.message_type.parse(), parts.item_content) else {
            assert_ne!(expected.content, "valid", "{id}");
            without += 1;
            continue;
        };
        let content = Content::parse(message_type, &text);
        let exempt = NOT_STRICT_JSON.contains(&id.as_str()) || NEEDS_DEFAULTS.contains(&id.as_str());
        match expected.content.as_str() {
            "valid" if !exempt => {
                assert!(content.is_ok(), "{id}: {content:?}");
                valid += 1;
            }
            "unavailable" => without += 1,
            _ => {
                assert!(content.is_err(), "{id}: {}", expected.why);
                invalid += 1;
            }
        }
    }
    assert_eq!((valid, invalid, without), (263, 33, 22));
}

#[test]
fn contents_that_are_not_inline_are_named_by_their_hash() {
    let envelopes = vectors()
        .into_iter()
        .filter_map(|vector| Envelope::parse(vector.message.get().as_bytes()).ok());
    let mut count = 0;
    for envelope in envelopes.filter(|envelope| envelope.item_content.is_none()) {
        assert_eq!(envelope.item_type, envelope.item_hash.item_type());
        assert_ne!(envelope.item_type, ItemType::Inline);
        count += 1;
    }
    assert_eq!(count, 14);
}

#[test]
fn the_two_readers_of_envelopes_agree() {
    let vectors = vectors();
    for Vector { id, message, .. } in &vectors {
        let value: Value = serde_json::from_str(message.get()).expect("JSON");
        assert_eq!(
            Envelope::parse(message.get().as_bytes()),
            Envelope::from_value(value),
            "{id}"
        );
    }
    assert_eq!(vectors.len(), 318);
}
