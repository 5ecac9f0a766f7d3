//! Checks that keep the shape of the workspace: `cargo xtask layers`, `cargo xtask size`.
//!
//! Both read the workspace and a file of exceptions beside this crate, print every violation
//! with what to do about it, and end with a non-zero status if there is one. An exception needs
//! a reason, and one that is no longer needed is a violation too: the lists can only shrink.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]

mod exceptions;
mod layers;
mod size;
mod workspace;

use std::process::ExitCode;

use workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask COMMAND
  layers   dependencies between our crates go only where the architecture allows
  size     no Rust file is longer than 500 lines, its tests not counted";

/// What a check found: one line that says what was looked at, and the violations.
struct Report {
    looked_at: String,
    violations: Vec<String>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let check = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["layers"] => layers::check,
        ["size"] => size::check,
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match Workspace::load().and_then(|workspace| check(&workspace)) {
        Ok(report) if report.violations.is_empty() => {
            println!("{}: {}", arguments[0], report.looked_at);
            ExitCode::SUCCESS
        }
        Ok(report) => {
            for violation in &report.violations {
                eprintln!("{}: {violation}", arguments[0]);
            }
            eprintln!(
                "{}: {} violations; {}",
                arguments[0],
                report.violations.len(),
                report.looked_at
            );
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{}: {error}", arguments[0]);
            ExitCode::from(2)
        }
    }
}
