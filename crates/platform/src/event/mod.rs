//! Events: the journal as others follow it, without a gap and without personal data.
//!
//! A line becomes readable when every transaction that began before its own has ended (`pg_snapshot_xmin`);
//! lines are read in the order of (transaction, line). So what is committed late is read late, never missed.

pub mod cursor;
pub mod epoch;
pub mod watch;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::text::Key;
use kernel::xid::Xid;
use kernel::{AreaCode, Permission, Result, Scope, Stamp, View};
use schema::journal;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use cursor::{OUTLIVED, Position};
use epoch::Eras;

/// May follow events.
pub const READ: Permission = Permission("event.read");

/// Events on a page unless the caller says, and at the most.
const LIMITS: (usize, usize) = (20, 200);
/// Lines of the journal that are read at a time, and how often, for one page; a filter that fits few of them gets
/// a short page and a cursor to go on.
const WINDOW: usize = 1_000;
const WINDOWS: usize = 10;

/// A change of something, in the envelope of CloudEvents 1.0: ids and codes, nothing of what changed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Event {
    /// Identity: the same wherever and however often the event is told.
    #[schema(example = "evt_0_1207", max_length = 40)]
    pub id: String,
    /// The deployment: `urn:linli:` and the code of its city.
    #[schema(example = "urn:linli:421181")]
    pub source: String,
    /// Always `1.0`.
    #[schema(example = "1.0")]
    pub specversion: &'static str,
    /// What was done: the action, as in histories.
    #[schema(example = "grid.changed")]
    pub r#type: String,
    /// When.
    pub time: Stamp,
    /// What it was done to: kind and id.
    #[schema(example = "grid/019a0b2c-0000-7000-8000-000000000000")]
    pub subject: String,
    /// Always `application/json`.
    #[schema(example = "application/json")]
    pub datacontenttype: &'static str,
    /// What it was done to, and where.
    pub data: EventData,
}

/// What an event is about: read the object itself for the rest.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventData {
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
    /// Its version after the change.
    pub version: i32,
    /// Who did it: an account or a key; the nil id is the system itself.
    pub actor_id: Uuid,
}

/// One line of the journal, as far as events tell of it.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = journal)]
pub struct Line {
    /// The transaction that wrote it.
    pub xid: Xid,
    /// Its number.
    pub seq: i64,
    at: Stamp,
    actor_id: Uuid,
    action: String,
    object_kind: String,
    object_id: Uuid,
    area_code: String,
    former_area_code: Option<String>,
    version: i32,
}

impl Line {
    /// What was done.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
    }

    /// The event that the line is, in the journal of a city.
    #[must_use]
    pub fn event(self, era: i32, city: &AreaCode) -> Event {
        Event {
            id: event_id(era, self.seq),
            source: format!("urn:linli:{city}"),
            specversion: "1.0",
            r#type: self.action,
            time: self.at,
            subject: format!("{}/{}", self.object_kind, self.object_id),
            datacontenttype: "application/json",
            data: EventData {
                object_kind: self.object_kind,
                object_id: self.object_id,
                area_code: self.area_code,
                former_area_code: self.former_area_code,
                version: self.version,
                actor_id: self.actor_id,
            },
        }
    }
}

/// The id of the event that a line is. Numbers of lines may come again after a restore, with the era they do not.
#[must_use]
pub fn event_id(era: i32, seq: i64) -> String {
    format!("evt_{era}_{seq}")
}

/// Which events a caller wants.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct EventFilter {
    /// Of things that belong to this area or one under it, or belonged to it before the change.
    pub area_code: Option<AreaCode>,
    /// Of this kind of object, such as `grid`.
    pub kind: Option<Key>,
    /// With this action, such as `grid.changed`.
    pub action: Option<Key>,
    /// Of this object.
    pub object_id: Option<Uuid>,
}

/// Which lines are events for somebody: what he may see, and what he wants of it.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Where he may follow events.
    pub scope: Scope,
    /// Only of this area.
    pub area: Option<AreaCode>,
    /// Only of these kinds; empty for all.
    pub kinds: Vec<Key>,
    /// Only these actions; empty for all.
    pub actions: Vec<Key>,
    /// Only of this object.
    pub object: Option<Uuid>,
}

impl Wanted {
    fn of(filter: &EventFilter, scope: Scope) -> Self {
        Self {
            scope,
            area: filter.area_code.clone(),
            kinds: filter.kind.iter().cloned().collect(),
            actions: filter.action.iter().cloned().collect(),
            object: filter.object_id,
        }
    }

    /// Whether a line is an event for him: an object that moves is news where it left and where it arrives.
    #[must_use]
    pub fn fits(&self, line: &Line) -> bool {
        let one_of = |words: &[Key], word: &str| words.is_empty() || words.iter().any(|known| known.as_str() == word);
        let touches = |covers: &dyn Fn(&str) -> bool| covers(&line.area_code) || line.former_area_code.as_deref().is_some_and(covers);
        touches(&|code| self.scope.covers(code))
            && self.area.as_ref().is_none_or(|area| touches(&|code| area.covers(code)))
            && one_of(&self.kinds, &line.object_kind)
            && one_of(&self.actions, &line.action)
            && self.object.is_none_or(|object| object == line.object_id)
    }
}

/// From where a caller reads.
#[derive(Clone, Copy, Debug)]
pub enum After<'a> {
    /// From the first line that there is.
    Beginning,
    /// From now on.
    Now,
    /// From where this cursor points.
    Cursor(&'a str),
}

impl<'a> After<'a> {
    /// What a caller said in `after`.
    #[must_use]
    pub fn said(after: Option<&'a str>) -> Self {
        match after {
            None | Some("") => Self::Beginning,
            Some("now") => Self::Now,
            Some(cursor) => Self::Cursor(cursor),
        }
    }

    /// The place that is meant; `secret` signs the cursors.
    pub async fn position(self, view: &View<'_>, eras: &Eras, secret: &[u8]) -> Result<Position> {
        match self {
            Self::Beginning => Ok(Position::default()),
            Self::Now => end(view, eras).await,
            Self::Cursor(cursor) => cursor::open(cursor, eras.present(), secret),
        }
    }
}

/// Some events, in the order in which they are to be followed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventPage {
    /// The events; perhaps none, although more come.
    #[schema(max_items = 200)]
    pub items: Vec<Event>,
    /// Where to go on, for `after`. It is always there, and never gets stale.
    #[schema(max_length = 100)]
    pub next: String,
    /// Whether there is more to be read at once.
    pub has_more: bool,
}

/// The events after a place that the caller may see and wants, and for whom they are.
pub async fn page(view: &View<'_>, filter: &EventFilter, after: After<'_>, limit: Option<usize>, secret: &[u8]) -> Result<(EventPage, Wanted)> {
    let wanted = Wanted::of(filter, view.may(READ)?.into_owned());
    let limit = limit.unwrap_or(LIMITS.0).clamp(1, LIMITS.1);
    let eras = Eras::load(view).await?;
    let mut at = after.position(view, &eras, secret).await?;
    let mut items = Vec::new();
    let mut has_more = true;
    for round in 0..WINDOWS {
        if items.len() == limit || !has_more {
            break;
        }
        // The first lines are few: most callers want all of them.
        let window = read(view, &eras, at, if round == 0 { limit + 1 } else { WINDOW }).await?;
        let era = at.era;
        (at, has_more) = (window.until, window.more);
        for line in window.lines.into_iter().filter(|line| wanted.fits(line)) {
            if items.len() == limit {
                has_more = true;
                break;
            }
            if items.len() + 1 == limit {
                at = Position { era, xid: line.xid, seq: line.seq };
            }
            items.push(line.event(era, &view.city));
        }
    }
    Ok((EventPage { items, next: cursor::seal(at, eras.present(), secret)?, has_more }, wanted))
}

/// Some lines of the journal, whomever they concern.
#[derive(Clone, Debug)]
pub struct Window {
    /// The lines.
    pub lines: Vec<Line>,
    /// Everything up to here has been read.
    pub until: Position,
    /// Whether there may be more to be read at once.
    pub more: bool,
}

/// The next lines after a place, at most so many. Must not run in a transaction that has written.
pub async fn read(view: &View<'_>, eras: &Eras, after: Position, most: usize) -> Result<Window> {
    // First the horizon, then the lines below it: what is below was decided when the lines are read.
    let horizon = horizon(view).await?;
    let present = after.era == eras.present();
    if present && after.xid > horizon {
        // Only a restore that nobody told us of turns the transaction ids back.
        return Err(OUTLIVED.at("after").into());
    }
    let (first, last) = eras.lines(after.era);
    let lines: Vec<Line> = journal::table
        .filter(journal::xid.ge(after.xid).and(journal::xid.gt(after.xid).or(journal::seq.gt(after.seq))))
        .filter(journal::xid.lt(if present { horizon } else { Xid(u64::MAX) }))
        .filter(journal::seq.gt(first).and(journal::seq.le(last)))
        .order((journal::xid, journal::seq))
        .limit(i64::try_from(most).unwrap_or(i64::MAX))
        .select(Line::as_select())
        .load(&mut view.conn())
        .await?;
    let (until, more) = match lines.last() {
        Some(last) if lines.len() == most => (Position { era: after.era, xid: last.xid, seq: last.seq }, true),
        _ if present => (Position { era: after.era, xid: horizon, seq: 0 }, false),
        _ => (Position { era: after.era + 1, ..Position::default() }, true),
    };
    Ok(Window { lines, until, more })
}

/// The end of what can be read now.
pub async fn end(view: &View<'_>, eras: &Eras) -> Result<Position> {
    Ok(Position { era: eras.present(), xid: horizon(view).await?, seq: 0 })
}

/// The last line that can be read now; the beginning of the era where there is none.
pub async fn last(view: &View<'_>, eras: &Eras) -> Result<Position> {
    let era = eras.present();
    let horizon = horizon(view).await?;
    let found: Option<(Xid, i64)> = journal::table
        .filter(journal::xid.lt(horizon).and(journal::seq.gt(eras.lines(era).0)))
        .order((journal::xid.desc(), journal::seq.desc()))
        .select((journal::xid, journal::seq))
        .first(&mut view.conn())
        .await
        .optional()?;
    Ok(found.map_or(Position { era, ..Position::default() }, |(xid, seq)| Position { era, xid, seq }))
}

/// The oldest transaction that still runs: what lies below it is decided.
async fn horizon(view: &View<'_>) -> Result<Xid> {
    Ok(diesel::select(snapshot::pg_snapshot_xmin(snapshot::pg_current_snapshot())).get_result(&mut view.conn()).await?)
}

/// Postgres's snapshots, as diesel sees them.
mod snapshot {
    use schema::sql_types::Xid8;

    /// Which transactions had ended at an instant.
    #[derive(diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "pg_snapshot", schema = "pg_catalog"))]
    pub struct PgSnapshot;

    #[diesel::declare_sql_function]
    extern "SQL" {
        fn pg_current_snapshot() -> PgSnapshot;
        fn pg_snapshot_xmin(snapshot: PgSnapshot) -> Xid8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(area: &str, former: Option<&str>) -> Line {
        Line {
            xid: Xid(7),
            seq: 12,
            at: Stamp("2026-11-23T07:02:30Z".parse().unwrap()),
            actor_id: Uuid::nil(),
            action: "grid.changed".to_owned(),
            object_kind: "grid".to_owned(),
            object_id: Uuid::nil(),
            area_code: area.to_owned(),
            former_area_code: former.map(ToOwned::to_owned),
            version: 3,
        }
    }

    fn wanted(scope: &str, area: Option<&str>) -> Wanted {
        Wanted { scope: Scope::of(vec![scope.parse().unwrap()]), area: area.map(|code| code.parse().unwrap()), ..Wanted::default() }
    }

    #[test]
    fn a_move_is_news_where_it_left_and_where_it_arrives() {
        let moved = line("421181001002001", Some("421181001001001"));
        for area in ["421181001001", "421181001002", "421181001001001", "421181"] {
            assert!(wanted(area, None).fits(&moved) && wanted("421181", Some(area)).fits(&moved), "{area}");
        }
        assert!(!wanted("421181001003", None).fits(&moved) && !wanted("421181", Some("421181001003")).fits(&moved));
        assert!(!wanted("421181001001", None).fits(&line("421181001002001", None)));
        assert!(!Wanted::default().fits(&moved), "nowhere to see, nothing seen");
    }

    #[test]
    fn filters_narrow_what_is_seen() {
        let key = |text: &str| Key::parse(text).unwrap();
        let all = wanted("421181", None);
        let seen = line("421181001001001", None);
        assert!(Wanted { kinds: vec![key("household"), key("grid")], ..all.clone() }.fits(&seen));
        assert!(!Wanted { kinds: vec![key("household")], ..all.clone() }.fits(&seen));
        assert!(!Wanted { actions: vec![key("grid.created")], ..all.clone() }.fits(&seen));
        assert!(!Wanted { object: Some(Uuid::max()), ..all }.fits(&seen));
    }

    #[test]
    fn an_event_is_an_envelope_and_ids() {
        let event = serde_json::to_value(line("421181001002001", None).event(1, &"421181".parse().unwrap())).unwrap();
        assert_eq!((&event["id"], &event["type"], &event["source"]), (&"evt_1_12".into(), &"grid.changed".into(), &"urn:linli:421181".into()));
        assert_eq!(event["subject"], "grid/00000000-0000-0000-0000-000000000000");
    }
}
