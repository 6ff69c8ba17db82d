//! The server: the routes put together, and the process that serves them.

use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_cors::Cors;
use actix_web::dev::{Server, ServerHandle};
use actix_web::http::{Method, header};
use actix_web::middleware::Compress;
use actix_web::{App, HttpServer, web};
use kernel::cipher::FieldCipher;
use kernel::db::Store;
use kernel::gauge::Gauge;
use kernel::task::Task;
use kernel::{Actor, Call, Error, Result, Scope, clock};
use platform::blob::Blobs;
use platform::event::watch::Watch;
use platform::identity::Identities;
use platform::password::Passwords;
use platform::secret::Secret;
use platform::signing_key::{self, Keys};
use platform::webhook::courier::Courier;
use platform::webhook::dispatch::{self, Sender};
use platform::webhook::egress::Egress;
use platform::{audit, gauges, housekeeping, job, journal_months, migrate};
use tokio::time::sleep;
use utoipa::OpenApi;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_actix_web::{AppExt, scope};
use utoipa_swagger_ui::{self as swagger, SwaggerUi};

use crate::background::Background;
use crate::bundle::Turns;
use crate::caller::Services;
use crate::client::Proxies;
use crate::config::Config;
use crate::contract::Contract;
use crate::frame::{self, Frame};
use crate::limits::{self, Limits};
use crate::meters::Meters;
use crate::metrics::Metrics;
use crate::phase::Phase;
use crate::spans::Spans;
use crate::{access, bundle, domains, files, health, jobs, organization, platform as platform_routes, statistics, transfer};

/// What the document says of the whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Linli 邻里",
        description = "The governance of a city's residential compounds · 小区治理的后台接口。\n\n\
            | what every operation keeps | 各接口共同的约定 |\n|---|---|\n\
            | Send your key or token as `Authorization: Bearer …`. Each operation says which permission it needs; outside your area things are not there (404). | 以 `Authorization: Bearer …` 发送密钥或令牌。各接口写明所需权限;辖区以外的对象视为不存在(404)。 |\n\
            | Lists come in pages: `limit`, and `after` with the `next` of the page before. | 列表分页:`limit`,以及 `after`(上一页的 `next`)。 |\n\
            | A change says which `version` it means, in the body or as `If-Match`: 428 without, 412 if it is stale. | 更改须说明所依据的 `version`(请求体或 `If-Match`):缺少为428,过期为412。 |\n\
            | `PATCH` leaves what is not sent; `null` empties. Unknown members and parameters are refused. | `PATCH` 只改所发送的项,`null` 表示清空;未知的项和参数会被拒绝。 |\n\
            | The same `Idempotency-Key` again: the same answer, and the work is done once. | 重复使用同一 `Idempotency-Key`:答复相同,只处理一次。 |\n\
            | Every failure is a problem with a stable `code` and all faults at once; sentences are Chinese, or English with `Accept-Language: en`. | 失败均为统一格式:稳定的 `code`,一次列出全部错误;默认中文,`Accept-Language: en` 为英文。 |\n\
            | No `PATCH` or `PUT` on your host? `POST` with `X-HTTP-Method-Override`. | 不支持 `PATCH` 或 `PUT` 时,用 `POST` 加 `X-HTTP-Method-Override`。 |\n"
    ),
    tags(
        (name = "organization", description = "Basic organization: the area tree and what stands in it · 基本组织:区域、小区、楼栋、户"),
        (name = "statistics", description = "Figures, and the rows that they count · 统计数字及其明细"),
        (name = "access", description = "Accounts, sessions, roles, keys · 账户、会话、角色、密钥"),
        (name = "platform", description = "Events, webhooks, the audit log · 变更事件、推送、审计日志"),
        (name = "files", description = "Files: evidence, minutes, photos · 文件:证据、记录、照片"),
        (name = "transfer", description = "Imports, exports, templates, and jobs where they take long · 导入、导出、模板及其后台任务"),
        (name = "operations", description = "For those who run the server · 运维")
    )
)]
struct Document;

fn routes(config: &mut ServiceConfig) {
    config
        .configure(organization::routes)
        .configure(statistics::routes)
        .configure(transfer::routes)
        .configure(bundle::routes)
        .configure(files::routes)
        .configure(jobs::routes)
        .configure(access::routes)
        .configure(platform_routes::routes);
}

/// Routes whose addresses are fixed by others: load balancers, RFC 8615.
fn unversioned(config: &mut ServiceConfig) {
    config.configure(health::routes).service(access::get_jwks);
}

/// The contract of all routes.
#[must_use]
pub fn contract() -> Contract {
    let (_, document) =
        App::new().into_utoipa_app().openapi(Document::openapi()).configure(unversioned).service(scope::scope("/v1").configure(routes)).split_for_parts();
    Contract::new(&document)
}

/// The work that goes on beside the requests.
fn tasks(config: &Config, cipher: &FieldCipher, blobs: &Blobs, events: &Watch, sender: &Sender) -> Vec<Task> {
    let cipher = cipher.clone();
    let signing_keys = Task::new("signing_keys", Duration::from_secs(600), move |db, call| {
        let cipher = cipher.clone();
        async move { signing_key::keep(&db, &call, &cipher).await }
    });
    let mut tasks = vec![signing_keys, events.task(), audit::seal::task(), journal_months::task()];
    tasks.extend(dispatch::tasks(sender));
    tasks.extend((0..config.jobs_at_once).map(|_| job::worker(blobs.clone(), config.jobs())));
    tasks.extend(housekeeping::tasks(blobs.clone(), config.keeping()));
    tasks.extend(domains::tasks());
    tasks
}

/// What the database is asked for whenever Prometheus asks.
fn gauges() -> Vec<Gauge> {
    vec![gauges::FEED_LAG, gauges::OLDEST_WRITER, gauges::SEAL_LAG, gauges::JOBS, gauges::WEBHOOKS, gauges::SIZE]
}

/// A call of the operator himself, outside any request.
#[must_use]
pub fn operator(config: &Config, what: &str) -> Call {
    let now = clock::now();
    let actor = Actor::system(Scope::of(vec![config.city_code.clone()]));
    Call { actor: Arc::new(actor), now, as_of: clock::day(now), request_id: what.to_owned(), city: config.city_code.clone() }
}

/// A server, ready to run.
pub struct Running {
    /// Where it listens.
    pub port: u16,
    /// Where its metrics are.
    pub metrics_port: Option<u16>,
    /// Where it is in its life.
    pub phase: Phase,
    /// Whoever waits for events; closing it lets all go, so that no request holds up the end.
    pub events: Watch,
    server: Server,
    metrics: Option<ServerHandle>,
    background: Background,
    spans: Spans,
}

impl Running {
    /// Ends it from elsewhere.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }

    /// Serves until it is ended and everything in hand is finished.
    pub async fn run(self) -> Result<()> {
        let served = self.server.await;
        self.background.end().await;
        if let Some(metrics) = self.metrics {
            metrics.stop(false).await;
        }
        self.spans.end();
        served.map_err(|error| Error::Internal(error.to_string()))
    }
}

/// How long requests in hand may take to finish when the server ends, in seconds.
const PARTING: u64 = 30;
/// Pause before the database is looked at again while it cannot be worked with.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// Binds the address and prepares the server, which serves when it is run. A database that is away or not migrated
/// is waited for: until then the server answers 503.
pub async fn start(config: &Config, store: Store) -> Result<Running> {
    let failed = |error: std::io::Error| Error::Internal(format!("cannot listen on {}:{}: {error}", config.host, config.port));
    let listener = TcpListener::bind((config.host.as_str(), config.port)).map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let cipher = config.cipher()?;
    let blobs = config.blobs()?;
    let contract = web::Data::new(contract());
    let (meters, limits, phase) = (Arc::new(Meters::default()), Arc::new(Limits::new(config)), Phase::default());
    let proxies = Proxies::parse(&config.trusted_proxies)?;
    let spans = Spans::from_environment();
    let of_requests = spans.clone();
    open(config, &store, &phase).await;
    actix_web::rt::spawn(forget(Arc::clone(&limits)));

    let of_task = config.clone();
    let events = Watch::default();
    let courier = Courier::new(Arc::new(Egress::parse(&config.webhook_networks, &config.webhook_ports)?))?;
    let sender = Sender { courier: courier.clone(), cipher: cipher.clone(), powers: domains::powers() };
    let work = tasks(config, &cipher, &blobs, &events, &sender);
    let background = Background::start(store.clone(), work, Arc::clone(&meters), move |task| operator(&of_task, task)).map_err(failed)?;
    let (metrics, metrics_port) = match config.metrics_address {
        Some(address) => {
            let (settings, failed) = (config.clone(), |error| Error::Internal(format!("cannot serve metrics on {address}: {error}")));
            let metrics = Metrics::new(&meters, Arc::clone(&limits), store.clone(), gauges(), move || operator(&settings, "metrics"));
            let (server, port) = metrics.serve(address).map_err(failed)?;
            let handle = server.handle();
            actix_web::rt::spawn(server);
            (Some(handle), Some(port))
        }
        None => (None, None),
    };

    let (keys, powers, passwords, bundles) = (Keys::new(cipher.clone()), domains::powers(), Passwords::default(), Turns::default());
    let identities = Identities::new(keys.clone(), powers.clone());
    let cursor_secret = Secret::named("cursor");
    let (settings, of_server) = (config.clone(), phase.clone());
    let heard = events.clone();
    let server = HttpServer::new(move || {
        let services = Services {
            db: store.on_this_thread(),
            identities: identities.clone(),
            keys: keys.clone(),
            passwords: passwords.clone(),
            cipher: cipher.clone(),
            powers: powers.clone(),
            profile: settings.password_profile,
            events: heard.clone(),
            courier: courier.clone(),
            cursor_secret: cursor_secret.clone(),
            city: settings.city_code.clone(),
            bundles: bundles.clone(),
            max_import_bytes: settings.max_import_bytes,
            import_inline_bytes: settings.import_inline_bytes,
            blobs: blobs.clone(),
            file_limits: settings.file_limits(),
        };
        let frame = Rc::new(Frame {
            contract: contract.clone(),
            phase: of_server.clone(),
            limits: Arc::clone(&limits),
            meters: Arc::clone(&meters),
            spans: of_requests.clone(),
            proxies: proxies.clone(),
        });
        let (app, _) = App::new().into_utoipa_app().configure(unversioned).service(scope::scope("/v1").configure(routes)).split_for_parts();
        app.app_data(web::Data::new(services))
            .app_data(web::Data::new(of_server.clone()))
            .app_data(contract.clone())
            .service(page(&contract))
            .service(web::redirect("/docs", "/docs/"))
            .default_service(web::to(frame::refuse))
            .wrap(Compress::default())
            .wrap_fn(move |request, next| {
                // The service is behind a reference that does not outlive this call, its future does.
                frame::run(&frame, request, next)
            })
            .wrap(cors(&settings.cors_origins))
    });
    let server = match config.workers {
        Some(workers) => server.workers(workers),
        None => server,
    };
    let server = server.disable_signals().shutdown_timeout(PARTING).listen(listener).map_err(failed)?.run();
    Ok(Running { port, metrics_port, phase, events, server, metrics, background, spans })
}

/// Lets requests in as soon as the database can be worked with: at once, if it can be now.
async fn open(config: &Config, store: &Store, phase: &Phase) {
    let (config, store, phase) = (config.clone(), store.clone(), phase.clone());
    let look = async move || match store.browse(&operator(&config, "linli serve"), migrate::pending).await {
        Ok(pending) if pending.is_empty() => {
            phase.serve();
            None
        }
        Ok(pending) => Some(format!("it has not been migrated: {}", pending.join(", "))),
        Err(error) => Some(error.to_string()),
    };
    if let Some(why) = look().await {
        tracing::warn!(why, "the database cannot be worked with yet; requests are answered 503");
        actix_web::rt::spawn(async move {
            while look().await.is_some() {
                sleep(BETWEEN_LOOKS).await;
            }
            tracing::info!("the database can be worked with");
        });
    }
}

/// Forgets the clients whose allowances are full again.
async fn forget(limits: Arc<Limits>) {
    loop {
        sleep(limits::SWEEP).await;
        limits.sweep();
    }
}

/// The page of the documentation: an index of subjects, and forms to try each operation.
fn page(contract: &Contract) -> SwaggerUi {
    let config = swagger::Config::default()
        .use_base_layout()
        .doc_expansion("none")
        // An operation has an address of its own, to be sent to a colleague.
        .deep_linking(true)
        .default_models_expand_depth(0)
        .display_operation_id(true)
        .display_request_duration(true)
        .try_it_out_enabled(true)
        // Else the document would be sent to somebody who validates it.
        .validator_url("none");
    SwaggerUi::new("/docs/{_:.*}").external_url_unchecked("/openapi.json", contract.document().clone()).config(config)
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
        .allowed_header("traceparent")
        .expose_headers([header::ETAG, header::LOCATION, header::LINK, header::RETRY_AFTER, header::ALLOW])
        .expose_headers([header::ACCEPT_RANGES, header::CONTENT_RANGE, header::CONTENT_DISPOSITION])
        .expose_headers(["x-request-id", "idempotent-replayed", "ratelimit", "ratelimit-policy", "traceparent"])
        .max_age(3600)
}
