//! Answers that are none.

use alephd_net::Stream;
use alephd_peer_protocol::exchange::{self, Answer, Form, Request};
use alephd_testkit::rng::Rng;
use futures_util::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::Counts;

/// Answers each request for a file with other bytes.
pub(crate) async fn lie(mut stream: Stream, counts: &Counts) -> std::io::Result<()> {
    loop {
        let mut head = [0; 4];
        stream.read_exact(&mut head).await?;
        let length = u32::from_be_bytes(head) as usize;
        let mut request = vec![0; length.min(exchange::MAX_REQUEST)];
        stream.read_exact(&mut request).await?;
        let Ok(request) = Request::decode(&request) else {
            return Ok(());
        };
        // A small file is asked for whole; it is believed what one says of its size.
        let size = 1_000_000;
        let Some(part) = request.part_of(size) else {
            return Ok(());
        };
        let length = part.end - part.start;
        let form = Form::File;
        send(&mut stream, &Answer::Found { form, size, length }.encode()).await?;
        let wrong = vec![0x66; usize::try_from(length).unwrap_or(0)];
        for piece in wrong.chunks(exchange::MAX_DATA) {
            send(&mut stream, piece).await?;
        }
        counts.add("wrong files", 1);
    }
}

async fn send(stream: &mut Stream, frame: &[u8]) -> std::io::Result<()> {
    stream.write_all(&(frame.len() as u32).to_be_bytes()).await?;
    stream.write_all(frame).await?;
    stream.flush().await
}

/// Frames of reconciliation with the right lengths and random bytes of every kind.
pub(crate) async fn garbage(mut stream: Stream, seed: u64) -> std::io::Result<()> {
    let mut rng = Rng::new(seed);
    for kind in 0..16_u8 {
        let words = 1 + rng.bits() % 200;
        let mut frame: Vec<u8> = (0..words).flat_map(|_| rng.bits().to_le_bytes()).collect();
        frame[0] = kind;
        send(&mut stream, &frame).await?;
    }
    stream.close().await?;
    let mut answer = Vec::new();
    stream.take(1 << 20).read_to_end(&mut answer).await.map(drop)
}
