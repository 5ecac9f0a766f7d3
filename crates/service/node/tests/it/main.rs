//! Configuration and profiles as an operator meets them.

mod config;
mod profile;
mod start;
