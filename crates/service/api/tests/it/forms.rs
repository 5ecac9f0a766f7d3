//! Forms that are not what they should be cost a bounded part of what somebody sends.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use alephd_testkit::sha256;
use axum::body::{Body, Bytes};
use futures_util::stream;

use crate::fixture::{Answer, Fixture};

const FORM: &str = "multipart/form-data; boundary=cut";
/// What a refused form may cost: what is read while it is refused, and what is read on so that the
/// client hears of it.
const MOST_READ: u64 = 9 << 20;

/// A body that begins with `head` and goes on with `piece` for a gigabyte; counts what was read.
fn endless(head: &'static [u8], piece: &'static [u8], read: &Arc<AtomicU64>) -> Body {
    let read = Arc::clone(read);
    let pieces = (1_u64 << 30) / piece.len() as u64;
    let bytes = std::iter::once(head).chain((0..pieces).map(move |_| piece));
    Body::from_stream(stream::iter(bytes.map(move |bytes| {
        read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok::<_, std::io::Error>(Bytes::from_static(bytes))
    })))
}

async fn send(node: &Fixture, body: Body) -> Answer {
    node.post("/api/v0/storage/add_file", &[("content-type", FORM)], body)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_becomes_a_part_is_not_kept() {
    const LONG: &[u8] = &[b'x'; 100_000];
    let node = Fixture::new();
    for (head, piece) in [
        // No boundary, a header without an end, a boundary line without one, parts without an end.
        (&b""[..], LONG),
        (b"--cut\r\nX: ", LONG),
        (b"--cut", &[b' '; 100_000]),
        (
            b"",
            b"--cut\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n\r\n",
        ),
    ] {
        let read = Arc::new(AtomicU64::new(0));
        let answer = send(&node, endless(head, piece, &read)).await;
        let shown = String::from_utf8_lossy(&piece[..20.min(piece.len())]).into_owned();
        assert_eq!(
            (answer.status, answer.text()),
            (400, "400: Invalid multipart structure"),
            "{shown}"
        );
        let read = read.load(Ordering::Relaxed);
        assert!(read < MOST_READ, "{read} bytes read of {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_may_be_long_and_come_in_any_pieces() {
    let node = Fixture::new();
    let file: Vec<u8> = (0..700_000_u32)
        .map(|byte| b"\r\n-cutx"[byte as usize % 7])
        .collect();
    let mut form = b"preamble\r\n--cut\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\n".to_vec();
    form.extend_from_slice(&file);
    form.extend_from_slice(
        b"\r\n--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n",
    );
    form.extend_from_slice(&file);
    form.extend_from_slice(b"\r\n--cut--\r\n");
    for length in [3, 1000, 300_000, form.len()] {
        let pieces: Vec<_> = form
            .chunks(length)
            .map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece)))
            .collect();
        let answer = send(&node, Body::from_stream(stream::iter(pieces))).await;
        assert_eq!(answer.status, 200, "{length}: {}", answer.text());
        assert!(answer.text().contains(&sha256(&file).to_string()), "{length}");
    }
}
