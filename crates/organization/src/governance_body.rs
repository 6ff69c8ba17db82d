//! Governance bodies (ORG-02, ORG-14): who deliberates and decides in a compound, and for how long.
//!
//! One of a kind at a time; kinds stand beside one another. Some bodies are temporary by law and carry their end. A council
//! deliberates: it decides nothing on what the owners have in common.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::area::AreaCode;
use kernel::change::{CODE_FIXED, Constraint, HALF_A_REFERENCE, REFERENCE_TAKEN, RefusedBy, nullable, present};
use kernel::import;
use kernel::page::{Cursor, MAX_TOTAL};
use kernel::text::{Key, Line, Name};
use kernel::{
    Ending, Expected, Page, Paging, Permission, Prepare, Recorded, Refusal, Result, Stamp, Tx, View, holds_on, id, period, text_enum, within_or_above,
};
use schema::{compound_grid, governance_body};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::code::{CompoundCode, GridCode};
use crate::first_day::{self, INTO_BODIES};
use crate::{compound, governance_body_member, handover_proof};

id!(
    /// A governance body.
    GovernanceBodyId
);

text_enum!(
    /// What a governance body is.
    BodyKind {
        /// Elected by the owners' assembly (Civil Code, article 277).
        OwnersCommittee = "owners_committee" "业主委员会",
        /// Set up by the subdistrict where no committee can be elected yet; temporary.
        PropertyManagementCommittee = "property_management_committee" "物业管理委员会",
        /// Deliberates under the lead of the compound's party organization; decides nothing on common property.
        PartyMassCouncil = "party_mass_council" "党群议事会",
        /// Prepares the first assembly of the owners; temporary.
        PreparatoryGroup = "preparatory_group" "业主大会筹备组",
    }
);

/// A governance body as it stands.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = governance_body)]
pub struct GovernanceBody {
    /// Identity, for ever.
    pub id: GovernanceBodyId,
    /// The compound that it is of.
    pub compound_code: CompoundCode,
    /// What it is.
    pub kind: BodyKind,
    /// The community, from the code of the compound.
    pub area_code: AreaCode,
    /// Name.
    pub name: Name,
    /// How many seats its rules give it.
    pub seats: Option<i32>,
    /// First day after its term; nothing ends by itself.
    pub agreed_to: Option<NaiveDate>,
    /// Day on which it was filed with the subdistrict (Regulations on Property Management, article 16).
    pub filed_on: Option<NaiveDate>,
    /// Number of the filing.
    pub filing_number: Option<Line>,
    /// First day on which it exists.
    pub valid_from: NaiveDate,
    /// First day on which it no longer does; null while it has no end.
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

/// A governance body to be entered.
#[derive(Clone, Debug, Deserialize, Insertable, Validate, ToSchema)]
#[diesel(table_name = governance_body)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"compound_code": "421181001001X001", "kind": "owners_committee", "name": "翠湖花园业主委员会", "seats": 5}))]
pub struct NewGovernanceBody {
    /// The compound that it is of.
    pub compound_code: CompoundCode,
    /// What it is.
    pub kind: BodyKind,
    /// Name.
    pub name: Name,
    /// How many seats its rules give it.
    #[validate(range(min = 1, max = 99))]
    #[schema(minimum = 1, maximum = 99)]
    pub seats: Option<i32>,
    /// First day after its term; a temporary body has one.
    pub agreed_to: Option<NaiveDate>,
    /// Day on which it was filed with the subdistrict.
    pub filed_on: Option<NaiveDate>,
    /// Number of the filing.
    pub filing_number: Option<Line>,
    /// First day on which it exists; today unless said.
    #[diesel(skip_insertion)]
    pub valid_from: Option<NaiveDate>,
    /// System of the caller that knows it by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[diesel(column_name = ref_)]
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
}

/// A change of a governance body: what is left out stays, null empties.
#[derive(Clone, Debug, Default, Deserialize, AsChangeset, Validate, ToSchema)]
#[diesel(table_name = governance_body)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"filing_number": "备2026-17", "version": 1}))]
pub struct GovernanceBodyPatch {
    /// Name.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub name: Option<Name>,
    /// How many seats its rules give it.
    #[serde(deserialize_with = "nullable")]
    #[validate(range(min = 1, max = 99))]
    #[schema(minimum = 1, maximum = 99)]
    pub seats: Option<Option<i32>>,
    /// First day after its term.
    #[serde(deserialize_with = "nullable")]
    pub agreed_to: Option<Option<NaiveDate>>,
    /// Day on which it was filed with the subdistrict.
    #[serde(deserialize_with = "nullable")]
    pub filed_on: Option<Option<NaiveDate>>,
    /// Number of the filing.
    #[serde(deserialize_with = "nullable")]
    pub filing_number: Option<Option<Line>>,
    /// First day on which it exists, corrected.
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

impl From<NewGovernanceBody> for GovernanceBodyPatch {
    fn from(new: NewGovernanceBody) -> Self {
        Self {
            name: Some(new.name),
            seats: Some(new.seats),
            agreed_to: Some(new.agreed_to),
            filed_on: Some(new.filed_on),
            filing_number: Some(new.filing_number),
            valid_from: new.valid_from,
            ..Self::default()
        }
    }
}

/// Which governance bodies a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct GovernanceBodyFilter {
    /// Of compounds in this area, or in this grid on the day.
    pub area_code: Option<AreaCode>,
    /// Of this compound.
    pub compound_code: Option<CompoundCode>,
    /// Of this kind.
    #[param(inline)]
    pub kind: Option<BodyKind>,
}

/// May see governance bodies and who sits in them.
pub const READ: Permission = Permission("governance_body.read");
/// May write governance bodies and their members.
pub const WRITE: Permission = Permission("governance_body.write");

/// No such body.
pub const UNKNOWN: Refusal =
    Refusal::not_found("governance_body.unknown", "没有该治理机构,或它不在您的区域内。", "There is no such governance body, or it is not in your area.");
/// Two of a kind in a compound.
pub const ALREADY: Refusal = Refusal::conflict(
    "governance_body.already",
    "该小区在此期间已有同类机构;换届请先终止原机构。",
    "The compound has a body of this kind at that time; for a new one, end it first.",
);
/// A temporary body without an end.
pub const NEEDS_TERM: Refusal = Refusal::invalid(
    "governance_body.needs_term",
    "物业管理委员会和筹备组是临时机构,须填写任期届满日期。",
    "A property management committee and a preparatory group are temporary: give the end of their term.",
);
/// A term that is over before it begins.
pub const AGREED_BEFORE_IT_BEGINS: Refusal =
    Refusal::invalid("governance_body.agreed_before_it_begins", "任期届满日期须晚于成立日期。", "The term must end after the body begins.");
/// Members sat in it before its new first day.
pub const MEMBERS_BEFORE: Refusal = Refusal::conflict(
    "governance_body.members_before",
    "有成员的任职早于该成立日期;请先更正其任职起始日期。",
    "Members sit in it before that first day; correct theirs first.",
);
/// Members leave or come after the day of its end.
pub const MEMBERS_AFTER: Refusal = Refusal::conflict(
    "governance_body.members_after",
    "有成员的任职起始于终止日期当日或之后;请先更正或终止其任职。",
    "Members begin to sit in it on or after that last day; correct or end theirs first.",
);
/// Bodies keep a compound from ending.
pub const GOVERNS: Refusal = Refusal::conflict(
    "compound.has_governance_bodies",
    "自该日起小区仍有 {count} 个治理机构;请先终止。",
    "From that day on the compound still has {count} governance bodies; end them first.",
);
/// In an import: no body of the kind in the compound.
pub const UNKNOWN_HERE: Refusal = Refusal::invalid(
    "governance_body.does_not_exist",
    "小区 {compound_code} 没有该类机构,或该机构已终止。",
    "The compound {compound_code} has no body of this kind, or it has ended.",
);

/// A member of a body that is not there.
pub const NO_SUCH_BODY: Refusal = Refusal::invalid(
    "governance_body.no_such",
    "没有标识为 {governance_body_id} 的治理机构,或它不在您的区域内。",
    "There is no governance body with the id {governance_body_id}, or it is not in your area.",
);
/// A member of a body that is not in force on his first day.
pub const NOT_IN_FORCE: Refusal = Refusal::invalid(
    "governance_body.not_in_force",
    "该机构在任职起始日期尚未成立或已终止。",
    "The body is not there yet, or no more, on the first day of the member.",
);

const CONSTRAINTS: &[Constraint] = &[
    ("governance_body_agreed_to", &AGREED_BEFORE_IT_BEGINS, "/agreed_to"),
    ("governance_body_agreed_years", &period::OUT_OF_YEARS, "/agreed_to"),
    ("governance_body_filed_on", &period::OUT_OF_YEARS, "/filed_on"),
    ("governance_body_one_at_a_time", &ALREADY, "/kind"),
    ("governance_body_period", &period::ENDS_BEFORE_IT_BEGINS, "/valid_from"),
    ("governance_body_source_ref", &HALF_A_REFERENCE, "/ref"),
    ("governance_body_source_ref_key", &REFERENCE_TAKEN, "/ref"),
    ("governance_body_temporary", &NEEDS_TERM, "/agreed_to"),
    ("governance_body_years", &period::OUT_OF_YEARS, "/valid_from"),
];

impl Recorded for GovernanceBody {
    const KIND: &'static str = "governance_body";

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

/// Lists the governance bodies on a day that the caller may see: those of compounds of his area.
pub async fn list(view: &View<'_>, filter: &GovernanceBodyFilter, paging: &Paging) -> Result<Page<GovernanceBody>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query =
            GovernanceBody::query().filter(holds_on!(governance_body, view.as_of)).filter(within_or_above!(scope, governance_body::area_code)).into_boxed();
        if let Some(area) = &filter.area_code {
            query = match GridCode::parse(area.as_str()) {
                Ok(grid) => {
                    let inside = compound_grid::table.filter(compound_grid::grid_code.eq(grid)).filter(holds_on!(compound_grid, view.as_of));
                    query.filter(governance_body::compound_code.eq_any(inside.select(compound_grid::compound_code)))
                }
                Err(_) => query.filter(governance_body::area_code.ge(area.clone()).and(governance_body::area_code.lt(kernel::area::end_of(area)))),
            };
        }
        if let Some(compound) = &filter.compound_code {
            query = query.filter(governance_body::compound_code.eq(compound));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(governance_body::kind.eq(kind));
        }
        query
    };
    let mut page = chosen().order((governance_body::compound_code, governance_body::id)).limit(paging.fetch());
    if let Some(after) = paging.after(filter)? {
        let same = governance_body::compound_code.eq(after.key.clone()).and(governance_body::id.gt(after.id));
        page = page.filter(governance_body::compound_code.gt(after.key).or(same));
    }
    let rows = page.load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(governance_body::id).limit(MAX_TOTAL).load::<GovernanceBodyId>(&mut view.conn()).await?.len()),
        false => None,
    };
    paging.page(view.as_of, rows, total, filter, |row| Cursor { key: row.compound_code.to_string(), id: row.id.0 })
}

/// The governance body with this id.
pub async fn get(view: &View<'_>, id: GovernanceBodyId) -> Result<GovernanceBody> {
    let scope = view.may(READ)?;
    let found = GovernanceBody::query()
        .filter(governance_body::id.eq(id))
        .filter(within_or_above!(scope, governance_body::area_code))
        .first(&mut view.conn())
        .await
        .optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

/// Enters a governance body.
pub async fn create(tx: &Tx<'_>, new: &NewGovernanceBody) -> Result<GovernanceBody> {
    tx.may_at(WRITE, new.compound_code.community())?;
    let from = new.valid_from.unwrap_or(tx.today());
    // It has no end, so its compound has none.
    compound::host(tx, new.compound_code.as_str(), NaiveDate::MAX).await?;
    let body = diesel::insert_into(governance_body::table)
        .values((new, governance_body::id.eq(GovernanceBodyId::fresh()), governance_body::valid_from.eq(from)))
        .returning(GovernanceBody::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("governance_body.created", None, &body, None)?;
    Ok(body)
}

/// Changes a governance body.
pub async fn update(tx: &Tx<'_>, id: GovernanceBodyId, expected: Expected, patch: &GovernanceBodyPatch) -> Result<GovernanceBody> {
    first_day::hold(tx, patch.valid_from, INTO_BODIES).await?;
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    period::still_open(before.valid_to)?;
    change(tx, &before, patch).await
}

/// Enters or changes the governance body that the caller knows by a key of his own.
pub async fn put(tx: &Tx<'_>, source: &Key, reference: &Key, new: NewGovernanceBody) -> Result<GovernanceBody> {
    tx.lock(&format!("governance_body {source} {reference}")).await?;
    first_day::hold(tx, new.valid_from, INTO_BODIES).await?;
    let by_key = governance_body::source.eq(source).and(governance_body::ref_.eq(reference));
    let known = GovernanceBody::query().filter(by_key).first(&mut tx.conn()).await.optional()?;
    match known {
        None => create(tx, &NewGovernanceBody { source: Some(source.clone()), reference: Some(reference.clone()), ..new }).await,
        Some(known) => {
            let before = lock(tx, known.id).await?;
            period::still_open(before.valid_to)?;
            if before.compound_code != new.compound_code || before.kind != new.kind {
                return Err(CODE_FIXED.at("/compound_code").with("code", format!("{} / {}", before.compound_code, before.kind.word())).into());
            }
            change(tx, &before, &new.into()).await
        }
    }
}

/// Ends a governance body on a day, and with it whoever still sits in it.
pub async fn end(tx: &Tx<'_>, id: GovernanceBodyId, expected: Expected, ending: &Ending) -> Result<GovernanceBody> {
    import::hold(tx, INTO_BODIES).await?;
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    let on = period::end(before.valid_from, before.valid_to, ending.on)?;
    handover_proof::stays(tx, &handover_proof::BODY, id.0, before.valid_from, Some(on), "/on").await?;
    governance_body_member::end_all(tx, &before, on, ending.reason.as_str()).await?;
    let after = diesel::update(governance_body::table.find(id))
        .set((governance_body::valid_to.eq(on), governance_body::version.eq(before.version + 1), governance_body::updated_at.eq(tx.now)))
        .returning(GovernanceBody::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("governance_body.ended", Some(&before), &after, Some(ending.reason.as_str()))?;
    Ok(after)
}

/// Refuses where bodies govern a compound from a day on: it cannot end then.
pub(crate) async fn none_after(tx: &Tx<'_>, compound: &CompoundCode, on: NaiveDate) -> Result<()> {
    match kernel::count_after!(tx, governance_body, compound_code, compound, on) {
        0 => Ok(()),
        count => Err(GOVERNS.with("count", count).into()),
    }
}

/// The body that a member is to sit in from a day on, kept as it is until the command is over.
pub(crate) async fn host(tx: &Tx<'_>, id: GovernanceBodyId, on: NaiveDate) -> Result<GovernanceBody> {
    let found = GovernanceBody::query()
        .filter(governance_body::id.eq(id))
        .filter(within_or_above!(tx.scope(&[READ, WRITE]), governance_body::area_code))
        .for_share()
        .first(&mut tx.conn())
        .await
        .optional()?;
    let body: GovernanceBody = found.ok_or_else(|| NO_SUCH_BODY.at("/governance_body_id").with("governance_body_id", id))?;
    tx.may_at(WRITE, body.area_code.as_str())?;
    if period::holds(body.valid_from, body.valid_to, on) { Ok(body) } else { Err(NOT_IN_FORCE.at("/valid_from").into()) }
}

/// The governance body, locked, of a caller who may write it.
async fn lock(tx: &Tx<'_>, id: GovernanceBodyId) -> Result<GovernanceBody> {
    let found = GovernanceBody::query()
        .filter(governance_body::id.eq(id))
        .filter(within_or_above!(tx.scope(&[READ, WRITE]), governance_body::area_code))
        .for_update()
        .first(&mut tx.conn())
        .await
        .optional()?;
    let body: GovernanceBody = found.ok_or(&UNKNOWN)?;
    tx.may_at(WRITE, body.area_code.as_str())?;
    Ok(body)
}

async fn change(tx: &Tx<'_>, before: &GovernanceBody, patch: &GovernanceBodyPatch) -> Result<GovernanceBody> {
    if let Some(from) = patch.valid_from {
        compound::host(tx, before.compound_code.as_str(), from).await?;
        governance_body_member::none_before(tx, before.id, from).await?;
        handover_proof::stays(tx, &handover_proof::BODY, before.id.0, from, None, "/valid_from").await?;
    }
    let after = diesel::update(governance_body::table.find(before.id))
        .set((patch, governance_body::version.eq(before.version + 1), governance_body::updated_at.eq(tx.now)))
        .returning(GovernanceBody::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("governance_body.changed", Some(before), &after, None)?;
    Ok(after)
}
