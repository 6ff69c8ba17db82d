//! One core, many actors (一核多元, ORG-02): who fills which place in a compound on a day, and which compounds lack what.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Date, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use kernel::page::{Cursor, MAX_TOTAL};
use kernel::{AreaCode, Page, Paging, Result, View};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::code::CompoundCode;
use crate::compound::CompoundId;
use crate::five_basics::{NotRecorded, READ, seen};
use crate::five_basics_check::{BasicsGap, gaps, places};
use crate::five_basics_evidence::{ALL, Found, ground, of_compound};
use crate::report_area;

/// Who fills which place in a compound on a day.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OneCore {
    /// The compound.
    pub compound_code: CompoundCode,
    /// The day.
    pub as_of: NaiveDate,
    /// Whether every place that is recorded is filled.
    pub complete: bool,
    /// The core: the party organization of the compound.
    pub core: Option<CoreOrganization>,
    /// Its secretary.
    pub secretary: Option<OfficeHolder>,
    /// Bodies of owners, the longest standing first.
    pub bodies: Vec<CoreBody>,
    /// Who looks after the compound as a whole.
    pub property_service: Option<CoreService>,
    /// Social organizations.
    pub social_organizations: NotRecorded,
    /// What is missing, and what to do.
    pub missing: Vec<BasicsGap>,
}

/// The core organization of a compound.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CoreOrganization {
    /// The party organization.
    pub id: Uuid,
    /// Its code.
    #[schema(example = "DZZ-1")]
    pub code: Option<String>,
    /// Its name.
    #[schema(example = "翠湖花园党支部")]
    pub name: Option<String>,
    /// The first day on which it was there.
    pub since: NaiveDate,
}

/// Who holds an office. His name is public.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OfficeHolder {
    /// The post or seat.
    pub id: Uuid,
    /// The person.
    pub person_id: Option<Uuid>,
    /// His name.
    #[schema(example = "李华")]
    pub name: Option<String>,
    /// The first day in office.
    pub since: NaiveDate,
}

/// A body of owners.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CoreBody {
    /// The body.
    pub id: Uuid,
    /// What it is: `owners_committee`, `property_management_committee` or `party_mass_council`.
    #[schema(example = "owners_committee")]
    pub kind: Option<String>,
    /// Its name.
    #[schema(example = "翠湖花园业主委员会")]
    pub name: Option<String>,
    /// The first day on which it was there.
    pub since: NaiveDate,
    /// Its director.
    pub director: Option<OfficeHolder>,
}

/// Who looks after a compound as a whole.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CoreService {
    /// The property project.
    pub id: Uuid,
    /// How: `full_service`, `unit_self` or `owner_self`.
    #[schema(example = "full_service")]
    pub kind: Option<String>,
    /// The company, where there is one.
    #[schema(example = "91421199MA0000001U")]
    pub company_code: Option<String>,
    /// Name of the company.
    #[schema(example = "安馨物业")]
    pub company_name: Option<String>,
    /// The manager of the project, as publications name him.
    #[schema(example = "王强")]
    pub manager: Option<String>,
    /// The first day of the project.
    pub since: NaiveDate,
}

/// Which compounds the report on the places holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct OneCoreFilter {
    /// The area; the whole city unless said.
    pub area_code: Option<AreaCode>,
    /// Those in which every place is filled alone, or those that lack something.
    pub complete: Option<bool>,
}

/// A compound and what it lacks.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OneCoreStanding {
    /// The compound.
    pub id: Uuid,
    /// Its code.
    #[schema(example = "421181001001X001")]
    pub code: String,
    /// Its name.
    #[schema(example = "翠湖花园")]
    pub name: String,
    /// Whether every place that is recorded is filled.
    pub complete: bool,
    /// What is missing, and what to do.
    pub missing: Vec<BasicsGap>,
}

impl From<&Found> for OfficeHolder {
    fn from(found: &Found) -> Self {
        Self { id: found.id, person_id: found.person_id, name: found.name.clone(), since: found.since }
    }
}

/// The places of a compound, by what was found of it.
fn filled(compound_code: CompoundCode, as_of: NaiveDate, found: &[Found]) -> OneCore {
    let of = |part: &'static str| found.iter().filter(move |one| one.part == part);
    let missing = gaps(places(), |part| found.iter().any(|one| one.part == part.key));
    let body = |body: &Found| CoreBody {
        id: body.id,
        kind: body.word.clone(),
        name: body.name.clone(),
        since: body.since,
        director: of("director").find(|seat| seat.word == body.word).map(OfficeHolder::from),
    };
    OneCore {
        compound_code,
        as_of,
        complete: missing.is_empty(),
        core: of("core").next().map(|core| CoreOrganization { id: core.id, code: core.code.clone(), name: core.name.clone(), since: core.since }),
        secretary: of("secretary").next().map(OfficeHolder::from),
        bodies: of("body").map(body).collect(),
        property_service: of("service").next().map(|project| CoreService {
            id: project.id,
            kind: project.word.clone(),
            company_code: project.code.clone(),
            company_name: project.name.clone(),
            manager: project.manager.clone(),
            since: project.since,
        }),
        social_organizations: NotRecorded::default(),
        missing,
    }
}

/// Who fills which place in a compound on the day of the view.
pub async fn get(view: &View<'_>, id: CompoundId) -> Result<OneCore> {
    let code = seen(view, id).await?.code;
    let found = of_compound(view, code.as_str()).await?;
    Ok(filled(code, view.as_of, &found))
}

/// The compounds of an area and what they lack on the day of the view, by code.
pub async fn list(view: &View<'_>, filter: &OneCoreFilter, paging: &Paging) -> Result<Page<OneCoreStanding>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
        #[diesel(sql_type = Text)]
        code: String,
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Array<Text>)]
        lacking: Vec<String>,
    }
    #[derive(QueryableByName)]
    struct Total {
        #[diesel(sql_type = BigInt)]
        total: i64,
    }
    let area = report_area::known(view, READ, filter.area_code.as_ref(), &report_area::UNKNOWN).await?;
    // The parts are written into the query: they are of the table in the code, and nobody sends them.
    let wanted: Vec<String> = places().flat_map(|check| check.parts).map(|part| format!("('{}')", part.key)).collect();
    let standing = format!(
        "{}, wanted (part) as (values {}), \
         lack as (select h.code, array_agg(w.part) as parts from here h cross join wanted w \
             where not exists (select from evidence e where e.compound_code = h.code and e.part = w.part) group by h.code), \
         standing as (select h.id, h.code, h.name, coalesce(l.parts, '{{}}') as lacking from here h left join lack l on l.code = h.code)",
        ground(ALL),
        wanted.join(", ")
    );
    let chosen = "select id, code, name, lacking from standing where ($3 is null or (cardinality(lacking) = 0) = $3)";
    let after = paging.after(filter)?.map(|cursor| cursor.key);
    let page = diesel::sql_query(format!("{standing} {chosen} and ($4 is null or code > $4) order by code limit $5"))
        .bind::<Text, _>(&area)
        .bind::<Date, _>(view.as_of)
        .bind::<Nullable<Bool>, _>(filter.complete)
        .bind::<Nullable<Text>, _>(after)
        .bind::<BigInt, _>(paging.fetch());
    let rows: Vec<Row> = page.load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => {
            let count = diesel::sql_query(format!("{standing} select count(*) as total from ({chosen} limit {MAX_TOTAL}) found"))
                .bind::<Text, _>(&area)
                .bind::<Date, _>(view.as_of)
                .bind::<Nullable<Bool>, _>(filter.complete);
            usize::try_from(count.get_result::<Total>(&mut view.conn()).await?.total).ok()
        }
        false => None,
    };
    let standings = rows.into_iter().map(|row| {
        let missing = gaps(places(), |part| !row.lacking.iter().any(|lacking| lacking == part.key));
        OneCoreStanding { id: row.id, code: row.code, name: row.name, complete: missing.is_empty(), missing }
    });
    paging.page(view.as_of, standings.collect(), total, filter, |row| Cursor { key: row.code.clone(), id: row.id })
}
