//! Which building group answers for which building, as a table: found by group and building, for imports and exports (ORG-06).

use kernel::Refusal;
use kernel::sheet::{Check, Column, Form, FoundBy, Sheet};

use crate::building;
use crate::code::{NOT_A_BUILDING_CODE, is_building_code};
use crate::party_group_building::{self, BUILDING_ELSEWHERE, BUILDING_ENDS, BUILDING_TAKEN, NOT_A_GROUP};
use crate::party_organization::{READ, WRITE};

/// No such group.
pub const GROUP_UNKNOWN: Refusal = Refusal::invalid(
    "party_organization.group_unknown",
    "没有该代码的党组织,或它不在您的区域内。",
    "There is no party organization with this code, or it is not in your area.",
);
/// A group that takes nothing any more.
pub const GROUP_ENDED: Refusal =
    Refusal::invalid("party_organization.group_ended", "该楼栋党小组已终止或已确定终止日期。", "The group has ended, or the day of its end is set.");
/// A building before its group.
pub const BEFORE_THE_GROUP: Refusal = Refusal::invalid(
    "party_organization.building_before_group",
    "负责楼栋的起始日期早于党小组启用日期。",
    "A group answers for nothing before it begins itself.",
);
/// A first day past the end that is set.
pub const AFTER_THE_END: Refusal = Refusal::invalid(
    "party_organization.building_after_end",
    "负责起始日期须早于已定的终止日期。",
    "The first day on which the group answers for the building must come before the day of its end, which is set.",
);

/// What building groups answer for as a table. A file brings buildings to groups; what a group gives up is said with the group.
pub const SHEET: Sheet = Sheet {
    resource: "party-organization-buildings",
    zh: "楼栋党小组负责楼栋",
    table: "party_group_building",
    read: READ,
    write: WRITE,
    columns: &[
        Column::new("organization_code", "党组织代码", Form::Key, "已登记的楼栋党小组。").required(),
        Column::new("building_code", "楼栋编码", Form::Code(is_building_code, &NOT_A_BUILDING_CODE), "该党小组所属小区的楼栋;一栋楼同时只由一个党小组负责。")
            .required(),
        Column::new("valid_from", "负责起始日期", Form::Date, "默认为导入生效日期,且不早于党小组启用日期。")
            .or("greatest($on, (select o.valid_from from party_organization o where o.code = r.organization_code))"),
    ],
    keys: 2,
    found_by: Some(FoundBy {
        // What ends on a day ahead is found too, so that what exports write comes in again.
        id: "(select l.id from party_group_building l where l.organization_code = r.organization_code and l.building_code = r.building_code \
             and (l.valid_to is null or l.valid_to > (now() at time zone 'Asia/Shanghai')::date) order by l.valid_from limit 1)",
        within: &["organization_code"],
        columns: &["building_code"],
    }),
    key_reusable: false,
    // A building lies in the community of its compound, and so of its group.
    area: "left(i.building_code, 12)",
    stored_area: "left(t.building_code, 12)",
    links: None,
    from: "party_group_building t",
    shown: &[],
    looks_up: "left join party_organization g on g.code = i.organization_code and g.area_code ^@ any ($4) left join building b on b.code = i.building_code \
               left join (select building_code, min(n) as n from i group by building_code) one on one.building_code = i.building_code",
    checks: &[
        Check { column: "organization_code", refusal: &GROUP_UNKNOWN, fault: "g.code is null" },
        Check { column: "organization_code", refusal: &NOT_A_GROUP, fault: "g.tier <> 'building_group'" },
        Check { column: "organization_code", refusal: &GROUP_ENDED, fault: "(i.stored_id is null or i.differs) and g.valid_to is not null" },
        Check { column: "building_code", refusal: &building::UNKNOWN_HERE, fault: "b.code is null" },
        Check { column: "building_code", refusal: &BUILDING_ELSEWHERE, fault: "g.tier = 'building_group' and g.compound_code <> b.compound_code" },
        Check { column: "building_code", refusal: &building::NOT_YET_OR_NO_MORE, fault: "(i.stored_id is null or i.differs) and b.valid_to <= i.valid_from" },
        Check { column: "building_code", refusal: &BUILDING_ENDS, fault: "(i.stored_id is null or i.differs) and b.valid_to > i.valid_from" },
        Check { column: "valid_from", refusal: &BEFORE_THE_GROUP, fault: "g.valid_from > i.valid_from" },
        Check { column: "valid_from", refusal: &AFTER_THE_END, fault: "i.differs and (i.was).valid_to <= i.valid_from" },
        Check {
            column: "building_code",
            refusal: &BUILDING_TAKEN,
            fault: "one.n < i.n or exists (select from party_group_building o where o.id is distinct from i.stored_id and o.building_code = i.building_code \
                    and (o.valid_to is null or o.valid_to > i.valid_from) and ((i.was).valid_to is null or o.valid_from < (i.was).valid_to))",
        },
    ],
    after: Some(|tx, ids, _| Box::pin(party_group_building::settle(tx, ids))),
};
