//! The way of a charter inclusion (W4): drafted, looked at by the Party and for its legality, adopted by the law-maker of its
//! document, filed and published; returned with a reason to be mended, or vetoed for good.

use kernel::workflow::{Guard, Move, To, Workflow};
use kernel::{Refusal, text_enum};

use crate::charter_adoption::CharterDocument;
use crate::charter_inclusion::{CharterInclusion, LEGALITY_REVIEW, PARTY_REVIEW, WRITE};

text_enum!(
    /// Where a charter inclusion is on its way.
    CharterState {
        /// Being written, or returned to be mended.
        Drafting = "drafting" "起草",
        /// With the party organization of the community.
        PartyReview = "party_review" "党组织审查",
        /// With the subdistrict, which looks at whether it is lawful.
        LegalityReview = "legality_review" "合法性审查",
        /// With the law-maker of its document.
        Adopting = "adopting" "待表决",
        /// Adopted, to be filed.
        Adopted = "adopted" "已通过",
        /// Filed, to be published.
        Filed = "filed" "已备案",
        /// Published, and in force from the day of that.
        Published = "published" "已公布",
        /// Refused for good.
        Vetoed = "vetoed" "已否决",
        /// Was in force: superseded, or withdrawn.
        Revoked = "revoked" "已撤销",
    }
);

text_enum!(
    /// What is done with a charter inclusion.
    CharterAction {
        /// To the party organization.
        SubmitForPartyReview = "submit_for_party_review" "提交党组织审查",
        /// The party organization is content.
        PassPartyReview = "pass_party_review" "通过党组织审查",
        /// It is lawful.
        PassLegalityReview = "pass_legality_review" "通过合法性审查",
        /// The law-maker adopted it.
        Adopt = "adopt" "登记表决通过",
        /// It was filed.
        File = "file" "登记备案",
        /// It was published.
        Publish = "publish" "公布",
        /// Back to be mended.
        Return = "return" "退回修改",
        /// Refused for good.
        Veto = "veto" "否决",
        /// No longer in force.
        Revoke = "revoke" "撤销",
    }
);

/// What the guards look at.
#[derive(Clone, Copy, Debug)]
pub struct CharterFacts {
    /// The document.
    pub document: CharterDocument,
    /// Whether the clause is written.
    pub has_clause: bool,
    /// Whether the company is named.
    pub has_company: bool,
}

impl From<&CharterInclusion> for CharterFacts {
    fn from(inclusion: &CharterInclusion) -> Self {
        Self { document: inclusion.document, has_clause: inclusion.clause.is_some(), has_company: inclusion.company_code.is_some() }
    }
}

/// Nothing to look at.
pub const NO_CLAUSE: Refusal = Refusal::conflict(
    "charter_inclusion.no_clause",
    "尚未填写条款内容(clause),不能提交审查。",
    "The clause is not written yet, so there is nothing to review.",
);
/// Articles of nobody.
pub const NO_COMPANY: Refusal = Refusal::conflict(
    "charter_inclusion.no_company",
    "物业公司章程须填写物业企业代码(company_code)。",
    "Articles need the company whose they are (company_code).",
);

/// The way of a charter inclusion.
#[derive(Debug)]
pub struct CharterFlow;

impl Workflow for CharterFlow {
    type State = CharterState;
    type Action = CharterAction;
    type Facts = CharterFacts;
    const NAME: &'static str = "charter_inclusion";
    const ZH: &'static str = "党建入章";
    const FIRST: CharterState = CharterState::Drafting;
    const FINAL: &'static [CharterState] = &[CharterState::Vetoed, CharterState::Revoked];
    // Whoever has it may send it back or refuse it: in the reviews he who reviews, before the law-maker he who brings it there.
    // A draft may be given up. What was adopted may still prove unlawful when it is filed.
    const MOVES: &'static [Move<CharterState, CharterAction, CharterFacts>] = &[
        Move {
            from: &[CharterState::Drafting],
            action: CharterAction::SubmitForPartyReview,
            to: To::State(CharterState::PartyReview),
            may: WRITE,
            guards: &[
                Guard { holds: |facts: &CharterFacts| facts.has_clause, unless: &NO_CLAUSE },
                Guard { holds: |facts: &CharterFacts| facts.has_company || !matches!(facts.document, CharterDocument::CompanyArticles), unless: &NO_COMPANY },
            ],
        },
        Move {
            from: &[CharterState::PartyReview],
            action: CharterAction::PassPartyReview,
            to: To::State(CharterState::LegalityReview),
            may: PARTY_REVIEW,
            guards: &[],
        },
        Move {
            from: &[CharterState::LegalityReview],
            action: CharterAction::PassLegalityReview,
            to: To::State(CharterState::Adopting),
            may: LEGALITY_REVIEW,
            guards: &[],
        },
        Move { from: &[CharterState::Adopting], action: CharterAction::Adopt, to: To::State(CharterState::Adopted), may: WRITE, guards: &[] },
        Move { from: &[CharterState::Adopted], action: CharterAction::File, to: To::State(CharterState::Filed), may: WRITE, guards: &[] },
        Move { from: &[CharterState::Filed], action: CharterAction::Publish, to: To::State(CharterState::Published), may: WRITE, guards: &[] },
        Move { from: &[CharterState::PartyReview], action: CharterAction::Return, to: To::State(CharterState::Drafting), may: PARTY_REVIEW, guards: &[] },
        Move {
            from: &[CharterState::LegalityReview, CharterState::Adopted],
            action: CharterAction::Return,
            to: To::State(CharterState::Drafting),
            may: LEGALITY_REVIEW,
            guards: &[],
        },
        Move { from: &[CharterState::Adopting], action: CharterAction::Return, to: To::State(CharterState::Drafting), may: WRITE, guards: &[] },
        Move { from: &[CharterState::PartyReview], action: CharterAction::Veto, to: To::State(CharterState::Vetoed), may: PARTY_REVIEW, guards: &[] },
        Move {
            from: &[CharterState::LegalityReview, CharterState::Adopted],
            action: CharterAction::Veto,
            to: To::State(CharterState::Vetoed),
            may: LEGALITY_REVIEW,
            guards: &[],
        },
        Move {
            from: &[CharterState::Drafting, CharterState::Adopting],
            action: CharterAction::Veto,
            to: To::State(CharterState::Vetoed),
            may: WRITE,
            guards: &[],
        },
        Move { from: &[CharterState::Published], action: CharterAction::Revoke, to: To::State(CharterState::Revoked), may: LEGALITY_REVIEW, guards: &[] },
    ];
}

impl CharterAction {
    /// What the journal says of it.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Self::SubmitForPartyReview => "charter_inclusion.submitted",
            Self::PassPartyReview => "charter_inclusion.party_review_passed",
            Self::PassLegalityReview => "charter_inclusion.legality_review_passed",
            Self::Adopt => "charter_inclusion.adopted",
            Self::File => "charter_inclusion.filed",
            Self::Publish => "charter_inclusion.published",
            Self::Return => "charter_inclusion.returned",
            Self::Veto => "charter_inclusion.vetoed",
            Self::Revoke => "charter_inclusion.revoked",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::workflow::decide;

    const WRITTEN: CharterFacts = CharterFacts { document: CharterDocument::ResidentsConvention, has_clause: true, has_company: false };

    fn submit(facts: &CharterFacts) -> Result<CharterState, Option<&'static str>> {
        decide::<CharterFlow>(CharterState::Drafting, CharterAction::SubmitForPartyReview, |_| Ok(()), facts).map_err(|error| error.code())
    }

    #[test]
    fn org_07_what_is_submitted_has_a_clause_and_articles_have_a_company() {
        assert_eq!(submit(&WRITTEN), Ok(CharterState::PartyReview));
        assert_eq!(submit(&CharterFacts { has_clause: false, ..WRITTEN }), Err(Some("charter_inclusion.no_clause")));
        let articles = CharterFacts { document: CharterDocument::CompanyArticles, ..WRITTEN };
        assert_eq!(submit(&articles), Err(Some("charter_inclusion.no_company")));
        assert_eq!(submit(&CharterFacts { has_company: true, ..articles }), Ok(CharterState::PartyReview));
    }

    #[test]
    fn org_07_a_return_leads_to_the_draft_and_a_veto_to_the_end() {
        let returned: Vec<_> = CharterState::ALL
            .iter()
            .filter(|state| decide::<CharterFlow>(**state, CharterAction::Return, |_| Ok(()), &WRITTEN).is_ok_and(|to| to == CharterState::Drafting))
            .map(|state| state.word())
            .collect();
        assert_eq!(returned, ["party_review", "legality_review", "adopting", "adopted"]);
        let vetoed: Vec<_> = CharterState::ALL
            .iter()
            .filter(|state| decide::<CharterFlow>(**state, CharterAction::Veto, |_| Ok(()), &WRITTEN).is_ok_and(|to| to == CharterState::Vetoed))
            .map(|state| state.word())
            .collect();
        assert_eq!(vetoed, [vec!["drafting"], returned].concat());
    }
}
