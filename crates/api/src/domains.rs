//! The domains, listed once: nothing else knows them all.

use kernel::Refusal;
use kernel::manifest::{self, Domain, Holder};
use kernel::sheet::Sheet;

/// Every domain.
pub const DOMAINS: &[Domain] = &[organization::DOMAIN, platform::DOMAIN];

/// Every sheet, in the order in which they are loaded.
pub fn sheets() -> impl Iterator<Item = &'static Sheet> {
    DOMAINS.iter().flat_map(|domain| domain.sheets.iter().copied())
}

/// The sheet of a resource.
#[must_use]
pub fn sheet(resource: &str) -> Option<&'static Sheet> {
    sheets().find(|sheet| sheet.resource == resource)
}

/// The resources that can be imported, for the document.
#[must_use]
pub fn resources() -> Vec<&'static str> {
    sheets().map(|sheet| sheet.resource).collect()
}

/// The files that can be exported, for the document.
#[must_use]
pub fn files() -> Vec<String> {
    sheets().flat_map(|sheet| ["csv", "ndjson", "xlsx"].map(|form| format!("{}.{form}", sheet.resource))).collect()
}

/// What of a kind holds files.
#[must_use]
pub fn holder(kind: &str) -> Option<&'static Holder> {
    DOMAINS.iter().flat_map(|domain| domain.holders).find(|holder| holder.kind == kind)
}

/// Every permission that can be granted, with what it allows in Chinese and English.
pub fn permissions() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    DOMAINS.iter().flat_map(|domain| domain.permissions.iter().map(|(permission, zh, en)| (permission.0, *zh, *en)))
}

/// Every refusal.
pub fn refusals() -> impl Iterator<Item = &'static Refusal> {
    let own = crate::problem::REFUSALS.iter().chain(manifest::REFUSALS).copied();
    own.chain(DOMAINS.iter().flat_map(|domain| domain.refusals.iter().copied()))
}
