//! Posts, in both versions of the route.

use alephd_message::{ItemHash, Micros};

use super::{
    Field, Form, Kind, Paging, ParamErrors, SortBy, SortOrder, Span,
    messages::fields::{CURSOR_NEEDS_TIME, DATES_INVERTED, END_DATE, SORT_BY, SORT_ORDER, START_DATE},
    paging::{CURSOR, PAGE, RawPaging, page_size},
    reader::Reader,
};
use crate::cursor::TimeCursor;

const ADDRESSES: Field = Field::new("addresses", Kind::List, "Owners: values of `content.address`.");
const HASHES: Field = Field::new("hashes", Kind::Hashes, "Item hashes of the originals.");
const REFS: Field = Field::new("refs", Kind::List, "Values of `content.ref`.");
const TYPES: Field = Field::new("types", Kind::List, "Types of the originals.").or("post_types");
const TAGS: Field = Field::new(
    "tags",
    Kind::List,
    "Tags of the latest revision, of which a post needs one.",
);
const CHANNELS: Field = Field::new("channels", Kind::List, "Channels.");
const PAGINATION: Field = page_size(20);

/// `GET /api/v0/posts.json`, `/api/v1/posts.json` and their numbered pages.
///
/// A post is an original with its latest amendment; amendments are no entries of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct PostsQuery {
    /// Accepted owners: not the senders, although clients call them so.
    pub owners: Vec<String>,
    /// Accepted hashes of originals.
    pub hashes: Vec<ItemHash>,
    /// Accepted references.
    pub refs: Vec<String>,
    /// Accepted types of originals.
    pub types: Vec<String>,
    /// Tags of which the latest revision needs at least one.
    pub tags: Vec<String>,
    /// Accepted channels.
    pub channels: Vec<String>,
    /// Accepted times of the last change, without the end.
    pub dates: Span<Micros>,
    /// What the order goes by; always the time in cursor mode.
    pub sort_by: SortBy,
    /// The direction. Ties are broken by the ascending hash of the original.
    pub sort_order: SortOrder,
    /// The part of the list.
    pub paging: Paging<TimeCursor>,
}

impl PostsQuery {
    /// The parameters of the route.
    pub const FIELDS: &'static [&'static Field] = &[
        &ADDRESSES,
        &HASHES,
        &REFS,
        &TYPES,
        &TAGS,
        &CHANNELS,
        &START_DATE,
        &END_DATE,
        &PAGINATION,
        &PAGE,
        &SORT_BY,
        &SORT_ORDER,
        &CURSOR,
    ];

    /// Reads a query string.
    pub fn parse(query: &str) -> Result<Self, ParamErrors> {
        Self::parse_at(query, None)
    }

    /// Reads a query string whose page number may be overridden by the path.
    pub fn parse_at(query: &str, path_page: Option<&str>) -> Result<Self, ParamErrors> {
        let mut reader = Reader::new(query, Form::Text);
        let owners = reader.list(&ADDRESSES);
        let hashes = reader.hashes(&HASHES);
        let refs = reader.list(&REFS);
        let types = reader.list(&TYPES);
        let tags = reader.list(&TAGS);
        let channels = reader.list(&CHANNELS);
        let dates = reader.dates(&START_DATE, &END_DATE);
        let paging = RawPaging::read(&mut reader, &PAGINATION);
        let sort_by = reader.choice(&SORT_BY).unwrap_or_default();
        let sort_order = reader.order(&SORT_ORDER);
        reader.check()?;
        reader.require(!dates.is_inverted(), DATES_INVERTED)?;
        reader.require(
            paging.cursor.is_none() || sort_by == SortBy::Time,
            CURSOR_NEEDS_TIME,
        )?;
        let paging = paging.at(path_page)?.finish()?;
        Ok(Self {
            owners,
            hashes,
            refs,
            types,
            tags,
            channels,
            dates,
            sort_by,
            sort_order,
            paging,
        })
    }
}
