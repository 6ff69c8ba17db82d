//! Cross-holdings (交叉任职, ORG-10): who holds a post in the committee of a compound's party organization and a seat in one of
//! its bodies of owners on a day. Computed from posts and seats, never typed.
//!
//! Property projects name their managers by text alone, so they cannot be recognized here.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Date, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use kernel::page::{Cursor, MAX_TOTAL};
use kernel::{AreaCode, Page, Paging, Result, View};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::code::CompoundCode;
use crate::five_basics_evidence::{ALL, ground};
use crate::governance_body::BodyKind;
use crate::governance_body_member::BodyRole;
use crate::party_post::{PartyRole, READ};
use crate::person::PersonId;
use crate::report_area;

/// Somebody with a post and a seat in one compound.
#[derive(Clone, Debug, Serialize, QueryableByName, ToSchema)]
pub struct CrossHolding {
    /// The compound.
    #[diesel(sql_type = Text)]
    pub compound_code: CompoundCode,
    /// The person.
    #[diesel(sql_type = SqlUuid)]
    pub person_id: PersonId,
    /// His name; of office-holders it is public.
    #[diesel(sql_type = Text)]
    #[schema(example = "李华")]
    pub name: String,
    /// What he is in the party organization; of several posts secretary, then deputy first.
    #[diesel(sql_type = Text)]
    pub party_role: PartyRole,
    /// The body of owners.
    #[diesel(sql_type = Text)]
    pub body_kind: BodyKind,
    /// What he is in it; of several seats director, then deputy first.
    #[diesel(sql_type = Text)]
    pub body_role: BodyRole,
    /// The first day on which he has had both.
    #[diesel(sql_type = Date)]
    pub since: NaiveDate,
}

/// Which cross-holdings a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct CrossHoldingFilter {
    /// The area; the whole city unless said.
    pub area_code: Option<AreaCode>,
    /// Secretaries who are directors alone, or all others.
    pub concurrent: Option<bool>,
}

/// A row for whoever holds both in a compound.
const CROSSING: &str = "crossing as (select distinct on (t.compound_code, t.person_id) t.compound_code, t.person_id, t.role as party_role, \
        m.body_kind, m.role as body_role, greatest(t.valid_from, m.valid_from) as since \
    from post t join seat m on m.compound_code = t.compound_code and m.person_id = t.person_id \
    order by t.compound_code, t.person_id, t.role <> 'secretary', t.role <> 'deputy_secretary', m.role <> 'director', m.role <> 'deputy_director', t.id, m.id)";

/// The compounds in which somebody holds both, as statistics count them.
pub(crate) fn compounds_crossed() -> String {
    format!(
        "{} select h.id, 'compound' as kind, h.code, h.name, h.area_code, 1 as counts from here h \
         where exists (select from evidence e where e.compound_code = h.code and e.part = 'concurrent')",
        ground(ALL)
    )
}

/// The secretaries who are directors, as statistics count them.
pub(crate) fn concurrent_secretaries() -> String {
    format!(
        "{} select t.id, 'party_post' as kind, t.compound_code as code, p.name, left(t.compound_code, 12) as area_code, 1 as counts \
         from post t join person p on p.id = t.person_id where t.role = 'secretary' and exists \
         (select from seat m where m.compound_code = t.compound_code and m.person_id = t.person_id and m.role = 'director')",
        ground(ALL)
    )
}

/// Who holds a post and a seat in one compound of an area on the day of the view, by compound.
pub async fn list(view: &View<'_>, filter: &CrossHoldingFilter, paging: &Paging) -> Result<Page<CrossHolding>> {
    #[derive(QueryableByName)]
    struct Total {
        #[diesel(sql_type = BigInt)]
        total: i64,
    }
    let area = report_area::known(view, READ, filter.area_code.as_ref(), &report_area::UNKNOWN).await?;
    let crossing = format!("{}, {CROSSING}", ground(ALL));
    let chosen = "select c.compound_code, c.person_id, p.name, c.party_role, c.body_kind, c.body_role, c.since from crossing c join person p on p.id = c.person_id \
        where ($3 is null or (c.party_role = 'secretary' and c.body_role = 'director') = $3)";
    let (code, id) = paging.after(filter)?.map(|after| (after.key, after.id)).unzip();
    let page = diesel::sql_query(format!(
        "{crossing} {chosen} and ($4 is null or (c.compound_code, c.person_id) > ($4 collate \"C\", $5)) order by c.compound_code, c.person_id limit $6"
    ))
    .bind::<Text, _>(&area)
    .bind::<Date, _>(view.as_of)
    .bind::<Nullable<Bool>, _>(filter.concurrent)
    .bind::<Nullable<Text>, _>(code)
    .bind::<Nullable<SqlUuid>, _>(id)
    .bind::<BigInt, _>(paging.fetch());
    let rows: Vec<CrossHolding> = page.load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => {
            let count = diesel::sql_query(format!("{crossing} select count(*) as total from ({chosen} limit {MAX_TOTAL}) found"))
                .bind::<Text, _>(&area)
                .bind::<Date, _>(view.as_of)
                .bind::<Nullable<Bool>, _>(filter.concurrent);
            usize::try_from(count.get_result::<Total>(&mut view.conn()).await?.total).ok()
        }
        false => None,
    };
    paging.page(view.as_of, rows, total, filter, |row| Cursor { key: row.compound_code.to_string(), id: row.person_id.0 })
}
