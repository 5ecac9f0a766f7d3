//! Lists of posts.

use rusqlite::Connection;

use alephd_message::ItemHash;

use super::{
    filter::{Order, PostFilter, Sort, Window},
    lookup,
    plan::{Drive, MAX_COLLECTED, MAX_STREAMS, Plan},
    post,
    post::PostRow,
    stream::{self, Columns, Conditions, Stream},
    window::Span,
};
use crate::{Counter, Reader, StoreError, Term};

const COLUMNS: Columns = Columns { sort: None, time: "p.updated", prefix: "p.prefix", id: "p.id" };
const ALL: (i64, i64) = (i64::MIN, i64::MAX);

impl Reader {
    /// Posts by last update, or by the earliest confirmation and the time of the original.
    pub fn post_list(
        &self,
        filter: &PostFilter,
        sort: Sort,
        order: Order,
        window: &Window,
    ) -> Result<Vec<PostRow>, StoreError> {
        self.snapshot(|reader| {
            let span = match sort {
                Sort::Time => Span::from(window),
                Sort::TxTime => Span::from(&window.without_cursor()),
            };
            let entries = plan(reader, filter, sort, order)?.entries(reader, order, &span)?;
            entries.iter().map(|entry| post::by_id(reader, entry.id)).collect()
        })
    }

    /// Number of posts that match: a counter for one dimension, else counted over the index.
    pub fn post_count(&self, filter: &PostFilter) -> Result<u64, StoreError> {
        self.snapshot(|reader| match Dimensions::resolve(reader, filter)? {
            Some(dimensions) => dimensions.cheapest(reader)?.count(reader),
            None => Ok(0),
        })
    }

    /// How SQLite reads such a list.
    pub fn post_explain(
        &self,
        filter: &PostFilter,
        sort: Sort,
        order: Order,
    ) -> Result<Vec<String>, StoreError> {
        self.snapshot(|reader| plan(reader, filter, sort, order)?.explain(reader, order))
    }

    /// The post whose original has this name.
    pub fn post_get(&self, original: &ItemHash) -> Result<Option<PostRow>, StoreError> {
        let filter = PostFilter { hashes: vec![original.clone()], ..PostFilter::default() };
        let posts = self.post_list(&filter, Sort::Time, Order::Descending, &Window::first(1))?;
        Ok(posts.into_iter().next())
    }
}

/// A filter with its texts resolved to ids.
struct Dimensions {
    owners: Option<Vec<i64>>,
    types: Option<Vec<i64>>,
    channels: Option<Vec<i64>>,
    /// Ids of originals.
    originals: Option<Vec<i64>>,
    references: Vec<i64>,
    tags: Vec<i64>,
    bounds: (i64, i64),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fixed {
    Nothing,
    Originals,
    References,
    Tags,
    Owners,
    OwnersAndTypes,
    Types,
    Channels,
}

fn plan(
    connection: &Connection,
    filter: &PostFilter,
    sort: Sort,
    order: Order,
) -> Result<Plan, StoreError> {
    let Some(dimensions) = Dimensions::resolve(connection, filter)? else { return Ok(Plan::nothing()) };
    let drive = dimensions.cheapest(connection)?;
    let unordered = dimensions.originals.is_some();
    Ok(match sort {
        Sort::Time if unordered => Plan::Collect(drive.into_streams()),
        Sort::Time if drive.streams.len() <= MAX_STREAMS => Plan::Merge(drive.into_streams()),
        Sort::Time if drive.is_small() => Plan::Collect(drive.into_streams()),
        Sort::Time => Plan::Merge(dimensions.everything(connection)?.into_streams()),
        Sort::TxTime if unordered || drive.is_small() => Plan::Collect(by_confirmation(drive.into_streams())),
        Sort::TxTime => Plan::Concatenate(dimensions.confirmed_and_not(order)),
    })
}

/// Streams that tell confirmation and time of the original.
fn by_confirmation(streams: Vec<Stream>) -> Vec<Stream> {
    let told = streams.into_iter().map(|mut stream| {
        let (low, high) = std::mem::replace(&mut stream.bounds, ALL);
        if (low, high) != ALL {
            let text = format!("{0} >= ? AND {0} <= ?", stream.columns.time);
            stream.conditions.and(&text, [low.into(), high.into()]);
        }
        stream.from.push_str(&format!(" CROSS JOIN messages m ON m.id = {}", stream.columns.id));
        stream.columns = Columns { sort: Some("m.confirmed_at"), time: "m.time", ..stream.columns };
        stream
    });
    told.collect()
}

impl Dimensions {
    /// `None` if nothing can match.
    fn resolve(connection: &Connection, filter: &PostFilter) -> Result<Option<Self>, StoreError> {
        let owners = lookup::ids(connection, &filter.owners, lookup::address_id)?;
        let types = lookup::ids(connection, &filter.types, lookup::name_id)?;
        let channels = lookup::ids(connection, &filter.channels, lookup::name_id)?;
        let originals = original_ids(connection, &filter.hashes)?;
        let unknown = [&owners, &types, &channels, &originals].into_iter().flatten().any(Vec::is_empty);
        let bounds = lookup::bounds(filter.start, filter.end);
        if unknown || bounds.0 > bounds.1 {
            return Ok(None);
        }
        let terms = |texts: &[String], id: fn(&str) -> i64| {
            let mut ids: Vec<_> = texts.iter().map(|text| id(text)).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        let references = terms(&filter.references, |text| Term::Reference(text).id());
        let tags = terms(&filter.tags, |text| Term::Tag(text).id());
        Ok(Some(Self { owners, types, channels, originals, references, tags, bounds }))
    }

    fn cheapest(&self, connection: &Connection) -> Result<Drive, StoreError> {
        if let Some(originals) = &self.originals {
            return Ok(self.by_original(originals));
        }
        let mut drives = Vec::new();
        if !self.references.is_empty() {
            drives.push(self.by_term(connection, Fixed::References, &self.references)?);
        }
        if !self.tags.is_empty() {
            drives.push(self.by_term(connection, Fixed::Tags, &self.tags)?);
        }
        if let Some(owners) = &self.owners {
            drives.push(self.by_owner(connection, owners)?);
        }
        if let Some(types) = &self.types {
            drives.push(self.by_column(connection, Fixed::Types, types)?);
        }
        if let Some(channels) = &self.channels {
            drives.push(self.by_column(connection, Fixed::Channels, channels)?);
        }
        let everything = self.everything(connection)?;
        drives.push(everything.clone());
        Ok(Drive::cheapest(drives).unwrap_or(everything))
    }

    fn everything(&self, connection: &Connection) -> Result<Drive, StoreError> {
        let mut drive = self.drive(Fixed::Nothing);
        let posts = lookup::counter(connection, Counter::Posts)?;
        drive.add(self.stream("posts p INDEXED BY posts_updated", Conditions::new("TRUE", [])), posts);
        Ok(drive)
    }

    fn by_original(&self, originals: &[i64]) -> Drive {
        let mut drive = self.drive(Fixed::Originals);
        for original in originals {
            drive.add(self.stream("posts p", Conditions::new("p.id = ?", [*original])), 1);
        }
        // A known message need not be a live post: the estimate is no count.
        drive.disjoint = false;
        drive
    }

    /// The counter of a term counts messages, so at least the posts that have it.
    fn by_term(&self, connection: &Connection, fixed: Fixed, terms: &[i64]) -> Result<Drive, StoreError> {
        let mut drive = self.drive(fixed);
        drive.disjoint = false;
        let joined = !drive.rest.is_empty();
        for term in terms {
            let count = lookup::counter(connection, Counter::Term(*term))?;
            let stream = Stream {
                from: if joined { "post_terms t CROSS JOIN posts p ON p.id = t.post" } else { "post_terms t" }
                    .to_owned(),
                columns: Columns { sort: None, time: "t.updated", prefix: "t.prefix", id: "t.post" },
                conditions: Conditions::new("t.term = ?", [*term]),
                bounds: self.bounds,
            };
            drive.add(stream, count);
        }
        Ok(drive)
    }

    /// Owner and type together where the owner uses few types, so that the index gives the order.
    fn by_owner(&self, connection: &Connection, owners: &[i64]) -> Result<Drive, StoreError> {
        let mut drive = self.drive(Fixed::OwnersAndTypes);
        for &owner in owners {
            let posts = lookup::counter(connection, Counter::PostsOfOwner(owner))?;
            if posts == 0 {
                continue;
            }
            let types = match &self.types {
                Some(types) => types.clone(),
                None => types_of_owner(connection, owner)?,
            };
            let few = types.len() <= MAX_STREAMS;
            for &kind in types.iter().filter(|_| few) {
                let conditions = Conditions::new("p.owner = ? AND p.type = ?", [owner, kind]);
                drive.add(self.stream("posts p INDEXED BY posts_owner", conditions), 0);
            }
            if !few {
                // Too many to merge: the plan will collect or look elsewhere.
                for kind in types {
                    let conditions = Conditions::new("p.owner = ? AND p.type = ?", [owner, kind]);
                    drive.streams.push(self.stream("posts p INDEXED BY posts_owner", conditions));
                }
            }
            drive.estimate = drive.estimate.saturating_add(posts);
        }
        drive.exact = self.types.is_none();
        Ok(drive)
    }

    fn by_column(&self, connection: &Connection, fixed: Fixed, ids: &[i64]) -> Result<Drive, StoreError> {
        let mut drive = self.drive(fixed);
        for &id in ids {
            let (counter, index, condition) = if fixed == Fixed::Types {
                (Counter::PostsOfType(id), "posts p INDEXED BY posts_type", "p.type = ?")
            } else {
                (Counter::PostsInChannel(id), "posts p INDEXED BY posts_channel", "p.channel = ?")
            };
            let count = lookup::counter(connection, counter)?;
            if count > 0 {
                drive.add(self.stream(index, Conditions::new(condition, [id])), count);
            }
        }
        Ok(drive)
    }
}
