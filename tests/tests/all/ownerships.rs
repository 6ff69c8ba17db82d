//! Who owns what (ORG-08): on no day more than the whole, whoever enters it and in whatever way.

use kernel::Role;
use organization::code::CompoundCode;
use organization::ownership;
use organization::person::PersonId;
use serde_json::{Value, json};
use testkit::{TestApp, User, app::ending};

use crate::jobs::stands_before;

const FLAT: &str = "42118100100100001010302";
const SHOP: &str = "42118100100100001010101";
const ONE: &str = "421199199003070010";
const TWO: &str = "421199198501120127";
const NOBODY: &str = "421199196601010348";

/// The dwellings of the house, and two people: one at home in the first grid, the other in the community.
async fn house(admin: &User) -> [Value; 2] {
    let rows: String =
        ["010101", "010302", "010303", "010304", "010305", "010306"].map(|own| format!("42118100100100001{own},1,{own},89.50,登记,2020-01-01\n")).concat();
    let file = format!("房屋编码,单元号,房号,专有部分面积,面积依据,启用日期\n{rows}");
    admin.import("dwellings", "", file.into_bytes()).await.ok(200);
    [person(admin, "甲", ONE, "421181001001001").await, person(admin, "乙", TWO, "421181001001").await]
}

async fn person(user: &User, name: &str, number: &str, area: &str) -> Value {
    user.post("/v1/people", json!({"name": name, "id_number": number, "area_code": area})).await.ok(201)["id"].clone()
}

fn share(dwelling: &str, person: &Value, numerator: i32, denominator: i32) -> Value {
    json!({"dwelling_code": dwelling, "person_id": person, "share_numerator": numerator, "share_denominator": denominator, "valid_from": "2020-01-01"})
}

async fn enter(user: &User, body: Value) -> String {
    user.post("/v1/ownerships", body).await.ok(201)["id"].as_str().unwrap().to_owned()
}

async fn owners(user: &User, dwelling: &str, day: &str) -> Value {
    let id = user.by_code("dwellings", dwelling).await["id"].as_str().unwrap().to_owned();
    user.get(&format!("/v1/dwellings/{id}/owners?as_of={day}")).await.ok(200)
}

#[tokio::test]
async fn org_08_owners_of_a_day_their_shares_and_who_votes() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let [one, two] = house(&admin).await;
    let made = admin.post("/v1/ownerships", json!({"dwelling_code": FLAT, "person_id": one, "valid_from": "2020-01-01"})).await.ok(201);
    assert_eq!((&made["share_numerator"], &made["share_denominator"], &made["area_code"]), (&json!(1), &json!(1), &json!("421181001001")));
    let path = format!("/v1/ownerships/{}", made["id"].as_str().unwrap());
    assert_eq!(admin.get(&path).await.ok(200), made);
    let sole = owners(&admin, FLAT, "2024-01-01").await;
    assert_eq!((&sole["unrecorded_share"], &sole["voting_representative"], &sole["as_of"]), (&json!("0/1"), &made["id"], &json!("2024-01-01")));
    assert_eq!(sole["owners"][0]["person_id"], one);
    assert_eq!(owners(&admin, FLAT, "2019-12-31").await["unrecorded_share"], "1/1");
    // The other third is nobody's yet, then two own it and have chosen nobody, then one of them votes.
    assert_eq!(admin.patch(&path, json!({"share_numerator": 2, "share_denominator": 3})).await.code(), "version.missing");
    admin.patch(&path, json!({"share_numerator": 2, "share_denominator": 3, "version": 1})).await.ok(200);
    assert_eq!(owners(&admin, FLAT, "2024-01-01").await["unrecorded_share"], "1/3");
    let second = enter(&admin, share(FLAT, &two, 1, 3)).await;
    let both = owners(&admin, FLAT, "2024-01-01").await;
    assert_eq!((both["owners"].as_array().unwrap().len(), &both["unrecorded_share"], &both["voting_representative"]), (2, &json!("0/1"), &Value::Null));
    admin.patch(&format!("/v1/ownerships/{second}"), json!({"voting_representative": true, "version": 1})).await.ok(200);
    assert_eq!(owners(&admin, FLAT, "2024-01-01").await["voting_representative"].as_str(), Some(second.as_str()));
    let rival = admin.patch(&path, json!({"voting_representative": true, "version": 2})).await;
    assert_eq!((rival.status, rival.errors()), (409, vec!["/voting_representative ownership.one_representative".to_owned()]));
    // A transfer is an end and a new one on the same day; a batch does both.
    let transfer = json!({"items": [
        {"end": {"id": made["id"], "on": "2025-01-01", "reason": "转让", "version": 2}},
        {"create": {"dwelling_code": FLAT, "organization_name": "示例公司", "organization_code": "91421199MA0000001U", "share_numerator": 2, "share_denominator": 3, "valid_from": "2025-01-01"}}
    ]});
    let done = admin.post("/v1/ownerships:batch", transfer).await.ok(200);
    assert_eq!(done["summary"], json!({"total": 2, "succeeded": 2, "failed": 0}));
    assert_eq!(owners(&admin, FLAT, "2024-12-31").await["owners"], both["owners"], "what was stays");
    let now = owners(&admin, FLAT, "2025-01-01").await;
    assert_eq!((now["owners"].as_array().unwrap().len(), &now["owners"][1]["organization_name"]), (2, &json!("示例公司")));
    assert_eq!(admin.patch(&path, json!({"share_numerator": 1, "version": 3})).await.code(), "period.ended");
    let count = async |query: &str| admin.get(&format!("/v1/ownerships?{query}")).await.ok(200)["items"].as_array().unwrap().len();
    for (query, found) in [
        (format!("dwelling_code={FLAT}&as_of=2024-06-01"), 2),
        (format!("dwelling_code={FLAT}&ever=true"), 3),
        (format!("dwelling_code={SHOP}&ever=true"), 0),
        (format!("person_id={}", one.as_str().unwrap()), 0),
        (format!("person_id={}&ever=true", one.as_str().unwrap()), 1),
        ("area_code=421181001001".to_owned(), 2),
        ("area_code=421181001002&ever=true".to_owned(), 0),
    ] {
        assert_eq!(count(&query).await, found, "{query}");
    }
    // How much is whose stands in no journal.
    let history = admin.get(&format!("{path}/history")).await.ok(200);
    assert_eq!(history["items"][1]["change"], json!({"share_numerator": {"from": "***", "to": "***"}, "share_denominator": {"from": "***", "to": "***"}}));
}

#[tokio::test]
async fn org_08_shares_are_never_more_than_the_whole_and_owners_are_one_or_the_other() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let [one, two] = house(&admin).await;
    let first = enter(&admin, share(FLAT, &one, 1, 2)).await;
    enter(&admin, share(FLAT, &two, 1, 2)).await;
    let mut third = json!({"dwelling_code": FLAT, "organization_name": "示例公司", "share_numerator": 1, "share_denominator": 3, "valid_from": "2024-06-01"});
    let more = admin.post("/v1/ownerships", third.clone()).await;
    assert_eq!((more.status, more.errors()), (409, vec!["/share_numerator ownership.more_than_whole".to_owned()]));
    assert!(more.text().contains("4/3") && more.text().contains("2024-06-01"), "{}", more.text());
    // It is each day that counts: a share that ended later than the new one begins is in its way.
    admin.post(&format!("/v1/ownerships/{first}/end"), ending("2024-07-01", 1)).await.ok(200);
    assert_eq!(admin.post("/v1/ownerships", third.clone()).await.code(), "ownership.more_than_whole");
    third["valid_from"] = json!("2024-07-01");
    let third = admin.post("/v1/ownerships", third).await.ok(201);
    let path = format!("/v1/ownerships/{}", third["id"].as_str().unwrap());
    assert_eq!(admin.patch(&path, json!({"valid_from": "2024-06-30", "version": 1})).await.code(), "ownership.more_than_whole");
    assert_eq!(admin.patch(&path, json!({"share_numerator": 2, "version": 1})).await.code(), "ownership.more_than_whole");
    admin.patch(&path, json!({"share_denominator": 2, "version": 1})).await.ok(200);
    assert_eq!(admin.patch(&path, json!({"share_denominator": 10001, "version": 2})).await.errors(), ["/share_denominator member.out_of_bounds"]);
    // Six sixths are the whole, to the last decimal.
    for (number, name) in ["子", "丑", "寅", "卯", "辰", "巳"].into_iter().enumerate() {
        let sixth = json!({"dwelling_code": SHOP, "organization_name": name, "share_numerator": 1, "share_denominator": 6, "valid_from": "2020-01-01"});
        assert_eq!(admin.post("/v1/ownerships", sixth).await.status, 201, "{number}");
    }
    assert_eq!(owners(&admin, SHOP, "2024-01-01").await["unrecorded_share"], "0/1");
    let mut seventh = share(SHOP, &one, 1, 10_000);
    assert_eq!(admin.post("/v1/ownerships", seventh.clone()).await.code(), "ownership.more_than_whole");
    seventh["dwelling_code"] = json!("42118100100100001010303");
    enter(&admin, seventh.clone()).await;
    let other = |name: &str, value: Value| {
        let mut body = share("42118100100100001010303", &two, 1, 2);
        body[name] = value;
        body
    };
    let ended = admin.by_code("dwellings", "42118100100100001010304").await["id"].as_str().unwrap().to_owned();
    admin.post(&format!("/v1/dwellings/{ended}/end"), ending("2024-01-01", 1)).await.ok(200);
    for (body, status, code) in [
        (seventh, 409, "ownership.already"),
        (other("person_id", Value::Null), 422, "ownership.one_owner"),
        (other("organization_name", json!("示例公司")), 422, "ownership.one_owner"),
        (other("organization_code", json!("91421199MA0000001U")), 422, "ownership.code_without_name"),
        (other("organization_code", json!("91421199MA0000009M")), 422, "credit_code.wrong"),
        (other("share_numerator", json!(3)), 422, "ownership.bad_share"),
        (other("dwelling_code", json!("42118100100100001010999")), 422, "dwelling.does_not_exist"),
        (json!({"dwelling_code": "42118100100100001010304", "person_id": two, "valid_from": "2024-01-01"}), 422, "dwelling.not_in_force"),
        (other("person_id", json!("00000000-0000-7000-8000-000000000000")), 422, "ownership.whose"),
    ] {
        let answer = admin.post("/v1/ownerships", body.clone()).await;
        let said = answer.errors().first().map_or_else(|| answer.code().to_owned(), |error| error.split(' ').nth(1).unwrap().to_owned());
        assert_eq!((answer.status, said.as_str()), (status, code), "{body}: {}", answer.body);
    }
    // A dwelling that somebody owns does not end.
    let flat = admin.by_code("dwellings", FLAT).await["id"].as_str().unwrap().to_owned();
    let end = admin.post(&format!("/v1/dwellings/{flat}/end"), ending("2026-01-01", 1)).await;
    assert_eq!((end.status, end.code()), (409, "dwelling.has_owners"));
}

#[tokio::test]
async fn org_08_two_who_enter_owners_at_once_stay_within_the_whole() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let people = house(&admin).await;
    let both = people.map(|person| {
        let admin = admin.clone();
        tokio::spawn(async move { admin.post("/v1/ownerships", share(FLAT, &person, 2, 3)).await })
    });
    let mut said = Vec::new();
    for one in both {
        let answer = one.await.unwrap();
        said.push((answer.status, answer.code().to_owned()));
    }
    said.sort();
    assert_eq!(said, [(201, String::new()), (409, "ownership.more_than_whole".to_owned())]);
}

#[tokio::test]
async fn org_08_an_import_meets_an_owner_who_was_entered_while_it_ran() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    house(&admin).await;
    let client = app.db.connect().await;
    client.batch_execute(&format!("begin; select from dwelling where code = '{FLAT}' for update")).await.unwrap();
    let importer = admin.clone();
    let file = format!("dwelling_code,id_number,valid_from\n{FLAT},{ONE},2020-01-01\n");
    let import = tokio::spawn(async move { importer.import("ownerships", "", file.into()).await });
    stands_before(&client).await;
    let insert = "insert into ownership (id, dwelling_code, organization_name, share_numerator, share_denominator, valid_from) \
                  values (gen_random_uuid(), $1, '示例公司', 2, 3, '2020-01-01')";
    client.execute(insert, &[&FLAT]).await.unwrap();
    client.batch_execute("commit").await.unwrap();
    assert_eq!(import.await.unwrap().faults(), ["2 share_numerator ownership.more_than_whole_here"]);
    assert_eq!(admin.get("/v1/ownerships?include_total=true&ever=true").await.ok(200)["total"], 1);
}

#[tokio::test]
async fn org_08_ownerships_come_and_go_as_files() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    house(&admin).await;
    let own = |own: &str| format!("42118100100100001{own}");
    let file = format!(
        "房屋编码,证件号码,单位名称,份额分子,份额分母,表决权代表,取得日期\n{FLAT},{ONE},,1,2,是,2020-01-01\n{FLAT},{TWO},,1,2,,2020-01-01\n{SHOP},,示例公司,,,,2020-01-01\n\
         {SHOP},{TWO},,1,10,,2024-01-01\n{FLAT},{ONE},,1,2,,2020-01-01\n{unknown},{ONE},,,,,2020-01-01\n{third},,,,,,2020-01-01\n{fourth},{NOBODY},,,,,2020-01-01\n\
         {fifth},{ONE},,3,2,,2020-01-01\n{sixth},{ONE},,1,2,是,2020-01-01\n{sixth},{TWO},,1,2,是,2020-01-01\n4211,{ONE},,0,2,,2020-01-01\n",
        unknown = own("010999"),
        third = own("010303"),
        fourth = own("010304"),
        fifth = own("010305"),
        sixth = own("010306"),
    );
    let faults = [
        "5 share_numerator ownership.more_than_whole_here",
        "6 dwelling_code ownership.already",
        "6 share_numerator ownership.more_than_whole_here",
        "7 dwelling_code dwelling.does_not_exist",
        "8 person_id ownership.one_owner_here",
        "9 person_id ownership.one_owner_here",
        "10 share_numerator ownership.bad_share",
        "10 share_numerator ownership.more_than_whole_here",
        "12 voting_representative ownership.one_representative",
        "13 dwelling_code dwelling.bad_code",
        "13 share_numerator import.not_an_integer",
    ];
    let dry = admin.import("ownerships", "mode=dry_run", file.clone().into_bytes()).await;
    assert_eq!(dry.faults(), faults);
    assert!(!dry.text().contains(NOBODY) && !dry.text().contains(ONE), "no number is told");
    assert_eq!(admin.get("/v1/ownerships?ever=true").await.ok(200)["items"], json!([]), "a dry run keeps nothing");
    let answer = admin.import("ownerships", "mode=best_effort", file.into_bytes()).await;
    assert_eq!(answer.faults(), faults);
    assert_eq!(answer.ok(200)["run"]["created"], 4);
    let good = format!("dwelling_code,id_number,share_numerator,share_denominator\n{FLAT},{ONE},1,2\n{FLAT},{TWO},1,2\n");
    assert_eq!(admin.import("ownerships", "", good.into_bytes()).await.ok(200)["run"]["unchanged"], 2);
    for form in ["csv", "ndjson", "xlsx"] {
        let out = admin.get(&format!("/v1/exports/ownerships.{form}?headers=chinese")).await;
        assert!(form == "xlsx" || !out.text().contains("421199"), "not even a mask");
        assert_eq!(admin.import("ownerships", "", out.bytes).await.ok(200)["run"]["unchanged"], 4, "{form}");
    }
    // What a refused row would give up stays its owner's, and the row that counts on it is named.
    let refused =
        format!("dwelling_code,id_number,share_numerator,share_denominator,voting_representative,ref\n{FLAT},{ONE},1,4,否,half\n{FLAT},{TWO},3,4,是,\n");
    assert_eq!(
        admin.import("ownerships", "mode=best_effort", refused.into_bytes()).await.faults(),
        ["2 ref import.half_a_reference", "3 share_numerator ownership.more_than_whole_here", "3 voting_representative ownership.one_representative"]
    );
    // Shares and the vote pass from one to the other in one file, whichever row stands first.
    let change = format!("dwelling_code,id_number,share_numerator,share_denominator,voting_representative\n{FLAT},{TWO},3,4,是\n{FLAT},{ONE},1,4,否\n");
    assert_eq!(admin.import("ownerships", "", change.into_bytes()).await.ok(200)["run"]["changed"], 2);
    let flat = owners(&admin, FLAT, "2024-01-01").await;
    let chosen = flat["owners"].as_array().unwrap().iter().find(|owner| owner["ownership_id"] == flat["voting_representative"]).unwrap();
    assert_eq!((&chosen["share_numerator"], &chosen["share_denominator"], &flat["unrecorded_share"]), (&json!(3), &json!(4), &json!("0/1")));
    let journal = "select string_agg(change::text, ' ') from journal where object_kind = 'ownership' and action = 'ownership.changed'";
    let told: String = app.db.connect().await.query_one(journal, &[]).await.unwrap().get(0);
    assert!(told.contains("\"share_numerator\": {\"to\": \"***\", \"from\": \"***\"}") && !told.contains('3'), "{told}");
    // Rows that are there and are not in the file count, and so does the one who votes already.
    let row = format!("dwelling_code,organization_name,share_denominator,voting_representative\n{FLAT},另一公司,4,是\n");
    let faults = ["2 share_numerator ownership.more_than_whole_here", "2 voting_representative ownership.one_representative"];
    assert_eq!(admin.import("ownerships", "", row.into_bytes()).await.faults(), faults);
}

#[tokio::test]
async fn org_08_a_share_passes_from_one_row_to_the_next_wherever_they_stand() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    house(&admin).await;
    let header = "dwelling_code,id_number,share_numerator,share_denominator,valid_from\n";
    admin.import("ownerships", "", format!("{header}{FLAT},{ONE},3,4,2020-01-01\n{FLAT},{TWO},1,4,2020-01-01\n").into_bytes()).await.ok(200);
    // 500 rows are looked at first, of which the last takes what the next one gives up.
    let others: String = (0..499).map(|number| format!("42118100100100001{:06},{ONE},1,2,2020-01-01\n", 900_000 + number)).collect();
    let file = format!("{header}{others}{FLAT},{TWO},3,4,2020-01-01\n{FLAT},{ONE},1,4,2020-01-01\n");
    let run = admin.import("ownerships", "mode=best_effort", file.into_bytes()).await.ok(200)["run"].clone();
    assert_eq!((run["changed"].as_i64(), run["refused"].as_i64()), (Some(2), Some(499)), "{run}");
    assert_eq!(owners(&admin, FLAT, "2024-01-01").await["unrecorded_share"], "0/1");
}

#[tokio::test]
async fn org_08_a_file_brings_no_shares_that_cannot_be_added_up_singly() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    house(&admin).await;
    let primes = [9_973, 9_967, 9_949, 9_941, 9_931, 9_929, 9_923, 9_907, 9_901, 9_887];
    let rows: String = primes.iter().map(|prime| format!("{SHOP},示例{prime},1,{prime},2020-01-01\n")).collect();
    let file = format!("dwelling_code,organization_name,share_numerator,share_denominator,valid_from\n{rows}");
    let answer = admin.import("ownerships", "mode=best_effort", file.clone().into_bytes()).await;
    assert_eq!(answer.faults(), ["11 share_denominator ownership.too_fine"], "nine go together, the tenth does not");
    assert_eq!(answer.ok(200)["run"]["created"], 9);
    assert_eq!(admin.import("ownerships", "mode=best_effort", file.into_bytes()).await.ok(200)["run"]["unchanged"], 9);
    // By the same bound, one more comes and goes singly.
    let singly = |denominator: i32| json!({"dwelling_code": SHOP, "organization_name": "示例公司", "share_numerator": 1, "share_denominator": denominator, "valid_from": "2020-01-01"});
    assert_eq!(admin.post("/v1/ownerships", singly(9_887)).await.errors(), ["/share_denominator ownership.too_fine"]);
    assert_eq!(admin.post("/v1/ownerships", singly(2)).await.status, 201);
}

#[tokio::test]
async fn org_08_who_owns_what_is_seen_in_its_community_and_tells_nothing_of_people_elsewhere() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let [one, _] = house(&admin).await;
    let far = person(&admin, "丙", NOBODY, "421181001002").await;
    let id = enter(&admin, share(FLAT, &far, 1, 2)).await;
    let path = format!("/v1/ownerships/{id}");
    let secretary = app.staff("secretary", Role::CommunitySecretary, "421181001001").await;
    let worker = app.staff("worker", Role::CommunityWorker, "421181001001").await;
    let grid = app.staff("grid", Role::CommunityWorker, "421181001001001").await;
    let police = app.staff("police", Role::PoliceLiaison, "421181001001").await;
    let neighbour = app.staff("neighbour", Role::CommunitySecretary, "421181001002").await;
    for user in [&secretary, &worker] {
        assert_eq!(user.get(&path).await.ok(200)["person_id"], far);
    }
    assert_eq!(worker.patch(&path, json!({"share_numerator": 1, "version": 1})).await.code(), "access.forbidden");
    assert_eq!(police.get("/v1/ownerships").await.code(), "access.forbidden");
    assert_eq!(grid.get("/v1/ownerships").await.ok(200)["items"], json!([]), "a dwelling is in no grid");
    for operation in ["", "/history"] {
        assert_eq!(neighbour.get(&format!("{path}{operation}")).await.code(), "ownership.unknown");
    }
    assert_eq!(neighbour.patch(&path, json!({"share_numerator": 1, "version": 1})).await.code(), "ownership.unknown");
    assert_eq!(neighbour.post(&format!("{path}/end"), ending("2026-01-01", 1)).await.code(), "ownership.unknown");
    assert_eq!(neighbour.post("/v1/ownerships", share(FLAT, &far, 1, 2)).await.code(), "access.out_of_scope");
    assert_eq!(neighbour.get("/v1/exports/ownerships.csv").await.text().lines().count(), 1);
    // A person elsewhere is nobody: by his id, and by his number as by one that nobody has.
    assert_eq!(secretary.post("/v1/ownerships", share(SHOP, &far, 1, 2)).await.code(), "ownership.whose");
    let numbers = format!("dwelling_code,id_number\n{SHOP},{NOBODY}\n{FLAT},421199197001010015\n{FLAT},{NOBODY}\n");
    let faults = ["2 person_id ownership.one_owner_here", "3 person_id ownership.one_owner_here", "4 person_id ownership.one_owner_here"];
    let told = secretary.import("ownerships", "mode=best_effort", numbers.into_bytes()).await.faults();
    assert_eq!(told.into_iter().filter(|fault| fault.contains("person_id")).collect::<Vec<_>>(), faults);
    // Yet what was exported goes in again, though one of the owners lives elsewhere.
    enter(&secretary, share(FLAT, &one, 1, 2)).await;
    let out = secretary.get("/v1/exports/ownerships.csv").await;
    assert_eq!(secretary.import("ownerships", "", out.bytes).await.ok(200)["run"]["unchanged"], 2);
}

#[tokio::test]
async fn org_08_a_merge_hands_ownerships_over_where_the_dwelling_is() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let [one, _] = house(&admin).await;
    let twin = admin.post("/v1/people", json!({"name": "甲", "area_code": "421181001002"})).await.ok(201)["id"].clone();
    let id = enter(&admin, share(FLAT, &twin, 1, 2)).await;
    let kept = enter(&admin, share(SHOP, &one, 1, 2)).await;
    let merge = json!({"survivor_id": one, "duplicate_id": twin, "reason": "同一人"});
    let made = admin.post("/v1/person-merges", merge.clone()).await.ok(201);
    assert_eq!(admin.get(&format!("/v1/ownerships/{id}")).await.ok(200)["person_id"], one);
    let line = "select area_code, former_area_code is null from journal where object_kind = 'ownership' and action = 'ownership.changed'";
    let row = app.db.connect().await.query_one(line, &[]).await.unwrap();
    assert_eq!((row.get::<_, String>(0).as_str(), row.get::<_, bool>(1)), ("421181001001", true));
    // An entry that was merged is no owner in a file, and in a body it is the survivor.
    let file = format!("dwelling_code,person_id\n42118100100100001010303,{}\n", twin.as_str().unwrap());
    assert_eq!(admin.import("ownerships", "", file.into_bytes()).await.faults(), ["2 person_id person.was_merged"]);
    assert_eq!(admin.post("/v1/ownerships", share("42118100100100001010303", &twin, 1, 1)).await.ok(201)["person_id"], one);
    admin.post(&format!("/v1/person-merges/{}/undo", made["id"].as_str().unwrap()), json!({"reason": "误并", "version": 1})).await.ok(200);
    assert_eq!(admin.get(&format!("/v1/ownerships/{id}")).await.ok(200)["person_id"], twin);
    assert_eq!(admin.get(&format!("/v1/ownerships/{kept}")).await.ok(200)["person_id"], one);
    // Two shares of one dwelling are not put together by a merge.
    enter(&admin, share(FLAT, &one, 1, 4)).await;
    assert_eq!(admin.post("/v1/person-merges", merge).await.code(), "person_merge.overlap");
}

#[tokio::test]
async fn org_08_an_owner_of_the_compound_is_known_on_the_day() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let [one, two] = house(&admin).await;
    let id = enter(&admin, share(FLAT, &one, 1, 3)).await;
    admin.post(&format!("/v1/ownerships/{id}/end"), ending("2024-01-01", 1)).await.ok(200);
    let call = api::server::operator(&app.config, "test");
    let owns = async |person: &Value, compound: &str, day: &str| {
        let person: PersonId = person.as_str().unwrap().parse::<uuid::Uuid>().unwrap().into();
        let (compound, day): (_, chrono::NaiveDate) = (CompoundCode::parse(compound).unwrap(), day.parse().unwrap());
        app.store().browse(&call, async |view| ownership::owner_in(view, person, &compound, day).await).await.unwrap()
    };
    let days = ["2019-12-31", "2020-01-01", "2023-12-31", "2024-01-01"];
    let mut said = Vec::new();
    for day in days {
        said.push(owns(&one, "421181001001X001", day).await);
    }
    assert_eq!(said, [false, true, true, false]);
    assert!(!owns(&one, "421181001001X002", "2022-01-01").await, "another compound");
    assert!(!owns(&two, "421181001001X001", "2022-01-01").await, "another person");
}

#[tokio::test]
async fn org_08_an_ownership_is_known_by_the_callers_own_key() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let [one, two] = house(&admin).await;
    let path = "/v1/ownerships/by-ref/register/17";
    let made = admin.put(path, share(FLAT, &one, 1, 2)).await.ok(200);
    let changed = admin.put(path, share(FLAT, &one, 1, 3)).await.ok(200);
    assert_eq!((changed["id"] == made["id"], &changed["version"], &changed["share_denominator"]), (true, &json!(2), &json!(3)));
    for other in [share(FLAT, &two, 1, 3), share(SHOP, &one, 1, 3)] {
        let answer = admin.put(path, other).await;
        assert_eq!((answer.status, answer.code()), (409, "reference.code_fixed"));
    }
}
