//! Households (户): the unit by which grids are drawn (ORG-04). Who lives there is not kept.

use chrono::NaiveDate;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::area::AreaCode;
use kernel::change::{CODE_FIXED, Constraint, HALF_A_REFERENCE, REFERENCE_TAKEN, RefusedBy, nullable, present};
use kernel::page::MAX_TOTAL;
use kernel::sheet::{Check, Column, Form, Sheet};
use kernel::text::{Key, Name};
use kernel::{
    Ending, Expected, Page, Paging, Permission, Prepare, Recorded, Refusal, Result, Stamp, Tx, View, cursor_of, holds_on, id, import, keyset, period, within,
};
use schema::{household, household_grid};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::code::{BuildingCode, GridCode, HouseholdCode, NOT_A_GRID_CODE, NOT_A_HOUSEHOLD_CODE, is_grid_code, is_household_code};
use crate::{building, grid as grids, household_grid as homes, household_move as moves};

id!(
    /// A household.
    HouseholdId
);

/// A household as it stands.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = household)]
pub struct Household {
    /// Identity, for ever.
    pub id: HouseholdId,
    /// Twenty-three digits: the building's seventeen and six of its own.
    pub code: HouseholdCode,
    /// The building, from the code.
    pub building_code: BuildingCode,
    /// The grid that it is in; null while it is in none.
    pub grid_code: Option<GridCode>,
    /// Its home for access: the grid, else the community.
    pub area_code: AreaCode,
    /// Door.
    pub name: Name,
    /// How many people live there.
    pub residents: Option<i32>,
    /// First day on which it holds.
    pub valid_from: NaiveDate,
    /// First day on which it no longer holds; null while it has no end.
    pub valid_to: Option<NaiveDate>,
    /// System of the caller that knows it by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[diesel(column_name = ref_)]
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
    /// Rises with every change.
    pub version: i32,
    /// When it was entered.
    pub created_at: Stamp,
    /// When it was last changed.
    pub updated_at: Stamp,
}

/// A household to be made.
#[derive(Clone, Debug, Deserialize, Insertable, Validate, ToSchema)]
#[diesel(table_name = household)]
#[serde(deny_unknown_fields)]
pub struct NewHousehold {
    /// Twenty-three digits: the building's seventeen and six of its own.
    pub code: HouseholdCode,
    /// The grid that it is in; null while it is in none.
    pub grid_code: Option<GridCode>,
    /// Door.
    #[schema(example = "1单元0302")]
    pub name: Name,
    /// How many people live there.
    #[validate(range(min = 0, max = 100))]
    #[schema(minimum = 0, maximum = 100)]
    pub residents: Option<i32>,
    /// First day on which it holds; today unless said.
    #[diesel(skip_insertion)]
    pub valid_from: Option<NaiveDate>,
    /// System of the caller that knows it by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[diesel(column_name = ref_)]
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
}

/// A change of a household: what is left out stays, null empties.
#[derive(Clone, Debug, Default, Deserialize, AsChangeset, Validate, ToSchema)]
#[diesel(table_name = household)]
#[serde(deny_unknown_fields, default)]
pub struct HouseholdPatch {
    /// Door.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false, example = "1单元0302")]
    pub name: Option<Name>,
    /// How many people live there.
    #[serde(deserialize_with = "nullable")]
    #[validate(range(min = 0, max = 100))]
    #[schema(minimum = 0, maximum = 100)]
    pub residents: Option<Option<i32>>,
    /// First day on which it holds, corrected.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub valid_from: Option<NaiveDate>,
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

impl From<NewHousehold> for HouseholdPatch {
    fn from(new: NewHousehold) -> Self {
        Self { name: Some(new.name), residents: Some(new.residents), valid_from: new.valid_from, source: None, reference: None, version: None }
    }
}

/// Which households a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct HouseholdFilter {
    /// In this area or under it.
    pub area_code: Option<AreaCode>,
    /// With this code.
    pub code: Option<HouseholdCode>,
    /// In this building.
    pub building_code: Option<BuildingCode>,
    /// In this grid on the day.
    pub grid_code: Option<GridCode>,
    /// In some grid on the day, or in none.
    pub in_grid: Option<bool>,
    /// Whose door holds this text.
    pub name: Option<Name>,
}

/// May see households.
pub const READ: Permission = Permission("household.read");
/// May write households.
pub const WRITE: Permission = Permission("household.write");

/// No such household.
pub const UNKNOWN: Refusal = Refusal::not_found("household.unknown", "没有该户,或它不在您的区域内。", "There is no such household, or it is not in your area.");
/// The code has been used.
pub const CODE_TAKEN: Refusal =
    Refusal::conflict("household.code_taken", "该户编码已被使用;编码不重复使用。", "This household code has been used; a code is never used again.");
/// The grid is in another community.
pub const GRID_ELSEWHERE: Refusal = Refusal::invalid(
    "household.grid_elsewhere",
    "户与网格须在同一社区:户编码与网格编码的前12位应相同。",
    "A household is in a grid of its own community: the first twelve digits of both codes must be the same.",
);

/// A beginning after the household was in a grid already.
pub const HOME_BEFORE: Refusal = Refusal::conflict(
    "household.home_before",
    "该户自 {first} 起已在网格中,起始日期不能晚于此日。",
    "The household has been in a grid since {first}; it cannot begin after that day.",
);
/// In an import: the same.
pub const HOME_BEFORE_HERE: Refusal =
    Refusal::invalid("household.was_in_grid_before", "该户在此起始日期之前已在网格中。", "The household was in a grid before it would begin.");

pub(crate) const CONSTRAINTS: &[Constraint] = &[
    ("household_code_key", &CODE_TAKEN, "/code"),
    ("household_grid_in_community", &GRID_ELSEWHERE, "/grid_code"),
    ("household_period", &period::ENDS_BEFORE_IT_BEGINS, "/valid_from"),
    ("household_source_ref", &HALF_A_REFERENCE, "/ref"),
    ("household_source_ref_key", &REFERENCE_TAKEN, "/ref"),
    ("household_years", &period::OUT_OF_YEARS, "/valid_from"),
];

impl Recorded for Household {
    const KIND: &'static str = "household";

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

/// Lists the households that the caller may see and that were there on a day, in the grid of that day.
pub async fn list(view: &View<'_>, filter: &HouseholdFilter, paging: &Paging) -> Result<Page<Household>> {
    let scope = view.may(READ)?;
    let home = household_grid::household_id.eq(household::id).and(holds_on!(household_grid, view.as_of));
    let chosen = || {
        let mut query = household::table
            .left_join(household_grid::table.on(home))
            .filter(holds_on!(household, view.as_of))
            .filter(within!(scope, household::area_code))
            .select((Household::as_select(), household_grid::grid_code.nullable()))
            .into_boxed();
        if let Some(area) = &filter.area_code {
            // A grid is asked for on the day; all above it is in the code of the household.
            query = match GridCode::parse(area.as_str()) {
                Ok(grid) => query.filter(household_grid::grid_code.eq(grid)),
                Err(_) => query.filter(household::code.ge(area.clone()).and(household::code.lt(kernel::area::end_of(area)))),
            };
        }
        if let Some(code) = &filter.code {
            query = query.filter(household::code.eq(code));
        }
        if let Some(building_code) = &filter.building_code {
            query = query.filter(household::building_code.eq(building_code));
        }
        if let Some(grid_code) = &filter.grid_code {
            query = query.filter(household_grid::grid_code.eq(grid_code));
        }
        match filter.in_grid {
            Some(true) => query = query.filter(household_grid::id.is_not_null()),
            Some(false) => query = query.filter(household_grid::id.is_null()),
            None => {}
        }
        if let Some(name) = &filter.name {
            query = query.filter(household::name.like(name.pattern()));
        }
        query
    };
    let rows: Vec<(Household, Option<GridCode>)> = keyset!(chosen(), household, paging, paging.after(filter)?).load(&mut view.conn()).await?;
    let rows = rows.into_iter().map(|(household, grid_code)| Household { grid_code, ..household }).collect();
    let total = match paging.include_total {
        true => Some(chosen().select(household::id).limit(MAX_TOTAL).load::<HouseholdId>(&mut view.conn()).await?.len()),
        false => None,
    };
    paging.page(view.as_of, rows, total, filter, cursor_of!(paging))
}

/// The household with this id.
pub async fn get(view: &View<'_>, id: HouseholdId) -> Result<Household> {
    let scope = view.may(READ)?;
    let found = Household::query().filter(household::id.eq(id)).filter(within!(scope, household::area_code)).first(&mut view.conn()).await.optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

/// Makes a household in the building that its code begins with, in a grid where one is given.
pub async fn create(tx: &Tx<'_>, new: &NewHousehold) -> Result<Household> {
    tx.may_at(WRITE, new.grid_code.as_ref().map_or(new.code.community(), GridCode::as_str))?;
    let from = new.valid_from.unwrap_or(tx.today());
    building::host(tx, new.code.building(), from).await?;
    if let Some(grid) = &new.grid_code {
        grids::host(tx, grid, from.max(tx.today())).await?;
    }
    let household = diesel::insert_into(household::table)
        .values((new, household::id.eq(HouseholdId::fresh()), household::valid_from.eq(from)))
        .returning(Household::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    homes::settle(tx, vec![household.code.to_string()], from).await?;
    tx.record("household.created", None, &household, None)?;
    Ok(household)
}

/// Changes a household.
pub async fn update(tx: &Tx<'_>, id: HouseholdId, expected: Expected, patch: &HouseholdPatch) -> Result<Household> {
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    period::still_open(before.valid_to)?;
    change(tx, &before, patch).await
}

/// Makes or changes the household that the caller knows by a key of his own.
pub async fn put(tx: &Tx<'_>, source: &Key, reference: &Key, new: NewHousehold) -> Result<Household> {
    tx.lock(&format!("household {source} {reference}")).await?;
    let known = Household::query().filter(household::source.eq(source).and(household::ref_.eq(reference))).first(&mut tx.conn()).await.optional()?;
    match known {
        None => create(tx, &NewHousehold { source: Some(source.clone()), reference: Some(reference.clone()), ..new }).await,
        Some(known) => {
            let before = lock(tx, known.id).await?;
            period::still_open(before.valid_to)?;
            if before.code != new.code {
                return Err(CODE_FIXED.at("/code").with("code", &before.code).into());
            }
            let after = change(tx, &before, &new.clone().into()).await?;
            match &new.grid_code {
                Some(grid) if after.grid_code.as_ref() != Some(grid) => moves::settle_in(tx, &after, grid, tx.today(), None).await,
                _ => Ok(after),
            }
        }
    }
}

/// Ends a household on a day, and its time in its grid with it. Refused while it is a hub of the Party from that day on.
pub async fn end(tx: &Tx<'_>, id: HouseholdId, expected: Expected, ending: &Ending) -> Result<Household> {
    import::hold(tx, &["party-organizations"]).await?;
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    let on = period::end(before.valid_from, before.valid_to, ending.on)?;
    crate::party_organization_entry::no_hub_after(tx, &before.code, on).await?;
    homes::close(tx, before.id, on).await?;
    let after = diesel::update(household::table.find(id))
        .set((household::valid_to.eq(on), household::version.eq(before.version + 1), household::updated_at.eq(tx.now)))
        .returning(Household::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("household.ended", Some(&before), &after, Some(ending.reason.as_str()))?;
    Ok(after)
}

/// The household, locked, of a caller who may write it.
pub(crate) async fn lock(tx: &Tx<'_>, id: HouseholdId) -> Result<Household> {
    let found = Household::query()
        .filter(household::id.eq(id))
        .filter(within!(tx.scope(&[READ, WRITE]), household::area_code))
        .for_update()
        .first(&mut tx.conn())
        .await
        .optional()?;
    let household: Household = found.ok_or(&UNKNOWN)?;
    tx.may_at(WRITE, household.area_code.as_str())?;
    Ok(household)
}

async fn change(tx: &Tx<'_>, before: &Household, patch: &HouseholdPatch) -> Result<Household> {
    if let Some(from) = patch.valid_from {
        homes::not_before(tx, before.id, from).await?;
    }
    let after = diesel::update(household::table.find(before.id))
        .set((patch, household::version.eq(before.version + 1), household::updated_at.eq(tx.now)))
        .returning(Household::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("household.changed", Some(before), &after, None)?;
    Ok(after)
}

/// Households as a table.
pub const SHEET: Sheet = Sheet {
    resource: "households",
    zh: "户",
    table: "household",
    read: READ,
    write: WRITE,
    columns: &[
        Column::new("code", "户编码", Form::Code(is_household_code, &NOT_A_HOUSEHOLD_CODE), "23位数字,前17位是楼栋编码。编码不重复使用。").required(),
        Column::new("building_code", "楼栋编码", Form::Prefix(17), "可不填;填写时须与户编码前17位一致。"),
        Column::new("grid_code", "网格编码", Form::Code(is_grid_code, &NOT_A_GRID_CODE), "所在网格,须与户同属一个社区;不填则保持原网格。").or("null"),
        Column::new("name", "门牌", Form::Text(60), "如1单元0302。").required(),
        Column::new("residents", "居住人数", Form::Integer(0, 100), "人。"),
        Column::new("valid_from", "启用日期", Form::Date, "默认为导入生效日期。").or("$on"),
        Column::new("source", "来源系统", Form::Key, "贵方系统的代号,与“来源编号”同时填写。"),
        Column::new("ref", "来源编号", Form::Key, "贵方系统中的编号。"),
    ],
    keys: 1,
    found_by: None,
    key_reusable: false,
    area: "coalesce(i.grid_code, i.was_in, left(i.code, 12))",
    stored_area: "t.area_code",
    links: None,
    from: "household t left join household_grid m on m.household_id = t.id and m.valid_from <= $on and (m.valid_to is null or m.valid_to > $on)",
    shown: &[("grid_code", "m.grid_code")],
    looks_up: "left join building p on p.code = left(i.code, 17) left join grid g on g.code = i.grid_code \
               left join lateral (select * from household_grid m where m.household_id = i.stored_id and m.valid_to is null limit 1) m on true",
    checks: &[
        Check { column: "code", refusal: &building::UNKNOWN_HERE, fault: "p.code is null" },
        Check { column: "code", refusal: &building::NOT_YET_OR_NO_MORE, fault: "p.valid_to <= i.valid_from" },
        Check { column: "grid_code", refusal: &grids::UNKNOWN_HERE, fault: "i.grid_code is not null and g.code is null" },
        Check { column: "grid_code", refusal: &GRID_ELSEWHERE, fault: "left(i.grid_code, 12) <> left(i.code, 12)" },
        Check {
            column: "grid_code",
            refusal: &grids::ENDED_HERE,
            fault: "g.valid_from > greatest($on, i.valid_from) or g.valid_to <= greatest($on, i.valid_from)",
        },
        Check { column: "grid_code", refusal: &moves::MOVED_LATER, fault: "m.valid_from > $on and m.grid_code <> i.grid_code" },
        Check {
            column: "valid_from",
            refusal: &HOME_BEFORE_HERE,
            fault: "i.valid_from > (i.was).valid_from and exists (select from household_grid h where h.household_id = i.stored_id and h.valid_from < i.valid_from)",
        },
        Check {
            column: "grid_code",
            refusal: &moves::MOVE_AHEAD,
            fault: "i.stored_id is not null and i.grid_code is distinct from (i.was).grid_code and $on > (now() at time zone 'Asia/Shanghai')::date",
        },
    ],
    after: Some(|tx, codes, on| Box::pin(homes::settle(tx, codes, on))),
};
