//! Messages, posts, aggregates, and the ways to publish.

use utoipa::IntoParams as _;

use super::{BAD_HASH, BAD_PARAMETERS, Entry, JSON, LIST, entry};
use crate::params::{
    AggregateQuery, AggregatesQuery, AuthorizationsQuery, HashesQuery, MessagesQuery, PostsQuery, WsQuery,
};

const MESSAGES: &str = "Messages";
const PUBLISH: &str = "Publishing";
const POSTS: &str = "Posts";
const AGGREGATES: &str = "Aggregates";
const NO_MESSAGE: (&str, &str) = ("404", "No such message.");
const MULTIPART: &str = "multipart/form-data";

pub(super) const ENTRIES: &[Entry] = &[
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
];
