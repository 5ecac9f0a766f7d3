//! PROGRAM, INSTANCE and V-PROGRAM.

use alephd_message::{ItemHash, MessageType};
use alephd_signature::sign::Signer;
use serde_json::{Value, json};

use super::Draft;

/// A function that is run on demand. `code` and `runtime` name STORE messages.
pub fn program<'a>(signer: &'a (dyn Signer + Sync), code: &ItemHash, runtime: &ItemHash) -> Draft<'a> {
    let content = json!({
        "type": "vm-function",
        "allow_amend": false,
        "code": {"encoding": "zip", "entrypoint": "main:app", "ref": code, "use_latest": true},
        "runtime": {"ref": runtime, "use_latest": true, "comment": "a runtime"},
        "on": {"http": true, "persistent": false},
        "environment": {"reproducible": false, "internet": false, "aleph_api": true, "shared_cache": false},
        "resources": {"vcpus": 1, "memory": 128, "seconds": 30},
        "metadata": {"name": "a function"},
    });
    Draft::new(signer, MessageType::Program, content)
}

/// A virtual machine whose root file system starts from the file of the STORE `rootfs`. It is
/// paid for by a stream, which a node does not check.
pub fn instance<'a>(signer: &'a (dyn Signer + Sync), rootfs: &ItemHash) -> Draft<'a> {
    let content = json!({
        "allow_amend": false,
        "environment": {"internet": true, "aleph_api": true, "hypervisor": "qemu"},
        "resources": {"vcpus": 1, "memory": 2048, "seconds": 30},
        "rootfs": {
            "parent": {"ref": rootfs, "use_latest": true},
            "persistence": "host",
            "size_mib": 20_480,
        },
        "payment": {
            "type": "superfluid",
            "chain": "AVAX",
            "receiver": "0x5840B7C427A13b791ca1DbC40ee00489a4A59b21",
        },
        "authorized_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAITestTestTestTestTestTestTestTestTestTest user"],
        "metadata": {"name": "a machine"},
    });
    Draft::new(signer, MessageType::Instance, content)
}

/// A measured function. All of its files are those of the STORE `file`.
pub fn vprogram<'a>(signer: &'a (dyn Signer + Sync), file: &ItemHash) -> Draft<'a> {
    let content = json!({
        "allow_amend": false,
        "environment": {"internet": false},
        "resources": {"vcpus": 1, "memory": 2048, "seconds": 30},
        "payment": {"type": "credit"},
        "runtime": {"ref": file, "comment": "a measured runtime"},
        "workload": {"ref": file, "hash_tree": file, "roothash": "ab".repeat(32)},
        "verification": {
            "backend": "sev_snp",
            "policy": 0x30000,
            "measurements": [{"platform": "sev_snp", "digest": "cd".repeat(48)}],
        },
        "metadata": {"name": "a measured function"},
    });
    Draft::new(signer, MessageType::VProgram, content)
}

/// A read-only volume with the file of the STORE `reference`, for the list `volumes`.
pub fn immutable_volume(reference: &ItemHash, use_latest: bool) -> Value {
    json!({"ref": reference, "use_latest": use_latest, "mount": "/data"})
}
