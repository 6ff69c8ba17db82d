//! Hand-overs as files (ORG-11): what was accepted comes in without its steps, and keeps the gate; the verdict follows from the days.

use serde_json::json;
use testkit::TestApp;

use crate::handovers::{LAKE, STREET, THINGS, act, register, set_up};

const HEADER: &str = "compound_code,developer,handed_over_on,accepted_on,state,party_organization_done_on,party_organization_deferred_to,\
    party_organization_signed_by,party_organization_note,owners_body_done_on,property_company_done_on,property_room_area,community_room_area,documents_received\n";

#[tokio::test]
async fn org_11_what_was_accepted_comes_as_a_file() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    let place = set_up(&admin, LAKE).await;
    let file = format!(
        "小区编码,开发单位,移交使用日期,验收日期,党组织暂缓期限,党组织暂缓签字人,党组织说明,业委会(物管会)完成日期,物业企业完成日期,物业服务用房面积,社区服务用房面积,资料已移交\n\
         {LAKE},翠湖开发公司,2024-06-30,2024-07-10,2024-12-31,龙池桥街道办事处,党员不足三人,2024-06-15,2024-06-30,180,320.5,是\n"
    );
    let trial = admin.import("handovers", "mode=dry_run", file.clone().into_bytes()).await.ok(200);
    assert_eq!((trial["run"]["created"].as_i64(), admin.get(THINGS).await.ok(200)["items"].as_array().unwrap().len()), (Some(1), 0));
    assert_eq!(admin.import("handovers", "", file.clone().into_bytes()).await.ok(200)["run"]["created"], 1);
    assert_eq!(admin.import("handovers", "", file.into_bytes()).await.ok(200)["run"]["unchanged"], 1, "the same again");
    let made = admin.get(THINGS).await.ok(200)["items"][0].clone();
    assert_eq!(
        (made["state"].as_str(), made["verdict"].as_str(), made["party_organization_state"].as_str()),
        (Some("accepted"), Some("incomplete"), Some("deferred"))
    );
    assert_eq!((&made["governance_body_id"], &made["property_project_id"]), (&json!(place.committee), &json!(place.project)));
    for form in ["csv", "ndjson", "xlsx"] {
        for headers in ["names", "chinese"] {
            let out = admin.get(&format!("/v1/exports/handovers.{form}?headers={headers}")).await;
            assert_eq!(admin.import("handovers", "", out.bytes).await.ok(200)["run"]["unchanged"], 1, "{form} {headers}");
        }
    }
    assert_eq!(admin.get("/v1/exports/handovers.csv?as_of=2024-07-09").await.text().lines().count(), 1, "it was not accepted by then");
    // What was deferred is done, which a file may say as well; the deferral stays. Then it is archived, and nothing changes it.
    let change = |state: &str, done_on: &str| {
        format!(
            "{HEADER}{LAKE},翠湖开发公司,2024-06-30,2024-07-10,{state},{done_on},2024-12-31,龙池桥街道办事处,党员不足三人,2024-06-15,2024-06-30,180,320.5,是\n"
        )
    };
    assert_eq!(admin.import("handovers", "mode=dry_run", change("archived", "").into_bytes()).await.faults(), ["2 state compound_handover.still_deferred"]);
    assert_eq!(admin.import("handovers", "", change("archived", "2024-09-01").into_bytes()).await.ok(200)["run"]["changed"], 1);
    let archived = admin.get(&format!("{THINGS}/{}", made["id"].as_str().unwrap())).await.ok(200);
    assert_eq!((archived["state"].as_str(), archived["verdict"].as_str()), (Some("archived"), Some("late")));
    assert_eq!(archived["party_organization_id"], json!(place.organization));
    assert_eq!(admin.import("handovers", "", change("accepted", "2024-09-01").into_bytes()).await.faults(), ["2 state compound_handover.over"]);
    let history = admin.get(&format!("{THINGS}/{}/history", made["id"].as_str().unwrap())).await.ok(200)["items"].clone();
    assert_eq!(history[0]["change"]["party_organization_done_on"], json!({"from": null, "to": "2024-09-01"}));
}

#[tokio::test]
async fn org_11_rows_at_fault_are_named() {
    let app = TestApp::start().await;
    let admin = app.small_town().await;
    set_up(&admin, LAKE).await;
    let faults = async |rows: String| admin.import("handovers", "mode=dry_run", format!("{HEADER}{rows}").into_bytes()).await.faults();
    let good = |compound: &str| format!("{compound},甲,2024-06-30,2024-07-10,,2024-06-15,,,,2024-06-15,2024-06-15,180,320,true");
    assert_eq!(faults(format!("{}\n", good(LAKE))).await, Vec::<String>::new());
    for (row, said) in [
        (
            good("421181001001X099"),
            vec![
                "compound_code compound.does_not_exist",
                "party_organization_id compound_handover.wrong_party_organization",
                "governance_body_id compound_handover.wrong_body",
                "property_project_id compound_handover.wrong_project",
            ],
        ),
        (
            good(STREET),
            vec![
                "compound_code compound_handover.not_commercial",
                "party_organization_id compound_handover.wrong_party_organization",
                "governance_body_id compound_handover.wrong_body",
                "property_project_id compound_handover.wrong_project",
            ],
        ),
        (format!("{LAKE},甲,2024-06-30,2024-06-29,,2024-06-15,,,,2024-06-15,2024-06-15,180,320,true"), vec!["accepted_on compound_handover.days"]),
        (format!("{LAKE},甲,2024-06-30,2199-01-01,,2024-06-15,,,,2024-06-15,2024-06-15,180,320,true"), vec!["accepted_on compound_handover.not_yet"]),
        (format!("{LAKE},甲,,2024-07-10,,2024-06-15,,,,2024-06-15,2024-06-15,180,320,true"), vec!["handed_over_on import.required"]),
        (format!("{LAKE},甲,2024-06-30,2024-07-10,ready,2024-06-15,,,,2024-06-15,2024-06-15,180,320,true"), vec!["state import.not_a_choice"]),
        (
            format!("{LAKE},甲,2024-06-30,2024-07-10,,,,,,2024-06-15,2024-06-15,180,320,true"),
            vec!["party_organization_done_on compound_handover.no_party_organization"],
        ),
        (format!("{LAKE},甲,2024-06-30,2024-07-10,,2024-06-15,,,,,2024-06-15,180,320,true"), vec!["owners_body_done_on compound_handover.no_owners_body"]),
        (
            format!("{LAKE},甲,2024-06-30,2024-07-10,,2024-06-15,,,,2024-06-15,,180,320,true"),
            vec!["property_company_done_on compound_handover.no_property_company"],
        ),
        (
            format!("{LAKE},甲,2024-06-30,2024-07-10,,,2024-12-31,,缓,2024-06-15,2024-06-15,180,320,true"),
            vec!["party_organization_deferred_to compound_handover.half_a_deferral"],
        ),
        (
            format!("{LAKE},甲,2024-06-30,2024-07-10,,2024-05-31,,,,2024-06-15,2024-06-15,180,320,true"),
            vec!["party_organization_done_on compound_handover.not_in_place"],
        ),
        (
            format!("{LAKE},甲,2024-06-30,2024-07-10,,2024-06-15,,,,2024-05-31,2024-06-15,180,320,true"),
            vec!["owners_body_done_on compound_handover.not_in_place"],
        ),
        (
            format!("{LAKE},甲,2024-06-30,2024-07-10,,2024-06-15,,,,2024-06-15,2024-05-31,180,320,true"),
            vec!["property_company_done_on compound_handover.not_in_place"],
        ),
        (format!("{LAKE},甲,2024-06-30,2024-07-10,,2024-06-15,,,,2024-06-15,2024-06-15,0,320,true"), vec!["property_room_area compound_handover.no_floor"]),
        (format!("{LAKE},甲,2024-06-30,2024-07-10,,2024-06-15,,,,2024-06-15,2024-06-15,180,,true"), vec!["community_room_area import.required"]),
        (
            format!("{LAKE},甲,2024-06-30,2024-07-10,,2024-06-15,,,,2024-06-15,2024-06-15,180,320,false"),
            vec!["documents_received compound_handover.no_documents"],
        ),
    ] {
        let said: Vec<String> = said.into_iter().map(|fault| format!("2 {fault}")).collect();
        assert_eq!(faults(format!("{row}\n")).await, said, "{row}");
    }
    assert_eq!(faults(format!("{}\n", good(LAKE)).repeat(2)).await, ["3 compound_code import.duplicate"]);
    let made = register(&admin).await;
    assert_eq!(faults(format!("{}\n", good(LAKE))).await, ["2 compound_code compound_handover.on_its_way"]);
    act(&admin, &made, "reject", json!({"reason": "误登记"})).await.ok(200);
    assert_eq!(faults(format!("{}\n", good(LAKE))).await, Vec::<String>::new(), "what was rejected stands in nobody's way");
    // Past the inspection goes only he who may register.
    let officer = app.staff("officer", kernel::Role::SubdistrictOfficer, "421181001").await;
    assert_eq!(officer.import("handovers", "", format!("{HEADER}{}\n", good(LAKE)).into_bytes()).await.code(), "access.forbidden");
    let neighbour = app.user(&["*"], "421181001002").await;
    let away = neighbour.import("handovers", "", format!("{HEADER}{}\n", good(LAKE)).into_bytes()).await;
    assert_eq!(away.faults(), ["2 compound_code import.out_of_scope"]);
}
