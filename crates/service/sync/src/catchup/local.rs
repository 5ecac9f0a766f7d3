//! What this node hands out and takes in: its store, its blobs and its pipeline.

use std::sync::Arc;

use alephd_blobs::{BlobName, Blobs};
use alephd_message::{Envelope, ErrorCode, ItemHash, MessageType};
use alephd_peer_protocol::catchup::Record;
use alephd_pipeline::{Origin, Outcome, Pipeline, TombstoneOutcome, TombstoneRefusal};
use alephd_rules::{Interest, MessageStatus, Outline, Support};
use alephd_signature::sign::wire_json;
use alephd_store::{
    Store, StoreError,
    read::{FileKind, KnownRow, OutlinedRow, TombstoneRecord, WireRecord},
};
use async_trait::async_trait;

use super::{Holdings, HoldingsError, KnownPage, Taken};

/// Contents up to this size travel with their message; larger ones are fetched as files are.
const CONTENT: usize = 1 << 20;

/// The messages of this node.
#[derive(Clone)]
pub struct LocalHoldings {
    store: Store,
    blobs: Blobs,
    pipeline: Pipeline,
    /// What every node keeps.
    support: Arc<Support>,
    /// All of these have to be interested.
    interests: Arc<[Interest]>,
}

impl LocalHoldings {
    /// Over the parts of a node.
    pub fn new(store: Store, blobs: Blobs, pipeline: Pipeline, support: Support) -> Self {
        Self {
            store,
            blobs,
            pipeline,
            support: Arc::new(support),
            interests: Arc::new([]),
        }
    }

    /// Of these rows those that all are interested in.
    fn filter(&self, rows: Vec<OutlinedRow>) -> Vec<KnownRow> {
        let counts = |row: &OutlinedRow| {
            let key = row
                .label
                .as_deref()
                .filter(|_| row.message_type == MessageType::Aggregate);
            let outline = Outline {
                channel: row.channel.as_deref(),
                owner: &row.owner,
                message_type: row.message_type,
                key,
            };
            self.interests
                .iter()
                .all(|interest| interest.holds(&outline, &self.support))
        };
        let counting = rows.into_iter().filter(counts);
        counting.map(|row| row.known).collect()
    }

    /// Reads on a thread that may block.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, HoldingsError> {
        let store = self.store.clone();
        Ok(tokio::task::spawn_blocking(move || read(&store)).await??)
    }

    async fn take_message(
        &self,
        hash: &ItemHash,
        copies: Vec<String>,
        content: Option<String>,
    ) -> Result<Taken, HoldingsError> {
        let envelopes: Result<Vec<_>, _> = copies
            .iter()
            .map(|copy| Envelope::parse(copy.as_bytes()))
            .collect();
        let Ok(envelopes) = envelopes else {
            return Ok(Taken::WrongBytes);
        };
        if envelopes.iter().any(|envelope| envelope.item_hash != *hash) {
            return Ok(Taken::WrongBytes);
        }
        let is_inline = envelopes.iter().any(|envelope| envelope.item_content.is_some());
        if let Some(content) = content.filter(|_| !is_inline)
            && !self.keep(hash, &content).await?
        {
            return Ok(Taken::WrongBytes);
        }
        let mut best: Option<Taken> = None;
        for envelope in envelopes {
            let taken = of_outcome(&self.pipeline.submit(envelope, Origin::Network).await?);
            // Any good copy makes the message known.
            if best.as_ref().is_none_or(|best| *best != Taken::Known) {
                best = Some(taken);
            }
        }
        Ok(best.unwrap_or(Taken::WrongBytes))
    }

    /// Keeps a content under its name; `false` if it has another.
    async fn keep(&self, name: &ItemHash, content: &str) -> Result<bool, HoldingsError> {
        let Ok(mut writer) = self.blobs.writer_for(name, CONTENT as u64) else {
            // No content can have this name: the message waits for it in vain.
            return Ok(true);
        };
        writer.write(content.as_bytes()).await?;
        match writer.finish(BlobName::Exactly(name.clone())).await {
            Ok(stored) => {
                let arrived = self
                    .pipeline
                    .file_arrived(name.clone(), stored.size, FileKind::File);
                arrived.await?;
                Ok(true)
            }
            // A CID depends on how the bytes were cut, which the bytes do not tell: whoever fetches it
            // by its blocks can prove it.
            Err(alephd_blobs::Error::Mismatch { .. }) => Ok(matches!(name, ItemHash::Text(_))),
            Err(error) => Err(error.into()),
        }
    }

    async fn take_tombstone(
        &self,
        hash: ItemHash,
        json: String,
        trusted: bool,
    ) -> Result<Taken, HoldingsError> {
        let Some(record) = TombstoneRecord::parse(json.as_bytes()) else {
            return Ok(Taken::Invalid);
        };
        if record.envelope.item_hash != hash {
            return Ok(Taken::WrongBytes);
        }
        Ok(match self.pipeline.submit_tombstone(record, trusted).await? {
            TombstoneOutcome::Taken | TombstoneOutcome::Known => Taken::Known,
            TombstoneOutcome::NeedsForget(_) => Taken::Later(Record::Tombstone { hash, json }),
            TombstoneOutcome::Refused(TombstoneRefusal::Signature) => Taken::Invalid,
            TombstoneOutcome::Refused(_) => Taken::Refused,
        })
    }
}

#[async_trait]
impl Holdings for LocalHoldings {
    async fn known(&self, after: i64, limit: u64) -> Result<KnownPage, HoldingsError> {
        if self.interests.is_empty() {
            let rows = self.read(move |store| store.reader().known(after, limit));
            return Ok(KnownPage::of(rows.await?));
        }
        let rows = self.read(move |store| store.reader().known_outlined(after, limit));
        let rows = rows.await?;
        Ok(KnownPage {
            last: rows.last().map(|row| row.known.id),
            rows: self.filter(rows),
        })
    }

    async fn known_parked(&self) -> Result<Vec<KnownRow>, HoldingsError> {
        if self.interests.is_empty() {
            return self.read(|store| store.reader().known_parked(u64::MAX)).await;
        }
        let rows = self.read(|store| store.reader().known_parked_outlined(u64::MAX));
        Ok(self.filter(rows.await?))
    }

    fn within(&self, interests: Vec<Interest>) -> Arc<dyn Holdings> {
        Arc::new(Self {
            interests: interests.into(),
            ..self.clone()
        })
    }

    async fn records(&self, rows: Vec<i64>) -> Result<Vec<Option<Record>>, HoldingsError> {
        let read = move |store: &Store| {
            let reader = store.reader();
            rows.into_iter()
                .map(|row| Ok(reader.wire(row)?.and_then(record)))
                .collect()
        };
        self.read(read).await
    }

    async fn take(&self, record: Record, trusted: bool) -> Result<Taken, HoldingsError> {
        match record {
            Record::Message {
                hash,
                copies,
                content,
            } => self.take_message(&hash, copies, content).await,
            Record::Tombstone { hash, json } => self.take_tombstone(hash, json, trusted).await,
        }
    }
}

/// As it is handed out. What nobody has signed comes from chains, where others find it too.
fn record(wire: WireRecord) -> Option<Record> {
    match wire {
        WireRecord::Message { copies, content } => {
            let hash = copies.first()?.item_hash.clone();
            let signed = copies.iter().filter(|copy| copy.signature.is_some());
            let copies: Vec<String> = signed.map(wire_json).collect();
            let content = content.filter(|text| text.len() <= CONTENT);
            (!copies.is_empty()).then_some(Record::Message {
                hash,
                copies,
                content,
            })
        }
        WireRecord::Tombstone(tombstone) => Some(Record::Tombstone {
            hash: tombstone.envelope.item_hash.clone(),
            json: tombstone.to_json(),
        }),
    }
}

fn of_outcome(outcome: &Outcome) -> Taken {
    match (outcome.status, outcome.code) {
        (MessageStatus::Rejected, Some(ErrorCode::InvalidFormat | ErrorCode::InvalidSignature)) => {
            Taken::Invalid
        }
        (MessageStatus::Rejected, _) => Taken::Refused,
        _ => Taken::Known,
    }
}
