//! The three set-ups of a hand-over (三个同步, ORG-11): each is begun, done with what shows it, or deferred with a signature of the
//! subdistrict. What shows it is the compound's own: its party organization, its committee, the project of its company.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::change::RefusedBy;
use kernel::refusal::Refused;
use kernel::text::Line;
use kernel::{Expected, Prepare, Refusal, Result, Tx, period};
use schema::{compound_handover, governance_body, party_organization, property_project};
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use crate::code::CompoundCode;
use crate::compound_handover::{CONSTRAINTS, CompoundHandoverId, DEFER, KeptHandover, NOT_YET, WRITE, lock};
use crate::compound_handover_flow::HandoverState;
use crate::compound_handover_verdict::{CompoundHandover, TrackState, states};
use crate::governance_body::{BodyKind, GovernanceBodyId};
use crate::party_organization::{PartyOrganizationId, PartyTier};
use crate::property_project::{PropertyProjectId, ServiceKind};

/// How far the party organization is.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"state": "done", "done_on": "2026-06-01", "party_organization_id": "019a0b2c-0000-7000-8000-000000000000", "note": "柳岸社区党委批复2026-4", "version": 3}))]
pub struct PartyOrganizationTrack {
    /// How far it is.
    pub state: TrackState,
    /// Day on which it stood; of `done`, and of nothing else.
    pub done_on: Option<NaiveDate>,
    /// The party organization of the compound; of `done`, and of nothing else.
    pub party_organization_id: Option<PartyOrganizationId>,
    /// Day to which it is put off; of `deferred`, and of nothing else.
    pub deferred_to: Option<NaiveDate>,
    /// Who signed for the subdistrict; of `deferred`, and of nothing else.
    pub signed_by: Option<Line>,
    /// How far it is, or what shows that it is done; of `deferred` the reason. `in_progress` and `deferred` need it.
    pub note: Option<Line>,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// How far the owners' committee or the property management committee is.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"state": "deferred", "deferred_to": "2026-12-31", "signed_by": "龙池桥街道办事处", "note": "入住率不足,暂不具备成立条件", "version": 3}))]
pub struct OwnersBodyTrack {
    /// How far it is.
    pub state: TrackState,
    /// Day on which it stood; of `done`, and of nothing else.
    pub done_on: Option<NaiveDate>,
    /// The owners' committee of the compound, or its property management committee where none can be elected yet; of `done`, and
    /// of nothing else.
    pub governance_body_id: Option<GovernanceBodyId>,
    /// Day to which it is put off; of `deferred`, and of nothing else.
    pub deferred_to: Option<NaiveDate>,
    /// Who signed for the subdistrict; of `deferred`, and of nothing else.
    pub signed_by: Option<Line>,
    /// How far it is, or what shows that it is done; of `deferred` the reason. `in_progress` and `deferred` need it.
    pub note: Option<Line>,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// How far the property company is.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"state": "in_progress", "note": "前期物业招标公告已发布", "version": 3}))]
pub struct PropertyCompanyTrack {
    /// How far it is.
    pub state: TrackState,
    /// Day on which it was in place; of `done`, and of nothing else.
    pub done_on: Option<NaiveDate>,
    /// The project by which the company serves the compound as a whole; of `done`, and of nothing else.
    pub property_project_id: Option<PropertyProjectId>,
    /// Day to which it is put off; of `deferred`, and of nothing else.
    pub deferred_to: Option<NaiveDate>,
    /// Who signed for the subdistrict; of `deferred`, and of nothing else.
    pub signed_by: Option<Line>,
    /// How far it is, or what shows that it is done; of `deferred` the reason. `in_progress` and `deferred` need it.
    pub note: Option<Line>,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// What is over is not set up any more.
pub const OVER: Refusal = Refusal::conflict(
    "compound_handover.over",
    "该移交已归档或驳回,三个同步事项不能再更改。",
    "The hand-over is archived or rejected, so none of the three can be changed.",
);
/// What has passed the gate stays, but for what was deferred.
pub const SETTLED: Refusal = Refusal::conflict(
    "compound_handover.settled",
    "移交就绪后,只有暂缓的事项可以改为已完成或再次暂缓。",
    "Once the hand-over is ready, only what was deferred can still be changed: to done, or to another deferral.",
);
/// A member that does not fit the state, or one that is missing.
pub const TRACK_MEMBERS: Refusal = Refusal::invalid(
    "compound_handover.track_members",
    "已完成(done)须填写完成日期及相应的党组织、机构或项目;暂缓(deferred)须填写期限、签字人和原因;推进中(in_progress)须填写说明;其他状态不填这些内容。",
    "What is done has its day, with the organization, body or project that shows it; what is deferred a day, a signature and a reason in the note; what is in progress a note; and nothing has what belongs to another state.",
);
/// A deferral that is over before it begins.
pub const DEFERRED_TO_THE_PAST: Refusal =
    Refusal::invalid("compound_handover.deferred_to_the_past", "暂缓期限须晚于今天。", "A deferral must lead to a day after today.");
/// An organization that does not show it.
pub const WRONG_PARTY_ORGANIZATION: Refusal = Refusal::invalid(
    "compound_handover.wrong_party_organization",
    "“{party_organization_id}”不是该小区的小区(网格)党组织。",
    "“{party_organization_id}” is not the party organization of this compound itself.",
);
/// A body that does not show it.
pub const WRONG_BODY: Refusal = Refusal::invalid(
    "compound_handover.wrong_body",
    "“{governance_body_id}”不是该小区的业主委员会或物业管理委员会。",
    "“{governance_body_id}” is neither the owners' committee nor the property management committee of this compound.",
);
/// A project that does not show it.
pub const WRONG_PROJECT: Refusal = Refusal::invalid(
    "compound_handover.wrong_project",
    "“{property_project_id}”不是物业企业为该小区提供全面服务的项目。",
    "“{property_project_id}” is no project by which a company serves this compound as a whole.",
);
/// What is to show it was not there on the day.
pub const NOT_IN_PLACE: Refusal = Refusal::invalid(
    "compound_handover.not_in_place",
    "该组织、机构或项目在完成日期尚未成立(起始)或已终止。",
    "The organization, body or project was not there yet, or no more, on the day on which this is said to be done.",
);

/// What is said of one of the three, whichever it is.
struct Said<'a> {
    state: TrackState,
    done_on: Option<NaiveDate>,
    /// Where what shows it belongs, and whether it is there.
    proof: (&'static str, bool),
    deferred_to: Option<NaiveDate>,
    signed_by: Option<&'a Line>,
    note: Option<&'a Line>,
}

impl Said<'_> {
    /// Refuses what cannot be said of one that was so far, of a hand-over in this state, today.
    fn check(&self, was: TrackState, handover: HandoverState, today: NaiveDate) -> Result<(), Refused> {
        match handover {
            HandoverState::Archived | HandoverState::Rejected => return Err((&OVER).into()),
            HandoverState::Ready | HandoverState::Accepted if was != TrackState::Deferred || !self.state.is_settled() => return Err((&SETTLED).into()),
            _ => {}
        }
        let (done, deferred) = (self.state == TrackState::Done, self.state == TrackState::Deferred);
        let members = [
            ("/done_on", self.done_on.is_some(), done),
            (self.proof.0, self.proof.1, done),
            ("/deferred_to", self.deferred_to.is_some(), deferred),
            ("/signed_by", self.signed_by.is_some(), deferred),
            // What is done may have a note.
            ("/note", self.note.is_some(), self.note.is_some() && done || deferred || self.state == TrackState::InProgress),
        ];
        if let Some((at, ..)) = members.iter().find(|(_, is_there, wanted)| is_there != wanted) {
            return Err(TRACK_MEMBERS.at(*at));
        }
        if self.done_on.is_some_and(|on| on > today) {
            return Err(NOT_YET.at("/done_on"));
        }
        if self.deferred_to.is_some_and(|to| to <= today) {
            return Err(DEFERRED_TO_THE_PAST.at("/deferred_to"));
        }
        Ok(())
    }

    /// Of a deferral, what is written of it: what is done later keeps that it was deferred.
    fn deferral(&self) -> (Option<Option<NaiveDate>>, Option<Option<Line>>) {
        match self.state {
            TrackState::Done => (None, None),
            _ => (Some(self.deferred_to), Some(self.signed_by.cloned())),
        }
    }

    /// The note that is written; what is done without one keeps what was said.
    fn noted(&self) -> Option<Option<Line>> {
        match (self.state, self.note) {
            (TrackState::Done, None) => None,
            (_, note) => Some(note.cloned()),
        }
    }
}

/// What an entry writes.
#[derive(Default, AsChangeset)]
#[diesel(table_name = compound_handover)]
struct Written {
    party_organization_done_on: Option<Option<NaiveDate>>,
    party_organization_deferred_to: Option<Option<NaiveDate>>,
    party_organization_signed_by: Option<Option<Line>>,
    party_organization_note: Option<Option<Line>>,
    party_organization_id: Option<Option<PartyOrganizationId>>,
    owners_body_done_on: Option<Option<NaiveDate>>,
    owners_body_deferred_to: Option<Option<NaiveDate>>,
    owners_body_signed_by: Option<Option<Line>>,
    owners_body_note: Option<Option<Line>>,
    governance_body_id: Option<Option<GovernanceBodyId>>,
    property_company_done_on: Option<Option<NaiveDate>>,
    property_company_deferred_to: Option<Option<NaiveDate>>,
    property_company_signed_by: Option<Option<Line>>,
    property_company_note: Option<Option<Line>>,
    property_project_id: Option<Option<PropertyProjectId>>,
}

/// Enters how far the party organization is.
pub async fn set_party_organization(tx: &Tx<'_>, id: CompoundHandoverId, expected: Expected, track: &PartyOrganizationTrack) -> Result<CompoundHandover> {
    let before = begin(tx, id, expected, track.state).await?;
    let said = Said {
        state: track.state,
        done_on: track.done_on,
        proof: ("/party_organization_id", track.party_organization_id.is_some()),
        deferred_to: track.deferred_to,
        signed_by: track.signed_by.as_ref(),
        note: track.note.as_ref(),
    };
    let [was, _, _] = states(&before);
    said.check(was, before.state, tx.today())?;
    if let (Some(organization), Some(on)) = (track.party_organization_id, track.done_on) {
        core(tx, &before.compound_code, organization, on).await?;
    }
    let (party_organization_deferred_to, party_organization_signed_by) = said.deferral();
    let written = Written {
        party_organization_done_on: Some(track.done_on),
        party_organization_deferred_to,
        party_organization_signed_by,
        party_organization_note: said.noted(),
        party_organization_id: Some(track.party_organization_id),
        ..Written::default()
    };
    store(tx, &before, &written, said.note).await
}

/// Enters how far the owners' committee or the property management committee is.
pub async fn set_owners_body(tx: &Tx<'_>, id: CompoundHandoverId, expected: Expected, track: &OwnersBodyTrack) -> Result<CompoundHandover> {
    let before = begin(tx, id, expected, track.state).await?;
    let said = Said {
        state: track.state,
        done_on: track.done_on,
        proof: ("/governance_body_id", track.governance_body_id.is_some()),
        deferred_to: track.deferred_to,
        signed_by: track.signed_by.as_ref(),
        note: track.note.as_ref(),
    };
    let [_, was, _] = states(&before);
    said.check(was, before.state, tx.today())?;
    if let (Some(body), Some(on)) = (track.governance_body_id, track.done_on) {
        committee(tx, &before.compound_code, body, on).await?;
    }
    let (owners_body_deferred_to, owners_body_signed_by) = said.deferral();
    let written = Written {
        owners_body_done_on: Some(track.done_on),
        owners_body_deferred_to,
        owners_body_signed_by,
        owners_body_note: said.noted(),
        governance_body_id: Some(track.governance_body_id),
        ..Written::default()
    };
    store(tx, &before, &written, said.note).await
}

/// Enters how far the property company is.
pub async fn set_property_company(tx: &Tx<'_>, id: CompoundHandoverId, expected: Expected, track: &PropertyCompanyTrack) -> Result<CompoundHandover> {
    let before = begin(tx, id, expected, track.state).await?;
    let said = Said {
        state: track.state,
        done_on: track.done_on,
        proof: ("/property_project_id", track.property_project_id.is_some()),
        deferred_to: track.deferred_to,
        signed_by: track.signed_by.as_ref(),
        note: track.note.as_ref(),
    };
    let [_, _, was] = states(&before);
    said.check(was, before.state, tx.today())?;
    if let (Some(project), Some(on)) = (track.property_project_id, track.done_on) {
        service(tx, &before.compound_code, project, on).await?;
    }
    let (property_company_deferred_to, property_company_signed_by) = said.deferral();
    let written = Written {
        property_company_done_on: Some(track.done_on),
        property_company_deferred_to,
        property_company_signed_by,
        property_company_note: said.noted(),
        property_project_id: Some(track.property_project_id),
        ..Written::default()
    };
    store(tx, &before, &written, said.note).await
}

/// The hand-over, locked, of a caller who may enter this: a deferral is the subdistrict's to sign.
async fn begin(tx: &Tx<'_>, id: CompoundHandoverId, expected: Expected, state: TrackState) -> Result<KeptHandover> {
    let before = lock(tx, id).await?;
    let needed = if state == TrackState::Deferred { DEFER } else { WRITE };
    tx.may_at(needed, before.area_code.as_str())?;
    expected.check(before.version)?;
    Ok(before)
}

/// Refuses unless this is the party organization of the compound itself, there on the day.
async fn core(tx: &Tx<'_>, compound: &CompoundCode, id: PartyOrganizationId, on: NaiveDate) -> Result<()> {
    let term = party_organization::table
        .filter(party_organization::id.eq(id).and(party_organization::compound_code.eq(compound)))
        .filter(party_organization::tier.eq(PartyTier::Compound))
        .select((party_organization::valid_from, party_organization::valid_to))
        .for_share();
    match term.first::<(NaiveDate, Option<NaiveDate>)>(&mut tx.conn()).await.optional()? {
        None => Err(WRONG_PARTY_ORGANIZATION.at("/party_organization_id").with("party_organization_id", id).into()),
        Some((from, to)) if period::holds(from, to, on) => Ok(()),
        Some(_) => Err(NOT_IN_PLACE.at("/done_on").into()),
    }
}

/// Refuses unless this is a committee of the compound, there on the day.
async fn committee(tx: &Tx<'_>, compound: &CompoundCode, id: GovernanceBodyId, on: NaiveDate) -> Result<()> {
    let term = governance_body::table
        .filter(governance_body::id.eq(id).and(governance_body::compound_code.eq(compound)))
        .filter(governance_body::kind.eq(BodyKind::OwnersCommittee).or(governance_body::kind.eq(BodyKind::PropertyManagementCommittee)))
        .select((governance_body::valid_from, governance_body::valid_to))
        .for_share();
    match term.first::<(NaiveDate, Option<NaiveDate>)>(&mut tx.conn()).await.optional()? {
        None => Err(WRONG_BODY.at("/governance_body_id").with("governance_body_id", id).into()),
        Some((from, to)) if period::holds(from, to, on) => Ok(()),
        Some(_) => Err(NOT_IN_PLACE.at("/done_on").into()),
    }
}

/// Refuses unless by this project a company serves the compound as a whole on the day.
async fn service(tx: &Tx<'_>, compound: &CompoundCode, id: PropertyProjectId, on: NaiveDate) -> Result<()> {
    let term = property_project::table
        .filter(property_project::id.eq(id).and(property_project::compound_code.eq(compound)))
        .filter(property_project::kind.eq(ServiceKind::FullService))
        .select((property_project::valid_from, property_project::valid_to))
        .for_share();
    match term.first::<(NaiveDate, Option<NaiveDate>)>(&mut tx.conn()).await.optional()? {
        None => Err(WRONG_PROJECT.at("/property_project_id").with("property_project_id", id).into()),
        Some((from, to)) if period::holds(from, to, on) => Ok(()),
        Some(_) => Err(NOT_IN_PLACE.at("/done_on").into()),
    }
}

async fn store(tx: &Tx<'_>, before: &KeptHandover, written: &Written, note: Option<&Line>) -> Result<CompoundHandover> {
    let after: KeptHandover = diesel::update(compound_handover::table.find(before.id))
        .set((written, compound_handover::version.eq(before.version + 1), compound_handover::updated_at.eq(tx.now)))
        .returning(KeptHandover::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("compound_handover.track_set", Some(before), &after, note.map(Line::as_str))?;
    Ok(after.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Said<'_> =
        Said { state: TrackState::NotStarted, done_on: None, proof: ("/governance_body_id", false), deferred_to: None, signed_by: None, note: None };

    fn day(day: u32) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(2024, 6, day)
    }

    fn code(said: &Said<'_>, was: TrackState, handover: HandoverState) -> String {
        match said.check(was, handover, day(15).unwrap()) {
            Ok(()) => String::new(),
            Err(refused) => format!("{} {}", refused.pointer.unwrap_or_default(), refused.refusal.code),
        }
    }

    #[test]
    fn org_11_each_state_has_its_members_and_no_others() {
        let line = Line::parse("街道办事处").unwrap();
        let begun = Said { state: TrackState::InProgress, note: Some(&line), ..NOTHING };
        let done = Said { state: TrackState::Done, done_on: day(15), proof: ("/governance_body_id", true), ..NOTHING };
        let deferred = Said { state: TrackState::Deferred, deferred_to: day(16), signed_by: Some(&line), note: Some(&line), ..NOTHING };
        let said = |said: &Said<'_>| code(said, TrackState::NotStarted, HandoverState::Registered);
        for fit in [&NOTHING, &begun, &done, &deferred, &Said { note: Some(&line), ..done }] {
            assert_eq!(said(fit), "");
        }
        let members = |at: &str| format!("{at} compound_handover.track_members");
        assert_eq!(said(&Said { note: Some(&line), ..NOTHING }), members("/note"));
        assert_eq!(said(&Said { note: None, ..begun }), members("/note"));
        assert_eq!(said(&Said { done_on: day(1), ..begun }), members("/done_on"));
        assert_eq!(said(&Said { done_on: None, ..done }), members("/done_on"));
        assert_eq!(said(&Said { proof: ("/governance_body_id", false), ..done }), members("/governance_body_id"));
        assert_eq!(said(&Said { deferred_to: day(30), ..done }), members("/deferred_to"));
        assert_eq!(said(&Said { deferred_to: None, ..deferred }), members("/deferred_to"));
        assert_eq!(said(&Said { signed_by: None, ..deferred }), members("/signed_by"));
        assert_eq!(said(&Said { note: None, ..deferred }), members("/note"));
        assert_eq!(said(&Said { done_on: day(16), ..done }), "/done_on compound_handover.not_yet");
        assert_eq!(said(&Said { deferred_to: day(15), ..deferred }), "/deferred_to compound_handover.deferred_to_the_past");
    }

    #[test]
    fn org_11_past_the_gate_only_what_was_deferred_moves() {
        let line = Line::parse("街道办事处").unwrap();
        let done = Said { state: TrackState::Done, done_on: day(15), proof: ("/governance_body_id", true), ..NOTHING };
        let again = Said { state: TrackState::Deferred, deferred_to: day(30), signed_by: Some(&line), note: Some(&line), ..NOTHING };
        for handover in [HandoverState::Ready, HandoverState::Accepted] {
            assert_eq!((code(&done, TrackState::Deferred, handover), code(&again, TrackState::Deferred, handover)), (String::new(), String::new()));
            assert_eq!(code(&done, TrackState::Done, handover), " compound_handover.settled");
            assert_eq!(code(&NOTHING, TrackState::Deferred, handover), " compound_handover.settled");
        }
        for handover in [HandoverState::Archived, HandoverState::Rejected] {
            assert_eq!(code(&done, TrackState::Deferred, handover), " compound_handover.over");
        }
    }
}
