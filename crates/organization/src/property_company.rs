//! Property companies (物业服务企业): who serves compounds, those led by communities among them (ORG-15).
//!
//! A company is bound to no place. It is kept in an area, in which it is written, and it is seen there and from
//! wherever a link of [`LINKS`] leads to it.

use chrono::NaiveDate;
use diesel::dsl::sql;
use diesel::expression::BoxableExpression;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text};
use diesel_async::RunQueryDsl;
use kernel::area::AreaCode;
use kernel::change::{CODE_FIXED, Constraint, HALF_A_REFERENCE, REFERENCE_TAKEN, RefusedBy, nullable, present};
use kernel::page::MAX_TOTAL;
use kernel::text::{Key, Line, Name};
use kernel::{
    Ending, Expected, Page, Paging, Permission, Prepare, Recorded, Refusal, Result, Stamp, Tx, View, count_after, cursor_of, holds_on, id, import, keyset,
    period,
};
use schema::{property_company, property_project};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::code::CommunityCode;
use crate::credit_code::CreditCode;
use crate::kept_area;
use crate::property_company_branch;
pub use crate::property_company_kind::PropertyCompanyKind;

id!(
    /// A property company.
    PropertyCompanyId
);

/// A property company as it stands.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = property_company)]
pub struct PropertyCompany {
    /// Identity, for ever.
    pub id: PropertyCompanyId,
    /// Unified social credit code (GB 32100).
    pub code: CreditCode,
    /// Registered name, held by one company at a time.
    pub name: Name,
    /// Who stands behind it.
    pub kind: PropertyCompanyKind,
    /// The community that took the lead in founding it; of `community_led` ones alone.
    pub founder_community_code: Option<CommunityCode>,
    /// Where it is kept: who may write companies there may change it.
    pub area_code: AreaCode,
    /// The branch of the industry committee that its Party members belong to; a branch of several companies is a joint one.
    pub party_branch_code: Option<Key>,
    /// Legal representative, as the public register names him.
    pub legal_representative: Option<Name>,
    /// Registered address.
    pub registered_address: Option<Line>,
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

/// A property company to be entered.
#[derive(Clone, Debug, Deserialize, Insertable, Validate, ToSchema)]
#[diesel(table_name = property_company)]
#[serde(deny_unknown_fields)]
pub struct NewPropertyCompany {
    /// Unified social credit code (GB 32100), with the right check digit.
    pub code: CreditCode,
    /// Registered name.
    #[schema(example = "麻城市示例物业服务有限公司")]
    pub name: Name,
    /// Who stands behind it.
    pub kind: PropertyCompanyKind,
    /// The community that took the lead in founding it; needed for `community_led`, and for no other.
    pub founder_community_code: Option<CommunityCode>,
    /// Where it is kept; the founder community unless said, else the city.
    #[diesel(skip_insertion)]
    pub area_code: Option<AreaCode>,
    /// The branch of the industry committee that its Party members belong to.
    pub party_branch_code: Option<Key>,
    /// Legal representative, as the public register names him.
    pub legal_representative: Option<Name>,
    /// Registered address.
    pub registered_address: Option<Line>,
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

/// A change of a property company: what is left out stays, null empties.
#[derive(Clone, Debug, Default, Deserialize, AsChangeset, Validate, ToSchema)]
#[diesel(table_name = property_company)]
#[serde(deny_unknown_fields, default)]
pub struct PropertyCompanyPatch {
    /// Registered name.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false, example = "麻城市示例物业服务有限责任公司")]
    pub name: Option<Name>,
    /// Who stands behind it.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub kind: Option<PropertyCompanyKind>,
    /// The community that took the lead in founding it.
    #[serde(deserialize_with = "nullable")]
    pub founder_community_code: Option<Option<CommunityCode>>,
    /// Where it is kept; you must be able to write in the area before and after.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub area_code: Option<AreaCode>,
    /// The branch of the industry committee that its Party members belong to.
    #[serde(deserialize_with = "nullable")]
    pub party_branch_code: Option<Option<Key>>,
    /// Legal representative.
    #[serde(deserialize_with = "nullable")]
    pub legal_representative: Option<Option<Name>>,
    /// Registered address.
    #[serde(deserialize_with = "nullable")]
    pub registered_address: Option<Option<Line>>,
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

impl From<NewPropertyCompany> for PropertyCompanyPatch {
    fn from(new: NewPropertyCompany) -> Self {
        Self {
            name: Some(new.name),
            kind: Some(new.kind),
            founder_community_code: Some(new.founder_community_code),
            area_code: new.area_code,
            party_branch_code: Some(new.party_branch_code),
            legal_representative: Some(new.legal_representative),
            registered_address: Some(new.registered_address),
            valid_from: new.valid_from,
            ..Self::default()
        }
    }
}

/// Which property companies a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct PropertyCompanyFilter {
    /// Kept in this area or under it, or linked to it.
    pub area_code: Option<AreaCode>,
    /// With this unified social credit code; one that is wrong finds nothing.
    pub code: Option<Key>,
    /// Whose name holds this text.
    pub name: Option<Name>,
    /// With this behind it.
    #[param(inline)]
    pub kind: Option<PropertyCompanyKind>,
    /// Founded under the lead of this community.
    pub founder_community_code: Option<CommunityCode>,
    /// Whose Party members belong to this branch.
    pub party_branch_code: Option<Key>,
}

/// May see property companies.
pub const READ: Permission = Permission("property_company.read");
/// May write property companies.
pub const WRITE: Permission = Permission("property_company.write");

/// No such company.
pub const UNKNOWN: Refusal = Refusal::not_found(
    "property_company.unknown",
    "没有该物业企业,或它与您的区域没有关联。",
    "There is no such property company, or nothing links it to your area.",
);
/// The code has been used.
pub const CODE_TAKEN: Refusal = Refusal::conflict(
    "property_company.code_taken",
    "该统一社会信用代码的物业企业已登记,可直接引用。",
    "A property company with this unified social credit code has been entered; refer to it.",
);
/// Another company of this name.
pub const NAME_TAKEN: Refusal = Refusal::conflict(
    "property_company.name_taken",
    "同一时期已有同名的物业企业;请核对名称和统一社会信用代码。",
    "Another property company has this name at that time; check the name and the unified social credit code.",
);
/// A founder without being led by a community, or the other way round.
pub const FOUNDER_AND_KIND: Refusal = Refusal::invalid(
    "property_company.founder_and_kind",
    "社区牵头的物业企业须填写牵头社区,其他类型不填。",
    "A company led by a community needs its founder community; no other kind has one.",
);
/// The founder is no community.
pub const NO_SUCH_FOUNDER: Refusal =
    Refusal::invalid("property_company.no_such_founder", "牵头社区不存在,请核对社区编码。", "There is no such community as the founder; check its code.");
/// In an import: a founder for whom the caller cannot speak.
pub const FOUNDER_ELSEWHERE: Refusal = Refusal::invalid(
    "property_company.founder_elsewhere",
    "牵头社区 {founder_community_code} 不在您有权写入的区域内。",
    "The founder community {founder_community_code} is not within the area in which you may write.",
);
/// Projects keep it from ending.
pub const HAS_PROJECTS: Refusal = Refusal::conflict(
    "property_company.has_projects",
    "自该日起该企业仍有 {count} 个服务项目;请先终止这些项目。",
    "From that day on the company still has {count} projects; end these first.",
);
/// A reference to a company that is not there.
pub const UNKNOWN_HERE: Refusal = Refusal::invalid(
    "property_company.does_not_exist",
    "物业企业 {company_code} 不存在,请先登记。",
    "The property company {company_code} does not exist; enter it first.",
);
/// A reference to a company that has ended.
pub const ENDED_HERE: Refusal =
    Refusal::invalid("property_company.not_in_force", "物业企业 {company_code} 在该日期已终止。", "The property company {company_code} has ended by that day.");

const CONSTRAINTS: &[Constraint] = &[
    ("property_company_code_key", &CODE_TAKEN, "/code"),
    ("property_company_founder", &FOUNDER_AND_KIND, "/founder_community_code"),
    ("property_company_founder_community_code_fkey", &NO_SUCH_FOUNDER, "/founder_community_code"),
    ("property_company_one_of_a_name", &NAME_TAKEN, "/name"),
    ("property_company_party_branch_fkey", &property_company_branch::UNKNOWN, "/party_branch_code"),
    ("property_company_period", &period::ENDS_BEFORE_IT_BEGINS, "/valid_from"),
    ("property_company_source_ref", &HALF_A_REFERENCE, "/ref"),
    ("property_company_source_ref_key", &REFERENCE_TAKEN, "/ref"),
    ("property_company_years", &period::OUT_OF_YEARS, "/valid_from"),
];

impl Recorded for PropertyCompany {
    const KIND: &'static str = "property_company";

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

/// `code, area_code` of every dated link that lets a company be seen from another area than its own, whenever it
/// holds or held. Another kind of link is another line.
pub(crate) const LINKS: &str = "select code, founder_community_code from property_company where founder_community_code is not null \
     union all select company_code, area_code from property_project \
     union all select p.company_code, g.grid_code from property_project p join compound_grid g using (compound_code)";

type Condition = Box<dyn BoxableExpression<property_company::table, Pg, SqlType = Bool>>;

/// Whether a company may be seen from one of these areas: it is kept there, or linked to it.
fn seen_from(areas: &[AreaCode]) -> Condition {
    let areas: Vec<String> = areas.iter().map(ToString::to_string).collect();
    Box::new(sql::<Bool>("exists (select from unnest(").bind::<Array<Text>, _>(areas).sql(&format!(
        ") area where starts_with(property_company.area_code, area) \
         or exists (select from ({LINKS}) l (key, area_code) where l.key = property_company.code and starts_with(l.area_code, area)))"
    )))
}

/// Lists the property companies on a day that the caller may see.
pub async fn list(view: &View<'_>, filter: &PropertyCompanyFilter, paging: &Paging) -> Result<Page<PropertyCompany>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query = PropertyCompany::query().filter(holds_on!(property_company, view.as_of)).filter(seen_from(scope.areas())).into_boxed();
        if let Some(area) = &filter.area_code {
            query = query.filter(seen_from(std::slice::from_ref(area)));
        }
        if let Some(code) = &filter.code {
            query = query.filter(property_company::code.eq(code));
        }
        if let Some(name) = &filter.name {
            query = query.filter(property_company::name.like(name.pattern()));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(property_company::kind.eq(kind));
        }
        if let Some(founder) = &filter.founder_community_code {
            query = query.filter(property_company::founder_community_code.eq(founder));
        }
        if let Some(branch) = &filter.party_branch_code {
            query = query.filter(property_company::party_branch_code.eq(branch));
        }
        query
    };
    let rows = keyset!(chosen(), property_company, paging, paging.after(filter)?).load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(property_company::id).limit(MAX_TOTAL).load::<PropertyCompanyId>(&mut view.conn()).await?.len()),
        false => None,
    };
    paging.page(view.as_of, rows, total, filter, cursor_of!(paging))
}

/// The property company with this id.
pub async fn get(view: &View<'_>, id: PropertyCompanyId) -> Result<PropertyCompany> {
    let scope = view.may(READ)?;
    let found = PropertyCompany::query().filter(property_company::id.eq(id)).filter(seen_from(scope.areas())).first(&mut view.conn()).await.optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

/// Enters a property company.
pub async fn create(tx: &Tx<'_>, new: &NewPropertyCompany) -> Result<PropertyCompany> {
    let founder = new.founder_community_code.as_ref().and_then(|community| community.as_str().parse().ok());
    let area: AreaCode = new.area_code.clone().or(founder).unwrap_or_else(|| tx.city.clone());
    if let Some(founder) = &new.founder_community_code {
        tx.may_at(WRITE, founder.as_str())?;
    }
    tx.may_at(WRITE, area.as_str())?;
    property_company_branch::host(tx, new.party_branch_code.as_ref()).await?;
    let from = new.valid_from.unwrap_or(tx.today());
    let company: PropertyCompany = diesel::insert_into(property_company::table)
        .values((new, property_company::id.eq(PropertyCompanyId::fresh()), property_company::area_code.eq(area), property_company::valid_from.eq(from)))
        .returning(PropertyCompany::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    // Only now: a founder that is not there is told as the founder, not as the area.
    kept_area::host(tx, &company.area_code, from.max(tx.today())).await?;
    tx.record("property_company.created", None, &company, None)?;
    Ok(company)
}

/// Changes a property company.
pub async fn update(tx: &Tx<'_>, id: PropertyCompanyId, expected: Expected, patch: &PropertyCompanyPatch) -> Result<PropertyCompany> {
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    period::still_open(before.valid_to)?;
    change(tx, &before, patch).await
}

/// Enters or changes the property company that the caller knows by a key of his own.
pub async fn put(tx: &Tx<'_>, source: &Key, reference: &Key, new: NewPropertyCompany) -> Result<PropertyCompany> {
    tx.lock(&format!("property_company {source} {reference}")).await?;
    let by_key = property_company::source.eq(source).and(property_company::ref_.eq(reference));
    let known = PropertyCompany::query().filter(by_key).first(&mut tx.conn()).await.optional()?;
    match known {
        None => create(tx, &NewPropertyCompany { source: Some(source.clone()), reference: Some(reference.clone()), ..new }).await,
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

/// Ends a property company on a day. Refused while it serves compounds, or charter inclusions name its articles, from that day on.
pub async fn end(tx: &Tx<'_>, id: PropertyCompanyId, expected: Expected, ending: &Ending) -> Result<PropertyCompany> {
    import::hold(tx, &[crate::charter_inclusion_sheet::SHEET.resource, crate::property_project_sheet::SHEET.resource]).await?;
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    let on = period::end(before.valid_from, before.valid_to, ending.on)?;
    let projects = count_after!(tx, property_project, company_code, before.code, on);
    if projects > 0 {
        return Err(HAS_PROJECTS.with("count", projects).into());
    }
    crate::charter_inclusion_hosts::none_of_company_after(tx, &before.code, on).await?;
    let after = diesel::update(property_company::table.find(id))
        .set((property_company::valid_to.eq(on), property_company::version.eq(before.version + 1), property_company::updated_at.eq(tx.now)))
        .returning(PropertyCompany::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("property_company.ended", Some(&before), &after, Some(ending.reason.as_str()))?;
    Ok(after)
}

/// Refuses unless the company is there and has not ended on a day; it cannot end before this transaction does.
pub(crate) async fn host(tx: &Tx<'_>, code: &CreditCode, on: NaiveDate) -> Result<()> {
    let end = property_company::table.filter(property_company::code.eq(code)).select(property_company::valid_to).for_key_share();
    match end.first::<Option<NaiveDate>>(&mut tx.conn()).await.optional()? {
        None => Err(UNKNOWN_HERE.at("/company_code").with("company_code", code).into()),
        Some(end) if end.is_none_or(|end| on < end) => Ok(()),
        Some(_) => Err(ENDED_HERE.at("/company_code").with("company_code", code).into()),
    }
}

/// The property company, locked, of a caller who may write it.
async fn lock(tx: &Tx<'_>, id: PropertyCompanyId) -> Result<PropertyCompany> {
    let scope = tx.scope(&[READ, WRITE]);
    let found =
        PropertyCompany::query().filter(property_company::id.eq(id)).filter(seen_from(scope.areas())).for_update().first(&mut tx.conn()).await.optional()?;
    let company: PropertyCompany = found.ok_or(&UNKNOWN)?;
    tx.may_at(WRITE, company.area_code.as_str())?;
    Ok(company)
}

async fn change(tx: &Tx<'_>, before: &PropertyCompany, patch: &PropertyCompanyPatch) -> Result<PropertyCompany> {
    if let Some(Some(founder)) = &patch.founder_community_code
        && before.founder_community_code.as_ref() != Some(founder)
    {
        tx.may_at(WRITE, founder.as_str())?;
    }
    if let Some(area) = &patch.area_code {
        tx.may_at(WRITE, area.as_str())?;
        if *area != before.area_code {
            kept_area::host(tx, area, patch.valid_from.unwrap_or(before.valid_from).max(tx.today())).await?;
        }
    }
    if let Some(branch) = &patch.party_branch_code {
        property_company_branch::host(tx, branch.as_ref()).await?;
    }
    let after = diesel::update(property_company::table.find(before.id))
        .set((patch, property_company::version.eq(before.version + 1), property_company::updated_at.eq(tx.now)))
        .returning(PropertyCompany::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("property_company.changed", Some(before), &after, None)?;
    Ok(after)
}
