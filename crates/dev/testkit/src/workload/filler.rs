//! Text to fill contents with.

use crate::rng::Rng;

/// Words with the letters and the few foreign characters of ordinary posts.
const WORDS: [&str; 48] = [
    "about", "after", "again", "because", "before", "between", "block", "café", "chain", "change", "code",
    "compute", "data", "every", "example", "file", "first", "found", "from", "great", "hello", "house",
    "index", "large", "letter", "light", "machine", "message", "morgen", "naïve", "never", "node", "number",
    "people", "place", "point", "query", "right", "round", "small", "sound", "state", "still", "think",
    "under", "water", "world", "→",
];

/// A text of exactly `length` bytes that JSON writes as it is.
pub(super) fn text(length: usize, rng: &mut Rng) -> String {
    let mut text = String::with_capacity(length);
    loop {
        let word = rng.pick(&WORDS);
        if text.len() + word.len() + 1 > length {
            break;
        }
        text.push_str(word);
        text.push(' ');
    }
    text.extend(std::iter::repeat_n('.', length - text.len()));
    text
}
