//! The ways to reach the messages of a filter, one for each of its dimensions.

use rusqlite::Connection;

use alephd_message::MessageType;

use super::{COLUMNS, Dimensions, Drive, Fixed};
use crate::{
    Counter, StoreError,
    read::{
        lookup,
        plan::MAX_COLLECTED,
        stream::{self, Columns, Conditions, Stream},
    },
};

/// The drive that reads the fewest rows; `None` if nothing can match. With `joined` every stream
/// has the row of the message at hand.
pub(super) fn cheapest(
    connection: &Connection,
    dimensions: &Dimensions,
    joined: bool,
) -> Result<Option<Drive>, StoreError> {
    if !dimensions.hashes.is_empty() {
        return Ok(Some(by_hash(dimensions)));
    }
    let mut drives = Vec::new();
    for index in 0..dimensions.terms.len() {
        drives.push(by_term(connection, dimensions, index, joined)?);
    }
    if let Some(senders) = &dimensions.senders {
        drives.push(by_sender(connection, dimensions, senders)?);
    }
    if let Some(owners) = &dimensions.owners {
        drives.push(by_owner(connection, dimensions, owners)?);
    }
    if let Some(channels) = &dimensions.channels {
        drives.push(by_channel(connection, dimensions, channels)?);
    }
    if joined {
        drives.extend(by_height(connection, dimensions)?);
    }
    drives.push(everything(connection, dimensions)?);
    Ok(Drive::cheapest(drives))
}

/// All live messages, or all of some types.
pub(super) fn everything(connection: &Connection, dimensions: &Dimensions) -> Result<Drive, StoreError> {
    if dimensions.types == super::TypeSet::ALL {
        let mut drive = dimensions.drive(Fixed::Nothing);
        let stream = dimensions.stream("messages_time", Conditions::new("m.status <= 1", []));
        drive.add(stream, super::live_count(connection)?);
        return Ok(drive);
    }
    let mut drive = dimensions.drive(Fixed::Types);
    for kind in dimensions.types.iter() {
        let count = lookup::counter(connection, Counter::Type(kind))?;
        if count > 0 {
            let conditions = Conditions::new("m.status <= 1 AND m.type = ?", [kind.index().into()]);
            drive.add(dimensions.stream("messages_type", conditions), count);
        }
    }
    Ok(drive)
}

fn by_hash(dimensions: &Dimensions) -> Drive {
    let mut drive = dimensions.drive(Fixed::Hashes);
    for hash in &dimensions.hashes {
        let mut conditions = Conditions::new("m.status <= 1 AND m.prefix = ?", [hash.order_prefix()]);
        conditions.and("m.hash = ?", [rusqlite::types::Value::Blob(hash.key().to_vec())]);
        drive.add(dimensions.stream("messages_hash", conditions), 1);
    }
    // Not every hash need exist or match.
    drive.exact = false;
    drive.ordered = false;
    drive
}

fn by_term(
    connection: &Connection,
    dimensions: &Dimensions,
    index: usize,
    joined: bool,
) -> Result<Drive, StoreError> {
    let dimension = &dimensions.terms[index];
    let mut drive = dimensions.drive(Fixed::Terms(index));
    drive.disjoint = dimension.single_valued;
    let joined = joined || !drive.rest.is_empty();
    for term in &dimension.ids {
        let count = lookup::term_count(connection, *term)?;
        if count == 0 {
            continue;
        }
        let stream = Stream {
            from: if joined {
                "terms t CROSS JOIN messages m ON m.id = t.message"
            } else {
                "terms t"
            }
            .to_owned(),
            columns: Columns {
                sort: None,
                time: "t.time",
                prefix: "t.prefix",
                id: "t.message",
            },
            conditions: Conditions::new("t.term = ?", [*term]),
            bounds: dimensions.bounds,
        };
        drive.add(stream, count);
    }
    Ok(drive)
}

/// Messages of an address by type, as (type, number).
fn sent(
    connection: &Connection,
    dimensions: &Dimensions,
    sender: i64,
) -> Result<Vec<(MessageType, u64)>, StoreError> {
    let rows: Vec<(u8, i64)> = stream::rows(
        connection,
        "SELECT type, n FROM sent WHERE address = ? AND n > 0",
        &[&sender],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let mut sent = Vec::with_capacity(rows.len());
    for (kind, count) in rows {
        let kind = crate::codec::message_type(kind)?;
        if dimensions.types.contains(kind) {
            sent.push((kind, lookup::unsigned(count)));
        }
    }
    Ok(sent)
}

fn by_sender(connection: &Connection, dimensions: &Dimensions, senders: &[i64]) -> Result<Drive, StoreError> {
    let mut drive = dimensions.drive(Fixed::Senders);
    for sender in senders {
        for (kind, count) in sent(connection, dimensions, *sender)? {
            drive.add(
                dimensions.stream("messages_sender", sent_by(*sender, kind)),
                count,
            );
        }
    }
    Ok(drive)
}

fn sent_by(sender: i64, kind: MessageType) -> Conditions {
    Conditions::new(
        "m.status <= 1 AND m.sender = ? AND m.type = ?",
        [sender, kind.index().into()],
    )
}

/// Messages for an owner are those that it sent for itself and those that others sent.
fn by_owner(connection: &Connection, dimensions: &Dimensions, owners: &[i64]) -> Result<Drive, StoreError> {
    let mut drive = dimensions.drive(Fixed::Owners);
    for &owner in owners {
        for (kind, count) in sent(connection, dimensions, owner)? {
            let for_others = lookup::counter(connection, Counter::SentForOther(owner, kind))?;
            let mut conditions = sent_by(owner, kind);
            if for_others > 0 {
                conditions.and("+m.owner = m.sender", []);
            }
            if count > for_others {
                drive.add(
                    dimensions.stream("messages_sender", conditions),
                    count - for_others,
                );
            }
        }
        for kind in dimensions.types.iter() {
            let count = lookup::counter(connection, Counter::OwnedByOther(owner, kind))?;
            if count > 0 {
                let conditions = Conditions::new(
                    "m.status <= 1 AND m.owner <> m.sender AND m.owner = ? AND m.type = ?",
                    [owner, kind.index().into()],
                );
                drive.add(dimensions.stream("messages_owner", conditions), count);
            }
        }
    }
    Ok(drive)
}

fn by_channel(
    connection: &Connection,
    dimensions: &Dimensions,
    channels: &[i64],
) -> Result<Drive, StoreError> {
    let mut drive = dimensions.drive(Fixed::Channels);
    for &channel in channels {
        for kind in dimensions.types.iter() {
            let count = lookup::counter(connection, Counter::Channel(channel, kind))?;
            if count > 0 {
                let conditions = Conditions::new(
                    "m.status <= 1 AND m.channel = ? AND m.type = ?",
                    [channel, kind.index().into()],
                );
                drive.add(dimensions.stream("messages_channel", conditions), count);
            }
        }
    }
    Ok(drive)
}

/// Messages confirmed in a range of blocks, in no useful order and so only if they are few.
fn by_height(connection: &Connection, dimensions: &Dimensions) -> Result<Option<Drive>, StoreError> {
    let Some(end) = dimensions.end_block else {
        return Ok(None);
    };
    let start = dimensions.start_block.unwrap_or(i64::MIN);
    let count: Option<i64> = stream::value(
        connection,
        "SELECT count(*) FROM (SELECT 1 FROM messages m INDEXED BY messages_height
         WHERE m.status <= 1 AND m.confirmed_height >= ? AND m.confirmed_height < ? LIMIT ?)",
        &[&start, &end, &lookup::signed(MAX_COLLECTED + 1)],
    )?;
    let count = lookup::unsigned(count.unwrap_or(0));
    if count > MAX_COLLECTED {
        return Ok(None);
    }
    let mut drive = dimensions.drive(Fixed::Nothing);
    let conditions = Conditions::new(
        "m.status <= 1 AND m.confirmed_height >= ? AND m.confirmed_height < ?",
        [start, end],
    );
    drive.add(dimensions.stream("messages_height", conditions), count);
    drive.ordered = false;
    Ok(Some(drive))
}

impl Dimensions {
    /// A drive without streams.
    fn drive(&self, fixed: Fixed) -> Drive {
        Drive::new(self.rest(fixed))
    }

    /// A range of an index of `messages`.
    fn stream(&self, index: &str, conditions: Conditions) -> Stream {
        Stream {
            from: format!("messages m INDEXED BY {index}"),
            columns: COLUMNS,
            conditions,
            bounds: self.bounds,
        }
    }
}
