//! Buildings (楼栋), each in one compound.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::area::AreaCode;
use kernel::change::{CODE_FIXED, Constraint, HALF_A_REFERENCE, REFERENCE_TAKEN, RefusedBy, nullable, present};
use kernel::page::MAX_TOTAL;
use kernel::sheet::{Check, Column, Form, Sheet};
use kernel::text::{Key, Line, Name};
use kernel::{
    Ending, Expected, Page, Paging, Permission, Prepare, Recorded, Refusal, Result, Stamp, Tx, View, count_after, cursor_of, holds_on, id, import, keyset,
    period, within_or_above,
};
use schema::{building, household};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::code::{BuildingCode, CommunityCode, CompoundCode, NOT_A_BUILDING_CODE, NOT_A_COMPOUND_CODE, is_building_code, is_compound_code};
use crate::party_group_building::BUILDING_HAS;
use crate::{building_move, compound};

id!(
    /// A building.
    BuildingId
);

/// A building as it stands.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = building)]
pub struct Building {
    /// Identity, for ever.
    pub id: BuildingId,
    /// Seventeen digits: the community's twelve and five of its own.
    pub code: BuildingCode,
    /// The community, from the code.
    pub area_code: CommunityCode,
    /// The compound that it stands in.
    pub compound_code: CompoundCode,
    /// Name or number.
    pub name: Name,
    /// Address.
    pub address: Option<Line>,
    /// Floors above ground.
    pub floors_above: Option<i32>,
    /// Floors below ground.
    pub floors_below: Option<i32>,
    /// Entrances (单元).
    pub building_units: Option<i32>,
    /// Dwellings (套).
    pub dwellings: Option<i32>,
    /// Year of completion.
    pub built_year: Option<i32>,
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

/// A building to be made.
#[derive(Clone, Debug, Deserialize, Insertable, Validate, ToSchema)]
#[diesel(table_name = building)]
#[serde(deny_unknown_fields)]
pub struct NewBuilding {
    /// Seventeen digits: the community's twelve and five of its own.
    pub code: BuildingCode,
    /// The compound that it stands in.
    pub compound_code: CompoundCode,
    /// Name or number.
    #[schema(example = "3栋")]
    pub name: Name,
    /// Address.
    pub address: Option<Line>,
    /// Floors above ground.
    #[validate(range(min = 0, max = 200))]
    #[schema(minimum = 0, maximum = 200)]
    pub floors_above: Option<i32>,
    /// Floors below ground.
    #[validate(range(min = 0, max = 20))]
    #[schema(minimum = 0, maximum = 20)]
    pub floors_below: Option<i32>,
    /// Entrances (单元).
    #[validate(range(min = 0, max = 100))]
    #[schema(minimum = 0, maximum = 100)]
    pub building_units: Option<i32>,
    /// Dwellings (套).
    #[validate(range(min = 0, max = 10000))]
    #[schema(minimum = 0, maximum = 10000)]
    pub dwellings: Option<i32>,
    /// Year of completion.
    #[validate(range(min = 1840, max = 2200))]
    #[schema(minimum = 1840, maximum = 2200)]
    pub built_year: Option<i32>,
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

/// A change of a building: what is left out stays, null empties.
#[derive(Clone, Debug, Default, Deserialize, AsChangeset, Validate, ToSchema)]
#[diesel(table_name = building)]
#[serde(deny_unknown_fields, default)]
pub struct BuildingPatch {
    /// The compound that it stands in.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub compound_code: Option<CompoundCode>,
    /// Name or number.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false, example = "3栋")]
    pub name: Option<Name>,
    /// Address.
    #[serde(deserialize_with = "nullable")]
    pub address: Option<Option<Line>>,
    /// Floors above ground.
    #[serde(deserialize_with = "nullable")]
    #[validate(range(min = 0, max = 200))]
    #[schema(minimum = 0, maximum = 200)]
    pub floors_above: Option<Option<i32>>,
    /// Floors below ground.
    #[serde(deserialize_with = "nullable")]
    #[validate(range(min = 0, max = 20))]
    #[schema(minimum = 0, maximum = 20)]
    pub floors_below: Option<Option<i32>>,
    /// Entrances (单元).
    #[serde(deserialize_with = "nullable")]
    #[validate(range(min = 0, max = 100))]
    #[schema(minimum = 0, maximum = 100)]
    pub building_units: Option<Option<i32>>,
    /// Dwellings (套).
    #[serde(deserialize_with = "nullable")]
    #[validate(range(min = 0, max = 10000))]
    #[schema(minimum = 0, maximum = 10000)]
    pub dwellings: Option<Option<i32>>,
    /// Year of completion.
    #[serde(deserialize_with = "nullable")]
    #[validate(range(min = 1840, max = 2200))]
    #[schema(minimum = 1840, maximum = 2200)]
    pub built_year: Option<Option<i32>>,
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

impl From<NewBuilding> for BuildingPatch {
    fn from(new: NewBuilding) -> Self {
        Self {
            compound_code: Some(new.compound_code),
            name: Some(new.name),
            address: Some(new.address),
            floors_above: Some(new.floors_above),
            floors_below: Some(new.floors_below),
            building_units: Some(new.building_units),
            dwellings: Some(new.dwellings),
            built_year: Some(new.built_year),
            valid_from: new.valid_from,
            ..Self::default()
        }
    }
}

/// Which buildings a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct BuildingFilter {
    /// In this area or under it.
    pub area_code: Option<AreaCode>,
    /// With this code.
    pub code: Option<BuildingCode>,
    /// In this compound.
    pub compound_code: Option<CompoundCode>,
    /// Whose name holds this text.
    pub name: Option<Name>,
}

/// May see buildings.
pub const READ: Permission = Permission("building.read");
/// May write buildings.
pub const WRITE: Permission = Permission("building.write");

/// No such building.
pub const UNKNOWN: Refusal = Refusal::not_found("building.unknown", "没有该楼栋,或它不在您的区域内。", "There is no such building, or it is not in your area.");
/// The code has been used.
pub const CODE_TAKEN: Refusal =
    Refusal::conflict("building.code_taken", "该楼栋编码已被使用;编码不重复使用。", "This building code has been used; a code is never used again.");
/// A reference to a building that is not there.
pub const UNKNOWN_HERE: Refusal =
    Refusal::invalid("building.does_not_exist", "楼栋 {building_code} 不存在,请先登记。", "The building {building_code} does not exist; enter it first.");
/// A reference to a building that has ended.
pub const NOT_YET_OR_NO_MORE: Refusal =
    Refusal::invalid("building.not_in_force", "楼栋 {building_code} 已终止或已定终止日期。", "The building {building_code} has ended, or its end is set.");
/// The compound is in another community.
pub const COMPOUND_ELSEWHERE: Refusal = Refusal::invalid(
    "building.compound_elsewhere",
    "楼栋与小区须在同一社区:楼栋编码与小区编码的前12位应相同。",
    "A building is in the community of its compound: the first twelve digits of both codes must be the same.",
);
/// Households are still in it.
pub const HAS_HOUSEHOLDS: Refusal = Refusal::conflict(
    "building.has_households",
    "楼栋自该日起仍有 {count} 户;请先终止。",
    "From that day on the building still has {count} households; end them first.",
);

const CONSTRAINTS: &[Constraint] = &[
    ("building_code_key", &CODE_TAKEN, "/code"),
    ("building_compound_code_fkey", &compound::UNKNOWN_HERE, "/compound_code"),
    ("building_compound_in_community", &COMPOUND_ELSEWHERE, "/compound_code"),
    ("building_period", &period::ENDS_BEFORE_IT_BEGINS, "/valid_from"),
    ("building_source_ref", &HALF_A_REFERENCE, "/ref"),
    ("building_source_ref_key", &REFERENCE_TAKEN, "/ref"),
    ("building_years", &period::OUT_OF_YEARS, "/valid_from"),
];

impl Recorded for Building {
    const KIND: &'static str = "building";

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

/// Lists the buildings in force on a day that the caller may see: those of the communities in or above his area.
pub async fn list(view: &View<'_>, filter: &BuildingFilter, paging: &Paging) -> Result<Page<Building>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query = Building::query().filter(holds_on!(building, view.as_of)).filter(within_or_above!(scope, building::area_code)).into_boxed();
        if let Some(area) = &filter.area_code {
            query = query.filter(building::area_code.ge(area.clone()).and(building::area_code.lt(kernel::area::end_of(area))));
        }
        if let Some(code) = &filter.code {
            query = query.filter(building::code.eq(code));
        }
        if let Some(compound_code) = &filter.compound_code {
            query = query.filter(building::compound_code.eq(compound_code));
        }
        if let Some(name) = &filter.name {
            query = query.filter(building::name.like(name.pattern()));
        }
        query
    };
    let rows = keyset!(chosen(), building, paging, paging.after(filter)?).load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(building::id).limit(MAX_TOTAL).load::<BuildingId>(&mut view.conn()).await?.len()),
        false => None,
    };
    paging.page(view.as_of, rows, total, filter, cursor_of!(paging))
}

/// The building with this id.
pub async fn get(view: &View<'_>, id: BuildingId) -> Result<Building> {
    let scope = view.may(READ)?;
    let found = Building::query().filter(building::id.eq(id)).filter(within_or_above!(scope, building::area_code)).first(&mut view.conn()).await.optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

/// Makes a building in a compound of the community that its code begins with.
pub async fn create(tx: &Tx<'_>, new: &NewBuilding) -> Result<Building> {
    tx.may_at(WRITE, new.code.community())?;
    let from = new.valid_from.unwrap_or(tx.today());
    compound::host(tx, new.compound_code.as_str(), from).await?;
    let building = diesel::insert_into(building::table)
        .values((new, building::id.eq(BuildingId::fresh()), building::valid_from.eq(from)))
        .returning(Building::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("building.created", None, &building, None)?;
    Ok(building)
}

/// Changes a building.
pub async fn update(tx: &Tx<'_>, id: BuildingId, expected: Expected, patch: &BuildingPatch) -> Result<Building> {
    if patch.compound_code.is_some() {
        building_move::hold(tx).await?;
    }
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    period::still_open(before.valid_to)?;
    change(tx, &before, patch).await
}

/// Makes or changes the building that the caller knows by a key of his own.
pub async fn put(tx: &Tx<'_>, source: &Key, reference: &Key, new: NewBuilding) -> Result<Building> {
    tx.lock(&format!("building {source} {reference}")).await?;
    let known = Building::query().filter(building::source.eq(source).and(building::ref_.eq(reference))).first(&mut tx.conn()).await.optional()?;
    match known {
        None => create(tx, &NewBuilding { source: Some(source.clone()), reference: Some(reference.clone()), ..new }).await,
        Some(known) => {
            building_move::hold(tx).await?;
            let before = lock(tx, known.id).await?;
            period::still_open(before.valid_to)?;
            if before.code != new.code {
                return Err(CODE_FIXED.at("/code").with("code", &before.code).into());
            }
            change(tx, &before, &new.into()).await
        }
    }
}

/// Ends a building on a day. Refused while households or dwellings are in it, or a group answers for it, from that day on.
pub async fn end(tx: &Tx<'_>, id: BuildingId, expected: Expected, ending: &Ending) -> Result<Building> {
    import::hold(tx, &[crate::dwelling_sheet::SHEET.resource, crate::household::SHEET.resource, crate::party_group_building_sheet::SHEET.resource]).await?;
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    let on = period::end(before.valid_from, before.valid_to, ending.on)?;
    let households = count_after!(tx, household, building_code, before.code, on);
    if households > 0 {
        return Err(HAS_HOUSEHOLDS.with("count", households).into());
    }
    crate::party_group_building::none_after(tx, &before.code, on).await?;
    crate::dwelling_entry::none_after(tx, &before.code, on).await?;
    let after = diesel::update(building::table.find(id))
        .set((building::valid_to.eq(on), building::version.eq(before.version + 1), building::updated_at.eq(tx.now)))
        .returning(Building::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("building.ended", Some(&before), &after, Some(ending.reason.as_str()))?;
    Ok(after)
}

/// Refuses unless the building is there and has not ended on a day; it cannot end before this transaction does.
pub async fn host(tx: &Tx<'_>, code: &str, on: NaiveDate) -> Result<()> {
    let end = building::table.filter(building::code.eq(code)).select(building::valid_to).for_key_share();
    match end.first::<Option<NaiveDate>>(&mut tx.conn()).await.optional()? {
        None => Err(UNKNOWN_HERE.at("/code").with("building_code", code).into()),
        Some(end) if end.is_none_or(|end| on < end) => Ok(()),
        Some(_) => Err(NOT_YET_OR_NO_MORE.at("/code").with("building_code", code).into()),
    }
}

/// The building, locked, of a caller who may write it.
async fn lock(tx: &Tx<'_>, id: BuildingId) -> Result<Building> {
    let found = Building::query()
        .filter(building::id.eq(id))
        .filter(within_or_above!(tx.scope(&[READ, WRITE]), building::area_code))
        .for_update()
        .first(&mut tx.conn())
        .await
        .optional()?;
    let building: Building = found.ok_or(&UNKNOWN)?;
    tx.may_at(WRITE, building.area_code.as_str())?;
    Ok(building)
}

async fn change(tx: &Tx<'_>, before: &Building, patch: &BuildingPatch) -> Result<Building> {
    if let Some(compound) = &patch.compound_code {
        compound::host(tx, compound.as_str(), patch.valid_from.unwrap_or(before.valid_from)).await?;
        if *compound != before.compound_code {
            building_move::free(tx, &before.code).await?;
        }
    }
    let after = diesel::update(building::table.find(before.id))
        .set((patch, building::version.eq(before.version + 1), building::updated_at.eq(tx.now)))
        .returning(Building::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("building.changed", Some(before), &after, None)?;
    Ok(after)
}

/// Buildings as a table.
pub const SHEET: Sheet = Sheet {
    resource: "buildings",
    zh: "楼栋",
    table: "building",
    read: READ,
    write: WRITE,
    columns: &[
        Column::new("code", "楼栋编码", Form::Code(is_building_code, &NOT_A_BUILDING_CODE), "17位数字,前12位是社区编码。编码不重复使用。").required(),
        Column::new("compound_code", "小区编码", Form::Code(is_compound_code, &NOT_A_COMPOUND_CODE), "所在小区,须与楼栋同属一个社区。").required(),
        Column::new("name", "楼栋号", Form::Text(60), "如3栋。").required(),
        Column::new("address", "地址", Form::Text(200), "最多200个字符。"),
        Column::new("floors_above", "地上层数", Form::Integer(0, 200), "层。"),
        Column::new("floors_below", "地下层数", Form::Integer(0, 20), "层。"),
        Column::new("building_units", "单元数", Form::Integer(0, 100), "个。"),
        Column::new("dwellings", "套数", Form::Integer(0, 10_000), "套。"),
        Column::new("built_year", "建成年份", Form::Integer(1840, 2200), "如2008。"),
        Column::new("valid_from", "建成日期", Form::Date, "默认为导入生效日期。").or("$on"),
        Column::new("source", "来源系统", Form::Key, "贵方系统的代号,与“来源编号”同时填写。"),
        Column::new("ref", "来源编号", Form::Key, "贵方系统中的编号。"),
    ],
    keys: 1,
    found_by: None,
    key_reusable: false,
    area: "left(i.code, 12)",
    stored_area: "t.area_code",
    links: None,
    from: "building t",
    shown: &[],
    looks_up: "left join compound p on p.code = i.compound_code",
    checks: &[
        Check { column: "compound_code", refusal: &compound::UNKNOWN_HERE, fault: "p.code is null" },
        Check { column: "compound_code", refusal: &compound::ENDED_HERE, fault: "p.valid_to <= i.valid_from" },
        Check { column: "compound_code", refusal: &COMPOUND_ELSEWHERE, fault: "left(i.compound_code, 12) <> left(i.code, 12)" },
        Check { column: "compound_code", refusal: &BUILDING_HAS, fault: building_move::FROM_GROUP },
        Check { column: "compound_code", refusal: &building_move::HAS_HUB, fault: building_move::FROM_HUB },
    ],
    after: Some(|tx, _, _| Box::pin(building_move::settle(tx))),
};
