-- Hand-overs (ORG-11): a developer gives a compound into use, and three are to be in place by then: a party organization, an
-- owners' committee or a property management committee, and a property company. A row goes through the states of a workflow.
-- How far each of the three is follows from its columns: done on a day, deferred to a day, begun with a note, or not begun.

create table compound_handover (
    id uuid not null,
    compound_code text collate "C" not null,
    area_code text collate "C" not null generated always as (left(compound_code, 12)) stored,
    developer text not null,
    planned_on date,
    state text not null,
    handed_over_on date,
    accepted_on date,
    rejected_on date,
    party_organization_done_on date,
    party_organization_deferred_to date,
    party_organization_signed_by text,
    party_organization_note text,
    party_organization_id uuid,
    owners_body_done_on date,
    owners_body_deferred_to date,
    owners_body_signed_by text,
    owners_body_note text,
    governance_body_id uuid,
    property_company_done_on date,
    property_company_deferred_to date,
    property_company_signed_by text,
    property_company_note text,
    property_project_id uuid,
    property_room_area numeric(12, 2),
    community_room_area numeric(12, 2),
    documents_received boolean not null default false,
    source text collate "C",
    ref text collate "C",
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint compound_handover_state check (state in ('registered', 'inspecting', 'rectifying', 'tracks_in_progress', 'ready', 'accepted', 'archived', 'rejected')),
    constraint compound_handover_accepted check ((accepted_on is not null) = (state in ('accepted', 'archived'))),
    constraint compound_handover_handed_over check (handed_over_on is not null or state not in ('accepted', 'archived')),
    constraint compound_handover_rejected check ((rejected_on is not null) = (state = 'rejected')),
    constraint compound_handover_days check (accepted_on >= handed_over_on),
    -- What has passed the gate stays through it: both rooms, the documents, and each of the three done or deferred.
    constraint compound_handover_property_room check (property_room_area is not null or state not in ('ready', 'accepted', 'archived')),
    constraint compound_handover_community_room check (community_room_area is not null or state not in ('ready', 'accepted', 'archived')),
    constraint compound_handover_documents check (documents_received or state not in ('ready', 'accepted', 'archived')),
    constraint compound_handover_settled check (state not in ('ready', 'accepted', 'archived')
        or coalesce(party_organization_done_on, party_organization_deferred_to) is not null and coalesce(owners_body_done_on, owners_body_deferred_to) is not null
        and coalesce(property_company_done_on, property_company_deferred_to) is not null),
    constraint compound_handover_archived check (state <> 'archived' or num_nulls(party_organization_done_on, owners_body_done_on, property_company_done_on) = 0),
    -- A deferral is signed and has its reason.
    constraint compound_handover_party_organization_deferral check ((party_organization_deferred_to is null) = (party_organization_signed_by is null)
        and (party_organization_deferred_to is null or party_organization_note is not null)),
    constraint compound_handover_owners_body_deferral check ((owners_body_deferred_to is null) = (owners_body_signed_by is null)
        and (owners_body_deferred_to is null or owners_body_note is not null)),
    constraint compound_handover_property_company_deferral check ((property_company_deferred_to is null) = (property_company_signed_by is null)
        and (property_company_deferred_to is null or property_company_note is not null)),
    -- What is done is shown by the organization, the body or the project itself.
    constraint compound_handover_party_organization_proof check ((party_organization_done_on is null) = (party_organization_id is null)),
    constraint compound_handover_owners_body_proof check ((owners_body_done_on is null) = (governance_body_id is null)),
    constraint compound_handover_property_company_proof check ((property_company_done_on is null) = (property_project_id is null)),
    constraint compound_handover_property_room_area check (property_room_area > 0),
    constraint compound_handover_community_room_area check (community_room_area > 0),
    constraint compound_handover_planned_on check (planned_on between '1800-01-01' and '2200-12-31'),
    constraint compound_handover_handed_over_on check (handed_over_on between '1800-01-01' and '2200-12-31'),
    constraint compound_handover_accepted_on check (accepted_on between '1800-01-01' and '2200-12-31'),
    constraint compound_handover_rejected_on check (rejected_on between '1800-01-01' and '2200-12-31'),
    constraint compound_handover_done_on check (party_organization_done_on between '1800-01-01' and '2200-12-31' and owners_body_done_on between '1800-01-01' and '2200-12-31'
        and property_company_done_on between '1800-01-01' and '2200-12-31'),
    constraint compound_handover_deferred_to check (party_organization_deferred_to between '1800-01-01' and '2200-12-31' and owners_body_deferred_to between '1800-01-01' and '2200-12-31'
        and property_company_deferred_to between '1800-01-01' and '2200-12-31'),
    constraint compound_handover_compound_code_fkey foreign key (compound_code) references compound (code),
    constraint compound_handover_party_organization_id_fkey foreign key (party_organization_id) references party_organization (id),
    constraint compound_handover_governance_body_id_fkey foreign key (governance_body_id) references governance_body (id),
    constraint compound_handover_property_project_id_fkey foreign key (property_project_id) references property_project (id),
    constraint compound_handover_pkey primary key (id),
    constraint compound_handover_source_ref check ((source is null) = (ref is null)),
    constraint compound_handover_source_ref_key unique (source, ref)
);
create unique index compound_handover_one_at_a_time on compound_handover (compound_code) where rejected_on is null;
create index compound_handover_compound_code on compound_handover (compound_code, id);
create index compound_handover_area_code on compound_handover (area_code);
create index compound_handover_handed_over_on_area on compound_handover (handed_over_on, area_code);
create index compound_handover_party_organization_id on compound_handover (party_organization_id);
create index compound_handover_governance_body_id on compound_handover (governance_body_id);
create index compound_handover_property_project_id on compound_handover (property_project_id);
comment on table compound_handover is 'Hand-overs (移交使用): a developer gives a compound into use, with three in place by then (三个同步), from its registration to the archive (ORG-11).';
comment on column compound_handover.id is 'Identity, for ever.';
comment on column compound_handover.compound_code is 'The compound, built for sale.';
comment on column compound_handover.area_code is 'The community, from the code of the compound.';
comment on column compound_handover.developer is 'Who built it and hands it over.';
comment on column compound_handover.planned_on is 'Day on which it is to be handed over.';
comment on column compound_handover.state is 'Where it is on its way; the moves stand in docs/WORKFLOWS.md.';
comment on column compound_handover.handed_over_on is 'Day on which it was given into use; null before.';
comment on column compound_handover.accepted_on is 'Day on which the hand-over was accepted; null before.';
comment on column compound_handover.rejected_on is 'Day on which it was rejected for good; null where it was not.';
comment on column compound_handover.party_organization_done_on is 'Day on which the party organization stood; null before.';
comment on column compound_handover.party_organization_deferred_to is 'Day to which the party organization was deferred; it stays when that is done later.';
comment on column compound_handover.party_organization_signed_by is 'Who signed the deferral for the subdistrict.';
comment on column compound_handover.party_organization_note is 'How far it is, or what shows that it is done; of a deferral the reason.';
comment on column compound_handover.party_organization_id is 'The party organization of the compound; null until it is done.';
comment on column compound_handover.owners_body_done_on is 'Day on which the owners'' committee or the property management committee stood; null before.';
comment on column compound_handover.owners_body_deferred_to is 'Day to which the committee was deferred; it stays when that is done later.';
comment on column compound_handover.owners_body_signed_by is 'Who signed the deferral for the subdistrict.';
comment on column compound_handover.owners_body_note is 'How far it is, or what shows that it is done; of a deferral the reason.';
comment on column compound_handover.governance_body_id is 'The committee; null until it is done.';
comment on column compound_handover.property_company_done_on is 'Day on which the property company was in place; null before.';
comment on column compound_handover.property_company_deferred_to is 'Day to which the company was deferred; it stays when that is done later.';
comment on column compound_handover.property_company_signed_by is 'Who signed the deferral for the subdistrict.';
comment on column compound_handover.property_company_note is 'How far it is, or what shows that it is done; of a deferral the reason.';
comment on column compound_handover.property_project_id is 'The property project of the company; null until it is done.';
comment on column compound_handover.property_room_area is 'Property room as measured and handed over, in square metres; it is the owners'' (Regulations on Property Management, article 37).';
comment on column compound_handover.community_room_area is 'Room for the services of the community as measured and handed over, in square metres; it is public.';
comment on column compound_handover.documents_received is 'Whether the documents of the Regulations on Property Management, article 29, were received.';
comment on column compound_handover.source is 'System of the caller that knows it by ref.';
comment on column compound_handover.ref is 'Key of the caller, unique within source.';
comment on column compound_handover.version is 'Rises with every change; the ETag.';
comment on column compound_handover.created_at is 'When the row was made.';
comment on column compound_handover.updated_at is 'When the row last changed.';
