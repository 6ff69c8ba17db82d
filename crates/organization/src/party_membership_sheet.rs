//! Party memberships as a table: of each person the one that holds, found by the person's id or number; a number is looked for
//! among the people of the caller's area ($4) alone.

use kernel::sheet::{Check, Column, Form, FoundBy, Sheet};

use crate::id_number::ID_NUMBER;
use crate::party_membership::{FROM_BEFORE_JOINED, FULL_BEFORE_JOINED, ONE_HERE, READ, WRITE};
use crate::party_standing;

/// Party memberships as a table.
pub const SHEET: Sheet = Sheet {
    resource: "party-memberships",
    zh: "党员身份",
    table: "party_membership",
    read: READ,
    write: WRITE,
    columns: &[
        Column::new("person_id", "人员标识", Form::Reference, "人员导出文件中的标识;也可只填证件号码。")
            .or("(select p.id from person p where p.id_number_hash = decode(r.id_number, 'hex') and p.merged_into is null \
                 and p.area_code ^@ any ($4))"),
        Column::new("id_number", "证件号码", Form::Sought(&ID_NUMBER), "居民身份证号码,仅用于查找已登记的人员,不保存;已填人员标识时可不填。"),
        Column::new("organization", "组织关系所在党组织", Form::Text(60), "党组织名称。").required().private(),
        Column::new("joined_on", "入党日期", Form::Date, "成为预备党员的日期。").required().private(),
        Column::new("full_on", "转正日期", Form::Date, "预备党员留空。").private(),
        Column::new("valid_from", "组织关系起始日期", Form::Date, "默认为入党日期。").or("r.joined_on::date").private(),
        Column::new("source", "来源系统", Form::Key, "贵方系统的代号,与“来源编号”同时填写。"),
        Column::new("ref", "来源编号", Form::Key, "贵方系统中的编号。"),
    ],
    keys: 1,
    found_by: Some(FoundBy {
        id: "(select m.id from party_membership m where m.valid_to is null and m.person_id = coalesce(r.person_id::uuid, \
             (select p.id from person p where p.id_number_hash = decode(r.id_number, 'hex') and p.merged_into is null \
             and p.area_code ^@ any ($4))))",
        within: &[],
        columns: &["person_id", "id_number"],
    }),
    key_reusable: true,
    area: "(select p.area_code from person p where p.id = i.person_id)",
    stored_area: "(select p.area_code from person p where p.id = t.person_id)",
    from: "party_membership t join person p on p.id = t.person_id",
    links: None,
    shown: &[("id_number", "encode(p.id_number, 'hex')")],
    looks_up: "left join (select person_id, min(n) as n from i group by person_id) first on first.person_id = i.person_id",
    checks: &[
        Check { column: "full_on", refusal: &FULL_BEFORE_JOINED, fault: "i.full_on < i.joined_on" },
        Check { column: "valid_from", refusal: &FROM_BEFORE_JOINED, fault: "i.valid_from < i.joined_on" },
        Check {
            column: "valid_from",
            refusal: &ONE_HERE,
            fault: "exists (select from party_membership m where m.person_id = i.person_id and m.id is distinct from i.stored_id \
                    and (m.valid_to is null or m.valid_to > i.valid_from)) or first.n < i.n",
        },
        Check {
            column: "valid_from",
            refusal: &party_standing::HAS_POSTS,
            fault: "i.valid_from > (i.was).valid_from and exists (select from party_post o where o.person_id = i.person_id and o.role <> 'observer' \
                    and (o.valid_to is null or o.valid_to > (now() at time zone 'Asia/Shanghai')::date) \
                    and ((select range_agg(case when m.id = i.stored_id then daterange(i.valid_from, null) else daterange(m.valid_from, m.valid_to) end) \
                    from party_membership m where m.person_id = i.person_id) @> daterange(o.valid_from, o.valid_to)) is not true)",
        },
    ],
    after: Some(|tx, ids, _| Box::pin(party_standing::settle(tx, ids))),
};
