//! The closed vocabularies of the envelope: message types, item types, payment types.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! wire_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $code:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $code)] $variant,)* }

        impl $name {
            /// Every value, in storage order.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The exact text used on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $code,)* }
            }

            /// A small stable number for storage: the position in `ALL`.
            pub fn index(self) -> u8 { self as u8 }

            /// The value with this `index`.
            pub fn from_index(index: u8) -> Option<Self> {
                Self::ALL.get(usize::from(index)).copied()
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;
            fn from_str(text: &str) -> Result<Self, UnknownName> {
                match text { $($code => Ok($name::$variant),)* _ => Err(UnknownName) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }
    };
}

/// The text is not one of the names that the protocol defines here.
#[derive(Debug, thiserror::Error)]
#[error("unknown name")]
pub struct UnknownName;

wire_enum! {
    /// What kind of content a message carries.
    MessageType {
        /// A document, or an amendment of one.
        Post = "POST",
        /// A change of a key-value document of an address.
        Aggregate = "AGGREGATE",
        /// A file to keep.
        Store = "STORE",
        /// A function.
        Program = "PROGRAM",
        /// A virtual machine.
        Instance = "INSTANCE",
        /// A request to drop other messages.
        Forget = "FORGET",
        /// A function whose code and environment are measured by the hardware.
        VProgram = "V-PROGRAM",
    }
}

wire_enum! {
    /// Where the content of a message, or the file of a STORE, is to be found.
    ItemType {
        /// In the envelope itself.
        Inline = "inline",
        /// In the network's own storage, named by SHA-256.
        Storage = "storage",
        /// In IPFS, named by CID.
        Ipfs = "ipfs",
    }
}

wire_enum! {
    /// How a resource is paid for.
    PaymentType {
        /// By holding tokens.
        Hold = "hold",
        /// By a token stream.
        Superfluid = "superfluid",
        /// By credits.
        Credit = "credit",
    }
}
