//! Hand-overs of compounds (移交使用) by those who built them, with three in place by then (三个同步, ORG-11): a party
//! organization, an owners' committee or a property management committee, and a property company.
//!
//! Only what was built for sale is handed over so, once. Whether the three were in time is computed, never typed. What else
//! happens to a hand-over is an action of its workflow, or the entry of one of the three.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::area::AreaCode;
use kernel::change::{CODE_FIXED, Constraint, HALF_A_REFERENCE, REFERENCE_TAKEN, RefusedBy, nullable, present};
use kernel::page::{Cursor, MAX_TOTAL};
use kernel::text::{Key, Line, SquareMetres};
use kernel::{Expected, Page, Paging, Permission, Prepare, Recorded, Refusal, Result, Stamp, Tx, View, holds_on, id, period, within_or_above};
use schema::{compound_grid, compound_handover};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::code::{CompoundCode, GridCode};
use crate::compound::{self, CompoundKind};
use crate::compound_handover_flow::{HandoverState, NO_COMMUNITY_ROOM, NO_DOCUMENTS, NO_PROPERTY_ROOM};
use crate::compound_handover_verdict::CompoundHandover;
use crate::governance_body::GovernanceBodyId;
use crate::party_organization::PartyOrganizationId;
use crate::property_project::PropertyProjectId;

id!(
    /// A hand-over.
    CompoundHandoverId
);

/// What is kept of a hand-over.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = compound_handover)]
pub struct KeptHandover {
    /// Identity, for ever.
    pub id: CompoundHandoverId,
    /// The compound.
    pub compound_code: CompoundCode,
    /// The community, from the code of the compound.
    pub area_code: AreaCode,
    /// Who built it and hands it over.
    pub developer: Line,
    /// Day on which it is to be handed over.
    pub planned_on: Option<NaiveDate>,
    /// Where it is on its way.
    pub state: HandoverState,
    /// Day on which it was given into use; null before.
    pub handed_over_on: Option<NaiveDate>,
    /// Day on which the hand-over was accepted; null before.
    pub accepted_on: Option<NaiveDate>,
    /// Day on which it was rejected for good; null where it was not.
    pub rejected_on: Option<NaiveDate>,
    /// Day on which the party organization stood; null before.
    pub party_organization_done_on: Option<NaiveDate>,
    /// Day to which the party organization was deferred; it stays when that is done later.
    pub party_organization_deferred_to: Option<NaiveDate>,
    /// Who signed the deferral for the subdistrict.
    pub party_organization_signed_by: Option<Line>,
    /// How far it is, or what shows that it is done; of a deferral the reason.
    pub party_organization_note: Option<Line>,
    /// The party organization of the compound; null until it is done.
    pub party_organization_id: Option<PartyOrganizationId>,
    /// Day on which the owners' committee or the property management committee stood; null before.
    pub owners_body_done_on: Option<NaiveDate>,
    /// Day to which the committee was deferred; it stays when that is done later.
    pub owners_body_deferred_to: Option<NaiveDate>,
    /// Who signed the deferral for the subdistrict.
    pub owners_body_signed_by: Option<Line>,
    /// How far it is, or what shows that it is done; of a deferral the reason.
    pub owners_body_note: Option<Line>,
    /// The committee; null until it is done.
    pub governance_body_id: Option<GovernanceBodyId>,
    /// Day on which the property company was in place; null before.
    pub property_company_done_on: Option<NaiveDate>,
    /// Day to which the company was deferred; it stays when that is done later.
    pub property_company_deferred_to: Option<NaiveDate>,
    /// Who signed the deferral for the subdistrict.
    pub property_company_signed_by: Option<Line>,
    /// How far it is, or what shows that it is done; of a deferral the reason.
    pub property_company_note: Option<Line>,
    /// The property project of the company; null until it is done.
    pub property_project_id: Option<PropertyProjectId>,
    /// Property room as measured and handed over, in square metres; it is the owners' (Regulations on Property Management, article 37).
    pub property_room_area: Option<SquareMetres>,
    /// Room for the services of the community as measured and handed over, in square metres; it is public.
    pub community_room_area: Option<SquareMetres>,
    /// Whether the documents of the Regulations on Property Management, article 29, were received.
    pub documents_received: bool,
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

/// A hand-over to be registered.
#[derive(Clone, Debug, Deserialize, Insertable, Validate, ToSchema)]
#[diesel(table_name = compound_handover)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"compound_code": "421181001001X001", "developer": "麻城市翠湖房地产开发有限公司", "planned_on": "2026-06-30"}))]
pub struct NewCompoundHandover {
    /// The compound, which was built for sale.
    pub compound_code: CompoundCode,
    /// Who built it and hands it over.
    pub developer: Line,
    /// Day on which it is to be handed over.
    pub planned_on: Option<NaiveDate>,
    /// Property room as measured and handed over, in square metres; needed before it is ready.
    pub property_room_area: Option<SquareMetres>,
    /// Room for the services of the community as measured and handed over, in square metres; needed before it is ready.
    pub community_room_area: Option<SquareMetres>,
    /// Whether the documents of the Regulations on Property Management, article 29, were received; needed before it is ready.
    pub documents_received: Option<bool>,
    /// System of the caller that knows it by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[diesel(column_name = ref_)]
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
}

/// A change of a hand-over that is not accepted yet: what is left out stays, null empties.
#[derive(Clone, Debug, Default, Deserialize, AsChangeset, Validate, ToSchema)]
#[diesel(table_name = compound_handover)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"property_room_area": "180.00", "community_room_area": "320.50", "documents_received": true, "version": 1}))]
pub struct CompoundHandoverPatch {
    /// Who built it and hands it over.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub developer: Option<Line>,
    /// Day on which it is to be handed over.
    #[serde(deserialize_with = "nullable")]
    pub planned_on: Option<Option<NaiveDate>>,
    /// Property room as measured and handed over, in square metres.
    #[serde(deserialize_with = "nullable")]
    pub property_room_area: Option<Option<SquareMetres>>,
    /// Room for the services of the community as measured and handed over, in square metres.
    #[serde(deserialize_with = "nullable")]
    pub community_room_area: Option<Option<SquareMetres>>,
    /// Whether the documents of the Regulations on Property Management, article 29, were received.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub documents_received: Option<bool>,
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

impl From<NewCompoundHandover> for CompoundHandoverPatch {
    fn from(new: NewCompoundHandover) -> Self {
        Self {
            developer: Some(new.developer),
            planned_on: Some(new.planned_on),
            property_room_area: Some(new.property_room_area),
            community_room_area: Some(new.community_room_area),
            documents_received: new.documents_received,
            ..Self::default()
        }
    }
}

/// Which hand-overs a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct CompoundHandoverFilter {
    /// Of compounds in this area, or in this grid on the day.
    pub area_code: Option<AreaCode>,
    /// Of this compound.
    pub compound_code: Option<CompoundCode>,
    /// In this state.
    #[param(inline)]
    pub state: Option<HandoverState>,
}

/// May see hand-overs, and how many were synchronous.
pub const READ: Permission = Permission("compound_handover.read");
/// May register hand-overs, change them, enter the three set-ups and the day of the hand-over.
pub const WRITE: Permission = Permission("compound_handover.write");
/// May inspect hand-overs, order rectification, accept, archive and reject them.
pub const INSPECT: Permission = Permission("compound_handover.inspect");
/// May defer one of the three set-ups, for the subdistrict, which signs it.
pub const DEFER: Permission = Permission("compound_handover.defer");
/// May import hand-overs that were accepted already, past the inspection.
pub const REGISTER: Permission = Permission("compound_handover.register");

/// Whoever has one of these may see a hand-over.
const ANY: &[Permission] = &[READ, WRITE, INSPECT, DEFER];

/// No such hand-over.
pub const UNKNOWN: Refusal =
    Refusal::not_found("compound_handover.unknown", "没有该移交记录,或它不在您的区域内。", "There is no such hand-over, or it is not in your area.");
/// Two hand-overs of a compound.
pub const ALREADY: Refusal = Refusal::conflict(
    "compound_handover.already",
    "该小区已有移交记录;重新办理请先驳回原记录。",
    "The compound has a hand-over already; to begin anew, reject that one first.",
);
/// A compound that nobody built for sale.
pub const NOT_COMMERCIAL: Refusal = Refusal::invalid(
    "compound_handover.not_commercial",
    "“三个同步”只适用于商业开发小区;请核对小区类型。",
    "Only a compound that was built for sale is handed over so; check the kind of the compound.",
);
/// A change of what is accepted, or over.
pub const CLOSED: Refusal = Refusal::conflict(
    "compound_handover.closed",
    "该移交已验收、归档或驳回,不能再更改。",
    "The hand-over is accepted, archived or rejected, and can no longer be changed.",
);
/// A room without any floor.
pub const NO_FLOOR: Refusal =
    Refusal::invalid("compound_handover.no_floor", "用房面积须大于0;尚未测量的请留空。", "A room has more than no floor; leave it empty until it is measured.");
/// A deferral without its signature or reason.
pub const HALF_A_DEFERRAL: Refusal = Refusal::invalid(
    "compound_handover.half_a_deferral",
    "暂缓须同时填写暂缓期限、签字人和原因。",
    "A deferral has a day, somebody who signed it, and a reason: give all three.",
);
/// Accepted before it was handed over.
pub const DAYS: Refusal =
    Refusal::invalid("compound_handover.days", "验收日期不能早于移交使用日期。", "It cannot be accepted before the day on which it was handed over.");
/// A day of what has not happened.
pub const NOT_YET: Refusal = Refusal::invalid("compound_handover.not_yet", "该日期不能晚于今天。", "This day cannot lie ahead.");
/// In an import: one that is on its way.
pub const ON_ITS_WAY: Refusal = Refusal::conflict(
    "compound_handover.on_its_way",
    "该小区的移交正在办理,不能导入;请在流程中办理,或先驳回。",
    "The hand-over of this compound is on its way, so it is not imported; take it through its steps, or reject it first.",
);

pub(crate) const CONSTRAINTS: &[Constraint] = &[
    ("compound_handover_accepted_on", &period::OUT_OF_YEARS, "/accepted_on"),
    ("compound_handover_community_room", &NO_COMMUNITY_ROOM, "/community_room_area"),
    ("compound_handover_community_room_area", &NO_FLOOR, "/community_room_area"),
    ("compound_handover_days", &DAYS, "/accepted_on"),
    ("compound_handover_deferred_to", &period::OUT_OF_YEARS, "/deferred_to"),
    ("compound_handover_documents", &NO_DOCUMENTS, "/documents_received"),
    ("compound_handover_done_on", &period::OUT_OF_YEARS, "/done_on"),
    ("compound_handover_handed_over_on", &period::OUT_OF_YEARS, "/handed_over_on"),
    ("compound_handover_one_at_a_time", &ALREADY, "/compound_code"),
    ("compound_handover_owners_body_deferral", &HALF_A_DEFERRAL, "/deferred_to"),
    ("compound_handover_party_organization_deferral", &HALF_A_DEFERRAL, "/deferred_to"),
    ("compound_handover_planned_on", &period::OUT_OF_YEARS, "/planned_on"),
    ("compound_handover_property_company_deferral", &HALF_A_DEFERRAL, "/deferred_to"),
    ("compound_handover_property_room", &NO_PROPERTY_ROOM, "/property_room_area"),
    ("compound_handover_property_room_area", &NO_FLOOR, "/property_room_area"),
    ("compound_handover_rejected_on", &period::OUT_OF_YEARS, "/on"),
    ("compound_handover_source_ref", &HALF_A_REFERENCE, "/ref"),
    ("compound_handover_source_ref_key", &REFERENCE_TAKEN, "/ref"),
];

/// The kind of the object in the journal, and as which it holds files.
pub const KIND: &str = "compound_handover";

impl Recorded for KeptHandover {
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

/// Lists the hand-overs that the caller may see, by compound.
pub async fn list(view: &View<'_>, filter: &CompoundHandoverFilter, paging: &Paging) -> Result<Page<CompoundHandover>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query = KeptHandover::query().filter(within_or_above!(scope, compound_handover::area_code)).into_boxed();
        if let Some(area) = &filter.area_code {
            query = match GridCode::parse(area.as_str()) {
                Ok(grid) => {
                    let inside = compound_grid::table.filter(compound_grid::grid_code.eq(grid)).filter(holds_on!(compound_grid, view.as_of));
                    query.filter(compound_handover::compound_code.eq_any(inside.select(compound_grid::compound_code)))
                }
                Err(_) => query.filter(compound_handover::area_code.ge(area.clone()).and(compound_handover::area_code.lt(kernel::area::end_of(area)))),
            };
        }
        if let Some(compound) = &filter.compound_code {
            query = query.filter(compound_handover::compound_code.eq(compound));
        }
        if let Some(state) = filter.state {
            query = query.filter(compound_handover::state.eq(state));
        }
        query
    };
    let mut page = chosen().order((compound_handover::compound_code, compound_handover::id)).limit(paging.fetch());
    if let Some(after) = paging.after(filter)? {
        let same = compound_handover::compound_code.eq(after.key.clone()).and(compound_handover::id.gt(after.id));
        page = page.filter(compound_handover::compound_code.gt(after.key).or(same));
    }
    let rows: Vec<KeptHandover> = page.load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(compound_handover::id).limit(MAX_TOTAL).load::<CompoundHandoverId>(&mut view.conn()).await?.len()),
        false => None,
    };
    let rows = rows.into_iter().map(CompoundHandover::from).collect();
    paging.page(view.as_of, rows, total, filter, |row: &CompoundHandover| Cursor { key: row.kept.compound_code.to_string(), id: row.kept.id.0 })
}

/// The hand-over with this id.
pub async fn get(view: &View<'_>, id: CompoundHandoverId) -> Result<CompoundHandover> {
    let scope = view.may(READ)?;
    let found = KeptHandover::query()
        .filter(compound_handover::id.eq(id))
        .filter(within_or_above!(scope, compound_handover::area_code))
        .first(&mut view.conn())
        .await
        .optional()?;
    let kept: KeptHandover = found.ok_or(&UNKNOWN)?;
    Ok(kept.into())
}

/// Registers a hand-over.
pub async fn create(tx: &Tx<'_>, new: &NewCompoundHandover) -> Result<CompoundHandover> {
    tx.may_at(WRITE, new.compound_code.community())?;
    // It keeps the compound from ending, so no end of that is set.
    compound::host(tx, new.compound_code.as_str(), NaiveDate::MAX).await?;
    let built = schema::compound::table.filter(schema::compound::code.eq(&new.compound_code)).select(schema::compound::kind);
    if built.first::<CompoundKind>(&mut tx.conn()).await? != CompoundKind::Commercial {
        return Err(NOT_COMMERCIAL.at("/compound_code").into());
    }
    let kept: KeptHandover = diesel::insert_into(compound_handover::table)
        .values((new, compound_handover::id.eq(CompoundHandoverId::fresh()), compound_handover::state.eq(HandoverState::Registered)))
        .returning(KeptHandover::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("compound_handover.created", None, &kept, None)?;
    Ok(kept.into())
}

/// Changes a hand-over that is not accepted yet.
pub async fn update(tx: &Tx<'_>, id: CompoundHandoverId, expected: Expected, patch: &CompoundHandoverPatch) -> Result<CompoundHandover> {
    let before = lock(tx, id).await?;
    tx.may_at(WRITE, before.area_code.as_str())?;
    expected.check(before.version)?;
    change(tx, &before, patch).await
}

/// Registers or changes the hand-over that the caller knows by a key of his own.
pub async fn put(tx: &Tx<'_>, source: &Key, reference: &Key, new: NewCompoundHandover) -> Result<CompoundHandover> {
    tx.lock(&format!("compound_handover {source} {reference}")).await?;
    let by_key = compound_handover::source.eq(source).and(compound_handover::ref_.eq(reference));
    let known = KeptHandover::query().filter(by_key).first(&mut tx.conn()).await.optional()?;
    match known {
        None => create(tx, &NewCompoundHandover { source: Some(source.clone()), reference: Some(reference.clone()), ..new }).await,
        Some(known) => {
            let before = lock(tx, known.id).await?;
            tx.may_at(WRITE, before.area_code.as_str())?;
            if before.compound_code != new.compound_code {
                return Err(CODE_FIXED.at("/compound_code").with("code", &before.compound_code).into());
            }
            change(tx, &before, &new.into()).await
        }
    }
}

/// The hand-over, locked. What the caller may do to it is for whoever asks.
pub(crate) async fn lock(tx: &Tx<'_>, id: CompoundHandoverId) -> Result<KeptHandover> {
    let found = KeptHandover::query()
        .filter(compound_handover::id.eq(id))
        .filter(within_or_above!(tx.scope(ANY), compound_handover::area_code))
        .for_update()
        .first(&mut tx.conn())
        .await
        .optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

async fn change(tx: &Tx<'_>, before: &KeptHandover, patch: &CompoundHandoverPatch) -> Result<CompoundHandover> {
    if matches!(before.state, HandoverState::Accepted | HandoverState::Archived | HandoverState::Rejected) {
        return Err((&CLOSED).into());
    }
    let after: KeptHandover = diesel::update(compound_handover::table.find(before.id))
        .set((patch, compound_handover::version.eq(before.version + 1), compound_handover::updated_at.eq(tx.now)))
        .returning(KeptHandover::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("compound_handover.changed", Some(before), &after, None)?;
    Ok(after.into())
}
