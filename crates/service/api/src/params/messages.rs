//! Messages: the list, its websocket twin, and the list of hashes.

use alephd_message::{Chain, ItemHash, MessageType, Micros, PaymentType};
use alephd_rules::MessageStatus;

use super::{
    ContentFormat, Field, Form, Paging, ParamErrors, SortBy, SortOrder, Span,
    paging::{CURSOR, PAGE, RawPaging},
    reader::Reader,
};
use crate::cursor::TimeCursor;

pub(super) mod fields;

use fields::{
    ADDRESSES, CHAINS, CHANNELS, CONTENT_FORMAT, CONTENT_HASHES, CONTENT_KEYS, CONTENT_TYPES,
    CURSOR_NEEDS_TIME, DATES_INVERTED, END_BLOCK, END_DATE, EXCLUDE_CONTENT, HASH_ONLY, HASHES, HISTORY,
    MESSAGE_STATUSES, MESSAGE_TYPE, MESSAGE_TYPES, OWNERS, PAGINATION, PAYMENT_TYPES, REFS, SORT_BY,
    SORT_ORDER, START_BLOCK, START_DATE, STATUS, TAGS,
};

/// Which messages, in which order, and how much of them.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageFilters {
    /// What the order goes by. See [`MessageFilters::ordered_by`].
    pub sort_by: SortBy,
    /// The direction. Ties are broken by ascending hash in either direction.
    pub sort_order: SortOrder,
    /// Accepted types, or `None` for all. Unlike the lists below it may be empty and then matches
    /// nothing: two parameters that exclude each other meet here.
    pub types: Option<Vec<MessageType>>,
    /// Accepted statuses; never empty.
    pub statuses: Vec<MessageStatus>,
    /// Accepted senders, in their exact spelling.
    pub senders: Vec<String>,
    /// Accepted values of `content.address`.
    pub owners: Vec<String>,
    /// Accepted values of `content.ref`, where that is a text.
    pub refs: Vec<String>,
    /// Accepted values of `content.item_hash`.
    pub content_hashes: Vec<ItemHash>,
    /// Accepted values of `content.key`.
    pub content_keys: Vec<String>,
    /// Accepted values of `content.type`.
    pub content_types: Vec<String>,
    /// Accepted chains.
    pub chains: Vec<Chain>,
    /// Accepted channels.
    pub channels: Vec<String>,
    /// Tags of which a message needs at least one.
    pub tags: Vec<String>,
    /// Accepted item hashes.
    pub hashes: Vec<ItemHash>,
    /// Accepted ways of payment.
    pub payment_types: Vec<PaymentType>,
    /// Accepted times, without the end.
    pub dates: Span<Micros>,
    /// Accepted heights of the first confirmation, without the end. A start alone keeps
    /// unconfirmed messages, an end drops them.
    pub blocks: Span<u64>,
    /// How much of the content to send.
    pub content: ContentFormat,
}

impl Default for MessageFilters {
    fn default() -> Self {
        Self {
            sort_by: SortBy::default(),
            sort_order: SortOrder::default(),
            types: None,
            statuses: vec![MessageStatus::Processed, MessageStatus::Removing],
            senders: Vec::new(),
            owners: Vec::new(),
            refs: Vec::new(),
            content_hashes: Vec::new(),
            content_keys: Vec::new(),
            content_types: Vec::new(),
            chains: Vec::new(),
            channels: Vec::new(),
            tags: Vec::new(),
            hashes: Vec::new(),
            payment_types: Vec::new(),
            dates: Span::default(),
            blocks: Span::default(),
            content: ContentFormat::default(),
        }
    }
}

impl MessageFilters {
    /// What the order of a page goes by: a bound on heights implies the order of confirmations.
    pub fn ordered_by(&self) -> SortBy {
        if self.blocks.is_open() {
            self.sort_by
        } else {
            SortBy::TxTime
        }
    }

    fn read(reader: &mut Reader<'_>) -> Self {
        let sort_by = reader.choice(&SORT_BY).unwrap_or_default();
        let sort_order = reader.order(&SORT_ORDER);
        let single = reader.choice(&MESSAGE_TYPE);
        let types = reader.choices(&MESSAGE_TYPES);
        let statuses = reader.choices(&MESSAGE_STATUSES);
        let mut filters = Self {
            sort_by,
            sort_order,
            types: both(single, types),
            senders: reader.list(&ADDRESSES),
            owners: reader.list(&OWNERS),
            refs: reader.list(&REFS),
            content_hashes: reader.hashes(&CONTENT_HASHES),
            content_keys: reader.list(&CONTENT_KEYS),
            content_types: reader.list(&CONTENT_TYPES),
            chains: reader.choices(&CHAINS),
            channels: reader.list(&CHANNELS),
            tags: reader.list(&TAGS),
            hashes: reader.hashes(&HASHES),
            payment_types: reader.choices(&PAYMENT_TYPES),
            ..Self::default()
        };
        if !statuses.is_empty() {
            filters.statuses = statuses;
        }
        let exclude = reader.bool(&EXCLUDE_CONTENT).unwrap_or_default();
        let shortened = if exclude {
            ContentFormat::None
        } else {
            ContentFormat::Full
        };
        filters.content = reader.choice(&CONTENT_FORMAT).unwrap_or(shortened);
        filters.dates = reader.dates(&START_DATE, &END_DATE);
        let mut height = |field| Some(reader.count(field)).filter(|&height| height > 0);
        filters.blocks = Span {
            start: height(&START_BLOCK),
            end: height(&END_BLOCK),
        };
        filters
    }

    fn require(&self, reader: &Reader<'_>) -> Result<(), ParamErrors> {
        reader.require(!self.dates.is_inverted(), DATES_INVERTED)?;
        reader.require(
            !self.blocks.is_inverted(),
            "end block cannot be lower than start block.",
        )
    }

    /// The filters in use that the tables of forgotten and removed messages cannot answer.
    fn unsupported_by_tombstones(&self) -> Vec<&'static str> {
        let used = [
            (!self.refs.is_empty(), REFS.name),
            (!self.content_types.is_empty(), CONTENT_TYPES.name),
            (!self.content_hashes.is_empty(), CONTENT_HASHES.name),
            (!self.content_keys.is_empty(), CONTENT_KEYS.name),
            (!self.tags.is_empty(), TAGS.name),
            (self.blocks.start.is_some(), START_BLOCK.name),
            (self.blocks.end.is_some(), END_BLOCK.name),
        ];
        used.into_iter()
            .filter(|(used, _)| *used)
            .map(|(_, name)| name)
            .collect()
    }
}

/// The types that both parameters accept.
fn both(single: Option<MessageType>, list: Vec<MessageType>) -> Option<Vec<MessageType>> {
    match single {
        None if list.is_empty() => None,
        None => Some(list),
        Some(kind) if list.is_empty() || list.contains(&kind) => Some(vec![kind]),
        Some(_) => Some(Vec::new()),
    }
}

/// The table that answers a list of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listing {
    /// Messages that have their effects. Statuses other than these match nothing there.
    #[default]
    Live,
    /// Tombstones of FORGET; dates and order go by the instant of forgetting.
    Forgotten,
    /// Messages dropped for lack of payment; dates and order go by that instant.
    Removed,
}

impl Listing {
    fn of(statuses: &[MessageStatus]) -> Result<Self, ParamErrors> {
        let apart =
            |status: &MessageStatus| matches!(status, MessageStatus::Forgotten | MessageStatus::Removed);
        if !statuses.iter().any(apart) {
            return Ok(Self::Live);
        }
        let first = statuses.first().copied();
        match first.filter(|first| statuses.iter().all(|status| status == first)) {
            Some(MessageStatus::Forgotten) => Ok(Self::Forgotten),
            Some(_) => Ok(Self::Removed),
            None => {
                let rule = "msgStatuses=forgotten/removed cannot be combined with other statuses";
                Err(ParamErrors::BadRequest(rule.to_owned()))
            }
        }
    }
}

/// `GET /api/v0/messages.json` and `/api/v0/messages/page/{page}.json`.
#[derive(Clone, Debug, PartialEq)]
pub struct MessagesQuery {
    /// The filters.
    pub filters: MessageFilters,
    /// The table they apply to.
    pub listing: Listing,
    /// The part of the list. In cursor mode the order is that of time, whatever
    /// [`MessageFilters::ordered_by`] says of pages.
    pub paging: Paging<TimeCursor>,
}

/// The parameters that the list and the websocket share.
macro_rules! shared_fields {
    ($($own:expr),*) => {
        &[
            &SORT_BY, &SORT_ORDER, &MESSAGE_TYPE, &MESSAGE_TYPES, &MESSAGE_STATUSES, &ADDRESSES, &OWNERS,
            &REFS, &CONTENT_HASHES, &CONTENT_KEYS, &CONTENT_TYPES, &CHAINS, &CHANNELS, &TAGS, &HASHES,
            &PAYMENT_TYPES, &EXCLUDE_CONTENT, &CONTENT_FORMAT, &START_DATE, &END_DATE, &START_BLOCK,
            &END_BLOCK, $($own),*
        ]
    };
}

impl MessagesQuery {
    /// The parameters of the route.
    pub const FIELDS: &'static [&'static Field] = shared_fields!(&PAGINATION, &PAGE, &CURSOR);

    /// Reads a query string.
    pub fn parse(query: &str) -> Result<Self, ParamErrors> {
        Self::parse_at(query, None)
    }

    /// Reads a query string whose page number may be overridden by the path.
    pub fn parse_at(query: &str, path_page: Option<&str>) -> Result<Self, ParamErrors> {
        let mut reader = Reader::new(query, Form::Text);
        let filters = MessageFilters::read(&mut reader);
        let paging = RawPaging::read(&mut reader, &PAGINATION);
        reader.check()?;
        filters.require(&reader)?;
        let has_order = paging.cursor.is_none() || filters.sort_by == SortBy::Time;
        reader.require(has_order, CURSOR_NEEDS_TIME)?;
        let paging = paging.at(path_page)?;
        let listing = Listing::of(&filters.statuses)?;
        if listing != Listing::Live {
            let status = if listing == Listing::Forgotten {
                "forgotten"
            } else {
                "removed"
            };
            if paging.cursor.is_some() {
                let rule = format!("Cursor pagination is not supported for {status} message queries");
                return Err(ParamErrors::BadRequest(rule));
            }
            let unsupported = filters.unsupported_by_tombstones();
            if !unsupported.is_empty() {
                let names = unsupported.join(", ");
                let rule = format!("Filters not supported for {status} message queries: {names}");
                return Err(ParamErrors::BadRequest(rule));
            }
        }
        Ok(Self {
            filters,
            listing,
            paging: paging.finish()?,
        })
    }

    /// What the order of this part of the list goes by.
    pub fn ordered_by(&self) -> SortBy {
        if self.paging.is_cursor() {
            SortBy::Time
        } else {
            self.filters.ordered_by()
        }
    }
}

/// The websocket of messages, `/api/ws0/messages`.
#[derive(Clone, Debug, PartialEq)]
pub struct WsQuery {
    /// The filters, for the past and for what comes.
    pub filters: MessageFilters,
    /// Number of messages of the past to send first, below 200.
    pub history: u8,
}

impl WsQuery {
    /// The parameters of the route.
    pub const FIELDS: &'static [&'static Field] = shared_fields!(&HISTORY);

    /// Reads a query string.
    pub fn parse(query: &str) -> Result<Self, ParamErrors> {
        let mut reader = Reader::new(query, Form::Text);
        let filters = MessageFilters::read(&mut reader);
        let history = reader.count(&HISTORY);
        reader.check()?;
        filters.require(&reader)?;
        Ok(Self {
            filters,
            history: u8::try_from(history).unwrap_or(u8::MAX),
        })
    }
}

/// `GET /api/v0/messages/hashes`.
#[derive(Clone, Debug, PartialEq)]
pub struct HashesQuery {
    /// Accepted status, or `None` for all.
    pub status: Option<MessageStatus>,
    /// Accepted times of reception, without the end.
    pub dates: Span<Micros>,
    /// The direction by time of reception, then ascending hash.
    pub sort_order: SortOrder,
    /// Whether to send the hashes alone.
    pub hash_only: bool,
    /// Number of the page, from 1.
    pub page: u64,
    /// Entries on a page; zero means all of them.
    pub per_page: u64,
}

impl HashesQuery {
    /// The parameters of the route.
    pub const FIELDS: &'static [&'static Field] = &[
        &STATUS,
        &PAGE,
        &PAGINATION,
        &START_DATE,
        &END_DATE,
        &SORT_ORDER,
        &HASH_ONLY,
    ];

    /// Reads a query string.
    pub fn parse(query: &str) -> Result<Self, ParamErrors> {
        let mut reader = Reader::new(query, Form::Text);
        let query = Self {
            status: reader.choice(&STATUS),
            page: reader.count(&PAGE),
            per_page: reader.count(&PAGINATION),
            dates: reader.dates(&START_DATE, &END_DATE),
            sort_order: reader.order(&SORT_ORDER),
            hash_only: reader.bool(&HASH_ONLY).unwrap_or(true),
        };
        reader.check()?;
        reader.require(!query.dates.is_inverted(), DATES_INVERTED)?;
        Ok(query)
    }
}
