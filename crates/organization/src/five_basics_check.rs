//! What the organization of a compound should have (ORG-01, ORG-02): a table of checks, each of parts. A part is there when
//! there is evidence of it, or need not be where there is evidence of what waives it, and a check is passed when all its parts
//! are. Nobody types whether it is.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A part of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Stable and unique among all checks: `secretary`.
    pub key: &'static str,
    /// What to do where it is missing, in Chinese.
    pub zh: &'static str,
    /// What to do where it is missing, in English.
    pub en: &'static str,
    /// Where there is evidence of this, it need not be there.
    pub waived_by: Option<&'static str>,
}

impl Part {
    /// Whether it need not be there, as `has` tells.
    #[must_use]
    pub fn is_waived(&self, has: impl Fn(&str) -> bool) -> bool {
        self.waived_by.is_some_and(has)
    }
}

/// A check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// Stable and unique: `one_core`.
    pub key: &'static str,
    /// What it asks, in Chinese.
    pub zh: &'static str,
    /// What it asks, in English.
    pub en: &'static str,
    /// Whether it asks for a place in “one core, many parties” (ORG-02).
    pub place: bool,
    /// Its parts: all are needed.
    pub parts: &'static [Part],
}

/// What waives the articles of a company: the owners or a work unit look after the compound without one.
pub const SELF_MANAGED: &str = "self_managed";

/// The checks of basic organization, in the order in which they are told. Later domains add a table of their own.
pub const ORGANIZATION: &[Check] = &[
    Check {
        key: "one_core",
        zh: "有一个小区党组织",
        en: "one core party organization",
        place: true,
        parts: &[Part { key: "core", zh: "请建立小区党组织。", en: "Found the party organization of the compound.", waived_by: None }],
    },
    Check {
        key: "secretary",
        zh: "小区党组织书记在任",
        en: "a secretary in office",
        place: true,
        parts: &[Part {
            key: "secretary",
            zh: "请登记在任的小区党组织书记。",
            en: "Enter who is secretary of the party organization of the compound.",
            waived_by: None,
        }],
    },
    Check {
        key: "owners_body",
        zh: "有业主委员会、物业管理委员会或党群议事会及其主任",
        en: "an owners' committee, management committee or council, with a director",
        place: true,
        parts: &[
            Part {
                key: "body",
                zh: "请成立业主委员会、物业管理委员会或党群议事会。",
                en: "Set up an owners' committee, a property management committee or a party-mass council.",
                waived_by: None,
            },
            Part { key: "director", zh: "请推选主任并登记其任职。", en: "Have a director chosen, and enter his seat.", waived_by: None },
        ],
    },
    Check {
        key: "property_service",
        zh: "有全面物业服务或自管",
        en: "property service as a whole, or self-management",
        place: true,
        parts: &[Part {
            key: "service",
            zh: "请落实全面物业服务或自管,并登记项目。",
            en: "Have the compound served as a whole, or look after itself, and enter the project.",
            waived_by: None,
        }],
    },
    Check {
        key: "four_tiers",
        zh: "有楼栋党小组和党员中心户",
        en: "building groups and hub households under the core",
        place: false,
        parts: &[
            Part { key: "building_group", zh: "请设立楼栋党小组。", en: "Form a building group.", waived_by: None },
            Part {
                key: "hub_household", zh: "请设立党员中心户并登记其户主。", en: "Name a hub household, and enter who leads it.", waived_by: None
            },
        ],
    },
    Check {
        key: "charter",
        zh: "党建入章三项齐全",
        en: "the leadership of the Party in all three documents",
        place: false,
        parts: &[
            Part {
                key: "residents_convention",
                zh: "请将党的领导写入小区居民公约并公布。",
                en: "Write the leadership of the Party into the residents' convention, and publish it.",
                waived_by: None,
            },
            Part {
                key: "committee_rules",
                zh: "请将党的领导写入业委会工作规则并公布。",
                en: "Write the leadership of the Party into the rules of the owners' committee, and publish them.",
                waived_by: None,
            },
            Part {
                key: "company_articles",
                zh: "请将党的领导写入物业公司章程并公布。",
                en: "Write the leadership of the Party into the articles of the property company, and publish them.",
                waived_by: Some(SELF_MANAGED),
            },
        ],
    },
    Check {
        key: "two_way_entry",
        zh: "党组织与业主组织双向进入、交叉任职",
        en: "somebody in the committee of the party organization who also sits in the owners' body",
        place: false,
        parts: &[Part {
            key: "concurrent",
            zh: "请依法定程序推选书记担任主任,或推荐业主组织成员进入小区党组织。",
            en: "Have the secretary chosen as director by law, or a member of the owners' body taken into the party organization.",
            waived_by: None,
        }],
    },
];

/// What shows that a part is there, or that it need not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BasicsEvidence {
    /// The kind of the object, as in the journal.
    #[schema(example = "party_post")]
    pub kind: String,
    /// The object.
    pub id: Uuid,
    /// The first day on which it holds.
    pub since: NaiveDate,
}

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BasicsGap {
    /// The check.
    #[schema(example = "owners_body")]
    pub check: &'static str,
    /// The part of it.
    #[schema(example = "director")]
    pub part: &'static str,
    /// What to do, in Chinese.
    #[schema(example = "请推选主任并登记其任职。")]
    pub zh: &'static str,
    /// What to do, in English.
    #[schema(example = "Have a director chosen, and enter his seat.")]
    pub en: &'static str,
}

/// A check, and how it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BasicsCheck {
    /// Stable and unique.
    #[schema(example = "owners_body")]
    pub key: &'static str,
    /// What it asks, in Chinese.
    #[schema(example = "小区党组织书记在任")]
    pub zh: &'static str,
    /// What it asks, in English.
    #[schema(example = "a secretary in office")]
    pub en: &'static str,
    /// Whether all its parts are there that need to be.
    pub passed: bool,
    /// The parts that need not be there: `company_articles` where nobody but the owners or a work unit looks after the compound.
    pub waived: Vec<&'static str>,
    /// What is missing; nothing where it is passed.
    pub missing: Vec<BasicsGap>,
    /// What shows what is there or need not be, that of the longest standing first.
    pub evidence: Vec<BasicsEvidence>,
}

/// The parts of checks that are neither there nor waived, as `has` tells.
#[must_use]
pub fn gaps<'a>(checks: impl Iterator<Item = &'a Check>, has: impl Fn(&Part) -> bool) -> Vec<BasicsGap> {
    let mut gaps = Vec::new();
    for check in checks {
        let missing = check.parts.iter().filter(|part| !has(part));
        gaps.extend(missing.map(|part| BasicsGap { check: check.key, part: part.key, zh: part.zh, en: part.en }));
    }
    gaps
}

/// How the checks went, by what was found of each part.
#[must_use]
pub fn judge(checks: &[Check], found: &[(&str, BasicsEvidence)]) -> Vec<BasicsCheck> {
    let there = |key: &str| found.iter().any(|(part, _)| *part == key);
    let judged = checks.iter().map(|check| {
        let missing = gaps(std::iter::once(check), |part| there(part.key) || part.is_waived(there));
        let waived = check.parts.iter().filter(|part| part.is_waived(there)).map(|part| part.key).collect();
        let shows = |key: &str| check.parts.iter().any(|part| part.key == key || part.waived_by == Some(key));
        let evidence = found.iter().filter(|(key, _)| shows(key)).map(|(_, evidence)| evidence.clone()).collect();
        BasicsCheck { key: check.key, zh: check.zh, en: check.en, passed: missing.is_empty(), waived, missing, evidence }
    });
    judged.collect()
}

/// The checks of the places of “one core, many parties”.
pub fn places() -> impl Iterator<Item = &'static Check> {
    ORGANIZATION.iter().filter(|check| check.place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(part: &'static str) -> (&'static str, BasicsEvidence) {
        (part, BasicsEvidence { kind: "grid".to_owned(), id: Uuid::nil(), since: NaiveDate::MIN })
    }

    #[test]
    fn org_01_a_check_is_passed_with_all_its_parts() {
        let none = judge(ORGANIZATION, &[]);
        assert_eq!((none.len(), none.iter().any(|check| check.passed)), (ORGANIZATION.len(), false));
        let some = judge(ORGANIZATION, &[found("core"), found("body"), found("building_group"), found("hub_household"), found("concurrent")]);
        let passed: Vec<&str> = some.iter().filter(|check| check.passed).map(|check| check.key).collect();
        assert_eq!(passed, ["one_core", "four_tiers", "two_way_entry"]);
        let body = some.iter().find(|check| check.key == "owners_body").unwrap();
        assert_eq!((body.missing.len(), body.missing[0].part, body.evidence.len()), (1, "director", 1));
        let charter = judge(ORGANIZATION, &[found("residents_convention"), found("company_articles")]);
        let charter = charter.iter().find(|check| check.key == "charter").unwrap();
        assert_eq!((charter.passed, charter.missing[0].part, charter.evidence.len()), (false, "committee_rules", 2));
    }

    #[test]
    fn org_07_articles_need_not_be_there_where_there_is_no_company() {
        let charter = |found: &[(&str, BasicsEvidence)]| judge(ORGANIZATION, found).into_iter().find(|check| check.key == "charter").unwrap();
        let both = [found("residents_convention"), found("committee_rules")];
        assert_eq!((charter(&both).passed, charter(&both).waived.len()), (false, 0));
        let [convention, rules] = both;
        let waived = charter(&[convention, rules, found(SELF_MANAGED)]);
        assert_eq!((waived.passed, waived.waived, waived.missing, waived.evidence.len()), (true, vec!["company_articles"], vec![], 3));
        let alone = charter(&[found(SELF_MANAGED)]);
        assert_eq!((alone.passed, alone.missing.len()), (false, 2), "the others are needed all the same");
    }

    #[test]
    fn org_02_the_places_are_a_part_of_the_checks() {
        let missing: Vec<&str> = gaps(places(), |part| part.key == "secretary").iter().map(|gap| gap.part).collect();
        assert_eq!(missing, ["core", "body", "director", "service"]);
    }

    #[test]
    fn every_part_has_a_key_of_its_own_and_speaks_both_languages() {
        let parts: Vec<&Part> = ORGANIZATION.iter().flat_map(|check| check.parts).collect();
        let keys: std::collections::BTreeSet<&str> = parts.iter().map(|part| part.key).collect();
        assert_eq!(keys.len(), parts.len());
        assert!(parts.iter().all(|part| part.zh.ends_with('。') && part.en.is_ascii() && part.en.ends_with('.')));
        // What waives a part is no part, and no place is waived: those who fill them are counted by their parts alone.
        assert!(parts.iter().all(|part| part.waived_by.is_none_or(|waiver| !keys.contains(waiver))));
        assert!(places().flat_map(|check| check.parts).all(|part| part.waived_by.is_none()));
        assert!(ORGANIZATION.iter().all(|check| !check.zh.is_ascii() && check.en.is_ascii() && !check.parts.is_empty()));
    }
}
