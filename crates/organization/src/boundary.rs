//! The boundaries of grids and communities on the ground (ORG-03): a part of each, read and written by itself, so that lists stay small.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::boundary::{Boundary, Geometry, apart};
use kernel::{Expected, Prepare, Recorded, Result, Tx, View, period, within_or_above};
use schema::{community, grid};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::code::{CommunityCode, GridCode};
use crate::community::{self as communities, CommunityId};
use crate::grid::{self as grids, GridId};

/// The boundary of a grid.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = grid)]
pub struct GridBoundary {
    /// The grid.
    pub id: GridId,
    /// Its code.
    pub code: GridCode,
    /// Its boundary; null while it has none.
    pub boundary: Option<Geometry>,
    /// The version of the grid; rises with every change, also of its boundary.
    pub version: i32,
}

/// The boundary of a community.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = community)]
pub struct CommunityBoundary {
    /// The community.
    pub id: CommunityId,
    /// Its code.
    pub code: CommunityCode,
    /// Its boundary; null while it has none.
    pub boundary: Option<Geometry>,
    /// The version of the community; rises with every change, also of its boundary.
    pub version: i32,
}

/// A boundary in place of the one before.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BoundaryChange {
    /// The boundary.
    pub boundary: Geometry,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

impl Recorded for GridBoundary {
    const KIND: &'static str = "grid";

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn area(&self) -> &str {
        self.code.as_str()
    }

    fn version(&self) -> i32 {
        self.version
    }
}

impl Recorded for CommunityBoundary {
    const KIND: &'static str = "community";

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn area(&self) -> &str {
        self.code.as_str()
    }

    fn version(&self) -> i32 {
        self.version
    }
}

/// The boundary of a grid that the caller may see.
pub async fn of_grid(view: &View<'_>, id: GridId) -> Result<GridBoundary> {
    let scope = view.may(grids::READ)?;
    let found = GridBoundary::query().filter(grid::id.eq(id)).filter(within_or_above!(scope, grid::code)).first(&mut view.conn()).await.optional()?;
    found.ok_or_else(|| (&grids::UNKNOWN).into())
}

/// The boundary of a community that the caller may see.
pub async fn of_community(view: &View<'_>, id: CommunityId) -> Result<CommunityBoundary> {
    let scope = view.may(communities::READ)?;
    let found =
        CommunityBoundary::query().filter(community::id.eq(id)).filter(within_or_above!(scope, community::code)).first(&mut view.conn()).await.optional()?;
    found.ok_or_else(|| (&communities::UNKNOWN).into())
}

/// Gives a grid a boundary, or takes it away.
pub async fn set_of_grid(tx: &Tx<'_>, id: GridId, expected: Expected, boundary: Option<&Geometry>) -> Result<GridBoundary> {
    let held = grids::lock(tx, id).await?;
    expected.check(held.version)?;
    period::still_open(held.valid_to)?;
    let boundary = checked(boundary).await?;
    let before: GridBoundary = GridBoundary::query().filter(grid::id.eq(id)).first(&mut tx.conn()).await?;
    let after = diesel::update(grid::table.find(id))
        .set((grid::boundary.eq(boundary), grid::version.eq(before.version + 1), grid::updated_at.eq(tx.now)))
        .returning(GridBoundary::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("grid.changed", Some(&before), &after, None)?;
    Ok(after)
}

/// Gives a community a boundary, or takes it away.
pub async fn set_of_community(tx: &Tx<'_>, id: CommunityId, expected: Expected, boundary: Option<&Geometry>) -> Result<CommunityBoundary> {
    let held = communities::lock(tx, id).await?;
    expected.check(held.version)?;
    period::still_open(held.valid_to)?;
    let boundary = checked(boundary).await?;
    let before: CommunityBoundary = CommunityBoundary::query().filter(community::id.eq(id)).first(&mut tx.conn()).await?;
    let after = diesel::update(community::table.find(id))
        .set((community::boundary.eq(boundary), community::version.eq(before.version + 1), community::updated_at.eq(tx.now)))
        .returning(CommunityBoundary::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("community.changed", Some(&before), &after, None)?;
    Ok(after)
}

/// A boundary that encloses ground as it should, if one was given.
async fn checked(boundary: Option<&Geometry>) -> Result<Option<Geometry>> {
    let Some(given) = boundary.cloned() else { return Ok(None) };
    let sound = apart(move || Boundary::parse(&given, "/boundary").map(|_| given)).await?;
    Ok(Some(sound?))
}
