//! Communities (社区): the area of one residents committee, between subdistrict and grid.

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
    period, text_enum, within_or_above,
};
use schema::{community, compound, grid};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::code::{CommunityCode, NOT_A_COMMUNITY_CODE, SubdistrictCode, is_community_code};
use crate::{compound_sheet, grid as grids, kept_area, party_organization_sheet, person_entry, person_sheet, property_company_sheet, subdistrict};

id!(
    /// A community.
    CommunityId
);

text_enum!(
    /// What a community is.
    CommunityKind {
        /// Of the city.
        Urban = "urban" "城市社区",
        /// A village that became a community.
        VillageToCommunity = "village_to_community" "村改居社区",
        /// A village.
        Village = "village" "村",
    }
);

/// A community as it stands.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = community)]
pub struct Community {
    /// Identity, for ever.
    pub id: CommunityId,
    /// Twelve digits: the subdistrict's nine and three of its own.
    pub code: CommunityCode,
    /// The subdistrict, from the code.
    pub subdistrict_code: SubdistrictCode,
    /// Name.
    pub name: Name,
    /// What it is.
    pub kind: CommunityKind,
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

/// A community to be made.
#[derive(Clone, Debug, Deserialize, Insertable, Validate, ToSchema)]
#[diesel(table_name = community)]
#[serde(deny_unknown_fields)]
pub struct NewCommunity {
    /// Twelve digits: the subdistrict's nine and three of its own.
    pub code: CommunityCode,
    /// Name.
    #[schema(example = "龙池社区")]
    pub name: Name,
    /// What it is. `urban` unless said.
    pub kind: Option<CommunityKind>,
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

/// A change of a community: what is left out stays, null empties.
#[derive(Clone, Debug, Default, Deserialize, AsChangeset, Validate, ToSchema)]
#[diesel(table_name = community)]
#[serde(deny_unknown_fields, default)]
pub struct CommunityPatch {
    /// Name.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false, example = "龙池社区")]
    pub name: Option<Name>,
    /// What it is.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub kind: Option<CommunityKind>,
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

impl From<NewCommunity> for CommunityPatch {
    fn from(new: NewCommunity) -> Self {
        Self { name: Some(new.name), kind: new.kind, valid_from: new.valid_from, source: None, reference: None, version: None }
    }
}

/// Which communities a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct CommunityFilter {
    /// In this area or under it.
    pub area_code: Option<AreaCode>,
    /// With this code.
    pub code: Option<CommunityCode>,
    /// Whose name holds this text.
    pub name: Option<Name>,
    /// Of this kind.
    #[param(inline)]
    pub kind: Option<CommunityKind>,
}

/// May see communities.
pub const READ: Permission = Permission("community.read");
/// May write communities.
pub const WRITE: Permission = Permission("community.write");

/// No such community.
pub const UNKNOWN: Refusal =
    Refusal::not_found("community.unknown", "没有该社区,或它不在您的区域内。", "There is no such community, or it is not in your area.");
/// The code has been used.
pub const CODE_TAKEN: Refusal =
    Refusal::conflict("community.code_taken", "该社区编码已被使用;编码不重复使用。", "This community code has been used; a code is never used again.");
/// A reference to a community that is not there.
pub const UNKNOWN_HERE: Refusal =
    Refusal::invalid("community.does_not_exist", "社区 {community_code} 不存在,请先登记。", "The community {community_code} does not exist; enter it first.");
/// A reference to a community that has ended.
pub const ENDED_HERE: Refusal =
    Refusal::invalid("community.not_in_force", "社区 {community_code} 在该日期已终止。", "The community {community_code} has ended by that day.");
/// Grids or compounds are still in it.
pub const HAS_PARTS: Refusal = Refusal::conflict(
    "community.has_parts",
    "社区自该日起仍有 {count} 个网格或小区;请先终止它们。",
    "From that day on the community still has {count} grids or compounds; end them first.",
);

/// It still answers for people.
pub const HAS_PEOPLE: Refusal = Refusal::conflict(
    "community.has_people",
    "社区自该日起仍登记有 {count} 人;请先更改其所属区域。",
    "From that day on the community still answers for {count} people; change the area of each first.",
);

/// Imports of what keeps a community from ending.
const STAND_IN: &[&str] = &[
    compound_sheet::SHEET.resource,
    grids::SHEET.resource,
    party_organization_sheet::SHEET.resource,
    person_sheet::SHEET.resource,
    property_company_sheet::SHEET.resource,
];

const CONSTRAINTS: &[Constraint] = &[
    ("community_code_key", &CODE_TAKEN, "/code"),
    ("community_period", &period::ENDS_BEFORE_IT_BEGINS, "/valid_from"),
    ("community_source_ref", &HALF_A_REFERENCE, "/ref"),
    ("community_source_ref_key", &REFERENCE_TAKEN, "/ref"),
    ("community_years", &period::OUT_OF_YEARS, "/valid_from"),
];

impl Recorded for Community {
    const KIND: &'static str = "community";

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

/// Lists the communities in force on a day that the caller may see: those of his area, and the one above it.
pub async fn list(view: &View<'_>, filter: &CommunityFilter, paging: &Paging) -> Result<Page<Community>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query = Community::query().filter(holds_on!(community, view.as_of)).filter(within_or_above!(scope, community::code)).into_boxed();
        if let Some(area) = &filter.area_code {
            query = query.filter(community::code.ge(area.clone()).and(community::code.lt(kernel::area::end_of(area))));
        }
        if let Some(code) = &filter.code {
            query = query.filter(community::code.eq(code));
        }
        if let Some(name) = &filter.name {
            query = query.filter(community::name.like(name.pattern()));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(community::kind.eq(kind));
        }
        query
    };
    let rows = keyset!(chosen(), community, paging, paging.after(filter)?).load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(community::id).limit(MAX_TOTAL).load::<CommunityId>(&mut view.conn()).await?.len()),
        false => None,
    };
    paging.page(view.as_of, rows, total, filter, cursor_of!(paging))
}

/// The community with this id.
pub async fn get(view: &View<'_>, id: CommunityId) -> Result<Community> {
    let scope = view.may(READ)?;
    let found = Community::query().filter(community::id.eq(id)).filter(within_or_above!(scope, community::code)).first(&mut view.conn()).await.optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

/// Makes a community in the subdistrict that its code begins with.
pub async fn create(tx: &Tx<'_>, new: &NewCommunity) -> Result<Community> {
    tx.may_at(WRITE, new.code.as_str())?;
    let from = new.valid_from.unwrap_or(tx.today());
    subdistrict::host(tx, new.code.subdistrict(), from).await?;
    let community = diesel::insert_into(community::table)
        .values((new, community::id.eq(CommunityId::fresh()), community::valid_from.eq(from)))
        .returning(Community::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("community.created", None, &community, None)?;
    Ok(community)
}

/// Changes a community.
pub async fn update(tx: &Tx<'_>, id: CommunityId, expected: Expected, patch: &CommunityPatch) -> Result<Community> {
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    period::still_open(before.valid_to)?;
    change(tx, &before, patch).await
}

/// Makes or changes the community that the caller knows by a key of his own.
pub async fn put(tx: &Tx<'_>, source: &Key, reference: &Key, new: NewCommunity) -> Result<Community> {
    tx.lock(&format!("community {source} {reference}")).await?;
    let known = Community::query().filter(community::source.eq(source).and(community::ref_.eq(reference))).first(&mut tx.conn()).await.optional()?;
    match known {
        None => create(tx, &NewCommunity { source: Some(source.clone()), reference: Some(reference.clone()), ..new }).await,
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

/// Ends a community on a day. Refused while grids, compounds, people, party organizations or companies are in it from that day on.
pub async fn end(tx: &Tx<'_>, id: CommunityId, expected: Expected, ending: &Ending) -> Result<Community> {
    import::hold(tx, STAND_IN).await?;
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    let on = period::end(before.valid_from, before.valid_to, ending.on)?;
    let grids = count_after!(tx, grid, community_code, before.code, on);
    if grids > 0 {
        return Err(HAS_PARTS.with("count", grids).into());
    }
    let compounds = count_after!(tx, compound, area_code, before.code, on);
    if compounds > 0 {
        return Err(HAS_PARTS.with("count", compounds).into());
    }
    let people = person_entry::answered_for(tx, before.code.as_str(), on).await?;
    if people > 0 {
        return Err(HAS_PEOPLE.with("count", people).into());
    }
    kept_area::none_after(tx, before.code.as_str(), kept_area::OF_COMMUNITY, on).await?;
    let after = diesel::update(community::table.find(id))
        .set((community::valid_to.eq(on), community::version.eq(before.version + 1), community::updated_at.eq(tx.now)))
        .returning(Community::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("community.ended", Some(&before), &after, Some(ending.reason.as_str()))?;
    Ok(after)
}

/// Refuses unless the community is there and has not ended on a day; it cannot end before this transaction does.
pub async fn host(tx: &Tx<'_>, code: &str, on: NaiveDate) -> Result<()> {
    let end = community::table
        .filter(community::code.eq(code))
        .select(community::valid_to)
        .for_key_share()
        .first::<Option<NaiveDate>>(&mut tx.conn())
        .await
        .optional()?;
    match end {
        None => Err(UNKNOWN_HERE.at("/code").with("community_code", code).into()),
        Some(end) if end.is_none_or(|end| on < end) => Ok(()),
        Some(_) => Err(ENDED_HERE.at("/code").with("community_code", code).into()),
    }
}

/// The community, locked, of a caller who may write it.
pub(crate) async fn lock(tx: &Tx<'_>, id: CommunityId) -> Result<Community> {
    let found = Community::query()
        .filter(community::id.eq(id))
        .filter(within_or_above!(tx.scope(&[READ, WRITE]), community::code))
        .for_update()
        .first(&mut tx.conn())
        .await
        .optional()?;
    let community: Community = found.ok_or(&UNKNOWN)?;
    tx.may_at(WRITE, community.code.as_str())?;
    Ok(community)
}

async fn change(tx: &Tx<'_>, before: &Community, patch: &CommunityPatch) -> Result<Community> {
    let after = diesel::update(community::table.find(before.id))
        .set((patch, community::version.eq(before.version + 1), community::updated_at.eq(tx.now)))
        .returning(Community::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("community.changed", Some(before), &after, None)?;
    Ok(after)
}

/// Communities as a table.
pub const SHEET: Sheet = Sheet {
    resource: "communities",
    zh: "社区",
    table: "community",
    read: READ,
    write: WRITE,
    columns: &[
        Column::new("code", "社区编码", Form::Code(is_community_code, &NOT_A_COMMUNITY_CODE), "12位数字,前9位是街道编码。编码不重复使用。").required(),
        Column::new("subdistrict_code", "街道编码", Form::Prefix(9), "可不填;填写时须与社区编码前9位一致。"),
        Column::new("name", "名称", Form::Text(60), "最多60个字符。").required(),
        Column::new("kind", "类型", Form::Choice(CommunityKind::CHOICES), "默认为城市社区。").or("'urban'"),
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
    from: "community t",
    shown: &[],
    looks_up: "left join subdistrict p on p.code = left(i.code, 9)",
    checks: &[
        Check { column: "code", refusal: &subdistrict::UNKNOWN_HERE, fault: "p.code is null" },
        Check { column: "code", refusal: &subdistrict::ENDED_HERE, fault: "p.valid_to <= i.valid_from" },
    ],
    after: None,
};
