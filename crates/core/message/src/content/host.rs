//! The demands of a machine on its host.

use serde_json::value::RawValue;

use super::{
    address_pattern,
    issues::Issues,
    lax,
    read::{Object, Unknown, list},
};

/// Longest pattern of addresses, in characters.
const PATTERN_LIMIT: usize = 256;

/// Which demands are made, as far as cross rules need them.
#[derive(Default)]
pub(super) struct Requirements {
    /// One host is named.
    pub(super) node_hash: bool,
    /// Terms and conditions of that host are accepted.
    pub(super) terms: bool,
    /// At least one GPU is wanted.
    pub(super) gpu: bool,
}

/// Reads `requirements`.
pub(super) fn requirements(value: &RawValue, issues: &mut Issues) -> Option<Requirements> {
    let mut object = Object::read(value.get(), &["cpu", "node", "gpu"], Unknown::Refused, issues)?;
    object.nullable("cpu", issues, cpu);
    let node = object.nullable("node", issues, node);
    let gpu = object.nullable("gpu", issues, |value, issues| {
        list(value, usize::MAX, issues, gpu)
    });
    object.finish(issues);
    let gpu = gpu?.is_some_and(|gpus| !gpus.is_empty());
    Some(Requirements {
        gpu,
        ..node?.unwrap_or_default()
    })
}

fn cpu(value: &RawValue, issues: &mut Issues) -> Option<()> {
    const KEYS: [&str; 3] = ["architecture", "vendor", "features"];
    let mut object = Object::read(value.get(), &KEYS, Unknown::Refused, issues)?;
    object.nullable("architecture", issues, |value, issues| {
        lax::one_of(value, &["x86_64", "arm64"], issues)
    });
    object.nullable("vendor", issues, lax::text);
    object.nullable("features", issues, |value, issues| {
        list(value, usize::MAX, issues, lax::text)
    });
    object.finish(issues);
    Some(())
}

fn node(value: &RawValue, issues: &mut Issues) -> Option<Requirements> {
    const KEYS: [&str; 4] = ["owner", "address_regex", "node_hash", "terms_and_conditions"];
    let mut object = Object::read(value.get(), &KEYS, Unknown::Refused, issues)?;
    object.nullable("owner", issues, lax::text);
    object.nullable("address_regex", issues, |value, issues| {
        let pattern = lax::string_up_to(value, PATTERN_LIMIT, issues)?;
        match address_pattern::check(&pattern) {
            Ok(()) => Some(()),
            Err(reason) => issues.refuse("value_error", reason),
        }
    });
    let node_hash = object.nullable("node_hash", issues, lax::item_hash);
    let terms = object.nullable("terms_and_conditions", issues, lax::item_hash);
    object.finish(issues);
    Some(Requirements {
        node_hash: node_hash?.is_some(),
        terms: terms?.is_some(),
        gpu: false,
    })
}

fn gpu(value: &RawValue, issues: &mut Issues) -> Option<()> {
    const KEYS: [&str; 4] = ["vendor", "device_name", "device_class", "device_id"];
    let mut object = Object::read(value.get(), &KEYS, Unknown::Refused, issues)?;
    object.required("vendor", issues, lax::text);
    object.required("device_name", issues, lax::text);
    object.required("device_class", issues, |value, issues| {
        lax::one_of(value, &["0300", "0302"], issues)
    });
    object.required("device_id", issues, lax::text);
    object.finish(issues);
    Some(())
}
