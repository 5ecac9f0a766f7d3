//! The part of intake that needs no database: signature and content. Runs on all cores.

use alephd_message::{Content, Envelope, ErrorCode, ItemType, Micros};
use alephd_rules::root::StateRoot;
use alephd_signature::verify;
use alephd_store::write::NewMessage;
use serde_json::{Value, json};

/// An envelope with everything that can be found out about it alone.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The envelope.
    pub envelope: Envelope,
    /// What was found.
    pub finding: Finding,
}

/// What preparation found.
#[derive(Clone, Debug)]
pub enum Finding {
    /// Signature and content are good.
    Valid {
        /// The parsed content.
        content: Box<Content>,
        /// Text of a content that is not inline.
        fetched_text: Option<String>,
        /// What to serve as content when it differs from the text.
        item_text: Option<String>,
        /// What the message adds to the state root: made here, where there are cores.
        leaf: StateRoot,
    },
    /// The signature is good, the bytes of the content are not at hand.
    ContentMissing,
    /// The message is refused for good.
    Refused {
        /// Why.
        code: ErrorCode,
        /// More, as the API shows it.
        details: Value,
    },
}

/// Verifies a message. `content` is the text of a content that is not inline, if it is at hand;
/// its hash is the caller's to check.
///
/// The form comes first: it is the cheaper test, and a message without form has no other fault.
pub fn prepare(envelope: Envelope, content: Option<String>) -> Prepared {
    let mut finding = read_content(&envelope, content);
    if !matches!(finding, Finding::Refused { .. })
        && let Err(error) = verify(&envelope)
    {
        let details = json!({"errors": [error.to_string()]});
        finding = Finding::Refused {
            code: error.code(),
            details,
        };
    }
    Prepared { envelope, finding }
}

fn read_content(envelope: &Envelope, fetched: Option<String>) -> Finding {
    let parsed = match (&envelope.item_content, fetched) {
        (Some(text), _) => {
            let content = Content::parse(envelope.message_type, text);
            content.map(|content| (content, None, None))
        }
        (None, Some(text)) => {
            let sender = &envelope.sender;
            Content::parse_with_defaults(envelope.message_type, &text, sender, envelope.time)
                .map(|(content, item_text)| (content, Some(text), item_text))
        }
        (None, None) => {
            debug_assert_ne!(
                envelope.item_type,
                ItemType::Inline,
                "inline content is in the envelope"
            );
            return Finding::ContentMissing;
        }
    };
    match parsed {
        Ok((content, fetched_text, item_text)) => {
            let leaf = NewMessage {
                envelope,
                content: Some(&content),
                fetched_text: fetched_text.as_deref(),
                item_text: item_text.as_deref(),
                reception: Micros(0),
            }
            .leaf_sum();
            Finding::Valid {
                content: Box::new(content),
                fetched_text,
                item_text,
                leaf,
            }
        }
        Err(error) => Finding::Refused {
            code: ErrorCode::InvalidFormat,
            details: json!({"errors": error.to_json()}),
        },
    }
}
