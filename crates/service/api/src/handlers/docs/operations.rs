//! What each route is for.

/// The declared parameters of a route.
macro_rules! query {
    ($query:ty) => {
        || <$query>::into_params(|| None)
    };
}

mod content;
mod gateway;
mod node;
mod prices;

use utoipa::openapi::path::Parameter;

use super::JSON;

/// What holds for all routes.
pub(super) const ABOUT: &str = "Signed messages of the Aleph network, and what follows from them.\n\n\
    Unknown parameters are ignored. Lists are one parameter with commas. Bad parameters answer 422 with a list \
    of all that is wrong; other errors are one line of text.\n\n\
    Lists come in two ways: numbered pages (`page`, `pagination`) with a total, or `cursor`, empty to \
    start, with `next_cursor` in each answer until it is null. Cursors do not skip or repeat entries \
    while the list changes.";

/// The description of a route.
pub(super) struct Entry {
    path: &'static str,
    /// The path as clients know it, where the router knows it otherwise.
    pub(super) shown: Option<&'static str>,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    parameters: Option<fn() -> Vec<Parameter>>,
    /// Type and description of the request body.
    pub(super) body: Option<(&'static str, &'static str)>,
    pub(super) content_type: &'static str,
    pub(super) answer: &'static str,
    pub(super) failures: &'static [(&'static str, &'static str)],
}

impl Entry {
    pub(super) fn parameters(&self) -> Vec<Parameter> {
        self.parameters.map(|parameters| parameters()).unwrap_or_default()
    }

    const fn shown(mut self, path: &'static str) -> Self {
        self.shown = Some(path);
        self
    }

    const fn query(mut self, parameters: fn() -> Vec<Parameter>) -> Self {
        self.parameters = Some(parameters);
        self
    }

    const fn body(mut self, content_type: &'static str, text: &'static str) -> Self {
        self.body = Some((content_type, text));
        self
    }

    const fn sends(mut self, content_type: &'static str) -> Self {
        self.content_type = content_type;
        self
    }

    const fn fails(mut self, failures: &'static [(&'static str, &'static str)]) -> Self {
        self.failures = failures;
        self
    }
}

const fn entry(path: &'static str, tag: &'static str, summary: &'static str, answer: &'static str) -> Entry {
    Entry {
        path,
        shown: None,
        tag,
        summary,
        parameters: None,
        body: None,
        content_type: JSON,
        answer,
        failures: &[],
    }
}

/// The description of a route of the table.
pub(super) fn find(path: &str) -> Option<&'static Entry> {
    let mut entries = content::ENTRIES
        .iter()
        .chain(prices::ENTRIES)
        .chain(gateway::ENTRIES)
        .chain(node::ENTRIES);
    entries.find(|entry| entry.path == path)
}

/// What a part of a path is.
pub(super) fn path_part(name: &str) -> Option<&'static str> {
    let text = match name {
        "item_hash" => "Item hash of a message.",
        "hash" => "SHA-256 in hexadecimal, or a CID.",
        "cid" => "CID, of version 0 or of version 1 in base 16, 32, 36 or 58.",
        "path" => "Names to follow from there.",
        "name" => "IPNS name or domain.",
        "address" => "Address, exact.",
        "page" => "Number of the page, from 1; overrides `page`.",
        "node_id" => "Hash of the message that registered the node.",
        "ref" => "Item hash of the first version, or a name that the owner chose.",
        "list" => "Name of a list.",
        _ => return None,
    };
    Some(text)
}

const LIST: &str = "A page: the entries, and `pagination_*` or `next_cursor`.";
const BAD_HASH: (&str, &str) = ("400", "Not a hash.");
const BAD_PARAMETERS: (&str, &str) = ("422", "Bad parameters.");
