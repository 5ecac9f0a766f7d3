//! The OpenAPI document as a page, made on the server: it works without scripts and without any
//! other host.

use std::collections::BTreeMap;

use serde_json::Value;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}\
code,summary{font-family:ui-monospace,monospace}summary{cursor:pointer;padding:.3rem 0}\
b{display:inline-block;min-width:3.5rem}table{border-collapse:collapse;width:100%;margin:.5rem 0}\
td,th{border-bottom:1px solid #8884;padding:.25rem .5rem;text-align:left;vertical-align:top}\
details{border-bottom:1px solid #8884}details>div{padding:0 1rem 1rem}\
@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}a{color:#8bf}}";

/// Renders a document.
pub(super) fn render(document: &Value) -> String {
    let mut out = String::with_capacity(64 * 1024);
    let title = escape(text(&document["info"]["title"]));
    out += "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">";
    out += "<meta name=\"viewport\" content=\"width=device-width\">";
    out += &format!("<title>{title} API</title><style>{STYLE}</style></head><body>");
    out += &format!(
        "<h1>{title} API</h1><p>Version {}. ",
        escape(text(&document["info"]["version"]))
    );
    out += "<a href=\"/api/docs/swagger.json\">OpenAPI document</a></p>";
    for paragraph in text(&document["info"]["description"]).split("\n\n") {
        out += &format!("<p>{}</p>", prose(paragraph));
    }
    for (tag, operations) in by_tag(document) {
        out += &format!("<h2>{}</h2>", escape(tag));
        for (path, method, operation) in operations {
            write_operation(&mut out, path, method, operation);
        }
    }
    out += "</body></html>";
    out
}

type Operation<'a> = (&'a str, &'a str, &'a Value);

fn by_tag(document: &Value) -> BTreeMap<&str, Vec<Operation<'_>>> {
    let mut tags: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            tags.entry(text(&operation["tags"][0])).or_default().push((
                path.as_str(),
                method.as_str(),
                operation,
            ));
        }
    }
    tags
}

fn write_operation(out: &mut String, path: &str, method: &str, operation: &Value) {
    let (path, method) = (escape(path), method.to_uppercase());
    *out += &format!("<details><summary><b>{method}</b> {path}</summary><div>");
    *out += &format!("<p>{}</p>", prose(text(&operation["summary"])));
    if let Some(body) = operation["requestBody"].as_object() {
        *out += &format!("<p>Body: {}</p>", prose(text(&body["description"])));
    }
    if let Some(parameters) = operation["parameters"].as_array().filter(|list| !list.is_empty()) {
        *out += "<table><tr><th>Parameter</th><th>Type</th><th>Meaning</th></tr>";
        for parameter in parameters {
            write_parameter(out, parameter);
        }
        *out += "</table>";
    }
    *out += "<table><tr><th>Status</th><th>Answer</th></tr>";
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let description = prose(text(&response["description"]));
        *out += &format!("<tr><td>{}</td><td>{description}</td></tr>", escape(status));
    }
    *out += "</table></div></details>";
}

fn write_parameter(out: &mut String, parameter: &Value) {
    let schema = &parameter["schema"];
    let mut kind = text(&schema["type"]).to_owned();
    let names = schema["enum"].as_array().or(schema["items"]["enum"].as_array());
    if let Some(names) = names {
        let names = names.iter().map(|name| match name {
            Value::String(name) => name.clone(),
            other => other.to_string(),
        });
        kind = format!("{kind}: {}", names.collect::<Vec<_>>().join(", "));
    }
    if !schema["default"].is_null() {
        kind += &format!(", default {}", schema["default"]);
    }
    let mut meaning = prose(text(&parameter["description"]));
    if parameter["deprecated"] == true {
        meaning += " Deprecated.";
    }
    let name = escape(text(&parameter["name"]));
    *out += &format!(
        "<tr><td><code>{name}</code></td><td>{}</td><td>{meaning}</td></tr>",
        escape(&kind)
    );
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Text with code between backquotes.
fn prose(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(index, part)| match index % 2 {
        0 => escape(part),
        _ => format!("<code>{}</code>", escape(part)),
    });
    parts.collect()
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_cannot_become_markup() {
        let document = json!({
            "info": {"title": "<b>", "version": "1", "description": "a `x<y` b"},
            "paths": {"/p\"": {"get": {"tags": ["<t>"], "summary": "1 < 2",
                "parameters": [{"name": "<n>", "schema": {"type": "array", "items": {"enum": ["<e>", 1]}}}],
                "responses": {"200": {"description": "&"}}}}}
        });
        let page = render(&document);
        for shown in [
            "&lt;b&gt;",
            "<code>x&lt;y</code>",
            "/p&quot;",
            "1 &lt; 2",
            "array: &lt;e&gt;, 1",
            "&amp;",
        ] {
            assert!(page.contains(shown), "{shown} in {page}");
        }
        assert!(!page.contains("<script") && !page.contains("<n>") && !page.contains("<t>"));
    }
}
