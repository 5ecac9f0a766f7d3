//! Elements and the places between them.

/// What names an element.
pub type Id = [u8; 32];

/// An element of a set. The order is that of the ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Element {
    /// When, in milliseconds. The largest number stands for the end of all sets.
    pub time: u64,
    /// Which.
    pub id: Id,
}

/// A place in the order of elements: before everything that is not less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bound {
    /// The least element that lies behind it: the prefix of an id, then zeros.
    pub(crate) least: Element,
    /// How many bytes of the id are said.
    pub(crate) length: u8,
}

impl Bound {
    /// Before everything.
    pub const START: Self = Self::at_time(0);
    /// Behind everything.
    pub const END: Self = Self::at_time(u64::MAX);

    /// Before all elements of an instant.
    pub const fn at_time(time: u64) -> Self {
        Self {
            least: Element { time, id: [0; 32] },
            length: 0,
        }
    }

    /// Before an element.
    pub const fn before(element: Element) -> Self {
        Self {
            least: element,
            length: 32,
        }
    }

    /// Before the ids of an instant that have this prefix; `None` if it is longer than an id.
    pub fn with_prefix(time: u64, prefix: &[u8]) -> Option<Self> {
        let mut id = [0; 32];
        id.get_mut(..prefix.len())?.copy_from_slice(prefix);
        Some(Self {
            least: Element { time, id },
            length: u8::try_from(prefix.len()).ok()?,
        })
    }

    /// The shortest place between two elements that follow each other.
    pub(crate) fn between(left: Element, right: Element) -> Self {
        if left.time != right.time {
            return Self::at_time(right.time);
        }
        let same = left.id.iter().zip(&right.id).take_while(|(l, r)| l == r).count();
        let length = (same + 1).min(32);
        let mut id = [0; 32];
        id[..length].copy_from_slice(&right.id[..length]);
        Self {
            least: Element { time: right.time, id },
            length: length as u8,
        }
    }

    /// The instant.
    pub fn time(&self) -> u64 {
        self.least.time
    }

    /// The part of an id that is said.
    pub fn prefix(&self) -> &[u8] {
        &self.least.id[..usize::from(self.length)]
    }
}
