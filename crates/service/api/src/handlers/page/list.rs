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
