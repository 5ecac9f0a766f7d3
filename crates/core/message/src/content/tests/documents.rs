//! POST, AGGREGATE, STORE and FORGET.

use super::{samples::*, *};

#[test]
fn common_keys() {
    check(
        MessageType::Post,
        &post(),
        vec![
            remove("/address", false),
            set("/address", json!(null), false),
            set("/address", json!(1), false),
            set("/address", json!(""), true),
            remove("/time", false),
            set("/time", json!(null), false),
            set("/time", json!(0), true),
            set("/time", json!(-0.000001), false),
            set("/time", json!(9_223_372_036_u64), true),
            set("/time", json!(9_223_372_036.5), false),
            set("/time", json!("1700000000.25"), true),
            set("/time", json!("nan"), false),
            set("/time", json!("inf"), false),
            set("/time", json!(true), true),
            set("/time", json!([]), false),
        ],
    );
}

#[test]
fn post_bounds() {
    check(
        MessageType::Post,
        &post(),
        vec![
            remove("/type", false),
            set("/type", json!(1), false),
            set("/type", json!(""), true),
            set("/type", json!("amend"), true),
            remove("/ref", true),
            set("/ref", json!(null), true),
            set("/ref", json!(5), false),
            set("/ref", json!([]), false),
            set("/ref", json!({}), false),
            remove("/content", true),
            set("/content", json!("text"), true),
            set("/content/tags", json!("not a list"), true),
            set("/unknown", json!(1), false),
        ],
    );
}

#[test]
fn amends_need_a_reference() {
    check(
        MessageType::Post,
        &amend(),
        vec![
            remove("/ref", false),
            set("/ref", json!(null), false),
            set("/ref", json!(""), false),
            set("/ref", json!("anything"), true),
            set("/ref/chain", json!("XXX"), false),
            set("/ref/channel", text(128), true),
            set("/ref/channel", text(129), false),
            remove("/ref/channel", true),
            set("/ref/item_hash", json!(SHA.to_uppercase()), false),
            set("/ref/item_type", json!("INLINE"), false),
            remove("/ref/item_content", false),
            set("/ref/item_content", json!(null), false),
            remove("/ref/signature", false),
            remove("/ref/sender", false),
            set("/ref/time", json!("inf"), true),
            remove("/ref/type", true),
            set("/ref/type", json!("STORE"), false),
            set("/ref/unknown", json!(1), true),
        ],
    );
}

#[test]
fn post_facts() {
    let content = valid(MessageType::Post, &post());
    assert_eq!(content.reference(), Some("chain"));
    assert_eq!(content.content_type(), Some("blog"));
    assert_eq!(content.tags(), ["x", "y"]);
    assert_eq!(content.payment_type(), None);
    assert_eq!(content.position_time(), Micros(1_700_000_000_500_000));
    assert_eq!(content.message_type(), MessageType::Post);

    let content = valid(MessageType::Post, &amend());
    assert_eq!(content.reference(), None, "an object is no string to filter by");
    let Body::Post(post) = content.body else {
        panic!("a POST")
    };
    assert_eq!((post.is_amend(), post.reference.as_deref()), (true, Some(SHA)));

    for (text, kept) in [
        ("", None),
        (r#","content":null"#, Some("null")),
        (r#","content": [1.0, 2] "#, Some("[1.0, 2]")),
    ] {
        let text = format!(r#"{{"address":"a","time":1,"type":"t"{text}}}"#);
        let content = Content::parse(MessageType::Post, &text).expect("valid");
        let Body::Post(post) = content.body else {
            panic!("a POST")
        };
        assert_eq!(post.content_json.as_deref().map(|json| json.get()), kept);
    }
}

#[test]
fn aggregate_bounds() {
    check(
        MessageType::Aggregate,
        &aggregate(),
        vec![
            remove("/key", false),
            set("/key", json!({"name": "profile"}), false),
            set("/key", json!(null), false),
            set("/key", json!(""), true),
            remove("/content", false),
            set("/content", json!(null), false),
            set("/content", json!([]), false),
            set("/content", json!({}), true),
            set("/unknown", json!(1), false),
        ],
    );
}

#[test]
fn aggregate_fields_keep_text_order_and_the_last_value() {
    let text = r#"{"address":"a","time":1,"key":"k","content":{"z":1.0,"a":{"b": [2]},"z" : 3e0"#.to_owned();
    for count in [0, 40] {
        let mut full = text.clone();
        for index in 0..count {
            full.push_str(&format!(r#","n{index}":{index}"#));
        }
        full.push_str(r#","\u0061":"last","tags":["t"]}}"#);
        let content = Content::parse(MessageType::Aggregate, &full).expect("valid");
        assert_eq!(content.content_key(), Some("k"));
        assert_eq!(content.tags(), ["t"]);
        let Body::Aggregate(aggregate) = content.body else {
            panic!("an AGGREGATE")
        };
        assert_eq!(aggregate.fields.len(), count + 3);
        let first = aggregate
            .fields
            .iter()
            .map(|(key, json)| (key.as_str(), json.get()))
            .take(2);
        assert_eq!(first.collect::<Vec<_>>(), [("z", "3e0"), ("a", r#""last""#)]);
    }
}

#[test]
fn store_bounds() {
    check(
        MessageType::Store,
        &store(),
        vec![
            remove("/item_type", false),
            set("/item_type", json!("storage"), false),
            set("/item_type", json!("inline"), false),
            set("/item_type", json!("IPFS"), false),
            remove("/item_hash", false),
            set("/item_hash", json!(CID_V1), true),
            set("/item_hash", json!(SHA), false),
            set("/item_hash", json!("Qm"), false),
            set("/size", json!(null), true),
            set("/size", json!("5"), true),
            set("/size", json!(-5.0), true),
            set("/size", json!(5.5), false),
            set("/size", json!(u64::MAX), true),
            set("/content_type", json!(1), false),
            set("/ref", json!({}), false),
            set("/ref", json!(null), true),
            set("/metadata", json!([]), false),
            set("/metadata", json!(null), true),
            remove("/payment", true),
            set("/payment", json!(null), true),
            set("/payment/type", json!("hold"), true),
            set("/payment/type", json!("superfluid"), false),
            set("/payment/type", json!("free"), false),
            set("/payment/chain", json!("XXX"), false),
            set("/payment/chain", json!(null), true),
            set("/payment/receiver", json!(1), false),
            set("/payment/unknown", json!(1), true),
            remove("/payment/type", false),
            set("/tags", json!({"not": "a list"}), true),
            set("/unknown", json!({"any": ["thing"]}), true),
        ],
    );
    let content = valid(MessageType::Store, &store());
    assert_eq!(content.reference(), Some("label"));
    assert_eq!(content.payment_type(), Some(PaymentType::Credit));
    assert_eq!(content.tags(), ["s"]);
    assert_eq!(
        content.content_item_hash().map(ToString::to_string).as_deref(),
        Some(CID)
    );
    assert_eq!(content.content_item_type(), Some(ItemType::Ipfs));
    let content = valid(MessageType::Store, &changed(&store(), "/payment", None));
    assert_eq!(content.payment_type(), Some(PaymentType::Hold));
}

#[test]
fn forget_bounds() {
    check(
        MessageType::Forget,
        &forget(),
        vec![
            remove("/hashes", false),
            set("/hashes", json!(null), false),
            set("/hashes", json!([]), true),
            set("/hashes", repeated(&json!(SHA), 1000), true),
            set("/hashes", repeated(&json!(SHA), 1001), false),
            set("/hashes/0", json!("profile"), false),
            remove("/aggregates", true),
            set("/aggregates", json!(null), false),
            set("/aggregates", json!(["profile"]), false),
            set("/aggregates", repeated(&json!(SHA), 1000), true),
            set("/aggregates", repeated(&json!(SHA), 1001), false),
            set("/reason", json!(null), true),
            set("/reason", text(1000), true),
            set("/reason", text(1001), false),
            set("/unknown", json!(1), false),
        ],
    );
    let nothing = json!({"address": "a", "time": 1, "hashes": []});
    let Body::Forget(forget) = valid(MessageType::Forget, &nothing).body else {
        panic!("a FORGET")
    };
    assert!(
        forget.hashes.is_empty() && forget.aggregates.is_empty(),
        "refused later, with code 500"
    );
}
