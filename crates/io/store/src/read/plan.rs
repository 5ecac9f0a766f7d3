//! How a list is read: the streams, and what is done with them.

use std::collections::HashSet;

use rusqlite::Connection;

use super::{
    filter::Order,
    stream::{Conditions, Entry, Stream},
    window::{Reading, Span, Ties},
};
use crate::StoreError;

/// Most streams that a merge reads side by side: each costs a statement per page.
pub(super) const MAX_STREAMS: usize = 512;
/// Most rows that are collected and sorted for one page: some tens of milliseconds.
pub(super) const MAX_COLLECTED: u64 = 50_000;
/// How much dearer a row is that must be looked up to be filtered: an entry of an index takes
/// a fraction of a microsecond, a row a few.
const LOOKUP_COST: u64 = 4;

/// A list, ready to be read.
#[derive(Clone, Debug)]
pub(super) enum Plan {
    /// Several ordered streams at once.
    Merge(Vec<Stream>),
    /// Ordered streams one after the other.
    Concatenate(Vec<Stream>),
    /// Streams in no useful order, sorted after reading.
    Collect(Vec<Stream>),
}

impl Plan {
    /// A list without rows.
    pub(super) fn nothing() -> Self {
        Self::Merge(Vec::new())
    }

    pub(super) fn entries(
        &self,
        connection: &Connection,
        order: Order,
        span: &Span,
    ) -> Result<Vec<Entry>, StoreError> {
        let reading = Reading {
            connection,
            order,
            ties: Ties::ItemHash,
        };
        match self {
            Self::Merge(streams) => reading.merge(streams, span),
            Self::Concatenate(streams) => reading.concatenate(streams, span),
            Self::Collect(streams) => reading.collect(streams, span),
        }
    }

    pub(super) fn streams(&self) -> &[Stream] {
        let (Self::Merge(streams) | Self::Concatenate(streams) | Self::Collect(streams)) = self;
        streams
    }

    /// What SQLite does for each statement.
    pub(super) fn explain(&self, connection: &Connection, order: Order) -> Result<Vec<String>, StoreError> {
        let ordered = !matches!(self, Self::Collect(_));
        let plans = self
            .streams()
            .iter()
            .map(|stream| stream.explain(connection, order, ordered));
        Ok(plans.collect::<Result<Vec<_>, _>>()?.concat())
    }
}

/// One way to reach the rows of a filter: by the values of one of its dimensions.
#[derive(Clone, Debug)]
pub(super) struct Drive {
    /// Index ranges of that dimension.
    pub(super) streams: Vec<Stream>,
    /// Conditions for the other dimensions.
    pub(super) rest: Conditions,
    /// Rows in the streams before `rest` and the bounds of time.
    pub(super) estimate: u64,
    /// Whether the estimate is the number itself.
    pub(super) exact: bool,
    /// Whether no row is in two streams.
    pub(super) disjoint: bool,
    /// Whether the streams have the order of the list.
    pub(super) ordered: bool,
}

impl Drive {
    /// A drive without streams.
    pub(super) fn new(rest: Conditions) -> Self {
        Self {
            streams: Vec::new(),
            rest,
            estimate: 0,
            exact: true,
            disjoint: true,
            ordered: true,
        }
    }

    pub(super) fn add(&mut self, stream: Stream, rows: u64) {
        self.streams.push(stream);
        self.estimate = self.estimate.saturating_add(rows);
    }

    fn cost(&self) -> u64 {
        let factor = if self.rest.is_empty() { 1 } else { LOOKUP_COST };
        self.estimate
            .saturating_mul(factor)
            .saturating_add(self.streams.len() as u64)
    }

    /// The cheapest of several.
    pub(super) fn cheapest(drives: Vec<Self>) -> Option<Self> {
        drives.into_iter().min_by_key(Self::cost)
    }

    pub(super) fn is_small(&self) -> bool {
        self.estimate <= MAX_COLLECTED
    }

    /// How a list in the order of the streams is read.
    pub(super) fn into_plan(
        self,
        everything: impl FnOnce() -> Result<Self, StoreError>,
    ) -> Result<Plan, StoreError> {
        if self.ordered && self.streams.len() <= MAX_STREAMS {
            Ok(Plan::Merge(self.into_streams()))
        } else if self.is_small() {
            Ok(Plan::Collect(self.into_streams()))
        } else {
            Ok(Plan::Merge(everything()?.into_streams()))
        }
    }

    /// The streams with all conditions.
    pub(super) fn into_streams(self) -> Vec<Stream> {
        let rest = self.rest;
        let filtered = self.streams.into_iter().map(|mut stream| {
            stream.conditions.and_all(&rest);
            stream
        });
        filtered.collect()
    }

    /// Number of rows.
    pub(super) fn count(self, connection: &Connection) -> Result<u64, StoreError> {
        let bounded = self
            .streams
            .iter()
            .any(|stream| stream.bounds != (i64::MIN, i64::MAX));
        if self.exact && self.disjoint && self.rest.is_empty() && !bounded {
            return Ok(self.estimate);
        }
        let disjoint = self.disjoint;
        let streams = self.into_streams();
        if disjoint {
            return streams.iter().map(|stream| stream.count(connection)).sum();
        }
        let mut ids = HashSet::new();
        for stream in streams {
            ids.extend(stream.all(connection)?.iter().map(|entry| entry.id));
        }
        Ok(ids.len() as u64)
    }
}
