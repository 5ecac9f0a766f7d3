//! Lists of posts.

use rusqlite::Connection;

use alephd_message::ItemHash;

use super::{
    filter::{Order, PostFilter, Sort, Window},
    lookup,
    plan::{Drive, MAX_STREAMS, Plan},
    post,
    post::PostRow,
    stream::{self, Columns, Conditions, Stream},
    window::Span,
};
use crate::{Counter, Reader, StoreError, Term};

const COLUMNS: Columns = Columns {
    sort: None,
    time: "p.updated",
    prefix: "p.prefix",
    id: "p.id",
};
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
            entries
                .iter()
                .map(|entry| post::by_id(reader, entry.id))
                .collect()
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
        let filter = PostFilter {
            hashes: vec![original.clone()],
            ..PostFilter::default()
        };
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
    /// Owner and type.
    Owners,
    Types,
    Channels,
}

fn plan(connection: &Connection, filter: &PostFilter, sort: Sort, order: Order) -> Result<Plan, StoreError> {
    let Some(dimensions) = Dimensions::resolve(connection, filter)? else {
        return Ok(Plan::nothing());
    };
    let drive = dimensions.cheapest(connection)?;
    match sort {
        Sort::Time => drive.into_plan(|| dimensions.everything(connection)),
        Sort::TxTime if drive.is_small() => Ok(Plan::Collect(by_confirmation(drive.into_streams()))),
        Sort::TxTime => Ok(Plan::Concatenate(dimensions.confirmed_and_not(order))),
    }
}

/// Streams that tell confirmation and time of the original.
fn by_confirmation(streams: Vec<Stream>) -> Vec<Stream> {
    let told = streams.into_iter().map(|mut stream| {
        let (low, high) = std::mem::replace(&mut stream.bounds, ALL);
        if (low, high) != ALL {
            let text = format!("{0} >= ? AND {0} <= ?", stream.columns.time);
            stream.conditions.and(&text, [low.into(), high.into()]);
        }
        stream
            .from
            .push_str(&format!(" CROSS JOIN messages m ON m.id = {}", stream.columns.id));
        stream.columns = Columns {
            sort: Some("m.confirmed_at"),
            time: "m.time",
            ..stream.columns
        };
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
        let unknown = [&owners, &types, &channels, &originals]
            .into_iter()
            .flatten()
            .any(Vec::is_empty);
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
        Ok(Some(Self {
            owners,
            types,
            channels,
            originals,
            references,
            tags,
            bounds,
        }))
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
        drive.add(
            self.stream("posts p INDEXED BY posts_updated", Conditions::new("TRUE", [])),
            posts,
        );
        Ok(drive)
    }

    fn by_original(&self, originals: &[i64]) -> Drive {
        let mut drive = self.drive(Fixed::Originals);
        for original in originals {
            drive.add(
                self.stream("posts p", Conditions::new("p.id = ?", [*original])),
                1,
            );
        }
        // A known message need not be a live post.
        drive.exact = false;
        drive.ordered = false;
        drive
    }

    /// The counter of a term counts messages, so at least the posts that have it.
    fn by_term(&self, connection: &Connection, fixed: Fixed, terms: &[i64]) -> Result<Drive, StoreError> {
        let mut drive = self.drive(fixed);
        drive.exact = false;
        drive.disjoint = fixed == Fixed::References || terms.len() == 1;
        let joined = !drive.rest.is_empty();
        let from = if joined {
            "post_terms t CROSS JOIN posts p ON p.id = t.post"
        } else {
            "post_terms t"
        };
        for term in terms {
            let count = lookup::term_count(connection, *term)?;
            if count == 0 {
                continue;
            }
            let stream = Stream {
                from: from.to_owned(),
                columns: Columns {
                    sort: None,
                    time: "t.updated",
                    prefix: "t.prefix",
                    id: "t.post",
                },
                conditions: Conditions::new("t.term = ?", [*term]),
                bounds: self.bounds,
            };
            drive.add(stream, count);
        }
        Ok(drive)
    }

    /// The index by owner has the order of the list within each type only.
    fn by_owner(&self, connection: &Connection, owners: &[i64]) -> Result<Drive, StoreError> {
        let index = "posts p INDEXED BY posts_owner";
        let mut drive = self.drive(Fixed::Owners);
        drive.exact = self.types.is_none();
        for &owner in owners {
            let count = lookup::counter(connection, Counter::PostsOfOwner(owner))?;
            if count == 0 {
                continue;
            }
            drive.estimate = drive.estimate.saturating_add(count);
            let types = match &self.types {
                Some(types) => Some(types.clone()),
                None => types_of_owner(connection, owner)?,
            };
            let Some(types) = types else {
                drive.ordered = false;
                drive.add(self.stream(index, Conditions::new("p.owner = ?", [owner])), 0);
                continue;
            };
            for kind in types {
                drive.add(
                    self.stream(
                        index,
                        Conditions::new("p.owner = ? AND p.type = ?", [owner, kind]),
                    ),
                    0,
                );
            }
        }
        Ok(drive)
    }

    fn by_column(&self, connection: &Connection, fixed: Fixed, ids: &[i64]) -> Result<Drive, StoreError> {
        let mut drive = self.drive(fixed);
        for &id in ids {
            let (counter, index, condition) = if fixed == Fixed::Types {
                (
                    Counter::PostsOfType(id),
                    "posts p INDEXED BY posts_type",
                    "p.type = ?",
                )
            } else {
                (
                    Counter::PostsInChannel(id),
                    "posts p INDEXED BY posts_channel",
                    "p.channel = ?",
                )
            };
            let count = lookup::counter(connection, counter)?;
            if count > 0 {
                drive.add(self.stream(index, Conditions::new(condition, [id])), count);
            }
        }
        Ok(drive)
    }

    /// All posts by confirmation of the original: the unconfirmed ones are the latest.
    fn confirmed_and_not(&self, order: Order) -> Vec<Stream> {
        let stream = |index: &str, condition: &str, sort| {
            let mut conditions = Conditions::new(condition, []);
            conditions.and_all(&self.rest(Fixed::Nothing));
            if self.bounds != ALL {
                conditions.and(
                    "p.updated >= ? AND p.updated <= ?",
                    [self.bounds.0.into(), self.bounds.1.into()],
                );
            }
            Stream {
                from: format!("messages m INDEXED BY {index} CROSS JOIN posts p ON p.id = m.id"),
                columns: Columns {
                    sort,
                    time: "m.time",
                    prefix: "m.prefix",
                    id: "m.id",
                },
                conditions,
                bounds: ALL,
            }
        };
        let unconfirmed = stream("messages_time", "m.status <= 1 AND m.confirmed_at IS NULL", None);
        let confirmed = stream(
            "messages_confirmed",
            "m.status <= 1 AND m.confirmed_at IS NOT NULL",
            Some("m.confirmed_at"),
        );
        match order {
            Order::Descending => vec![unconfirmed, confirmed],
            Order::Ascending => vec![confirmed, unconfirmed],
        }
    }

    fn drive(&self, fixed: Fixed) -> Drive {
        Drive::new(self.rest(fixed))
    }

    fn stream(&self, from: &str, conditions: Conditions) -> Stream {
        Stream {
            from: from.to_owned(),
            columns: COLUMNS,
            conditions,
            bounds: self.bounds,
        }
    }

    /// The conditions for all dimensions that are not fixed.
    fn rest(&self, fixed: Fixed) -> Conditions {
        let mut rest = Conditions::default();
        let columns = [
            ("p.owner", &self.owners, fixed == Fixed::Owners),
            (
                "p.type",
                &self.types,
                matches!(fixed, Fixed::Owners | Fixed::Types),
            ),
            ("p.channel", &self.channels, fixed == Fixed::Channels),
            ("p.id", &self.originals, fixed == Fixed::Originals),
        ];
        for (column, ids, is_fixed) in columns {
            if let Some(ids) = ids.as_ref().filter(|_| !is_fixed) {
                // The sign keeps SQLite from reading another index than the one named.
                rest.and_list(&format!("+{column} IN (SELECT value FROM json_each(?))"), ids);
            }
        }
        for (terms, own) in [(&self.references, Fixed::References), (&self.tags, Fixed::Tags)] {
            if !terms.is_empty() && fixed != own {
                rest.and_list(
                    "EXISTS (SELECT 1 FROM post_terms x WHERE x.term IN (SELECT value FROM json_each(?)) \
                     AND x.updated = p.updated AND x.prefix = p.prefix AND x.post = p.id)",
                    terms,
                );
            }
        }
        rest
    }
}

/// The ids of those messages that are known; `None` for an absent filter.
fn original_ids(connection: &Connection, hashes: &[ItemHash]) -> Result<Option<Vec<i64>>, StoreError> {
    if hashes.is_empty() {
        return Ok(None);
    }
    let mut ids = Vec::with_capacity(hashes.len());
    for hash in hashes {
        ids.extend(lookup::message_id(connection, hash)?);
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(Some(ids))
}

/// The types that an owner uses, skipping from one to the next in the index; `None` if they are
/// more than a merge reads.
fn types_of_owner(connection: &Connection, owner: i64) -> Result<Option<Vec<i64>>, StoreError> {
    let mut types = Vec::new();
    let mut last = i64::MIN;
    while let Some(next) = stream::value(
        connection,
        "SELECT type FROM posts INDEXED BY posts_owner WHERE owner = ? AND type > ? ORDER BY type LIMIT 1",
        &[&owner, &last],
    )? {
        if types.len() == MAX_STREAMS {
            return Ok(None);
        }
        types.push(next);
        last = next;
    }
    Ok(Some(types))
}
