//! Lists of live messages.

mod drives;

use rusqlite::Connection;

use alephd_message::{Chain, ItemHash, Micros};
use alephd_rules::MessageStatus;

use super::{
    filter::{MessageFilter, Order, Sort, TypeSet, Window},
    lookup, message,
    message::MessageRow,
    plan::{Drive, Plan},
    stream::{self, Columns, Conditions, Stream},
    window::Span,
};
use crate::{Counter, Reader, StoreError, Term};

/// Columns of the streams over `messages`.
const COLUMNS: Columns = Columns {
    sort: None,
    time: "m.time",
    prefix: "m.prefix",
    id: "m.id",
};

impl Reader {
    /// Live messages.
    pub fn message_list(
        &self,
        filter: &MessageFilter,
        sort: Sort,
        order: Order,
        window: &Window,
    ) -> Result<Vec<MessageRow>, StoreError> {
        self.snapshot(|reader| {
            let span = match sort {
                Sort::Time => Span::from(window),
                Sort::TxTime => Span::from(&window.without_cursor()),
            };
            let entries = plan(reader, filter, sort, order)?.entries(reader, order, &span)?;
            message::by_ids(reader, entries.iter().map(|entry| entry.id))
        })
    }

    /// Number of live messages that match. One dimension, with or without types, is a sum of
    /// counters; more than that, a time or a block is counted over the index. Callers that need
    /// it often should keep it for a while.
    pub fn message_count(&self, filter: &MessageFilter) -> Result<u64, StoreError> {
        self.snapshot(|reader| {
            let Some(dimensions) = Dimensions::resolve(reader, filter)? else {
                return Ok(0);
            };
            match drives::cheapest(reader, &dimensions, false)? {
                Some(drive) => drive.count(reader),
                None => Ok(0),
            }
        })
    }

    /// How SQLite reads a list: one line for each statement that it may run. For tests and for
    /// finding out why a list is slow.
    pub fn message_explain(
        &self,
        filter: &MessageFilter,
        sort: Sort,
        order: Order,
    ) -> Result<Vec<String>, StoreError> {
        self.snapshot(|reader| plan(reader, filter, sort, order)?.explain(reader, order))
    }

    /// Hashes of live messages with their status and reception, in the order of reception.
    pub fn message_hashes(
        &self,
        status: Option<MessageStatus>,
        range: (Option<Micros>, Option<Micros>),
        order: Order,
        page: (u64, Option<u64>),
    ) -> Result<Vec<(ItemHash, MessageStatus, Micros)>, StoreError> {
        self.snapshot(|reader| {
            let direction = order.sql();
            let sql = format!(
                "SELECT m.hash, m.status, m.reception FROM messages m
                 WHERE m.id >= ? AND m.id <= ? AND m.status BETWEEN ? AND ? ORDER BY m.id {direction} LIMIT ? OFFSET ?"
            );
            let (first, last) = received_between(reader, range)?;
            let (low, high) = live_statuses(status);
            let (offset, limit) = (lookup::signed(page.0), lookup::signed(page.1.unwrap_or(u64::MAX)));
            let rows = stream::rows(reader, &sql, &[&first, &last, &low, &high, &limit, &offset], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, u8>(1)?, Micros(row.get(2)?)))
            })?;
            let rows = rows.into_iter().map(|(hash, status, reception)| {
                Ok((crate::codec::item_hash(&hash)?, crate::codec::status(status)?, reception))
            });
            rows.collect()
        })
    }

    /// Number of rows of [`Reader::message_hashes`]. With a range it reads the rows in it.
    pub fn message_hashes_count(
        &self,
        status: Option<MessageStatus>,
        range: (Option<Micros>, Option<Micros>),
    ) -> Result<u64, StoreError> {
        self.snapshot(|reader| {
            if status.is_none() && range == (None, None) {
                return live_count(reader);
            }
            let (first, last) = received_between(reader, range)?;
            let (low, high) = live_statuses(status);
            let count = stream::value::<i64>(
                reader,
                "SELECT count(*) FROM messages m WHERE m.id >= ? AND m.id <= ? AND m.status BETWEEN ? AND ?",
                &[&first, &last, &low, &high],
            )?;
            Ok(lookup::unsigned(count.unwrap_or(0)))
        })
    }
}

/// Number of all live messages.
pub(super) fn live_count(connection: &Connection) -> Result<u64, StoreError> {
    TypeSet::ALL
        .iter()
        .map(|kind| lookup::counter(connection, Counter::Type(kind)))
        .sum()
}

/// Bounds of the statuses of a live list; those of other statuses contain nothing.
fn live_statuses(status: Option<MessageStatus>) -> (u8, u8) {
    match status {
        None => (MessageStatus::Processed.index(), MessageStatus::Removing.index()),
        Some(status) if status.is_live() => (status.index(), status.index()),
        Some(_) => (u8::MAX, 0),
    }
}

/// The ids of messages received in a range: receptions grow with ids, so a binary search finds
/// the ends without an index.
fn received_between(
    connection: &Connection,
    (start, end): (Option<Micros>, Option<Micros>),
) -> Result<(i64, i64), StoreError> {
    let first = start.map_or(Ok(i64::MIN), |start| first_received(connection, start))?;
    let last = end.map_or(Ok(i64::MAX), |end| {
        first_received(connection, end).map(|id| id.saturating_sub(1))
    })?;
    Ok((first, last))
}

/// The smallest number such that all messages with that id or a greater one came at `time` or later.
fn first_received(connection: &Connection, time: Micros) -> Result<i64, StoreError> {
    let greatest: Option<Option<i64>> = stream::value(connection, "SELECT max(id) FROM messages", &[])?;
    let (mut low, mut high) = (1, greatest.flatten().unwrap_or(0).saturating_add(1));
    while low < high {
        let middle = low + (high - low) / 2;
        let reception: Option<i64> = stream::value(
            connection,
            "SELECT reception FROM messages WHERE id >= ? ORDER BY id LIMIT 1",
            &[&middle],
        )?;
        if reception.is_none_or(|reception| reception >= time.0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}

/// A filter with its texts resolved to ids.
struct Dimensions {
    types: TypeSet,
    senders: Option<Vec<i64>>,
    owners: Option<Vec<i64>>,
    channels: Option<Vec<i64>>,
    terms: Vec<TermDimension>,
    /// Chains that cannot be found by a term.
    chains: Vec<u8>,
    hashes: Vec<ItemHash>,
    bounds: (i64, i64),
    start_block: Option<i64>,
    end_block: Option<i64>,
}

/// One dimension of the inverted index.
struct TermDimension {
    ids: Vec<i64>,
    /// Whether a message has at most one value.
    single_valued: bool,
}

impl Dimensions {
    /// `None` if nothing can match.
    fn resolve(connection: &Connection, filter: &MessageFilter) -> Result<Option<Self>, StoreError> {
        let senders = lookup::ids(connection, &filter.senders, lookup::address_id)?;
        let owners = lookup::ids(connection, &filter.owners, lookup::address_id)?;
        let channels = lookup::ids(connection, &filter.channels, lookup::name_id)?;
        let unknown = [&senders, &owners, &channels]
            .into_iter()
            .flatten()
            .any(Vec::is_empty);
        let bounds = lookup::bounds(filter.start, filter.end);
        if unknown || filter.types.is_empty() || bounds.0 > bounds.1 {
            return Ok(None);
        }
        let mut hashes = filter.hashes.clone();
        hashes.sort_unstable();
        hashes.dedup();
        let mut chains: Vec<_> = filter.chains.iter().map(|chain| chain.index()).collect();
        let mut terms = term_dimensions(filter);
        if !chains.is_empty() && !filter.chains.contains(&Chain::Eth) {
            terms.extend(TermDimension::of(chains.drain(..), |index| {
                Term::Chain(index).id()
            }));
        }
        Ok(Some(Self {
            types: filter.types,
            senders,
            owners,
            channels,
            terms,
            chains,
            hashes,
            bounds,
            start_block: filter.start_block,
            end_block: filter.end_block,
        }))
    }
}

fn term_dimensions(filter: &MessageFilter) -> Vec<TermDimension> {
    let tags = TermDimension::of(&filter.tags, |text| Term::Tag(text).id()).map(|dimension| TermDimension {
        single_valued: dimension.ids.len() < 2,
        ..dimension
    });
    let dimensions = [
        TermDimension::of(&filter.references, |text| Term::Reference(text).id()),
        TermDimension::of(&filter.content_types, |text| Term::ContentType(text).id()),
        TermDimension::of(&filter.content_keys, |text| Term::ContentKey(text).id()),
        TermDimension::of(&filter.content_hashes, |hash| Term::ContentHash(hash).id()),
        TermDimension::of(&filter.payments, |payment| Term::Payment(payment.index()).id()),
        tags,
    ];
    dimensions.into_iter().flatten().collect()
}

impl TermDimension {
    /// `None` for a filter without values.
    fn of<T>(values: impl IntoIterator<Item = T>, id: impl Fn(T) -> i64) -> Option<Self> {
        let mut ids: Vec<_> = values.into_iter().map(id).collect();
        ids.sort_unstable();
        ids.dedup();
        (!ids.is_empty()).then_some(Self {
            ids,
            single_valued: true,
        })
    }
}

/// Decides how a list is read.
fn plan(
    connection: &Connection,
    filter: &MessageFilter,
    sort: Sort,
    order: Order,
) -> Result<Plan, StoreError> {
    let Some(dimensions) = Dimensions::resolve(connection, filter)? else {
        return Ok(Plan::nothing());
    };
    let Some(drive) = drives::cheapest(connection, &dimensions, sort == Sort::TxTime)? else {
        return Ok(Plan::nothing());
    };
    match sort {
        Sort::Time => drive.into_plan(|| drives::everything(connection, &dimensions)),
        Sort::TxTime if drive.is_small() => Ok(Plan::Collect(by_confirmation(drive.into_streams()))),
        Sort::TxTime => Ok(Plan::Concatenate(confirmed_and_not(&dimensions, order))),
    }
}

/// Streams that tell the time of confirmation.
fn by_confirmation(streams: Vec<Stream>) -> Vec<Stream> {
    let told = streams.into_iter().map(|mut stream| {
        stream.columns.sort = Some("m.confirmed_at");
        stream
    });
    told.collect()
}

/// All live messages by confirmation: the unconfirmed ones are the latest.
fn confirmed_and_not(dimensions: &Dimensions, order: Order) -> Vec<Stream> {
    let rest = dimensions.rest(Fixed::Nothing);
    let stream = |from: &str, condition: &str, sort| {
        let mut conditions = Conditions::new(condition, []);
        conditions.and_all(&rest);
        Stream {
            from: from.to_owned(),
            columns: Columns { sort, ..COLUMNS },
            conditions,
            bounds: dimensions.bounds,
        }
    };
    let unconfirmed = stream(
        "messages m INDEXED BY messages_time",
        "m.status <= 1 AND m.confirmed_at IS NULL",
        None,
    );
    let confirmed = stream(
        "messages m INDEXED BY messages_confirmed",
        "m.status <= 1 AND m.confirmed_at IS NOT NULL",
        Some("m.confirmed_at"),
    );
    match order {
        _ if dimensions.end_block.is_some() => vec![confirmed],
        Order::Descending => vec![unconfirmed, confirmed],
        Order::Ascending => vec![confirmed, unconfirmed],
    }
}

/// The dimension that the streams of a drive fix already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fixed {
    Nothing,
    Hashes,
    /// The dimension of terms with this number.
    Terms(usize),
    /// Sender and type, and so on.
    Senders,
    Owners,
    Channels,
    Types,
}

impl Dimensions {
    /// The conditions for all dimensions that are not fixed.
    fn rest(&self, fixed: Fixed) -> Conditions {
        let mut rest = Conditions::default();
        let types_fixed = matches!(
            fixed,
            Fixed::Senders | Fixed::Owners | Fixed::Channels | Fixed::Types
        );
        if self.types != TypeSet::ALL && !types_fixed {
            rest.and("(1 << m.type) & ? <> 0", [self.types.bits().into()]);
        }
        let columns = [
            ("m.sender", &self.senders, Fixed::Senders),
            ("m.owner", &self.owners, Fixed::Owners),
            ("m.channel", &self.channels, Fixed::Channels),
        ];
        for (column, ids, own) in columns {
            if let Some(ids) = ids.as_ref().filter(|_| fixed != own) {
                // The sign keeps SQLite from reading another index than the one named.
                rest.and_list(&format!("+{column} IN (SELECT value FROM json_each(?))"), ids);
            }
        }
        if !self.chains.is_empty() {
            rest.and_list("m.chain IN (SELECT value FROM json_each(?))", &self.chains);
        }
        for (index, dimension) in self.terms.iter().enumerate() {
            if fixed != Fixed::Terms(index) {
                rest.and_list(
                    "EXISTS (SELECT 1 FROM terms x WHERE x.term IN (SELECT value FROM json_each(?)) \
                     AND x.time = m.time AND x.prefix = m.prefix AND x.message = m.id)",
                    &dimension.ids,
                );
            }
        }
        if let Some(start) = self.start_block {
            rest.and(
                "(m.confirmed_height IS NULL OR m.confirmed_height >= ?)",
                [start.into()],
            );
        }
        if let Some(end) = self.end_block {
            rest.and("+m.confirmed_height < ?", [end.into()]);
        }
        rest
    }
}
