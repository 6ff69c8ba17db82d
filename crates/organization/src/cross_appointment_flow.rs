//! The two ways of a cross appointment (W3): a secretary becomes director of the owners' committee by election of the owners
//! (ORG-08), a property manager comes into the party organization by approval of the upper one (ORG-09). Each is a workflow of
//! its own; both are kept in one table, by the words of their states.

use kernel::workflow::{Guard, Move, To, Workflow};
use kernel::{Error, Labelled, Refusal, Result, text_enum};

use crate::cross_appointment::{APPROVE, ELIGIBILITY_REVIEW, PARTY_REVIEW, WRITE};

text_enum!(
    /// Which way somebody enters.
    CrossDirection {
        /// The secretary of the compound is chosen as director of its owners' committee.
        SecretaryToDirector = "secretary_to_director" "书记推选为业委会主任",
        /// The manager of its property service is taken into its party organization.
        ManagerToParty = "manager_to_party" "物业负责人进入小区党组织",
    }
);

text_enum!(
    /// Where a cross appointment is on its way; which states there are follows from the direction.
    CrossState {
        /// A secretary was nominated.
        Nominated = "nominated" "提名",
        /// With the party organization of the community.
        PartyPreReview = "party_pre_review" "党组织前置审查",
        /// With the residents' committee, which looks at whether he is eligible.
        CommitteeEligibilityReview = "committee_eligibility_review" "居委会资格审查",
        /// Stands for election.
        Candidate = "candidate" "候选人",
        /// The owners' assembly elected him a member.
        ElectedMember = "elected_member" "当选委员",
        /// The members chose him as director.
        ElectedDirector = "elected_director" "当选主任",
        /// The election was filed.
        Filed = "filed" "已备案",
        /// A manager was recommended.
        Recommended = "recommended" "推荐",
        /// He is a Party member, and meets the criteria.
        Checked = "checked" "已核查",
        /// The upper party organization approved.
        ApprovedByUpperPartyOrg = "approved_by_upper_party_org" "上级党组织已批准",
        /// Has his post.
        Appointed = "appointed" "已任职",
        /// Is no longer in the seat or the post.
        Ended = "ended" "已终止",
        /// The owners or the members chose another.
        NotElected = "not_elected" "未当选",
        /// A review found that he cannot be elected.
        Ineligible = "ineligible" "不符合资格",
        /// The nomination was taken back.
        Withdrawn = "withdrawn" "已撤回",
        /// The recommendation was not followed.
        Declined = "declined" "未通过",
    }
);

text_enum!(
    /// Where a secretary is on his way.
    SecretaryState {
        /// Nominated.
        Nominated = "nominated" "提名",
        /// With the party organization of the community.
        PartyPreReview = "party_pre_review" "党组织前置审查",
        /// With the residents' committee.
        CommitteeEligibilityReview = "committee_eligibility_review" "居委会资格审查",
        /// Stands for election.
        Candidate = "candidate" "候选人",
        /// Elected a member.
        ElectedMember = "elected_member" "当选委员",
        /// Chosen as director.
        ElectedDirector = "elected_director" "当选主任",
        /// Filed.
        Filed = "filed" "已备案",
        /// No longer director.
        Ended = "ended" "已终止",
        /// Not elected.
        NotElected = "not_elected" "未当选",
        /// Not eligible.
        Ineligible = "ineligible" "不符合资格",
        /// Taken back.
        Withdrawn = "withdrawn" "已撤回",
    }
);

text_enum!(
    /// What is done on the way of a secretary.
    SecretaryAction {
        /// To the party organization of the community.
        SubmitForPartyReview = "submit_for_party_review" "提交党组织前置审查",
        /// The party organization is content.
        PassPartyReview = "pass_party_review" "通过党组织前置审查",
        /// He is eligible.
        PassEligibilityReview = "pass_eligibility_review" "通过居委会资格审查",
        /// He is not.
        FindIneligible = "find_ineligible" "认定不符合资格",
        /// The owners' assembly elected him.
        Elect = "elect" "登记当选委员",
        /// The members chose him as director.
        ChooseDirector = "choose_director" "登记推选为主任",
        /// The election was filed.
        File = "file" "登记备案",
        /// Another was elected.
        RecordDefeat = "record_defeat" "登记未当选",
        /// The nomination is taken back.
        Withdraw = "withdraw" "撤回提名",
        /// He is no longer director.
        End = "end" "终止",
    }
);

text_enum!(
    /// Where a manager is on his way.
    ManagerState {
        /// Recommended.
        Recommended = "recommended" "推荐",
        /// Checked.
        Checked = "checked" "已核查",
        /// Approved.
        ApprovedByUpperPartyOrg = "approved_by_upper_party_org" "上级党组织已批准",
        /// Has his post.
        Appointed = "appointed" "已任职",
        /// No longer in the post.
        Ended = "ended" "已终止",
        /// Not followed.
        Declined = "declined" "未通过",
    }
);

text_enum!(
    /// What is done on the way of a manager.
    ManagerAction {
        /// He is a Party member and meets the criteria.
        Check = "check" "通过核查",
        /// The upper party organization approved.
        Approve = "approve" "登记上级党组织批准",
        /// He has his post.
        Appoint = "appoint" "登记任职",
        /// The recommendation is not followed.
        Decline = "decline" "不予通过",
        /// He is no longer in the post.
        End = "end" "终止",
    }
);

text_enum!(
    /// Why somebody is no longer in the seat or the post.
    CrossEndCause {
        /// The term was over.
        TermEnded = "term_ended" "任期届满",
        /// He gave it up.
        Resigned = "resigned" "辞任",
        /// He was recalled.
        Recalled = "recalled" "罢免",
        /// He may no longer hold it: no owner any more, or no manager.
        Disqualified = "disqualified" "丧失资格",
    }
);

/// What the guards of a secretary's way look at.
#[derive(Clone, Copy, Debug)]
pub struct SecretaryFacts {
    /// Whether he is secretary of the compound's party organization today.
    pub is_secretary: bool,
    /// Whether he owns a dwelling of the compound today.
    pub is_owner: bool,
}

/// What the guards of a manager's way look at.
#[derive(Clone, Copy, Debug)]
pub struct ManagerFacts {
    /// Whether he is in the Party today.
    pub in_party: bool,
    /// Whether a property project that the compound has today names him as its manager.
    pub is_manager: bool,
    /// Whether it is written what shows that he meets the criteria.
    pub has_criteria: bool,
}

/// Somebody else is secretary.
pub const NOT_THE_SECRETARY: Refusal = Refusal::conflict(
    "cross_appointment.not_the_secretary",
    "该人员不是该小区党组织的在任书记;请先登记其任职,或撤回提名。",
    "He is not the secretary in office of the party organization of the compound; enter his post first, or withdraw the nomination.",
);
/// He owns nothing there.
pub const NOT_AN_OWNER: Refusal = Refusal::conflict(
    "cross_appointment.not_an_owner",
    "该人员不是该小区的业主,不能当选业主委员会委员(《物业管理条例》第十六条);请先登记其所有权,或认定不符合资格。",
    "He owns no dwelling of the compound, so he cannot be elected into its owners' committee (Regulations on Property Management, article 16); enter what he owns first, or find him ineligible.",
);
/// He is in no party organization.
pub const NOT_IN_PARTY: Refusal = Refusal::conflict(
    "cross_appointment.not_in_party",
    "该人员不是在册党员,不能进入小区党组织任职;非党员只能列席(observer)。请先登记其党员身份,或不予通过。",
    "He is not in the Party, so he can have no post in the party organization; whoever is not may only sit in (observer). Enter his membership first, or decline.",
);
/// Another manages the project.
pub const NOT_THE_MANAGER: Refusal = Refusal::conflict(
    "cross_appointment.not_the_manager",
    "该小区当前没有以该人员为项目负责人的物业服务项目;请先在物业服务项目中登记其姓名,或不予通过。",
    "No property project of the compound names him as its manager today; enter his name with the project first, or decline.",
);
/// The criteria are not written.
pub const NO_CRITERIA: Refusal = Refusal::conflict(
    "cross_appointment.no_criteria",
    "尚未填写政治觉悟(political_awareness)和服务能力(service_ability)情况,不能核查。",
    "What shows his political awareness (political_awareness) and that he serves well (service_ability) is not written yet, so there is nothing to check.",
);

const SECRETARY: Guard<SecretaryFacts> = Guard { holds: |facts: &SecretaryFacts| facts.is_secretary, unless: &NOT_THE_SECRETARY };
const OWNER: Guard<SecretaryFacts> = Guard { holds: |facts: &SecretaryFacts| facts.is_owner, unless: &NOT_AN_OWNER };
const MEMBER: Guard<ManagerFacts> = Guard { holds: |facts: &ManagerFacts| facts.in_party, unless: &NOT_IN_PARTY };
const MANAGER: Guard<ManagerFacts> = Guard { holds: |facts: &ManagerFacts| facts.is_manager, unless: &NOT_THE_MANAGER };
const CRITERIA: Guard<ManagerFacts> = Guard { holds: |facts: &ManagerFacts| facts.has_criteria, unless: &NO_CRITERIA };

/// The way of a secretary.
#[derive(Debug)]
pub struct SecretaryFlow;

impl Workflow for SecretaryFlow {
    type State = SecretaryState;
    type Action = SecretaryAction;
    type Facts = SecretaryFacts;
    const NAME: &'static str = "cross_appointment";
    const ZH: &'static str = "双向进入:书记推选为业委会主任";
    const FIRST: SecretaryState = SecretaryState::Nominated;
    const FINAL: &'static [SecretaryState] = &[SecretaryState::Ended, SecretaryState::NotElected, SecretaryState::Ineligible, SecretaryState::Withdrawn];
    // Who is no owner can be nominated, so that it is told why he is not elected; he does not get further. The party's review
    // and that of the residents' committee are apart, and each can find him ineligible.
    const MOVES: &'static [Move<SecretaryState, SecretaryAction, SecretaryFacts>] = &[
        Move {
            from: &[SecretaryState::Nominated],
            action: SecretaryAction::SubmitForPartyReview,
            to: To::State(SecretaryState::PartyPreReview),
            may: WRITE,
            guards: &[SECRETARY, OWNER],
        },
        Move {
            from: &[SecretaryState::PartyPreReview],
            action: SecretaryAction::PassPartyReview,
            to: To::State(SecretaryState::CommitteeEligibilityReview),
            may: PARTY_REVIEW,
            guards: &[SECRETARY, OWNER],
        },
        Move {
            from: &[SecretaryState::CommitteeEligibilityReview],
            action: SecretaryAction::PassEligibilityReview,
            to: To::State(SecretaryState::Candidate),
            may: ELIGIBILITY_REVIEW,
            guards: &[SECRETARY, OWNER],
        },
        Move {
            from: &[SecretaryState::Nominated, SecretaryState::PartyPreReview],
            action: SecretaryAction::FindIneligible,
            to: To::State(SecretaryState::Ineligible),
            may: PARTY_REVIEW,
            guards: &[],
        },
        Move {
            from: &[SecretaryState::CommitteeEligibilityReview],
            action: SecretaryAction::FindIneligible,
            to: To::State(SecretaryState::Ineligible),
            may: ELIGIBILITY_REVIEW,
            guards: &[],
        },
        Move {
            from: &[SecretaryState::Candidate],
            action: SecretaryAction::Elect,
            to: To::State(SecretaryState::ElectedMember),
            may: WRITE,
            guards: &[SECRETARY, OWNER],
        },
        Move {
            from: &[SecretaryState::ElectedMember],
            action: SecretaryAction::ChooseDirector,
            to: To::State(SecretaryState::ElectedDirector),
            may: WRITE,
            guards: &[SECRETARY, OWNER],
        },
        Move { from: &[SecretaryState::ElectedDirector], action: SecretaryAction::File, to: To::State(SecretaryState::Filed), may: WRITE, guards: &[] },
        Move {
            from: &[SecretaryState::Candidate, SecretaryState::ElectedMember],
            action: SecretaryAction::RecordDefeat,
            to: To::State(SecretaryState::NotElected),
            may: WRITE,
            guards: &[],
        },
        Move {
            from: &[
                SecretaryState::Nominated,
                SecretaryState::PartyPreReview,
                SecretaryState::CommitteeEligibilityReview,
                SecretaryState::Candidate,
                SecretaryState::ElectedMember,
            ],
            action: SecretaryAction::Withdraw,
            to: To::State(SecretaryState::Withdrawn),
            may: WRITE,
            guards: &[],
        },
        Move {
            from: &[SecretaryState::ElectedDirector, SecretaryState::Filed],
            action: SecretaryAction::End,
            to: To::State(SecretaryState::Ended),
            may: WRITE,
            guards: &[],
        },
    ];
}

/// The way of a manager.
#[derive(Debug)]
pub struct ManagerFlow;

impl Workflow for ManagerFlow {
    type State = ManagerState;
    type Action = ManagerAction;
    type Facts = ManagerFacts;
    const NAME: &'static str = "cross_appointment";
    const ZH: &'static str = "双向进入:物业负责人进入小区党组织";
    const FIRST: ManagerState = ManagerState::Recommended;
    const FINAL: &'static [ManagerState] = &[ManagerState::Ended, ManagerState::Declined];
    const MOVES: &'static [Move<ManagerState, ManagerAction, ManagerFacts>] = &[
        Move {
            from: &[ManagerState::Recommended],
            action: ManagerAction::Check,
            to: To::State(ManagerState::Checked),
            may: PARTY_REVIEW,
            guards: &[MEMBER, MANAGER, CRITERIA],
        },
        Move {
            from: &[ManagerState::Checked],
            action: ManagerAction::Approve,
            to: To::State(ManagerState::ApprovedByUpperPartyOrg),
            may: APPROVE,
            guards: &[MEMBER, MANAGER],
        },
        Move {
            from: &[ManagerState::ApprovedByUpperPartyOrg],
            action: ManagerAction::Appoint,
            to: To::State(ManagerState::Appointed),
            may: WRITE,
            guards: &[MEMBER, MANAGER],
        },
        Move { from: &[ManagerState::Recommended], action: ManagerAction::Decline, to: To::State(ManagerState::Declined), may: PARTY_REVIEW, guards: &[] },
        Move {
            from: &[ManagerState::Checked, ManagerState::ApprovedByUpperPartyOrg],
            action: ManagerAction::Decline,
            to: To::State(ManagerState::Declined),
            may: APPROVE,
            guards: &[],
        },
        Move { from: &[ManagerState::Appointed], action: ManagerAction::End, to: To::State(ManagerState::Ended), may: WRITE, guards: &[] },
    ];
}

impl CrossDirection {
    /// The state in which it begins.
    #[must_use]
    pub const fn first(self) -> CrossState {
        match self {
            Self::SecretaryToDirector => CrossState::Nominated,
            Self::ManagerToParty => CrossState::Recommended,
        }
    }
}

/// The state of one list that has the word of a state of another.
pub(crate) fn same<A: Labelled, B: Labelled>(state: A) -> Result<B> {
    let word = state.choice().word;
    B::EVERY.iter().copied().find(|one| one.choice().word == word).ok_or_else(|| Error::Internal(format!("{word} is no state of this way")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::workflow::decide;

    #[test]
    fn both_ways_are_kept_by_the_words_of_one_list() {
        for state in SecretaryState::ALL {
            assert!(same::<_, CrossState>(*state).is_ok_and(|kept| kept.choice() == state.choice()), "{}", state.word());
        }
        for state in ManagerState::ALL {
            assert!(same::<_, CrossState>(*state).is_ok_and(|kept| kept.choice() == state.choice()), "{}", state.word());
        }
        let ways = SecretaryState::ALL.len() + ManagerState::ALL.len();
        assert_eq!(CrossState::ALL.len(), ways - 1, "both end in one");
        assert!(same::<_, ManagerState>(CrossState::Filed).is_err());
        assert_eq!(CrossDirection::SecretaryToDirector.first().word(), SecretaryFlow::FIRST.word());
        assert_eq!(CrossDirection::ManagerToParty.first().word(), ManagerFlow::FIRST.word());
    }

    #[test]
    fn org_08_who_is_no_secretary_or_no_owner_gets_no_further_and_can_be_found_ineligible() {
        let step = |state, action, facts: &SecretaryFacts| decide::<SecretaryFlow>(state, action, |_| Ok(()), facts).map_err(|error| error.code());
        let fit = SecretaryFacts { is_secretary: true, is_owner: true };
        for (state, action) in [
            (SecretaryState::Nominated, SecretaryAction::SubmitForPartyReview),
            (SecretaryState::PartyPreReview, SecretaryAction::PassPartyReview),
            (SecretaryState::CommitteeEligibilityReview, SecretaryAction::PassEligibilityReview),
            (SecretaryState::Candidate, SecretaryAction::Elect),
            (SecretaryState::ElectedMember, SecretaryAction::ChooseDirector),
        ] {
            assert!(step(state, action, &fit).is_ok(), "{}", state.word());
            assert_eq!(step(state, action, &SecretaryFacts { is_owner: false, ..fit }), Err(Some("cross_appointment.not_an_owner")));
            assert_eq!(step(state, action, &SecretaryFacts { is_secretary: false, ..fit }), Err(Some("cross_appointment.not_the_secretary")));
        }
        let stranger = SecretaryFacts { is_secretary: false, is_owner: false };
        assert_eq!(step(SecretaryState::Nominated, SecretaryAction::FindIneligible, &stranger), Ok(SecretaryState::Ineligible));
    }
}
