//! What a request asks for.

use std::borrow::Cow;

use alephd_cid::Multicodec;
use alephd_unixfs::{ByteRange, DagScope, ExportOptions, IpfsPath};
use axum::http::{HeaderMap, StatusCode, Uri, header};

use super::{
    accept::{self, Format, Wish},
    text,
};
use crate::ApiError;

/// Bytes of a decoded path.
const MAX_PATH: usize = 4096;
/// Bytes of a file name that is given back in a header.
const MAX_FILENAME: usize = 255;
/// Pages of a listing.
const MAX_PAGES: u64 = 2000;

/// What a request asks for.
pub(super) struct Asked {
    /// Where to go, and its root as the client wrote it.
    pub(super) path: IpfsPath,
    pub(super) root: String,
    /// Whether the path ends with a slash.
    pub(super) slash: bool,
    pub(super) format: Option<Format>,
    /// For archives.
    pub(super) export: ExportOptions,
    pub(super) filename: Option<String>,
    pub(super) download: bool,
    /// The page of a listing, from 1.
    pub(super) page: u64,
    pub(super) only_if_cached: bool,
    /// Where the answer has a URL of its own, if that is not the one that was asked for.
    pub(super) location: Option<String>,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
}

impl Asked {
    /// Reads a request below `/ipfs/`.
    pub(super) fn read(uri: &Uri, headers: HeaderMap) -> Result<Self, ApiError> {
        // Decoded once and as a whole: `%2F` is a slash like any other, so that each name that a
        // path can have has one meaning.
        let path = text::decode(uri.path())
            .and_then(|path| String::from_utf8(path).ok())
            .ok_or_else(|| ApiError::bad_request("The path is not UTF-8 in percent-encoding"))?;
        if path.len() > MAX_PATH {
            let text = format!("The path has more than {MAX_PATH} bytes");
            return Err(ApiError::text(StatusCode::URI_TOO_LONG, text));
        }
        let slash = path.ends_with('/');
        let root = path.strip_prefix("/ipfs/").unwrap_or_default();
        let root = root.split('/').next().unwrap_or_default().to_owned();
        let path: IpfsPath = path.parse().map_err(|error| {
            let root = text::shown(&root);
            ApiError::bad_request(format!("Invalid path /ipfs/{root}…: {error}"))
        })?;
        if path.root.codec() == Multicodec::LIBP2P_KEY {
            let text = "The CID is the name of a key; such names belong to /ipns/";
            return Err(ApiError::bad_request(text));
        }
        let query = Query(uri.query().unwrap_or_default());
        let wishes = accept::wishes(&headers);
        let (format, chosen) = choose(&query, &wishes)?;
        let export = match format {
            Some(Format::Car) => export(&query, chosen)?,
            _ => ExportOptions::default(),
        };
        let location = location(uri, &query, format, chosen, &export);
        Ok(Self {
            root,
            slash,
            format,
            export,
            filename: query.get("filename").and_then(filename),
            download: query.get("download").is_some_and(|value| value == "true"),
            page: page(&query),
            only_if_cached: only_if_cached(&headers),
            location,
            query: uri.query().map(str::to_owned),
            path,
            headers,
        })
    }

    /// The path as the client should have written it.
    pub(super) fn url(&self) -> String {
        let mut url = text::url(&self.root, &self.path.segments);
        if self.slash {
            url.push('/');
        }
        url
    }

    /// What a download is called: as the client says, or as the path does.
    pub(super) fn name(&self) -> Option<&str> {
        let last = || self.path.segments.last().map(String::as_str);
        self.filename.as_deref().or_else(last)
    }
}

/// The query string. Of a repeated parameter the first value counts.
struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut parameters = form_urlencoded::parse(self.0.as_bytes());
        parameters.find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

fn bad(name: &str, value: &str, known: &str) -> ApiError {
    let value = text::shown(value);
    ApiError::bad_request(format!("{name}={value} is not supported; {known}"))
}

/// The format: of the URL first, else the dearest of the header that can be made. With it comes what
/// the header says about it.
fn choose<'w>(query: &Query<'_>, wishes: &'w [Wish]) -> Result<(Option<Format>, Option<&'w Wish>), ApiError> {
    let mut refused = None;
    let mut acceptable = wishes.iter().filter(|wish| match refusal(query, wish) {
        None => true,
        Some(text) => {
            refused.get_or_insert(text);
            false
        }
    });
    let (format, chosen) = match query.get("format") {
        Some(name) => {
            let format = Format::of_name(&name).ok_or_else(|| {
                bad(
                    "format",
                    &name,
                    "there are raw, car, tar, json, cbor, dag-json, dag-cbor",
                )
            })?;
            (Some(format), acceptable.find(|wish| wish.format == format))
        }
        None => {
            let wish = acceptable.next();
            (wish.map(|wish| wish.format), wish)
        }
    };
    let wanted = format.is_none_or(|format| format == Format::Car);
    match refused {
        Some(text) if chosen.is_none() && wanted => Err(ApiError::text(StatusCode::NOT_ACCEPTABLE, text)),
        _ => Ok((format, chosen)),
    }
}

/// Why a variant of an archive cannot be made. What the URL says overrides the header.
fn refusal(query: &Query<'_>, wish: &Wish) -> Option<String> {
    if wish.format != Format::Car {
        return None;
    }
    VARIANTS.iter().find_map(|(parameter, name, values)| {
        let value = wish.parameter(name).unwrap_or_default();
        let stands = query.get(parameter).is_none() && !value.is_empty() && !values.contains(&value);
        let value = text::shown(value);
        stands.then(|| format!("Archives with {name}={value} are not made here; there are {values:?}"))
    })
}

/// Parameters of archives: in the URL, in the header, their values. Blocks are always sent depth
/// first, which is an unknown order too.
const VARIANTS: [(&str, &str, &[&str]); 3] = [
    ("car-version", "version", &["1"]),
    ("car-order", "order", &["dfs", "unk"]),
    ("car-dups", "dups", &["y", "n"]),
];

fn export(query: &Query<'_>, chosen: Option<&Wish>) -> Result<ExportOptions, ApiError> {
    for (parameter, _, values) in VARIANTS {
        if let Some(value) = query.get(parameter)
            && !values.contains(&&*value)
        {
            return Err(bad(parameter, &value, &format!("there are {values:?}")));
        }
    }
    let scope = match query.get("dag-scope") {
        Some(value) => {
            DagScope::parse(&value).ok_or_else(|| bad("dag-scope", &value, "there are block, entity, all"))?
        }
        None => DagScope::All,
    };
    let bytes = match query.get("entity-bytes") {
        Some(value) => Some(
            ByteRange::parse(&value)
                .ok_or_else(|| bad("entity-bytes", &value, "it is from:to, both included, or from:*"))?,
        ),
        None => None,
    };
    let dups = query.get("car-dups");
    let dups = dups.as_deref().or_else(|| chosen?.parameter("dups"));
    Ok(ExportOptions {
        scope,
        bytes,
        duplicates: dups == Some("y"),
    })
}

/// The URL that would give this answer without the header `Accept`, so that caches can tell the
/// forms of a content apart.
fn location(
    uri: &Uri,
    query: &Query<'_>,
    format: Option<Format>,
    chosen: Option<&Wish>,
    export: &ExportOptions,
) -> Option<String> {
    let (format, chosen) = (format?, chosen?);
    let mut added = Vec::new();
    if query.get("format").is_none() {
        added.push(format!("format={}", format.name()));
    }
    if format == Format::Car && chosen.parameter("dups").is_some() && query.get("car-dups").is_none() {
        added.push(format!("car-dups={}", if export.duplicates { "y" } else { "n" }));
    }
    if added.is_empty() {
        return None;
    }
    let given = query.0;
    let joint = if given.is_empty() { "" } else { "&" };
    Some(format!("{}?{given}{joint}{}", uri.path(), added.join("&")))
}

/// A name without folders, of a bounded length.
fn filename(value: Cow<'_, str>) -> Option<String> {
    let name = value.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|letter| !letter.is_control()).collect();
    let end = name.floor_char_boundary(MAX_FILENAME);
    let name = name.get(..end).unwrap_or_default();
    (!name.is_empty()).then(|| name.to_owned())
}

/// Content has parameters of its own, which may have this name: what is no page is the first.
fn page(query: &Query<'_>) -> u64 {
    let number = query.get("page").and_then(|value| value.parse().ok());
    number.unwrap_or(1).clamp(1, MAX_PAGES)
}

fn only_if_cached(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CACHE_CONTROL).iter();
    let mut directives = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    directives.any(|directive| directive.trim().eq_ignore_ascii_case("only-if-cached"))
}
