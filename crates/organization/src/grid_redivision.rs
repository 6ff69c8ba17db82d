//! Re-divisions of grids (网格重新划分): how a community, a subdistrict or the city is divided from a day on (ORG-12). It is drafted
//! with a plan, reviewed, approved and published; on its day it takes effect as a whole, and what was counted stands with it.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::area::{AreaCode, Scope};
use kernel::change::{CODE_FIXED, Constraint, HALF_A_REFERENCE, REFERENCE_TAKEN, RefusedBy, nullable, present};
use kernel::page::{Cursor, MAX_TOTAL};
use kernel::text::{Key, Line, Name};
use kernel::{Expected, Page, Paging, Permission, Prepare, Recorded, Refusal, Result, Stamp, Tx, View, holds_on, id, period, within_or_above};
use schema::{community, grid_redivision, subdistrict};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::grid_redivision_flow::RedivisionState;

id!(
    /// A re-division of grids.
    GridRedivisionId
);

/// A re-division of grids as it stands.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = grid_redivision)]
pub struct GridRedivision {
    /// Identity, for ever.
    pub id: GridRedivisionId,
    /// Title.
    pub title: Line,
    /// The community, subdistrict or city that is divided anew, all of it.
    pub area_code: AreaCode,
    /// First day of the new division.
    pub effective_on: NaiveDate,
    /// Why the area is divided anew.
    pub reason: Option<Line>,
    /// Number of the notice that publishes it; null before.
    pub notice_number: Option<Name>,
    /// Where it is on its way.
    pub state: RedivisionState,
    /// Where it was before; null before its first move.
    pub previous_state: Option<RedivisionState>,
    /// Grids of the plan.
    pub planned_grids: i32,
    /// Buildings of the plan.
    pub planned_buildings: i32,
    /// Households of the plan that part from their buildings.
    pub planned_households: i32,
    /// Grids of the area on the day before; null until it has taken effect, like all that follows.
    pub grids_before: Option<i32>,
    /// Grids of the area on the day.
    pub grids_after: Option<i32>,
    /// Households in grids of the area on the day before.
    pub households_before: Option<i32>,
    /// Households in grids of the area on the day.
    pub households_after: Option<i32>,
    /// Households that came into another grid.
    pub households_moved: Option<i32>,
    /// Links of compounds to grids that ended or began.
    pub compound_links_changed: Option<i32>,
    /// People and other objects that went with the grid that they belonged to.
    pub objects_moved: Option<i32>,
    /// System of the caller that knows it by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[diesel(column_name = ref_)]
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
    /// Rises with every change, also of its plan.
    pub version: i32,
    /// When it was entered.
    pub created_at: Stamp,
    /// When it was last changed.
    pub updated_at: Stamp,
}

/// A re-division to be drafted.
#[derive(Clone, Debug, Deserialize, Insertable, Validate, ToSchema)]
#[diesel(table_name = grid_redivision)]
#[serde(deny_unknown_fields)]
pub struct NewGridRedivision {
    /// Title.
    #[schema(example = "柳岸社区网格优化调整方案")]
    pub title: Line,
    /// The community, subdistrict or city that is divided anew, all of it.
    pub area_code: AreaCode,
    /// First day of the new division; when it is submitted it may not be past.
    #[schema(example = "2027-01-01")]
    pub effective_on: NaiveDate,
    /// Why the area is divided anew; needed where a grid closes that leaves nobody to go elsewhere.
    pub reason: Option<Line>,
    /// System of the caller that knows it by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[diesel(column_name = ref_)]
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
}

/// A change of the draft of a re-division: what is left out stays, null empties. Its plan is changed by an operation of its own.
#[derive(Clone, Debug, Default, Deserialize, AsChangeset, Validate, ToSchema)]
#[diesel(table_name = grid_redivision)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"effective_on": "2027-03-01", "version": 1}))]
pub struct GridRedivisionPatch {
    /// Title.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub title: Option<Line>,
    /// First day of the new division.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub effective_on: Option<NaiveDate>,
    /// Why the area is divided anew.
    #[serde(deserialize_with = "nullable")]
    pub reason: Option<Option<Line>>,
    /// System of the caller that knows it by `ref`.
    #[serde(deserialize_with = "nullable")]
    pub source: Option<Option<Key>>,
    /// Key of the caller, unique within `source`.
    #[diesel(column_name = ref_)]
    #[serde(rename = "ref", deserialize_with = "nullable")]
    pub reference: Option<Option<Key>>,
    /// The version that is meant, unless `If-Match` says it.
    #[diesel(skip_update)]
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

impl From<NewGridRedivision> for GridRedivisionPatch {
    fn from(new: NewGridRedivision) -> Self {
        Self { title: Some(new.title), effective_on: Some(new.effective_on), reason: Some(new.reason), ..Self::default() }
    }
}

/// Which re-divisions a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct GridRedivisionFilter {
    /// Of this area, or of one in it.
    pub area_code: Option<AreaCode>,
    /// In this state.
    #[param(inline)]
    pub state: Option<RedivisionState>,
    /// That take effect on this day.
    pub effective_on: Option<NaiveDate>,
}

/// May see re-divisions of grids.
pub const READ: Permission = Permission("grid_redivision.read");
/// May draft, submit and withdraw re-divisions of grids.
pub const WRITE: Permission = Permission("grid_redivision.write");
/// May accept, pass or return re-divisions of grids for the subdistrict.
pub const REVIEW: Permission = Permission("grid_redivision.review");
/// May approve, publish and revoke re-divisions of grids, and let them take effect.
pub const APPROVE: Permission = Permission("grid_redivision.approve");

/// Whoever has one of these may see a re-division.
const ANY: &[Permission] = &[READ, WRITE, REVIEW, APPROVE];

/// No such re-division.
pub const UNKNOWN: Refusal = Refusal::not_found(
    "grid_redivision.unknown",
    "没有该网格重新划分方案,或它不在您的区域内。",
    "There is no such re-division of grids, or it is not in your area.",
);
/// An area that cannot be divided.
pub const NO_SUCH_AREA: Refusal = Refusal::invalid(
    "grid_redivision.no_such_area",
    "没有编码为 {area_code} 的社区、街道或市;重新划分的范围须是其中之一。",
    "There is no community, subdistrict or city {area_code}; one of these is what can be divided anew.",
);
/// A notice that is not in the registry.
pub const NO_SUCH_NOTICE: Refusal =
    Refusal::invalid("grid_redivision.no_such_notice", "没有该文号的政策文件,请先登记。", "There is no policy document with this number; enter it first.");
/// A change of what is no draft.
pub const NOT_A_DRAFT: Refusal =
    Refusal::conflict("grid_redivision.not_a_draft", "只有起草中的方案可以更改;请先退回修改。", "Only a draft can be changed; have it returned first.");
/// Nothing is to come of it any more.
pub const OVER: Refusal = Refusal::conflict(
    "grid_redivision.over",
    "该方案已生效、撤回或撤销,不再检查和模拟。",
    "It has taken effect, or was withdrawn or revoked, so there is nothing to check or simulate.",
);

pub(crate) const CONSTRAINTS: &[Constraint] = &[
    ("grid_redivision_effective_on", &period::OUT_OF_YEARS, "/effective_on"),
    ("grid_redivision_notice_number_fkey", &NO_SUCH_NOTICE, "/notice_number"),
    ("grid_redivision_source_ref", &HALF_A_REFERENCE, "/ref"),
    ("grid_redivision_source_ref_key", &REFERENCE_TAKEN, "/ref"),
];

/// The kind of the object in the journal, and as which it holds files: minutes of consultations, maps.
pub const KIND: &str = "grid_redivision";

impl Recorded for GridRedivision {
    const KIND: &'static str = KIND;

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

/// Lists the re-divisions that the caller may see, those of his area and those above it, the latest first.
pub async fn list(view: &View<'_>, filter: &GridRedivisionFilter, paging: &Paging) -> Result<Page<GridRedivision>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query = GridRedivision::query().filter(within_or_above!(scope, grid_redivision::area_code)).into_boxed();
        if let Some(area) = &filter.area_code {
            query = query.filter(grid_redivision::area_code.ge(area.clone()).and(grid_redivision::area_code.lt(kernel::area::end_of(area))));
        }
        if let Some(state) = filter.state {
            query = query.filter(grid_redivision::state.eq(state));
        }
        if let Some(day) = filter.effective_on {
            query = query.filter(grid_redivision::effective_on.eq(day));
        }
        query
    };
    let mut page = chosen().order(grid_redivision::id.desc()).limit(paging.fetch());
    if let Some(after) = paging.after(filter)? {
        page = page.filter(grid_redivision::id.lt(after.id));
    }
    let rows = page.load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(grid_redivision::id).limit(MAX_TOTAL).load::<GridRedivisionId>(&mut view.conn()).await?.len()),
        false => None,
    };
    paging.page(view.as_of, rows, total, filter, |row| Cursor { key: String::new(), id: row.id.0 })
}

/// The re-division with this id.
pub async fn get(view: &View<'_>, id: GridRedivisionId) -> Result<GridRedivision> {
    let scope = view.may(READ)?;
    let found = GridRedivision::query()
        .filter(grid_redivision::id.eq(id))
        .filter(within_or_above!(scope, grid_redivision::area_code))
        .first(&mut view.conn())
        .await
        .optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

/// Where a caller sees what a plan is made of. Whoever sees a plan sees that it is; of what it says of each place he sees that of his
/// areas, and of a grid's community, which is divided as one. Every code of a place in it begins with that of its community.
pub(crate) fn seen(view: &View<'_>) -> Scope {
    let planned_as = |area: &AreaCode| match area.as_str().len() {
        15 => area.ancestors().last().unwrap_or_else(|| area.clone()),
        _ => area.clone(),
    };
    Scope::of(view.scope(&[READ]).areas().iter().map(planned_as).collect())
}

/// Begins a draft.
pub async fn create(tx: &Tx<'_>, new: &NewGridRedivision) -> Result<GridRedivision> {
    tx.may_at(WRITE, new.area_code.as_str())?;
    host(tx, &new.area_code).await?;
    let redivision = diesel::insert_into(grid_redivision::table)
        .values((new, grid_redivision::id.eq(GridRedivisionId::fresh()), grid_redivision::state.eq(RedivisionState::Draft)))
        .returning(GridRedivision::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("grid_redivision.created", None, &redivision, None)?;
    Ok(redivision)
}

/// Changes a draft.
pub async fn update(tx: &Tx<'_>, id: GridRedivisionId, expected: Expected, patch: &GridRedivisionPatch) -> Result<GridRedivision> {
    let before = lock(tx, id).await?;
    tx.may_at(WRITE, before.area_code.as_str())?;
    expected.check(before.version)?;
    change(tx, &before, patch).await
}

/// Begins or changes the draft that the caller knows by a key of his own.
pub async fn put(tx: &Tx<'_>, source: &Key, reference: &Key, new: NewGridRedivision) -> Result<GridRedivision> {
    tx.lock(&format!("grid_redivision {source} {reference}")).await?;
    let by_key = grid_redivision::source.eq(source).and(grid_redivision::ref_.eq(reference));
    let known = GridRedivision::query().filter(by_key).first(&mut tx.conn()).await.optional()?;
    match known {
        None => create(tx, &NewGridRedivision { source: Some(source.clone()), reference: Some(reference.clone()), ..new }).await,
        Some(known) => {
            let before = lock(tx, known.id).await?;
            tx.may_at(WRITE, before.area_code.as_str())?;
            if before.area_code != new.area_code {
                return Err(CODE_FIXED.at("/area_code").with("code", &before.area_code).into());
            }
            change(tx, &before, &new.into()).await
        }
    }
}

/// The re-division, locked. What the caller may do with it is for whoever asks.
pub(crate) async fn lock(tx: &Tx<'_>, id: GridRedivisionId) -> Result<GridRedivision> {
    let found = GridRedivision::query()
        .filter(grid_redivision::id.eq(id))
        .filter(within_or_above!(tx.scope(ANY), grid_redivision::area_code))
        .for_update()
        .first(&mut tx.conn())
        .await
        .optional()?;
    let redivision: GridRedivision = found.ok_or(&UNKNOWN)?;
    Ok(redivision)
}

/// Refuses unless there is such a community, subdistrict or city today.
async fn host(tx: &Tx<'_>, area: &AreaCode) -> Result<()> {
    let today = tx.today();
    let known = match area.as_str().len() {
        6 => *area == tx.city,
        9 => {
            let there = subdistrict::table.filter(subdistrict::code.eq(area)).filter(holds_on!(subdistrict, today)).select(subdistrict::id);
            there.first::<Uuid>(&mut tx.conn()).await.optional()?.is_some()
        }
        12 => {
            let there = community::table.filter(community::code.eq(area)).filter(holds_on!(community, today)).select(community::id);
            there.first::<Uuid>(&mut tx.conn()).await.optional()?.is_some()
        }
        _ => false,
    };
    if known { Ok(()) } else { Err(NO_SUCH_AREA.at("/area_code").with("area_code", area).into()) }
}

async fn change(tx: &Tx<'_>, before: &GridRedivision, patch: &GridRedivisionPatch) -> Result<GridRedivision> {
    if before.state != RedivisionState::Draft {
        return Err((&NOT_A_DRAFT).into());
    }
    let after = diesel::update(grid_redivision::table.find(before.id))
        .set((patch, grid_redivision::version.eq(before.version + 1), grid_redivision::updated_at.eq(tx.now)))
        .returning(GridRedivision::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("grid_redivision.changed", Some(before), &after, None)?;
    Ok(after)
}
