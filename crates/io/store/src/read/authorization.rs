//! Views of `security` aggregates.

use super::{lookup, stream};
use crate::{Reader, StoreError};

/// The current `authorizations` of an owner.
const VALUE: &str = "SELECT f.value FROM names k JOIN aggregates a ON a.owner = ? AND a.key = k.id \
    JOIN aggregate_fields f ON f.aggregate = a.id AND f.field = 'authorizations' WHERE k.text = 'security'";

impl Reader {
    /// What an owner grants: the JSON value of `authorizations`, verbatim.
    pub fn authorizations_granted(&self, owner: &str) -> Result<Option<String>, StoreError> {
        self.snapshot(|reader| match lookup::address_id(reader, owner)? {
            Some(owner) => stream::value(reader, VALUE, &[&owner]),
            None => Ok(None),
        })
    }

    /// Owners that grant something to an address (exact), in the order of their texts, each with
    /// its JSON value of `authorizations`. Anybody may grant anything to anybody, so the answer
    /// is cut after `limit` owners.
    pub fn authorizations_received(
        &self,
        grantee: &str,
        limit: u64,
    ) -> Result<Vec<(String, String)>, StoreError> {
        self.snapshot(|reader| {
            let mut owners = stream::rows(
                reader,
                "SELECT o.text, g.owner FROM grantees g JOIN addresses o ON o.id = g.owner
                 WHERE g.grantee = ? LIMIT ?",
                &[&grantee, &lookup::signed(limit)],
                |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)),
            )?;
            owners.sort_unstable();
            let mut received = Vec::with_capacity(owners.len());
            for (text, owner) in owners {
                let value: Option<String> = stream::value(reader, VALUE, &[&owner])?;
                received.extend(value.map(|value| (text, value)));
            }
            Ok(received)
        })
    }
}
