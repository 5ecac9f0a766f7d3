//! The table of messages and the form that fills it.

use maud::{Markup, html};

use alephd_message::{MessageType, Micros};
use alephd_store::read::MessageRow;

use super::text;

/// What the form was filled with; texts are as they were sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Search {
    pub(super) hash: String,
    pub(super) address: String,
    /// Whether the address is that of the sender instead of the owner.
    pub(super) by_sender: bool,
    pub(super) channel: String,
    pub(super) message_type: Option<MessageType>,
}

/// The form.
pub(super) fn form(search: &Search) -> Markup {
    html! {
        form.search action="/explore" method="get" role="search" aria-label="Messages" {
            label.wide {
                "Item hash"
                input type="search" name="hash" value=(search.hash) maxlength="64" spellcheck="false"
                    autocomplete="off" placeholder="64 hexadecimal digits, Qm… or bafy…";
            }
            label.wide {
                "Address"
                input type="search" name="address" value=(search.address) maxlength="400" spellcheck="false"
                    autocomplete="off" placeholder="0x…, exactly as it is written";
            }
            label {
                "The address is the"
                select name="role" {
                    option value="owner" selected[!search.by_sender] { "owner" }
                    option value="sender" selected[search.by_sender] { "sender" }
                }
            }
            label {
                "Channel"
                input type="search" name="channel" value=(search.channel) maxlength="400" spellcheck="false"
                    autocomplete="off" placeholder="any";
            }
            label {
                "Type"
                select name="type" {
                    option value="" { "any" }
                    @for kind in MessageType::ALL {
                        option value=(kind.as_str()) selected[search.message_type == Some(*kind)] {
                            (kind.as_str())
                        }
                    }
                }
            }
            button type="submit" { "Search" }
        }
    }
}

/// The form that finds an account.
pub(super) fn account_form() -> Markup {
    html! {
        form.search action="/explore/accounts" method="get" role="search" aria-label="Accounts" {
            label.wide {
                "Address"
                input type="search" name="address" maxlength="400" spellcheck="false" autocomplete="off"
                    required placeholder="0x…, exactly as it is written";
            }
            button type="submit" { "Show account" }
        }
    }
}

/// A table with these titles of columns; those that begin with `#` are of numbers.
pub(super) fn sheet(titles: &[&str], rows: impl Iterator<Item = Markup>) -> Markup {
    html! {
        div.scroll {
            table {
                thead {
                    tr {
                        @for title in titles {
                            @match title.strip_prefix('#') {
                                Some(title) => th.number scope="col" { (title) },
                                None => th scope="col" { (title) },
                            }
                        }
                    }
                }
                tbody { @for row in rows { tr { (row) } } }
            }
        }
    }
}

/// Rows of a list on a page of its own.
pub(super) const ROWS: u64 = 25;
/// Rows of a list among others.
pub(super) const FIRST_ROWS: u64 = 8;

/// The place from which a query string asks a list to go on.
pub(super) fn after(query: Option<&str>) -> Option<String> {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let mut after = pairs.filter(|(key, _)| key == "after");
    after.next().map(|(_, value)| value.into_owned())
}

/// The address of a page that goes on from a place.
pub(super) fn going_on(path: &str, place: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("after", place)
        .finish();
    format!("{path}?{query}")
}

/// Links between the pages of a list. `first` is where it begins, if this is not there.
pub(super) fn pages(first: Option<&str>, next: Option<&str>) -> Markup {
    html! {
        nav.pages aria-label="Pages" {
            @if let Some(first) = first { a href=(first) { "← First page" } }
            @if let Some(next) = next { a rel="next" href=(next) { "Next page →" } }
        }
    }
}

/// Which time stands in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// That of the envelope.
    Sent,
    /// That of the arrival here.
    Received,
}

/// The table.
pub(super) fn table(rows: &[MessageRow], shown: Shown, now: Micros) -> Markup {
    html! {
        div.scroll {
            table {
                thead {
                    tr {
                        th scope="col" { "Message" }
                        th scope="col" { "Type" }
                        th scope="col" { "What" }
                        th scope="col" { "Sender" }
                        th scope="col" { "Channel" }
                        th.number scope="col" { "Size" }
                        th.number scope="col" { @if shown == Shown::Sent { "Sent" } @else { "Received" } }
                    }
                }
                tbody {
                    @for row in rows {
                        tr {
                            td { (text::message_link(&row.item_hash, 16)) }
                            td { (kind(row.message_type)) }
                            td { (what(row)) }
                            td { (text::address_link(&row.sender, "sender", 16)) }
                            td { (text::channel_link(row.channel.as_deref(), text::IN_TABLE)) }
                            td.number { (text::number(u64::try_from(row.size).unwrap_or(0))) }
                            td.number {
                                @let time = if shown == Shown::Sent { row.time } else { row.reception };
                                (text::time(time, now))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A type as a coloured word.
pub(super) fn kind(kind: MessageType) -> Markup {
    html! { span class={ "kind " (kind.as_str().to_ascii_lowercase()) } { (kind.as_str()) } }
}

/// The type of a post, the key of an aggregate, or how something is paid for.
fn what(row: &MessageRow) -> Markup {
    match (&row.label, row.payment) {
        (Some(label), _) => text::foreign(label, text::IN_TABLE),
        (None, Some(payment)) => html! { span.muted { "paid by " (payment.as_str()) } },
        (None, None) => html! { span.muted { "–" } },
    }
}
