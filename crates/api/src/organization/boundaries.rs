//! `/v1/grids/{id}/boundary` and `/v1/communities/{id}/boundary`: 网格和社区的边界.

use actix_web::{delete, get, put};
use organization::boundary::{self, BoundaryChange, CommunityBoundary, GridBoundary};
use organization::community::CommunityId;
use organization::grid::GridId;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::body::Json;
use crate::caller::Caller;
use crate::query::{Id, IfMatch};
use crate::reply::{One, Reply, WriteReply};

/// Get the boundary of a grid · 读取网格边界
///
/// On the ground, as GeoJSON; null while it has none.
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid.read"])))]
#[get("/grids/{id}/boundary")]
async fn get_grid_boundary(caller: Caller, id: Id<GridId>) -> Reply<One<GridBoundary>> {
    caller.read(async |view| boundary::of_grid(view, *id).await.map(One)).await
}

/// Set the boundary of a grid · 设置网格边界
///
/// In place of the one that it has. The version is that of the grid.
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid.write"])))]
#[put("/grids/{id}/boundary")]
async fn set_grid_boundary(caller: Caller, id: Id<GridId>, version: IfMatch, change: Json<BoundaryChange>) -> WriteReply<One<GridBoundary>> {
    caller.write("grid.set_boundary", async |tx| boundary::set_of_grid(tx, *id, version.or(change.version)?, Some(&change.boundary)).await.map(One)).await
}

/// Remove the boundary of a grid · 删除网格边界
#[utoipa::path(tag = "organization", security(("Bearer" = ["grid.write"])))]
#[delete("/grids/{id}/boundary")]
async fn remove_grid_boundary(caller: Caller, id: Id<GridId>, version: IfMatch) -> WriteReply<One<GridBoundary>> {
    caller.write("grid.remove_boundary", async |tx| boundary::set_of_grid(tx, *id, version.or(None)?, None).await.map(One)).await
}

/// Get the boundary of a community · 读取社区边界
///
/// On the ground, as GeoJSON; null while it has none.
#[utoipa::path(tag = "organization", security(("Bearer" = ["community.read"])))]
#[get("/communities/{id}/boundary")]
async fn get_community_boundary(caller: Caller, id: Id<CommunityId>) -> Reply<One<CommunityBoundary>> {
    caller.read(async |view| boundary::of_community(view, *id).await.map(One)).await
}

/// Set the boundary of a community · 设置社区边界
///
/// In place of the one that it has. The version is that of the community.
#[utoipa::path(tag = "organization", security(("Bearer" = ["community.write"])))]
#[put("/communities/{id}/boundary")]
async fn set_community_boundary(caller: Caller, id: Id<CommunityId>, version: IfMatch, change: Json<BoundaryChange>) -> WriteReply<One<CommunityBoundary>> {
    caller
        .write("community.set_boundary", async |tx| boundary::set_of_community(tx, *id, version.or(change.version)?, Some(&change.boundary)).await.map(One))
        .await
}

/// Remove the boundary of a community · 删除社区边界
#[utoipa::path(tag = "organization", security(("Bearer" = ["community.write"])))]
#[delete("/communities/{id}/boundary")]
async fn remove_community_boundary(caller: Caller, id: Id<CommunityId>, version: IfMatch) -> WriteReply<One<CommunityBoundary>> {
    caller.write("community.remove_boundary", async |tx| boundary::set_of_community(tx, *id, version.or(None)?, None).await.map(One)).await
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(get_grid_boundary)
        .service(set_grid_boundary)
        .service(remove_grid_boundary)
        .service(get_community_boundary)
        .service(set_community_boundary)
        .service(remove_community_boundary);
}
