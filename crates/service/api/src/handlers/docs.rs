//! The description of the API: an OpenAPI document, and a page that shows it.
//!
//! The document has exactly the routes of the table. Their parameters come from the declarations
//! that also parse them; what a route is for stands in [`operations`]. A test fails when a route
//! has no entry there.

mod operations;
mod page;

use std::sync::OnceLock;

use axum::{
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, PathItem, PathsBuilder, Required,
    ResponseBuilder,
    path::{HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
    request_body::RequestBodyBuilder,
    schema::Type,
};

use crate::{Api, ApiError, Routes, body};
use operations::Entry;

const JSON: &str = "application/json";

/// Adds the routes of this family.
pub(super) fn routes(routes: Routes<Api>) -> Routes<Api> {
    routes.get("/api/docs", html).get("/api/docs/swagger.json", json)
}

/// Both forms, made at the first request: they never change while the program runs.
struct Rendered {
    json: String,
    html: String,
}

fn rendered() -> Result<&'static Rendered, ApiError> {
    static RENDERED: OnceLock<Rendered> = OnceLock::new();
    if let Some(rendered) = RENDERED.get() {
        return Ok(rendered);
    }
    let document = serde_json::to_value(document(&super::table())).map_err(ApiError::internal)?;
    let rendered = Rendered {
        json: document.to_string(),
        html: page::render(&document),
    };
    Ok(RENDERED.get_or_init(|| rendered))
}

async fn json() -> Result<Response, ApiError> {
    Ok(body::json(StatusCode::OK, rendered()?.json.clone()))
}

async fn html() -> Result<Response, ApiError> {
    const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
    // The page needs nothing but itself.
    const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
    let headers = [
        (header::CONTENT_TYPE, HTML),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    Ok((headers, rendered()?.html.as_str()).into_response())
}

/// Describes the routes of a table.
fn document(table: &Routes<Api>) -> OpenApi {
    let mut paths = PathsBuilder::new();
    for (path, methods) in table.table() {
        let entry = operations::find(path);
        let shown = entry.and_then(|entry| entry.shown).unwrap_or(path);
        for method in methods {
            let Some(kind) = kind_of(method) else { continue };
            let operation = operation(shown, kind == HttpMethod::Head, entry);
            paths = paths.path(shown, PathItem::new(kind, operation));
        }
    }
    let info = InfoBuilder::new()
        .title("Aleph core node")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(operations::ABOUT))
        .build();
    OpenApiBuilder::new().info(info).paths(paths).build()
}

fn kind_of(method: &Method) -> Option<HttpMethod> {
    match *method {
        Method::GET => Some(HttpMethod::Get),
        Method::HEAD => Some(HttpMethod::Head),
        Method::POST => Some(HttpMethod::Post),
        _ => None,
    }
}

fn operation(path: &str, headers_only: bool, entry: Option<&Entry>) -> OperationBuilder {
    let mut operation = OperationBuilder::new().parameters(Some(path_parameters(path)));
    let Some(entry) = entry else {
        return operation.response("200", ResponseBuilder::new().description("Success."));
    };
    operation = operation
        .tag(entry.tag)
        .summary(Some(entry.summary))
        .parameters(Some(entry.parameters()));
    if let Some((content_type, text)) = entry.body {
        let content = ContentBuilder::new().build();
        let request = RequestBodyBuilder::new()
            .description(Some(text))
            .required(Some(Required::True))
            .content(content_type, content)
            .build();
        operation = operation.request_body(Some(request));
    }
    let mut success = ResponseBuilder::new().description(entry.answer);
    if !headers_only {
        success = success.content(entry.content_type, ContentBuilder::new().build());
    }
    operation = operation.response("200", success);
    for (status, text) in entry.failures {
        operation = operation.response(*status, ResponseBuilder::new().description(*text));
    }
    operation
}

/// The parts of a path that vary.
fn path_parameters(path: &str) -> Vec<Parameter> {
    let names = path
        .split('{')
        .skip(1)
        .filter_map(|part| Some(part.split_once('}')?.0));
    let parameters = names.map(|name| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(operations::path_part(name))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .build()
    });
    parameters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described() {
        let table = crate::handlers::table();
        let document = serde_json::to_value(document(&table)).expect("serialisable");
        let (mut count, paths) = (0, &document["paths"]);
        for (path, methods) in table.table() {
            let entry = operations::find(path);
            assert!(entry.is_some(), "{path} has no entry in docs/operations.rs");
            let shown = entry.and_then(|entry| entry.shown).unwrap_or(path);
            for method in methods {
                let operation = &paths[shown][method.as_str().to_lowercase()];
                assert!(operation["summary"].is_string(), "{method} {shown}");
                count += 1;
            }
        }
        assert!(count > 40, "{count} operations");
    }

    #[test]
    fn parameters_are_those_that_are_parsed() {
        let document = serde_json::to_value(document(&crate::handlers::table())).expect("serialisable");
        let operation = &document["paths"]["/api/v0/aggregates/{address}.json"]["get"];
        let names: Vec<_> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|parameter| (parameter["name"].as_str(), parameter["in"].as_str()))
            .collect();
        let query = |name| (Some(name), Some("query"));
        let expected = [
            (Some("address"), Some("path")),
            query("keys"),
            query("limit"),
            query("with_info"),
            query("value_only"),
        ];
        assert_eq!(names, expected);
    }
}
