//! Workflows: what moves through states is a table of moves. From the table follow the check of each action, what may be
//! done next and what forbids the rest, the diagram in the documentation, and the test that no state is a dead end.

mod chart;
#[cfg(test)]
mod paper;

pub use chart::Chart;

use serde::Serialize;
use utoipa::ToSchema;

use crate::actor::Permission;
use crate::refusal::{Error, Refusal, Refused, Result};
use crate::text_enum::{Choice, Labelled};

/// Where a move leads.
#[derive(Clone, Copy, Debug)]
pub enum To<S> {
    /// To this state.
    State(S),
    /// Back to whoever sent it: to the state that it was in before. A return is no rejection: it comes back mended.
    Sender,
}

/// A rule that a move keeps, over facts that were loaded before.
pub struct Guard<F: 'static> {
    /// Whether it is kept.
    pub holds: fn(&F) -> bool,
    /// What is said where it is not.
    pub unless: &'static Refusal,
}

/// A move: from some states, by an action, to another.
pub struct Move<S: 'static, A, F: 'static> {
    /// The states that it leaves.
    pub from: &'static [S],
    /// The action, an operation of the API.
    pub action: A,
    /// Where it leads.
    pub to: To<S>,
    /// Who may do it.
    pub may: Permission,
    /// What must be so before. What concerns the body of an action is checked by its command.
    pub guards: &'static [Guard<F>],
}

/// A workflow: its states, its actions and its table of moves.
pub trait Workflow: 'static {
    /// The states.
    type State: Labelled;
    /// The actions.
    type Action: Labelled;
    /// What guards look at.
    type Facts: 'static;
    /// The kind of what moves, as in the journal: `charter_inclusion`.
    const NAME: &'static str;
    /// What people call it.
    const ZH: &'static str;
    /// The state in which it begins.
    const FIRST: Self::State;
    /// The states in which it ends.
    const FINAL: &'static [Self::State];
    /// The moves.
    const MOVES: &'static [Move<Self::State, Self::Action, Self::Facts>];

    /// The state in which whoever sent it had it; none where nobody did.
    #[must_use]
    fn sender(_facts: &Self::Facts) -> Option<Self::State> {
        None
    }

    /// The refusal of a guard in this case: with the values that its sentence names, such as what stands in the way.
    #[must_use]
    fn said(refused: Refused, _facts: &Self::Facts) -> Refused {
        refused
    }
}

type MoveOf<W> = Move<<W as Workflow>::State, <W as Workflow>::Action, <W as Workflow>::Facts>;

/// The state does not know the action.
pub const WRONG_STATE: Refusal = Refusal::conflict(
    "workflow.wrong_state",
    "当前状态为{state},不能执行{action};现在可以执行:{next}。",
    "It is in the state {state}, which does not take {action}; it takes: {next}.",
);
/// Nobody to whom it could go back.
pub const NO_SENDER: Refusal =
    Refusal::conflict("workflow.no_sender", "该事项没有上一环节,不能退回。", "There is no step before this one, so it cannot be returned.");

/// The state that an action leads to; refused where the state does not take it, where the caller may not do it, or where
/// a guard is against it. `may` asks for a permission at the place of what moves.
pub fn decide<W: Workflow>(state: W::State, action: W::Action, may: impl Fn(Permission) -> Result<()>, facts: &W::Facts) -> Result<W::State> {
    let Some(step) = W::MOVES.iter().find(|step| step.action == action && step.from.contains(&state)) else {
        // Who may do it in no state hears that, and not what another could do now.
        let mut answers = W::MOVES.iter().filter(|step| step.action == action).map(|step| may(step.may));
        let first = answers.next().unwrap_or(Ok(()));
        if first.is_err() && !answers.any(|answer| answer.is_ok()) {
            first?;
        }
        return Err(wrong_state::<W>(state, action).into());
    };
    may(step.may)?;
    settle::<W>(step, facts)
}

/// Where a move leads with these facts.
fn settle<W: Workflow>(step: &MoveOf<W>, facts: &W::Facts) -> Result<W::State> {
    if let Some(broken) = step.guards.iter().find(|guard| !(guard.holds)(facts)) {
        return Err(W::said(Refused::from(broken.unless), facts).into());
    }
    match step.to {
        To::State(state) => Ok(state),
        To::Sender => W::sender(facts).ok_or_else(|| Error::from(&NO_SENDER)),
    }
}

fn wrong_state<W: Workflow>(state: W::State, action: W::Action) -> Refused {
    let next: Vec<String> = W::MOVES.iter().filter(|step| step.from.contains(&state)).map(|step| named(step.action)).collect();
    let next = if next.is_empty() { "—".to_owned() } else { next.join("、") };
    WRONG_STATE.with("state", named(state)).with("action", named(action)).with("next", next)
}

/// A word as both languages show it.
fn named(word: impl Labelled) -> String {
    let Choice { word, zh } = word.choice();
    format!("“{zh}”({word})")
}

/// What may be done next with something that moves through a workflow.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NextActions {
    /// The state that it is in.
    #[schema(example = "drafting")]
    pub state: &'static str,
    /// The state in Chinese.
    #[schema(example = "起草")]
    pub state_zh: &'static str,
    /// The version that this is said of.
    pub version: i32,
    /// The actions that the state takes; none where it is final.
    #[schema(max_items = 50)]
    pub actions: Vec<NextAction>,
}

/// An action that a state takes.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NextAction {
    /// The action: the last part of the path of its operation, with `_` for `-`.
    #[schema(example = "submit_for_party_review")]
    pub action: &'static str,
    /// The action in Chinese.
    #[schema(example = "提交党组织审查")]
    pub zh: &'static str,
    /// The action in English.
    #[schema(example = "submit for party review")]
    pub en: String,
    /// The permission that it needs.
    #[schema(example = "charter_inclusion.write")]
    pub permission: &'static str,
    /// Whether the caller may do it now.
    pub allowed: bool,
    /// The rule that forbids it; null where it is allowed.
    pub forbidden_by: Option<Forbiddance>,
}

/// A rule that forbids an action now.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Forbiddance {
    /// The stable code of the refusal.
    #[schema(example = "access.forbidden")]
    pub code: &'static str,
    /// What is to be mended, in Chinese.
    pub zh: String,
    /// What is to be mended, in English.
    pub en: String,
}

/// What may be done next, by whoever `may` answers for: each action that the state takes, and what forbids it.
pub fn next_actions<W: Workflow>(state: W::State, version: i32, may: impl Fn(Permission) -> Result<()>, facts: &W::Facts) -> Result<NextActions> {
    let mut actions = Vec::new();
    for step in W::MOVES.iter().filter(|step| step.from.contains(&state)) {
        let forbidden_by = match may(step.may).and_then(|()| settle::<W>(step, facts)) {
            Ok(_) => None,
            Err(Error::Refused(refused)) => Some(Forbiddance { code: refused.refusal.code, zh: refused.zh(), en: refused.en() }),
            Err(other) => return Err(other),
        };
        let Choice { word, zh } = step.action.choice();
        actions.push(NextAction { action: word, zh, en: word.replace('_', " "), permission: step.may.0, allowed: forbidden_by.is_none(), forbidden_by });
    }
    let Choice { word, zh } = state.choice();
    Ok(NextActions { state: word, state_zh: zh, version, actions })
}

#[cfg(test)]
mod tests {
    use super::paper::{Deed, Facts, Paper, Place, WRITE};
    use super::*;
    use crate::actor::FORBIDDEN;

    fn facts(written: bool, came_from: Option<Place>) -> Facts {
        Facts { written, came_from }
    }

    fn writer(permission: Permission) -> Result<()> {
        if permission == WRITE { Ok(()) } else { Err(FORBIDDEN.with("permission", permission.0).into()) }
    }

    fn nobody(permission: Permission) -> Result<()> {
        Err(FORBIDDEN.with("permission", permission.0).into())
    }

    #[test]
    fn a_move_needs_its_state_a_right_and_its_guards() {
        let ready = facts(true, None);
        assert_eq!(decide::<Paper>(Place::Desk, Deed::Send, writer, &ready).unwrap(), Place::Check);
        assert_eq!(decide::<Paper>(Place::Desk, Deed::Send, writer, &facts(false, None)).unwrap_err().code(), Some("text.empty"));
        assert_eq!(decide::<Paper>(Place::Desk, Deed::Send, nobody, &facts(false, None)).unwrap_err().code(), Some("access.forbidden"));
        assert_eq!(decide::<Paper>(Place::Signing, Deed::Sign, writer, &ready).unwrap_err().code(), Some("access.forbidden"));
        let refused = decide::<Paper>(Place::Check, Deed::Sign, |_| Ok(()), &ready).unwrap_err();
        assert_eq!(refused.code(), Some("workflow.wrong_state"));
        assert!(refused.to_string().contains("“核稿”(check)") && refused.to_string().contains("“送审”(send)、“退回”(back)"), "{refused}");
        assert!(decide::<Paper>(Place::Archive, Deed::Back, writer, &ready).unwrap_err().to_string().ends_with("it takes: —."));
        assert_eq!(decide::<Paper>(Place::Archive, Deed::Sign, writer, &ready).unwrap_err().code(), Some("access.forbidden"), "he may it nowhere");
    }

    #[test]
    fn a_return_goes_to_the_sender() {
        for sender in [Place::Desk, Place::Check] {
            assert_eq!(decide::<Paper>(Place::Signing, Deed::Back, writer, &facts(true, Some(sender))).unwrap(), sender);
        }
        assert_eq!(decide::<Paper>(Place::Check, Deed::Back, writer, &facts(true, None)).unwrap_err().code(), Some("workflow.no_sender"));
    }

    #[test]
    fn next_actions_say_what_forbids_them() {
        let next = next_actions::<Paper>(Place::Signing, 3, writer, &facts(true, Some(Place::Check))).unwrap();
        assert_eq!((next.state, next.state_zh, next.version), ("signing", "签发", 3));
        let said: Vec<_> = next.actions.iter().map(|one| (one.action, one.allowed, one.forbidden_by.as_ref().map(|rule| rule.code))).collect();
        assert_eq!(said, [("sign_it", false, Some("access.forbidden")), ("back", true, None)]);
        let first = next.actions.first().unwrap();
        assert_eq!((first.zh, first.en.as_str(), first.permission), ("签发", "sign it", "paper.sign"));
        assert!(next_actions::<Paper>(Place::Archive, 4, writer, &facts(true, None)).unwrap().actions.is_empty());
    }
}
