//! What the checks, the simulation and the effect of a re-division of grids have in common: SQL for what there is before its
//! day and what the plan makes of it. All three ask the same, so none can say what the others do not.

use diesel::pg::Pg;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{BigInt, Date, Text, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use kernel::{Result, View};

use crate::grid_redivision::GridRedivision;

/// Minutes that a statement over the ground may take where it is a command's; the city has some hundred thousand households.
pub(crate) const MINUTES: u32 = 15;

/// `$1` is the re-division, `$2` its area, `$3` its first day. What was before is asked of the day before, so it is the same
/// before the effect and after it.
///
/// - `late`: buildings that were entered after the approval, so that the plan cannot have them. They go with their compound where
///   the plan puts its other buildings into one grid; who decides has not been asked about any other.
/// - `place`: in which grid the plan has each building, and each late one.
/// - `target`: the households of the area that there are from that day on, and where each goes: with its building, unless the
///   plan says another grid for it.
/// - `flow`: how many households go from which grid to which.
/// - `heir`: of a grid that closes, the one that most of its households go to.
/// - `sole`: of a grid that closes and whose households all go to one, that one. Where they go to several, nobody knows who of the
///   people goes where.
/// - `building_after`: in which grids a building is: in those of its households, an empty one where the plan has it.
/// - `link_after`: in which grids each compound lies: in those of its buildings. One without buildings stays, or goes with the heir
///   of its grid. A link that is there stays as it is; of new ones those are exceptions that are not one to one.
const GROUND: &str = "\
    plan_grid as (select * from grid_redivision_grid where redivision_id = $1), \
    building_now as (select code, name, compound_code from building where code >= $2 and code < $2 || '~' and (valid_to is null or valid_to > $3)), \
    planned as (select building_code, grid_code from grid_redivision_building where redivision_id = $1), \
    settled as (\
        select n.compound_code, min(p.grid_code) as grid_code from building_now n join planned p on p.building_code = n.code \
        group by n.compound_code having count(distinct p.grid_code) = 1), \
    late as (\
        select n.code, n.name, s.grid_code from building_now n join settled s on s.compound_code = n.compound_code \
        where not exists (select from planned p where p.building_code = n.code) \
        and exists (select from grid_redivision r where r.id = $1 and r.state in ('approved', 'published'))), \
    place as (select building_code, grid_code from planned union all select code, grid_code from late), \
    target as (\
        select h.id, h.code, h.name, h.building_code, h.grid_code as was, h.valid_from, h.valid_to, coalesce(p.grid_code, b.grid_code) as grid_code \
        from household h left join place b on b.building_code = h.building_code \
        left join grid_redivision_household p on p.redivision_id = $1 and p.household_code = h.code \
        where h.code >= $2 and h.code < $2 || '~' and (h.valid_to is null or h.valid_to > $3)), \
    grid_before as (\
        select id, code, name, valid_to from grid where code >= $2 and code < $2 || '~' and valid_from < $3 and (valid_to is null or valid_to >= $3)), \
    closing as (select b.* from grid_before b where not exists (select from plan_grid p where p.code = b.code)), \
    home as (\
        select household_id, household_code, grid_code from household_grid \
        where grid_code >= $2 and grid_code < $2 || '~' and valid_from < $3 and (valid_to is null or valid_to >= $3)), \
    flow as (\
        select m.grid_code as old_code, t.grid_code as new_code, count(*) as households \
        from home m join target t on t.id = m.household_id where t.grid_code is not null group by m.grid_code, t.grid_code), \
    heir as (\
        select distinct on (f.old_code) f.old_code, f.new_code from flow f join closing c on c.code = f.old_code order by f.old_code, f.households desc, f.new_code), \
    sole as (\
        select f.old_code, min(f.new_code) as new_code from flow f join closing c on c.code = f.old_code group by f.old_code having count(*) = 1), \
    lived_in as (select distinct building_code, grid_code from target where grid_code is not null), \
    building_after as (\
        select building_code, grid_code from lived_in \
        union all \
        select b.code, p.grid_code from building_now b join place p on p.building_code = b.code \
        where not exists (select from lived_in i where i.building_code = b.code)), \
    link_before as (\
        select id, compound_code, grid_code, exception, valid_to from compound_grid \
        where grid_code >= $2 and grid_code < $2 || '~' and valid_from < $3 and (valid_to is null or valid_to > $3)), \
    link_wanted as (\
        select b.compound_code, a.grid_code from building_now b join building_after a on a.building_code = b.code \
        union \
        select l.compound_code, coalesce(p.code, s.new_code) from link_before l left join plan_grid p on p.code = l.grid_code left join heir s on s.old_code = l.grid_code \
        where coalesce(p.code, s.new_code) is not null and not exists (select from building_now b where b.compound_code = l.compound_code)), \
    link_after as (\
        select w.compound_code, w.grid_code, l.id as link_id, case \
            when l.id is not null then l.exception \
            when count(*) over (partition by w.compound_code) > 1 or count(*) over (partition by w.grid_code) > 1 then p.exception end as exception \
        from link_wanted w join plan_grid p on p.code = w.grid_code \
        left join link_before l on l.compound_code = w.compound_code and l.grid_code = w.grid_code), \
    grid_after as (select p.code, p.name, count(t.id) as number from plan_grid p left join target t on t.grid_code = p.code group by p.code, p.name)";

/// A question about a re-division: `sql` goes on from the ground, with a `select` or with `, more as (…)`.
pub(crate) fn asked(of: &GridRedivision, sql: &str) -> BoxedSqlQuery<'static, Pg, SqlQuery> {
    sql_query(format!("with {GROUND} {sql}"))
        .into_boxed()
        .bind::<SqlUuid, _>(of.id.0)
        .bind::<Text, _>(of.area_code.to_string())
        .bind::<Date, _>(of.effective_on)
}

/// A number of rows.
#[derive(QueryableByName)]
pub(crate) struct Counted {
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
}

/// How many rows a `select` over the ground finds.
pub(crate) async fn count(view: &View<'_>, of: &GridRedivision, select: &str) -> Result<i64> {
    let counted: Counted = asked(of, &format!("select count(*) as count from ({select}) found")).get_result(&mut view.conn()).await?;
    Ok(counted.count)
}
