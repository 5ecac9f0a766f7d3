//! The IPFS gateway.

use utoipa::openapi::{
    ObjectBuilder,
    path::{Parameter, ParameterBuilder, ParameterIn},
    schema::Type,
};

use super::{Entry, entry};

const GATEWAY: &str = "IPFS gateway";

/// Names and meanings of the parameters, which are those of the public specifications.
const PARAMETERS: [(&str, &str); 9] = [
    (
        "format",
        "`raw` (a block), `car` (an archive of blocks), `tar`, or `json`, `cbor`, `dag-json`, `dag-cbor` for blocks \
         of these codecs. Overrides `Accept`.",
    ),
    (
        "dag-scope",
        "How much of what the path leads to an archive has: `block`, `entity`, `all` (default).",
    ),
    (
        "entity-bytes",
        "`from:to`, both included: the part of a file that an archive has. `*` is the end, negative \
         positions count from it.",
    ),
    ("car-version", "`1`."),
    ("car-order", "`dfs` or `unk`; always answered depth first."),
    (
        "car-dups",
        "`y`: a block each time it is linked; `n` (default): once.",
    ),
    ("filename", "Name for saving and for the type."),
    ("download", "`true`: to be saved rather than shown."),
    ("page", "Page of the listing of a directory, from 1."),
];

fn parameters() -> Vec<Parameter> {
    let parameters = PARAMETERS.iter().map(|(name, text)| {
        ParameterBuilder::new()
            .name(*name)
            .parameter_in(ParameterIn::Query)
            .description(Some(*text))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .build()
    });
    parameters.collect()
}

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "/ipfs/{*path}",
        GATEWAY,
        "Content by CID: a file, a directory, a block or an archive of blocks that proves the answer. Has \
         `ETag`; answers `If-None-Match` and a single `Range`.",
        "The content. `X-Ipfs-Roots` names the CIDs on the path.",
    )
    .shown("/ipfs/{cid}/{path}")
    .query(parameters)
    .sends("application/octet-stream")
    .fails(&[
        ("206", "A part."),
        ("301", "A directory, without a slash at the end."),
        ("304", "Unchanged."),
        ("400", "Not a CID or path, or not a format that there is."),
        ("404", "Not here, or no such entry in a directory."),
        ("406", "In another codec than was asked for."),
        ("412", "Not here, and `Cache-Control: only-if-cached`."),
        ("416", "Range behind the end."),
        ("501", "A path through a codec that is not followed."),
    ]),
    entry(
        "/ipns/{*path}",
        GATEWAY,
        "Content by a name that changes. Not there yet.",
        "Nothing.",
    )
    .shown("/ipns/{name}/{path}")
    .sends("text/plain")
    .fails(&[("501", "Always.")]),
];
