//! The parts that answers have in common: what was asked for, how long it holds, its validators,
//! and ranges of it.

use alephd_cid::AnyCid;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::{request::Asked, text};
use crate::handlers::storage::range::{self, Asked as Part};

/// What a CID leads to never changes.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=29030400, immutable");
/// The look of generated pages changes with versions of the node.
const GENERATED: HeaderValue =
    HeaderValue::from_static("public, max-age=604800, stale-while-revalidate=2678400");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const IPFS_PATH: HeaderName = HeaderName::from_static("x-ipfs-path");
const IPFS_ROOTS: HeaderName = HeaderName::from_static("x-ipfs-roots");
const IPFS_URI: HeaderName = HeaderName::from_static("ipfs-uri");
/// CIDs in a header; longer paths go without it, since clients bound the headers that they take.
const MAX_ROOTS: usize = 64;

/// An answer on the way: its headers.
pub(super) struct Answer<'a> {
    asked: &'a Asked,
    headers: HeaderMap,
}

impl<'a> Answer<'a> {
    /// An answer about the content at a path.
    pub(super) fn new(asked: &'a Asked, roots: &[AnyCid]) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, FOREVER);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        headers.insert(header::VARY, HeaderValue::from_static("Accept"));
        let mut answer = Self { asked, headers };
        let path = text::url(&asked.path.root.to_v1().to_string(), &asked.path.segments);
        let slash = if asked.slash { "/" } else { "" };
        let uri = path.replacen("/ipfs/", "ipfs://", 1);
        answer.set(IPFS_URI, &format!("{uri}{slash}"));
        // The older header has the path as it is, so it cannot be sent for each path.
        let plain = format!("/ipfs/{}/{}", asked.root, asked.path.segments.join("/"));
        let plain = format!("{}{slash}", plain.trim_end_matches('/'));
        if plain.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            answer.set(IPFS_PATH, &plain);
        }
        if roots.len() <= MAX_ROOTS {
            let roots: Vec<_> = roots.iter().map(AnyCid::to_string).collect();
            answer.set(IPFS_ROOTS, &roots.join(","));
        }
        if let Some(location) = &asked.location {
            answer.set(header::CONTENT_LOCATION, location);
        }
        answer
    }

    /// Sets a header, unless its value cannot be one.
    pub(super) fn set(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::try_from(value) {
            self.headers.insert(name, value);
        }
    }

    /// The page was made here and may look otherwise some day.
    pub(super) fn set_generated(&mut self) {
        self.headers.insert(header::CACHE_CONTROL, GENERATED);
    }

    /// Whether the client has one of these versions already. Weak and strong ones are the same for
    /// this question.
    pub(super) fn is_known(&self, tags: &[&str]) -> bool {
        let values = self.asked.headers.get_all(header::IF_NONE_MATCH).iter();
        let mut known = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|tag| tag.trim().trim_start_matches("W/"));
        known.any(|known| {
            let mut tags = tags.iter().map(|tag| tag.trim_start_matches("W/"));
            known == "*" || tags.any(|tag| tag == known)
        })
    }

    /// The answer to a client that has the content.
    pub(super) fn unchanged(self) -> Response {
        (StatusCode::NOT_MODIFIED, self.headers).into_response()
    }

    /// How the content is called when it is saved. Without a name and a wish to save it, nothing is
    /// said.
    pub(super) fn dispose(&mut self, attachment: bool, name: Option<&str>) {
        let kind = if attachment { "attachment" } else { "inline" };
        let Some(name) = name else {
            if attachment {
                self.set(header::CONTENT_DISPOSITION, kind);
            }
            return;
        };
        let plain = |letter: char| match letter {
            '"' | '\\' => '_',
            ' '..='~' => letter,
            _ => '_',
        };
        let ascii: String = name.chars().map(plain).collect();
        let mut value = format!("{kind}; filename=\"{ascii}\"");
        if ascii != name {
            value.push_str("; filename*=UTF-8''");
            text::encode(&mut value, name);
        }
        self.set(header::CONTENT_DISPOSITION, &value);
    }

    /// The part that is asked for of content with this length and validator. Of several parts the
    /// first is sent, which clients must expect and gateways do.
    pub(super) fn part(&self, size: u64, tag: &str) -> Part {
        let value = |name| {
            let value: Option<&HeaderValue> = self.asked.headers.get(name);
            value.and_then(|value| value.to_str().ok())
        };
        if value(header::IF_RANGE).is_some_and(|known| known != tag) {
            return Part::Whole;
        }
        let first = value(header::RANGE).and_then(|ranges| ranges.split(',').next());
        first.map_or(Part::Whole, |first| range::parse(first, size))
    }

    /// The range lies outside of the content.
    pub(super) fn outside(mut self, size: u64) -> Response {
        self.headers.remove(header::CACHE_CONTROL);
        self.headers.remove(header::CONTENT_DISPOSITION);
        self.set(header::CONTENT_RANGE, &format!("bytes */{size}"));
        self.set(header::CONTENT_TYPE, "text/plain; charset=utf-8");
        let text = "416: Range Not Satisfiable";
        (StatusCode::RANGE_NOT_SATISFIABLE, self.headers, text).into_response()
    }

    /// Content of a known length, or the part of it that was asked for.
    pub(super) fn send(mut self, part: &Part, size: u64, body: Body) -> Response {
        self.set(header::ACCEPT_RANGES, "bytes");
        let (status, length) = match part {
            Part::Part(part) => {
                let place = format!("bytes {}-{}/{size}", part.start, part.end - 1);
                self.set(header::CONTENT_RANGE, &place);
                (StatusCode::PARTIAL_CONTENT, part.end - part.start)
            }
            Part::Whole | Part::Outside => (StatusCode::OK, size),
        };
        self.headers
            .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        (status, self.headers, body).into_response()
    }

    /// Content that is made while it is sent.
    pub(super) fn stream(mut self, body: Body) -> Response {
        self.set(header::ACCEPT_RANGES, "none");
        (StatusCode::OK, self.headers, body).into_response()
    }

    /// Sends the client to another URL for good.
    pub(super) fn redirect(mut self, url: &str) -> Response {
        self.set(header::LOCATION, url);
        (StatusCode::MOVED_PERMANENTLY, self.headers).into_response()
    }
}
