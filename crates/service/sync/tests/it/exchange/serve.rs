//! What a server answers, and what it does not put up with.

use std::time::Duration;

use alephd_blobs::{BlobName, Blobs};
use alephd_message::ItemHash;
use alephd_peer_protocol::exchange::{Answer, Form, MAX_ANSWER, MAX_DATA, MAX_RANGE, Request};
use alephd_sync::exchange::{ServeError, ServeLimits, Server};
use alephd_testkit::sha256;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    task::JoinHandle,
};
use tokio_util::compat::TokioAsyncReadCompatExt as _;

use super::{archive, content, pattern, peers::frame};

type Served = JoinHandle<Result<(), ServeError>>;

#[expect(clippy::disallowed_methods, reason = "ends with the stream")]
fn open(server: &Server<u8>, peer: u8) -> (DuplexStream, Served) {
    let (near, far) = duplex(16 * 1024);
    let server = server.clone();
    let served = tokio::spawn(async move { server.serve(&peer, far.compat()).await });
    (near, served)
}

async fn ask(stream: &mut DuplexStream, name: &ItemHash, offset: u64, length: u64) -> Answer {
    let name = name.clone();
    let request = Request { name, offset, length };
    frame(stream, &request.encode()).await.unwrap();
    let length = stream.read_u32().await.unwrap() as usize;
    assert!(length <= MAX_ANSWER);
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer).await.unwrap();
    Answer::decode(&answer, &request).unwrap()
}

async fn data(stream: &mut DuplexStream, length: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < length {
        let length = stream.read_u32().await.unwrap() as usize;
        assert!((1..=MAX_DATA).contains(&length));
        let start = bytes.len();
        bytes.resize(start + length, 0);
        stream.read_exact(&mut bytes[start..]).await.unwrap();
    }
    assert_eq!(bytes.len() as u64, length);
    bytes
}

async fn blobs(bytes: &[u8]) -> (Blobs, ItemHash) {
    let blobs = Blobs::in_memory();
    let mut writer = blobs.writer(u64::MAX);
    writer.write(bytes).await.unwrap();
    let name = writer.finish(BlobName::Sha256).await.unwrap().name;
    (blobs, name)
}

#[tokio::test(start_paused = true)]
async fn ranges_one_after_another() {
    let bytes = pattern(10 << 20);
    let (blobs, name) = blobs(&bytes).await;
    let server = Server::new(blobs, ServeLimits::default());
    let (mut stream, served) = open(&server, 1);
    let (form, size) = (Form::File, bytes.len() as u64);
    let found = |length| Answer::Found { form, size, length };
    for (offset, length, sent) in [
        (0, 0, 0),
        (size, 0, 0),
        (0, 1, 1),
        (5, 300_000, 300_000),
        (size - 3, 1_000, 3),
        (0, u64::MAX, MAX_RANGE),
    ] {
        assert_eq!(ask(&mut stream, &name, offset, length).await, found(sent));
        let part = data(&mut stream, sent).await;
        assert!(part == bytes[offset as usize..(offset + sent) as usize]);
    }
    for offset in [size, size + 1, u64::MAX] {
        assert_eq!(
            ask(&mut stream, &name, offset, 1).await,
            Answer::Beyond { form, size }
        );
    }
    assert_eq!(ask(&mut stream, &sha256(b"other"), 0, 1).await, Answer::NotFound);
    drop(stream);
    served.await.unwrap().unwrap();
    let done = server.served();
    assert_eq!((done.streams, done.requests, done.busy), (0, 10, 0));
    assert_eq!(done.bytes, 300_004 + MAX_RANGE);
}

#[tokio::test(start_paused = true)]
async fn an_archive() {
    let content = content();
    let (name, car) = archive(&pattern(5_000));
    let mut import = content.import_car(u64::MAX);
    import.write(&car).await.unwrap();
    import.seal().await.unwrap().store().await.unwrap();
    let server = Server::new(content.blobs().clone(), ServeLimits::default());
    let (mut stream, _served) = open(&server, 1);
    let (form, size) = (Form::Archive, car.len() as u64);
    let length = size - 10;
    assert_eq!(
        ask(&mut stream, &name, 10, size).await,
        Answer::Found { form, size, length }
    );
    assert!(data(&mut stream, length).await == car[10..]);
}

#[tokio::test(start_paused = true)]
async fn who_reads_too_slowly_is_dropped() {
    let (blobs, name) = blobs(&pattern(1 << 20)).await;
    let server = Server::new(blobs, ServeLimits::default());
    let (mut stream, served) = open(&server, 1);
    ask(&mut stream, &name, 0, u64::MAX).await;
    // The buffer of the stream fills, and nobody reads on.
    assert!(matches!(served.await.unwrap(), Err(ServeError::Slow)));
    assert_eq!(server.served().dropped, 1);
}

#[tokio::test(start_paused = true)]
async fn who_asks_nothing_is_dropped() {
    let (blobs, _) = blobs(b"").await;
    let server = Server::new(blobs, ServeLimits::default());
    let (stream, served) = open(&server, 1);
    assert!(matches!(served.await.unwrap(), Err(ServeError::Idle)));
    drop(stream);
    // Nor is half a request worth more.
    let (mut stream, served) = open(&server, 1);
    stream.write_all(&[0, 0, 0, 50, 1]).await.unwrap();
    assert!(matches!(served.await.unwrap(), Err(ServeError::Idle)));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_request_ends_the_stream() {
    let (blobs, _) = blobs(b"").await;
    let server = Server::new(blobs, ServeLimits::default());
    for bytes in [
        &[0, 0, 0, 3, 9, 9, 9][..],
        &[0xff, 0xff, 0xff, 0xff],
        &[0, 0, 0, 0],
    ] {
        let (mut stream, served) = open(&server, 1);
        stream.write_all(bytes).await.unwrap();
        let error = served.await.unwrap().unwrap_err();
        assert!(
            matches!(error, ServeError::Protocol(_) | ServeError::Stream(_)),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_others_is_told_that_the_server_is_busy() {
    let (blobs, name) = blobs(&pattern(1 << 20)).await;
    let limits = ServeLimits {
        reads: 1,
        streams_of_peer: 2,
        frame: Duration::from_secs(600),
        ..ServeLimits::default()
    };
    let server = Server::new(blobs, limits);
    // One holds the only read.
    let (mut first, _served) = open(&server, 1);
    ask(&mut first, &name, 0, u64::MAX).await;
    let (mut second, _other) = open(&server, 2);
    assert_eq!(ask(&mut second, &name, 0, 10).await, Answer::Busy);
    // It goes on where it was, and the other has its turn then.
    data(&mut first, 1 << 20).await;
    assert!(matches!(
        ask(&mut second, &name, 0, 10).await,
        Answer::Found { .. }
    ));
    assert_eq!(server.served().busy, 1);

    let (_third, _waiting) = open(&server, 2);
    // Let the third one in before the fourth.
    tokio::task::yield_now().await;
    let (_fourth, refused) = open(&server, 2);
    assert!(matches!(refused.await.unwrap(), Err(ServeError::TooMany)));
    assert_eq!(server.served().refused, 1);
}
