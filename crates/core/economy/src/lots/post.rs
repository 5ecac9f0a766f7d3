//! What goes into the walk: credit posts, already read and trusted.
//!
//! `A` names an account: an address or a number that stands for one.

use alephd_message::Micros;

use super::Position;

/// A credit post. Its position identifies it: two posts with one position are the same post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post<A> {
    /// Where in the walk it stands.
    pub position: Position,
    /// What it does.
    pub body: Body<A>,
}

/// What a post does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body<A> {
    /// New credits: a distribution, or a transfer by an account that may mint.
    Grants {
        /// Who gave them, if the post was a transfer.
        from: Option<A>,
        /// One lot each.
        lines: Vec<Grant<A>>,
    },
    /// Credits used up.
    Expenses(Vec<Expense<A>>),
    /// Credits that change hands.
    Transfer(Transfer<A>),
}

/// Credits for an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant<A> {
    /// Who gets them.
    pub account: A,
    /// How many.
    pub amount: u64,
    /// End of validity.
    pub expiration: Option<Micros>,
}

/// Credits that an account has used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expense<A> {
    /// Who used them.
    pub account: A,
    /// How many.
    pub amount: u64,
}

/// Credits that an account gives to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer<A> {
    /// Who gives.
    pub sender: A,
    /// What the sender must have. This is the sum of the amounts as *written* in the post: the
    /// network never applied the factor of old amounts to this test.
    pub required: u64,
    /// Who gets how much; the expiration is the one that the sender asks for.
    pub lines: Vec<Grant<A>>,
}

impl<A> Post<A> {
    /// Accounts whose lots this post may change. One may occur more than once.
    pub fn accounts(&self) -> impl Iterator<Item = &A> {
        let (lines, expenses, sender): (&[Grant<A>], &[Expense<A>], Option<&A>) = match &self.body {
            Body::Grants { lines, .. } => (lines, &[], None),
            Body::Expenses(lines) => (&[], lines, None),
            Body::Transfer(transfer) => (&transfer.lines, &[], Some(&transfer.sender)),
        };
        let granted = lines.iter().map(|line| &line.account);
        let spent = expenses.iter().map(|line| &line.account);
        sender.into_iter().chain(granted).chain(spent)
    }
}
