//! Files of exceptions: one a line, `what  # reason`. Empty lines and comment lines are skipped.

use std::path::Path;

/// The exceptions of one check.
#[derive(Debug)]
pub(crate) struct Exceptions {
    file: String,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    line: usize,
    what: String,
    used: bool,
}

impl Exceptions {
    /// Reads the file at `path` below `root`; a missing file means no exceptions.
    pub(crate) fn load(root: &Path, path: &str) -> Result<Self, String> {
        match std::fs::read_to_string(root.join(path)) {
            Ok(text) => Self::parse(path, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::parse(path, ""),
            Err(error) => Err(format!("cannot read {path}: {error}")),
        }
    }

    /// Reads the text of a file, which messages call `file`.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, String> {
        let mut entries = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line_number = index + 1;
            let (what, reason) = line.split_once('#').unwrap_or((line, ""));
            let what = what.split_whitespace().collect::<Vec<_>>().join(" ");
            if what.is_empty() {
                continue;
            }
            if reason.trim().is_empty() {
                return Err(format!("{file}:{line_number}: give a reason after '#'"));
            }
            entries.push(Entry {
                line: line_number,
                what,
                used: false,
            });
        }
        Ok(Self {
            file: file.to_owned(),
            entries,
        })
    }

    /// Whether exactly `what` is excepted. Marks the entry as needed.
    pub(crate) fn allow(&mut self, what: &str) -> bool {
        self.find(|entry| entry == what).is_some()
    }

    /// The first entry that `wanted` accepts. Marks it as needed.
    pub(crate) fn find(&mut self, wanted: impl Fn(&str) -> bool) -> Option<&str> {
        let entry = self.entries.iter_mut().find(|entry| wanted(&entry.what))?;
        entry.used = true;
        Some(&entry.what)
    }

    /// One violation for each entry that nothing needed.
    pub(crate) fn unused(&self) -> Vec<String> {
        let unused = self.entries.iter().filter(|entry| !entry.used);
        unused
            .map(|entry| {
                format!(
                    "{}:{}: {:?} is no longer needed; remove it",
                    self.file, entry.line, entry.what
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_needs_a_reason() {
        let error = Exceptions::parse("list.txt", "# title\n\na -> b\n").unwrap_err();
        assert_eq!(error, "list.txt:3: give a reason after '#'");
        assert!(Exceptions::parse("list.txt", "a -> b #  \n").is_err());
    }

    #[test]
    fn an_unused_entry_is_reported() {
        let mut list = Exceptions::parse("list.txt", "a  ->  b  # x\nc -> d # y\n").unwrap();
        assert!(list.allow("a -> b"));
        assert!(!list.allow("a -> c"));
        assert_eq!(
            list.unused(),
            ["list.txt:2: \"c -> d\" is no longer needed; remove it"]
        );
    }
}
