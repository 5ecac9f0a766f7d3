//! V-PROGRAM: a function whose code and environment are measured by the hardware.
//!
//! The youngest type and still moving in the network; all that is particular to it is here and
//! in `attestation`.

use serde_json::value::RawValue;

use super::{
    Machine, VolumeRef, VolumeRole, attestation,
    header::{Header, header},
    issues::{Issues, Step},
    lax, machine,
    read::{Object, Unknown, list},
};
use crate::PaymentType;

/// Verified volumes: each costs its part of the measured kernel command line.
const VOLUMES_LIMIT: usize = 8;
/// Characters of a comment.
const COMMENT_LIMIT: usize = 1_024;
/// Hexadecimal digits of the root of a tree of SHA-256 hashes.
const ROOT_LENGTH: usize = 64;

/// Reads the content of a V-PROGRAM.
pub(super) fn parse(text: &str, issues: &mut Issues) -> Option<(Header, Machine)> {
    const KEYS: [&str; 15] = [
        "address",
        "time",
        "allow_amend",
        "metadata",
        "authorized_keys",
        "variables",
        "environment",
        "resources",
        "payment",
        "requirements",
        "volumes",
        "replaces",
        "runtime",
        "workload",
        "verification",
    ];
    let mut object = Object::read(text, &KEYS, Unknown::Refused, issues)?;
    let header = header(&mut object, issues);
    let base = machine::base(&mut object, issues);
    object.required("environment", issues, environment);
    let runtime = object.required("runtime", issues, runtime);
    let workload = object.required("workload", issues, |value, issues| {
        verified(value, VolumeRole::Workload, issues)
    });
    object.required("verification", issues, attestation::verification);
    let volumes = object.defaulted("volumes", Vec::new(), issues, |value, issues| {
        list(value, VOLUMES_LIMIT, issues, |value, issues| {
            verified(value, VolumeRole::Verified, issues)
        })
    });
    object.finish(issues);

    let (allow_amend, replaces) = (base.allow_amend?, base.replaces?);
    if allow_amend || replaces.is_some() {
        return issues.refuse("value_error", "a measured program is never amended");
    }
    if base.variables? > 0 || base.authorized_keys? > 0 {
        return issues.refuse(
            "value_error",
            "variables and authorized_keys would not be measured",
        );
    }
    let payment = base.payment?;
    if payment != Some(PaymentType::Credit) {
        return issues.within(Step::Key("payment"), |issues| {
            issues.refuse("value_error", "a measured program is paid for by credits")
        });
    }
    base.requirements?;
    let mut found = vec![runtime?];
    found.extend(workload?);
    found.extend(volumes?.into_iter().flatten());
    found.sort_by_key(|volume| volume.role);
    let machine = Machine {
        allow_amend,
        payment: PaymentType::Credit,
        replaces,
        volumes: found,
        persistent: None,
        on_message: None,
        tags: base.tags?,
    };
    Some((header?, machine))
}

fn environment(value: &RawValue, issues: &mut Issues) -> Option<()> {
    let mut object = Object::read(value.get(), &["internet"], Unknown::Refused, issues)?;
    object.defaulted("internet", false, issues, lax::boolean);
    object.finish(issues);
    Some(())
}

fn runtime(value: &RawValue, issues: &mut Issues) -> Option<VolumeRef> {
    let mut object = Object::read(value.get(), &["ref", "comment"], Unknown::Refused, issues)?;
    let reference = object.required("ref", issues, lax::item_hash);
    object.defaulted("comment", String::new(), issues, comment);
    object.finish(issues);
    let role = VolumeRole::Runtime;
    Some(VolumeRef {
        role,
        reference: reference?,
        use_latest: false,
        size_mib: None,
        name: None,
    })
}

/// A measured file and the tree of its hashes. Neither ever follows a later revision.
fn verified(value: &RawValue, role: VolumeRole, issues: &mut Issues) -> Option<[VolumeRef; 2]> {
    const KEYS: [&str; 4] = ["ref", "hash_tree", "roothash", "comment"];
    let mut object = Object::read(value.get(), &KEYS, Unknown::Refused, issues)?;
    let reference = object.required("ref", issues, lax::item_hash);
    let hash_tree = object.required("hash_tree", issues, lax::item_hash);
    object.required("roothash", issues, |value, issues| {
        lax::lower_hex(value, ROOT_LENGTH, issues)
    });
    if role == VolumeRole::Verified {
        object.defaulted("comment", String::new(), issues, comment);
    } else if object.has("comment") {
        issues.refuse_key("comment", "extra_forbidden", "a workload has no comment");
    }
    object.finish(issues);
    let volume = |role, reference| VolumeRef {
        role,
        reference,
        use_latest: false,
        size_mib: None,
        name: None,
    };
    Some([volume(role, reference?), volume(VolumeRole::HashTree, hash_tree?)])
}

fn comment(value: &RawValue, issues: &mut Issues) -> Option<String> {
    lax::string_up_to(value, COMMENT_LIMIT, issues)
}
