//! Charter inclusions as a table: what is in force, for cities where it has long been, and for exports (ORG-07).
//!
//! An import goes past the reviews, so it has a permission of its own; the rules of adoption and filing it keeps.

use kernel::Choice;
use kernel::sheet::{Check, Column, Form, Sheet};

use crate::charter_adoption::{AREAS, AREAS_AND_DOCUMENT, CharterDocument, MOST, NOT_BY_OWNERS, NOT_BY_RESIDENTS, NOT_BY_SHAREHOLDERS, NUMBERS};
use crate::charter_inclusion::{ALREADY_IN_FORCE, COMPANY_AND_DOCUMENT, DAYS, IN_FORCE, ON_ITS_WAY, READ, REGISTER};
use crate::charter_inclusion_flow::NO_COMPANY;
use crate::charter_inclusion_steps::NOT_YET;
use crate::code::{NOT_A_COMPOUND_CODE, is_compound_code};
use crate::credit_code::{NOT_A_CREDIT_CODE, is_credit_code};
use crate::{compound, property_company};

/// The only state that files hold.
const PUBLISHED: &[Choice] = &[Choice { word: "published", zh: "已公布" }];

/// Charter inclusions in force as a table. A row is found by compound and document.
pub const SHEET: Sheet = Sheet {
    resource: "charter-inclusions",
    zh: "党建入章",
    table: "charter_inclusion",
    read: READ,
    write: REGISTER,
    columns: &[
        Column::new("compound_code", "小区编码", Form::Code(is_compound_code, &NOT_A_COMPOUND_CODE), "小区。").required(),
        Column::new("document", "文件", Form::Choice(CharterDocument::CHOICES), "小区居民公约、业委会工作规则或物业公司章程。").required(),
        Column::new("company_code", "物业企业代码", Form::Code(is_credit_code, &NOT_A_CREDIT_CODE), "统一社会信用代码;仅物业公司章程填写。"),
        Column::new("clause", "条款内容", Form::Passage(5_000), "党的领导条款全文,最多5000个字符,可分行。").required(),
        Column::new("adopted_on", "通过日期", Form::Date, "居民会议、业主大会或股东会通过之日。").required(),
        Column::new("eligible", "应参加数", Form::Integer(1, MOST), "居民或代表人数、业主人数,或全部表决权。").required(),
        Column::new("attending", "参加数", Form::Integer(0, MOST), "与应参加数同一口径;弃权的计入。").required(),
        Column::new("agreeing", "同意数", Form::Integer(0, MOST), "与应参加数同一口径。").required(),
        Column::new("area_total", "总面积", Form::Area, "平方米;仅业委会工作规则填写。"),
        Column::new("area_participating", "参加表决面积", Form::Area, "平方米;仅业委会工作规则填写。"),
        Column::new("area_agreeing", "同意面积", Form::Area, "平方米;仅业委会工作规则填写。"),
        Column::new("minutes_number", "会议纪要编号", Form::Text(200), "最多200个字符。").required(),
        Column::new("filed_on", "备案日期", Form::Date, "不早于通过日期。").required(),
        Column::new("filed_with", "备案机关", Form::Text(200), "最多200个字符。").required(),
        Column::new("filing_number", "备案编号", Form::Text(200), "最多200个字符。"),
        Column::new("state", "状态", Form::Choice(PUBLISHED), "只导入已公布的;办理中的在流程中登记。").or("'published'"),
        Column::new("valid_from", "公布日期", Form::Date, "生效的第一日;默认为导入生效日期。").or("$on"),
        Column::new("source", "来源系统", Form::Key, "贵方系统的代号,与“来源编号”同时填写。"),
        Column::new("ref", "来源编号", Form::Key, "贵方系统中的编号。"),
    ],
    keys: 2,
    found_by: None,
    key_reusable: true,
    area: "left(i.compound_code, 12)",
    stored_area: "t.area_code",
    links: None,
    from: "charter_inclusion t",
    // What will be revoked on a day ahead is in force until then.
    shown: &[("state", "'published'")],
    looks_up: "left join compound p on p.code = i.compound_code left join property_company c on c.code = i.company_code",
    checks: &[
        Check { column: "compound_code", refusal: &compound::UNKNOWN_HERE, fault: "p.code is null" },
        Check { column: "compound_code", refusal: &compound::ENDED_HERE, fault: "p.valid_to <= i.valid_from" },
        Check { column: "company_code", refusal: &property_company::UNKNOWN_HERE, fault: "i.company_code is not null and c.code is null" },
        Check { column: "company_code", refusal: &property_company::ENDED_HERE, fault: "c.valid_to <= i.valid_from" },
        Check { column: "company_code", refusal: &NO_COMPANY, fault: "i.document = 'company_articles' and i.company_code is null" },
        Check { column: "company_code", refusal: &COMPANY_AND_DOCUMENT, fault: "i.document <> 'company_articles' and i.company_code is not null" },
        Check { column: "agreeing", refusal: &NUMBERS, fault: "i.agreeing > i.attending or i.attending > i.eligible" },
        Check {
            column: "area_total",
            refusal: &AREAS_AND_DOCUMENT,
            fault: "num_nonnulls(i.area_total, i.area_participating, i.area_agreeing) <> case i.document when 'committee_rules' then 3 else 0 end",
        },
        Check { column: "area_agreeing", refusal: &AREAS, fault: "i.area_agreeing > i.area_participating or i.area_participating > i.area_total" },
        // The rules of `CharterAdoption::check`, once more: a file is checked with one query.
        Check {
            column: "agreeing",
            refusal: &NOT_BY_RESIDENTS,
            fault: "i.document = 'residents_convention' and (2 * i.attending <= i.eligible or 2 * i.agreeing <= i.attending)",
        },
        Check {
            column: "agreeing",
            refusal: &NOT_BY_OWNERS,
            fault: "i.document = 'committee_rules' and (3 * i.attending < 2 * i.eligible or 2 * i.agreeing <= i.attending \
                    or 3 * i.area_participating < 2 * i.area_total or 2 * i.area_agreeing <= i.area_participating)",
        },
        Check { column: "agreeing", refusal: &NOT_BY_SHAREHOLDERS, fault: "i.document = 'company_articles' and 3 * i.agreeing < 2 * i.eligible" },
        Check { column: "valid_from", refusal: &DAYS, fault: "i.filed_on < i.adopted_on or i.valid_from < coalesce(i.filed_on, i.adopted_on)" },
        Check { column: "adopted_on", refusal: &NOT_YET, fault: "i.adopted_on > (now() at time zone 'Asia/Shanghai')::date" },
        Check { column: "filed_on", refusal: &NOT_YET, fault: "i.filed_on > (now() at time zone 'Asia/Shanghai')::date" },
        Check { column: "document", refusal: &ON_ITS_WAY, fault: "(i.was).state <> 'published'" },
        // What came through the reviews is not written anew past them; its filing may be put right.
        Check { column: "clause", refusal: &IN_FORCE, fault: "(i.was).state = 'published' and i.clause is distinct from (i.was).clause" },
        Check { column: "company_code", refusal: &IN_FORCE, fault: "(i.was).state = 'published' and i.company_code is distinct from (i.was).company_code" },
        Check {
            column: "adopted_on",
            refusal: &IN_FORCE,
            fault: "(i.was).state = 'published' and (i.adopted_on, i.eligible, i.attending, i.agreeing, i.area_total, i.area_participating, i.area_agreeing, i.minutes_number) \
                    is distinct from ((i.was).adopted_on, (i.was).eligible, (i.was).attending, (i.was).agreeing, (i.was).area_total, (i.was).area_participating, \
                    (i.was).area_agreeing, (i.was).minutes_number)",
        },
        Check { column: "valid_from", refusal: &IN_FORCE, fault: "(i.was).state = 'published' and i.valid_from is distinct from (i.was).valid_from" },
        Check {
            column: "valid_from",
            refusal: &ALREADY_IN_FORCE,
            fault: "exists (select from charter_inclusion o where o.id is distinct from i.stored_id and o.compound_code = i.compound_code \
                    and o.document = i.document and o.valid_from is not null and o.valid_to > i.valid_from)",
        },
    ],
    after: None,
};
