//! INSTANCE: a virtual machine.

use serde_json::value::RawValue;

use super::{
    Machine, VolumeRef, VolumeRole, attestation,
    header::{Header, header},
    issues::{Issues, Step},
    lax,
    machine::{self, Base},
    read::{Object, Unknown, list},
    volume,
};
use crate::PaymentType;

/// The part of the environment that cross rules need.
struct Environment {
    qemu: bool,
    trusted_execution: bool,
}

/// Reads the content of an INSTANCE.
pub(super) fn parse(text: &str, issues: &mut Issues) -> Option<(Header, Machine)> {
    const KEYS: [&str; 13] = [
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
        "rootfs",
    ];
    let mut object = Object::read(text, &KEYS, Unknown::Refused, issues)?;
    let header = header(&mut object, issues);
    let base = machine::base(&mut object, issues);
    let environment = object.required("environment", issues, environment);
    let rootfs = object.required("rootfs", issues, rootfs);
    let mut volumes = Vec::new();
    volumes.extend(rootfs);
    volume::volumes(&mut object, &mut volumes, issues);
    object.finish(issues);
    cross_rules(&base, &environment?, issues)?;
    let machine = Machine {
        allow_amend: base.allow_amend?,
        payment: base.payment?.unwrap_or(PaymentType::Hold),
        replaces: base.replaces?,
        volumes,
        persistent: None,
        on_message: None,
        tags: base.tags?,
    };
    Some((header?, machine))
}

/// What the demands on the host imply. Without demands nothing is implied, whatever the payment.
fn cross_rules(base: &Base, environment: &Environment, issues: &mut Issues) -> Option<()> {
    let (Some(payment), Some(requirements)) = (&base.payment, &base.requirements) else {
        return None;
    };
    let Some(requirements) = requirements else {
        return Some(());
    };
    let is_metered = matches!(payment, Some(PaymentType::Superfluid | PaymentType::Credit));
    let broken = if is_metered && !requirements.node_hash {
        "a stream or credits pay one host: requirements.node.node_hash has to name it"
    } else if requirements.gpu && !requirements.node_hash {
        "GPUs are those of one host: requirements.node.node_hash has to name it"
    } else if requirements.gpu && !environment.qemu {
        "GPUs need the hypervisor qemu"
    } else if requirements.terms && !requirements.node_hash {
        "terms and conditions are those of one host: requirements.node.node_hash has to name it"
    } else if requirements.terms && !is_metered && !environment.trusted_execution {
        "terms and conditions need a stream, credits or trusted execution"
    } else {
        return Some(());
    };
    issues.within(Step::Key("requirements"), |issues| {
        issues.refuse("value_error", broken)
    })
}

fn environment(value: &RawValue, issues: &mut Issues) -> Option<Environment> {
    const FLAGS: [&str; 4] = ["internet", "aleph_api", "reproducible", "shared_cache"];
    const KEYS: [&str; 6] = [
        "internet",
        "aleph_api",
        "reproducible",
        "shared_cache",
        "hypervisor",
        "trusted_execution",
    ];
    let mut object = Object::read(value.get(), &KEYS, Unknown::Ignored, issues)?;
    for key in FLAGS {
        object.defaulted(key, false, issues, lax::boolean);
    }
    let hypervisor = object.nullable("hypervisor", issues, |value, issues| {
        lax::one_of(value, &["qemu", "firecracker"], issues)
    });
    let qemu = hypervisor.flatten() == Some("qemu");
    let trusted_execution = object.nullable("trusted_execution", issues, |value, issues| {
        let has_keys = attestation::trusted_execution(value, issues)?;
        // An object without keys escapes the rule of the network, and has to escape ours.
        if has_keys && !qemu {
            return issues.refuse("value_error", "trusted execution needs the hypervisor qemu");
        }
        Some(())
    });
    object.finish(issues);
    Some(Environment {
        qemu,
        trusted_execution: trusted_execution?.is_some(),
    })
}

fn rootfs(value: &RawValue, issues: &mut Issues) -> Option<VolumeRef> {
    const KEYS: [&str; 4] = ["parent", "persistence", "size_mib", "forgotten_by"];
    let mut object = Object::read(value.get(), &KEYS, Unknown::Ignored, issues)?;
    let parent = object.required("parent", issues, volume::parent);
    object.required("persistence", issues, volume::persistence);
    let size_mib = object.required("size_mib", issues, volume::persistent_size);
    object.nullable("forgotten_by", issues, |value, issues| {
        list(value, usize::MAX, issues, lax::text)
    });
    object.finish(issues);
    let (reference, use_latest) = parent?;
    let name = Some("rootfs".to_owned());
    Some(VolumeRef {
        role: VolumeRole::Rootfs,
        reference,
        use_latest,
        size_mib: Some(size_mib?),
        name,
    })
}
