//! What is stored, and what is about to go.

use std::time::Duration;

use axum::{
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::Response,
};
use maud::{Markup, html};

use alephd_message::Micros;
use alephd_store::{
    Reader, StoreError,
    read::{ExpiringRow, Page, Place, RemovingRow, Usage},
};

use super::{
    layout::{self, Refresh, Section},
    list, reasons, text,
};
use crate::{Api, ApiError, handlers::kept::Kept};

/// How long numbers are kept. They read all files and pins.
const USAGE_FOR: Duration = Duration::from_secs(60);

/// How much is stored, as of lately.
#[derive(Default)]
pub(super) struct KeptUsage(Kept<Usage>);

/// What may be about to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Removing,
    Expiring,
}

/// A part of one of the lists.
enum Rows {
    Removing(Page<RemovingRow>),
    Expiring(Page<ExpiringRow>),
}

impl List {
    const ALL: [Self; 2] = [Self::Removing, Self::Expiring];

    fn path(self) -> &'static str {
        match self {
            Self::Removing => "/explore/storage/removing",
            Self::Expiring => "/explore/storage/uploads",
        }
    }

    fn named(name: &str) -> Option<Self> {
        let is_named = |list: &Self| list.path().rsplit('/').next() == Some(name);
        Self::ALL.into_iter().find(is_named)
    }

    fn title(self) -> &'static str {
        match self {
            Self::Removing => "Messages that nobody pays for",
            Self::Expiring => "Uploads without a message",
        }
    }

    fn explanation(self) -> &'static str {
        match self {
            Self::Removing => {
                "They are announced, and removed with their files when the notice is over. Whoever pays in \
                 time loses nothing. Those of one account stand together."
            }
            Self::Expiring => {
                "Only a grace period keeps these files. When it is over they are deleted, unless a message \
                 stores them by then."
            }
        }
    }

    fn nothing(self) -> &'static str {
        match self {
            Self::Removing => "Everything is paid for.",
            Self::Expiring => "No file waits for a message.",
        }
    }

    fn read(self, reader: &Reader, after: Option<&Place>, limit: u64) -> Result<Rows, StoreError> {
        Ok(match self {
            Self::Removing => Rows::Removing(reader.removing_list(after, limit)?),
            Self::Expiring => Rows::Expiring(reader.expiring_list(after, limit)?),
        })
    }
}

/// `GET /explore/storage`
pub(super) async fn storage(api: &Api, usage: &KeptUsage) -> Result<Response, ApiError> {
    let count = || api.read(Reader::usage);
    let usage = usage.0.get(api.clock.monotonic(), USAGE_FOR, count).await?;
    let lists = api.read(|reader| {
        reader.snapshot(|reader| {
            let lists = List::ALL
                .iter()
                .map(|list| list.read(reader, None, list::FIRST_ROWS));
            lists.collect::<Result<Vec<_>, _>>()
        })
    })?;
    let now = api.now();
    let content = html! {
        h1 { "Storage" }
        p.lead { "Files are kept for a reason, which is called a pin. A file goes with its last one." }
        (numbers(&usage))
        p.muted.under { "Counted once a minute." }
        @for (list, rows) in List::ALL.into_iter().zip(&lists) {
            section id=(list.path().rsplit('/').next().unwrap_or_default()) {
                h2 { (list.title()) }
                p.muted { (list.explanation()) }
                (rows.shown(list, now))
                @if rows.next().is_some() { p { a href=(list.path()) { "All of them →" } } }
            }
        }
    };
    Ok(page(api, "Storage", &content))
}

/// `GET /explore/storage/{list}`
pub(super) async fn list(
    State(api): State<Api>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let Some(list) = List::named(&name) else {
        return Ok(layout::missing(
            &api,
            StatusCode::NOT_FOUND,
            "There is no such list",
            "",
        ));
    };
    let after = list::after(query.as_deref());
    let Ok(place) = after.as_deref().map(str::parse::<Place>).transpose() else {
        return Ok(layout::no_such_page(&api, list.path()));
    };
    let rows = api.read(|reader| list.read(reader, place.as_ref(), list::ROWS))?;
    let next = rows
        .next()
        .map(|next| list::going_on(list.path(), &next.to_string()));
    let content = html! {
        p.crumbs { a href="/explore/storage" { "Storage" } " /" }
        h1 { (list.title()) }
        p.lead { (list.explanation()) }
        (rows.shown(list, api.now()))
        (list::pages(place.map(|_| list.path()), next.as_deref()))
    };
    Ok(page(&api, list.title(), &content))
}

fn page(api: &Api, title: &str, content: &Markup) -> Response {
    layout::page(
        api,
        StatusCode::OK,
        title,
        Section::Storage,
        Refresh::Still,
        content,
    )
}

fn numbers(usage: &Usage) -> Markup {
    let pins = &usage.pins;
    let cards = [
        ("Files", text::number(usage.files), "held by this node"),
        ("Bytes", text::bytes(usage.bytes), "of these files"),
        ("Message pins", text::number(pins.message), "files of STOREs"),
        ("Content pins", text::number(pins.content), "contents of messages"),
        ("Archive pins", text::number(pins.archive), "archives of chains"),
        ("Grace pins", text::number(pins.grace), "files with time left"),
        (
            "Unpaid",
            text::number(usage.removing),
            "messages about to be removed",
        ),
    ];
    html! {
        dl.numbers {
            @for (name, value, note) in cards {
                div { dt { (name) } dd { (value) } dd.note { (note) } }
            }
        }
    }
}

impl Rows {
    fn next(&self) -> Option<&Place> {
        match self {
            Self::Removing(page) => page.next.as_ref(),
            Self::Expiring(page) => page.next.as_ref(),
        }
    }

    fn shown(&self, list: List, now: Micros) -> Markup {
        match self {
            Self::Removing(page) if !page.rows.is_empty() => removing(&page.rows, now),
            Self::Expiring(page) if !page.rows.is_empty() => expiring(&page.rows, now),
            // Grace periods of files that something else keeps may fill a page.
            _ if self.next().is_some() => html! { p.empty { "None on this page." } },
            _ => html! { p.empty { (list.nothing()) } },
        }
    }
}

fn removing(rows: &[RemovingRow], now: Micros) -> Markup {
    let titles = ["Message", "Type", "Account", "#File", "Why", "#Removed"];
    let rows = rows.iter().map(|row| {
        let end = reasons::end_of_notice(row.since);
        html! {
            td { (text::message_link(&row.item_hash, 16)) }
            td { (list::kind(row.message_type)) }
            td { (text::account_link(&row.owner, 16)) }
            td.number { @if let Some(bytes) = row.bytes { (text::bytes(bytes)) } @else { span.muted { "–" } } }
            td.words { (reasons::of_unpaid(row.payment)) }
            td.number { @if end > now { (text::time(end, now)) } @else { span.bad { "now" } } }
        }
    });
    list::sheet(&titles, rows)
}

fn expiring(rows: &[ExpiringRow], now: Micros) -> Markup {
    let titles = ["File", "#Size", "#Uploaded", "#Deleted"];
    let rows = rows.iter().map(|row| {
        html! {
            td { (text::file_link(&row.file, 16)) }
            td.number { (text::bytes(row.bytes)) }
            td.number { (text::time(row.created, now)) }
            td.number { @if row.until > now { (text::time(row.until, now)) } @else { span.bad { "now" } } }
        }
    });
    list::sheet(&titles, rows)
}
