//! Temporary.
#![allow(clippy::print_stdout)]
use std::io::BufRead as _;
fn main() {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let (kind, rest) = line.split_at(1);
        match kind {
            "C" => println!(
                "{}",
                alephd_api::json::canonical(rest.as_bytes()).unwrap_or_else(|e| format!("ERR {e}"))
            ),
            "M" => match alephd_api::params::MessagesQuery::parse(rest) {
                Ok(_) => println!("OK"),
                Err(alephd_api::params::ParamErrors::Invalid { issues, form }) => println!(
                    "{}",
                    alephd_api::params::ParamErrors::Invalid { issues, form }.to_json()
                ),
                Err(e) => println!("OTHER {e}"),
            },
            _ => println!(),
        }
    }
}
