//! Policy documents (政策文件): what local rules come from (ORG-13).
//!
//! A document is one version of its text. A revised text is a document with a number of its own that replaces the one
//! before, so a rule that names a number names the version too. The text itself is a file attached to it.

use chrono::NaiveDate;
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_async::RunQueryDsl;
use kernel::area::AreaCode;
use kernel::change::{CODE_FIXED, Constraint, HALF_A_REFERENCE, REFERENCE_TAKEN, RefusedBy, nullable, present};
use kernel::page::{Cursor, MAX_TOTAL};
use kernel::text::{Key, Line, Name};
use kernel::{Ending, Expected, Page, Paging, Permission, Prepare, Recorded, Refusal, Result, Stamp, Tx, View, holds_on, id, import, period, within_or_above};
use schema::policy_document;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use validator::Validate;

use crate::policy_document_file::{FiledPolicyDocument, filed, with_files};
use crate::policy_document_sheet::SHEET;

id!(
    /// A policy document.
    PolicyDocumentId
);

/// A policy document as the registry holds it.
#[derive(Clone, Debug, HasQuery, Serialize, ToSchema)]
#[diesel(table_name = policy_document)]
pub struct PolicyDocument {
    /// Identity, for ever.
    pub id: PolicyDocumentId,
    /// Number of the document (文号), never used again.
    #[schema(example = "示例〔2022〕15号")]
    pub number: Name,
    /// Title.
    pub title: Line,
    /// Who issued it.
    pub issuer: Line,
    /// Day of issue.
    pub issued_on: NaiveDate,
    /// Number of the document that it replaces, the version before.
    pub replaces_number: Option<Name>,
    /// Where it was issued for; it is seen from below as well.
    pub area_code: AreaCode,
    /// First day in force.
    pub valid_from: NaiveDate,
    /// First day no longer in force; null while it has no end.
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

/// A policy document to be entered.
#[derive(Clone, Debug, Deserialize, Insertable, Validate, ToSchema)]
#[diesel(table_name = policy_document)]
#[serde(deny_unknown_fields)]
pub struct NewPolicyDocument {
    /// Number of the document (文号).
    #[schema(example = "示例〔2022〕15号")]
    pub number: Name,
    /// Title.
    #[schema(example = "关于优化社区网格设置工作的通知")]
    pub title: Line,
    /// Who issued it.
    #[schema(example = "中共麻城市委组织部")]
    pub issuer: Line,
    /// Day of issue.
    #[schema(example = "2022-11-20")]
    pub issued_on: NaiveDate,
    /// Number of the document that it replaces, the version before, which is ended by a command of its own.
    pub replaces_number: Option<Name>,
    /// Where it was issued for; the city unless said.
    #[diesel(skip_insertion)]
    pub area_code: Option<AreaCode>,
    /// First day in force; the day of issue unless said.
    #[diesel(skip_insertion)]
    pub valid_from: Option<NaiveDate>,
    /// System of the caller that knows it by `ref`.
    pub source: Option<Key>,
    /// Key of the caller, unique within `source`.
    #[diesel(column_name = ref_)]
    #[serde(rename = "ref")]
    pub reference: Option<Key>,
}

/// A change of a policy document: what is left out stays, null empties.
#[derive(Clone, Debug, Default, Deserialize, AsChangeset, Validate, ToSchema)]
#[diesel(table_name = policy_document)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"title": "关于进一步优化社区网格设置工作的通知", "version": 1}))]
pub struct PolicyDocumentPatch {
    /// Title.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub title: Option<Line>,
    /// Who issued it.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub issuer: Option<Line>,
    /// Day of issue.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub issued_on: Option<NaiveDate>,
    /// Number of the document that it replaces.
    #[serde(deserialize_with = "nullable")]
    pub replaces_number: Option<Option<Name>>,
    /// Where it was issued for; you must be able to write in the area before and after.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub area_code: Option<AreaCode>,
    /// First day in force, corrected.
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

impl From<NewPolicyDocument> for PolicyDocumentPatch {
    fn from(new: NewPolicyDocument) -> Self {
        Self {
            title: Some(new.title),
            issuer: Some(new.issuer),
            issued_on: Some(new.issued_on),
            replaces_number: Some(new.replaces_number),
            area_code: new.area_code,
            valid_from: new.valid_from,
            ..Self::default()
        }
    }
}

/// Which policy documents a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct PolicyDocumentFilter {
    /// Issued for this area, or for one under it.
    pub area_code: Option<AreaCode>,
    /// With this number.
    pub number: Option<Name>,
    /// Whose title holds this text.
    pub title: Option<Name>,
    /// Whose issuer holds this text.
    pub issuer: Option<Name>,
    /// That replace the document with this number.
    pub replaces_number: Option<Name>,
}

/// May see policy documents.
pub const READ: Permission = Permission("policy_document.read");
/// May write policy documents.
pub const WRITE: Permission = Permission("policy_document.write");

/// No such document.
pub const UNKNOWN: Refusal = Refusal::not_found(
    "policy_document.unknown",
    "没有该政策文件,或它不适用于您的区域。",
    "There is no such policy document, or it was not issued for your area.",
);
/// The number has been used.
pub const NUMBER_TAKEN: Refusal = Refusal::conflict(
    "policy_document.number_taken",
    "该文号已登记;文号不重复使用。",
    "A document with this number has been entered; a number is never used again.",
);
/// It would replace a document that is not there.
pub const NOTHING_TO_REPLACE: Refusal = Refusal::invalid(
    "policy_document.nothing_to_replace",
    "所替代的文件尚未登记,请先登记或核对文号。",
    "The document that it replaces has not been entered; enter it first, or check its number.",
);
/// It would replace a later one.
pub const REPLACES_LATER: Refusal = Refusal::invalid(
    "policy_document.replaces_later",
    "文件只能替代在它之前或同日印发的另一文件。",
    "A document replaces another one that was issued before it or on the same day.",
);
/// It would have been issued after one that replaces it.
pub const REPLACED_EARLIER: Refusal = Refusal::invalid(
    "policy_document.replaced_earlier",
    "替代该文件的另一文件在该日之前印发;请先核对两者的印发日期。",
    "A document that replaces this one was issued before that day; check the day of issue of both.",
);
/// It would replace itself, by way of others or not.
pub const RING: Refusal = Refusal::invalid(
    "policy_document.ring",
    "文件不能直接或经由其他文件替代其自身;请核对替代文号。",
    "A document does not replace itself, be it by way of others; check the number that it replaces.",
);

const CONSTRAINTS: &[Constraint] = &[
    ("policy_document_issued_on", &period::OUT_OF_YEARS, "/issued_on"),
    ("policy_document_number_key", &NUMBER_TAKEN, "/number"),
    ("policy_document_period", &period::ENDS_BEFORE_IT_BEGINS, "/valid_from"),
    ("policy_document_replaces_another", &RING, "/replaces_number"),
    ("policy_document_source_ref", &HALF_A_REFERENCE, "/ref"),
    ("policy_document_source_ref_key", &REFERENCE_TAKEN, "/ref"),
    ("policy_document_years", &period::OUT_OF_YEARS, "/valid_from"),
];

/// The kind of the object in the journal, and as which it holds files.
pub const KIND: &str = "policy_document";

impl Recorded for PolicyDocument {
    const KIND: &'static str = KIND;

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

/// Lists the policy documents in force on a day that the caller may see: those of his area and those above it, the
/// latest issued first.
pub async fn list(view: &View<'_>, filter: &PolicyDocumentFilter, paging: &Paging) -> Result<Page<FiledPolicyDocument>> {
    let scope = view.may(READ)?;
    let chosen = || {
        let mut query =
            PolicyDocument::query().filter(holds_on!(policy_document, view.as_of)).filter(within_or_above!(scope, policy_document::area_code)).into_boxed();
        if let Some(area) = &filter.area_code {
            query = query.filter(policy_document::area_code.ge(area.clone()).and(policy_document::area_code.lt(kernel::area::end_of(area))));
        }
        if let Some(number) = &filter.number {
            query = query.filter(policy_document::number.eq(number));
        }
        if let Some(title) = &filter.title {
            query = query.filter(policy_document::title.like(title.pattern()));
        }
        if let Some(issuer) = &filter.issuer {
            query = query.filter(policy_document::issuer.like(issuer.pattern()));
        }
        if let Some(number) = &filter.replaces_number {
            query = query.filter(policy_document::replaces_number.eq(number));
        }
        query
    };
    let mut page = chosen().order((policy_document::issued_on.desc(), policy_document::id.desc())).limit(paging.fetch());
    if let Some(after) = paging.after(filter)? {
        let day: NaiveDate = after.key.parse().map_err(|_| Paging::broken())?;
        page = page.filter(policy_document::issued_on.lt(day).or(policy_document::issued_on.eq(day).and(policy_document::id.lt(after.id))));
    }
    let rows = with_files(view, page.load(&mut view.conn()).await?).await?;
    let total = match paging.include_total {
        true => Some(chosen().select(policy_document::id).limit(MAX_TOTAL).load::<PolicyDocumentId>(&mut view.conn()).await?.len()),
        false => None,
    };
    paging.page(view.as_of, rows, total, filter, |row| Cursor { key: row.document.issued_on.to_string(), id: row.document.id.0 })
}

/// The policy document with this id.
pub async fn get(view: &View<'_>, id: PolicyDocumentId) -> Result<FiledPolicyDocument> {
    let scope = view.may(READ)?;
    let found = PolicyDocument::query()
        .filter(policy_document::id.eq(id))
        .filter(within_or_above!(scope, policy_document::area_code))
        .first(&mut view.conn())
        .await
        .optional()?;
    filed(view, found.ok_or(&UNKNOWN)?).await
}

/// Enters a policy document.
pub async fn create(tx: &Tx<'_>, new: &NewPolicyDocument) -> Result<FiledPolicyDocument> {
    let area = new.area_code.as_ref().unwrap_or(&tx.city);
    tx.may_at(WRITE, area.as_str())?;
    if new.replaces_number.is_some() {
        hold_order(tx).await?;
    }
    replaced(tx, new.replaces_number.as_ref(), new.issued_on).await?;
    let document = diesel::insert_into(policy_document::table)
        .values((
            new,
            policy_document::id.eq(PolicyDocumentId::fresh()),
            policy_document::area_code.eq(area),
            policy_document::valid_from.eq(new.valid_from.unwrap_or(new.issued_on)),
        ))
        .returning(PolicyDocument::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("policy_document.created", None, &document, None)?;
    Ok(FiledPolicyDocument { document, files: Vec::new() })
}

/// Changes a policy document.
pub async fn update(tx: &Tx<'_>, id: PolicyDocumentId, expected: Expected, patch: &PolicyDocumentPatch) -> Result<FiledPolicyDocument> {
    if patch.replaces_number.is_some() || patch.issued_on.is_some() {
        hold_order(tx).await?;
    }
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    period::still_open(before.valid_to)?;
    change(tx, &before, patch).await
}

/// Enters or changes the policy document that the caller knows by a key of his own.
pub async fn put(tx: &Tx<'_>, source: &Key, reference: &Key, new: NewPolicyDocument) -> Result<FiledPolicyDocument> {
    tx.lock(&format!("policy_document {source} {reference}")).await?;
    hold_order(tx).await?;
    let by_key = policy_document::source.eq(source).and(policy_document::ref_.eq(reference));
    let known = PolicyDocument::query().filter(by_key).first(&mut tx.conn()).await.optional()?;
    match known {
        None => create(tx, &NewPolicyDocument { source: Some(source.clone()), reference: Some(reference.clone()), ..new }).await,
        Some(known) => {
            let before = lock(tx, known.id).await?;
            period::still_open(before.valid_to)?;
            if before.number != new.number {
                return Err(CODE_FIXED.at("/number").with("code", &before.number).into());
            }
            change(tx, &before, &new.into()).await
        }
    }
}

/// Ends a policy document on a day: it is in force no longer. Its files stay.
pub async fn end(tx: &Tx<'_>, id: PolicyDocumentId, expected: Expected, ending: &Ending) -> Result<FiledPolicyDocument> {
    let before = lock(tx, id).await?;
    expected.check(before.version)?;
    let on = period::end(before.valid_from, before.valid_to, ending.on)?;
    let after = diesel::update(policy_document::table.find(id))
        .set((policy_document::valid_to.eq(on), policy_document::version.eq(before.version + 1), policy_document::updated_at.eq(tx.now)))
        .returning(PolicyDocument::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await?;
    tx.record("policy_document.ended", Some(&before), &after, Some(ending.reason.as_str()))?;
    filed(tx, after).await
}

/// The policy document, locked, of a caller who may write it.
pub(crate) async fn lock(tx: &Tx<'_>, id: PolicyDocumentId) -> Result<PolicyDocument> {
    let found = PolicyDocument::query()
        .filter(policy_document::id.eq(id))
        .filter(within_or_above!(tx.scope(&[READ, WRITE]), policy_document::area_code))
        .for_update()
        .first(&mut tx.conn())
        .await
        .optional()?;
    let document: PolicyDocument = found.ok_or(&UNKNOWN)?;
    tx.may_at(WRITE, document.area_code.as_str())?;
    Ok(document)
}

async fn change(tx: &Tx<'_>, before: &PolicyDocument, patch: &PolicyDocumentPatch) -> Result<FiledPolicyDocument> {
    if let Some(area) = &patch.area_code {
        tx.may_at(WRITE, area.as_str())?;
    }
    if patch.replaces_number.is_some() || patch.issued_on.is_some() {
        let number = patch.replaces_number.as_ref().unwrap_or(&before.replaces_number);
        let issued_on = patch.issued_on.unwrap_or(before.issued_on);
        replaced(tx, number.as_ref(), issued_on).await?;
        replacing(tx, &before.number, issued_on).await?;
        no_ring(tx, &before.number, number.as_ref()).await?;
    }
    let after = diesel::update(policy_document::table.find(before.id))
        .set((patch, policy_document::version.eq(before.version + 1), policy_document::updated_at.eq(tx.now)))
        .returning(PolicyDocument::as_returning())
        .prepared()
        .get_result(&mut tx.conn())
        .await
        .refused_by(CONSTRAINTS)?;
    tx.record("policy_document.changed", Some(before), &after, None)?;
    filed(tx, after).await
}

/// Which document replaces which, and the days by which it may, are changed by one command at a time, and not beside an
/// import: a ring is made of links that are sound each by itself. Taken before rows are locked.
async fn hold_order(tx: &Tx<'_>) -> Result<()> {
    import::hold(tx, &[SHEET.resource]).await?;
    tx.lock("policy_document replaces").await
}

/// Refuses unless the document to be replaced is there and was not issued later.
async fn replaced(tx: &Tx<'_>, number: Option<&Name>, issued_on: NaiveDate) -> Result<()> {
    let Some(number) = number else { return Ok(()) };
    let day = policy_document::table.filter(policy_document::number.eq(number)).select(policy_document::issued_on).for_key_share();
    match day.first::<NaiveDate>(&mut tx.conn()).await.optional()? {
        None => Err(NOTHING_TO_REPLACE.at("/replaces_number").into()),
        Some(day) if day > issued_on => Err(REPLACES_LATER.at("/replaces_number").into()),
        Some(_) => Ok(()),
    }
}

/// Refuses a day of issue after that of a document that replaces this one.
async fn replacing(tx: &Tx<'_>, number: &Name, issued_on: NaiveDate) -> Result<()> {
    let earlier = policy_document::table.filter(policy_document::replaces_number.eq(number).and(policy_document::issued_on.lt(issued_on)));
    if diesel::select(exists(earlier)).get_result(&mut tx.conn()).await? {
        return Err(REPLACED_EARLIER.at("/issued_on").into());
    }
    Ok(())
}

/// Refuses where what a document is to replace leads back to it.
async fn no_ring(tx: &Tx<'_>, number: &Name, replaces: Option<&Name>) -> Result<()> {
    #[derive(QueryableByName)]
    struct Chain {
        #[diesel(sql_type = Bool)]
        closed: bool,
    }
    let Some(replaces) = replaces else { return Ok(()) };
    let chain = diesel::sql_query(
        "with recursive chain (number) as (
             select number from policy_document where number = $2
             union
             select d.replaces_number from chain c join policy_document d on d.number = c.number where d.replaces_number is not null
         )
         select exists (select from chain where number = $1) as closed",
    );
    let chain: Chain = chain.bind::<Text, _>(number.as_str()).bind::<Text, _>(replaces.as_str()).get_result(&mut tx.conn()).await?;
    if chain.closed { Err(RING.at("/replaces_number").into()) } else { Ok(()) }
}
