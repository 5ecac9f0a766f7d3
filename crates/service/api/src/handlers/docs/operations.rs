//! What each route is for.

use utoipa::{IntoParams as _, openapi::path::Parameter};

use super::JSON;
use crate::params::{
    AddressStatsQuery, AddressStatsV0Query, AggregateQuery, AggregatesQuery, AuthorizationsQuery,
    BalanceQuery, BalancesQuery, CreditBalancesQuery, CreditHistoryFilters, CreditHistoryQuery, FilesQuery,
    HashesQuery, MessagesQuery, NodeMetricsQuery, PostsQuery, ProgramsQuery, WsQuery,
};

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
    ENTRIES.iter().find(|entry| entry.path == path)
}

/// What a part of a path is.
pub(super) fn path_part(name: &str) -> Option<&'static str> {
    let text = match name {
        "item_hash" => "Item hash of a message.",
        "hash" => "SHA-256 in hexadecimal, or a CID.",
        "address" => "Address, exact.",
        "page" => "Number of the page, from 1; overrides `page`.",
        "node_id" => "Hash of the message that registered the node.",
        "ref" => "Item hash of the first version, or a name that the owner chose.",
        _ => return None,
    };
    Some(text)
}

macro_rules! query {
    ($query:ty) => {
        || <$query>::into_params(|| None)
    };
}

const MESSAGES: &str = "Messages";
const PUBLISH: &str = "Publishing";
const POSTS: &str = "Posts";
const AGGREGATES: &str = "Aggregates";
const FILES: &str = "Files";
const ADDRESSES: &str = "Addresses";
const MONEY: &str = "Balances and credits";
const NODE: &str = "Node";

const LIST: &str = "A page: the entries, and `pagination_*` or `next_cursor`.";
const NO_MESSAGE: (&str, &str) = ("404", "No such message.");
const BAD_HASH: (&str, &str) = ("400", "Not a hash.");
const BAD_PARAMETERS: (&str, &str) = ("422", "Bad parameters.");
const NO_FILE: (&str, &str) = ("404", "No such file.");
const MULTIPART: &str = "multipart/form-data";
const TEXT: &str = "text/plain";
const HTML: &str = "text/html";

const ENTRIES: &[Entry] = &[
    entry(
        "/api/v0/messages.json",
        MESSAGES,
        "Messages that match all filters.",
        LIST,
    )
    .query(query!(MessagesQuery))
    .fails(&[("400", "Filters that cannot be combined."), BAD_PARAMETERS]),
    entry(
        "/api/v0/messages/page/{page}",
        MESSAGES,
        "A numbered page of messages.",
        LIST,
    )
    .shown("/api/v0/messages/page/{page}.json")
    .query(query!(MessagesQuery))
    .fails(&[
        ("400", "Not a number, or filters that cannot be combined."),
        BAD_PARAMETERS,
    ]),
    entry(
        "/api/v0/messages/hashes",
        MESSAGES,
        "Hashes of messages by time of reception.",
        LIST,
    )
    .query(query!(HashesQuery))
    .fails(&[BAD_PARAMETERS]),
    entry(
        "/api/v0/messages/{item_hash}",
        MESSAGES,
        "A message with its status, whatever it is.",
        "`status`, `item_hash`, `reception_time`, and what the status has: `message`, `messages`, \
         `error_code` and `details`, `forgotten_by`, `reason`.",
    )
    .fails(&[BAD_HASH, NO_MESSAGE]),
    entry(
        "/api/v0/messages/{item_hash}/content",
        MESSAGES,
        "The content alone; of a POST, the user's part.",
        "JSON.",
    )
    .fails(&[BAD_HASH, NO_MESSAGE, ("422", "Not processed.")]),
    entry(
        "/api/v0/messages/{item_hash}/status",
        MESSAGES,
        "The status alone.",
        "`status`, `item_hash`, `reception_time`.",
    )
    .fails(&[BAD_HASH, NO_MESSAGE]),
    entry(
        "/api/ws0/messages",
        MESSAGES,
        "Websocket: messages as they become live, after some of the past.",
        "One message in each text frame.",
    )
    .query(query!(WsQuery))
    .fails(&[("400", "Not an upgrade to a websocket."), BAD_PARAMETERS]),
    entry(
        "/api/v0/messages",
        PUBLISH,
        "Publishes a signed message.",
        "Processed: `publication_status`, `message_status`.",
    )
    .body(
        JSON,
        "`{\"message\": {…}, \"sync\": false}`; `sync` waits for the verdict.",
    )
    .fails(&[("202", "Taken in, no verdict yet."), ("422", "Refused.")]),
    entry(
        "/api/v0/ipfs/pubsub/pub",
        PUBLISH,
        "Publishes a message; for old clients.",
        "`status`, `failed`.",
    )
    .body(
        JSON,
        "`{\"topic\": …, \"data\": \"…\"}`, the message as a string.",
    )
    .fails(&[("403", "Another topic."), ("422", "Refused.")]),
    entry(
        "/api/v0/p2p/pubsub/pub",
        PUBLISH,
        "Publishes a message; for old clients.",
        "`status`, `failed`.",
    )
    .body(
        JSON,
        "`{\"topic\": …, \"data\": \"…\"}`, the message as a string.",
    )
    .fails(&[("403", "Another topic."), ("422", "Refused.")]),
    entry(
        "/api/v0/posts.json",
        POSTS,
        "Posts with their latest revision, as messages.",
        LIST,
    )
    .query(query!(PostsQuery))
    .fails(&[BAD_PARAMETERS]),
    entry(
        "/api/v0/posts/page/{page}",
        POSTS,
        "A numbered page of posts, as messages.",
        LIST,
    )
    .shown("/api/v0/posts/page/{page}.json")
    .query(query!(PostsQuery))
    .fails(&[("400", "Not a number."), BAD_PARAMETERS]),
    entry(
        "/api/v1/posts.json",
        POSTS,
        "Posts with their latest revision.",
        LIST,
    )
    .query(query!(PostsQuery))
    .fails(&[BAD_PARAMETERS]),
    entry(
        "/api/v1/posts/page/{page}",
        POSTS,
        "A numbered page of posts.",
        LIST,
    )
    .shown("/api/v1/posts/page/{page}.json")
    .query(query!(PostsQuery))
    .fails(&[("400", "Not a number."), BAD_PARAMETERS]),
    entry(
        "/api/v0/aggregates",
        AGGREGATES,
        "Aggregates of all owners.",
        LIST,
    )
    .query(query!(AggregatesQuery))
    .fails(&[BAD_PARAMETERS]),
    entry(
        "/api/v0/aggregates.json",
        AGGREGATES,
        "Aggregates of all owners.",
        LIST,
    )
    .query(query!(AggregatesQuery))
    .fails(&[BAD_PARAMETERS]),
    entry(
        "/api/v0/aggregates/{address}",
        AGGREGATES,
        "Aggregates of an owner.",
        "`address`, `data` by key, `info`.",
    )
    .shown("/api/v0/aggregates/{address}.json")
    .query(query!(AggregateQuery))
    .fails(&[("404", "None."), BAD_PARAMETERS]),
    entry(
        "/api/v0/authorizations/granted/{address}",
        AGGREGATES,
        "Who may act for an address.",
        "`authorizations` by address.",
    )
    .shown("/api/v0/authorizations/granted/{address}.json")
    .query(query!(AuthorizationsQuery))
    .fails(&[BAD_PARAMETERS]),
    entry(
        "/api/v0/authorizations/received/{address}",
        AGGREGATES,
        "For whom an address may act.",
        "`authorizations` by address.",
    )
    .shown("/api/v0/authorizations/received/{address}.json")
    .query(query!(AuthorizationsQuery))
    .fails(&[BAD_PARAMETERS]),
    entry(
        "/api/v0/storage/add_json",
        PUBLISH,
        "Stores JSON in its canonical form.",
        "`status`, `hash`.",
    )
    .body(JSON, "Any JSON.")
    .fails(&[("413", "Too large.")]),
    entry(
        "/api/v0/storage/add_file",
        PUBLISH,
        "Stores a file, with or without the STORE message for it.",
        "`status`, `hash`.",
    )
    .body(
        MULTIPART,
        "`file`, and optionally `metadata` with the message; or the bare bytes.",
    )
    .fails(&[
        ("402", "Not affordable."),
        ("403", "Bad signature."),
        ("413", "Too large."),
        ("422", "Bad message."),
    ]),
    entry(
        "/api/v0/ipfs/add_json",
        PUBLISH,
        "Adds JSON to IPFS.",
        "`status`, `hash`.",
    )
    .body(JSON, "Any JSON.")
    .fails(&[("403", "IPFS is disabled.")]),
    entry(
        "/api/v0/ipfs/add_file",
        PUBLISH,
        "Adds a file to IPFS.",
        "`status`, `hash`, `name`, `size`.",
    )
    .body(MULTIPART, "`file`, and optionally `metadata` with the message.")
    .fails(&[("403", "IPFS is disabled.")]),
    entry(
        "/api/v0/ipfs/add_car",
        PUBLISH,
        "Adds the tree of a CAR file to IPFS.",
        "`status`, `hash`, `size`.",
    )
    .body(MULTIPART, "`file`, and `metadata` with the message.")
    .fails(&[("403", "IPFS is disabled.")]),
    entry(
        "/api/v0/storage/limits.json",
        FILES,
        "Largest uploads, in bytes.",
        "`storage`, `ipfs`.",
    ),
    entry(
        "/api/v0/storage/{hash}",
        FILES,
        "A file of at most 100 MiB inside JSON.",
        "`status`, `hash`, `engine`, `content` in base64.",
    )
    .fails(&[BAD_HASH, NO_FILE, ("413", "Too large for this route.")]),
    entry(
        "/api/v0/storage/raw/{hash}",
        FILES,
        "The bytes of a file. Has `ETag`; answers `If-None-Match` and a single `Range`.",
        "The bytes.",
    )
    .sends("application/octet-stream")
    .fails(&[
        ("206", "A part."),
        ("304", "Unchanged."),
        BAD_HASH,
        NO_FILE,
        ("416", "Range behind the end."),
    ]),
    entry(
        "/api/v0/storage/metadata/{hash}",
        FILES,
        "What is known of a file.",
        "`file_hash`, `type`, `size`, `download_url`.",
    )
    .fails(&[BAD_HASH, NO_FILE]),
    entry(
        "/api/v0/storage/count/{hash}",
        FILES,
        "Number of reasons to keep a file.",
        "An integer.",
    ),
    entry(
        "/api/v0/storage/by-message-hash/{hash}",
        FILES,
        "The file of a STORE.",
        "`ref`, `owner`, `file_hash`, `download_url`, `size`.",
    )
    .fails(&[BAD_HASH, NO_FILE]),
    entry(
        "/api/v0/storage/by-ref/{ref}",
        FILES,
        "The latest version of a file, by its first.",
        "`ref`, `owner`, `file_hash`, `download_url`, `size`.",
    )
    .fails(&[("400", "A name without its owner."), NO_FILE]),
    entry(
        "/api/v0/storage/by-ref/{address}/{ref}",
        FILES,
        "The latest version of a file, by owner and name.",
        "`ref`, `owner`, `file_hash`, `download_url`, `size`.",
    )
    .fails(&[NO_FILE]),
    entry(
        "/api/v0/addresses/stats.json",
        ADDRESSES,
        "Messages by sender and type.",
        "`data` by address.",
    )
    .query(query!(AddressStatsV0Query)),
    entry(
        "/api/v1/addresses/stats.json",
        ADDRESSES,
        "Messages by sender and type, in pages.",
        LIST,
    )
    .query(query!(AddressStatsQuery))
    .fails(&[BAD_PARAMETERS]),
    entry(
        "/api/v0/addresses/{address}/files",
        ADDRESSES,
        "Files that the STOREs of an owner keep.",
        LIST,
    )
    .query(query!(FilesQuery))
    .fails(&[("404", "None."), BAD_PARAMETERS]),
    entry(
        "/api/v0/addresses/{address}/post_types",
        ADDRESSES,
        "Types of the posts of a sender.",
        "`address`, `post_types`.",
    ),
    entry(
        "/api/v0/addresses/{address}/channels",
        ADDRESSES,
        "Channels of a sender.",
        "`address`, `channels`.",
    ),
    entry(
        "/api/v0/addresses/{address}/balance",
        MONEY,
        "Tokens and credits of an address.",
        "`balance`, `details` by chain, `locked_amount`, `credit_balance`, `credit_balance_details`.",
    )
    .query(query!(BalanceQuery))
    .fails(&[BAD_PARAMETERS]),
    entry("/api/v0/balances", MONEY, "Reported balances.", LIST)
        .query(query!(BalancesQuery))
        .fails(&[BAD_PARAMETERS]),
    entry("/api/v0/credit_balances", MONEY, "Credits by address.", LIST)
        .query(query!(CreditBalancesQuery))
        .fails(&[BAD_PARAMETERS]),
    entry(
        "/api/v0/addresses/{address}/credit_history",
        MONEY,
        "Grants and debits of credits.",
        LIST,
    )
    .query(query!(CreditHistoryQuery))
    .fails(&[("404", "None."), BAD_PARAMETERS]),
    entry(
        "/api/v0/addresses/{address}/credit_history/summary",
        MONEY,
        "Sums over a credit history.",
        "`entry_count`, `total_amount`, `total_incoming`, `total_outgoing`.",
    )
    .query(query!(CreditHistoryFilters))
    .fails(&[BAD_PARAMETERS]),
    entry(
        "/api/v0/messages/{item_hash}/consumed_credits",
        MONEY,
        "Credits spent on a resource.",
        "`item_hash`, `consumed_credits`.",
    ),
    entry(
        "/api/v0/programs/on/message",
        NODE,
        "Programs that wait for messages.",
        "An array of `item_hash` and `content.on.message`.",
    )
    .query(query!(ProgramsQuery))
    .fails(&[("400", "Bad or unknown parameters.")]),
    entry(
        "/api/v0/core/{node_id}/metrics",
        NODE,
        "Measurements of a core node.",
        "`metrics`: columns of equal length.",
    )
    .query(query!(NodeMetricsQuery))
    .fails(&[("404", "None."), BAD_PARAMETERS]),
    entry(
        "/api/v0/compute/{node_id}/metrics",
        NODE,
        "Measurements of a compute node.",
        "`metrics`: columns of equal length.",
    )
    .query(query!(NodeMetricsQuery))
    .fails(&[("404", "None."), BAD_PARAMETERS]),
    entry(
        "/api/v0/channels/list.json",
        NODE,
        "All channels in use. May be a minute old.",
        "`channels`.",
    ),
    entry(
        "/api/v0/info/public.json",
        NODE,
        "Addresses under which peers reach the node.",
        "`node_multi_addresses`.",
    ),
    entry("/version", NODE, "Version that the node tells.", "`version`."),
    entry(
        "/api/v0/version",
        NODE,
        "Version that the node tells.",
        "`version`.",
    ),
    entry(
        "/metrics",
        NODE,
        "Numbers of the node, for Prometheus.",
        "A line for each.",
    )
    .sends(TEXT),
    entry(
        "/metrics.json",
        NODE,
        "Numbers of the node.",
        "An object of numbers.",
    ),
    entry(
        "/api/ws0/status",
        NODE,
        "Websocket: numbers of the node when they change.",
        "The object of `/metrics.json` in each frame.",
    )
    .fails(&[("400", "Not an upgrade to a websocket.")]),
    entry(
        "/api/v0/state/root",
        NODE,
        "Digests of the state, to compare nodes by.",
        "`live`, `final`, `network`, `adversary_safe`, and numbers of messages.",
    ),
    entry("/", NODE, "A page about the node.", "HTML.").sends(HTML),
    entry("/api/docs", NODE, "This description as a page.", "HTML.").sends(HTML),
    entry(
        "/api/docs/swagger.json",
        NODE,
        "This description as an OpenAPI document.",
        "OpenAPI 3.1.",
    ),
];
