//! Uploads and downloads over bare sockets, which can stop anywhere.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    ops::Range,
    time::Duration,
};

use super::content::Content;
use crate::drill::client::{FILES, Form};

/// Longest wait for a part of an answer: a gigabyte may have to reach the disk.
const TIMEOUT: Duration = Duration::from_secs(300);

/// An upload under way.
pub(super) struct Upload {
    stream: TcpStream,
    end: String,
    in_chunks: bool,
}

fn connect(node: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(node).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    stream.set_write_timeout(Some(TIMEOUT)).unwrap();
    stream
}

impl Upload {
    fn begin(node: SocketAddr, headers: &str, head: &str, end: String) -> Self {
        let mut stream = connect(node);
        let request = format!("POST {FILES} HTTP/1.1\r\nhost: {node}\r\n{headers}\r\n\r\n{head}");
        stream.write_all(request.as_bytes()).unwrap();
        Self {
            stream,
            end,
            in_chunks: false,
        }
    }

    /// A file as the whole body.
    pub(super) fn raw(node: SocketAddr, size: u64) -> Self {
        Self::begin(node, &format!("content-length: {size}"), "", String::new())
    }

    /// The same, of a length that is not told.
    pub(super) fn chunked(node: SocketAddr) -> Self {
        let upload = Self::begin(node, "transfer-encoding: chunked", "", "0\r\n\r\n".into());
        Self {
            in_chunks: true,
            ..upload
        }
    }

    /// A file in a form, with a STORE if there is one.
    pub(super) fn form(node: SocketAddr, size: u64, store: Option<&str>) -> Self {
        let form = Form::new(store);
        let length = size + (form.head.len() + form.end.len()) as u64;
        let headers = format!("content-type: {}\r\ncontent-length: {length}", Form::KIND);
        Self::begin(node, &headers, &form.head, form.end)
    }

    /// Sends the first bytes of the content, or more than it has. Stops early where the node does.
    pub(super) fn send(mut self, content: &Content, count: u64) -> Self {
        content.each(0..count, |piece| {
            let mut result = Ok(());
            if self.in_chunks {
                result = write!(self.stream, "{:x}\r\n", piece.len());
            }
            result = result.and_then(|()| self.stream.write_all(piece));
            if self.in_chunks {
                result = result.and_then(|()| self.stream.write_all(b"\r\n"));
            }
            result.is_ok()
        });
        self
    }

    /// Sends no more, and listens.
    pub(super) fn half_close(self) -> Self {
        let _ = self.stream.shutdown(Shutdown::Write);
        self
    }

    /// Ends as it should.
    pub(super) fn finish(mut self) -> Option<(u16, String)> {
        let _ = self.stream.write_all(self.end.as_bytes());
        self.answer()
    }

    /// Ends with as many bytes as announced, but not with those that belong there.
    pub(super) fn without_end(mut self) -> Option<(u16, String)> {
        let _ = self.stream.write_all(&vec![b'x'; self.end.len()]);
        self.answer()
    }

    /// The answer; `None` if the connection is closed without one.
    pub(super) fn answer(self) -> Option<(u16, String)> {
        self.answers().next()
    }

    /// All answers until the connection is closed.
    pub(super) fn answers(self) -> impl Iterator<Item = (u16, String)> {
        let mut reader = BufReader::new(self.stream);
        std::iter::from_fn(move || {
            let (status, headers) = head(&mut reader)?;
            let mut body = vec![0; length(&headers)? as usize];
            reader.read_exact(&mut body).ok()?;
            Some((status, String::from_utf8_lossy(&body).into_owned()))
        })
    }
}

fn head(reader: &mut impl BufRead) -> Option<(u16, Vec<String>)> {
    let mut line = || {
        let mut line = String::new();
        let read = reader.read_line(&mut line).ok()?;
        (read > 0).then(|| line.trim_end().to_ascii_lowercase())
    };
    let status = line()?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = Vec::new();
    loop {
        match line()? {
            line if line.is_empty() => return Some((status, headers)),
            line => headers.push(line),
        }
    }
}

fn length(headers: &[String]) -> Option<u64> {
    let value = headers
        .iter()
        .find_map(|line| line.strip_prefix("content-length:"));
    value?.trim().parse().ok()
}

/// Fetches the content, or a part of it, and compares every byte.
pub(super) fn download(node: SocketAddr, path: &str, part: Option<Range<u64>>, content: &Content) {
    let mut stream = connect(node);
    let range = part.as_ref().map_or_else(String::new, |part| {
        format!("range: bytes={}-{}\r\n", part.start, part.end - 1)
    });
    let request = format!("GET {path} HTTP/1.1\r\nhost: {node}\r\nconnection: close\r\n{range}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let (status, headers) = head(&mut reader).expect("an answer");
    let wanted = part.clone().unwrap_or(0..content.size());
    assert_eq!(status, if part.is_some() { 206 } else { 200 });
    assert_eq!(length(&headers), Some(wanted.end - wanted.start));
    if part.is_some() {
        let place = format!(
            "content-range: bytes {}-{}/{}",
            wanted.start,
            wanted.end - 1,
            content.size()
        );
        assert!(headers.contains(&place), "{headers:?}");
    }
    let mut found = Vec::new();
    content.each(wanted.clone(), |piece| {
        found.resize(piece.len(), 0);
        reader.read_exact(&mut found).unwrap();
        assert!(found == piece, "other bytes within {wanted:?}");
        true
    });
    assert_eq!(reader.read(&mut [0]).unwrap(), 0, "nothing follows");
}
