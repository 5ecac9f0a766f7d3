//! The side that answers.

use std::collections::HashMap;

use alephd_reconcile::{Bound, Element, Id, Responder};

use super::{Common, Output, Violation, WINDOW};
use crate::catchup::{BATCH, Frame};

/// Elements among which a wanted id is looked for. A step lists at most half as many in a range.
const SCAN: usize = 4_096;
/// So many that were taken are told at once.
const TOLD_AT_ONCE: u64 = BATCH as u64 / 4;

#[derive(Debug)]
pub(super) struct Responding {
    reconciler: Responder,
    /// An answer that is not written yet.
    replying: bool,
    /// Done with, and not told.
    untold: u64,
    asked_total: u64,
    served_total: u64,
}

impl Responding {
    pub(super) fn new(common: &Common) -> Self {
        Self {
            reconciler: Responder::new(common.set.clone(), common.settings.limits.step),
            replying: false,
            untold: 0,
            asked_total: 0,
            served_total: 0,
        }
    }

    pub(super) fn receive(&mut self, frame: Frame, common: &mut Common) -> Result<(), Violation> {
        match frame {
            Frame::Reconcile(step) => {
                if std::mem::replace(&mut self.replying, true) {
                    return Err(Violation::Flood);
                }
                common.count_round()?;
                let reply = self.reconciler.reply(&step)?;
                common.send(Frame::Reconcile(reply));
            }
            Frame::Want(groups) => self.serve(&groups, common)?,
            Frame::Offer(elements) => self.accept(&elements, common)?,
            Frame::Done => {
                if !common.asked.is_empty() || common.in_flight > 0 {
                    return Err(Violation::Unexpected);
                }
                common.send(Frame::Done);
                common.over = true;
            }
            _ => return Err(Violation::Unexpected),
        }
        Ok(())
    }

    pub(super) fn reply_written(&mut self) {
        self.replying = false;
    }

    /// Records were taken, or were gone.
    pub(super) fn done_with(&mut self, count: u64, common: &mut Common) {
        self.untold += count;
        let is_last = common.asked.is_empty() && common.in_flight == 0;
        if !common.over && (is_last || self.untold >= TOLD_AT_ONCE) {
            common.send(Frame::Taken(std::mem::take(&mut self.untold)));
        }
    }

    fn serve(&mut self, groups: &[(Bound, Vec<Id>)], common: &mut Common) -> Result<(), Violation> {
        let count: usize = groups.iter().map(|(_, ids)| ids.len()).sum();
        self.served_total += count as u64;
        // A window, and the answers that wait besides.
        if common.outbox.len() + count > WINDOW + BATCH || self.served_total > common.settings.limits.served {
            return Err(Violation::Flood);
        }
        for (after, ids) in groups {
            let mut rows: HashMap<&Id, Option<i64>> = ids.iter().map(|id| (id, None)).collect();
            let mut missing = rows.len();
            let start = common.set.lower_bound(after);
            for known in common.set.iter(start..common.set.len().min(start + SCAN)) {
                if missing == 0 {
                    break;
                }
                if let Some(row) = rows.get_mut(&known.id)
                    && row.replace(known.row).is_none()
                {
                    missing -= 1;
                }
            }
            for id in ids {
                let row = rows.get(id).copied().flatten();
                let output = row.map_or(Output::Send(Frame::Gone(*id)), |row| Output::Serve {
                    row,
                    id: *id,
                });
                common.outbox.push_back(output);
            }
        }
        Ok(())
    }

    fn accept(&mut self, elements: &[Element], common: &mut Common) -> Result<(), Violation> {
        if common.asked.len() + common.in_flight + elements.len() > WINDOW + BATCH {
            return Err(Violation::Flood);
        }
        let mut which = Vec::with_capacity(elements.len());
        for element in elements {
            let has_room = self.asked_total < common.settings.limits.records;
            let is_wanted =
                has_room && !common.set.contains(element) && !common.left_out.contains(&element.id);
            if is_wanted {
                common.asked.push_back(element.id);
                self.asked_total += 1;
            }
            common.tally.more |= !has_room;
            which.push(is_wanted);
        }
        common.send(Frame::Accept(which));
        Ok(())
    }
}
