//! Cutting a page out of one or several streams.
//!
//! Rows whose 60-bit prefixes of the item hash are equal form a *tie*: the index has them in the
//! order of ids, the list wants them in the order of hashes. A tie is therefore always read as a
//! whole before a page ends within it; otherwise a cursor could lose a row. Ties of names by
//! SHA-256 take 2^24 attempts on purpose, those of CIDs less: the cost of reading one falls on
//! the pages that show it.

use std::{cmp::Reverse, collections::BinaryHeap, vec};

use rusqlite::Connection;

use alephd_message::ItemHash;

use super::{
    filter::{Order, Window},
    lookup,
    stream::{Entry, Stream},
};
use crate::StoreError;

/// First and largest piece that a merge takes from each stream at once.
const FIRST_PIECE: u64 = 24;
const LARGEST_PIECE: u64 = 1024;

/// What orders rows that are equal in (sort, time, prefix).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ties {
    /// The item hash of the message with the id of the row.
    ItemHash,
    /// The id itself.
    Id,
}

/// Which part of a list is wanted.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) after: Option<Entry>,
    /// Rows of the tie at `after` with a hash up to this one have been seen.
    pub(super) after_hash: Option<ItemHash>,
    pub(super) offset: u64,
    pub(super) limit: u64,
}

impl From<&Window> for Span {
    fn from(window: &Window) -> Self {
        match window {
            Window::Page { offset, limit } => Self {
                after: None,
                after_hash: None,
                offset: *offset,
                limit: limit.unwrap_or(u64::MAX),
            },
            Window::After { time, hash, limit } => {
                let (time, prefix) = (time.0, hash.order_prefix());
                Self {
                    after: Some(Entry {
                        sort: 0,
                        time,
                        prefix,
                        id: i64::MIN,
                    }),
                    after_hash: Some(hash.clone()),
                    offset: 0,
                    limit: *limit,
                }
            }
        }
    }
}

/// What all reads of one list have in common.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) connection: &'a Connection,
    pub(super) order: Order,
    pub(super) ties: Ties,
}

impl Reading<'_> {
    /// The rows of all streams in order, each once.
    pub(super) fn merge(&self, streams: &[Stream], span: &Span) -> Result<Vec<Entry>, StoreError> {
        match (streams, &span.after) {
            ([], _) => Ok(Vec::new()),
            ([stream], None) => self.page(stream, span.offset, span.limit),
            _ => self.merge_many(streams, span),
        }
    }

    /// The streams one after the other.
    pub(super) fn concatenate(&self, streams: &[Stream], span: &Span) -> Result<Vec<Entry>, StoreError> {
        let (mut offset, mut entries) = (span.offset, Vec::new());
        for (index, stream) in streams.iter().enumerate() {
            let missing = span.limit.saturating_sub(entries.len() as u64);
            let page = self.page(stream, offset, missing)?;
            let is_last = index + 1 == streams.len();
            if page.is_empty() && offset > 0 && !is_last {
                offset -= stream.count(self.connection)?.min(offset);
            } else if !page.is_empty() {
                offset = 0;
            }
            entries.extend(page);
            if entries.len() as u64 >= span.limit {
                break;
            }
        }
        Ok(entries)
    }

    /// The rows of all streams, sorted here: for few rows in no useful order.
    pub(super) fn collect(&self, streams: &[Stream], span: &Span) -> Result<Vec<Entry>, StoreError> {
        let mut entries = Vec::new();
        for stream in streams {
            entries.extend(stream.all(self.connection)?);
        }
        entries.sort_unstable_by_key(|entry| entry.place(self.order));
        let mut cut = Cut::new(self, span);
        for entry in entries {
            let seen = span
                .after
                .is_some_and(|after| entry.place(self.order) <= after.place(self.order));
            if !seen && cut.push(entry)? {
                break;
            }
        }
        cut.finish()
    }

    /// One page of one stream: the offset is counted by SQL.
    fn page(&self, stream: &Stream, offset: u64, limit: u64) -> Result<Vec<Entry>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        if self.ties == Ties::Id {
            return stream.page(self.connection, self.order, offset, limit);
        }
        let mut margin = 1;
        loop {
            let lead = offset.min(margin);
            let wanted = limit.saturating_add(lead).saturating_add(margin);
            let mut rows = stream.page(self.connection, self.order, offset - lead, wanted)?;
            // A tie at either end of what was read may go on beyond it.
            let (first, after_last) = (
                lead as usize,
                (lead.saturating_add(limit)).min(usize::MAX as u64) as usize,
            );
            if rows.len() <= first {
                return Ok(Vec::new());
            }
            let begins_inside = lead < offset && rows[0].ties(&rows[first]);
            let ends_inside = rows.len() as u64 == wanted && rows[after_last - 1].ties(&rows[rows.len() - 1]);
            if begins_inside || ends_inside {
                margin = margin.saturating_mul(4);
                continue;
            }
            let mut start = 0;
            while start < rows.len() {
                let length = rows[start..]
                    .iter()
                    .take_while(|row| row.ties(&rows[start]))
                    .count();
                self.settle(&mut rows[start..start + length], None)?;
                start += length;
            }
            rows.truncate(after_last);
            rows.drain(..first);
            return Ok(rows);
        }
    }

    fn merge_many(&self, streams: &[Stream], span: &Span) -> Result<Vec<Entry>, StoreError> {
        let mut sources: Vec<_> = streams
            .iter()
            .map(|stream| Source::new(stream, span.after))
            .collect();
        let mut heap = BinaryHeap::with_capacity(sources.len());
        for (index, source) in sources.iter_mut().enumerate() {
            heap.extend(
                source
                    .next(self)?
                    .map(|entry| Reverse((entry.place(self.order), index, Head(entry)))),
            );
        }
        let mut cut = Cut::new(self, span);
        while let Some(Reverse((_, index, Head(entry)))) = heap.pop() {
            if cut.push(entry)? {
                break;
            }
            let next = sources[index].next(self)?;
            heap.extend(next.map(|entry| Reverse((entry.place(self.order), index, Head(entry)))));
        }
        cut.finish()
    }

    /// Puts a tie in the order of the item hashes; says how many of them are not after `seen`.
    fn settle(&self, tie: &mut [Entry], seen: Option<&ItemHash>) -> Result<usize, StoreError> {
        if self.ties == Ties::Id || (tie.len() < 2 && seen.is_none()) {
            return Ok(0);
        }
        let mut named = Vec::with_capacity(tie.len());
        for entry in tie.iter() {
            named.push((lookup::message_hash(self.connection, entry.id)?, *entry));
        }
        named.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        for (slot, (_, entry)) in tie.iter_mut().zip(&named) {
            *slot = *entry;
        }
        Ok(seen.map_or(0, |seen| {
            named.iter().take_while(|(hash, _)| hash <= seen).count()
        }))
    }
}

/// An entry in the heap, where the place alone orders.
struct Head(Entry);

impl PartialEq for Head {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Head {}
impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Head {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

/// A stream that is read in pieces of growing size.
struct Source<'a> {
    stream: &'a Stream,
    buffer: vec::IntoIter<Entry>,
    last: Option<Entry>,
    piece: u64,
    exhausted: bool,
}

impl<'a> Source<'a> {
    fn new(stream: &'a Stream, after: Option<Entry>) -> Self {
        Self {
            stream,
            buffer: Vec::new().into_iter(),
            last: after,
            piece: FIRST_PIECE,
            exhausted: false,
        }
    }

    fn next(&mut self, reading: &Reading<'_>) -> Result<Option<Entry>, StoreError> {
        if self.buffer.len() == 0 && !self.exhausted {
            let rows =
                self.stream
                    .chunk(reading.connection, reading.order, self.last.as_ref(), self.piece)?;
            self.exhausted = (rows.len() as u64) < self.piece;
            self.last = rows.last().copied().or(self.last);
            self.piece = (self.piece * 2).min(LARGEST_PIECE);
            self.buffer = rows.into_iter();
        }
        Ok(self.buffer.next())
    }
}

/// Takes rows in order and keeps those of the wanted part.
struct Cut<'a> {
    reading: &'a Reading<'a>,
    span: &'a Span,
    skipped: u64,
    tie: Vec<Entry>,
    kept: Vec<Entry>,
}

impl<'a> Cut<'a> {
    fn new(reading: &'a Reading<'a>, span: &'a Span) -> Self {
        Self {
            reading,
            span,
            skipped: 0,
            tie: Vec::new(),
            kept: Vec::new(),
        }
    }

    fn is_full(&self) -> bool {
        self.kept.len() as u64 >= self.span.limit
    }

    /// Adds the next row; says whether no more are needed.
    fn push(&mut self, entry: Entry) -> Result<bool, StoreError> {
        match self.tie.last() {
            // Two streams may hold the same message.
            Some(last) if last == &entry => return Ok(self.is_full()),
            Some(last) if !last.ties(&entry) => self.end_tie()?,
            Some(_) | None => {}
        }
        self.tie.push(entry);
        Ok(self.is_full())
    }

    fn end_tie(&mut self) -> Result<(), StoreError> {
        let Some(first) = self.tie.first() else {
            return Ok(());
        };
        let at_cursor = self.span.after.is_some_and(|after| after.ties(first));
        let seen = self.span.after_hash.as_ref().filter(|_| at_cursor);
        let passed = self.reading.settle(&mut self.tie, seen)?;
        for entry in self.tie.drain(..).skip(passed) {
            if self.skipped < self.span.offset {
                self.skipped += 1;
            } else if (self.kept.len() as u64) < self.span.limit {
                self.kept.push(entry);
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Entry>, StoreError> {
        self.end_tie()?;
        Ok(self.kept)
    }
}
