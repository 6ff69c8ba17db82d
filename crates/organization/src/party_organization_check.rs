//! What a party organization lacks on a day (ORG-02, ORG-06, W5): warnings, which forbid nothing.
//!
//! The numbers are those of the regulations on the work of branches (中国共产党支部工作条例(试行)). A functional
//! organization is bound by none of the three about members. Members are known in hub households alone, so they
//! are counted for compounds alone.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Date, Text};
use diesel_async::RunQueryDsl;
use kernel::{Result, View};

use crate::party_organization::{PartyForm, PartyNature, PartyOrganizationId, PartyTier};
use crate::party_organization_entry::get;

/// Fewest full members of a branch.
const FEWEST_FULL: i64 = 3;
/// Most members of a branch.
const MOST_MEMBERS: i64 = 50;
/// From so many full members on there is a committee.
const COMMITTEE_FROM: i64 = 7;
/// Most members of a committee.
const MOST_IN_COMMITTEE: i64 = 7;

/// Something that a warning can be about.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Stable and unique: `no_head`.
    pub code: &'static str,
    /// The sentence in Chinese.
    pub zh: &'static str,
    /// The sentence in English.
    pub en: &'static str,
}

/// Too few full members.
pub const FEW_FULL_MEMBERS: Rule =
    Rule { code: "few_full_members", zh: "正式党员 {value} 人,不足 {limit} 人。", en: "It has {value} full members, fewer than {limit}." };
/// Too many members.
pub const MANY_MEMBERS: Rule = Rule {
    code: "many_members",
    zh: "党员 {value} 人,一个党支部一般不超过 {limit} 人。",
    en: "It has {value} members; a branch has {limit} as a rule at the most.",
};
/// Enough members for a committee, and none.
pub const NO_COMMITTEE: Rule = Rule {
    code: "no_committee",
    zh: "正式党员 {value} 人,已达 {limit} 人,应设委员会,但尚无委员。",
    en: "It has {value} full members; from {limit} on there should be a committee, and nobody is in one.",
};
/// A large committee.
pub const LARGE_COMMITTEE: Rule = Rule {
    code: "large_committee",
    zh: "委员会 {value} 人,一般不超过 {limit} 人。",
    en: "Its committee has {value} members; as a rule there are {limit} at the most.",
};
/// A group that answers for no building.
pub const NO_BUILDING: Rule = Rule { code: "no_building", zh: "楼栋党小组尚未负责任何楼栋。", en: "The group answers for no building." };
/// Nobody leads it.
pub const NO_HEAD: Rule =
    Rule { code: "no_head", zh: "没有在任的书记(党小组长、中心户户主)。", en: "Nobody is its secretary, or the leader of the group or hub." };
/// The agreed term of office is over.
pub const TERM_PAST: Rule = Rule {
    code: "term_past",
    zh: "约定任期已届满 {value} 天,请换届或更正。",
    en: "The agreed term of office ended {value} days ago; elect anew, or correct it.",
};

/// Every rule.
pub const RULES: &[&Rule] = &[&FEW_FULL_MEMBERS, &MANY_MEMBERS, &NO_COMMITTEE, &LARGE_COMMITTEE, &NO_BUILDING, &NO_HEAD, &TERM_PAST];

/// A rule that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Which.
    pub rule: &'static Rule,
    /// What was counted: people, buildings or days.
    pub value: i64,
    /// What it is compared with.
    pub limit: i64,
}

impl Warning {
    /// The sentence in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        self.fill(self.rule.zh)
    }

    /// The sentence in English.
    #[must_use]
    pub fn en(&self) -> String {
        self.fill(self.rule.en)
    }

    fn fill(&self, sentence: &str) -> String {
        sentence.replace("{value}", &self.value.to_string()).replace("{limit}", &self.limit.to_string())
    }
}

/// What is counted of an organization and all that stands under it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, QueryableByName)]
pub struct Counted {
    /// Members of its hub households who are in the Party on the day.
    #[diesel(sql_type = BigInt)]
    pub members: i64,
    /// Full members among them.
    #[diesel(sql_type = BigInt)]
    pub full_members: i64,
    /// Its secretary or leader.
    #[diesel(sql_type = BigInt)]
    pub heads: i64,
    /// People in its committee, the secretary among them.
    #[diesel(sql_type = BigInt)]
    pub committee: i64,
    /// Posts of the committee but the secretary's.
    #[diesel(sql_type = BigInt)]
    pub committee_posts: i64,
    /// Buildings that it answers for.
    #[diesel(sql_type = BigInt)]
    pub buildings: i64,
}

/// What a warning depends on.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Where it stands in the chain.
    pub tier: PartyTier,
    /// What it is by the rules of the Party.
    pub form: Option<PartyForm>,
    /// Whether the members' organizational relation lies there.
    pub nature: Option<PartyNature>,
    /// First day after the agreed term of office.
    pub agreed_to: Option<NaiveDate>,
    /// What was counted.
    pub counted: Counted,
}

/// What does not hold on a day.
#[must_use]
pub fn warnings(standing: &Standing, on: NaiveDate) -> Vec<Warning> {
    let Standing { tier, form, nature, agreed_to, counted } = *standing;
    // Whether the numbers of members bind it.
    let bound = tier == PartyTier::Compound && nature != Some(PartyNature::Functional);
    let past = agreed_to.map_or(-1, |end| (on - end).num_days());
    let rules = [
        (bound && counted.full_members < FEWEST_FULL, &FEW_FULL_MEMBERS, counted.full_members, FEWEST_FULL),
        (bound && form == Some(PartyForm::Branch) && counted.members > MOST_MEMBERS, &MANY_MEMBERS, counted.members, MOST_MEMBERS),
        (bound && counted.full_members >= COMMITTEE_FROM && counted.committee_posts == 0, &NO_COMMITTEE, counted.full_members, COMMITTEE_FROM),
        (tier.has_committee() && counted.committee > MOST_IN_COMMITTEE, &LARGE_COMMITTEE, counted.committee, MOST_IN_COMMITTEE),
        (tier == PartyTier::BuildingGroup && counted.buildings == 0, &NO_BUILDING, counted.buildings, 1),
        (counted.heads == 0, &NO_HEAD, counted.heads, 1),
        (past >= 0, &TERM_PAST, past, 0),
    ];
    rules.into_iter().filter(|(broken, ..)| *broken).map(|(_, rule, value, limit)| Warning { rule, value, limit }).collect()
}

/// What was found of an organization on a day.
#[derive(Clone, Debug)]
pub struct Findings {
    /// The day.
    pub as_of: NaiveDate,
    /// What was counted.
    pub counted: Counted,
    /// What does not hold.
    pub warnings: Vec<Warning>,
}

/// Posts ($1, $2: the organization, the day) and members of all that stands under it.
const COUNT: &str = "with recursive under (code) as (select code from party_organization where code = $1 \
        union all select o.code from party_organization o join under u on o.parent_code = u.code where o.valid_from <= $2 and (o.valid_to is null or o.valid_to > $2)), \
    post as (select person_id, role from party_post where organization_code = $1 and valid_from <= $2 and (valid_to is null or valid_to > $2)), \
    member as (select p.person_id, coalesce(bool_or(m.full_on <= $2), false) as is_full \
        from under u join party_post p on p.organization_code = u.code and p.role = 'member' and p.valid_from <= $2 and (p.valid_to is null or p.valid_to > $2) \
        join party_membership m on m.person_id = p.person_id and m.valid_from <= $2 and (m.valid_to is null or m.valid_to > $2) group by p.person_id) \
    select (select count(*) from member) as members, (select count(*) from member where is_full) as full_members, \
        (select count(*) from post where role in ('secretary', 'leader')) as heads, \
        (select count(distinct person_id) from post where role not in ('leader', 'member', 'observer')) as committee, \
        (select count(*) from post where role not in ('secretary', 'leader', 'member', 'observer')) as committee_posts, \
        (select count(*) from party_group_building where organization_code = $1 and valid_from <= $2 and (valid_to is null or valid_to > $2)) as buildings";

/// Checks a party organization on the day of the view.
pub async fn check(view: &View<'_>, id: PartyOrganizationId) -> Result<Findings> {
    let organization = get(view, id).await?.organization;
    let count = diesel::sql_query(COUNT).bind::<Text, _>(&organization.code).bind::<Date, _>(view.as_of);
    let counted: Counted = count.get_result(&mut view.conn()).await?;
    let standing = Standing { tier: organization.tier, form: organization.form, nature: organization.nature, agreed_to: organization.agreed_to, counted };
    Ok(Findings { as_of: view.as_of, counted, warnings: warnings(&standing, view.as_of) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(standing: &Standing) -> Vec<&'static str> {
        warnings(standing, "2026-01-01".parse().unwrap()).iter().map(|warning| warning.rule.code).collect()
    }

    #[test]
    fn org_06_the_numbers_of_members_bind_formal_branches_alone() {
        let counted = Counted { members: 51, full_members: 7, heads: 1, committee: 1, ..Counted::default() };
        let standing = Standing { tier: PartyTier::Compound, form: Some(PartyForm::Branch), nature: Some(PartyNature::Formal), agreed_to: None, counted };
        assert_eq!(codes(&standing), ["many_members", "no_committee"]);
        assert_eq!(codes(&Standing { nature: Some(PartyNature::Functional), ..standing }), Vec::<&str>::new());
        assert_eq!(codes(&Standing { form: Some(PartyForm::GeneralBranch), ..standing }), ["no_committee"]);
        let small = Counted { members: 50, full_members: 2, committee: 8, committee_posts: 7, ..counted };
        assert_eq!(codes(&Standing { counted: small, ..standing }), ["few_full_members", "large_committee"]);
        let fit = Counted { members: 50, full_members: 3, ..counted };
        assert_eq!(codes(&Standing { counted: fit, ..standing }), Vec::<&str>::new());
    }

    #[test]
    fn org_06_groups_need_a_leader_and_a_building_and_terms_end() {
        let bare = Standing { tier: PartyTier::BuildingGroup, form: None, nature: None, agreed_to: "2025-12-31".parse().ok(), counted: Counted::default() };
        assert_eq!(codes(&bare), ["no_building", "no_head", "term_past"]);
        let told = warnings(&bare, "2026-01-01".parse().unwrap());
        assert_eq!(told[2].en(), "The agreed term of office ended 1 days ago; elect anew, or correct it.");
        let good = Standing { agreed_to: "2026-01-02".parse().ok(), counted: Counted { heads: 1, buildings: 2, ..Counted::default() }, ..bare };
        assert_eq!(codes(&good), Vec::<&str>::new());
    }

    #[test]
    fn every_rule_has_a_code_of_its_own_and_speaks_both_languages() {
        let codes: std::collections::BTreeSet<&str> = RULES.iter().map(|rule| rule.code).collect();
        assert_eq!(codes.len(), RULES.len());
        assert!(RULES.iter().all(|rule| !rule.zh.is_ascii() && rule.en.is_ascii()));
    }
}
