//! What callers say about webhooks.

use kernel::AreaCode;
use kernel::change::present;
use kernel::text::{Key, Line, Name};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use validator::Validate;

use super::{WebhookState, WebhookUrl};

/// A webhook to be made.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// What it is for.
    #[schema(example = "城市运行平台")]
    pub name: Name,
    /// Where events are posted to: https, at port 443 or 8443.
    pub url: WebhookUrl,
    /// Events of this area and all below it are sent.
    pub area_code: AreaCode,
    /// Kinds of objects whose events are sent; all unless said.
    #[serde(default)]
    #[validate(length(max = 50))]
    #[schema(max_items = 50, example = json!(["grid", "household"]))]
    pub kinds: Vec<Key>,
    /// Actions that are sent; all unless said.
    #[serde(default)]
    #[validate(length(max = 50))]
    #[schema(max_items = 50, example = json!(["grid.created", "household.moved"]))]
    pub actions: Vec<Key>,
}

/// What changes about a webhook.
#[derive(Clone, Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookPatch {
    /// What it is for.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub name: Option<Name>,
    /// Where events are posted to; another address has to meet the challenge.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub url: Option<WebhookUrl>,
    /// Events of this area and all below it are sent.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub area_code: Option<AreaCode>,
    /// Kinds of objects whose events are sent; empty for all.
    #[serde(deserialize_with = "present")]
    #[validate(length(max = 50))]
    #[schema(nullable = false, max_items = 50)]
    pub kinds: Option<Vec<Key>>,
    /// Actions that are sent; empty for all.
    #[serde(deserialize_with = "present")]
    #[validate(length(max = 50))]
    #[schema(nullable = false, max_items = 50)]
    pub actions: Option<Vec<Key>>,
    /// Whether events are sent: false pauses, true goes on.
    #[serde(deserialize_with = "present")]
    #[schema(nullable = false)]
    pub active: Option<bool>,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// How a webhook changes from one secret to the next.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rotation {
    /// Hours for which the present secret signs beside the new one; 24 unless said.
    #[validate(range(min = 0, max = 168))]
    #[schema(minimum = 0, maximum = 168, default = 24)]
    pub overlap_hours: i32,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

impl Default for Rotation {
    fn default() -> Self {
        Self { overlap_hours: 24, version: None }
    }
}

/// The end of a webhook, at once.
#[derive(Clone, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookEnding {
    /// Why it ends; kept in the journal.
    #[schema(example = "系统下线")]
    pub reason: Line,
    /// The version that is meant, unless `If-Match` says it.
    #[schema(minimum = 1, maximum = 2147483647, example = 1)]
    pub version: Option<i32>,
}

/// Which webhooks a list holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct WebhookFilter {
    /// In this area or under it.
    pub area_code: Option<AreaCode>,
    /// In this state.
    #[param(inline)]
    pub state: Option<WebhookState>,
}
