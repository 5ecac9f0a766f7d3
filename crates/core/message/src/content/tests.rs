//! Bounds and cross rules of every content. Each type has a valid sample; a table changes one
//! place of it at a time and says whether the result is still valid.

use serde_json::{Value, json};

use super::*;

mod documents;
mod machines;
mod reading;
mod samples;

/// A change of one place: JSON pointer, new value (`None` removes the key), verdict.
type Case = (&'static str, Option<Value>, bool);

fn set(pointer: &'static str, value: Value, valid: bool) -> Case {
    (pointer, Some(value), valid)
}

fn remove(pointer: &'static str, valid: bool) -> Case {
    (pointer, None, valid)
}

fn changed(sample: &Value, pointer: &str, value: Option<Value>) -> Value {
    let mut changed = sample.clone();
    let (parent, key) = pointer.rsplit_once('/').expect("pointer");
    match (changed.pointer_mut(parent).expect("parent"), value) {
        (Value::Object(map), Some(value)) => drop(map.insert(key.to_owned(), value)),
        (Value::Object(map), None) => assert!(map.remove(key).is_some(), "{pointer} is not there"),
        (Value::Array(list), Some(value)) => list[key.parse::<usize>().expect("index")] = value,
        (other, _) => panic!("{pointer} is within {other}"),
    }
    changed
}

fn parse(message_type: MessageType, content: &Value) -> Result<Content, FormatError> {
    Content::parse(message_type, &content.to_string())
}

fn valid(message_type: MessageType, content: &Value) -> Content {
    parse(message_type, content).unwrap_or_else(|error| panic!("{error}: {content}"))
}

/// Checks the sample and every change of it.
fn check(message_type: MessageType, sample: &Value, cases: Vec<Case>) {
    valid(message_type, sample);
    for (pointer, value, expected) in cases {
        let content = changed(sample, pointer, value.clone());
        let verdict = parse(message_type, &content);
        let shown = value.map(|value| value.to_string().chars().take(80).collect::<String>());
        assert_eq!(
            verdict.is_ok(),
            expected,
            "{message_type} {pointer} = {shown:?}: {verdict:?}"
        );
        if let Err(error) = verdict {
            assert!(!error.issues.is_empty());
        }
    }
}

fn text(length: usize) -> Value {
    Value::String("é".repeat(length))
}

fn repeated(value: &Value, count: usize) -> Value {
    Value::Array(vec![value.clone(); count])
}

fn map(count: usize) -> Value {
    (0..count)
        .map(|index| (format!("k{index}"), json!("v")))
        .collect()
}
