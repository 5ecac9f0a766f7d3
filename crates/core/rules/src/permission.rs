//! Delegation: who may act for whom (docs/protocol/state.md, "Permission").

use serde_json::{Value, value::RawValue};

use alephd_message::MessageType;

use crate::Subject;

/// One entry of the `authorizations` list of a `security` aggregate. An empty filter allows all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Authorization {
    /// The address that may act. Compared without regard to case.
    pub address: String,
    /// Chain code, or none for any.
    pub chain: Option<String>,
    /// Channels, exact.
    pub channels: Vec<String>,
    /// Message types, exact.
    pub types: Vec<String>,
    /// Types of a POST, exact.
    pub post_types: Vec<String>,
    /// Keys of an AGGREGATE, exact.
    pub aggregate_keys: Vec<String>,
}

/// The delegations of one owner at one position.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Authorizations(Vec<Authorization>);

impl Authorizations {
    /// Reads the value of the `authorizations` field. Whatever is not an entry grants nothing:
    /// a malformed list must not lock an owner out, nor let anybody in.
    pub fn parse(value: &RawValue) -> Self {
        let entries: Vec<Value> = serde_json::from_str(value.get()).unwrap_or_default();
        Self(entries.iter().filter_map(Authorization::parse).collect())
    }

    /// Whether `sender` may do with `subject` what its owner may do.
    pub fn allow(&self, sender: &str, subject: &Subject) -> bool {
        self.0.iter().any(|entry| entry.grants(sender, subject))
    }
}

impl Authorization {
    fn parse(entry: &Value) -> Option<Self> {
        let entry = entry.as_object()?;
        let list = |key: &str| match entry.get(key) {
            None | Some(Value::Null) => Some(Vec::new()),
            // A member that is no string can match nothing; it still makes the filter non-empty.
            Some(Value::Array(members)) => Some(
                members
                    .iter()
                    .map(|member| member.as_str().unwrap_or("\0").to_owned())
                    .collect(),
            ),
            Some(_) => None,
        };
        let chain = match entry.get("chain") {
            None | Some(Value::Null) => None,
            Some(Value::String(chain)) if chain.is_empty() => None,
            Some(Value::String(chain)) => Some(chain.clone()),
            Some(_) => return None,
        };
        Some(Self {
            address: entry.get("address")?.as_str()?.to_owned(),
            chain,
            channels: list("channels")?,
            types: list("types")?,
            post_types: list("post_types")?,
            aggregate_keys: list("aggregate_keys")?,
        })
    }

    fn grants(&self, sender: &str, subject: &Subject) -> bool {
        let within = |filter: &[String], value: Option<&str>| {
            filter.is_empty() || value.is_some_and(|value| filter.iter().any(|allowed| allowed == value))
        };
        let label = subject.label.as_deref();
        self.address.to_lowercase() == sender.to_lowercase()
            && self
                .chain
                .as_deref()
                .is_none_or(|chain| chain == subject.chain.as_str())
            && within(&self.channels, subject.channel.as_deref())
            && within(&self.types, Some(subject.message_type.as_str()))
            && (subject.message_type != MessageType::Post || within(&self.post_types, label))
            && (subject.message_type != MessageType::Aggregate || within(&self.aggregate_keys, label))
    }
}

#[cfg(test)]
mod tests {
    use alephd_message::{Chain, ItemHash, Micros};

    use super::*;
    use crate::Position;

    fn subject(message_type: MessageType, label: &str) -> Subject {
        let hash = ItemHash::Sha256([7; 32]);
        Subject {
            hash: hash.clone(),
            message_type,
            chain: Chain::Eth,
            sender: "0xB".into(),
            owner: "0xA".into(),
            channel: Some("TEST".into()),
            label: Some(label.into()),
            reference: None,
            position: Position::provisional(Micros(0), hash),
        }
    }

    fn allowed(list: &str, subject: &Subject) -> bool {
        let value = RawValue::from_string(list.to_owned()).expect("test input is JSON");
        Authorizations::parse(&value).allow(&subject.sender, subject)
    }

    #[test]
    fn an_entry_without_filters_allows_everything_to_its_address_only() {
        let post = subject(MessageType::Post, "blog");
        assert!(allowed(r#"[{"address":"0xb"}]"#, &post));
        assert!(!allowed(r#"[{"address":"0xc"}]"#, &post));
        assert!(!allowed("[]", &post));
    }

    #[test]
    fn every_filter_must_match() {
        let post = subject(MessageType::Post, "blog");
        for (filter, expected) in [
            (r#""chain":"ETH""#, true),
            (r#""chain":"SOL""#, false),
            (r#""channels":["TEST"]"#, true),
            (r#""channels":["OTHER"]"#, false),
            (r#""types":["POST"]"#, true),
            (r#""types":["STORE"]"#, false),
            (r#""post_types":["blog"]"#, true),
            (r#""post_types":["Blog"]"#, false),
            (r#""aggregate_keys":["k"]"#, true),
            (r#""channels":null,"types":[]"#, true),
            (r#""unknown":[1]"#, true),
        ] {
            let list = format!(r#"[{{"address":"0xB",{filter}}}]"#);
            assert_eq!(allowed(&list, &post), expected, "{filter}");
        }
        let aggregate = subject(MessageType::Aggregate, "k");
        assert!(allowed(
            r#"[{"address":"0xB","aggregate_keys":["k"],"post_types":["x"]}]"#,
            &aggregate
        ));
        assert!(!allowed(
            r#"[{"address":"0xB","aggregate_keys":["q"]}]"#,
            &aggregate
        ));
    }

    #[test]
    fn malformed_entries_grant_nothing_and_do_not_hide_the_others() {
        let post = subject(MessageType::Post, "blog");
        assert!(!allowed(r#"{"address":"0xB"}"#, &post));
        assert!(!allowed(r#"[{"address":"0xB","types":"POST"}]"#, &post));
        assert!(!allowed(r#"[{"address":"0xB","types":[1]}]"#, &post));
        assert!(allowed(r#"[7,null,{"address":null},{"address":"0xB"}]"#, &post));
    }
}
