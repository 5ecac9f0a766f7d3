//! Texts of strangers, and what becomes of them.

use super::{json, text};

#[test]
fn deceptive_characters_are_spelled_out() {
    let text = text::foreign("pay\u{202e}gnp.exe\u{0}\u{200b}", 100).into_string();
    assert_eq!(text, "<bdi>pay⟨U+202E⟩gnp.exe⟨U+0000⟩⟨U+200B⟩</bdi>");
    let text = text::foreign("<script>\"&'", 100).into_string();
    assert!(text.starts_with("<bdi>&lt;script&gt;&quot;&amp;"), "{text}");
    // Letters of any script and composed emoji stay.
    assert_eq!(text::visible("日本 é 👩\u{200d}🚀"), "日本 é 👩\u{200d}🚀");
}

#[test]
fn long_texts_keep_their_ends() {
    assert_eq!(text::shorten("abc", 3), "abc");
    assert_eq!(
        text::shorten("éàü", 3),
        "éàü",
        "characters are counted, not bytes"
    );
    let short = text::shorten(&"x".repeat(1_000_000), 28).into_owned();
    assert_eq!(short.chars().count(), 18 + 1 + 7);
}

#[test]
fn numbers_and_spans_are_readable() {
    use std::time::Duration;
    assert_eq!(text::number(0), "0");
    assert_eq!(text::number(1_234_567), "1\u{202f}234\u{202f}567");
    for (seconds, shown) in [
        (5, "5 s"),
        (120, "2 min"),
        (7_200, "2 h"),
        (129_600, "36 h"),
        (172_800, "2 days"),
        (259_200, "3 days"),
        (94_608_000, "3 years"),
    ] {
        assert_eq!(text::span(Duration::from_secs(seconds)), shown);
    }
}

#[test]
fn sums_and_sizes_are_readable() {
    use alephd_economy::Amount;
    for (exact, shown) in [
        ("0", "0"),
        ("1234567.5", "1\u{202f}234\u{202f}567.5"),
        ("0.000001", "0.000001"),
        ("0.0000001", "&lt;0.000001"),
        ("-2.1234567", "−2.123457"),
        ("0.9999999999", "1"),
    ] {
        let amount = text::amount(Amount::parse(exact).expect("a number")).into_string();
        assert!(amount.ends_with(&format!(">{shown}</span>")), "{amount}");
        assert!(
            amount.starts_with(&format!("<span title=\"{exact}\">")),
            "{amount}"
        );
    }
    for (bytes, shown) in [
        (1, "1 byte"),
        (1_023, "1\u{202f}023 bytes"),
        (1_024, "1.0\u{a0}KiB"),
        (31_457_280, "30.0\u{a0}MiB"),
        (u64::MAX, "16777216.0\u{a0}TiB"),
    ] {
        assert_eq!(text::bytes(bytes), shown);
    }
    assert_eq!(
        text::account_path("0xaB"),
        Some("/explore/accounts/0xaB".to_owned())
    );
    assert_eq!(
        text::account_path("../é"),
        Some("/explore/accounts/%2E%2E%2F%C3%A9".to_owned())
    );
    assert_eq!(text::account_path(""), None);
}

fn shown(text: &str) -> String {
    json::block(text).into_string()
}

/// What a reader sees of the block.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for character in shown(text).chars() {
        match character {
            '<' => inside = true,
            '>' => inside = false,
            _ if !inside => out.push(character),
            _ => {}
        }
    }
    out
}

#[test]
fn json_is_indented_and_otherwise_left_alone() {
    assert_eq!(
        plain(r#"{"b":1.50,"a":[true,{}, [ ] ,null],"s":"x{,}"}"#),
        "{\n  &quot;b&quot;: 1.50,\n  &quot;a&quot;: [\n    true,\n    {},\n    [],\n    null\n  ],\n  \
         &quot;s&quot;: &quot;x{,}&quot;\n}"
    );
    let block = shown(r#"{"key":"value"}"#);
    assert!(block.contains(r#"<span class="k">&quot;key&quot;</span>: <span class="s">&quot;value&quot;"#));
}

#[test]
fn hostile_json_stays_text_and_bounded() {
    let block =
        shown("{\"</code><script>alert(1)</script>\":\"\\\"<img src=x onerror=y>\",\"z\":\"\u{202e}\"}");
    for tag in ["<script", "<img", "</code><"] {
        assert!(
            !block.replace("</code></pre>", "").contains(tag),
            "{tag} in {block}"
        );
    }
    assert!(block.contains(r#"<span class="e">\u202e</span>"#));
    // Whatever is no JSON shows as it is.
    assert_eq!(plain("}}]] \"open"), "\n}\n}\n]\n]&quot;open");
    assert_eq!(plain("é&"), "é&amp;");
    for text in [
        "[".repeat(1 << 20),
        format!("[{}1]", "1,".repeat(1 << 20)),
        format!("\"{}\"", "é".repeat(1 << 20)),
    ] {
        let block = shown(&text);
        assert!(block.len() < 4 << 20, "{} of {}", block.len(), text.len());
    }
}
