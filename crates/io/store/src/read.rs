//! Reading: single rows, lists, counts.
