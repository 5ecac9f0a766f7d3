//! Refused parameters, in the shape that clients of the network parse.

use serde_json::{Map, Value, json};

use crate::json::Writer;

/// Manual of the error types, by the version whose texts are used here.
const MANUAL: &str = "https://errors.pydantic.dev/2.13/v/";

/// One step on the way to the place of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A parameter or an object key.
    Key(String),
    /// A position in a list.
    Index(usize),
}

/// One refused value.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamIssue {
    /// Machine-readable name of the rule.
    pub kind: &'static str,
    /// The place; empty for a rule between parameters.
    pub location: Vec<Location>,
    /// What is wrong, for a person.
    pub text: String,
    /// The value that was refused.
    pub input: Value,
    /// The parts of the text that vary, by name; may be empty.
    pub context: Map<String, Value>,
}

impl ParamIssue {
    /// An issue without context.
    pub fn new(kind: &'static str, location: Vec<Location>, text: impl Into<String>, input: Value) -> Self {
        Self {
            kind,
            location,
            text: text.into(),
            input,
            context: Map::new(),
        }
    }

    /// A broken rule with a text of its own.
    pub fn rule(location: Vec<Location>, text: &str, input: Value) -> Self {
        Self::new("value_error", location, format!("Value error, {text}"), input).with("error", json!(text))
    }

    /// A value that is none of `names`.
    pub fn unknown_name(kind: &'static str, location: Vec<Location>, names: &[String], input: Value) -> Self {
        let expected = match names {
            [] => String::new(),
            [only] => only.clone(),
            [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
        };
        Self::new(kind, location, format!("Input should be {expected}"), input)
            .with("expected", json!(expected))
    }

    /// A required key that is not there. `input` is the object it should be in.
    pub fn missing(location: Vec<Location>, input: Value) -> Self {
        Self::new("missing", location, "Field required", input)
    }

    /// Adds a part of the context.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.context.insert(name.to_owned(), value);
        self
    }

    /// Writes the object that clients see, its keys in the usual order.
    pub fn write(&self, out: &mut Writer) {
        out.begin_object()
            .key("type")
            .text(self.kind)
            .key("loc")
            .begin_array();
        for part in &self.location {
            match part {
                Location::Key(key) => out.text(key),
                Location::Index(index) => out.int(*index as u64),
            };
        }
        out.end_array()
            .key("msg")
            .text(&self.text)
            .key("input")
            .raw(&self.input.to_string());
        if !self.context.is_empty() {
            out.key("ctx").begin_object();
            for (name, value) in &self.context {
                out.key(name).raw(&value.to_string());
            }
            out.end_object();
        }
        out.key("url")
            .text(&format!("{MANUAL}{}", self.kind))
            .end_object();
    }
}

/// How a family of routes sends its list of issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Status 422, the array as plain text. The usual form.
    Text,
    /// Status 422, the array as JSON (aggregates and authorizations).
    Json,
    /// Status 400, a JSON string that contains the array (programs).
    Quoted,
}

/// A query string that was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParamErrors {
    /// Values that break the declared rules; at least one.
    #[error("{} invalid parameters", issues.len())]
    Invalid {
        /// The issues, in order of declaration.
        issues: Vec<ParamIssue>,
        /// The way of sending them.
        form: Form,
    },
    /// Values that are right but cannot be combined, or a cursor that is none: status 422.
    #[error("{0}")]
    Unprocessable(String),
    /// A question that the route does not answer: status 400.
    #[error("{0}")]
    BadRequest(String),
}

impl ParamErrors {
    /// The issues as the JSON array that clients parse; empty for the other kinds.
    pub fn to_json(&self) -> String {
        let issues = match self {
            Self::Invalid { issues, .. } => issues.as_slice(),
            Self::Unprocessable(_) | Self::BadRequest(_) => &[],
        };
        let mut out = Writer::new();
        out.begin_array();
        for issue in issues {
            issue.write(&mut out);
        }
        out.end_array();
        out.finish()
    }
}
