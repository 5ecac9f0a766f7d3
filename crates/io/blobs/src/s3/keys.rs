//! The keys of a bucket: from a file, else from the environment.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use crate::Error;

/// More than any file of keys has.
const FILE_LIMIT: u64 = 64 * 1024;

const ID: &str = "aws_access_key_id";
const SECRET: &str = "aws_secret_access_key";
const TOKEN: &str = "aws_session_token";

/// Cannot be printed, so that it is not.
pub(super) struct Keys {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) token: Option<String>,
}

/// Finds the keys. A file that is named and has none is an error: other keys would be a surprise.
pub(super) fn find(file: Option<&Path>, environment: impl Fn(&str) -> Option<String>) -> Result<Keys, Error> {
    let (source, text) = match file {
        Some(path) => {
            let text = read(path).map_err(|error| {
                Error::Config(format!("cannot read key file {}: {error}", path.display()))
            })?;
            (format!("key file {}", path.display()), Some(text))
        }
        None => ("environment".to_owned(), None),
    };
    let lookup = |name: &str| match &text {
        Some(text) => setting(text, name),
        None => environment(&name.to_uppercase()),
    };
    let given = |name: &str| lookup(name).filter(|value| !value.is_empty());
    let needed = |name: &str| given(name).ok_or_else(|| Error::Config(format!("no {name} in the {source}")));
    Ok(Keys {
        id: needed(ID)?,
        secret: needed(SECRET)?,
        token: given(TOKEN),
    })
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(FILE_LIMIT).read_to_string(&mut text)?;
    Ok(text)
}

/// The value of `name = value` in the section `[default]` or before any section.
fn setting(text: &str, name: &str) -> Option<String> {
    let mut ours = true;
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            ours = section.trim_end_matches(']').trim() == "default";
        } else if let Some((key, value)) = line.split_once('=')
            && ours
            && key.trim() == name
        {
            return Some(value.trim().to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: fn(&str) -> Option<String> = |_| None;

    fn parts(keys: Result<Keys, Error>) -> Result<(String, String, Option<String>), String> {
        keys.map(|keys| (keys.id, keys.secret, keys.token))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn file_before_environment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let text = "# ours\n[other]\naws_access_key_id = no\n[default]\naws_access_key_id = id\n\
                    aws_secret_access_key=se=cret\n";
        std::fs::write(&path, text).unwrap();
        let environment = |name: &str| Some(format!("from {name}"));
        assert_eq!(
            parts(find(Some(&path), environment)),
            Ok(("id".into(), "se=cret".into(), None))
        );
        assert_eq!(
            parts(find(None, environment)),
            Ok((
                "from AWS_ACCESS_KEY_ID".into(),
                "from AWS_SECRET_ACCESS_KEY".into(),
                Some("from AWS_SESSION_TOKEN".into())
            ))
        );
    }

    #[test]
    fn what_is_missing_is_named_and_nothing_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        assert!(
            parts(find(Some(&path), NONE))
                .unwrap_err()
                .contains("cannot read")
        );
        std::fs::write(&path, "aws_secret_access_key = hidden").unwrap();
        let error = parts(find(Some(&path), |_| Some("x".into()))).unwrap_err();
        assert!(error.contains(ID) && !error.contains("hidden"), "{error}");
        let error = parts(find(None, NONE)).unwrap_err();
        assert!(error.contains("environment"), "{error}");
    }
}
