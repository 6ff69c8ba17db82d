//! Property projects as a table: who serves which compound, for imports and exports (ORG-17).

use kernel::sheet::{Check, Column, Form, Sheet};

use crate::code::{NOT_A_COMPOUND_CODE, is_compound_code};
use crate::credit_code::{NOT_A_CREDIT_CODE, is_credit_code};
use crate::property_project::{
    AGREED_BEFORE_IT_BEGINS, ALREADY, ALREADY_SERVED, BEGINS_BEFORE_COMPOUND, NEEDS_COMPANY, READ, ServiceKind, ServiceStage, WRITE,
};
use crate::{compound, first_day, handover_proof, property_company};

/// Property projects as a table. A row is found by compound and company, where there is one.
pub const SHEET: Sheet = Sheet {
    resource: "property-projects",
    zh: "物业服务项目",
    table: "property_project",
    read: READ,
    write: WRITE,
    columns: &[
        Column::new("compound_code", "小区编码", Form::Code(is_compound_code, &NOT_A_COMPOUND_CODE), "所服务的小区。").required(),
        Column::new("company_code", "物业企业代码", Form::Code(is_credit_code, &NOT_A_CREDIT_CODE), "统一社会信用代码;单位自管、业主自治可不填。"),
        Column::new("kind", "服务方式", Form::Choice(ServiceKind::CHOICES), "全面服务、单项服务、单位自管或业主自治;单项服务不计入覆盖。").required(),
        Column::new("stage", "合同阶段", Form::Choice(ServiceStage::CHOICES), "前期(建设单位选聘)或正式(业主选聘)。"),
        Column::new("contract_number", "合同编号", Form::Text(200), "最多200个字符。"),
        Column::new("agreed_to", "约定期满日期", Form::Date, "约定期限后的第一日;期满未终止的继续计入覆盖。"),
        Column::new("filed_on", "备案日期", Form::Date, "合同备案之日。"),
        Column::new("fee_standard", "收费标准", Form::Text(200), "如高层1.20元/平方米·月。"),
        Column::new("manager", "项目经理", Form::Text(60), "最多60个字符。"),
        Column::new("staff", "服务人数", Form::Integer(0, 10_000), "人。"),
        Column::new("valid_from", "服务起始日期", Form::Date, "默认为导入生效日期。").or("$on"),
        Column::new("source", "来源系统", Form::Key, "贵方系统的代号,与“来源编号”同时填写。"),
        Column::new("ref", "来源编号", Form::Key, "贵方系统中的编号。"),
    ],
    keys: 2,
    found_by: None,
    key_reusable: true,
    area: "left(i.compound_code, 12)",
    stored_area: "t.area_code",
    links: None,
    from: "property_project t",
    shown: &[],
    looks_up: "left join compound p on p.code = i.compound_code left join property_company c on c.code = i.company_code",
    checks: &[
        Check { column: "compound_code", refusal: &compound::UNKNOWN_HERE, fault: "p.code is null" },
        Check { column: "compound_code", refusal: &compound::ENDED_HERE, fault: "p.valid_to <= i.valid_from" },
        Check { column: "valid_from", refusal: &BEGINS_BEFORE_COMPOUND, fault: "p.valid_from > i.valid_from" },
        Check { column: "company_code", refusal: &property_company::UNKNOWN_HERE, fault: "i.company_code is not null and c.code is null" },
        Check { column: "company_code", refusal: &property_company::ENDED_HERE, fault: "c.valid_to <= i.valid_from" },
        Check { column: "company_code", refusal: &NEEDS_COMPANY, fault: "i.company_code is null and i.kind not in ('unit_self', 'owner_self')" },
        Check { column: "agreed_to", refusal: &AGREED_BEFORE_IT_BEGINS, fault: "i.agreed_to <= i.valid_from" },
        Check {
            column: "valid_from",
            refusal: &handover_proof::PROJECT_PROVES,
            fault: "i.valid_from > (i.was).valid_from and exists (select from compound_handover h where h.property_project_id = i.stored_id \
                    and h.state <> 'rejected' and h.property_company_done_on < i.valid_from)",
        },
        Check {
            column: "kind",
            refusal: &handover_proof::PROJECT_PROVES,
            fault: "i.kind <> 'full_service' and i.kind <> (i.was).kind \
                    and exists (select from compound_handover h where h.property_project_id = i.stored_id and h.state <> 'rejected')",
        },
        Check {
            column: "company_code",
            refusal: &ALREADY,
            fault: "exists (select from property_project o where o.id is distinct from i.stored_id and o.compound_code = i.compound_code \
                    and o.company_code = i.company_code and (o.valid_to is null or o.valid_to > i.valid_from))",
        },
        Check {
            column: "compound_code",
            refusal: &ALREADY_SERVED,
            fault: "i.kind <> 'partial_service' and (exists (select from property_project o where o.id is distinct from i.stored_id and o.kind <> 'partial_service' \
                    and o.compound_code = i.compound_code and (i.company_code is null or o.company_code is distinct from i.company_code) \
                    and (o.valid_to is null or o.valid_to > i.valid_from)) \
                    or exists (select from i o where o.n < i.n and o.kind <> 'partial_service' and o.compound_code = i.compound_code))",
        },
    ],
    after: Some(|tx, _, _| Box::pin(first_day::settle_projects(tx))),
};
