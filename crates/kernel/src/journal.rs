//! One append-only journal: an object's history, the audit log and the change feed are views of it.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_async::RunQueryDsl;
use schema::journal;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::clock::Stamp;
use crate::db::{Call, Conn, View};
use crate::page::{Cursor, Page, Paging};
use crate::prepared::Prepare;
use crate::refusal::{Error, Result};
use crate::role::Role;

/// What can be journalled: a thing with a kind, an identity, a place and a version.
pub trait Recorded: Serialize {
    /// The kind, as in `grid`.
    const KIND: &'static str;
    /// Which one.
    fn id(&self) -> Uuid;
    /// Where it belongs.
    fn area(&self) -> &str;
    /// Which version this is.
    fn version(&self) -> i32;
    /// Its members that are personal data, each with something that differs when the value does. The journal tells that
    /// they changed, never from what or to what.
    fn personal(&self) -> Vec<(&'static str, Option<String>)> {
        Vec::new()
    }
}

/// What the journal says in place of a personal value; `journal_hide` of the database says the same.
const HIDDEN: &str = "***";

/// Members of every object that say nothing about a change.
const BOOKKEEPING: [&str; 4] = ["id", "version", "created_at", "updated_at"];

/// One line of the journal, to be written.
#[derive(Insertable)]
#[diesel(table_name = journal)]
pub struct Entry {
    actor_id: Uuid,
    actor_name: String,
    acting_role: Option<Role>,
    request_id: String,
    action: &'static str,
    object_kind: &'static str,
    object_id: Uuid,
    area_code: String,
    former_area_code: Option<String>,
    version: i32,
    reason: Option<String>,
    change: Value,
}

impl Entry {
    /// The line for a change of `before`, if there was one, into `after`; `role` is the one that granted it.
    pub(crate) fn of<T: Recorded>(call: &Call, role: Option<Role>, action: &'static str, before: Option<&T>, after: &T, reason: Option<&str>) -> Result<Self> {
        let now = members(after)?;
        let change = match before {
            Some(before) => difference(&members(before)?, now),
            None => Value::Object(now.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        };
        let change = hide(change, &after.personal());
        Ok(Self {
            actor_id: call.actor.id,
            actor_name: call.actor.name.clone(),
            acting_role: role,
            request_id: call.request_id.clone(),
            action,
            object_kind: T::KIND,
            object_id: after.id(),
            area_code: after.area().to_owned(),
            former_area_code: before.map(|before| before.area().to_owned()).filter(|area| area != after.area()),
            version: after.version(),
            reason: reason.map(ToOwned::to_owned),
            change,
        })
    }
}

fn members<T: Recorded>(object: &T) -> Result<Map<String, Value>> {
    match serde_json::to_value(object) {
        Ok(Value::Object(mut members)) => {
            members.retain(|name, _| !BOOKKEEPING.contains(&name.as_str()));
            members.extend(object.personal().into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))));
            Ok(members)
        }
        other => Err(Error::Internal(format!("not an object: {other:?}"))),
    }
}

/// The members that differ, each as `{from, to}`.
fn difference(before: &Map<String, Value>, after: Map<String, Value>) -> Value {
    let was = |name: &String| before.get(name).cloned().unwrap_or_default();
    Value::Object(after.into_iter().filter(|(name, to)| was(name) != *to).map(|(name, to)| (name.clone(), json!({"from": was(&name), "to": to}))).collect())
}

/// Takes personal values out of a change; what was or is empty may be known.
fn hide(mut change: Value, personal: &[(&'static str, Option<String>)]) -> Value {
    let hidden = |value: &mut Value| {
        if !value.is_null() {
            *value = HIDDEN.into();
        }
    };
    for (name, _) in personal {
        match change.get_mut(*name) {
            Some(Value::Object(ends)) => ends.values_mut().for_each(hidden),
            Some(value) => hidden(value),
            None => {}
        }
    }
    change
}

/// Writes the lines of one command.
pub(crate) async fn append(mut conn: Conn<'_>, entries: &[Entry]) -> Result<()> {
    match entries {
        [] => {}
        // One line is the rule.
        [entry] => drop(diesel::insert_into(journal::table).values(entry).prepared().execute(&mut conn).await?),
        _ => drop(diesel::insert_into(journal::table).values(entries).execute(&mut conn).await?),
    }
    Ok(())
}

/// Tables that tell nothing of the city: kept answers, the use of sessions, the whereabouts of content, the progress of
/// jobs, the details of imports that are forgotten after a while, seals of the journal itself, and the books of sending
/// webhooks, for each delivery would be an event to be delivered again.
const UNTOLD: &str = "'blob', 'idempotency', 'import_failure', 'import_run', 'job', 'journal_block', 'refresh_token', 'session', \
     'webhook_attempt', 'webhook_delivery', 'webhook_progress', 'webhook_secret'";

/// Fails where the transaction changed rows and journalled none.
pub(crate) async fn insist(mut conn: Conn<'_>) -> Result<()> {
    #[derive(QueryableByName)]
    struct Counted {
        #[diesel(sql_type = Bool)]
        silent: bool,
        #[diesel(sql_type = Text)]
        tables: String,
    }
    let counted: Counted = diesel::sql_query(format!(
        "select count(*) > 0 and count(*) filter (where pg_partition_root(relid) = 'journal'::regclass) = 0 as silent, \
             coalesce(string_agg(relname, ', '), '') as tables \
         from pg_stat_xact_user_tables \
         where n_tup_ins + n_tup_upd + n_tup_del > 0 and schemaname = current_schema() and relname not in ({UNTOLD})"
    ))
    .get_result(&mut conn)
    .await?;
    if counted.silent { Err(Error::Internal(format!("a command changed {} and journalled nothing", counted.tables))) } else { Ok(()) }
}

/// One change of an object.
#[derive(Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = journal)]
pub struct Change {
    /// Position in the journal.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String, pattern = "^[0-9]{1,19}$", max_length = 19, example = "1207")]
    pub seq: i64,
    /// When.
    pub at: Stamp,
    /// Who: an API key, or the nil id for the system itself.
    pub actor_id: Uuid,
    /// The name of the actor at the time.
    pub actor_name: String,
    /// The role that granted it; null for a key, whose permissions are its own.
    #[schema(example = "community_secretary")]
    pub acting_role: Option<String>,
    /// The request that asked for it.
    pub request_id: String,
    /// What was done, such as `grid.changed`.
    pub action: String,
    /// Version after the change.
    pub version: i32,
    /// Why, where a reason was given.
    pub reason: Option<String>,
    /// Of a new object its members; of a changed one `{member: {from, to}}`.
    #[schema(value_type = Object)]
    pub change: Value,
}

fn as_text<S: serde::Serializer>(number: &i64, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

/// The changes of one object, the latest first. The caller of this has checked that the object may be seen.
pub async fn history(view: &View<'_>, object: Uuid, paging: &Paging) -> Result<Page<Change>> {
    let mut query =
        journal::table.filter(journal::object_id.eq(object)).select(Change::as_select()).order(journal::seq.desc()).limit(paging.fetch()).into_boxed();
    if let Some(after) = paging.after(&object)? {
        query = query.filter(journal::seq.lt(after.key.parse::<i64>().map_err(|_| Paging::broken())?));
    }
    let rows = query.load(&mut view.conn()).await?;
    paging.page(view.as_of, rows, None, &object, |row| Cursor { key: row.seq.to_string(), id: object })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_what_changed_and_nothing_else() {
        let map = |value: Value| value.as_object().unwrap().clone();
        let before = map(json!({"name": "一", "kind": "urban", "note": null}));
        let after = map(json!({"name": "二", "kind": "urban", "note": null}));
        assert_eq!(difference(&before, after), json!({"name": {"from": "一", "to": "二"}}));
    }

    #[test]
    fn personal_values_are_taken_out_of_a_change() {
        let personal = [("phone", None), ("name", None)];
        let changed = json!({"phone": {"from": null, "to": "a1"}, "kind": {"from": "x", "to": "y"}});
        assert_eq!(hide(changed, &personal), json!({"phone": {"from": null, "to": "***"}, "kind": {"from": "x", "to": "y"}}));
        assert_eq!(hide(json!({"name": "张三", "kind": "x"}), &personal), json!({"name": "***", "kind": "x"}));
    }
}
