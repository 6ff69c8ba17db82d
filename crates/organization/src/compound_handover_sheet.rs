//! Hand-overs as a table: what was accepted, for cities where it has long been, and for exports (ORG-11).
//!
//! An import goes past the inspection, so it has a permission of its own; the gate it keeps. Whether the three were in time is
//! no column: it follows from the days.

use kernel::Choice;
use kernel::sheet::{Check, Column, Form, FoundBy, Sheet};

use crate::code::{NOT_A_COMPOUND_CODE, is_compound_code};
use crate::compound;
use crate::compound_handover::{DAYS, HALF_A_DEFERRAL, NO_FLOOR, NOT_COMMERCIAL, NOT_YET, ON_ITS_WAY, READ, REGISTER};
use crate::compound_handover_flow::{NO_DOCUMENTS, NO_OWNERS_BODY, NO_PARTY_ORGANIZATION, NO_PROPERTY_COMPANY, STILL_DEFERRED};
use crate::compound_handover_track::{NOT_IN_PLACE, OVER, WRONG_BODY, WRONG_PARTY_ORGANIZATION, WRONG_PROJECT};

/// The states that files hold.
const ACCEPTED: &[Choice] = &[Choice { word: "accepted", zh: "已验收" }, Choice { word: "archived", zh: "已归档" }];

/// Accepted hand-overs as a table. A row is found by its compound, which has one hand-over that was not rejected.
pub const SHEET: Sheet = Sheet {
    resource: "handovers",
    zh: "小区移交",
    table: "compound_handover",
    read: READ,
    write: REGISTER,
    columns: &[
        Column::new("compound_code", "小区编码", Form::Code(is_compound_code, &NOT_A_COMPOUND_CODE), "商业开发小区。").required(),
        Column::new("developer", "开发单位", Form::Text(200), "建设单位名称。").required(),
        Column::new("planned_on", "计划移交日期", Form::Date, "如2026-06-30。"),
        Column::new("handed_over_on", "移交使用日期", Form::Date, "三个同步以此日为准。").required(),
        Column::new("accepted_on", "验收日期", Form::Date, "不早于移交使用日期。").required(),
        Column::new("state", "状态", Form::Choice(ACCEPTED), "已验收或已归档;办理中的在流程中登记。").or("'accepted'"),
        Column::new("party_organization_done_on", "党组织完成日期", Form::Date, "党组织组建之日;未完成的填写暂缓。"),
        Column::new("party_organization_deferred_to", "党组织暂缓期限", Form::Date, "与签字人、说明同时填写。"),
        Column::new("party_organization_signed_by", "党组织暂缓签字人", Form::Text(200), "街道签字人。"),
        Column::new("party_organization_note", "党组织说明", Form::Text(200), "批复文号;暂缓的填写原因。"),
        Column::new("party_organization_id", "党组织标识", Form::Reference, "小区(网格)党组织的标识;已完成而未填的,取该小区现有的党组织。")
            .or("(select o.id from party_organization o where r.party_organization_done_on is not null and o.compound_code = r.compound_code \
             and o.tier = 'compound' and o.valid_to is null limit 1)"),
        Column::new("owners_body_done_on", "业委会(物管会)完成日期", Form::Date, "机构成立之日;未完成的填写暂缓。"),
        Column::new("owners_body_deferred_to", "业委会(物管会)暂缓期限", Form::Date, "与签字人、说明同时填写。"),
        Column::new("owners_body_signed_by", "业委会(物管会)暂缓签字人", Form::Text(200), "街道签字人。"),
        Column::new("owners_body_note", "业委会(物管会)说明", Form::Text(200), "暂缓的填写原因。"),
        Column::new("governance_body_id", "治理机构标识", Form::Reference, "业委会或物管会的标识;已完成而未填的,取该小区现有的业委会或物管会。")
            .or("(select b.id from governance_body b where r.owners_body_done_on is not null and b.compound_code = r.compound_code \
             and b.kind in ('owners_committee', 'property_management_committee') and b.valid_to is null order by b.kind limit 1)"),
        Column::new("property_company_done_on", "物业企业完成日期", Form::Date, "物业企业到位之日;未完成的填写暂缓。"),
        Column::new("property_company_deferred_to", "物业企业暂缓期限", Form::Date, "与签字人、说明同时填写。"),
        Column::new("property_company_signed_by", "物业企业暂缓签字人", Form::Text(200), "街道签字人。"),
        Column::new("property_company_note", "物业企业说明", Form::Text(200), "暂缓的填写原因。"),
        Column::new("property_project_id", "物业服务项目标识", Form::Reference, "全面服务项目的标识;已完成而未填的,取该小区现有的全面服务项目。")
            .or("(select s.id from property_project s where r.property_company_done_on is not null and s.compound_code = r.compound_code \
             and s.kind = 'full_service' and s.valid_to is null limit 1)"),
        Column::new("property_room_area", "物业服务用房面积", Form::Area, "平方米,实测并移交的面积。").required(),
        Column::new("community_room_area", "社区服务用房面积", Form::Area, "平方米,实测并移交的面积。").required(),
        Column::new("documents_received", "资料已移交", Form::Flag, "《物业管理条例》第二十九条规定的资料。").required(),
        Column::new("source", "来源系统", Form::Key, "贵方系统的代号,与“来源编号”同时填写。"),
        Column::new("ref", "来源编号", Form::Key, "贵方系统中的编号。"),
    ],
    keys: 1,
    found_by: Some(FoundBy {
        id: "(select h.id from compound_handover h where h.compound_code = r.compound_code and h.rejected_on is null)",
        within: &[],
        columns: &["compound_code"],
    }),
    key_reusable: false,
    area: "left(i.compound_code, 12)",
    stored_area: "t.area_code",
    links: None,
    // Exports hold what was accepted by the day.
    from: "(select h.*, h.accepted_on as valid_from, null::date as valid_to from compound_handover h where h.state in ('accepted', 'archived')) t",
    shown: &[],
    looks_up: "left join compound p on p.code = i.compound_code left join party_organization y on y.id = i.party_organization_id \
               left join governance_body b on b.id = i.governance_body_id left join property_project s on s.id = i.property_project_id",
    checks: &[
        Check { column: "compound_code", refusal: &compound::UNKNOWN_HERE, fault: "p.code is null" },
        Check { column: "compound_code", refusal: &compound::ENDED_HERE, fault: "p.valid_to <= i.accepted_on" },
        // What is stored comes in again unchanged, whatever became of compound and project since.
        Check { column: "compound_code", refusal: &NOT_COMMERCIAL, fault: "i.stored_id is null and p.kind <> 'commercial'" },
        Check { column: "compound_code", refusal: &ON_ITS_WAY, fault: "(i.was).state not in ('accepted', 'archived')" },
        Check { column: "state", refusal: &OVER, fault: "i.differs and (i.was).state = 'archived'" },
        Check { column: "accepted_on", refusal: &DAYS, fault: "i.accepted_on < i.handed_over_on" },
        Check {
            column: "accepted_on",
            refusal: &NOT_YET,
            fault: "greatest(i.accepted_on, i.party_organization_done_on, i.owners_body_done_on, i.property_company_done_on) > (now() at time zone 'Asia/Shanghai')::date",
        },
        Check {
            column: "party_organization_done_on",
            refusal: &NO_PARTY_ORGANIZATION,
            fault: "coalesce(i.party_organization_done_on, i.party_organization_deferred_to) is null",
        },
        Check { column: "owners_body_done_on", refusal: &NO_OWNERS_BODY, fault: "coalesce(i.owners_body_done_on, i.owners_body_deferred_to) is null" },
        Check {
            column: "property_company_done_on",
            refusal: &NO_PROPERTY_COMPANY,
            fault: "coalesce(i.property_company_done_on, i.property_company_deferred_to) is null",
        },
        Check {
            column: "party_organization_deferred_to",
            refusal: &HALF_A_DEFERRAL,
            fault: "(i.party_organization_deferred_to is null) <> (i.party_organization_signed_by is null) \
                    or i.party_organization_deferred_to is not null and i.party_organization_note is null",
        },
        Check {
            column: "owners_body_deferred_to",
            refusal: &HALF_A_DEFERRAL,
            fault: "(i.owners_body_deferred_to is null) <> (i.owners_body_signed_by is null) or i.owners_body_deferred_to is not null and i.owners_body_note is null",
        },
        Check {
            column: "property_company_deferred_to",
            refusal: &HALF_A_DEFERRAL,
            fault: "(i.property_company_deferred_to is null) <> (i.property_company_signed_by is null) \
                    or i.property_company_deferred_to is not null and i.property_company_note is null",
        },
        Check {
            column: "party_organization_id",
            refusal: &WRONG_PARTY_ORGANIZATION,
            fault: "(i.party_organization_done_on is null) <> (i.party_organization_id is null) or i.party_organization_id is not null \
                    and (y.compound_code = i.compound_code and y.tier = 'compound') is not true",
        },
        Check {
            column: "party_organization_done_on",
            refusal: &NOT_IN_PLACE,
            fault: "i.differs and (y.valid_from > i.party_organization_done_on or y.valid_to <= i.party_organization_done_on)",
        },
        Check {
            column: "governance_body_id",
            refusal: &WRONG_BODY,
            fault: "(i.owners_body_done_on is null) <> (i.governance_body_id is null) or i.governance_body_id is not null \
                    and (b.compound_code = i.compound_code and b.kind in ('owners_committee', 'property_management_committee')) is not true",
        },
        Check {
            column: "owners_body_done_on",
            refusal: &NOT_IN_PLACE,
            fault: "i.differs and (b.valid_from > i.owners_body_done_on or b.valid_to <= i.owners_body_done_on)",
        },
        Check {
            column: "property_project_id",
            refusal: &WRONG_PROJECT,
            fault: "(i.property_company_done_on is null) <> (i.property_project_id is null) or i.property_project_id is not null \
                    and i.differs and (s.compound_code = i.compound_code and s.kind = 'full_service') is not true",
        },
        Check {
            column: "property_company_done_on",
            refusal: &NOT_IN_PLACE,
            fault: "i.differs and (s.valid_from > i.property_company_done_on or s.valid_to <= i.property_company_done_on)",
        },
        Check { column: "property_room_area", refusal: &NO_FLOOR, fault: "i.property_room_area = 0" },
        Check { column: "community_room_area", refusal: &NO_FLOOR, fault: "i.community_room_area = 0" },
        Check { column: "documents_received", refusal: &NO_DOCUMENTS, fault: "not i.documents_received" },
        Check {
            column: "state",
            refusal: &STILL_DEFERRED,
            fault: "i.state = 'archived' and num_nulls(i.party_organization_done_on, i.owners_body_done_on, i.property_company_done_on) > 0",
        },
    ],
    after: None,
};
