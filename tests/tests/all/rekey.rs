//! The exchange of keys: what was sealed before opens, is found, and is sealed anew, while the server runs.

use api::config::{Config, Mode};
use api::rekey_command;
use kernel::cipher::{Algorithm, fresh_key};
use kernel::rekey;
use serde_json::json;
use testkit::TestApp;

const NUMBER: &str = "421199199003070010";

/// How many numbers lie under which algorithm and key.
async fn marks(app: &TestApp) -> Vec<(Vec<u8>, i64)> {
    let query = "select substring(id_number from 33 for 5), count(*) from person where id_number is not null group by 1 order by 1";
    app.db.connect().await.query(query, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}

async fn run(config: &Config) -> String {
    let said = std::sync::Mutex::new(String::new());
    let say = |line: &str| {
        *said.lock().unwrap() += &format!("{line}\n");
        Ok(())
    };
    rekey_command::run(config, say).await.unwrap();
    said.into_inner().unwrap()
}

#[tokio::test]
async fn a_new_key_and_the_national_algorithm_take_over_without_losing_anybody() {
    let old = fresh_key().unwrap();
    let app = TestApp::start_with(|config| config.secret_key = Some(old.clone())).await;
    let admin = app.small_town().await;
    let person = admin.post("/v1/people", json!({"name": "甲", "id_number": NUMBER, "phone": "12012345678", "area_code": "421181001001001"})).await.ok(201);
    let mut rows = "name,id_number,area_code,source,ref\n".to_owned();
    for number in 0..2_500 {
        rows += &format!("乙,E{number:08},421181001001,hr,{number}\n").replace(",E", ",passport,E");
    }
    let rows = rows.replacen("id_number", "id_kind,id_number", 1);
    assert_eq!(admin.import("people", "", rows.into()).await.ok(200)["run"]["created"], 2_500);
    let before = marks(&app).await;
    assert_eq!((before.len(), before[0].1), (1, 2_501));

    // The new key seals, the old one opens: on the replica that has both, everything works at once.
    let new = fresh_key().unwrap();
    let change = |config: &mut Config| {
        config.secret_key = Some(new.clone());
        config.former_secret_keys = old.clone();
        config.field_cipher = Algorithm::Sm4Gcm;
    };
    let beside = admin.elsewhere(&app.replica_with(change).await);
    let found = beside.post("/v1/people/search", json!({"id_number": NUMBER})).await.ok(200);
    assert_eq!(found["items"][0]["person"], person, "the hash has not changed with the key");
    assert_eq!(beside.post("/v1/people", json!({"name": "丙", "id_number": NUMBER, "area_code": "421181001001"})).await.code(), "person.already");
    beside.post("/v1/people", json!({"name": "丙", "id_number": "421199198501120127", "area_code": "421181001001"})).await.ok(201);
    assert_eq!(marks(&app).await.len(), 2);

    // Killed after the first batch, it goes on where it stopped.
    let mut config = app.config.clone();
    change(&mut config);
    let (store, call) = (config.store().unwrap().strict(), api::server::operator(&config, "test"));
    let numbers = api::domains::sealed().find(|sealed| sealed.table == "person" && sealed.column == "id_number").unwrap();
    assert_eq!(store.write(&call, "test", async |tx| rekey::batch(tx, numbers).await).await.unwrap(), 1_000);
    let halfway: Vec<i64> = marks(&app).await.into_iter().map(|(_, count)| count).collect();
    assert_eq!(halfway, [1_501, 1_001]);
    let said = run(&config).await;
    assert!(said.contains("1501 sealed anew in person.id_number") && said.contains("        1 sealed anew in person.phone"), "{said}");
    assert!(said.contains("        1 sealed anew in sealed_key.sealed") && said.ends_with("nothing is left under a former key\n"), "{said}");
    let after = marks(&app).await;
    assert_eq!((after.len(), after[0].0[0], after[0].1), (1, 2, 2_502));
    assert!(!run(&config).await.contains('1'), "once is enough");

    // Without the old key, everybody is found and opened as before.
    config.former_secret_keys = String::new();
    let alone = admin.elsewhere(&app.replica_with(|settings| *settings = Config { port: 0, ..config.clone() }).await);
    assert_eq!(alone.get(&format!("/v1/people/{}", person["id"].as_str().unwrap())).await.ok(200), person, "no change of the person");
    assert_eq!(alone.post("/v1/people/search", json!({"phone": "12012345678"})).await.ok(200)["items"][0]["person"]["id"], person["id"]);
    let clear = alone.post(&format!("/v1/people/{}/unmask", person["id"].as_str().unwrap()), json!({"fields": ["id_number"], "reason": "核对"})).await.ok(200);
    assert_eq!(clear["id_number"], NUMBER);
    let told = admin.get("/v1/audit?action=rekey.done&limit=200").await.ok(200);
    assert!(told["items"].as_array().unwrap().len() >= 4 && !told.to_string().contains(NUMBER));
}

#[tokio::test]
async fn without_a_key_nothing_personal_is_read_or_written() {
    let app = TestApp::start().await;
    let mut config = app.config.clone();
    config.mode = Mode::Production;
    let store = config.store().unwrap();
    let call = api::server::operator(&config, "test");
    let refused = store.write(&call, "test", async |tx| kernel::personal::Keeper::of(tx).await.map(|_| ())).await.unwrap_err();
    assert!(refused.to_string().contains("SECRET_KEY is missing"), "{refused}");
}
