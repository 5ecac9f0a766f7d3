//! A service that refuses, falls silent, breaks off or lies.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use alephd_blobs::{BlobConfig, BlobName, Blobs, Error, PART_SIZE, S3Config, Verdict};
use alephd_tasks::ManualClock;
use futures_util::TryStreamExt;

use super::server::{self, Server};
use crate::{NO_LIMIT, content, store};

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Answered with 503.
    Refuse,
    /// Never answered.
    Stall,
    /// Answered with the first half, then closed.
    Break,
    /// Answered with another byte in the content.
    Lie,
}

#[derive(Default)]
struct Script {
    /// The next requests, in order; then `always`.
    next: VecDeque<Fault>,
    always: Option<Fault>,
    requests: usize,
    /// Connections that wait for ever.
    stalled: Vec<TcpStream>,
}

/// Stands before the service and does what the script says.
struct Proxy {
    port: u16,
    script: Arc<Mutex<Script>>,
}

impl Proxy {
    fn before(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = Arc::new(Mutex::new(Script::default()));
        let (shared, target) = (script.clone(), server.port());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = shared.clone();
                thread::spawn(move || serve(client, target, &shared));
            }
        });
        Self { port, script }
    }

    async fn open(&self, server: &Server, retries: usize) -> Blobs {
        let config = S3Config {
            retries,
            timeout_seconds: 1,
            ..server.config_at(self.port)
        };
        Blobs::open(&BlobConfig::S3(config)).await.unwrap()
    }

    fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.script.lock().unwrap().next.extend(faults);
    }

    fn always(&self, fault: Option<Fault>) {
        self.script.lock().unwrap().always = fault;
    }

    /// Requests since the last call.
    fn requests(&self) -> usize {
        std::mem::take(&mut self.script.lock().unwrap().requests)
    }
}

/// One request on one connection.
fn serve(mut client: TcpStream, target: u16, script: &Mutex<Script>) -> io::Result<()> {
    let request = read_request(&mut client)?;
    let fault = {
        let mut script = script.lock().unwrap();
        script.requests += 1;
        let fault = script.next.pop_front().or(script.always);
        if fault == Some(Fault::Stall) {
            script.stalled.push(client);
            return Ok(());
        }
        fault
    };
    if fault == Some(Fault::Refuse) {
        let answer = "HTTP/1.1 503 Slow Down\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        return client.write_all(answer.as_bytes());
    }
    let mut service = TcpStream::connect(("127.0.0.1", target))?;
    service.write_all(&request)?;
    let mut answer = Vec::new();
    service.read_to_end(&mut answer)?;
    let head = end_of_head(&answer).unwrap_or(answer.len());
    match fault {
        Some(Fault::Lie) if answer.len() > head + 100 => answer[head + 100] ^= 1,
        Some(Fault::Break) => answer.truncate(head + (answer.len() - head) / 2),
        _ => {}
    }
    client.write_all(&answer)?;
    client.shutdown(Shutdown::Write)
}

/// A whole request, changed to ask for the end of the connection.
fn read_request(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    let mut buffer = [0; 64 * 1024];
    let head = loop {
        if let Some(head) = end_of_head(&request) {
            break head;
        }
        match client.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => request.extend_from_slice(&buffer[..read]),
        }
    };
    let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
    while request.len() < head + length {
        match client.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => request.extend_from_slice(&buffer[..read]),
        }
    }
    let close = b"connection: close\r\n";
    request.splice(head - 2..head - 2, close.iter().copied());
    Ok(request)
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map(|at| at + 4)
}

#[tokio::test]
async fn refusals_are_outlived_and_bounded() {
    let Some(server) = server::start("refusals_are_outlived_and_bounded") else {
        return;
    };
    let proxy = Proxy::before(&server);
    let blobs = proxy.open(&server, 2).await;
    let bytes = content(PART_SIZE + 1);
    // Each of the first requests needs all its attempts.
    proxy.next([Fault::Refuse; 2]);
    let small = store(&blobs, b"small", BlobName::Sha256).await.unwrap().name;
    proxy.next([Fault::Refuse; 2]);
    let large = store(&blobs, &bytes, BlobName::Sha256).await.unwrap().name;
    proxy.next([Fault::Refuse; 2]);
    assert!(blobs.read_all(&large, NO_LIMIT).await.unwrap() == bytes);

    proxy.always(Some(Fault::Refuse));
    proxy.requests();
    assert!(matches!(blobs.exists(&small).await, Err(Error::Storage(_))));
    assert_eq!(proxy.requests(), 3, "one attempt and two more");
    let failed = store(&blobs, b"other", BlobName::Sha256).await;
    assert!(matches!(failed, Err(Error::Storage(_))));
    assert_eq!(proxy.requests(), 3);

    proxy.always(None);
    assert_eq!(blobs.read_all(&small, NO_LIMIT).await.unwrap(), "small");
    let held: Vec<_> = blobs.list().try_collect().await.unwrap();
    assert_eq!(held.len(), 2);
}

#[tokio::test]
async fn silence_ends() {
    let Some(server) = server::start("silence_ends") else {
        return;
    };
    let proxy = Proxy::before(&server);
    let blobs = proxy.open(&server, 1).await;
    let name = store(&blobs, b"kept", BlobName::Sha256).await.unwrap().name;
    proxy.always(Some(Fault::Stall));
    proxy.requests();
    assert!(matches!(blobs.exists(&name).await, Err(Error::Storage(_))));
    assert!(proxy.requests() <= 2);
    let failed = store(&blobs, b"other", BlobName::Sha256).await;
    assert!(matches!(failed, Err(Error::Storage(_))));

    proxy.always(None);
    proxy.next([Fault::Stall]);
    assert_eq!(blobs.read_all(&name, NO_LIMIT).await.unwrap(), "kept");
}

#[tokio::test]
async fn a_reading_that_breaks_off_goes_on() {
    let Some(server) = server::start("a_reading_that_breaks_off_goes_on") else {
        return;
    };
    let proxy = Proxy::before(&server);
    let blobs = proxy.open(&server, 2).await;
    let bytes = content(PART_SIZE + 1);
    let name = store(&blobs, &bytes, BlobName::Sha256).await.unwrap().name;
    proxy.next([Fault::Break]);
    assert!(blobs.read_all(&name, NO_LIMIT).await.unwrap() == bytes);

    proxy.always(Some(Fault::Break));
    let read = blobs.read_all(&name, NO_LIMIT).await;
    assert!(
        matches!(read, Err(Error::Storage(_) | Error::Read(_))),
        "{read:?}"
    );
}

#[tokio::test]
async fn lies_are_found_out() {
    let Some(server) = server::start("lies_are_found_out") else {
        return;
    };
    let proxy = Proxy::before(&server);
    let blobs = proxy.open(&server, 1).await;
    for size in [1_000, PART_SIZE + 1] {
        let bytes = content(size);
        for wanted in [BlobName::Sha256, BlobName::CidV0] {
            let name = store(&blobs, &bytes, wanted).await.unwrap().name;
            proxy.next([Fault::Lie]);
            assert!(blobs.read_all(&name, NO_LIMIT).await.unwrap() != bytes, "the lie");

            proxy.next([Fault::Lie]);
            let mut reader = blobs.read_verified(&name).await.unwrap();
            let mut got = 0;
            let error = loop {
                match reader.try_next().await {
                    Ok(piece) => got += piece.expect("an error comes first").len(),
                    Err(error) => break error,
                }
            };
            assert!(matches!(error, Error::Damaged(damaged) if damaged == name));
            assert!(got < size, "the last piece is held back");
            let honest: Vec<_> = blobs
                .read_verified(&name)
                .await
                .unwrap()
                .try_collect()
                .await
                .unwrap();
            assert!(honest.concat() == bytes);
        }
    }

    let mut scrub = blobs.scrub(None, Arc::new(ManualClock::new(0)));
    let mut sound = 0;
    while let Some(checked) = scrub.next().await.unwrap() {
        assert!(matches!(checked.verdict, Verdict::Sound));
        sound += 1;
    }
    assert_eq!(sound, 4);
}
