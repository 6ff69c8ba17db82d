//! Dwellings as a table, for imports and exports (ORG-08).

use kernel::sheet::{Check, Column, Form, Sheet};

use crate::building;
use crate::code::{NOT_A_DWELLING_CODE, is_dwelling_code};
use crate::dwelling::{AREA_TOO_LARGE, AreaBasis, DOOR_TAKEN, DwellingUse, READ, WRITE};

/// Dwellings as a table.
pub const SHEET: Sheet = Sheet {
    resource: "dwellings",
    zh: "房屋",
    table: "dwelling",
    read: READ,
    write: WRITE,
    columns: &[
        Column::new("code", "房屋编码", Form::Code(is_dwelling_code, &NOT_A_DWELLING_CODE), "23位数字,前17位是楼栋编码。编码不重复使用。").required(),
        Column::new("building_code", "楼栋编码", Form::Prefix(17), "可不填;填写时须与房屋编码前17位一致。"),
        Column::new("building_unit_no", "单元号", Form::Text(60), "如1;楼栋不分单元的留空。"),
        Column::new("room_no", "房号", Form::Text(60), "如302;同一楼栋、同一单元内不重复。").required(),
        Column::new("floor", "所在层", Form::Integer(-10, 200), "层;地下为负数。"),
        Column::new("exclusive_area", "专有部分面积", Form::Area, "平方米,最多两位小数。").required(),
        Column::new("area_basis", "面积依据", Form::Choice(AreaBasis::CHOICES), "登记;尚未登记的填测绘;尚未测绘的填合同。").required(),
        Column::new("use_kind", "用途", Form::Choice(DwellingUse::CHOICES), "默认为住宅。").or("'residential'"),
        Column::new("delivered", "是否交付", Form::Flag, "默认为是。").or("true"),
        Column::new("sold", "是否售出", Form::Flag, "默认为是;建设单位尚未出售的填否。").or("true"),
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
    from: "dwelling t",
    shown: &[],
    looks_up: "left join building p on p.code = left(i.code, 17) \
               left join lateral (select d.id from dwelling d where d.building_code = left(i.code, 17) and d.room_no = i.room_no \
                   and coalesce(d.building_unit_no, '') = coalesce(i.building_unit_no, '') and d.valid_to is null \
                   and d.id is distinct from i.stored_id limit 1) door on true \
               left join lateral (select d.id from dwelling d where d.building_code = left(i.code, 17) and d.room_no = i.room_no \
                   and coalesce(d.building_unit_no, '') = coalesce(i.building_unit_no, '') and d.valid_to > i.valid_from \
                   and d.id is distinct from i.stored_id limit 1) former on true \
               left join (select left(code, 17) as building_code, coalesce(building_unit_no, '') as unit, room_no, min(n) as n from i group by 1, 2, 3) first \
                   on first.building_code = left(i.code, 17) and first.unit = coalesce(i.building_unit_no, '') and first.room_no = i.room_no",
    checks: &[
        Check { column: "code", refusal: &building::UNKNOWN_HERE, fault: "p.code is null" },
        Check { column: "code", refusal: &building::NOT_YET_OR_NO_MORE, fault: "p.valid_to is not null and (i.stored_id is null or i.differs)" },
        Check { column: "exclusive_area", refusal: &AREA_TOO_LARGE, fault: "i.exclusive_area > 999999.99" },
        Check { column: "room_no", refusal: &DOOR_TAKEN, fault: "door.id is not null or former.id is not null or first.n < i.n" },
    ],
    after: None,
};
