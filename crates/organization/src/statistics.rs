//! The statistics of basic organization (STA-01 … STA-10, ORG-10): what the city publishes of its communities, grids, bodies and
//! services, each as the rows that it counts.

use kernel::statistic::{Measure, Statistic};

use crate::five_basics_evidence::ALL;
use crate::{
    community, compound, compound_handover, cross_holding, five_basics, governance_body, grid, party_membership, party_organization, property_coverage,
    property_project, synchronous_handover,
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

/// Seats of owners' committees and councils; whoever sits in both of a compound counts once.
fn seats(further: &str) -> String {
    format!(
        "select distinct on (m.compound_code, m.person_id) m.id, 'governance_body_member' as kind, m.compound_code as code, p.name, m.area_code, 1 as counts \
         from governance_body_member m join person p on p.id = m.person_id \
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

/// The statistics of this domain.
pub const STATISTICS: &[Statistic] = &[
    Statistic {
        key: "communities",
        title: ("城市社区数", "Urban communities"),
        definition: ("当日存续的社区,不含村。", "Communities in force on the day, villages left out."),
        unit: ("个", "communities"),
        version: 1,
        window: false,
        guarded_among: None,
        rows_read: community::READ,
        measure: Measure::Rows(communities),
    },
    Statistic {
        key: "grids",
        title: ("小区(网格)数", "Grids"),
        definition: ("当日存续的网格。", "Grids in force on the day."),
        unit: ("个", "grids"),
        version: 1,
        window: false,
        guarded_among: None,
        rows_read: grid::READ,
        measure: Measure::Rows(grids),
    },
    Statistic {
        key: "grids_added",
        title: ("净增小区(网格)数", "Grids added"),
        definition: (
            "当日存续、起始日前一日不存续的网格计 1,相反的计 -1。",
            "A grid in force on the day and not on the day before the window counts 1, one the other way round -1.",
        ),
        unit: ("个", "grids"),
        version: 1,
        window: true,
        guarded_among: None,
        rows_read: grid::READ,
        measure: Measure::Rows(grids_added),
    },
    Statistic {
        key: "body_members",
        title: ("业委会(党群议事会)成员数", "Members of owners' committees and councils"),
        definition: (
            "当日在任的业主委员会和党群议事会成员,同一小区同一人只计一次;物业管理委员会和筹备组不计。",
            "People with a seat in an owners' committee or a party–mass council on the day, each once a compound; management committees and preparatory groups do not count.",
        ),
        unit: ("人", "people"),
        version: 1,
        window: false,
        guarded_among: None,
        rows_read: governance_body::READ,
        measure: Measure::Rows(body_members),
    },
    Statistic {
        key: "body_members_in_party",
        title: ("业委会(党群议事会)成员中的党员数", "Party members among them"),
        definition: ("上述成员中当日为党员(含预备党员)的人。", "Those of these members who are in the Party on the day, on probation or full."),
        unit: ("人", "people"),
        version: 1,
        window: false,
        guarded_among: Some("body_members"),
        rows_read: party_membership::READ,
        measure: Measure::Rows(body_members_in_party),
    },
    Statistic {
        key: "body_party_share",
        title: ("业委会(党群议事会)成员党员占比", "Share of Party members among them"),
        definition: ("党员数与成员数之比,四舍五入到一位小数。", "Party members over members, rounded half up to one decimal."),
        unit: ("%", "per cent"),
        version: 1,
        window: false,
        guarded_among: Some("body_members"),
        rows_read: governance_body::READ,
        measure: Measure::Share { part: "body_members_in_party", whole: "body_members" },
    },
    Statistic {
        key: "property_party_branches",
        title: ("物业服务行业党支部数", "Party branches of the property industry"),
        definition: ("当日存续的物业服务行业党委所属党支部。", "Branches under a committee of the property industry that are in force on the day."),
        unit: ("个", "branches"),
        version: 1,
        window: false,
        guarded_among: None,
        rows_read: party_organization::READ,
        measure: Measure::Rows(property_party_branches),
    },
    Statistic {
        key: "property_covered_grids",
        title: ("物业服务覆盖的小区(网格)数", "Grids that property services cover"),
        definition: (
            "当日至少有一个小区由全面服务或自管覆盖的网格;单项服务不计。",
            "Grids in which full service or self-management covers a compound on the day; a part of the service does not count.",
        ),
        unit: ("个", "grids"),
        version: 1,
        window: false,
        guarded_among: None,
        rows_read: property_project::READ,
        measure: Measure::Rows(property_coverage::covered_grids),
    },
    Statistic {
        key: "property_coverage",
        title: ("物业服务覆盖率", "Coverage of property services"),
        definition: ("物业服务覆盖的网格数与网格数之比。", "Grids that property services cover over grids."),
        unit: ("%", "per cent"),
        version: 1,
        window: false,
        guarded_among: None,
        rows_read: property_project::READ,
        measure: Measure::Share { part: "property_covered_grids", whole: "grids" },
    },
    Statistic {
        key: "handovers",
        title: ("移交使用小区数", "Hand-overs"),
        definition: (
            "起始日至当日移交使用的商业开发小区,已驳回的不计。",
            "Compounds built for sale that were handed over from the first day of the window to the day, what was rejected left out.",
        ),
        unit: ("个", "hand-overs"),
        version: 1,
        window: true,
        rows_read: compound_handover::READ,
        guarded_among: None,
        measure: Measure::Rows(synchronous_handover::handed_over),
    },
    Statistic {
        key: "handovers_synchronous",
        title: ("三个同步小区数", "Synchronous hand-overs"),
        definition: (
            "上述小区中,党组织、业委会或物管会、物业企业均不晚于移交使用日到位的。",
            "Those of them with a party organization, an owners' or property management committee and a property company in place by the day of the hand-over.",
        ),
        unit: ("个", "hand-overs"),
        version: 1,
        window: true,
        rows_read: compound_handover::READ,
        guarded_among: None,
        measure: Measure::Rows(synchronous_handover::synchronous),
    },
    Statistic {
        key: "handovers_synchronous_share",
        title: ("三个同步率", "Share of synchronous hand-overs"),
        definition: ("三个同步小区数与移交使用小区数之比。", "Synchronous hand-overs over hand-overs."),
        unit: ("%", "per cent"),
        version: 1,
        window: true,
        rows_read: compound_handover::READ,
        guarded_among: None,
        measure: Measure::Share { part: "handovers_synchronous", whole: "handovers" },
    },
    Statistic {
        key: "compounds",
        title: ("小区数", "Compounds"),
        definition: ("当日存续的小区。", "Compounds in force on the day."),
        unit: ("个", "compounds"),
        version: 1,
        window: false,
        rows_read: compound::READ,
        guarded_among: None,
        measure: Measure::Rows(compounds),
    },
    Statistic {
        key: "compounds_with_cross_holding",
        title: ("有交叉任职的小区数", "Compounds with a cross-holding"),
        definition: (
            "当日有人既在小区党组织任职(书记、副书记或委员),又是其业委会、物管会或党群议事会成员的小区。",
            "Compounds in which somebody is in the committee of the party organization and sits in a body of owners on the day.",
        ),
        unit: ("个", "compounds"),
        version: 1,
        window: false,
        rows_read: five_basics::READ,
        guarded_among: None,
        measure: Measure::Rows(cross_holding::compounds_crossed),
    },
    Statistic {
        key: "cross_holding_share",
        title: ("交叉任职小区占比", "Share of compounds with a cross-holding"),
        definition: ("有交叉任职的小区数与小区数之比。", "Compounds with a cross-holding over compounds."),
        unit: ("%", "per cent"),
        version: 1,
        window: false,
        rows_read: five_basics::READ,
        guarded_among: None,
        measure: Measure::Share { part: "compounds_with_cross_holding", whole: "compounds" },
    },
    Statistic {
        key: "concurrent_secretaries",
        title: ("书记主任一肩挑人数", "Secretaries who are directors"),
        definition: (
            "当日同时担任同一小区业委会、物管会或党群议事会主任的小区党组织书记。",
            "Secretaries of compounds who direct a body of owners of the same compound on the day.",
        ),
        unit: ("人", "people"),
        version: 1,
        window: false,
        rows_read: five_basics::READ,
        guarded_among: None,
        measure: Measure::Rows(cross_holding::concurrent_secretaries),
    },
    Statistic {
        key: "concurrent_secretary_share",
        title: ("书记主任一肩挑率", "Share of compounds whose secretary is director"),
        definition: ("书记主任一肩挑人数与小区数之比。", "Secretaries who are directors over compounds."),
        unit: ("%", "per cent"),
        version: 1,
        window: false,
        rows_read: five_basics::READ,
        guarded_among: None,
        measure: Measure::Share { part: "concurrent_secretaries", whole: "compounds" },
    },
];
