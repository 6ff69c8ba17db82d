//! Lineage of grids as a table: a division of the city that has taken effect, for imports and exports (ORG-12).

use kernel::sheet::{Check, Column, Form, FoundBy, Sheet};

use crate::code::{NOT_A_GRID_CODE, is_grid_code};
use crate::grid::{READ, WRITE};
use crate::grid_lineage::{
    CONTRADICTED, LineageKind, NEW_BEGINS_ELSEWHEN, NO_SUCH_GRID, NOT_GOING_ON, OLD_IN_USE, OLD_NOT_IN_FORCE, ONE_OF_SEVERAL, TWICE, WRONG_ENDS, end_old,
};

/// Lineage of grids as a table. A row is found by both codes and the day; with it, the old grid ends on that day.
pub const SHEET: Sheet = Sheet {
    resource: "grid-lineages",
    zh: "网格沿革",
    table: "grid_lineage",
    read: READ,
    write: WRITE,
    columns: &[
        // The parts of a split have the old grid in common, those of a merger the new one, and no order of rows brings both together.
        Column::new("kind", "变更类型", Form::Choice(LineageKind::CHOICES), "不变、更名、拆分、合并、调整、新设或撤销。").required(),
        Column::new("old_code", "原网格编码", Form::Code(is_grid_code, &NOT_A_GRID_CODE), "新设的不填。导入后该网格自生效日终止,不变或调整的除外。").kin(),
        Column::new("new_code", "新网格编码", Form::Code(is_grid_code, &NOT_A_GRID_CODE), "撤销的不填;须已登记,启用日期为生效日,合并或调整的也可更早。").kin(),
        Column::new("valid_from", "生效日期", Form::Date, "划分生效之日,默认为导入生效日期。").or("$on"),
        Column::new("households_moved", "划转户数", Form::Integer(0, 1_000_000), "由原网格划入新网格的户数。"),
        Column::new("reason", "理由", Form::Text(200), "最多200个字符。"),
    ],
    keys: 4,
    found_by: Some(FoundBy {
        id: "(select l.id from grid_lineage l where l.old_code is not distinct from r.old_code and l.new_code is not distinct from r.new_code \
             and l.valid_from = coalesce(r.valid_from::date, $3))",
        within: &[],
        columns: &[],
    }),
    key_reusable: false,
    area: "left(coalesce(i.new_code, i.old_code), 12)",
    stored_area: "t.area_code",
    links: None,
    from: "grid_lineage t",
    shown: &[],
    // How many parts a split or a merger has, in the file and beside it.
    looks_up: "left join grid a on a.code = i.old_code left join grid b on b.code = i.new_code \
               left join (select old_code, valid_from, count(distinct new_code) as parts from (\
                       select old_code, new_code, valid_from from i where kind = 'split' and new_code is not null \
                       union all \
                       select l.old_code, l.new_code, l.valid_from from grid_lineage l where l.kind = 'split' and l.old_code in (select old_code from i) \
                           and l.id not in (select stored_id from i where stored_id is not null)) told \
                   group by 1, 2) split on split.old_code = i.old_code and split.valid_from = i.valid_from and i.kind = 'split' \
               left join (select new_code, valid_from, count(distinct old_code) as parts from (\
                       select old_code, new_code, valid_from from i where kind = 'merged' and old_code is not null \
                       union all \
                       select l.old_code, l.new_code, l.valid_from from grid_lineage l where l.kind = 'merged' and l.new_code in (select new_code from i) \
                           and l.id not in (select stored_id from i where stored_id is not null)) told \
                   group by 1, 2) merger on merger.new_code = i.new_code and merger.valid_from = i.valid_from and i.kind = 'merged'",
    checks: &[
        Check {
            column: "kind",
            refusal: &WRONG_ENDS,
            fault: "(i.old_code is null) <> (i.kind = 'created') or (i.new_code is null) <> (i.kind = 'abolished') \
                    or (i.old_code = i.new_code) <> (i.kind = 'unchanged')",
        },
        Check { column: "old_code", refusal: &NO_SUCH_GRID, fault: "i.old_code is not null and (a.code is null or (a.code ^@ any ($4)) is not true)" },
        Check { column: "new_code", refusal: &NO_SUCH_GRID, fault: "i.new_code is not null and b.code is null" },
        Check {
            column: "old_code",
            refusal: &OLD_NOT_IN_FORCE,
            fault: "a.valid_from >= i.valid_from or i.kind not in ('unchanged', 'adjusted') and a.valid_to <> i.valid_from",
        },
        Check { column: "old_code", refusal: &NOT_GOING_ON, fault: "i.kind in ('unchanged', 'adjusted') and a.valid_to <= i.valid_from" },
        Check {
            column: "new_code",
            refusal: &NEW_BEGINS_ELSEWHEN,
            fault: "i.kind <> 'unchanged' and (b.valid_from > i.valid_from or i.kind not in ('merged', 'adjusted') and b.valid_from <> i.valid_from)",
        },
        Check {
            column: "old_code",
            refusal: &OLD_IN_USE,
            fault: "i.kind not in ('unchanged', 'adjusted') and a.valid_to is null and (\
                    exists (select from household_grid h where h.grid_code = i.old_code and (h.valid_to is null or h.valid_to > i.valid_from)) \
                    or exists (select from compound_grid l where l.grid_code = i.old_code and (l.valid_to is null or l.valid_to > i.valid_from)) \
                    or exists (select from person p where p.area_code = i.old_code and p.merged_into is null and (p.valid_to is null or p.valid_to > i.valid_from)))",
        },
        Check {
            column: "kind",
            refusal: &TWICE,
            fault: "exists (select from i o where o.n < i.n and o.old_code is not distinct from i.old_code and o.new_code is not distinct from i.new_code \
                    and o.valid_from = i.valid_from)",
        },
        Check {
            column: "old_code",
            refusal: &CONTRADICTED,
            fault: "exists (select from i o where o.n < i.n and o.old_code = i.old_code and (\
                        i.kind = 'unchanged' and o.kind not in ('unchanged', 'adjusted', 'created') and o.valid_from <= i.valid_from \
                        or o.kind = 'unchanged' and i.kind not in ('unchanged', 'adjusted', 'created') and o.valid_from >= i.valid_from \
                        or o.kind not in ('unchanged', 'adjusted', 'created') and i.kind not in ('unchanged', 'adjusted', 'created') and o.valid_from <> i.valid_from)) \
                    or i.kind not in ('unchanged', 'adjusted', 'created') and exists (select from grid_lineage l where l.old_code = i.old_code \
                        and l.kind = 'unchanged' and l.valid_from >= i.valid_from)",
        },
        Check {
            column: "kind",
            refusal: &ONE_OF_SEVERAL,
            fault: "(i.stored_id is null or i.differs) and (split.parts < 2 or merger.parts < 2 and b.valid_from = i.valid_from)",
        },
    ],
    after: Some(|tx, ids, _| Box::pin(end_old(tx, ids))),
};
