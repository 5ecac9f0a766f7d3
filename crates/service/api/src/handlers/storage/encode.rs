//! A file inside a JSON string, encoded while it is read.
//!
//! The form is that of mail: lines of 76 characters, each with its end, the last one too. A line
//! is 57 bytes of the file, so pieces are cut at multiples of that and the rest waits for the next.

use std::future::ready;

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use alephd_content::{ContentError, FileStream};

/// Bytes on a line.
const LINE: usize = 57;
/// Length of a full line in the answer: 76 characters and an escaped line end.
const ENCODED_LINE: u64 = 78;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// The object that begins with `head`, up to the value, and has the file as its last value.
pub(super) fn answer(head: String, file: FileStream) -> Response {
    let length = head.len() as u64 + 2 + encoded_length(file.size) + 1;
    let mut lines = Some(Lines::default());
    let ends = stream::once(ready(Ok(None)));
    let content = file.bytes.map(|piece| piece.map(Some)).chain(ends).map(
        move |piece: Result<Option<Bytes>, ContentError>| {
            Ok::<_, ContentError>(
                match piece? {
                    Some(bytes) => lines.as_mut().map(|lines| lines.push(&bytes)),
                    None => lines.take().map(Lines::finish),
                }
                .unwrap_or_default(),
            )
        },
    );
    let body = stream::once(ready(Ok(format!("{head}\""))))
        .chain(content)
        .chain(stream::once(ready(Ok("\"}".to_owned()))));
    let headers = [
        (header::CONTENT_TYPE, JSON),
        (header::CONTENT_LENGTH, HeaderValue::from(length)),
    ];
    (headers, Body::from_stream(body)).into_response()
}

/// Length of a file of `size` bytes in the answer.
fn encoded_length(size: u64) -> u64 {
    let line = LINE as u64;
    let rest = match size % line {
        0 => 0,
        rest => rest.div_ceil(3) * 4 + 2,
    };
    size / line * ENCODED_LINE + rest
}

/// Lines of a file that arrives in pieces.
#[derive(Default)]
struct Lines {
    /// The beginning of a line, less than [`LINE`] bytes.
    begun: Vec<u8>,
}

impl Lines {
    /// The lines that a piece completes.
    fn push(&mut self, mut piece: &[u8]) -> String {
        let mut out = String::with_capacity((piece.len() / LINE + 1) * ENCODED_LINE as usize);
        if !self.begun.is_empty() {
            let missing = (LINE - self.begun.len()).min(piece.len());
            let (first, rest) = piece.split_at(missing);
            self.begun.extend_from_slice(first);
            piece = rest;
            if self.begun.len() < LINE {
                return out;
            }
            line(&mut out, &self.begun);
            self.begun.clear();
        }
        let lines = piece.chunks_exact(LINE);
        self.begun.extend_from_slice(lines.remainder());
        lines.for_each(|bytes| line(&mut out, bytes));
        out
    }

    /// What is left at the end.
    fn finish(self) -> String {
        let mut out = String::new();
        if !self.begun.is_empty() {
            line(&mut out, &self.begun);
        }
        out
    }
}

fn line(out: &mut String, bytes: &[u8]) {
    STANDARD.encode_string(bytes, out);
    out.push_str("\\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_any_size_make_the_same_lines() {
        let file: Vec<u8> = (0..=255_u8).cycle().take(57 * 5 + 20).collect();
        for size in [0, 1, 2, 3, 56, 57, 58, 114, 171, 305] {
            let file = &file[..size];
            let expected: String = file
                .chunks(57)
                .map(|line| STANDARD.encode(line) + "\\n")
                .collect();
            assert_eq!(encoded_length(size as u64), expected.len() as u64);
            for piece in [1, 7, 56, 57, 58, 120, 400] {
                let mut lines = Lines::default();
                let mut out: String = file.chunks(piece).map(|bytes| lines.push(bytes)).collect();
                out += &lines.finish();
                assert_eq!(out, expected, "{size} bytes in pieces of {piece}");
            }
        }
    }
}
