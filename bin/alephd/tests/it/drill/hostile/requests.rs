//! Requests of clients that mean harm, and the answers that they deserve.

/// A request and the answer to it.
pub(super) struct Attack {
    pub(super) name: &'static str,
    pub(super) request: Vec<u8>,
    pub(super) expected: Expected,
}

/// How a node answers.
#[derive(Clone, Copy)]
pub(super) enum Expected {
    /// With exactly this status.
    Status(u16),
    /// With a status from 400 to 499.
    Refused,
    /// The same, or not at all: the client closes its half of the connection after the request, so
    /// that there may be nobody left to answer to.
    RefusedOrClosed,
}

/// Levels of nesting: far beyond any stack, well below the limits of size.
const DEEP: usize = 100_000;

const MESSAGES: &str = "/api/v0/messages";
const ADD_FILE: &str = "/api/v0/storage/add_file";
const ADD_JSON: &str = "/api/v0/storage/add_json";
const PUBSUB: &str = "/api/v0/p2p/pubsub/pub";
const PRICE: &str = "/api/v0/price/estimate";

/// All of them. `good` is the wire text of a message that is valid.
pub(super) fn all(good: &str) -> Vec<Attack> {
    let mut attacks = oversized();
    attacks.extend(nested(good));
    attacks.extend(truncated());
    attacks.extend(wrong(good));
    attacks.extend(no_http());
    attacks
}

fn attack(name: &'static str, expected: Expected, request: impl Into<Vec<u8>>) -> Attack {
    Attack {
        name,
        request: request.into(),
        expected,
    }
}

fn post(path: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut request = head(path, body.len());
    request.extend_from_slice(body);
    request
}

fn head(path: &str, length: usize) -> Vec<u8> {
    format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n")
        .into_bytes()
}

/// A body in one chunk that never says that it ends.
fn chunk(path: &str, length: usize) -> Vec<u8> {
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n");
    let mut request = head.into_bytes();
    request.resize(request.len() + length, b' ');
    request
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").into_bytes()
}

fn oversized() -> Vec<Attack> {
    use Expected::{Refused, Status};
    const MIB: usize = 1 << 20;
    let header = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(MIB));
    let headers = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "x: a\r\n".repeat(2_000));
    vec![
        attack("an announced body of 2 MiB", Status(413), head(MESSAGES, 2 * MIB)),
        attack(
            "a body of 2 MiB",
            Status(413),
            post(MESSAGES, vec![b' '; 2 * MIB]),
        ),
        attack("a chunk of 2 MiB", Status(413), chunk(MESSAGES, 2 * MIB)),
        attack(
            "an announced file of a terabyte",
            Status(413),
            head(ADD_FILE, 1 << 40),
        ),
        attack(
            "announced JSON of a terabyte",
            Status(413),
            head(ADD_JSON, 1 << 40),
        ),
        attack("a header of 1 MiB", Refused, header),
        attack("2,000 headers", Refused, headers),
        attack(
            "a path of 100 KiB",
            Refused,
            get(&format!("/{}", "a".repeat(100 << 10))),
        ),
        attack(
            "an endless list of hashes",
            Refused,
            get(&format!("/api/v0/messages.json?hashes={}", "a,".repeat(50_000))),
        ),
        attack(
            "a negative length",
            Refused,
            "POST /api/v0/messages HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        ),
    ]
}

fn nested(good: &str) -> Vec<Attack> {
    use Expected::{Refused, Status};
    let arrays = "[".repeat(DEEP);
    let closed = format!("{arrays}{}", "]".repeat(DEEP));
    let objects = format!("{}1{}", "{\"a\":".repeat(DEEP), "}".repeat(DEEP));
    let escaped = format!("{{\\\"address\\\":\\\"x\\\",\\\"time\\\":1,\\\"content\\\":{closed}}}");
    let message = format!(
        "{{\"sync\":true,\"message\":{{\"item_type\":\"inline\",\"type\":\"POST\",\"item_content\":\"{escaped}\"}}}}"
    );
    let extra = good.replacen('{', &format!("{{\"extra\":{closed},"), 1);
    vec![
        attack("100,000 open arrays", Status(422), post(MESSAGES, &arrays)),
        attack("100,000 arrays", Status(422), post(MESSAGES, &closed)),
        attack("100,000 objects", Status(422), post(MESSAGES, &objects)),
        attack(
            "100,000 arrays in a content",
            Status(422),
            post(MESSAGES, message),
        ),
        attack(
            "100,000 arrays beside a message",
            // What nobody knows is skipped, without a stack that could overflow.
            Status(200),
            post(MESSAGES, format!("{{\"sync\":true,\"message\":{extra}}}")),
        ),
        attack(
            "100,000 objects as sync",
            Status(422),
            post(MESSAGES, format!("{{\"message\":{good},\"sync\":{objects}}}")),
        ),
        attack(
            "100,000 arrays as a file of JSON",
            Status(422),
            post(ADD_JSON, &closed),
        ),
        attack(
            "100,000 objects as a file of JSON",
            Status(422),
            post(ADD_JSON, &objects),
        ),
        attack(
            "100,000 arrays as a topic",
            Status(422),
            post(PUBSUB, format!("{{\"topic\":{closed}}}")),
        ),
        attack("100,000 arrays to price", Refused, post(PRICE, &closed)),
    ]
}

fn truncated() -> Vec<Attack> {
    use Expected::RefusedOrClosed;
    let cut = |path: &str, body: &str| [head(path, 1_000), body.into()].concat();
    let form = "POST /api/v0/storage/add_file HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; \
                boundary=b\r\ncontent-length: 1000\r\n\r\n--b\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\nab";
    vec![
        attack(
            "a truncated message",
            RefusedOrClosed,
            cut(MESSAGES, "{\"message\":"),
        ),
        attack("a truncated file", RefusedOrClosed, cut(ADD_FILE, "abc")),
        attack("truncated JSON", RefusedOrClosed, cut(ADD_JSON, "{\"a\":")),
        attack("a truncated form", RefusedOrClosed, form),
        attack("a truncated chunk", RefusedOrClosed, {
            let mut request = chunk(MESSAGES, 100);
            request.truncate(request.len() - 50);
            request
        }),
        attack("a truncated head", RefusedOrClosed, "GET /api/v0/ver"),
        attack("nothing", RefusedOrClosed, ""),
    ]
}

fn wrong(good: &str) -> Vec<Attack> {
    use Expected::{Refused, Status};
    let message = |text: &str| post(MESSAGES, format!("{{\"sync\":true,\"message\":{text}}}"));
    let mut attacks = Vec::new();
    for (name, body) in [
        ("no JSON", "hello"),
        ("nothing as JSON", ""),
        ("a number", "1"),
        ("a list", "[]"),
        ("no message", "{}"),
        ("a message of the wrong type", "{\"message\":1,\"sync\":true}"),
        ("a message that is a list", "{\"message\":[],\"sync\":true}"),
        ("a message without fields", "{\"message\":{},\"sync\":true}"),
        ("sync of the wrong type", "{\"message\":{},\"sync\":{}}"),
        ("two documents", "{}{}"),
    ] {
        attacks.push(attack(name, Status(422), post(MESSAGES, body)));
    }
    for (name, from, to) in [
        ("a time that is an object", "\"time\":", "\"time\":{},\"was\":"),
        ("a time beyond all years", "\"time\":", "\"time\":1e308,\"was\":"),
        (
            "a sender that is a number",
            "\"sender\":",
            "\"sender\":1,\"was\":",
        ),
        (
            "a signature that is a list",
            "\"signature\":",
            "\"signature\":[],\"was\":",
        ),
        (
            "a chain that nobody knows",
            "\"chain\":",
            "\"chain\":\"XXX\",\"was\":",
        ),
        (
            "a hash that is none",
            "\"item_hash\":",
            "\"item_hash\":\"../../etc\",\"was\":",
        ),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{name}");
        attacks.push(attack(name, Status(422), message(&text)));
    }
    let invalid = |path| post(path, b"{\"message\":{\"sender\":\"\xff\xfe\xc0\x80\"}}");
    attacks.extend([
        attack("a message that is not UTF-8", Status(422), invalid(MESSAGES)),
        attack("JSON that is not UTF-8", Status(422), invalid(ADD_JSON)),
        attack("a call that is not UTF-8", Refused, invalid(PUBSUB)),
        attack(
            "a query that is not UTF-8",
            Refused,
            get("/api/v0/messages.json?page=%ff%fe"),
        ),
        attack(
            "a path that is not UTF-8",
            Refused,
            get("/api/v0/messages/%ff%fe"),
        ),
        attack(
            "a page that is no number",
            Status(422),
            get("/api/v0/messages.json?page=x"),
        ),
        attack(
            "a page of negative size",
            Status(422),
            get("/api/v0/messages.json?pagination=-1"),
        ),
        attack(
            "a way out of the folder",
            Refused,
            get("/api/v0/storage/raw/..%2f..%2falephd.sqlite"),
        ),
        attack(
            "a method that nobody has",
            Refused,
            "BREW /api/v0/messages HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        ),
    ]);
    attacks
}

fn no_http() -> Vec<Attack> {
    use Expected::{Refused, RefusedOrClosed};
    vec![
        attack("words", Refused, "what is this\r\n\r\n"),
        attack("binary", RefusedOrClosed, vec![0, 255, 1, 254, 13, 10, 13, 10]),
        attack(
            "TLS",
            RefusedOrClosed,
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        ),
        attack("HTTP/2", RefusedOrClosed, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        attack(
            "a length and chunks",
            RefusedOrClosed,
            "POST /api/v0/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        attack(
            "a chunk of no size",
            RefusedOrClosed,
            "POST /api/v0/messages HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        ),
    ]
}
