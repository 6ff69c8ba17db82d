//! End-to-end tests: the app as its users meet it.

mod access;
mod audit;
mod audit_seals;
mod audit_tampering;
mod batches;
mod city;
mod contract;
mod events;
mod exports;
mod grid_division;
mod hostile_files;
mod house;
mod households;
mod idempotency;
mod imports;
mod journal_months;
mod links;
mod lists;
mod migrations;
mod pattern;
mod readme;
mod roles;
mod sessions;
mod webhook_failures;
mod webhooks;
