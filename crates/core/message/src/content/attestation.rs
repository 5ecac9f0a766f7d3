//! Trusted execution and launch measurements.

use serde_json::value::RawValue;

use super::{
    issues::Issues,
    lax,
    machine::port,
    read::{Object, Unknown, list},
};

/// Measurements that one declaration may carry, one per processor model.
const MEASUREMENTS_LIMIT: usize = 16;
/// Characters of the name of a processor model.
const VCPU_TYPE_LIMIT: usize = 64;
/// Hexadecimal digits of a SHA-384 launch digest.
const DIGEST_LENGTH: usize = 96;
/// The bit of an SEV-SNP guest policy that is reserved and must be one.
const RESERVED_BIT: i128 = 1 << 17;

/// Checks `trusted_execution` of an INSTANCE. The answer says whether the object has any key.
pub(super) fn trusted_execution(value: &RawValue, issues: &mut Issues) -> Option<bool> {
    const KEYS: [&str; 6] = [
        "firmware",
        "policy",
        "mode",
        "runtime",
        "measurements",
        "attestation_port",
    ];
    let mut object = Object::read(value.get(), &KEYS, Unknown::Refused, issues)?;
    let has_keys = KEYS.iter().any(|key| object.has(key));
    let firmware = object.nullable("firmware", issues, lax::item_hash);
    let policy = object.defaulted("policy", 1, issues, lax::integer);
    let mode = object.nullable("mode", issues, |value, issues| {
        lax::one_of(value, &["sev", "sev_snp"], issues)
    });
    let runtime = object.nullable("runtime", issues, lax::item_hash);
    let measurements = object.nullable("measurements", issues, measurements);
    let attestation_port = object.nullable("attestation_port", issues, port);
    object.finish(issues);
    let (firmware, runtime) = (firmware?.is_some(), runtime?.is_some());
    let (measurements, attestation_port) = (measurements?, attestation_port?.is_some());
    if mode? == Some("sev_snp") {
        if firmware || !runtime || measurements.unwrap_or(0) == 0 {
            let text = "sev_snp needs a runtime and measurements, and has no firmware";
            return issues.refuse("value_error", text);
        }
        snp_policy(policy?, issues)?;
    } else if runtime || measurements.is_some() || attestation_port {
        let text = "runtime, measurements and attestation_port belong to the mode sev_snp";
        return issues.refuse("value_error", text);
    }
    policy.map(|_| has_keys)
}

/// Checks `verification` of a V-PROGRAM.
pub(super) fn verification(value: &RawValue, issues: &mut Issues) -> Option<()> {
    let mut object = Object::read(
        value.get(),
        &["backend", "policy", "measurements"],
        Unknown::Refused,
        issues,
    )?;
    object.required("backend", issues, |value, issues| {
        lax::one_of(value, &["sev_snp"], issues)
    });
    object.defaulted("policy", (), issues, |value, issues| {
        snp_policy(lax::integer(value, issues)?, issues)
    });
    object.required("measurements", issues, |value, issues| {
        match measurements(value, issues)? {
            0 => issues.refuse("too_short", "at least one measurement is needed"),
            _ => Some(()),
        }
    });
    object.finish(issues);
    Some(())
}

fn snp_policy(policy: i128, issues: &mut Issues) -> Option<()> {
    let fits = (0..1 << 64).contains(&policy);
    if fits && policy & RESERVED_BIT != 0 {
        return Some(());
    }
    issues.refuse("value_error", "an SEV-SNP policy has 64 bits, and bit 17 is set")
}

/// Checks a list of launch measurements and counts them.
fn measurements(value: &RawValue, issues: &mut Issues) -> Option<usize> {
    list(value, MEASUREMENTS_LIMIT, issues, measurement).map(|list| list.len())
}

fn measurement(value: &RawValue, issues: &mut Issues) -> Option<()> {
    let mut object = Object::read(
        value.get(),
        &["platform", "digest", "vcpu_type"],
        Unknown::Refused,
        issues,
    )?;
    object.required("platform", issues, |value, issues| {
        lax::one_of(value, &["sev_snp"], issues)
    });
    object.required("digest", issues, |value, issues| {
        lax::lower_hex(value, DIGEST_LENGTH, issues)
    });
    object.nullable("vcpu_type", issues, |value, issues| {
        lax::string_up_to(value, VCPU_TYPE_LIMIT, issues)
    });
    object.finish(issues);
    Some(())
}
