-- The core of a node: messages and everything that can be rebuilt from them.
--
-- Indexes that only lists read are in lists.rs: a bulk load makes them afterwards.
--
-- Times are microseconds since 1970 (INTEGER). `prefix` is the first 60 bits of an item hash in
-- the order of its text: it serves both the lookup by hash and the tie-break of every list, so
-- that list indexes hold no whole hash. Where a tie decides the state, the whole hash does:
-- sixty bits can be made to collide. Addresses and names are interned: an index entry then costs
-- a few bytes whatever strangers choose to send.

-- Single values: the sums of the state roots, counters that belong to nothing else.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE addresses (
    id   INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
) STRICT;

-- Channels, post types, aggregate keys, dapps.
CREATE TABLE names (
    id   INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
) STRICT;

-- Every message with a valid form and signature, whatever its state: the raw facts. The id
-- follows the order of reception. A forgotten message keeps its row (the tombstone) and loses
-- item_content, item_text and signature.
CREATE TABLE messages (
    id           INTEGER PRIMARY KEY,
    prefix       INTEGER NOT NULL,
    hash         BLOB    NOT NULL,   -- ItemHash::key
    status       INTEGER NOT NULL,   -- MessageStatus::index; 0 and 1 are live
    accepted     INTEGER NOT NULL,   -- verdict, leaving FORGETs aside
    type         INTEGER NOT NULL,   -- MessageType::index
    chain        INTEGER NOT NULL,   -- Chain::index
    item_type    INTEGER NOT NULL,   -- ItemType::index
    sender       INTEGER NOT NULL,   -- addresses.id
    owner        INTEGER NOT NULL,   -- addresses.id; the sender while the content is unknown
    channel      INTEGER,            -- names.id
    label        INTEGER,            -- names.id of content.type (POST) or content.key (AGGREGATE)
    payment      INTEGER,            -- PaymentType::index for STORE and machines
    time         INTEGER NOT NULL,   -- of the envelope
    content_time INTEGER NOT NULL,   -- of the content: decides the position
    reception    INTEGER NOT NULL,
    size         INTEGER NOT NULL,
    reference    TEXT,               -- content.ref if it is a string; `replaces` of machines
    signature    TEXT,
    item_content TEXT,               -- text of the content as signed; NULL while unknown
    item_text    TEXT,               -- what is served as content when it differs (defaults filled in)
    -- FORGET bookkeeping
    withdrawn_time   INTEGER,        -- position of the first accepted FORGET naming it
    withdrawn_hash   BLOB,
    gone_at      INTEGER,            -- envelope time of that FORGET, or time of removal
    purged       INTEGER NOT NULL DEFAULT 0, -- content is gone for good; for a FORGET: it purged some
    remains      TEXT,               -- Remains of a purged content, JSON
    purge_after  INTEGER,            -- a tombstone whose content is still held, and until when
    -- earliest confirmation
    confirmed_at     INTEGER,
    confirmed_height INTEGER
) STRICT;

CREATE INDEX messages_hash      ON messages (prefix);
CREATE INDEX messages_confirmed ON messages (confirmed_at DESC, time DESC, prefix) WHERE status <= 1 AND confirmed_at IS NOT NULL;
-- What is not confirmed yet comes first in the order of confirmations: few rows, mostly new ones.
CREATE INDEX messages_height    ON messages (confirmed_height) WHERE status <= 1 AND confirmed_height IS NOT NULL;
CREATE INDEX messages_gone      ON messages (status, gone_at DESC, prefix) WHERE status >= 4;
CREATE INDEX messages_parked    ON messages (sender, id) WHERE status IN (2, 3);
CREATE INDEX messages_removing  ON messages (owner) WHERE status = 1;
CREATE INDEX messages_purge     ON messages (purge_after) WHERE purge_after IS NOT NULL;

-- Further valid copies of a message: signed by somebody else over the same content, or different
-- in what nobody signed.
CREATE TABLE copies (
    message   INTEGER NOT NULL,
    sender    TEXT    NOT NULL,
    chain     INTEGER NOT NULL,
    time      INTEGER NOT NULL,
    channel   TEXT,
    signature TEXT NOT NULL
) STRICT;
CREATE INDEX copies_message ON copies (message);

-- Why a message waits or is refused.
CREATE TABLE verdicts (
    message INTEGER PRIMARY KEY,
    code    INTEGER NOT NULL,
    details TEXT,
    since   INTEGER NOT NULL     -- shown as pending until since + retry budget (waiting ones)
) STRICT;

-- By whom a message was forgotten: item hashes, separated by spaces, in the order of positions.
CREATE TABLE tombstones (
    message      INTEGER PRIMARY KEY,
    forgotten_by TEXT NOT NULL
) STRICT;

-- Messages refused for their form or signature: kept for clients that ask, oldest dropped first.
CREATE TABLE refused (
    id        INTEGER PRIMARY KEY,
    hash      BLOB NOT NULL UNIQUE,
    reception INTEGER NOT NULL,
    code      INTEGER NOT NULL,
    details   TEXT,
    message   TEXT NOT NULL      -- the wire object
) STRICT;

-- Which message refers to which name: a new fact wakes those that wait for it.
-- kind: 0 amend, 1 forget, 2 store revision, 3 volume, 4 replaced program,
-- 5 forget of an aggregate (target = its key), 6 file of a store (target = file name),
-- 7 element of an aggregate (target = its key, if that is an item hash).
CREATE TABLE edges (
    prefix INTEGER NOT NULL,     -- of the target
    kind   INTEGER NOT NULL,
    source INTEGER NOT NULL,     -- messages.id
    target BLOB    NOT NULL,
    PRIMARY KEY (prefix, kind, source, target)
) STRICT, WITHOUT ROWID;

-- Which delegations a message was judged by: judged again when these change before its position.
CREATE TABLE consults (
    owner   INTEGER NOT NULL,
    time    INTEGER NOT NULL,
    prefix  INTEGER NOT NULL,
    message INTEGER NOT NULL,
    PRIMARY KEY (owner, time, prefix, message)
) STRICT, WITHOUT ROWID;

-- Elements of `security` aggregates that set `authorizations`. They outlive a FORGET: permission
-- at an earlier position must remain decidable.
CREATE TABLE delegations (
    owner   INTEGER NOT NULL,
    time    INTEGER NOT NULL,
    hash    BLOB    NOT NULL,
    message INTEGER NOT NULL,
    value   TEXT    NOT NULL,
    PRIMARY KEY (owner, time, hash, message)
) STRICT, WITHOUT ROWID;

-- Who is named in the current authorizations of an owner: grants seen from the other side.
CREATE TABLE grantees (
    grantee TEXT    NOT NULL,
    owner   INTEGER NOT NULL,
    PRIMARY KEY (grantee, owner)
) STRICT, WITHOUT ROWID;
CREATE INDEX grantees_owner ON grantees (owner);

-- Inverted index over what contents say; term = Term::id of (kind, value).
CREATE TABLE terms (
    term    INTEGER NOT NULL,
    time    INTEGER NOT NULL,
    prefix  INTEGER NOT NULL,
    message INTEGER NOT NULL,
    PRIMARY KEY (term, time DESC, prefix, message)
) STRICT, WITHOUT ROWID;

-- Live messages counted along one dimension; key = Counter::id.
CREATE TABLE counters (
    key INTEGER PRIMARY KEY,
    n   INTEGER NOT NULL
) STRICT;

-- Live messages by sender and type: address statistics. `start` is the beginning of the address: it
-- orders nearly all lists of addresses without a look at the text.
CREATE TABLE sent (
    address INTEGER NOT NULL,
    type    INTEGER NOT NULL,
    n       INTEGER NOT NULL,
    start   TEXT    NOT NULL,    -- ten characters
    PRIMARY KEY (address, type)
) STRICT, WITHOUT ROWID;

-- The same of all types together. Its numbers have no index: they change with every message, and are
-- read by one route.
CREATE VIEW senders AS
    SELECT address, start, sum(n) AS n FROM sent GROUP BY address HAVING sum(n) > 0;

-- Channels and post types that a sender uses.
CREATE TABLE used_names (
    address INTEGER NOT NULL,
    kind    INTEGER NOT NULL,    -- 0 channel, 1 post type
    name    INTEGER NOT NULL,
    n       INTEGER NOT NULL,    -- live messages
    PRIMARY KEY (address, kind, name)
) STRICT, WITHOUT ROWID;

-- Original posts with their current revision. id is messages.id of the original.
CREATE TABLE posts (
    id      INTEGER PRIMARY KEY,
    latest  INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    prefix  INTEGER NOT NULL,    -- of the original
    owner   INTEGER NOT NULL,
    type    INTEGER NOT NULL,
    channel INTEGER
) STRICT;

-- References of originals and tags of current revisions.
CREATE TABLE post_terms (
    term    INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    prefix  INTEGER NOT NULL,
    post    INTEGER NOT NULL,
    PRIMARY KEY (term, updated DESC, prefix, post)
) STRICT, WITHOUT ROWID;

-- Accepted amends of a post, current or not.
CREATE TABLE amends (
    post    INTEGER NOT NULL,
    time    INTEGER NOT NULL,
    hash    BLOB    NOT NULL,
    message INTEGER NOT NULL,
    PRIMARY KEY (post, time, hash, message)
) STRICT, WITHOUT ROWID;

CREATE TABLE aggregates (
    id       INTEGER PRIMARY KEY,
    owner    INTEGER NOT NULL,
    key      INTEGER NOT NULL,   -- names.id
    created  INTEGER NOT NULL,
    updated  INTEGER NOT NULL,
    first    INTEGER NOT NULL,   -- messages.id
    last     INTEGER NOT NULL,   -- messages.id
    elements INTEGER NOT NULL,
    UNIQUE (owner, key)
) STRICT;

CREATE TABLE aggregate_elements (
    aggregate INTEGER NOT NULL,
    time      INTEGER NOT NULL,
    hash      BLOB    NOT NULL,
    message   INTEGER NOT NULL,
    PRIMARY KEY (aggregate, time, hash, message)
) STRICT, WITHOUT ROWID;

-- Current value of each top-level key.
CREATE TABLE aggregate_fields (
    aggregate INTEGER NOT NULL,
    field     TEXT    NOT NULL,
    time      INTEGER NOT NULL,
    hash      BLOB    NOT NULL,
    message   INTEGER NOT NULL,
    value     TEXT    NOT NULL,
    PRIMARY KEY (aggregate, field)
) STRICT, WITHOUT ROWID;

-- Superseded values of a top-level key, without the value: it is in the message.
CREATE TABLE aggregate_losers (
    aggregate INTEGER NOT NULL,
    field     TEXT    NOT NULL,
    time      INTEGER NOT NULL,
    hash      BLOB    NOT NULL,
    message   INTEGER NOT NULL,
    PRIMARY KEY (aggregate, field, time, hash, message)
) STRICT, WITHOUT ROWID;

CREATE TABLE files (
    id      INTEGER PRIMARY KEY,
    hash    BLOB    NOT NULL UNIQUE,
    size    INTEGER NOT NULL,
    kind    INTEGER NOT NULL,    -- 0 file, 1 directory
    created INTEGER NOT NULL     -- when the bytes came
) STRICT;

-- Messages that were removed for want of payment. They outlive a rebuild: when the collector came by
-- cannot be told from the messages.
CREATE TABLE removals (
    prefix INTEGER NOT NULL,
    hash   BLOB    NOT NULL,
    time   INTEGER NOT NULL,
    PRIMARY KEY (prefix, hash)
) STRICT, WITHOUT ROWID;

-- Why a file is kept. kind: 0 content of a message, 1 STORE, 2 archive, 3 grace period.
CREATE TABLE pins (
    file      INTEGER NOT NULL,
    kind      INTEGER NOT NULL,
    message   INTEGER NOT NULL,  -- messages.id, 0 for a grace period
    owner     INTEGER,
    created   INTEGER NOT NULL,
    prefix    INTEGER NOT NULL,
    delete_by INTEGER,
    PRIMARY KEY (file, kind, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX pins_owner ON pins (owner, created DESC, prefix) WHERE kind = 1;
CREATE INDEX pins_message ON pins (message) WHERE message <> 0;
CREATE INDEX pins_expiry ON pins (delete_by) WHERE delete_by IS NOT NULL;

-- Versions of a named file; the greatest (time, hash) is current.
CREATE TABLE tags (
    tag     TEXT    NOT NULL,    -- item hash of the original STORE, or owner/label
    time    INTEGER NOT NULL,
    hash    BLOB    NOT NULL,
    message INTEGER NOT NULL,
    PRIMARY KEY (tag, time, hash, message)
) STRICT, WITHOUT ROWID;

-- What balance reports say; dapp is 0 for plain holdings. They outlive a FORGET of the report: a
-- balance as of a position must remain decidable. The first row of (address, chain, dapp) counts.
CREATE TABLE balance_reports (
    address TEXT    NOT NULL,
    chain   INTEGER NOT NULL,
    dapp    INTEGER NOT NULL,
    height  INTEGER NOT NULL,
    time    INTEGER NOT NULL,
    hash    BLOB    NOT NULL,
    message INTEGER NOT NULL,
    balance TEXT    NOT NULL,
    PRIMARY KEY (address, chain, dapp, height DESC, time, hash, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX balance_reports_message ON balance_reports (message);

-- The rows of balance_reports that count.
CREATE TABLE balances (
    address TEXT    NOT NULL,
    chain   INTEGER NOT NULL,
    dapp    INTEGER NOT NULL,
    balance TEXT    NOT NULL,
    height  INTEGER NOT NULL,
    PRIMARY KEY (address, chain, dapp)
) STRICT, WITHOUT ROWID;

-- The history of credits. Rows of distributions and expenses are what these posts say; those of
-- transfers (kind 1) are derived: what a transfer moves depends on the posts before it. Both
-- outlive a FORGET of the post.
CREATE TABLE credits (
    address    TEXT    NOT NULL,
    time       INTEGER NOT NULL,
    message    INTEGER NOT NULL,
    line       INTEGER NOT NULL,  -- number of the row in the post
    kind       INTEGER NOT NULL,
    amount     INTEGER NOT NULL,
    expiration INTEGER,
    details    TEXT    NOT NULL,  -- JSON object of the descriptive columns
    PRIMARY KEY (address, time, message, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX credits_message ON credits (message, line);

-- The histories of credits added up, one row for each account. Sums are signed 128-bit big-endian
-- numbers. That of the expenses of everybody is in `meta`.
CREATE TABLE credit_sums (
    address  TEXT    PRIMARY KEY,
    entries  INTEGER NOT NULL,
    incoming BLOB    NOT NULL,
    outgoing BLOB    NOT NULL,   -- not positive
    spent    BLOB    NOT NULL    -- by expenses, not negative
) STRICT, WITHOUT ROWID;

-- What expenses took from whom for what.
CREATE TABLE consumed (
    resource TEXT NOT NULL,      -- `origin` of the expense
    address  TEXT NOT NULL,
    credits  BLOB NOT NULL,
    PRIMARY KEY (resource, address)
) STRICT, WITHOUT ROWID;

-- What transfers say, whether they are covered or not. They outlive a FORGET of the post.
CREATE TABLE credit_transfers (
    message    INTEGER NOT NULL,
    line       INTEGER NOT NULL,
    recipient  INTEGER NOT NULL,  -- addresses.id
    amount     INTEGER NOT NULL,
    expiration INTEGER,
    required   BLOB,              -- what the sender must have, unsigned 64-bit big-endian; NULL: he mints
    PRIMARY KEY (message, line)
) STRICT, WITHOUT ROWID;

-- Whoever has a history of credits, with the time of its last row.
CREATE TABLE credit_accounts (
    address TEXT    PRIMARY KEY,
    last    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is left of the credits of an account after all that is in its history.
CREATE TABLE lots (
    address    TEXT    NOT NULL,
    time       INTEGER NOT NULL,  -- position of the post that made it
    hash       BLOB    NOT NULL,
    line       INTEGER NOT NULL,  -- its row in the history
    remaining  INTEGER NOT NULL,
    expiration INTEGER,
    PRIMARY KEY (address, time, hash, line)
) STRICT, WITHOUT ROWID;

-- Bills of messages that cost something, whether they were admitted or not: who cannot pay is judged
-- again when money comes, and whoever comes later pays after those before him. Amounts are signed
-- 128-bit big-endian numbers of 10^-18.
CREATE TABLE costs (
    owner    INTEGER NOT NULL,   -- addresses.id of the account that is charged
    payment  INTEGER NOT NULL,   -- PaymentType::index
    time     INTEGER NOT NULL,   -- position of the message
    hash     BLOB    NOT NULL,
    message  INTEGER NOT NULL,
    total    BLOB    NOT NULL,   -- in the currency of the payment
    hold     BLOB    NOT NULL,
    stream   BLOB    NOT NULL,   -- by the second
    credit   BLOB    NOT NULL,   -- by the second
    admitted INTEGER NOT NULL,   -- Row::accepted
    live     INTEGER NOT NULL,   -- shown in lists
    until_time INTEGER,          -- position of the FORGET that withdrew it
    until_hash BLOB,
    prefix   INTEGER NOT NULL,   -- of the message: the order of lists
    lines    TEXT    NOT NULL,   -- JSON, as the API shows them
    PRIMARY KEY (owner, payment, time, hash, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX costs_message ON costs (message);
CREATE INDEX costs_listed  ON costs (payment, prefix) WHERE live = 1;
CREATE INDEX costs_until   ON costs (owner, payment, until_time, until_hash) WHERE until_time IS NOT NULL;

-- The live bills of an account added up; owner 0 is everybody.
CREATE TABLE cost_sums (
    owner   INTEGER NOT NULL,
    payment INTEGER NOT NULL,
    bills   INTEGER NOT NULL,
    hold    BLOB    NOT NULL,
    stream  BLOB    NOT NULL,
    credit  BLOB    NOT NULL,
    PRIMARY KEY (owner, payment)
) STRICT, WITHOUT ROWID;

-- Triggers of programs.
CREATE TABLE subscriptions (
    message INTEGER PRIMARY KEY,
    time    INTEGER NOT NULL,
    value   TEXT    NOT NULL
) STRICT;

CREATE TABLE confirmations (
    message INTEGER NOT NULL,
    tx_hash TEXT    NOT NULL,
    chain   INTEGER NOT NULL,
    height  INTEGER NOT NULL,
    time    INTEGER NOT NULL,
    PRIMARY KEY (message, tx_hash)
) STRICT, WITHOUT ROWID;
