//! Every parameter, spelling and bound; the requests of real clients; arbitrary strings.

use alephd_message::{Chain, ItemHash, MessageType, Micros, PaymentType};
use alephd_rules::MessageStatus;
use proptest::prelude::*;

use super::*;
use crate::cursor::{Cursor as _, TimeCursor};

const HASH: &str = "1eb440938336b13e7e4ad3f9ebea6de8dbf7fcbdba4c8861ea0a4f70e19e777d";

fn hash() -> ItemHash {
    ItemHash::parse_strict(HASH).expect("strict")
}

fn page<C>(page: u64, per_page: u64) -> Paging<C> {
    Paging::Page { page, per_page }
}

fn start<C>(per_page: u64) -> Paging<C> {
    Paging::Cursor {
        after: None,
        per_page,
    }
}

fn seconds(seconds: i64) -> Option<Micros> {
    Some(Micros(seconds * 1_000_000))
}

/// The parser of a family and its declared parameters.
type Family = (
    &'static str,
    &'static [&'static Field],
    fn(&str) -> Result<(), ParamErrors>,
);

fn families() -> Vec<Family> {
    macro_rules! family {
        ($name:ident) => {
            (
                stringify!($name),
                $name::FIELDS,
                (|query| $name::parse(query).map(drop)) as fn(&str) -> _,
            )
        };
    }
    vec![
        family!(AddressStatsQuery),
        family!(AddressStatsV0Query),
        family!(AggregateQuery),
        family!(AggregatesQuery),
        family!(BalanceQuery),
        family!(BalancesQuery),
        family!(CostsQuery),
        family!(CreditBalancesQuery),
        family!(CreditHistoryFilters),
        family!(CreditHistoryQuery),
        family!(FilesQuery),
        family!(HashesQuery),
        family!(MessagesQuery),
        family!(NodeMetricsQuery),
        family!(PostsQuery),
        family!(PriceQuery),
        family!(ProgramsQuery),
        family!(WsQuery),
        ("granted", AuthorizationsQuery::FIELDS, |query| {
            AuthorizationsQuery::parse(query, Side::Granted).map(drop)
        }),
        ("received", AuthorizationsQuery::FIELDS, |query| {
            AuthorizationsQuery::parse(query, Side::Received).map(drop)
        }),
    ]
}

fn issues(error: ParamErrors) -> Vec<ParamIssue> {
    match error {
        ParamErrors::Invalid { issues, .. } => issues,
        other => panic!("{other}"),
    }
}

fn refused<T: std::fmt::Debug>(result: Result<T, ParamErrors>) -> Vec<(&'static str, String)> {
    let place = |issue: ParamIssue| {
        let parts = issue.location.iter().map(|part| match part {
            Location::Key(key) => key.clone(),
            Location::Index(index) => index.to_string(),
        });
        (issue.kind, parts.collect::<Vec<_>>().join("."))
    };
    issues(result.expect_err("refused"))
        .into_iter()
        .map(place)
        .collect()
}

/// A value that the kind refuses, and the name of the rule.
fn bad_value(kind: Kind) -> Option<(String, &'static str)> {
    let value = |value: &str, rule| Some((value.to_owned(), rule));
    match kind {
        Kind::Int { .. } | Kind::IntBelow { .. } => value("x", "int_parsing"),
        Kind::Date | Kind::Instant => value("yes", "float_parsing"),
        Kind::Bool { .. } => value("maybe", "bool_parsing"),
        Kind::Choice { .. } | Kind::Choices { .. } | Kind::Order { .. } => value("x", "enum"),
        Kind::Hashes => value("x", "value_error"),
        Kind::Text { max: Some(max) } => Some(("é".repeat(max + 1), "string_too_long")),
        Kind::Text { max: None } | Kind::List | Kind::Repeated => None,
    }
}

#[test]
fn every_declared_spelling_is_read_and_reported_as_written() {
    for (family, fields, parse) in families() {
        for field in fields {
            let Some((value, rule)) = bad_value(field.kind) else {
                continue;
            };
            if family == "PriceQuery" {
                continue; // its only parameter refuses nothing
            }
            for name in [Some(field.name), field.other].into_iter().flatten() {
                let result = parse(&format!("{name}={value}"));
                let found = refused(result);
                let (kind, place) = &found[0];
                let is_epoch = family.starts_with("CreditHistory") && rule == "float_parsing";
                assert_eq!(
                    *kind,
                    if is_epoch { "value_error" } else { rule },
                    "{family} {name}"
                );
                assert_eq!(place.split('.').next(), Some(name), "{family}");
            }
        }
    }
}

#[test]
fn every_bound_holds() {
    for (family, fields, parse) in families() {
        for field in fields {
            let (min, beyond, rule) = match field.kind {
                Kind::Int { min, max, .. } => (min, max.map(|max| max + 1), "less_than_equal"),
                Kind::IntBelow { min, end, .. } => (min, Some(end), "less_than"),
                _ => continue,
            };
            // A cost of components needs an address beside it.
            let query = |value: i64| format!("{}={value}&address=a", field.name);
            assert_eq!(parse(&query(min.max(-5))), Ok(()), "{family} {}", field.name);
            if min > i64::MIN {
                let found = refused(parse(&query(min - 1)));
                assert_eq!(found, [("greater_than_equal", field.name.to_owned())], "{family}");
            }
            if let Some(beyond) = beyond {
                assert_eq!(parse(&query(beyond - 1)), Ok(()), "{family} {}", field.name);
                assert_eq!(
                    refused(parse(&query(beyond))),
                    [(rule, field.name.to_owned())],
                    "{family}"
                );
            }
        }
    }
}

#[test]
fn second_spellings_exist_only_where_clients_use_them() {
    let both = |fields: &[&Field]| {
        let camel = fields
            .iter()
            .filter(|field| field.name.contains(char::is_uppercase));
        camel
            .map(|field| field.other.is_some())
            .collect::<std::collections::HashSet<_>>()
    };
    for fields in [
        MessagesQuery::FIELDS,
        WsQuery::FIELDS,
        HashesQuery::FIELDS,
        PostsQuery::FIELDS,
        CreditHistoryQuery::FIELDS,
        AuthorizationsQuery::FIELDS,
    ] {
        assert_eq!(both(fields), [true].into());
    }
    for fields in [AggregatesQuery::FIELDS, AddressStatsQuery::FIELDS] {
        assert_eq!(both(fields), [false].into());
    }
    // A spelling that is not known is an unknown parameter.
    assert_eq!(
        AggregatesQuery::parse("sort_by=nope").map(|query| query.sort_by),
        Ok(AggregateSort::LastModified)
    );
}

#[test]
fn issues_in_the_shape_that_clients_parse() {
    let text = |query: &str| MessagesQuery::parse(query).expect_err(query).to_json();
    for (query, body) in [
        (
            "page=0",
            r#"[{"type":"greater_than_equal","loc":["page"],"msg":"Input should be greater than or equal to 1","input":"0","ctx":{"ge":1},"url":"https://errors.pydantic.dev/2.13/v/greater_than_equal"}]"#,
        ),
        (
            "startDate=-1&endDate=yes",
            r#"[{"type":"greater_than_equal","loc":["startDate"],"msg":"Input should be greater than or equal to 0","input":"-1","ctx":{"ge":0.0},"url":"https://errors.pydantic.dev/2.13/v/greater_than_equal"},{"type":"float_parsing","loc":["endDate"],"msg":"Input should be a valid number, unable to parse string as a number","input":"yes","url":"https://errors.pydantic.dev/2.13/v/float_parsing"}]"#,
        ),
        (
            "sort_order=2&sortBy=x",
            r#"[{"type":"enum","loc":["sortBy"],"msg":"Input should be 'time' or 'tx-time'","input":"x","ctx":{"expected":"'time' or 'tx-time'"},"url":"https://errors.pydantic.dev/2.13/v/enum"},{"type":"enum","loc":["sort_order"],"msg":"Input should be 1 or -1","input":"2","ctx":{"expected":"1 or -1"},"url":"https://errors.pydantic.dev/2.13/v/enum"}]"#,
        ),
        (
            "msgTypes=POST,X,",
            r#"[{"type":"enum","loc":["msgTypes",1],"msg":"Input should be 'POST', 'AGGREGATE', 'STORE', 'PROGRAM', 'INSTANCE', 'V-PROGRAM' or 'FORGET'","input":"X","ctx":{"expected":"'POST', 'AGGREGATE', 'STORE', 'PROGRAM', 'INSTANCE', 'V-PROGRAM' or 'FORGET'"},"url":"https://errors.pydantic.dev/2.13/v/enum"},{"type":"enum","loc":["msgTypes",2],"msg":"Input should be 'POST', 'AGGREGATE', 'STORE', 'PROGRAM', 'INSTANCE', 'V-PROGRAM' or 'FORGET'","input":"","ctx":{"expected":"'POST', 'AGGREGATE', 'STORE', 'PROGRAM', 'INSTANCE', 'V-PROGRAM' or 'FORGET'"},"url":"https://errors.pydantic.dev/2.13/v/enum"}]"#,
        ),
        (
            "hashes=x",
            r#"[{"type":"value_error","loc":["hashes",0],"msg":"Value error, Could not determine hash type: 'x'","input":"x","ctx":{"error":"Could not determine hash type: 'x'"},"url":"https://errors.pydantic.dev/2.13/v/value_error"}]"#,
        ),
        (
            "excludeContent=x",
            r#"[{"type":"bool_parsing","loc":["excludeContent"],"msg":"Input should be a valid boolean, unable to interpret input","input":"x","url":"https://errors.pydantic.dev/2.13/v/bool_parsing"}]"#,
        ),
        (
            "startDate=9&endDate=8&endDate=7",
            r#"[{"type":"value_error","loc":[],"msg":"Value error, end date cannot be lower than start date.","input":{"endDate":"8","startDate":"9"},"ctx":{"error":"end date cannot be lower than start date."},"url":"https://errors.pydantic.dev/2.13/v/value_error"}]"#,
        ),
    ] {
        assert_eq!(text(query), body, "{query}");
    }
    let history = WsQuery::parse("history=200").expect_err("too many").to_json();
    assert!(
        history.contains(r#""msg":"Input should be less than 200","input":"200","ctx":{"lt":200}"#),
        "{history}"
    );
}

#[test]
fn messages_without_parameters() {
    let query = MessagesQuery::parse("").expect("valid");
    assert_eq!(query.filters, MessageFilters::default());
    assert_eq!(
        query.filters.statuses,
        [MessageStatus::Processed, MessageStatus::Removing]
    );
    assert_eq!(query.listing, Listing::Live);
    assert_eq!(query.paging, page(1, 20));
    assert_eq!(query.ordered_by(), SortBy::Time);
    assert_eq!(WsQuery::parse("").map(|query| query.history), Ok(10));
}

#[test]
fn messages_as_real_clients_ask_for_them() {
    let filters = |query: &str| MessagesQuery::parse(query).expect(query);
    assert_eq!(filters("page=1&pagination=200").paging, page(1, 200));

    let query = filters(
        "msgTypes=POST,STORE&message_statuses=processed&addresses=0xA,0xb&startDate=1700000000.0&sortBy=time&sortOrder=-1&page=1&pagination=200",
    );
    let expected = MessageFilters {
        types: Some(vec![MessageType::Post, MessageType::Store]),
        statuses: vec![MessageStatus::Processed],
        senders: vec!["0xA".into(), "0xb".into()],
        dates: Span {
            start: seconds(1_700_000_000),
            end: None,
        },
        ..MessageFilters::default()
    };
    assert_eq!(query.filters, expected);

    let query = filters("addresses=0xA&cursor=&pagination=200");
    assert_eq!(
        (query.paging, query.filters.senders),
        (start(200), vec!["0xA".to_owned()])
    );

    let query = filters(&format!("msgType=STORE&sort_order=-1&refs={HASH}&owners=0xA"));
    assert_eq!(query.filters.types, Some(vec![MessageType::Store]));
    assert_eq!(query.filters.refs, [HASH]);
    assert_eq!(query.filters.owners, ["0xA"]);

    assert_eq!(filters(&format!("hashes={HASH}")).filters.hashes, [hash()]);
    // Stray parameters, a repeated one, an encoded comma, a plus that is a space.
    let query = filters(&format!("hashes[]={HASH}&find&channels=a+b%2Cc&channels=d"));
    assert_eq!(query.filters.channels, ["a b", "c"]);
    assert_eq!(query.filters.hashes, []);

    let ws = WsQuery::parse("msgTypes=POST&addresses=0xA").expect("valid");
    assert_eq!((ws.history, ws.filters.senders), (10, vec!["0xA".to_owned()]));
    let ws = WsQuery::parse("startDate=1700000000").expect("valid");
    assert_eq!(ws.filters.dates.start, seconds(1_700_000_000));
    assert_eq!(
        WsQuery::parse("addresses=0xA&history=5").map(|query| query.history),
        Ok(5)
    );
    assert_eq!(WsQuery::parse("history=0").map(|query| query.history), Ok(0));
}

#[test]
fn every_filter_of_messages() {
    let query = format!(
        "sortBy=tx-time&sortOrder=1&msgStatuses=rejected,removing&contentHashes={HASH}&contentKeys=security,{HASH}\
         &contentTypes=t&chains=ETH,SOL&tags=x,y&paymentTypes=hold,credit&endDate=2&startBlock=3&endBlock=4&contentFormat=headers&excludeContent=1"
    );
    let camel = MessagesQuery::parse(&query).expect("valid");
    let expected = MessageFilters {
        sort_by: SortBy::TxTime,
        sort_order: SortOrder::Ascending,
        statuses: vec![MessageStatus::Rejected, MessageStatus::Removing],
        content_hashes: vec![hash()],
        content_keys: vec!["security".into(), HASH.into()],
        content_types: vec!["t".into()],
        chains: vec![Chain::Eth, Chain::Sol],
        tags: vec!["x".into(), "y".into()],
        payment_types: vec![PaymentType::Hold, PaymentType::Credit],
        dates: Span {
            start: None,
            end: seconds(2),
        },
        blocks: Span {
            start: Some(3),
            end: Some(4),
        },
        content: ContentFormat::Headers,
        ..MessageFilters::default()
    };
    assert_eq!(camel.filters, expected);
    let snake = query
        .replace("sortBy", "sort_by")
        .replace("sortOrder", "sort_order")
        .replace("msgStatuses", "message_statuses")
        .replace("content", "content_")
        .replace("content_Hashes", "content_hashes")
        .replace("content_Keys", "content_keys")
        .replace("content_Types", "content_types")
        .replace("content_Format", "content_format")
        .replace("paymentTypes", "payment_types")
        .replace("endDate", "end_date")
        .replace("startBlock", "start_block")
        .replace("endBlock", "end_block")
        .replace("excludeContent", "exclude_content");
    assert_eq!(MessagesQuery::parse(&snake), Ok(camel));
}

#[test]
fn rules_between_the_parameters_of_messages() {
    let types = |query: &str| MessagesQuery::parse(query).expect(query).filters.types;
    assert_eq!(types("msgType=POST&msgTypes=STORE"), Some(vec![]));
    assert_eq!(
        types("msgType=POST&msgTypes=STORE,POST"),
        Some(vec![MessageType::Post])
    );
    assert_eq!(types("msgTypes=V-PROGRAM"), Some(vec![MessageType::VProgram]));

    let content = |query: &str| MessagesQuery::parse(query).expect(query).filters.content;
    assert_eq!(content("excludeContent=yes"), ContentFormat::None);
    assert_eq!(
        content("excludeContent=yes&contentFormat=full"),
        ContentFormat::Full
    );

    // The documented spelling wins, even over a bad value of the other.
    let order = MessagesQuery::parse("sort_order=7&sortOrder=1")
        .expect("valid")
        .filters
        .sort_order;
    assert_eq!(order, SortOrder::Ascending);

    let order = |query: &str| MessagesQuery::parse(query).expect(query).ordered_by();
    assert_eq!(order("startBlock=5"), SortBy::TxTime);
    assert_eq!(order("startBlock=0&endBlock=0"), SortBy::Time);
    assert_eq!(order("startBlock=5&cursor="), SortBy::Time);

    for query in [
        "startDate=2&endDate=1",
        "startBlock=2&endBlock=1",
        "sortBy=tx-time&cursor=",
    ] {
        assert_eq!(
            refused(MessagesQuery::parse(query)),
            [("value_error", String::new())],
            "{query}"
        );
    }
    assert!(MessagesQuery::parse("startDate=2&endDate=0").is_ok());
    assert!(WsQuery::parse("startDate=2&endDate=1").is_err());
    assert!(HashesQuery::parse("startDate=2&endDate=1").is_err());
    assert!(PostsQuery::parse("startDate=2&endDate=1").is_err());
    assert!(PostsQuery::parse("start_date=2&end_date=1").is_err());
}

#[test]
fn instants_beyond_the_calendar_are_clamped() {
    let start = |text: &str| {
        MessagesQuery::parse(&format!("startDate={text}"))
            .expect(text)
            .filters
            .dates
            .start
    };
    assert_eq!(start("inf"), Some(Micros(253_402_300_799_999_999)));
    assert_eq!(start("1e300"), start("inf"));
    assert_eq!(start("0"), None);
    assert_eq!(start("1700000000.1234567"), Some(Micros(1_700_000_000_123_457)));
    let early = NodeMetricsQuery::parse("start_date=-1e300")
        .expect("valid")
        .dates
        .start;
    assert_eq!(early, Some(Micros(-62_135_596_800_000_000)));
}

#[test]
fn statuses_with_tables_of_their_own() {
    let bad = |query: &str| match MessagesQuery::parse(query) {
        Err(ParamErrors::BadRequest(text)) => text,
        other => panic!("{query}: {other:?}"),
    };
    let listing = |query: &str| MessagesQuery::parse(query).expect(query).listing;
    assert_eq!(listing("msgStatuses=forgotten"), Listing::Forgotten);
    assert_eq!(
        listing(
            "message_statuses=removed&addresses=a&owners=b&chains=ETH&channels=c&paymentTypes=hold&startDate=1&page=2"
        ),
        Listing::Removed
    );
    assert_eq!(listing("msgStatuses=pending,rejected"), Listing::Live);
    for query in ["msgStatuses=forgotten,removed", "msgStatuses=processed,forgotten"] {
        assert_eq!(
            bad(query),
            "msgStatuses=forgotten/removed cannot be combined with other statuses"
        );
    }
    assert_eq!(
        bad("msgStatuses=forgotten&cursor=some-cursor"),
        "Cursor pagination is not supported for forgotten message queries"
    );
    assert_eq!(
        bad("msgStatuses=removed&tags=x&refs=x"),
        "Filters not supported for removed message queries: refs, tags"
    );
    let all = format!(
        "msgStatuses=forgotten&endBlock=2&startBlock=1&contentKeys=k&contentHashes={HASH}&contentTypes=t"
    );
    assert_eq!(
        bad(&all),
        "Filters not supported for forgotten message queries: contentTypes, contentHashes, contentKeys, startBlock, endBlock"
    );
}

#[test]
fn pages_and_cursors() {
    let text = |query: &str| match MessagesQuery::parse(query) {
        Err(ParamErrors::Unprocessable(text)) => text,
        other => panic!("{query}: {other:?}"),
    };
    assert_eq!(
        text("pagination=0&cursor="),
        "pagination=0 is not allowed with cursor-based pagination"
    );
    for bad in ["bad", "not-a-valid-cursor!!!"] {
        assert!(
            text(&format!("cursor={bad}")).starts_with("Invalid cursor"),
            "{bad}"
        );
        for (family, fields, parse) in families() {
            if fields.iter().any(|field| field.name == "cursor") {
                let result = parse(&format!("cursor={bad}&pagination=10"));
                assert!(matches!(result, Err(ParamErrors::Unprocessable(_))), "{family}");
            }
        }
    }
    let paging = |query: &str| MessagesQuery::parse(query).expect(query).paging;
    assert_eq!(paging("cursor&pagination=500&page=3"), start(CURSOR_PAGE_LIMIT));
    let place = TimeCursor {
        time: Micros(1_700_000_000_250_000),
        hash: hash(),
    };
    let query = format!("cursor={}&pagination=7", place.encode());
    assert_eq!(
        paging(&query),
        Paging::Cursor {
            after: Some(place),
            per_page: 7
        }
    );

    let all: Paging<TimeCursor> = paging("pagination=0&page=3");
    assert_eq!((all.limit(), all.offset(), all.per_page()), (None, 0, 0));
    assert_eq!(paging("pagination=10&page=3").offset(), 20);
    let huge = paging("pagination=99999999999999999999&page=99999999999999999999");
    assert_eq!(huge.offset(), i64::MAX.unsigned_abs());
}

#[test]
fn page_numbers_in_paths() {
    assert_eq!(path_page("7"), Ok(7));
    for bad in ["x", "", "1.0", "1e3"] {
        assert_eq!(
            path_page(bad),
            Err(ParamErrors::BadRequest(format!(
                "Invalid page value in path: {bad}"
            )))
        );
    }
    for low in ["0", "-1"] {
        let text = "Page number must be greater than 1.".to_owned();
        assert_eq!(path_page(low), Err(ParamErrors::Unprocessable(text)));
    }
    let at = MessagesQuery::parse_at("page=3&pagination=5", Some("4")).map(|query| query.paging);
    assert_eq!(at, Ok(page(4, 5)));
    assert_eq!(
        PostsQuery::parse_at("", Some("2")).map(|query| query.paging),
        Ok(page(2, 20))
    );
    assert_eq!(refused(MessagesQuery::parse_at("page=0", Some("4"))).len(), 1);
}

#[test]
fn hashes_and_posts() {
    let query = HashesQuery::parse("status=processed&pagination=5&hash_only=no&sort_order=1").expect("valid");
    let expected = HashesQuery {
        status: Some(MessageStatus::Processed),
        dates: Span::default(),
        sort_order: SortOrder::Ascending,
        hash_only: false,
        page: 1,
        per_page: 5,
    };
    assert_eq!(query, expected);
    assert_eq!(HashesQuery::parse("").map(|query| query.hash_only), Ok(true));

    let query = PostsQuery::parse("types=corechan-operation&addresses=0xA").expect("valid");
    assert_eq!(
        (query.types, query.owners),
        (vec!["corechan-operation".to_owned()], vec!["0xA".to_owned()])
    );
    let query = PostsQuery::parse("post_types=&tags=a,,b&refs=r&pagination=1&page=2").expect("valid");
    assert_eq!(query.types, [""]);
    assert_eq!(query.tags, ["a", "", "b"]);
    assert_eq!(query.paging, page(2, 1));
    assert_eq!(
        refused(PostsQuery::parse("hashes=")),
        [("value_error", "hashes.0".to_owned())]
    );
    assert_eq!(refused(PostsQuery::parse("sortBy=tx-time&cursor=")).len(), 1);
}

#[test]
fn aggregates_and_authorizations() {
    let query = AggregateQuery::parse("keys=corechannel&limit=50").expect("valid");
    assert_eq!(
        query,
        AggregateQuery {
            keys: vec!["corechannel".into()],
            ..AggregateQuery::default()
        }
    );
    let query = AggregateQuery::parse("keys=domains,websites&with_info=true&value_only=1").expect("valid");
    assert_eq!(query.keys, ["domains", "websites"]);
    assert!(query.with_info && query.value_only);
    let error = AggregateQuery::parse("limit=x").expect_err("no number");
    assert!(matches!(error, ParamErrors::Invalid { form: Form::Json, .. }));

    let query =
        AggregatesQuery::parse("addresses=0xA&sortBy=creation_time&sortOrder=1&cursor=&pagination=300");
    let query = query.expect("valid");
    assert_eq!(
        (query.owners, query.sort_by),
        (vec!["0xA".to_owned()], AggregateSort::CreationTime)
    );
    assert_eq!(query.paging, start(200));
    assert!(matches!(
        AggregatesQuery::parse("pagination=-1"),
        Err(ParamErrors::Invalid { form: Form::Json, .. })
    ));

    let query = AuthorizationsQuery::parse("pagination=200", Side::Received).expect("valid");
    assert_eq!((query.page, query.per_page, query.other), (1, 200, None));
    let text = "postTypes=a&aggregate_keys=k&chains=ETH&types=POST&channels=c&grantee=x&granter=y";
    let query = AuthorizationsQuery::parse(text, Side::Granted).expect("valid");
    assert_eq!(query.other.as_deref(), Some("x"));
    assert_eq!(
        (query.post_types, query.aggregate_keys),
        (vec!["a".to_owned()], vec!["k".to_owned()])
    );
    let query = AuthorizationsQuery::parse("grantee=x&granter=", Side::Received).expect("valid");
    assert_eq!(query.other, None);
}

#[test]
fn addresses() {
    let query = AddressStatsV0Query::parse("addresses[]=a&addresses%5B%5D=b").expect("valid");
    assert_eq!(query.addresses, ["a", "b"]);
    let query =
        AddressStatsQuery::parse("addressContains=AbC&sortBy=post&sortOrder=1&pagination=0").expect("valid");
    assert_eq!(query.address_contains.as_deref(), Some("AbC"));
    assert_eq!(
        (query.sort_by, query.sort_order),
        (StatsSort::Post, SortOrder::Ascending)
    );
    assert_eq!(query.paging, page(1, 0));

    let query = BalanceQuery::parse("chain=SOL&include_credit_details=t").expect("valid");
    assert_eq!(
        query,
        BalanceQuery {
            chain: Some(Chain::Sol),
            include_credit_details: true
        }
    );
    assert_eq!(
        refused(BalanceQuery::parse("chain=NOPE")),
        [("enum", "chain".to_owned())]
    );

    let query = BalancesQuery::parse("chains=ETH,AVAX&min_balance=5").expect("valid");
    assert_eq!(
        (query.chains, query.min_balance),
        (vec![Chain::Eth, Chain::Avax], Some(5))
    );
    assert_eq!(query.paging, page(1, 100));
    assert_eq!(
        refused(BalancesQuery::parse("chains=")),
        [("enum", "chains.0".to_owned())]
    );
    assert_eq!(
        CreditBalancesQuery::parse("").map(|query| query.min_balance),
        Ok(None)
    );

    let query = FilesQuery::parse("pagination=100&page=1&sort_order=-1&file_hash=x").expect("valid");
    assert_eq!(query.paging, page(1, 100));
    assert_eq!(query.file_hash.as_deref(), Some("x"));
    assert_eq!(
        FilesQuery::parse("cursor=&pagination=1").map(|query| query.paging),
        Ok(start(1))
    );
    // Only one spelling here.
    assert_eq!(
        FilesQuery::parse("sortOrder=1").map(|query| query.sort_order),
        Ok(SortOrder::Descending)
    );
}

#[test]
fn credits() {
    let text = "page=1&startDate=1700000000&direction=outgoing&resourceTypes=INSTANCE,PROGRAM&pagination=20";
    let query = CreditHistoryQuery::parse(text).expect("valid");
    assert_eq!(
        query.filters.dates,
        Span {
            start: seconds(1_700_000_000),
            end: None
        }
    );
    assert_eq!(query.filters.direction, Some(CreditFlow::Outgoing));
    assert_eq!(
        query.filters.resource_types,
        [MessageType::Instance, MessageType::Program]
    );
    assert_eq!(query.paging, page(1, 20));
    assert_eq!(
        CreditHistoryQuery::parse("").map(|query| query.paging),
        Ok(page(1, 0))
    );

    let query = CreditHistoryFilters::parse("startDate=0&has_expiration=no&exclude_payment_method=a,b");
    let query = query.expect("valid");
    assert_eq!(query.dates.start, seconds(0));
    assert_eq!(query.has_expiration, Some(false));
    assert_eq!(query.exclude_payment_methods, ["a", "b"]);

    let message = |query: &str| {
        issues(CreditHistoryQuery::parse(query).expect_err(query))[0]
            .text
            .clone()
    };
    assert_eq!(
        message("startDate=-1"),
        "Value error, timestamp must not be negative"
    );
    assert_eq!(
        message("start_date=abc"),
        "Value error, could not convert string to float: 'abc'"
    );
    assert_eq!(message("endDate=inf"), "Value error, invalid Unix timestamp: inf");
    assert_eq!(
        message("startDate=2&endDate=1"),
        "Value error, end date cannot be lower than start date."
    );

    // A size is required in cursor mode, and a cursor belongs to its order.
    assert!(matches!(
        CreditHistoryQuery::parse("cursor="),
        Err(ParamErrors::Unprocessable(_))
    ));
    let cursor = crate::cursor::CreditCursor {
        sort_by: CreditSort::Amount,
        sort_order: Some(SortOrder::Descending),
        value: crate::cursor::SortValue::Int(-5),
        credit_ref: "ref".into(),
        credit_index: 0,
    };
    let query = format!("pagination=5&cursor={}", cursor.encode());
    assert!(CreditHistoryQuery::parse(&format!("{query}&sort_by=amount")).is_ok());
    for other in ["", "&sort_by=amount&sort_order=1", "&sort_by=origin"] {
        let result = CreditHistoryQuery::parse(&format!("{query}{other}"));
        assert!(matches!(result, Err(ParamErrors::Unprocessable(_))), "{other}");
    }
}

#[test]
fn prices_metrics_and_programs() {
    assert_eq!(
        PriceQuery::parse("include_size=true"),
        Ok(PriceQuery { include_size: true })
    );
    assert_eq!(
        PriceQuery::parse("include_size=1"),
        Ok(PriceQuery { include_size: false })
    );
    let query = CostsQuery::parse("").expect("valid");
    assert_eq!(
        (query.payment_type, query.detail),
        (PaymentType::Credit, CostDetail::Summary)
    );
    assert_eq!((query.page, query.per_page), (1, 100));
    assert!(matches!(
        CostsQuery::parse("include_details=2"),
        Err(ParamErrors::Unprocessable(_))
    ));
    let query = CostsQuery::parse("include_details=2&item_hash=x&payment_type=hold").expect("valid");
    assert_eq!(
        (query.payment_type, query.detail),
        (PaymentType::Hold, CostDetail::Components)
    );

    let now = Micros(1_700_000_000_000_000);
    let days = |days: i64| days * 86_400_000_000;
    let query = NodeMetricsQuery::parse("sort=desc").expect("valid");
    assert_eq!(query.sort_order, SortOrder::Descending);
    assert_eq!(query.period(now), (Micros(now.0 - days(14)), now));
    let query = NodeMetricsQuery::parse("end_date=1600000000&sort=1").expect("valid");
    let end = Micros(1_600_000_000_000_000);
    assert_eq!(query.period(now), (Micros(end.0 - days(14)), end));
    assert_eq!(
        NodeMetricsQuery::parse("").map(|query| query.sort_order),
        Ok(SortOrder::Ascending)
    );
    assert_eq!(
        refused(NodeMetricsQuery::parse("sort=up")),
        [("enum", "sort".to_owned())]
    );

    assert_eq!(
        ProgramsQuery::parse("sort_order=1").map(|query| query.sort_order),
        Ok(SortOrder::Ascending)
    );
    let error = ProgramsQuery::parse("x=1").expect_err("unknown");
    assert!(matches!(
        &error,
        ParamErrors::Invalid {
            form: Form::Quoted,
            ..
        }
    ));
    assert_eq!(
        error.to_json(),
        r#"[{"type":"extra_forbidden","loc":["x"],"msg":"Extra inputs are not permitted","input":"1","url":"https://errors.pydantic.dev/2.13/v/extra_forbidden"}]"#
    );
}

/// Query strings of known names with arbitrary values.
fn any_query() -> impl Strategy<Value = String> {
    let mut names: Vec<&'static str> = families()
        .iter()
        .flat_map(|(_, fields, _)| fields.iter().flat_map(|field| [Some(field.name), field.other]))
        .flatten()
        .collect();
    names.sort_unstable();
    names.dedup();
    let value = prop_oneof![
        any::<String>(),
        any::<f64>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        "[0-9_+. -]{0,8}",
        "[A-Za-z0-9_=-]{0,80}",
        Just("forgotten".to_owned()),
        Just(HASH.to_owned()),
    ];
    prop::collection::vec((prop::sample::select(names), value), 0..8).prop_map(|pairs| {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
    })
}

proptest! {
    #[test]
    fn arbitrary_strings_never_panic(query in any::<String>()) {
        for (_, _, parse) in families() {
            let _ = parse(&query);
        }
    }

    #[test]
    fn arbitrary_values_never_panic_and_errors_are_json(query in any_query()) {
        for (_, _, parse) in families() {
            if let Err(error) = parse(&query) {
                let json: Result<serde_json::Value, _> = serde_json::from_str(&error.to_json());
                prop_assert!(json.is_ok_and(|json| json.is_array()));
            }
        }
    }

    #[test]
    fn offsets_fit_the_database(number in 1_u64.., per_page in any::<u64>()) {
        let paging: Paging<TimeCursor> = Paging::Page { page: number, per_page };
        prop_assert!(i64::try_from(paging.offset()).is_ok());
    }
}
