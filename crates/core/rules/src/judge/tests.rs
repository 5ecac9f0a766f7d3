//! Tables of verdicts: one message, some facts, one outcome.

use alephd_message::{Chain, Micros};
use serde_json::value::RawValue;

use super::*;

const OWNER: &str = "0xA";
const OTHER: &str = "0xB";

fn hash(byte: u8) -> ItemHash {
    ItemHash::Sha256([byte; 32])
}

fn subject(name: u8, kind: MessageType, sender: &str, owner: &str, time: i64) -> Subject {
    Subject {
        hash: hash(name),
        message_type: kind,
        chain: Chain::Eth,
        sender: sender.into(),
        owner: owner.into(),
        channel: None,
        label: None,
        reference: None,
        position: Position::provisional(Micros(time), hash(name)),
    }
}

fn known(subject: Subject) -> Known {
    Known {
        subject,
        accepted: true,
        withdrawn: None,
        allow_amend: false,
        file_size: None,
    }
}

fn facts(known: impl IntoIterator<Item = Known>) -> Facts {
    let messages = known
        .into_iter()
        .map(|known| (known.subject.hash.clone(), known))
        .collect();
    Facts {
        messages,
        ..Facts::default()
    }
}

fn content(kind: MessageType, json: Value) -> Content {
    Content::parse(kind, &json.to_string()).expect("test content is valid")
}

fn code(verdict: &Verdict) -> Option<(bool, i16)> {
    match verdict {
        Verdict::Accept => None,
        Verdict::Wait { code, .. } => Some((true, code.code())),
        Verdict::Refuse { code, .. } => Some((false, code.code())),
    }
}

const WAITS: bool = true;
const REFUSED: bool = false;

#[test]
fn delegates_need_an_authorization() {
    let post = content(
        MessageType::Post,
        json!({"address": OWNER, "time": 1, "type": "t"}),
    );
    let own = subject(1, MessageType::Post, "0xa", OWNER, 1);
    assert_eq!(
        judge(&own, &post, &Facts::default()),
        Verdict::Accept,
        "case does not matter"
    );
    let delegated = subject(1, MessageType::Post, OTHER, OWNER, 1);
    assert_eq!(
        code(&judge(&delegated, &post, &Facts::default())),
        Some((REFUSED, 2))
    );
    let mut facts = Facts::default();
    let list = RawValue::from_string(r#"[{"address":"0xb"}]"#.into()).expect("JSON");
    facts
        .authorizations
        .insert(OWNER.into(), Authorizations::parse(&list));
    assert_eq!(judge(&delegated, &post, &facts), Verdict::Accept);
    assert_eq!(owners_to_consult(&delegated, &facts.messages), [OWNER]);
    assert!(owners_to_consult(&own, &facts.messages).is_empty());
}

#[test]
fn amends() {
    let amend = json!({"address": OWNER, "time": 5, "type": "amend", "ref": hash(9)});
    let amend = content(MessageType::Post, amend);
    let mine = subject(1, MessageType::Post, OWNER, OWNER, 5);
    assert_eq!(needs(&amend).messages, [hash(9)]);
    let target = |owner: &str, label: &str| {
        let mut target = subject(9, MessageType::Post, owner, owner, 1);
        target.label = Some(label.into());
        known(target)
    };
    let mut refused = target(OWNER, "t");
    refused.accepted = false;
    let mut forgotten = target(OWNER, "t");
    forgotten.withdrawn = Some(Position::provisional(Micros(2), hash(8)));
    let cases = [
        ("unknown", facts([]), Some((WAITS, 101))),
        ("known", facts([target(OWNER, "t")]), None),
        (
            "of another owner",
            facts([target(OTHER, "t")]),
            Some((REFUSED, 2)),
        ),
        (
            "of an owner in another case",
            facts([target("0xa", "t")]),
            Some((REFUSED, 2)),
        ),
        ("an amend", facts([target(OWNER, "amend")]), Some((REFUSED, 102))),
        ("refused", facts([refused]), Some((WAITS, 101))),
        ("forgotten, which takes the amend along", facts([forgotten]), None),
        (
            "no post",
            facts([known(subject(9, MessageType::Store, OWNER, OWNER, 1))]),
            Some((WAITS, 101)),
        ),
    ];
    for (name, facts, expected) in cases {
        assert_eq!(code(&judge(&mine, &amend, &facts)), expected, "target {name}");
    }
    let stranger = subject(1, MessageType::Post, OTHER, OWNER, 5);
    assert_eq!(
        code(&judge(&stranger, &amend, &facts([]))),
        Some((REFUSED, 2)),
        "a stranger does not wait"
    );
}

#[test]
fn stores() {
    let store = |reference: Option<String>| {
        let json = json!({"address": OWNER, "time": 5, "item_type": "storage", "item_hash": hash(7),
            "ref": reference});
        content(MessageType::Store, json)
    };
    let mine = subject(1, MessageType::Store, OWNER, OWNER, 5);
    let held = |mut facts: Facts| {
        facts.file_size = Some(3);
        facts
    };
    assert_eq!(code(&judge(&mine, &store(None), &facts([]))), Some((WAITS, 4)));
    assert_eq!(judge(&mine, &store(None), &held(facts([]))), Verdict::Accept);
    assert_eq!(
        judge(&mine, &store(Some("label".into())), &held(facts([]))),
        Verdict::Accept
    );
    let revision = store(Some(hash(9).to_string()));
    let original = |owner: &str| known(subject(9, MessageType::Store, owner, owner, 1));
    let mut second = original(OWNER);
    second.subject.reference = Some("label".into());
    let mut gone_before = original(OWNER);
    gone_before.withdrawn = Some(Position::provisional(Micros(4), hash(8)));
    let mut gone_after = original(OWNER);
    gone_after.withdrawn = Some(Position::provisional(Micros(6), hash(8)));
    let cases = [
        ("unknown", facts([]), Some((WAITS, 200))),
        ("known", facts([original(OWNER)]), None),
        ("of another owner", facts([original(OTHER)]), Some((REFUSED, 2))),
        ("a revision", facts([second]), Some((REFUSED, 201))),
        ("forgotten before", facts([gone_before]), Some((WAITS, 200))),
        ("forgotten after", facts([gone_after]), None),
    ];
    for (name, facts, expected) in cases {
        assert_eq!(
            code(&judge(&mine, &revision, &held(facts))),
            expected,
            "original {name}"
        );
    }
}

fn instance(size_mib: u64) -> Content {
    let json = json!({"address": OWNER, "time": 5, "allow_amend": false,
        "environment": {"internet": true, "aleph_api": true},
        "resources": {"vcpus": 1, "memory": 128, "seconds": 1},
        "rootfs": {"parent": {"ref": hash(7)}, "persistence": "host", "size_mib": size_mib}});
    content(MessageType::Instance, json)
}

#[test]
fn machines() {
    let mine = subject(1, MessageType::Instance, OWNER, OWNER, 5);
    let volume = |size| Known {
        file_size: Some(size),
        ..known(subject(7, MessageType::Store, OTHER, OTHER, 1))
    };
    assert_eq!(code(&judge(&mine, &instance(1), &facts([]))), Some((WAITS, 301)));
    assert_eq!(
        judge(&mine, &instance(1), &facts([volume(1 << 20)])),
        Verdict::Accept
    );
    let small = judge(&mine, &instance(1), &facts([volume((1 << 20) + 1)]));
    assert_eq!(code(&small), Some((REFUSED, 304)));
    let Verdict::Refuse {
        details: Some(details),
        ..
    } = small
    else {
        panic!("details are expected")
    };
    assert_eq!(details["errors"][0]["parent_size"], (1 << 20) + 1);
    assert_eq!(details["errors"][0]["volume_size"], 1 << 20);
}

#[test]
fn replaced_programs() {
    let json = json!({"address": OWNER, "time": 5, "type": "vm-function", "allow_amend": true,
        "code": {"encoding": "plain", "entrypoint": "main:app", "ref": hash(7)},
        "runtime": {"ref": hash(7), "comment": ""}, "on": {"http": true},
        "environment": {}, "resources": {}, "replaces": hash(9)});
    let program = content(MessageType::Program, json);
    let mine = subject(1, MessageType::Program, OWNER, OWNER, 5);
    let volume = known(subject(7, MessageType::Store, OTHER, OTHER, 1));
    let replaced = |allow_amend, kind| Known {
        allow_amend,
        ..known(subject(9, kind, OWNER, OWNER, 1))
    };
    let cases = [
        (facts([volume.clone()]), Some((WAITS, 300))),
        (
            facts([volume.clone(), replaced(true, MessageType::Instance)]),
            Some((WAITS, 300)),
        ),
        (
            facts([volume.clone(), replaced(false, MessageType::Program)]),
            Some((REFUSED, 302)),
        ),
        (facts([volume, replaced(true, MessageType::Program)]), None),
    ];
    for (facts, expected) in cases {
        assert_eq!(code(&judge(&mine, &program, &facts)), expected);
    }
}

#[test]
fn forgets() {
    let forget = |hashes: &[ItemHash]| {
        content(
            MessageType::Forget,
            json!({"address": OWNER, "time": 5, "hashes": hashes}),
        )
    };
    let mine = subject(1, MessageType::Forget, OWNER, OWNER, 5);
    let post = |owner: &str| known(subject(9, MessageType::Post, owner, owner, 1));
    let mut refused = post(OWNER);
    refused.accepted = false;
    let cases = [
        ("nothing", forget(&[]), facts([]), Some((REFUSED, 500))),
        ("unknown", forget(&[hash(9)]), facts([]), Some((WAITS, 501))),
        ("own", forget(&[hash(9)]), facts([post(OWNER)]), None),
        ("refused", forget(&[hash(9)]), facts([refused]), None),
        (
            "one of two unknown",
            forget(&[hash(9), hash(8)]),
            facts([post(OWNER)]),
            Some((WAITS, 501)),
        ),
        (
            "of another",
            forget(&[hash(9)]),
            facts([post(OTHER)]),
            Some((REFUSED, 2)),
        ),
        (
            "a forget",
            forget(&[hash(9)]),
            facts([known(subject(9, MessageType::Forget, OWNER, OWNER, 1))]),
            Some((REFUSED, 502)),
        ),
    ];
    for (name, content, facts, expected) in cases {
        assert_eq!(code(&judge(&mine, &content, &facts)), expected, "target {name}");
    }
}

#[test]
fn volumes_in_use_are_not_forgotten() {
    let forget = |hashes: &[ItemHash]| {
        content(
            MessageType::Forget,
            json!({"address": OWNER, "time": 5, "hashes": hashes}),
        )
    };
    let mine = subject(1, MessageType::Forget, OWNER, OWNER, 5);
    let store = known(subject(7, MessageType::Store, OWNER, OWNER, 1));
    let machine = |time| known(subject(6, MessageType::Instance, OWNER, OWNER, time));
    let with_use = |machine: Known| Facts {
        uses: vec![VolumeUse {
            store: hash(7),
            machine,
        }],
        ..facts([
            store.clone(),
            known(subject(6, MessageType::Instance, OWNER, OWNER, 2)),
        ])
    };
    let verdict = |machine| code(&judge(&mine, &forget(&[hash(7)]), &with_use(machine)));
    assert_eq!(verdict(machine(2)), Some((REFUSED, 503)));
    assert_eq!(verdict(machine(9)), None, "a later machine finds it gone");
    let forgotten = Known {
        withdrawn: Some(Position::provisional(Micros(3), hash(5))),
        ..machine(2)
    };
    assert_eq!(verdict(forgotten), None, "the machine was forgotten before");
    let together = forget(&[hash(7), hash(6)]);
    assert_eq!(
        code(&judge(&mine, &together, &with_use(machine(2)))),
        None,
        "both at once"
    );
}
