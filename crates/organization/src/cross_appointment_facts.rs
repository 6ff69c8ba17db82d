//! What the rules of a cross appointment look at: who is secretary, owner, Party member or manager today, and whether a seat or
//! a post is the one that it leads to (ORG-08, ORG-09). Whoever asks has checked what the caller may see.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{Refusal, Result, Tx, View, clock, holds_on, period};
use schema::{cross_appointment, governance_body_member, journal, party_membership, party_organization, party_post, person, property_project};
use uuid::Uuid;

use crate::code::CompoundCode;
use crate::cross_appointment::CrossAppointment;
use crate::cross_appointment_flow::{ManagerFacts, SecretaryFacts};
use crate::governance_body::BodyKind;
use crate::governance_body_member::{BodyRole, GovernanceBodyMemberId, Seat};
use crate::ownership::owner_in;
use crate::party_organization::PartyTier;
use crate::party_post::{PartyPostId, PartyRole};
use crate::person::PersonName;

/// The seat is not his as director.
pub const NOT_HIS_SEAT: Refusal = Refusal::invalid(
    "cross_appointment.not_his_seat",
    "该任职不是此人在该小区业主委员会的在任主任席位;请先在治理机构成员中登记其主任任职,再填写其标识。",
    "That is no seat in which he directs the owners' committee of the compound today; enter the seat among the members of the body first, then give its id.",
);
/// The post is not his.
pub const NOT_HIS_POST: Refusal = Refusal::invalid(
    "cross_appointment.not_his_post",
    "该任职不是此人在该小区党组织的现任职务(列席除外);请先在党内任职中登记,再填写其标识。",
    "That is no post that he holds in the party organization of the compound today, but for observers; enter the post first, then give its id.",
);
/// Cross appointments keep a compound from ending.
pub const COMPOUND_HAS: Refusal = Refusal::conflict(
    "compound.has_cross_appointments",
    "自该日起小区仍有 {count} 项办理中或在任的双向进入;请先终止、撤回或办结。",
    "From that day on the compound still has {count} cross appointments on their way or in office; end or withdraw them first.",
);

/// Refuses where cross appointments of a compound are on their way, or in office, from a day on: it cannot end then.
pub(crate) async fn none_after(tx: &Tx<'_>, compound: &CompoundCode, on: NaiveDate) -> Result<()> {
    // What came to nothing was never in office.
    let in_office = cross_appointment::valid_from.is_not_null().and(cross_appointment::valid_to.gt(on));
    let standing =
        cross_appointment::table.filter(cross_appointment::compound_code.eq(compound.as_str())).filter(cross_appointment::valid_to.is_null().or(in_office));
    match standing.select(count_star()).first::<i64>(&mut tx.conn()).await? {
        0 => Ok(()),
        count => Err(COMPOUND_HAS.with("count", count).into()),
    }
}

/// What the guards of a secretary's way look at, today.
pub(crate) async fn of_secretary(view: &View<'_>, appointment: &CrossAppointment) -> Result<SecretaryFacts> {
    let today = view.today();
    let secretary = party_post::table
        .inner_join(party_organization::table.on(party_organization::code.eq(party_post::organization_code)))
        .filter(party_organization::compound_code.eq(&appointment.compound_code))
        .filter(party_organization::tier.eq(PartyTier::Compound))
        .filter(party_post::person_id.eq(appointment.person_id))
        .filter(party_post::role.eq(PartyRole::Secretary))
        .filter(holds_on!(party_post, today))
        .select(party_post::id)
        .first::<PartyPostId>(&mut view.conn())
        .await
        .optional()?;
    let is_owner = owner_in(view, appointment.person_id, &appointment.compound_code, today).await?;
    Ok(SecretaryFacts { is_secretary: secretary.is_some(), is_owner })
}

/// What the guards of a manager's way look at, today.
pub(crate) async fn of_manager(view: &View<'_>, appointment: &CrossAppointment) -> Result<ManagerFacts> {
    let today = view.today();
    let membership = party_membership::table.filter(party_membership::person_id.eq(appointment.person_id)).filter(holds_on!(party_membership, today));
    let membership = membership.select(party_membership::id).first::<Uuid>(&mut view.conn()).await.optional()?;
    // Projects name their managers by text: that the name is his does not prove that it is he, but without it he is not.
    let name: PersonName = person::table.find(appointment.person_id).select(person::name).first(&mut view.conn()).await?;
    let project = property_project::table
        .filter(property_project::compound_code.eq(&appointment.compound_code))
        .filter(property_project::manager.eq(name.as_str()))
        .filter(holds_on!(property_project, today));
    let project = project.select(property_project::id).first::<Uuid>(&mut view.conn()).await.optional()?;
    Ok(ManagerFacts {
        in_party: membership.is_some(),
        is_manager: project.is_some(),
        has_criteria: appointment.political_awareness.is_some() && appointment.service_ability.is_some(),
    })
}

/// The day of the step with this action in the journal, the last where it was done twice; that of the nomination where it was never
/// done. The row keeps no days of its steps.
pub(crate) async fn day_of(tx: &Tx<'_>, appointment: &CrossAppointment, action: &str) -> Result<NaiveDate> {
    let line = journal::table.filter(journal::object_id.eq(appointment.id.0)).filter(journal::action.eq(action));
    let at = line.order(journal::seq.desc()).select(journal::at).first::<DateTime<Utc>>(&mut tx.conn()).await.optional()?;
    Ok(clock::day(at.unwrap_or(appointment.created_at.0)))
}

/// The first day in a seat, which must be his as director of the compound's owners' committee today.
pub(crate) async fn his_seat(tx: &Tx<'_>, appointment: &CrossAppointment, id: GovernanceBodyMemberId) -> Result<NaiveDate> {
    let found: Option<Seat> = Seat::query().filter(governance_body_member::id.eq(id)).for_share().first(&mut tx.conn()).await.optional()?;
    let his = found.filter(|seat| {
        seat.compound_code == appointment.compound_code
            && seat.person_id == appointment.person_id
            && seat.body_kind == BodyKind::OwnersCommittee
            && seat.role == BodyRole::Director
            && period::holds(seat.valid_from, seat.valid_to, tx.today())
    });
    his.map(|seat| seat.valid_from).ok_or_else(|| NOT_HIS_SEAT.at("/governance_body_member_id").into())
}

/// The first day in a post, which must be his in the party organization of the compound today.
pub(crate) async fn his_post(tx: &Tx<'_>, appointment: &CrossAppointment, id: PartyPostId) -> Result<NaiveDate> {
    let found = party_post::table
        .inner_join(party_organization::table.on(party_organization::code.eq(party_post::organization_code)))
        .filter(party_post::id.eq(id))
        .filter(party_organization::compound_code.eq(&appointment.compound_code))
        .filter(party_organization::tier.eq(PartyTier::Compound))
        .filter(party_post::person_id.eq(appointment.person_id))
        .filter(party_post::role.ne(PartyRole::Observer))
        .filter(holds_on!(party_post, tx.today()))
        .select(party_post::valid_from)
        .first::<NaiveDate>(&mut tx.conn())
        .await
        .optional()?;
    found.ok_or_else(|| NOT_HIS_POST.at("/party_post_id").into())
}
