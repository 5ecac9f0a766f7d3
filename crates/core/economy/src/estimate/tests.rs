use alephd_message::PaymentType;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    cost::{CostFile, Costs, costs},
    pricing::Pricing,
};

fn hash(digit: char) -> String {
    digit.to_string().repeat(64)
}

fn bill(message_type: MessageType, content: &Value) -> Costs {
    let demand = estimate_demand(message_type, &content.to_string(), None).unwrap();
    costs(&demand, &Pricing::defaults(), &|_| None).unwrap()
}

fn kind_of_issue<T: std::fmt::Debug>(result: Result<T, FormatError>) -> &'static str {
    result.unwrap_err().issues[0].kind
}

fn store(size: Value) -> Value {
    json!({"address": "0xa", "time": 1, "item_type": "storage", "item_hash": hash('a'), SIZE: size})
}

fn instance() -> Value {
    json!({
        "address": "0xa",
        "environment": {},
        "resources": {"vcpus": 1, "memory": 2048},
        "rootfs": {"parent": {"ref": hash('a')}, "persistence": "host", "size_mib": 20480},
        "payment": {"type": "credit"},
        "volumes": [{"ref": hash('b'), SIZE: 100}, {"size_mib": 3, "ephemeral": true}],
    })
}

#[test]
fn the_clients_request_is_read() {
    let content = store(json!(100)).to_string();
    let mut message = json!({
        "sender": "0xa", "chain": "ETH", "type": "STORE", "channel": null, "confirmations": null,
        "time": "2026-11-23T08:22:15.541302Z", "signature": "0x00", "item_type": "inline",
        "item_content": content, "content": {"address": "0xb"},
        // The hash of the content in this test.
        "item_hash": "",
    });
    let request =
        |message: &Value| EstimateRequest::parse(json!({"message": message}).to_string().as_bytes());
    let error = request(&message).unwrap_err();
    assert_eq!(error.issues[0].path, ["item_hash"]);
    message["item_hash"] = json!(hash('0'));
    // The reader of envelopes says which hash it expects.
    let text = request(&message).unwrap_err().issues[0].text.clone();
    message["item_hash"] = json!(text.rsplit(' ').next().unwrap());
    let read = request(&message).unwrap();
    assert_eq!(read.message_type, MessageType::Store);
    assert_eq!(read.item_type, ItemType::Inline);
    assert_eq!(read.item_content.as_deref(), Some(content.as_str()));
    // Only the type, the name and the content are needed.
    let bare = json!({"type": "STORE", "item_hash": message["item_hash"], "item_content": content});
    assert_eq!(request(&bare).unwrap(), read);
    let fetched = request(&json!({"type": "PROGRAM", "item_hash": hash('a')})).unwrap();
    assert_eq!(fetched.item_type, ItemType::Storage);
    assert_eq!(fetched.item_content, None);
}

#[test]
fn other_requests_are_refused() {
    let parse = |body: &str| EstimateRequest::parse(body.as_bytes());
    assert_eq!(kind_of_issue(parse("{")), "json_invalid");
    for body in ["[]", "7", "{}", r#"{"message": null}"#, r#"{"message": {}}"#] {
        assert!(parse(body).is_err(), "{body}");
    }
    let post = json!({"message": {"type": "POST", "item_hash": hash('a')}});
    assert_eq!(kind_of_issue(parse(&post.to_string())), "enum");
    assert_eq!(
        kind_of_issue(estimate_demand(MessageType::Forget, "{}", None)),
        "enum"
    );
}

#[test]
fn a_store_of_a_stated_size() {
    let total = |size: Value| bill(MessageType::Store, &store(size)).total.shortest();
    assert_eq!(total(json!(20)), "6.66666666");
    assert_eq!(total(json!("20")), "6.66666666");
    assert_eq!(total(json!(0.5)), "0.1666666665");
    // The value of the double nearest to 0.1, floored.
    assert_eq!(total(json!(0.1)), "0.033333333300000001");
    // Nothing is stated, and the file is unknown.
    assert_eq!(total(json!(0)), "0");
    assert_eq!(total(Value::Null), "0");
    for bad in [
        json!(-1),
        json!("x"),
        json!("nan"),
        json!("inf"),
        json!([]),
        json!(true),
    ] {
        let text = store(bad).to_string();
        assert_eq!(
            kind_of_issue(estimate_demand(MessageType::Store, &text, None)),
            "out_of_range",
            "{text}"
        );
    }
}

#[test]
fn an_instance_may_lack_what_does_not_cost() {
    let costs = bill(MessageType::Instance, &instance());
    assert_eq!(costs.payment, PaymentType::Credit);
    assert_eq!(costs.lines.len(), 5);
    assert_eq!(costs.lines[2].size, Some(Mib::from_mib(100)));
    let detail = costs.to_json(true)["detail"].clone();
    assert_eq!(detail[1]["size_mib"], json!(20480.0));
    assert_eq!(detail[4]["size_mib"], Value::Null);
    // What does cost has to be there, and only files may have their size estimated.
    let mut content = instance();
    content["volumes"][1][SIZE] = json!(3);
    let text = content.to_string();
    assert_eq!(
        kind_of_issue(estimate_demand(MessageType::Instance, &text, None)),
        "extra_forbidden"
    );
    assert!(estimate_demand(MessageType::Instance, r#"{"address": "0xa"}"#, None).is_err());
    assert_eq!(
        kind_of_issue(estimate_demand(MessageType::Instance, "{", None)),
        "json_invalid"
    );
    assert_eq!(
        kind_of_issue(estimate_demand(MessageType::Instance, "[]", None)),
        "dict_type"
    );
}

#[test]
fn parts_of_a_program_are_stated_one_by_one() {
    let content = json!({
        "address": "0xa", "type": "vm-function", "environment": {}, "resources": {},
        "on": {"http": true},
        "code": {"encoding": "zip", "entrypoint": "m:a", "ref": hash('a'), SIZE: "7"},
        "runtime": {"ref": hash('b'), "comment": "", SIZE: 0},
        "data": {"encoding": "zip", "mount": "/d", "ref": hash('c'), SIZE: 9.0},
    });
    let text = content.to_string();
    let demand = estimate_demand(MessageType::Program, &text, None).unwrap();
    let runtime = CostFile::Stored {
        store: ItemHash::parse_strict(&hash('b')).unwrap(),
        latest: true,
    };
    assert_eq!(demand.files(), [runtime]);
    let costs = bill(MessageType::Program, &content);
    let sizes: Vec<_> = costs
        .lines
        .iter()
        .filter_map(|line| line.size)
        .map(Mib::to_f64)
        .collect();
    assert_eq!(sizes, [7.0, 9.0]);
    let mut content = content;
    content["code"][SIZE] = json!(-7);
    let text = content.to_string();
    assert_eq!(
        kind_of_issue(estimate_demand(MessageType::Program, &text, None)),
        "out_of_range"
    );
}

proptest! {
    #[test]
    fn noise_is_refused_without_panic(text in r#"\{("(address|volumes|code|estimated_size_mib)":([-0-9.e]{1,5}|\[\]|\{\}|null),?){0,4}\}"#) {
        for message_type in MessageType::ALL {
            let _ = estimate_demand(*message_type, &text, None);
        }
        let _ = EstimateRequest::parse(text.as_bytes());
    }
}
