//! Dwellings (房屋, 专有部分): the registrable parts of buildings, which owners own and vote by (ORG-08).
//!
//! A dwelling is not a household: one is what is owned, the other who lives together. Its area and its head count in
//! the votes of owners (Civil Code, article 278).

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::area::AreaCode;
use kernel::change::{nullable, present};
use kernel::page::{Cursor, MAX_TOTAL};
use kernel::text::{Key, Name, SquareMetres};
use kernel::{Page, Paging, Permission, Recorded, Refusal, Result, Stamp, View, holds_on, id, text_enum, within_or_above};
use schema::{building, dwelling};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::code::{BuildingCode, CommunityCode, CompoundCode, DwellingCode};

id!(
    /// A dwelling.
    DwellingId
);

text_enum!(
    /// What the area of a dwelling rests on, in the order in which it counts (SPC 2009 no. 7, article 8).
    AreaBasis {
        /// The land register.
        Register = "register" "登记",
        /// A survey, while nothing is registered.
        Survey = "survey" "测绘",
        /// The contract of sale, while nothing is surveyed.
        Contract = "contract" "合同",
    }
);

text_enum!(
    /// What a dwelling is for.
    DwellingUse {
        /// Living.
        Residential = "residential" "住宅",
        /// A shop or an office.
        Commercial = "commercial" "商业",
        /// A garage or a parking space that is owned.
        Garage = "garage" "车库",
        /// Storage.
        Storage = "storage" "储藏",
        /// Something else.
        Other = "other" "其他",
    }
);

/// A dwelling as it stands.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = dwelling)]
pub struct Dwelling {
    /// Identity, for ever.
    pub id: DwellingId,
    /// Twenty-three digits: the building's seventeen and six of its own.
    pub code: DwellingCode,
    /// The building, from the code.
    pub building_code: BuildingCode,
    /// The community, from the code.
    pub area_code: CommunityCode,
    /// Entrance (单元), as the door says it; null where the building has none.
    pub building_unit_no: Option<Name>,
    /// Room, as the door says it.
    pub room_no: Name,
    /// Floor; below ground negative.
    pub floor: Option<i32>,
    /// Area of the exclusive part in square metres, which counts in votes (Civil Code, article 278).
    pub exclusive_area: SquareMetres,
    /// What the area rests on.
    pub area_basis: AreaBasis,
    /// What it is for.
    pub use_kind: DwellingUse,
    /// Whether the developer has handed it over.
    pub delivered: bool,
    /// Whether it is sold: all that is not counts as one head together, the developer's (SPC 2009 no. 7, article 9).
    pub sold: bool,
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

/// A dwelling to be made.
#[derive(Clone, Debug, Deserialize, Insertable, Validate, ToSchema)]
#[diesel(table_name = dwelling)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "42118100100100001010302", "building_unit_no": "1", "room_no": "302", "floor": 3, "exclusive_area": "89.50", "area_basis": "register"}))]
pub struct NewDwelling {
    /// Twenty-three digits: the building's seventeen and six of its own.
    pub code: DwellingCode,
    /// Entrance (单元), as the door says it; null where the building has none.
    pub building_unit_no: Option<Name>,
    /// Room, as the door says it.
    pub room_no: Name,
    /// Floor; below ground negative.
    #[validate(range(min = -10, max = 200))]
    #[schema(minimum = -10, maximum = 200)]
    pub floor: Option<i32>,
    /// Area of the exclusive part in square metres, at most 999999.99.
    pub exclusive_area: SquareMetres,
    /// What the area rests on.
    pub area_basis: AreaBasis,
    /// What it is for; `residential` unless said.
    pub use_kind: Option<DwellingUse>,
    /// Whether the developer has handed it over; true unless said.
    pub delivered: Option<bool>,
    /// Whether it is sold; true unless said.
    pub sold: Option<bool>,
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

/// A change of a dwelling: what is left out stays, null empties.
#[derive(Clone, Debug, Default, Deserialize, AsChangeset, Validate, ToSchema)]
#[diesel(table_name = dwelling)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"exclusive_area": "89.62", "area_basis": "survey", "version": 1}))]
pub struct DwellingPatch {
    /// Entrance (单元), as the door says it.
    #[serde(deserialize_with = "nullable")]
    pub building_unit_no: Option<Option<Name>>,
    /// Room, as the door says it.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub room_no: Option<Name>,
    /// Floor; below ground negative.
    #[serde(deserialize_with = "nullable")]
    #[validate(range(min = -10, max = 200))]
    #[schema(minimum = -10, maximum = 200)]
    pub floor: Option<Option<i32>>,
    /// Area of the exclusive part in square metres, at most 999999.99.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub exclusive_area: Option<SquareMetres>,
    /// What the area rests on.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub area_basis: Option<AreaBasis>,
    /// What it is for.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub use_kind: Option<DwellingUse>,
    /// Whether the developer has handed it over.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub delivered: Option<bool>,
    /// Whether it is sold.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub sold: Option<bool>,
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

impl From<NewDwelling> for DwellingPatch {
    fn from(new: NewDwelling) -> Self {
        Self {
            building_unit_no: Some(new.building_unit_no),
            room_no: Some(new.room_no),
            floor: Some(new.floor),
            exclusive_area: Some(new.exclusive_area),
            area_basis: Some(new.area_basis),
            use_kind: new.use_kind,
            delivered: new.delivered,
            sold: new.sold,
            valid_from: new.valid_from,
            ..Self::default()
        }
    }
}

/// Which dwellings a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct DwellingFilter {
    /// In this area or under it. A dwelling lies in a community; it is in no grid.
    pub area_code: Option<AreaCode>,
    /// With this code.
    pub code: Option<DwellingCode>,
    /// In this building.
    pub building_code: Option<BuildingCode>,
    /// In buildings of this compound.
    pub compound_code: Option<CompoundCode>,
    /// Sold ones, or those that are not.
    pub sold: Option<bool>,
    /// Handed over, or not.
    pub delivered: Option<bool>,
}

/// May see dwellings.
pub const READ: Permission = Permission("dwelling.read");
/// May write dwellings.
pub const WRITE: Permission = Permission("dwelling.write");

/// No such dwelling.
pub const UNKNOWN: Refusal = Refusal::not_found("dwelling.unknown", "没有该房屋,或它不在您的区域内。", "There is no such dwelling, or it is not in your area.");
/// The code has been used.
pub const CODE_TAKEN: Refusal =
    Refusal::conflict("dwelling.code_taken", "该房屋编码已被使用;编码不重复使用。", "This dwelling code has been used; a code is never used again.");
/// The door is another dwelling's.
pub const DOOR_TAKEN: Refusal = Refusal::conflict(
    "dwelling.door_taken",
    "该楼栋在此期间已有单元号和房号相同的房屋;请核对,先终止原房屋,或更正启用日期。",
    "The building has a dwelling with the same entrance and room at that time; compare the two, end the other first, or correct the first day.",
);
/// A larger area than any dwelling has.
pub const AREA_TOO_LARGE: Refusal = Refusal::invalid(
    "dwelling.area_too_large",
    "专有部分面积最大为999999.99平方米,请核对单位。",
    "The exclusive area is 999999.99 square metres at the most; look whether the unit is right.",
);
/// A reference to a dwelling that is not there.
pub const UNKNOWN_HERE: Refusal =
    Refusal::invalid("dwelling.does_not_exist", "房屋 {dwelling_code} 不存在,请先登记。", "The dwelling {dwelling_code} does not exist; enter it first.");
/// A reference to a dwelling that has an end.
pub const ENDED_HERE: Refusal =
    Refusal::invalid("dwelling.not_in_force", "房屋 {dwelling_code} 已终止或已定终止日期。", "The dwelling {dwelling_code} has ended, or its end is set.");
/// Dwellings keep a building from ending.
pub const STANDS_IN: Refusal = Refusal::conflict(
    "building.has_dwellings",
    "楼栋自该日起仍有 {count} 套房屋;请先终止。",
    "From that day on the building still has {count} dwellings; end them first.",
);
/// Owners keep a dwelling from ending.
pub const HAS_OWNERS: Refusal = Refusal::conflict(
    "dwelling.has_owners",
    "房屋自该日起仍有 {count} 项所有权;请先终止。",
    "From that day on the dwelling still has {count} ownerships; end them first.",
);

impl Recorded for Dwelling {
    const KIND: &'static str = "dwelling";

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

/// Lists the dwellings in force on a day that the caller may see: those of the communities in or above his area.
pub async fn list(view: &View<'_>, filter: &DwellingFilter, paging: &Paging) -> Result<Page<Dwelling>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query = Dwelling::query().filter(holds_on!(dwelling, view.as_of)).filter(within_or_above!(scope, dwelling::area_code)).into_boxed();
        if let Some(area) = &filter.area_code {
            query = query.filter(dwelling::area_code.ge(area.clone()).and(dwelling::area_code.lt(kernel::area::end_of(area))));
        }
        if let Some(code) = &filter.code {
            query = query.filter(dwelling::code.eq(code));
        }
        if let Some(building_code) = &filter.building_code {
            query = query.filter(dwelling::building_code.eq(building_code));
        }
        if let Some(compound_code) = &filter.compound_code {
            let standing = building::table.filter(building::compound_code.eq(compound_code));
            query = query.filter(dwelling::building_code.eq_any(standing.select(building::code)));
        }
        if let Some(sold) = filter.sold {
            query = query.filter(dwelling::sold.eq(sold));
        }
        if let Some(delivered) = filter.delivered {
            query = query.filter(dwelling::delivered.eq(delivered));
        }
        query
    };
    let mut page = chosen().order((dwelling::code, dwelling::id)).limit(paging.fetch());
    if let Some(after) = paging.after(filter)? {
        page = page.filter(dwelling::code.gt(after.key));
    }
    let rows = page.load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(dwelling::id).limit(MAX_TOTAL).load::<DwellingId>(&mut view.conn()).await?.len()),
        false => None,
    };
    paging.page(view.as_of, rows, total, filter, |row: &Dwelling| Cursor { key: row.code.to_string(), id: row.id.0 })
}

/// The dwelling with this id.
pub async fn get(view: &View<'_>, id: DwellingId) -> Result<Dwelling> {
    let scope = view.may(READ)?;
    let found = Dwelling::query().filter(dwelling::id.eq(id)).filter(within_or_above!(scope, dwelling::area_code)).first(&mut view.conn()).await.optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}
