//! Linli over HTTP: extractors, replies, problems, the document, one folder a domain.

mod access;
pub mod audit_command;
pub mod background;
pub mod batch;
pub mod body;
pub mod caller;
pub mod client;
pub mod config;
pub mod contract;
pub mod domains;
pub mod frame;
pub mod health;
pub mod limits;
pub mod log;
pub mod meters;
pub mod metrics;
mod organization;
pub mod passage;
pub mod phase;
mod platform;
pub mod problem;
pub mod query;
pub mod reply;
pub mod route;
pub mod serve;
pub mod server;
pub mod transfer;
