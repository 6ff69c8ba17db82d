//! The domains, listed once: nothing else knows them all.

use kernel::manifest::{self, Domain, Holder, Home, Powers, Reference};
use kernel::rekey::SealedColumn;
use kernel::sheet::Sheet;
use kernel::statistic::Statistic;
use kernel::task::Task;
use kernel::workflow::Chart;
use kernel::{Refusal, Role};
use platform::role_grant::given_by;

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

/// Every statistic, in the order of the domains.
#[must_use]
pub fn statistics() -> Vec<&'static Statistic> {
    DOMAINS.iter().flat_map(|domain| domain.statistics).collect()
}

/// What of a kind holds files.
#[must_use]
pub fn holder(kind: &str) -> Option<&'static Holder> {
    DOMAINS.iter().flat_map(|domain| domain.holders).find(|holder| holder.kind == kind)
}

/// Every column of sealed values.
pub fn sealed() -> impl Iterator<Item = &'static SealedColumn> {
    DOMAINS.iter().flat_map(|domain| domain.sealed)
}

/// Everything that names objects of a kind that can be merged.
#[must_use]
pub fn references(to: &str) -> Vec<Reference> {
    DOMAINS.iter().flat_map(|domain| domain.references).filter(|reference| reference.to == to).copied().collect()
}

/// Every column that holds the code of an area.
#[must_use]
pub fn homes() -> Vec<Home> {
    DOMAINS.iter().flat_map(|domain| domain.homes).copied().collect()
}

/// The work that domains do by themselves, beside the requests.
#[must_use]
pub fn tasks() -> Vec<Task> {
    vec![organization::grid_redivision_effect::task(homes())]
}

/// Every permission that can be granted, with what it allows in Chinese and English.
pub fn permissions() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    DOMAINS.iter().flat_map(|domain| domain.permissions.iter().map(|(permission, zh, en, _)| (permission.0, *zh, *en)))
}

/// What each role permits.
#[must_use]
pub fn powers() -> Powers {
    Powers::of(DOMAINS)
}

/// The page docs/ROLES.md: each role with what it permits and gives, each permission with what it allows.
#[must_use]
pub fn roles_page() -> String {
    let powers = powers();
    let mut page = "# Roles and permissions · 角色与权限\n\n\
        Written by `make openapi` from the domains' manifests; `GET /v1/roles` answers the same. A role is held in an area and for\n\
        a term, and gives nothing outside them. A role that is not listed with permissions gives none yet.\n\n\
        | role | 角色 | permits | may give |\n|---|---|---|---|\n"
        .to_owned();
    for (role, choice) in Role::ALL.iter().zip(Role::CHOICES) {
        let gives = given_by(*role).iter().map(|role| role.word()).collect::<Vec<_>>().join(", ");
        page += &format!("| `{}` | {} | {} | {gives} |\n", choice.word, choice.zh, powers.of_role(*role).join(", "));
    }
    page += "\n| permission | allows | 说明 |\n|---|---|---|\n";
    for (permission, zh, en) in permissions() {
        page += &format!("| `{permission}` | {en} | {zh} |\n");
    }
    page
}

/// Every workflow.
pub fn workflows() -> impl Iterator<Item = &'static Chart> {
    DOMAINS.iter().flat_map(|domain| domain.workflows)
}

/// The page docs/WORKFLOWS.md: each workflow as a diagram and as a table of moves.
#[must_use]
pub fn workflows_page() -> String {
    let mut page = "# Workflows · 流程\n\n\
        Written by `make openapi` from the tables of moves in the domains. Each action is an operation of its own,\n\
        `POST /v1/THINGS/{id}/ACTION`; `GET /v1/THINGS/{id}/next-actions` says which of them the caller may do now, and what forbids\n\
        the others. What the body of an action must hold stands in the document.\n"
        .to_owned();
    for chart in workflows() {
        page += &format!("\n## {} · {}\n\n```mermaid\n{}```\n\n{}", chart.name, chart.zh, (chart.diagram)(), (chart.table)());
    }
    page
}

/// Every refusal.
pub fn refusals() -> impl Iterator<Item = &'static Refusal> {
    let own = crate::problem::REFUSALS.iter().chain(manifest::REFUSALS).copied();
    own.chain(DOMAINS.iter().flat_map(|domain| domain.refusals.iter().copied()))
}
