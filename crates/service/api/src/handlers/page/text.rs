//! Texts of strangers, numbers and times, for people.

use std::{borrow::Cow, time::Duration};

use maud::{Markup, html};

use alephd_economy::Amount;
use alephd_message::{ItemHash, Micros};
use alephd_rules::MessageStatus;

/// Longest text of a stranger within a table.
pub(super) const IN_TABLE: usize = 28;
/// Longest text of a stranger on a page of its own.
pub(super) const IN_FULL: usize = 400;

/// A text of a stranger: bounded, without invisible characters, and kept from reordering its
/// surroundings.
pub(super) fn foreign(text: &str, limit: usize) -> Markup {
    let shown = shorten(text, limit);
    html! { bdi { (visible(&shown)) } }
}

/// At most `limit` characters: the start and, where there is room, the end.
pub(super) fn shorten(text: &str, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit || text.chars().nth(limit).is_none() {
        return Cow::Borrowed(text);
    }
    let (head, tail) = (limit * 2 / 3, limit / 4);
    let head: String = text.chars().take(head).collect();
    let mut end: Vec<char> = text.chars().rev().take(tail).collect();
    end.reverse();
    Cow::Owned(format!("{head}…{}", end.into_iter().collect::<String>()))
}

/// Whether a character hides, reorders or breaks what stands around it.
pub(super) fn is_deceptive(character: char) -> bool {
    matches!(
        character,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'
            | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// The text with such characters spelled out.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_deceptive) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_deceptive(character) {
            out.push_str(&format!("⟨U+{:04X}⟩", u32::from(character)));
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// A number with its thousands apart.
pub(super) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            // A narrow space that does not break the line.
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// A number of bytes, to about three digits.
pub(super) fn bytes(value: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if value == 1 {
        return "1 byte".to_owned();
    }
    if value < 1_024 {
        return format!("{} bytes", number(value));
    }
    let exponent = (value.ilog2() / 10).clamp(1, UNITS.len() as u32);
    let size = value as f64 / f64::from(exponent * 10).exp2();
    let unit = UNITS[exponent as usize - 1];
    // A space that does not break the line.
    format!("{size:.1}\u{a0}{unit}")
}

/// A sum of money, with its thousands apart and at most six decimals; all of them in the title.
pub(super) fn amount(value: Amount) -> Markup {
    html! { span title=(value.shortest()) { (rounded(value, 6)) } }
}

/// The same where there is little room.
pub(super) fn short_amount(value: Amount) -> Markup {
    html! { span title=(value.shortest()) { (rounded(value, 2)) } }
}

/// To the nearest with at most so many decimals. Prices are rounded down at the eighteenth, and
/// people should not see the nines that come of it.
fn rounded(value: Amount, decimals: u32) -> String {
    let step = 10_u128.pow(18 - decimals);
    let steps = value.units().unsigned_abs().saturating_add(step / 2) / step;
    let scale = 10_u128.pow(decimals);
    let whole = u64::try_from(steps / scale).unwrap_or(u64::MAX);
    let fraction = format!("{:0>1$}", steps % scale, decimals as usize);
    let sign = if value.is_negative() { "−" } else { "" };
    match fraction.trim_end_matches('0') {
        "" if steps == 0 && value != Amount::ZERO => {
            format!("{sign}<{}", Amount::from_units(step as i128).shortest())
        }
        "" => format!("{sign}{}", number(whole)),
        fraction => format!("{sign}{}.{fraction}", number(whole)),
    }
}

/// Credits that come or go.
pub(super) fn change(amount: i64) -> Markup {
    let digits = number(amount.unsigned_abs());
    html! {
        @if amount < 0 { span.bad { "−" (digits) } } @else { span.good { "+" (digits) } }
    }
}

/// An instant with its age.
pub(super) fn time(time: Micros, now: Micros) -> Markup {
    html! { time datetime=(time.iso_z()) title=(time.iso_z()) { (age(time, now)) } }
}

/// An instant in full.
pub(super) fn instant(time: Micros, now: Micros) -> Markup {
    let (year, month, day, hour, minute, second, _) = time.civil();
    html! {
        time datetime=(time.iso_z()) {
            (format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC"))
        }
        " " span.muted { "(" (age(time, now)) ")" }
    }
}

fn age(time: Micros, now: Micros) -> String {
    let micros = i128::from(now.0) - i128::from(time.0);
    let seconds = u64::try_from(micros.unsigned_abs() / 1_000_000).unwrap_or(u64::MAX);
    if micros < -5_000_000 {
        return format!("in {}", span(Duration::from_secs(seconds)));
    }
    if seconds < 2 {
        return "just now".to_owned();
    }
    format!("{} ago", span(Duration::from_secs(seconds)))
}

/// A span of time, to about two digits.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match () {
        () if seconds < 90 => format!("{seconds} s"),
        () if minutes < 90 => format!("{minutes} min"),
        () if hours < 48 => format!("{hours} h"),
        () if days < 730 => format!("{days} days"),
        () => format!("{} years", days / 365),
    }
}

/// A hash that leads to its message.
pub(super) fn message_link(hash: &ItemHash, limit: usize) -> Markup {
    let name = hash.to_string();
    // The lenient shape of a name allows any characters, which no path carries.
    if !hash.is_strict() {
        return html! { code { (foreign(&name, limit)) } };
    }
    html! { a.mono href={ "/explore/messages/" (name) } title=(name) { (shorten(&name, limit)) } }
}

/// The name of a file that leads to its bytes.
pub(super) fn file_link(hash: &ItemHash, limit: usize) -> Markup {
    let name = hash.to_string();
    if !hash.is_strict() {
        return html! { code { (foreign(&name, limit)) } };
    }
    html! { a.mono href={ "/api/v0/storage/raw/" (name) } title=(name) { (shorten(&name, limit)) } }
}

/// An address that leads to the messages of its owner.
pub(super) fn address_link(address: &str, role: &str, limit: usize) -> Markup {
    if address.len() > IN_FULL {
        return foreign(address, limit);
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("address", address)
        .append_pair("role", role)
        .finish();
    html! { a.mono href={ "/explore?" (query) } title=(visible(address)) { (foreign(address, limit)) } }
}

/// An address that leads to its account.
pub(super) fn account_link(address: &str, limit: usize) -> Markup {
    match account_path(address) {
        None => foreign(address, limit),
        Some(path) => html! { a.mono href=(path) title=(visible(address)) { (foreign(address, limit)) } },
    }
}

/// Where an account is shown; nowhere if the address is longer than any.
pub(super) fn account_path(address: &str) -> Option<String> {
    if address.is_empty() || address.len() > IN_FULL {
        return None;
    }
    let mut path = "/explore/accounts/".to_owned();
    for byte in address.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' => path.push(char::from(byte)),
            // A path of dots would be another path.
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
    Some(path)
}

/// A channel that leads to its messages.
pub(super) fn channel_link(channel: Option<&str>, limit: usize) -> Markup {
    let Some(channel) = channel else {
        return html! { span.muted { "–" } };
    };
    if channel.len() > IN_FULL {
        return foreign(channel, limit);
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("channel", channel)
        .finish();
    html! { a href={ "/explore?" (query) } { (foreign(channel, limit)) } }
}

/// A status as a coloured word.
pub(super) fn status(status: MessageStatus) -> Markup {
    html! { span class={ "pill " (status.as_str()) } { (status.as_str()) } }
}
