//! The real app on a real port, and users that are HTTP clients. Each exchange is checked against the document.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use api::config::{Config, Mode};
use api::contract::Contract;
use api::domains;
use api::server;
use chrono::TimeDelta;
use kernel::db::Store;
use kernel::text::{Line, Name};
use kernel::{AreaCode, Expected, Role};
use platform::account::{self, AccountId, NewAccount, UserName};
use platform::api_key::{self, ApiKeyId, NewApiKey};
use platform::password::{Passwords, Profile};
use platform::role_grant::{self, NewRoleGrant};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::db::TestDb;

/// The contract that all tests check against.
pub fn contract() -> &'static Contract {
    static CONTRACT: OnceLock<Contract> = OnceLock::new();
    CONTRACT.get_or_init(server::contract)
}

/// The app, with a database of its own.
pub struct TestApp {
    /// Where it listens.
    pub base: String,
    /// Its database.
    pub db: TestDb,
    /// Its configuration.
    pub config: Config,
    store: Store,
    servers: Mutex<Vec<actix_web::dev::ServerHandle>>,
    metrics_port: Option<u16>,
    // Where it keeps files; goes with it.
    _files: tempfile::TempDir,
}

impl TestApp {
    /// Starts it on a free port.
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// Starts it with other settings.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::on(TestDb::lease().await, change).await
    }

    /// Starts another replica on the same database.
    pub async fn beside(&self, change: impl FnOnce(&mut Config)) -> Self {
        Self::on(TestDb::at(&self.db.url), change).await
    }

    /// Starts it on a database.
    pub async fn on(db: TestDb, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::of(&db.url).unwrap();
        config.mode = Mode::Demo;
        config.database_pool = 8;
        config.port = 0;
        config.workers = Some(1);
        config.cors_origins = "https://h5.example.cn".to_owned();
        config.max_import_bytes = 64 << 20;
        let files = tempfile::tempdir().unwrap();
        config.file_store = files.path().display().to_string();
        change(&mut config);
        let (base, metrics_port, server) = serve(&config).await;
        Self { base, store: db.store(), db, config, servers: Mutex::new(vec![server]), metrics_port, _files: files }
    }

    /// Starts another server on the same database; returns where it listens.
    pub async fn replica(&self) -> String {
        self.replica_with(|_| ()).await
    }

    /// Starts another server on the same database and files, with other settings; returns where it listens.
    pub async fn replica_with(&self, change: impl FnOnce(&mut Config)) -> String {
        let mut config = self.config.clone();
        change(&mut config);
        let (base, _, server) = serve(&config).await;
        self.servers.lock().unwrap().push(server);
        base
    }

    /// A client with these permissions in this area.
    pub async fn user(&self, permissions: &[&str], area: &str) -> User {
        let key = self.key(permissions, area).await.1;
        self.bearer(&key)
    }

    /// A client who may do everything in the city.
    pub async fn admin(&self) -> User {
        self.user(&["*"], "421181").await
    }

    /// A client without a key.
    #[must_use]
    pub fn stranger(&self) -> User {
        User::at(&self.base, None)
    }

    /// Makes a key.
    pub async fn key(&self, permissions: &[&str], area: &str) -> (ApiKeyId, String) {
        key(&self.store, &self.config, permissions, area).await
    }

    /// Revokes a key.
    pub async fn revoke(&self, id: ApiKeyId) {
        let call = server::operator(&self.config, "test");
        let reason = Line::parse("test").unwrap();
        self.store.write(&call, "test", async |tx| api_key::revoke(tx, id, Expected::Any, &reason).await).await.unwrap();
    }

    /// An account that holds a role in an area, by the profile without duties; its id and password.
    pub async fn account(&self, user_name: &str, role: Role, area: &str) -> (AccountId, String) {
        let call = server::operator(&self.config, "test");
        let (area_code, password) = (area.parse::<AreaCode>().unwrap(), "wR7-green-Kettle-92".to_owned());
        let hash = Passwords::default().hash(&password).await.unwrap();
        let new = NewAccount {
            user_name: UserName::parse(user_name).unwrap(),
            name: Name::parse("测试员").unwrap(),
            area_code: area_code.clone(),
            profile: Some(Profile::Asvs),
        };
        let made = self.store.write(&call, "test", async |tx| {
            let made = account::create(tx, &new, Profile::Asvs, &hash).await?;
            let valid_to = tx.today() + TimeDelta::days(1);
            role_grant::create(tx, &domains::powers(), &NewRoleGrant { account_id: made.id, role, area_code: area_code.clone(), valid_from: None, valid_to })
                .await?;
            Ok(made)
        });
        let id = made.await.unwrap().id;
        let own = "update account set password_temporary = false where id = $1";
        self.db.connect().await.execute(own, &[&id.0]).await.unwrap();
        (id, password)
    }

    /// A person who has logged in, with a role in an area.
    pub async fn staff(&self, user_name: &str, role: Role, area: &str) -> User {
        let (_, password) = self.account(user_name, role, area).await;
        let tokens = self.stranger().post("/v1/sessions", json!({"user_name": user_name, "password": password})).await.ok(200);
        self.bearer(tokens["access_token"].as_str().unwrap())
    }

    /// A client that shows this key or token.
    #[must_use]
    pub fn bearer(&self, key: &str) -> User {
        User::at(&self.base, Some(key))
    }

    /// What it tells Prometheus.
    pub async fn metrics(&self) -> String {
        let url = format!("http://127.0.0.1:{}/metrics", self.metrics_port.expect("it was started with a metrics_address"));
        let answer = reqwest::get(url).await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        answer.text().await.unwrap()
    }

    /// A pool on its database, for what no API does.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// One subdistrict, two communities, three grids, two compounds, two buildings, three households.
    pub async fn small_town(&self) -> User {
        let admin = self.admin().await;
        for (resource, file) in SMALL_TOWN {
            let answer = admin.import(resource, "effective_on=2023-01-01", file.as_bytes().to_vec()).await;
            assert_eq!(answer.status, 200, "{resource}: {}", answer.body);
        }
        admin
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.servers.lock().unwrap().iter().for_each(|server| drop(server.stop(false)));
    }
}

/// Makes a key in a database.
pub async fn key(store: &Store, config: &Config, permissions: &[&str], area: &str) -> (ApiKeyId, String) {
    let call = server::operator(config, "test");
    let known: Vec<&str> = domains::permissions().map(|(name, ..)| name).collect();
    let permissions = permissions.iter().map(ToString::to_string).collect();
    let new = NewApiKey { name: Name::parse("test").unwrap(), permissions, area_code: area.parse().unwrap(), days: 1 };
    let (row, key) = store.write(&call, "test", async |tx| api_key::create(tx, &known, &new).await).await.unwrap();
    (row.id, key)
}

/// Serves the app on a thread of its own; returns where it listens, and where its metrics are.
async fn serve(config: &Config) -> (String, Option<u16>, actix_web::dev::ServerHandle) {
    let (sender, started) = tokio::sync::oneshot::channel();
    let settings = config.clone();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let store = settings.store().unwrap().strict();
            let running = server::start(&settings, store).await.unwrap();
            sender.send((running.port, running.metrics_port, running.handle())).ok().unwrap();
            running.run().await.unwrap();
        });
    });
    let (port, metrics_port, server) = started.await.unwrap();
    (format!("http://127.0.0.1:{port}"), metrics_port, server)
}

/// The files of the small town, in the order in which to import them.
pub const SMALL_TOWN: [(&str, &str); 7] = [
    ("subdistricts", "code,name,valid_from\n421181001,龙池桥街道,2000-01-01\n"),
    ("communities", "code,name,valid_from\n421181001001,柳岸社区,2000-01-01\n421181001002,桥头社区,2000-01-01\n"),
    ("grids", "code,name\n421181001001001,第一网格\n421181001001002,第二网格\n421181001002001,桥头网格\n"),
    ("compounds", "code,name,kind\n421181001001X001,翠湖花园,commercial\n421181001001X002,老街,old\n"),
    ("compound-grids", "compound_code,grid_code\n421181001001X001,421181001001001\n421181001001X002,421181001001002\n"),
    ("buildings", "code,compound_code,name\n42118100100100001,421181001001X001,1栋\n42118100100100002,421181001001X002,2栋\n"),
    (
        "households",
        "code,grid_code,name,residents\n42118100100100001010101,421181001001001,1单元0101,3\n42118100100100001010102,421181001001001,1单元0102,2\n42118100100100002010101,421181001001002,1单元0101,\n",
    ),
];

/// A client.
#[derive(Clone)]
pub struct User {
    base: String,
    key: Option<String>,
    http: reqwest::Client,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: HashMap<String, String>,
    /// The body, where it is JSON.
    pub body: Value,
    /// The body as it came.
    pub bytes: Vec<u8>,
}

impl Answer {
    /// The code of the problem that it is.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// `pointer code` of each error of the problem.
    #[must_use]
    pub fn errors(&self) -> Vec<String> {
        let errors = self.body["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| format!("{} {}", error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap())).collect()
    }

    /// `line field code` of each fault that an import tells.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let report = if self.body["import"].is_null() { &self.body } else { &self.body["import"] };
        let rows = report["failures"].as_array().cloned().unwrap_or_default();
        let faults = rows.iter().flat_map(|row| row["faults"].as_array().unwrap().iter().map(move |fault| (row["line"].clone(), fault.clone())));
        faults.map(|(line, fault)| format!("{line} {} {}", fault["field"].as_str().unwrap(), fault["code"].as_str().unwrap())).collect()
    }

    /// The status, insisted on; the body in return.
    pub fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }
}

/// A client that lets go of an idle connection before the server does, which closes it after five seconds.
fn client() -> reqwest::Client {
    reqwest::Client::builder().pool_idle_timeout(std::time::Duration::from_secs(1)).build().unwrap()
}

impl User {
    /// A client of the server at this address.
    #[must_use]
    pub fn at(base: &str, key: Option<&str>) -> Self {
        Self { base: base.to_owned(), key: key.map(ToOwned::to_owned), http: client() }
    }

    /// The same client at another server.
    #[must_use]
    pub fn elsewhere(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or_default()
    }

    /// A request that only wants sending.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    /// Sends a request and checks the exchange against the document.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).await.expect("an answer")
    }

    /// The same, where there may be no answer.
    pub async fn try_send(&self, request: RequestBuilder) -> Option<Answer> {
        let request = request.build().unwrap();
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let overridden = request
            .headers()
            .get("x-http-method-override")
            .map(|method| method.to_str().unwrap().to_owned())
            .filter(|method| ["PATCH", "PUT", "DELETE"].contains(&method.as_str()));
        let response = self.http.execute(request).await.ok()?;
        let method = overridden.unwrap_or_else(|| method.to_string());
        let answer = read(response).await;
        check(&method, &path, &answer);
        Some(answer)
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// POST.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    /// PATCH.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(&body)).await
    }

    /// PUT.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }

    /// Imports a file.
    pub async fn import(&self, resource: &str, query: &str, file: Vec<u8>) -> Answer {
        self.send(self.request(Method::POST, &format!("/v1/imports/{resource}?{query}")).body(file)).await
    }

    /// The object with this code.
    pub async fn by_code(&self, resource: &str, code: &str) -> Value {
        let page = self.get(&format!("/v1/{resource}?code={code}")).await.ok(200);
        assert_eq!(page["items"].as_array().unwrap().len(), 1, "{code}: {page}");
        page["items"][0].clone()
    }
}

async fn read(response: Response) -> Answer {
    let status = response.status().as_u16();
    let headers: HashMap<String, String> =
        response.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned())).collect();
    let bytes = response.bytes().await.unwrap().to_vec();
    Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_default(), bytes }
}

type Validators = Mutex<HashMap<String, Arc<jsonschema::Validator>>>;

/// Fails where the document does not say that this may be answered.
fn check(method: &str, path: &str, answer: &Answer) {
    static VALIDATORS: OnceLock<Validators> = OnceLock::new();
    let document = contract().document();
    if answer.status >= 400 {
        assert_eq!(answer.headers.get("content-type").map(String::as_str), Some("application/problem+json"), "{method} {path}: {answer:?}");
    }
    let Some((pattern, operation)) = operation(document, method, path) else {
        assert!(
            [404, 405, 429].contains(&answer.status) || method == "HEAD" || method == "OPTIONS" || path.starts_with("/docs") || path == "/openapi.json",
            "{method} {path}: {answer:?}"
        );
        return;
    };
    let family = format!("{}XX", answer.status / 100);
    let responses = &operation["responses"];
    let response = [answer.status.to_string(), family].into_iter().find_map(|status| responses.get(&status));
    let response = response.unwrap_or_else(|| panic!("{method} {path} answered {}, which is not documented", answer.status));
    let response = match response["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).unwrap(),
        None => response,
    };
    let Some(schema) = ["application~1json", "application~1problem+json"].iter().find_map(|media| response.pointer(&format!("/content/{media}/schema"))) else {
        return;
    };
    let key = format!("{method} {pattern} {}", answer.status);
    let mut validators = VALIDATORS.get_or_init(Mutex::default).lock().unwrap();
    let validator = validators.entry(key).or_insert_with(|| {
        let mut whole = schema.clone();
        whole["components"] = document["components"].clone();
        Arc::new(jsonschema::options().should_validate_formats(true).build(&whole).unwrap())
    });
    let faults: Vec<String> = validator.iter_errors(&answer.body).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(faults.is_empty(), "{method} {path} answered {}: {faults:?}", answer.body);
}

/// The documented operation of a request.
fn operation<'a>(document: &'a Value, method: &str, path: &str) -> Option<(&'a str, &'a Value)> {
    let fits = |pattern: &str| actix_web::dev::ResourceDef::new(pattern).is_match(path);
    document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(pattern, _)| fits(pattern))
        .find_map(|(pattern, methods)| Some((pattern.as_str(), methods.get(method.to_lowercase())?)))
}

/// An ending, for bodies.
#[must_use]
pub fn ending(on: &str, version: i64) -> Value {
    json!({"on": on, "reason": "测试", "version": version})
}
