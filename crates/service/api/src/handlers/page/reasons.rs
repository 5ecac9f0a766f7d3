//! Why a message is where it is, in words.

use alephd_economy::collection::Periods;
use alephd_message::{ErrorCode, Micros, PaymentType};
use alephd_rules::MessageStatus;

/// What a status means for whoever looks for the message.
pub(super) fn of_status(status: MessageStatus) -> &'static str {
    match status {
        MessageStatus::Processed => "Accepted. The message has its effects on this node.",
        MessageStatus::Removing => {
            "Accepted, but no longer paid for: it loses its effects when its notice is over."
        }
        MessageStatus::Pending => "Well formed and signed, but something that it needs is not here yet.",
        MessageStatus::Rejected => "Refused. It has no effects.",
        MessageStatus::Forgotten => "Its owner had it forgotten. Only this tombstone is left.",
        MessageStatus::Removed => "Dropped because nobody paid for it any more.",
    }
}

/// What the owner of a message lacks that nobody pays for.
pub(super) fn of_unpaid(payment: PaymentType) -> &'static str {
    match payment {
        PaymentType::Credit => "Its owner has too few credits: they do not last for another day.",
        PaymentType::Hold | PaymentType::Superfluid => {
            "Its owner holds too few tokens for what is paid by holding them."
        }
    }
}

/// When the notice is over of a message that is about to be removed since an instant.
pub(super) fn end_of_notice(since: Micros) -> Micros {
    let notice = i64::try_from(Periods::default().notice.as_micros()).unwrap_or(i64::MAX);
    Micros(since.0.saturating_add(notice))
}

/// What a code means, and what would help.
pub(super) fn of_code(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Internal => "The node failed while it judged the message. This is not the sender's fault.",
        ErrorCode::InvalidFormat => {
            "The message breaks the rules of form, or its hash is not that of its content."
        }
        ErrorCode::InvalidSignature => "The signature is not one of the sender over this message.",
        ErrorCode::PermissionDenied => {
            "The sender is not the owner, and no delegation of the owner allowed this at that time."
        }
        ErrorCode::ContentUnavailable => "The content is a file that this node does not have yet.",
        ErrorCode::FileUnavailable => "The file that it stores is not on this node yet.",
        ErrorCode::BalanceInsufficient => "The tokens of the owner do not cover what it costs.",
        ErrorCode::CreditInsufficient => "The credits of the owner do not cover a day of what it costs.",
        ErrorCode::PostAmendNoTarget => "It amends a post without naming one.",
        ErrorCode::PostAmendTargetNotFound => "The post that it amends is not here yet.",
        ErrorCode::PostAmendAmend => "It amends an amend; only originals can be amended.",
        ErrorCode::StoreRefNotFound => "The STORE that it revises is not here yet.",
        ErrorCode::StoreUpdateUpdate => "It revises a revision; only originals can be revised.",
        ErrorCode::InvalidPaymentMethod => "This way of payment is no longer accepted for it.",
        ErrorCode::VmRefNotFound => "The program that it replaces is not here yet.",
        ErrorCode::VmVolumeNotFound => "A volume that it needs is not here yet.",
        ErrorCode::VmAmendNotAllowed => "The program that it replaces does not allow that.",
        ErrorCode::VmUpdateUpdate => "It replaces a program that is itself a replacement.",
        ErrorCode::VmVolumeTooSmall => "A volume is smaller than the one that it starts from.",
        ErrorCode::ForgetNoTarget => "It forgets nothing: it names no target.",
        ErrorCode::ForgetTargetNotFound => "A message that it forgets is not here yet.",
        ErrorCode::ForgetForget => "It would forget a FORGET, which stays.",
        ErrorCode::ForgetNotAllowed => "A target of it is still in use by a program or an instance.",
        ErrorCode::ForgottenDuplicate => "A copy of a message that was forgotten.",
    }
}

/// What happens next to a message with this code.
pub(super) fn outlook(code: ErrorCode) -> &'static str {
    if code.is_retryable() {
        "It is kept, and judged again by itself as soon as that changes."
    } else {
        "The same bytes will not be accepted later, unless a fact that was dated earlier arrives."
    }
}
