//! Basic organization over HTTP, one file a resource.

mod boundaries;
mod buildings;
mod charter_inclusions;
mod communities;
mod compound_grids;
mod compounds;
mod cross_appointment_steps;
mod cross_appointments;
mod cross_holdings;
mod dwellings;
mod five_basics;
mod governance_bodies;
mod governance_body_members;
mod grid_lineages;
mod grid_redivisions;
mod grids;
mod handovers;
mod household_grids;
mod households;
mod ownerships;
mod party_memberships;
mod party_organizations;
mod party_posts;
mod people;
mod person_merges;
mod policy_documents;
mod property_companies;
mod property_coverage;
mod property_projects;
mod reports;
mod subdistricts;

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of this domain.
pub fn routes(config: &mut ServiceConfig) {
    config
        .configure(boundaries::routes)
        .configure(buildings::routes)
        .configure(charter_inclusions::routes)
        .configure(communities::routes)
        .configure(compound_grids::routes)
        .configure(compounds::routes)
        .configure(cross_appointment_steps::routes)
        .configure(cross_appointments::routes)
        .configure(cross_holdings::routes)
        .configure(dwellings::routes)
        .configure(five_basics::routes)
        .configure(governance_bodies::routes)
        .configure(governance_body_members::routes)
        .configure(grid_lineages::routes)
        .configure(grid_redivisions::routes)
        .configure(grids::routes)
        .configure(handovers::routes)
        .configure(household_grids::routes)
        .configure(households::routes)
        .configure(ownerships::routes)
        .configure(party_memberships::routes)
        .configure(party_organizations::routes)
        .configure(party_posts::routes)
        .configure(people::routes)
        .configure(person_merges::routes)
        .configure(policy_documents::routes)
        .configure(property_companies::routes)
        .configure(property_coverage::routes)
        .configure(property_projects::routes)
        .configure(reports::routes)
        .configure(subdistricts::routes);
}
