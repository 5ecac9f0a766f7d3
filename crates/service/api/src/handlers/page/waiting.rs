//! Messages that wait or were refused, and why.

use axum::{extract::State, http::StatusCode, response::Response};
use maud::{Markup, html};

use alephd_message::Micros;
use alephd_store::read::{Counts, ParkedRow};

use super::{
    layout::{self, Refresh, Section},
    list, reasons, text,
};
use crate::{Api, ApiError};

/// Rows on the page: what a person looks through.
const ROWS: u64 = 100;

/// `GET /explore/waiting`
pub(super) async fn waiting(State(api): State<Api>) -> Result<Response, ApiError> {
    let now = api.now();
    let (counts, rows) =
        api.read(|reader| reader.snapshot(|reader| Ok((reader.counts()?, reader.parked_list(ROWS, now)?))))?;
    let content = content(&counts, &rows, now);
    let (status, title) = (StatusCode::OK, "Waiting messages");
    Ok(layout::page(
        &api,
        status,
        title,
        Section::Waiting,
        Refresh::Live,
        &content,
    ))
}

fn content(counts: &Counts, rows: &[ParkedRow], now: Micros) -> Markup {
    html! {
        h1 { "Waiting and refused" }
        p.lead {
            "Messages that arrive before what they refer to are kept, and take effect by themselves when it "
            "comes. Refused ones are kept for a while too, so that their senders can learn why."
        }
        div #live {
            p.muted {
                (text::number(counts.pending)) " waiting · " (text::number(counts.parked)) " refused"
                @if counts.pending + counts.parked > ROWS { " · the latest " (ROWS) " are shown" }
            }
            @if rows.is_empty() {
                p.empty { "Nothing waits and nothing was refused." }
            } @else {
                (table(rows, now))
            }
        }
    }
}

fn table(rows: &[ParkedRow], now: Micros) -> Markup {
    html! {
        div.scroll {
            table {
                thead {
                    tr {
                        th scope="col" { "Message" }
                        th scope="col" { "Type" }
                        th scope="col" { "Sender" }
                        th scope="col" { "Shown as" }
                        th scope="col" { "Why" }
                        th.number scope="col" { "Received" }
                    }
                }
                tbody {
                    @for row in rows {
                        tr {
                            td { (text::message_link(&row.item_hash, 16)) }
                            td { (list::kind(row.message_type)) }
                            td { (text::address_link(&row.sender, "sender", 16)) }
                            td { (text::status(row.status)) }
                            td.words { (reasons::of_code(row.code)) " " span.muted { "(code " (row.code.code()) ")" } }
                            td.number { (text::time(row.reception, now)) }
                        }
                    }
                }
            }
        }
    }
}
