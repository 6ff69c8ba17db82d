//! The audit log: the journal searched by actor, action, object, place, request and time; sealed, and verified.

pub mod block;
pub mod form;
pub mod position;
pub mod seal;
pub mod verify;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use diesel::dsl::min;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use kernel::page::{Cursor, MAX_TOTAL};
use kernel::text::{Key, Line};
use kernel::{AreaCode, Page, Paging, Permission, Result, Scope, Stamp, View, clock, within};
use schema::journal;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// May search the audit log.
pub const READ: Permission = Permission("audit.read");

/// One line of the audit log.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = journal)]
pub struct AuditLine {
    /// Position in the journal.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, pattern = "^[0-9]{1,19}$", max_length = 19, example = "1207")]
    pub seq: i64,
    /// When.
    pub at: Stamp,
    /// Who: an account or an API key, or the nil id for the system itself.
    pub actor_id: Uuid,
    /// The name of the actor at the time.
    pub actor_name: String,
    /// The role that granted it; null for a key, whose permissions are its own.
    #[schema(example = "community_secretary")]
    pub acting_role: Option<String>,
    /// The request that asked for it.
    pub request_id: String,
    /// What was done.
    #[schema(example = "grid.changed")]
    pub action: String,
    /// The kind of the object.
    #[schema(example = "grid")]
    pub object_kind: String,
    /// The object.
    pub object_id: Uuid,
    /// Where it belongs after the change: the code of an area, or of a thing in one.
    #[schema(example = "421181001001001")]
    pub area_code: String,
    /// Where it belonged before, if it moved.
    pub former_area_code: Option<String>,
    /// Version of the object after the change.
    pub version: i32,
    /// Why, where a reason was given.
    pub reason: Option<String>,
    /// Of a new object its members; of a changed one `{member: {from, to}}`.
    #[schema(value_type = Object)]
    pub change: Value,
    /// Number of the block that seals the line; null while none does.
    #[diesel(select_expression = sealed::journal_block_of(journal::xid, journal::seq))]
    #[schema(minimum = 1)]
    pub block: Option<i64>,
}

fn as_text<S: Serializer>(number: &i64, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

/// Which lines a search finds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct AuditFilter {
    /// By this actor.
    pub actor_id: Option<Uuid>,
    /// With this action, such as `grid.changed`.
    pub action: Option<Key>,
    /// Of objects of this kind, such as `grid`.
    pub object_kind: Option<Key>,
    /// Of this object.
    pub object_id: Option<Uuid>,
    /// In this area or under it, after the change or before it.
    pub area_code: Option<AreaCode>,
    /// Of this request.
    pub request_id: Option<Line>,
    /// At this instant or later. RFC 3339; a `+` in a URL is written `%2B`.
    #[param(example = "2026-11-01T00:00:00Z")]
    pub from: Option<DateTime<Utc>>,
    /// Before this instant.
    #[param(example = "2026-12-01T00:00:00Z")]
    pub to: Option<DateTime<Utc>>,
}

/// From an instant to before another.
type Span = (DateTime<Utc>, DateTime<Utc>);

/// The spans in which a search looks, the latest first: what is left of `to` after the beginning of the present month,
/// then month after month into the past, without an end.
fn spans(to: DateTime<Utc>, now: DateTime<Utc>) -> impl Iterator<Item = Span> {
    let beginning = |at: DateTime<Utc>| clock::day(at).with_day(1).map_or(at, clock::start_of);
    let last_of = |to: DateTime<Utc>| to - TimeDelta::microseconds(1);
    let first = (beginning(last_of(to).min(now)), to);
    std::iter::successors(Some(first), move |(from, _)| Some((beginning(last_of(*from)), *from)))
}

/// The lines that the caller may see, the latest first: those of his area, and those of what has left it.
///
/// Months are asked one after another, so that each is a partition of its own to the planner: asked all at once, it
/// walks whole months in the order of time for lines that only one of them has.
pub async fn search(view: &View<'_>, filter: &AuditFilter, paging: &Paging) -> Result<Page<AuditLine>> {
    // What is common and what is rare differ by value, so each search is planned for its own.
    view.conn().batch_execute("set plan_cache_mode = force_custom_plan").await?;
    let page = month_after_month(view, filter, paging).await;
    view.conn().batch_execute("reset plan_cache_mode").await?;
    page
}

async fn month_after_month(view: &View<'_>, filter: &AuditFilter, paging: &Paging) -> Result<Page<AuditLine>> {
    let scope = view.may(READ)?;
    let after = paging.after(filter)?.map(|cursor| read(&cursor)).transpose()?;
    let mut conn = view.conn();
    let end = clock::start_of(clock::LAST_DAY);
    let to = filter.to.map_or(end, |to| to.min(end));
    let mut earliest = filter.from;
    let mut lines: Vec<AuditLine> = Vec::new();
    for span in spans(after.map_or(to, |(at, _)| to.min(at + TimeDelta::microseconds(1))), view.now) {
        let missing = paging.fetch() - i64::try_from(lines.len()).unwrap_or(i64::MAX);
        let from = earliest.map_or(span.0, |earliest| earliest.max(span.0));
        let mut query = chosen(filter, &scope, (from, span.1));
        if let Some((at, seq)) = after {
            query = query.filter(journal::at.lt(at).or(journal::at.eq(at).and(journal::seq.lt(seq))));
        }
        lines.extend(query.order((journal::at.desc(), journal::seq.desc())).limit(missing).select(AuditLine::as_select()).load(&mut conn).await?);
        if lines.len() >= usize::try_from(paging.fetch()).unwrap_or(usize::MAX) {
            break;
        }
        if earliest.is_none() {
            earliest = journal::table.select(min(journal::at)).first(&mut conn).await?;
        }
        if earliest.is_none_or(|earliest| earliest >= span.0) {
            break;
        }
    }
    let total = match paging.include_total {
        true => {
            let whole = (filter.from.unwrap_or(DateTime::UNIX_EPOCH), to);
            Some(chosen(filter, &scope, whole).select(journal::seq).limit(MAX_TOTAL).load::<i64>(&mut conn).await?.len())
        }
        false => None,
    };
    paging.page(view.as_of, lines, total, filter, |line| Cursor { key: format!("{} {}", line.at.0.timestamp_micros(), line.seq), id: line.object_id })
}

/// The lines of a span that fit, as far as they lie in the scope.
fn chosen<'a>(filter: &'a AuditFilter, scope: &Scope, (from, to): Span) -> journal::BoxedQuery<'a, Pg> {
    let mut query = journal::table
        .filter(journal::at.ge(from).and(journal::at.lt(to)))
        .filter(within!(*scope, journal::area_code).or(within!(*scope, journal::former_area_code.assume_not_null())))
        .into_boxed();
    if let Some(area) = &filter.area_code {
        let area = Scope::of(vec![area.clone()]);
        query = query.filter(within!(area, journal::area_code).or(within!(area, journal::former_area_code.assume_not_null())));
    }
    if let Some(actor) = filter.actor_id {
        query = query.filter(journal::actor_id.eq(actor));
    }
    if let Some(action) = &filter.action {
        query = query.filter(journal::action.eq(action));
    }
    if let Some(kind) = &filter.object_kind {
        query = query.filter(journal::object_kind.eq(kind));
    }
    if let Some(object) = filter.object_id {
        query = query.filter(journal::object_id.eq(object));
    }
    if let Some(request) = &filter.request_id {
        query = query.filter(journal::request_id.eq(request));
    }
    query
}

/// The line that a cursor points behind: its time and its number.
fn read(cursor: &Cursor) -> Result<(DateTime<Utc>, i64)> {
    let parts = cursor.key.split_once(' ').and_then(|(at, seq)| Some((DateTime::from_timestamp_micros(at.parse().ok()?)?, seq.parse().ok()?)));
    parts.ok_or_else(Paging::broken)
}

/// A function of the database, as diesel sees it.
mod sealed {
    use diesel::sql_types::BigInt;
    use schema::sql_types::Xid8;

    #[diesel::declare_sql_function]
    extern "SQL" {
        fn journal_block_of(xid: Xid8, seq: BigInt) -> diesel::sql_types::Nullable<BigInt>;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_goes_back_month_by_month() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let now = at("2026-11-24T00:00:00Z");
        let texts = |to: &str| -> Vec<String> {
            spans(at(to), now).take(3).map(|(from, to)| format!("{} {}", from.format("%Y-%m-%dT%H"), to.format("%Y-%m-%dT%H"))).collect()
        };
        assert_eq!(texts("2200-01-01T00:00:00Z"), ["2026-10-31T16 2200-01-01T00", "2026-09-30T16 2026-10-31T16", "2026-08-31T16 2026-09-30T16"]);
        assert_eq!(texts("2026-03-10T12:00:00Z"), ["2026-02-28T16 2026-03-10T12", "2026-01-31T16 2026-02-28T16", "2025-12-31T16 2026-01-31T16"]);
        // The first instant of a month belongs to it, and the span before it ends there.
        assert_eq!(texts("2026-02-28T16:00:00Z")[0], "2026-01-31T16 2026-02-28T16");
    }
}
