//! The checks of a re-division of grids: what its plan must keep before it is decided on (ORG-03 … ORG-05, ORG-12), and what it
//! should. “边界清晰、无缝衔接”: from its day on every building and household of the area is in one grid, and no other.

use chrono::NaiveDate;
use diesel::sql_types::{Array, Text};
use diesel_async::RunQueryDsl;
use kernel::{Choice, Labelled, Result, View, text_enum};
use serde::Serialize;
use utoipa::ToSchema;

use crate::grid_division::{self, Breach, GridDivisionQuery, SizeBand};
use crate::grid_redivision::{self, GridRedivision, GridRedivisionId, OVER, seen};
use crate::grid_redivision_flow::RedivisionState;
use crate::grid_redivision_ground::{asked, count};
use crate::{grid_redivision_boundaries, household};

/// Rows that a finding shows; its count is of all.
const SHOWN: i64 = 200;

text_enum!(
    /// What is checked.
    RedivisionCheck {
        /// Buildings that the plan puts into no grid.
        BuildingsMissing = "buildings_missing" "楼栋未划入网格",
        /// Households that the plan puts into no grid.
        HouseholdsMissing = "households_missing" "户未划入网格",
        /// Grids of communities that are not there on the day.
        CommunitiesMissing = "communities_missing" "网格所属社区不存在或已终止",
        /// Codes that were used before, or by a grid that begins on the day or later.
        CodesUsed = "codes_used" "网格编码已被使用",
        /// Grids that begin on the day or later, and are not in the plan.
        GridsAhead = "grids_ahead" "方案之外另有自生效日起启用的网格",
        /// Compounds with a link to a grid that begins on the day or later.
        LinksAhead = "links_ahead" "小区另有自生效日起的网格归属",
        /// Compounds without buildings whose grid closes, and nobody goes from it.
        CompoundsLeft = "compounds_left" "无楼栋的小区所在网格终止而无处可归",
        /// Compounds with several grids, or grids with several compounds, without an exception.
        ExceptionsMissing = "exceptions_missing" "一小区多网格或一网格多小区而未填写例外",
        /// Grids that begin, get another name or take in one that closes, without a reason; and such as close and leave nobody, where
        /// the re-division has no reason.
        ReasonsMissing = "reasons_missing" "新设、更名或终止的网格未说明理由",
        /// Grids without a boundary in a community of which the plan draws another grid.
        BoundariesMissing = "boundaries_missing" "同社区的网格有的有边界、有的没有",
        /// Pairs of grids whose boundaries overlap by more than a square metre.
        BoundariesOverlap = "boundaries_overlap" "网格边界重叠",
        /// Grids whose boundary reaches beyond that of their community.
        BoundariesOutside = "boundaries_outside" "网格边界超出社区边界",
        /// Communities of whose ground some is within no boundary of a grid.
        BoundariesGap = "boundaries_gap" "网格边界之间或与社区边界之间有空隙",
        /// Buildings and households of the plan that have ended by the day.
        EntriesGone = "entries_gone" "方案中的楼栋或户届时已终止",
        /// Buildings that were entered after the approval, and go with their compound.
        BuildingsLate = "buildings_late" "批准后新登记、随小区划入的楼栋",
        /// Grids with fewer households than they should have.
        GridsTooSmall = "grids_too_small" "网格户数偏少",
        /// Grids with more households than they should have.
        GridsTooLarge = "grids_too_large" "网格户数偏多",
    }
);

/// A check that the plan must pass: SQL for `code, name, number` of what breaks it.
struct Rule {
    check: RedivisionCheck,
    breaks: &'static str,
}

/// The checks that a plan must pass.
const RULES: [Rule; 8] = [
    Rule {
        check: RedivisionCheck::BuildingsMissing,
        breaks: "select b.code, b.name, 0::bigint as number from building_now b \
                 where not exists (select from place p where p.building_code = b.code)",
    },
    Rule { check: RedivisionCheck::HouseholdsMissing, breaks: "select code, name, 0::bigint as number from target where grid_code is null" },
    Rule {
        check: RedivisionCheck::CommunitiesMissing,
        breaks: "select p.code, p.name, 0::bigint as number from plan_grid p left join community c on c.code = left(p.code, 12) \
                 where c.code is null or c.valid_from > $3 or c.valid_to <= $3",
    },
    Rule {
        check: RedivisionCheck::CodesUsed,
        breaks: "select p.code, p.name, 0::bigint as number from plan_grid p join grid g on g.code = p.code where g.valid_to is not null or g.valid_from >= $3",
    },
    Rule {
        check: RedivisionCheck::GridsAhead,
        breaks: "select g.code, g.name, 0::bigint as number from grid g where g.code >= $2 and g.code < $2 || '~' and g.valid_from >= $3 \
                 and not exists (select from plan_grid p where p.code = g.code)",
    },
    Rule {
        check: RedivisionCheck::LinksAhead,
        breaks: "select c.code, c.name, count(*) as number from compound_grid l join compound c on c.code = l.compound_code \
                 where l.grid_code >= $2 and l.grid_code < $2 || '~' and l.valid_from >= $3 group by c.code, c.name",
    },
    Rule {
        check: RedivisionCheck::CompoundsLeft,
        breaks: "select c.code, c.name, count(*) as number from link_before l join closing o on o.code = l.grid_code join compound c on c.code = l.compound_code \
                 where not exists (select from heir s where s.old_code = l.grid_code) \
                 and not exists (select from building_now b where b.compound_code = l.compound_code) group by c.code, c.name",
    },
    Rule {
        check: RedivisionCheck::ExceptionsMissing,
        breaks: "select c.code, c.name, count(*) as number from link_after a join compound c on c.code = a.compound_code \
                 where a.exception is null group by c.code, c.name having count(*) > 1 \
                 union all \
                 select p.code, p.name, count(*) as number from link_after a join plan_grid p on p.code = a.grid_code \
                 where a.exception is null group by p.code, p.name having count(*) > 1",
    },
];

/// Grids that change and have no reason: what becomes of one that closes is said by those that its households go to, and where there
/// are none, by the re-division.
pub(crate) const UNREASONED: &str = "select p.code, p.name, 0::bigint as number from plan_grid p left join grid_before b on b.code = p.code \
     where p.reason is null and (b.code is null or b.name <> p.name \
     or exists (select from flow f join closing c on c.code = f.old_code where f.new_code = p.code)) \
     union all \
     select c.code, c.name, 0::bigint as number from closing c where not exists (select from flow f where f.old_code = c.code) \
     and exists (select from grid_redivision r where r.id = $1 and r.reason is null)";

/// What is told and forbids nothing.
const ENTRIES_GONE: &str = "select b.code, b.name, 0::bigint as number from grid_redivision_building p join building b on b.code = p.building_code \
     where p.redivision_id = $1 and b.valid_to <= $3 \
     union all \
     select h.code, h.name, 0::bigint as number from grid_redivision_household p join household h on h.code = p.household_code \
     where p.redivision_id = $1 and h.valid_to <= $3";

/// What was entered after the approval and goes with its compound; told, so that nobody wonders at it.
const BUILDINGS_LATE: &str = "select code, name, 0::bigint as number from late";

/// What the checks of a re-division say.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GridRedivisionChecks {
    /// The version that they are said of.
    pub version: i32,
    /// The first day of the new division.
    pub effective_on: NaiveDate,
    /// Whether nothing is found that forbids it.
    pub passes: bool,
    /// How many households a grid should have.
    pub size_band: SizeBand,
    /// Each check, with what breaks it.
    #[schema(max_items = 50)]
    pub findings: Vec<RedivisionFinding>,
}

/// Something that breaks a check.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RedivisionBreach {
    /// The code of the building, household, compound, grid or community.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Of a grid how many households it has, of links how many there are, of boundaries how many square metres; else 0.
    pub number: i64,
    /// The code of the other grid, of two whose boundaries overlap; else null.
    pub other_code: Option<String>,
    /// Its name.
    pub other_name: Option<String>,
}

impl From<Breach> for RedivisionBreach {
    fn from(Breach { code, name, number }: Breach) -> Self {
        Self { code, name, number, other_code: None, other_name: None }
    }
}

/// What breaks one check.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RedivisionFinding {
    /// The check.
    pub check: RedivisionCheck,
    /// What it finds, in Chinese.
    #[schema(example = "楼栋未划入网格")]
    pub zh: &'static str,
    /// What it finds, in English.
    #[schema(example = "buildings missing")]
    pub en: String,
    /// Whether it forbids the re-division; else it is told, and forbids nothing.
    pub forbids: bool,
    /// How many break it.
    pub count: i64,
    /// The first 200 of those that you may see, by code: in your areas, and households where you may see households.
    #[schema(max_items = 200)]
    pub items: Vec<RedivisionBreach>,
}

/// Looks at a re-division that is not over.
pub async fn checks(view: &View<'_>, id: GridRedivisionId) -> Result<GridRedivisionChecks> {
    let redivision = grid_redivision::get(view, id).await?;
    if redivision.state.is_over() {
        return Err((&OVER).into());
    }
    let size_band = grid_division::size_band(view, &GridDivisionQuery::default(), redivision.effective_on).await?;
    let mut findings = Vec::new();
    for rule in &RULES {
        findings.push(find(view, &redivision, rule.check, true, rule.breaks).await?);
    }
    // Reasons are given with the draft; once it is submitted, nobody can add one.
    let drafted = redivision.state == RedivisionState::Draft;
    findings.push(find(view, &redivision, RedivisionCheck::ReasonsMissing, drafted, UNREASONED).await?);
    findings.extend(grid_redivision_boundaries::findings(view, &redivision).await?);
    let sized = |bound: String| format!("select code, name, number from grid_after where number {bound}");
    findings.push(find(view, &redivision, RedivisionCheck::EntriesGone, false, ENTRIES_GONE).await?);
    findings.push(find(view, &redivision, RedivisionCheck::BuildingsLate, false, BUILDINGS_LATE).await?);
    findings.push(find(view, &redivision, RedivisionCheck::GridsTooSmall, false, &sized(format!("< {}", size_band.min_households))).await?);
    findings.push(find(view, &redivision, RedivisionCheck::GridsTooLarge, false, &sized(format!("> {}", size_band.max_households))).await?);
    let passes = findings.iter().all(|finding| finding.count == 0 || !finding.forbids);
    Ok(GridRedivisionChecks { version: redivision.version, effective_on: redivision.effective_on, passes, size_band, findings })
}

/// The first check that the plan must pass and does not, as people call it, and how many break it.
pub(crate) async fn first_broken(view: &View<'_>, redivision: &GridRedivision) -> Result<Option<(&'static str, i64)>> {
    for rule in &RULES {
        let broken = count(view, redivision, rule.breaks).await?;
        if broken > 0 {
            return Ok(Some((rule.check.choice().zh, broken)));
        }
    }
    grid_redivision_boundaries::first(view, redivision).await
}

/// What breaks a check: how many in all, and those that the caller may see.
async fn find(view: &View<'_>, redivision: &GridRedivision, check: RedivisionCheck, forbids: bool, select: &str) -> Result<RedivisionFinding> {
    let total = count(view, redivision, select).await?;
    let items = if total > 0 { shown(view, redivision, select).await? } else { Vec::new() };
    let Choice { word, zh } = check.choice();
    Ok(RedivisionFinding { check, zh, en: word.replace('_', " "), forbids, count: total, items })
}

/// Those of what breaks a check that the caller may see. A household is known by its code, which nothing else has.
async fn shown(view: &View<'_>, redivision: &GridRedivision, select: &str) -> Result<Vec<RedivisionBreach>> {
    let his = format!(
        "select f.code, f.name, f.number from ({select}) f left join household h on h.code = f.code \
         where case when h.code is null then f.code ^@ any ($4) else h.area_code ^@ any ($5) end order by f.code limit {SHOWN}"
    );
    let query = asked(redivision, &his).bind::<Array<Text>, _>(seen(view).texts()).bind::<Array<Text>, _>(view.scope(&[household::READ]).texts());
    let breaches: Vec<Breach> = query.load(&mut view.conn()).await?;
    Ok(breaches.into_iter().map(Into::into).collect())
}
