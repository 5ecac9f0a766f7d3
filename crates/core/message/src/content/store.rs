//! STORE: a file to keep.

use serde_json::value::RawValue;

use super::{
    Store,
    header::{Header, header, tags},
    issues::{Issues, Step},
    lax,
    machine::payment,
    read::{Object, Unknown, strict},
};
use crate::{ItemType, PaymentType};

/// Reads the content of a STORE, the one type whose unknown keys are ignored.
pub(super) fn parse(text: &str, issues: &mut Issues) -> Option<(Header, Store)> {
    const KEYS: [&str; 10] = [
        "address",
        "time",
        "item_type",
        "item_hash",
        "size",
        "content_type",
        "ref",
        "metadata",
        "payment",
        "tags",
    ];
    let mut object = Object::read(text, &KEYS, Unknown::Ignored, issues)?;
    let header = header(&mut object, issues);
    let item_type = object.required("item_type", issues, lax::word::<ItemType>);
    let item_hash = object.required("item_hash", issues, lax::item_hash);
    object.nullable("size", issues, lax::integer);
    object.nullable("content_type", issues, lax::text);
    let reference = object.nullable("ref", issues, lax::string);
    object.nullable("metadata", issues, any_object);
    let payment = object.nullable("payment", issues, payment);
    let tags = object.defaulted("tags", Vec::new(), issues, tags);
    object.finish(issues);
    let (item_type, item_hash) = (item_type?, item_hash?);
    if item_hash.item_type() != item_type {
        return issues.within(Step::Key("item_type"), |issues| {
            issues.refuse(
                "mismatch",
                format!("the hash is of type {}", item_hash.item_type()),
            )
        });
    }
    let payment = payment?.unwrap_or(PaymentType::Hold);
    if payment == PaymentType::Superfluid {
        return issues.within(Step::Key("payment"), |issues| {
            issues.refuse(
                "value_error",
                "a file is paid for by holding tokens or by credits",
            )
        });
    }
    Some((
        header?,
        Store {
            item_type,
            item_hash,
            reference: reference?,
            payment,
            tags: tags?,
        },
    ))
}

fn any_object(value: &RawValue, issues: &mut Issues) -> Option<()> {
    if !value.get().starts_with('{') {
        return issues.refuse("dict_type", "an object is expected");
    }
    strict(value, issues)
}
