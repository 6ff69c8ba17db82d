//! How many hand-overs were synchronous (ORG-11): of those handed over from a day to a day, the ones with all three set-ups in
//! place by then, and how long what was deferred took. Report and statistics ask the same queries.

use chrono::{Datelike, NaiveDate};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Date, Nullable, Text};
use diesel_async::RunQueryDsl;
use kernel::statistic::ENDS_BEFORE_IT_BEGINS;
use kernel::{AreaCode, Refusal, Result, View};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::compound_handover::READ;
use crate::compound_handover_verdict::TOLERANCE_DAYS;
use crate::property_coverage::Share;
use crate::statistics::compound_inside;

/// The area that was asked for is not there, or not the caller's.
pub const UNKNOWN_AREA: Refusal =
    Refusal::not_found("synchronous_handover.unknown_area", "没有该区域,或它不在您的区域内。", "There is no such area, or it is not within yours.");

/// What the report speaks of.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct SynchronousHandoversQuery {
    /// The area; the whole city unless said.
    pub area_code: Option<AreaCode>,
    /// First day of the window, whose last day is `as_of`; the first of January unless said.
    pub from: Option<NaiveDate>,
}

/// How many hand-overs were synchronous.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SynchronousHandovers {
    /// First day of the window.
    pub from: NaiveDate,
    /// Last day of the window, by which what counts was done.
    pub as_of: NaiveDate,
    /// The area.
    pub area_code: AreaCode,
    /// Handed over in the window; what was rejected does not count.
    pub handed_over: i64,
    /// Those of them with all three in place by the day of the hand-over.
    pub synchronous: Share,
    /// Those with all three in place, at least one of them later.
    pub late: i64,
    /// Those that lack at least one.
    pub incomplete: i64,
    /// Set-ups of them that were deferred and are not done.
    pub deferred_open: i64,
    /// Those of these whose deferral is over.
    pub deferred_overdue: i64,
    /// Set-ups of them that were deferred and are done.
    pub deferred_closed: i64,
    /// Days from the hand-over until these were done: the one in the middle, the lower of two; null where there are none.
    pub median_days_to_close: Option<i64>,
}

/// SQL: the hand-overs of an area ($1) from a day ($3) to a day ($2); the three set-ups of each; and the verdict on each, by what
/// was done by then, as `compound_handover_verdict::judge` has it.
fn ground() -> String {
    format!(
        "with handed as (select h.* from compound_handover h where {} and h.handed_over_on between $3 and $2 and h.state <> 'rejected'), \
         track as (select h.id, h.handed_over_on, t.done_on, t.deferred_to from handed h cross join lateral (values \
             (h.party_organization_done_on, h.party_organization_deferred_to), (h.owners_body_done_on, h.owners_body_deferred_to), \
             (h.property_company_done_on, h.property_company_deferred_to)) t (done_on, deferred_to)), \
         judged as (select id, case when count(*) filter (where done_on <= $2) < 3 then 'incomplete' \
             when max(done_on) <= handed_over_on + {TOLERANCE_DAYS} then 'synchronous' else 'late' end as verdict \
             from track group by id, handed_over_on)",
        compound_inside("h.compound_code")
    )
}

/// The hand-overs, as statistics count them.
pub(crate) fn handed_over() -> String {
    rows("")
}

/// Those of them that were synchronous.
pub(crate) fn synchronous() -> String {
    rows("where j.verdict = 'synchronous'")
}

fn rows(chosen: &str) -> String {
    format!(
        "{} select h.id, 'compound_handover' as kind, h.compound_code as code, c.name, h.area_code, 1 as counts \
         from handed h join judged j on j.id = h.id join compound c on c.code = h.compound_code {chosen}",
        ground()
    )
}

/// How many hand-overs of an area were synchronous, from a day to the day of the view.
pub async fn report(view: &View<'_>, query: &SynchronousHandoversQuery) -> Result<SynchronousHandovers> {
    #[derive(QueryableByName)]
    struct Counts {
        #[diesel(sql_type = BigInt)]
        handed_over: i64,
        #[diesel(sql_type = BigInt)]
        synchronous: i64,
        #[diesel(sql_type = BigInt)]
        late: i64,
        #[diesel(sql_type = BigInt)]
        deferred_open: i64,
        #[diesel(sql_type = BigInt)]
        deferred_overdue: i64,
        #[diesel(sql_type = BigInt)]
        deferred_closed: i64,
        #[diesel(sql_type = Nullable<BigInt>)]
        median_days: Option<i64>,
    }
    let area_code = area(view, query.area_code.as_ref()).await?;
    let from = query.from.or_else(|| NaiveDate::from_ymd_opt(view.as_of.year(), 1, 1)).unwrap_or(view.as_of);
    if from > view.as_of {
        return Err(ENDS_BEFORE_IT_BEGINS.at("from").into());
    }
    let select = format!(
        "{} select * from (select count(*) as handed_over, count(*) filter (where verdict = 'synchronous') as synchronous, \
             count(*) filter (where verdict = 'late') as late from judged) j, \
         (select count(*) filter (where (done_on <= $2) is not true) as deferred_open, \
             count(*) filter (where (done_on <= $2) is not true and deferred_to < $2) as deferred_overdue, \
             count(*) filter (where done_on <= $2) as deferred_closed, \
             (percentile_disc(0.5) within group (order by greatest(done_on - handed_over_on, 0)) filter (where done_on <= $2))::bigint as median_days \
             from track where deferred_to is not null) d",
        ground()
    );
    let query = diesel::sql_query(select).bind::<Text, _>(&area_code).bind::<Date, _>(view.as_of).bind::<Date, _>(from);
    let counts: Counts = query.get_result(&mut view.conn()).await?;
    Ok(SynchronousHandovers {
        from,
        as_of: view.as_of,
        area_code,
        handed_over: counts.handed_over,
        synchronous: Share::of(counts.synchronous, counts.handed_over),
        late: counts.late,
        incomplete: counts.handed_over - counts.synchronous - counts.late,
        deferred_open: counts.deferred_open,
        deferred_overdue: counts.deferred_overdue,
        deferred_closed: counts.deferred_closed,
        median_days_to_close: counts.median_days,
    })
}

/// The area that is asked about, which must be one and lie within the caller's.
async fn area(view: &View<'_>, asked: Option<&AreaCode>) -> Result<AreaCode> {
    #[derive(QueryableByName)]
    struct Known {
        #[diesel(sql_type = Bool)]
        known: bool,
    }
    let scope = view.may(READ)?;
    let area = asked.unwrap_or(&view.city);
    let known = "select exists (select from subdistrict where code = $1 union all select from community where code = $1 union all select from grid where code = $1) as known";
    if !scope.covers(area.as_str()) || *area != view.city && !diesel::sql_query(known).bind::<Text, _>(area).get_result::<Known>(&mut view.conn()).await?.known
    {
        return Err((&UNKNOWN_AREA).into());
    }
    Ok(area.clone())
}
