//! Cross appointments as a table: who is in office, for cities where they have long been, and for exports (ORG-08, ORG-09).
//!
//! An import goes past the reviews, so it has a permission of its own. What makes somebody eligible it asks of the first day in
//! office; the rules of the election it keeps. It makes nobody a member: seat and post come in before, each in a file of its own.

use kernel::sheet::{Check, Column, Form, FoundBy, Sheet};
use kernel::{Choice, Refusal};

use crate::charter_adoption::MOST;
use crate::code::{NOT_A_COMPOUND_CODE, is_compound_code};
use crate::compound;
use crate::cross_appointment::{ALREADY, CRITERIA_AND_DIRECTION, DAYS, READ, REGISTER};
use crate::cross_appointment_election::{AREAS, NOT_BY_OWNERS, NUMBERS};
use crate::cross_appointment_facts::{NOT_HIS_POST, NOT_HIS_SEAT};
use crate::cross_appointment_flow::{CrossDirection, CrossEndCause, NO_CRITERIA, NOT_AN_OWNER, NOT_THE_MANAGER, NOT_THE_SECRETARY};
use crate::cross_appointment_steps::NOT_YET;
use crate::id_number::ID_NUMBER;

/// Nobody of this number or id.
pub const WHO_HERE: Refusal = Refusal::invalid(
    "cross_appointment.who",
    "找不到该人员,或其不在您的区域内;请先登记人员,再填写其证件号码或人员标识。",
    "Nobody is found, or he is not in your area; enter the person first, then give his number or id.",
);
/// A state of the other way.
pub const STATE_AND_DIRECTION: Refusal = Refusal::invalid(
    "cross_appointment.state_and_direction",
    "书记推选为主任的状态为当选主任或已备案,物业负责人进入党组织的状态为已任职。",
    "A secretary who directs is elected_director or filed, a manager with a post is appointed.",
);
/// One that is on its way.
pub const ON_ITS_WAY: Refusal = Refusal::conflict(
    "cross_appointment.on_its_way",
    "该人员在该小区同一方向的双向进入正在办理,不能导入;请在流程中办理,或先撤回。",
    "A cross appointment of his of this direction is on its way in the compound, so it is not imported; take it through its steps, or withdraw it first.",
);
/// A file that ends one, or changes one whose end is set.
pub const ENDED_IN_STEPS: Refusal = Refusal::invalid(
    "cross_appointment.ended_in_steps",
    "文件只登记在任的;终止请在流程中办理,已终止或已定终止日期的不能再用文件更改。",
    "A file holds who is in office; an end is entered by its own step, and what has its end is no longer changed by a file.",
);
/// Columns of the other way.
pub const COLUMNS_AND_DIRECTION: Refusal = Refusal::invalid(
    "cross_appointment.columns_and_direction",
    "选举、备案和主任席位只属于书记推选为主任,批准和党内任职只属于物业负责人进入党组织;请清空另一方向的列。",
    "Election, filing and seat belong to secretaries, approval and post to managers; empty the columns of the other way.",
);
/// A director without the record of his election.
pub const NO_RECORD: Refusal = Refusal::invalid(
    "cross_appointment.no_record",
    "书记推选为主任须填写业主大会纪要、当选日期及全部人数和面积。",
    "Of a secretary, give the minutes of the owners' assembly, the day, and all its numbers of heads and areas.",
);
/// Filed without a filing, or the other way round.
pub const NO_FILING: Refusal = Refusal::invalid(
    "cross_appointment.no_filing",
    "已备案的须填写备案日期、备案机关和备案编号;当选主任尚未备案的三项均不填。",
    "What is filed has a day, an office and a number of its filing; what is not yet filed has none of them.",
);
/// A manager without the approval.
pub const NO_APPROVAL: Refusal = Refusal::invalid(
    "cross_appointment.no_approval",
    "物业负责人进入党组织须填写上级党组织的批准文件和批准日期。",
    "Of a manager, give the approval of the upper party organization and its day.",
);
/// Another first day than that of the seat or the post.
pub const FIRST_DAY: Refusal = Refusal::invalid(
    "cross_appointment.first_day",
    "任职起始日期须与其主任席位或党内任职的起始日期相同。",
    "The first day in office is the first day in the seat or the post.",
);

/// The states that files hold; what will end on a day ahead stands in exports alone.
const IN_OFFICE: &[Choice] = &[
    Choice { word: "elected_director", zh: "当选主任" },
    Choice { word: "filed", zh: "已备案" },
    Choice { word: "appointed", zh: "已任职" },
    Choice { word: "ended", zh: "已终止" },
];

/// Cross appointments in office as a table. A row is found by compound, direction and person; who has his end ahead is found
/// too, so that what exports write comes in again. A number is looked for among the people of the caller's area ($4) alone.
pub const SHEET: Sheet = Sheet {
    resource: "cross-appointments",
    zh: "双向进入",
    table: "cross_appointment",
    read: READ,
    write: REGISTER,
    columns: &[
        Column::new("compound_code", "小区编码", Form::Code(is_compound_code, &NOT_A_COMPOUND_CODE), "小区。").required(),
        Column::new("direction", "方向", Form::Choice(CrossDirection::CHOICES), "书记推选为业委会主任,或物业负责人进入小区党组织。").required(),
        Column::new("person_id", "人员标识", Form::Reference, "人员导出文件中的标识;也可只填证件号码。")
            .or("(select p.id from person p where p.id_number_hash = decode(r.id_number, 'hex') and p.merged_into is null \
                 and p.area_code ^@ any ($4))"),
        Column::new("id_number", "证件号码", Form::Sought(&ID_NUMBER), "居民身份证号码,仅用于查找已登记的人员,不保存;已填人员标识时可不填。"),
        Column::new("state", "状态", Form::Choice(IN_OFFICE), "当选主任、已备案或已任职;默认按备案日期和方向确定;办理中的在流程中登记。")
            .or("case when r.direction = 'manager_to_party' then 'appointed' when r.filed_on is null then 'elected_director' else 'filed' end"),
        Column::new("valid_from", "任职起始日期", Form::Date, "与主任席位或党内任职的起始日期相同。").required(),
        Column::new("assembly", "业主大会纪要", Form::Text(200), "仅书记推选为主任填写。"),
        Column::new("elected_on", "当选日期", Form::Date, "仅书记推选为主任填写。"),
        Column::new("eligible", "业主人数", Form::Integer(1, MOST), "仅书记推选为主任填写。"),
        Column::new("attending", "参加人数", Form::Integer(0, MOST), "弃权的计入。"),
        Column::new("agreeing", "同意人数", Form::Integer(0, MOST), "同意其当选的业主人数。"),
        Column::new("area_total", "总面积", Form::Area, "平方米,专有部分。"),
        Column::new("area_participating", "参加表决面积", Form::Area, "平方米,专有部分。"),
        Column::new("area_agreeing", "同意面积", Form::Area, "平方米,专有部分。"),
        Column::new("governance_body_member_id", "主任席位标识", Form::Reference, "治理机构成员的标识;可不填,取该小区业委会的在任主任席位。")
            .or("(select m.id from governance_body_member m where r.direction = 'secretary_to_director' and m.compound_code = r.compound_code \
                 and m.body_kind = 'owners_committee' and m.role = 'director' and m.valid_to is null limit 1)"),
        Column::new("filed_on", "备案日期", Form::Date, "不早于当选日期;尚未备案的不填。"),
        Column::new("filed_with", "备案机关", Form::Text(200), "最多200个字符。"),
        Column::new("filing_number", "备案编号", Form::Text(200), "最多200个字符。"),
        Column::new("political_awareness", "政治觉悟", Form::Passage(5_000), "仅物业负责人进入党组织填写。").private(),
        Column::new("service_ability", "服务能力", Form::Passage(5_000), "仅物业负责人进入党组织填写。").private(),
        Column::new("approved_by", "批准文件", Form::Text(200), "上级党组织及其文号;仅物业负责人进入党组织填写。"),
        Column::new("approved_on", "批准日期", Form::Date, "仅物业负责人进入党组织填写。"),
        Column::new("party_post_id", "党内任职标识", Form::Reference, "党内任职的标识;可不填,取该人员在该小区党组织自任职起始日期起的任职。").or(
            "(select y.id from party_post y join party_organization g on g.code = y.organization_code and g.tier = 'compound' \
                 where r.direction = 'manager_to_party' and g.compound_code = r.compound_code and y.role <> 'observer' and y.valid_to is null \
                 and y.valid_from = r.valid_from::date and y.person_id = coalesce(r.person_id::uuid, (select p.id from person p \
                 where p.id_number_hash = decode(r.id_number, 'hex') and p.merged_into is null and p.area_code ^@ any ($4))) order by y.id limit 1)",
        ),
        Column::new("end_cause", "终止原因", Form::Choice(CrossEndCause::CHOICES), "仅导出:已定终止日期的。"),
        Column::new("valid_to", "终止日期", Form::Date, "仅导出:已定终止日期的。"),
        Column::new("source", "来源系统", Form::Key, "贵方系统的代号,与“来源编号”同时填写。"),
        Column::new("ref", "来源编号", Form::Key, "贵方系统中的编号。"),
    ],
    keys: 2,
    found_by: Some(FoundBy {
        id: "(select c.id from cross_appointment c where c.compound_code = r.compound_code and c.direction = r.direction and c.area_code ^@ any ($4) \
             and (c.valid_to is null or c.valid_to > (now() at time zone 'Asia/Shanghai')::date) \
             and c.person_id = coalesce(r.person_id::uuid, (select p.id from person p where p.id_number_hash = decode(r.id_number, 'hex') \
             and p.merged_into is null and p.area_code ^@ any ($4))) order by c.valid_from limit 1)",
        within: &[],
        // Several people of a compound may cross; a check finds the same one twice.
        columns: &[],
    }),
    key_reusable: false,
    area: "left(i.compound_code, 12)",
    stored_area: "t.area_code",
    links: None,
    from: "cross_appointment t",
    shown: &[("id_number", "null::text")],
    // A seat or a post that is not his is none; what lies elsewhere is not looked at, so that no rule tells anything about it.
    looks_up: "left join compound p on p.code = i.compound_code \
               left join person w on w.id = i.person_id and w.merged_into is null and w.area_code ^@ any ($4) and i.compound_code ^@ any ($4) \
               left join governance_body_member s on s.id = i.governance_body_member_id and s.compound_code = i.compound_code \
               and s.person_id = i.person_id and s.body_kind = 'owners_committee' and s.role = 'director' and s.area_code ^@ any ($4) \
               left join (party_post y join party_organization g on g.code = y.organization_code and g.tier = 'compound') on y.id = i.party_post_id \
               and g.compound_code = i.compound_code and y.person_id = i.person_id and y.role <> 'observer' and g.area_code ^@ any ($4) \
               left join (select compound_code, direction, person_id, min(n) as n from i group by compound_code, direction, person_id) same \
               on same.compound_code = i.compound_code and same.direction = i.direction and same.person_id = i.person_id",
    checks: &[
        Check { column: "compound_code", refusal: &compound::UNKNOWN_HERE, fault: "p.code is null" },
        Check { column: "compound_code", refusal: &compound::ENDED_HERE, fault: "(i.stored_id is null or i.differs) and p.valid_to <= i.valid_from" },
        Check {
            column: "person_id",
            refusal: &WHO_HERE,
            // Who is in office already may have moved out of reach.
            fault: "i.person_id is null or (i.stored_id is null and not exists (select from person x where x.id = i.person_id \
                    and x.merged_into is null and x.area_code ^@ any ($4)))",
        },
        Check { column: "state", refusal: &STATE_AND_DIRECTION, fault: "i.state <> 'ended' and (i.direction = 'manager_to_party') <> (i.state = 'appointed')" },
        Check { column: "person_id", refusal: &ON_ITS_WAY, fault: "(i.was).state not in ('elected_director', 'filed', 'appointed', 'ended')" },
        Check {
            column: "state",
            refusal: &ENDED_IN_STEPS,
            fault: "(i.stored_id is null or i.differs) and (i.state = 'ended' or num_nonnulls(i.valid_to, i.end_cause) > 0 or (i.was).state = 'ended')",
        },
        Check {
            column: "direction",
            refusal: &COLUMNS_AND_DIRECTION,
            fault: "case i.direction when 'manager_to_party' then num_nonnulls(i.assembly, i.elected_on, i.eligible, i.attending, i.agreeing, i.area_total, \
                    i.area_participating, i.area_agreeing, i.governance_body_member_id, i.filed_on, i.filed_with, i.filing_number) > 0 \
                    else num_nonnulls(i.approved_by, i.approved_on, i.party_post_id) > 0 end",
        },
        Check {
            column: "assembly",
            refusal: &NO_RECORD,
            fault: "i.direction = 'secretary_to_director' and num_nulls(i.assembly, i.elected_on, i.eligible, i.attending, i.agreeing, i.area_total, \
                    i.area_participating, i.area_agreeing) > 0",
        },
        Check { column: "agreeing", refusal: &NUMBERS, fault: "i.agreeing > i.attending or i.attending > i.eligible" },
        Check { column: "area_agreeing", refusal: &AREAS, fault: "i.area_agreeing > i.area_participating or i.area_participating > i.area_total" },
        // The rule of `AssemblyElection::check`, once more: a file is checked with one query.
        Check {
            column: "agreeing",
            refusal: &NOT_BY_OWNERS,
            fault: "3 * i.attending < 2 * i.eligible or 2 * i.agreeing <= i.attending \
                    or 3 * i.area_participating < 2 * i.area_total or 2 * i.area_agreeing <= i.area_participating",
        },
        Check {
            column: "filed_on",
            refusal: &NO_FILING,
            fault: "case i.state when 'filed' then num_nulls(i.filed_on, i.filed_with, i.filing_number) > 0 \
                    when 'elected_director' then num_nonnulls(i.filed_on, i.filed_with, i.filing_number) > 0 else false end",
        },
        Check { column: "approved_on", refusal: &NO_APPROVAL, fault: "i.direction = 'manager_to_party' and num_nulls(i.approved_by, i.approved_on) > 0" },
        Check {
            column: "political_awareness",
            refusal: &NO_CRITERIA,
            fault: "i.direction = 'manager_to_party' and num_nulls(i.political_awareness, i.service_ability) > 0",
        },
        Check {
            column: "political_awareness",
            refusal: &CRITERIA_AND_DIRECTION,
            fault: "i.direction = 'secretary_to_director' and num_nonnulls(i.political_awareness, i.service_ability) > 0",
        },
        Check { column: "valid_from", refusal: &DAYS, fault: "i.filed_on < i.elected_on or i.valid_from < coalesce(i.elected_on, i.approved_on)" },
        Check { column: "elected_on", refusal: &NOT_YET, fault: "i.elected_on > (now() at time zone 'Asia/Shanghai')::date" },
        Check { column: "filed_on", refusal: &NOT_YET, fault: "i.filed_on > (now() at time zone 'Asia/Shanghai')::date" },
        Check { column: "approved_on", refusal: &NOT_YET, fault: "i.approved_on > (now() at time zone 'Asia/Shanghai')::date" },
        Check { column: "valid_from", refusal: &NOT_YET, fault: "i.valid_from > (now() at time zone 'Asia/Shanghai')::date" },
        Check {
            column: "governance_body_member_id",
            refusal: &NOT_HIS_SEAT,
            // What is linked stays linked, whatever became of the seat since.
            fault: "i.direction = 'secretary_to_director' \
                    and (i.stored_id is null or i.governance_body_member_id is distinct from (i.was).governance_body_member_id) \
                    and (s.id is null or s.valid_to <= (now() at time zone 'Asia/Shanghai')::date)",
        },
        Check {
            column: "party_post_id",
            refusal: &NOT_HIS_POST,
            fault: "i.direction = 'manager_to_party' and (i.stored_id is null or i.party_post_id is distinct from (i.was).party_post_id) \
                    and (y.id is null or y.valid_to <= (now() at time zone 'Asia/Shanghai')::date)",
        },
        Check {
            column: "valid_from",
            refusal: &FIRST_DAY,
            fault: "(i.stored_id is null or i.valid_from <> (i.was).valid_from) and coalesce(s.valid_from, y.valid_from) <> i.valid_from",
        },
        Check {
            column: "person_id",
            refusal: &NOT_THE_SECRETARY,
            fault: "i.direction = 'secretary_to_director' and i.stored_id is null and w.id is not null and not exists (select from party_post x \
                    join party_organization z on z.code = x.organization_code where z.compound_code = i.compound_code and z.tier = 'compound' \
                    and x.person_id = w.id and x.role = 'secretary' and x.valid_from <= i.valid_from and (x.valid_to is null or x.valid_to > i.valid_from))",
        },
        Check {
            column: "person_id",
            refusal: &NOT_AN_OWNER,
            fault: "i.direction = 'secretary_to_director' and i.stored_id is null and w.id is not null and not exists (select from ownership x \
                    join dwelling d on d.code = x.dwelling_code join building b on b.code = d.building_code where b.compound_code = i.compound_code \
                    and x.person_id = w.id and x.valid_from <= i.valid_from and (x.valid_to is null or x.valid_to > i.valid_from) \
                    and d.valid_from <= i.valid_from and (d.valid_to is null or d.valid_to > i.valid_from))",
        },
        // Whoever has a post is in the Party as long as he has it, so nothing more is asked.
        Check {
            column: "person_id",
            refusal: &NOT_THE_MANAGER,
            fault: "i.direction = 'manager_to_party' and i.stored_id is null and w.id is not null and not exists (select from property_project x \
                    where x.compound_code = i.compound_code and x.manager collate \"C\" = w.name collate \"C\" \
                    and x.valid_from <= i.valid_from and (x.valid_to is null or x.valid_to > i.valid_from))",
        },
        Check {
            column: "person_id",
            refusal: &ALREADY,
            fault: "same.n < i.n or ((i.stored_id is null or i.differs) and exists (select from cross_appointment e where e.id is distinct from i.stored_id \
                    and e.compound_code = i.compound_code and e.direction = i.direction and e.person_id = w.id and e.valid_from is not null \
                    and (e.valid_to is null or e.valid_to > i.valid_from)))",
        },
    ],
    after: None,
};
