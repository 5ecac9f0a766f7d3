//! The side that finds the differences and decides what comes next.

use std::{collections::VecDeque, ops::Range};

use alephd_reconcile::{Bound, Element, Found, Id, Initiator};

use super::{Common, Output, Violation, WINDOW};
use crate::catchup::{BATCH, Frame};

/// Ranges and ids that are found at most before more is looked for.
const AHEAD: usize = 2 * WINDOW;

#[derive(Debug)]
pub(super) struct Initiating {
    reconciler: Initiator,
    /// The step that is sent next.
    step: Option<Vec<u8>>,
    /// Whether a step waits for its answer.
    waiting: bool,
    /// Found, and not asked for yet.
    needs: VecDeque<(Bound, Id)>,
    /// Found, and not offered yet.
    haves: VecDeque<Range<usize>>,
    /// Offered, and not answered yet: rows and ids.
    offered: VecDeque<Vec<(i64, Id)>>,
    /// Offered, and neither declined nor taken.
    unconfirmed: usize,
    /// Accepted, and not taken.
    accepted: u64,
    asked_total: u64,
    offered_total: u64,
    done: bool,
}

impl Initiating {
    pub(super) fn new(common: &Common) -> Self {
        let reconciler = Initiator::new(common.set.clone(), common.settings.limits.step);
        Self {
            step: Some(reconciler.first()),
            reconciler,
            waiting: false,
            needs: VecDeque::new(),
            haves: VecDeque::new(),
            offered: VecDeque::new(),
            unconfirmed: 0,
            accepted: 0,
            asked_total: 0,
            offered_total: 0,
            done: false,
        }
    }

    pub(super) fn receive(&mut self, frame: Frame, common: &mut Common) -> Result<(), Violation> {
        match frame {
            Frame::Reconcile(answer) if self.waiting => {
                self.waiting = false;
                common.count_round()?;
                let next = self.reconciler.next(&answer)?;
                if !common.tally.more {
                    self.step = next.frame;
                    self.note(next.found, common);
                }
            }
            Frame::Accept(which) => self.serve(&which, common)?,
            Frame::Taken(count) => {
                self.accepted = self.accepted.checked_sub(count).ok_or(Violation::Unexpected)?;
                // What is accepted was counted here.
                self.unconfirmed = self.unconfirmed.saturating_sub(count as usize);
            }
            Frame::Done if self.done => common.over = true,
            _ => return Err(Violation::Unexpected),
        }
        Ok(())
    }

    fn note(&mut self, found: Found, common: &Common) {
        // What others depend on comes first, as a rule, and a step may tell of what lies before that of
        // an earlier one.
        self.haves.extend(found.have);
        self.haves
            .make_contiguous()
            .sort_unstable_by_key(|range| range.start);
        for need in found.need {
            let ids = need.ids.into_iter().filter(|id| !common.left_out.contains(id));
            self.needs.extend(ids.map(|id| (need.after, id)));
        }
        self.needs.make_contiguous().sort_by_key(|(after, _)| *after);
    }

    fn serve(&mut self, which: &[bool], common: &mut Common) -> Result<(), Violation> {
        let offer = self.offered.pop_front().ok_or(Violation::Unexpected)?;
        if offer.len() != which.len() {
            return Err(Violation::Unexpected);
        }
        for ((row, id), is_wanted) in offer.into_iter().zip(which) {
            if *is_wanted {
                self.accepted += 1;
                common.outbox.push_back(Output::Serve { row, id });
            } else {
                self.unconfirmed -= 1;
            }
        }
        Ok(())
    }

    pub(super) fn advance(&mut self, common: &mut Common) {
        self.want(common);
        self.offer(common);
        if !self.waiting
            && self.needs.len() < BATCH
            && self.haves.len() < AHEAD
            && let Some(step) = self.step.take()
        {
            self.waiting = true;
            common.send(Frame::Reconcile(step));
        }
        let is_idle = self.step.is_none() && !self.waiting && self.needs.is_empty() && self.haves.is_empty();
        let is_settled = common.asked.is_empty() && common.in_flight == 0 && self.unconfirmed == 0;
        if is_idle && is_settled && !self.done {
            self.done = true;
            common.send(Frame::Done);
        }
    }

    fn want(&mut self, common: &mut Common) {
        while !self.needs.is_empty() && common.asked.len() + BATCH <= WINDOW {
            let left = common.settings.limits.records.saturating_sub(self.asked_total);
            if left == 0 {
                return self.stop(common);
            }
            let count = self.needs.len().min(BATCH).min(left as usize);
            let mut groups: Vec<(Bound, Vec<Id>)> = Vec::new();
            for (after, id) in self.needs.drain(..count) {
                common.asked.push_back(id);
                match groups.last_mut() {
                    Some((last, ids)) if *last == after => ids.push(id),
                    _ => groups.push((after, vec![id])),
                }
            }
            self.asked_total += count as u64;
            common.send(Frame::Want(groups));
        }
    }

    fn offer(&mut self, common: &mut Common) {
        while !self.haves.is_empty() && self.unconfirmed + BATCH <= WINDOW {
            let left = common.settings.limits.records.saturating_sub(self.offered_total);
            if left == 0 {
                return self.stop(common);
            }
            let most = BATCH.min(left as usize);
            let (mut elements, mut rows): (Vec<Element>, Vec<_>) = Default::default();
            while elements.len() < most
                && let Some(range) = self.haves.front_mut()
            {
                let end = range.end.min(range.start + most - elements.len());
                for known in common.set.iter(range.start..end) {
                    elements.push(known.element());
                    rows.push((known.row, known.id));
                }
                range.start = end;
                if range.start >= range.end {
                    self.haves.pop_front();
                }
            }
            self.unconfirmed += rows.len();
            self.offered_total += rows.len() as u64;
            self.offered.push_back(rows);
            common.send(Frame::Offer(elements));
        }
    }

    /// A limit was met: what is under way is finished, the rest is for another session.
    fn stop(&mut self, common: &mut Common) {
        common.tally.more = true;
        self.step = None;
        self.needs.clear();
        self.haves.clear();
    }
}
