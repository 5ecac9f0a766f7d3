//! The command line of the node: which words there are, and which part of the program each calls.
//!
//! Standard output carries what was asked for, and nothing else; logs, progress and errors go to
//! standard error. The exit status is 0 if the command did what it says, 2 for a wrong command
//! line, 1 for everything else.
//!
//! The system's memory allocator is used. Another one has to show in `bench/RESULTS.md` that it is
//! worth a library in C.

mod arguments;
mod banner;
mod commands;
mod http;
mod logging;
mod output;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Dev(args) => commands::dev(&args, &cli.log),
        Command::Run(args) => commands::run(&args, &cli.log),
        Command::Config => commands::config(),
        Command::Import(args) => commands::import(&args, &cli.log),
        Command::Export(args) => commands::export(&args, &cli.log),
        Command::Verify(args) => commands::verify(&args),
        Command::Status(args) => commands::status(&args),
        Command::StateRoot(args) => commands::state_root(&args),
        Command::Rebuild(args) => commands::rebuild(&args, &cli.log),
        Command::Scrub(args) => commands::scrub(&args, &cli.log),
        Command::Collect(args) => commands::collect(&args, &cli.log),
        Command::Peers(args) => commands::peers(&args),
        Command::Ping(args) => commands::ping(&args, &cli.log),
        Command::Sync(args) => commands::sync(&args, &cli.log),
    };
    match result {
        Ok(code) => code,
        // Whoever reads our output has read enough: `alephd verify FILE | head`.
        Err(error) if output::is_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            ExitCode::FAILURE
        }
    }
}
