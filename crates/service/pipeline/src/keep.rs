//! What a node keeps that does not keep everything (`docs/protocol/interests.md`).

use alephd_message::ErrorCode;
use alephd_rules::{Interest, MessageStatus, Outline, Support};

use crate::{Outcome, Prepared, prepare::Finding};

/// Which messages are kept. Others are verified, so that they can be passed on, and forgotten.
#[derive(Clone, Debug)]
pub struct Keep {
    /// What the operator wants.
    pub interest: Interest,
    /// What every node has to know.
    pub support: Support,
}

impl Keep {
    /// Whether a verified message is kept.
    pub(crate) fn holds(&self, prepared: &Prepared) -> bool {
        let content = match &prepared.finding {
            Finding::Valid { content, .. } => Some(&**content),
            Finding::ContentMissing | Finding::Refused { .. } => None,
        };
        self.interest
            .holds(&Outline::of(&prepared.envelope, content), &self.support)
    }

    /// What is said of a message that is not kept: that others decide, or that none will take it.
    pub(crate) fn outcome(&self, prepared: &Prepared) -> Outcome {
        let code: Option<ErrorCode> = match &prepared.finding {
            Finding::Refused { code, .. } => Some(*code),
            Finding::Valid { .. } | Finding::ContentMissing => None,
        };
        Outcome {
            item_hash: prepared.envelope.item_hash.clone(),
            status: match code {
                Some(_) => MessageStatus::Rejected,
                None => MessageStatus::Pending,
            },
            code,
        }
    }
}
