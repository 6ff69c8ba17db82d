//! People as a table. Numbers and phones are checked, sealed and hashed before they reach the database; exports give masks,
//! and a mask in an import leaves the value as it is.

use kernel::sheet::{Check, Column, Form, FoundBy, Sheet};

use crate::id_number::{ID_NUMBER, IdKind};
use crate::person::{
    ENDED_HERE, HOME_ENDED, HOME_UNKNOWN, KIND_WITHOUT_NUMBER, MERGED_HERE, NAME_HAS_NUMBER, NOT_A_HOME_CODE, READ, TAKEN_HERE, UNKNOWN_HERE, WHO_IS_IT, WRITE,
    is_home_code,
};
use crate::phone::PHONE;

/// People as a table.
pub const SHEET: Sheet = Sheet {
    resource: "people",
    zh: "人员",
    table: "person",
    read: READ,
    write: WRITE,
    columns: &[
        Column::new("person_id", "人员标识", Form::Id, "由导出文件带出,请原样保留;新登记的人员留空。"),
        Column::new("name", "姓名", Form::Text(60), "与证件一致。").required().private(),
        Column::new("id_kind", "证件类型", Form::Choice(IdKind::CHOICES), "默认为居民身份证。").or("'resident_id'"),
        Column::new("id_number", "证件号码", Form::Kept(&ID_NUMBER), "完整的证件号码,加密保存;导出的带 * 的值表示不更改。"),
        Column::new("phone", "电话", Form::Kept(&PHONE), "手机或带区号的固定电话,加密保存;导出的带 * 的值表示不更改。"),
        Column::new("area_code", "所属区域编码", Form::Code(is_home_code, &NOT_A_HOME_CODE), "居住(或服务)的社区编码12位或网格编码15位。").required(),
        Column::new("valid_from", "登记日期", Form::Date, "默认为导入生效日期。").or("$on"),
        Column::new("source", "来源系统", Form::Key, "贵方系统的代号,与“来源编号”同时填写。"),
        Column::new("ref", "来源编号", Form::Key, "贵方系统中的编号。"),
    ],
    keys: 1,
    found_by: Some(FoundBy {
        id: "coalesce(r.person_id::uuid, (select p.id from person p where p.id_number_hash = decode(left(r.id_number, 64), 'hex') and p.merged_into is null), \
             (select p.id from person p where p.source = r.source and p.ref = r.ref))",
        within: &[],
        columns: &["person_id", "id_number"],
    }),
    key_reusable: false,
    area: "i.area_code",
    stored_area: "t.area_code",
    from: "(select * from person where merged_into is null) t",
    links: None,
    shown: &[],
    looks_up: "left join community c on c.code = left(i.area_code, 12) left join grid g on g.code = i.area_code \
               left join person d on d.id_number_hash = substring(i.id_number from 1 for 32) and d.merged_into is null and d.id is distinct from i.stored_id",
    checks: &[
        Check { column: "person_id", refusal: &UNKNOWN_HERE, fault: "i.person_id is not null and i.stored_id is null" },
        Check {
            column: "id_number",
            refusal: &WHO_IS_IT,
            fault: "i.stored_id is null and i.id_number is null and i.source is null and not i.id_number_masked and i.person_id is null",
        },
        Check { column: "person_id", refusal: &MERGED_HERE, fault: "(i.was).merged_into is not null" },
        Check { column: "person_id", refusal: &ENDED_HERE, fault: "(i.was).valid_to is not null" },
        Check { column: "id_number", refusal: &TAKEN_HERE, fault: "d.id is not null and (i.was).merged_into is null" },
        Check {
            column: "id_number",
            refusal: &KIND_WITHOUT_NUMBER,
            fault: "i.id_kind <> (i.was).id_kind and i.id_number is not null and i.id_number = (i.was).id_number",
        },
        Check { column: "name", refusal: &NAME_HAS_NUMBER, fault: "i.name ~ '([0-9].*){5}'" },
        Check { column: "area_code", refusal: &HOME_UNKNOWN, fault: "c.code is null or (length(i.area_code) = 15 and g.code is null)" },
        Check {
            column: "area_code",
            refusal: &HOME_ENDED,
            fault: "i.area_code is distinct from (i.was).area_code and (c.valid_to <= greatest($on, i.valid_from) or g.valid_from > greatest($on, i.valid_from) \
                    or g.valid_to <= greatest($on, i.valid_from))",
        },
    ],
    after: None,
};
