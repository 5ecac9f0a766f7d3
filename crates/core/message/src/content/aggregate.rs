//! AGGREGATE: a change of a key-value document.

use serde_json::value::RawValue;

use super::{
    Aggregate,
    header::{Header, header, tags},
    issues::Issues,
    lax,
    read::{Object, Unknown, entries, strict},
};

type Fields = (Vec<(String, Box<RawValue>)>, Vec<String>);

/// Reads the content of an AGGREGATE.
pub(super) fn parse(text: &str, issues: &mut Issues) -> Option<(Header, Aggregate)> {
    const KEYS: [&str; 4] = ["address", "time", "key", "content"];
    let mut object = Object::read(text, &KEYS, Unknown::Refused, issues)?;
    let header = header(&mut object, issues);
    // The network's schema also takes an object here, but then fails to process the message and
    // gives up after its retries. Refusing it at once ends in the same state.
    let key = object.required("key", issues, lax::string);
    let content = object.required("content", issues, fields);
    object.finish(issues);
    let (fields, tags) = content?;
    Some((
        header?,
        Aggregate {
            key: key?,
            fields,
            tags,
        },
    ))
}

fn fields(value: &RawValue, issues: &mut Issues) -> Option<Fields> {
    let entries = entries(value.get(), issues)?;
    let mut fields = Vec::with_capacity(entries.len());
    let mut found = Vec::new();
    for (key, value) in entries {
        if key == "tags" {
            found = tags(value, issues)?;
        } else {
            strict(value, issues)?;
        }
        fields.push((key.into_owned(), value.to_owned()));
    }
    Some((fields, found))
}
