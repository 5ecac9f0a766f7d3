//! Which form of the content is wanted: the parameter `format`, and the header `Accept`.

use axum::http::{HeaderMap, header};

/// A form that must be asked for. Without one, files are sent as they are and directories as pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Raw,
    Car,
    Tar,
    Json,
    DagJson,
    Cbor,
    DagCbor,
    IpnsRecord,
}

impl Format {
    const ALL: [Self; 8] = [
        Self::Raw,
        Self::Car,
        Self::Tar,
        Self::Json,
        Self::DagJson,
        Self::Cbor,
        Self::DagCbor,
        Self::IpnsRecord,
    ];

    /// As the parameter names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Car => "car",
            Self::Tar => "tar",
            Self::Json => "json",
            Self::DagJson => "dag-json",
            Self::Cbor => "cbor",
            Self::DagCbor => "dag-cbor",
            Self::IpnsRecord => "ipns-record",
        }
    }

    /// As the header names it, and as answers do.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Raw => "application/vnd.ipld.raw",
            Self::Car => "application/vnd.ipld.car",
            Self::Tar => "application/x-tar",
            Self::Json => "application/json",
            Self::DagJson => "application/vnd.ipld.dag-json",
            Self::Cbor => "application/cbor",
            Self::DagCbor => "application/vnd.ipld.dag-cbor",
            Self::IpnsRecord => "application/vnd.ipfs.ipns-record",
        }
    }

    /// The format of a parameter.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    fn of_media_type(text: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|format| format.media_type().eq_ignore_ascii_case(text))
    }
}

/// One of the forms that a client takes, with the parameters it has in the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) format: Format,
    parameters: Vec<(String, String)>,
    /// In thousandths.
    weight: u16,
}

impl Wish {
    /// The value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        parameters
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let format = Format::of_media_type(parts.next()?)?;
        let (mut parameters, mut weight) = (Vec::new(), 1000);
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let key = key.trim().to_ascii_lowercase();
            let value = value.trim().trim_matches('"');
            if key == "q" {
                // A weight that is none counts as the highest, as if it was not there.
                let number = value.parse::<f32>().ok().filter(|number| number.is_finite());
                weight = number.map_or(1000, |number| (number.clamp(0.0, 1.0) * 1000.0) as u16);
            } else {
                parameters.push((key, value.to_owned()));
            }
        }
        Some(Self {
            format,
            parameters,
            weight,
        })
    }
}

/// The known forms that a client takes, the dearest first. Other types are left out: they are
/// served without being asked for.
pub(super) fn wishes(headers: &HeaderMap) -> Vec<Wish> {
    let values = headers.get_all(header::ACCEPT).iter();
    let mut wishes: Vec<_> = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(Wish::read)
        .filter(|wish| wish.weight > 0)
        .collect();
    wishes.sort_by_key(|wish| std::cmp::Reverse(wish.weight));
    wishes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(accept: &'static str) -> Vec<Format> {
        let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().expect("a value"))]);
        wishes(&headers).into_iter().map(|wish| wish.format).collect()
    }

    #[test]
    fn by_weight_and_place() {
        assert_eq!(of("text/html, */*;q=0.8"), []);
        assert_eq!(of("foo, application/vnd.ipld.dag-json,bar"), [Format::DagJson]);
        assert_eq!(
            of("application/vnd.ipld.raw;q=0.5, Application/vnd.ipld.CAR; q=0.7, application/x-tar;q=0"),
            [Format::Car, Format::Raw]
        );
        assert_eq!(
            of("application/vnd.ipld.raw;q=NaN, application/vnd.ipld.car"),
            [Format::Raw, Format::Car]
        );
    }

    #[test]
    fn parameters() {
        let text = "application/vnd.ipld.car; version=1; Order=\"dfs\" ;dups=y;q=0.3";
        let wish = Wish::read(text).expect("known");
        assert_eq!(wish.parameter("version"), Some("1"));
        assert_eq!(wish.parameter("order"), Some("dfs"));
        assert_eq!(wish.parameter("dups"), Some("y"));
        assert_eq!((wish.parameter("q"), wish.weight), (None, 300));
    }
}
