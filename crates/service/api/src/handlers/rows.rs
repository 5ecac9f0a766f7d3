//! How many rows an answer may have.
//!
//! `pagination=0` asks for everything, and a page size has no upper bound on the wire. Such an
//! answer is built in memory, so beyond [`MAX_ROWS`] it is refused, with the advice to use cursors.

use alephd_store::read::Window;

use super::messages::window_of;
use crate::{ApiError, cursor::TimeCursor, params::Paging};

/// Most rows of one answer: a few hundred megabytes of ordinary messages, far beyond what any
/// client of the network asks for.
pub(super) const MAX_ROWS: u64 = 100_000;

/// The number of rows to read: one more than a cursor page has, to know whether another follows;
/// one more than may be sent, to know whether to refuse.
pub(super) fn limit_of<C>(paging: &Paging<C>) -> u64 {
    match paging {
        Paging::Page { .. } => paging
            .limit()
            .map_or(MAX_ROWS + 1, |limit| limit.min(MAX_ROWS + 1)),
        Paging::Cursor { per_page, .. } => per_page + 1,
    }
}

/// As [`window_of`], with the limit of [`limit_of`].
pub(super) fn window_within(paging: &Paging<TimeCursor>) -> Window {
    match window_of(paging).0 {
        Window::Page { offset, .. } => Window::Page {
            offset,
            limit: Some(limit_of(paging)),
        },
        after @ Window::After { .. } => after,
    }
}

/// Refuses an answer of more than [`MAX_ROWS`].
pub(super) fn check(rows: usize) -> Result<(), ApiError> {
    if rows as u64 <= MAX_ROWS {
        return Ok(());
    }
    Err(ApiError::unprocessable(format!(
        "more than {MAX_ROWS} entries: use smaller pages, or cursor= where the route has cursors"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_read_at_most_one_row_more_than_may_be_sent() {
        let page = |per_page| Paging::<TimeCursor>::Page { page: 1, per_page };
        assert_eq!(limit_of(&page(0)), MAX_ROWS + 1);
        assert_eq!(limit_of(&page(u64::MAX)), MAX_ROWS + 1);
        assert_eq!(limit_of(&page(7)), 7);
        assert_eq!(
            limit_of(&Paging::<TimeCursor>::Cursor {
                after: None,
                per_page: 7
            }),
            8
        );
        assert!(check(100_000).is_ok());
        assert!(check(100_001).is_err());
    }
}
