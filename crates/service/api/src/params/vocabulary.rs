//! The closed sets of names that parameters take.

use alephd_message::{Chain, MessageType, PaymentType};
use alephd_rules::MessageStatus;

/// A type whose values have names on the wire.
pub trait WireName: Copy + 'static {
    /// Every value with its name, in the order in which errors list them.
    fn named() -> Vec<(&'static str, Self)>;

    /// The names alone.
    fn names() -> Vec<&'static str> {
        Self::named().into_iter().map(|(name, _)| name).collect()
    }

    /// The value with this exact name.
    fn from_name(name: &str) -> Option<Self> {
        Self::named()
            .into_iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }
}

macro_rules! vocabulary {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $wire:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant,)* }

        impl $name {
            /// The name on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $wire,)* }
            }
        }

        impl WireName for $name {
            fn named() -> Vec<(&'static str, Self)> {
                vec![$(($wire, Self::$variant),)*]
            }
        }
    };
}

vocabulary! {
    /// What decides the order of messages and posts.
    SortBy {
        /// The time that the sender gave.
        #[default] Time = "time",
        /// The time of the first confirmation on a chain.
        TxTime = "tx-time",
    }
}

vocabulary! {
    /// How much of the content of a message is sent.
    ContentFormat {
        /// All of it.
        #[default] Full = "full",
        /// The address and the keys that name or link the message.
        Headers = "headers",
        /// Nothing.
        None = "none",
    }
}

vocabulary! {
    /// What decides the order of aggregates.
    AggregateSort {
        /// The creation of the first element.
        CreationTime = "creation_time",
        /// The last change.
        #[default] LastModified = "last_modified",
    }
}

vocabulary! {
    /// Which count of messages decides the order of addresses.
    StatsSort {
        /// Aggregates.
        Aggregate = "aggregate",
        /// Forgets.
        Forget = "forget",
        /// Instances.
        Instance = "instance",
        /// Posts.
        Post = "post",
        /// Programs.
        Program = "program",
        /// Stores.
        Store = "store",
        /// All types together.
        #[default] Total = "total",
    }
}

vocabulary! {
    /// What decides the order of credit entries.
    CreditSort {
        /// The time of the message that made the entry.
        #[default] MessageTimestamp = "message_timestamp",
        /// The end of validity; entries without one come last.
        ExpirationDate = "expiration_date",
        /// The way of payment.
        PaymentMethod = "payment_method",
        /// The signed amount.
        Amount = "amount",
        /// Where the entry comes from.
        Origin = "origin",
        /// The transaction.
        TxHash = "tx_hash",
        /// Who sold the credits.
        Provider = "provider",
    }
}

vocabulary! {
    /// The sign of credit entries.
    CreditFlow {
        /// Positive amounts.
        #[default] Incoming = "incoming",
        /// Negative amounts.
        Outgoing = "outgoing",
    }
}

/// How closely costs are itemised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CostDetail {
    /// The summary alone.
    #[default]
    Summary,
    /// One line for each resource.
    Resources,
    /// Every component of each resource.
    Components,
}

/// The direction of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SortOrder {
    /// Smallest or oldest first.
    Ascending,
    /// Largest or newest first.
    #[default]
    Descending,
}

impl SortOrder {
    /// The number on the wire.
    pub fn sign(self) -> i64 {
        match self {
            Self::Ascending => 1,
            Self::Descending => -1,
        }
    }

    /// The direction with this number.
    pub fn from_sign(sign: i64) -> Option<Self> {
        match sign {
            1 => Some(Self::Ascending),
            -1 => Some(Self::Descending),
            _ => None,
        }
    }
}

/// A range of which either side may be open. Each query says whether the end belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span<T> {
    /// First accepted value.
    pub start: Option<T>,
    /// The end.
    pub end: Option<T>,
}

impl<T> Default for Span<T> {
    fn default() -> Self {
        Self {
            start: None,
            end: None,
        }
    }
}

impl<T> Span<T> {
    /// Whether neither side is bounded.
    pub fn is_open(&self) -> bool {
        self.start.is_none() && self.end.is_none()
    }
}

impl<T: PartialOrd> Span<T> {
    /// Whether the end lies before the start.
    pub fn is_inverted(&self) -> bool {
        matches!((&self.start, &self.end), (Some(start), Some(end)) if end < start)
    }
}

impl WireName for MessageType {
    fn named() -> Vec<(&'static str, Self)> {
        use MessageType::{Aggregate, Forget, Instance, Post, Program, Store, VProgram};
        let order = [Post, Aggregate, Store, Program, Instance, VProgram, Forget];
        order.into_iter().map(|value| (value.as_str(), value)).collect()
    }
}

impl WireName for Chain {
    fn named() -> Vec<(&'static str, Self)> {
        Self::ALL.iter().map(|&value| (value.as_str(), value)).collect()
    }

    fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }
}

impl WireName for PaymentType {
    fn named() -> Vec<(&'static str, Self)> {
        Self::ALL.iter().map(|&value| (value.as_str(), value)).collect()
    }
}

impl WireName for MessageStatus {
    fn named() -> Vec<(&'static str, Self)> {
        use MessageStatus::{Forgotten, Pending, Processed, Rejected, Removed, Removing};
        let order = [Pending, Processed, Rejected, Forgotten, Removing, Removed];
        order.into_iter().map(|value| (value.as_str(), value)).collect()
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::from_name(name)
    }
}
