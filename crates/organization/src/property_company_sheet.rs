//! Property companies as a table, for imports and exports (ORG-15).

use kernel::area::{self, AreaCode};
use kernel::sheet::{Check, Column, Form, Sheet};

use crate::code::{NOT_A_COMMUNITY_CODE, is_community_code};
use crate::credit_code::{NOT_A_CREDIT_CODE, is_credit_code};
use crate::kept_area;
use crate::property_company::{FOUNDER_AND_KIND, FOUNDER_ELSEWHERE, LINKS, NAME_TAKEN, NO_SUCH_FOUNDER, PropertyCompanyKind, READ, WRITE};
use crate::property_company_branch;

/// Property companies as a table.
pub const SHEET: Sheet = Sheet {
    resource: "property-companies",
    zh: "物业企业",
    table: "property_company",
    read: READ,
    write: WRITE,
    columns: &[
        Column::new("code", "统一社会信用代码", Form::Code(is_credit_code, &NOT_A_CREDIT_CODE), "营业执照上的18位代码。").required(),
        Column::new("name", "名称", Form::Text(60), "登记名称,最多60个字符。").required(),
        Column::new("kind", "类型", Form::Choice(PropertyCompanyKind::CHOICES), "商业物业、社区牵头物业、单位自管或业主自治。").required(),
        Column::new("founder_community_code", "牵头社区编码", Form::Code(is_community_code, &NOT_A_COMMUNITY_CODE), "仅社区牵头物业填写,且必填。"),
        Column::new("area_code", "管理区域编码", Form::Code(|text| text.parse::<AreaCode>().is_ok(), &area::NOT_A_CODE), "默认为牵头社区,否则为全市。")
            .or("coalesce(r.founder_community_code, $city)"),
        Column::new("party_branch_code", "所属党支部代码", Form::Key, "物业服务行业党委所属党支部的代码;几家企业填同一支部的为联合支部。"),
        Column::new("legal_representative", "法定代表人", Form::Text(60), "与营业执照一致。"),
        Column::new("registered_address", "住所", Form::Text(200), "与营业执照一致。"),
        Column::new("valid_from", "启用日期", Form::Date, "默认为导入生效日期。").or("$on"),
        Column::new("source", "来源系统", Form::Key, "贵方系统的代号,与“来源编号”同时填写。"),
        Column::new("ref", "来源编号", Form::Key, "贵方系统中的编号。"),
    ],
    keys: 1,
    found_by: None,
    key_reusable: false,
    area: "i.area_code",
    stored_area: "t.area_code",
    links: Some(LINKS),
    from: "property_company t",
    shown: &[],
    looks_up: "left join community p on p.code = i.founder_community_code \
               left join subdistrict ks on ks.code = i.area_code left join community kc on kc.code = i.area_code left join grid kg on kg.code = i.area_code \
               left join party_organization b on b.code = i.party_branch_code and b.tier = 'industry_branch'",
    checks: &[
        Check { column: "founder_community_code", refusal: &FOUNDER_AND_KIND, fault: "(i.kind = 'community_led') <> (i.founder_community_code is not null)" },
        Check { column: "founder_community_code", refusal: &NO_SUCH_FOUNDER, fault: "i.founder_community_code is not null and p.code is null" },
        Check { column: "party_branch_code", refusal: &property_company_branch::UNKNOWN, fault: "i.party_branch_code is not null and b.code is null" },
        Check { column: "party_branch_code", refusal: &property_company_branch::ENDED, fault: "b.valid_to is not null" },
        Check {
            column: "founder_community_code",
            refusal: &FOUNDER_ELSEWHERE,
            fault: "i.founder_community_code is distinct from (i.was).founder_community_code and (i.founder_community_code ^@ any ($areas)) is false",
        },
        Check {
            column: "area_code",
            refusal: &kept_area::UNKNOWN,
            // A founder that is not there is told as the founder.
            fault: "i.area_code <> $city and i.area_code is distinct from i.founder_community_code and coalesce(ks.code, kc.code, kg.code) is null",
        },
        Check {
            column: "area_code",
            refusal: &kept_area::ENDED,
            fault: "i.area_code is distinct from (i.was).area_code \
                    and (coalesce(ks.valid_to, kc.valid_to, kg.valid_to) <= greatest($on, i.valid_from) or kg.valid_from > greatest($on, i.valid_from))",
        },
        Check {
            column: "name",
            refusal: &NAME_TAKEN,
            fault: "exists (select from property_company o where o.id is distinct from i.stored_id and o.name = i.name and (o.valid_to is null or o.valid_to > i.valid_from)) \
                    or exists (select from i o where o.n < i.n and o.name = i.name)",
        },
    ],
    after: None,
};
