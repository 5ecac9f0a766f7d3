//! Files with one message a line, read with bounded memory.

use std::io::{self, Read};

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use alephd_message::{Envelope, FormatError};

/// Longest line. The largest message has 200 000 characters of content, each at most twelve bytes
/// when escaped, and a wrapper of the same order.
const LINE_LIMIT: usize = 8 << 20;
/// Read at once: large enough that system calls do not count.
const BUFFER: usize = 1 << 20;

/// The lines of a source.
pub(crate) struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    /// What of the buffer is not handed out yet, and how far it is filled.
    start: usize,
    filled: usize,
    /// Offset of `start` in the source.
    offset: u64,
    number: u64,
}

/// One line.
pub(crate) struct Line<'a> {
    /// Counted from one.
    pub(crate) number: u64,
    /// Offset of the next line.
    pub(crate) end: u64,
    /// The line without its end; `None` if it is too long to be a message.
    pub(crate) text: Option<&'a [u8]>,
}

impl<R: Read> Lines<R> {
    /// Reads `source`, which stands at `offset`, after `number` lines.
    pub(crate) fn new(source: R, offset: u64, number: u64) -> Self {
        Self {
            source,
            buffer: vec![0; BUFFER],
            start: 0,
            filled: 0,
            offset,
            number,
        }
    }

    /// The next line; the last one may lack its end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let mut scanned = 0;
        loop {
            let unread = &self.buffer[self.start..self.filled];
            if let Some(at) = memchr::memchr(b'\n', &unread[scanned..]) {
                return Ok(Some(self.take(scanned + at, 1)));
            }
            scanned = unread.len();
            if scanned >= LINE_LIMIT {
                return self.skip().map(Some);
            }
            if self.fill()? == 0 {
                let rest = self.filled - self.start;
                return Ok(if rest == 0 { None } else { Some(self.take(rest, 0)) });
            }
        }
    }

    /// Hands out `length` bytes and passes over `ending` more.
    fn take(&mut self, length: usize, ending: usize) -> Line<'_> {
        let from = self.start;
        self.start += length + ending;
        self.offset += (length + ending) as u64;
        self.number += 1;
        let text = self.buffer[from..from + length].trim_ascii_end();
        Line {
            number: self.number,
            end: self.offset,
            text: Some(text),
        }
    }

    /// Reads more behind what is there, making room first. Returns how much.
    fn fill(&mut self) -> io::Result<usize> {
        if self.filled == self.buffer.len() {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.filled, 0);
                self.filled -= self.start;
                self.start = 0;
            } else {
                let larger = self.buffer.len() * 2;
                self.buffer.resize(larger, 0);
            }
        }
        loop {
            match self.source.read(&mut self.buffer[self.filled..]) {
                Ok(count) => {
                    self.filled += count;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Passes over a line that is too long.
    fn skip(&mut self) -> io::Result<Line<'_>> {
        loop {
            let found = memchr::memchr(b'\n', &self.buffer[self.start..self.filled]);
            let passed = found.map_or(self.filled - self.start, |at| at + 1);
            self.start += passed;
            self.offset += passed as u64;
            if found.is_none() {
                self.start = 0;
                self.filled = 0;
                if self.fill()? > 0 {
                    continue;
                }
            }
            self.number += 1;
            return Ok(Line {
                number: self.number,
                end: self.offset,
                text: None,
            });
        }
    }
}

/// Reads messages that stand on a line as they are, or under the key `message` of an object.
#[derive(Default)]
pub(crate) struct MessageReader {
    /// What the last line was: lines of a file are alike, and guessing right spares a parse.
    wrapped: bool,
}

/// An object around a message. A message that happens to have a key `message` is none.
#[derive(Deserialize)]
struct Wrapper<'a> {
    item_hash: Option<IgnoredAny>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

impl MessageReader {
    /// The message on a line.
    pub(crate) fn read(&mut self, line: &[u8]) -> Result<Envelope, FormatError> {
        if self.wrapped
            && let Some(inner) = unwrap(line)
        {
            return Envelope::parse(inner);
        }
        match Envelope::parse(line) {
            Ok(envelope) => {
                self.wrapped = false;
                Ok(envelope)
            }
            Err(error) => match unwrap(line) {
                Some(inner) => {
                    self.wrapped = true;
                    Envelope::parse(inner)
                }
                None => Err(error),
            },
        }
    }
}

/// The message within a wrapper.
pub(crate) fn unwrap(line: &[u8]) -> Option<&[u8]> {
    let wrapper: Wrapper<'_> = serde_json::from_slice(line).ok()?;
    let message = wrapper.message.filter(|_| wrapper.item_hash.is_none())?.get();
    message.starts_with('{').then_some(message.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes a few at a time, as a pipe does.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(buffer.len()).min(self.0.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn all(bytes: &[u8], step: usize) -> Vec<(u64, u64, Option<Vec<u8>>)> {
        let mut lines = Lines::new(Drip(bytes, step), 0, 0);
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push((line.number, line.end, line.text.map(<[u8]>::to_vec)));
        }
        found
    }

    #[test]
    fn lines_end_where_they_end_however_they_arrive() {
        for step in [1, 2, 3, 1000] {
            let found = all(b"one\r\n\nthree", step);
            let text = |text: &[u8]| Some(text.to_vec());
            assert_eq!(
                found,
                [(1, 5, text(b"one")), (2, 6, text(b"")), (3, 11, text(b"three"))]
            );
        }
        assert_eq!(all(b"", 1), []);
    }

    #[test]
    fn a_line_longer_than_the_first_buffer_is_whole() {
        let mut bytes = vec![b'x'; BUFFER + 17];
        bytes.extend(b"\nend\n");
        let found = all(&bytes, 300_000);
        assert_eq!(found[0].2.as_ref().map(Vec::len), Some(BUFFER + 17));
        assert_eq!(found[1].2.as_deref(), Some(&b"end"[..]));
    }

    #[test]
    fn an_endless_line_is_passed_over() {
        let mut bytes = vec![b'x'; LINE_LIMIT * 3];
        let length = bytes.len() as u64;
        bytes.extend(b"\nend");
        let found = all(&bytes, 1 << 20);
        assert_eq!(
            found,
            [(1, length + 1, None), (2, length + 4, Some(b"end".to_vec()))]
        );
        let only = all(&bytes[..LINE_LIMIT * 2], 1 << 20);
        assert_eq!(only, [(1, LINE_LIMIT as u64 * 2, None)]);
    }

    #[test]
    fn a_wrapper_is_told_from_a_message() {
        assert_eq!(unwrap(br#"{"id":1,"message":{"a":2}}"#), Some(&br#"{"a":2}"#[..]));
        assert_eq!(unwrap(br#"{"item_hash":"x","message":{"a":2}}"#), None);
        assert_eq!(unwrap(br#"{"message":"text"}"#), None);
        assert_eq!(unwrap(b"[]"), None);
    }
}
