//! The boundaries in the plan of a re-division of grids (ORG-03, ORG-12, W1): closed polygons, and in a community of which the plan draws
//! some grid, all of them, without an overlap, and without a gap where the boundary of the community is known.

use diesel_async::RunQueryDsl;
use kernel::boundary::{Boundary, Geometry, apart};
use kernel::{Choice, Fault, Labelled, Result, View};

use crate::grid_redivision::{GridRedivision, seen};
use crate::grid_redivision_check::{RedivisionBreach, RedivisionCheck, RedivisionFinding};
use crate::grid_redivision_ground::asked;
use crate::grid_redivision_plan::PlannedGrid;
use crate::plot::{Flaw, Judgement, Plot, judge};

/// Rows that a finding shows; its count is of all.
const SHOWN: usize = 200;

/// The grids of the communities that the plan draws. One that goes on keeps the boundary that it has, unless the plan gives another.
const GRIDS: &str = ", drawn as (select distinct left(code, 12) as community_code from plan_grid where boundary is not null) \
    select p.code, p.name, coalesce(p.boundary, g.boundary) as boundary from plan_grid p join drawn d on d.community_code = left(p.code, 12) \
    left join grid g on g.code = p.code order by p.code";

/// Those of these communities whose boundary is known.
const COMMUNITIES: &str = ", drawn as (select distinct left(code, 12) as community_code from plan_grid where boundary is not null) \
    select c.code, c.name, c.boundary from community c join drawn d on d.community_code = c.code where c.boundary is not null order by c.code";

/// What is wrong with the boundaries of some planned grids, each by itself.
pub(crate) async fn faults(grids: &[PlannedGrid]) -> Result<Vec<Fault>> {
    let given: Vec<(usize, Geometry)> = grids.iter().enumerate().filter_map(|(index, grid)| Some((index, grid.boundary.clone()?))).collect();
    if given.is_empty() {
        return Ok(Vec::new());
    }
    apart(move || {
        let parsed = given.iter().map(|(index, geometry)| Boundary::parse(geometry, &format!("/grids/{index}/boundary")));
        parsed.filter_map(|parsed| parsed.err().map(|refused| refused.into_fault())).collect()
    })
    .await
}

/// What the plan must keep of boundaries: each check with what breaks it.
async fn broken(view: &View<'_>, of: &GridRedivision) -> Result<[(RedivisionCheck, Vec<Flaw>); 4]> {
    let grids: Vec<Plot> = asked(of, GRIDS).load(&mut view.conn()).await?;
    let Judgement { missing, overlaps, outside, gaps } = if grids.is_empty() {
        Judgement::default()
    } else {
        let communities: Vec<Plot> = asked(of, COMMUNITIES).load(&mut view.conn()).await?;
        apart(move || judge(&grids, &communities)).await?
    };
    Ok([
        (RedivisionCheck::BoundariesMissing, missing),
        (RedivisionCheck::BoundariesOverlap, overlaps),
        (RedivisionCheck::BoundariesOutside, outside),
        (RedivisionCheck::BoundariesGap, gaps),
    ])
}

/// The first of these checks that the plan does not pass, as people call it, and how many break it.
pub(crate) async fn first(view: &View<'_>, of: &GridRedivision) -> Result<Option<(&'static str, i64)>> {
    let broken = broken(view, of).await?;
    Ok(broken.iter().find(|(_, flaws)| !flaws.is_empty()).map(|(check, flaws)| (check.choice().zh, number(flaws.len()))))
}

/// What these checks find, named where the caller may see it.
pub(crate) async fn findings(view: &View<'_>, of: &GridRedivision) -> Result<Vec<RedivisionFinding>> {
    let his = seen(view);
    let finding = |(check, flaws): (RedivisionCheck, Vec<Flaw>)| {
        let Choice { word, zh } = check.choice();
        let count = number(flaws.len());
        let shown = flaws.into_iter().filter(|flaw| his.covers(&flaw.plot.0) && flaw.other.as_ref().is_none_or(|(code, _)| his.covers(code)));
        let items = shown.take(SHOWN).map(breach).collect();
        RedivisionFinding { check, zh, en: word.replace('_', " "), forbids: true, count, items }
    };
    Ok(broken(view, of).await?.into_iter().map(finding).collect())
}

fn breach(flaw: Flaw) -> RedivisionBreach {
    let ((code, name), (other_code, other_name)) = (flaw.plot, flaw.other.unzip());
    RedivisionBreach { code, name, number: flaw.square_metres, other_code, other_name }
}

fn number(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
