//! `/v1/people`: 人员.

use actix_web::{get, patch, post, put};
use kernel::Ending;
use kernel::journal::{self, Change};
use organization::person::{self, NewPerson, Person, PersonFilter, PersonId, PersonPatch};
use organization::person_entry::{self, Reopening};
use organization::person_search::{self, FoundPerson, PersonSearch};
use organization::person_unmask::{self, UnmaskedPerson, Unmasking};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::batch::{Batch, BatchItem, BatchReport};
use crate::body::Json;
use crate::caller::Caller;
use crate::query::{ByRef, Id, IfMatch, PageParams, Query};
use crate::reply::{Created, Done, List, One, Reply, Shown, WriteReply};

/// List people · 列出人员
///
/// In the order in which they were entered, numbers and phones masked. Names and numbers are looked for by
/// `POST /v1/people/search`, so that they stand in no address.
#[utoipa::path(tag = "organization", params(PersonFilter, PageParams), security(("Bearer" = ["person.read"])))]
#[get("/people")]
async fn list_people(caller: Caller, filter: Query<PersonFilter>) -> Reply<List<Person>> {
    caller.page(None, async |view, paging| person::list(view, &filter, paging).await).await
}

/// Search people · 查找人员
///
/// By name, number or phone. Others of the same name with the same phone or in the same place are shown beside whoever is
/// found: they may be the same person.
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["person.read"])))]
#[post("/people/search")]
async fn search_people(caller: Caller, sought: Json<PersonSearch>) -> Reply<List<FoundPerson>> {
    caller.page(None, async |view, paging| person_search::search(view, &sought, paging).await).await
}

/// Get a person · 读取人员
///
/// Of an entry that was merged, the person that it turned out to be: the `id` of the answer says whom.
#[utoipa::path(tag = "organization", security(("Bearer" = ["person.read"])))]
#[get("/people/{id}")]
async fn get_person(caller: Caller, id: Id<PersonId>) -> Reply<One<Person>> {
    caller.read(async |view| person::get(view, *id).await.map(One)).await
}

/// Enter a person · 登记人员
///
/// One person once: a number that somebody has is refused, and names him to those who may see him.
#[utoipa::path(tag = "organization", security(("Bearer" = ["person.write"])))]
#[post("/people")]
async fn create_person(caller: Caller, new: Json<NewPerson>) -> WriteReply<Created<Person>> {
    caller.write("person.create", async |tx| person_entry::create(tx, &new).await.map(Created)).await
}

/// Change a person · 更改人员
#[utoipa::path(tag = "organization", security(("Bearer" = ["person.write"])))]
#[patch("/people/{id}")]
async fn update_person(caller: Caller, id: Id<PersonId>, version: IfMatch, patch: Json<PersonPatch>) -> WriteReply<One<Person>> {
    caller.write("person.update", async |tx| person_entry::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

/// Enter or change a person by your own key · 按自有编号登记或更改人员
#[utoipa::path(tag = "organization", security(("Bearer" = ["person.write"])))]
#[put("/people/by-ref/{source}/{ref}")]
async fn put_person(caller: Caller, key: ByRef, new: Json<NewPerson>) -> WriteReply<One<Person>> {
    caller.write("person.put", async |tx| person_entry::put(tx, &key.source, &key.reference, new.clone()).await.map(One)).await
}

/// End a person · 终止人员登记
///
/// He has died or moved away.
#[utoipa::path(tag = "organization", security(("Bearer" = ["person.write"])))]
#[post("/people/{id}/end")]
async fn end_person(caller: Caller, id: Id<PersonId>, version: IfMatch, ending: Json<Ending>) -> WriteReply<One<Person>> {
    caller.write("person.end", async |tx| person_entry::end(tx, *id, version.or(ending.version)?, &ending).await.map(One)).await
}

/// Reopen a person · 恢复人员登记
///
/// He is back, or ending him was a mistake.
#[utoipa::path(tag = "organization", security(("Bearer" = ["person.write"])))]
#[post("/people/{id}/reopen")]
async fn reopen_person(caller: Caller, id: Id<PersonId>, version: IfMatch, reopening: Json<Reopening>) -> WriteReply<One<Person>> {
    caller.write("person.reopen", async |tx| person_entry::reopen(tx, *id, version.or(reopening.version)?, &reopening).await.map(One)).await
}

/// See a number or a phone in clear · 查看完整号码
///
/// Needs a reason. Journalled, also where it is refused; the answer is kept for no `Idempotency-Key`. Needs no version.
#[utoipa::path(tag = "organization", security(("Bearer" = ["person.unmask"])))]
#[post("/people/{id}/unmask")]
async fn unmask_person(caller: Caller, id: Id<PersonId>, unmasking: Json<Unmasking>) -> WriteReply<Shown<UnmaskedPerson>> {
    let shown = caller.write("person.unmask", async |tx| person_unmask::unmask(tx, *id, &unmasking).await.map(Shown)).await;
    if shown.as_ref().is_err_and(|problem| problem.turned_away()) {
        let (db, call) = (&caller.services().db, caller.call());
        db.write(call, "person.note_refusal", async |tx| person_unmask::note_refusal(tx, *id, &unmasking).await).await?;
    }
    shown
}

/// Enter, change and end people in one request · 批量处理人员
#[utoipa::path(tag = "organization", security(("Bearer" = ["person.write"])))]
#[post("/people:batch")]
async fn batch_people(caller: Caller, batch: Json<Batch<NewPerson, PersonPatch>>) -> WriteReply<Done<BatchReport>> {
    caller
        .batch("person.batch", &batch, async |tx, item| match item {
            BatchItem::Create(new) => person_entry::create(tx, new).await,
            BatchItem::Update(update) => person_entry::update(tx, update.id.into(), IfMatch(None).or(update.change.version)?, &update.change).await,
            BatchItem::End(end) => person_entry::end(tx, end.id.into(), IfMatch(None).or(Some(end.version))?, &end.ending()).await,
        })
        .await
}

/// List the changes of a person · 列出人员的变更
///
/// That names, numbers and phones changed, never from what or to what; who saw them in clear, when and why.
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["person.read"])))]
#[get("/people/{id}/history")]
async fn list_person_history(caller: Caller, id: Id<PersonId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            let person = person::get(view, *id).await?;
            journal::history(view, person.id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_people)
        .service(search_people)
        .service(get_person)
        .service(create_person)
        .service(update_person)
        .service(put_person)
        .service(end_person)
        .service(reopen_person)
        .service(unmask_person)
        .service(batch_people)
        .service(list_person_history);
}
