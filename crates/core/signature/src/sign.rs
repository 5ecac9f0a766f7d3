//! Signing: keys, and whole messages made with them.

mod evm;
mod solana;

use alephd_message::{Chain, Envelope, ItemHash, ItemType, MessageType, Micros, signed_buffer};
use serde_json::json;
use sha2::{Digest, Sha256};

pub use evm::EvmKey;
pub use solana::SolanaKey;

/// The 32 bytes are not a private key of the curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a private key of this curve")]
pub struct InvalidKey;

/// Something that signs as one address.
pub trait Signer {
    /// The chain that the key belongs to when nothing else is said.
    fn chain(&self) -> Chain;

    /// The address to put into [`Envelope::sender`], in its usual notation.
    fn address(&self) -> &str;

    /// Signs `buffer` (see [`signed_buffer`]) and returns the text for [`Envelope::signature`].
    fn sign(&self, buffer: &[u8]) -> String;
}

/// Builds a signed message around inline content.
///
/// `chain` may be any chain of the signer's family. The content is signed as given: whether it
/// suits the message type, and fits the inline limit, is for the caller to see to.
pub fn seal(
    signer: &(impl Signer + ?Sized),
    chain: Chain,
    message_type: MessageType,
    item_content: String,
    time: Micros,
    channel: Option<String>,
) -> Envelope {
    let item_hash = ItemHash::Sha256(Sha256::digest(item_content.as_bytes()).into());
    let mut envelope = seal_hash(signer, chain, message_type, item_hash, time, channel);
    envelope.item_type = ItemType::Inline;
    envelope.item_content = Some(item_content);
    envelope
}

/// Builds a signed message whose content is a file; the shape of the hash tells where.
pub fn seal_hash(
    signer: &(impl Signer + ?Sized),
    chain: Chain,
    message_type: MessageType,
    item_hash: ItemHash,
    time: Micros,
    channel: Option<String>,
) -> Envelope {
    let sender = signer.address().to_owned();
    let signature = signer.sign(&signed_buffer(chain, &sender, message_type, &item_hash));
    Envelope {
        chain,
        sender,
        message_type,
        item_type: item_hash.item_type(),
        item_hash,
        item_content: None,
        signature: Some(signature),
        time,
        channel,
    }
}

/// The JSON object that goes over the wire for `envelope`.
pub fn wire_json(envelope: &Envelope) -> String {
    let object = json!({
        "chain": envelope.chain.as_str(),
        "sender": envelope.sender,
        "type": envelope.message_type.as_str(),
        "item_hash": envelope.item_hash.to_string(),
        "item_type": envelope.item_type.as_str(),
        "item_content": envelope.item_content,
        "signature": envelope.signature,
        "time": envelope.time.as_seconds(),
        "channel": envelope.channel,
    });
    object.to_string()
}
