use alephd_message::{Content, PaymentType};
use alephd_signature::verify;

use super::*;
use crate::keys::{self, Account};

fn content(envelope: &Envelope) -> Content {
    let text = envelope.item_content.as_deref().unwrap();
    Content::parse(envelope.message_type, text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn every_kind_of_message_is_well_formed_and_verifies() {
    let (evm, solana) = (Account::from(keys::evm("a")), Account::from(keys::solana("b")));
    for key in [&evm, &solana] {
        let file = sha256(b"file");
        let drafts = [
            post(key, "chat", json!({"body": "hello"})).tags(&["x"]),
            amend(key, &file, json!({"body": "hallo"})),
            aggregate(key, "profile", json!({"name": "a"})).tags(&["x"]),
            security(key, &[grant("0xabc")]),
            store(key, &file).reference("label").tags(&["x"]),
            forget(key, std::slice::from_ref(&file)),
            program(key, &file, &file).set("volumes", json!([immutable_volume(&file, false)])),
            instance(key, &file).tags(&["x"]),
            vprogram(key, &file),
            balances_update(key, Chain::Eth, 7, &[("0xabc", 1.5)]),
            credit_distribution(key, &[("0xabc", 5)]),
            credit_transfer(key, &[("0xabc", 5)]),
            credit_expense(key, &[("0xabc", 5)]),
        ];
        for draft in drafts {
            let envelope = draft.at(1_700_000_001.25).channel("TEST").seal();
            verify(&envelope).unwrap();
            let content = content(&envelope);
            assert_eq!(content.time, 1_700_000_001.25);
            assert_eq!(content.address, envelope.sender);
            assert_eq!(Envelope::parse(wire(&envelope).as_bytes()).unwrap(), envelope);
        }
    }
}

#[test]
fn tags_stand_where_the_network_looks_for_them() {
    let key = keys::evm("a");
    let file = sha256(b"file");
    for draft in [
        post(&key, "chat", json!({})),
        aggregate(&key, "k", json!({})),
        store(&key, &file),
        program(&key, &file, &file),
        instance(&key, &file),
    ] {
        assert_eq!(
            content(&draft.tags(&["one", "two"]).seal()).tags(),
            ["one", "two"]
        );
    }
}

#[test]
fn the_unsigned_fields_are_free() {
    let key = keys::evm("a");
    let draft = post(&key, "chat", json!(1)).at(10.0);
    let plain = draft.clone().seal();
    let other = draft.clone().sent_at(20.0).channel("c").seal();
    assert_eq!(plain.time, Micros(10_000_000));
    assert_eq!(other.time, Micros(20_000_000));
    assert_eq!(plain.signature, other.signature);
    let elsewhere = draft.chain(Chain::Base).seal();
    assert_ne!(plain.signature, elsewhere.signature);
    verify(&elsewhere).unwrap();
}

#[test]
fn a_delegate_speaks_for_the_owner() {
    let (alice, bob) = (keys::evm("alice"), keys::evm("bob"));
    let envelope = post(&bob, "chat", json!(1)).on_behalf_of(alice.address()).seal();
    assert_eq!(envelope.sender, bob.address());
    assert_eq!(content(&envelope).address, alice.address());
}

#[test]
fn a_content_can_be_a_file() {
    let key = keys::evm("a");
    let (envelope, text) = post(&key, "chat", json!(1)).seal_as_file();
    assert_eq!(envelope.item_type, ItemType::Storage);
    assert_eq!(envelope.item_hash, sha256(text.as_bytes()));
    assert_eq!(envelope.item_content, None);
    verify(&envelope).unwrap();
}

#[test]
fn machines_are_paid_for_as_documented() {
    let key = keys::evm("a");
    let file = sha256(b"file");
    let payment = |draft: Draft<'_>| content(&draft.seal()).payment_type();
    assert_eq!(payment(program(&key, &file, &file)), Some(PaymentType::Hold));
    assert_eq!(payment(instance(&key, &file)), Some(PaymentType::Superfluid));
    assert_eq!(payment(vprogram(&key, &file)), Some(PaymentType::Credit));
}
