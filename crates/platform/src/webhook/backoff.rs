//! When what failed is tried again: the schedule of Standard Webhooks for one event, and a rest for a receiver
//! that fails whatever it is sent.

use chrono::TimeDelta;

/// Seconds between the attempts at one event: about 76 hours from the first to the last.
const GAPS: [i64; 9] = [5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600];
/// Attempts at one event.
pub const TRIES: i32 = 10;
/// Failed attempts in a row, of whatever events, after which a webhook is disabled: about three days of them.
pub const TOO_MANY: i32 = 150;
/// The longest rest of a webhook, in seconds.
const LONGEST_REST: i64 = 30 * 60;

/// How long until an event is tried again after so many failed attempts; none where that was the last one.
/// `chance` (0 to 1000) adds up to a tenth, so that what failed together does not come back together.
#[must_use]
pub fn again_after(tries: i32, chance: u16) -> Option<TimeDelta> {
    let gap = usize::try_from(tries).ok()?.checked_sub(1).and_then(|index| GAPS.get(index))?;
    Some(TimeDelta::milliseconds(gap * 1_000 + gap * i64::from(chance.min(1_000)) / 10))
}

/// How long a webhook rests after so many failed attempts in a row. The first failure may be one event's alone.
#[must_use]
pub fn rest_after(failures: i32) -> TimeDelta {
    match u32::try_from(failures) {
        Ok(failures @ 2..) => TimeDelta::seconds((5 << (failures - 2).min(10)).min(LONGEST_REST)),
        _ => TimeDelta::zero(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_tried_ten_times_over_three_days() {
        let gaps: Vec<_> = (1..=TRIES).map(|tries| again_after(tries, 0)).collect();
        let seconds: Vec<_> = gaps.iter().flatten().map(TimeDelta::num_seconds).collect();
        assert_eq!(seconds, [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]);
        assert_eq!(gaps.last(), Some(&None), "the tenth is the last");
        assert_eq!(seconds.iter().sum::<i64>() / 3600, 75);
        assert_eq!((again_after(0, 0), again_after(-1, 0), again_after(i32::MAX, 0)), (None, None, None));
    }

    #[test]
    fn chance_adds_a_tenth_at_the_most() {
        assert_eq!(again_after(1, 1_000), Some(TimeDelta::milliseconds(5_500)));
        assert_eq!(again_after(9, u16::MAX), Some(TimeDelta::seconds(95_040)));
        assert!((1..TRIES).all(|tries| (0..=1_000).map(|chance| again_after(tries, chance)).is_sorted()));
    }

    #[test]
    fn a_receiver_that_is_away_is_left_alone_for_longer_and_longer() {
        assert_eq!([0, 1, 2, 3, 4, 9, 10, 11, 12].map(|failures| rest_after(failures).num_seconds()), [0, 0, 5, 10, 20, 640, 1_280, 1_800, 1_800]);
        assert_eq!((rest_after(i32::MAX).num_minutes(), rest_after(-3).num_seconds()), (30, 0));
        let hours = (1..TOO_MANY).map(|failures| rest_after(failures).num_seconds()).sum::<i64>() / 3600;
        assert_eq!(hours, 70, "about three days until it is disabled");
    }
}
