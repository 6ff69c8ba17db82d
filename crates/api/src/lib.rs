//! Linli over HTTP: extractors, replies, problems, the document, one folder a domain.

pub mod background;
pub mod batch;
pub mod body;
pub mod caller;
pub mod config;
pub mod content;
pub mod contract;
pub mod domains;
mod files;
pub mod frame;
mod jobs;
mod organization;
pub mod problem;
pub mod query;
pub mod reply;
pub mod sender;
pub mod server;
pub mod spool;
pub mod transfer;
