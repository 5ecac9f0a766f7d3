//! The search for messages.

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse as _, Redirect, Response},
};
use maud::{Markup, html};

use alephd_message::{ItemHash, MessageType};
use alephd_store::read::{MessageFilter, MessageRow, Order, Sort, Window};

use super::{
    layout::{self, Refresh, Section},
    list::{self, Search, Shown},
    text,
};
use crate::{
    Api, ApiError,
    cursor::{Cursor as _, TimeCursor},
};

/// Rows on a page.
const ROWS: usize = 25;
/// Longest value that is looked for. The longest address is a tenth of it.
const LONGEST: usize = 1_000;

/// What was asked for.
#[derive(Debug, Default)]
struct Asked {
    search: Search,
    after: Option<TimeCursor>,
    /// What could not be understood.
    complaints: Vec<&'static str>,
}

impl Asked {
    /// Reads a query string; what it does not know it ignores, as browsers' histories are long.
    fn parse(query: &str) -> Self {
        let mut asked = Self::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            if value.len() > LONGEST {
                asked
                    .complaints
                    .push("One of the values is too long to be looked for.");
                continue;
            }
            asked.take(&key, value);
        }
        asked
    }

    fn take(&mut self, key: &str, value: &str) {
        match key {
            "hash" => {
                value.clone_into(&mut self.search.hash);
                if ItemHash::parse_strict(value).is_none() {
                    self.complaints.push(
                        "That is no item hash: they have 64 hexadecimal digits, or begin with Qm or bafy.",
                    );
                }
            }
            "address" => value.clone_into(&mut self.search.address),
            "role" => self.search.by_sender = value == "sender",
            "channel" => value.clone_into(&mut self.search.channel),
            "type" => match value.parse::<MessageType>() {
                Ok(kind) => self.search.message_type = Some(kind),
                Err(_) => self.complaints.push("There is no such type of message."),
            },
            "after" => match TimeCursor::decode(value) {
                Ok(cursor) => self.after = Some(cursor),
                Err(_) => self.complaints.push("That is no page of this list."),
            },
            _ => {}
        }
    }

    fn filter(&self) -> MessageFilter {
        let search = &self.search;
        let one = |text: &str| {
            if text.is_empty() {
                Vec::new()
            } else {
                vec![text.to_owned()]
            }
        };
        let mut filter = MessageFilter {
            channels: one(&search.channel),
            ..MessageFilter::default()
        };
        let addresses = if search.by_sender {
            &mut filter.senders
        } else {
            &mut filter.owners
        };
        *addresses = one(&search.address);
        if let Some(kind) = search.message_type {
            filter.types = std::iter::once(kind).collect();
        }
        filter
    }

    /// Whether counting all matches costs nothing: for one dimension the store keeps counters.
    fn is_countable(&self) -> bool {
        self.search.address.is_empty() || self.search.channel.is_empty()
    }

    fn link(&self, after: Option<&TimeCursor>) -> String {
        let search = &self.search;
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (key, value) in [("address", &search.address), ("channel", &search.channel)] {
            if !value.is_empty() {
                query.append_pair(key, value);
            }
        }
        if search.by_sender && !search.address.is_empty() {
            query.append_pair("role", "sender");
        }
        if let Some(kind) = search.message_type {
            query.append_pair("type", kind.as_str());
        }
        if let Some(after) = after {
            query.append_pair("after", &after.encode());
        }
        format!("/explore?{}", query.finish())
    }
}

/// `GET /explore`
pub(super) async fn explore(State(api): State<Api>, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let asked = Asked::parse(query.as_deref().unwrap_or_default());
    if !asked.complaints.is_empty() {
        let content = html! {
            h1 { "Messages" }
            (list::form(&asked.search))
            @for complaint in &asked.complaints { p.bad role="alert" { (complaint) } }
        };
        let (status, title) = (StatusCode::BAD_REQUEST, "Messages");
        return Ok(layout::page(
            &api,
            status,
            title,
            Section::Messages,
            Refresh::Still,
            &content,
        ));
    }
    if let Some(hash) = ItemHash::parse_strict(&asked.search.hash) {
        return Ok(Redirect::to(&format!("/explore/messages/{hash}")).into_response());
    }
    let (rows, total, next) = read(&api, &asked)?;
    let content = content(&api, &asked, &rows, total, next.as_ref());
    Ok(layout::page(
        &api,
        StatusCode::OK,
        "Messages",
        Section::Messages,
        Refresh::Still,
        &content,
    ))
}

type Found = (Vec<MessageRow>, Option<u64>, Option<TimeCursor>);

fn read(api: &Api, asked: &Asked) -> Result<Found, ApiError> {
    let filter = asked.filter();
    // One row more tells whether there is another page.
    let limit = ROWS as u64 + 1;
    let window = match &asked.after {
        Some(after) => Window::After {
            time: after.time,
            hash: after.hash.clone(),
            limit,
        },
        None => Window::first(limit),
    };
    let (mut rows, total) = api.read(|reader| {
        reader.snapshot(|reader| {
            let rows = reader.message_list(&filter, Sort::Time, Order::Descending, &window)?;
            let total = if asked.is_countable() {
                Some(reader.message_count(&filter)?)
            } else {
                None
            };
            Ok((rows, total))
        })
    })?;
    let next = if rows.len() > ROWS {
        rows.truncate(ROWS);
        rows.last().map(|row| TimeCursor {
            time: row.time,
            hash: row.item_hash.clone(),
        })
    } else {
        None
    };
    Ok((rows, total, next))
}

fn content(
    api: &Api,
    asked: &Asked,
    rows: &[MessageRow],
    total: Option<u64>,
    next: Option<&TimeCursor>,
) -> Markup {
    html! {
        h1 { "Messages" }
        (list::form(&asked.search))
        @if let Some(path) = text::account_path(&asked.search.address) {
            p { "What this address has, stores and pays: " a href=(path) { "its account →" } }
        }
        @if rows.is_empty() {
            p.empty { (nothing(asked)) }
        } @else {
            @if let Some(total) = total {
                p.muted { (text::number(total)) @if total == 1 { " message" } @else { " messages" }
                    ", the latest first" }
            }
            (list::table(rows, Shown::Sent, api.now()))
        }
        nav.pages aria-label="Pages" {
            @if asked.after.is_some() { a href=(asked.link(None)) { "← Latest" } }
            @if let Some(next) = next { a rel="next" href=(asked.link(Some(next))) { "Older →" } }
        }
    }
}

fn nothing(asked: &Asked) -> &'static str {
    if !asked.search.address.is_empty() {
        "No messages match. Addresses are compared letter by letter, capitals included; and an owner \
         need not be the sender."
    } else if asked.after.is_some() {
        "No older messages."
    } else {
        "No messages match."
    }
}
