use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn list(change: impl FnOnce(&mut Value)) -> Pricing {
    let mut list: Value = serde_json::from_str(DEFAULT_PRICING).unwrap();
    change(&mut list);
    Pricing::read(Some(&list.to_string()), None)
}

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

#[test]
fn the_defaults_sell_everything() {
    let defaults = Pricing::defaults();
    for product in Product::ALL {
        let pricing = defaults.product(product);
        assert!(pricing.is_some(), "{product:?}");
        assert_eq!(
            pricing.is_some_and(|pricing| pricing.unit.is_some() && pricing.compute.is_some()),
            product != Product::Storage
        );
    }
    let premium = defaults.product(Product::InstanceGpuPremium).unwrap();
    assert_eq!(premium.storage.hold, Decimal::ZERO);
    assert_eq!(premium.gpu_units("H100"), Some(24));
    assert_eq!(premium.gpu_units("L40S"), None);
    assert_eq!(defaults.gpu_model("10de:2684"), Some("RTX 4090"));
    // Listed twice: the first one counts.
    assert_eq!(defaults.gpu_model("10de:2685"), Some("RTX 5090"));
    assert_eq!(defaults.gpu_model("10de:0"), None);
    assert_eq!(list(|_| {}), defaults);
}

#[test]
fn prices_are_read_as_the_network_reads_them() {
    let storage = |hold: Value| {
        let pricing = list(|list| list["storage"]["price"]["storage"] = json!({"holding": hold}));
        let storage = pricing.product(Product::Storage);
        storage.map(|storage| storage.storage.hold)
    };
    assert_eq!(storage(json!("0.05")), Some(decimal("0.05")));
    assert_eq!(storage(json!(" 5e-2 ")), Some(decimal("0.05")));
    assert_eq!(storage(json!(3)), Some(decimal("3")));
    assert_eq!(storage(json!(0.05)), Decimal::from_double(0.05));
    assert_ne!(storage(json!(0.05)), Some(decimal("0.05")));
    for nothing in [json!(null), json!(""), json!(0), json!(false)] {
        assert_eq!(storage(nothing), Some(Decimal::ZERO));
    }
    for bad in [
        json!("-1"),
        json!(-1.5),
        json!("NaN"),
        json!([]),
        json!({}),
        json!(true),
        json!("1e2000"),
    ] {
        assert_eq!(storage(bad.clone()), None, "{bad}");
    }
}

#[test]
fn a_bad_product_leaves_the_others_alone() {
    let bad: [fn(&mut Value); 8] = [
        |product| *product = json!(7),
        |product| product["price"] = json!([]),
        |product| drop(product["price"].as_object_mut().unwrap().remove("storage")),
        |product| drop(product["price"].as_object_mut().unwrap().remove("compute_unit")),
        |product| drop(product.as_object_mut().unwrap().remove("compute_unit")),
        |product| product["compute_unit"]["memory_mib"] = json!(0),
        |product| product["compute_unit"]["disk_mib"] = json!(-1),
        |product| product["tiers"][0]["compute_units"] = json!("one"),
    ];
    for change in bad {
        let pricing = list(|list| change(&mut list["instance"]));
        assert_eq!(pricing.product(Product::Instance), None);
        assert!(pricing.product(Product::Program).is_some());
    }
    let pricing = list(|list| drop(list.as_object_mut().unwrap().remove("program")));
    assert_eq!(pricing.product(Product::Program), None);
}

#[test]
fn sizes_go_with_tiers_and_prices_with_sizes() {
    let unsized_unit = list(|list| list["instance"]["tiers"] = json!([]));
    let instance = unsized_unit.product(Product::Instance).unwrap();
    assert_eq!(instance.unit, None);
    assert!(instance.compute.is_some());
    let unpriced = list(|list| {
        list["instance"]["tiers"] = Value::Null;
        list["instance"]["compute_unit"] = Value::Null;
    });
    assert_eq!(unpriced.product(Product::Instance).unwrap().compute, None);
}

#[test]
fn what_is_no_list_is_absent() {
    let long = format!("{{}}{}", " ".repeat(LIST_LIMIT));
    for text in ["", "[]", "null", "{", &"[".repeat(100_000), &long] {
        assert_eq!(Pricing::read(Some(text), Some(text)), Pricing::defaults());
    }
    let empty = Pricing::read(Some("{}"), Some("{}"));
    assert_eq!(empty.product(Product::Storage), None);
    assert_eq!(empty.gpu_model("10de:2684"), None);
    let settings = r#"{"compatible_gpus": [7, {"device_id": "a"}, {"device_id": "b", "model": "B"}]}"#;
    let settings = Pricing::read(None, Some(settings));
    assert_eq!(settings.gpu_model("a"), None);
    assert_eq!(settings.gpu_model("b"), Some("B"));
}

proptest! {
    /// Any byte of the list replaced by any other: nothing panics, nothing is priced below zero.
    #[test]
    fn damaged_lists_are_read(position in 0..DEFAULT_PRICING.len(), byte in 0x20u8..0x7f) {
        let mut text = DEFAULT_PRICING.as_bytes().to_vec();
        text[position] = byte;
        let text = String::from_utf8(text).unwrap();
        let pricing = Pricing::read(Some(&text), Some(&text));
        prop_assert!(pricing.gpus.len() <= 19);
    }
}
