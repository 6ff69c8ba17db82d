//! Two made-up workflows for the tests: one in order, one with every fault.

use super::{Guard, Move, To, Workflow};
use crate::actor::Permission;
use crate::text::EMPTY;
use crate::text_enum;

text_enum!(
    /// Where a paper is.
    Place {
        /// With its writer.
        Desk = "desk" "案头",
        /// With who checks it.
        Check = "check" "核稿",
        /// With who signs it.
        Signing = "signing" "签发",
        /// Where it stays.
        Archive = "archive" "归档",
    }
);
text_enum!(
    /// What is done to a paper.
    Deed {
        /// To the next.
        Send = "send" "送审",
        /// To be kept.
        Sign = "sign_it" "签发",
        /// To where it came from.
        Back = "back" "退回",
    }
);

/// What its guards look at.
pub struct Facts {
    /// Whether it has a text.
    pub written: bool,
    /// Where it was before.
    pub came_from: Option<Place>,
}

/// Writes it.
pub const WRITE: Permission = Permission("paper.write");
/// Signs it.
pub const SIGN: Permission = Permission("paper.sign");

/// A paper, which is checked and signed.
pub struct Paper;

impl Workflow for Paper {
    type State = Place;
    type Action = Deed;
    type Facts = Facts;
    const NAME: &'static str = "paper";
    const ZH: &'static str = "公文";
    const FIRST: Place = Place::Desk;
    const FINAL: &'static [Place] = &[Place::Archive];
    const MOVES: &'static [Move<Place, Deed, Facts>] = &[
        Move {
            from: &[Place::Desk],
            action: Deed::Send,
            to: To::State(Place::Check),
            may: WRITE,
            guards: &[Guard { holds: |facts: &Facts| facts.written, unless: &EMPTY }],
        },
        Move { from: &[Place::Check], action: Deed::Send, to: To::State(Place::Signing), may: WRITE, guards: &[] },
        Move { from: &[Place::Signing], action: Deed::Sign, to: To::State(Place::Archive), may: SIGN, guards: &[] },
        Move { from: &[Place::Check, Place::Signing], action: Deed::Back, to: To::Sender, may: WRITE, guards: &[] },
    ];

    fn sender(facts: &Facts) -> Option<Place> {
        facts.came_from
    }
}

/// The same words, in a table with every fault that there is.
pub struct Torn;

impl Workflow for Torn {
    type State = Place;
    type Action = Deed;
    type Facts = Facts;
    const NAME: &'static str = "torn";
    const ZH: &'static str = "残卷";
    const FIRST: Place = Place::Desk;
    const FINAL: &'static [Place] = &[Place::Check];
    const MOVES: &'static [Move<Place, Deed, Facts>] = &[
        Move { from: &[Place::Desk], action: Deed::Send, to: To::State(Place::Check), may: WRITE, guards: &[] },
        Move { from: &[Place::Desk, Place::Check], action: Deed::Send, to: To::State(Place::Signing), may: WRITE, guards: &[] },
        Move { from: &[Place::Desk], action: Deed::Back, to: To::Sender, may: WRITE, guards: &[] },
    ];
}
