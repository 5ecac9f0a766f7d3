//! Collects what is wrong with a content, and where.

use crate::{FormatError, Issue};

/// Issues kept of one content. Somebody who reads the answer needs a few; a hostile text could
/// otherwise turn each of its bytes into one.
const LIMIT: usize = 32;

/// Longest part of a key that is repeated in a path.
const KEY_LIMIT: usize = 64;

/// One step from the root of a content to a place in it.
#[derive(Clone, Copy)]
pub(super) enum Step {
    /// A key that the schema names.
    Key(&'static str),
    /// A position in a list.
    Index(usize),
}

/// The issues found so far and the place that is being read.
///
/// Readers answer `None` exactly when they have recorded an issue, so that a model can read all
/// its fields before it gives up.
#[derive(Default)]
pub(super) struct Issues {
    path: Vec<Step>,
    list: Vec<Issue>,
}

impl Issues {
    /// Runs `read` one step deeper.
    pub(super) fn within<T>(&mut self, step: Step, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let result = read(self);
        self.path.pop();
        result
    }

    /// Records an issue at the current place. Always `None`, to end a reader with.
    pub(super) fn refuse<T>(&mut self, kind: &'static str, text: impl Into<String>) -> Option<T> {
        if self.list.len() < LIMIT {
            let path = self.path.iter().map(|step| match step {
                Step::Key(key) => (*key).to_owned(),
                Step::Index(index) => index.to_string(),
            });
            self.list.push(Issue {
                path: path.collect(),
                kind,
                text: text.into(),
            });
        }
        None
    }

    /// Records an issue at a key of the current place that comes from the text.
    pub(super) fn refuse_key(&mut self, key: &str, kind: &'static str, text: impl Into<String>) {
        let count = self.list.len();
        self.refuse::<()>(kind, text);
        if let Some(issue) = self.list.get_mut(count) {
            issue.path.push(key.chars().take(KEY_LIMIT).collect());
        }
    }

    /// Records that the text is not JSON.
    pub(super) fn refuse_json<T>(&mut self, error: &serde_json::Error) -> Option<T> {
        self.refuse("json_invalid", error.to_string())
    }

    /// The value if nothing was recorded, else the issues.
    pub(super) fn finish<T>(mut self, value: Option<T>) -> Result<T, FormatError> {
        match value {
            Some(value) if self.list.is_empty() => Ok(value),
            _ => {
                if self.list.is_empty() {
                    self.refuse::<()>("value_error", "not readable");
                }
                Err(FormatError { issues: self.list })
            }
        }
    }
}
