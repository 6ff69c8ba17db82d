//! Basic organization (基本组织): the area tree and what stands in it (ORG-03 … ORG-05) and is divided anew (ORG-12), its people, its party organizations
//! (ORG-06, ORG-16), who governs compounds (ORG-02, ORG-14), dwellings and who owns them (ORG-08), who serves compounds
//! (ORG-15, ORG-17), the leadership of the Party in their documents (ORG-07), two-way entry (ORG-08 … ORG-10), how they are
//! handed over (ORG-11), what of all that a compound has (ORG-01, ORG-02), and the documents that local rules come from (ORG-13).

pub mod boundary;
pub mod building;
pub mod building_move;
pub mod charter_adoption;
pub mod charter_inclusion;
pub mod charter_inclusion_flow;
pub mod charter_inclusion_hosts;
pub mod charter_inclusion_sheet;
pub mod charter_inclusion_steps;
pub mod code;
pub mod community;
pub mod compound;
pub mod compound_charter;
pub mod compound_grid;
pub mod compound_handover;
pub mod compound_handover_flow;
pub mod compound_handover_sheet;
pub mod compound_handover_steps;
pub mod compound_handover_track;
pub mod compound_handover_verdict;
pub mod compound_sheet;
pub mod credit_code;
pub mod cross_appointment;
pub mod cross_appointment_election;
mod cross_appointment_facts;
pub mod cross_appointment_flow;
pub mod cross_appointment_sheet;
pub mod cross_appointment_steps;
pub mod cross_holding;
pub mod dwelling;
pub mod dwelling_entry;
pub mod dwelling_owners;
pub mod dwelling_sheet;
mod first_day;
pub mod five_basics;
pub mod five_basics_check;
mod five_basics_evidence;
pub mod governance_body;
pub mod governance_body_member;
pub mod governance_body_member_sheet;
pub mod governance_body_person;
pub mod governance_body_sheet;
pub mod grid;
pub mod grid_division;
pub mod grid_lineage;
pub mod grid_lineage_sheet;
pub mod grid_redivision;
mod grid_redivision_boundaries;
pub mod grid_redivision_check;
pub mod grid_redivision_effect;
pub mod grid_redivision_flow;
mod grid_redivision_ground;
pub mod grid_redivision_plan;
pub mod grid_redivision_simulation;
pub mod grid_redivision_steps;
mod handover_proof;
pub mod homes;
pub mod household;
pub mod household_grid;
pub mod household_move;
pub mod id_number;
mod kept_area;
pub mod one_core;
pub mod ownership;
pub mod ownership_entry;
pub mod ownership_share;
pub mod ownership_sheet;
pub mod party_group_building;
pub mod party_group_building_sheet;
pub mod party_membership;
pub mod party_membership_sheet;
pub mod party_organization;
pub mod party_organization_check;
pub mod party_organization_entry;
pub mod party_organization_sheet;
pub mod party_post;
pub mod party_post_body;
pub mod party_post_sheet;
pub mod party_standing;
pub mod person;
pub mod person_entry;
pub mod person_merge;
pub mod person_search;
pub mod person_sheet;
pub mod person_unmask;
pub mod phone;
mod plot;
pub mod policy_document;
pub mod policy_document_file;
pub mod policy_document_sheet;
mod powers;
pub mod property_company;
pub mod property_company_branch;
pub mod property_company_kind;
pub mod property_company_sheet;
pub mod property_coverage;
pub mod property_project;
pub mod property_project_sheet;
mod refusals;
pub mod report_area;
pub mod statistics;
pub mod subdistrict;
pub mod synchronous_handover;

use kernel::manifest::{Domain, Holder, Reference};
use kernel::personal::HASH_BYTES;
use kernel::rekey::SealedColumn;
use kernel::workflow::Chart;

/// What this domain declares about itself.
pub const DOMAIN: Domain = Domain {
    name: "organization",
    permissions: powers::POWERS,
    refusals: refusals::REFUSALS,
    statistics: statistics::STATISTICS,
    sealed: &[
        SealedColumn { table: "person", column: "id_number", purpose: id_number::ID_NUMBER.purpose, before: HASH_BYTES },
        SealedColumn { table: "person", column: "phone", purpose: phone::PHONE.purpose, before: HASH_BYTES },
    ],
    references: &[
        Reference { to: "person", table: cross_appointment::KIND, column: "person_id", resource: Some(cross_appointment_sheet::SHEET.resource) },
        Reference { to: "person", table: "governance_body_member", column: "person_id", resource: Some(governance_body_member_sheet::SHEET.resource) },
        Reference { to: "person", table: "ownership", column: "person_id", resource: Some(ownership_sheet::SHEET.resource) },
        Reference { to: "person", table: "party_membership", column: "person_id", resource: Some(party_membership_sheet::SHEET.resource) },
        Reference { to: "person", table: "party_post", column: "person_id", resource: Some(party_post_sheet::SHEET.resource) },
    ],
    sheets: &[
        &subdistrict::SHEET,
        &community::SHEET,
        &grid::SHEET,
        &compound_sheet::SHEET,
        &compound_grid::SHEET,
        &building::SHEET,
        &household::SHEET,
        &person_sheet::SHEET,
        &party_membership_sheet::SHEET,
        &party_organization_sheet::SHEET,
        &party_post_sheet::SHEET,
        &property_company_sheet::SHEET,
        &property_project_sheet::SHEET,
        &policy_document_sheet::SHEET,
        &grid_lineage_sheet::SHEET,
        &governance_body_sheet::SHEET,
        &governance_body_member_sheet::SHEET,
        &dwelling_sheet::SHEET,
        &ownership_sheet::SHEET,
        &charter_inclusion_sheet::SHEET,
        &compound_handover_sheet::SHEET,
        &cross_appointment_sheet::SHEET,
        &party_group_building_sheet::SHEET,
    ],
    holders: &[
        Holder {
            kind: "compound",
            see: |view, id| Box::pin(async move { Ok(compound::get(view, id.into()).await?.area_code.to_string()) }),
            fill: |tx, id| Box::pin(async move { Ok(compound::lock(tx, id.into()).await?.area_code.to_string()) }),
        },
        Holder {
            kind: policy_document::KIND,
            see: |view, id| Box::pin(async move { Ok(policy_document::get(view, id.into()).await?.document.area_code.to_string()) }),
            fill: |tx, id| Box::pin(async move { Ok(policy_document::lock(tx, id.into()).await?.area_code.to_string()) }),
        },
        Holder {
            kind: charter_inclusion::KIND,
            see: |view, id| Box::pin(async move { Ok(charter_inclusion::get(view, id.into()).await?.area_code.to_string()) }),
            fill: |tx, id| {
                Box::pin(async move {
                    let (inclusion, places) = charter_inclusion::lock(tx, id.into()).await?;
                    places.may(tx, charter_inclusion::WRITE)?;
                    Ok(inclusion.area_code.to_string())
                })
            },
        },
        Holder {
            kind: compound_handover::KIND,
            see: |view, id| Box::pin(async move { Ok(compound_handover::get(view, id.into()).await?.kept.area_code.to_string()) }),
            fill: |tx, id| {
                Box::pin(async move {
                    let handover = compound_handover::lock(tx, id.into()).await?;
                    tx.may_at(compound_handover::WRITE, handover.area_code.as_str())?;
                    Ok(handover.area_code.to_string())
                })
            },
        },
        Holder {
            kind: cross_appointment::KIND,
            see: |view, id| Box::pin(async move { Ok(cross_appointment::get(view, id.into()).await?.area_code.to_string()) }),
            fill: |tx, id| {
                Box::pin(async move {
                    let (appointment, places) = cross_appointment::lock(tx, id.into()).await?;
                    places.may(tx, cross_appointment::WRITE)?;
                    Ok(appointment.area_code.to_string())
                })
            },
        },
        Holder {
            kind: grid_redivision::KIND,
            see: |view, id| Box::pin(async move { Ok(grid_redivision::get(view, id.into()).await?.area_code.to_string()) }),
            fill: |tx, id| {
                Box::pin(async move {
                    let redivision = grid_redivision::lock(tx, id.into()).await?;
                    tx.may_at(grid_redivision::WRITE, redivision.area_code.as_str())?;
                    Ok(redivision.area_code.to_string())
                })
            },
        },
    ],
    workflows: &[
        Chart::of::<charter_inclusion_flow::CharterFlow>(),
        Chart::of::<compound_handover_flow::HandoverFlow>(),
        Chart::of::<cross_appointment_flow::SecretaryFlow>(),
        Chart::of::<cross_appointment_flow::ManagerFlow>(),
        Chart::of::<grid_redivision_flow::RedivisionFlow>(),
    ],
    homes: homes::HOMES,
};
