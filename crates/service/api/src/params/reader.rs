//! Takes parameters out of a query string and collects what is wrong with them.

use std::borrow::Cow;

use alephd_message::{ItemHash, Micros};
use serde_json::{Map, Value, json};

use super::{
    Field, Form, Kind, Location, ParamErrors, ParamIssue, Span, WireName,
    lax::{self, IntError},
    vocabulary::SortOrder,
};

/// Last instant of the calendar.
const LAST_INSTANT: Micros = Micros(253_402_300_799_999_999);
/// First instant of the calendar.
const FIRST_INSTANT: Micros = Micros(-62_135_596_800_000_000);

/// A query string being read.
///
/// A getter that meets a bad value notes an issue and returns the default, so that one pass finds
/// everything; [`Reader::check`] has to be called before the values are used.
pub(super) struct Reader<'q> {
    pairs: Vec<(Cow<'q, str>, Cow<'q, str>)>,
    issues: Vec<ParamIssue>,
    form: Form,
}

impl<'q> Reader<'q> {
    pub(super) fn new(query: &'q str, form: Form) -> Self {
        Self {
            pairs: form_urlencoded::parse(query.as_bytes()).collect(),
            issues: Vec::new(),
            form,
        }
    }

    /// Ends the reading of single parameters: fails if any was refused.
    pub(super) fn check(&mut self) -> Result<(), ParamErrors> {
        if self.issues.is_empty() {
            return Ok(());
        }
        Err(ParamErrors::Invalid {
            issues: std::mem::take(&mut self.issues),
            form: self.form,
        })
    }

    /// Checks a rule between parameters; to be called after [`Reader::check`].
    pub(super) fn require(&self, holds: bool, text: &str) -> Result<(), ParamErrors> {
        if holds {
            return Ok(());
        }
        let mut input = Map::new();
        for (key, value) in &self.pairs {
            input.entry(key.as_ref()).or_insert_with(|| json!(value));
        }
        let issue = ParamIssue::rule(Vec::new(), text, Value::Object(input));
        Err(ParamErrors::Invalid {
            issues: vec![issue],
            form: self.form,
        })
    }

    /// Refuses every parameter that is not in `fields`.
    pub(super) fn forbid_others(&mut self, fields: &[&Field]) {
        for (key, value) in &self.pairs {
            if !fields
                .iter()
                .any(|field| field.name == key || field.other == Some(key))
            {
                let text = "Extra inputs are not permitted";
                let location = vec![Location::Key(key.to_string())];
                self.issues
                    .push(ParamIssue::new("extra_forbidden", location, text, json!(value)));
            }
        }
    }

    /// The value of a parameter, with the spelling that was used.
    fn raw(&self, field: &Field) -> Option<(&'static str, String)> {
        let first = |name: &'static str| {
            let value = self.pairs.iter().find(|(key, _)| key == name)?.1.to_string();
            Some((name, value))
        };
        first(field.name).or_else(|| field.other.and_then(first))
    }

    fn refuse(&mut self, name: &str, kind: &'static str, text: impl Into<String>, input: &str) {
        self.issues.push(ParamIssue::new(
            kind,
            vec![Location::Key(name.to_owned())],
            text,
            json!(input),
        ));
    }

    /// An integer; `None` when absent and without default. Bounds beyond 64 bits saturate.
    pub(super) fn int(&mut self, field: &Field) -> Option<i64> {
        let (default, min, limit) = match field.kind {
            Kind::Int { default, min, max } => (
                default,
                min,
                max.map(|max| (max, "less_than_equal", "le", "less than or equal to")),
            ),
            Kind::IntBelow { default, min, end } => (
                Some(default),
                min,
                Some((end - 1, "less_than", "lt", "less than")),
            ),
            _ => (None, i64::MIN, None),
        };
        let Some((name, text)) = self.raw(field) else {
            return default;
        };
        let value = match lax::int(&text) {
            Ok(value) => value,
            Err(IntError::Form) => {
                let rule = "Input should be a valid integer, unable to parse string as an integer";
                self.refuse(name, "int_parsing", rule, &text);
                return default;
            }
            Err(IntError::TooLong) => {
                let rule = "Unable to parse input string as an integer, exceeded maximum size";
                self.refuse(name, "int_parsing_size", rule, &text);
                return default;
            }
        };
        if value < min {
            self.refuse_bound(
                name,
                &text,
                ("greater_than_equal", "ge", "greater than or equal to"),
                json!(min),
            );
            return default;
        }
        if let Some((max, kind, short, words)) = limit
            && value > max
        {
            let named = if short == "lt" { max + 1 } else { max };
            self.refuse_bound(name, &text, (kind, short, words), json!(named));
            return default;
        }
        Some(value)
    }

    /// As [`Reader::int`] for parameters whose bounds exclude negative values.
    pub(super) fn count(&mut self, field: &Field) -> u64 {
        self.int(field)
            .and_then(|value| u64::try_from(value).ok())
            .unwrap_or_default()
    }

    fn refuse_bound(
        &mut self,
        name: &str,
        input: &str,
        (kind, short, words): (&'static str, &str, &str),
        bound: Value,
    ) {
        let text = format!(
            "Input should be {words} {}",
            bound.to_string().trim_end_matches(".0")
        );
        let location = vec![Location::Key(name.to_owned())];
        self.issues
            .push(ParamIssue::new(kind, location, text, json!(input)).with(short, bound));
    }

    /// An instant or, for [`Kind::Date`], `None` when it is zero.
    pub(super) fn date(&mut self, field: &Field) -> Option<Micros> {
        let (name, text) = self.raw(field)?;
        let Some(seconds) = lax::float(&text) else {
            let rule = "Input should be a valid number, unable to parse string as a number";
            self.refuse(name, "float_parsing", rule, &text);
            return None;
        };
        let is_date = matches!(field.kind, Kind::Date);
        if is_date && (seconds.is_nan() || seconds < 0.0) {
            let rule = ("greater_than_equal", "ge", "greater than or equal to");
            self.refuse_bound(name, &text, rule, json!(0.0));
            return None;
        }
        if seconds.is_nan() || is_date && seconds == 0.0 {
            return None;
        }
        let edge = if seconds < 0.0 {
            FIRST_INSTANT
        } else {
            LAST_INSTANT
        };
        Some(Micros::from_seconds(seconds).unwrap_or(edge))
    }

    /// As [`Reader::date`], but with the error texts of the credit history, where zero is an
    /// instant like any other.
    pub(super) fn epoch(&mut self, field: &Field) -> Option<Micros> {
        let (name, text) = self.raw(field)?;
        let rule = match lax::float(&text) {
            None => format!("could not convert string to float: '{text}'"),
            Some(seconds) if seconds < 0.0 => "timestamp must not be negative".to_owned(),
            Some(seconds) => match Micros::from_seconds(seconds) {
                Some(time) => return Some(time),
                None => format!("invalid Unix timestamp: {text}"),
            },
        };
        self.issues.push(ParamIssue::rule(
            vec![Location::Key(name.to_owned())],
            &rule,
            json!(text),
        ));
        None
    }

    /// A pair of [`Reader::date`]s.
    pub(super) fn dates(&mut self, start: &Field, end: &Field) -> Span<Micros> {
        Span {
            start: self.date(start),
            end: self.date(end),
        }
    }

    /// A boolean; `None` when absent and without default.
    pub(super) fn bool(&mut self, field: &Field) -> Option<bool> {
        let default = if let Kind::Bool { default } = field.kind {
            default
        } else {
            None
        };
        let Some((name, text)) = self.raw(field) else {
            return default;
        };
        let value = lax::boolean(&text);
        if value.is_none() {
            let rule = "Input should be a valid boolean, unable to interpret input";
            self.refuse(name, "bool_parsing", rule, &text);
        }
        value.or(default)
    }

    /// A text.
    pub(super) fn text(&mut self, field: &Field) -> Option<String> {
        let (name, text) = self.raw(field)?;
        if let Kind::Text { max: Some(max) } = field.kind
            && text.chars().count() > max
        {
            let rule = format!("String should have at most {max} characters");
            let location = vec![Location::Key(name.to_owned())];
            let issue = ParamIssue::new("string_too_long", location, rule, json!(text));
            self.issues.push(issue.with("max_length", json!(max)));
            return None;
        }
        Some(text)
    }

    /// One of a set of names.
    pub(super) fn choice<T: WireName>(&mut self, field: &Field) -> Option<T> {
        let (name, text) = self.raw(field)?;
        let value = T::from_name(&text);
        if value.is_none() {
            self.issues
                .push(unknown_name::<T>(vec![Location::Key(name.to_owned())], &text));
        }
        value
    }

    /// A direction, or the default of the field.
    pub(super) fn order(&mut self, field: &Field) -> SortOrder {
        self.order_with(field, |_| None)
    }

    /// As [`Reader::order`], where `word` may know further spellings.
    pub(super) fn order_with(&mut self, field: &Field, word: fn(&str) -> Option<SortOrder>) -> SortOrder {
        let default = match field.kind {
            Kind::Order { default } => SortOrder::from_sign(default).unwrap_or_default(),
            _ => SortOrder::default(),
        };
        let Some((name, text)) = self.raw(field) else {
            return default;
        };
        let value = word(&text).or_else(|| SortOrder::from_sign(lax::int(&text).ok()?));
        if value.is_none() {
            let names = ["1".to_owned(), "-1".to_owned()];
            let location = vec![Location::Key(name.to_owned())];
            self.issues
                .push(ParamIssue::unknown_name("enum", location, &names, json!(text)));
        }
        value.unwrap_or(default)
    }

    /// The elements of a list; `None` when absent, never empty otherwise.
    fn elements<T>(
        &mut self,
        field: &Field,
        read: impl Fn(&str) -> Option<T>,
        issue: impl Fn(Vec<Location>, &str) -> ParamIssue,
    ) -> Option<Vec<T>> {
        let (name, text) = self.raw(field)?;
        let mut values = Vec::new();
        for (index, element) in text.split(',').enumerate() {
            match read(element) {
                Some(value) => values.push(value),
                None => {
                    let location = vec![Location::Key(name.to_owned()), Location::Index(index)];
                    self.issues.push(issue(location, element));
                }
            }
        }
        Some(values)
    }

    /// A list of texts; empty when absent.
    pub(super) fn list(&mut self, field: &Field) -> Vec<String> {
        self.raw(field)
            .map_or_else(Vec::new, |(_, text)| text.split(',').map(str::to_owned).collect())
    }

    /// A list of names; empty when absent.
    pub(super) fn choices<T: WireName>(&mut self, field: &Field) -> Vec<T> {
        self.elements(field, T::from_name, unknown_name::<T>)
            .unwrap_or_default()
    }

    /// A list of item hashes; empty when absent.
    pub(super) fn hashes(&mut self, field: &Field) -> Vec<ItemHash> {
        let issue = |location, text: &str| {
            ParamIssue::rule(
                location,
                &format!("Could not determine hash type: '{text}'"),
                json!(text),
            )
        };
        self.elements(field, ItemHash::parse_strict, issue)
            .unwrap_or_default()
    }

    /// Every value of a parameter that may be repeated.
    pub(super) fn repeated(&self, field: &Field) -> Vec<String> {
        let values = self.pairs.iter().filter(|(key, _)| key == field.name);
        values.map(|(_, value)| value.to_string()).collect()
    }
}

fn unknown_name<T: WireName>(location: Vec<Location>, text: &str) -> ParamIssue {
    let names: Vec<_> = T::names().into_iter().map(|name| format!("'{name}'")).collect();
    ParamIssue::unknown_name("enum", location, &names, json!(text))
}
