//! `/v1/events`: the change feed.

use std::time::Duration;

use actix_web::get;
use platform::event::{self, After, EventFilter, EventPage};
use serde::Deserialize;
use tokio::time::Instant;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::caller::Caller;
use crate::query::{BAD_PARAMETER, Query};
use crate::reply::{Done, Reply};

/// From where a feed is read, and how patiently.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct FeedParams {
    /// `next` of the answer before; `now` begins with what happens from now on; left out, at the beginning.
    #[param(min_length = 1, max_length = 4000, pattern = "^[A-Za-z0-9_-]+$")]
    pub after: Option<String>,
    /// Events on the page; more than 200 is cut to 200.
    #[param(minimum = 1, maximum = 1000000, default = 20)]
    pub limit: Option<usize>,
    /// Seconds to wait for an event where there is none yet.
    #[param(minimum = 0, maximum = 30, default = 0)]
    pub wait: Option<u64>,
}

/// Longest wait, in seconds.
const LONGEST: u64 = 30;

/// Follow events · 读取变更事件
///
/// Every change of what lies in your area, or lay in it before the change, in an order without gaps: what is
/// committed late comes late, never not at all. Each answer has a cursor to go on from, also where it has no events.
/// The envelope is that of CloudEvents 1.0; it holds ids and codes, and nothing of what was changed.
#[utoipa::path(tag = "platform", params(EventFilter, FeedParams), security(("Bearer" = ["event.read"])))]
#[get("/events")]
async fn list_events(caller: Caller, filter: Query<EventFilter>, params: Query<FeedParams>) -> Reply<Done<EventPage>> {
    let wait = params.wait.unwrap_or(0);
    let wrong = [("limit", params.limit == Some(0)), ("wait", wait > LONGEST)].into_iter().find(|(_, wrong)| *wrong);
    if let Some((name, _)) = wrong {
        return Err(BAD_PARAMETER.at(name).with("name", name).into());
    }
    let deadline = Instant::now() + Duration::from_secs(wait);
    let mut caller = caller;
    let mut after = params.after.clone();
    // Heard from before the first read on, so that nothing falls between reading and waiting.
    let mut listener = caller.services().events.listen();
    loop {
        let secret = caller.services().cursor_secret.read(&caller.services().db, caller.call()).await?;
        let (page, wanted) = caller.browse(async |view| event::page(view, &filter, After::said(after.as_deref()), params.limit, secret).await).await?;
        if !page.items.is_empty() || page.has_more || !listener.hears(&wanted, deadline).await {
            return Ok(Done(page));
        }
        after = Some(page.next);
        // He may have lost his rights while he waited.
        caller = caller.anew().await?;
    }
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_events);
}
