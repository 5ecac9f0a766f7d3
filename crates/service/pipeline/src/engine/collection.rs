//! Taking away what nobody pays for or keeps, when its time is over.
//!
//! ```text
//!   accounts whose money or costs changed ──▶ funding::walk ──▶ collection::plan ──▶ removing, removed
//!   files with a grace period that is over ───────────────────▶ collection::plan ──▶ unpinned, deleted
//! ```
//!
//! A plan is made and carried out in one transaction; bytes are deleted after its commit
//! (`docs/protocol/money.md`).

use std::{collections::BTreeSet, sync::Arc};

use alephd_economy::{
    Amount,
    collection::{File, Message, Pin, State as Standing, Step, plan},
    funding::{Claim, Exemptions, Funding, Means, Reason, walk},
    lots,
};
use alephd_message::{Content, ItemHash, MessageType, Micros, PaymentType};
use alephd_rules::{MessageStatus, Position};
use alephd_store::{
    StoreError,
    write::{HeldFile, LinkKind, OpenBill, PinKind, Row, State},
};

use super::{Engine, evaluate::remains_of, settle::WorkList};
use crate::PipelineError;

/// Accounts walked in one transaction, and files reviewed, so that the engine is not held up.
const AT_ONCE: u32 = 512;

/// Who hears of each step.
pub(super) type Tell<'a> = &'a mut dyn FnMut(&Step);

/// Which accounts have to be walked.
#[derive(Default)]
pub(super) struct Unwalked {
    /// Those whose money or costs changed.
    changed: BTreeSet<Arc<str>>,
    /// A walk of all accounts is under way, and has come to this address id.
    round: Option<i64>,
}

impl Unwalked {
    pub(super) fn add(&mut self, owner: &str) {
        self.changed.insert(owner.into());
    }

    /// Credits end without any message: now and then all accounts have their turn.
    pub(super) fn start_round(&mut self) {
        self.round.get_or_insert(0);
    }
}

impl Engine {
    /// Does a part of what is due. Says whether there is more. What has to be deleted after the
    /// commit is added to [`Engine::take_deleted`].
    pub(crate) fn collect(&mut self) -> Result<bool, PipelineError> {
        self.collect_some(&mut |step| tracing::info!(%step, "collection"))
    }

    /// The same; each step is told before it is done.
    pub(super) fn collect_some(&mut self, tell: Tell<'_>) -> Result<bool, PipelineError> {
        let walked = self.walk_some(tell)?;
        let files = self.writer.files_to_review(self.now, AT_ONCE)?;
        let files: Vec<File> = files.into_iter().map(held).collect();
        let steps = plan(&[], &files, self.now, &self.config.periods);
        let more = walked || (files.len() == AT_ONCE as usize && !steps.is_empty());
        self.carry_out(steps, tell)?;
        Ok(more)
    }

    /// Files whose bytes go now that the transaction is committed.
    pub(crate) fn take_deleted(&mut self) -> Vec<ItemHash> {
        std::mem::take(&mut self.deleted)
    }

    /// Says whether there are accounts left.
    fn walk_some(&mut self, tell: Tell<'_>) -> Result<bool, PipelineError> {
        let mut accounts = Vec::new();
        while accounts.len() < AT_ONCE as usize
            && let Some(account) = self.unwalked.changed.pop_first()
        {
            accounts.push(account);
        }
        if accounts.is_empty()
            && let Some(after) = self.unwalked.round
        {
            let some = self.writer.accounts_with_bills(after, AT_ONCE)?;
            self.unwalked.round = some.last().map(|(id, _)| *id);
            accounts.extend(some.into_iter().map(|(_, account)| account));
        }
        if accounts.is_empty() {
            let notice = i64::try_from(self.config.periods.notice.as_micros()).unwrap_or(i64::MAX);
            let since = Micros(self.now.0.saturating_sub(notice));
            accounts = self.writer.accounts_with_removing(since, AT_ONCE)?;
        }
        for account in accounts {
            self.walk_account(&account, tell)?;
        }
        Ok(!self.unwalked.changed.is_empty() || self.unwalked.round.is_some())
    }

    /// Who pays for what, in the order of positions.
    fn walk_account(&mut self, owner: &str, tell: Tell<'_>) -> Result<(), PipelineError> {
        let bills = self.writer.open_bills(owner)?;
        let means = self.means_now(owner)?;
        if are_covered(&means, &bills) && !self.writer.has_removing(owner)? {
            return Ok(());
        }
        let mut rows = Vec::with_capacity(bills.len());
        let mut claims = Vec::with_capacity(bills.len());
        for bill in &bills {
            let row = self.writer.message_load(bill.message)?;
            claims.push(self.claim(&row, bill)?);
            rows.push(row);
        }
        let exemptions = Exemptions::from(&self.config.money);
        let fundings = walk(&means, &claims, &exemptions);
        let mut messages = Vec::with_capacity(rows.len());
        for (row, funding) in rows.into_iter().zip(fundings) {
            messages.push(self.standing(row, funding)?);
        }
        let steps = plan(&messages, &[], self.now, &self.config.periods);
        self.carry_out(steps, tell)
    }

    /// What an account has at this moment.
    fn means_now(&mut self, owner: &str) -> Result<Means, PipelineError> {
        // Past every message of this instant.
        let end = Position::provisional(Micros(self.now.0 + 1), ItemHash::Sha256([0; 32]));
        Ok(Means {
            tokens: self.means_before(owner, PaymentType::Hold, &end)?,
            credits: self.means_before(owner, PaymentType::Credit, &end)?,
        })
    }

    fn claim(&mut self, row: &Row, bill: &OpenBill) -> Result<Claim, PipelineError> {
        let file = remains_of(row).and_then(|remains| remains.file());
        let size = match file.filter(|_| row.message_type == MessageType::Store) {
            Some(file) => self.writer.file_size(&file)?,
            None => None,
        };
        Ok(Claim {
            position: lots::Position {
                time: row.content_time,
                hash: row.hash.clone(),
            },
            message_type: row.message_type,
            payment: bill.payment,
            cost: Amount::from_units(bill.total),
            size,
            time: row.content_time,
            height: None,
        })
    }

    fn standing(&mut self, row: Row, funding: Funding) -> Result<Message, PipelineError> {
        let unpaid = match funding {
            Funding::Funded | Funding::Exempt => None,
            Funding::Unfunded(shortfall) => Some(shortfall.reason),
        };
        let state = match row.state.status {
            MessageStatus::Removing => Standing::Removing {
                since: row.state.gone_at.unwrap_or(self.now),
            },
            _ => Standing::Processed,
        };
        Ok(Message {
            used_by: self.machines_using(&row)?,
            hash: row.hash,
            state,
            unpaid,
        })
    }

    /// Live machines with a volume that is this STORE.
    fn machines_using(&mut self, store: &Row) -> Result<Vec<ItemHash>, PipelineError> {
        let mut machines = Vec::new();
        if store.message_type != MessageType::Store {
            return Ok(machines);
        }
        for (kind, source) in self.writer.link_sources(&store.hash)? {
            if kind != LinkKind::Volume {
                continue;
            }
            let machine = self.writer.message_load(source)?;
            if machine.state.status.is_live() {
                machines.push(machine.hash);
            }
        }
        Ok(machines)
    }

    fn carry_out(&mut self, steps: Vec<Step>, tell: Tell<'_>) -> Result<(), PipelineError> {
        for step in steps {
            tell(&step);
            match step {
                Step::Announce { message, .. } => {
                    self.change_status(&message, MessageStatus::Removing, Some(self.now))?;
                }
                Step::Recover { message } => {
                    self.change_status(&message, MessageStatus::Processed, None)?;
                }
                Step::Remove { message, reason } => self.remove_unpaid(&message, reason)?,
                Step::Unpin { file, pin } => match pin {
                    Pin::Grace { .. } => self.writer.grace_end(&file)?,
                    // These go with their messages.
                    Pin::Content(_) | Pin::Store(_) | Pin::Archive => {}
                },
                Step::Grace { file, until } => self.writer.pin_grace(&file, self.now, until)?,
                Step::Delete { file } => {
                    self.writer.file_remove(&file)?;
                    self.deleted.push(file);
                }
            }
        }
        Ok(())
    }

    fn change_status(
        &mut self,
        message: &ItemHash,
        status: MessageStatus,
        since: Option<Micros>,
    ) -> Result<(), PipelineError> {
        let Some(mut row) = self.writer.message_find(message)? else {
            return Ok(());
        };
        let state = State {
            status,
            gone_at: since,
            ..row.state.clone()
        };
        self.writer.message_set_state(&mut row, state)?;
        Ok(())
    }

    /// The message leaves the lists, its file loses the pin; what it said stays for a rebuild.
    fn remove_unpaid(&mut self, message: &ItemHash, _reason: Reason) -> Result<(), PipelineError> {
        let Some(mut row) = self.writer.message_find(message)? else {
            return Ok(());
        };
        let text = row
            .content_text()
            .ok_or(StoreError::Damaged("message without content"))?;
        let content = Content::parse(row.message_type, text)
            .map_err(|_| StoreError::Damaged("content no longer parses"))?;
        // Its notice was the grace period of its file. What others were promised of the same file
        // stands: an upload, or a FORGET that may still be undone.
        let file = remains_of(&row).and_then(|remains| remains.file());
        let promised = match &file {
            Some(file) => self.writer.grace_until(file)?,
            None => None,
        };
        self.effects_leave(&row, &content, true)?;
        let state = State {
            status: MessageStatus::Removed,
            gone_at: Some(self.now),
            ..row.state.clone()
        };
        self.writer.message_set_state(&mut row, state)?;
        self.writer.removal_insert(message, self.now)?;
        self.writer.bill_remove(&row)?;
        if let Some(file) = file {
            self.writer.grace_end(&file)?;
            if let Some(until) = promised.filter(|until| *until > self.now) {
                self.writer.pin_grace(&file, self.now, until)?;
            }
        }
        // Later messages no longer pay after it.
        let mut work = WorkList::default();
        self.wake_by_money(&row, &content, &mut work)?;
        self.settle(work, self.now)
    }
}

/// Whether there is enough for everything, whatever the order.
fn are_covered(means: &Means, bills: &[OpenBill]) -> bool {
    let sum = |payment: PaymentType| {
        let due = bills.iter().filter(|bill| bill.payment == payment);
        due.fold(Amount::ZERO, |sum, bill| {
            sum.saturating_add(Amount::from_units(bill.total.max(0)))
        })
    };
    let day = sum(PaymentType::Credit).checked_mul(alephd_economy::funding::RESERVE_SECONDS);
    sum(PaymentType::Hold) <= means.tokens && day.is_some_and(|day| day <= means.credits)
}

fn held(file: HeldFile) -> File {
    let pins = file.pins.into_iter().map(|pin| match (pin.kind, pin.message) {
        (PinKind::Content, Some((_, message))) => Pin::Content(message),
        (PinKind::Message, Some((_, message))) => Pin::Store(message),
        (PinKind::Grace, _) => Pin::Grace {
            until: pin.until.unwrap_or(Micros(i64::MAX)),
        },
        (PinKind::Archive | PinKind::Content | PinKind::Message, _) => Pin::Archive,
    });
    File {
        hash: file.hash,
        written: file.created,
        pins: pins.collect(),
        used_by: Vec::new(),
    }
}
