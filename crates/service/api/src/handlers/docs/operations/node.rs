//! Files, addresses, money, and the node itself.

use utoipa::IntoParams as _;

use super::{BAD_HASH, BAD_PARAMETERS, Entry, LIST, entry};
use crate::params::{
    AddressStatsQuery, AddressStatsV0Query, BalanceQuery, BalancesQuery, CreditBalancesQuery,
    CreditHistoryFilters, CreditHistoryQuery, FilesQuery, NodeMetricsQuery, ProgramsQuery,
};

const FILES: &str = "Files";
const ADDRESSES: &str = "Addresses";
const MONEY: &str = "Balances and credits";
const NODE: &str = "Node";
const NO_FILE: (&str, &str) = ("404", "No such file.");
const TEXT: &str = "text/plain";
const HTML: &str = "text/html";

pub(super) const ENTRIES: &[Entry] = &[
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
        "/api/v0/storage/by-ref/{address}/{*ref}",
        FILES,
        "The latest version of a file, by owner and name. A name may contain slashes, escaped or not.",
        "`ref`, `owner`, `file_hash`, `download_url`, `size`.",
    )
    .shown("/api/v0/storage/by-ref/{address}/{ref}")
    .fails(&[NO_FILE]),
    entry(
        "/api/v0/peers",
        NODE,
        "The nodes that this one is connected with, and what passes.",
        "`peer_id`, `listening`, `gossip`, `peers`.",
    ),
    entry(
        "/api/v0/sync/gaps",
        NODE,
        "What this node lacks and is looking for: contents and files.",
        "Numbers, and the oldest of them with what was tried.",
    ),
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
    entry("/explore", NODE, "A page to search for messages.", "HTML.").sends(HTML),
    entry(
        "/explore/messages/{item_hash}",
        NODE,
        "A page about a message.",
        "HTML.",
    )
    .sends(HTML),
    entry(
        "/explore/waiting",
        NODE,
        "A page of messages that wait or were refused.",
        "HTML.",
    )
    .sends(HTML),
    entry(
        "/explore/accounts",
        NODE,
        "A page to find an account; leads to that of `address`.",
        "HTML.",
    )
    .sends(HTML),
    entry(
        "/explore/accounts/{address}",
        NODE,
        "A page about an account.",
        "HTML.",
    )
    .sends(HTML),
    entry(
        "/explore/accounts/{address}/{list}",
        NODE,
        "A page of `credits`, `history`, `costs` or `files` of an account.",
        "HTML.",
    )
    .sends(HTML),
    entry(
        "/explore/storage",
        NODE,
        "A page about what is stored and what is about to go.",
        "HTML.",
    )
    .sends(HTML),
    entry(
        "/explore/storage/{list}",
        NODE,
        "A page of what is about to go: `removing` or `uploads`.",
        "HTML.",
    )
    .sends(HTML),
    entry(
        "/peers",
        NODE,
        "A page about the nodes that this one is connected with.",
        "HTML.",
    )
    .sends(HTML),
    entry("/explore/style.css", NODE, "The style of the pages.", "CSS.").sends("text/css"),
    entry(
        "/explore/live.js",
        NODE,
        "Keeps the pages current.",
        "JavaScript.",
    )
    .sends("text/javascript"),
    entry("/api/docs", NODE, "This description as a page.", "HTML.").sends(HTML),
    entry(
        "/api/docs/swagger.json",
        NODE,
        "This description as an OpenAPI document.",
        "OpenAPI 3.1.",
    ),
];
