//! Peers that speak the protocol, each with a quirk.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst},
};

use alephd_peer_protocol::exchange::{Answer, Form, MAX_DATA, Request};
use alephd_sync::exchange::{Fault, Holders};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt as _};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quirk {
    None,
    /// Every byte is another one.
    Wrong,
    /// Silent after so many bytes in all.
    Stall(u64),
    /// Closes the stream after so many bytes in all, and each one after it at once.
    Cut(u64),
    /// Says that it cannot go on after so many bytes in all.
    GiveUp(u64),
    /// Sends one byte more than announced.
    Longer,
    /// Says that it has so many bytes; those that it has not are zero.
    Size(u64),
    Missing,
    /// Busy so many times.
    Busy(u32),
    /// Not the protocol.
    Garbage,
}

struct Fake {
    bytes: Arc<[u8]>,
    quirk: Quirk,
    sent: AtomicU64,
    busy: AtomicU32,
    archive: AtomicBool,
}

struct Inner {
    fakes: Vec<Arc<Fake>>,
    reports: Mutex<Vec<(usize, Fault)>>,
}

#[derive(Clone)]
pub(crate) struct Fakes {
    inner: Arc<Inner>,
}

impl Fakes {
    pub(crate) fn new(bytes: &[u8], quirks: &[Quirk]) -> Self {
        let bytes: Arc<[u8]> = bytes.into();
        let fakes = quirks.iter().map(|quirk| {
            Arc::new(Fake {
                bytes: Arc::clone(&bytes),
                quirk: *quirk,
                sent: 0.into(),
                busy: 0.into(),
                archive: false.into(),
            })
        });
        let inner = Inner {
            fakes: fakes.collect(),
            reports: Mutex::default(),
        };
        Self { inner: inner.into() }
    }

    pub(crate) fn hold_archives(&self) {
        for fake in &self.inner.fakes {
            fake.archive.store(true, SeqCst);
        }
    }

    pub(crate) fn reports(&self) -> Vec<(usize, Fault)> {
        self.inner.reports.lock().unwrap().clone()
    }

    pub(crate) fn sent(&self, peer: usize) -> u64 {
        self.inner.fakes[peer].sent.load(SeqCst)
    }
}

impl Holders for Fakes {
    type Peer = usize;
    type Stream = Compat<DuplexStream>;

    fn peers(&self) -> Vec<usize> {
        (0..self.inner.fakes.len()).collect()
    }

    #[expect(clippy::disallowed_methods, reason = "ends with the stream")]
    async fn open(&self, peer: &usize) -> Result<Self::Stream, String> {
        let (near, far) = duplex(16 * 1024);
        let fake = Arc::clone(&self.inner.fakes[*peer]);
        tokio::spawn(async move {
            // An error is the other side leaving.
            let _ = fake.run(far).await;
        });
        Ok(near.compat())
    }

    fn report(&self, peer: &usize, fault: Fault) {
        self.inner.reports.lock().unwrap().push((*peer, fault));
    }
}

impl Fake {
    async fn run(&self, mut stream: DuplexStream) -> std::io::Result<()> {
        loop {
            let length = stream.read_u32().await?;
            let mut bytes = vec![0; length as usize];
            stream.read_exact(&mut bytes).await?;
            let Ok(request) = Request::decode(&bytes) else {
                return Ok(());
            };
            if !self.answer(&mut stream, &request).await? {
                return Ok(());
            }
        }
    }

    /// Whether the stream goes on.
    async fn answer(&self, stream: &mut DuplexStream, request: &Request) -> std::io::Result<bool> {
        let size = match self.quirk {
            Quirk::Size(size) => size,
            _ => self.bytes.len() as u64,
        };
        let form = if self.archive.load(SeqCst) {
            Form::Archive
        } else {
            Form::File
        };
        let part = request.part_of(size);
        let answer = match (self.quirk, &part) {
            (Quirk::Garbage, _) => {
                stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await?;
                return Ok(false);
            }
            (Quirk::Missing, _) => Answer::NotFound,
            (Quirk::Busy(times), _) if self.busy.fetch_add(1, SeqCst) < times => Answer::Busy,
            (_, Some(part)) => Answer::Found {
                form,
                size,
                length: part.end - part.start,
            },
            (_, None) => Answer::Beyond { form, size },
        };
        frame(stream, &answer.encode()).await?;
        if !matches!(answer, Answer::Found { .. }) {
            return Ok(true);
        }
        let Some(part) = part.filter(|part| !part.is_empty()) else {
            return Ok(true);
        };
        let mut bytes: Vec<u8> = part.map(|at| self.byte(at)).collect();
        if self.quirk == Quirk::Longer {
            bytes.push(0);
        }
        for chunk in bytes.chunks(MAX_DATA.min(4_000)) {
            let sent = self.sent.load(SeqCst);
            match self.quirk {
                Quirk::Stall(after) if sent >= after => std::future::pending().await,
                Quirk::Cut(after) if sent >= after => return Ok(false),
                Quirk::GiveUp(after) if sent >= after => {
                    frame(stream, &[]).await?;
                    return Ok(true);
                }
                _ => {}
            }
            frame(stream, chunk).await?;
            self.sent.fetch_add(chunk.len() as u64, SeqCst);
        }
        Ok(true)
    }

    fn byte(&self, at: u64) -> u8 {
        let byte = self.bytes.get(at as usize).copied().unwrap_or(0);
        if self.quirk == Quirk::Wrong { !byte } else { byte }
    }
}

pub(crate) async fn frame(stream: &mut DuplexStream, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_u32(bytes.len() as u32).await?;
    stream.write_all(bytes).await
}
