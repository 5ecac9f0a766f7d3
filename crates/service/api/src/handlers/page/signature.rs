//! The signature of a stored message, checked once more for whoever looks.

use maud::{Markup, html};
use sha2::{Digest as _, Sha256};

use alephd_message::{Envelope, ItemHash, ItemType};
use alephd_store::read::MessageRow;

/// What the check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// The sender signed it.
    Valid,
    /// There is none: the message came from a contract event.
    Absent,
    /// It does not verify, and why.
    Invalid(String),
}

/// Checks the signature that is served with the message.
pub(super) fn check(row: &MessageRow) -> Finding {
    if row.signature.is_none() {
        return Finding::Absent;
    }
    match alephd_signature::verify(&envelope(row)) {
        Ok(()) => Finding::Valid,
        Err(error) => Finding::Invalid(error.to_string()),
    }
}

/// Whether the text that is served hashes to the name of the message; `None` where the node does
/// not serve the bytes that were hashed.
pub(super) fn hash_matches(row: &MessageRow) -> Option<bool> {
    let text = row.signed_text()?;
    match &row.item_hash {
        ItemHash::Sha256(digest) => Some(Sha256::digest(text.as_bytes()).as_slice() == digest.as_slice()),
        ItemHash::Text(_) => None,
    }
}

/// What was found, in words.
pub(super) fn words(row: &MessageRow) -> Markup {
    let finding = check(row);
    html! {
        @match &finding {
            Finding::Valid => {
                p.good { strong { "Valid." } " The sender signed this message with a key of chain "
                    (row.chain.as_str()) "." }
            }
            Finding::Absent => {
                p.muted { "None: the message was taken from a contract event, which the chain vouches for." }
            }
            Finding::Invalid(why) => {
                p.bad { strong { "Does not verify: " } (why) "." }
            }
        }
        @match hash_matches(row) {
            Some(true) => p.good { strong { "Unchanged." } " The content below hashes to the name of the message." },
            Some(false) => p.bad { strong { "Changed." } " The content below does not hash to this name." },
            None => {},
        }
        p.muted { "Checked by this node while it made this page." }
    }
}

fn envelope(row: &MessageRow) -> Envelope {
    Envelope {
        chain: row.chain,
        sender: row.sender.clone(),
        message_type: row.message_type,
        item_hash: row.item_hash.clone(),
        item_type: row.item_type,
        item_content: row
            .signed_text()
            .filter(|_| row.item_type == ItemType::Inline)
            .map(str::to_owned),
        signature: row.signature.clone(),
        time: row.time,
        channel: row.channel.clone(),
    }
}
