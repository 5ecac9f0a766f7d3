//! The lists of an account.

use maud::{Markup, html};

use alephd_economy::Amount;
use alephd_message::{Chain, ItemHash, Micros, PaymentType};
use alephd_rules::{CreditKind, MessageStatus};
use alephd_store::{
    Reader, StoreError,
    read::{BalanceRow, BillRow, CreditEntry, FileKind, LotRow, Order, OwnedFile, Page, Place, Window},
};

use super::super::{list, text};
use crate::cursor::{Cursor as _, TimeCursor};

/// A list of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    Lots,
    History,
    Files,
    Costs,
}

/// A part of one of them.
pub(super) enum Rows {
    Lots(Page<LotRow>),
    History(Page<CreditEntry>),
    Files(Vec<(OwnedFile, MessageStatus)>, Option<TimeCursor>),
    Costs(Page<BillRow>),
}

impl List {
    pub(super) const ALL: [Self; 4] = [Self::Lots, Self::History, Self::Costs, Self::Files];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Lots => "credits",
            Self::History => "history",
            Self::Files => "files",
            Self::Costs => "costs",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.name() == name)
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Lots => "Credits",
            Self::History => "Credit history",
            Self::Files => "Files",
            Self::Costs => "What it pays for",
        }
    }

    /// Rows from a place on; `None` if the text is no place in this list.
    pub(super) fn read(
        self,
        reader: &Reader,
        address: &str,
        now: Micros,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Option<Rows>, StoreError> {
        if self == Self::Files {
            let Ok(after) = after.map(TimeCursor::decode).transpose() else {
                return Ok(None);
            };
            return files(reader, address, now, after, limit).map(Some);
        }
        let Ok(after) = after.map(str::parse::<Place>).transpose() else {
            return Ok(None);
        };
        let after = after.as_ref();
        Ok(Some(match self {
            Self::Lots => Rows::Lots(reader.lot_list(address, now, after, limit)?),
            Self::History => Rows::History(reader.credit_entry_list(address, after, limit)?),
            Self::Costs | Self::Files => Rows::Costs(reader.bill_list(address, after, limit)?),
        }))
    }
}

fn files(
    reader: &Reader,
    owner: &str,
    now: Micros,
    after: Option<TimeCursor>,
    limit: u64,
) -> Result<Rows, StoreError> {
    // One row more tells whether there is another page.
    let window = match after {
        None => Window::first(limit + 1),
        Some(TimeCursor { time, hash }) => Window::After {
            time,
            hash,
            limit: limit + 1,
        },
    };
    let mut files = Vec::new();
    let mut is_last = true;
    for file in reader.files_of(owner, None, Order::Descending, &window)? {
        if files.len() as u64 == limit {
            is_last = false;
            break;
        }
        let status = reader.message_status(&file.item_hash, now)?;
        files.push((file, status.map_or(MessageStatus::Processed, |row| row.status)));
    }
    let last = files.last().filter(|_| !is_last);
    let next = last.map(|(file, _)| TimeCursor {
        time: file.created,
        hash: file.item_hash.clone(),
    });
    Ok(Rows::Files(files, next))
}

impl Rows {
    /// Where the list goes on.
    pub(super) fn next(&self) -> Option<String> {
        let place = match self {
            Self::Files(_, next) => return next.as_ref().map(TimeCursor::encode),
            Self::Lots(page) => &page.next,
            Self::History(page) => &page.next,
            Self::Costs(page) => &page.next,
        };
        place.as_ref().map(Place::to_string)
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Lots(page) => page.rows.is_empty(),
            Self::History(page) => page.rows.is_empty(),
            Self::Files(rows, _) => rows.is_empty(),
            Self::Costs(page) => page.rows.is_empty(),
        }
    }

    pub(super) fn shown(&self, now: Micros) -> Markup {
        if self.is_empty() {
            let nothing = match self {
                // What does not belong to a list may fill a page of it.
                _ if self.next().is_some() => "None on this page.",
                Self::Lots(_) => "No credits are left.",
                Self::History(_) => "No credits have come or gone.",
                Self::Files(..) => "No files.",
                Self::Costs(_) => "Nothing that costs anything.",
            };
            return html! { p.empty { (nothing) } };
        }
        match self {
            Self::Lots(page) => lots_table(&page.rows, now),
            Self::History(page) => history_table(&page.rows, now),
            Self::Files(rows, _) => files_table(rows, now),
            Self::Costs(page) => costs_table(&page.rows, now),
        }
    }
}

/// What balances come to.
pub(super) fn tokens(rows: &[BalanceRow]) -> Amount {
    let amounts = rows.iter().filter_map(|row| Amount::parse(&row.balance).ok());
    amounts.fold(Amount::ZERO, Amount::saturating_add)
}

/// Balances by chain: there are few chains, and any number of contracts.
pub(super) fn balances(rows: &[BalanceRow]) -> Markup {
    let chain = |rows: &[BalanceRow]| -> Option<(Chain, i64)> {
        let height = rows.iter().map(|row| row.height).max()?;
        Some((rows.first()?.chain, height))
    };
    let rows = rows.chunk_by(|a, b| a.chain == b.chain).filter_map(|rows| {
        let (chain, height) = chain(rows)?;
        let contracts: Vec<_> = rows.iter().filter(|row| row.dapp.is_some()).cloned().collect();
        Some(html! {
            td { (chain.as_str()) }
            td.number { (text::amount(tokens(rows))) }
            td.number { @if contracts.is_empty() { span.muted { "–" } } @else { (text::amount(tokens(&contracts))) } }
            td.number { (text::number(height.unsigned_abs())) }
        })
    });
    list::sheet(
        &["Chain", "#ALEPH", "#Of these in contracts", "#Reported at block"],
        rows,
    )
}

fn lots_table(rows: &[LotRow], now: Micros) -> Markup {
    let rows = rows.iter().map(|row| {
        html! {
            td { (text::message_link(&row.item_hash, 16)) }
            td.number { (text::time(row.time, now)) }
            td.number { (text::number(row.remaining)) }
            td.number { (ends(row.expiration, now)) }
        }
    });
    list::sheet(&["Given by", "#Given", "#Left", "#Ends"], rows)
}

fn ends(expiration: Option<Micros>, now: Micros) -> Markup {
    match expiration {
        None => html! { span.muted { "never" } },
        Some(end) => text::time(end, now),
    }
}

fn history_table(rows: &[CreditEntry], now: Micros) -> Markup {
    let rows = rows.iter().map(|row| {
        let kind = match row.kind {
            CreditKind::Distribution => "granted",
            CreditKind::Transfer => "transferred",
            CreditKind::Expense => "spent",
        };
        let ends = row.expiration.filter(|_| row.amount > 0);
        html! {
            td { (kind) }
            td.number { (text::change(row.amount)) }
            td { (purpose(row)) }
            td.number { @if row.amount > 0 { (self::ends(ends, now)) } @else { span.muted { "–" } } }
            td { (text::message_link(&row.item_hash, 16)) }
            td.number { (text::time(row.time, now)) }
        }
    });
    list::sheet(
        &["What", "#Credits", "For or with", "#Ends", "Post", "#When"],
        rows,
    )
}

/// The resource that credits are for, the other side of a transfer, or how they were paid.
fn purpose(row: &CreditEntry) -> Markup {
    match (&row.origin, &row.payment_method) {
        (Some(origin), _) if row.kind == CreditKind::Transfer => text::account_link(origin, 16),
        (Some(origin), _) => match ItemHash::parse_strict(origin) {
            Some(hash) => text::message_link(&hash, 16),
            None => text::foreign(origin, text::IN_TABLE),
        },
        (None, Some(method)) => html! { span.muted { (text::foreign(method, text::IN_TABLE)) } },
        (None, None) => html! { span.muted { "–" } },
    }
}

fn files_table(rows: &[(OwnedFile, MessageStatus)], now: Micros) -> Markup {
    let rows = rows.iter().map(|(row, status)| {
        html! {
            td {
                (text::file_link(&row.file.hash, 16))
                @if row.file.kind == FileKind::Directory { " " span.muted { "folder" } }
            }
            td.number { (text::bytes(row.file.size)) }
            td { (text::message_link(&row.item_hash, 16)) }
            td { (text::status(*status)) }
            td.number { (text::time(row.created, now)) }
        }
    });
    list::sheet(&["File", "#Size", "Stored by", "Status", "#Since"], rows)
}

fn costs_table(rows: &[BillRow], now: Micros) -> Markup {
    let rows = rows.iter().map(|row| {
        html! {
            td { (text::message_link(&row.item_hash, 16)) }
            td { (list::kind(row.message_type)) }
            td { (text::status(row.status)) }
            td { (row.payment.as_str()) }
            td.number { (price(row)) }
            td.number { (text::time(row.time, now)) }
        }
    });
    list::sheet(&["Message", "Type", "Status", "Paid by", "#Cost", "#Since"], rows)
}

/// What something costs, over a time that people think in.
fn price(row: &BillRow) -> Markup {
    let total = Amount::from_units(row.total);
    let over = |seconds| text::amount(total.checked_mul(seconds).unwrap_or(Amount::MAX));
    match row.payment {
        PaymentType::Hold => html! { (text::amount(total)) " " span.muted { "ALEPH held" } },
        PaymentType::Superfluid => html! { (over(3_600)) " " span.muted { "ALEPH an hour" } },
        PaymentType::Credit => html! { (over(86_400)) " " span.muted { "credits a day" } },
    }
}
