//! Ownerships as a table: of each dwelling the owners of the day, found by the code of the dwelling and the person's id or
//! number, or the name of the organization (ORG-08).

use kernel::sheet::{Check, Column, Form, FoundBy, Sheet};

use crate::code::{NOT_A_DWELLING_CODE, is_dwelling_code};
use crate::credit_code::{NOT_A_CREDIT_CODE, is_credit_code};
use crate::id_number::ID_NUMBER;
use crate::ownership::{ALREADY, BAD_SHARE, CODE_WITHOUT_NAME, MORE_THAN_WHOLE_HERE, ONE_OWNER_HERE, ONE_REPRESENTATIVE, READ, TOO_FINE, WRITE};
use crate::{dwelling, ownership_entry, person};

/// Ownerships as a table. Exports name a person by his id alone: whoever may see who owns a dwelling may not see everybody. For
/// the same reason a number is looked for among the people of the caller's area ($4) alone.
pub const SHEET: Sheet = Sheet {
    resource: "ownerships",
    zh: "所有权",
    table: "ownership",
    read: READ,
    write: WRITE,
    columns: &[
        Column::new("dwelling_code", "房屋编码", Form::Code(is_dwelling_code, &NOT_A_DWELLING_CODE), "已登记的房屋。").required(),
        Column::new("person_id", "人员标识", Form::Reference, "业主为个人的填写;也可只填证件号码。")
            .or("(select p.id from person p where p.id_number_hash = decode(r.id_number, 'hex') and p.merged_into is null \
                 and p.area_code ^@ any ($4))"),
        Column::new("id_number", "证件号码", Form::Sought(&ID_NUMBER), "居民身份证号码,仅用于查找已登记的人员,不保存;已填人员标识时可不填。"),
        Column::new("organization_name", "单位名称", Form::Text(200), "业主为单位的填写,与人员不同时填写。"),
        Column::new("organization_code", "单位代码", Form::Code(is_credit_code, &NOT_A_CREDIT_CODE), "单位的统一社会信用代码,可不填。"),
        Column::new("share_numerator", "份额分子", Form::Integer(1, 10_000), "默认为1。").or("1").private(),
        Column::new("share_denominator", "份额分母", Form::Integer(1, 10_000), "默认为1;如各占一半,分子填1,分母填2。").or("1").private(),
        Column::new("voting_representative", "表决权代表", Form::Flag, "共有的房屋由谁代表表决;默认为否。").or("false"),
        Column::new("valid_from", "取得日期", Form::Date, "默认为导入生效日期。").or("$on"),
        Column::new("source", "来源系统", Form::Key, "贵方系统的代号,与“来源编号”同时填写。"),
        Column::new("ref", "来源编号", Form::Key, "贵方系统中的编号。"),
    ],
    keys: 1,
    found_by: Some(FoundBy {
        id: "(select o.id from ownership o where o.dwelling_code = r.dwelling_code and o.valid_to is null and (o.organization_name = r.organization_name \
             or o.person_id = coalesce(r.person_id::uuid, \
             (select p.id from person p where p.id_number_hash = decode(r.id_number, 'hex') and p.merged_into is null \
                 and p.area_code ^@ any ($4)))) limit 1)",
        within: &[],
        // A person has several dwellings and a dwelling several owners: which two rows are one is checked below.
        columns: &[],
    }),
    key_reusable: true,
    area: "left(i.dwelling_code, 12)",
    stored_area: "t.area_code",
    links: None,
    from: "ownership t",
    shown: &[("id_number", "null::text")],
    // The shares are added up for each row: its own, those of rows before it, and those that are stored and that no row of the
    // file is about, on each day on which one of them begins. Whole parts of 1e60 of a share are exact for as many
    // denominators as a dwelling can have owners; beyond 38 digits of the common one, what is entered singly could not be added up.
    looks_up: "left join dwelling d on d.code = i.dwelling_code left join person p on p.id = i.person_id \
               left join (select dwelling_code, person_id, organization_name, min(n) as n from i group by 1, 2, 3) first \
                   on first.dwelling_code = i.dwelling_code and first.person_id is not distinct from i.person_id \
                   and first.organization_name is not distinct from i.organization_name \
               left join (select dwelling_code, min(n) as n from i where voting_representative group by 1) voter on voter.dwelling_code = i.dwelling_code \
               left join (with part as (\
                       select o.id, o.dwelling_code, 0 as n, o.valid_from, o.valid_to, div(o.share_numerator * 1e60, o.share_denominator) as share, \
                           o.share_denominator / gcd(o.share_numerator, o.share_denominator) as denominator \
                       from ownership o where o.dwelling_code in (select dwelling_code from i) and o.id not in (select stored_id from i where stored_id is not null) \
                       union all \
                       select id, dwelling_code, n, valid_from, null, div(share_numerator * 1e60, share_denominator), \
                           share_denominator / gcd(share_numerator, share_denominator) from i) \
                   select n, bool_or(more) as more, bool_or(fine) as fine from (\
                   select mine.n, sum(held.share) > 1e60 as more, lcm_of(held.denominator) > 1e38 as fine from part mine \
                   join part begun on begun.dwelling_code = mine.dwelling_code and begun.n <= mine.n and begun.valid_from >= mine.valid_from \
                   join part held on held.dwelling_code = mine.dwelling_code and held.n <= mine.n and held.valid_from <= begun.valid_from \
                       and (held.valid_to is null or held.valid_to > begun.valid_from) \
                   where mine.n > 0 group by mine.n, begun.id) days group by n having bool_or(more) or bool_or(fine)) beyond on beyond.n = i.n",
    checks: &[
        Check { column: "dwelling_code", refusal: &dwelling::UNKNOWN_HERE, fault: "d.code is null" },
        Check { column: "dwelling_code", refusal: &dwelling::ENDED_HERE, fault: "d.valid_to is not null and (i.stored_id is null or i.differs)" },
        Check {
            column: "person_id",
            refusal: &ONE_OWNER_HERE,
            fault: "(i.person_id is null) = (i.organization_name is null) or (i.person_id is not null and i.person_id is distinct from (i.was).person_id \
                    and (p.area_code ^@ any ($4)) is not true)",
        },
        Check { column: "person_id", refusal: &person::MERGED_HERE, fault: "p.merged_into is not null and p.area_code ^@ any ($4)" },
        Check { column: "organization_code", refusal: &CODE_WITHOUT_NAME, fault: "i.organization_code is not null and i.organization_name is null" },
        Check { column: "share_numerator", refusal: &BAD_SHARE, fault: "i.share_numerator > i.share_denominator" },
        Check {
            column: "dwelling_code",
            refusal: &ALREADY,
            fault: "exists (select from ownership o where o.dwelling_code = i.dwelling_code and o.id is distinct from i.stored_id \
                    and (o.person_id = i.person_id or o.organization_name = i.organization_name) and (o.valid_to is null or o.valid_to > i.valid_from)) \
                    or first.n < i.n",
        },
        Check { column: "share_numerator", refusal: &MORE_THAN_WHOLE_HERE, fault: "beyond.more" },
        Check { column: "share_denominator", refusal: &TOO_FINE, fault: "beyond.fine and (i.stored_id is null or i.differs)" },
        Check {
            column: "voting_representative",
            refusal: &ONE_REPRESENTATIVE,
            fault: "i.voting_representative and (voter.n < i.n or exists (select from ownership o where o.dwelling_code = i.dwelling_code \
                    and o.voting_representative and o.id is distinct from i.stored_id and (o.valid_to is null or o.valid_to > i.valid_from) \
                    and not exists (select from i j where j.stored_id = o.id and not j.voting_representative)))",
        },
    ],
    after: Some(|tx, ids, _| Box::pin(ownership_entry::settle(tx, ids))),
};
