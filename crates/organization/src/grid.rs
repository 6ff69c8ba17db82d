//! Grids (网格): the smallest cell of governance, each in exactly one community (ORG-03).

use chrono::NaiveDate;
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::area::AreaCode;
use kernel::change::{CODE_FIXED, Constraint, HALF_A_REFERENCE, REFERENCE_TAKEN, RefusedBy, nullable, present};
use kernel::page::MAX_TOTAL;
use kernel::sheet::{Check, Column, Form, Sheet};
use kernel::text::{Key, Name};
use kernel::{
    Ending, Expected, Page, Paging, Permission, Prepare, Recorded, Refusal, Result, Stamp, Tx, View, count_after, cursor_of, holds_on, id, import, keyset,
    period, text_enum, within_or_above,
};
use schema::{compound_grid, grid, household_grid};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::code::{CommunityCode, GridCode, NOT_A_GRID_CODE, is_grid_code};
use crate::first_day::{self, INTO_GRIDS, STAND_IN_GRIDS};
use crate::{community, kept_area, person_entry};

id!(
    /// A grid.
    GridId
);

text_enum!(
    /// What a grid covers.
    GridKind {
        /// Residential quarters of the city.
        Urban = "urban" "城市网格",
        /// A village or part of one.
        Rural = "rural" "农村网格",
        /// One institution or place with a grid of its own (专属网格).
        Dedicated = "dedicated" "专属网格",
    }
);

text_enum!(
    /// What a dedicated grid is for.
    DedicatedKind {
        /// Party and government offices.
        Government = "government" "党政机关",
        /// A hospital.
        Hospital = "hospital" "医院",
        /// A school.
        School = "school" "学校",
        /// An enterprise.
        Enterprise = "enterprise" "企业",
        /// An industrial park.
        Park = "park" "园区",
        /// A business district.
        BusinessDistrict = "business_district" "商圈",
        /// A market.
        Market = "market" "市场",
        /// A scenic area.
        ScenicArea = "scenic_area" "景区",
        /// Something else.
        Other = "other" "其他",
    }
);

/// A grid as it stands.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = grid)]
pub struct Grid {
    /// Identity, for ever.
    pub id: GridId,
    /// Fifteen digits: the community's twelve and three of its own, from west to east and north to south.
    pub code: GridCode,
    /// The community, from the code.
    pub community_code: CommunityCode,
    /// Name.
    pub name: Name,
    /// What it covers.
    pub kind: GridKind,
    /// What a dedicated grid is for.
    pub dedicated_kind: Option<DedicatedKind>,
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

/// A grid to be made.
#[derive(Clone, Debug, Deserialize, Insertable, Validate, ToSchema)]
#[diesel(table_name = grid)]
#[serde(deny_unknown_fields)]
pub struct NewGrid {
    /// Fifteen digits, the first twelve being the community's.
    pub code: GridCode,
    /// Name.
    #[schema(example = "龙池社区第一网格")]
    pub name: Name,
    /// What it covers; `urban` unless said.
    pub kind: Option<GridKind>,
    /// What a dedicated grid is for.
    pub dedicated_kind: Option<DedicatedKind>,
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

/// A change of a grid: what is left out stays, null empties.
#[derive(Clone, Debug, Default, Deserialize, AsChangeset, Validate, ToSchema)]
#[diesel(table_name = grid)]
#[serde(deny_unknown_fields, default)]
pub struct GridPatch {
    /// Name.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false, example = "龙池社区第一网格(东)")]
    pub name: Option<Name>,
    /// What it covers.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub kind: Option<GridKind>,
    /// What a dedicated grid is for.
    #[serde(deserialize_with = "nullable")]
    pub dedicated_kind: Option<Option<DedicatedKind>>,
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

impl From<NewGrid> for GridPatch {
    fn from(new: NewGrid) -> Self {
        Self { name: Some(new.name), kind: new.kind, dedicated_kind: Some(new.dedicated_kind), valid_from: new.valid_from, ..Self::default() }
    }
}

/// Which grids a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct GridFilter {
    /// In this area or under it.
    pub area_code: Option<AreaCode>,
    /// With this code.
    pub code: Option<GridCode>,
    /// Whose name holds this text.
    pub name: Option<Name>,
    /// Covering this.
    #[param(inline)]
    pub kind: Option<GridKind>,
}

/// May see grids.
pub const READ: Permission = Permission("grid.read");
/// May write grids.
pub const WRITE: Permission = Permission("grid.write");

/// No such grid.
pub const UNKNOWN: Refusal = Refusal::not_found("grid.unknown", "没有该网格,或它不在您的区域内。", "There is no such grid, or it is not in your area.");
/// The code has been used.
pub const CODE_TAKEN: Refusal =
    Refusal::conflict("grid.code_taken", "该网格编码已被使用;编码不重复使用。", "This grid code has been used; a code is never used again.");
/// A reference to a grid that is not there.
pub const UNKNOWN_HERE: Refusal = Refusal::invalid("grid.does_not_exist", "网格 {grid_code} 不存在。", "The grid {grid_code} does not exist.");
/// A reference to a grid that has ended, or not begun.
pub const ENDED_HERE: Refusal =
    Refusal::invalid("grid.not_in_force", "网格 {grid_code} 在该日期尚未启用或已终止。", "The grid {grid_code} is not in force on that day.");
/// A dedicated kind without being dedicated.
pub const NOT_DEDICATED: Refusal = Refusal::invalid("grid.not_dedicated", "只有专属网格才有专属类型。", "Only a dedicated grid has a dedicated kind.");
/// Households are still in it.
pub const HAS_HOUSEHOLDS: Refusal = Refusal::conflict(
    "grid.has_households",
    "网格自该日起仍有 {count} 户;请先迁出。",
    "From that day on the grid still has {count} households; move them first.",
);
/// Compounds still lie in it.
pub const HAS_COMPOUNDS: Refusal = Refusal::conflict(
    "grid.has_compounds",
    "网格自该日起仍有 {count} 个小区;请先终止其归属。",
    "From that day on {count} compounds still lie in the grid; end their links first.",
);

/// It still answers for people.
pub const HAS_PEOPLE: Refusal = Refusal::conflict(
    "grid.has_people",
    "网格自该日起仍登记有 {count} 人;请先更改其所属区域。",
    "From that day on the grid still answers for {count} people; change the area of each first.",
);

/// Households or compounds were in it before it would begin.
pub const IN_USE_BEFORE: Refusal = Refusal::conflict(
    "grid.in_use_before",
    "网格在该起始日期之前已有户或小区,起始日期不能推迟到此日。",
    "Households or compounds were in the grid before that day, so it cannot begin on it.",
);

const CONSTRAINTS: &[Constraint] = &[
    ("grid_code_key", &CODE_TAKEN, "/code"),
    ("grid_dedicated", &NOT_DEDICATED, "/dedicated_kind"),
    ("grid_period", &period::ENDS_BEFORE_IT_BEGINS, "/valid_from"),
    ("grid_source_ref", &HALF_A_REFERENCE, "/ref"),
    ("grid_source_ref_key", &REFERENCE_TAKEN, "/ref"),
    ("grid_years", &period::OUT_OF_YEARS, "/valid_from"),
];

impl Recorded for Grid {
    const KIND: &'static str = "grid";

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn area(&self) -> &str {
        self.code.as_str()
    }

    fn version(&self) -> i32 {
        self.version
    }
}

/// Lists the grids in force on a day that the caller may see: those of his area, and those above it.
pub async fn list(view: &View<'_>, filter: &GridFilter, paging: &Paging) -> Result<Page<Grid>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query = Grid::query().filter(holds_on!(grid, view.as_of)).filter(within_or_above!(scope, grid::code)).into_boxed();
        if let Some(area) = &filter.area_code {
            query = query.filter(grid::code.ge(area.clone()).and(grid::code.lt(kernel::area::end_of(area))));
        }
        if let Some(code) = &filter.code {
            query = query.filter(grid::code.eq(code));
        }
        if let Some(name) = &filter.name {
            query = query.filter(grid::name.like(name.pattern()));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(grid::kind.eq(kind));
        }
        query
    };
    let rows = keyset!(chosen(), grid, paging, paging.after(filter)?).load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(grid::id).limit(MAX_TOTAL).load::<GridId>(&mut view.conn()).await?.len()),
        false => None,
    };
    paging.page(view.as_of, rows, total, filter, cursor_of!(paging))
}

/// The grid with this id.
pub async fn get(view: &View<'_>, id: GridId) -> Result<Grid> {
    let scope = view.may(READ)?;
    let found = Grid::query().filter(grid::id.eq(id)).filter(within_or_above!(scope, grid::code)).first(&mut view.conn()).await.optional()?;
    found.ok_or_else(|| (&UNKNOWN).into())
}

/// Makes a grid in the community that its code begins with.
pub async fn create(tx: &Tx<'_>, new: &NewGrid) -> Result<Grid> {
    tx.may_at(WRITE, new.code.as_str())?;
    let from = new.valid_from.unwrap_or(tx.today());
    community::host(tx, new.code.community(), from).await?;
    let grid = diesel::insert_into(grid::table)
        .values((new, grid::id.eq(GridId::fresh()), grid::valid_from.eq(from)))
        .returning(Grid::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("grid.created", None, &grid, None)?;
    Ok(grid)
}

/// Changes a grid.
pub async fn update(tx: &Tx<'_>, id: GridId, expected: Expected, patch: &GridPatch) -> Result<Grid> {
    first_day::hold(tx, patch.valid_from, INTO_GRIDS).await?;
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    period::still_open(before.valid_to)?;
    change(tx, &before, patch).await
}

/// Makes or changes the grid that the caller knows by a key of his own.
pub async fn put(tx: &Tx<'_>, source: &Key, reference: &Key, new: NewGrid) -> Result<Grid> {
    tx.lock(&format!("grid {source} {reference}")).await?;
    first_day::hold(tx, new.valid_from, INTO_GRIDS).await?;
    let known = Grid::query().filter(grid::source.eq(source).and(grid::ref_.eq(reference))).first(&mut tx.conn()).await.optional()?;
    match known {
        None => create(tx, &NewGrid { source: Some(source.clone()), reference: Some(reference.clone()), ..new }).await,
        Some(known) => {
            let before = lock(tx, known.id).await?;
            period::still_open(before.valid_to)?;
            if before.code != new.code {
                return Err(CODE_FIXED.at("/code").with("code", &before.code).into());
            }
            change(tx, &before, &new.into()).await
        }
    }
}

/// Ends a grid on a day. Refused while households, compounds, people, party organizations or companies are in it from that day on.
pub async fn end(tx: &Tx<'_>, id: GridId, expected: Expected, ending: &Ending) -> Result<Grid> {
    import::hold(tx, STAND_IN_GRIDS).await?;
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    close(tx, &before, ending.on, ending.reason.as_str()).await
}

/// Ends a locked grid in which nothing is left on a day.
pub(crate) async fn close(tx: &Tx<'_>, before: &Grid, on: NaiveDate, reason: &str) -> Result<Grid> {
    let on = period::end(before.valid_from, before.valid_to, on)?;
    let households = count_after!(tx, household_grid, grid_code, before.code, on);
    if households > 0 {
        return Err(HAS_HOUSEHOLDS.with("count", households).into());
    }
    let compounds = count_after!(tx, compound_grid, grid_code, before.code, on);
    if compounds > 0 {
        return Err(HAS_COMPOUNDS.with("count", compounds).into());
    }
    let people = person_entry::answered_for(tx, before.code.as_str(), on).await?;
    if people > 0 {
        return Err(HAS_PEOPLE.with("count", people).into());
    }
    kept_area::none_after(tx, before.code.as_str(), kept_area::OF_GRID, on).await?;
    let after = diesel::update(grid::table.find(before.id))
        .set((grid::valid_to.eq(on), grid::version.eq(before.version + 1), grid::updated_at.eq(tx.now)))
        .returning(Grid::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("grid.ended", Some(before), &after, Some(reason))?;
    Ok(after)
}

/// Refuses unless the grid is there and in force on a day; it cannot end before this transaction does.
pub async fn host(tx: &Tx<'_>, code: &GridCode, on: NaiveDate) -> Result<()> {
    let term = grid::table.filter(grid::code.eq(code)).select((grid::valid_from, grid::valid_to)).for_key_share().first(&mut tx.conn()).await.optional()?;
    match term {
        None => Err(UNKNOWN_HERE.at("/grid_code").with("grid_code", code).into()),
        Some((from, to)) if period::holds(from, to, on) => Ok(()),
        Some(_) => Err(ENDED_HERE.at("/grid_code").with("grid_code", code).into()),
    }
}

/// The grid, locked, of a caller who may write it.
pub(crate) async fn lock(tx: &Tx<'_>, id: GridId) -> Result<Grid> {
    let found = Grid::query()
        .filter(grid::id.eq(id))
        .filter(within_or_above!(tx.scope(&[READ, WRITE]), grid::code))
        .for_update()
        .first(&mut tx.conn())
        .await
        .optional()?;
    let grid: Grid = found.ok_or(&UNKNOWN)?;
    tx.may_at(WRITE, grid.code.as_str())?;
    Ok(grid)
}

async fn change(tx: &Tx<'_>, before: &Grid, patch: &GridPatch) -> Result<Grid> {
    if let Some(from) = patch.valid_from.filter(|from| *from > before.valid_from) {
        let homes = household_grid::table.filter(household_grid::grid_code.eq(&before.code).and(household_grid::valid_from.lt(from)));
        let links = compound_grid::table.filter(compound_grid::grid_code.eq(&before.code).and(compound_grid::valid_from.lt(from)));
        if diesel::select(exists(homes).or(exists(links))).get_result(&mut tx.conn()).await? {
            return Err(IN_USE_BEFORE.at("/valid_from").into());
        }
    }
    let after = diesel::update(grid::table.find(before.id))
        .set((patch, grid::version.eq(before.version + 1), grid::updated_at.eq(tx.now)))
        .returning(Grid::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("grid.changed", Some(before), &after, None)?;
    Ok(after)
}

/// Grids as a table.
pub const SHEET: Sheet = Sheet {
    resource: "grids",
    zh: "网格",
    table: "grid",
    read: READ,
    write: WRITE,
    columns: &[
        Column::new("code", "网格编码", Form::Code(is_grid_code, &NOT_A_GRID_CODE), "15位数字,前12位是社区编码。编码不重复使用。").required(),
        Column::new("community_code", "社区编码", Form::Prefix(12), "可不填;填写时须与网格编码前12位一致。"),
        Column::new("name", "名称", Form::Text(60), "最多60个字符。").required(),
        Column::new("kind", "类型", Form::Choice(GridKind::CHOICES), "默认为城市网格。").or("'urban'"),
        Column::new("dedicated_kind", "专属类型", Form::Choice(DedicatedKind::CHOICES), "仅专属网格填写。"),
        Column::new("valid_from", "启用日期", Form::Date, "默认为导入生效日期。").or("$on"),
        Column::new("source", "来源系统", Form::Key, "贵方系统的代号,与“来源编号”同时填写。"),
        Column::new("ref", "来源编号", Form::Key, "贵方系统中的编号。"),
    ],
    keys: 1,
    found_by: None,
    key_reusable: false,
    area: "i.code",
    stored_area: "t.code",
    links: None,
    from: "grid t",
    shown: &[],
    looks_up: "left join community p on p.code = left(i.code, 12)",
    checks: &[
        Check { column: "code", refusal: &community::UNKNOWN_HERE, fault: "p.code is null" },
        Check { column: "code", refusal: &community::ENDED_HERE, fault: "p.valid_to <= i.valid_from" },
        Check { column: "dedicated_kind", refusal: &NOT_DEDICATED, fault: "i.dedicated_kind is not null and i.kind <> 'dedicated'" },
        Check {
            column: "valid_from",
            refusal: &IN_USE_BEFORE,
            fault: "i.valid_from > (i.was).valid_from and (exists (select from household_grid h where h.grid_code = i.code and h.valid_from < i.valid_from) \
                    or exists (select from compound_grid l where l.grid_code = i.code and l.valid_from < i.valid_from))",
        },
    ],
    after: Some(|tx, _, _| Box::pin(first_day::settle_grids(tx))),
};
