//! Values to ask for, taken from what the node holds.

use std::collections::BTreeSet;

use alephd_testkit::process::http::Client;
use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Pages looked at, spread over all messages, so that old and new ones are asked for.
const PAGES: u64 = 20;
/// Messages of a page.
const PAGE_SIZE: u64 = 100;

/// What occurs on the node.
#[derive(Debug, Default)]
pub(super) struct Samples {
    pub(super) senders: Vec<String>,
    pub(super) hashes: Vec<String>,
    /// Channels, each with a message type that occurs in it.
    pub(super) channels: Vec<(String, String)>,
    /// Types of posts that are no amends.
    pub(super) post_types: Vec<String>,
    /// Owners and keys.
    pub(super) aggregates: Vec<(String, String)>,
}

impl Samples {
    /// Lists some messages of the node.
    pub(super) fn discover(client: &Client) -> Result<Self> {
        let mut samples = Self::default();
        for filter in ["", "&msgTypes=POST", "&msgTypes=AGGREGATE"] {
            let mut page = 1;
            let mut step = None;
            loop {
                let path = format!("/api/v0/messages.json?pagination={PAGE_SIZE}&page={page}{filter}");
                let answer = client.get(&path)?;
                ensure!(answer.status == 200, "{path}: status {}", answer.status);
                let answer: Value = answer.json()?;
                let messages = answer["messages"].as_array().context("a list of messages")?;
                messages.iter().for_each(|message| samples.add(message));
                let total = answer["pagination_total"].as_u64().unwrap_or(0);
                // The first page says how far apart the others are.
                page += *step.get_or_insert((total / PAGE_SIZE / PAGES).max(1));
                if messages.is_empty() || (page - 1) * PAGE_SIZE >= total {
                    break;
                }
            }
        }
        samples.tidy();
        let complete = [
            samples.senders.len(),
            samples.channels.len(),
            samples.post_types.len(),
            samples.aggregates.len(),
        ];
        ensure!(!complete.contains(&0), "the node holds too few kinds of messages");
        Ok(samples)
    }

    fn add(&mut self, message: &Value) {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let content = &message["content"];
        self.senders.extend(text(&message["sender"]));
        self.hashes.extend(text(&message["item_hash"]));
        self.channels
            .extend(text(&message["channel"]).zip(text(&message["type"])));
        match message["type"].as_str() {
            Some("POST") => {
                let post_type = text(&content["type"]).filter(|post_type| post_type != "amend");
                self.post_types.extend(post_type);
            }
            Some("AGGREGATE") => self
                .aggregates
                .extend(text(&content["address"]).zip(text(&content["key"]))),
            _ => {}
        }
    }

    /// Leaves each value once, in an order that does not depend on the node.
    fn tidy(&mut self) {
        fn unique<T: Ord>(list: &mut Vec<T>) {
            *list = std::mem::take(list)
                .into_iter()
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect();
        }
        unique(&mut self.senders);
        unique(&mut self.hashes);
        unique(&mut self.channels);
        unique(&mut self.post_types);
        unique(&mut self.aggregates);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_collected_once() {
        let mut samples = Samples::default();
        for message in [
            json!({"sender": "b", "item_hash": "1", "channel": null, "type": "POST", "content": {"type": "chat"}}),
            json!({"sender": "a", "item_hash": "2", "channel": "c", "type": "POST", "content": {"type": "amend"}}),
            json!({"sender": "a", "item_hash": "3", "channel": "c", "type": "AGGREGATE",
                   "content": {"address": "o", "key": "k"}}),
        ] {
            samples.add(&message);
        }
        samples.tidy();
        assert_eq!(samples.senders, ["a", "b"]);
        assert_eq!(samples.hashes, ["1", "2", "3"]);
        assert_eq!(samples.post_types, ["chat"]);
        assert_eq!(samples.aggregates, [("o".to_owned(), "k".to_owned())]);
        assert_eq!(samples.channels.len(), 2);
    }
}
