//! Error codes of the protocol and the one error of this crate.

use std::fmt;

use serde_json::{Value, json};

/// Why a message is not processed (docs/protocol/messages.md, "Error codes"). The numbers are
/// part of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i16)]
pub enum ErrorCode {
    /// Unexpected failure of the node.
    Internal = -1,
    /// Envelope or content break the schema, or the hash does not match.
    InvalidFormat = 0,
    /// The signature does not verify.
    InvalidSignature = 1,
    /// The sender may not act for the owner.
    PermissionDenied = 2,
    /// The content, which is not inline, cannot be found.
    ContentUnavailable = 3,
    /// The file of a STORE cannot be found.
    FileUnavailable = 4,
    /// The tokens held do not cover the cost.
    BalanceInsufficient = 5,
    /// The credits do not cover the cost of a day.
    CreditInsufficient = 6,
    /// An amend names no target.
    PostAmendNoTarget = 100,
    /// The target of an amend is unknown.
    PostAmendTargetNotFound = 101,
    /// The target of an amend is an amend.
    PostAmendAmend = 102,
    /// The STORE that a revision names is unknown.
    StoreRefNotFound = 200,
    /// The STORE that a revision names is a revision.
    StoreUpdateUpdate = 201,
    /// This payment method is no longer accepted here.
    InvalidPaymentMethod = 202,
    /// The program to replace is unknown.
    VmRefNotFound = 300,
    /// A volume is unknown.
    VmVolumeNotFound = 301,
    /// The program to replace does not allow amends.
    VmAmendNotAllowed = 302,
    /// The program to replace replaces another one.
    VmUpdateUpdate = 303,
    /// A volume is smaller than its parent.
    VmVolumeTooSmall = 304,
    /// A FORGET names nothing.
    ForgetNoTarget = 500,
    /// The target of a FORGET is unknown.
    ForgetTargetNotFound = 501,
    /// The target of a FORGET is a FORGET.
    ForgetForget = 502,
    /// The target of a FORGET is still used by a machine.
    ForgetNotAllowed = 503,
    /// A copy of a forgotten message.
    ForgottenDuplicate = 504,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: &'static [ErrorCode] = &[
        Self::Internal,
        Self::InvalidFormat,
        Self::InvalidSignature,
        Self::PermissionDenied,
        Self::ContentUnavailable,
        Self::FileUnavailable,
        Self::BalanceInsufficient,
        Self::CreditInsufficient,
        Self::PostAmendNoTarget,
        Self::PostAmendTargetNotFound,
        Self::PostAmendAmend,
        Self::StoreRefNotFound,
        Self::StoreUpdateUpdate,
        Self::InvalidPaymentMethod,
        Self::VmRefNotFound,
        Self::VmVolumeNotFound,
        Self::VmAmendNotAllowed,
        Self::VmUpdateUpdate,
        Self::VmVolumeTooSmall,
        Self::ForgetNoTarget,
        Self::ForgetTargetNotFound,
        Self::ForgetForget,
        Self::ForgetNotAllowed,
        Self::ForgottenDuplicate,
    ];

    /// The number on the wire.
    pub fn code(self) -> i16 {
        self as i16
    }

    /// The code with this number.
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.code() == code)
    }

    /// Whether a later fact may lift the refusal without a new copy of the message.
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::Internal
                | Self::ContentUnavailable
                | Self::FileUnavailable
                | Self::PostAmendTargetNotFound
                | Self::StoreRefNotFound
                | Self::VmRefNotFound
                | Self::VmVolumeNotFound
                | Self::ForgetTargetNotFound
        )
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?} ({})", self.code())
    }
}

/// One broken rule, with the path to the place that breaks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Keys and indexes from the root of the object.
    pub path: Vec<String>,
    /// Short machine-readable name, e.g. `missing`, `extra_forbidden`, `string_type`.
    pub kind: &'static str,
    /// What is wrong, for a person.
    pub text: String,
}

/// Bytes that are not a message. Always [`ErrorCode::InvalidFormat`], always final.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct FormatError {
    /// At least one issue.
    pub issues: Vec<Issue>,
}

impl FormatError {
    /// An error with a single issue at `path`.
    pub fn at(path: &[&str], kind: &'static str, text: impl Into<String>) -> Self {
        let path = path.iter().map(|&part| part.to_owned()).collect();
        Self {
            issues: vec![Issue {
                path,
                kind,
                text: text.into(),
            }],
        }
    }

    /// The issues as the API lists them: objects with `type`, `loc` and `msg`.
    pub fn to_json(&self) -> Value {
        let list = self.issues.iter();
        list.map(|issue| json!({"type": issue.kind, "loc": issue.path, "msg": issue.text}))
            .collect()
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, issue) in self.issues.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            if issue.path.is_empty() {
                write!(f, "{separator}{}", issue.text)?;
            } else {
                write!(f, "{separator}{}: {}", issue.path.join("."), issue.text)?;
            }
        }
        Ok(())
    }
}
