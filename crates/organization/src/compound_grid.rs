//! Which compound lies in which grid, and since when. In principle one compound is one grid; a further link
//! needs an exception with its reason and who approved it (ORG-05: a warning of the law's spirit, not a wall).

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::area::AreaCode;
use kernel::change::{Constraint, HALF_A_REFERENCE, REFERENCE_TAKEN, RefusedBy, nullable, present};
use kernel::page::{Cursor, MAX_TOTAL};
use kernel::sheet::{Check, Column, Form, Sheet};
use kernel::text::{Key, Line, Name};
use kernel::{
    Ending, Expected, Page, Paging, Permission, Prepare, Recorded, Refusal, Result, Stamp, Tx, View, holds_on, id, period, text_enum, within_or_above,
};
use schema::compound_grid;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::code::{CompoundCode, GridCode, NOT_A_COMPOUND_CODE, NOT_A_GRID_CODE, is_compound_code, is_grid_code};
use crate::{compound, grid};

id!(
    /// A compound's link to a grid.
    CompoundGridId
);

text_enum!(
    /// Why a compound has more than one grid, or a grid more than one compound.
    LinkException {
        /// A large compound is split into several grids.
        LargeSplit = "large_split" "大型小区拆分",
        /// A small compound shares a grid with its neighbours.
        SmallMerge = "small_merge" "小型小区合并",
        /// Scattered buildings share a grid.
        ScatteredMerge = "scattered_merge" "零散楼栋合并",
    }
);

/// A compound's link to a grid as it stands.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = compound_grid)]
pub struct CompoundGrid {
    /// Identity, for ever.
    pub id: CompoundGridId,
    /// The compound.
    pub compound_code: CompoundCode,
    /// The grid that it lies in, wholly or in part.
    pub grid_code: GridCode,
    /// Why it is a further link; null for the one link that is the rule.
    pub exception: Option<LinkException>,
    /// The reason in words.
    pub exception_reason: Option<Line>,
    /// Who allowed the exception.
    pub approved_by: Option<Name>,
    /// First day on which it holds.
    pub valid_from: NaiveDate,
    /// First day on which it no longer holds; null while it has no end.
    pub valid_to: Option<NaiveDate>,
    /// System of the caller that knows it by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[diesel(column_name = ref_)]
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
    /// Rises with every change.
    pub version: i32,
    /// When it was entered.
    pub created_at: Stamp,
    /// When it was last changed.
    pub updated_at: Stamp,
}

/// A compound's link to a grid, to be made.
#[derive(Clone, Debug, Deserialize, Insertable, Validate, ToSchema)]
#[diesel(table_name = compound_grid)]
#[serde(deny_unknown_fields)]
pub struct NewCompoundGrid {
    /// The compound.
    pub compound_code: CompoundCode,
    /// The grid, of the same community.
    pub grid_code: GridCode,
    /// Why it is a further link; needed where the compound has a grid or the grid a compound already.
    pub exception: Option<LinkException>,
    /// The reason in words; with an exception only.
    pub exception_reason: Option<Line>,
    /// Who allowed the exception; with an exception only.
    pub approved_by: Option<Name>,
    /// First day on which it holds; today unless said.
    #[diesel(skip_insertion)]
    pub valid_from: Option<NaiveDate>,
    /// System of the caller that knows it by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[diesel(column_name = ref_)]
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
}

/// A change of a link: what is left out stays, null empties.
#[derive(Clone, Debug, Default, Deserialize, AsChangeset, Validate, ToSchema)]
#[diesel(table_name = compound_grid)]
#[serde(deny_unknown_fields, default)]
pub struct CompoundGridPatch {
    /// Why it is a further link.
    #[serde(deserialize_with = "nullable")]
    pub exception: Option<Option<LinkException>>,
    /// The reason in words.
    #[serde(deserialize_with = "nullable")]
    pub exception_reason: Option<Option<Line>>,
    /// Who allowed the exception.
    #[serde(deserialize_with = "nullable")]
    pub approved_by: Option<Option<Name>>,
    /// First day on which it holds, corrected.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub valid_from: Option<NaiveDate>,
    /// System of the caller that knows it by `ref`.
    #[serde(deserialize_with = "nullable")]
    pub source: Option<Option<Key>>,
    /// Key of the caller, unique within `source`.
    #[diesel(column_name = ref_)]
    #[serde(rename = "ref", deserialize_with = "nullable")]
    pub reference: Option<Option<Key>>,
    /// The version that is meant, unless `If-Match` says it.
    #[diesel(skip_update)]
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

impl From<NewCompoundGrid> for CompoundGridPatch {
    fn from(new: NewCompoundGrid) -> Self {
        Self {
            exception: Some(new.exception),
            exception_reason: Some(new.exception_reason),
            approved_by: Some(new.approved_by),
            valid_from: new.valid_from,
            ..Self::default()
        }
    }
}

/// Which links a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct CompoundGridFilter {
    /// To grids in this area.
    pub area_code: Option<AreaCode>,
    /// Of this compound.
    pub compound_code: Option<CompoundCode>,
    /// To this grid.
    pub grid_code: Option<GridCode>,
    /// That are exceptions, or that are not.
    pub exceptional: Option<bool>,
}

/// No such link.
pub const UNKNOWN: Refusal = Refusal::not_found(
    "compound_grid.unknown",
    "没有该小区与网格的归属,或它不在您的区域内。",
    "There is no such link of a compound to a grid, or it is not in your area.",
);
/// The same link twice.
pub const ALREADY: Refusal = Refusal::conflict("compound_grid.already", "该小区在此期间已归属该网格。", "The compound already lies in this grid at that time.");
/// A second link without an exception.
pub const NEEDS_EXCEPTION: Refusal = Refusal::conflict(
    "compound_grid.needs_exception",
    "原则上一个小区对应一个网格:该小区或该网格已有归属,再增加须填写例外类型、理由和批准人。",
    "In principle one compound is one grid: this compound or this grid has a link already, so give an exception, its reason and who approved it.",
);
/// An exception without its reason, or a reason without exception.
pub const HALF_AN_EXCEPTION: Refusal = Refusal::invalid(
    "compound_grid.half_an_exception",
    "例外类型、理由和批准人须同时填写或同时留空。",
    "Give the exception, its reason and who approved it together, or none of them.",
);
/// Compound and grid in different communities.
pub const ELSEWHERE: Refusal = Refusal::invalid(
    "compound_grid.elsewhere",
    "小区与网格须在同一社区:两个编码的前12位应相同。",
    "A compound and its grid are of the same community: the first twelve digits of both codes must be the same.",
);
/// A link that is older than the compound.
pub const BEGINS_BEFORE_COMPOUND: Refusal = Refusal::invalid(
    "compound_grid.begins_before_compound",
    "归属日期早于小区 {compound_code} 的启用日期;请更正其中一个日期。",
    "The link would begin before the compound {compound_code} does; correct one of the two days.",
);

const READ: Permission = compound::READ;
const WRITE: Permission = compound::WRITE;

const CONSTRAINTS: &[Constraint] = &[
    ("compound_grid_compound_code_fkey", &compound::UNKNOWN_HERE, "/compound_code"),
    ("compound_grid_exception_reason", &HALF_AN_EXCEPTION, "/exception"),
    ("compound_grid_once", &ALREADY, "/grid_code"),
    ("compound_grid_one_compound", &NEEDS_EXCEPTION, "/exception"),
    ("compound_grid_one_grid", &NEEDS_EXCEPTION, "/exception"),
    ("compound_grid_period", &period::ENDS_BEFORE_IT_BEGINS, "/valid_from"),
    ("compound_grid_same_community", &ELSEWHERE, "/grid_code"),
    ("compound_grid_source_ref", &HALF_A_REFERENCE, "/ref"),
    ("compound_grid_source_ref_key", &REFERENCE_TAKEN, "/ref"),
    ("compound_grid_years", &period::OUT_OF_YEARS, "/valid_from"),
];

impl Recorded for CompoundGrid {
    const KIND: &'static str = "compound_grid";

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn area(&self) -> &str {
        self.grid_code.as_str()
    }

    fn version(&self) -> i32 {
        self.version
    }
}

/// Lists the links in force on a day that the caller may see: those to grids of his area.
pub async fn list(view: &View<'_>, filter: &CompoundGridFilter, paging: &Paging) -> Result<Page<CompoundGrid>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query =
            CompoundGrid::query().filter(holds_on!(compound_grid, view.as_of)).filter(within_or_above!(scope, compound_grid::grid_code)).into_boxed();
        if let Some(area) = &filter.area_code {
            query = query.filter(compound_grid::grid_code.ge(area.clone()).and(compound_grid::grid_code.lt(kernel::area::end_of(area))));
        }
        if let Some(compound_code) = &filter.compound_code {
            query = query.filter(compound_grid::compound_code.eq(compound_code));
        }
        if let Some(grid_code) = &filter.grid_code {
            query = query.filter(compound_grid::grid_code.eq(grid_code));
        }
        match filter.exceptional {
            Some(true) => query = query.filter(compound_grid::exception.is_not_null()),
            Some(false) => query = query.filter(compound_grid::exception.is_null()),
            None => {}
        }
        query
    };
    let mut page = chosen().order((compound_grid::compound_code, compound_grid::id)).limit(paging.fetch());
    if let Some(after) = paging.after(filter)? {
        let same = compound_grid::compound_code.eq(after.key.clone()).and(compound_grid::id.gt(after.id));
        page = page.filter(compound_grid::compound_code.gt(after.key).or(same));
    }
    let rows = page.load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(compound_grid::id).limit(MAX_TOTAL).load::<CompoundGridId>(&mut view.conn()).await?.len()),
        false => None,
    };
    paging.page(view.as_of, rows, total, filter, |row| Cursor { key: row.compound_code.to_string(), id: row.id.0 })
}

/// The link with this id.
pub async fn get(view: &View<'_>, id: CompoundGridId) -> Result<CompoundGrid> {
    let scope = view.may(READ)?;
    let found = CompoundGrid::query()
        .filter(compound_grid::id.eq(id))
        .filter(within_or_above!(scope, compound_grid::grid_code))
        .first(&mut view.conn())
        .await
        .optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

/// Links a compound to a grid of the same community.
pub async fn create(tx: &Tx<'_>, new: &NewCompoundGrid) -> Result<CompoundGrid> {
    tx.may_at(WRITE, new.grid_code.as_str())?;
    let from = new.valid_from.unwrap_or(tx.today());
    compound::host_begun(tx, new.compound_code.as_str(), from, &BEGINS_BEFORE_COMPOUND).await?;
    grid::host(tx, &new.grid_code, from).await?;
    let link = diesel::insert_into(compound_grid::table)
        .values((new, compound_grid::id.eq(CompoundGridId::fresh()), compound_grid::valid_from.eq(from)))
        .returning(CompoundGrid::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("compound_grid.created", None, &link, None)?;
    Ok(link)
}

/// Changes a link.
pub async fn update(tx: &Tx<'_>, id: CompoundGridId, expected: Expected, patch: &CompoundGridPatch) -> Result<CompoundGrid> {
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    period::still_open(before.valid_to)?;
    change(tx, &before, patch).await
}

/// Makes or changes the link that the caller knows by a key of his own.
pub async fn put(tx: &Tx<'_>, source: &Key, reference: &Key, new: NewCompoundGrid) -> Result<CompoundGrid> {
    tx.lock(&format!("compound_grid {source} {reference}")).await?;
    let known = CompoundGrid::query().filter(compound_grid::source.eq(source).and(compound_grid::ref_.eq(reference))).first(&mut tx.conn()).await.optional()?;
    match known {
        None => create(tx, &NewCompoundGrid { source: Some(source.clone()), reference: Some(reference.clone()), ..new }).await,
        Some(known) => {
            let before = lock(tx, known.id).await?;
            period::still_open(before.valid_to)?;
            if before.compound_code != new.compound_code || before.grid_code != new.grid_code {
                let code = format!("{} / {}", before.compound_code, before.grid_code);
                return Err(kernel::change::CODE_FIXED.at("/grid_code").with("code", code).into());
            }
            change(tx, &before, &new.into()).await
        }
    }
}

/// Ends a link on a day.
pub async fn end(tx: &Tx<'_>, id: CompoundGridId, expected: Expected, ending: &Ending) -> Result<CompoundGrid> {
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    let on = period::end(before.valid_from, before.valid_to, ending.on)?;
    let after = diesel::update(compound_grid::table.find(id))
        .set((compound_grid::valid_to.eq(on), compound_grid::version.eq(before.version + 1), compound_grid::updated_at.eq(tx.now)))
        .returning(CompoundGrid::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("compound_grid.ended", Some(&before), &after, Some(ending.reason.as_str()))?;
    Ok(after)
}

/// The link, locked, of a caller who may write it.
async fn lock(tx: &Tx<'_>, id: CompoundGridId) -> Result<CompoundGrid> {
    let found = CompoundGrid::query()
        .filter(compound_grid::id.eq(id))
        .filter(within_or_above!(tx.scope(&[READ, WRITE]), compound_grid::grid_code))
        .for_update()
        .first(&mut tx.conn())
        .await
        .optional()?;
    let link: CompoundGrid = found.ok_or(&UNKNOWN)?;
    tx.may_at(WRITE, link.grid_code.as_str())?;
    Ok(link)
}

async fn change(tx: &Tx<'_>, before: &CompoundGrid, patch: &CompoundGridPatch) -> Result<CompoundGrid> {
    if let Some(from) = patch.valid_from {
        compound::host_begun(tx, before.compound_code.as_str(), from, &BEGINS_BEFORE_COMPOUND).await?;
        grid::host(tx, &before.grid_code, from).await?;
    }
    let after = diesel::update(compound_grid::table.find(before.id))
        .set((patch, compound_grid::version.eq(before.version + 1), compound_grid::updated_at.eq(tx.now)))
        .returning(CompoundGrid::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("compound_grid.changed", Some(before), &after, None)?;
    Ok(after)
}

/// Links as a table.
pub const SHEET: Sheet = Sheet {
    resource: "compound-grids",
    zh: "小区网格归属",
    table: "compound_grid",
    read: READ,
    write: WRITE,
    columns: &[
        Column::new("compound_code", "小区编码", Form::Code(is_compound_code, &NOT_A_COMPOUND_CODE), "小区。").required(),
        Column::new("grid_code", "网格编码", Form::Code(is_grid_code, &NOT_A_GRID_CODE), "小区所在的网格,须与小区同属一个社区。").required(),
        Column::new("exception", "例外类型", Form::Choice(LinkException::CHOICES), "原则上一个小区一个网格;再增加时填写。"),
        Column::new("exception_reason", "例外理由", Form::Text(200), "与例外类型同时填写。"),
        Column::new("approved_by", "批准人", Form::Text(60), "与例外类型同时填写。"),
        Column::new("valid_from", "归属日期", Form::Date, "默认为导入生效日期。").or("$on"),
        Column::new("source", "来源系统", Form::Key, "贵方系统的代号,与“来源编号”同时填写。"),
        Column::new("ref", "来源编号", Form::Key, "贵方系统中的编号。"),
    ],
    keys: 2,
    found_by: None,
    key_reusable: true,
    area: "i.grid_code",
    stored_area: "t.grid_code",
    links: None,
    from: "compound_grid t",
    shown: &[],
    looks_up: "left join compound p on p.code = i.compound_code left join grid g on g.code = i.grid_code",
    checks: &[
        Check { column: "compound_code", refusal: &compound::UNKNOWN_HERE, fault: "p.code is null" },
        Check { column: "compound_code", refusal: &compound::ENDED_HERE, fault: "p.valid_to <= i.valid_from" },
        Check { column: "valid_from", refusal: &BEGINS_BEFORE_COMPOUND, fault: "p.valid_from > i.valid_from" },
        Check { column: "grid_code", refusal: &grid::UNKNOWN_HERE, fault: "g.code is null" },
        Check { column: "grid_code", refusal: &grid::ENDED_HERE, fault: "g.valid_from > i.valid_from or g.valid_to <= i.valid_from" },
        Check { column: "grid_code", refusal: &ELSEWHERE, fault: "left(i.compound_code, 12) <> left(i.grid_code, 12)" },
        Check {
            column: "exception",
            refusal: &HALF_AN_EXCEPTION,
            fault: "(i.exception is null) <> (i.exception_reason is null) or (i.exception is null) <> (i.approved_by is null)",
        },
        Check {
            column: "exception",
            refusal: &NEEDS_EXCEPTION,
            fault: "i.exception is null and (exists (select from compound_grid o where o.id is distinct from i.stored_id and o.exception is null \
                    and (o.compound_code = i.compound_code or o.grid_code = i.grid_code) and (o.valid_to is null or o.valid_to > i.valid_from)) \
                    or exists (select from i o where o.n < i.n and o.exception is null and (o.compound_code = i.compound_code or o.grid_code = i.grid_code)))",
        },
        Check {
            column: "valid_from",
            refusal: &ALREADY,
            fault: "exists (select from compound_grid o where o.id is distinct from i.stored_id and o.compound_code = i.compound_code and o.grid_code = i.grid_code \
                    and (o.valid_to is null or o.valid_to > i.valid_from))",
        },
    ],
    after: None,
};
