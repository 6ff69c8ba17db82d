//! Posts in party organizations as a table: of each person, organization and role the one that holds; a person is found by
//! his id or number (ORG-06).

use kernel::sheet::{Check, Column, Form, FoundBy, Sheet};

use crate::id_number::ID_NUMBER;
use crate::party_post::{
    AGREED_BEFORE_IT_BEGINS, ALREADY, BEGINS_BEFORE_ORGANIZATION, LINKS, NOT_A_MEMBER, ONE_HEAD, ONE_HUB, ORGANIZATION_ENDED, ORGANIZATION_UNKNOWN, PartyRole,
    READ, ROLE_AND_TIER, WHOSE_HERE, WRITE,
};

/// Posts in party organizations as a table. Exports name a person by his id alone, and a number is looked for among the people
/// of the caller's area ($4) alone.
pub const SHEET: Sheet = Sheet {
    resource: "party-posts",
    zh: "党内任职和中心户党员",
    table: "party_post",
    read: READ,
    write: WRITE,
    columns: &[
        Column::new("organization_code", "党组织代码", Form::Key, "已登记的党组织。").required().private(),
        Column::new("person_id", "人员标识", Form::Reference, "人员导出文件中的标识;也可只填证件号码。")
            .or("(select p.id from person p where p.id_number_hash = decode(r.id_number, 'hex') and p.merged_into is null \
                 and p.area_code ^@ any ($4))"),
        Column::new("id_number", "证件号码", Form::Sought(&ID_NUMBER), "居民身份证号码,仅用于查找已登记的人员,不保存;已填人员标识时可不填。"),
        Column::new("role", "职务", Form::Choice(PartyRole::CHOICES), "除列席人员外须为在册党员;“党员”即所属党员中心户。").required().private(),
        Column::new("agreed_to", "任期届满日期", Form::Date, "约定任期后的第一日。").private(),
        Column::new("appointed_by", "任职依据", Form::Text(200), "任命文件或选举会议。").private(),
        Column::new("valid_from", "任职起始日期", Form::Date, "默认为导入生效日期。").or("$on").private(),
        Column::new("source", "来源系统", Form::Key, "贵方系统的代号,与“来源编号”同时填写。"),
        Column::new("ref", "来源编号", Form::Key, "贵方系统中的编号。"),
    ],
    keys: 1,
    found_by: Some(FoundBy {
        // A post out of reach is not found: a row that would change it would be refused in other words than a new one, and so tell of it.
        id: "(select m.id from party_post m where m.valid_to is null and m.organization_code = r.organization_code and m.role = r.role \
             and exists (select from party_organization o where o.code = r.organization_code and o.area_code ^@ any ($4)) \
             and m.person_id = coalesce(r.person_id::uuid, \
             (select p.id from person p where p.id_number_hash = decode(r.id_number, 'hex') and p.merged_into is null \
             and p.area_code ^@ any ($4))))",
        within: &[],
        // One person may stand on several lines; a check finds the same post twice.
        columns: &[],
    }),
    key_reusable: true,
    // Any area of the caller's: whether organization and person are within reach is for the checks below, which have one sentence for
    // what is elsewhere and what there is not. By the organization's own area the general rule would say it a second time under
    // another code; and as posts are seen by links, it passes over a row that says what is stored, so alone it would tell whoever
    // guesses who holds which post elsewhere.
    area: "($4)[1]",
    stored_area: "(select o.area_code from party_organization o where o.code = t.organization_code)",
    from: "party_post t",
    links: Some(LINKS),
    shown: &[("id_number", "null::text")],
    // What is not within reach is not looked at: no rule may tell anything about it.
    looks_up: "left join party_organization g on g.code = i.organization_code and g.area_code ^@ any ($4) \
               left join person w on w.id = i.person_id and w.merged_into is null and w.area_code ^@ any ($4) \
               left join (select organization_code, person_id, role, min(n) as n from i group by organization_code, person_id, role) same \
               on w.id is not null and same.organization_code = i.organization_code and same.person_id = i.person_id and same.role = i.role \
               left join (select organization_code, min(n) as n from i where role in ('secretary', 'leader') group by organization_code) head \
               on w.id is not null and head.organization_code = i.organization_code \
               left join (select person_id, min(n) as n from i where role = 'member' group by person_id) hub \
               on w.id is not null and hub.person_id = i.person_id",
    checks: &[
        Check { column: "organization_code", refusal: &ORGANIZATION_UNKNOWN, fault: "g.code is null" },
        Check { column: "organization_code", refusal: &ORGANIZATION_ENDED, fault: "g.valid_to is not null" },
        Check { column: "valid_from", refusal: &BEGINS_BEFORE_ORGANIZATION, fault: "g.valid_from > i.valid_from" },
        Check { column: "person_id", refusal: &WHOSE_HERE, fault: "w.id is null" },
        Check {
            column: "role",
            refusal: &ROLE_AND_TIER,
            fault: "i.role <> 'observer' and g.tier <> all (case i.role when 'member' then array['hub_household'] \
                    when 'leader' then array['building_group', 'hub_household'] else array['compound', 'industry_committee', 'industry_branch'] end)",
        },
        Check {
            column: "person_id",
            refusal: &NOT_A_MEMBER,
            fault: "i.role <> 'observer' and w.id is not null and ((select range_agg(daterange(m.valid_from, m.valid_to)) from party_membership m \
                    where m.person_id = w.id) @> daterange(i.valid_from, null)) is not true",
        },
        Check { column: "agreed_to", refusal: &AGREED_BEFORE_IT_BEGINS, fault: "i.agreed_to <= i.valid_from" },
        Check {
            column: "role",
            refusal: &ALREADY,
            fault: "same.n < i.n or exists (select from party_post o where o.id is distinct from i.stored_id and o.organization_code = g.code \
                    and o.person_id = w.id and o.role = i.role and (o.valid_to is null or o.valid_to > i.valid_from))",
        },
        Check {
            column: "role",
            refusal: &ONE_HEAD,
            // The same post twice is a fault of its own.
            fault: "i.role in ('secretary', 'leader') and (head.n < i.n and same.n = i.n \
                    or exists (select from party_post o where o.id is distinct from i.stored_id and o.organization_code = g.code \
                    and o.role in ('secretary', 'leader') and o.person_id <> w.id and (o.valid_to is null or o.valid_to > i.valid_from)))",
        },
        Check {
            column: "person_id",
            refusal: &ONE_HUB,
            fault: "i.role = 'member' and (hub.n < i.n and same.n = i.n or exists (select from party_post o where o.id is distinct from i.stored_id \
                    and o.person_id = w.id and o.role = 'member' and o.organization_code <> g.code and (o.valid_to is null or o.valid_to > i.valid_from)))",
        },
    ],
    after: None,
};
