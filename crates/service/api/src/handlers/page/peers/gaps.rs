//! What this node lacks, as far as whoever looks for it says.

use maud::{Markup, html};
use serde_json::Value;

use alephd_message::{ItemHash, Micros};

use crate::handlers::page::{list, text};

/// Rows of the table: the oldest ones are what an operator asks about.
const ROWS: usize = 25;
/// Characters of an error, which may tell what a peer said.
const ERROR: usize = 96;

/// The section; nothing where nothing is looked for. What is left out of `gaps` is left out of the page.
pub(super) fn section(gaps: &Value, now: Micros) -> Markup {
    let is_there = gaps.is_object() && gaps.get("enabled") != Some(&Value::Bool(false));
    if !is_there {
        return html! {};
    }
    let rows = either(gaps, "gaps", "listed").and_then(Value::as_array);
    let rows = rows.map(Vec::as_slice).unwrap_or_default();
    let count = |name| gaps.get(name).and_then(Value::as_u64);
    let (contents, files) = (count("contents"), count("files"));
    let known = contents.unwrap_or(0).saturating_add(files.unwrap_or(0));
    let wanted = count("wanted").unwrap_or(known).max(rows.len() as u64);
    html! {
        section #gaps {
            h2 { "Gaps" }
            @if wanted == 0 {
                p.empty { "Nothing is missing." }
            } @else {
                p {
                    strong {
                        @if gaps.get("complete") == Some(&Value::Bool(false)) { "More than " }
                        (text::number(wanted))
                    }
                    @if wanted == 1 { " is missing" } @else { " are missing" }
                    @if let (Some(contents), Some(files)) = (contents, files) {
                        " (contents: " (text::number(contents)) ", files: " (text::number(files)) ")"
                    }
                    "." (age(gaps, now))
                    @if let Some(running) = count("running") {
                        " Being fetched now: " (text::number(running)) "."
                    }
                }
                @if !rows.is_empty() { (table(rows, now)) }
            }
        }
    }
}

/// How long the oldest one waits.
fn age(gaps: &Value, now: Micros) -> Markup {
    let span = |seconds| text::span(std::time::Duration::from_secs(seconds));
    let seconds = gaps.get("oldest_seconds").and_then(Value::as_u64);
    html! {
        @if let Some(oldest) = gaps.get("oldest").and_then(instant) {
            " The oldest was asked for " (text::time(oldest, now)) "."
        } @else if let Some(seconds) = seconds {
            " The oldest was asked for " (span(seconds)) " ago."
        }
    }
}

fn table(rows: &[Value], now: Micros) -> Markup {
    let titles = [
        "Missing",
        "What",
        "For message",
        "Sender",
        "#Since",
        "#Tries",
        "Now",
        "What failed last",
    ];
    let none = html! { span.muted { "–" } };
    let rows = rows.iter().take(ROWS).map(|gap| {
        let texts = |one, other| either(gap, one, other).and_then(Value::as_str);
        html! {
            td { @match texts("name", "name") { Some(name) => code { (text::foreign(name, 16)) }, None => (none) } }
            td { @match texts("kind", "what") { Some(kind) => (text::foreign(kind, 16)), None => (none) } }
            td { @match texts("message", "message") { Some(hash) => (message(hash)), None => (none) } }
            td {
                @match texts("sender", "sender") {
                    Some(sender) => (text::address_link(sender, "sender", 16)),
                    None => (none),
                }
            }
            td.number { @match gap.get("since").and_then(instant) { Some(since) => (text::time(since, now)), None => (none) } }
            td.number {
                @match either(gap, "attempts", "tries").and_then(Value::as_u64) {
                    Some(tries) => (text::number(tries)),
                    None => (none),
                }
            }
            td { (state(gap)) }
            td.words { @match texts("error", "last_error") { Some(error) => (text::foreign(error, ERROR)), None => (none) } }
        }
    });
    list::sheet(&titles, rows)
}

/// Where it is looked for, or when that will be.
fn state(gap: &Value) -> Markup {
    let next = gap.get("next_attempt_in").and_then(Value::as_u64);
    html! {
        @match gap.get("trying") {
            Some(Value::String(place)) => { "asks " (text::foreign(place, text::IN_TABLE)) },
            Some(Value::Bool(true)) => "is being fetched",
            _ => @match next {
                Some(seconds) => { "again in " (text::span(std::time::Duration::from_secs(seconds))) },
                None => span.muted { "in line" },
            },
        }
    }
}

fn message(hash: &str) -> Markup {
    match ItemHash::parse_strict(hash) {
        Some(hash) => text::message_link(&hash, 16),
        None => html! { code { (text::foreign(hash, 16)) } },
    }
}

/// Seconds since 1970, if they are a time that can be shown.
fn instant(value: &Value) -> Option<Micros> {
    /// The year 9999.
    const LAST: f64 = 253_402_300_799.0;
    let seconds = value.as_f64().filter(|seconds| (0.0..=LAST).contains(seconds))?;
    Some(Micros((seconds * 1e6) as i64))
}

/// What has one of two names.
fn either<'a>(object: &'a Value, one: &str, other: &str) -> Option<&'a Value> {
    object.get(one).or_else(|| object.get(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(gaps: &Value) -> String {
        section(gaps, Micros(1_800_000_000_000_000)).into_string()
    }

    #[test]
    fn whoever_looks_for_nothing_shows_nothing() {
        for nothing in [Value::Null, json!({"enabled": false}), json!([1]), json!("x")] {
            assert_eq!(shown(&nothing), "");
        }
        for empty in [json!({}), json!({"contents": 0, "files": 0, "gaps": []})] {
            assert!(shown(&empty).contains("Nothing is missing."));
        }
    }

    #[test]
    fn anything_may_be_left_out_or_be_something_else() {
        for (gaps, part) in [
            (json!({"wanted": 3}), "<strong>3</strong> are missing."),
            (
                json!({"contents": 1, "files": 0, "complete": false}),
                "<strong>More than 1</strong> is missing",
            ),
            (
                json!({"wanted": 2, "oldest_seconds": 120}),
                "asked for 2 min ago.",
            ),
            (
                json!({"files": 1, "oldest": 1_799_999_940.5}),
                ">59 s ago</time>.",
            ),
            (
                json!({"listed": [{"trying": true}, {"trying": "bitswap"}, {}, 5, null]}),
                "is being fetched",
            ),
            (
                json!({"gaps": [{"trying": null, "next_attempt_in": 40, "attempts": 7}]}),
                "again in 40 s",
            ),
            (
                json!({"gaps": [{"since": 1e300, "message": "<b>", "sender": [], "tries": -1}]}),
                "&lt;b&gt;",
            ),
        ] {
            assert!(shown(&gaps).contains(part), "{part} in {}", shown(&gaps));
        }
    }

    #[test]
    fn rows_are_bounded() {
        let many =
            json!({"gaps": vec![json!({"name": "n".repeat(5_000), "error": "e".repeat(5_000)}); 1_000]});
        let shown = shown(&many);
        assert_eq!(shown.matches("<tr>").count(), 1 + ROWS);
        assert!(shown.len() < 30_000, "{}", shown.len());
    }
}
