//! One valid content of each type, with every key in use.

use serde_json::{Value, json};

pub(super) const SHA: &str = "1eb440938336b13e7e4ad3f9ebea6de8dbf7fcbdba4c8861ea0a4f70e19e777d";
pub(super) const CID: &str = "QmaMLRsvmDRCezZe2iebcKWtEzKNjBaQfwcu7mcpdm8eY2";
pub(super) const CID_V1: &str = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi";

/// `base` with the entries of `more`.
fn with(mut base: Value, more: Value) -> Value {
    if let (Value::Object(base), Value::Object(more)) = (&mut base, more) {
        base.extend(more);
    }
    base
}

fn header() -> Value {
    json!({"address": "0xA", "time": 1_700_000_000.5})
}

pub(super) fn post() -> Value {
    with(
        header(),
        json!({"type": "blog", "ref": "chain", "content": {"tags": ["x", 1, "y"], "body": 1}}),
    )
}

pub(super) fn amend() -> Value {
    let reference = json!({
        "chain": "ETH", "channel": "c", "item_content": "{}", "item_hash": SHA, "item_type": "inline",
        "sender": "0xA", "signature": "0x", "time": 1.5, "type": "POST",
    });
    with(
        header(),
        json!({"type": "amend", "ref": reference, "content": {"b": 1}}),
    )
}

pub(super) fn aggregate() -> Value {
    with(
        header(),
        json!({"key": "profile", "content": {"a": 1, "tags": ["t"]}}),
    )
}

pub(super) fn store() -> Value {
    with(
        header(),
        json!({
            "item_type": "ipfs", "item_hash": CID, "size": 5, "content_type": "file", "ref": "label",
            "metadata": {"a": 1}, "payment": {"type": "credit"}, "tags": ["s"],
        }),
    )
}

pub(super) fn forget() -> Value {
    with(
        header(),
        json!({"hashes": [SHA, CID], "aggregates": [CID_V1], "reason": "why"}),
    )
}

fn requirements() -> Value {
    json!({
        "cpu": {"architecture": "x86_64", "vendor": "AuthenticAMD", "features": ["sev"]},
        "node": {"owner": "0xB", "address_regex": "^http.*$", "node_hash": SHA, "terms_and_conditions": SHA},
        "gpu": [{"vendor": "N", "device_name": "L40S", "device_class": "0300", "device_id": "10de:26b9"}],
    })
}

fn machine() -> Value {
    with(
        header(),
        json!({
            "allow_amend": true,
            "metadata": {"name": "n", "tags": ["m", null]},
            "authorized_keys": ["ssh-rsa A"],
            "variables": {"K": "V"},
            "resources": {"vcpus": 1, "memory": 128, "seconds": 30, "published_ports": [{"protocol": "tcp", "port": 22}]},
            "payment": {"type": "superfluid", "chain": "AVAX", "receiver": "0xC"},
            "requirements": requirements(),
            "replaces": SHA,
            "volumes": [
                {"mount": "/p", "parent": {"ref": CID, "use_latest": false}, "persistence": "host", "size_mib": 2000},
                {"comment": "c", "mount": "/i", "ref": SHA, "use_latest": false},
                {"mount": "/e", "ephemeral": true, "size_mib": 5},
                {"name": "n", "mount": "/q", "parent": {"ref": SHA}, "persistence": "store", "size_mib": 7},
                {"size_mib": 7},
            ],
        }),
    )
}

pub(super) fn program() -> Value {
    with(
        machine(),
        json!({
            "type": "vm-function",
            "environment": {"reproducible": false, "internet": true, "aleph_api": true, "shared_cache": false},
            "code": {"encoding": "zip", "entrypoint": "m:a", "ref": SHA, "interface": "asgi", "args": ["a"], "use_latest": true},
            "runtime": {"ref": CID, "comment": "py"},
            "data": {"encoding": "squashfs", "mount": "/d", "ref": CID_V1},
            "export": {"encoding": "plain", "mount": "/x"},
            "on": {"http": true, "message": [{"sender": "0xA"}, {}], "persistent": false},
        }),
    )
}

pub(super) fn instance() -> Value {
    with(
        machine(),
        json!({
            "environment": {
                "internet": true, "aleph_api": true, "hypervisor": "qemu",
                "trusted_execution": {"firmware": SHA, "policy": 1},
            },
            "rootfs": {"parent": {"ref": SHA}, "persistence": "host", "size_mib": 20000, "forgotten_by": null},
        }),
    )
}

pub(super) fn measurement() -> Value {
    json!({"platform": "sev_snp", "digest": "a1".repeat(48), "vcpu_type": "EPYC-v4"})
}

pub(super) fn measured_instance() -> Value {
    let trusted_execution = json!({
        "mode": "sev_snp", "runtime": SHA, "policy": 0x30000, "measurements": [measurement()],
        "attestation_port": 8443,
    });
    with(
        instance(),
        json!({"environment": {"hypervisor": "qemu", "trusted_execution": trusted_execution}}),
    )
}

pub(super) fn vprogram() -> Value {
    with(
        machine(),
        json!({
            "allow_amend": false,
            "replaces": null,
            "variables": {},
            "authorized_keys": null,
            "payment": {"type": "credit"},
            "environment": {"internet": true},
            "runtime": {"ref": SHA, "comment": "r"},
            "workload": {"ref": CID, "hash_tree": SHA, "roothash": SHA},
            "verification": {"backend": "sev_snp", "policy": 0x30000, "measurements": [measurement()]},
            "volumes": [{"ref": CID_V1, "hash_tree": CID, "roothash": SHA, "comment": ""}],
        }),
    )
}
