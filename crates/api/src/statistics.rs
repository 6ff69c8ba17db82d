//! `/v1/statistics`: figures, and the rows that they count.

use actix_web::get;
use kernel::statistic::{Asked, CountedRow, Figure, Statistic, StatisticQuery};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::caller::Caller;
use crate::domains;
use crate::download::Download;
use crate::query::{PageParams, Query, ReportDay, Word};
use crate::reply::{Done, List, Reply};

/// A statistic, as the catalogue tells it.
#[derive(Serialize, ToSchema)]
pub struct StatisticDescription {
    /// Its key in paths.
    #[schema(example = "body_members")]
    pub key: &'static str,
    /// Title, in Chinese.
    pub title_zh: &'static str,
    /// Title, in English.
    pub title_en: &'static str,
    /// What is counted and how, in Chinese.
    pub definition_zh: &'static str,
    /// What is counted and how, in English.
    pub definition_en: &'static str,
    /// Unit, in Chinese.
    pub unit_zh: &'static str,
    /// Unit, in English.
    pub unit_en: &'static str,
    /// Rises when the definition changes.
    pub formula_version: i32,
    /// Whether it is of a window, `from` a day, and not of one day.
    pub window: bool,
    /// The permission that the list of its rows needs.
    #[schema(example = "governance_body.read")]
    pub rows_need: &'static str,
}

/// All statistics.
#[derive(Serialize, ToSchema)]
pub struct StatisticList {
    /// The statistics, in the order of the domains.
    #[schema(max_items = 500)]
    pub items: Vec<StatisticDescription>,
}

impl From<&'static Statistic> for StatisticDescription {
    fn from(statistic: &'static Statistic) -> Self {
        Self {
            key: statistic.key,
            title_zh: statistic.title.0,
            title_en: statistic.title.1,
            definition_zh: statistic.definition.0,
            definition_en: statistic.definition.1,
            unit_zh: statistic.unit.0,
            unit_en: statistic.unit.1,
            formula_version: statistic.version,
            window: statistic.window,
            rows_need: statistic.rows_read.0,
        }
    }
}

/// List statistics · 列出统计项目
///
/// The catalogue: key, title and definition in both languages, unit, and the version of the formula.
#[utoipa::path(tag = "statistics", security(("Bearer" = ["statistic.read"])))]
#[get("/statistics")]
async fn list_statistics(caller: Caller) -> Reply<Done<StatisticList>> {
    caller.call().actor.may(kernel::statistic::READ)?;
    Ok(Done(StatisticList { items: domains::statistics().into_iter().map(Into::into).collect() }))
}

/// Get a figure · 读取统计数字
///
/// Of any area on any day: the value, what it is a share of, how people write it, and where the rows are that were counted.
#[utoipa::path(tag = "statistics", params(StatisticQuery, ReportDay), security(("Bearer" = ["statistic.read"])))]
#[get("/statistics/{key}")]
async fn get_statistic(caller: Caller, key: Word, query: Query<StatisticQuery>, day: Query<ReportDay>) -> Reply<Done<Figure>> {
    let caller = caller.as_of(day.as_of);
    let known = domains::statistics();
    caller.report(async |view| Asked::find(view, &known, &key, &query)?.figure(view).await.map(Done)).await
}

/// List the rows that a figure counts · 列出统计数字的明细
///
/// Just those that were counted, by code; what `counts` adds up to is the figure.
#[utoipa::path(tag = "statistics", params(StatisticQuery, PageParams), security(("Bearer" = ["statistic.read"])))]
#[get("/statistics/{key}/rows")]
async fn list_statistic_rows(caller: Caller, key: Word, query: Query<StatisticQuery>) -> Reply<List<CountedRow>> {
    let known = domains::statistics();
    caller.page(None, async |view, paging| Asked::find(view, &known, &key, &query)?.rows(view, &query, paging).await).await
}

/// Export the rows that a figure counts · 导出统计数字的明细
///
/// The same rows, all of them, as CSV.
#[utoipa::path(tag = "statistics", params(StatisticQuery, ReportDay), security(("Bearer" = ["statistic.read"])))]
#[get("/statistics/{key}/rows.csv")]
async fn export_statistic_rows(caller: Caller, key: Word, query: Query<StatisticQuery>, day: Query<ReportDay>) -> Reply<Download> {
    let caller = caller.as_of(day.as_of);
    let known = domains::statistics();
    let file = caller.report(async |view| Asked::find(view, &known, &key, &query)?.file(view).await).await?;
    Ok(Download { file, media_type: "text/csv; charset=utf-8", name: format!("{}.csv", &*key), mark: false })
}

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_statistics).service(get_statistic).service(list_statistic_rows).service(export_statistic_rows);
}
