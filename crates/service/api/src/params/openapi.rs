//! The declared parameters as an OpenAPI document lists them.
//!
//! The query structs hold what a request means, not how it is spelled, so a derive on them would
//! describe the wrong thing. The [`Field`] tables are turned into parameters instead.

use serde_json::{Value, json};
use utoipa::{
    IntoParams,
    openapi::{
        Deprecated, ObjectBuilder, Required,
        path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle},
        schema::{ArrayBuilder, Schema, Type},
    },
};

use super::{
    AddressStatsQuery, AddressStatsV0Query, AggregateQuery, AggregatesQuery, AuthorizationsQuery,
    BalanceQuery, BalancesQuery, CostsQuery, CreditBalancesQuery, CreditHistoryFilters, CreditHistoryQuery,
    Field, FilesQuery, HashesQuery, Kind, MessagesQuery, NodeMetricsQuery, PostsQuery, PriceQuery,
    ProgramsQuery, WsQuery,
};

/// Describes one declared parameter.
fn parameter(field: &Field) -> Parameter {
    let text = match field.other {
        Some(other) => format!("{} Also accepted as `{other}`.", field.text),
        None => field.text.to_owned(),
    };
    let mut builder = ParameterBuilder::new()
        .name(field.name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(text))
        .schema(Some(schema(field.kind)));
    if field.deprecated {
        builder = builder.deprecated(Some(Deprecated::True));
    }
    match field.kind {
        Kind::List | Kind::Hashes | Kind::Choices { .. } => {
            builder = builder.style(Some(ParameterStyle::Form)).explode(Some(false));
        }
        Kind::Repeated => builder = builder.style(Some(ParameterStyle::Form)).explode(Some(true)),
        _ => {}
    }
    builder.build()
}

fn schema(kind: Kind) -> Schema {
    let object = |of: Type| ObjectBuilder::new().schema_type(of);
    let names = |names: fn() -> Vec<&'static str>| object(Type::String).enum_values(Some(names()));
    let array = |items: ObjectBuilder| Schema::Array(ArrayBuilder::new().items(items).build());
    let number = |value: i64| value as f64;
    Schema::Object(match kind {
        Kind::Int { default, min, max } => object(Type::Integer)
            .default(default.map(Value::from))
            .minimum((min > i64::MIN).then(|| number(min)))
            .maximum(max.map(number))
            .build(),
        Kind::IntBelow { default, min, end } => object(Type::Integer)
            .default(Some(json!(default)))
            .minimum(Some(number(min)))
            .exclusive_maximum(Some(number(end)))
            .build(),
        Kind::Date => object(Type::Number)
            .default(Some(json!(0)))
            .minimum(Some(0.0))
            .build(),
        Kind::Instant => object(Type::Number).build(),
        Kind::Bool { default } => object(Type::Boolean).default(default.map(Value::from)).build(),
        Kind::Text { max } => object(Type::String).max_length(max).build(),
        Kind::Choice { names: list, default } => names(list).default(default.map(Value::from)).build(),
        Kind::Order { default } => object(Type::Integer)
            .enum_values(Some([1, -1]))
            .default(Some(json!(default)))
            .build(),
        Kind::List | Kind::Hashes | Kind::Repeated => return array(object(Type::String)),
        Kind::Choices { names: list } => return array(names(list)),
    })
}

macro_rules! into_params {
    ($($query:ty),* $(,)?) => {
        $(impl IntoParams for $query {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                Self::FIELDS.iter().map(|field| parameter(field)).collect()
            }
        })*
    };
}

into_params!(
    AddressStatsQuery,
    AddressStatsV0Query,
    AggregateQuery,
    AggregatesQuery,
    AuthorizationsQuery,
    BalanceQuery,
    BalancesQuery,
    CostsQuery,
    CreditBalancesQuery,
    CreditHistoryFilters,
    CreditHistoryQuery,
    FilesQuery,
    HashesQuery,
    MessagesQuery,
    NodeMetricsQuery,
    PostsQuery,
    PriceQuery,
    ProgramsQuery,
    WsQuery,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_the_message_list() {
        let list = serde_json::to_value(MessagesQuery::into_params(|| None)).expect("serialisable");
        let find = |name: &str| {
            let found = list
                .as_array()
                .and_then(|list| list.iter().find(|entry| entry["name"] == name));
            found.cloned().unwrap_or_default()
        };
        assert_eq!(
            find("pagination")["schema"],
            json!({"type": "integer", "default": 20, "minimum": 0})
        );
        assert_eq!(find("sortOrder")["schema"]["enum"], json!([1, -1]));
        assert_eq!(find("msgTypes")["explode"], json!(false));
        assert_eq!(find("msgTypes")["schema"]["items"]["enum"][5], json!("V-PROGRAM"));
        assert_eq!(find("msgType")["deprecated"], json!(true));
        assert!(
            find("startDate")["description"]
                .as_str()
                .is_some_and(|text| text.contains("`start_date`"))
        );
        assert_eq!(find("history"), Value::Null);
    }
}
