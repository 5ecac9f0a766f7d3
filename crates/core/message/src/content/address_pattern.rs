//! A first look at patterns of host addresses.

/// What a quantifier would meet at the current place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Item,
    /// An item with a quantifier, which may get a suffix.
    Repeated,
    /// An item with a quantifier and its suffix.
    Settled,
}

/// Finds the mistakes in a regular expression that need no engine to be seen.
///
/// The network compiles these patterns with the engine of the Python language and refuses what
/// does not compile. This node never runs them, so it carries no engine: it refuses a dangling
/// escape, sets and groups that do not close, and quantifiers with nothing to repeat. A wrong
/// pattern of another kind is accepted here and refused there; never the other way round.
pub(super) fn check(pattern: &str) -> Result<(), &'static str> {
    // In the verbose mode, comments may hold anything; leave those patterns alone.
    if pattern.contains("(?") && pattern.contains('x') {
        return Ok(());
    }
    let mut rest = pattern.chars().peekable();
    let mut groups = 0usize;
    let mut before = Before::Nothing;
    while let Some(next) = rest.next() {
        before = match next {
            '\\' => {
                rest.next().ok_or("the pattern ends within an escape")?;
                Before::Item
            }
            '[' => {
                rest.next_if_eq(&'^');
                rest.next_if_eq(&']');
                skip_set(&mut rest).ok_or("a set of characters does not close")?;
                Before::Item
            }
            '(' => {
                groups += 1;
                if rest.next_if_eq(&'?').is_some() && rest.next_if_eq(&'#').is_some() {
                    while let Some(within) = rest.next_if(|&within| within != ')') {
                        if within == '\\' {
                            rest.next();
                        }
                    }
                }
                Before::Nothing
            }
            ')' => {
                groups = groups
                    .checked_sub(1)
                    .ok_or("a group closes that was not opened")?;
                Before::Item
            }
            '|' => Before::Nothing,
            '*' | '+' | '?' => match before {
                Before::Nothing => return Err("a quantifier has nothing to repeat"),
                Before::Item => Before::Repeated,
                Before::Repeated if next != '*' => Before::Settled,
                Before::Repeated | Before::Settled => return Err("a quantifier repeats a quantifier"),
            },
            _ => Before::Item,
        };
    }
    if groups > 0 {
        Err("a group does not close")
    } else {
        Ok(())
    }
}

/// Skips to the end of a set of characters, whose start is behind.
fn skip_set(rest: &mut impl Iterator<Item = char>) -> Option<()> {
    loop {
        match rest.next()? {
            '\\' => {
                rest.next()?;
            }
            ']' => return Some(()),
            _ => {}
        }
    }
}
