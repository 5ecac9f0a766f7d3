//! The parameters of messages; some of them are those of posts too.

use alephd_message::{Chain, MessageType, PaymentType};
use alephd_rules::MessageStatus;

use crate::params::{ContentFormat, Field, Kind, SortBy, WireName as _, paging::page_size};

/// What ends an inverted range of instants.
pub(in crate::params) const DATES_INVERTED: &str = "end date cannot be lower than start date.";
/// What ends a cursor in an order that has none.
pub(in crate::params) const CURSOR_NEEDS_TIME: &str =
    "Cursor pagination is not supported with tx-time sort order.";

pub(in crate::params) const SORT_BY: Field = Field::new(
    "sortBy",
    Kind::Choice {
        names: SortBy::names,
        default: Some("time"),
    },
    "Order by the time of the sender or by that of the first confirmation.",
)
.or("sort_by");
pub(in crate::params) const SORT_ORDER: Field = Field::new(
    "sortOrder",
    Kind::Order { default: -1 },
    "1 for ascending, -1 for descending.",
)
.or("sort_order");
pub(in crate::params) const MESSAGE_TYPE: Field = Field::new(
    "msgType",
    Kind::Choice {
        names: MessageType::names,
        default: None,
    },
    "Message type. Use `msgTypes` instead.",
)
.or("message_type")
.deprecated();
pub(in crate::params) const MESSAGE_TYPES: Field = Field::new(
    "msgTypes",
    Kind::Choices {
        names: MessageType::names,
    },
    "Message types.",
)
.or("message_types");
pub(in crate::params) const MESSAGE_STATUSES: Field = Field::new(
    "msgStatuses",
    Kind::Choices {
        names: MessageStatus::names,
    },
    "Statuses; `processed,removing` when absent. `forgotten` and `removed` each stand alone.",
)
.or("message_statuses");
pub(in crate::params) const ADDRESSES: Field = Field::new("addresses", Kind::List, "Senders.");
pub(in crate::params) const OWNERS: Field = Field::new("owners", Kind::List, "Values of `content.address`.");
pub(in crate::params) const REFS: Field = Field::new("refs", Kind::List, "Values of `content.ref`.");
pub(in crate::params) const CONTENT_HASHES: Field =
    Field::new("contentHashes", Kind::Hashes, "Values of `content.item_hash`.").or("content_hashes");
// The reference takes only item hashes here, although keys of aggregates are meant; any text is
// accepted, as clients expect.
pub(in crate::params) const CONTENT_KEYS: Field =
    Field::new("contentKeys", Kind::List, "Values of `content.key`.").or("content_keys");
pub(in crate::params) const CONTENT_TYPES: Field =
    Field::new("contentTypes", Kind::List, "Values of `content.type`.").or("content_types");
pub(in crate::params) const CHAINS: Field = Field::new(
    "chains",
    Kind::Choices { names: Chain::names },
    "Chains of the senders.",
);
pub(in crate::params) const CHANNELS: Field = Field::new("channels", Kind::List, "Channels.");
pub(in crate::params) const TAGS: Field =
    Field::new("tags", Kind::List, "Tags, of which a message needs one.");
pub(in crate::params) const HASHES: Field = Field::new("hashes", Kind::Hashes, "Item hashes.");
pub(in crate::params) const PAYMENT_TYPES: Field = Field::new(
    "paymentTypes",
    Kind::Choices {
        names: PaymentType::names,
    },
    "Ways of payment.",
)
.or("payment_types");
pub(in crate::params) const EXCLUDE_CONTENT: Field = Field::new(
    "excludeContent",
    Kind::Bool { default: Some(false) },
    "Leave the content out. Use `contentFormat=none` instead.",
)
.or("exclude_content")
.deprecated();
pub(in crate::params) const CONTENT_FORMAT: Field = Field::new(
    "contentFormat",
    Kind::Choice {
        names: ContentFormat::names,
        default: Some("full"),
    },
    "How much of the content to send.",
)
.or("content_format");
pub(in crate::params) const START_DATE: Field = Field::new(
    "startDate",
    Kind::Date,
    "First instant, in seconds since the epoch; 0 for no limit.",
)
.or("start_date");
pub(in crate::params) const END_DATE: Field = Field::new(
    "endDate",
    Kind::Date,
    "First instant that is too late; 0 for no limit.",
)
.or("end_date");
pub(in crate::params) const START_BLOCK: Field = Field::new(
    "startBlock",
    Kind::int(0, 0),
    "First height of confirmation; unconfirmed messages stay in. 0 for no limit.",
)
.or("start_block");
pub(in crate::params) const END_BLOCK: Field = Field::new(
    "endBlock",
    Kind::int(0, 0),
    "First height of confirmation that is too late; unconfirmed messages drop out. 0 for no limit.",
)
.or("end_block");
pub(in crate::params) const PAGINATION: Field = page_size(20);
pub(in crate::params) const HISTORY: Field = Field::new(
    "history",
    Kind::IntBelow {
        default: 10,
        min: 0,
        end: 200,
    },
    "Messages of the past to send first.",
);
pub(in crate::params) const STATUS: Field = Field::new(
    "status",
    Kind::Choice {
        names: MessageStatus::names,
        default: None,
    },
    "Status of the messages.",
);
pub(in crate::params) const HASH_ONLY: Field = Field::new(
    "hash_only",
    Kind::Bool { default: Some(true) },
    "Send hashes without status and time.",
);
