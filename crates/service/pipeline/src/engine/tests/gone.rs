//! What a message still does after its content is gone.

use alephd_testkit::sha256;

use super::*;

#[test]
fn a_program_that_was_forgotten_later_could_still_be_replaced_earlier() {
    let alice = key(1);
    let code = store(&alice, b"code", 1.0);
    let old = program(&alice, &code, 2.0, &json!({}));
    let new = program(&alice, &code, 3.0, &json!({"replaces": old.item_hash}));
    let gone = forget(&alice, &[&old], 4.0);
    let live = live_in_every_order(&EngineConfig::default(), b"code", &[], &[code, old, new, gone]);
    assert_eq!(live, [true, false, true, true]);
}

#[test]
fn a_machine_that_was_forgotten_later_protected_its_code_before() {
    let alice = key(1);
    let code = store(&alice, b"code", 1.0);
    let machine = program(&alice, &code, 2.0, &json!({}));
    let too_early = forget(&alice, &[&code], 3.0);
    let gone = forget(&alice, &[&machine], 4.0);
    let live = live_in_every_order(
        &EngineConfig::default(),
        b"code",
        &[],
        &[code, machine, too_early, gone],
    );
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
