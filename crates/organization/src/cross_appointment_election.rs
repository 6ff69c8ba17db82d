//! The election of a secretary into the owners' committee: what the record of the owners' assembly must say (ORG-08).
//!
//! Owners of two thirds of heads and of area take part, and more than half of both among these agree (Civil Code, article 278,
//! item 3 of paragraph 1). The members then choose the director among themselves (Regulations on Property Management, article 16).

use chrono::NaiveDate;
use kernel::Refusal;
use kernel::refusal::Refused;
use kernel::text::{Line, SquareMetres};
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use crate::charter_adoption::{more_than_half, two_thirds};

/// The record of the owners' assembly that elected somebody into the owners' committee.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"assembly": "业主大会纪要2026-3", "elected_on": "2026-03-01", "eligible": 300, "attending": 200, "agreeing": 101, "area_total": "30000.00", "area_participating": "20000.00", "area_agreeing": "10000.01", "version": 4}))]
pub struct AssemblyElection {
    /// The assembly, as its minutes name it.
    pub assembly: Line,
    /// Day of the election, no earlier than he became a candidate.
    pub elected_on: NaiveDate,
    /// Owners by head.
    #[validate(range(min = 1, max = 10000000))]
    #[schema(minimum = 1, maximum = 10000000)]
    pub eligible: i32,
    /// Owners who took part, by head; whoever abstained did.
    #[validate(range(min = 0, max = 10000000))]
    #[schema(minimum = 0, maximum = 10000000)]
    pub attending: i32,
    /// Owners who voted for him, by head.
    #[validate(range(min = 0, max = 10000000))]
    #[schema(minimum = 0, maximum = 10000000)]
    pub agreeing: i32,
    /// Area of all exclusive parts, in square metres.
    pub area_total: SquareMetres,
    /// Area of the owners who took part, in square metres.
    pub area_participating: SquareMetres,
    /// Area of the owners who voted for him, in square metres.
    pub area_agreeing: SquareMetres,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// More who agreed than took part, or more who took part than could.
pub const NUMBERS: Refusal = Refusal::invalid(
    "cross_appointment.numbers",
    "同意人数不能多于参加人数,参加人数不能多于业主人数;请核对会议记录。",
    "No more can agree than take part, and no more take part than there are owners; look at the record once more.",
);
/// More area that agreed than took part, or more that took part than there is.
pub const AREAS: Refusal = Refusal::invalid(
    "cross_appointment.areas",
    "同意面积不能大于参加表决面积,参加表决面积不能大于总面积;请核对会议记录。",
    "No more area can agree than takes part, and no more take part than there is; look at the record once more.",
);
/// The owners did not elect him.
pub const NOT_BY_OWNERS: Refusal = Refusal::invalid(
    "cross_appointment.not_by_owners",
    "选举业主委员会成员须由面积占比三分之二以上且人数占比三分之二以上的业主参与表决,并经参与表决面积过半数且人数过半数的业主同意(《民法典》第二百七十八条);现为人数 {eligible}、参与 {attending}、同意 {agreeing},面积 {area_total}、参与 {area_participating}、同意 {area_agreeing}。未达到的请登记未当选。",
    "Owners of at least two thirds of the area and of the heads must take part, and more than half of both among these agree (Civil Code, article 278); of {eligible} heads {attending} took part and {agreeing} agreed, of {area_total} square metres {area_participating} took part and {area_agreeing} agreed. Where that was not reached, record the defeat.",
);
/// An election of somebody who did not stand for it yet.
pub const BEFORE_CANDIDACY: Refusal = Refusal::invalid(
    "cross_appointment.before_candidacy",
    "当选日期不能早于其通过居委会资格审查、成为候选人的日期 {candidate_on};请核对会议记录,或先完成审查再选举。",
    "He cannot be elected before {candidate_on}, the day on which the residents' committee passed him as a candidate; look at the record once more, or hold the election after the reviews.",
);

impl AssemblyElection {
    /// Refuses unless these numbers elect somebody.
    pub fn check(&self) -> Result<(), Refused> {
        let (eligible, attending, agreeing) = (i64::from(self.eligible), i64::from(self.attending), i64::from(self.agreeing));
        let (whole, part, yes) = (self.area_total.hundredths(), self.area_participating.hundredths(), self.area_agreeing.hundredths());
        if agreeing > attending || attending > eligible {
            return Err(NUMBERS.at("/agreeing"));
        }
        if yes > part || part > whole {
            return Err(AREAS.at("/area_agreeing"));
        }
        let quorum = two_thirds(attending, eligible) && two_thirds(part, whole);
        if quorum && more_than_half(agreeing, attending) && more_than_half(yes, part) {
            return Ok(());
        }
        let refused = NOT_BY_OWNERS.at("/agreeing").with("eligible", eligible).with("attending", attending).with("agreeing", agreeing);
        let areas = (self.area_total.as_str(), self.area_participating.as_str(), self.area_agreeing.as_str());
        Err(refused.with("area_total", areas.0).with("area_participating", areas.1).with("area_agreeing", areas.2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(heads: (i32, i32, i32), areas: (&str, &str, &str)) -> &'static str {
        let area = |text: &str| SquareMetres::parse(text).unwrap();
        let election = AssemblyElection {
            assembly: Line::parse("纪要").unwrap(),
            elected_on: NaiveDate::from_ymd_opt(2024, 1, 1).unwrap(),
            eligible: heads.0,
            attending: heads.1,
            agreeing: heads.2,
            area_total: area(areas.0),
            area_participating: area(areas.1),
            area_agreeing: area(areas.2),
            version: None,
        };
        election.check().err().map_or("", |refused| refused.refusal.code)
    }

    #[test]
    fn org_08_owners_elect_with_two_thirds_taking_part_and_more_than_half_of_both() {
        let missed = "cross_appointment.not_by_owners";
        for (heads, participating, agreeing, said) in [
            ((300, 200, 101), "20000.00", "10000.01", ""),
            ((300, 200, 100), "20000.00", "12000", missed),
            ((300, 199, 199), "25000", "25000", missed),
            ((300, 220, 220), "19999.99", "19999.99", missed),
            ((300, 200, 200), "20000.00", "10000.00", missed),
            ((300, 200, 201), "20000.00", "20000.00", "cross_appointment.numbers"),
            ((300, 301, 200), "20000.00", "20000.00", "cross_appointment.numbers"),
            ((300, 200, 200), "20000.00", "20000.01", "cross_appointment.areas"),
            ((300, 200, 200), "30000.01", "20000.00", "cross_appointment.areas"),
        ] {
            assert_eq!(code(heads, ("30000.00", participating, agreeing)), said, "{heads:?} {participating} {agreeing}");
        }
    }
}
