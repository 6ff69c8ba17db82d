//! Lineage of grids (ORG-12): what became of which grid when the city was divided anew. Old codes lead to their successors,
//! new ones to where they come from; codes are never used again.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Date, Integer, Text};
use diesel_async::RunQueryDsl;
use kernel::area::AreaCode;
use kernel::page::{Cursor, MAX_TOTAL};
use kernel::text::Line;
use kernel::{Error, Page, Paging, Recorded, Refusal, Result, Stamp, Tx, View, id, import, text_enum, within, within_or_above};
use schema::{grid, grid_lineage};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::code::GridCode;
use crate::grid as grids;
use crate::grid::{GridId, READ};

id!(
    /// A line of descent.
    GridLineageId
);

text_enum!(
    /// What happened to a grid.
    LineageKind {
        /// It went on as it was.
        Unchanged = "unchanged" "不变",
        /// The same ground under a new code.
        Renamed = "renamed" "更名",
        /// It became several; a line for each of them.
        Split = "split" "拆分",
        /// Several became one; a line for each of them.
        Merged = "merged" "合并",
        /// A part of its ground went to another grid; it goes on.
        Adjusted = "adjusted" "调整",
        /// It came from nothing.
        Created = "created" "新设",
        /// Nothing came of it.
        Abolished = "abolished" "撤销",
    }
);

/// A line of descent between two grids.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = grid_lineage)]
pub struct GridLineage {
    /// Identity, for ever.
    pub id: GridLineageId,
    /// The grid before; null of one that was created.
    pub old_code: Option<GridCode>,
    /// The grid after; null of one that was abolished.
    pub new_code: Option<GridCode>,
    /// What happened.
    pub kind: LineageKind,
    /// The community, from the code of the grid after, else before.
    pub area_code: AreaCode,
    /// Households that went from the one to the other.
    pub households_moved: Option<i32>,
    /// Why, as the plan said it.
    pub reason: Option<Line>,
    /// Day on which the division took effect.
    pub valid_from: NaiveDate,
    /// Rises with every change.
    pub version: i32,
    /// When it was entered.
    pub created_at: Stamp,
    /// When it was last changed.
    pub updated_at: Stamp,
}

/// Which lines of descent a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct GridLineageFilter {
    /// In this area.
    pub area_code: Option<AreaCode>,
    /// From or to this grid.
    pub grid_code: Option<GridCode>,
    /// That took effect on this day.
    pub effective_on: Option<NaiveDate>,
    /// Of this kind.
    #[param(inline)]
    pub kind: Option<LineageKind>,
}

/// What became of a grid until a day, and where it comes from.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Descent {
    /// The day.
    pub as_of: NaiveDate,
    /// The grid.
    pub grid_code: GridCode,
    /// What it is on the day, over as many divisions as there were: itself while it is in force, what came of it, and what a part
    /// of it went to.
    #[schema(max_items = 10000)]
    pub successors: Vec<GridCode>,
    /// The grids that it comes from, back to those that come from nothing; itself is not among them.
    #[schema(max_items = 10000)]
    pub predecessors: Vec<GridCode>,
}

/// No such line.
pub const UNKNOWN: Refusal =
    Refusal::not_found("grid_lineage.unknown", "没有该网格沿革记录,或它不在您的区域内。", "There is no such line of descent, or it is not in your area.");
/// The codes do not fit what happened.
pub const WRONG_ENDS: Refusal = Refusal::invalid(
    "grid_lineage.wrong_ends",
    "新设只填新编码,撤销只填原编码,不变须两者相同,其余须填两个不同的编码。",
    "One that was created has a new code alone, one that was abolished an old one alone, one unchanged the same twice, any other two that differ.",
);
/// A grid that is not there.
pub const NO_SUCH_GRID: Refusal = Refusal::invalid("grid_lineage.no_such_grid", "没有该网格,请先登记。", "There is no such grid; enter it first.");
/// The old grid was not in force.
pub const OLD_NOT_IN_FORCE: Refusal = Refusal::invalid(
    "grid_lineage.old_not_in_force",
    "原网格在生效日前一日并未启用,或已在其他日期终止。",
    "The old grid was not in force on the day before, or ended on another day.",
);
/// The new grid begins on another day.
pub const NEW_BEGINS_ELSEWHEN: Refusal = Refusal::invalid(
    "grid_lineage.new_begins_elsewhen",
    "新网格的启用日期须为划分的生效日;合并、调整所入的网格也可在此前已启用。",
    "The new grid must begin on the day on which the division takes effect; one into which another is merged, or to which a part of another goes, may be older.",
);
/// The new grid was there and goes on.
pub const NOT_GOING_ON: Refusal =
    Refusal::invalid("grid_lineage.not_going_on", "该网格在生效日已终止,不能记为“不变”或“调整”。", "The grid has ended by that day, so it did not go on.");
/// The old grid is still in use.
pub const OLD_IN_USE: Refusal = Refusal::invalid(
    "grid_lineage.old_in_use",
    "原网格自生效日起仍有户、小区或人员;请先将其迁入新网格。",
    "The old grid still has households, compounds or people from that day on; move them to the new ones first.",
);
/// Two lines that cannot both be true.
pub const CONTRADICTED: Refusal = Refusal::invalid(
    "grid_lineage.contradicted",
    "另一行对同一原网格所述与此矛盾:网格只在一日终止,自该日起不能再记为“不变”。",
    "Another line tells otherwise of the old grid: it ends on one day, and from then on it does not go on unchanged.",
);
/// A part without the others.
pub const ONE_OF_SEVERAL: Refusal = Refusal::invalid(
    "grid_lineage.one_of_several",
    "拆分须有同日的两个以上新网格,合并须有同日的两个以上原网格;其余各行须在本文件中或已导入。",
    "A split has two new grids or more on its day, a merger two old ones; the other lines must be in this file, or be there already.",
);
/// The same line twice in a file.
pub const TWICE: Refusal = Refusal::invalid("grid_lineage.twice", "本文件中另有一行写明了同一沿革。", "Another row of this file tells the same descent.");
/// The grid that is asked about is not there.
pub const UNKNOWN_GRID: Refusal =
    Refusal::not_found("grid_lineage.unknown_grid", "没有该网格,或它不在您的区域内。", "There is no such grid, or it is not in your area.");

impl Recorded for GridLineage {
    const KIND: &'static str = "grid_lineage";

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn area(&self) -> &str {
        self.area_code.as_str()
    }

    fn version(&self) -> i32 {
        self.version
    }
}

/// Lists lines of descent that the caller may see, in the order in which they took effect.
pub async fn list(view: &View<'_>, filter: &GridLineageFilter, paging: &Paging) -> Result<Page<GridLineage>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query =
            GridLineage::query().filter(grid_lineage::valid_from.le(view.as_of)).filter(within_or_above!(scope, grid_lineage::area_code)).into_boxed();
        if let Some(area) = &filter.area_code {
            query = query.filter(grid_lineage::area_code.ge(area.clone()).and(grid_lineage::area_code.lt(kernel::area::end_of(area))));
        }
        if let Some(code) = &filter.grid_code {
            query = query.filter(grid_lineage::old_code.eq(code).or(grid_lineage::new_code.eq(code)));
        }
        if let Some(day) = filter.effective_on {
            query = query.filter(grid_lineage::valid_from.eq(day));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(grid_lineage::kind.eq(kind));
        }
        query
    };
    let mut page = chosen().order((grid_lineage::valid_from, grid_lineage::id)).limit(paging.fetch());
    if let Some(after) = paging.after(filter)? {
        let day: NaiveDate = after.key.parse().map_err(|_| Paging::broken())?;
        page = page.filter(grid_lineage::valid_from.gt(day).or(grid_lineage::valid_from.eq(day).and(grid_lineage::id.gt(after.id))));
    }
    let rows = page.load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(grid_lineage::id).limit(MAX_TOTAL).load::<GridLineageId>(&mut view.conn()).await?.len()),
        false => None,
    };
    paging.page(view.as_of, rows, total, filter, |row| Cursor { key: row.valid_from.to_string(), id: row.id.0 })
}

/// The line of descent with this id.
pub async fn get(view: &View<'_>, id: GridLineageId) -> Result<GridLineage> {
    let scope = view.may(READ)?;
    let found = GridLineage::query()
        .filter(grid_lineage::id.eq(id))
        .filter(within_or_above!(scope, grid_lineage::area_code))
        .first(&mut view.conn())
        .await
        .optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

/// What became of a grid until the day of the view, and where it comes from.
pub async fn descent(view: &View<'_>, code: &str) -> Result<Descent> {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        code: String,
        #[diesel(sql_type = Integer)]
        direction: i32,
    }
    let scope = view.may(READ)?;
    let grid_code = GridCode::parse(code).map_err(|_| &UNKNOWN_GRID)?;
    let known = grid::table.filter(grid::code.eq(&grid_code)).filter(within!(scope, grid::code)).select(grid::id);
    known.first::<GridId>(&mut view.conn()).await.optional()?.ok_or(&UNKNOWN_GRID)?;
    // `union` drops what was found before, so that nothing is walked twice.
    let walk = "with recursive line as (select * from grid_lineage where valid_from <= $2 and kind <> 'unchanged'), \
        later (code) as (select $1 collate \"C\" union select l.new_code from later s join line l on l.old_code = s.code where l.new_code is not null), \
        earlier (code) as (select $1 collate \"C\" union select l.old_code from earlier s join line l on l.new_code = s.code where l.old_code is not null) \
        select g.code, 1 as direction from later s join grid g on g.code = s.code where g.valid_from <= $2 and (g.valid_to is null or g.valid_to > $2) \
        union all select code, -1 from earlier where code <> $1";
    let steps: Vec<Step> = diesel::sql_query(walk).bind::<Text, _>(&grid_code).bind::<Date, _>(view.as_of).load(&mut view.conn()).await?;
    let of = |direction: i32| -> Result<Vec<GridCode>> {
        let codes: BTreeSet<&str> = steps.iter().filter(|step| step.direction == direction).map(|step| step.code.as_str()).collect();
        codes.into_iter().map(|code| GridCode::parse(code).map_err(Into::into)).collect()
    };
    Ok(Descent { as_of: view.as_of, grid_code, successors: of(1)?, predecessors: of(-1)? })
}

/// Ends the grids that lines of descent, just imported, say were divided, merged, renamed or abolished.
pub(crate) async fn end_old(tx: &Tx<'_>, lines: Vec<String>) -> Result<()> {
    let ids: Vec<Uuid> = lines.iter().filter_map(|id| id.parse().ok()).collect();
    let lines = GridLineage::query().filter(grid_lineage::id.eq_any(ids)).order(grid_lineage::old_code).load(&mut tx.conn()).await?;
    let ending = |line: &GridLineage| !matches!(line.kind, LineageKind::Unchanged | LineageKind::Adjusted | LineageKind::Created);
    let old: BTreeMap<GridCode, (NaiveDate, LineageKind)> =
        lines.into_iter().filter(ending).filter_map(|line| Some((line.old_code?, (line.valid_from, line.kind)))).collect();
    let mut closing = Vec::new();
    for (code, (on, kind)) in old {
        let open = grid::table.filter(grid::code.eq(&code).and(grid::valid_to.is_null())).select(grid::id);
        if let Some(id) = open.first::<GridId>(&mut tx.conn()).await.optional()? {
            closing.push((id, on, kind));
        }
    }
    if closing.is_empty() {
        return Ok(());
    }
    import::hold(tx, crate::first_day::STAND_IN_GRIDS).await?;
    for (id, on, kind) in closing {
        let label = LineageKind::CHOICES.iter().find(|choice| choice.word == kind.word()).map_or("", |choice| choice.zh);
        let before = grids::lock(tx, id).await.map_err(|error| if error.code().is_some() { Error::from(&NO_SUCH_GRID) } else { error })?;
        // What it is refused for now, the check of the rows cannot have seen. Run again, it names the row.
        let closed = grids::close(tx, &before, on, &format!("重新划分:{label}")).await;
        closed.map_err(|error| if error.code().is_some() { Error::again("something came into a grid that a division ends") } else { error })?;
    }
    Ok(())
}
