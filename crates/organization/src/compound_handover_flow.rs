//! The way of a hand-over (W2): registered, inspected and rectified until it passes, the three set-ups brought in place, ready,
//! accepted and archived; or rejected for good.

use kernel::workflow::{Guard, Move, To, Workflow};
use kernel::{Refusal, text_enum};

use crate::compound_handover::{INSPECT, KeptHandover, WRITE};
use crate::compound_handover_verdict::{TrackState, states};

text_enum!(
    /// Where a hand-over is on its way.
    HandoverState {
        /// Registered, to be inspected.
        Registered = "registered" "已登记",
        /// Being inspected (承接查验).
        Inspecting = "inspecting" "查验中",
        /// With the developer, who mends what the inspection found.
        Rectifying = "rectifying" "整改中",
        /// Inspected; the three set-ups are being brought in place.
        TracksInProgress = "tracks_in_progress" "三个同步推进中",
        /// Everything is in place or deferred, to be accepted.
        Ready = "ready" "待验收",
        /// Accepted; what was deferred is still owed.
        Accepted = "accepted" "已验收",
        /// Nothing is owed any more.
        Archived = "archived" "已归档",
        /// Refused for good.
        Rejected = "rejected" "已驳回",
    }
);

text_enum!(
    /// What is done with a hand-over.
    HandoverAction {
        /// An inspection begins, or begins again after a rectification.
        Inspect = "inspect" "查验",
        /// The developer has to mend what it found.
        OrderRectification = "order_rectification" "责令整改",
        /// It found nothing more.
        PassInspection = "pass_inspection" "查验通过",
        /// The compound was given into use on a day.
        HandOver = "hand_over" "移交使用",
        /// Everything is in place or deferred.
        MarkReady = "mark_ready" "确认就绪",
        /// It was accepted.
        Accept = "accept" "验收",
        /// Nothing is owed any more.
        Archive = "archive" "归档",
        /// Refused for good.
        Reject = "reject" "驳回",
    }
);

/// What the guards look at.
#[derive(Clone, Copy, Debug)]
pub struct HandoverFacts {
    /// How far the party organization is.
    pub party_organization: TrackState,
    /// How far the owners' committee or the property management committee is.
    pub owners_body: TrackState,
    /// How far the property company is.
    pub property_company: TrackState,
    /// Whether the property room is measured and handed over.
    pub has_property_room: bool,
    /// Whether the room for the services of the community is.
    pub has_community_room: bool,
    /// Whether the documents were received.
    pub has_documents: bool,
    /// Whether the compound was given into use.
    pub is_handed_over: bool,
}

impl From<&KeptHandover> for HandoverFacts {
    fn from(kept: &KeptHandover) -> Self {
        let [party_organization, owners_body, property_company] = states(kept);
        Self {
            party_organization,
            owners_body,
            property_company,
            has_property_room: kept.property_room_area.is_some(),
            has_community_room: kept.community_room_area.is_some(),
            has_documents: kept.documents_received,
            is_handed_over: kept.handed_over_on.is_some(),
        }
    }
}

/// No party organization, and no deferral of it.
pub const NO_PARTY_ORGANIZATION: Refusal = Refusal::conflict(
    "compound_handover.no_party_organization",
    "小区党组织既未组建完成,也未经街道签字暂缓。",
    "The party organization is neither in place nor deferred with a signature of the subdistrict.",
);
/// No committee, and no deferral of it.
pub const NO_OWNERS_BODY: Refusal = Refusal::conflict(
    "compound_handover.no_owners_body",
    "业委会或物管会既未组建完成,也未经街道签字暂缓。",
    "Neither an owners' committee nor a property management committee is in place, nor is that deferred with a signature of the subdistrict.",
);
/// No property company, and no deferral of it.
pub const NO_PROPERTY_COMPANY: Refusal = Refusal::conflict(
    "compound_handover.no_property_company",
    "物业企业既未选聘到位,也未经街道签字暂缓。",
    "The property company is neither in place nor deferred with a signature of the subdistrict.",
);
/// The property room is not there.
pub const NO_PROPERTY_ROOM: Refusal = Refusal::conflict(
    "compound_handover.no_property_room",
    "物业服务用房须测量并移交:请填写面积(property_room_area),就绪后不能撤空。",
    "The property room must be measured and handed over: give its area (property_room_area), and leave it there once the hand-over is ready.",
);
/// The room for the services of the community is not there.
pub const NO_COMMUNITY_ROOM: Refusal = Refusal::conflict(
    "compound_handover.no_community_room",
    "社区服务用房须测量并移交:请填写面积(community_room_area),就绪后不能撤空。",
    "The room for community services must be measured and handed over: give its area (community_room_area), and leave it there once the hand-over is ready.",
);
/// The documents are not there.
pub const NO_DOCUMENTS: Refusal = Refusal::conflict(
    "compound_handover.no_documents",
    "须先收到《物业管理条例》第二十九条规定的资料(documents_received)。",
    "The documents of the Regulations on Property Management, article 29, must be received first (documents_received).",
);
/// Accepted before it was handed over.
pub const NOT_HANDED_OVER: Refusal = Refusal::conflict(
    "compound_handover.not_handed_over",
    "尚未登记移交使用日期,不能验收。",
    "The day on which the compound was given into use is not entered yet, so it cannot be accepted.",
);
/// Archived while something is owed.
pub const STILL_DEFERRED: Refusal = Refusal::conflict(
    "compound_handover.still_deferred",
    "仍有暂缓的事项未完成,不能归档。",
    "Something that was deferred is not done yet, so it cannot be archived.",
);

/// The way of a hand-over.
#[derive(Debug)]
pub struct HandoverFlow;

impl Workflow for HandoverFlow {
    type State = HandoverState;
    type Action = HandoverAction;
    type Facts = HandoverFacts;
    const NAME: &'static str = "compound_handover";
    const ZH: &'static str = "小区移交(三个同步)";
    const FIRST: HandoverState = HandoverState::Registered;
    const FINAL: &'static [HandoverState] = &[HandoverState::Archived, HandoverState::Rejected];
    // Handing over changes no state: it is entered once it has happened, and entered again where the day was wrong. The gate is
    // the law's and the seed's: rooms, documents, and each of the three in place or put off with a signature.
    const MOVES: &'static [Move<HandoverState, HandoverAction, HandoverFacts>] = &[
        Move {
            from: &[HandoverState::Registered, HandoverState::Rectifying],
            action: HandoverAction::Inspect,
            to: To::State(HandoverState::Inspecting),
            may: INSPECT,
            guards: &[],
        },
        Move {
            from: &[HandoverState::Inspecting],
            action: HandoverAction::OrderRectification,
            to: To::State(HandoverState::Rectifying),
            may: INSPECT,
            guards: &[],
        },
        Move {
            from: &[HandoverState::Inspecting],
            action: HandoverAction::PassInspection,
            to: To::State(HandoverState::TracksInProgress),
            may: INSPECT,
            guards: &[],
        },
        Move {
            from: &[HandoverState::TracksInProgress],
            action: HandoverAction::HandOver,
            to: To::State(HandoverState::TracksInProgress),
            may: WRITE,
            guards: &[],
        },
        Move { from: &[HandoverState::Ready], action: HandoverAction::HandOver, to: To::State(HandoverState::Ready), may: WRITE, guards: &[] },
        Move {
            from: &[HandoverState::TracksInProgress],
            action: HandoverAction::MarkReady,
            to: To::State(HandoverState::Ready),
            may: WRITE,
            guards: &[
                Guard { holds: |facts: &HandoverFacts| facts.party_organization.is_settled(), unless: &NO_PARTY_ORGANIZATION },
                Guard { holds: |facts: &HandoverFacts| facts.owners_body.is_settled(), unless: &NO_OWNERS_BODY },
                Guard { holds: |facts: &HandoverFacts| facts.property_company.is_settled(), unless: &NO_PROPERTY_COMPANY },
                Guard { holds: |facts: &HandoverFacts| facts.has_property_room, unless: &NO_PROPERTY_ROOM },
                Guard { holds: |facts: &HandoverFacts| facts.has_community_room, unless: &NO_COMMUNITY_ROOM },
                Guard { holds: |facts: &HandoverFacts| facts.has_documents, unless: &NO_DOCUMENTS },
            ],
        },
        Move {
            from: &[HandoverState::Ready],
            action: HandoverAction::Accept,
            to: To::State(HandoverState::Accepted),
            may: INSPECT,
            guards: &[Guard { holds: |facts: &HandoverFacts| facts.is_handed_over, unless: &NOT_HANDED_OVER }],
        },
        Move {
            from: &[HandoverState::Accepted],
            action: HandoverAction::Archive,
            to: To::State(HandoverState::Archived),
            may: INSPECT,
            guards: &[Guard { holds: |facts: &HandoverFacts| facts.is_complete(), unless: &STILL_DEFERRED }],
        },
        Move {
            from: &[HandoverState::Registered, HandoverState::Inspecting, HandoverState::Rectifying, HandoverState::TracksInProgress, HandoverState::Ready],
            action: HandoverAction::Reject,
            to: To::State(HandoverState::Rejected),
            may: INSPECT,
            guards: &[],
        },
    ];
}

impl HandoverFacts {
    /// Whether all three are in place.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        [self.party_organization, self.owners_body, self.property_company].iter().all(|track| *track == TrackState::Done)
    }
}

impl HandoverAction {
    /// What the journal says of it.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Self::Inspect => "compound_handover.inspected",
            Self::OrderRectification => "compound_handover.rectification_ordered",
            Self::PassInspection => "compound_handover.inspection_passed",
            Self::HandOver => "compound_handover.handed_over",
            Self::MarkReady => "compound_handover.marked_ready",
            Self::Accept => "compound_handover.accepted",
            Self::Archive => "compound_handover.archived",
            Self::Reject => "compound_handover.rejected",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::workflow::decide;

    const READY: HandoverFacts = HandoverFacts {
        party_organization: TrackState::Done,
        owners_body: TrackState::Deferred,
        property_company: TrackState::Done,
        has_property_room: true,
        has_community_room: true,
        has_documents: true,
        is_handed_over: true,
    };

    fn leads(from: HandoverState, action: HandoverAction, facts: &HandoverFacts) -> Result<HandoverState, Option<&'static str>> {
        decide::<HandoverFlow>(from, action, |_| Ok(()), facts).map_err(|error| error.code())
    }

    #[test]
    fn org_11_the_gate_names_what_is_missing() {
        let (from, action) = (HandoverState::TracksInProgress, HandoverAction::MarkReady);
        assert_eq!(leads(from, action, &READY), Ok(HandoverState::Ready));
        for (facts, code) in [
            (HandoverFacts { party_organization: TrackState::InProgress, ..READY }, "compound_handover.no_party_organization"),
            (HandoverFacts { owners_body: TrackState::NotStarted, ..READY }, "compound_handover.no_owners_body"),
            (HandoverFacts { property_company: TrackState::InProgress, ..READY }, "compound_handover.no_property_company"),
            (HandoverFacts { has_property_room: false, ..READY }, "compound_handover.no_property_room"),
            (HandoverFacts { has_community_room: false, ..READY }, "compound_handover.no_community_room"),
            (HandoverFacts { has_documents: false, ..READY }, "compound_handover.no_documents"),
        ] {
            assert_eq!(leads(from, action, &facts), Err(Some(code)));
        }
    }

    #[test]
    fn org_11_nothing_is_accepted_before_its_day_nor_archived_while_something_is_owed() {
        let early = HandoverFacts { is_handed_over: false, ..READY };
        assert_eq!(leads(HandoverState::Ready, HandoverAction::Accept, &early), Err(Some("compound_handover.not_handed_over")));
        assert_eq!(leads(HandoverState::Ready, HandoverAction::Accept, &READY), Ok(HandoverState::Accepted));
        assert_eq!(leads(HandoverState::Accepted, HandoverAction::Archive, &READY), Err(Some("compound_handover.still_deferred")));
        let done = HandoverFacts { owners_body: TrackState::Done, ..READY };
        assert_eq!(leads(HandoverState::Accepted, HandoverAction::Archive, &done), Ok(HandoverState::Archived));
    }

    #[test]
    fn org_11_a_rectification_leads_back_to_the_inspection_and_what_is_accepted_is_not_rejected() {
        assert_eq!(leads(HandoverState::Rectifying, HandoverAction::Inspect, &READY), Ok(HandoverState::Inspecting));
        let rejected: Vec<_> =
            HandoverState::ALL.iter().filter(|state| leads(**state, HandoverAction::Reject, &READY).is_ok()).map(|state| state.word()).collect();
        assert_eq!(rejected, ["registered", "inspecting", "rectifying", "tracks_in_progress", "ready"]);
    }
}
