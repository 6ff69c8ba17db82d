//! End-to-end tests: the app as its users meet it.

mod access;
mod batches;
mod city;
mod contract;
mod exports;
mod files;
mod grid_division;
mod hostile_files;
mod house;
mod households;
mod housekeeping;
mod idempotency;
mod imports;
mod jobs;
mod killed;
mod links;
mod lists;
mod migrations;
mod pattern;
mod readme;
mod sender;
