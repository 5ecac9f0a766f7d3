//! Contents, indented for reading.
//!
//! The text is only cut into lines and coloured: keys stay in their order and numbers keep their
//! digits, because it is these bytes that were signed. It is not parsed, so a text that is no JSON
//! shows as it is.

use maud::{Markup, PreEscaped, html};

use super::text::is_deceptive;

/// Bytes of HTML after which a content is cut. A hostile one can be long, and nested so that
/// indentation makes it a hundred times longer.
const LONGEST: usize = 256 << 10;
/// Levels that are indented. Deeper ones stand below each other.
const DEEPEST: usize = 24;

/// The content as a block of code.
pub(super) fn block(text: &str) -> Markup {
    let mut printer = Printer {
        out: String::with_capacity(text.len() * 2),
        depth: 0,
    };
    let whole = printer.print(text);
    html! {
        pre.json tabindex="0" { code { (PreEscaped(printer.out)) } }
        @if !whole { p.muted { "Cut here: the rest is in the plain JSON." } }
    }
}

struct Printer {
    out: String,
    depth: usize,
}

impl Printer {
    /// Says whether all of it found room.
    fn print(&mut self, text: &str) -> bool {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if self.out.len() > LONGEST {
                return false;
            }
            let taken = match first {
                '"' => self.string(rest),
                '{' | '[' => self.open(rest),
                '}' | ']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.line();
                    self.out.push(first);
                    1
                }
                ',' => {
                    self.out.push(',');
                    self.line();
                    1
                }
                ':' => {
                    self.out.push_str(": ");
                    1
                }
                _ if first.is_ascii_whitespace() => 1,
                _ => self.word(rest),
            };
            rest = &rest[taken..];
        }
        true
    }

    fn open(&mut self, text: &str) -> usize {
        let (bracket, inside) = text.split_at(1);
        self.out.push_str(bracket);
        let next = inside.trim_ascii_start();
        if next.starts_with(['}', ']']) {
            self.out.push_str(&next[..1]);
            return text.len() - next.len() + 1;
        }
        self.depth += 1;
        self.line();
        1
    }

    fn line(&mut self) {
        self.out.push('\n');
        for _ in 0..self.depth.min(DEEPEST) {
            self.out.push_str("  ");
        }
    }

    fn string(&mut self, text: &str) -> usize {
        let end = string_end(text);
        let is_key = text[end..].trim_ascii_start().starts_with(':');
        self.out.push_str(if is_key {
            "<span class=\"k\">"
        } else {
            "<span class=\"s\">"
        });
        let cut = floor_boundary(text, end.min(LONGEST));
        self.escaped(&text[..cut]);
        self.out.push_str("</span>");
        if cut < end {
            self.out.push('…');
        }
        end
    }

    /// A number, a literal, or anything that does not belong here.
    fn word(&mut self, text: &str) -> usize {
        let ends = |c: char| matches!(c, '"' | '{' | '}' | '[' | ']' | ',' | ':') || c.is_ascii_whitespace();
        let end = text.find(ends).unwrap_or(text.len());
        let cut = floor_boundary(text, end.min(LONGEST));
        self.out.push_str("<span class=\"n\">");
        self.escaped(&text[..cut]);
        self.out.push_str("</span>");
        end
    }

    fn escaped(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '&' => self.out.push_str("&amp;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                _ if is_deceptive(character) => {
                    let mut units = [0; 2];
                    for unit in character.encode_utf16(&mut units) {
                        self.out
                            .push_str(&format!("<span class=\"e\">\\u{unit:04x}</span>"));
                    }
                }
                _ => self.out.push(character),
            }
        }
    }
}

/// Length of the string that `text` starts with, quotes included.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

fn floor_boundary(text: &str, mut index: usize) -> usize {
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}
