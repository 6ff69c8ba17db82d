//! What tests stand on: a database of their own, the real app on a real port, users that are HTTP clients.

pub mod app;
pub mod cluster;
pub mod db;
pub mod process;
pub mod receiver;

pub use app::{Answer, TestApp, User};
pub use cluster::Cluster;
pub use db::TestDb;
pub use process::Process;
pub use receiver::{Receiver, Reply};
