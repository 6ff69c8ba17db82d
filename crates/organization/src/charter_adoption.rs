//! How the three documents of a compound are adopted: each by a law-maker of its own, under a rule of its own (ORG-07).
//!
//! “过半数” excludes exactly half, “以上” includes the number (Civil Code, article 1259). Numbers are compared as whole
//! numbers, areas in hundredths of a square metre: no share is ever rounded.

use chrono::NaiveDate;
use kernel::refusal::Refused;
use kernel::text::{Line, SquareMetres};
use kernel::{Refusal, text_enum};
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

text_enum!(
    /// A document that the Party's leadership is written into.
    CharterDocument {
        /// The residents' convention, adopted by the residents' meeting (Organic Law of Urban Residents' Committees, article 9).
        ResidentsConvention = "residents_convention" "小区居民公约",
        /// The working rules of the owners' committee, adopted by the owners (Civil Code, article 278).
        CommitteeRules = "committee_rules" "业委会工作规则",
        /// The articles of the property company, adopted by its shareholders (Company Law, article 66).
        CompanyArticles = "company_articles" "物业公司章程",
    }
);

/// The most that can take part.
pub const MOST: i32 = 10_000_000;

/// How a document was adopted: the day, the numbers of those who could take part, who did and who agreed, and the minutes.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"adopted_on": "2026-03-01", "eligible": 300, "attending": 201, "agreeing": 180, "minutes_number": "纪要2026-3", "version": 4}))]
pub struct CharterAdoption {
    /// Day of the decision.
    pub adopted_on: NaiveDate,
    /// Who could take part: of the convention residents of age, or representatives of households or groups; of the rules
    /// owners by head; of the articles all voting rights.
    #[validate(range(min = 1, max = 10000000))]
    #[schema(minimum = 1, maximum = 10000000)]
    pub eligible: i32,
    /// Who took part, counted alike; whoever abstained did.
    #[validate(range(min = 0, max = 10000000))]
    #[schema(minimum = 0, maximum = 10000000)]
    pub attending: i32,
    /// Who agreed, counted alike.
    #[validate(range(min = 0, max = 10000000))]
    #[schema(minimum = 0, maximum = 10000000)]
    pub agreeing: i32,
    /// Of the rules of the committee: area of all exclusive parts, in square metres.
    pub area_total: Option<SquareMetres>,
    /// Of the rules of the committee: area of the owners who took part, in square metres.
    pub area_participating: Option<SquareMetres>,
    /// Of the rules of the committee: area of the owners who agreed, in square metres.
    pub area_agreeing: Option<SquareMetres>,
    /// Number of the minutes. Their scan is attached to the inclusion as a file.
    pub minutes_number: Line,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// More who agreed than took part, or more who took part than could.
pub const NUMBERS: Refusal = Refusal::invalid(
    "charter_inclusion.numbers",
    "同意数不能多于参加数,参加数不能多于应参加数;现为应参加 {eligible}、参加 {attending}、同意 {agreeing}。",
    "No more can agree than take part, and no more take part than could; the numbers are {eligible} who could, {attending} who did and {agreeing} who agreed.",
);
/// Areas for another document, or none for the rules of the committee.
pub const AREAS_AND_DOCUMENT: Refusal = Refusal::invalid(
    "charter_inclusion.areas_and_document",
    "业委会工作规则须填写总面积、参加表决面积和同意面积三项,其他文件不填。",
    "The rules of the committee need all three areas, total, participating and agreeing; no other document has any.",
);
/// More area that agreed than took part, or more that took part than there is.
pub const AREAS: Refusal = Refusal::invalid(
    "charter_inclusion.areas",
    "同意面积不能大于参加表决面积,参加表决面积不能大于总面积;现为总面积 {area_total}、参加 {area_participating}、同意 {area_agreeing}。",
    "No more area can agree than takes part, and no more take part than there is; the areas are {area_total} in all, {area_participating} taking part and {area_agreeing} agreeing.",
);
/// The residents did not adopt it.
pub const NOT_BY_RESIDENTS: Refusal = Refusal::invalid(
    "charter_inclusion.not_by_residents",
    "居民会议须有应参加者过半数出席,并经出席者过半数通过(《城市居民委员会组织法》第九条);现为应参加 {eligible}、出席 {attending}、同意 {agreeing}。",
    "More than half of those who could must attend, and more than half of these agree (Organic Law of Urban Residents' Committees, article 9); {eligible} could, {attending} attended and {agreeing} agreed.",
);
/// The owners did not adopt it.
pub const NOT_BY_OWNERS: Refusal = Refusal::invalid(
    "charter_inclusion.not_by_owners",
    "须由面积占比三分之二以上且人数占比三分之二以上的业主参与表决,并经参与表决面积过半数且人数过半数的业主同意(《民法典》第二百七十八条);现为人数 {eligible}、参与 {attending}、同意 {agreeing},面积 {area_total}、参与 {area_participating}、同意 {area_agreeing}。",
    "Owners of at least two thirds of the area and of the heads must take part, and more than half of both among these agree (Civil Code, article 278); of {eligible} heads {attending} took part and {agreeing} agreed, of {area_total} square metres {area_participating} took part and {area_agreeing} agreed.",
);
/// The shareholders did not adopt it.
pub const NOT_BY_SHAREHOLDERS: Refusal = Refusal::invalid(
    "charter_inclusion.not_by_shareholders",
    "修改公司章程须经代表三分之二以上表决权的股东通过(《公司法》第六十六条);现为表决权 {eligible}、同意 {agreeing}。",
    "A change of the articles needs shareholders with at least two thirds of the voting rights (Company Law, article 66); of {eligible} voting rights {agreeing} agreed.",
);

impl CharterAdoption {
    /// Refuses unless these numbers adopt the document.
    pub fn check(&self, document: CharterDocument) -> Result<(), Refused> {
        let (eligible, attending, agreeing) = (i64::from(self.eligible), i64::from(self.attending), i64::from(self.agreeing));
        let counted = |refused: Refused| refused.with("eligible", eligible).with("attending", attending).with("agreeing", agreeing);
        if agreeing > attending || attending > eligible {
            return Err(counted(NUMBERS.at("/agreeing")));
        }
        let areas = match (&self.area_total, &self.area_participating, &self.area_agreeing) {
            (Some(total), Some(participating), Some(agreeing)) => Some((total, participating, agreeing)),
            (None, None, None) => None,
            _ => return Err(AREAS_AND_DOCUMENT.at("/area_total")),
        };
        match (document, areas) {
            (CharterDocument::ResidentsConvention, None) if more_than_half(attending, eligible) && more_than_half(agreeing, attending) => Ok(()),
            (CharterDocument::ResidentsConvention, None) => Err(counted(NOT_BY_RESIDENTS.at("/agreeing"))),
            (CharterDocument::CompanyArticles, None) if two_thirds(agreeing, eligible) => Ok(()),
            (CharterDocument::CompanyArticles, None) => Err(counted(NOT_BY_SHAREHOLDERS.at("/agreeing"))),
            (CharterDocument::CommitteeRules, Some((total, participating, agreeing_area))) => {
                let measured = |refused: Refused| {
                    refused.with("area_total", total.as_str()).with("area_participating", participating.as_str()).with("area_agreeing", agreeing_area.as_str())
                };
                let (whole, part, yes) = (total.hundredths(), participating.hundredths(), agreeing_area.hundredths());
                if yes > part || part > whole {
                    return Err(measured(AREAS.at("/area_agreeing")));
                }
                let quorum = two_thirds(attending, eligible) && two_thirds(part, whole);
                if quorum && more_than_half(agreeing, attending) && more_than_half(yes, part) {
                    return Ok(());
                }
                Err(measured(counted(NOT_BY_OWNERS.at("/agreeing"))))
            }
            (CharterDocument::CommitteeRules, None) | (_, Some(_)) => Err(AREAS_AND_DOCUMENT.at("/area_total")),
        }
    }
}

/// Whether it is more than half: exactly half is not.
pub(crate) fn more_than_half(part: i64, whole: i64) -> bool {
    2 * part > whole
}

/// Whether it is two thirds or more.
pub(crate) fn two_thirds(part: i64, whole: i64) -> bool {
    3 * part >= 2 * whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn votes(heads: (i32, i32, i32), areas: Option<(&str, &str, &str)>) -> CharterAdoption {
        let area = |text: &str| SquareMetres::parse(text).unwrap();
        CharterAdoption {
            adopted_on: NaiveDate::from_ymd_opt(2024, 1, 1).unwrap(),
            eligible: heads.0,
            attending: heads.1,
            agreeing: heads.2,
            area_total: areas.map(|areas| area(areas.0)),
            area_participating: areas.map(|areas| area(areas.1)),
            area_agreeing: areas.map(|areas| area(areas.2)),
            minutes_number: Line::parse("1").unwrap(),
            version: None,
        }
    }

    fn code(document: CharterDocument, heads: (i32, i32, i32), areas: Option<(&str, &str, &str)>) -> &'static str {
        votes(heads, areas).check(document).err().map_or("", |refused| refused.refusal.code)
    }

    #[test]
    fn org_07_residents_need_more_than_half_of_those_who_could_and_of_those_who_came() {
        let missed = "charter_inclusion.not_by_residents";
        for (heads, said) in [
            ((300, 151, 76), ""),
            ((300, 150, 150), missed),
            ((300, 152, 76), missed),
            ((300, 152, 77), ""),
            ((301, 151, 76), ""),
            ((1, 1, 1), ""),
            ((1, 1, 0), missed),
            ((300, 0, 0), missed),
            ((300, 301, 200), "charter_inclusion.numbers"),
            ((300, 200, 201), "charter_inclusion.numbers"),
        ] {
            assert_eq!(code(CharterDocument::ResidentsConvention, heads, None), said, "{heads:?}");
        }
        let refused = votes((300, 150, 149), None).check(CharterDocument::ResidentsConvention).unwrap_err();
        assert!(refused.zh().contains("应参加 300、出席 150、同意 149") && refused.en().contains("150 attended"), "{}", refused.zh());
    }

    #[test]
    fn org_07_owners_need_two_thirds_and_then_more_than_half_of_heads_and_area() {
        let (missed, total) = ("charter_inclusion.not_by_owners", "30000.00");
        for (name, heads, participating, agreeing, said) in [
            ("T1", (300, 200, 101), "20000.00", "10000.01", ""),
            ("T2", (300, 200, 100), "20000.00", "12000", missed),
            ("T3", (300, 199, 199), "25000", "25000", missed),
            ("T4", (300, 200, 150), "20000.00", "15000.00", ""),
            ("T5", (300, 220, 220), "19999.99", "19999.99", missed),
            ("T6", (301, 200, 200), "20000.00", "20000.00", missed),
            ("T6 with one more", (301, 201, 201), "20000.00", "20000.00", ""),
            ("T7", (300, 240, 121), "24000", "12100", ""),
            ("half the area", (300, 200, 200), "20000.00", "10000.00", missed),
            ("more area than took part", (300, 200, 200), "20000.00", "20000.01", "charter_inclusion.areas"),
            ("more area than there is", (300, 200, 200), "30000.01", "20000.00", "charter_inclusion.areas"),
        ] {
            assert_eq!(code(CharterDocument::CommitteeRules, heads, Some((total, participating, agreeing))), said, "{name}");
        }
        assert_eq!(code(CharterDocument::CommitteeRules, (300, 200, 150), None), "charter_inclusion.areas_and_document");
        let half = CharterAdoption { area_agreeing: None, ..votes((300, 200, 150), Some((total, "20000", "15000"))) };
        assert_eq!(half.check(CharterDocument::CommitteeRules).unwrap_err().refusal, &AREAS_AND_DOCUMENT);
        let refused = votes((300, 200, 100), Some((total, "20000", "12000"))).check(CharterDocument::CommitteeRules).unwrap_err();
        assert!(refused.zh().contains("参与 20000.00、同意 12000.00") && !refused.en().contains('{'), "{}", refused.en());
    }

    #[test]
    fn org_07_shareholders_need_two_thirds_of_all_voting_rights() {
        let missed = "charter_inclusion.not_by_shareholders";
        for (heads, said) in [((300, 200, 200), ""), ((300, 300, 199), missed), ((100, 67, 67), ""), ((100, 66, 66), missed), ((1, 1, 1), "")] {
            assert_eq!(code(CharterDocument::CompanyArticles, heads, None), said, "{heads:?}");
        }
        for document in [CharterDocument::CompanyArticles, CharterDocument::ResidentsConvention] {
            assert_eq!(code(document, (300, 300, 300), Some(("1", "1", "1"))), "charter_inclusion.areas_and_document");
        }
    }
}
