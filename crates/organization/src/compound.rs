//! Compounds (小区): residential quarters, in principle one grid each (ORG-05).

use chrono::NaiveDate;
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::area::AreaCode;
use kernel::change::{CODE_FIXED, Constraint, HALF_A_REFERENCE, REFERENCE_TAKEN, RefusedBy, nullable, present};
use kernel::page::MAX_TOTAL;
use kernel::text::{Key, Line, Name, SquareMetres};
use kernel::{
    Ending, Expected, Page, Paging, Permission, Prepare, Recorded, Refusal, Result, Stamp, Tx, View, count_after, cursor_of, holds_on, id, import, keyset,
    period, text_enum, within_or_above,
};
use schema::{building, compound, compound_grid, property_project};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::code::{CommunityCode, CompoundCode};
use crate::community;
use crate::first_day::{self, INTO_COMPOUNDS};

id!(
    /// A compound.
    CompoundId
);

text_enum!(
    /// How a compound came about, which decides much of how it is run.
    CompoundKind {
        /// Built for sale.
        Commercial = "commercial" "商业开发小区",
        /// Of the years before property services.
        Old = "old" "老旧小区",
        /// Built by those who live there.
        SelfBuilt = "self_built" "自建房片区",
        /// Without property service, owners' committee or a unit in charge.
        ThreeNo = "three_no" "三无小区",
        /// Built for people who were resettled.
        Resettlement = "resettlement" "安置小区",
        /// Built by a work unit for its people.
        WorkUnitHousing = "work_unit_housing" "单位房小区",
    }
);

/// A compound as it stands.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = compound)]
pub struct Compound {
    /// Identity, for ever.
    pub id: CompoundId,
    /// Sixteen characters: the community's twelve digits, X and three digits.
    pub code: CompoundCode,
    /// The community, from the code.
    pub area_code: CommunityCode,
    /// Name.
    pub name: Name,
    /// Another name that people use.
    pub alias: Option<Name>,
    /// How it came about.
    pub kind: CompoundKind,
    /// Address.
    pub address: Option<Line>,
    /// Filing number of the property area (物业管理区域).
    pub property_area_number: Option<Line>,
    /// Who built it.
    pub developer: Option<Line>,
    /// Day of hand-over.
    pub delivered_on: Option<NaiveDate>,
    /// Total floor area in square metres.
    pub floor_area: Option<SquareMetres>,
    /// Parking spaces.
    pub parking_spaces: Option<i32>,
    /// Whether it has a wall and a gate.
    pub gated: Option<bool>,
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

/// A compound to be made.
#[derive(Clone, Debug, Deserialize, Insertable, Validate, ToSchema)]
#[diesel(table_name = compound)]
#[serde(deny_unknown_fields)]
pub struct NewCompound {
    /// Sixteen characters: the community's twelve digits, X and three digits.
    pub code: CompoundCode,
    /// Name.
    #[schema(example = "翡翠一品")]
    pub name: Name,
    /// Another name that people use.
    pub alias: Option<Name>,
    /// How it came about.
    pub kind: CompoundKind,
    /// Address.
    pub address: Option<Line>,
    /// Filing number of the property area (物业管理区域).
    pub property_area_number: Option<Line>,
    /// Who built it.
    pub developer: Option<Line>,
    /// Day of hand-over.
    pub delivered_on: Option<NaiveDate>,
    /// Total floor area in square metres.
    pub floor_area: Option<SquareMetres>,
    /// Parking spaces.
    #[validate(range(min = 0, max = 1000000))]
    #[schema(minimum = 0, maximum = 1000000)]
    pub parking_spaces: Option<i32>,
    /// Whether it has a wall and a gate.
    pub gated: Option<bool>,
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

/// A change of a compound: what is left out stays, null empties.
#[derive(Clone, Debug, Default, Deserialize, AsChangeset, Validate, ToSchema)]
#[diesel(table_name = compound)]
#[serde(deny_unknown_fields, default)]
pub struct CompoundPatch {
    /// Name.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false, example = "翡翠一品")]
    pub name: Option<Name>,
    /// Another name that people use.
    #[serde(deserialize_with = "nullable")]
    pub alias: Option<Option<Name>>,
    /// How it came about.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub kind: Option<CompoundKind>,
    /// Address.
    #[serde(deserialize_with = "nullable")]
    pub address: Option<Option<Line>>,
    /// Filing number of the property area (物业管理区域).
    #[serde(deserialize_with = "nullable")]
    pub property_area_number: Option<Option<Line>>,
    /// Who built it.
    #[serde(deserialize_with = "nullable")]
    pub developer: Option<Option<Line>>,
    /// Day of hand-over.
    #[serde(deserialize_with = "nullable")]
    pub delivered_on: Option<Option<NaiveDate>>,
    /// Total floor area in square metres.
    #[serde(deserialize_with = "nullable")]
    pub floor_area: Option<Option<SquareMetres>>,
    /// Parking spaces.
    #[serde(deserialize_with = "nullable")]
    #[validate(range(min = 0, max = 1000000))]
    #[schema(minimum = 0, maximum = 1000000)]
    pub parking_spaces: Option<Option<i32>>,
    /// Whether it has a wall and a gate.
    #[serde(deserialize_with = "nullable")]
    pub gated: Option<Option<bool>>,
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

impl From<NewCompound> for CompoundPatch {
    fn from(new: NewCompound) -> Self {
        Self {
            name: Some(new.name),
            alias: Some(new.alias),
            kind: Some(new.kind),
            address: Some(new.address),
            property_area_number: Some(new.property_area_number),
            developer: Some(new.developer),
            delivered_on: Some(new.delivered_on),
            floor_area: Some(new.floor_area),
            parking_spaces: Some(new.parking_spaces),
            gated: Some(new.gated),
            valid_from: new.valid_from,
            ..Self::default()
        }
    }
}

/// Which compounds a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct CompoundFilter {
    /// In this area or under it.
    pub area_code: Option<AreaCode>,
    /// With this code.
    pub code: Option<CompoundCode>,
    /// Whose name holds this text.
    pub name: Option<Name>,
    /// Of this kind.
    #[param(inline)]
    pub kind: Option<CompoundKind>,
}

/// May see compounds.
pub const READ: Permission = Permission("compound.read");
/// May write compounds.
pub const WRITE: Permission = Permission("compound.write");

/// No such compound.
pub const UNKNOWN: Refusal = Refusal::not_found("compound.unknown", "没有该小区,或它不在您的区域内。", "There is no such compound, or it is not in your area.");
/// The code has been used.
pub const CODE_TAKEN: Refusal =
    Refusal::conflict("compound.code_taken", "该小区编码已被使用;编码不重复使用。", "This compound code has been used; a code is never used again.");
/// A reference to a compound that is not there.
pub const UNKNOWN_HERE: Refusal =
    Refusal::invalid("compound.does_not_exist", "小区 {compound_code} 不存在,请先登记。", "The compound {compound_code} does not exist; enter it first.");
/// A reference to a compound that has ended.
pub const ENDED_HERE: Refusal =
    Refusal::invalid("compound.not_in_force", "小区 {compound_code} 已终止或已定终止日期。", "The compound {compound_code} has ended, or its end is set.");
/// Buildings or links are still open.
pub const HAS_BUILDINGS: Refusal = Refusal::conflict(
    "compound.has_buildings",
    "小区自该日起仍有 {count} 栋楼或网格归属;请先终止它们。",
    "From that day on the compound still has {count} buildings or links to grids; end them first.",
);
/// Something of it began before it would.
pub const IN_USE_BEFORE: Refusal = Refusal::conflict(
    "compound.in_use_before",
    "小区在该起始日期之前已有网格归属或物业服务项目,起始日期不能推迟到此日。",
    "The compound lay in a grid or was served before that day, so it cannot begin on it.",
);

const CONSTRAINTS: &[Constraint] = &[
    ("compound_code_key", &CODE_TAKEN, "/code"),
    ("compound_delivered_on", &period::OUT_OF_YEARS, "/delivered_on"),
    ("compound_period", &period::ENDS_BEFORE_IT_BEGINS, "/valid_from"),
    ("compound_source_ref", &HALF_A_REFERENCE, "/ref"),
    ("compound_source_ref_key", &REFERENCE_TAKEN, "/ref"),
    ("compound_years", &period::OUT_OF_YEARS, "/valid_from"),
];

impl Recorded for Compound {
    const KIND: &'static str = "compound";

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

/// Lists the compounds in force on a day that the caller may see: those of the communities in or above his area.
pub async fn list(view: &View<'_>, filter: &CompoundFilter, paging: &Paging) -> Result<Page<Compound>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query = Compound::query().filter(holds_on!(compound, view.as_of)).filter(within_or_above!(scope, compound::area_code)).into_boxed();
        if let Some(area) = &filter.area_code {
            query = query.filter(compound::area_code.ge(area.clone()).and(compound::area_code.lt(kernel::area::end_of(area))));
        }
        if let Some(code) = &filter.code {
            query = query.filter(compound::code.eq(code));
        }
        if let Some(name) = &filter.name {
            query = query.filter(compound::name.like(name.pattern()));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(compound::kind.eq(kind));
        }
        query
    };
    let rows = keyset!(chosen(), compound, paging, paging.after(filter)?).load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(compound::id).limit(MAX_TOTAL).load::<CompoundId>(&mut view.conn()).await?.len()),
        false => None,
    };
    paging.page(view.as_of, rows, total, filter, cursor_of!(paging))
}

/// The compound with this id.
pub async fn get(view: &View<'_>, id: CompoundId) -> Result<Compound> {
    let scope = view.may(READ)?;
    let found = Compound::query().filter(compound::id.eq(id)).filter(within_or_above!(scope, compound::area_code)).first(&mut view.conn()).await.optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

/// Makes a compound in the community that its code begins with.
pub async fn create(tx: &Tx<'_>, new: &NewCompound) -> Result<Compound> {
    tx.may_at(WRITE, new.code.community())?;
    let from = new.valid_from.unwrap_or(tx.today());
    community::host(tx, new.code.community(), from).await?;
    let compound = diesel::insert_into(compound::table)
        .values((new, compound::id.eq(CompoundId::fresh()), compound::valid_from.eq(from)))
        .returning(Compound::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("compound.created", None, &compound, None)?;
    Ok(compound)
}

/// Changes a compound.
pub async fn update(tx: &Tx<'_>, id: CompoundId, expected: Expected, patch: &CompoundPatch) -> Result<Compound> {
    first_day::hold(tx, patch.valid_from, INTO_COMPOUNDS).await?;
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    period::still_open(before.valid_to)?;
    change(tx, &before, patch).await
}

/// Makes or changes the compound that the caller knows by a key of his own.
pub async fn put(tx: &Tx<'_>, source: &Key, reference: &Key, new: NewCompound) -> Result<Compound> {
    tx.lock(&format!("compound {source} {reference}")).await?;
    first_day::hold(tx, new.valid_from, INTO_COMPOUNDS).await?;
    let known = Compound::query().filter(compound::source.eq(source).and(compound::ref_.eq(reference))).first(&mut tx.conn()).await.optional()?;
    match known {
        None => create(tx, &NewCompound { source: Some(source.clone()), reference: Some(reference.clone()), ..new }).await,
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

/// Ends a compound on a day. Refused while anything is in it from that day on, or its hand-over or a cross appointment is on its way.
pub async fn end(tx: &Tx<'_>, id: CompoundId, expected: Expected, ending: &Ending) -> Result<Compound> {
    import::hold(tx, crate::compound_sheet::INTO).await?;
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    let on = period::end(before.valid_from, before.valid_to, ending.on)?;
    let buildings = count_after!(tx, building, compound_code, before.code, on);
    if buildings > 0 {
        return Err(HAS_BUILDINGS.with("count", buildings).into());
    }
    let links = count_after!(tx, compound_grid, compound_code, before.code, on);
    if links > 0 {
        return Err(HAS_BUILDINGS.with("count", links).into());
    }
    crate::property_project::none_after(tx, &before.code, on).await?;
    crate::party_organization_entry::none_after(tx, &before.code, on).await?;
    crate::governance_body::none_after(tx, &before.code, on).await?;
    crate::charter_inclusion_hosts::none_after(tx, &before.code, on).await?;
    crate::handover_proof::none_open(tx, &before.code).await?;
    crate::cross_appointment_facts::none_after(tx, &before.code, on).await?;
    let after = diesel::update(compound::table.find(id))
        .set((compound::valid_to.eq(on), compound::version.eq(before.version + 1), compound::updated_at.eq(tx.now)))
        .returning(Compound::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("compound.ended", Some(&before), &after, Some(ending.reason.as_str()))?;
    Ok(after)
}

/// Refuses unless the compound is there and has not ended on a day; it cannot end before this transaction does.
pub async fn host(tx: &Tx<'_>, code: &str, on: NaiveDate) -> Result<()> {
    first_day_of_host(tx, code, on).await?;
    Ok(())
}

/// The same for what does not begin before the compound does, on a day; `early` says so.
pub(crate) async fn host_begun(tx: &Tx<'_>, code: &str, on: NaiveDate, early: &'static Refusal) -> Result<()> {
    let begins = first_day_of_host(tx, code, on).await?;
    if on < begins { Err(early.at("/valid_from").with("compound_code", code).into()) } else { Ok(()) }
}

async fn first_day_of_host(tx: &Tx<'_>, code: &str, on: NaiveDate) -> Result<NaiveDate> {
    let term = compound::table.filter(compound::code.eq(code)).select((compound::valid_from, compound::valid_to)).for_key_share();
    match term.first::<(NaiveDate, Option<NaiveDate>)>(&mut tx.conn()).await.optional()? {
        None => Err(UNKNOWN_HERE.at("/compound_code").with("compound_code", code).into()),
        Some((from, to)) if to.is_none_or(|to| on < to) => Ok(from),
        Some(_) => Err(ENDED_HERE.at("/compound_code").with("compound_code", code).into()),
    }
}

/// The compound, locked, of a caller who may write it.
pub(crate) async fn lock(tx: &Tx<'_>, id: CompoundId) -> Result<Compound> {
    let found = Compound::query()
        .filter(compound::id.eq(id))
        .filter(within_or_above!(tx.scope(&[READ, WRITE]), compound::area_code))
        .for_update()
        .first(&mut tx.conn())
        .await
        .optional()?;
    let compound: Compound = found.ok_or(&UNKNOWN)?;
    tx.may_at(WRITE, compound.area_code.as_str())?;
    Ok(compound)
}

async fn change(tx: &Tx<'_>, before: &Compound, patch: &CompoundPatch) -> Result<Compound> {
    if let Some(from) = patch.valid_from.filter(|from| *from > before.valid_from) {
        let links = compound_grid::table.filter(compound_grid::compound_code.eq(&before.code).and(compound_grid::valid_from.lt(from)));
        let projects = property_project::table.filter(property_project::compound_code.eq(&before.code).and(property_project::valid_from.lt(from)));
        if diesel::select(exists(links).or(exists(projects))).get_result(&mut tx.conn()).await? {
            return Err(IN_USE_BEFORE.at("/valid_from").into());
        }
    }
    let after = diesel::update(compound::table.find(before.id))
        .set((patch, compound::version.eq(before.version + 1), compound::updated_at.eq(tx.now)))
        .returning(Compound::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("compound.changed", Some(before), &after, None)?;
    Ok(after)
}
