//! A small ledger in memory: posts, amends and FORGETs, judged by who signed them.
//!
//! It stands for the pipeline and the store where thousands of schedules are run. Its verdicts are a
//! function of the set of messages, as those of the real one are.

use std::collections::{BTreeMap, HashMap};

use alephd_message::{Envelope, ErrorCode, ItemHash, Micros};
use alephd_peer_protocol::catchup::Record;
use alephd_pipeline::Outcome;
use alephd_rules::MessageStatus::{self, Forgotten, Pending, Processed, Rejected};
use alephd_signature::sign::wire_json;
use alephd_store::read::{KnownRow, TombstoneRecord};
use alephd_sync::catchup::Taken;
use alephd_testkit::sha256;

use super::{
    Sabotage,
    ledger::{Disk, Facts, Op, Reply, taken},
    pool::{Kind, Parsed, is_signed, parse, tombstone},
};

struct Row {
    envelope: Envelope,
    time: Micros,
    /// Nothing for what waits for its content, and for what is forgotten and purged.
    content: Option<Parsed>,
    text: Option<String>,
    /// What is left of it.
    tombstone: Option<TombstoneRecord>,
    is_hearsay: bool,
    status: MessageStatus,
    code: Option<ErrorCode>,
}

pub(super) struct Model {
    rows: Vec<Row>,
    places: BTreeMap<ItemHash, usize>,
    files: HashMap<ItemHash, String>,
    /// Whether contents go at once when they are forgotten.
    is_eager: bool,
    sabotage: Sabotage,
}

impl Model {
    pub(super) fn new(is_eager: bool, sabotage: Sabotage) -> Self {
        Self {
            rows: Vec::new(),
            places: BTreeMap::new(),
            files: HashMap::new(),
            is_eager,
            sabotage,
        }
    }

    fn row(&self, hash: &ItemHash) -> Option<&Row> {
        self.places.get(hash).map(|place| &self.rows[*place])
    }

    /// The row of a message whose content was seen, here or by somebody.
    fn known_row(&self, hash: &ItemHash) -> Option<&Row> {
        let row = self.row(hash)?;
        (row.content.is_some() || row.tombstone.is_some()).then_some(row)
    }

    fn insert(&mut self, row: Row) {
        let hash = row.envelope.item_hash.clone();
        match self.places.get(&hash) {
            Some(place) => self.rows[*place] = row,
            None => {
                self.places.insert(hash, self.rows.len());
                self.rows.push(row);
            }
        }
    }

    fn submit(&mut self, envelope: &Envelope) -> Outcome {
        let outcome = |status, code| Outcome {
            item_hash: envelope.item_hash.clone(),
            status,
            code,
        };
        if let Err(code) = is_signed(envelope) {
            return outcome(Rejected, Some(code));
        }
        let file = self.files.get(&envelope.item_hash).cloned();
        let text = envelope.item_content.clone().or(file);
        let content = match &text {
            None => None,
            Some(text) => match parse(envelope.message_type, text) {
                None => return outcome(Rejected, Some(ErrorCode::InvalidFormat)),
                content => content,
            },
        };
        let row = self.row(&envelope.item_hash);
        // The message itself says more than what somebody said was left of it.
        let is_news = row.is_none_or(|row| row.content.is_none() && content.is_some())
            && row.is_none_or(|row| row.tombstone.is_none() || row.is_hearsay);
        if is_news {
            self.insert(Row {
                envelope: envelope.clone(),
                time: content.as_ref().map_or(envelope.time, |content| content.time),
                content,
                text,
                tombstone: None,
                is_hearsay: false,
                status: Pending,
                code: None,
            });
            self.settle();
        }
        let row = self.row(&envelope.item_hash).expect("it was inserted");
        outcome(row.status, row.code)
    }

    fn take(&mut self, record: Record) -> Taken {
        match record {
            Record::Message {
                hash,
                copies,
                content,
            } => {
                let copies: Option<Vec<_>> = copies
                    .iter()
                    .map(|copy| Envelope::parse(copy.as_bytes()).ok())
                    .collect();
                let Some(copies) = copies.filter(|copies| copies.iter().all(|copy| copy.item_hash == hash))
                else {
                    return Taken::WrongBytes;
                };
                if let Some(content) = content {
                    if sha256(content.as_bytes()) != hash {
                        return Taken::WrongBytes;
                    }
                    self.files.insert(hash, content);
                }
                let mut best = Taken::WrongBytes;
                for copy in &copies {
                    let next = taken(&self.submit(copy));
                    if best != Taken::Known {
                        best = next;
                    }
                }
                best
            }
            Record::Tombstone { hash, json } => self.take_tombstone(hash, json),
        }
    }

    fn take_tombstone(&mut self, hash: ItemHash, json: String) -> Taken {
        let Some(record) = TombstoneRecord::parse(json.as_bytes()) else {
            return Taken::Invalid;
        };
        if record.envelope.item_hash != hash {
            return Taken::WrongBytes;
        }
        if is_signed(&record.envelope).is_err() {
            return Taken::Invalid;
        }
        let is_believed = self.sabotage == Sabotage::BelievesTombstones;
        if !is_believed && self.known_row(&hash).is_some() {
            return Taken::Known;
        }
        let (mut listed, mut missing) = (false, false);
        for forget in &record.forgotten_by {
            match self.row(forget).map(|row| (row, &row.content)) {
                Some((row, Some(content))) => {
                    let names = matches!(&content.kind, Kind::Forget(names) if names.contains(&hash));
                    listed |= names && row.envelope.sender == record.envelope.sender;
                }
                _ => missing = true,
            }
        }
        if !listed && !is_believed {
            return match missing {
                true => Taken::Later(Record::Tombstone { hash, json }),
                false => Taken::Refused,
            };
        }
        self.insert(Row {
            envelope: record.envelope.clone(),
            time: record.content_time,
            content: None,
            text: None,
            is_hearsay: !is_believed,
            status: if is_believed { Forgotten } else { Pending },
            code: None,
            tombstone: Some(record),
        });
        self.settle();
        Taken::Known
    }

    fn settle(&mut self) {
        for place in 0..self.rows.len() {
            if let Some(Kind::Forget(_)) = self.rows[place].content.as_ref().map(|content| &content.kind) {
                self.judge(place);
            }
        }
        for place in 0..self.rows.len() {
            self.judge(place);
        }
        if self.is_eager {
            self.let_go();
        }
    }

    fn judge(&mut self, place: usize) {
        let row = &self.rows[place];
        let is_forgotten = || !self.forgets_of(row).is_empty();
        let may = |hash: &ItemHash| {
            let target = self.known_row(hash)?;
            Some(target.envelope.sender == row.envelope.sender)
        };
        let (status, code) = match row.content.as_ref().map(|content| &content.kind) {
            None if row.tombstone.is_some() && (!row.is_hearsay || is_forgotten()) => (Forgotten, None),
            None => (Pending, Some(ErrorCode::ContentUnavailable)),
            Some(Kind::Forget(targets)) => {
                let answers: Vec<_> = targets.iter().map(may).collect();
                if answers.contains(&Some(false)) {
                    (Rejected, Some(ErrorCode::PermissionDenied))
                } else if answers.contains(&None) {
                    (Pending, None)
                } else {
                    (Processed, None)
                }
            }
            Some(_) if is_forgotten() => (Forgotten, None),
            Some(Kind::Post) => (Processed, None),
            Some(Kind::Amend(original)) => match may(original) {
                None => (Pending, None),
                Some(false) => (Rejected, Some(ErrorCode::PermissionDenied)),
                Some(true) => (Processed, None),
            },
        };
        let row = &mut self.rows[place];
        (row.status, row.code) = (status, code);
    }

    fn forgets_of(&self, row: &Row) -> Vec<ItemHash> {
        let forgets = self.rows.iter().filter(|forget| {
            let kind = forget.content.as_ref().map(|content| &content.kind);
            matches!(kind, Some(Kind::Forget(targets)) if targets.contains(&row.envelope.item_hash))
                && forget.status == Processed
                && forget.envelope.sender == row.envelope.sender
        });
        forgets.map(|forget| forget.envelope.item_hash.clone()).collect()
    }

    fn let_go(&mut self) {
        for place in 0..self.rows.len() {
            let row = &self.rows[place];
            if row.status == Forgotten && row.content.is_some() {
                let left = tombstone(&row.envelope, row.time, self.forgets_of(row));
                let row = &mut self.rows[place];
                (row.content, row.text, row.tombstone) = (None, None, Some(left));
                row.envelope.item_content = None;
                self.files.remove(&row.envelope.item_hash);
            }
        }
    }

    fn known_at(&self, place: usize) -> KnownRow {
        let row = &self.rows[place];
        KnownRow {
            id: place as i64 + 1,
            time: row.time,
            hash: row.envelope.item_hash.clone(),
            status: row.status,
            has_content: row.content.is_some(),
            is_hearsay: row.is_hearsay,
        }
    }

    fn record(&self, row: i64) -> Option<Record> {
        let row = self.rows.get(usize::try_from(row - 1).ok()?)?;
        let hash = row.envelope.item_hash.clone();
        if let Some(tombstone) = &row.tombstone {
            let json = tombstone.to_json();
            return Some(Record::Tombstone { hash, json });
        }
        let is_inline = row.envelope.item_content.is_some();
        Some(Record::Message {
            hash,
            copies: vec![wire_json(&row.envelope)],
            content: row.text.clone().filter(|_| !is_inline),
        })
    }
}

impl Disk for Model {
    fn commit(&mut self, ops: Vec<Op>) -> Vec<Reply> {
        let ops = ops.into_iter().map(|op| match op {
            Op::Submit(envelope) => Reply::Outcome(self.submit(&envelope)),
            Op::Upload(text) => {
                self.files.insert(sha256(text.as_bytes()), text);
                Reply::Uploaded
            }
            Op::Take(record, _) => Reply::Taken(self.take(record)),
        });
        ops.collect()
    }

    fn known(&self, after: i64, limit: u64) -> Vec<KnownRow> {
        let rows = (after.max(0) as usize)..self.rows.len();
        rows.take(limit as usize)
            .map(|place| self.known_at(place))
            .collect()
    }

    fn parked(&self) -> Vec<KnownRow> {
        let rows = (0..self.rows.len()).map(|place| self.known_at(place));
        rows.filter(|row| matches!(row.status, Pending | Rejected))
            .collect()
    }

    fn records(&self, rows: &[i64]) -> Vec<Option<Record>> {
        rows.iter().map(|row| self.record(*row)).collect()
    }

    fn is_known(&self, hash: &ItemHash) -> bool {
        self.row(hash).is_some()
    }

    fn purge(&mut self) {
        self.let_go();
    }

    fn restart(&mut self) {}

    fn facts(&self) -> Facts {
        let settled = self
            .rows
            .iter()
            .filter(|row| !matches!(row.status, Pending | Rejected));
        settled
            .map(|row| (row.envelope.item_hash.clone(), row.status))
            .collect()
    }

    fn root(&self) -> String {
        String::new()
    }
}
