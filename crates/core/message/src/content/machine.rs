//! What PROGRAM, INSTANCE and V-PROGRAM share: the base keys, the payment and the resources.

use serde_json::value::RawValue;

use super::{
    header::tags,
    host::{Requirements, requirements},
    issues::{Issues, Step},
    lax,
    read::{Object, Unknown, entries, list, strict},
};
use crate::{Chain, PaymentType};

/// Entries of `metadata`, and of `variables`.
const MAP_LIMIT: usize = 256;
/// Number of authorized keys.
const KEYS_LIMIT: usize = 256;
/// Characters of an authorized key.
const KEY_LIMIT: usize = 8_192;
/// Characters of the name of a variable.
const VARIABLE_NAME_LIMIT: usize = 128;
/// Characters of the value of a variable.
const VARIABLE_VALUE_LIMIT: usize = 4_096;
/// Characters of `replaces`.
const REPLACES_LIMIT: usize = 128;
/// Virtual processors.
const VCPUS: i128 = 256;
/// Memory, in MiB: one TiB.
const MEMORY_MIB: i128 = 1_048_576;
/// Running time: ten years of 365 days.
const SECONDS: i128 = 315_360_000;

/// The base keys, as far as other rules need them. A field is `None` if it has an issue.
pub(super) struct Base {
    pub(super) allow_amend: Option<bool>,
    /// `Some(None)` when absent or null.
    pub(super) payment: Option<Option<PaymentType>>,
    pub(super) replaces: Option<Option<String>>,
    pub(super) requirements: Option<Option<Requirements>>,
    pub(super) tags: Option<Vec<String>>,
    /// Number of entries; zero when absent or null.
    pub(super) variables: Option<usize>,
    /// Number of keys; zero when absent or null.
    pub(super) authorized_keys: Option<usize>,
}

/// Reads the base keys save `environment` and `volumes`, whose shapes depend on the type.
pub(super) fn base<const N: usize>(object: &mut Object<'_, N>, issues: &mut Issues) -> Base {
    let allow_amend = object.required("allow_amend", issues, lax::boolean);
    let metadata = object.nullable("metadata", issues, metadata);
    let authorized_keys = object.nullable("authorized_keys", issues, |value, issues| {
        let keys = list(value, KEYS_LIMIT, issues, |key, issues| {
            lax::string_up_to(key, KEY_LIMIT, issues)
        })?;
        Some(keys.len())
    });
    let variables = object.nullable("variables", issues, variables);
    object.required("resources", issues, resources);
    let payment = object.nullable("payment", issues, payment);
    let requirements = object.nullable("requirements", issues, requirements);
    let replaces = object.nullable("replaces", issues, |value, issues| {
        lax::string_up_to(value, REPLACES_LIMIT, issues)
    });
    Base {
        allow_amend,
        payment,
        replaces,
        requirements,
        tags: metadata.map(Option::unwrap_or_default),
        variables: variables.map(Option::unwrap_or_default),
        authorized_keys: authorized_keys.map(Option::unwrap_or_default),
    }
}

/// How a resource is paid for. The chain and the receiver are checked and left out: balances
/// are never picked by them.
pub(super) fn payment(value: &RawValue, issues: &mut Issues) -> Option<PaymentType> {
    const KEYS: [&str; 3] = ["type", "chain", "receiver"];
    let mut object = Object::read(value.get(), &KEYS, Unknown::Ignored, issues)?;
    let payment = object.required("type", issues, lax::word::<PaymentType>);
    object.nullable("chain", issues, lax::word::<Chain>);
    object.nullable("receiver", issues, lax::text);
    object.finish(issues);
    payment
}

fn metadata(value: &RawValue, issues: &mut Issues) -> Option<Vec<String>> {
    let entries = entries(value.get(), issues)?;
    if entries.len() > MAP_LIMIT {
        return issues.refuse("too_long", format!("at most {MAP_LIMIT} entries"));
    }
    let mut found = Vec::new();
    for (key, value) in entries {
        if key == "tags" {
            found = tags(value, issues)?;
        } else {
            strict(value, issues)?;
        }
    }
    Some(found)
}

fn variables(value: &RawValue, issues: &mut Issues) -> Option<usize> {
    let entries = entries(value.get(), issues)?;
    if entries.len() > MAP_LIMIT {
        return issues.refuse("too_long", format!("at most {MAP_LIMIT} entries"));
    }
    for (index, (name, value)) in entries.iter().enumerate() {
        issues.within(Step::Index(index), |issues| {
            if lax::is_longer(name, VARIABLE_NAME_LIMIT) {
                let text = format!("a name has at most {VARIABLE_NAME_LIMIT} characters");
                issues.refuse::<()>("string_too_long", text);
            }
            lax::string_up_to(value, VARIABLE_VALUE_LIMIT, issues);
        });
    }
    Some(entries.len())
}

fn resources(value: &RawValue, issues: &mut Issues) -> Option<()> {
    const KEYS: [&str; 4] = ["vcpus", "memory", "seconds", "published_ports"];
    let mut object = Object::read(value.get(), &KEYS, Unknown::Ignored, issues)?;
    for (key, limit) in [("vcpus", VCPUS), ("memory", MEMORY_MIB), ("seconds", SECONDS)] {
        object.defaulted(key, 1, issues, |value, issues| {
            lax::integer_in(value, 1..=limit, issues)
        });
    }
    object.nullable("published_ports", issues, |value, issues| {
        list(value, usize::MAX, issues, published_port)
    });
    object.finish(issues);
    Some(())
}

fn published_port(value: &RawValue, issues: &mut Issues) -> Option<()> {
    let mut object = Object::read(value.get(), &["protocol", "port"], Unknown::Ignored, issues)?;
    object.defaulted("protocol", "tcp", issues, |value, issues| {
        lax::one_of(value, &["tcp", "udp"], issues)
    });
    object.required("port", issues, port);
    object.finish(issues);
    Some(())
}

/// A TCP or UDP port.
pub(super) fn port(value: &RawValue, issues: &mut Issues) -> Option<i128> {
    lax::integer_in(value, 1..=65_535, issues)
}
