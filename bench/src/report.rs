//! The table of results.

use std::fmt::Write;

/// Rows of what was measured and what was wanted.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    what: String,
    result: String,
    goal: String,
    met: Option<bool>,
}

impl Report {
    /// A figure without a goal.
    pub(crate) fn note(&mut self, what: impl Into<String>, result: impl Into<String>) {
        self.row(what, result, "", None);
    }

    /// A figure with a goal, which is met or not.
    pub(crate) fn judge(
        &mut self,
        what: impl Into<String>,
        result: impl Into<String>,
        goal: impl Into<String>,
        met: bool,
    ) {
        self.row(what, result, goal, Some(met));
    }

    fn row(
        &mut self,
        what: impl Into<String>,
        result: impl Into<String>,
        goal: impl Into<String>,
        met: Option<bool>,
    ) {
        let row = Row {
            what: what.into(),
            result: result.into(),
            goal: goal.into(),
            met,
        };
        // Somebody may stop the run; what is known so far should not be lost.
        eprintln!("{}: {}", row.what, row.result);
        self.rows.push(row);
    }

    /// The table in Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = "| what | result | goal | met |\n|---|---|---|---|\n".to_owned();
        for row in &self.rows {
            let met = row.met.map_or("", |met| if met { "yes" } else { "**no**" });
            let _ = writeln!(text, "| {} | {} | {} | {met} |", row.what, row.result, row.goal);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table() {
        let mut report = Report::default();
        report.note("a", "1");
        report.judge("b", "2", "3", false);
        let expected =
            "| what | result | goal | met |\n|---|---|---|---|\n| a | 1 |  |  |\n| b | 2 | 3 | **no** |\n";
        assert_eq!(report.markdown(), expected);
    }
}
