//! Conversions between columns and protocol types.

use alephd_message::{Chain, ItemHash, ItemType, MessageType, PaymentType};
use alephd_rules::MessageStatus;

use crate::StoreError;

pub(crate) fn status(index: u8) -> Result<MessageStatus, StoreError> {
    MessageStatus::from_index(index).ok_or(StoreError::Damaged("status"))
}

pub(crate) fn message_type(index: u8) -> Result<MessageType, StoreError> {
    MessageType::from_index(index).ok_or(StoreError::Damaged("type"))
}

pub(crate) fn chain(index: u8) -> Result<Chain, StoreError> {
    Chain::from_index(index).ok_or(StoreError::Damaged("chain"))
}

pub(crate) fn item_type(index: u8) -> Result<ItemType, StoreError> {
    ItemType::from_index(index).ok_or(StoreError::Damaged("item_type"))
}

pub(crate) fn payment(index: Option<u8>) -> Result<Option<PaymentType>, StoreError> {
    index
        .map(|index| PaymentType::from_index(index).ok_or(StoreError::Damaged("payment")))
        .transpose()
}

pub(crate) fn item_hash(key: &[u8]) -> Result<ItemHash, StoreError> {
    ItemHash::from_key(key).ok_or(StoreError::Damaged("hash"))
}

/// An amount of 10^-18.
pub(crate) fn amount(bytes: &[u8]) -> Result<i128, StoreError> {
    let bytes = bytes.try_into().map_err(|_| StoreError::Damaged("amount"))?;
    Ok(i128::from_be_bytes(bytes))
}
