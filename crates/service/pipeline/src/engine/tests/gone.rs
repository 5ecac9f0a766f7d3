//! What a message still does after its content is gone.

use alephd_testkit::sha256;

use super::*;

fn store(owner: &EvmKey, file: &[u8], time: f64) -> Envelope {
    let content = json!({"address": owner.address(), "time": time, "item_type": "storage",
        "item_hash": sha256(file)});
    sealed(owner, MessageType::Store, &content)
}

fn program(owner: &EvmKey, code: &Envelope, time: f64, more: &serde_json::Value) -> Envelope {
    let mut content = json!({"address": owner.address(), "time": time, "type": "vm-function",
        "allow_amend": true, "variables": {}, "volumes": [],
        "code": {"encoding": "plain", "entrypoint": "main:app", "ref": code.item_hash, "use_latest": false},
        "on": {"http": true, "persistent": false},
        "environment": {"reproducible": false, "internet": false, "aleph_api": false, "shared_cache": false},
        "resources": {"vcpus": 1, "memory": 128, "seconds": 30},
        "runtime": {"ref": code.item_hash, "use_latest": false, "comment": "r"}});
    for (key, value) in more.as_object().expect("an object") {
        content[key] = value.clone();
    }
    sealed(owner, MessageType::Program, &content)
}

/// Which are live, in every order, with the file at hand from the beginning. (Whether one that is not
/// live was refused or suspended depends on whether it had been acknowledged.)
fn live_in_every_order(file: &[u8], messages: &[Envelope]) -> Vec<bool> {
    let mut first = None;
    for order in orders(messages.len()) {
        let mut fixture = Fixture::new();
        fixture.file(file);
        for index in &order {
            fixture.take(&messages[*index]);
        }
        let live = messages.iter().map(|message| fixture.status(message).is_live());
        let result = (live.collect::<Vec<_>>(), fixture.root());
        assert_eq!(first.get_or_insert_with(|| result.clone()), &result, "{order:?}");
    }
    first.expect("there is an order").0
}

#[test]
fn a_program_that_was_forgotten_later_could_still_be_replaced_earlier() {
    let alice = key(1);
    let code = store(&alice, b"code", 1.0);
    let old = program(&alice, &code, 2.0, &json!({}));
    let new = program(&alice, &code, 3.0, &json!({"replaces": old.item_hash}));
    let gone = forget(&alice, &[&old], 4.0);
    let live = live_in_every_order(b"code", &[code, old, new, gone]);
    assert_eq!(live, [true, false, true, true]);
}

#[test]
fn a_machine_that_was_forgotten_later_protected_its_code_before() {
    let alice = key(1);
    let code = store(&alice, b"code", 1.0);
    let machine = program(&alice, &code, 2.0, &json!({}));
    let too_early = forget(&alice, &[&code], 3.0);
    let gone = forget(&alice, &[&machine], 4.0);
    let live = live_in_every_order(b"code", &[code, machine, too_early, gone]);
    assert_eq!(live, [true, false, false, true]);
}

#[test]
fn a_forget_of_an_aggregate_joins_the_one_of_its_element() {
    let alice = key(1);
    let name = sha256(b"name of an aggregate");
    let content = json!({"key": name, "address": alice.address(), "time": 1.0, "content": {"x": 1}});
    let element = sealed(&alice, MessageType::Aggregate, &content);
    let of_element = forget(&alice, &[&element], 2.0);
    let content = json!({"address": alice.address(), "time": 3.0, "hashes": [], "aggregates": [name]});
    let of_aggregate = sealed(&alice, MessageType::Forget, &content);
    let statuses = same_in_every_order(&[element, of_element, of_aggregate]);
    assert_eq!(
        statuses,
        [
            MessageStatus::Forgotten,
            MessageStatus::Processed,
            MessageStatus::Processed
        ]
    );
}
