//! A first look at patterns of host addresses.

/// Finds the mistakes in a regular expression that need no engine to be seen.
///
/// The network compiles these patterns with the engine of the Python language and refuses what
/// does not compile. This node never runs them, so it carries no engine: it refuses a dangling
/// escape, sets and groups that do not close, and quantifiers with nothing before them. A wrong
/// pattern of another kind is accepted here and refused there.
pub(super) fn check(pattern: &str) -> Result<(), &'static str> {
    // In the verbose mode, comments may hold anything; leave those patterns alone.
    if pattern.contains("(?") && pattern.contains('x') {
        return Ok(());
    }
    let mut rest = pattern.chars().peekable();
    let mut groups = 0usize;
    // Whether a quantifier may follow.
    let mut repeatable = false;
    while let Some(next) = rest.next() {
        match next {
            '\\' => {
                rest.next().ok_or("the pattern ends within an escape")?;
                repeatable = true;
            }
            '[' => {
                rest.next_if_eq(&'^');
                rest.next_if_eq(&']');
                loop {
                    match rest.next().ok_or("a set of characters does not close")? {
                        '\\' => {
                            rest.next();
                        }
                        ']' => break,
                        _ => {}
                    }
                }
                repeatable = true;
            }
            '(' => {
                groups += 1;
                repeatable = false;
                if rest.next_if_eq(&'?').is_some() && rest.next_if_eq(&'#').is_some() {
                    while rest.next_if(|&c| c != ')').is_some() {}
                }
            }
            ')' => {
                groups = groups
                    .checked_sub(1)
                    .ok_or("a group closes that was not opened")?;
                repeatable = true;
            }
            '|' => repeatable = false,
            '*' | '+' | '?' if !repeatable => return Err("a quantifier has nothing to repeat"),
            _ => repeatable = true,
        }
    }
    if groups > 0 {
        Err("a group does not close")
    } else {
        Ok(())
    }
}
