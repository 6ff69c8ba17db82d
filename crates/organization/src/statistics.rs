//! The statistics of basic organization (STA-01 … STA-10, ORG-07, ORG-10): what the city publishes of its communities, grids, bodies and
//! services, each as the rows that it counts.

use kernel::statistic::Statistic;

use crate::charter_adoption::CharterDocument;
use crate::five_basics_evidence::ALL;
use crate::{
    charter_inclusion, community, compound, compound_handover, cross_holding, five_basics, governance_body, grid, party_membership, party_organization,
    property_coverage, property_project, synchronous_handover,
};

/// SQL: a term in columns of a table holds on a day.
fn holds(table: &str, day: &str) -> String {
    format!("({table}.valid_from <= {day} and ({table}.valid_to is null or {table}.valid_to > {day}))")
}

/// SQL: a code lies in the area that is asked about.
fn inside(code: &str) -> String {
    format!("({code} >= $1 and {code} < $1 || '~')")
}

/// SQL: a compound lies in the area that is asked about, which may be a grid.
pub(crate) fn compound_inside(code: &str) -> String {
    let link = holds("l", "$2");
    format!(
        "(left({code}, 12) >= $1 and left({code}, 12) < $1 || '~' or length($1) = 15 and {code} in (select l.compound_code from compound_grid l where l.grid_code = $1 and {link}))"
    )
}

fn communities() -> String {
    format!(
        "select c.id, 'community' as kind, c.code, c.name, c.code as area_code, 1 as counts from community c where c.kind <> 'village' and {} and {}",
        inside("c.code"),
        holds("c", "$2")
    )
}

fn grids() -> String {
    format!("select g.id, 'grid' as kind, g.code, g.name, g.code as area_code, 1 as counts from grid g where {} and {}", inside("g.code"), holds("g", "$2"))
}

fn grids_added() -> String {
    let (now, then) = (holds("g", "$2"), holds("g", "($3::date - 1)"));
    format!(
        "select g.id, 'grid' as kind, g.code, g.name, g.code as area_code, case when {now} then 1 else -1 end as counts \
         from grid g where {} and {now} <> {then}",
        inside("g.code")
    )
}

/// Seats of owners' committees and councils; whoever sits in both of a compound counts once. The name is looked up apart, so that
/// the figure, which has no use for it, joins nobody.
fn seats(further: &str) -> String {
    format!(
        "select distinct on (m.compound_code, m.person_id) m.id, 'governance_body_member' as kind, m.compound_code as code, \
             (select p.name from person p where p.id = m.person_id) as name, m.area_code, 1 as counts \
         from governance_body_member m \
         where m.body_kind in ('owners_committee', 'party_mass_council') and {} and {} {further} order by m.compound_code, m.person_id, m.id",
        compound_inside("m.compound_code"),
        holds("m", "$2")
    )
}

fn body_members() -> String {
    seats("")
}

fn body_members_in_party() -> String {
    seats(&format!("and exists (select from party_membership s where s.person_id = m.person_id and {})", holds("s", "$2")))
}

fn property_party_branches() -> String {
    format!(
        "select o.id, 'party_organization' as kind, o.code, o.name, o.area_code, 1 as counts from party_organization o \
         where o.tier = 'industry_branch' and {} and {}",
        inside("o.area_code"),
        holds("o", "$2")
    )
}

fn compounds() -> String {
    format!("select c.id, 'compound' as kind, c.code, c.name, c.area_code, 1 as counts from ({ALL}) c")
}

/// Compounds with each of the documents in force.
fn charter_complete_compounds() -> String {
    format!(
        "select c.id, 'compound' as kind, c.code, c.name, c.area_code, 1 as counts from ({ALL}) c \
         where (select count(distinct i.document) from charter_inclusion i where i.compound_code = c.code and {}) = {}",
        holds("i", "$2"),
        CharterDocument::ALL.len()
    )
}

/// The statistics of this domain.
pub const STATISTICS: &[Statistic] = &[
    Statistic::count(
        "communities",
        ("城市社区数", "Urban communities"),
        ("当日存续的社区,不含村。", "Communities in force on the day, villages left out."),
        ("个", "communities"),
        community::READ,
        communities,
    ),
    Statistic::count("grids", ("小区(网格)数", "Grids"), ("当日存续的网格。", "Grids in force on the day."), ("个", "grids"), grid::READ, grids),
    Statistic::count(
        "grids_added",
        ("净增小区(网格)数", "Grids added"),
        (
            "当日存续、起始日前一日不存续的网格计 1,相反的计 -1。",
            "A grid in force on the day and not on the day before the window counts 1, one the other way round -1.",
        ),
        ("个", "grids"),
        grid::READ,
        grids_added,
    )
    .of_a_window(),
    Statistic::count(
        "body_members",
        ("业委会(党群议事会)成员数", "Members of owners' committees and councils"),
        (
            "当日在任的业主委员会和党群议事会成员,同一小区同一人只计一次;物业管理委员会和筹备组不计。",
            "People with a seat in an owners' committee or a party–mass council on the day, each once a compound; management committees and preparatory groups do not count.",
        ),
        ("人", "people"),
        governance_body::READ,
        body_members,
    ),
    Statistic::count(
        "body_members_in_party",
        ("业委会(党群议事会)成员中的党员数", "Party members among them"),
        ("上述成员中当日为党员(含预备党员)的人。", "Those of these members who are in the Party on the day, on probation or full."),
        ("人", "people"),
        party_membership::READ,
        body_members_in_party,
    )
    .guarded_among("body_members"),
    Statistic::share(
        "body_party_share",
        ("业委会(党群议事会)成员党员占比", "Share of Party members among them"),
        ("党员数与成员数之比,四舍五入到一位小数。", "Party members over members, rounded half up to one decimal."),
        ("body_members_in_party", "body_members"),
        governance_body::READ,
    )
    .guarded_among("body_members"),
    Statistic::count(
        "property_party_branches",
        ("物业服务行业党支部数", "Party branches of the property industry"),
        ("当日存续的物业服务行业党委所属党支部。", "Branches under a committee of the property industry that are in force on the day."),
        ("个", "branches"),
        party_organization::READ,
        property_party_branches,
    ),
    Statistic::count(
        "property_covered_grids",
        ("物业服务覆盖的小区(网格)数", "Grids that property services cover"),
        (
            "当日至少有一个小区由全面服务或自管覆盖的网格;单项服务不计。",
            "Grids in which full service or self-management covers a compound on the day; a part of the service does not count.",
        ),
        ("个", "grids"),
        property_project::READ,
        property_coverage::covered_grids,
    ),
    Statistic::share(
        "property_coverage",
        ("物业服务覆盖率", "Coverage of property services"),
        ("物业服务覆盖的网格数与网格数之比。", "Grids that property services cover over grids."),
        ("property_covered_grids", "grids"),
        property_project::READ,
    ),
    Statistic::count(
        "handovers",
        ("移交使用小区数", "Hand-overs"),
        (
            "起始日至当日移交使用的商业开发小区,已驳回的不计。",
            "Compounds built for sale that were handed over from the first day of the window to the day, what was rejected left out.",
        ),
        ("个", "hand-overs"),
        compound_handover::READ,
        synchronous_handover::handed_over,
    )
    .of_a_window(),
    Statistic::count(
        "handovers_synchronous",
        ("三个同步小区数", "Synchronous hand-overs"),
        (
            "上述小区中,党组织、业委会或物管会、物业企业均不晚于移交使用日到位的。",
            "Those of them with a party organization, an owners' or property management committee and a property company in place by the day of the hand-over.",
        ),
        ("个", "hand-overs"),
        compound_handover::READ,
        synchronous_handover::synchronous,
    )
    .of_a_window(),
    Statistic::share(
        "handovers_synchronous_share",
        ("三个同步率", "Share of synchronous hand-overs"),
        ("三个同步小区数与移交使用小区数之比。", "Synchronous hand-overs over hand-overs."),
        ("handovers_synchronous", "handovers"),
        compound_handover::READ,
    )
    .of_a_window(),
    Statistic::count(
        "compounds",
        ("小区数", "Compounds"),
        ("当日存续的小区。", "Compounds in force on the day."),
        ("个", "compounds"),
        compound::READ,
        compounds,
    ),
    Statistic::count(
        "charter_complete_compounds",
        ("党建入章齐全小区数", "Compounds with a complete charter"),
        (
            "当日小区居民公约、业委会工作规则、物业公司章程三项党建入章均已公布生效的小区。",
            "Compounds with the clause on the leadership of the Party in force on the day in all three documents: convention, committee rules, company articles.",
        ),
        ("个", "compounds"),
        charter_inclusion::READ,
        charter_complete_compounds,
    ),
    Statistic::share(
        "charter_complete_share",
        ("党建入章齐全率", "Share of compounds with a complete charter"),
        ("党建入章齐全小区数与小区数之比。", "Compounds with a complete charter over compounds."),
        ("charter_complete_compounds", "compounds"),
        charter_inclusion::READ,
    ),
    Statistic::count(
        "compounds_with_cross_holding",
        ("有交叉任职的小区数", "Compounds with a cross-holding"),
        (
            "当日有人既在小区党组织任职(书记、副书记或委员),又是其业委会、物管会或党群议事会成员的小区。",
            "Compounds in which somebody is in the committee of the party organization and sits in a body of owners on the day.",
        ),
        ("个", "compounds"),
        five_basics::READ,
        cross_holding::compounds_crossed,
    ),
    Statistic::share(
        "cross_holding_share",
        ("交叉任职小区占比", "Share of compounds with a cross-holding"),
        ("有交叉任职的小区数与小区数之比。", "Compounds with a cross-holding over compounds."),
        ("compounds_with_cross_holding", "compounds"),
        five_basics::READ,
    ),
    Statistic::count(
        "concurrent_secretaries",
        ("书记主任一肩挑人数", "Secretaries who are directors"),
        (
            "当日同时担任同一小区业委会、物管会或党群议事会主任的小区党组织书记。",
            "Secretaries of compounds who direct a body of owners of the same compound on the day.",
        ),
        ("人", "people"),
        five_basics::READ,
        cross_holding::concurrent_secretaries,
    ),
    Statistic::share(
        "concurrent_secretary_share",
        ("书记主任一肩挑率", "Share of compounds whose secretary is director"),
        ("书记主任一肩挑人数与小区数之比。", "Secretaries who are directors over compounds."),
        ("concurrent_secretaries", "compounds"),
        five_basics::READ,
    ),
];
