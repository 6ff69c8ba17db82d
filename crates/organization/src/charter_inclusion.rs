//! Charter inclusions (党建入章): the clause on the leadership of the Party in the residents' convention, in the rules of the
//! owners' committee and in the articles of the property company of a compound (ORG-07).
//!
//! Of each document of a compound there is one at a time, on its way or in force. It is changed while it is drafted; what
//! else happens to it is an action of its workflow.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::area::AreaCode;
use kernel::change::{CODE_FIXED, Constraint, HALF_A_REFERENCE, REFERENCE_TAKEN, RefusedBy, nullable};
use kernel::page::{Cursor, MAX_TOTAL};
use kernel::text::{Key, Line, Passage, SquareMetres};
use kernel::{Actor, Expected, Page, Paging, Permission, Prepare, Recorded, Refusal, Result, Stamp, Tx, View, holds_on, id, period, within_or_above};
use schema::{charter_inclusion, compound_grid};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::charter_adoption::{AREAS, AREAS_AND_DOCUMENT, CharterDocument, NUMBERS};
use crate::charter_inclusion_flow::CharterState;
use crate::code::{CompoundCode, GridCode};
use crate::credit_code::CreditCode;
use crate::{compound, property_company};

id!(
    /// A charter inclusion.
    CharterInclusionId
);

/// A charter inclusion as it stands.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = charter_inclusion)]
pub struct CharterInclusion {
    /// Identity, for ever.
    pub id: CharterInclusionId,
    /// The compound.
    pub compound_code: CompoundCode,
    /// The document.
    pub document: CharterDocument,
    /// The community, from the code of the compound.
    pub area_code: AreaCode,
    /// Where it is on its way.
    pub state: CharterState,
    /// Where it was before; null before its first move.
    pub previous_state: Option<CharterState>,
    /// The clause.
    pub clause: Option<Passage>,
    /// The company whose articles they are; null for the other documents.
    pub company_code: Option<CreditCode>,
    /// Day on which the law-maker of the document adopted it.
    pub adopted_on: Option<NaiveDate>,
    /// Who could take part: residents or representatives, owners by head, or voting rights.
    pub eligible: Option<i32>,
    /// Who did take part, counted alike.
    pub attending: Option<i32>,
    /// Who agreed, counted alike.
    pub agreeing: Option<i32>,
    /// Of the rules of the committee: area of all exclusive parts, in square metres.
    pub area_total: Option<SquareMetres>,
    /// Of the rules of the committee: area of the owners who took part, in square metres.
    pub area_participating: Option<SquareMetres>,
    /// Of the rules of the committee: area of the owners who agreed, in square metres.
    pub area_agreeing: Option<SquareMetres>,
    /// Number of the minutes.
    pub minutes_number: Option<Line>,
    /// Day on which it was filed.
    pub filed_on: Option<NaiveDate>,
    /// With whom it was filed.
    pub filed_with: Option<Line>,
    /// Number under which it was filed.
    pub filing_number: Option<Line>,
    /// Day of publication, the first day in force; null before.
    pub valid_from: Option<NaiveDate>,
    /// First day no longer in force, or day of the veto; null while it stands or is on its way.
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

impl CharterInclusion {
    /// Whether it is in force on a day.
    #[must_use]
    pub fn in_force(&self, on: NaiveDate) -> bool {
        self.valid_from.is_some_and(|from| period::holds(from, self.valid_to, on))
    }
}

/// A charter inclusion to be drafted.
#[derive(Clone, Debug, Deserialize, Insertable, Validate, ToSchema)]
#[diesel(table_name = charter_inclusion)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"compound_code": "421181001001X001", "document": "residents_convention", "clause": "本小区在社区党组织领导下开展自治。"}))]
pub struct NewCharterInclusion {
    /// The compound.
    pub compound_code: CompoundCode,
    /// The document.
    pub document: CharterDocument,
    /// The clause; needed before it is submitted.
    pub clause: Option<Passage>,
    /// The company whose articles they are; needed for these before they are submitted, and for nothing else.
    pub company_code: Option<CreditCode>,
    /// System of the caller that knows it by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[diesel(column_name = ref_)]
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
}

/// A change of the draft of a charter inclusion: what is left out stays, null empties.
#[derive(Clone, Debug, Default, Deserialize, AsChangeset, Validate, ToSchema)]
#[diesel(table_name = charter_inclusion)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"clause": "本小区在社区党组织和小区党组织领导下开展自治。", "version": 1}))]
pub struct CharterInclusionPatch {
    /// The clause.
    #[serde(deserialize_with = "nullable")]
    pub clause: Option<Option<Passage>>,
    /// The company whose articles they are.
    #[serde(deserialize_with = "nullable")]
    pub company_code: Option<Option<CreditCode>>,
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

impl From<NewCharterInclusion> for CharterInclusionPatch {
    fn from(new: NewCharterInclusion) -> Self {
        Self { clause: Some(new.clause), company_code: Some(new.company_code), ..Self::default() }
    }
}

/// Which charter inclusions a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct CharterInclusionFilter {
    /// Of compounds in this area, or in this grid on the day.
    pub area_code: Option<AreaCode>,
    /// Of this compound.
    pub compound_code: Option<CompoundCode>,
    /// Of this document.
    #[param(inline)]
    pub document: Option<CharterDocument>,
    /// In this state.
    #[param(inline)]
    pub state: Option<CharterState>,
    /// Also those that are over, or not yet in force, on the day.
    pub ever: Option<bool>,
}

/// May see charter inclusions.
pub const READ: Permission = Permission("charter_inclusion.read");
/// May draft charter inclusions, submit them, and enter that they were adopted, filed and published.
pub const WRITE: Permission = Permission("charter_inclusion.write");
/// May review charter inclusions for the party organization.
pub const PARTY_REVIEW: Permission = Permission("charter_inclusion.party_review");
/// May review whether charter inclusions are lawful, and revoke those in force.
pub const LEGALITY_REVIEW: Permission = Permission("charter_inclusion.legality_review");
/// May import charter inclusions that are in force already, past the reviews.
pub const REGISTER: Permission = Permission("charter_inclusion.register");

/// Whoever has one of these may see a charter inclusion.
const ANY: &[Permission] = &[READ, WRITE, PARTY_REVIEW, LEGALITY_REVIEW];

/// No such inclusion.
pub const UNKNOWN: Refusal = Refusal::not_found(
    "charter_inclusion.unknown",
    "没有该党建入章记录,或它不在您的区域内。",
    "There is no such charter inclusion, or it is not in your area.",
);
/// Two of a document at a time.
pub const ALREADY: Refusal = Refusal::conflict(
    "charter_inclusion.already",
    "该小区的该文件已有办理中或生效中的党建入章;如需修订,请先否决或撤销原记录(可预定撤销日期)。",
    "The compound has a charter inclusion of this document already, on its way or in force; veto or revoke it first (on a day ahead, if you like).",
);
/// Two of a document in force on a day.
pub const ALREADY_IN_FORCE: Refusal = Refusal::conflict(
    "charter_inclusion.already_in_force",
    "该小区的该文件在此期间已有生效的党建入章;公布日期不能早于原记录的撤销日期。",
    "A charter inclusion of this document is in force in the compound at that time; the day of publication cannot lie before the end of that one.",
);
/// In an import: one that is on its way.
pub const ON_ITS_WAY: Refusal = Refusal::conflict(
    "charter_inclusion.on_its_way",
    "该小区的该文件正在办理党建入章流程,不能导入;请在流程中办理,或先否决。",
    "The charter inclusion of this document is on its way, so it is not imported; take it through its steps, or veto it first.",
);
/// In an import: another text, company, adoption or publication of one that is in force.
pub const IN_FORCE: Refusal = Refusal::conflict(
    "charter_inclusion.in_force",
    "该党建入章已公布生效,其条款、企业、通过和公布的内容不能由导入更改;请先撤销原记录(可预定撤销日期),再登记新的。",
    "This charter inclusion is published, so an import changes neither its clause and company nor its adoption and publication; revoke it first (on a day ahead, if you like), and enter the next.",
);
/// A change of what is no draft.
pub const NOT_A_DRAFT: Refusal =
    Refusal::conflict("charter_inclusion.not_a_draft", "只有起草中的内容可以更改;请先退回修改。", "Only a draft can be changed; have it returned first.");
/// A company for another document than its articles.
pub const COMPANY_AND_DOCUMENT: Refusal =
    Refusal::invalid("charter_inclusion.company_and_document", "只有物业公司章程填写物业企业代码。", "Only the articles of a company name the company.");
/// Days in the wrong order.
pub const DAYS: Refusal = Refusal::invalid(
    "charter_inclusion.days",
    "备案日期不能早于通过日期,公布日期不能早于备案日期和通过日期。",
    "It cannot be filed before it was adopted, nor published before it was filed and adopted.",
);

pub(crate) const CONSTRAINTS: &[Constraint] = &[
    ("charter_inclusion_adopted_on", &period::OUT_OF_YEARS, "/adopted_on"),
    ("charter_inclusion_areas", &AREAS, "/area_agreeing"),
    ("charter_inclusion_areas_of_owners", &AREAS_AND_DOCUMENT, "/area_total"),
    ("charter_inclusion_company", &COMPANY_AND_DOCUMENT, "/company_code"),
    ("charter_inclusion_days", &DAYS, "/published_on"),
    ("charter_inclusion_filed_on", &period::OUT_OF_YEARS, "/filed_on"),
    ("charter_inclusion_numbers", &NUMBERS, "/agreeing"),
    ("charter_inclusion_one_at_a_time", &ALREADY, "/document"),
    ("charter_inclusion_one_in_force", &ALREADY_IN_FORCE, "/published_on"),
    ("charter_inclusion_period", &period::ENDS_BEFORE_IT_BEGINS, "/on"),
    ("charter_inclusion_source_ref", &HALF_A_REFERENCE, "/ref"),
    ("charter_inclusion_source_ref_key", &REFERENCE_TAKEN, "/ref"),
    ("charter_inclusion_years", &period::OUT_OF_YEARS, "/published_on"),
];

/// The kind of the object in the journal, and as which it holds files.
pub const KIND: &str = "charter_inclusion";

impl Recorded for CharterInclusion {
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

/// Where a compound lies: in its community, and in the grids of today. Who may do a thing in one of its grids, as the
/// secretary of the compound may, may do it to the documents of the compound.
pub(crate) struct Places {
    community: String,
    grids: Vec<String>,
}

impl Places {
    /// Those of a compound.
    pub(crate) async fn of(view: &View<'_>, compound: &CompoundCode) -> Result<Self> {
        let links = compound_grid::table.filter(compound_grid::compound_code.eq(compound)).filter(holds_on!(compound_grid, view.today()));
        let grids: Vec<String> = links.select(compound_grid::grid_code).order(compound_grid::grid_code).load(&mut view.conn()).await?;
        Ok(Self { community: compound.community().to_owned(), grids })
    }

    /// The place by which an actor has a permission; the community where he has it by none.
    fn by(&self, actor: &Actor, permission: Permission) -> &str {
        let has = |place: &&String| actor.grant_at(permission.0, place).is_some();
        [&self.community].into_iter().chain(&self.grids).find(has).unwrap_or(&self.community)
    }

    /// Refuses unless the caller of a command has a permission.
    pub(crate) fn may(&self, tx: &Tx<'_>, permission: Permission) -> Result<()> {
        tx.may_at(permission, self.by(&tx.actor, permission))
    }

    /// The same of somebody who only asks.
    pub(crate) fn would(&self, actor: &Actor, permission: Permission) -> Result<()> {
        actor.may_at(permission, self.by(actor, permission)).map(|_| ())
    }
}

/// Lists the charter inclusions on a day that the caller may see: those on their way and those in force.
pub async fn list(view: &View<'_>, filter: &CharterInclusionFilter, paging: &Paging) -> Result<Page<CharterInclusion>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query = CharterInclusion::query().filter(within_or_above!(scope, charter_inclusion::area_code)).into_boxed();
        if filter.ever != Some(true) {
            query = query
                .filter(charter_inclusion::valid_from.is_null().or(charter_inclusion::valid_from.le(view.as_of)))
                .filter(charter_inclusion::valid_to.is_null().or(charter_inclusion::valid_to.gt(view.as_of)));
        }
        if let Some(area) = &filter.area_code {
            query = match GridCode::parse(area.as_str()) {
                Ok(grid) => {
                    let inside = compound_grid::table.filter(compound_grid::grid_code.eq(grid)).filter(holds_on!(compound_grid, view.as_of));
                    query.filter(charter_inclusion::compound_code.eq_any(inside.select(compound_grid::compound_code)))
                }
                Err(_) => query.filter(charter_inclusion::area_code.ge(area.clone()).and(charter_inclusion::area_code.lt(kernel::area::end_of(area)))),
            };
        }
        if let Some(compound) = &filter.compound_code {
            query = query.filter(charter_inclusion::compound_code.eq(compound));
        }
        if let Some(document) = filter.document {
            query = query.filter(charter_inclusion::document.eq(document));
        }
        if let Some(state) = filter.state {
            query = query.filter(charter_inclusion::state.eq(state));
        }
        query
    };
    let mut page = chosen().order((charter_inclusion::compound_code, charter_inclusion::id)).limit(paging.fetch());
    if let Some(after) = paging.after(filter)? {
        let same = charter_inclusion::compound_code.eq(after.key.clone()).and(charter_inclusion::id.gt(after.id));
        page = page.filter(charter_inclusion::compound_code.gt(after.key).or(same));
    }
    let rows = page.load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(charter_inclusion::id).limit(MAX_TOTAL).load::<CharterInclusionId>(&mut view.conn()).await?.len()),
        false => None,
    };
    paging.page(view.as_of, rows, total, filter, |row| Cursor { key: row.compound_code.to_string(), id: row.id.0 })
}

/// The charter inclusion with this id.
pub async fn get(view: &View<'_>, id: CharterInclusionId) -> Result<CharterInclusion> {
    let scope = view.may(READ)?;
    let found = CharterInclusion::query()
        .filter(charter_inclusion::id.eq(id))
        .filter(within_or_above!(scope, charter_inclusion::area_code))
        .first(&mut view.conn())
        .await
        .optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

/// Begins a draft.
pub async fn create(tx: &Tx<'_>, new: &NewCharterInclusion) -> Result<CharterInclusion> {
    tx.may(WRITE)?;
    Places::of(tx, &new.compound_code).await?.may(tx, WRITE)?;
    compound::host(tx, new.compound_code.as_str(), tx.today()).await?;
    if let Some(company) = &new.company_code {
        property_company::host(tx, company, tx.today()).await?;
    }
    let inclusion = diesel::insert_into(charter_inclusion::table)
        .values((new, charter_inclusion::id.eq(CharterInclusionId::fresh()), charter_inclusion::state.eq(CharterState::Drafting)))
        .returning(CharterInclusion::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("charter_inclusion.created", None, &inclusion, None)?;
    Ok(inclusion)
}

/// Changes a draft.
pub async fn update(tx: &Tx<'_>, id: CharterInclusionId, expected: Expected, patch: &CharterInclusionPatch) -> Result<CharterInclusion> {
    let (before, places) = lock(tx, id).await?;
    places.may(tx, WRITE)?;
    expected.check(before.version)?;
    change(tx, &before, patch).await
}

/// Begins or changes the draft that the caller knows by a key of his own.
pub async fn put(tx: &Tx<'_>, source: &Key, reference: &Key, new: NewCharterInclusion) -> Result<CharterInclusion> {
    tx.lock(&format!("charter_inclusion {source} {reference}")).await?;
    let by_key = charter_inclusion::source.eq(source).and(charter_inclusion::ref_.eq(reference));
    let known = CharterInclusion::query().filter(by_key).first(&mut tx.conn()).await.optional()?;
    match known {
        None => create(tx, &NewCharterInclusion { source: Some(source.clone()), reference: Some(reference.clone()), ..new }).await,
        Some(known) => {
            let (before, places) = lock(tx, known.id).await?;
            places.may(tx, WRITE)?;
            if before.compound_code != new.compound_code || before.document != new.document {
                let code = format!("{} / {}", before.compound_code, before.document.word());
                return Err(CODE_FIXED.at("/compound_code").with("code", code).into());
            }
            change(tx, &before, &new.into()).await
        }
    }
}

/// The charter inclusion, locked, and where it lies. What the caller may do there is for whoever asks.
pub(crate) async fn lock(tx: &Tx<'_>, id: CharterInclusionId) -> Result<(CharterInclusion, Places)> {
    let found = CharterInclusion::query()
        .filter(charter_inclusion::id.eq(id))
        .filter(within_or_above!(tx.scope(ANY), charter_inclusion::area_code))
        .for_update()
        .first(&mut tx.conn())
        .await
        .optional()?;
    let inclusion: CharterInclusion = found.ok_or(&UNKNOWN)?;
    let places = Places::of(tx, &inclusion.compound_code).await?;
    Ok((inclusion, places))
}

async fn change(tx: &Tx<'_>, before: &CharterInclusion, patch: &CharterInclusionPatch) -> Result<CharterInclusion> {
    if before.state != CharterState::Drafting {
        return Err((&NOT_A_DRAFT).into());
    }
    if let Some(Some(company)) = &patch.company_code {
        property_company::host(tx, company, tx.today()).await?;
    }
    let after = diesel::update(charter_inclusion::table.find(before.id))
        .set((patch, charter_inclusion::version.eq(before.version + 1), charter_inclusion::updated_at.eq(tx.now)))
        .returning(CharterInclusion::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("charter_inclusion.changed", Some(before), &after, None)?;
    Ok(after)
}
