//! `/v1/grid-redivisions`: 网格重新划分, its plan, checks and simulation, and each action of its workflow an operation.

use actix_web::{get, patch, post, put};
use kernel::journal::{self, Change};
use kernel::workflow::NextActions;
use organization::grid_redivision::{self, GridRedivision, GridRedivisionFilter, GridRedivisionId, GridRedivisionPatch, NewGridRedivision};
use organization::grid_redivision_check::{self, GridRedivisionChecks};
use organization::grid_redivision_effect;
use organization::grid_redivision_flow::RedivisionAction;
use organization::grid_redivision_plan::{self as plans, GridRedivisionPlan, PlannedBuilding, PlannedGrid, PlannedHousehold};
use organization::grid_redivision_simulation::{self, GridRedivisionSimulation};
use organization::grid_redivision_steps::{self as steps, GridRedivisionPublication, GridRedivisionRefusal, GridRedivisionStep};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::body::Json;
use crate::caller::Caller;
use crate::domains;
use crate::query::{ByRef, Id, IfMatch, PageParams, Query};
use crate::reply::{Created, Done, List, One, Reply, WriteReply};

/// List re-divisions of grids · 列出网格重新划分方案
///
/// Those of your area and of the areas around it, the latest first.
#[utoipa::path(tag = "organization", params(GridRedivisionFilter, PageParams), security(("Bearer" = ["grid_redivision.read"])))]
#[get("/grid-redivisions")]
async fn list_grid_redivisions(caller: Caller, filter: Query<GridRedivisionFilter>) -> Reply<List<GridRedivision>> {
    caller.page(None, async |view, paging| grid_redivision::list(view, &filter, paging).await).await
}

/// Get a re-division of grids · 读取网格重新划分方案
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid_redivision.read"])))]
#[get("/grid-redivisions/{id}")]
async fn get_grid_redivision(caller: Caller, id: Id<GridRedivisionId>) -> Reply<One<GridRedivision>> {
    caller.read(async |view| grid_redivision::get(view, *id).await.map(One)).await
}

/// Draft a re-division of grids · 起草网格重新划分方案
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid_redivision.write"])))]
#[post("/grid-redivisions")]
async fn create_grid_redivision(caller: Caller, new: Json<NewGridRedivision>) -> WriteReply<Created<GridRedivision>> {
    caller.write("grid_redivision.create", async |tx| grid_redivision::create(tx, &new).await.map(Created)).await
}

/// Change the draft of a re-division of grids · 更改网格重新划分草案
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid_redivision.write"])))]
#[patch("/grid-redivisions/{id}")]
async fn update_grid_redivision(
    caller: Caller,
    id: Id<GridRedivisionId>,
    version: IfMatch,
    patch: Json<GridRedivisionPatch>,
) -> WriteReply<One<GridRedivision>> {
    caller.write("grid_redivision.update", async |tx| grid_redivision::update(tx, *id, version.or(patch.version)?, &patch).await.map(One)).await
}

/// Draft a re-division of grids, or change the draft, by your own key · 按自有编号起草或更改网格重新划分方案
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid_redivision.write"])))]
#[put("/grid-redivisions/by-ref/{source}/{ref}")]
async fn put_grid_redivision(caller: Caller, key: ByRef, new: Json<NewGridRedivision>) -> WriteReply<One<GridRedivision>> {
    caller.write("grid_redivision.put", async |tx| grid_redivision::put(tx, &key.source, &key.reference, new.clone()).await.map(One)).await
}

/// Replace the plan of a re-division of grids · 编制网格重新划分方案的内容
///
/// All grids of the area from its day on, and in which of them each building is; households go with their buildings, but for those
/// that are named. A grid of today that is not in the plan closes. At most 5,000 grids, 30,000 buildings and 20,000 households, in a
/// body of at most 4 MiB.
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid_redivision.write"])))]
#[put("/grid-redivisions/{id}/plan")]
async fn replace_grid_redivision_plan(
    caller: Caller,
    id: Id<GridRedivisionId>,
    version: IfMatch,
    plan: Json<GridRedivisionPlan>,
) -> WriteReply<One<GridRedivision>> {
    caller.write("grid_redivision.plan", async |tx| plans::replace(tx, *id, version.or(plan.version)?, &plan).await.map(One)).await
}

/// List the grids of a plan · 列出方案中的网格
///
/// Those of your areas, and of a grid's whole community.
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["grid_redivision.read"])))]
#[get("/grid-redivisions/{id}/plan/grids")]
async fn list_planned_grids(caller: Caller, id: Id<GridRedivisionId>) -> Reply<List<PlannedGrid>> {
    caller.page(None, async |view, paging| plans::grids(view, *id, paging).await).await
}

/// List the buildings of a plan · 列出方案中的楼栋
///
/// Those of your areas, and of a grid's whole community.
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["grid_redivision.read"])))]
#[get("/grid-redivisions/{id}/plan/buildings")]
async fn list_planned_buildings(caller: Caller, id: Id<GridRedivisionId>) -> Reply<List<PlannedBuilding>> {
    caller.page(None, async |view, paging| plans::buildings(view, *id, paging).await).await
}

/// List the households of a plan that part from their buildings · 列出方案中单独划分的户
///
/// Those that you may see as households (`household.read`).
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["grid_redivision.read"])))]
#[get("/grid-redivisions/{id}/plan/households")]
async fn list_planned_households(caller: Caller, id: Id<GridRedivisionId>) -> Reply<List<PlannedHousehold>> {
    caller.page(None, async |view, paging| plans::households(view, *id, paging).await).await
}

/// Check a re-division of grids · 检查网格重新划分方案
///
/// What its plan must keep (every building and household in one grid, codes that are free, exceptions where it is not one compound
/// one grid), and what it should. What breaks it is counted in the whole area, and named where you may see it.
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid_redivision.read"])))]
#[get("/grid-redivisions/{id}/checks")]
async fn get_grid_redivision_checks(caller: Caller, id: Id<GridRedivisionId>) -> Reply<Done<GridRedivisionChecks>> {
    caller.browse(async |view| grid_redivision_check::checks(view, *id).await.map(Done)).await
}

/// Simulate a re-division of grids · 模拟网格重新划分
///
/// The grids before and after, how the households spread over them, and what else would change. It is counted for the whole area;
/// grids are named where they are yours, and access that stays behind is told to those who may draft it.
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid_redivision.read"])))]
#[get("/grid-redivisions/{id}/simulation")]
async fn get_grid_redivision_simulation(caller: Caller, id: Id<GridRedivisionId>) -> Reply<Done<GridRedivisionSimulation>> {
    let homes = domains::homes();
    caller.browse(async |view| grid_redivision_simulation::simulate(view, &homes, *id).await.map(Done)).await
}

/// Submit a re-division of grids · 提交网格重新划分方案
///
/// Its plan must pass the checks and give reasons for the grids that begin, get another name or close, and no other one of the same
/// grids be on its way.
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid_redivision.write"])))]
#[post("/grid-redivisions/{id}/submit")]
async fn submit_grid_redivision(caller: Caller, id: Id<GridRedivisionId>, version: IfMatch, step: Json<GridRedivisionStep>) -> WriteReply<One<GridRedivision>> {
    let action = RedivisionAction::Submit;
    caller.write("grid_redivision.submit", async |tx| steps::pass(tx, *id, version.or(step.version)?, action, &step).await.map(One)).await
}

/// Accept a re-division of grids for the subdistrict · 街道受理网格重新划分方案
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid_redivision.review"])))]
#[post("/grid-redivisions/{id}/accept")]
async fn accept_grid_redivision(caller: Caller, id: Id<GridRedivisionId>, version: IfMatch, step: Json<GridRedivisionStep>) -> WriteReply<One<GridRedivision>> {
    let action = RedivisionAction::Accept;
    caller.write("grid_redivision.accept", async |tx| steps::pass(tx, *id, version.or(step.version)?, action, &step).await.map(One)).await
}

/// Pass a re-division of grids on to the city · 网格重新划分方案报市级审核
///
/// The minutes of the consultation must be attached to it as a file.
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid_redivision.review"])))]
#[post("/grid-redivisions/{id}/pass")]
async fn pass_grid_redivision(caller: Caller, id: Id<GridRedivisionId>, version: IfMatch, step: Json<GridRedivisionStep>) -> WriteReply<One<GridRedivision>> {
    let action = RedivisionAction::Pass;
    caller.write("grid_redivision.pass", async |tx| steps::pass(tx, *id, version.or(step.version)?, action, &step).await.map(One)).await
}

/// Approve a re-division of grids · 批准网格重新划分方案
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid_redivision.approve"])))]
#[post("/grid-redivisions/{id}/approve")]
async fn approve_grid_redivision(
    caller: Caller,
    id: Id<GridRedivisionId>,
    version: IfMatch,
    step: Json<GridRedivisionStep>,
) -> WriteReply<One<GridRedivision>> {
    let action = RedivisionAction::Approve;
    caller.write("grid_redivision.approve", async |tx| steps::pass(tx, *id, version.or(step.version)?, action, &step).await.map(One)).await
}

/// Publish a re-division of grids · 公布网格重新划分方案
///
/// By a notice, a policy document that has been entered. It takes effect on its day by itself.
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid_redivision.approve"])))]
#[post("/grid-redivisions/{id}/publish")]
async fn publish_grid_redivision(
    caller: Caller,
    id: Id<GridRedivisionId>,
    version: IfMatch,
    publication: Json<GridRedivisionPublication>,
) -> WriteReply<One<GridRedivision>> {
    caller.write("grid_redivision.publish", async |tx| steps::publish(tx, *id, version.or(publication.version)?, &publication).await.map(One)).await
}

/// Let a re-division of grids take effect · 使网格重新划分方案生效
///
/// On its day or later, if you do not want to wait for the server, which looks every ten minutes. New grids begin, households,
/// compounds and people go to them, old grids close with their lineage: all of it, or nothing.
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid_redivision.approve"])))]
#[post("/grid-redivisions/{id}/take-effect")]
async fn take_effect_grid_redivision(
    caller: Caller,
    id: Id<GridRedivisionId>,
    version: IfMatch,
    step: Json<GridRedivisionStep>,
) -> WriteReply<One<GridRedivision>> {
    let homes = domains::homes();
    caller
        .write("grid_redivision.take_effect", async |tx| {
            grid_redivision_effect::take_effect(tx, &homes, *id, version.or(step.version)?, step.note.as_ref()).await.map(One)
        })
        .await
}

/// Return a re-division of grids to be mended · 退回网格重新划分方案
///
/// With a reason: the subdistrict to whoever drafted it, the city to the subdistrict; one that is approved or published, and has not
/// taken effect, the city to whoever drafted it. It goes the whole way again.
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid_redivision.review", "grid_redivision.approve"])))]
#[post("/grid-redivisions/{id}/return")]
async fn return_grid_redivision(
    caller: Caller,
    id: Id<GridRedivisionId>,
    version: IfMatch,
    refusal: Json<GridRedivisionRefusal>,
) -> WriteReply<One<GridRedivision>> {
    let action = RedivisionAction::Return;
    caller.write("grid_redivision.return", async |tx| steps::refuse(tx, *id, version.or(refusal.version)?, action, &refusal).await.map(One)).await
}

/// Withdraw a re-division of grids · 撤回网格重新划分方案
///
/// For good, before it is approved.
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid_redivision.write"])))]
#[post("/grid-redivisions/{id}/withdraw")]
async fn withdraw_grid_redivision(
    caller: Caller,
    id: Id<GridRedivisionId>,
    version: IfMatch,
    refusal: Json<GridRedivisionRefusal>,
) -> WriteReply<One<GridRedivision>> {
    let action = RedivisionAction::Withdraw;
    caller.write("grid_redivision.withdraw", async |tx| steps::refuse(tx, *id, version.or(refusal.version)?, action, &refusal).await.map(One)).await
}

/// Revoke a re-division of grids · 撤销网格重新划分方案
///
/// For good, once it is approved and before it takes effect.
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid_redivision.approve"])))]
#[post("/grid-redivisions/{id}/revoke")]
async fn revoke_grid_redivision(
    caller: Caller,
    id: Id<GridRedivisionId>,
    version: IfMatch,
    refusal: Json<GridRedivisionRefusal>,
) -> WriteReply<One<GridRedivision>> {
    let action = RedivisionAction::Revoke;
    caller.write("grid_redivision.revoke", async |tx| steps::refuse(tx, *id, version.or(refusal.version)?, action, &refusal).await.map(One)).await
}

/// Say what may be done next with a re-division of grids · 网格重新划分方案的下一步操作
///
/// Each action that its state takes, whether you may do it now, and if not, the rule that forbids it.
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid_redivision.read"])))]
#[get("/grid-redivisions/{id}/next-actions")]
async fn get_grid_redivision_next_actions(caller: Caller, id: Id<GridRedivisionId>) -> Reply<Done<NextActions>> {
    caller.browse(async |view| steps::next_actions(view, *id).await.map(Done)).await
}

/// List the changes of a re-division of grids · 列出网格重新划分方案的变更
#[utoipa::path(tag = "organization", params(PageParams), security(("Bearer" = ["grid_redivision.read"])))]
#[get("/grid-redivisions/{id}/history")]
async fn list_grid_redivision_history(caller: Caller, id: Id<GridRedivisionId>) -> Reply<List<Change>> {
    caller
        .page(None, async |view, paging| {
            grid_redivision::get(view, *id).await?;
            journal::history(view, id.0, paging).await
        })
        .await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_grid_redivisions)
        .service(get_grid_redivision)
        .service(create_grid_redivision)
        .service(update_grid_redivision)
        .service(put_grid_redivision)
        .service(replace_grid_redivision_plan)
        .service(list_planned_grids)
        .service(list_planned_buildings)
        .service(list_planned_households)
        .service(get_grid_redivision_checks)
        .service(get_grid_redivision_simulation)
        .service(submit_grid_redivision)
        .service(accept_grid_redivision)
        .service(pass_grid_redivision)
        .service(approve_grid_redivision)
        .service(publish_grid_redivision)
        .service(take_effect_grid_redivision)
        .service(return_grid_redivision)
        .service(withdraw_grid_redivision)
        .service(revoke_grid_redivision)
        .service(get_grid_redivision_next_actions)
        .service(list_grid_redivision_history);
}
