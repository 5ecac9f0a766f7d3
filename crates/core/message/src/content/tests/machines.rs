//! PROGRAM, INSTANCE and V-PROGRAM.

use super::{samples::*, *};

/// Cases of the keys that all three types share.
fn shared_cases() -> Vec<Case> {
    vec![
        remove("/allow_amend", false),
        set("/allow_amend", json!(null), false),
        set("/metadata", json!(null), true),
        set("/metadata", json!([]), false),
        set("/metadata", map(256), true),
        set("/metadata", map(257), false),
        set("/resources", json!({}), true),
        set("/resources", json!(null), false),
        remove("/resources", false),
        set("/resources/vcpus", json!(0), false),
        set("/resources/vcpus", json!(256), true),
        set("/resources/vcpus", json!(257), false),
        set("/resources/vcpus", json!(2.0), true),
        set("/resources/vcpus", json!(2.5), false),
        set("/resources/vcpus", json!(null), false),
        set("/resources/memory", json!("128"), true),
        set("/resources/memory", json!(1_048_576), true),
        set("/resources/memory", json!(1_048_577), false),
        set("/resources/memory", json!(0), false),
        set("/resources/seconds", json!(315_360_000), true),
        set("/resources/seconds", json!(315_360_001), false),
        set("/resources/published_ports", json!(null), true),
        set("/resources/published_ports/0/port", json!(65_535), true),
        set("/resources/published_ports/0/port", json!(65_536), false),
        set("/resources/published_ports/0/port", json!(0), false),
        set("/resources/published_ports/0/protocol", json!("udp"), true),
        set("/resources/published_ports/0/protocol", json!("TCP"), false),
        set("/resources/published_ports/0/unknown", json!(1), true),
        remove("/resources/published_ports/0/port", false),
        set("/resources/unknown", json!(1), true),
        set("/requirements", json!(null), true),
        set("/requirements/unknown", json!(1), false),
        set("/requirements/cpu", json!(null), true),
        set("/requirements/cpu/architecture", json!("arm64"), true),
        set("/requirements/cpu/architecture", json!("riscv"), false),
        set("/requirements/cpu/vendor", json!("any"), true),
        set("/requirements/cpu/features", json!([1]), false),
        set("/requirements/cpu/unknown", json!(1), false),
        set("/requirements/node/owner", json!(1), false),
        set("/requirements/node/address_regex", text(256), true),
        set("/requirements/node/address_regex", text(257), false),
        set("/requirements/node/address_regex", json!("(a"), false),
        set("/requirements/node/unknown", json!(1), false),
        set("/requirements/gpu/0/device_class", json!("0302"), true),
        set("/requirements/gpu/0/device_class", json!("0301"), false),
        set("/requirements/gpu/0/unknown", json!(1), false),
        remove("/requirements/gpu/0/vendor", false),
        remove("/requirements/gpu/0/device_name", false),
        remove("/requirements/gpu/0/device_id", false),
        set("/unknown", json!(1), false),
        set("/environment", json!(null), false),
        remove("/environment", false),
        set("/environment/internet", json!("Yes"), true),
        set("/environment/internet", json!("maybe"), false),
        set("/environment/internet", json!(null), false),
    ]
}

/// Cases of the keys that PROGRAM and INSTANCE use and V-PROGRAM restricts further.
fn open_cases() -> Vec<Case> {
    let ephemeral = |size: Value| json!([{"ephemeral": true, "size_mib": size}]);
    let persistent = |size: Value| json!([{"persistence": "host", "size_mib": size}]);
    vec![
        set("/authorized_keys", json!(null), true),
        set("/authorized_keys", repeated(&json!("k"), 256), true),
        set("/authorized_keys", repeated(&json!("k"), 257), false),
        set("/authorized_keys/0", text(8192), true),
        set("/authorized_keys/0", text(8193), false),
        set("/variables", json!(null), true),
        set("/variables", map(256), true),
        set("/variables", map(257), false),
        set("/variables/K", text(4096), true),
        set("/variables/K", text(4097), false),
        set("/variables/K", json!(1), false),
        set("/variables", json!({"é".repeat(128): ""}), true),
        set("/variables", json!({"é".repeat(129): ""}), false),
        set("/replaces", json!(null), true),
        set("/replaces", text(128), true),
        set("/replaces", text(129), false),
        remove("/volumes", true),
        set("/volumes", json!(null), false),
        set("/volumes", repeated(&json!({"size_mib": 1}), 256), true),
        set("/volumes", repeated(&json!({"size_mib": 1}), 257), false),
        set("/volumes", ephemeral(json!(1)), true),
        set("/volumes", ephemeral(json!(0)), false),
        set("/volumes", ephemeral(json!(1000)), true),
        set("/volumes", ephemeral(json!(1001)), false),
        set("/volumes", ephemeral(json!("5")), false),
        set("/volumes", ephemeral(json!(5.0)), false),
        set("/volumes", persistent(json!(1_953_125)), true),
        set("/volumes", persistent(json!(1_953_126)), false),
        set("/volumes", persistent(json!(true)), false),
        set("/volumes", json!([{"size_mib": 1_953_125}]), true),
        set("/volumes", json!([{"ephemeral": false, "size_mib": 5}]), false),
        set("/volumes", json!([{"ephemeral": 1, "size_mib": 5}]), true),
        set("/volumes", json!([{"ephemeral": "true", "size_mib": 5}]), false),
        set(
            "/volumes",
            json!([{"ephemeral": true, "size_mib": 5, "name": null}]),
            false,
        ),
        set("/volumes", json!([{"ref": SHA, "size_mib": 5}]), false),
        set("/volumes", json!([{"ref": "label"}]), false),
        set("/volumes", json!([{"use_latest": true, "size_mib": 5}]), false),
        set("/volumes", json!([{"mount": "/x"}]), false),
        set(
            "/volumes",
            json!([{"parent": {"ref": SHA, "unknown": 1}, "size_mib": 5}]),
            true,
        ),
        set("/volumes", json!([{"parent": {}, "size_mib": 5}]), false),
        set("/volumes/1/comment", text(256), true),
        set("/volumes/1/comment", text(257), false),
        set("/volumes/1/mount", text(257), false),
        set("/volumes/3/name", text(256), true),
        set("/volumes/3/name", text(257), false),
        set("/volumes/1/unknown", json!(1), false),
        set("/payment", json!(null), true),
    ]
}

#[test]
fn program_bounds() {
    let mut cases = [shared_cases(), open_cases()].concat();
    cases.extend([
        remove("/type", false),
        set("/type", json!("vm-instance"), false),
        remove("/code", false),
        set("/code/encoding", json!("tar"), false),
        remove("/code/entrypoint", false),
        set("/code/ref", json!("label"), false),
        set("/code/interface", json!("binary"), true),
        set("/code/interface", json!("http"), false),
        set("/code/args", json!(null), true),
        set("/code/args", json!([1]), false),
        set("/code/use_latest", json!(null), false),
        set("/code/unknown", json!(1), true),
        remove("/runtime/comment", false),
        set("/runtime/use_latest", json!(0), true),
        set("/data", json!(null), true),
        set("/data/use_latest", json!(null), true),
        remove("/data/mount", false),
        set("/export", json!(null), true),
        remove("/export/encoding", false),
        remove("/on", false),
        remove("/on/http", false),
        set("/on/message", json!(null), true),
        set("/on/message", json!({}), false),
        set("/on/message/0", map(32), true),
        set("/on/message/0", map(33), false),
        set("/on/persistent", json!(null), true),
        set("/on/unknown", json!(1), false),
        set("/environment/hypervisor", json!("anything"), true),
        set("/rootfs", json!({}), false),
    ]);
    check(MessageType::Program, &program(), cases);
}

#[test]
fn instance_bounds() {
    let mut cases = [shared_cases(), open_cases()].concat();
    cases.extend([
        remove("/rootfs", false),
        remove("/rootfs/parent", false),
        set("/rootfs/parent/ref", json!("label"), false),
        remove("/rootfs/persistence", false),
        set("/rootfs/persistence", json!(null), false),
        set("/rootfs/persistence", json!("store"), true),
        set("/rootfs/size_mib", json!(1_953_125), true),
        set("/rootfs/size_mib", json!(1_953_126), false),
        set("/rootfs/size_mib", json!("20"), false),
        set("/rootfs/forgotten_by", json!(["a"]), true),
        set("/rootfs/forgotten_by", json!("a"), false),
        set("/rootfs/unknown", json!(1), true),
        set("/environment/unknown", json!(1), true),
        set("/environment/hypervisor", json!("xen"), false),
        set("/environment/hypervisor", json!("firecracker"), false),
        remove("/environment/hypervisor", false),
        set("/environment/trusted_execution", json!(null), true),
        set("/environment/trusted_execution/unknown", json!(1), false),
        set("/environment/trusted_execution/policy", json!("7"), true),
        set("/environment/trusted_execution/mode", json!("sev"), true),
        set("/environment/trusted_execution/mode", json!("tdx"), false),
        set("/environment/trusted_execution/runtime", json!(SHA), false),
        set("/environment/trusted_execution/measurements", json!([]), false),
        set("/environment/trusted_execution/attestation_port", json!(1), false),
        set("/type", json!("vm-function"), false),
    ]);
    check(MessageType::Instance, &instance(), cases);
}

#[test]
fn trusted_execution_without_keys_needs_no_hypervisor() {
    let mut content = changed(
        &instance(),
        "/environment",
        Some(json!({"trusted_execution": {}})),
    );
    content = changed(&content, "/requirements/gpu", Some(json!([])));
    valid(MessageType::Instance, &content);
    let content = changed(&content, "/environment/trusted_execution/policy", Some(json!(1)));
    assert!(parse(MessageType::Instance, &content).is_err());
}

#[test]
fn measured_instance_bounds() {
    let cases = vec![
        set("/environment/trusted_execution/firmware", json!(SHA), false),
        set("/environment/trusted_execution/runtime", json!(null), false),
        set("/environment/trusted_execution/measurements", json!([]), false),
        set(
            "/environment/trusted_execution/measurements",
            repeated(&measurement(), 16),
            true,
        ),
        set(
            "/environment/trusted_execution/measurements",
            repeated(&measurement(), 17),
            false,
        ),
        set("/environment/trusted_execution/policy", json!(0x20000), true),
        set("/environment/trusted_execution/policy", json!(0x10000), false),
        set("/environment/trusted_execution/policy", json!(u64::MAX), true),
        set(
            "/environment/trusted_execution/policy",
            json!("18446744073709551616"),
            false,
        ),
        remove("/environment/trusted_execution/policy", false),
        set(
            "/environment/trusted_execution/attestation_port",
            json!(65_536),
            false,
        ),
        set(
            "/environment/trusted_execution/attestation_port",
            json!(null),
            true,
        ),
        set(
            "/environment/trusted_execution/measurements/0/platform",
            json!("tdx"),
            false,
        ),
        set(
            "/environment/trusted_execution/measurements/0/digest",
            json!("A1".repeat(48)),
            false,
        ),
        set(
            "/environment/trusted_execution/measurements/0/digest",
            json!("a1".repeat(47)),
            false,
        ),
        set(
            "/environment/trusted_execution/measurements/0/vcpu_type",
            text(64),
            true,
        ),
        set(
            "/environment/trusted_execution/measurements/0/vcpu_type",
            text(65),
            false,
        ),
        set(
            "/environment/trusted_execution/measurements/0/unknown",
            json!(1),
            false,
        ),
    ];
    check(MessageType::Instance, &measured_instance(), cases);
}

#[test]
fn demands_on_the_host_imply_others() {
    let hold = json!({"type": "hold"});
    let credit = json!({"type": "credit"});
    // Payment, requirements, environment, verdict.
    let node = |node: Value| json!({"node": node});
    let qemu = json!({"hypervisor": "qemu"});
    let confidential = json!({"hypervisor": "qemu", "trusted_execution": {"policy": 1}});
    let gpu = |node: Value| json!({"node": node, "gpu": instance()["requirements"]["gpu"]});
    let named = json!({"node_hash": SHA});
    let terms = json!({"node_hash": SHA, "terms_and_conditions": SHA});
    let unnamed_terms = json!({"terms_and_conditions": SHA});
    let table = [
        (&credit, json!(null), json!({}), true),
        (&credit, json!({}), json!({}), false),
        (&credit, node(json!(null)), json!({}), false),
        (&credit, node(named.clone()), json!({}), true),
        (&hold, json!({}), json!({}), true),
        (&hold, gpu(named.clone()), qemu.clone(), true),
        (&hold, gpu(named.clone()), json!({}), false),
        (
            &hold,
            gpu(named.clone()),
            json!({"hypervisor": "firecracker"}),
            false,
        ),
        (&hold, gpu(json!({})), qemu.clone(), false),
        (&hold, json!({"gpu": []}), json!({}), true),
        (&hold, node(terms.clone()), qemu, false),
        (&hold, node(terms.clone()), confidential.clone(), true),
        (&hold, node(unnamed_terms), confidential, false),
        (&credit, node(terms), json!({}), true),
    ];
    for (payment, requirements, environment, expected) in table {
        let mut content = changed(&instance(), "/payment", Some(payment.clone()));
        content = changed(&content, "/requirements", Some(requirements));
        content = changed(&content, "/environment", Some(environment));
        assert_eq!(
            parse(MessageType::Instance, &content).is_ok(),
            expected,
            "{content}"
        );
    }
}

#[test]
fn vprogram_bounds() {
    let mut cases = shared_cases();
    let volume = vprogram()["volumes"][0].clone();
    cases.extend([
        set("/allow_amend", json!(true), false),
        set("/replaces", json!(SHA), false),
        set("/replaces", json!(""), false),
        set("/variables", json!({"K": "V"}), false),
        set("/variables", json!(null), true),
        set("/authorized_keys", json!([]), true),
        set("/authorized_keys", json!(["k"]), false),
        remove("/payment", false),
        set("/payment", json!(null), false),
        set("/payment/type", json!("hold"), false),
        set("/payment/type", json!("superfluid"), false),
        set("/environment/unknown", json!(1), false),
        set("/runtime/comment", text(1024), true),
        set("/runtime/comment", text(1025), false),
        set("/runtime/use_latest", json!(true), false),
        remove("/workload", false),
        remove("/workload/hash_tree", false),
        set("/workload/roothash", json!(SHA.to_uppercase()), false),
        set("/workload/roothash", json!("a"), false),
        set("/workload/comment", json!(""), false),
        remove("/verification", false),
        set("/verification/backend", json!("tdx"), false),
        remove("/verification/policy", true),
        set("/verification/policy", json!(null), false),
        set("/verification/policy", json!(0x20000), true),
        set("/verification/policy", json!(0x10000), false),
        set("/verification/policy", json!(-1), false),
        set("/verification/measurements", json!([]), false),
        set("/verification/measurements", repeated(&measurement(), 16), true),
        set("/verification/measurements", repeated(&measurement(), 17), false),
        set("/volumes", repeated(&volume, 8), true),
        set("/volumes", repeated(&volume, 9), false),
        set("/volumes/0/comment", text(1024), true),
        set("/volumes/0/comment", text(1025), false),
        set("/volumes/0/mount", json!("/x"), false),
        set("/volumes", json!([{"size_mib": 5}]), false),
        set("/code", json!({}), false),
    ]);
    check(MessageType::VProgram, &vprogram(), cases);
}

fn facts(message_type: MessageType, content: &Value) -> (Machine, Vec<(VolumeRole, String, bool)>) {
    let content = valid(message_type, content);
    assert_eq!(content.message_type(), message_type);
    let machine = content.machine().expect("a machine").clone();
    let volumes = machine.volumes.iter();
    let volumes = volumes.map(|volume| (volume.role, volume.reference.to_string(), volume.use_latest));
    (machine.clone(), volumes.collect())
}

#[test]
fn machines_list_the_files_they_refer_to() {
    use VolumeRole::*;
    let (sha, cid, v1) = (SHA.to_owned(), CID.to_owned(), CID_V1.to_owned());
    let attached = [
        (Immutable, sha.clone(), false),
        (PersistentParent, cid.clone(), false),
        (PersistentParent, sha.clone(), true),
    ];

    let (machine, volumes) = facts(MessageType::Program, &program());
    let own = [
        (Code, sha.clone(), true),
        (Runtime, cid.clone(), true),
        (Data, v1.clone(), false),
    ];
    assert_eq!(volumes, [own.as_slice(), &attached].concat());
    let labels = machine
        .volumes
        .iter()
        .map(|volume| (volume.size_mib, volume.name.as_deref()));
    let expected = [
        (None, None),
        (None, None),
        (None, Some("/d")),
        (None, Some("/i")),
        (Some(2000), Some("/p")),
        (Some(7), Some("n")),
    ];
    assert_eq!(labels.collect::<Vec<_>>(), expected);
    assert_eq!(machine.persistent, Some(false));
    assert_eq!(
        machine.on_message.map(|json| json.get().to_owned()).as_deref(),
        Some(r#"[{"sender":"0xA"},{}]"#)
    );
    assert_eq!(
        (machine.allow_amend, machine.payment),
        (true, PaymentType::Superfluid)
    );
    assert_eq!(
        (machine.replaces.as_deref(), machine.tags),
        (Some(SHA), vec!["m".to_owned()])
    );

    let (machine, volumes) = facts(MessageType::Instance, &instance());
    assert_eq!(
        volumes,
        [[(Rootfs, sha.clone(), true)].as_slice(), &attached].concat()
    );
    assert_eq!(machine.volumes[0].size_mib, Some(20_000));

    let (machine, volumes) = facts(MessageType::VProgram, &vprogram());
    let expected = [
        (Runtime, sha.clone(), false),
        (Workload, cid.clone(), false),
        (HashTree, sha, false),
        (HashTree, cid, false),
        (Verified, v1, false),
    ];
    assert_eq!(volumes, expected);
    assert_eq!(machine.payment, PaymentType::Credit);
}
