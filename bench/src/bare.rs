//! The yardstick of reads: a bare handler over one pipelined connection a worker, which runs the same statement,
//! makes the same JSON and does nothing else: no key, no scope, no log, no metrics, no version, no problem.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::{App, HttpResponse, HttpServer, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use tokio_postgres::{Client, NoTls, Row, Statement};
use uuid::Uuid;

use crate::Failed;
use crate::figures::by_hand;

const GRID: &str = "select id, code, community_code, name, kind, dedicated_kind, valid_from, valid_to, source, ref, version, created_at, updated_at \
     from grid where id = $1";
const HOUSEHOLDS: &str = "select h.id, h.code, h.building_code, g.grid_code, h.name, h.residents, h.valid_from, h.valid_to, h.source, h.ref, h.version, \
     h.created_at, h.updated_at from household h left join household_grid g on g.household_id = h.id and g.valid_from <= $2 and (g.valid_to is null or g.valid_to > $2) \
     where h.valid_from <= $2 and (h.valid_to is null or h.valid_to > $2) and h.area_code >= '421181' and h.area_code < '421181~' and g.grid_code = $1 \
     order by h.code, h.id limit 51";

#[derive(Serialize)]
struct Grid {
    id: Uuid,
    code: String,
    community_code: String,
    name: String,
    kind: String,
    dedicated_kind: Option<String>,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    source: Option<String>,
    r#ref: Option<String>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct Household {
    id: Uuid,
    code: String,
    building_code: String,
    grid_code: Option<String>,
    name: String,
    residents: Option<i32>,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    source: Option<String>,
    r#ref: Option<String>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct Page {
    items: Vec<Household>,
}

#[derive(Serialize)]
struct Figure {
    key: String,
    as_of: NaiveDate,
    numerator: i64,
    denominator: Option<i64>,
}

/// What a worker has: its connection, on which queries are on their way together, and prepared statements.
struct Worker {
    client: Client,
    grid: Statement,
    households: Statement,
    figures: HashMap<&'static str, Statement>,
}

type Shared = web::Data<Arc<Worker>>;

async fn grid(worker: Shared, id: web::Path<Uuid>) -> Result<HttpResponse, Failed> {
    let row = worker.client.query_one(&worker.grid, &[&*id]).await?;
    Ok(HttpResponse::Ok().json(read_grid(&row)?))
}

fn read_grid(row: &Row) -> Result<Grid, Failed> {
    Ok(Grid {
        id: row.try_get(0)?,
        code: row.try_get(1)?,
        community_code: row.try_get(2)?,
        name: row.try_get(3)?,
        kind: row.try_get(4)?,
        dedicated_kind: row.try_get(5)?,
        valid_from: row.try_get(6)?,
        valid_to: row.try_get(7)?,
        source: row.try_get(8)?,
        r#ref: row.try_get(9)?,
        version: row.try_get(10)?,
        created_at: row.try_get(11)?,
        updated_at: row.try_get(12)?,
    })
}

async fn households(worker: Shared, path: web::Path<(String, NaiveDate)>) -> Result<HttpResponse, Failed> {
    let (grid_code, day) = path.into_inner();
    let rows = worker.client.query(&worker.households, &[&grid_code, &day]).await?;
    let items = rows.iter().take(50).map(read_household).collect::<Result<_, _>>()?;
    Ok(HttpResponse::Ok().json(Page { items }))
}

fn read_household(row: &Row) -> Result<Household, Failed> {
    Ok(Household {
        id: row.try_get(0)?,
        code: row.try_get(1)?,
        building_code: row.try_get(2)?,
        grid_code: row.try_get(3)?,
        name: row.try_get(4)?,
        residents: row.try_get(5)?,
        valid_from: row.try_get(6)?,
        valid_to: row.try_get(7)?,
        source: row.try_get(8)?,
        r#ref: row.try_get(9)?,
        version: row.try_get(10)?,
        created_at: row.try_get(11)?,
        updated_at: row.try_get(12)?,
    })
}

async fn figure(worker: Shared, path: web::Path<(String, NaiveDate)>) -> Result<HttpResponse, Failed> {
    let (key, as_of) = path.into_inner();
    let statement = worker.figures.get(key.as_str()).ok_or_else(|| Failed(format!("no figure {key}")))?;
    let row = worker.client.query_one(statement, &[&as_of]).await?;
    let denominator = if row.len() > 1 { Some(row.try_get(1)?) } else { None };
    Ok(HttpResponse::Ok().json(Figure { key, as_of, numerator: row.try_get(0)?, denominator }))
}

async fn connect(url: String) -> Result<Arc<Worker>, Failed> {
    let (client, driver) = tokio_postgres::connect(&url, NoTls).await?;
    actix_web::rt::spawn(driver);
    let (grid, households) = (client.prepare(GRID).await?, client.prepare(HOUSEHOLDS).await?);
    let mut figures = HashMap::new();
    for (key, sql) in by_hand("$1::date") {
        figures.insert(key, client.prepare(&sql).await?);
    }
    Ok(Arc::new(Worker { client, grid, households, figures }))
}

/// Serves until it is killed.
pub async fn serve(url: String, port: u16) -> Result<(), Failed> {
    let server = HttpServer::new(move || {
        let url = url.clone();
        App::new()
            .data_factory(move || connect(url.clone()))
            .route("/grids/{id}", web::get().to(grid))
            .route("/households/{grid}/{day}", web::get().to(households))
            .route("/figures/{key}/{day}", web::get().to(figure))
    });
    server.bind(("127.0.0.1", port))?.run().await?;
    Ok(())
}
