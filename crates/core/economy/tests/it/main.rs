//! The crate against facts that were not made with it.

#![allow(clippy::unwrap_used)] // the helpers below the tests are tests too

mod bills;
