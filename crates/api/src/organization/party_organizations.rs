//! `/v1/party-organizations`: 党组织.

use actix_web::{get, patch, post, put};
use chrono::NaiveDate;
use kernel::Ending;
use kernel::journal::{self, Change};
use organization::party_group_building::{self, GroupBuildings, GroupedPartyOrganization};
use organization::party_organization::{NewPartyOrganization, PartyOrganizationFilter, PartyOrganizationId, PartyOrganizationPatch};
use organization::party_organization_check::{self, Findings, Warning};
use organization::party_organization_entry as party_organization;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::batch::{Batch, BatchItem, BatchReport};
use crate::body::Json;
use crate::caller::Caller;
use crate::problem::Language;
use crate::query::{ByRef, Id, IfMatch, PageParams, Query, ReportDay, SortParam};
use crate::reply::{Created, Done, List, One, Reply, WriteReply};

/// What a party organization lacks on a day.
#[derive(Serialize, ToSchema)]
pub struct PartyOrganizationChecks {
    /// The day.
    pub as_of: NaiveDate,
    /// Members of its hub households, and of those under it, who are in the Party on the day.
    pub members: i64,
    /// Full members among them.
    pub full_members: i64,
    /// What does not hold; it forbids nothing.
    pub checks: Vec<PartyOrganizationCheck>,
}

/// Something that does not hold.
#[derive(Serialize, ToSchema)]
pub struct PartyOrganizationCheck {
    /// The stable code.
    #[schema(example = "few_full_members")]
    pub code: &'static str,
    /// How grave it is: always `warning`.
    #[schema(example = "warning")]
    pub level: &'static str,
    /// What it is, in the language that was asked for.
    pub message: String,
    /// What was counted: people, buildings or days.
    pub value: i64,
    /// What it is compared with.
    pub limit: i64,
}

fn told(findings: Findings, language: Language) -> PartyOrganizationChecks {
    let check = |warning: &Warning| PartyOrganizationCheck {
        code: warning.rule.code,
        level: "warning",
        message: language.choose(warning.zh(), warning.en()),
        value: warning.value,
        limit: warning.limit,
    };
    PartyOrganizationChecks {
        as_of: findings.as_of,
        members: findings.counted.members,
        full_members: findings.counted.full_members,
        checks: findings.warnings.iter().map(check).collect(),
    }
}

/// List party organizations · 列出党组织
#[utoipa::path(tag = "organization", params(PartyOrganizationFilter, SortParam, PageParams), security(("Bearer" = ["party_organization.read"])))]
#[get("/party-organizations")]
async fn list_party_organizations(caller: Caller, filter: Query<PartyOrganizationFilter>) -> Reply<List<GroupedPartyOrganization>> {
    caller.list(filter, party_organization::list).await
}

/// Get a party organization · 读取党组织
#[utoipa::path(tag = "organization", security(("Bearer" = ["party_organization.read"])))]
#[get("/party-organizations/{id}")]
async fn get_party_organization(caller: Caller, id: Id<PartyOrganizationId>) -> Reply<One<GroupedPartyOrganization>> {
    caller.read(async |view| party_organization::get(view, *id).await.map(One)).await
}

/// Check a party organization · 检查党组织
///
/// Warnings on a day, which forbid nothing: members, committee, leader, buildings and term of office against what the
/// regulations say. The numbers of members do not bind functional organizations.
#[utoipa::path(tag = "organization", params(ReportDay), security(("Bearer" = ["party_organization.read"])))]
#[get("/party-organizations/{id}/checks")]
async fn get_party_organization_checks(caller: Caller, id: Id<PartyOrganizationId>, day: Query<ReportDay>) -> Reply<Done<PartyOrganizationChecks>> {
    let language = caller.language();
    let caller = caller.as_of(day.as_of);
    caller.browse(async |view| party_organization_check::check(view, *id).await.map(|findings| Done(told(findings, language)))).await
}

/// Create a party organization · 登记党组织
#[utoipa::path(tag = "organization", security(("Bearer" = ["party_organization.write"])))]
#[post("/party-organizations")]
async fn create_party_organization(caller: Caller, new: Json<NewPartyOrganization>) -> WriteReply<Created<GroupedPartyOrganization>> {
    caller.write("party_organization.create", async |tx| party_organization::create(tx, &new).await.map(Created)).await
}

/// Change a party organization · 更改党组织
#[utoipa::path(tag = "organization", security(("Bearer" = ["party_organization.write"])))]
#[patch("/party-organizations/{id}")]
async fn update_party_organization(
    caller: Caller,
    id: Id<PartyOrganizationId>,
    version: IfMatch,
    patch: Json<PartyOrganizationPatch>,
) -> WriteReply<One<GroupedPartyOrganization>> {
    caller.write("party_organization.update", async |tx| party_organization::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

/// Say which buildings a building group answers for · 设定楼栋党小组负责的楼栋
///
/// All of them, in place of those before, from a day on. A building is of the same compound, and one group at a time answers for it.
#[utoipa::path(tag = "organization", security(("Bearer" = ["party_organization.write"])))]
#[put("/party-organizations/{id}/buildings")]
async fn set_party_group_buildings(
    caller: Caller,
    id: Id<PartyOrganizationId>,
    version: IfMatch,
    buildings: Json<GroupBuildings>,
) -> WriteReply<One<GroupedPartyOrganization>> {
    caller.write("party_group_building.set", async |tx| party_group_building::set(tx, *id, version.or(buildings.version)?, &buildings).await.map(One)).await
}

/// Create or change a party organization by your own key · 按自有编号登记或更改党组织
#[utoipa::path(tag = "organization", security(("Bearer" = ["party_organization.write"])))]
#[put("/party-organizations/by-ref/{source}/{ref}")]
async fn put_party_organization(caller: Caller, key: ByRef, new: Json<NewPartyOrganization>) -> WriteReply<One<GroupedPartyOrganization>> {
    caller.write("party_organization.put", async |tx| party_organization::put(tx, &key.source, &key.reference, new.clone()).await.map(One)).await
}

/// End a party organization · 终止党组织
#[utoipa::path(tag = "organization", security(("Bearer" = ["party_organization.write"])))]
#[post("/party-organizations/{id}/end")]
async fn end_party_organization(
    caller: Caller,
    id: Id<PartyOrganizationId>,
    version: IfMatch,
    ending: Json<Ending>,
) -> WriteReply<One<GroupedPartyOrganization>> {
    caller.write("party_organization.end", async |tx| party_organization::end(tx, *id, version.or(ending.version)?, &ending).await.map(One)).await
}

/// Create, change and end party organizations in one request · 批量处理党组织
#[utoipa::path(tag = "organization", security(("Bearer" = ["party_organization.write"])))]
#[post("/party-organizations:batch")]
async fn batch_party_organizations(caller: Caller, batch: Json<Batch<NewPartyOrganization, PartyOrganizationPatch>>) -> WriteReply<Done<BatchReport>> {
    caller
        .batch("party_organization.batch", &batch, async |tx, item| match item {
            BatchItem::Create(new) => party_organization::create(tx, new).await,
            BatchItem::Update(update) => party_organization::update(tx, update.id.into(), IfMatch(None).or(update.change.version)?, &update.change).await,
            BatchItem::End(end) => party_organization::end(tx, end.id.into(), IfMatch(None).or(Some(end.version))?, &end.ending()).await,
        })
        .await
}

/// List the changes of a party organization · 列出党组织的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["party_organization.read"])))]
#[get("/party-organizations/{id}/history")]
async fn list_party_organization_history(caller: Caller, id: Id<PartyOrganizationId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            party_organization::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_party_organizations)
        .service(get_party_organization)
        .service(get_party_organization_checks)
        .service(create_party_organization)
        .service(update_party_organization)
        .service(set_party_group_buildings)
        .service(put_party_organization)
        .service(end_party_organization)
        .service(batch_party_organizations)
        .service(list_party_organization_history);
}
