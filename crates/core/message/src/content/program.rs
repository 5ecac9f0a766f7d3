//! PROGRAM: a function.

use serde_json::value::RawValue;

use super::{
    Machine, VolumeRef, VolumeRole,
    header::{Header, header},
    issues::Issues,
    lax, machine,
    read::{Object, Unknown, entries, list, strict},
    volume,
};
use crate::{ItemHash, PaymentType};

/// Keys of one filter of messages.
const FILTER_LIMIT: usize = 32;

/// What starts a program.
struct Triggers {
    persistent: Option<bool>,
    message: Option<Box<RawValue>>,
}

/// Reads the content of a PROGRAM.
pub(super) fn parse(text: &str, issues: &mut Issues) -> Option<(Header, Machine)> {
    const KEYS: [&str; 18] = [
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
        "type",
        "code",
        "runtime",
        "data",
        "export",
        "on",
    ];
    let mut object = Object::read(text, &KEYS, Unknown::Refused, issues)?;
    let header = header(&mut object, issues);
    let base = machine::base(&mut object, issues);
    object.required("type", issues, |value, issues| {
        lax::one_of(value, &["vm-function"], issues)
    });
    object.required("environment", issues, environment);
    let code = object.required("code", issues, code);
    let runtime = object.required("runtime", issues, runtime);
    let data = object.nullable("data", issues, data);
    object.nullable("export", issues, export);
    let triggers = object.required("on", issues, triggers);
    let mut volumes = Vec::new();
    volumes.extend(code);
    volumes.extend(runtime);
    volumes.extend(data.flatten());
    volume::volumes(&mut object, &mut volumes, issues);
    object.finish(issues);
    let triggers = triggers?;
    let machine = Machine {
        allow_amend: base.allow_amend?,
        payment: base.payment?.unwrap_or(PaymentType::Hold),
        replaces: base.replaces?,
        volumes,
        persistent: triggers.persistent,
        on_message: triggers.message,
        tags: base.tags?,
    };
    base.requirements?;
    Some((header?, machine))
}

/// The network tries the environment of a function and that of an instance. The first takes
/// whatever the second takes, as it ignores the keys that only the second has.
fn environment(value: &RawValue, issues: &mut Issues) -> Option<()> {
    const KEYS: [&str; 4] = ["reproducible", "internet", "aleph_api", "shared_cache"];
    let mut object = Object::read(value.get(), &KEYS, Unknown::Ignored, issues)?;
    for key in KEYS {
        object.defaulted(key, false, issues, lax::boolean);
    }
    object.finish(issues);
    Some(())
}

fn encoding(value: &RawValue, issues: &mut Issues) -> Option<&'static str> {
    lax::one_of(value, &["plain", "zip", "squashfs"], issues)
}

fn volume_ref(role: VolumeRole, reference: ItemHash, use_latest: bool) -> VolumeRef {
    VolumeRef {
        role,
        reference,
        use_latest,
        size_mib: None,
        name: None,
    }
}

fn code(value: &RawValue, issues: &mut Issues) -> Option<VolumeRef> {
    const KEYS: [&str; 6] = ["encoding", "entrypoint", "ref", "interface", "args", "use_latest"];
    let mut object = Object::read(value.get(), &KEYS, Unknown::Ignored, issues)?;
    object.required("encoding", issues, encoding);
    object.required("entrypoint", issues, lax::text);
    let reference = object.required("ref", issues, lax::item_hash);
    object.nullable("interface", issues, |value, issues| {
        lax::one_of(value, &["asgi", "binary"], issues)
    });
    object.nullable("args", issues, |value, issues| {
        list(value, usize::MAX, issues, lax::text)
    });
    let use_latest = object.defaulted("use_latest", false, issues, lax::boolean);
    object.finish(issues);
    Some(volume_ref(VolumeRole::Code, reference?, use_latest?))
}

fn runtime(value: &RawValue, issues: &mut Issues) -> Option<VolumeRef> {
    const KEYS: [&str; 3] = ["ref", "use_latest", "comment"];
    let mut object = Object::read(value.get(), &KEYS, Unknown::Ignored, issues)?;
    let reference = object.required("ref", issues, lax::item_hash);
    let use_latest = object.defaulted("use_latest", true, issues, lax::boolean);
    object.required("comment", issues, lax::text);
    object.finish(issues);
    Some(volume_ref(VolumeRole::Runtime, reference?, use_latest?))
}

fn data(value: &RawValue, issues: &mut Issues) -> Option<VolumeRef> {
    const KEYS: [&str; 4] = ["encoding", "mount", "ref", "use_latest"];
    let mut object = Object::read(value.get(), &KEYS, Unknown::Ignored, issues)?;
    object.required("encoding", issues, encoding);
    let mount = object.required("mount", issues, lax::string);
    let reference = object.required("ref", issues, lax::item_hash);
    let use_latest = object.nullable("use_latest", issues, lax::boolean);
    object.finish(issues);
    let use_latest = use_latest?.unwrap_or(false);
    Some(VolumeRef {
        name: Some(mount?),
        ..volume_ref(VolumeRole::Data, reference?, use_latest)
    })
}

fn export(value: &RawValue, issues: &mut Issues) -> Option<()> {
    let mut object = Object::read(value.get(), &["encoding", "mount"], Unknown::Ignored, issues)?;
    object.required("encoding", issues, encoding);
    object.required("mount", issues, lax::text);
    object.finish(issues);
    Some(())
}

fn triggers(value: &RawValue, issues: &mut Issues) -> Option<Triggers> {
    const KEYS: [&str; 3] = ["http", "message", "persistent"];
    let mut object = Object::read(value.get(), &KEYS, Unknown::Refused, issues)?;
    object.required("http", issues, lax::boolean);
    let message = object.nullable("message", issues, |value, issues| {
        list(value, usize::MAX, issues, filter)?;
        Some(value.to_owned())
    });
    let persistent = object.nullable("persistent", issues, lax::boolean);
    object.finish(issues);
    Some(Triggers {
        persistent: persistent?,
        message: message?,
    })
}

/// A filter of messages has free keys.
fn filter(value: &RawValue, issues: &mut Issues) -> Option<()> {
    let entries = entries(value.get(), issues)?;
    if entries.len() > FILTER_LIMIT {
        return issues.refuse("too_long", format!("a filter has at most {FILTER_LIMIT} keys"));
    }
    entries
        .into_iter()
        .try_for_each(|(_, value)| strict(value, issues))
}
