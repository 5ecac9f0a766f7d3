//! The rows that a credit post shows in the histories of accounts.

use alephd_message::Micros;

use super::{Body, Expense, Grant, Outcome, Post, Transfer};

/// One row of a credit history. Rows of a post are numbered by `index`, over all accounts.
///
/// A row shows what the post *says*: an expense that found too little is listed in full. Only
/// what recipients of a transfer get is listed as it was moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<A> {
    /// Number of the row in its post (`credit_index` on the wire).
    pub index: u32,
    /// Number of the line of the post that it comes from, and that describes it.
    pub line: u32,
    /// Whose history it is in.
    pub account: A,
    /// The other side of a transfer (`origin` on the wire).
    pub counterparty: Option<A>,
    /// Signed change.
    pub amount: i128,
    /// End of validity of what was granted.
    pub expiration: Option<Micros>,
}

/// The rows of a post, in the order of their numbers. Accounts are borrowed, since a post may have
/// thousands of rows of which a history wants one.
pub fn rows<'a, A>(post: &'a Post<A>, outcome: &Outcome) -> impl Iterator<Item = Row<&'a A>> + use<'a, A> {
    let (from, grants, expenses, moved): (_, &[Grant<A>], &[Expense<A>], _) = match &post.body {
        Body::Grants { from, lines } => (from.as_ref(), lines, &[], Vec::new()),
        Body::Expenses(lines) => (None, &[], lines, Vec::new()),
        Body::Transfer(transfer) => (None, &[], &[], transfer_rows(transfer, outcome)),
    };
    let granted = (0..).zip(grants).map(move |(line, grant)| Row {
        index: line,
        line,
        account: &grant.account,
        counterparty: from,
        amount: i128::from(grant.amount),
        expiration: grant.expiration,
    });
    let spent = (0..).zip(expenses).map(|(line, expense)| Row {
        index: line,
        line,
        account: &expense.account,
        counterparty: None,
        amount: -i128::from(expense.amount),
        expiration: None,
    });
    granted.chain(spent).chain(moved)
}

fn transfer_rows<'a, A>(transfer: &'a Transfer<A>, outcome: &Outcome) -> Vec<Row<&'a A>> {
    let mut rows: Vec<Row<&A>> = Vec::new();
    for (line, (grant, parts)) in (0..).zip(transfer.lines.iter().zip(outcome.moved())) {
        for part in parts {
            rows.push(Row {
                index: rows.len() as u32,
                line,
                account: &grant.account,
                counterparty: Some(&transfer.sender),
                amount: i128::from(part.amount),
                expiration: part.expiration,
            });
        }
        rows.push(Row {
            index: rows.len() as u32,
            line,
            account: &transfer.sender,
            counterparty: Some(&grant.account),
            amount: -i128::from(grant.amount),
            expiration: None,
        });
    }
    rows
}

/// Sums over rows of a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Number of rows.
    pub entries: u64,
    /// Sum of what came in.
    pub incoming: i128,
    /// Sum of what went out, not positive.
    pub outgoing: i128,
}

impl Summary {
    /// Sum of both, which is not the balance: what has ended is still in it.
    pub fn total(&self) -> i128 {
        self.incoming + self.outgoing
    }
}

impl<'a, A: 'a> FromIterator<&'a Row<A>> for Summary {
    fn from_iter<I: IntoIterator<Item = &'a Row<A>>>(rows: I) -> Self {
        rows.into_iter().fold(Self::default(), |sum, row| Self {
            entries: sum.entries + 1,
            incoming: sum.incoming + row.amount.max(0),
            outgoing: sum.outgoing + row.amount.min(0),
        })
    }
}
