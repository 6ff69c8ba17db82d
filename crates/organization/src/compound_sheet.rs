//! Compounds as a table, for imports and exports (ORG-05).

use kernel::sheet::{Check, Column, Form, Sheet};

use crate::code::{NOT_A_COMPOUND_CODE, is_compound_code};
use crate::compound::{CompoundKind, IN_USE_BEFORE, READ, WRITE};
use crate::{community, first_day};

/// Files that bring something into a compound: none may while one ends.
pub(crate) const INTO: &[&str] = &[
    crate::building::SHEET.resource,
    crate::charter_inclusion_sheet::SHEET.resource,
    crate::compound_grid::SHEET.resource,
    crate::compound_handover_sheet::SHEET.resource,
    crate::cross_appointment_sheet::SHEET.resource,
    crate::governance_body_sheet::SHEET.resource,
    crate::party_organization_sheet::SHEET.resource,
    crate::property_project_sheet::SHEET.resource,
];

/// Compounds as a table.
pub const SHEET: Sheet = Sheet {
    resource: "compounds",
    zh: "小区",
    table: "compound",
    read: READ,
    write: WRITE,
    columns: &[
        Column::new("code", "小区编码", Form::Code(is_compound_code, &NOT_A_COMPOUND_CODE), "12位社区编码、字母X和3位数字。编码不重复使用。").required(),
        Column::new("area_code", "社区编码", Form::Prefix(12), "可不填;填写时须与小区编码前12位一致。"),
        Column::new("name", "名称", Form::Text(60), "最多60个字符。").required(),
        Column::new("alias", "别名", Form::Text(60), "居民常用的其他名称。"),
        Column::new("kind", "类型", Form::Choice(CompoundKind::CHOICES), "商业开发、老旧、自建房、三无、安置或单位房。").required(),
        Column::new("address", "地址", Form::Text(200), "最多200个字符。"),
        Column::new("property_area_number", "物业管理区域编号", Form::Text(200), "物业管理区域备案编号。"),
        Column::new("developer", "开发单位", Form::Text(200), "建设单位名称。"),
        Column::new("delivered_on", "交付日期", Form::Date, "如2019-06-30。"),
        Column::new("floor_area", "总建筑面积", Form::Area, "平方米,最多两位小数。"),
        Column::new("parking_spaces", "车位数", Form::Integer(0, 1_000_000), "个。"),
        Column::new("gated", "是否封闭", Form::Flag, "是或否。"),
        Column::new("valid_from", "启用日期", Form::Date, "默认为导入生效日期。").or("$on"),
        Column::new("source", "来源系统", Form::Key, "贵方系统的代号,与“来源编号”同时填写。"),
        Column::new("ref", "来源编号", Form::Key, "贵方系统中的编号。"),
    ],
    keys: 1,
    found_by: None,
    key_reusable: false,
    area: "left(i.code, 12)",
    stored_area: "t.area_code",
    links: None,
    from: "compound t",
    shown: &[],
    looks_up: "left join community p on p.code = left(i.code, 12)",
    checks: &[
        Check { column: "code", refusal: &community::UNKNOWN_HERE, fault: "p.code is null" },
        Check { column: "code", refusal: &community::ENDED_HERE, fault: "p.valid_to <= i.valid_from" },
        Check {
            column: "valid_from",
            refusal: &IN_USE_BEFORE,
            fault: "i.valid_from > (i.was).valid_from and (exists (select from compound_grid l where l.compound_code = i.code and l.valid_from < i.valid_from) \
                    or exists (select from property_project s where s.compound_code = i.code and s.valid_from < i.valid_from))",
        },
    ],
    after: Some(|tx, _, _| Box::pin(first_day::settle_compounds(tx))),
};
