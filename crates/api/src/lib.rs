//! Linli over HTTP: extractors, replies, problems, the document, one folder a domain.

mod access;
pub mod audit_command;
pub mod background;
pub mod batch;
pub mod body;
pub mod caller;
pub mod config;
pub mod contract;
pub mod domains;
pub mod frame;
mod organization;
mod platform;
pub mod problem;
pub mod query;
pub mod reply;
pub mod server;
pub mod transfer;
