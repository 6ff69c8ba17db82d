//! What follows from a hand-over's days: how far each of the three set-ups is, and whether all were in place by the day of the
//! hand-over (ORG-11). Neither is ever typed.

use chrono::NaiveDate;
use kernel::{Recorded, text_enum};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::compound_handover::{KIND, KeptHandover};

/// Days after the hand-over by which the three may still be called synchronous. The seed knows none; where a city allows some,
/// this is the number that changes.
pub const TOLERANCE_DAYS: i64 = 0;

text_enum!(
    /// How far one of the three set-ups is.
    TrackState {
        /// Nothing is known of it.
        NotStarted = "not_started" "未启动",
        /// A note says how far it is.
        InProgress = "in_progress" "推进中",
        /// It is in place.
        Done = "done" "已完成",
        /// Put off to a day, with a reason and a signature of the subdistrict.
        Deferred = "deferred" "暂缓",
    }
);

text_enum!(
    /// Whether the three set-ups were in place by the day of the hand-over.
    HandoverVerdict {
        /// All three.
        Synchronous = "synchronous" "同步",
        /// All three are in place, at least one of them came later.
        Late = "late" "滞后",
        /// At least one is not in place.
        Incomplete = "incomplete" "未完成",
    }
);

impl TrackState {
    /// How far it is, by what is written of it.
    #[must_use]
    pub const fn of(done_on: Option<NaiveDate>, deferred_to: Option<NaiveDate>, is_noted: bool) -> Self {
        match (done_on, deferred_to) {
            (Some(_), _) => Self::Done,
            (None, Some(_)) => Self::Deferred,
            (None, None) if is_noted => Self::InProgress,
            (None, None) => Self::NotStarted,
        }
    }

    /// Whether the gate has nothing against it.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Done | Self::Deferred)
    }
}

/// How far the three are: party organization, owners' body, property company.
#[must_use]
pub fn states(kept: &KeptHandover) -> [TrackState; 3] {
    [
        TrackState::of(kept.party_organization_done_on, kept.party_organization_deferred_to, kept.party_organization_note.is_some()),
        TrackState::of(kept.owners_body_done_on, kept.owners_body_deferred_to, kept.owners_body_note.is_some()),
        TrackState::of(kept.property_company_done_on, kept.property_company_deferred_to, kept.property_company_note.is_some()),
    ]
}

/// Whether three set-ups were in place by the day of the hand-over; none before that day.
#[must_use]
pub fn judge(handed_over_on: Option<NaiveDate>, done_on: [Option<NaiveDate>; 3]) -> Option<HandoverVerdict> {
    let handed_over_on = handed_over_on?;
    let last = done_on.into_iter().collect::<Option<Vec<NaiveDate>>>().and_then(|days| days.into_iter().max());
    Some(match last {
        Some(last) if (last - handed_over_on).num_days() <= TOLERANCE_DAYS => HandoverVerdict::Synchronous,
        Some(_) => HandoverVerdict::Late,
        None => HandoverVerdict::Incomplete,
    })
}

/// A hand-over as it stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CompoundHandover {
    /// What is kept of it.
    #[serde(flatten)]
    pub kept: KeptHandover,
    /// How far the party organization is.
    pub party_organization_state: TrackState,
    /// How far the owners' committee or the property management committee is.
    pub owners_body_state: TrackState,
    /// How far the property company is.
    pub property_company_state: TrackState,
    /// Whether all three were in place by the day of the hand-over; null before it.
    pub verdict: Option<HandoverVerdict>,
}

impl From<KeptHandover> for CompoundHandover {
    fn from(kept: KeptHandover) -> Self {
        let [party_organization_state, owners_body_state, property_company_state] = states(&kept);
        let verdict = judge(kept.handed_over_on, [kept.party_organization_done_on, kept.owners_body_done_on, kept.property_company_done_on]);
        Self { kept, party_organization_state, owners_body_state, property_company_state, verdict }
    }
}

// The journal keeps what is kept; the rest follows from it.
impl Recorded for CompoundHandover {
    const KIND: &'static str = KIND;

    fn id(&self) -> Uuid {
        self.kept.id()
    }

    fn area(&self) -> &str {
        self.kept.area()
    }

    fn version(&self) -> i32 {
        self.kept.version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(2024, 6, day)
    }

    #[test]
    fn org_11_all_three_by_the_day_are_synchronous_and_one_later_is_late() {
        let word = |handed_over_on, done_on| judge(handed_over_on, done_on).map(HandoverVerdict::word);
        assert_eq!(word(None, [day(1), day(1), day(1)]), None, "nothing is handed over yet");
        assert_eq!(word(day(10), [day(1), day(9), day(10)]), Some("synchronous"));
        assert_eq!(word(day(10), [day(1), day(11), day(10)]), Some("late"));
        assert_eq!(word(day(10), [day(1), None, day(10)]), Some("incomplete"));
        assert_eq!(word(day(10), [day(20), None, day(10)]), Some("incomplete"), "what is missing weighs more than what is late");
    }

    #[test]
    fn org_11_how_far_one_is_follows_from_what_is_written() {
        let state = |done_on, deferred_to, is_noted| TrackState::of(done_on, deferred_to, is_noted).word();
        assert_eq!((state(None, None, false), state(None, None, true)), ("not_started", "in_progress"));
        assert_eq!((state(None, day(30), true), state(day(2), day(30), true)), ("deferred", "done"), "what was deferred may be done");
        assert!(TrackState::Done.is_settled() && TrackState::Deferred.is_settled() && !TrackState::InProgress.is_settled());
    }
}
