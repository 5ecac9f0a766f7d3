//! The declaration of one parameter.

/// A query parameter: its spellings, its type and bounds, and what it is for.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The documented spelling.
    pub name: &'static str,
    /// A second spelling, accepted when the documented one is absent.
    pub other: Option<&'static str>,
    /// Type, bounds and default.
    pub kind: Kind,
    /// One sentence for the OpenAPI document.
    pub text: &'static str,
    /// Kept for old clients only.
    pub deprecated: bool,
}

/// The type of a parameter. Defaults are here for the OpenAPI document and for [`Field`]s that
/// several routes share; a parameter without default is a filter that is off when absent.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// An integer between bounds.
    Int {
        /// Value when absent.
        default: Option<i64>,
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: Option<i64>,
    },
    /// As [`Kind::Int`], but the error names the first refused value instead of the last
    /// accepted one, as one parameter of the websocket does.
    IntBelow {
        /// Value when absent.
        default: i64,
        /// Smallest value.
        min: i64,
        /// First value that is too large.
        end: i64,
    },
    /// Seconds since the epoch; zero switches the filter off.
    Date,
    /// Seconds since the epoch where zero is an instant like any other; may be negative.
    Instant,
    /// A boolean.
    Bool {
        /// Value when absent.
        default: Option<bool>,
    },
    /// Any text.
    Text {
        /// Greatest number of characters.
        max: Option<usize>,
    },
    /// One of a set of names.
    Choice {
        /// The names, in the order in which errors list them.
        names: fn() -> Vec<&'static str>,
        /// Value when absent.
        default: Option<&'static str>,
    },
    /// A sorting direction: `1` or `-1`.
    Order {
        /// Value when absent.
        default: i64,
    },
    /// Texts separated by commas.
    List,
    /// Item hashes separated by commas.
    Hashes,
    /// Names separated by commas.
    Choices {
        /// The names, in the order in which errors list them.
        names: fn() -> Vec<&'static str>,
    },
    /// A parameter that may be repeated.
    Repeated,
}

impl Field {
    /// A parameter with a single spelling.
    pub const fn new(name: &'static str, kind: Kind, text: &'static str) -> Self {
        Self {
            name,
            other: None,
            kind,
            text,
            deprecated: false,
        }
    }

    /// Accepts a second spelling.
    #[must_use]
    pub const fn or(mut self, other: &'static str) -> Self {
        self.other = Some(other);
        self
    }

    /// Marks the parameter as kept for old clients only.
    #[must_use]
    pub const fn deprecated(mut self) -> Self {
        self.deprecated = true;
        self
    }
}

impl Kind {
    /// An integer without upper bound.
    pub const fn int(default: i64, min: i64) -> Self {
        Self::Int {
            default: Some(default),
            min,
            max: None,
        }
    }
}
