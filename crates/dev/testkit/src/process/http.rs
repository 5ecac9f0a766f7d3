//! A blocking HTTP client for tests: one connection a request, no library behind it.
//!
//! It reads what a server may send to it and nothing more: one response with a length, in chunks
//! or up to the end of the connection. Load generators need a faster one.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde::de::DeserializeOwned;

/// Longest wait for a part of an answer. A synchronous publication may take half a minute.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Largest body of an answer. Test data is small; a larger one is a mistake of the node.
const BODY_LIMIT: u64 = 256 * 1024 * 1024;
/// Longest line of a head.
const LINE_LIMIT: u64 = 64 * 1024;
/// Most headers of an answer.
const HEADERS_LIMIT: usize = 256;

/// A request that got no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The connection failed.
    #[error("connection failed")]
    Connection(#[from] io::Error),
    /// The answer is not HTTP.
    #[error("malformed answer: {0}")]
    Malformed(&'static str),
    /// The answer is not the JSON that was expected.
    #[error("status {status}, body {body}")]
    Json {
        /// Status of the answer.
        status: u16,
        /// What it said.
        body: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Headers in the order of their arrival, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header with this name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text, with whatever is not UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        serde_json::from_slice(&self.body).map_err(|source| HttpError::Json {
            status: self.status,
            body: self.text(),
            source,
        })
    }
}

/// Asks one server.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    address: SocketAddr,
}

impl Client {
    /// A client for the server at `address`. Does not connect yet.
    pub fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// GET of a path with its query, already encoded.
    pub fn get(&self, path: &str) -> Result<Response, HttpError> {
        self.request("GET", path, &[], b"")
    }

    /// POST of a JSON text.
    pub fn post_json(&self, path: &str, body: &str) -> Result<Response, HttpError> {
        self.request(
            "POST",
            path,
            &[("content-type", "application/json")],
            body.as_bytes(),
        )
    }

    /// POST of bytes.
    pub fn post_bytes(&self, path: &str, body: &[u8]) -> Result<Response, HttpError> {
        self.request(
            "POST",
            path,
            &[("content-type", "application/octet-stream")],
            body,
        )
    }

    /// Any request. The headers for the host, the connection and the length are added.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Response, HttpError> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n",
            self.address
        );
        if !body.is_empty() || method == "POST" {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        // A server that refuses early closes while we still write; its answer counts.
        let written = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body));
        match read_response(&mut BufReader::new(stream), method == "HEAD") {
            Err(HttpError::Connection(_)) if written.is_err() => {
                Err(written.map_or_else(Into::into, |()| HttpError::Malformed("no answer")))
            }
            answer => answer,
        }
    }
}

fn read_response(reader: &mut impl BufRead, is_head: bool) -> Result<Response, HttpError> {
    let status = loop {
        let line = read_line(reader)?;
        let mut words = line.split(' ');
        if !words.next().is_some_and(|version| version.starts_with("HTTP/1.")) {
            return Err(HttpError::Malformed("no status line"));
        }
        let status: u16 = words
            .next()
            .and_then(|word| word.parse().ok())
            .ok_or(HttpError::Malformed("no status code"))?;
        if status >= 200 {
            break status;
        }
        // An interim answer such as 100 Continue has headers of its own and no body.
        read_headers(reader)?;
    };
    let headers = read_headers(reader)?;
    let mut response = Response {
        status,
        headers,
        body: Vec::new(),
    };
    if is_head || status == 204 || status == 304 {
        return Ok(response);
    }
    let is_chunked = response
        .header("transfer-encoding")
        .is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
    if is_chunked {
        response.body = read_chunks(reader)?;
    } else if let Some(length) = response.header("content-length") {
        let length = length
            .parse()
            .map_err(|_| HttpError::Malformed("length is no number"))?;
        read_exactly(reader, length, &mut response.body)?;
    } else {
        reader.take(BODY_LIMIT).read_to_end(&mut response.body)?;
    }
    Ok(response)
}

fn read_headers(reader: &mut impl BufRead) -> Result<Vec<(String, String)>, HttpError> {
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader)?;
        if line.is_empty() {
            return Ok(headers);
        }
        if headers.len() == HEADERS_LIMIT {
            return Err(HttpError::Malformed("too many headers"));
        }
        let (name, value) = line
            .split_once(':')
            .ok_or(HttpError::Malformed("header without colon"))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn read_chunks(reader: &mut impl BufRead) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::new();
    loop {
        let line = read_line(reader)?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(digits, 16).map_err(|_| HttpError::Malformed("size of a chunk"))?;
        if size == 0 {
            read_headers(reader)?;
            return Ok(body);
        }
        if body.len() as u64 + size > BODY_LIMIT {
            return Err(HttpError::Malformed("body too large"));
        }
        read_exactly(reader, size, &mut body)?;
        read_line(reader)?;
    }
}

fn read_exactly(reader: &mut impl BufRead, length: u64, body: &mut Vec<u8>) -> Result<(), HttpError> {
    if length > BODY_LIMIT {
        return Err(HttpError::Malformed("body too large"));
    }
    let read = reader.take(length).read_to_end(body)?;
    if read as u64 == length {
        Ok(())
    } else {
        Err(HttpError::Malformed("body ends early"))
    }
}

fn read_line(reader: &mut impl BufRead) -> Result<String, HttpError> {
    let mut line = Vec::new();
    reader.take(LINE_LIMIT).read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        let error = io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the connection ended within the head",
        );
        return Err(error.into());
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map_err(|_| HttpError::Malformed("head is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &str) -> Result<Response, HttpError> {
        read_response(&mut bytes.as_bytes(), false)
    }

    #[test]
    fn three_ways_to_end_a_body() {
        let length = read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef").unwrap();
        assert_eq!((length.status, length.text().as_str()), (200, "abc"));
        let chunks =
            read("HTTP/1.1 422 X\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\n\r\n")
                .unwrap();
        assert_eq!((chunks.status, chunks.text().as_str()), (422, "abc"));
        let end = read("HTTP/1.0 200\r\n\r\nabc").unwrap();
        assert_eq!(end.text(), "abc");
    }

    #[test]
    fn interim_answers_are_skipped_and_headers_found() {
        let answer = read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\nX-A: b \r\n\r\n").unwrap();
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("x-a"), Some("b"));
    }

    #[test]
    fn broken_answers_are_errors() {
        for bytes in [
            "",
            "HTTP/1.1",
            "nonsense\r\n\r\n",
            "HTTP/1.1 200 OK\r\nx\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffff\r\nabc",
        ] {
            read(bytes).unwrap_err();
        }
    }
}
