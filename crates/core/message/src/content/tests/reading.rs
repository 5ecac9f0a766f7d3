//! JSON itself: strictness, repeated keys, conversions, defaults, and texts from anywhere.

use proptest::prelude::*;

use super::{samples::*, *};

fn is_valid(message_type: MessageType, text: &str) -> bool {
    Content::parse(message_type, text).is_ok()
}

fn post_with(content: &str) -> String {
    format!(r#"{{"address":"a","time":1,"type":"t","content":{content}}}"#)
}

#[test]
fn only_strict_json_is_read() {
    let accepted = [
        "1e308",
        "123456789012345678901234567890",
        r#""\ud83d\ude00""#,
        r#""\/""#,
        " [1] ",
        "\"\u{7f}\"",
    ];
    let refused = [
        "NaN",
        "Infinity",
        "1e309",
        "[1e309]",
        "01",
        "1.",
        "[1,]",
        r#""\ud800""#,
        r#"{"\udc00":1}"#,
        r#"["\ud800x"]"#,
        r#""\a""#,
        "\"\u{1}\"",
        "'x'",
        "",
        "1 2",
    ];
    for content in accepted {
        assert!(is_valid(MessageType::Post, &post_with(content)), "{content}");
    }
    for content in refused {
        assert!(!is_valid(MessageType::Post, &post_with(content)), "{content}");
        // The same where nobody looks at the value: an unknown key of a STORE, a replaced value.
        let store = format!(
            r#"{{"address":"a","time":1,"item_type":"storage","item_hash":"{SHA}","unknown":{content}}}"#
        );
        assert!(!is_valid(MessageType::Store, &store), "{content}");
        let replaced = format!(r#"{{"address":"a","time":1,"type":"t","ref":{content},"ref":"r"}}"#);
        assert!(!is_valid(MessageType::Post, &replaced), "{content}");
    }
    for text in ["", "null", "[]", "7", "{", "\u{feff}{}", "{} {}"] {
        assert!(!is_valid(MessageType::Post, text), "{text}");
    }
    assert!(is_valid(MessageType::Post, &format!(" \n{}\t", post_with("1"))));
}

#[test]
fn an_escaped_nul_is_refused_by_its_text() {
    for content in [r#""\u0000""#, r#""\\u0000""#, r#"{"\u0000":1}"#] {
        assert!(!is_valid(MessageType::Post, &post_with(content)), "{content}");
    }
    assert!(is_valid(MessageType::Post, &post_with(r#""\u0001 u0000""#)));
}

#[test]
fn nesting_is_bounded_as_a_whole() {
    let nested = |depth: usize| post_with(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
    assert!(is_valid(MessageType::Post, &nested(126)));
    assert!(
        serde_json::from_str::<Value>(&nested(126)).is_ok(),
        "other readers agree"
    );
    assert!(!is_valid(MessageType::Post, &nested(127)));
    assert!(
        serde_json::from_str::<Value>(&nested(127)).is_err(),
        "other readers agree"
    );
    assert!(!is_valid(MessageType::Post, &nested(90_000)));
    assert!(!is_valid(MessageType::Store, &"[".repeat(90_000)));
    assert!(is_valid(
        MessageType::Post,
        &post_with(&format!("[{}1]", "[],".repeat(1000)))
    ));
    assert!(is_valid(
        MessageType::Post,
        &post_with(&format!("\"{}\"", "[{".repeat(1000)))
    ));
}

#[test]
fn the_last_of_repeated_keys_counts() {
    let text = r#"{"type":1,"address":null,"time":1,"type":"first","\u0074ype":"last","address":"a"}"#;
    let content = Content::parse(MessageType::Post, text).expect("valid");
    assert_eq!(
        (content.address.as_str(), content.content_type()),
        ("a", Some("last"))
    );
    let text = r#"{"address":"a","time":1,"type":"t","type":null}"#;
    assert!(!is_valid(MessageType::Post, text));
}

#[test]
fn numbers_and_flags_may_be_written_otherwise() {
    let program = program();
    let memory = [
        (json!(" 128\n"), true),
        (json!("1_0"), true),
        (json!("+5.0"), true),
        (json!("0_05"), true),
        (json!("\u{a0}1\u{2028}"), true),
        (json!(true), true),
        (json!(1e2), true),
        (json!("1e2"), false),
        (json!("1."), false),
        (json!("1__0"), false),
        (json!("_1"), false),
        (json!("0x10"), false),
        (json!("١"), false),
        (json!(""), false),
        (json!(1.5), false),
        (json!(1e300), false),
        (json!("1".repeat(4300)), false),
    ];
    for (value, expected) in memory {
        let content = changed(&program, "/resources/memory", Some(value.clone()));
        assert_eq!(
            parse(MessageType::Program, &content).is_ok(),
            expected,
            "memory {value}"
        );
    }
    let sizes = [
        "-5",
        "-0_5",
        "0-5",
        "00__5",
        "-00",
        &"1".repeat(4300),
        &format!("{}1", "0".repeat(5000)),
    ];
    for (size, expected) in sizes.iter().map(|size| (*size, true)).chain([
        ("0_", false),
        ("0-05", false),
        ("-_5", false),
        ("--5", false),
        ("-0-5", false),
        ("+-5", false),
        (&format!("-{}", "1".repeat(4300)), false),
    ]) {
        let content = changed(&store(), "/size", Some(json!(size)));
        assert_eq!(
            parse(MessageType::Store, &content).is_ok(),
            expected,
            "size {size:.20}"
        );
    }
    let flags = [
        ("1", Some(true)),
        ("0.0", Some(false)),
        ("-0", Some(false)),
        ("\"ON\"", Some(true)),
        ("\"t\"", Some(true)),
        ("\"n\"", Some(false)),
        ("\"0\"", Some(false)),
        ("2", None),
        ("\" true\"", None),
        ("\"\"", None),
        ("[]", None),
    ];
    for (json, expected) in flags {
        let value = serde_json::from_str(json).expect("JSON");
        let content = changed(&program, "/allow_amend", Some(value));
        let flag = parse(MessageType::Program, &content).ok();
        let flag = flag.and_then(|content| content.machine().map(|machine| machine.allow_amend));
        assert_eq!(flag, expected, "{json}");
    }
}

#[test]
fn issues_say_where_and_are_bounded() {
    let mut content = changed(&program(), "/resources/vcpus", Some(json!(0)));
    content = changed(&content, "/volumes/1/ref", Some(json!("x")));
    content = changed(&content, "/unknown", Some(json!(1)));
    let error = parse(MessageType::Program, &content).expect_err("three issues");
    let mut found: Vec<_> = error
        .issues
        .iter()
        .map(|issue| (issue.path.join("."), issue.kind))
        .collect();
    found.sort();
    let expected = [
        ("resources.vcpus".to_owned(), "out_of_range"),
        ("unknown".to_owned(), "extra_forbidden"),
        ("volumes.1.ref".to_owned(), "value_error"),
    ];
    assert_eq!(found, expected);

    let many = changed(&forget(), "/hashes", Some(repeated(&json!(1), 900)));
    let error = parse(MessageType::Forget, &many).expect_err("900 issues");
    assert_eq!(error.issues.len(), 32);
}

#[test]
fn fetched_contents_take_defaults_from_the_envelope() {
    let time = Micros(1_700_000_000_250_000);
    let parse = |text: &str| Content::parse_with_defaults(MessageType::Post, text, "0x\"S", time);
    let cases = [
        (
            r#"{"type":"t"}"#,
            r#"{"type":"t","address":"0x\"S","time":1700000000.25}"#,
        ),
        (
            r#" {"type":"t", "address":null,"time" : null } "#,
            r#" {"type":"t", "address":"0x\"S","time" : 1700000000.25 } "#,
        ),
        (
            r#"{"time":null,"type":"t","time":null}"#,
            r#"{"time":null,"type":"t","time":1700000000.25,"address":"0x\"S"}"#,
        ),
        (
            "{\"address\":\"a\",\"type\":\"}\"\n}\n",
            "{\"address\":\"a\",\"type\":\"}\"\n,\"time\":1700000000.25}\n",
        ),
    ];
    for (text, expected) in cases {
        let (content, filled) = parse(text).expect("valid");
        assert_eq!(filled.as_deref(), Some(expected));
        assert_eq!(content.position_time(), time);
        assert!(is_valid(MessageType::Post, expected));
    }
    let (content, filled) = parse(r#"{"type":"t","address":"a","time":5}"#).expect("valid");
    assert_eq!((content.address.as_str(), content.time, filled), ("a", 5.0, None));
    let error = parse("{}").expect_err("no type");
    assert_eq!(error.issues[0].path, ["type"]);
    for text in ["", "[]", "{", "{}}", r#"{"type":"t","address":5}"#] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn patterns_are_checked_for_the_plainest_mistakes() {
    let wrong = ["*a", "a(", "a)", "[a", "a\\", "a|+", "a**", "a*??", "(?:a", "[^]"];
    let right = [
        "",
        "^https?://[^]/]+(:\\d{2,5})?$",
        "(?#:)(?:a|)",
        "[]*]",
        "a*?b++",
        "\\(",
        "(?x) # (",
        "{",
    ];
    for pattern in wrong {
        assert!(address_pattern::check(pattern).is_err(), "{pattern}");
    }
    for pattern in right {
        assert_eq!(address_pattern::check(pattern), Ok(()), "{pattern}");
    }
}

/// Any JSON value of a few levels.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec(("\\PC{0,8}", inner), 0..6)
                .prop_map(|entries| entries.into_iter().collect()),
        ]
    })
}

fn any_type() -> impl Strategy<Value = MessageType> {
    prop::sample::select(MessageType::ALL)
}

proptest! {
    #[test]
    fn no_text_panics(message_type in any_type(), text in "\\PC{0,64}") {
        let _ = Content::parse(message_type, &text);
        let _ = Content::parse_with_defaults(message_type, &text, "s", Micros(0));
    }

    #[test]
    fn no_damage_panics(index in 0..6usize, at in any::<prop::sample::Index>(), patch in r#"[]{}\[",:\\a0-9.u-]{0,4}"#) {
        let samples = [post(), aggregate(), store(), forget(), program(), vprogram()];
        let types = ["POST", "AGGREGATE", "STORE", "FORGET", "PROGRAM", "V-PROGRAM"];
        let mut text = samples[index].to_string();
        let at = at.index(text.len());
        prop_assume!(text.is_char_boundary(at));
        text.insert_str(at, &patch);
        let message_type = types[index].parse().expect("type");
        if Content::parse(message_type, &text).is_ok() {
            prop_assert!(serde_json::from_str::<Value>(&text).is_ok(), "other readers agree");
        }
        let _ = Content::parse_with_defaults(message_type, &text, "s", Micros(0));
    }

    #[test]
    fn posts_are_kept_verbatim(address in "\\PC{0,12}", post_type in "[a-z]{1,8}", time in 0.0..9e9, content in any_json()) {
        let json = content.to_string();
        let text = format!(r#"{{"address":{},"time":{time},"type":"{post_type}","content":{json}}}"#, json!(address));
        prop_assume!(!text.contains("\\u0000"));
        prop_assume!(post_type != "amend");
        let content = Content::parse(MessageType::Post, &text).expect("valid");
        prop_assert_eq!(&content.address, &address);
        prop_assert_eq!(content.time, time);
        let Body::Post(post) = content.body else { panic!("a POST") };
        prop_assert_eq!(&post.post_type, &post_type);
        prop_assert_eq!(post.content_json.as_deref().map(|json| json.get()), Some(json.as_str()));
    }

    #[test]
    fn aggregates_are_kept_verbatim(fields in prop::collection::vec(("[a-d]{1,2}", any_json()), 0..40)) {
        let entries: Vec<_> = fields.iter().map(|(key, value)| format!("{} : {value}", json!(key))).collect();
        let text = format!(r#"{{"address":"a","time":1,"key":"k","content":{{{}}}}}"#, entries.join(" , "));
        prop_assume!(!text.contains("\\u0000"));
        let content = Content::parse(MessageType::Aggregate, &text).expect("valid");
        let Body::Aggregate(aggregate) = content.body else { panic!("an AGGREGATE") };
        let mut expected: Vec<(String, String)> = Vec::new();
        for (key, value) in fields {
            match expected.iter_mut().find(|(known, _)| *known == key) {
                Some(entry) => entry.1 = value.to_string(),
                None => expected.push((key, value.to_string())),
            }
        }
        let found = aggregate.fields.into_iter().map(|(key, json)| (key, json.get().to_owned()));
        prop_assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn tags_never_make_a_content_invalid(tags in any_json()) {
        let text = post_with(&json!({"tags": tags}).to_string());
        prop_assume!(!text.contains("\\u0000"));
        let content = Content::parse(MessageType::Post, &text).expect("valid");
        let strings = tags.as_array().into_iter().flatten().filter_map(Value::as_str);
        prop_assert_eq!(content.tags(), strings.collect::<Vec<_>>());
    }
}
