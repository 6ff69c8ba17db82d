//! People, as far as governance needs them: one person once, numbers and phones sealed, shown masked (ORG-14).

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::change::{nullable, present};
use kernel::page::{Cursor, MAX_TOTAL};
use kernel::personal::{Clear, Kept, Masked};
use kernel::text::{Key, tidy};
use kernel::{AreaCode, Page, Paging, Permission, Recorded, Refusal, Result, Stamp, Tx, View, holds_on, id, text_type, within};
use schema::person;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::code::{is_community_code, is_grid_code};
use crate::id_number::{ID_NUMBER, IdKind};
use crate::phone::PHONE;

id!(
    /// A person.
    PersonId
);

/// Digits of a number that slipped into the column of a name.
const DIGITS_OF_A_NUMBER: usize = 5;

text_type!(
    /// The name of a person: 1 to 60 characters, none invisible, and no number.
    PersonName,
    |text| {
        let name = tidy(text, 60)?;
        if name.chars().filter(char::is_ascii_digit).count() < DIGITS_OF_A_NUMBER { Ok(name) } else { Err((&NAME_HAS_NUMBER).into()) }
    },
    #[schema(value_type = String, min_length = 1, max_length = 60, example = "张小明", pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$")]
);
text_type!(
    /// The code of a community or of a grid.
    HomeCode,
    |text| if is_home_code(text) { Ok(text.to_owned()) } else { Err((&NOT_A_HOME_CODE).into()) },
    #[schema(value_type = String, pattern = "^([0-9]{12}|[0-9]{15})$", min_length = 12, max_length = 15, example = "421181001001001")]
);

/// Whether a text is the code of a community or of a grid.
#[must_use]
pub fn is_home_code(text: &str) -> bool {
    is_community_code(text) || is_grid_code(text)
}

/// A person as he stands, numbers masked.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Person {
    /// Identity, for ever.
    pub id: PersonId,
    /// Name, as on the document.
    pub name: PersonName,
    /// Kind of the document that the number is of.
    pub id_kind: IdKind,
    /// Number of the document, masked; null where it is not known.
    #[schema(value_type = Option<String>, example = "421199********0010")]
    pub id_number: Option<Masked>,
    /// Phone, masked; null where there is none.
    pub phone: Option<Masked>,
    /// The community or grid that answers for him: where he lives, else where he serves.
    pub area_code: HomeCode,
    /// First day on which the city keeps him.
    pub valid_from: NaiveDate,
    /// First day on which it no longer does; null while it has no end.
    pub valid_to: Option<NaiveDate>,
    /// System of the caller that knows him by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
    /// Rises with every change.
    pub version: i32,
    /// When he was entered.
    pub created_at: Stamp,
    /// When he was last changed.
    pub updated_at: Stamp,
    #[serde(skip)]
    pub(crate) kept: Row,
}

/// A person as he is kept.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = person)]
pub(crate) struct Row {
    pub id: PersonId,
    pub name: PersonName,
    pub id_kind: IdKind,
    pub id_number: Option<Kept>,
    pub phone: Option<Kept>,
    pub area_code: HomeCode,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
    pub merged_into: Option<PersonId>,
    pub source: Option<Key>,
    #[diesel(column_name = ref_)]
    pub reference: Option<Key>,
    pub version: i32,
    pub created_at: Stamp,
    pub updated_at: Stamp,
}

impl Row {
    /// The person as he may be shown.
    pub fn show(self, view: &View<'_>) -> Result<Person> {
        let row = self.clone();
        Ok(Person {
            id: row.id,
            name: row.name,
            id_kind: row.id_kind,
            id_number: row.id_number.map(|kept| kept.mask(&ID_NUMBER, view.cipher()?)).transpose()?,
            phone: row.phone.map(|kept| kept.mask(&PHONE, view.cipher()?)).transpose()?,
            area_code: row.area_code,
            valid_from: row.valid_from,
            valid_to: row.valid_to,
            source: row.source,
            reference: row.reference,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            kept: self,
        })
    }
}

impl Recorded for Person {
    const KIND: &'static str = "person";

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn area(&self) -> &str {
        self.area_code.as_str()
    }

    fn version(&self) -> i32 {
        self.version
    }

    fn personal(&self) -> Vec<(&'static str, Option<String>)> {
        let print = |kept: &Option<Kept>| kept.as_ref().map(Kept::fingerprint);
        vec![("name", Some(self.name.to_string())), ("id_number", print(&self.kept.id_number)), ("phone", print(&self.kept.phone))]
    }
}

/// A person to be entered.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// Name, as on the document.
    pub name: PersonName,
    /// Kind of the document that the number is of; `resident_id` unless said.
    pub id_kind: Option<IdKind>,
    /// Number of the document, whole. It is checked, sealed, and shown masked from then on.
    #[schema(example = "421199199003070010")]
    pub id_number: Option<Clear>,
    /// Phone, whole. It is sealed, and shown masked from then on.
    #[schema(example = "12012345678")]
    pub phone: Option<Clear>,
    /// The community or grid that answers for him: where he lives, else where he serves.
    pub area_code: HomeCode,
    /// First day on which the city keeps him; today unless said.
    pub valid_from: Option<NaiveDate>,
    /// System of the caller that knows him by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
}

/// A change of a person: what is left out stays, null empties.
#[derive(Clone, Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PersonPatch {
    /// Name, as on the document.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub name: Option<PersonName>,
    /// Kind of the document; only together with its number.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub id_kind: Option<IdKind>,
    /// Number of the document, whole; never a masked one.
    #[serde(deserialize_with = "nullable")]
    pub id_number: Option<Option<Clear>>,
    /// Phone, whole; never a masked one.
    #[serde(deserialize_with = "nullable")]
    #[schema(example = "12012345679")]
    pub phone: Option<Option<Clear>>,
    /// The community or grid that answers for him.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub area_code: Option<HomeCode>,
    /// First day on which the city keeps him, corrected.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub valid_from: Option<NaiveDate>,
    /// System of the caller that knows him by `ref`.
    #[serde(deserialize_with = "nullable")]
    pub source: Option<Option<Key>>,
    /// Key of the caller, unique within `source`.
    #[serde(rename = "ref", deserialize_with = "nullable")]
    pub reference: Option<Option<Key>>,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

impl From<NewPerson> for PersonPatch {
    fn from(new: NewPerson) -> Self {
        Self {
            name: Some(new.name),
            id_kind: new.id_number.as_ref().map(|_| new.id_kind.unwrap_or(IdKind::ResidentId)),
            id_number: Some(new.id_number),
            phone: Some(new.phone),
            area_code: Some(new.area_code),
            valid_from: new.valid_from,
            ..Self::default()
        }
    }
}

/// Which people a list holds. Names and numbers are never asked for here: they would stand in addresses and logs.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct PersonFilter {
    /// In this area or under it.
    pub area_code: Option<AreaCode>,
}

/// May see people, numbers masked.
pub const READ: Permission = Permission("person.read");
/// May enter and change people.
pub const WRITE: Permission = Permission("person.write");

/// No such person.
pub const UNKNOWN: Refusal = Refusal::not_found("person.unknown", "没有该人员,或其不在您的区域内。", "There is no such person, or he is not in your area.");
/// A number in a name.
pub const NAME_HAS_NUMBER: Refusal =
    Refusal::invalid("person.name_has_number", "姓名中含有号码,请检查是否错列。", "The name holds a number: was it written into the wrong place?");
/// Not the code of a community or grid.
pub const NOT_A_HOME_CODE: Refusal = Refusal::invalid(
    "person.bad_area_code",
    "所属区域须为社区编码(12位)或网格编码(15位)。",
    "The area of a person is a community (12 digits) or a grid (15 digits).",
);
/// The same number a second time, of somebody whom the caller may see.
pub const ALREADY: Refusal =
    Refusal::conflict("person.already", "该证件号码的人员已登记,标识为 {id}。", "The person with this number is entered already, as {id}.");
/// The same number a second time, of somebody whom the caller may not see.
pub const ALREADY_ELSEWHERE: Refusal = Refusal::conflict(
    "person.already_elsewhere",
    "该证件号码的人员已在您的区域以外登记;请与上级联系办理迁入。",
    "The person with this number is entered already, outside your area; ask the level above to move him.",
);
/// A community or grid that is not there.
pub const HOME_UNKNOWN: Refusal =
    Refusal::invalid("person.home_does_not_exist", "社区或网格 {area_code} 不存在。", "There is no community or grid {area_code}.");
/// A community or grid that does not hold on the day.
pub const HOME_ENDED: Refusal = Refusal::invalid(
    "person.home_not_in_force",
    "社区或网格 {area_code} 在该日期尚未启用或已终止。",
    "The community or grid {area_code} is not in force on that day.",
);
/// A kind without a number.
pub const KIND_WITHOUT_NUMBER: Refusal =
    Refusal::invalid("person.kind_without_number", "更改证件类型时须同时填写完整的证件号码。", "To change the kind of document, give its whole number too.");
/// In an import: an id that nobody has.
pub const UNKNOWN_HERE: Refusal = Refusal::invalid(
    "person.does_not_exist",
    "没有标识为 {person_id} 的人员;新登记的人员请将此列留空。",
    "Nobody has the id {person_id}; leave it empty for somebody new.",
);
/// In an import: somebody whom nothing would tell from others the next time.
pub const WHO_IS_IT: Refusal = Refusal::invalid(
    "person.who_is_it",
    "请至少填写证件号码,或来源系统与来源编号,否则再次导入时无法识别此人。",
    "Give the number of the document, or source and ref: else the same file would enter him a second time.",
);
/// In an import: the number is somebody else's.
pub const TAKEN_HERE: Refusal = Refusal::invalid(
    "person.number_taken",
    "该证件号码属于另一名已登记的人员,与本行的人员标识或来源编号不符。",
    "The number belongs to another person than the one whom the id, or source and ref, of this row name.",
);
/// In an import: the entry was merged.
pub const MERGED_HERE: Refusal = Refusal::invalid(
    "person.was_merged",
    "该登记已并入另一名人员;请改用后者的人员标识,或先撤销合并。",
    "This entry was merged into another person; use that one's id, or undo the merge first.",
);
/// In an import: the person has ended.
pub const ENDED_HERE: Refusal = Refusal::invalid("person.has_ended", "该人员已终止登记;请先恢复登记。", "The person has ended; reopen him first.");
/// A duplicate that was merged is not changed.
pub const MERGED: Refusal =
    Refusal::conflict("person.merged", "该登记已并入人员 {id};请更改后者。", "This entry was merged into the person {id}; change that one.");

/// How many times an entry may have been merged on until the survivor is reached.
const MOST_MERGES: usize = 32;

/// Lists the people that the caller may see and that the city keeps on a day, in the order in which they were entered.
pub async fn list(view: &View<'_>, filter: &PersonFilter, paging: &Paging) -> Result<Page<Person>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query =
            Row::query().filter(person::merged_into.is_null()).filter(holds_on!(person, view.as_of)).filter(within!(scope, person::area_code)).into_boxed();
        if let Some(area) = &filter.area_code {
            query = query.filter(person::area_code.ge(area.clone()).and(person::area_code.lt(kernel::area::end_of(area))));
        }
        query
    };
    let mut page = chosen().order(person::id).limit(paging.fetch());
    if let Some(after) = paging.after(filter)? {
        page = page.filter(person::id.gt(after.id));
    }
    let rows: Vec<Row> = page.load(&mut view.conn()).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(person::id).limit(MAX_TOTAL).load::<PersonId>(&mut view.conn()).await?.len()),
        false => None,
    };
    let people = rows.into_iter().map(|row| row.show(view)).collect::<Result<_>>()?;
    paging.page(view.as_of, people, total, filter, |person: &Person| Cursor { key: String::new(), id: person.id.0 })
}

/// The person with this id; of an entry that was merged, the one that it turned out to be.
pub async fn get(view: &View<'_>, id: PersonId) -> Result<Person> {
    view.may(READ)?;
    find(view, id, READ).await?.show(view)
}

/// The person behind an id, of a caller who has a permission where he is.
pub(crate) async fn find(view: &View<'_>, id: PersonId, permission: Permission) -> Result<Row> {
    let scope = view.scope(&[permission]);
    let mut id = id;
    for _ in 0..MOST_MERGES {
        let found: Option<Row> = Row::query().filter(person::id.eq(id)).first(&mut view.conn()).await.optional()?;
        match found {
            Some(row) if row.merged_into.is_none() && scope.covers(row.area_code.as_str()) => return Ok(row),
            Some(Row { merged_into: Some(next), .. }) => id = next,
            _ => break,
        }
    }
    Err((&UNKNOWN).into())
}

/// The person behind an id for what is about to refer to him: locked against being merged until the command is over.
pub(crate) async fn refer(tx: &Tx<'_>, id: PersonId, permission: Permission) -> Result<Row> {
    let row = find(tx, id, permission).await?;
    let locked = person::table.find(row.id).select(person::merged_into).for_key_share();
    match locked.first::<Option<PersonId>>(&mut tx.conn()).await? {
        None => Ok(row),
        // He was merged while the lock was waited for.
        Some(survivor) => find(tx, survivor, permission).await,
    }
}
