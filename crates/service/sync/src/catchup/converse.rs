//! One session over one stream.
//!
//! Reading and writing go on side by side, so that neither waits for the other. What was asked for by
//! the other side is read from the store when the stream has room for it; what came is handed to the
//! pipeline, and while too much of that is under way the stream is not read.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use alephd_peer_protocol::catchup::{Frame, Greeting, Output, Record, Session, Settings, Violation};
use futures_util::{
    StreamExt as _,
    future::{BoxFuture, try_join},
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadHalf, WriteHalf},
    stream::FuturesUnordered,
};
use tokio::{sync::Notify, time::timeout};

use super::{
    Holdings, HoldingsError, Report, Taken, View,
    framed::{FrameReader, FrameWriter, ReadError},
};

/// Records that are read from the store at a time.
const READ_AHEAD: usize = 16;
/// The longest that a refusal is tried to be told.
const REFUSING: Duration = Duration::from_secs(5);
/// Records without a signature after which a peer is not listened to any more.
const INVALID: u64 = 8;
/// Bytes of tombstones that wait for their FORGETs. The next session brings what does not fit.
const LATER_BYTES: usize = 16 << 20;

/// How to speak with a peer.
#[derive(Clone, Debug)]
pub struct Conduct {
    /// The network and the bounds.
    pub settings: Settings,
    /// Whether it is believed what cannot be proved.
    pub trusted: bool,
    /// The longest wait for a frame, either way.
    pub idle: Duration,
}

/// Why a session did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The stream, or what came on it.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It could not be written.
    #[error("writing to the stream: {0}")]
    Write(#[source] std::io::Error),
    /// The peer does not keep to the protocol.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// The bytes of a record do not have its name.
    #[error("a record whose bytes are not those of its name")]
    WrongBytes,
    /// Too many records that nobody has signed.
    #[error("records that nobody has signed")]
    Invalid,
    /// The peer fell silent.
    #[error("the peer fell silent")]
    Silent,
    /// This node could not look or take.
    #[error("this node: {0}")]
    Own(#[source] HoldingsError),
}

/// Opens a session on a stream and leads it to its end. What was done is told in any case.
pub async fn initiate<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    view: View,
    holdings: &Arc<dyn Holdings>,
    conduct: &Conduct,
) -> (Report, Result<(), Trouble>) {
    let session = Session::initiate(view.set, conduct.settings.clone()).leave_out(view.refused);
    let (read_half, write_half) = stream.split();
    let (reader, writer) = (FrameReader::new(read_half), FrameWriter::new(write_half));
    converse(reader, writer, session, holdings, conduct).await
}

/// Answers a session that a peer opened on a stream, whatever it keeps.
pub async fn respond<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    view: View,
    holdings: &Arc<dyn Holdings>,
    conduct: &Conduct,
) -> (Report, Result<(), Trouble>) {
    match listen(stream, conduct.idle).await {
        Ok(greeted) => greeted.respond(view, holdings, conduct).await,
        Err(trouble) => (Report::default(), Err(trouble)),
    }
}

/// Reads the greeting of a peer that opened a stream: what it keeps decides what there is to compare.
pub async fn listen<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    idle: Duration,
) -> Result<Greeted<S>, Trouble> {
    let (read_half, write_half) = stream.split();
    let mut reader = FrameReader::new(read_half);
    match timeout(idle, reader.next())
        .await
        .map_err(|_| Trouble::Silent)??
    {
        Frame::Hello(greeting) => Ok(Greeted {
            reader,
            writer: FrameWriter::new(write_half),
            greeting,
        }),
        _ => Err(Violation::Unexpected.into()),
    }
}

/// A stream on which a peer has said who it is.
pub struct Greeted<S> {
    reader: FrameReader<ReadHalf<S>>,
    writer: FrameWriter<WriteHalf<S>>,
    greeting: Greeting,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Greeted<S> {
    /// What the peer keeps; nothing for everything.
    pub fn interest(&self) -> Option<&serde_json::Value> {
        self.greeting.interest.as_ref()
    }

    /// Answers the session. The view is of what is of interest to both.
    pub async fn respond(
        self,
        view: View,
        holdings: &Arc<dyn Holdings>,
        conduct: &Conduct,
    ) -> (Report, Result<(), Trouble>) {
        let settings = Settings {
            peer_interest: self.greeting.interest.clone(),
            ..conduct.settings.clone()
        };
        let mut session = Session::respond(view.set, settings).leave_out(view.refused);
        if let Err(violation) = session.receive(Frame::Hello(self.greeting)) {
            return (Report::default(), Err(violation.into()));
        }
        converse(self.reader, self.writer, session, holdings, conduct).await
    }

    /// Tells the peer why there will be no session.
    pub(super) async fn refuse(self, reason: &str) {
        say_refusal(self.writer, reason).await;
    }
}

/// Tells a peer why there will be no session.
pub(super) async fn refuse<S: AsyncWrite + Unpin>(stream: S, reason: &str) {
    say_refusal(FrameWriter::new(stream), reason).await;
}

async fn say_refusal<W: AsyncWrite + Unpin>(mut writer: FrameWriter<W>, reason: &str) {
    let frame = Frame::Refuse(reason.to_owned());
    let refusing = async {
        writer.write(&frame).await?;
        writer.close().await
    };
    // It finds out without this as well.
    let _ = timeout(REFUSING, refusing).await;
}

/// What the two directions share.
struct Shared<'a> {
    session: Mutex<Session>,
    /// Something to write may be there.
    wake: Notify,
    holdings: &'a Arc<dyn Holdings>,
    conduct: &'a Conduct,
    report: Mutex<Report>,
    later: Mutex<Later>,
}

/// Tombstones that wait for their FORGETs.
#[derive(Default)]
struct Later {
    records: Vec<Record>,
    bytes: usize,
}

async fn converse<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    mut reader: FrameReader<R>,
    mut writer: FrameWriter<W>,
    session: Session,
    holdings: &Arc<dyn Holdings>,
    conduct: &Conduct,
) -> (Report, Result<(), Trouble>) {
    let shared = Shared {
        session: Mutex::new(session),
        wake: Notify::new(),
        holdings,
        conduct,
        report: Mutex::default(),
        later: Mutex::default(),
    };
    let both = try_join(shared.read(&mut reader), shared.write(&mut writer)).await;
    let result = match both {
        Ok(_) => shared.take_later().await,
        Err(trouble) => Err(trouble),
    };
    let tally = lock(&shared.session).tally().clone();
    let mut report = lock(&shared.report).clone();
    report.received = tally.received;
    report.gone = tally.gone;
    report.rounds = tally.rounds;
    report.more = tally.more;
    report.refusal = tally.refusal;
    report.peer_interest = tally.peer_interest;
    report.is_surprised = tally.is_surprised;
    report.sessions = 1;
    report.bytes_received = reader.bytes();
    report.bytes_sent = writer.bytes();
    (report, result)
}

impl Shared<'_> {
    async fn read<R: AsyncRead + Unpin>(&self, reader: &mut FrameReader<R>) -> Result<(), Trouble> {
        let mut under_way: FuturesUnordered<BoxFuture<'_, (usize, Result<Taken, HoldingsError>)>> =
            FuturesUnordered::new();
        loop {
            let (is_over, has_room) = {
                let session = lock(&self.session);
                (session.is_over(), session.has_room())
            };
            if is_over && under_way.is_empty() {
                return Ok(());
            }
            tokio::select! {
                biased;
                Some((size, taken)) = under_way.next() => {
                    self.note(taken.map_err(Trouble::Own)?)?;
                    lock(&self.session).taken(size);
                }
                frame = timeout(self.conduct.idle, reader.next()), if has_room && !is_over => {
                    let frame = frame.map_err(|_| Trouble::Silent)??;
                    let record = lock(&self.session).receive(frame)?;
                    if let Some(record) = record {
                        if matches!(record, Record::Tombstone { .. }) {
                            lock(&self.report).tombstones += 1;
                        }
                        under_way.push(Box::pin(self.take(record)));
                    }
                }
                // No room, and nothing under way that would make some: bounds of nothing.
                else => return Err(Trouble::Silent),
            }
            self.wake.notify_one();
        }
    }

    async fn take(&self, record: Record) -> (usize, Result<Taken, HoldingsError>) {
        let size = record.size();
        (size, self.holdings.take(record, self.conduct.trusted).await)
    }

    fn note(&self, taken: Taken) -> Result<(), Trouble> {
        let mut report = lock(&self.report);
        match taken {
            Taken::Known => {}
            Taken::Refused => report.refused += 1,
            Taken::Later(record) => {
                let mut later = lock(&self.later);
                later.bytes += record.size();
                if later.bytes <= LATER_BYTES {
                    later.records.push(record);
                }
            }
            Taken::Invalid => {
                report.invalid += 1;
                if report.invalid > INVALID {
                    return Err(Trouble::Invalid);
                }
            }
            Taken::WrongBytes => return Err(Trouble::WrongBytes),
        }
        Ok(())
    }

    /// What waited for others: these are known now, or come another time. Some wait for each other, so
    /// this goes on as long as it helps.
    async fn take_later(&self) -> Result<(), Trouble> {
        loop {
            let waiting = std::mem::take(&mut *lock(&self.later)).records;
            let before = waiting.len();
            for record in waiting {
                let (_, taken) = self.take(record).await;
                self.note(taken.map_err(Trouble::Own)?)?;
            }
            let left = lock(&self.later).records.len();
            if left == 0 || left == before {
                lock(&self.report).refused += left as u64;
                return Ok(());
            }
        }
    }

    async fn write<W: AsyncWrite + Unpin>(&self, writer: &mut FrameWriter<W>) -> Result<(), Trouble> {
        loop {
            match self.next_output() {
                Some(Next::Frame(frame)) => {
                    self.bounded(writer.write(&frame)).await?;
                }
                Some(Next::Records(wanted)) => self.serve(writer, wanted).await?,
                None if lock(&self.session).is_over() => {
                    self.bounded(writer.flush()).await?;
                    // The other side may have gone: it has all it wanted.
                    let _ = timeout(self.conduct.idle, writer.close()).await;
                    return Ok(());
                }
                None => {
                    self.bounded(writer.flush()).await?;
                    self.wake.notified().await;
                }
            }
        }
    }

    async fn serve<W: AsyncWrite + Unpin>(
        &self,
        writer: &mut FrameWriter<W>,
        wanted: Vec<(i64, [u8; 32])>,
    ) -> Result<(), Trouble> {
        let rows = wanted.iter().map(|(row, _)| *row).collect();
        let records = self.holdings.records(rows).await.map_err(Trouble::Own)?;
        let mut records = records.into_iter();
        for (_, id) in wanted {
            let record = records.next().flatten();
            if let Some(record) = record
                && self
                    .bounded(writer.write(&Frame::Record(Box::new(record))))
                    .await?
            {
                lock(&self.report).sent += 1;
            } else {
                self.bounded(writer.write(&Frame::Gone(id))).await?;
            }
        }
        Ok(())
    }

    fn next_output(&self) -> Option<Next> {
        let mut session = lock(&self.session);
        let mut wanted = Vec::new();
        while wanted.len() < READ_AHEAD {
            match session.poll_if(|output| wanted.is_empty() || matches!(output, Output::Serve { .. })) {
                Some(Output::Serve { row, id }) => wanted.push((row, id)),
                Some(Output::Send(frame)) => return Some(Next::Frame(frame)),
                None => break,
            }
        }
        (!wanted.is_empty()).then_some(Next::Records(wanted))
    }

    async fn bounded<T>(&self, writing: impl Future<Output = std::io::Result<T>>) -> Result<T, Trouble> {
        let written = timeout(self.conduct.idle, writing).await;
        written.map_err(|_| Trouble::Silent)?.map_err(Trouble::Write)
    }
}

enum Next {
    Frame(Frame),
    Records(Vec<(i64, [u8; 32])>),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
