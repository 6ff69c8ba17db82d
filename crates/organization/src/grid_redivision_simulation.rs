//! The simulation of a re-division of grids: what it would change, counted by the SQL by which it takes effect (ORG-03, ORG-12).

use chrono::NaiveDate;
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel_async::RunQueryDsl;
use kernel::manifest::{Home, Rehoming};
use kernel::{Result, View, text_enum};
use serde::Serialize;
use utoipa::ToSchema;

use crate::grid_division::{Load, SPREAD};
use crate::grid_redivision::{self, GridRedivision, GridRedivisionId, OVER, WRITE, seen};
use crate::grid_redivision_ground::{asked, count};

text_enum!(
    /// What becomes of a grid.
    GridFate {
        /// It goes on.
        Kept = "kept" "保留",
        /// It begins.
        Created = "created" "新设",
        /// It closes.
        Closed = "closed" "终止",
    }
);

/// What a re-division of grids would change.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GridRedivisionSimulation {
    /// The version that it is said of.
    pub version: i32,
    /// The first day of the new division.
    pub effective_on: NaiveDate,
    /// The grids of the area on the day before.
    pub before: RedivisionSide,
    /// The grids of the area on the day.
    pub after: RedivisionSide,
    /// Each grid before or after that lies in your areas, by code.
    #[schema(max_items = 10000)]
    pub grids: Vec<SimulatedGrid>,
    /// Households that would come into another grid, or into one at all.
    pub households_moved: i64,
    /// Links of compounds to grids that would end.
    pub compound_links_ended: i64,
    /// Links of compounds to grids that would begin.
    pub compound_links_begun: i64,
    /// What stands in the compounds whose links change.
    pub compounds: AffectedCompounds,
    /// What else has a grid that would close as its home, table by table; what stays, such as roles and keys, is told to those who may
    /// draft a re-division here.
    #[schema(max_items = 100)]
    pub homes: Vec<AffectedHome>,
}

/// The grids of an area on one side of the day.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RedivisionSide {
    /// How many grids.
    pub grids: i64,
    /// How many households are in them.
    pub households: i64,
    /// How these spread over the grids.
    pub load: Load,
}

/// A grid before and after.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SimulatedGrid {
    /// Its code.
    #[schema(example = "421181001001001")]
    pub code: String,
    /// Its name, that of the plan where it is in it.
    pub name: String,
    /// What becomes of it.
    pub fate: GridFate,
    /// Households on the day before.
    pub households_before: i64,
    /// Households on the day.
    pub households_after: i64,
    /// Buildings with a household in it on the day before.
    pub buildings_before: i64,
    /// Buildings in it on the day.
    pub buildings_after: i64,
    /// Compounds that lie in it on the day before.
    pub compounds_before: i64,
    /// Compounds that lie in it on the day.
    pub compounds_after: i64,
}

/// What stands in the compounds whose links to grids change; none of it is changed itself.
#[derive(Clone, Debug, QueryableByName, Serialize, ToSchema)]
pub struct AffectedCompounds {
    /// Compounds.
    #[diesel(sql_type = BigInt)]
    pub compounds: i64,
    /// Governance bodies.
    #[diesel(sql_type = BigInt)]
    pub governance_bodies: i64,
    /// Seats in them.
    #[diesel(sql_type = BigInt)]
    pub governance_body_members: i64,
    /// Party organizations.
    #[diesel(sql_type = BigInt)]
    pub party_organizations: i64,
    /// Posts in them.
    #[diesel(sql_type = BigInt)]
    pub party_posts: i64,
}

/// Rows of one table whose home closes.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AffectedHome {
    /// The table.
    #[schema(example = "person")]
    pub table: &'static str,
    /// How many rows.
    pub count: i64,
    /// How many of them go to the community, as the households of their grid go to several, or there are none.
    pub to_community: i64,
    /// Whether they go with the grid; else somebody has to look after them.
    pub follows: bool,
    /// Why they stay; null where they go.
    #[schema(example = "Who answers for which grid after is decided, not computed.")]
    pub why_not: Option<String>,
}

/// How the grids before and after are counted.
const BEFORE: &str = ", loaded as (select b.code, count(m.household_id) as number from grid_before b left join home m on m.grid_code = b.code group by b.code)";
const AFTER: &str = ", loaded as (select code, number from grid_after)";
const TOTALS: &str = "select count(*) as grids, coalesce(sum(number), 0)::bigint as households from loaded";

const GRIDS: &str = ", \
    lives_before as (select grid_code, count(*) as households, count(distinct left(household_code, 17)) as buildings from home group by grid_code), \
    stands_after as (select grid_code, count(*) as buildings from building_after group by grid_code), \
    lies_before as (select grid_code, count(*) as compounds from link_before group by grid_code), \
    lies_after as (select grid_code, count(*) as compounds from link_after group by grid_code), \
    known as (select coalesce(p.code, b.code) as code, coalesce(p.name, b.name) as name, b.code is not null as was, p.code is not null as stays, \
        coalesce(a.number, 0) as households_after from grid_before b full join plan_grid p on p.code = b.code left join grid_after a on a.code = p.code) \
    select k.code, k.name, k.was, k.stays, coalesce(h.households, 0) as households_before, k.households_after, \
        coalesce(h.buildings, 0) as buildings_before, coalesce(s.buildings, 0) as buildings_after, \
        coalesce(l.compounds, 0) as compounds_before, coalesce(n.compounds, 0) as compounds_after \
    from known k left join lives_before h on h.grid_code = k.code left join stands_after s on s.grid_code = k.code \
    left join lies_before l on l.grid_code = k.code left join lies_after n on n.grid_code = k.code order by k.code";

/// Households that come into another grid.
pub(crate) const MOVED: &str = "select t.id from target t where t.grid_code is not null and t.was is distinct from t.grid_code";
/// Links that end: those that the plan does not want.
pub(crate) const LINKS_ENDED: &str = "select b.id, b.compound_code from link_before b where not exists (select from link_after a where a.link_id = b.id)";
/// Links that begin.
pub(crate) const LINKS_BEGUN: &str = "select a.compound_code, a.grid_code, a.exception from link_after a where a.link_id is null";

/// Simulates a re-division that is not over. `homes` names everything that may have a grid as its home.
pub async fn simulate(view: &View<'_>, homes: &[Home], id: GridRedivisionId) -> Result<GridRedivisionSimulation> {
    let redivision = grid_redivision::get(view, id).await?;
    if redivision.state.is_over() {
        return Err((&OVER).into());
    }
    let of = &redivision;
    Ok(GridRedivisionSimulation {
        version: redivision.version,
        effective_on: redivision.effective_on,
        before: side(view, of, BEFORE).await?,
        after: side(view, of, AFTER).await?,
        grids: grids(view, of).await?,
        households_moved: count(view, of, MOVED).await?,
        compound_links_ended: count(view, of, LINKS_ENDED).await?,
        compound_links_begun: count(view, of, LINKS_BEGUN).await?,
        compounds: compounds(view, of).await?,
        homes: affected(view, of, homes).await?,
    })
}

/// One side of the day; `loaded` says how many households each grid has.
async fn side(view: &View<'_>, of: &GridRedivision, loaded: &str) -> Result<RedivisionSide> {
    #[derive(QueryableByName)]
    struct Totals {
        #[diesel(sql_type = BigInt)]
        grids: i64,
        #[diesel(sql_type = BigInt)]
        households: i64,
    }
    let Totals { grids, households } = asked(of, &format!("{loaded} {TOTALS}")).get_result(&mut view.conn()).await?;
    let load: Load = asked(of, &format!("{loaded} {SPREAD}")).get_result(&mut view.conn()).await?;
    Ok(RedivisionSide { grids, households, load })
}

async fn grids(view: &View<'_>, of: &GridRedivision) -> Result<Vec<SimulatedGrid>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        code: String,
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Bool)]
        was: bool,
        #[diesel(sql_type = Bool)]
        stays: bool,
        #[diesel(sql_type = BigInt)]
        households_before: i64,
        #[diesel(sql_type = BigInt)]
        households_after: i64,
        #[diesel(sql_type = BigInt)]
        buildings_before: i64,
        #[diesel(sql_type = BigInt)]
        buildings_after: i64,
        #[diesel(sql_type = BigInt)]
        compounds_before: i64,
        #[diesel(sql_type = BigInt)]
        compounds_after: i64,
    }
    let rows: Vec<Row> = asked(of, GRIDS).load(&mut view.conn()).await?;
    let shown = |row: Row| SimulatedGrid {
        fate: match (row.was, row.stays) {
            (true, true) => GridFate::Kept,
            (false, _) => GridFate::Created,
            (true, false) => GridFate::Closed,
        },
        code: row.code,
        name: row.name,
        households_before: row.households_before,
        households_after: row.households_after,
        buildings_before: row.buildings_before,
        buildings_after: row.buildings_after,
        compounds_before: row.compounds_before,
        compounds_after: row.compounds_after,
    };
    let his = seen(view);
    Ok(rows.into_iter().filter(|row| his.covers(&row.code)).map(shown).collect())
}

async fn compounds(view: &View<'_>, of: &GridRedivision) -> Result<AffectedCompounds> {
    let standing = |table: &str| {
        format!("(select count(*) from {table} t join touched c on c.compound_code = t.compound_code where t.valid_to is null or t.valid_to > $3)")
    };
    let (bodies, members, organizations) = (standing("governance_body"), standing("governance_body_member"), standing("party_organization"));
    let sql = format!(
        ", ended as ({LINKS_ENDED}), begun as ({LINKS_BEGUN}), touched as (select compound_code from ended union select compound_code from begun) \
         select (select count(*) from touched) as compounds, {bodies} as governance_bodies, {members} as governance_body_members, \
         {organizations} as party_organizations, \
         (select count(*) from party_post s join party_organization t on t.code = s.organization_code join touched c on c.compound_code = t.compound_code \
          where s.valid_to is null or s.valid_to > $3) as party_posts"
    );
    Ok(asked(of, &sql).get_result(&mut view.conn()).await?)
}

/// What has a grid that closes as its home, where that is not the plan's to say. Who has which access there is for whoever plans.
async fn affected(view: &View<'_>, of: &GridRedivision, homes: &[Home]) -> Result<Vec<AffectedHome>> {
    let plans = view.actor.may_at(WRITE, of.area_code.as_str()).is_ok();
    let mut found = Vec::new();
    for home in homes.iter().filter(|home| home.open != "false") {
        let why_not = match home.rehoming {
            Rehoming::Follows => None,
            Rehoming::Stays(why) if plans => Some(why.to_owned()),
            Rehoming::Stays(_) | Rehoming::Planned | Rehoming::Computed => continue,
        };
        let Home { table, column, open, .. } = *home;
        let follows = why_not.is_none();
        let rows = format!("select t.id from {table} t join closing c on c.code = t.{column} where ({open})");
        let parted = format!("{rows} and not exists (select from sole s where s.old_code = c.code)");
        let to_community = if follows { count(view, of, &parted).await? } else { 0 };
        found.push(AffectedHome { table, count: count(view, of, &rows).await?, to_community, follows, why_not });
    }
    Ok(found)
}
