//! Policy documents as a table, for imports and exports; their files are attached one by one (ORG-13).

use kernel::area::{self, AreaCode};
use kernel::sheet::{Check, Column, Form, Sheet};

use crate::policy_document::{NOTHING_TO_REPLACE, READ, REPLACED_EARLIER, REPLACES_LATER, RING, WRITE};

/// Policy documents as a table.
pub const SHEET: Sheet = Sheet {
    resource: "policy-documents",
    zh: "政策文件",
    table: "policy_document",
    read: READ,
    write: WRITE,
    columns: &[
        Column::new("number", "文号", Form::Text(60), "如示例〔2022〕15号;文号不重复使用。").required(),
        Column::new("title", "标题", Form::Text(200), "最多200个字符。").required(),
        Column::new("issuer", "印发单位", Form::Text(200), "联合印发的用顿号分隔。").required(),
        Column::new("issued_on", "印发日期", Form::Date, "如2022-11-20。").required(),
        Column::new("replaces_number", "替代文号", Form::Text(60), "所替代的文件的文号;该文件另行终止。").own(),
        Column::new("area_code", "适用区域编码", Form::Code(|text| text.parse::<AreaCode>().is_ok(), &area::NOT_A_CODE), "默认为全市。").or("$city"),
        Column::new("valid_from", "施行日期", Form::Date, "默认为印发日期。").or("r.issued_on::date"),
        Column::new("source", "来源系统", Form::Key, "贵方系统的代号,与“来源编号”同时填写。"),
        Column::new("ref", "来源编号", Form::Key, "贵方系统中的编号。"),
    ],
    keys: 1,
    found_by: None,
    key_reusable: false,
    area: "i.area_code",
    stored_area: "t.area_code",
    links: None,
    from: "policy_document t",
    shown: &[],
    looks_up: "left join policy_document d on d.number = i.replaces_number",
    checks: &[
        Check {
            column: "replaces_number",
            refusal: &NOTHING_TO_REPLACE,
            fault: "i.replaces_number is not null and d.number is null and not exists (select from i o where o.number = i.replaces_number)",
        },
        Check {
            column: "replaces_number",
            refusal: &REPLACES_LATER,
            fault: "exists (select from i o where o.number = i.replaces_number and o.issued_on > i.issued_on) \
                    or (d.issued_on > i.issued_on and not exists (select from i o where o.number = i.replaces_number))",
        },
        // What replaces it counts as it is stored, and a link that this file takes away as if it stayed: the row that would
        // change it may be refused.
        Check {
            column: "issued_on",
            refusal: &REPLACED_EARLIER,
            fault: "i.issued_on > (i.was).issued_on and exists (select from policy_document o where o.replaces_number = i.number and o.issued_on < i.issued_on)",
        },
        // Where none replaces a later one, a ring is of one day.
        Check {
            column: "replaces_number",
            refusal: &RING,
            fault: "(d.issued_on = i.issued_on or exists (select from i o where o.number = i.replaces_number and o.issued_on = i.issued_on)) \
                    and exists (with recursive chain (number) as (select i.replaces_number collate \"C\" union \
                    select e.replaces_number from chain c join (select number, replaces_number from policy_document union all select number, replaces_number from i) e \
                    on e.number = c.number where e.replaces_number is not null) select from chain where chain.number = i.number)",
        },
    ],
    after: None,
};
