//! The effect of a re-division of grids (ORG-12): in one transaction the new grids begin, households, compounds and whatever belongs
//! to a grid go where the plan has them, and the grids that it leaves out close, with their lineage.
//!
//! Each part is one statement that journals every row it changes. What was before stands: terms end on the day and begin on it.

use std::time::Duration;

use diesel::prelude::*;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use kernel::change::RefusedBy;
use kernel::manifest::{Home, Rehoming};
use kernel::task::{Pace, Task};
use kernel::text::Line;
use kernel::workflow::decide;
use kernel::{Call, Db, Error, Expected, Prepare, Result, Role, Tx, import};
use schema::{grid, grid_redivision};

use crate::grid as grids;
use crate::grid_redivision::{APPROVE, CONSTRAINTS, GridRedivision, GridRedivisionId, lock};
use crate::grid_redivision_flow::{RedivisionAction, RedivisionFlow, RedivisionState};
use crate::grid_redivision_ground::{Counted, MINUTES, asked};
use crate::grid_redivision_simulation::{LINKS_BEGUN, LINKS_ENDED};
use crate::grid_redivision_steps::facts;

/// How often it is looked whether the day of one has come.
const EVERY: Duration = Duration::from_secs(600);

/// The line of the journal for each row that a statement changed; its action, kind, id, area, former area, version and change
/// follow. `$4` … `$8` are actor, role, request and reason, `$9` is the time.
const TELL: &str = "insert into journal \
     (actor_id, actor_name, acting_role, request_id, reason, action, object_kind, object_id, area_code, former_area_code, version, change) \
     select $4, $5, $6, $7, $8, ";

/// Lets a published re-division take effect, on its day or later. `homes` names everything that may have a grid as its home.
pub async fn take_effect(tx: &Tx<'_>, homes: &[Home], id: GridRedivisionId, expected: Expected, note: Option<&Line>) -> Result<GridRedivision> {
    tx.may(APPROVE)?;
    tx.take_minutes(MINUTES).await?;
    import::hold(tx, &imported(homes)).await?;
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    tx.may_at(APPROVE, before.area_code.as_str())?;
    hold_entries(tx, homes, &before).await?;
    hold_grids(tx, &before).await?;
    let to = decide::<RedivisionFlow>(
        before.state,
        RedivisionAction::TakeEffect,
        |permission| tx.may_at(permission, before.area_code.as_str()),
        &facts(tx, &before).await?,
    )?;
    change(tx, &before, &begin_grids()).await?;
    change(tx, &before, &rename_grids()).await?;
    let moved = change(tx, &before, &move_households()).await?;
    let links = change(tx, &before, &link_compounds()).await?;
    let mut followed = 0;
    for home in homes.iter().filter(|home| home.rehoming == Rehoming::Follows) {
        followed += change(tx, &before, &follow(home)).await?;
    }
    change(tx, &before, &tell_lineage()).await?;
    change(tx, &before, &close_grids()).await?;
    let Totals { grids_before, grids_after, households_before, households_after, astray } = totals(tx, &before).await?;
    if astray > 0 {
        // Nobody can have come in between, as the grids are held. If somebody has, it is looked at once more.
        return Err(Error::again("households went elsewhere while their grids were divided anew"));
    }
    let after = diesel::update(grid_redivision::table.find(id))
        .set((
            (grid_redivision::grids_before.eq(grids_before), grid_redivision::grids_after.eq(grids_after)),
            (grid_redivision::households_before.eq(households_before), grid_redivision::households_after.eq(households_after)),
            (
                grid_redivision::households_moved.eq(number(moved)),
                grid_redivision::compound_links_changed.eq(number(links)),
                grid_redivision::objects_moved.eq(number(followed)),
            ),
            (grid_redivision::state.eq(to), grid_redivision::previous_state.eq(before.state)),
            (grid_redivision::version.eq(before.version + 1), grid_redivision::updated_at.eq(tx.now)),
        ))
        .returning(GridRedivision::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record(RedivisionAction::TakeEffect.told(), Some(&before), &after, note.map(Line::as_str))?;
    Ok(after)
}

/// The task that lets re-divisions take effect on their days. One that cannot is looked at again; the log says why.
#[must_use]
pub fn task(homes: Vec<Home>) -> Task {
    Task::new("grid_redivisions", EVERY, move |db, call| {
        let homes = homes.clone();
        async move { take_due(&db, &call, &homes).await }
    })
}

async fn take_due(db: &Db, call: &Call, homes: &[Home]) -> Result<Pace> {
    let due = db.browse(call, async |view| {
        let due = grid_redivision::table.filter(grid_redivision::state.eq(RedivisionState::Published).and(grid_redivision::effective_on.le(view.today())));
        Ok(due.order((grid_redivision::effective_on, grid_redivision::id)).select(grid_redivision::id).load::<GridRedivisionId>(&mut view.conn()).await?)
    });
    let mut failed = None;
    for id in due.await? {
        let done = db.write(call, "grid_redivision.take_effect", async |tx| {
            // Another replica may have it in hand, or be through with it.
            let free = grid_redivision::table.filter(grid_redivision::id.eq(id).and(grid_redivision::state.eq(RedivisionState::Published)));
            let free = free.select(grid_redivision::id).for_update().skip_locked().first::<GridRedivisionId>(&mut tx.conn()).await.optional()?;
            match free {
                Some(id) => take_effect(tx, homes, id, Expected::Any, None).await.map(drop),
                None => Ok(()),
            }
        });
        failed = done.await.err().or(failed);
    }
    failed.map_or(Ok(Pace::Rest), Err)
}

/// By which sheets rows come into grids.
fn imported(homes: &[Home]) -> Vec<&'static str> {
    let moving = homes.iter().filter(|home| matches!(home.rehoming, Rehoming::Planned | Rehoming::Follows));
    let mut resources: Vec<&str> = moving.filter_map(|home| home.resource).chain([grids::SHEET.resource]).collect();
    resources.sort_unstable();
    resources.dedup();
    resources
}

/// Locks what may be moved, before the grids, as commands do: nobody can end or move it meanwhile, and whoever holds a row and
/// waits for a grid is waited for here and not met there.
async fn hold_entries(tx: &Tx<'_>, homes: &[Home], of: &GridRedivision) -> Result<()> {
    let standing = "t.valid_to is null or t.valid_to > $3";
    let following = homes.iter().filter(|home| home.rehoming == Rehoming::Follows).map(|home| (home.table, home.column, home.open));
    for (table, column, open) in [("household", "code", standing), ("compound_grid", "grid_code", standing)].into_iter().chain(following) {
        let held = format!(
            "select count(*) as count from (\
             select t.id from {table} t where t.{column} >= $2 and t.{column} < $2 || '~' and ({open}) order by t.id for update) held"
        );
        let _: Counted = asked(of, &held).get_result(&mut tx.conn()).await?;
    }
    Ok(())
}

/// Locks the grids of the area: whoever brings something into one waits, and then sees what has become of it.
async fn hold_grids(tx: &Tx<'_>, of: &GridRedivision) -> Result<()> {
    let inside = grid::table.filter(grid::code.ge(of.area_code.clone()).and(grid::code.lt(kernel::area::end_of(&of.area_code))));
    inside.select(grid::id).order(grid::code).for_update().load::<grids::GridId>(&mut tx.conn()).await?;
    Ok(())
}

/// A statement over the ground, with who does it and when.
fn doing(tx: &Tx<'_>, of: &GridRedivision, sql: &str) -> BoxedSqlQuery<'static, diesel::pg::Pg, SqlQuery> {
    asked(of, sql)
        .bind::<SqlUuid, _>(tx.actor.id)
        .bind::<Text, _>(tx.actor.name.clone())
        .bind::<Nullable<Text>, _>(tx.role().map(Role::word))
        .bind::<Text, _>(tx.request_id.clone())
        .bind::<Text, _>(of.title.to_string())
        .bind::<Timestamptz, _>(tx.now)
}

/// Runs a statement that ends in `select … as count`; answers how many rows it changed.
async fn change(tx: &Tx<'_>, of: &GridRedivision, sql: &str) -> Result<i64> {
    let counted: Counted = doing(tx, of, sql).get_result(&mut tx.conn()).await?;
    Ok(counted.count)
}

/// The grids of the plan that are not there yet begin.
fn begin_grids() -> String {
    format!(
        ", made as (\
             insert into grid (id, code, name, kind, boundary, valid_from) select fresh_id(), p.code, p.name, coalesce(p.kind, 'urban'), p.boundary, $3 \
             from plan_grid p where not exists (select from grid g where g.code = p.code) \
             returning id, code, community_code, name, kind, boundary, valid_from, version), \
         told as ({TELL} 'grid.created', 'grid', id, code, null, version, jsonb_strip_nulls(jsonb_build_object(\
             'code', code, 'community_code', community_code, 'name', name, 'kind', kind, 'boundary', boundary, 'valid_from', valid_from)) from made) \
         select count(*) as count from made"
    )
}

/// Those that go on get the name, the kind and the boundary that the plan says.
fn rename_grids() -> String {
    format!(
        ", named as (\
             update grid g set name = p.name, kind = coalesce(p.kind, g.kind), dedicated_kind = case when coalesce(p.kind, g.kind) = 'dedicated' then g.dedicated_kind end, \
                 boundary = coalesce(p.boundary, g.boundary), version = g.version + 1, updated_at = $9 \
             from plan_grid p join grid o on o.code = p.code \
             where o.id = g.id and (p.name <> g.name or p.kind <> g.kind or (p.boundary is not null and p.boundary is distinct from g.boundary)) \
             returning g.id, g.code, g.version, journal_diff(\
                 jsonb_build_object('name', o.name, 'kind', o.kind, 'dedicated_kind', o.dedicated_kind, 'boundary', o.boundary), \
                 jsonb_build_object('name', g.name, 'kind', g.kind, 'dedicated_kind', g.dedicated_kind, 'boundary', g.boundary)) as change), \
         told as ({TELL} 'grid.changed', 'grid', id, code, null, version, change from named) \
         select count(*) as count from named"
    )
}

/// Households go to their grids: their time in the old one ends on the day, and one in the new one begins. What began in another
/// grid on the day or later, as the effect came late, is put right.
fn move_households() -> String {
    format!(
        ", moved as (\
             update household h set grid_code = t.grid_code, version = h.version + 1, updated_at = $9 \
             from target t where t.id = h.id and t.grid_code is not null and h.grid_code is distinct from t.grid_code \
             returning h.id, h.code, h.version, t.was, h.grid_code, h.area_code, coalesce(t.was, left(h.code, 12)) as was_in), \
         told as ({TELL} 'household.moved', 'household', id, area_code, was_in, version, jsonb_build_object(\
             'grid_code', jsonb_build_object('from', was, 'to', grid_code), 'area_code', jsonb_build_object('from', was_in, 'to', area_code)) from moved), \
         touched as (\
             select m.id, m.household_id, m.household_code, m.valid_from, m.valid_to, t.grid_code from target t join household_grid m on m.household_id = t.id \
             where (m.valid_to is null or m.valid_to > $3) and m.grid_code <> t.grid_code), \
         ended as (\
             update household_grid m set grid_code = case when m.valid_from < $3 then m.grid_code else u.grid_code end, \
                 valid_to = case when m.valid_from < $3 then $3 else m.valid_to end \
             from touched u where u.id = m.id returning m.id), \
         begun as (\
             insert into household_grid (id, household_id, household_code, grid_code, valid_from, valid_to) \
             select fresh_id(), household_id, household_code, grid_code, $3, valid_to from touched where valid_from < $3 \
             union all \
             select fresh_id(), t.id, t.code, t.grid_code, greatest($3, t.valid_from), t.valid_to from target t \
             where t.grid_code is not null and not exists (select from household_grid m where m.household_id = t.id and (m.valid_to is null or m.valid_to > $3)) \
             returning id) \
         select count(*) as count from moved"
    )
}

/// Compounds lie in the grids of their buildings: links that the plan does not want end, those that are missing begin.
fn link_compounds() -> String {
    format!(
        ", surplus as ({LINKS_ENDED}), missing as ({LINKS_BEGUN}), \
         ended as (\
             update compound_grid l set valid_to = $3, version = l.version + 1, updated_at = $9 from surplus o join link_before b on b.id = o.id where l.id = o.id \
             returning l.id, l.grid_code, l.version, b.valid_to as was_to), \
         begun as (\
             insert into compound_grid (id, compound_code, grid_code, exception, exception_reason, approved_by, valid_from, valid_to) \
             select fresh_id(), a.compound_code, a.grid_code, a.exception, case when a.exception is not null then p.exception_reason end, \
                 case when a.exception is not null then p.approved_by end, greatest($3, c.valid_from), c.valid_to \
             from missing a join plan_grid p on p.code = a.grid_code join compound c on c.code = a.compound_code \
             where c.valid_to is null or c.valid_to > greatest($3, c.valid_from) \
             returning id, compound_code, grid_code, exception, exception_reason, approved_by, valid_from, version), \
         told_ended as ({TELL} 'compound_grid.ended', 'compound_grid', id, grid_code, null, version, \
             jsonb_build_object('valid_to', jsonb_build_object('from', was_to, 'to', $3)) from ended), \
         told_begun as ({TELL} 'compound_grid.created', 'compound_grid', id, grid_code, null, version, jsonb_strip_nulls(jsonb_build_object(\
             'compound_code', compound_code, 'grid_code', grid_code, 'exception', exception, 'exception_reason', exception_reason, \
             'approved_by', approved_by, 'valid_from', valid_from)) from begun) \
         select (select count(*) from ended) + (select count(*) from begun) as count"
    )
}

/// Rows of a table go with the grid that is their home: to the one that all of its households went to; where they went to several,
/// or there were none, to its community, which finds out.
fn follow(home: &Home) -> String {
    let Home { table, column, open, .. } = home;
    format!(
        ", heirs as (select c.code as old_code, coalesce(s.new_code, left(c.code, 12)) as new_code from closing c left join sole s on s.old_code = c.code), \
         moved as (\
             update {table} t set {column} = s.new_code, version = t.version + 1, updated_at = $9 from heirs s where t.{column} = s.old_code and ({open}) \
             returning t.id, t.version, s.old_code, s.new_code), \
         told as ({TELL} '{table}.changed', '{table}', id, new_code, old_code, version, \
             jsonb_build_object('{column}', jsonb_build_object('from', old_code, 'to', new_code)) from moved) \
         select count(*) as count from moved"
    )
}

/// What became of which grid. An old one that gave a part and goes on was adjusted; what came into one that was there already
/// was merged into it.
fn tell_lineage() -> String {
    format!(
        ", passed as (\
             select f.old_code, f.new_code, f.households, exists (select from plan_grid p where p.code = f.old_code) as goes_on, \
                 exists (select from grid_before b where b.code = f.new_code) as was_there, \
                 count(*) over (partition by f.old_code) as successors, count(*) over (partition by f.new_code) as predecessors \
             from flow f where f.old_code <> f.new_code), \
         line as (\
             select old_code, new_code, households, case when goes_on then 'adjusted' when was_there then 'merged' when successors > 1 then 'split' \
                 when predecessors > 1 then 'merged' else 'renamed' end as kind from passed \
             union all \
             select c.code, null, 0, 'abolished' from closing c where not exists (select from passed p where p.old_code = c.code) \
             union all \
             select null, p.code, 0, 'created' from plan_grid p \
             where not exists (select from grid_before b where b.code = p.code) and not exists (select from passed f where f.new_code = p.code) \
             union all \
             select p.code, p.code, (select count(*) from home m where m.grid_code = p.code), 'unchanged' from plan_grid p join grid_before b on b.code = p.code \
             where not exists (select from passed f where p.code in (f.old_code, f.new_code))), \
         made as (\
             insert into grid_lineage (id, old_code, new_code, kind, households_moved, reason, valid_from) \
             select fresh_id(), l.old_code, l.new_code, l.kind, l.households::integer, \
                 coalesce(p.reason, case when l.new_code is null then (select r.reason from grid_redivision r where r.id = $1) end, $8), $3 \
             from line l left join plan_grid p on p.code = l.new_code on conflict on constraint grid_lineage_once do nothing \
             returning id, old_code, new_code, kind, households_moved, reason, valid_from, area_code, version), \
         told as ({TELL} 'grid_lineage.created', 'grid_lineage', id, area_code, null, version, jsonb_strip_nulls(jsonb_build_object(\
             'old_code', old_code, 'new_code', new_code, 'kind', kind, 'area_code', area_code, 'households_moved', households_moved, \
             'reason', reason, 'valid_from', valid_from)) from made) \
         select count(*) as count from made"
    )
}

/// The grids that the plan leaves out close.
fn close_grids() -> String {
    format!(
        ", ended as (\
             update grid g set valid_to = $3, version = g.version + 1, updated_at = $9 from closing c \
             where c.id = g.id and (g.valid_to is null or g.valid_to > $3) returning g.id, g.code, g.version, c.valid_to as was_to), \
         told as ({TELL} 'grid.ended', 'grid', id, code, null, version, \
             jsonb_build_object('valid_to', jsonb_build_object('from', was_to, 'to', $3)) from ended) \
         select count(*) as count from ended"
    )
}

/// What there was and what there is.
#[derive(QueryableByName)]
struct Totals {
    #[diesel(sql_type = Integer)]
    grids_before: i32,
    #[diesel(sql_type = Integer)]
    grids_after: i32,
    #[diesel(sql_type = Integer)]
    households_before: i32,
    #[diesel(sql_type = Integer)]
    households_after: i32,
    /// Households that are not where the plan has them.
    #[diesel(sql_type = BigInt)]
    astray: i64,
}

async fn totals(tx: &Tx<'_>, of: &GridRedivision) -> Result<Totals> {
    let holds = "valid_from <= $3 and (valid_to is null or valid_to > $3)";
    let sql = format!(
        ", standing as (select household_id, grid_code, valid_from from household_grid where grid_code >= $2 and grid_code < $2 || '~' and (valid_to is null or valid_to > $3)) \
         select (select count(*) from grid_before)::integer as grids_before, \
             (select count(*) from grid where code >= $2 and code < $2 || '~' and {holds})::integer as grids_after, \
             (select count(*) from home)::integer as households_before, \
             (select count(*) from standing where valid_from <= $3)::integer as households_after, \
             (select count(*) from target t where not exists (select from standing n where n.household_id = t.id and n.grid_code = t.grid_code)) as astray"
    );
    Ok(asked(of, &sql).get_result(&mut tx.conn()).await?)
}

fn number(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
