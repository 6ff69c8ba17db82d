//! Subdistricts, towns and townships (街道、镇、乡): the second level of the division codes.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::area::AreaCode;
use kernel::change::{CODE_FIXED, Constraint, HALF_A_REFERENCE, REFERENCE_TAKEN, RefusedBy, nullable, present};
use kernel::page::MAX_TOTAL;
use kernel::sheet::{Check, Column, Form, Sheet};
use kernel::text::{Key, Name};
use kernel::{
    Ending, Expected, Page, Paging, Permission, Prepare, Recorded, Refusal, Result, Stamp, Tx, View, count_after, cursor_of, holds_on, id, import, keyset,
    period, within_or_above,
};
use schema::{community, subdistrict};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::code::{NOT_A_SUBDISTRICT_CODE, SubdistrictCode, is_subdistrict_code};
use crate::{kept_area, party_organization_sheet, property_company_sheet};

id!(
    /// A subdistrict, town or township.
    SubdistrictId
);

/// A subdistrict, town or township as it stands.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = subdistrict)]
pub struct Subdistrict {
    /// Identity, for ever.
    pub id: SubdistrictId,
    /// Nine digits: the city's six and three of its own (GB/T 10114).
    pub code: SubdistrictCode,
    /// Name.
    pub name: Name,
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

/// A subdistrict, town or township to be made.
#[derive(Clone, Debug, Deserialize, Insertable, Validate, ToSchema)]
#[diesel(table_name = subdistrict)]
#[serde(deny_unknown_fields)]
pub struct NewSubdistrict {
    /// Nine digits: the city's six and three of its own (GB/T 10114).
    pub code: SubdistrictCode,
    /// Name.
    #[schema(example = "龙池桥街道")]
    pub name: Name,
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

/// A change of a subdistrict, town or township: what is left out stays, null empties.
#[derive(Clone, Debug, Default, Deserialize, AsChangeset, Validate, ToSchema)]
#[diesel(table_name = subdistrict)]
#[serde(deny_unknown_fields, default)]
pub struct SubdistrictPatch {
    /// Name.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false, example = "龙池桥街道")]
    pub name: Option<Name>,
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

impl From<NewSubdistrict> for SubdistrictPatch {
    fn from(new: NewSubdistrict) -> Self {
        Self { name: Some(new.name), valid_from: new.valid_from, source: None, reference: None, version: None }
    }
}

/// Which subdistricts a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct SubdistrictFilter {
    /// In this area or under it.
    pub area_code: Option<AreaCode>,
    /// With this code.
    pub code: Option<SubdistrictCode>,
    /// Whose name holds this text.
    pub name: Option<Name>,
}

/// May see subdistricts.
pub const READ: Permission = Permission("subdistrict.read");
/// May write subdistricts.
pub const WRITE: Permission = Permission("subdistrict.write");

/// No such subdistrict.
pub const UNKNOWN: Refusal =
    Refusal::not_found("subdistrict.unknown", "没有该街道(乡镇),或它不在您的区域内。", "There is no such subdistrict, or it is not in your area.");
/// The code has been used.
pub const CODE_TAKEN: Refusal =
    Refusal::conflict("subdistrict.code_taken", "该街道编码已被使用;编码不重复使用。", "This subdistrict code has been used; a code is never used again.");
/// A reference to a subdistrict that is not there.
pub const UNKNOWN_HERE: Refusal = Refusal::invalid(
    "subdistrict.does_not_exist",
    "街道 {subdistrict_code} 不存在,请先登记。",
    "The subdistrict {subdistrict_code} does not exist; enter it first.",
);
/// A reference to a subdistrict that has ended.
pub const ENDED_HERE: Refusal =
    Refusal::invalid("subdistrict.not_in_force", "街道 {subdistrict_code} 在该日期已终止。", "The subdistrict {subdistrict_code} has ended by that day.");
/// A code of another city.
pub const OTHER_CITY: Refusal = Refusal::invalid(
    "subdistrict.other_city",
    "编码 {code} 不属于本市 {city}:前6位须为市的编码。",
    "The code {code} is not of this city, {city}: its first six digits must be the city's.",
);
/// Communities are still in it.
pub const HAS_COMMUNITIES: Refusal = Refusal::conflict(
    "subdistrict.has_communities",
    "街道自该日起仍有 {count} 个社区;请先终止社区。",
    "From that day on the subdistrict still has {count} communities; end them first.",
);

/// Imports of what keeps a subdistrict from ending.
const STAND_IN: &[&str] = &[crate::community::SHEET.resource, party_organization_sheet::SHEET.resource, property_company_sheet::SHEET.resource];

const CONSTRAINTS: &[Constraint] = &[
    ("subdistrict_code_key", &CODE_TAKEN, "/code"),
    ("subdistrict_period", &period::ENDS_BEFORE_IT_BEGINS, "/valid_from"),
    ("subdistrict_source_ref", &HALF_A_REFERENCE, "/ref"),
    ("subdistrict_source_ref_key", &REFERENCE_TAKEN, "/ref"),
    ("subdistrict_years", &period::OUT_OF_YEARS, "/valid_from"),
];

impl Recorded for Subdistrict {
    const KIND: &'static str = "subdistrict";

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn area(&self) -> &str {
        self.code.as_str()
    }

    fn version(&self) -> i32 {
        self.version
    }
}

/// Lists the subdistricts in force on a day that the caller may see: those of his area, and the one above it.
pub async fn list(view: &View<'_>, filter: &SubdistrictFilter, paging: &Paging) -> Result<Page<Subdistrict>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query = Subdistrict::query().filter(holds_on!(subdistrict, view.as_of)).filter(within_or_above!(scope, subdistrict::code)).into_boxed();
        if let Some(area) = &filter.area_code {
            query = query.filter(subdistrict::code.ge(area.clone()).and(subdistrict::code.lt(kernel::area::end_of(area))));
        }
        if let Some(code) = &filter.code {
            query = query.filter(subdistrict::code.eq(code));
        }
        if let Some(name) = &filter.name {
            query = query.filter(subdistrict::name.like(name.pattern()));
        }
        query
    };
    let rows = keyset!(chosen(), subdistrict, paging, paging.after(filter)?).load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(subdistrict::id).limit(MAX_TOTAL).load::<SubdistrictId>(&mut view.conn()).await?.len()),
        false => None,
    };
    paging.page(view.as_of, rows, total, filter, cursor_of!(paging))
}

/// The subdistrict with this id.
pub async fn get(view: &View<'_>, id: SubdistrictId) -> Result<Subdistrict> {
    let scope = view.may(READ)?;
    let found =
        Subdistrict::query().filter(subdistrict::id.eq(id)).filter(within_or_above!(scope, subdistrict::code)).first(&mut view.conn()).await.optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

/// Makes a subdistrict of the city.
pub async fn create(tx: &Tx<'_>, new: &NewSubdistrict) -> Result<Subdistrict> {
    if !tx.city.covers(new.code.as_str()) {
        return Err(OTHER_CITY.at("/code").with("code", &new.code).with("city", &tx.city).into());
    }
    tx.may_at(WRITE, new.code.as_str())?;
    let from = new.valid_from.unwrap_or(tx.today());
    let subdistrict = diesel::insert_into(subdistrict::table)
        .values((new, subdistrict::id.eq(SubdistrictId::fresh()), subdistrict::valid_from.eq(from)))
        .returning(Subdistrict::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("subdistrict.created", None, &subdistrict, None)?;
    Ok(subdistrict)
}

/// Changes a subdistrict, town or township.
pub async fn update(tx: &Tx<'_>, id: SubdistrictId, expected: Expected, patch: &SubdistrictPatch) -> Result<Subdistrict> {
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    period::still_open(before.valid_to)?;
    change(tx, &before, patch).await
}

/// Makes or changes the subdistrict that the caller knows by a key of his own.
pub async fn put(tx: &Tx<'_>, source: &Key, reference: &Key, new: NewSubdistrict) -> Result<Subdistrict> {
    tx.lock(&format!("subdistrict {source} {reference}")).await?;
    let known = Subdistrict::query().filter(subdistrict::source.eq(source).and(subdistrict::ref_.eq(reference))).first(&mut tx.conn()).await.optional()?;
    match known {
        None => create(tx, &NewSubdistrict { source: Some(source.clone()), reference: Some(reference.clone()), ..new }).await,
        Some(known) => {
            let before = lock(tx, known.id).await?;
            period::still_open(before.valid_to)?;
            if before.code != new.code {
                return Err(CODE_FIXED.at("/code").with("code", &before.code).into());
            }
            change(tx, &before, &new.into()).await
        }
    }
}

/// Ends a subdistrict on a day. Refused while communities, party organizations or companies are in it from that day on.
pub async fn end(tx: &Tx<'_>, id: SubdistrictId, expected: Expected, ending: &Ending) -> Result<Subdistrict> {
    import::hold(tx, STAND_IN).await?;
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    let on = period::end(before.valid_from, before.valid_to, ending.on)?;
    let communities = count_after!(tx, community, subdistrict_code, before.code, on);
    if communities > 0 {
        return Err(HAS_COMMUNITIES.with("count", communities).into());
    }
    kept_area::none_after(tx, before.code.as_str(), kept_area::OF_SUBDISTRICT, on).await?;
    let after = diesel::update(subdistrict::table.find(id))
        .set((subdistrict::valid_to.eq(on), subdistrict::version.eq(before.version + 1), subdistrict::updated_at.eq(tx.now)))
        .returning(Subdistrict::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("subdistrict.ended", Some(&before), &after, Some(ending.reason.as_str()))?;
    Ok(after)
}

/// Refuses unless the subdistrict is there and has not ended on a day; it cannot end before this transaction does.
pub async fn host(tx: &Tx<'_>, code: &str, on: NaiveDate) -> Result<()> {
    let end = subdistrict::table
        .filter(subdistrict::code.eq(code))
        .select(subdistrict::valid_to)
        .for_key_share()
        .first::<Option<NaiveDate>>(&mut tx.conn())
        .await
        .optional()?;
    match end {
        None => Err(UNKNOWN_HERE.at("/code").with("subdistrict_code", code).into()),
        Some(end) if end.is_none_or(|end| on < end) => Ok(()),
        Some(_) => Err(ENDED_HERE.at("/code").with("subdistrict_code", code).into()),
    }
}

/// The subdistrict, locked, of a caller who may write it.
async fn lock(tx: &Tx<'_>, id: SubdistrictId) -> Result<Subdistrict> {
    let found = Subdistrict::query()
        .filter(subdistrict::id.eq(id))
        .filter(within_or_above!(tx.scope(&[READ, WRITE]), subdistrict::code))
        .for_update()
        .first(&mut tx.conn())
        .await
        .optional()?;
    let subdistrict: Subdistrict = found.ok_or(&UNKNOWN)?;
    tx.may_at(WRITE, subdistrict.code.as_str())?;
    Ok(subdistrict)
}

async fn change(tx: &Tx<'_>, before: &Subdistrict, patch: &SubdistrictPatch) -> Result<Subdistrict> {
    let after = diesel::update(subdistrict::table.find(before.id))
        .set((patch, subdistrict::version.eq(before.version + 1), subdistrict::updated_at.eq(tx.now)))
        .returning(Subdistrict::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("subdistrict.changed", Some(before), &after, None)?;
    Ok(after)
}

/// Subdistricts as a table.
pub const SHEET: Sheet = Sheet {
    resource: "subdistricts",
    zh: "街道",
    table: "subdistrict",
    read: READ,
    write: WRITE,
    columns: &[
        Column::new("code", "街道编码", Form::Code(is_subdistrict_code, &NOT_A_SUBDISTRICT_CODE), "9位数字,前6位是市的编码。编码不重复使用。").required(),
        Column::new("name", "名称", Form::Text(60), "最多60个字符。").required(),
        Column::new("valid_from", "启用日期", Form::Date, "默认为导入生效日期。").or("$on"),
        Column::new("source", "来源系统", Form::Key, "贵方系统的代号,与“来源编号”同时填写。"),
        Column::new("ref", "来源编号", Form::Key, "贵方系统中的编号。"),
    ],
    keys: 1,
    found_by: None,
    key_reusable: false,
    area: "i.code",
    stored_area: "t.code",
    links: None,
    from: "subdistrict t",
    shown: &[],
    looks_up: "",
    checks: &[Check { column: "code", refusal: &OTHER_CITY, fault: "left(i.code, 6) <> $city" }],
    after: None,
};
