//! Governance bodies as a table: which bodies each compound has, for imports and exports (ORG-14).

use kernel::sheet::{Check, Column, Form, Sheet};

use crate::code::{NOT_A_COMPOUND_CODE, is_compound_code};
use crate::compound;
use crate::first_day;
use crate::governance_body::{AGREED_BEFORE_IT_BEGINS, BodyKind, MEMBERS_BEFORE, NEEDS_TERM, READ, WRITE};

/// Governance bodies as a table. A row is found by compound and kind.
pub const SHEET: Sheet = Sheet {
    resource: "governance-bodies",
    zh: "治理机构",
    table: "governance_body",
    read: READ,
    write: WRITE,
    columns: &[
        Column::new("compound_code", "小区编码", Form::Code(is_compound_code, &NOT_A_COMPOUND_CODE), "所在小区。").required(),
        Column::new("kind", "机构类型", Form::Choice(BodyKind::CHOICES), "业主委员会、物业管理委员会、党群议事会或业主大会筹备组。").required(),
        Column::new("name", "名称", Form::Text(60), "最多60个字符。").required(),
        Column::new("seats", "席位数", Form::Integer(1, 99), "章程规定的人数。"),
        Column::new("agreed_to", "任期届满日期", Form::Date, "任期后的第一日;临时机构必填。"),
        Column::new("filed_on", "备案日期", Form::Date, "向街道备案之日。"),
        Column::new("filing_number", "备案编号", Form::Text(200), "最多200个字符。"),
        Column::new("valid_from", "成立日期", Form::Date, "默认为导入生效日期。").or("$on"),
        Column::new("source", "来源系统", Form::Key, "贵方系统的代号,与“来源编号”同时填写。"),
        Column::new("ref", "来源编号", Form::Key, "贵方系统中的编号。"),
    ],
    keys: 2,
    found_by: None,
    key_reusable: true,
    area: "left(i.compound_code, 12)",
    stored_area: "t.area_code",
    links: None,
    from: "governance_body t",
    shown: &[],
    looks_up: "left join compound p on p.code = i.compound_code",
    checks: &[
        Check { column: "compound_code", refusal: &compound::UNKNOWN_HERE, fault: "p.code is null" },
        Check { column: "compound_code", refusal: &compound::ENDED_HERE, fault: "p.valid_to is not null and (i.stored_id is null or i.differs)" },
        Check { column: "agreed_to", refusal: &NEEDS_TERM, fault: "i.agreed_to is null and i.kind in ('property_management_committee', 'preparatory_group')" },
        Check { column: "agreed_to", refusal: &AGREED_BEFORE_IT_BEGINS, fault: "i.agreed_to <= i.valid_from" },
        Check {
            column: "valid_from",
            refusal: &MEMBERS_BEFORE,
            fault: "exists (select from governance_body_member m where m.governance_body_id = i.stored_id and m.valid_from < i.valid_from)",
        },
        Check {
            column: "valid_from",
            refusal: &crate::handover_proof::BODY_PROVES,
            fault: "i.valid_from > (i.was).valid_from and exists (select from compound_handover h where h.governance_body_id = i.stored_id \
                    and h.state <> 'rejected' and h.owners_body_done_on < i.valid_from)",
        },
        Check {
            column: "valid_from",
            refusal: &crate::governance_body::ALREADY,
            fault: "exists (select from governance_body o where o.id is distinct from i.stored_id and o.compound_code = i.compound_code \
                    and o.kind = i.kind and o.valid_to > i.valid_from)",
        },
    ],
    after: Some(|tx, _, _| Box::pin(first_day::settle_bodies(tx))),
};
