//! No Rust file is longer than [`LIMIT`] lines, its tests not counted.
//!
//! A file that outgrows the limit usually holds two ideas. Tests do not count, since a limit on
//! them would discourage writing them; past about 200 lines they belong in `name/tests.rs`.
//! An entry of the allow-list is `PATH LINES  # reason`, and the file must not outgrow it.

use std::fs;
use std::path::Path;

use crate::Report;
use crate::exceptions::Exceptions;
use crate::workspace::Workspace;

/// Two screens of an overview and the rest of an argument: what a reader can keep in mind.
const LIMIT: usize = 500;
const EXCEPTIONS: &str = "xtask/size-allowed.txt";
/// Folders that hold no source of ours, besides hidden ones.
const SKIPPED: &[&str] = &["target", "node_modules"];

/// Checks every Rust file below the root of the workspace.
pub(crate) fn check(workspace: &Workspace) -> Result<Report, String> {
    let mut files = Vec::new();
    collect(&workspace.root, "", &mut files)?;
    let mut exceptions = Exceptions::load(&workspace.root, EXCEPTIONS)?;
    Ok(check_files(&files, &mut exceptions))
}

/// A file's path from the root, and its lines without tests.
#[derive(Debug)]
struct SourceFile {
    path: String,
    lines: usize,
}

fn check_files(files: &[SourceFile], exceptions: &mut Exceptions) -> Report {
    let mut violations = Vec::new();
    for SourceFile { path, lines } in files.iter().filter(|file| file.lines > LIMIT) {
        let prefix = format!("{path} ");
        let allowed = exceptions.find(|entry| entry.starts_with(&prefix));
        match allowed.map(|entry| entry[prefix.len()..].parse::<usize>()) {
            Some(Ok(allowed)) if *lines <= allowed => {}
            Some(Ok(allowed)) => violations.push(format!(
                "{path} has {lines} lines and is allowed {allowed}: it may only shrink"
            )),
            Some(Err(_)) => violations.push(format!("{EXCEPTIONS}: give {path} a number of lines")),
            None => violations.push(format!(
                "{path} has {lines} lines without its tests, {LIMIT} is the limit: split it by idea"
            )),
        }
    }
    violations.extend(exceptions.unused());
    let longest = files.iter().max_by_key(|file| file.lines);
    let longest = longest.map_or(String::new(), |file| {
        format!(", longest {} ({})", file.path, file.lines)
    });
    Report {
        looked_at: format!("{} files{longest}", files.len()),
        violations,
    }
}

/// Adds the Rust files below `root/folder`, except files of tests.
fn collect(root: &Path, folder: &str, files: &mut Vec<SourceFile>) -> Result<(), String> {
    let cannot = |error| format!("cannot read {folder:?}: {error}");
    for entry in fs::read_dir(root.join(folder)).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() {
            name.clone()
        } else {
            format!("{folder}/{name}")
        };
        let kind = entry.file_type().map_err(cannot)?;
        if kind.is_dir() {
            if !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) {
                collect(root, &path, files)?;
            }
        } else if kind.is_file() && path.ends_with(".rs") && !is_tests(&path) {
            let text =
                fs::read_to_string(entry.path()).map_err(|error| format!("cannot read {path}: {error}"))?;
            files.push(SourceFile {
                lines: lines_without_tests(&text),
                path,
            });
        }
    }
    Ok(())
}

/// Whether the whole file is tests: `tests.rs`, or anything in a folder `tests`.
fn is_tests(path: &str) -> bool {
    path.split('/').any(|part| part == "tests" || part == "tests.rs")
}

/// Counts lines, leaving out each `#[cfg(test)]` module written in place.
///
/// rustfmt puts the opening line and the closing brace of a top-level module in the first
/// column, so no parsing is needed. Attributes between the two lines are allowed.
fn lines_without_tests(text: &str) -> usize {
    let mut count = 0;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line != "#[cfg(test)]" {
            count += 1;
            continue;
        }
        let mut attributes = 1;
        while lines.next_if(|next| next.starts_with("#[")).is_some() {
            attributes += 1;
        }
        if lines
            .next_if(|next| next.starts_with("mod ") && next.ends_with('{'))
            .is_some()
        {
            // Up to and with the closing brace, or the end of the file.
            lines.by_ref().find(|next| *next == "}");
        } else {
            count += attributes;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(files: &[(&str, usize)], exceptions: &str) -> Vec<String> {
        let files: Vec<_> = files
            .iter()
            .map(|(path, lines)| SourceFile {
                path: (*path).to_owned(),
                lines: *lines,
            })
            .collect();
        let mut exceptions = Exceptions::parse("allowed.txt", exceptions).unwrap();
        check_files(&files, &mut exceptions).violations
    }

    #[test]
    fn a_long_file_is_found() {
        assert_eq!(violations(&[("a.rs", 500), ("b.rs", 12)], ""), [""; 0]);
        let found = violations(&[("a.rs", 501)], "");
        assert_eq!(
            found,
            ["a.rs has 501 lines without its tests, 500 is the limit: split it by idea"]
        );
    }

    #[test]
    fn an_allowed_file_may_only_shrink() {
        assert_eq!(violations(&[("a.rs", 600)], "a.rs 600 # a table"), [""; 0]);
        let found = violations(&[("a.rs", 601)], "a.rs 600 # a table");
        assert_eq!(
            found,
            ["a.rs has 601 lines and is allowed 600: it may only shrink"]
        );
        let found = violations(&[("a.rs", 500)], "a.rs 600 # a table");
        assert_eq!(
            found,
            ["allowed.txt:1: \"a.rs 600\" is no longer needed; remove it"]
        );
        assert_eq!(violations(&[("a.rs", 600)], "a.rs many # a table").len(), 1);
    }

    #[test]
    fn test_modules_do_not_count() {
        let text = "one\n#[cfg(test)]\nmod tests {\n    fn a() {\n    }\n}\ntwo\n";
        assert_eq!(lines_without_tests(text), 2);
        let text = "one\n#[cfg(test)]\n#[cfg(unix)]\nmod tests {\n    x\n}\n";
        assert_eq!(lines_without_tests(text), 1);
        // The module lies in its own file, so its two lines are ordinary ones.
        assert_eq!(lines_without_tests("one\n#[cfg(test)]\nmod tests;\n"), 3);
        assert_eq!(lines_without_tests("#[cfg(test)]\nfn helper() {\n}\nlast\n"), 4);
    }

    #[test]
    fn files_of_tests_are_known_by_their_path() {
        assert!(is_tests("crates/io/store/src/writer/tests.rs"));
        assert!(is_tests("crates/io/store/tests/it/main.rs"));
        assert!(!is_tests("crates/io/store/src/testsuite.rs"));
    }
}
