//! Two ways through a list: numbered pages and cursors.

use super::{Field, Kind, ParamErrors, lax, reader::Reader};
use crate::cursor::Cursor;

/// Largest page in cursor mode.
pub const CURSOR_PAGE_LIMIT: u64 = 200;

/// Number of the page.
pub(super) const PAGE: Field = Field::new("page", Kind::int(1, 1), "Number of the page, from 1.");
/// Place in the list.
pub(super) const CURSOR: Field = Field::new(
    "cursor",
    Kind::Text { max: None },
    "Switches to cursor mode: empty to start, then `next_cursor` of the answer. `page` is ignored.",
);

/// The size of a page, where zero asks for everything.
pub(super) const fn page_size(default: i64) -> Field {
    Field::new(
        "pagination",
        Kind::int(default, 0),
        "Entries on a page; 0 for all of them.",
    )
}

/// The size of a page within bounds.
pub(super) const fn bounded_page_size(default: i64, min: i64, max: i64) -> Field {
    Field::new(
        "pagination",
        Kind::Int {
            default: Some(default),
            min,
            max: Some(max),
        },
        "Entries on a page.",
    )
}

/// The part of a list that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paging<C> {
    /// A numbered page; the answer tells the total.
    Page {
        /// Number of the page, from 1.
        page: u64,
        /// Entries on a page; zero means all of them.
        per_page: u64,
    },
    /// Everything after a place; the answer tells the next one.
    Cursor {
        /// The last entry already seen, or `None` at the start.
        after: Option<C>,
        /// Entries on a page, from 1 to [`CURSOR_PAGE_LIMIT`].
        per_page: u64,
    },
}

impl<C> Paging<C> {
    /// Entries on a page as answers report it.
    pub fn per_page(&self) -> u64 {
        match self {
            Self::Page { per_page, .. } | Self::Cursor { per_page, .. } => *per_page,
        }
    }

    /// Greatest number of entries to send, or `None` for all of them.
    pub fn limit(&self) -> Option<u64> {
        Some(self.per_page()).filter(|&limit| limit > 0)
    }

    /// Number of entries to skip. Fits a signed integer of the database.
    pub fn offset(&self) -> u64 {
        match self {
            Self::Page { page, per_page } => {
                (page - 1).saturating_mul(*per_page).min(i64::MAX.unsigned_abs())
            }
            Self::Cursor { .. } => 0,
        }
    }

    /// Whether this is cursor mode.
    pub fn is_cursor(&self) -> bool {
        matches!(self, Self::Cursor { .. })
    }
}

/// The paging parameters, before the rules between them.
pub(super) struct RawPaging {
    page: u64,
    per_page: u64,
    /// The text of the cursor, still encoded.
    pub(super) cursor: Option<String>,
}

impl RawPaging {
    /// Notes the parameters of a route that knows cursors.
    pub(super) fn read(reader: &mut Reader<'_>, page_size: &Field) -> Self {
        let per_page = reader.count(page_size);
        let page = reader.count(&PAGE);
        Self {
            page,
            per_page,
            cursor: reader.text(&CURSOR),
        }
    }

    /// Lets a page number in the path override the parameter.
    pub(super) fn at(mut self, path: Option<&str>) -> Result<Self, ParamErrors> {
        if let Some(segment) = path {
            self.page = path_page(segment)?;
        }
        Ok(self)
    }

    /// Decodes the cursor and applies the rules of its mode.
    pub(super) fn finish<C: Cursor>(self) -> Result<Paging<C>, ParamErrors> {
        let Some(text) = self.cursor else {
            return Ok(Paging::Page {
                page: self.page,
                per_page: self.per_page,
            });
        };
        if self.per_page == 0 {
            let rule = "pagination=0 is not allowed with cursor-based pagination";
            return Err(ParamErrors::Unprocessable(rule.to_owned()));
        }
        let after = if text.is_empty() {
            None
        } else {
            Some(C::decode(&text).map_err(|error| ParamErrors::Unprocessable(error.to_string()))?)
        };
        Ok(Paging::Cursor {
            after,
            per_page: self.per_page.min(CURSOR_PAGE_LIMIT),
        })
    }
}

/// Reads the page number in a path such as `/messages/page/{page}.json`, without the extension.
pub fn path_page(segment: &str) -> Result<u64, ParamErrors> {
    let page = match lax::int(segment) {
        Ok(page) if !segment.contains('.') => page,
        _ => {
            return Err(ParamErrors::BadRequest(format!(
                "Invalid page value in path: {segment}"
            )));
        }
    };
    match u64::try_from(page) {
        Ok(page) if page > 0 => Ok(page),
        _ => Err(ParamErrors::Unprocessable(
            "Page number must be greater than 1.".to_owned(),
        )),
    }
}
