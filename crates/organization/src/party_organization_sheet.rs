//! Party organizations as a table, for imports and exports (ORG-06). Those under others may stand in the same file.

use kernel::area::{self, AreaCode};
use kernel::sheet::{Check, Column, Form, Sheet};

use crate::code::{NOT_A_COMPOUND_CODE, NOT_A_HOUSEHOLD_CODE, is_compound_code, is_household_code};
use crate::compound;
use crate::first_day;
use crate::handover_proof;
use crate::kept_area;
use crate::party_organization::{
    AGREED_BEFORE_IT_BEGINS, AREA_OF_COMPOUND, COMPOSITE_AND_TIER, COMPOUND_AND_TIER, FIXED, FORM_AND_TIER, FoundingMode, HOUSEHOLD_AND_TIER,
    HOUSEHOLD_ELSEWHERE, HOUSEHOLD_ENDED, HOUSEHOLD_UNKNOWN, ONE_CORE, ONE_HUB, PARENT_AND_TIER, PARENT_COMPOUND, PARENT_ENDED, PARENT_TIER, PARENT_UNKNOWN,
    PartyForm, PartyNature, PartyTier, READ, WRITE,
};
use crate::party_organization_entry::{BEGINS_BEFORE_PARENT, IN_USE_BEFORE};

/// Party organizations as a table.
pub const SHEET: Sheet = Sheet {
    resource: "party-organizations",
    zh: "党组织",
    table: "party_organization",
    read: READ,
    write: WRITE,
    columns: &[
        Column::new("code", "党组织代码", Form::Key, "字母、数字和 . _ : - ,最多64个字符;代码不重复使用。").required(),
        Column::new("name", "名称", Form::Text(60), "最多60个字符。").required(),
        Column::new("tier", "层级", Form::Choice(PartyTier::CHOICES), "小区党组织、楼栋党小组、党员中心户、行业党委或行业党支部;登记后不能更改。").required(),
        Column::new("form", "组织形式", Form::Choice(PartyForm::CHOICES), "党委、党总支或党支部;楼栋党小组和党员中心户不填。"),
        Column::new("nature", "性质", Form::Choice(PartyNature::CHOICES), "正式或功能型;楼栋党小组和党员中心户不填。"),
        Column::new("founding_mode", "组建方式", Form::Choice(FoundingMode::CHOICES), "单独建、联合建或派驻建。"),
        Column::new("composite", "是否综合党组织", Form::Flag, "仅小区党组织可填“是”,默认为“否”。").or("false"),
        Column::new("parent_code", "上级党组织代码", Form::Key, "楼栋党小组填小区党组织,党员中心户填楼栋党小组,行业党支部填行业党委。").own(),
        Column::new("compound_code", "小区编码", Form::Code(is_compound_code, &NOT_A_COMPOUND_CODE), "所属小区;行业党委及其党支部不填。"),
        Column::new("household_code", "户编码", Form::Code(is_household_code, &NOT_A_HOUSEHOLD_CODE), "仅党员中心户填写。"),
        Column::new(
            "area_code",
            "管理区域编码",
            Form::Code(|text| text.parse::<AreaCode>().is_ok(), &area::NOT_A_CODE),
            "可不填;小区内的为所在社区,其他默认为全市。",
        )
        .or("coalesce(left(r.compound_code, 12), $city)"),
        Column::new("approval_number", "批准文号", Form::Text(200), "最多200个字符。"),
        Column::new("approved_on", "批准日期", Form::Date, "如2026-07-01。"),
        Column::new("agreed_to", "任期届满日期", Form::Date, "约定任期后的第一日;届满只作提醒。"),
        Column::new("valid_from", "启用日期", Form::Date, "默认为导入生效日期。").or("$on"),
        Column::new("source", "来源系统", Form::Key, "贵方系统的代号,与“来源编号”同时填写。"),
        Column::new("ref", "来源编号", Form::Key, "贵方系统中的编号。"),
    ],
    keys: 1,
    found_by: None,
    key_reusable: false,
    area: "i.area_code",
    stored_area: "t.area_code",
    links: None,
    from: "party_organization t",
    shown: &[],
    // What stands above is looked for in the file first: there it may be new, or change.
    looks_up: "left join i w on w.code = i.parent_code left join party_organization q on q.code = i.parent_code \
               left join compound p on p.code = i.compound_code left join household h on h.code = i.household_code \
               left join building b on b.code = left(i.household_code, 17) \
               left join subdistrict ks on ks.code = i.area_code left join community kc on kc.code = i.area_code left join grid kg on kg.code = i.area_code \
               left join (select compound_code, min(n) as n from i where tier = 'compound' group by compound_code) core on core.compound_code = i.compound_code \
               left join (select household_code, min(n) as n from i group by household_code) hub on hub.household_code = i.household_code",
    checks: &[
        Check {
            column: "tier",
            refusal: &FIXED,
            fault: "i.stored_id is not null and (i.tier <> (i.was).tier or i.compound_code is distinct from (i.was).compound_code \
                    or i.household_code is distinct from (i.was).household_code)",
        },
        Check {
            column: "form",
            refusal: &FORM_AND_TIER,
            fault: "(i.form is not null) <> (i.tier in ('compound', 'industry_committee', 'industry_branch')) \
                    or (i.nature is not null) <> (i.tier in ('compound', 'industry_committee', 'industry_branch'))",
        },
        Check { column: "composite", refusal: &COMPOSITE_AND_TIER, fault: "i.composite and i.tier <> 'compound'" },
        Check {
            column: "parent_code",
            refusal: &PARENT_AND_TIER,
            fault: "(i.parent_code is not null) <> (i.tier in ('building_group', 'hub_household', 'industry_branch'))",
        },
        Check { column: "parent_code", refusal: &PARENT_UNKNOWN, fault: "i.parent_code is not null and w.code is null and q.code is null" },
        Check { column: "parent_code", refusal: &PARENT_ENDED, fault: "q.valid_to is not null and (i.stored_id is null or i.differs)" },
        Check {
            column: "valid_from",
            refusal: &BEGINS_BEFORE_PARENT,
            // Put under another that is younger, it stands under that from now on.
            fault: "coalesce(w.valid_from, q.valid_from) > case when i.stored_id is null or i.valid_from <> (i.was).valid_from then i.valid_from \
                    when i.parent_code is distinct from (i.was).parent_code then greatest(i.valid_from, (now() at time zone 'Asia/Shanghai')::date) end",
        },
        Check {
            column: "valid_from",
            refusal: &IN_USE_BEFORE,
            fault: "i.valid_from > (i.was).valid_from and (exists (select from party_organization c where c.parent_code = i.code and c.valid_from < i.valid_from) \
                    or exists (select from party_post o where o.organization_code = i.code and o.valid_from < i.valid_from) \
                    or exists (select from party_group_building l where l.organization_code = i.code and l.valid_from < i.valid_from))",
        },
        Check {
            column: "valid_from",
            refusal: &handover_proof::ORGANIZATION_PROVES,
            fault: "i.valid_from > (i.was).valid_from and exists (select from compound_handover h where h.party_organization_id = i.stored_id \
                    and h.state <> 'rejected' and h.party_organization_done_on < i.valid_from)",
        },
        Check {
            column: "parent_code",
            refusal: &PARENT_TIER,
            fault: "coalesce(w.tier, q.tier) <> case i.tier when 'building_group' then 'compound' when 'hub_household' then 'building_group' \
                    when 'industry_branch' then 'industry_committee' end",
        },
        Check {
            column: "parent_code",
            refusal: &PARENT_COMPOUND,
            fault: "coalesce(w.code, q.code) is not null and coalesce(w.compound_code, q.compound_code) is distinct from i.compound_code",
        },
        Check {
            column: "compound_code",
            refusal: &COMPOUND_AND_TIER,
            fault: "(i.compound_code is not null) <> (i.tier in ('compound', 'building_group', 'hub_household'))",
        },
        Check { column: "compound_code", refusal: &compound::UNKNOWN_HERE, fault: "i.compound_code is not null and p.code is null" },
        Check { column: "compound_code", refusal: &compound::ENDED_HERE, fault: "p.valid_to <= i.valid_from" },
        Check { column: "household_code", refusal: &HOUSEHOLD_AND_TIER, fault: "(i.household_code is not null) <> (i.tier = 'hub_household')" },
        Check { column: "household_code", refusal: &HOUSEHOLD_UNKNOWN, fault: "i.household_code is not null and h.code is null" },
        Check { column: "household_code", refusal: &HOUSEHOLD_ENDED, fault: "h.valid_to is not null and (i.stored_id is null or i.differs)" },
        Check { column: "household_code", refusal: &HOUSEHOLD_ELSEWHERE, fault: "h.code is not null and b.compound_code <> i.compound_code" },
        Check { column: "area_code", refusal: &AREA_OF_COMPOUND, fault: "i.compound_code is not null and i.area_code <> left(i.compound_code, 12)" },
        Check {
            column: "area_code",
            refusal: &kept_area::UNKNOWN,
            fault: "i.compound_code is null and i.area_code <> $city and coalesce(ks.code, kc.code, kg.code) is null",
        },
        Check {
            column: "area_code",
            refusal: &kept_area::ENDED,
            fault: "i.compound_code is null and i.area_code is distinct from (i.was).area_code \
                    and (coalesce(ks.valid_to, kc.valid_to, kg.valid_to) <= greatest($on, i.valid_from) or kg.valid_from > greatest($on, i.valid_from))",
        },
        Check { column: "agreed_to", refusal: &AGREED_BEFORE_IT_BEGINS, fault: "i.agreed_to <= i.valid_from" },
        Check {
            column: "compound_code",
            refusal: &ONE_CORE,
            fault: "i.tier = 'compound' and (core.n < i.n or exists (select from party_organization o where o.id is distinct from i.stored_id \
                    and o.tier = 'compound' and o.compound_code = i.compound_code and (o.valid_to is null or o.valid_to > i.valid_from)))",
        },
        Check {
            column: "household_code",
            refusal: &ONE_HUB,
            fault: "hub.n < i.n or exists (select from party_organization o where o.id is distinct from i.stored_id \
                    and o.household_code = i.household_code and (o.valid_to is null or o.valid_to > i.valid_from))",
        },
    ],
    after: Some(|tx, _, _| Box::pin(first_day::settle_party_organizations(tx))),
};
