//! Who may give which role and which key: nobody widens his own, and nobody reaches round it.

use kernel::Role;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{TestApp, User};

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap().to_owned()
}

async fn own_id(user: &User) -> Value {
    user.get("/v1/me").await.ok(200)["id"].clone()
}

fn grant(holder: &Value, role: &str, area: &str) -> Value {
    json!({"account_id": holder, "role": role, "area_code": area, "valid_to": "2199-01-01"})
}

#[tokio::test]
async fn nobody_widens_his_own() {
    let app = TestApp::start().await;
    app.small_town().await;
    let admin = app.staff("admin", Role::SystemAdmin, "421181").await;
    let officer = app.staff("officer", Role::SubdistrictOfficer, "421181001").await;
    let secretary = app.staff("secretary", Role::CommunitySecretary, "421181001001").await;
    let worker = app.staff("worker", Role::CommunityWorker, "421181001001").await;
    let (admin_id, officer_id, worker_id) = (own_id(&admin).await, own_id(&officer).await, own_id(&worker).await);
    let give = async |by: &User, holder: &Value, role: &str, area: &str| by.post("/v1/role-grants", grant(holder, role, area)).await.code().to_owned();
    assert_eq!(give(&admin, &admin_id, "org_dept", "421181").await, "role_grant.own");
    assert_eq!(give(&officer, &worker_id, "auditor", "421181001").await, "role_grant.not_yours_to_give");
    assert_eq!(give(&officer, &worker_id, "community_secretary", "421181").await, "access.out_of_scope");
    assert_eq!(give(&secretary, &worker_id, "community_secretary", "421181001001").await, "role_grant.not_yours_to_give");
    assert_eq!(give(&secretary, &worker_id, "compound_secretary", "421181001002").await, "access.out_of_scope");
    assert_eq!(give(&worker, &worker_id, "community_worker", "421181001001").await, "access.forbidden");
    assert_eq!(give(&officer, &worker_id, "community_secretary", "421181001002").await, "");
    assert_eq!(give(&officer, &worker_id, "community_secretary", "421181001002").await, "role_grant.already");
    assert_eq!(give(&officer, &json!("00000000-0000-7000-8000-000000000000"), "community_worker", "421181001").await, "role_grant.no_account");
    // A key gives what it permits itself, and no more.
    let key = app.user(&["role_grant.write", "account.read"], "421181").await;
    assert_eq!(give(&key, &worker_id, "auditor", "421181").await, "role_grant.not_yours_to_give");
    // Nor does anybody take over an account that may more than he could give.
    let keeper = app.user(&["account.write", "account.read", "role_grant.write"], "421181").await;
    for (by, code) in [(&secretary, "account.unknown"), (&keeper, "account.outranked")] {
        let answer = by.post(&format!("/v1/accounts/{}/reset-password", officer_id.as_str().unwrap()), json!({"reason": "试试", "version": 1})).await;
        assert_eq!(answer.code(), code);
    }
    let own = admin.post(&format!("/v1/accounts/{}/disable", admin_id.as_str().unwrap()), json!({"reason": "误操作", "version": 1})).await;
    assert_eq!(own.code(), "account.own");
    let reset = admin.post(&format!("/v1/accounts/{}/reset-password", officer_id.as_str().unwrap()), json!({"reason": "忘记密码", "version": 1})).await.ok(200);
    let again = app.stranger().post("/v1/sessions", json!({"user_name": "officer", "password": reset["temporary_password"]})).await.ok(200);
    assert_eq!(again["duties"], json!(["change_password"]));
}

#[tokio::test]
async fn the_administrator_keeps_accounts_and_sees_no_business() {
    let app = TestApp::start().await;
    app.small_town().await;
    let admin = app.staff("admin", Role::SystemAdmin, "421181").await;
    for path in ["/v1/households", "/v1/grids", "/v1/exports/households.csv", "/v1/reports/grid-division"] {
        assert_eq!(admin.get(path).await.code(), "access.forbidden", "{path}");
    }
    let roles = admin.get("/v1/roles").await.ok(200);
    assert_eq!(roles["roles"].as_array().unwrap().len(), Role::ALL.len());
    let of = |name: &str| roles["roles"].as_array().unwrap().iter().find(|role| role["role"] == name).unwrap()["permissions"].clone();
    assert!(of("auditor").as_array().unwrap().iter().all(|permission| !permission.as_str().unwrap().ends_with(".write")), "an auditor changes nothing");
    assert!(of("community_worker").as_array().unwrap().contains(&json!("household.write")));
}

#[tokio::test]
async fn keys_are_made_and_revoked_by_those_who_may() {
    let app = TestApp::start().await;
    app.small_town().await;
    let admin = app.staff("admin", Role::SystemAdmin, "421181").await;
    let new = |permissions: Value, area: &str| json!({"name": "数据中台", "permissions": permissions, "area_code": area, "days": 30});
    let refused = admin.post("/v1/api-keys", new(json!(["grid.read", "grid.fly"]), "421181")).await;
    assert_eq!(refused.errors(), ["/permissions/1 api_key.no_such_permission"]);
    assert_eq!(admin.post("/v1/api-keys", new(json!(["*"]), "421181")).await.code(), "api_key.not_yours_to_give");
    let narrow = app.user(&["api_key.write", "grid.read"], "421181001").await;
    assert_eq!(narrow.post("/v1/api-keys", new(json!(["household.read"]), "421181001")).await.code(), "api_key.not_yours_to_give");
    assert_eq!(narrow.post("/v1/api-keys", new(json!(["grid.read"]), "421181")).await.code(), "access.out_of_scope");
    let made = admin.send(admin.request(Method::POST, "/v1/api-keys").header("Idempotency-Key", "k1").json(&new(json!(["grid.read"]), "421181001"))).await;
    let (key, id) = (text(&made.body, "key"), text(&made.body, "id"));
    assert_eq!((made.status, made.headers["location"].as_str()), (201, format!("/v1/api-keys/{id}").as_str()));
    let client = app.bearer(&key);
    assert_eq!((client.get("/v1/grids").await.status, client.get("/v1/households").await.code()), (200, "access.forbidden"));
    let db = app.db.connect().await;
    let kept: i64 = db.query_one("select count(*) from idempotency where body like '%lk_live_%'", &[]).await.unwrap().get(0);
    assert_eq!(kept, 0, "a new key is never kept");
    let told: i64 = db.query_one("select count(*) from journal where change::text like $1", &[&format!("%{}%", &key[10..])]).await.unwrap().get(0);
    assert_eq!(told, 0, "nor journalled");
    admin.post(&format!("/v1/api-keys/{id}/revoke"), json!({"reason": "泄露", "version": 1})).await.ok(200);
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(client.get("/v1/grids").await.code(), "access.bad_key");
    assert_eq!(admin.post(&format!("/v1/api-keys/{id}/revoke"), json!({"reason": "再次", "version": 2})).await.code(), "api_key.revoked");
}

#[tokio::test]
async fn a_city_system_gets_its_token_by_oauth_2() {
    let app = TestApp::start().await;
    app.small_town().await;
    let (id, key) = app.key(&["grid.read", "household.read"], "421181").await;
    let stranger = app.stranger();
    let ask = async |form: &[(&str, &str)]| stranger.send(stranger.request(Method::POST, "/v1/oauth/token").form(form)).await;
    let id = id.to_string();
    let whole = ask(&[("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", &key)]).await.ok(200);
    assert_eq!((whole["token_type"].as_str(), whole["expires_in"].as_i64()), (Some("Bearer"), Some(600)));
    let client = app.bearer(&text(&whole, "access_token"));
    assert_eq!((client.get("/v1/grids").await.status, client.get("/v1/households").await.status), (200, 200));
    assert_eq!(client.get("/v1/me").await.ok(200)["id"], id.as_str());
    assert_eq!(client.get("/v1/me/sessions").await.code(), "access.not_a_person");
    // By a Basic header, and for less than the key permits.
    let form = [("grant_type", "client_credentials"), ("scope", "grid.read")];
    let basic = stranger.send(stranger.request(Method::POST, "/v1/oauth/token").basic_auth(&id, Some(&key)).form(&form)).await.ok(200);
    let narrow = app.bearer(&text(&basic, "access_token"));
    assert_eq!((narrow.get("/v1/grids").await.status, narrow.get("/v1/households").await.code()), (200, "access.forbidden"));
    for (form, status, error) in [
        (vec![("grant_type", "password")], 400, "unsupported_grant_type"),
        (vec![("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", "lk_live_x")], 401, "invalid_client"),
        (vec![("grant_type", "client_credentials"), ("client_id", "x"), ("client_secret", &key)], 401, "invalid_client"),
        (vec![("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", &key), ("scope", "grid.write")], 400, "invalid_scope"),
        (vec![("colour", "red")], 400, "invalid_request"),
    ] {
        let answer = ask(&form).await;
        assert_eq!((answer.status, answer.body["error"].as_str()), (status, Some(error)), "{form:?}");
    }
    app.revoke(id.parse::<uuid::Uuid>().unwrap().into()).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert_eq!(client.get("/v1/grids").await.code(), "access.bad_token", "whatever the token says");
}

#[tokio::test]
async fn tokens_are_checked_by_the_published_keys_and_keys_are_exchanged() {
    use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
    let app = TestApp::start().await;
    app.small_town().await;
    let (id, key) = app.key(&["grid.read"], "421181").await;
    let stranger = app.stranger();
    let id = id.to_string();
    let form = [("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", &key)];
    let ask = async || text(&stranger.send(stranger.request(Method::POST, "/v1/oauth/token").form(&form)).await.ok(200), "access_token");
    let token = ask().await;
    let keys = stranger.get("/.well-known/jwks.json").await.ok(200)["keys"].clone();
    let header = decode_header(&token).unwrap();
    assert_eq!((header.alg, header.kid.as_deref()), (Algorithm::EdDSA, keys[0]["kid"].as_str()));
    let public = DecodingKey::from_ed_components(keys[0]["x"].as_str().unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&["linli"]);
    let claims = decode::<Value>(&token, &public, &validation).unwrap().claims;
    assert_eq!(claims["sub"], id.as_str());
    // Forged: another key, no signature, another algorithm with the public key as its secret, a changed claim.
    let parts: Vec<&str> = token.split('.').collect();
    let hs = encode(
        &Header { kid: header.kid.clone(), typ: Some("at+jwt".into()), ..Header::new(Algorithm::HS256) },
        &claims,
        &EncodingKey::from_secret(keys[0]["x"].as_str().unwrap().as_bytes()),
    );
    let none = format!("{}.{}.", "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0", parts[1]);
    let swapped = format!("{}.{}.{}", parts[0], parts[1].replacen('e', "f", 1), parts[2]);
    for forged in [hs.unwrap(), none, swapped, format!("{}.{}.{}", parts[0], parts[1], "A".repeat(86)), "a.b.c".to_owned(), "..".to_owned()] {
        assert_eq!(app.bearer(&forged).get("/v1/grids").await.code(), "access.bad_token", "{forged}");
    }
    // At leisure both are published; at once only the new one is left.
    let call = api::server::operator(&app.config, "test");
    let cipher = app.config.cipher().unwrap();
    for (at_once, published, status) in [(false, 2, 200), (true, 1, 401)] {
        app.store().write(&call, "test", async |tx| platform::signing_key::rotate(tx, &cipher, at_once).await).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        assert_eq!(stranger.get("/.well-known/jwks.json").await.ok(200)["keys"].as_array().unwrap().len(), published);
        assert_eq!(app.bearer(&token).get("/v1/grids").await.status, status);
        assert_eq!(app.bearer(&ask().await).get("/v1/grids").await.status, 200);
    }
    let clear: i64 =
        app.db.connect().await.query_one("select count(*) from signing_key where encode(sealed_key, 'hex') like '302%'", &[]).await.unwrap().get(0);
    assert_eq!(clear, 0, "private keys lie sealed");
}
