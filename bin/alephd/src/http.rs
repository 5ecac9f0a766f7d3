//! One GET over HTTP/1.0, for asking a node on this machine or this network.
//!
//! HTTP/1.0 has neither chunks nor reused connections: the answer is what comes until the end.

use std::{
    io::{Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};

/// A node that takes longer is not well.
const PATIENCE: Duration = Duration::from_secs(5);
/// Metrics are a few kilobytes.
const LIMIT: u64 = 4 << 20;

/// The body of `url` joined with `path`, if the status is 200.
pub(crate) fn get(url: &str, path: &str) -> anyhow::Result<String> {
    let rest = match url.split_once("://") {
        Some(("http", rest)) => rest,
        Some((scheme, _)) => bail!("{scheme} is not supported here: ask the node itself, by http"),
        None => url,
    };
    let host = rest.split('/').next().unwrap_or_default();
    let place = if host
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok())
    {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let address = place
        .to_socket_addrs()
        .with_context(|| format!("{place} is no address"))?
        .next();
    let address = address.with_context(|| format!("{place} has no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)
        .with_context(|| format!("no node answers at {place}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: {host}\r\nAccept: application/json\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream
        .take(LIMIT)
        .read_to_end(&mut answer)
        .with_context(|| format!("{place} did not answer {path}"))?;
    body(&String::from_utf8_lossy(&answer), path)
}

fn body(answer: &str, path: &str) -> anyhow::Result<String> {
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer is no HTTP")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    ensure!(status == "200", "{path} is answered with {status}");
    Ok(body.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_good_answer_has_a_body() {
        assert_eq!(body("HTTP/1.1 200 OK\r\na: b\r\n\r\n{}", "/").unwrap(), "{}");
        assert!(body("HTTP/1.1 404 Not Found\r\n\r\nx", "/").is_err());
        assert!(body("hello", "/").is_err());
        assert!(get("https://127.0.0.1", "/").is_err());
    }
}
