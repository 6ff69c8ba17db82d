//! Members of governance bodies as a table: found by body and person, for imports and exports (ORG-14).

use kernel::sheet::{Check, Column, Form, FoundBy, Sheet};

use crate::code::{NOT_A_COMPOUND_CODE, is_compound_code};
use crate::governance_body::{BodyKind, READ, UNKNOWN_HERE, WRITE};
use crate::governance_body_member::{BEFORE_THE_BODY, BodyRole, ONE_DIRECTOR, WHO_HERE};
use crate::id_number::ID_NUMBER;

/// Members of governance bodies as a table. Exports name a person by his id alone, and a number is looked for among the people
/// of the caller's area ($4) alone: whoever may write who sits in a body may not see everybody.
pub const SHEET: Sheet = Sheet {
    resource: "governance-body-members",
    zh: "治理机构成员",
    table: "governance_body_member",
    read: READ,
    write: WRITE,
    columns: &[
        Column::new("compound_code", "小区编码", Form::Code(is_compound_code, &NOT_A_COMPOUND_CODE), "机构所在小区。").required(),
        Column::new("body_kind", "机构类型", Form::Choice(BodyKind::CHOICES), "业主委员会、物业管理委员会、党群议事会或业主大会筹备组。").required(),
        Column::new("governance_body_id", "机构标识", Form::Reference, "导出文件中的标识;也可只填小区编码和机构类型。")
            .or("(select b.id from governance_body b where b.compound_code = r.compound_code and b.kind = r.body_kind and b.valid_to is null)"),
        Column::new("person_id", "人员标识", Form::Reference, "人员导出文件中的标识;也可只填证件号码。")
            .or("(select p.id from person p where p.id_number_hash = decode(r.id_number, 'hex') and p.merged_into is null \
                 and p.area_code ^@ any ($4))"),
        Column::new("id_number", "证件号码", Form::Sought(&ID_NUMBER), "居民身份证号码,仅用于查找已登记的人员,不保存;已填人员标识时可不填。"),
        Column::new("role", "职务", Form::Choice(BodyRole::CHOICES), "主任、副主任或委员。").required(),
        Column::new("chosen_by", "产生依据", Form::Text(200), "选举或任命的会议、文件。"),
        Column::new("valid_from", "任职起始日期", Form::Date, "默认为机构成立日期。")
            .or("(select b.valid_from from governance_body b where b.compound_code = r.compound_code and b.kind = r.body_kind and b.valid_to is null)"),
        Column::new("source", "来源系统", Form::Key, "贵方系统的代号,与“来源编号”同时填写。"),
        Column::new("ref", "来源编号", Form::Key, "贵方系统中的编号。"),
    ],
    keys: 2,
    found_by: Some(FoundBy {
        id: "(select m.id from governance_body_member m where m.valid_to is null and m.compound_code = r.compound_code and m.body_kind = r.body_kind \
             and m.person_id = coalesce(r.person_id::uuid, (select p.id from person p \
             where p.id_number_hash = decode(r.id_number, 'hex') and p.merged_into is null and p.area_code ^@ any ($4))))",
        within: &["compound_code", "body_kind"],
        columns: &["person_id", "id_number"],
    }),
    key_reusable: true,
    area: "left(i.compound_code, 12)",
    stored_area: "t.area_code",
    links: None,
    from: "governance_body_member t",
    shown: &[("id_number", "null::text")],
    looks_up: "left join governance_body b on b.id = i.governance_body_id and b.compound_code = i.compound_code and b.kind = i.body_kind \
               left join (select compound_code, body_kind, min(n) as n from i where role = 'director' group by compound_code, body_kind) d \
               on d.compound_code = i.compound_code and d.body_kind = i.body_kind",
    checks: &[
        Check { column: "body_kind", refusal: &UNKNOWN_HERE, fault: "b.id is null or b.valid_to is not null" },
        Check {
            column: "id_number",
            refusal: &WHO_HERE,
            // Who sits in it already may have moved out of reach.
            fault: "i.person_id is null or (i.stored_id is null and not exists (select from person p where p.id = i.person_id \
                    and p.merged_into is null and p.area_code ^@ any ($4)))",
        },
        Check { column: "valid_from", refusal: &BEFORE_THE_BODY, fault: "i.valid_from < b.valid_from" },
        Check {
            column: "role",
            refusal: &ONE_DIRECTOR,
            fault: "i.role = 'director' and (d.n < i.n or exists (select from governance_body_member o where o.id is distinct from i.stored_id \
                    and o.governance_body_id = i.governance_body_id and o.role = 'director' and (o.valid_to is null or o.valid_to > i.valid_from) \
                    and not exists (select from i other where other.stored_id = o.id and other.role <> 'director')))",
        },
        Check {
            column: "valid_from",
            refusal: &crate::governance_body_member::ALREADY,
            fault: "exists (select from governance_body_member o where o.id is distinct from i.stored_id and o.governance_body_id = i.governance_body_id \
                    and o.person_id = i.person_id and (o.valid_to is null or o.valid_to > i.valid_from))",
        },
    ],
    after: None,
};
