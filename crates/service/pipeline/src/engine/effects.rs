//! What a live message does to the tables of its type.

use alephd_message::{
    Content, ItemHash, ItemType, MessageType, Micros,
    content::{Aggregate, Body, Post, Store},
};
use alephd_rules::{BalanceUpdate, CreditEntries, balance_update, credit_entries};
use alephd_store::write::{PinKind, Row};
use serde_json::Value;

use super::Engine;
use crate::PipelineError;

/// Key of the aggregate that holds delegations.
pub(super) const SECURITY: &str = "security";
/// Its field.
const AUTHORIZATIONS: &str = "authorizations";

impl Engine {
    /// A message became live.
    pub(super) fn effects_enter(&mut self, row: &Row, content: &Content) -> Result<(), PipelineError> {
        if row.item_type != ItemType::Inline {
            self.writer.pin_insert(row, PinKind::Content, &row.hash)?;
        }
        match &content.body {
            Body::Post(post) if post.is_amend() => {
                if let Some(original) = self.original_of(post)? {
                    self.writer.amend_enter(&original, row)?;
                }
            }
            Body::Post(_) => {
                self.writer.post_enter(row)?;
                self.ledger_enter(row, content)?;
            }
            Body::Aggregate(aggregate) => self.element_enter(row, aggregate)?,
            Body::Store(store) => {
                self.writer.pin_insert(row, PinKind::Message, &store.item_hash)?;
                self.writer.tag_insert(&tag_of(row, store), row)?;
            }
            Body::Program(machine) => {
                let value = machine.on_message.as_ref().map(|value| value.get());
                if let Some(value) = value.filter(|value| is_non_empty_list(value)) {
                    self.writer.subscription_set(row, Some(value))?;
                }
            }
            Body::Forget(_) | Body::Instance(_) | Body::VProgram(_) => {}
        }
        Ok(())
    }

    /// A message is no longer live. Money facts stay where `keeps_ledger` says so: a FORGET hides
    /// a post and does not undo what it paid.
    pub(super) fn effects_leave(
        &mut self,
        row: &Row,
        content: &Content,
        keeps_ledger: bool,
    ) -> Result<(), PipelineError> {
        if row.item_type != ItemType::Inline {
            self.unpin(row, PinKind::Content, &row.hash)?;
        }
        match &content.body {
            Body::Post(post) if post.is_amend() => {
                if let Some(original) = self.original_of(post)? {
                    self.writer.amend_leave(&original, row)?;
                }
            }
            Body::Post(_) => {
                self.writer.post_leave(row)?;
                if !keeps_ledger {
                    self.ledger_leave(row, content)?;
                }
            }
            Body::Aggregate(aggregate) => self.element_leave(row, aggregate)?,
            Body::Store(store) => {
                self.writer.tag_remove(&tag_of(row, store), row)?;
                self.unpin(row, PinKind::Message, &store.item_hash)?;
            }
            Body::Program(_) => self.writer.subscription_set(row, None)?,
            Body::Forget(_) | Body::Instance(_) | Body::VProgram(_) => {}
        }
        Ok(())
    }

    /// Another copy of an accepted message is known: what depends on channels follows. A copy that
    /// is not served may still put a credit post into the right channel.
    pub(super) fn effects_refresh(&mut self, row: &Row, content: &Content) -> Result<(), PipelineError> {
        let Body::Post(post) = &content.body else {
            return Ok(());
        };
        if post.is_amend() {
            return Ok(());
        }
        if row.state.status.is_live() {
            self.writer.post_set_channel(row)?;
        }
        if is_credit_post(row) && !self.writer.credits_exist(row)? {
            self.ledger_enter(row, content)?;
        }
        Ok(())
    }

    /// The money facts of an accepted post count.
    pub(super) fn ledger_enter(&mut self, row: &Row, content: &Content) -> Result<(), PipelineError> {
        let Body::Post(post) = &content.body else {
            return Ok(());
        };
        if let Some(update) = self.balance_update(row, post) {
            self.writer.balances_apply(row, &update)?;
        }
        if let Some(entries) = self.credit_entries(row, post)? {
            self.credits_enter(row, &entries)?;
        }
        Ok(())
    }

    /// The money facts of a post that is no longer acceptable do not count.
    pub(super) fn ledger_leave(&mut self, row: &Row, content: &Content) -> Result<(), PipelineError> {
        let Body::Post(post) = &content.body else {
            return Ok(());
        };
        if is_credit_post(row) {
            self.credits_leave(row)?;
        }
        if let Some(update) = self.balance_update(row, post) {
            self.writer.balances_withdraw(row, &update)?;
        }
        Ok(())
    }

    fn balance_update(&self, row: &Row, post: &Post) -> Option<BalanceUpdate> {
        let text = post.content_json.as_ref().map(|json| json.get());
        match balance_update(&self.config.trusted, &row.owner, &post.post_type, text)? {
            Ok(update) => Some(update),
            Err(error) => {
                tracing::warn!(item_hash = %row.hash, %error, "balance report without effect");
                None
            }
        }
    }

    fn credit_entries(&mut self, row: &Row, post: &Post) -> Result<Option<CreditEntries>, PipelineError> {
        if !is_credit_post(row) {
            return Ok(None);
        }
        let channels: Vec<_> = self
            .copies_of(row)?
            .into_iter()
            .map(|copy| copy.channel)
            .collect();
        let text = post.content_json.as_ref().map(|json| json.get());
        let trusted = &self.config.trusted;
        let (owner, kind, time) = (&row.owner, &post.post_type, row.content_time);
        match credit_entries(trusted, owner, &channels, kind, time, text) {
            Some(Ok(entries)) => Ok(Some(entries)),
            Some(Err(error)) => {
                tracing::warn!(item_hash = %row.hash, %error, "credit post without effect");
                Ok(None)
            }
            None => Ok(None),
        }
    }

    fn original_of(&mut self, post: &Post) -> Result<Option<Row>, PipelineError> {
        match post.reference.as_deref().and_then(ItemHash::parse_strict) {
            Some(original) => Ok(self.writer.message_find(&original)?),
            None => Ok(None),
        }
    }

    fn element_enter(&mut self, row: &Row, aggregate: &Aggregate) -> Result<(), PipelineError> {
        if self.is_unbuilt(row) {
            return Ok(());
        }
        let fields: Vec<_> = aggregate
            .fields
            .iter()
            .map(|(field, value)| (field.clone(), value.get()))
            .collect();
        self.writer.aggregate_enter(row, &fields)?;
        if aggregate.key == SECURITY {
            self.refresh_grantees(row)?;
        }
        Ok(())
    }

    fn element_leave(&mut self, row: &Row, aggregate: &Aggregate) -> Result<(), PipelineError> {
        if self.is_unbuilt(row) {
            return Ok(());
        }
        let fields: Vec<_> = aggregate.fields.iter().map(|(field, _)| field.as_str()).collect();
        self.writer.aggregate_leave(row, &fields)?;
        if aggregate.key == SECURITY {
            self.refresh_grantees(row)?;
        }
        Ok(())
    }

    fn is_unbuilt(&self, row: &Row) -> bool {
        self.config
            .unbuilt_aggregates
            .iter()
            .any(|owner| owner.as_str() == row.owner.as_ref())
    }

    fn refresh_grantees(&mut self, row: &Row) -> Result<(), PipelineError> {
        let value = self.writer.aggregate_field(row, AUTHORIZATIONS)?;
        let entries: Vec<Value> = value
            .and_then(|value| serde_json::from_str(&value).ok())
            .unwrap_or_default();
        let grantees = entries.iter().filter_map(|entry| entry.get("address")?.as_str());
        let grantees: Vec<String> = grantees.map(str::to_owned).collect();
        self.writer.grantees_set(&row.owner, &grantees)?;
        Ok(())
    }

    /// Keeps the delegations that an element holds, whatever becomes of it.
    pub(super) fn remember_delegation(&mut self, row: &Row, content: &Content) -> Result<(), PipelineError> {
        let Body::Aggregate(aggregate) = &content.body else {
            return Ok(());
        };
        if aggregate.key != SECURITY {
            return Ok(());
        }
        let value = aggregate.fields.iter().find(|(field, _)| field == AUTHORIZATIONS);
        if let Some((_, value)) = value {
            self.writer.delegation_insert(row, value.get())?;
        }
        Ok(())
    }

    /// The file is held for the grace period, even if others keep it: they may leave before that,
    /// and what took this message away may still be undone.
    fn unpin(&mut self, row: &Row, kind: PinKind, file: &ItemHash) -> Result<(), PipelineError> {
        self.writer.pin_remove(row, kind, file)?;
        let now = self.now;
        let until = Micros(now.0 + self.config.grace.0);
        self.writer.pin_grace(file, now, until)?;
        Ok(())
    }
}

/// Whether the type of a post claims lines in the credit ledger.
pub(super) fn is_credit_post(row: &Row) -> bool {
    row.message_type == MessageType::Post
        && row
            .label
            .as_deref()
            .is_some_and(|label| label.starts_with("aleph_credit_"))
}

/// The name that a STORE gives to its file.
fn tag_of(row: &Row, store: &Store) -> String {
    match store.reference.as_deref() {
        None => row.hash.to_string(),
        Some(reference) if ItemHash::parse_strict(reference).is_some() => reference.to_owned(),
        Some(label) => format!("{}/{label}", row.owner),
    }
}

fn is_non_empty_list(value: &str) -> bool {
    serde_json::from_str::<Vec<&serde_json::value::RawValue>>(value).is_ok_and(|list| !list.is_empty())
}
