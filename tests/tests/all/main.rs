//! End-to-end tests: the app as its users meet it.

mod access;
mod batches;
mod city;
mod contract;
mod exports;
mod grid_division;
mod hostile_files;
mod house;
mod households;
mod idempotency;
mod imports;
mod limits;
mod links;
mod lists;
mod metrics;
mod migrations;
mod outage;
mod pattern;
mod process;
mod readme;
mod tls;
