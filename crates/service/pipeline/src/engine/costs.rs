//! What messages cost, and whether their owners could pay as of their position.
//!
//! A bill is a function of facts: the content, the sizes of files, the price list as of the position
//! of the message. So is its admission: the money that the owner had before that position, less
//! what his admitted messages before it cost. A fact that arrives late takes its place in that
//! order, and the messages after it are judged again (docs/decisions/0005-funding-is-a-walk.md).

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use alephd_economy::{
    Amount,
    admission::{self, Check, Refusal, Sent},
    cost::{self, CostFile, Costs, Demand},
    pricing::{PRICING_KEY, Pricing, SETTINGS_KEY},
};
use alephd_message::{
    Content, ItemHash, MessageType, PaymentType,
    content::{Body, Store},
};
use alephd_rules::{MessageStatus, Position, Verdict, balance_update};
use alephd_store::{
    StoreError,
    write::{Bill, LinkKind, Row},
};
use serde_json::{Map, Value, value::RawValue};

use super::{Engine, evaluate::remains_of, settle::WorkList};
use crate::PipelineError;

/// Rounds of judging after credits changed, past which something must be wrong: a verdict on a message
/// that is paid for changes no credits.
const MOST_ROUNDS: usize = 100;

/// The price lists of the network, each with the position from which it is valid.
#[derive(Default)]
pub(super) struct PriceLists {
    /// Ascending; `None` until somebody asks.
    lists: Option<Vec<(Position, Arc<Pricing>)>>,
}

impl PriceLists {
    /// They are read again when somebody asks.
    pub(super) fn forget(&mut self) {
        self.lists = None;
    }
}

impl Engine {
    /// The bill of a message whose verdict is acceptance so far, and the verdict on its payment.
    pub(super) fn judge_payment(
        &mut self,
        row: &Row,
        content: &Content,
    ) -> Result<(Verdict, Option<Bill>), PipelineError> {
        let text = row.content_text().unwrap_or_default();
        let demand = match Demand::of(content, text, &row.hash) {
            Ok(Some(demand)) => demand,
            Ok(None) => return Ok((Verdict::Accept, None)),
            Err(error) => return Ok((wait_for_prices(&error), None)),
        };
        let costs = match self.costs(row, &demand)? {
            Ok(costs) => costs,
            Err(error) => return Ok((wait_for_prices(&error), None)),
        };
        let bill = bill(&costs);
        // The signed time decides: nobody signed the one of the envelope.
        let sent = Sent {
            time: row.content_time,
            height: None,
        };
        let verdict = match admission::check(&self.config.money, &demand, &costs, sent) {
            Err(refusal) => refuse(refusal),
            Ok(_) if costs.total <= Amount::ZERO => Verdict::Accept,
            Ok(Check::None) => Verdict::Accept,
            Ok(check) => {
                let payment = demand.payment;
                let means = self.means_before(&demand.owner, payment, &row.position())?;
                let recorded = self.recorded_before(&demand.owner, payment, &row.position())?;
                check
                    .against(means, recorded)
                    .map_or_else(refuse, |()| Verdict::Accept)
            }
        };
        Ok((verdict, Some(bill)))
    }

    /// Records the bill of a message that is judged, or that it has none.
    pub(super) fn note_bill(&mut self, row: &Row, bill: Option<&Bill>) -> Result<(), PipelineError> {
        if !has_price(row.message_type) {
            return Ok(());
        }
        match bill.filter(|_| row.state.status != MessageStatus::Removed) {
            Some(bill) => self.writer.bill_set(row, bill)?,
            None => self.writer.bill_remove(row)?,
        }
        Ok(())
    }

    /// Queues the messages that may be paid for otherwise since this one changed.
    pub(super) fn wake_by_money(
        &mut self,
        row: &Row,
        content: &Content,
        work: &mut WorkList,
    ) -> Result<(), PipelineError> {
        match &content.body {
            Body::Store(_) | Body::Program(_) | Body::Instance(_) | Body::VProgram(_) => {
                let payment = content.payment_type().unwrap_or(PaymentType::Hold);
                self.wake_claims(&row.owner, payment, &row.position(), work)?;
                if let Body::Store(store) = &content.body {
                    self.wake_users_of_revisions(store, work)?;
                }
            }
            Body::Post(post) => {
                let text = post.content_json.as_ref().map(|json| json.get());
                let trusted = &self.config.trusted;
                if let Some(Ok(update)) = balance_update(trusted, &row.owner, &post.post_type, text) {
                    for entry in &update.entries {
                        self.wake_claims(&entry.address, PaymentType::Hold, &row.position(), work)?;
                    }
                }
            }
            Body::Aggregate(aggregate) => {
                let is_list = [PRICING_KEY, SETTINGS_KEY].contains(&aggregate.key.as_str());
                if is_list && row.owner.as_ref() == self.config.money.pricing_owner {
                    self.prices.forget();
                    for id in self.writer.bills_after(&row.position())? {
                        work.push(id);
                    }
                }
            }
            Body::Forget(_) => {}
        }
        Ok(())
    }

    /// A machine that uses the latest revision of a STORE pays for its size.
    fn wake_users_of_revisions(&mut self, store: &Store, work: &mut WorkList) -> Result<(), PipelineError> {
        let Some(original) = store.reference.as_deref().and_then(ItemHash::parse_strict) else {
            return Ok(());
        };
        for (kind, source) in self.writer.link_sources(&original)? {
            if kind == LinkKind::Volume {
                work.push(source);
            }
        }
        Ok(())
    }

    /// Judges again who may pay otherwise since credits changed in this transaction: once, for all
    /// posts of it together.
    pub(super) fn settle_by_credits(&mut self) -> Result<(), PipelineError> {
        for _ in 0..MOST_ROUNDS {
            let mut work = WorkList::default();
            let changed = self.credits_take_changed()?;
            if changed.is_empty() {
                return Ok(());
            }
            for (owner, position) in changed {
                self.wake_claims(&owner, PaymentType::Credit, &position, &mut work)?;
            }
            self.settle(work, self.now)?;
        }
        Err(PipelineError::Unsettled(MOST_ROUNDS))
    }

    pub(super) fn wake_claims(
        &mut self,
        owner: &str,
        payment: PaymentType,
        position: &Position,
        work: &mut WorkList,
    ) -> Result<(), PipelineError> {
        self.unwalked.add(owner);
        for id in self.writer.costs_after(owner, payment, position)? {
            work.push(id);
        }
        Ok(())
    }

    fn costs(&mut self, row: &Row, demand: &Demand) -> Result<Result<Costs, cost::CostError>, PipelineError> {
        let mut sizes = HashMap::new();
        for file in demand.files() {
            if let Some(size) = self.size_of(&file, &row.position())? {
                sizes.insert(file, size);
            }
        }
        let pricing = self.prices_at(&row.position())?;
        Ok(cost::costs(demand, &pricing, &|file| sizes.get(file).copied()))
    }

    /// Bytes of a file that decides about a cost, as of a position.
    fn size_of(&mut self, file: &CostFile, position: &Position) -> Result<Option<u64>, PipelineError> {
        let store = match file {
            CostFile::Named(name) => return Ok(self.writer.file_size(name)?),
            CostFile::Stored { store, latest } => {
                let original = self.writer.message_find(store)?;
                match original.filter(|_| *latest) {
                    Some(original) => Some(self.revision_at(original, position)?),
                    None => self.writer.message_find(store)?,
                }
            }
        };
        let file: Option<ItemHash> = store.and_then(|store| remains_of(&store)?.file());
        match file {
            Some(file) => Ok(self.writer.file_size(&file)?),
            None => Ok(None),
        }
    }

    /// The revision of a STORE that was the latest as of a position.
    fn revision_at(&mut self, original: Row, position: &Position) -> Result<Row, PipelineError> {
        let mut latest = original.clone();
        for (kind, source) in self.writer.link_sources(&original.hash)? {
            if kind != LinkKind::Revision {
                continue;
            }
            let revision = self.writer.message_load(source)?;
            let place = revision.position();
            let was_there = revision.state.accepted
                && revision.owner == original.owner
                && place < *position
                && revision
                    .state
                    .withdrawn
                    .as_ref()
                    .is_none_or(|withdrawn| withdrawn > position);
            if was_there && latest.position() < place {
                latest = revision;
            }
        }
        Ok(latest)
    }

    /// What an owner had before a position, in the currency of a payment.
    pub(super) fn means_before(
        &mut self,
        owner: &str,
        payment: PaymentType,
        position: &Position,
    ) -> Result<Amount, PipelineError> {
        match payment {
            PaymentType::Hold => {
                let with_dapps = self.config.count_dapp_balances;
                let balances = self.writer.balances_at(owner, with_dapps, position)?;
                let amounts = balances.iter().filter_map(|text| Amount::parse(text).ok());
                Ok(amounts.fold(Amount::ZERO, Amount::saturating_add))
            }
            PaymentType::Credit => {
                let credits = self.credits_before(owner, position)?;
                let credits = i64::try_from(credits).unwrap_or(i64::MAX);
                Ok(Amount::from_whole(credits))
            }
            PaymentType::Superfluid => Ok(Amount::MAX),
        }
    }

    /// What the admitted messages of an owner before a position cost.
    fn recorded_before(
        &mut self,
        owner: &str,
        payment: PaymentType,
        position: &Position,
    ) -> Result<Amount, PipelineError> {
        let units = self.writer.costs_sum_before(owner, payment, position)?;
        Ok(Amount::from_units(units))
    }

    /// The price list as of a position.
    fn prices_at(&mut self, position: &Position) -> Result<Arc<Pricing>, PipelineError> {
        if self.prices.lists.is_none() {
            self.prices.lists = Some(self.price_lists()?);
        }
        let lists = self.prices.lists.as_deref().unwrap_or_default();
        let before = lists.partition_point(|(from, _)| from < position);
        Ok(match before.checked_sub(1).and_then(|last| lists.get(last)) {
            Some((_, pricing)) => Arc::clone(pricing),
            None => Arc::clone(&self.default_prices),
        })
    }

    fn price_lists(&mut self) -> Result<Vec<(Position, Arc<Pricing>)>, PipelineError> {
        let owner = self.config.money.pricing_owner.clone();
        let mut elements = Vec::new();
        for key in [PRICING_KEY, SETTINGS_KEY] {
            for id in self.writer.aggregate_elements(&owner, key)? {
                elements.push((key, self.writer.message_load(id)?));
            }
        }
        elements.sort_by_cached_key(|(_, row)| row.position());
        let mut aggregates: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        let mut lists = Vec::with_capacity(elements.len());
        for (key, row) in elements {
            let aggregate = aggregates.entry(key).or_default();
            for (field, value) in fields_of(&row)? {
                aggregate.insert(field, serde_json::from_str(value.get()).unwrap_or_default());
            }
            let text = |key: &str| {
                aggregates
                    .get(key)
                    .map(|map| Value::from(map.clone()).to_string())
            };
            let pricing = Pricing::read(text(PRICING_KEY).as_deref(), text(SETTINGS_KEY).as_deref());
            lists.push((row.position(), Arc::new(pricing)));
        }
        Ok(lists)
    }
}

/// Whether messages of a type may have a bill.
pub(super) fn has_price(message_type: MessageType) -> bool {
    match message_type {
        MessageType::Store | MessageType::Program | MessageType::Instance | MessageType::VProgram => true,
        MessageType::Post | MessageType::Aggregate | MessageType::Forget => false,
    }
}

fn fields_of(row: &Row) -> Result<Vec<(String, Box<RawValue>)>, StoreError> {
    let text = row
        .content_text()
        .ok_or(StoreError::Damaged("element without content"))?;
    match Content::parse(row.message_type, text).map(|content| content.body) {
        Ok(Body::Aggregate(aggregate)) => Ok(aggregate.fields),
        Ok(_) | Err(_) => Err(StoreError::Damaged("element with invalid content")),
    }
}

/// Nothing is wrong with the message: a later price list may have a price for it.
fn wait_for_prices(error: &cost::CostError) -> Verdict {
    Verdict::Wait {
        code: error.code(),
        details: Some(serde_json::json!({"errors": [error.to_string()]})),
    }
}

fn refuse(refusal: Refusal) -> Verdict {
    Verdict::Refuse {
        code: refusal.code(),
        details: refusal.details(),
    }
}

fn bill(costs: &Costs) -> Bill {
    let sum = |amount: fn(&cost::CostLine) -> Amount| {
        let lines = costs.lines.iter().map(amount);
        lines.fold(Amount::ZERO, Amount::saturating_add).units()
    };
    let lines: Vec<Value> = costs.lines.iter().map(|line| line.to_json(true)).collect();
    Bill {
        payment: costs.payment,
        total: costs.total.units(),
        hold: sum(|line| line.hold),
        stream: sum(|line| line.stream),
        credit: sum(|line| line.credit),
        lines: Value::from(lines).to_string(),
    }
}
