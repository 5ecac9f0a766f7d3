//! Volumes of PROGRAM and INSTANCE.

use serde_json::value::RawValue;

use super::{
    VolumeRef, VolumeRole,
    issues::Issues,
    lax,
    read::{Object, Unknown, list},
};
use crate::ItemHash;

/// Volumes of one machine.
const VOLUMES_LIMIT: usize = 256;
/// Characters of a comment, of a mount point and of a name.
const LABEL_LIMIT: usize = 256;
/// Largest ephemeral volume, in MiB.
const EPHEMERAL_MIB: i128 = 1_000;
/// Largest persistent volume, in MiB: 2048 GB, rounded up.
const PERSISTENT_MIB: i128 = 1_953_125;

/// Reads `volumes` and appends those that refer to files: first the immutable ones, then the
/// parents of persistent ones.
pub(super) fn volumes<const N: usize>(
    object: &mut Object<'_, N>,
    found: &mut Vec<VolumeRef>,
    issues: &mut Issues,
) -> Option<()> {
    let list = object.defaulted("volumes", Vec::new(), issues, |value, issues| {
        list(value, VOLUMES_LIMIT, issues, volume)
    });
    let start = found.len();
    found.extend(list?.into_iter().flatten());
    found[start..].sort_by_key(|volume| volume.role);
    Some(())
}

/// Reads one volume; `Some(None)` if it refers to no file.
///
/// The network tries three closed shapes. Which one can match is decided by the keys: only an
/// immutable volume has a `ref`, only an ephemeral one says so, and what is left is persistent
/// or, without any key that tells, an ephemeral one within the bounds of a persistent one.
fn volume(value: &RawValue, issues: &mut Issues) -> Option<Option<VolumeRef>> {
    const KEYS: [&str; 9] = [
        "comment",
        "mount",
        "ref",
        "use_latest",
        "ephemeral",
        "size_mib",
        "parent",
        "persistence",
        "name",
    ];
    let mut object = Object::read(value.get(), &KEYS, Unknown::Refused, issues)?;
    object.nullable("comment", issues, label);
    let mount = object.nullable("mount", issues, label);
    let volume = if object.has("ref") {
        let reference = object.required("ref", issues, lax::item_hash);
        let use_latest = object.defaulted("use_latest", true, issues, lax::boolean);
        none_of(
            &object,
            &["ephemeral", "size_mib", "parent", "persistence", "name"],
            issues,
        );
        reference
            .zip(use_latest)
            .zip(mount)
            .map(|((reference, use_latest), name)| {
                Some(VolumeRef {
                    role: VolumeRole::Immutable,
                    reference,
                    use_latest,
                    size_mib: None,
                    name,
                })
            })
    } else if object.has("ephemeral") {
        object.required("ephemeral", issues, literally_true);
        object.required("size_mib", issues, |value, issues| {
            size(value, EPHEMERAL_MIB, issues)
        });
        none_of(&object, &["use_latest", "parent", "persistence", "name"], issues);
        Some(None)
    } else {
        let parent = object.nullable("parent", issues, parent);
        object.nullable("persistence", issues, persistence);
        let name = object.nullable("name", issues, label);
        let size_mib = object.required("size_mib", issues, persistent_size);
        none_of(&object, &["use_latest"], issues);
        parent
            .zip(name)
            .zip(mount)
            .zip(size_mib)
            .map(|(((parent, name), mount), size_mib)| {
                parent.map(|(reference, use_latest)| VolumeRef {
                    role: VolumeRole::PersistentParent,
                    reference,
                    use_latest,
                    size_mib: Some(size_mib),
                    name: name.or(mount),
                })
            })
    };
    object.finish(issues);
    volume
}

/// The file that a writable volume starts from, and whether its later revisions are wanted.
pub(super) fn parent(value: &RawValue, issues: &mut Issues) -> Option<(ItemHash, bool)> {
    let mut object = Object::read(value.get(), &["ref", "use_latest"], Unknown::Ignored, issues)?;
    let reference = object.required("ref", issues, lax::item_hash);
    let use_latest = object.defaulted("use_latest", true, issues, lax::boolean);
    object.finish(issues);
    reference.zip(use_latest)
}

/// Where a writable volume is kept.
pub(super) fn persistence(value: &RawValue, issues: &mut Issues) -> Option<&'static str> {
    lax::one_of(value, &["host", "store"], issues)
}

/// Size in MiB of a persistent volume or of a root file system.
pub(super) fn persistent_size(value: &RawValue, issues: &mut Issues) -> Option<u64> {
    size(value, PERSISTENT_MIB, issues)
}

fn size(value: &RawValue, limit: i128, issues: &mut Issues) -> Option<u64> {
    lax::strict_integer_in(value, 1..=limit, issues)?.try_into().ok()
}

fn label(value: &RawValue, issues: &mut Issues) -> Option<String> {
    lax::string_up_to(value, LABEL_LIMIT, issues)
}

/// True, or the number one, which the network's language holds to be equal. No word will do.
fn literally_true(value: &RawValue, issues: &mut Issues) -> Option<()> {
    if !value.get().starts_with('"') && lax::boolean(value, issues)? {
        return Some(());
    }
    issues.refuse("literal_error", "true is expected")
}

fn none_of<const N: usize>(object: &Object<'_, N>, keys: &[&'static str], issues: &mut Issues) {
    for key in keys {
        if object.has(key) {
            issues.refuse_key(
                key,
                "extra_forbidden",
                "this key does not belong to this kind of volume",
            );
        }
    }
}
