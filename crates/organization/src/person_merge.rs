//! Merging a duplicate into the person that it is, and undoing it: what refers to the duplicate moves to the survivor, over
//! the manifests of all domains, and just that moves back.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use kernel::change::{Constraint, RefusedBy};
use kernel::manifest::Reference;
use kernel::page::Cursor;
use kernel::personal::Kept;
use kernel::text::Line;
use kernel::{Error, Expected, Page, Paging, Permission, Prepare, Recorded, Refusal, Result, Role, Stamp, Tx, View, id, import, within};
use schema::{community, grid, person, person_merge};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::code::GridCode;
use crate::id_number::IdKind;
use crate::party_standing;
use crate::person::{HomeCode, MERGED, Person, PersonId, READ, Row};
use crate::person_entry;
use crate::person_search::differ;
use crate::person_sheet;

id!(
    /// A merge of two entries.
    PersonMergeId
);

/// A merge of a duplicate into the person that it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PersonMerge {
    /// Identity, for ever.
    pub id: PersonMergeId,
    /// The person who stays. His own members stay as they are; a number or a phone that he lacks, he gets.
    pub survivor_id: PersonId,
    /// The entry that was the same person; reading it answers the survivor.
    pub duplicate_id: PersonId,
    /// Why they are one.
    pub reason: Line,
    /// Whether the survivor had no number and got the duplicate's.
    pub took_number: bool,
    /// Whether the survivor had no phone and got the duplicate's.
    pub took_phone: bool,
    /// When the merge was undone; null while it holds.
    pub undone_at: Option<Stamp>,
    /// Rises with every change.
    pub version: i32,
    /// When they were merged.
    pub created_at: Stamp,
    /// When it was last changed.
    pub updated_at: Stamp,
    #[serde(skip)]
    area_code: HomeCode,
}

#[derive(HasQuery)]
#[diesel(table_name = person_merge)]
struct Merge {
    id: PersonMergeId,
    survivor_id: PersonId,
    duplicate_id: PersonId,
    reason: Line,
    took_number: bool,
    took_phone: bool,
    undone_at: Option<Stamp>,
    version: i32,
    created_at: Stamp,
    updated_at: Stamp,
}

impl Merge {
    /// The merge, in the area of its survivor.
    fn in_area(self, area_code: HomeCode) -> PersonMerge {
        let Self { id, survivor_id, duplicate_id, reason, took_number, took_phone, undone_at, version, created_at, updated_at } = self;
        PersonMerge { id, survivor_id, duplicate_id, reason, took_number, took_phone, undone_at, version, created_at, updated_at, area_code }
    }
}

/// Two entries that are one person.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPersonMerge {
    /// The person who stays.
    pub survivor_id: PersonId,
    /// The entry that is the same person.
    pub duplicate_id: PersonId,
    /// Why they are one; kept in the journal.
    #[schema(example = "同一人在两个网格重复登记")]
    pub reason: Line,
}

/// The undoing of a merge.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Undoing {
    /// Why; kept in the journal.
    #[schema(example = "经核实为同名同姓的两人")]
    pub reason: Line,
    /// The community or grid that answers for the entry from now on; the one that did before the merge, unless said.
    pub area_code: Option<HomeCode>,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// Which merges a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct PersonMergeFilter {
    /// In which this person stayed or went.
    pub person_id: Option<PersonId>,
    /// Undone ones too, not only those that hold.
    pub ever: Option<bool>,
}

/// May merge people, and undo it.
pub const MERGE: Permission = Permission("person.merge");

/// No such merge.
pub const UNKNOWN: Refusal =
    Refusal::not_found("person_merge.unknown", "没有该合并记录,或其不在您的区域内。", "There is no such merge, or it is not in your area.");
/// One of the two is not there.
pub const WHOM: Refusal =
    Refusal::invalid("person_merge.whom", "没有标识为 {id} 的人员,或其不在您的区域内。", "There is nobody with the id {id}, or he is not in your area.");
/// The same entry twice.
pub const ONESELF: Refusal = Refusal::invalid("person_merge.oneself", "保留人员与重复登记不能是同一登记。", "An entry cannot be merged into itself.");
/// Two numbers are two people.
pub const TWO_NUMBERS: Refusal = Refusal::conflict(
    "person_merge.two_numbers",
    "两个登记的证件号码不同,应为两个人;若其中一个有误,请先更正。",
    "The two have different numbers, so they are two people; if one number is wrong, correct it first.",
);
/// Both hold something of which one person holds one at a time.
pub const OVERLAP: Refusal = Refusal::conflict(
    "person_merge.overlap",
    "两个登记在同一期间各有一项 {table},而一人同时只能有一项;请先终止或更正其中一项。",
    "Both have a {table} for the same time, and one person can have one; end or correct one of them first.",
);
/// A merge is undone once.
pub const UNDONE: Refusal = Refusal::conflict("person_merge.undone", "该合并已撤销。", "The merge has been undone already.");
/// The survivor was merged on.
pub const MERGED_ON: Refusal = Refusal::conflict(
    "person_merge.merged_on",
    "保留的人员后来又并入了另一人员;请先撤销较晚的合并。",
    "The survivor was later merged into another person; undo the later merge first.",
);
/// The entry would come back to a place that is no more.
pub const HOME_ENDED: Refusal = Refusal::conflict(
    "person_merge.home_ended",
    "重复登记原属的社区或网格 {area_code} 于 {on} 终止,不能按原样恢复;请在 area_code 中填写其现属的社区或网格。",
    "The entry was in {area_code}, which ends on {on}, so it cannot come back as it was; give the community or grid that answers for it now as area_code.",
);

const CONSTRAINTS: &[Constraint] = &[("person_merge_once", &UNDONE, "/duplicate_id")];

impl Recorded for PersonMerge {
    const KIND: &'static str = "person_merge";

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn area(&self) -> &str {
        self.area_code.as_str()
    }

    fn version(&self) -> i32 {
        self.version
    }
}

/// Lists the merges whose survivor the caller may see, the latest first.
pub async fn list(view: &View<'_>, filter: &PersonMergeFilter, paging: &Paging) -> Result<Page<PersonMerge>> {
    let scope = view.may(READ)?;
    let mut query = person_merge::table
        .inner_join(person::table.on(person::id.eq(person_merge::survivor_id)))
        .filter(within!(scope, person::area_code))
        .select((Merge::as_select(), person::area_code))
        .into_boxed();
    if let Some(id) = filter.person_id {
        query = query.filter(person_merge::survivor_id.eq(id).or(person_merge::duplicate_id.eq(id)));
    }
    if filter.ever != Some(true) {
        query = query.filter(person_merge::undone_at.is_null());
    }
    if let Some(after) = paging.after(filter)? {
        query = query.filter(person_merge::id.lt(after.id));
    }
    let rows: Vec<(Merge, HomeCode)> = query.order(person_merge::id.desc()).limit(paging.fetch()).load(&mut view.conn()).await?;
    let merges = rows.into_iter().map(|(merge, area)| merge.in_area(area)).collect();
    paging.page(view.as_of, merges, None, filter, |merge: &PersonMerge| Cursor { key: String::new(), id: merge.id.0 })
}

/// The merge with this id.
pub async fn get(view: &View<'_>, id: PersonMergeId) -> Result<PersonMerge> {
    let scope = view.may(READ)?;
    let found = person_merge::table
        .inner_join(person::table.on(person::id.eq(person_merge::survivor_id)))
        .filter(person_merge::id.eq(id).and(within!(scope, person::area_code)))
        .select((Merge::as_select(), person::area_code))
        .first::<(Merge, HomeCode)>(&mut view.conn())
        .await
        .optional()?;
    found.map(|(merge, area)| merge.in_area(area)).ok_or_else(|| (&UNKNOWN).into())
}

/// Merges a duplicate into the person that it is. `references` names everything that can refer to a person.
pub async fn create(tx: &Tx<'_>, references: &[Reference], new: &NewPersonMerge) -> Result<PersonMerge> {
    tx.may(MERGE)?;
    if new.survivor_id == new.duplicate_id {
        return Err(ONESELF.at("/duplicate_id").into());
    }
    import::hold(tx, &imported(references)).await?;
    let (survivor, duplicate) = both(tx, new.survivor_id, new.duplicate_id).await?;
    for (person, pointer) in [(&survivor, "/survivor_id"), (&duplicate, "/duplicate_id")] {
        if let Some(other) = person.kept.merged_into {
            return Err(MERGED.at(pointer).with("id", other).into());
        }
    }
    if differ(&survivor.kept.id_number, &duplicate.kept.id_number) {
        return Err((&TWO_NUMBERS).into());
    }
    let lacks = |of: fn(&Row) -> &Option<Kept>| of(&survivor.kept).is_none() && of(&duplicate.kept).is_some();
    let takes = Takes { number: lacks(|row| &row.id_number), phone: lacks(|row| &row.phone) };
    let merge: Merge = diesel::insert_into(person_merge::table)
        .values((
            person_merge::id.eq(PersonMergeId::fresh()),
            person_merge::survivor_id.eq(survivor.id),
            person_merge::duplicate_id.eq(duplicate.id),
            person_merge::reason.eq(&new.reason),
            person_merge::took_number.eq(takes.number),
            person_merge::took_phone.eq(takes.phone),
        ))
        .returning(Merge::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    for reference in references {
        hand_over(tx, reference, merge.id, (&duplicate, &survivor), "true", new.reason.as_str()).await?;
    }
    point(tx, &duplicate, Some(survivor.id), &duplicate.area_code, "person.merged", new.reason.as_str()).await?;
    let (number, kind, phone) = (duplicate.kept.id_number.clone(), duplicate.id_kind, duplicate.kept.phone.clone());
    give(tx, &survivor, takes, (number, kind), phone, new.reason.as_str()).await?;
    let merge = merge.in_area(survivor.area_code);
    tx.record("person_merge.created", None, &merge, Some(new.reason.as_str()))?;
    Ok(merge)
}

/// Undoes a merge: what it moved moves back, what came since stays with the survivor. The duplicate is where it was, or where
/// the caller says.
pub async fn undo(tx: &Tx<'_>, references: &[Reference], id: PersonMergeId, expected: Expected, undoing: &Undoing) -> Result<PersonMerge> {
    tx.may(MERGE)?;
    if let Some(area) = &undoing.area_code {
        tx.may_at(MERGE, area.as_str())?;
    }
    import::hold(tx, &imported(references)).await?;
    let found: Option<Merge> = Merge::query().filter(person_merge::id.eq(id)).for_update().first(&mut tx.conn()).await.optional()?;
    let merge = found.ok_or(&UNKNOWN)?;
    let (survivor, duplicate) = both(tx, merge.survivor_id, merge.duplicate_id).await.map_err(|error| match error.code() {
        Some(code) if code == WHOM.code => (&UNKNOWN).into(),
        _ => error,
    })?;
    let before = merge.in_area(survivor.area_code.clone());
    expected.check(before.version)?;
    if before.undone_at.is_some() {
        return Err((&UNDONE).into());
    }
    if survivor.kept.merged_into.is_some() {
        return Err((&MERGED_ON).into());
    }
    match &undoing.area_code {
        Some(area) => person_entry::host(tx, area, tx.today().max(duplicate.valid_from)).await?,
        None => still_home(tx, &duplicate).await?,
    }
    let back = Person { area_code: undoing.area_code.clone().unwrap_or_else(|| duplicate.area_code.clone()), ..duplicate.clone() };
    let went = "exists (select from person_merge_move m where m.merge_id = $1 and m.table_name = $4 and m.row_id = t.id)";
    for reference in references {
        hand_over(tx, reference, before.id, (&survivor, &back), went, undoing.reason.as_str()).await?;
    }
    // What each has got meanwhile may rest on a membership that was not his.
    party_standing::covers_posts(tx, &[survivor.id, duplicate.id]).await?;
    // What the survivor got and still has, he gives back.
    let same = |of: fn(&Row) -> &Option<Kept>| !differ(of(&survivor.kept), of(&duplicate.kept)) && of(&survivor.kept).is_some();
    let takes = Takes { number: before.took_number && same(|row| &row.id_number), phone: before.took_phone && same(|row| &row.phone) };
    give(tx, &survivor, takes, (None, IdKind::ResidentId), None, undoing.reason.as_str()).await?;
    point(tx, &duplicate, None, &back.area_code, "person.unmerged", undoing.reason.as_str()).await?;
    let after: Merge = diesel::update(person_merge::table.find(id))
        .set((person_merge::undone_at.eq(tx.now), person_merge::version.eq(before.version + 1), person_merge::updated_at.eq(tx.now)))
        .returning(Merge::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    let after = after.in_area(survivor.area_code);
    tx.record("person_merge.undone", Some(&before), &after, Some(undoing.reason.as_str()))?;
    Ok(after)
}

/// By which sheets people and the references to them come in: a row must not go to an entry that is a duplicate by now, nor
/// to the survivor in its stead, whom the import has not checked.
fn imported(references: &[Reference]) -> Vec<&'static str> {
    references.iter().filter_map(|reference| reference.resource).chain([person_sheet::SHEET.resource]).collect()
}

/// Hands rows over from one of the two to the other, of which the merge remembers all that it moved. `which` is SQL over
/// the row `t`. Each row is changed, and journalled, like any other: where it has an area of its own, as what somebody owns
/// has, there; else where the person is.
async fn hand_over(tx: &Tx<'_>, reference: &Reference, merge: PersonMergeId, (from, to): (&Person, &Person), which: &str, reason: &str) -> Result<()> {
    let Reference { table, column, .. } = reference;
    let moved = diesel::sql_query(format!(
        "with moved as (
             update {table} t set {column} = $3, version = t.version + 1, updated_at = $5 where t.{column} = $2 and {which}
             returning t.id, t.version, to_jsonb(t) ->> 'area_code' as area
         ), remembered as (
             insert into person_merge_move (merge_id, table_name, row_id) select $1, $4, id from moved on conflict do nothing
         )
         insert into journal (actor_id, actor_name, acting_role, request_id, action, object_kind, object_id, area_code, former_area_code, version, reason, change)
         select $6, $7, $8, $9, '{table}.changed', '{table}', id, coalesce(area, $10), case when area is null then nullif($11, $10) end, version, $12,
             jsonb_build_object('{column}', jsonb_build_object('from', $2, 'to', $3))
         from moved"
    ));
    moved
        .bind::<SqlUuid, _>(merge.0)
        .bind::<SqlUuid, _>(from.id.0)
        .bind::<SqlUuid, _>(to.id.0)
        .bind::<Text, _>(*table)
        .bind::<Timestamptz, _>(tx.now)
        .bind::<SqlUuid, _>(tx.actor.id)
        .bind::<Text, _>(&tx.actor.name)
        .bind::<Nullable<Text>, _>(tx.role().map(Role::word))
        .bind::<Text, _>(&tx.request_id)
        .bind::<Text, _>(to.area_code.as_str())
        .bind::<Text, _>(from.area_code.as_str())
        .bind::<Text, _>(reason)
        .execute(&mut tx.conn())
        .await
        .map_err(|error| clash(error, table))?;
    Ok(())
}

/// The two, locked in the order of their ids, of a caller who may merge where each of them is.
async fn both(tx: &Tx<'_>, survivor: PersonId, duplicate: PersonId) -> Result<(Person, Person)> {
    let scope = tx.scope(&[MERGE]);
    let rows: Vec<Row> = Row::query()
        .filter(person::id.eq_any([survivor, duplicate]))
        .filter(within!(scope, person::area_code))
        .order(person::id)
        .for_update()
        .load(&mut tx.conn())
        .await?;
    let find = |id: PersonId, pointer: &str| rows.iter().find(|row| row.id == id).cloned().ok_or_else(|| Error::from(WHOM.at(pointer).with("id", id)));
    let (survivor, duplicate) = (find(survivor, "/survivor_id")?, find(duplicate, "/duplicate_id")?);
    for row in [&duplicate, &survivor] {
        tx.may_at(MERGE, row.area_code.as_str())?;
    }
    Ok((survivor.show(tx)?, duplicate.show(tx)?))
}

/// Refuses where the home of an entry ended while it was merged, and answered for nobody: now it would have to answer for him.
async fn still_home(tx: &Tx<'_>, duplicate: &Person) -> Result<()> {
    let area = duplicate.area_code.as_str();
    let end: Option<Option<NaiveDate>> = match GridCode::parse(area) {
        Ok(code) => grid::table.filter(grid::code.eq(code)).select(grid::valid_to).for_key_share().first(&mut tx.conn()).await.optional()?,
        Err(_) => community::table.filter(community::code.eq(area)).select(community::valid_to).for_key_share().first(&mut tx.conn()).await.optional()?,
    };
    match end.flatten() {
        Some(on) if duplicate.valid_to.is_none_or(|to| to > on) => Err(HOME_ENDED.at("/area_code").with("area_code", area).with("on", on).into()),
        _ => Ok(()),
    }
}

/// Says of an entry whom it turned out to be, or that it is a person of its own, and where.
async fn point(tx: &Tx<'_>, duplicate: &Person, into: Option<PersonId>, home: &HomeCode, action: &'static str, reason: &str) -> Result<()> {
    let row: Row = diesel::update(person::table.find(duplicate.id))
        .set((person::merged_into.eq(into), person::area_code.eq(home), person::version.eq(duplicate.version + 1), person::updated_at.eq(tx.now)))
        .returning(Row::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(person_entry::CONSTRAINTS)?;
    tx.record(action, Some(duplicate), &row.show(tx)?, Some(reason))
}

/// Which of the duplicate's values the survivor takes, or gives back.
#[derive(Clone, Copy)]
struct Takes {
    number: bool,
    phone: bool,
}

/// Sets the number or the phone of a survivor, or both.
async fn give(tx: &Tx<'_>, survivor: &Person, takes: Takes, number: (Option<Kept>, IdKind), phone: Option<Kept>, reason: &str) -> Result<()> {
    if !takes.number && !takes.phone {
        return Ok(());
    }
    let (number, kind) = if takes.number { number } else { (survivor.kept.id_number.clone(), survivor.id_kind) };
    let phone = if takes.phone { phone } else { survivor.kept.phone.clone() };
    let row: Row = diesel::update(person::table.find(survivor.id))
        .set((
            (person::id_number.eq(number), person::id_kind.eq(kind), person::phone.eq(phone)),
            (person::version.eq(survivor.version + 1), person::updated_at.eq(tx.now)),
        ))
        .returning(Row::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(person_entry::CONSTRAINTS)?;
    tx.record("person.changed", Some(survivor), &row.show(tx)?, Some(reason))
}

/// Two rows that one person cannot have at a time.
fn clash(error: DieselError, table: &str) -> Error {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::ExclusionViolation | DatabaseErrorKind::UniqueViolation, _) => OVERLAP.with("table", table).into(),
        other => other.into(),
    }
}
