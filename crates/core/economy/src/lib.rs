//! What messages cost, who has what, and what follows when it is not enough.
