//! `/v1/person-merges`: 人员合并.

use actix_web::{get, post};
use kernel::journal::{self, Change};
use organization::person_merge::{self, NewPersonMerge, PersonMerge, PersonMergeFilter, PersonMergeId, Undoing};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::body::Json;
use crate::caller::Caller;
use crate::domains;
use crate::query::{Id, IfMatch, PageParams, Query};
use crate::reply::{Created, List, One, Reply, WriteReply};

/// List merges of people · 列出人员合并
#[utoipa::path(tag = "organization", params(PersonMergeFilter, PageParams), security(("Bearer" = ["person.read"])))]
#[get("/person-merges")]
async fn list_person_merges(caller: Caller, filter: Query<PersonMergeFilter>) -> Reply<List<PersonMerge>> {
    caller.page(None, async |view, paging| person_merge::list(view, &filter, paging).await).await
}

/// Get a merge of people · 读取人员合并
#[utoipa::path(tag = "organization", security(("Bearer" = ["person.read"])))]
#[get("/person-merges/{id}")]
async fn get_person_merge(caller: Caller, id: Id<PersonMergeId>) -> Reply<One<PersonMerge>> {
    caller.read(async |view| person_merge::get(view, *id).await.map(One)).await
}

/// Merge a duplicate into the person that it is · 合并人员
///
/// Everything that refers to the duplicate moves to the survivor, whose own members stay as they are.
#[utoipa::path(tag = "organization", security(("Bearer" = ["person.merge"])))]
#[post("/person-merges")]
async fn create_person_merge(caller: Caller, new: Json<NewPersonMerge>) -> WriteReply<Created<PersonMerge>> {
    let references = domains::references("person");
    caller.write("person_merge.create", async |tx| person_merge::create(tx, &references, &new).await.map(Created)).await
}

/// Undo a merge of people · 撤销人员合并
///
/// What the merge moved moves back; what came since stays with the survivor.
#[utoipa::path(tag = "organization", security(("Bearer" = ["person.merge"])))]
#[post("/person-merges/{id}/undo")]
async fn undo_person_merge(caller: Caller, id: Id<PersonMergeId>, version: IfMatch, undoing: Json<Undoing>) -> WriteReply<One<PersonMerge>> {
    let references = domains::references("person");
    caller.write("person_merge.undo", async |tx| person_merge::undo(tx, &references, *id, version.or(undoing.version)?, &undoing).await.map(One)).await
}

/// List the changes of a merge of people · 列出人员合并的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["person.read"])))]
#[get("/person-merges/{id}/history")]
async fn list_person_merge_history(caller: Caller, id: Id<PersonMergeId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            person_merge::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_person_merges).service(get_person_merge).service(create_person_merge).service(undo_person_merge).service(list_person_merge_history);
}
