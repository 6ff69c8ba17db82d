//! Property projects (物业服务项目): who serves which compound, under which contract, and since when (ORG-17).
//!
//! Self-management counts as service, with or without a company. Part of the service, such as cleaning alone, does
//! not. Whoever serves a compound as a whole does so alone.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::area::AreaCode;
use kernel::change::{CODE_FIXED, Constraint, HALF_A_REFERENCE, REFERENCE_TAKEN, RefusedBy, nullable, present};
use kernel::page::{Cursor, MAX_TOTAL};
use kernel::text::{Key, Line, Name};
use kernel::{
    Ending, Expected, Page, Paging, Permission, Prepare, Recorded, Refusal, Result, Stamp, Tx, View, holds_on, id, period, text_enum, within_or_above,
};
use schema::{compound_grid, property_project};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::code::{CompoundCode, GridCode};
use crate::credit_code::CreditCode;
use crate::{compound, handover_proof, property_company};

id!(
    /// A property project.
    PropertyProjectId
);

text_enum!(
    /// How a compound is served.
    ServiceKind {
        /// By a company, with everything that property service is.
        FullService = "full_service" "全面服务",
        /// By a company, with a part alone, such as cleaning; no coverage.
        PartialService = "partial_service" "单项服务",
        /// By a work unit, for its own housing.
        UnitSelf = "unit_self" "单位自管",
        /// By the owners themselves.
        OwnerSelf = "owner_self" "业主自治",
    }
);

text_enum!(
    /// Who chose the company.
    ServiceStage {
        /// The developer, before the owners could.
        Preliminary = "preliminary" "前期",
        /// The owners.
        Regular = "regular" "正式",
    }
);

/// A property project as it stands.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = property_project)]
pub struct PropertyProject {
    /// Identity, for ever.
    pub id: PropertyProjectId,
    /// The compound that is served.
    pub compound_code: CompoundCode,
    /// The company that serves it; null where it is looked after without one.
    pub company_code: Option<CreditCode>,
    /// The community, from the code of the compound.
    pub area_code: AreaCode,
    /// How it is served.
    pub kind: ServiceKind,
    /// Who chose the company.
    pub stage: Option<ServiceStage>,
    /// Number of the contract.
    pub contract_number: Option<Line>,
    /// First day after the agreed term; a contract that goes on after it counts until it is ended (Civil Code, article 948).
    pub agreed_to: Option<NaiveDate>,
    /// Day on which the contract was filed.
    pub filed_on: Option<NaiveDate>,
    /// Fee, in words.
    pub fee_standard: Option<Line>,
    /// Project manager, as publications name him.
    pub manager: Option<Name>,
    /// People who work in the project.
    pub staff: Option<i32>,
    /// First day of service.
    pub valid_from: NaiveDate,
    /// First day without service; null while it has no end.
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

/// A property project to be entered.
#[derive(Clone, Debug, Deserialize, Insertable, Validate, ToSchema)]
#[diesel(table_name = property_project)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"compound_code": "421181001001X001", "company_code": "91421199MA0000001U", "kind": "full_service", "stage": "regular"}))]
pub struct NewPropertyProject {
    /// The compound that is served.
    pub compound_code: CompoundCode,
    /// The company that serves it; not needed for `unit_self` and `owner_self`.
    pub company_code: Option<CreditCode>,
    /// How it is served.
    pub kind: ServiceKind,
    /// Who chose the company.
    pub stage: Option<ServiceStage>,
    /// Number of the contract.
    pub contract_number: Option<Line>,
    /// First day after the agreed term.
    pub agreed_to: Option<NaiveDate>,
    /// Day on which the contract was filed.
    pub filed_on: Option<NaiveDate>,
    /// Fee, in words.
    pub fee_standard: Option<Line>,
    /// Project manager, as publications name him.
    pub manager: Option<Name>,
    /// People who work in the project.
    #[validate(range(min = 0, max = 10000))]
    #[schema(minimum = 0, maximum = 10000)]
    pub staff: Option<i32>,
    /// First day of service; today unless said.
    #[diesel(skip_insertion)]
    pub valid_from: Option<NaiveDate>,
    /// System of the caller that knows it by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[diesel(column_name = ref_)]
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
}

/// A change of a property project: what is left out stays, null empties.
#[derive(Clone, Debug, Default, Deserialize, AsChangeset, Validate, ToSchema)]
#[diesel(table_name = property_project)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"contract_number": "物服2026-17", "version": 1}))]
pub struct PropertyProjectPatch {
    /// How it is served.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub kind: Option<ServiceKind>,
    /// Who chose the company.
    #[serde(deserialize_with = "nullable")]
    pub stage: Option<Option<ServiceStage>>,
    /// Number of the contract.
    #[serde(deserialize_with = "nullable")]
    pub contract_number: Option<Option<Line>>,
    /// First day after the agreed term.
    #[serde(deserialize_with = "nullable")]
    pub agreed_to: Option<Option<NaiveDate>>,
    /// Day on which the contract was filed.
    #[serde(deserialize_with = "nullable")]
    pub filed_on: Option<Option<NaiveDate>>,
    /// Fee, in words.
    #[serde(deserialize_with = "nullable")]
    pub fee_standard: Option<Option<Line>>,
    /// Project manager, as publications name him.
    #[serde(deserialize_with = "nullable")]
    pub manager: Option<Option<Name>>,
    /// People who work in the project.
    #[serde(deserialize_with = "nullable")]
    #[validate(range(min = 0, max = 10000))]
    #[schema(minimum = 0, maximum = 10000)]
    pub staff: Option<Option<i32>>,
    /// First day of service, corrected.
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

impl From<NewPropertyProject> for PropertyProjectPatch {
    fn from(new: NewPropertyProject) -> Self {
        Self {
            kind: Some(new.kind),
            stage: Some(new.stage),
            contract_number: Some(new.contract_number),
            agreed_to: Some(new.agreed_to),
            filed_on: Some(new.filed_on),
            fee_standard: Some(new.fee_standard),
            manager: Some(new.manager),
            staff: Some(new.staff),
            valid_from: new.valid_from,
            ..Self::default()
        }
    }
}

/// Which property projects a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct PropertyProjectFilter {
    /// Of compounds in this area, or in this grid on the day.
    pub area_code: Option<AreaCode>,
    /// Of this compound.
    pub compound_code: Option<CompoundCode>,
    /// By the company of this credit code; one that is wrong finds nothing.
    pub company_code: Option<Key>,
    /// Served so.
    #[param(inline)]
    pub kind: Option<ServiceKind>,
}

/// May see property projects and the coverage.
pub const READ: Permission = Permission("property_project.read");
/// May write property projects.
pub const WRITE: Permission = Permission("property_project.write");

/// No such project.
pub const UNKNOWN: Refusal =
    Refusal::not_found("property_project.unknown", "没有该物业服务项目,或它不在您的区域内。", "There is no such property project, or it is not in your area.");
/// The same company twice in a compound.
pub const ALREADY: Refusal =
    Refusal::conflict("property_project.already", "该企业在此期间已服务该小区。", "The company serves this compound already at that time.");
/// Two who serve a compound as a whole.
pub const ALREADY_SERVED: Refusal = Refusal::conflict(
    "property_project.already_served",
    "该小区在此期间已有全面服务或自管;一个小区同一时期只由一家实施管理(《物业管理条例》第三十三条),请先终止原项目。",
    "The compound has full service or self-management already at that time; one at a time serves it as a whole (Regulations on Property Management, article 33), so end the other project first.",
);
/// Service without anybody who gives it.
pub const NEEDS_COMPANY: Refusal = Refusal::invalid(
    "property_project.needs_company",
    "全面服务和单项服务须填写物业企业;单位自管和业主自治可不填。",
    "Full and partial service need the company; self-management by a work unit or the owners does not.",
);
/// An agreed term that is over before it begins.
pub const AGREED_BEFORE_IT_BEGINS: Refusal =
    Refusal::invalid("property_project.agreed_before_it_begins", "约定期满日期须晚于服务起始日期。", "The agreed term must end after the service begins.");
/// Service that is older than the compound.
pub const BEGINS_BEFORE_COMPOUND: Refusal = Refusal::invalid(
    "property_project.begins_before_compound",
    "服务起始日期早于小区 {compound_code} 的启用日期;请更正其中一个日期。",
    "The service would begin before the compound {compound_code} does; correct one of the two days.",
);
/// Projects keep a compound from ending.
pub const SERVES: Refusal = Refusal::conflict(
    "compound.has_projects",
    "自该日起小区仍有 {count} 个物业服务项目;请先终止。",
    "From that day on the compound still has {count} property projects; end them first.",
);

const CONSTRAINTS: &[Constraint] = &[
    ("property_project_agreed_to", &AGREED_BEFORE_IT_BEGINS, "/agreed_to"),
    ("property_project_agreed_years", &period::OUT_OF_YEARS, "/agreed_to"),
    ("property_project_company", &NEEDS_COMPANY, "/company_code"),
    ("property_project_filed_on", &period::OUT_OF_YEARS, "/filed_on"),
    ("property_project_once", &ALREADY, "/company_code"),
    ("property_project_one_at_a_time", &ALREADY_SERVED, "/compound_code"),
    ("property_project_period", &period::ENDS_BEFORE_IT_BEGINS, "/valid_from"),
    ("property_project_source_ref", &HALF_A_REFERENCE, "/ref"),
    ("property_project_source_ref_key", &REFERENCE_TAKEN, "/ref"),
    ("property_project_years", &period::OUT_OF_YEARS, "/valid_from"),
];

impl Recorded for PropertyProject {
    const KIND: &'static str = "property_project";

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

/// Lists the property projects on a day that the caller may see: those of compounds of his area.
pub async fn list(view: &View<'_>, filter: &PropertyProjectFilter, paging: &Paging) -> Result<Page<PropertyProject>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query =
            PropertyProject::query().filter(holds_on!(property_project, view.as_of)).filter(within_or_above!(scope, property_project::area_code)).into_boxed();
        if let Some(area) = &filter.area_code {
            query = match GridCode::parse(area.as_str()) {
                Ok(grid) => {
                    let inside = compound_grid::table.filter(compound_grid::grid_code.eq(grid)).filter(holds_on!(compound_grid, view.as_of));
                    query.filter(property_project::compound_code.eq_any(inside.select(compound_grid::compound_code)))
                }
                Err(_) => query.filter(property_project::area_code.ge(area.clone()).and(property_project::area_code.lt(kernel::area::end_of(area)))),
            };
        }
        if let Some(compound) = &filter.compound_code {
            query = query.filter(property_project::compound_code.eq(compound));
        }
        if let Some(company) = &filter.company_code {
            query = query.filter(property_project::company_code.eq(company));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(property_project::kind.eq(kind));
        }
        query
    };
    let mut page = chosen().order((property_project::compound_code, property_project::id)).limit(paging.fetch());
    if let Some(after) = paging.after(filter)? {
        let same = property_project::compound_code.eq(after.key.clone()).and(property_project::id.gt(after.id));
        page = page.filter(property_project::compound_code.gt(after.key).or(same));
    }
    let rows = page.load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(property_project::id).limit(MAX_TOTAL).load::<PropertyProjectId>(&mut view.conn()).await?.len()),
        false => None,
    };
    paging.page(view.as_of, rows, total, filter, |row| Cursor { key: row.compound_code.to_string(), id: row.id.0 })
}

/// The property project with this id.
pub async fn get(view: &View<'_>, id: PropertyProjectId) -> Result<PropertyProject> {
    let scope = view.may(READ)?;
    let found = PropertyProject::query()
        .filter(property_project::id.eq(id))
        .filter(within_or_above!(scope, property_project::area_code))
        .first(&mut view.conn())
        .await
        .optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

/// Enters a property project.
pub async fn create(tx: &Tx<'_>, new: &NewPropertyProject) -> Result<PropertyProject> {
    tx.may_at(WRITE, new.compound_code.community())?;
    let from = new.valid_from.unwrap_or(tx.today());
    hosts(tx, &new.compound_code, new.company_code.as_ref(), from).await?;
    let project = diesel::insert_into(property_project::table)
        .values((new, property_project::id.eq(PropertyProjectId::fresh()), property_project::valid_from.eq(from)))
        .returning(PropertyProject::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("property_project.created", None, &project, None)?;
    Ok(project)
}

/// Changes a property project.
pub async fn update(tx: &Tx<'_>, id: PropertyProjectId, expected: Expected, patch: &PropertyProjectPatch) -> Result<PropertyProject> {
    handover_proof::hold(tx, patch.valid_from.is_some() || patch.kind.is_some()).await?;
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    period::still_open(before.valid_to)?;
    change(tx, &before, patch).await
}

/// Enters or changes the property project that the caller knows by a key of his own.
pub async fn put(tx: &Tx<'_>, source: &Key, reference: &Key, new: NewPropertyProject) -> Result<PropertyProject> {
    tx.lock(&format!("property_project {source} {reference}")).await?;
    handover_proof::hold(tx, true).await?;
    let by_key = property_project::source.eq(source).and(property_project::ref_.eq(reference));
    let known = PropertyProject::query().filter(by_key).first(&mut tx.conn()).await.optional()?;
    match known {
        None => create(tx, &NewPropertyProject { source: Some(source.clone()), reference: Some(reference.clone()), ..new }).await,
        Some(known) => {
            let before = lock(tx, known.id).await?;
            period::still_open(before.valid_to)?;
            if before.compound_code != new.compound_code || before.company_code != new.company_code {
                let company = before.company_code.as_ref().map_or("-", CreditCode::as_str);
                return Err(CODE_FIXED.at("/compound_code").with("code", format!("{} / {company}", before.compound_code)).into());
            }
            change(tx, &before, &new.into()).await
        }
    }
}

/// Ends a property project on a day.
pub async fn end(tx: &Tx<'_>, id: PropertyProjectId, expected: Expected, ending: &Ending) -> Result<PropertyProject> {
    handover_proof::hold(tx, true).await?;
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    let on = period::end(before.valid_from, before.valid_to, ending.on)?;
    handover_proof::stays(tx, &handover_proof::PROJECT, id.0, before.valid_from, Some(on), "/on").await?;
    let after = diesel::update(property_project::table.find(id))
        .set((property_project::valid_to.eq(on), property_project::version.eq(before.version + 1), property_project::updated_at.eq(tx.now)))
        .returning(PropertyProject::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("property_project.ended", Some(&before), &after, Some(ending.reason.as_str()))?;
    Ok(after)
}

/// Refuses where projects serve a compound from a day on: it cannot end then.
pub(crate) async fn none_after(tx: &Tx<'_>, compound: &CompoundCode, on: NaiveDate) -> Result<()> {
    match kernel::count_after!(tx, property_project, compound_code, compound, on) {
        0 => Ok(()),
        count => Err(SERVES.with("count", count).into()),
    }
}

/// Refuses unless compound and company are there and have not ended on a day, and the compound has begun.
async fn hosts(tx: &Tx<'_>, compound_code: &CompoundCode, company_code: Option<&CreditCode>, on: NaiveDate) -> Result<()> {
    compound::host_begun(tx, compound_code.as_str(), on, &BEGINS_BEFORE_COMPOUND).await?;
    match company_code {
        Some(company) => property_company::host(tx, company, on).await,
        None => Ok(()),
    }
}

/// The property project, locked, of a caller who may write it.
async fn lock(tx: &Tx<'_>, id: PropertyProjectId) -> Result<PropertyProject> {
    let found = PropertyProject::query()
        .filter(property_project::id.eq(id))
        .filter(within_or_above!(tx.scope(&[READ, WRITE]), property_project::area_code))
        .for_update()
        .first(&mut tx.conn())
        .await
        .optional()?;
    let project: PropertyProject = found.ok_or(&UNKNOWN)?;
    tx.may_at(WRITE, project.area_code.as_str())?;
    Ok(project)
}

async fn change(tx: &Tx<'_>, before: &PropertyProject, patch: &PropertyProjectPatch) -> Result<PropertyProject> {
    if let Some(from) = patch.valid_from {
        hosts(tx, &before.compound_code, before.company_code.as_ref(), from).await?;
    }
    handover_proof::project_stays(tx, before.id, patch.valid_from.unwrap_or(before.valid_from), patch.kind.unwrap_or(before.kind)).await?;
    let after = diesel::update(property_project::table.find(before.id))
        .set((patch, property_project::version.eq(before.version + 1), property_project::updated_at.eq(tx.now)))
        .returning(PropertyProject::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("property_project.changed", Some(before), &after, None)?;
    Ok(after)
}
