//! The server: the routes put together, and the process that serves them.

use std::net::TcpListener;
use std::sync::Arc;

use actix_cors::Cors;
use actix_web::dev::Server;
use actix_web::http::{Method, header};
use actix_web::middleware::Compress;
use actix_web::{App, HttpServer, web};
use kernel::db::Store;
use kernel::task::Task;
use kernel::{Actor, Call, Error, Result, Scope, clock};
use platform::api_key::Keyring;
use platform::blob::Blobs;
use platform::{housekeeping, job, secret};
use utoipa::OpenApi;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_actix_web::{AppExt, scope};
use utoipa_swagger_ui::SwaggerUi;

use crate::background::Background;
use crate::caller::Services;
use crate::config::Config;
use crate::contract::Contract;
use crate::{files, frame, jobs, organization, transfer};

/// What the document says of the whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Linli 邻里",
        description = "The governance of a city's residential compounds · 小区治理的后台接口。\n\nConventions that every operation keeps · 各接口共同的约定:docs/API.md."
    ),
    tags(
        (name = "organization", description = "Basic organization: the area tree and what stands in it · 基本组织:区域、小区、楼栋、户"),
        (name = "files", description = "Files: evidence, minutes, photos · 文件:证据、记录、照片"),
        (name = "transfer", description = "Imports, exports, templates, and jobs where they take long · 导入、导出、模板及其后台任务")
    )
)]
struct Document;

fn routes(config: &mut ServiceConfig) {
    config.configure(organization::routes).configure(transfer::routes).configure(files::routes).configure(jobs::routes);
}

/// The contract of all routes.
#[must_use]
pub fn contract() -> Contract {
    let (_, document) = App::new().into_utoipa_app().openapi(Document::openapi()).service(scope::scope("/v1").configure(routes)).split_for_parts();
    Contract::new(&document)
}

/// The work that goes on beside the requests.
fn tasks(config: &Config, blobs: &Blobs) -> Vec<Task> {
    let workers = (0..config.jobs_at_once).map(|_| job::worker(blobs.clone(), config.jobs()));
    workers.chain(housekeeping::tasks(blobs.clone(), config.keeping())).collect()
}

/// A call of the operator himself, outside any request.
#[must_use]
pub fn operator(config: &Config, what: &str) -> Call {
    let now = clock::now();
    let actor = Actor::system(Scope::of(vec![config.city_code.clone()]));
    Call { actor: Arc::new(actor), now, as_of: clock::day(now), request_id: what.to_owned(), city: config.city_code.clone() }
}

/// Binds the address and prepares the server; awaiting it serves until a signal ends it.
pub async fn start(config: &Config, store: Store) -> Result<(Server, u16)> {
    let failed = |error: std::io::Error| Error::Internal(format!("cannot listen on {}:{}: {error}", config.host, config.port));
    let listener = TcpListener::bind((config.host.as_str(), config.port)).map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let cursor_secret = secret::load(&store, &operator(config, "linli serve"), "cursor").await?;
    let blobs = config.blobs()?;
    let contract = web::Data::new(contract());
    let of_task = config.clone();
    let background = Background::start(store.clone(), tasks(config, &blobs), move |task| operator(&of_task, task)).map_err(failed)?;
    let background = Arc::new(background);
    let keyring = Keyring::default();
    let settings = config.clone();
    let server = HttpServer::new(move || {
        // The tasks go on for as long as there is a worker that serves.
        let background = Arc::clone(&background);
        let services = Services {
            db: store.on_this_thread(),
            keyring: keyring.clone(),
            cursor_secret: cursor_secret.clone(),
            city: settings.city_code.clone(),
            max_import_bytes: settings.max_import_bytes,
            import_inline_bytes: settings.import_inline_bytes,
            blobs: blobs.clone(),
            file_limits: settings.file_limits(),
        };
        let (app, _) = App::new().into_utoipa_app().service(scope::scope("/v1").configure(routes)).split_for_parts();
        app.app_data(web::Data::new(services))
            .app_data(background)
            .app_data(contract.clone())
            .service(SwaggerUi::new("/docs/{_:.*}").external_url_unchecked("/openapi.json", contract.document().clone()))
            .service(web::redirect("/docs", "/docs/"))
            .default_service(web::to(frame::refuse))
            .wrap(Compress::default())
            .wrap_fn(|request, next| {
                // The service is behind a reference that does not outlive this call, its future does.
                frame::run(request, next)
            })
            .wrap(cors(&settings.cors_origins))
    });
    let server = match config.workers {
        Some(workers) => server.workers(workers),
        None => server,
    };
    let server = server.shutdown_timeout(30).listen(listener).map_err(failed)?.run();
    Ok((server, port))
}

/// Pages of these origins may call; headers that carry what clients need are theirs to read.
fn cors(origins: &str) -> Cors {
    let names = origins.split(',').map(str::trim).filter(|origin| !origin.is_empty());
    names
        .fold(Cors::default(), |cors, origin| cors.allowed_origin(origin))
        .allowed_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::ACCEPT_LANGUAGE, header::IF_MATCH, header::IF_NONE_MATCH])
        .allowed_headers([header::RANGE, header::IF_RANGE])
        .allowed_header("idempotency-key")
        .allowed_header("x-http-method-override")
        .allowed_header("x-request-id")
        .expose_headers([header::ETAG, header::LOCATION, header::LINK, header::RETRY_AFTER, header::ALLOW])
        .expose_headers([header::ACCEPT_RANGES, header::CONTENT_RANGE, header::CONTENT_DISPOSITION])
        .expose_headers(["x-request-id", "idempotent-replayed"])
        .max_age(3600)
}
