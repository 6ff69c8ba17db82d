-- Cross appointments (双向进入、交叉任职; ORG-08, ORG-09): a secretary on the way to be director of the owners' committee, or a
-- property manager on the way into the party organization of the compound. The seat and the post are kept where they belong.

create table cross_appointment (
    id uuid not null,
    compound_code text collate "C" not null,
    direction text not null,
    area_code text collate "C" not null generated always as (left(compound_code, 12)) stored,
    person_id uuid not null,
    state text not null,
    previous_state text,
    political_awareness text collate "zh-x-icu",
    service_ability text collate "zh-x-icu",
    assembly text,
    elected_on date,
    eligible integer,
    attending integer,
    agreeing integer,
    area_total numeric(12, 2),
    area_participating numeric(12, 2),
    area_agreeing numeric(12, 2),
    governance_body_member_id uuid,
    filed_on date,
    filed_with text,
    filing_number text,
    approved_by text,
    approved_on date,
    party_post_id uuid,
    end_cause text,
    valid_from date,
    valid_to date,
    source text collate "C",
    ref text collate "C",
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint cross_appointment_direction check (direction in ('secretary_to_director', 'manager_to_party')),
    constraint cross_appointment_state check (case direction
        when 'secretary_to_director' then state in ('nominated', 'party_pre_review', 'committee_eligibility_review', 'candidate', 'elected_member', 'elected_director', 'filed', 'ended', 'not_elected', 'ineligible', 'withdrawn')
        else state in ('recommended', 'checked', 'approved_by_upper_party_org', 'appointed', 'ended', 'declined') end),
    constraint cross_appointment_previous_state check (previous_state in ('nominated', 'party_pre_review', 'committee_eligibility_review', 'candidate', 'elected_member', 'elected_director', 'filed', 'recommended', 'checked', 'approved_by_upper_party_org', 'appointed')),
    constraint cross_appointment_criteria check (direction = 'manager_to_party' or num_nonnulls(political_awareness, service_ability) = 0),
    constraint cross_appointment_numbers check (agreeing between 0 and attending and attending <= eligible and eligible between 1 and 10000000),
    constraint cross_appointment_areas check (area_agreeing between 0 and area_participating and area_participating <= area_total),
    -- Who was elected has the assembly's record, who directs a seat, who was appointed a post.
    constraint cross_appointment_election check (state not in ('elected_member', 'elected_director', 'filed')
        or num_nulls(assembly, elected_on, eligible, attending, agreeing, area_total, area_participating, area_agreeing) = 0),
    constraint cross_appointment_seat check (state not in ('elected_director', 'filed') or governance_body_member_id is not null),
    constraint cross_appointment_post check (state <> 'appointed' or party_post_id is not null),
    constraint cross_appointment_in_office check ((valid_from is not null) = (state in ('elected_director', 'filed', 'appointed', 'ended'))),
    constraint cross_appointment_over check ((valid_to is not null) = (state in ('ended', 'not_elected', 'ineligible', 'withdrawn', 'declined'))),
    constraint cross_appointment_end_cause check (end_cause in ('term_ended', 'resigned', 'recalled', 'disqualified')),
    constraint cross_appointment_end_cause_and_state check (end_cause is null or state = 'ended'),
    constraint cross_appointment_days check (filed_on >= elected_on and valid_from >= coalesce(elected_on, approved_on)),
    constraint cross_appointment_elected_on check (elected_on between '1800-01-01' and '2200-12-31'),
    constraint cross_appointment_filed_on check (filed_on between '1800-01-01' and '2200-12-31'),
    constraint cross_appointment_approved_on check (approved_on between '1800-01-01' and '2200-12-31'),
    constraint cross_appointment_compound_code_fkey foreign key (compound_code) references compound (code),
    constraint cross_appointment_person_id_fkey foreign key (person_id) references person (id),
    constraint cross_appointment_governance_body_member_id_fkey foreign key (governance_body_member_id) references governance_body_member (id),
    constraint cross_appointment_party_post_id_fkey foreign key (party_post_id) references party_post (id),
    constraint cross_appointment_pkey primary key (id),
    constraint cross_appointment_period check (valid_to > valid_from),
    constraint cross_appointment_years check (valid_from between '1800-01-01' and '2200-12-31'),
    constraint cross_appointment_source_ref check ((source is null) = (ref is null)),
    constraint cross_appointment_source_ref_key unique (source, ref)
);
create unique index cross_appointment_one_at_a_time on cross_appointment (compound_code, direction, person_id) where valid_to is null;
create index cross_appointment_compound_code on cross_appointment (compound_code, id);
create index cross_appointment_person_id on cross_appointment (person_id);
create index cross_appointment_governance_body_member_id on cross_appointment (governance_body_member_id);
create index cross_appointment_party_post_id on cross_appointment (party_post_id);
create index cross_appointment_area_code on cross_appointment (area_code);
comment on table cross_appointment is 'Cross appointments (双向进入、交叉任职): a secretary on the way to be director of the owners'' committee, or a property manager on the way into the party organization (ORG-08, ORG-09).';
comment on column cross_appointment.id is 'Identity, for ever.';
comment on column cross_appointment.compound_code is 'The compound.';
comment on column cross_appointment.direction is 'secretary_to_director (书记推选为业委会主任) or manager_to_party (物业负责人推荐进入小区党组织).';
comment on column cross_appointment.area_code is 'The community, from the code of the compound.';
comment on column cross_appointment.person_id is 'The secretary or the manager.';
comment on column cross_appointment.state is 'Where it is on its way; the moves stand in docs/WORKFLOWS.md.';
comment on column cross_appointment.previous_state is 'Where it was before; null before its first move.';
comment on column cross_appointment.political_awareness is 'Of a manager: what shows his political awareness (政治觉悟高).';
comment on column cross_appointment.service_ability is 'Of a manager: what shows that he serves well (服务能力强).';
comment on column cross_appointment.assembly is 'Of a secretary: minutes of the owners'' assembly that elected him a member.';
comment on column cross_appointment.elected_on is 'Day of that election.';
comment on column cross_appointment.eligible is 'Owners by head.';
comment on column cross_appointment.attending is 'Owners who took part, by head.';
comment on column cross_appointment.agreeing is 'Owners who agreed, by head.';
comment on column cross_appointment.area_total is 'Area of all exclusive parts, in square metres.';
comment on column cross_appointment.area_participating is 'Area of the owners who took part, in square metres.';
comment on column cross_appointment.area_agreeing is 'Area of the owners who agreed, in square metres.';
comment on column cross_appointment.governance_body_member_id is 'His seat as director, kept with the body.';
comment on column cross_appointment.filed_on is 'Day on which the election was filed.';
comment on column cross_appointment.filed_with is 'With whom it was filed.';
comment on column cross_appointment.filing_number is 'Number of the filing.';
comment on column cross_appointment.approved_by is 'Of a manager: the upper party organization that approved, and its document.';
comment on column cross_appointment.approved_on is 'Day of that approval.';
comment on column cross_appointment.party_post_id is 'His post in the party organization of the compound, kept with the organization.';
comment on column cross_appointment.end_cause is 'term_ended, resigned, recalled or disqualified; null where nobody said.';
comment on column cross_appointment.valid_from is 'First day in the seat or the post; null before.';
comment on column cross_appointment.valid_to is 'First day no longer in it, or day on which it came to nothing; null while it stands or is on its way.';
comment on column cross_appointment.source is 'System of the caller that knows it by ref.';
comment on column cross_appointment.ref is 'Key of the caller, unique within source.';
comment on column cross_appointment.version is 'Rises with every change; the ETag.';
comment on column cross_appointment.created_at is 'When the row was made.';
comment on column cross_appointment.updated_at is 'When the row last changed.';
