use proptest::prelude::*;

use super::*;

const HASH: &str = "1eb440938336b13e7e4ad3f9ebea6de8dbf7fcbdba4c8861ea0a4f70e19e777d";
const TIME: Micros = Micros(1_704_164_645_120_000);

fn json(cursor: &impl Cursor) -> String {
    let bytes = URL_SAFE_NO_PAD.decode(cursor.encode()).expect("base64");
    String::from_utf8(bytes).expect("text")
}

fn encoded(json: &str) -> String {
    URL_SAFE_NO_PAD.encode(json)
}

#[test]
fn the_json_of_each_cursor() {
    let hash = ItemHash::parse_strict(HASH).expect("strict");
    let time = TimeCursor {
        time: TIME,
        hash: hash.clone(),
    };
    assert_eq!(
        json(&time),
        format!(r#"{{"h":"{HASH}","t":"2024-01-02T03:04:05.120000+00:00"}}"#)
    );
    let whole = TimeCursor {
        time: Micros(1_704_164_645_000_000),
        hash,
    };
    assert_eq!(
        json(&whole),
        format!(r#"{{"h":"{HASH}","t":"2024-01-02T03:04:05+00:00"}}"#)
    );
    let aggregate = AggregateCursor {
        time: TIME,
        key: "é\u{7f}\"".into(),
        owner: "0xA".into(),
    };
    assert_eq!(
        json(&aggregate),
        r#"{"k":"\u00e9\u007f\"","o":"0xA","t":"2024-01-02T03:04:05.120000+00:00"}"#
    );
    let address = AddressCursor {
        address: "0xA".into(),
        chain: None,
    };
    assert_eq!(json(&address), r#"{"a":"0xA"}"#);
    let balance = AddressCursor {
        chain: Some(Chain::Sol),
        ..address
    };
    assert_eq!(json(&balance), r#"{"a":"0xA","c":"SOL"}"#);
    assert_eq!(
        json(&StatsCursor {
            value: 7,
            address: "0xA".into()
        }),
        r#"{"a":"0xA","v":7}"#
    );
    let credit = CreditCursor {
        sort_by: CreditSort::MessageTimestamp,
        sort_order: Some(SortOrder::Descending),
        value: SortValue::Time(TIME),
        credit_ref: "r".into(),
        credit_index: 3,
    };
    assert_eq!(
        json(&credit),
        r#"{"i":3,"o":-1,"r":"r","s":"message_timestamp","v":"2024-01-02T03:04:05.120000+00:00"}"#
    );
}

#[test]
fn cursors_of_other_nodes() {
    // As a node of the reference wrote it, with padding added by a careful client.
    let text = "eyJhIjoiMHhBIn0";
    let expected = AddressCursor {
        address: "0xA".into(),
        chain: None,
    };
    assert_eq!(AddressCursor::decode(text), Ok(expected.clone()));
    assert_eq!(AddressCursor::decode(&format!("{text}=")), Ok(expected));

    let old = encoded(r#"{"i":2,"r":"x","t":"2024-01-02T03:04:05.120000+00:00"}"#);
    let expected = CreditCursor {
        sort_by: CreditSort::MessageTimestamp,
        sort_order: None,
        value: SortValue::Time(TIME),
        credit_ref: "x".into(),
        credit_index: 2,
    };
    assert_eq!(CreditCursor::decode(&old), Ok(expected));
    let null = encoded(r#"{"i":0,"o":1,"r":"x","s":"expiration_date","v":null}"#);
    assert_eq!(
        CreditCursor::decode(&null).map(|cursor| cursor.value),
        Ok(SortValue::Null)
    );
}

#[test]
fn texts_that_are_no_cursors() {
    for text in [
        "bad",
        "not-a-valid-cursor!!!",
        "",
        "====",
        &encoded("[]"),
        &encoded("{"),
        &"A".repeat(9000),
    ] {
        assert_eq!(TimeCursor::decode(text), Err(BadCursor::Form), "{text}");
        assert_eq!(AddressCursor::decode(text), Err(BadCursor::Form), "{text}");
        assert_eq!(CreditCursor::decode(text), Err(BadCursor::Form), "{text}");
    }
    let fields = encoded(r#"{"h":"x"}"#);
    assert_eq!(AddressCursor::decode(&fields), Err(BadCursor::Fields));
    assert_eq!(StatsCursor::decode(&fields), Err(BadCursor::Fields));
    assert_eq!(AggregateCursor::decode(&fields), Err(BadCursor::Fields));
    assert_eq!(TimeCursor::decode(&fields), Err(BadCursor::Value));
    assert_eq!(
        TimeCursor::decode(&encoded(r#"{"h":1,"t":2}"#)),
        Err(BadCursor::Value)
    );
    let time = encoded(&format!(r#"{{"h":"{HASH}","t":"yesterday"}}"#));
    assert_eq!(TimeCursor::decode(&time), Err(BadCursor::Value));
    assert_eq!(
        AddressCursor::decode(&encoded(r#"{"a":"x","c":"NOPE"}"#)),
        Err(BadCursor::Value)
    );
    let kind = encoded(r#"{"i":0,"o":1,"r":"x","s":"amount","v":"5"}"#);
    assert_eq!(CreditCursor::decode(&kind), Err(BadCursor::Value));
}

fn any_time() -> impl Strategy<Value = Micros> {
    (-62_135_596_800_000_000_i64..253_402_300_800_000_000).prop_map(Micros)
}

fn any_hash() -> impl Strategy<Value = ItemHash> {
    prop_oneof!["[0-9a-f]{64}", "Qm[1-9A-HJ-NP-Za-km-z]{44}", "bafy[a-z2-7]{55}"]
        .prop_filter_map("an item hash", |text| ItemHash::parse_strict(&text))
}

fn any_place() -> impl Strategy<Value = (CreditSort, SortValue)> {
    prop_oneof![
        any_time().prop_map(|time| (CreditSort::ExpirationDate, SortValue::Time(time))),
        any::<i64>().prop_map(|value| (CreditSort::Amount, SortValue::Int(value))),
        any::<String>().prop_map(|text| (CreditSort::Origin, SortValue::Text(text))),
        Just((CreditSort::TxHash, SortValue::Null)),
    ]
}

proptest! {
    #[test]
    fn cursors_read_back(
        time in any_time(),
        hash in any_hash(),
        (key, owner) in any::<(String, String)>(),
        chain in prop::option::of(prop::sample::select(Chain::ALL)),
        value in any::<i64>(),
        (sort_by, place) in any_place(),
        ascending in any::<bool>(),
    ) {
        let cursor = TimeCursor { time, hash };
        prop_assert_eq!(TimeCursor::decode(&cursor.encode()), Ok(cursor));
        let cursor = AddressCursor { address: owner.clone(), chain };
        prop_assert_eq!(AddressCursor::decode(&cursor.encode()), Ok(cursor));
        let cursor = StatsCursor { value, address: owner.clone() };
        prop_assert_eq!(StatsCursor::decode(&cursor.encode()), Ok(cursor));
        let cursor = CreditCursor {
            sort_by,
            sort_order: SortOrder::from_sign(if ascending { 1 } else { -1 }),
            value: place,
            credit_ref: key.clone(),
            credit_index: value,
        };
        prop_assert_eq!(CreditCursor::decode(&cursor.encode()), Ok(cursor));
        let cursor = AggregateCursor { time, key, owner };
        prop_assert_eq!(AggregateCursor::decode(&cursor.encode()), Ok(cursor));
    }

    #[test]
    fn arbitrary_texts_never_panic(text in any::<String>(), json in "[\\[\\]{}\",:a-z0-9]{0,40}") {
        for text in [text, encoded(&json)] {
            let _ = TimeCursor::decode(&text);
            let _ = AggregateCursor::decode(&text);
            let _ = AddressCursor::decode(&text);
            let _ = StatsCursor::decode(&text);
            let _ = CreditCursor::decode(&text);
        }
    }
}
