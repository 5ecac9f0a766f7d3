//! One kept connection to a node, as a client under load has it.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

/// Longest wait for a part of an answer. Only a node that hangs takes so long.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Where files are uploaded.
pub(super) const FILES: &str = "/api/v0/storage/add_file";

/// What stands around a file in a form.
pub(super) struct Form {
    pub(super) head: String,
    pub(super) end: String,
}

impl Form {
    pub(super) const KIND: &str = "multipart/form-data; boundary=between";

    pub(super) fn new(store: Option<&str>) -> Self {
        let metadata = store.map_or_else(String::new, |wire| {
            format!(
                "--between\r\ncontent-disposition: form-data; name=\"metadata\"\r\n\r\n\
                 {{\"sync\":true,\"message\":{wire}}}\r\n"
            )
        });
        let file = "--between\r\ncontent-disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n";
        Self {
            head: metadata + file,
            end: "\r\n--between--\r\n".to_owned(),
        }
    }
}

/// A connection.
pub(super) struct Client {
    stream: BufReader<TcpStream>,
    host: String,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn json(&self) -> io::Result<Value> {
        serde_json::from_slice(&self.body).map_err(io::Error::other)
    }
}

impl Client {
    pub(super) fn connect(node: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(node)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
            host: node.to_string(),
        })
    }

    pub(super) fn get(&mut self, path: &str) -> io::Result<Answer> {
        let head = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.host);
        self.exchange(head.as_bytes())
    }

    pub(super) fn post(&mut self, path: &str, kind: &str, body: &[u8]) -> io::Result<Answer> {
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            self.host,
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.exchange(&request)
    }

    /// Publishes a message, given as wire text, and waits for its outcome.
    pub(super) fn publish(&mut self, wire: &str) -> io::Result<Answer> {
        let body = format!("{{\"sync\":true,\"message\":{wire}}}");
        self.post("/api/v0/messages", "application/json", body.as_bytes())
    }

    /// Uploads a file.
    pub(super) fn upload(&mut self, bytes: &[u8]) -> io::Result<Answer> {
        self.post(FILES, "application/octet-stream", bytes)
    }

    /// Uploads a file in a form, with a STORE of it if there is one; waits for its outcome.
    pub(super) fn upload_form(&mut self, bytes: &[u8], store: Option<&str>) -> io::Result<Answer> {
        let form = Form::new(store);
        let body = [form.head.as_bytes(), bytes, form.end.as_bytes()].concat();
        self.post(FILES, Form::KIND, &body)
    }

    /// Sends whatever is given and reads one answer.
    pub(super) fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        // A server that refuses early answers while we still write; its answer counts.
        let written = self.stream.get_mut().write_all(request);
        self.read().or_else(|error| written.and(Err(error)))
    }

    fn read(&mut self) -> io::Result<Answer> {
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("no status line"))?;
        let mut length = None;
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok();
            }
        }
        let length: usize = length.ok_or_else(|| io::Error::other("an answer without length"))?;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(Answer { status, body })
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}
