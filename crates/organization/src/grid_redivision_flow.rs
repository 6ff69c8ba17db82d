//! The way of a re-division of grids (W1): the community drafts and submits, the subdistrict accepts and passes, the city approves
//! and publishes, and on its day it takes effect. A review returns it with a reason, and so does the city until its day; before
//! approval it may be withdrawn, after that revoked until its day.

use chrono::NaiveDate;
use kernel::refusal::Refused;
use kernel::workflow::{Guard, Move, To, Workflow};
use kernel::{Refusal, text_enum};

use crate::grid_redivision::{APPROVE, REVIEW, WRITE};

text_enum!(
    /// Where a re-division of grids is on its way.
    RedivisionState {
        /// Being planned, or returned to be mended.
        Draft = "draft" "起草",
        /// Submitted, not yet taken up by the subdistrict.
        CommunitySubmitted = "community_submitted" "社区已提交",
        /// With the subdistrict.
        SubdistrictReview = "subdistrict_review" "街道审核",
        /// With the department of the city that leads.
        CityReview = "city_review" "市级审核",
        /// Approved, to be published.
        Approved = "approved" "已批准",
        /// Published, to take effect on its day.
        Published = "published" "已公布",
        /// The area is divided so.
        Effective = "effective" "已生效",
        /// Given up by whoever drafted it.
        Withdrawn = "withdrawn" "已撤回",
        /// Revoked by the city before its day.
        Revoked = "revoked" "已撤销",
    }
);

text_enum!(
    /// What is done with a re-division of grids.
    RedivisionAction {
        /// To the subdistrict.
        Submit = "submit" "提交",
        /// The subdistrict takes it up.
        Accept = "accept" "受理",
        /// To the city.
        Pass = "pass" "报市级审核",
        /// It shall be so.
        Approve = "approve" "批准",
        /// By a notice.
        Publish = "publish" "公布",
        /// Its day has come.
        TakeEffect = "take_effect" "生效",
        /// Back to be mended.
        Return = "return" "退回修改",
        /// Given up.
        Withdraw = "withdraw" "撤回",
        /// It shall not be.
        Revoke = "revoke" "撤销",
    }
);

/// What the guards look at.
#[derive(Clone, Debug)]
pub struct RedivisionFacts {
    /// Where it was before.
    pub previous: Option<RedivisionState>,
    /// Whether there is a plan.
    pub has_plan: bool,
    /// How many grids of its plan begin, get another name or close without a reason.
    pub unreasoned: i64,
    /// Whether the minutes of a consultation, or another file, are attached to it.
    pub has_minutes: bool,
    /// The day of the question.
    pub today: NaiveDate,
    /// Its first day.
    pub effective_on: NaiveDate,
    /// The first check that its plan does not pass, and how many break it.
    pub broken: Option<(&'static str, i64)>,
    /// The title of another one on its way that divides the same grids.
    pub other: Option<String>,
}

/// Nothing to decide on.
pub const NO_PLAN: Refusal =
    Refusal::conflict("grid_redivision.no_plan", "尚未编制方案(plan),不能提交。", "There is no plan yet (PUT …/plan), so there is nothing to submit.");
/// The plan breaks a rule.
pub const CHECKS_FAIL: Refusal = Refusal::conflict(
    "grid_redivision.checks_fail",
    "方案未通过检查“{check}”({count} 处);详见 checks。",
    "The plan does not pass the check “{check}” ({count} cases); see its checks.",
);
/// Grids change, and nobody says why.
pub const NO_REASONS: Refusal = Refusal::conflict(
    "grid_redivision.no_reasons",
    "有 {grids} 个新设、更名或终止的网格没有说明理由:请在方案中填写网格的 reason(终止的填写在其去向网格;无去向的填写方案本身的 reason),详见 checks。",
    "{grids} grids that begin, get another name or close have no reason: say it in the plan as the reason of the grid, of one that closes as that of \
     the grids that its households go to, or of the re-division where there are none; see its checks.",
);
/// Nobody was heard.
pub const NO_MINUTES: Refusal = Refusal::conflict(
    "grid_redivision.no_minutes",
    "报市级审核前,须将征求居民或小区意见的会议记录作为文件附于该方案。",
    "Before it goes to the city, the minutes of the consultation of residents or compounds must be attached to it as a file.",
);
/// Two that would divide the same grids.
pub const TOUCHES_ANOTHER: Refusal = Refusal::conflict(
    "grid_redivision.touches_another",
    "另一方案“{title}”正在办理,且涉及相同的网格;请待其生效,或先将其撤回、撤销。",
    "Another one on its way, “{title}”, divides the same grids; wait until it has taken effect, or have it withdrawn or revoked first.",
);
/// Its day is over before it is decided.
pub const PAST: Refusal = Refusal::conflict(
    "grid_redivision.past",
    "生效日期 {effective_on} 已过;请退回起草并改为今天或以后的日期。",
    "Its first day, {effective_on}, is past; have it returned, and choose today or a later day.",
);
/// Its day has not come.
pub const NOT_DUE: Refusal = Refusal::conflict("grid_redivision.not_due", "方案自 {effective_on} 起才能生效。", "It can take effect from {effective_on} on.");
/// It is published by nothing.
pub const NO_NOTICE: Refusal = Refusal::invalid(
    "grid_redivision.no_notice",
    "公布方案须填写通知的文号(notice_number)。",
    "What publishes it must be named: the number of the notice (notice_number).",
);

const PLANNED: Guard<RedivisionFacts> = Guard { holds: |facts: &RedivisionFacts| facts.has_plan, unless: &NO_PLAN };
const CHECKED: Guard<RedivisionFacts> = Guard { holds: |facts: &RedivisionFacts| facts.broken.is_none(), unless: &CHECKS_FAIL };
const REASONED: Guard<RedivisionFacts> = Guard { holds: |facts: &RedivisionFacts| facts.unreasoned == 0, unless: &NO_REASONS };
const CONSULTED: Guard<RedivisionFacts> = Guard { holds: |facts: &RedivisionFacts| facts.has_minutes, unless: &NO_MINUTES };
const ALONE: Guard<RedivisionFacts> = Guard { holds: |facts: &RedivisionFacts| facts.other.is_none(), unless: &TOUCHES_ANOTHER };
const NOT_PAST: Guard<RedivisionFacts> = Guard { holds: |facts: &RedivisionFacts| facts.effective_on >= facts.today, unless: &PAST };
const DUE: Guard<RedivisionFacts> = Guard { holds: |facts: &RedivisionFacts| facts.effective_on <= facts.today, unless: &NOT_DUE };

/// The way of a re-division of grids.
#[derive(Debug)]
pub struct RedivisionFlow;

impl Workflow for RedivisionFlow {
    type State = RedivisionState;
    type Action = RedivisionAction;
    type Facts = RedivisionFacts;
    const NAME: &'static str = "grid_redivision";
    const ZH: &'static str = "网格重新划分";
    const FIRST: RedivisionState = RedivisionState::Draft;
    const FINAL: &'static [RedivisionState] = &[RedivisionState::Effective, RedivisionState::Withdrawn, RedivisionState::Revoked];
    // The city returns it to the subdistrict that sent it, the subdistrict to whoever drafted it. What was checked when it was
    // submitted is checked whenever somebody decides on it: the city goes on building meanwhile.
    const MOVES: &'static [Move<RedivisionState, RedivisionAction, RedivisionFacts>] = &[
        Move {
            from: &[RedivisionState::Draft],
            action: RedivisionAction::Submit,
            to: To::State(RedivisionState::CommunitySubmitted),
            may: WRITE,
            guards: &[PLANNED, NOT_PAST, CHECKED, REASONED, ALONE],
        },
        Move {
            from: &[RedivisionState::CommunitySubmitted],
            action: RedivisionAction::Accept,
            to: To::State(RedivisionState::SubdistrictReview),
            may: REVIEW,
            guards: &[],
        },
        Move {
            from: &[RedivisionState::SubdistrictReview],
            action: RedivisionAction::Pass,
            to: To::State(RedivisionState::CityReview),
            may: REVIEW,
            guards: &[CONSULTED],
        },
        Move {
            from: &[RedivisionState::CityReview],
            action: RedivisionAction::Approve,
            to: To::State(RedivisionState::Approved),
            may: APPROVE,
            guards: &[NOT_PAST, CHECKED],
        },
        Move {
            from: &[RedivisionState::Approved],
            action: RedivisionAction::Publish,
            to: To::State(RedivisionState::Published),
            may: APPROVE,
            guards: &[NOT_PAST, CHECKED, ALONE],
        },
        Move {
            from: &[RedivisionState::Published],
            action: RedivisionAction::TakeEffect,
            to: To::State(RedivisionState::Effective),
            may: APPROVE,
            guards: &[DUE, CHECKED],
        },
        Move {
            from: &[RedivisionState::CommunitySubmitted, RedivisionState::SubdistrictReview],
            action: RedivisionAction::Return,
            to: To::State(RedivisionState::Draft),
            may: REVIEW,
            guards: &[],
        },
        Move { from: &[RedivisionState::CityReview], action: RedivisionAction::Return, to: To::Sender, may: APPROVE, guards: &[] },
        // What was decided and cannot be done as it stands is mended, and decided anew.
        Move {
            from: &[RedivisionState::Approved, RedivisionState::Published],
            action: RedivisionAction::Return,
            to: To::State(RedivisionState::Draft),
            may: APPROVE,
            guards: &[],
        },
        Move {
            from: &[RedivisionState::Draft, RedivisionState::CommunitySubmitted, RedivisionState::SubdistrictReview, RedivisionState::CityReview],
            action: RedivisionAction::Withdraw,
            to: To::State(RedivisionState::Withdrawn),
            may: WRITE,
            guards: &[],
        },
        Move {
            from: &[RedivisionState::Approved, RedivisionState::Published],
            action: RedivisionAction::Revoke,
            to: To::State(RedivisionState::Revoked),
            may: APPROVE,
            guards: &[],
        },
    ];

    fn sender(facts: &RedivisionFacts) -> Option<RedivisionState> {
        facts.previous
    }

    fn said(refused: Refused, facts: &RedivisionFacts) -> Refused {
        let (check, count) = facts.broken.unwrap_or_default();
        let refused = refused.with("check", check).with("count", count).with("grids", facts.unreasoned).with("effective_on", facts.effective_on);
        refused.with("title", facts.other.as_deref().unwrap_or_default())
    }
}

impl RedivisionState {
    /// Those in which another re-division of the same grids has to wait.
    pub const ON_ITS_WAY: [Self; 5] = [Self::CommunitySubmitted, Self::SubdistrictReview, Self::CityReview, Self::Approved, Self::Published];

    /// Whether nothing is to come of it any more.
    #[must_use]
    pub fn is_over(self) -> bool {
        RedivisionFlow::FINAL.contains(&self)
    }

    /// Whether an action that it takes looks at the checks of its plan.
    #[must_use]
    pub fn is_checked(self) -> bool {
        matches!(self, Self::Draft | Self::CityReview | Self::Approved | Self::Published)
    }
}

impl RedivisionAction {
    /// What the journal says of it.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Self::Submit => "grid_redivision.submitted",
            Self::Accept => "grid_redivision.accepted",
            Self::Pass => "grid_redivision.passed",
            Self::Approve => "grid_redivision.approved",
            Self::Publish => "grid_redivision.published",
            Self::TakeEffect => "grid_redivision.took_effect",
            Self::Return => "grid_redivision.returned",
            Self::Withdraw => "grid_redivision.withdrawn",
            Self::Revoke => "grid_redivision.revoked",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::workflow::decide;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn ready() -> RedivisionFacts {
        let today = day("2026-11-24");
        RedivisionFacts { previous: None, has_plan: true, unreasoned: 0, has_minutes: true, today, effective_on: today, broken: None, other: None }
    }

    fn take(state: RedivisionState, action: RedivisionAction, facts: &RedivisionFacts) -> Result<RedivisionState, Option<&'static str>> {
        decide::<RedivisionFlow>(state, action, |_| Ok(()), facts).map_err(|error| error.code())
    }

    #[test]
    fn org_12_what_is_submitted_is_planned_checked_alone_and_not_past() {
        let submit = |facts: &RedivisionFacts| take(RedivisionState::Draft, RedivisionAction::Submit, facts);
        assert_eq!(submit(&ready()), Ok(RedivisionState::CommunitySubmitted));
        assert_eq!(submit(&RedivisionFacts { has_plan: false, ..ready() }), Err(Some("grid_redivision.no_plan")));
        assert_eq!(submit(&RedivisionFacts { effective_on: day("2026-11-23"), ..ready() }), Err(Some("grid_redivision.past")));
        assert_eq!(submit(&RedivisionFacts { broken: Some(("户未划入", 3)), ..ready() }), Err(Some("grid_redivision.checks_fail")));
        let silent = RedivisionFacts { unreasoned: 3, ..ready() };
        assert_eq!(submit(&silent), Err(Some("grid_redivision.no_reasons")));
        let refused = RedivisionFlow::said(Refused::from(&NO_REASONS), &silent);
        assert!(refused.zh().starts_with("有 3 个") && refused.en().starts_with("3 grids"), "{}", refused.en());
        let other = RedivisionFacts { other: Some("甲".to_owned()), ..ready() };
        assert_eq!(submit(&other), Err(Some("grid_redivision.touches_another")));
        let refused = RedivisionFlow::said(Refused::from(&TOUCHES_ANOTHER), &other);
        assert!(refused.zh().contains("“甲”") && refused.en().contains("“甲”"), "{}", refused.en());
        let broken = RedivisionFacts { broken: Some(("户未划入", 3)), ..ready() };
        assert!(RedivisionFlow::said(Refused::from(&CHECKS_FAIL), &broken).zh().contains("“户未划入”(3 处)"));
    }

    #[test]
    fn org_12_the_city_decides_once_people_were_heard() {
        let pass = |has_minutes| take(RedivisionState::SubdistrictReview, RedivisionAction::Pass, &RedivisionFacts { has_minutes, ..ready() });
        assert_eq!(pass(false), Err(Some("grid_redivision.no_minutes")));
        assert_eq!(pass(true), Ok(RedivisionState::CityReview));
    }

    #[test]
    fn org_12_it_takes_effect_on_its_day_and_not_before() {
        let effect = |facts: &RedivisionFacts| take(RedivisionState::Published, RedivisionAction::TakeEffect, facts);
        assert_eq!(effect(&ready()), Ok(RedivisionState::Effective));
        assert_eq!(effect(&RedivisionFacts { effective_on: day("2026-11-23"), ..ready() }), Ok(RedivisionState::Effective));
        assert_eq!(effect(&RedivisionFacts { effective_on: day("2026-11-25"), ..ready() }), Err(Some("grid_redivision.not_due")));
    }

    #[test]
    fn org_12_a_return_goes_to_the_sender() {
        let back = |state, previous| take(state, RedivisionAction::Return, &RedivisionFacts { previous, ..ready() });
        assert_eq!(back(RedivisionState::CityReview, Some(RedivisionState::SubdistrictReview)), Ok(RedivisionState::SubdistrictReview));
        assert_eq!(back(RedivisionState::SubdistrictReview, Some(RedivisionState::CityReview)), Ok(RedivisionState::Draft));
        for decided in [RedivisionState::Approved, RedivisionState::Published] {
            assert_eq!(back(decided, Some(RedivisionState::CityReview)), Ok(RedivisionState::Draft), "what was decided is mended from the draft on");
        }
        assert_eq!(back(RedivisionState::Effective, None), Err(Some("workflow.wrong_state")));
    }
}
