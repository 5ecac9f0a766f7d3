//! The table of routes over real requests: methods, web pages, failures.

use alephd_api::{
    ApiError, Routes, body,
    params::{AggregatesQuery, MessagesQuery, ProgramsQuery},
};
use axum::{
    body::Body,
    extract::{RawQuery, Request},
    http::{HeaderMap, Method, Response, StatusCode},
    response::IntoResponse as _,
};
use tower::ServiceExt as _;

const PAGE: &str = "https://page.example";

async fn hello() -> Response<Body> {
    body::json(StatusCode::OK, r#"{"a":1}"#.to_owned())
}

async fn broken() -> Result<(), ApiError> {
    Err(ApiError::internal("the password is hunter2"))
}

async fn panicking() {
    panic!("the password is hunter2");
}

async fn refusing() -> ApiError {
    ApiError::reason(
        StatusCode::UNPROCESSABLE_ENTITY,
        "Root CID does not match (A != B)",
    )
}

async fn messages(RawQuery(query): RawQuery) -> Result<(), ApiError> {
    MessagesQuery::parse(&query.unwrap_or_default())?;
    Ok(())
}

async fn aggregates(RawQuery(query): RawQuery) -> Result<(), ApiError> {
    AggregatesQuery::parse(&query.unwrap_or_default())?;
    Ok(())
}

async fn programs(RawQuery(query): RawQuery) -> Result<(), ApiError> {
    ProgramsQuery::parse(&query.unwrap_or_default())?;
    Ok(())
}

async fn upload(headers: HeaderMap, body: Body) -> Result<String, ApiError> {
    Ok(body::read(&headers, body, 10).await?.len().to_string())
}

fn routes() -> Routes {
    Routes::new()
        .get("/hello", hello)
        .post("/hello", upload)
        .get("/broken", broken)
        .get("/panicking", panicking)
        .get("/refusing", refusing)
        .get("/messages", messages)
        .get("/aggregates", aggregates)
        .get("/programs", programs)
        .get("/raw/{hash}", hello)
        .head("/raw/{hash}", || async { ([("content-length", "19")], ()) })
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

async fn send(method: &str, uri: &str, headers: &[(&str, &str)], content: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(content.to_owned())).expect("request");
    let response = routes().into_router().oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 20).await.expect("body");
    let body = String::from_utf8(bytes.to_vec()).expect("text");
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body,
    }
}

async fn get(uri: &str) -> Answer {
    send("GET", uri, &[], "").await
}

#[tokio::test]
async fn pages_of_any_origin_may_read_answers() {
    for (method, uri, status, exposed) in [
        ("GET", "/hello", 200, "Content-Length,Date"),
        ("HEAD", "/hello", 200, "Content-Length,Date"),
        ("GET", "/refusing", 422, "Content-Length,Date"),
        ("GET", "/broken", 500, "Connection,Content-Length,Date"),
        ("GET", "/panicking", 500, "Connection,Content-Length,Date"),
    ] {
        let answer = send(method, uri, &[("origin", PAGE)], "").await;
        assert_eq!(answer.status, status, "{uri}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE), "{uri}");
        assert_eq!(
            answer.header("access-control-expose-headers"),
            Some(exposed),
            "{uri}"
        );
        assert_eq!(answer.header("access-control-allow-credentials"), None);
        let plain = send(method, uri, &[], "").await;
        assert_eq!(plain.header("access-control-allow-origin"), None, "{uri}");
        assert_eq!(plain.header("access-control-expose-headers"), None, "{uri}");
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_closed_to_pages() {
    let answer = send("GET", "/nope", &[("origin", PAGE)], "").await;
    assert_eq!((answer.status, answer.body.as_str()), (404, "404: Not Found"));
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let preflight = [("origin", PAGE), ("access-control-request-method", "GET")];
    assert_eq!(send("OPTIONS", "/nope", &preflight, "").await.status, 404);

    let answer = send("DELETE", "/hello", &[("origin", PAGE)], "").await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (405, "405: Method Not Allowed")
    );
    assert_eq!(answer.header("allow"), Some("GET,HEAD,OPTIONS,POST"));
    assert_eq!(answer.header("access-control-allow-origin"), None);
    assert_eq!(
        send("PUT", "/broken", &[], "").await.header("allow"),
        Some("GET,HEAD,OPTIONS")
    );
}

#[tokio::test]
async fn preflights() {
    let ask = async |method: &str, headers: &str| {
        let given = [
            ("origin", PAGE),
            ("access-control-request-method", method),
            ("access-control-request-headers", headers),
        ];
        send("OPTIONS", "/hello", &given, "").await
    };
    let answer = ask("POST", "content-type, X-foo,").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
    assert_eq!(answer.header("access-control-allow-methods"), Some("POST"));
    assert_eq!(
        answer.header("access-control-allow-headers"),
        Some("CONTENT-TYPE,X-FOO")
    );
    assert_eq!(answer.header("access-control-max-age"), None);
    for method in ["GET", "HEAD", "OPTIONS", "get"] {
        let answer = ask(method, "").await;
        assert_eq!(answer.status, 200, "{method}");
        assert_eq!(answer.header("access-control-allow-methods"), Some(method));
        assert_eq!(answer.header("access-control-allow-headers"), None);
    }
    let answer = ask("DELETE", "").await;
    assert_eq!(answer.status, 403);
    assert_eq!(
        answer.body,
        format!("CORS preflight request failed: request method 'DELETE' is not allowed for '{PAGE}' origin")
    );
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let answer = send("OPTIONS", "/hello", &[("origin", PAGE)], "").await;
    assert_eq!(answer.status, 403);
    assert_eq!(
        answer.body,
        "CORS preflight request failed: 'Access-Control-Request-Method' header is not specified"
    );
    let answer = send("OPTIONS", "/hello", &[], "").await;
    assert_eq!(
        answer.body,
        "CORS preflight request failed: origin header is not specified in the request"
    );
}

#[tokio::test]
async fn shapes_of_errors() {
    let text = Some("text/plain; charset=utf-8");
    let json = Some("application/json; charset=utf-8");

    let answer = get("/refusing").await;
    assert_eq!(answer.body, "422: Root CID does not match (A != B)");
    assert_eq!(answer.header("content-type"), text);

    for uri in ["/broken", "/panicking"] {
        let answer = get(uri).await;
        assert_eq!(answer.status, 500);
        assert_eq!(
            answer.body,
            "500 Internal Server Error\n\nServer got itself in trouble"
        );
        assert_eq!(answer.header("connection"), Some("close"));
        assert_eq!(answer.header("content-type"), text);
    }

    let answer = get("/messages?page=0").await;
    assert_eq!((answer.status, answer.header("content-type")), (422, text));
    assert!(
        answer
            .body
            .starts_with(r#"[{"type":"greater_than_equal","loc":["page"]"#),
        "{}",
        answer.body
    );
    let answer = get("/messages?cursor=bad").await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (422, "Invalid cursor: not a cursor")
    );
    let answer = get("/messages?msgStatuses=forgotten&refs=x").await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.body,
        "Filters not supported for forgotten message queries: refs"
    );

    let answer = get("/aggregates?pagination=-1").await;
    assert_eq!((answer.status, answer.header("content-type")), (422, json));
    let answer = get("/programs?x=%C3%A9").await;
    assert_eq!((answer.status, answer.header("content-type")), (400, json));
    assert!(
        answer
            .body
            .starts_with(r#""[{\"type\":\"extra_forbidden\",\"loc\":[\"x\"]"#),
        "{}",
        answer.body
    );
    assert!(answer.body.is_ascii());
}

#[test]
fn the_reason_stands_in_the_status_line_when_it_can() {
    let phrase = |reason: &'static str| {
        let response = ApiError::reason(StatusCode::FORBIDDEN, reason).into_response();
        let phrase = response.extensions().get::<hyper::ext::ReasonPhrase>();
        phrase.map(|phrase| String::from_utf8_lossy(phrase.as_bytes()).into_owned())
    };
    assert_eq!(
        phrase("IPFS is disabled on this node").as_deref(),
        Some("IPFS is disabled on this node")
    );
    assert_eq!(phrase("two\r\nlines"), None);
}

#[tokio::test]
async fn bodies_stop_at_their_limit() {
    assert_eq!(send("POST", "/hello", &[], "0123456789").await.body, "10");
    for headers in [&[][..], &[("content-length", "11")]] {
        let answer = send("POST", "/hello", headers, "0123456789x").await;
        assert_eq!(answer.status, 413);
        assert_eq!(answer.body, "Maximum request body size 10 exceeded.");
    }
}

#[tokio::test]
async fn a_handler_of_its_own_for_head() {
    let answer = send("HEAD", "/raw/x", &[], "").await;
    assert_eq!(
        (
            answer.status,
            answer.header("content-length"),
            answer.body.as_str()
        ),
        (200, Some("19"), "")
    );
    assert_eq!(get("/raw/x").await.body, r#"{"a":1}"#);
    assert_eq!(
        get("/raw/x").await.header("content-type"),
        Some("application/json; charset=utf-8")
    );
}

#[test]
fn the_table_lists_every_route() {
    let routes = routes();
    let table: Vec<_> = routes.table().collect();
    assert_eq!(table[0], ("/hello", &[Method::GET, Method::POST][..]));
    assert_eq!(table.len(), 8);
}
