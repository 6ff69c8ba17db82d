// @generated automatically by Diesel CLI.

pub mod sql_types {
    #[derive(Debug, Clone, Copy, diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "xid8", schema = "pg_catalog"))]
    pub struct Xid8;
}

diesel::table! {
    /// Accounts of staff. What an account may do follows from its roles alone.
    account (id) {
        /// Identity, also in the journal and in tokens.
        id -> Uuid,
        /// What the person types to log in.
        user_name -> Text,
        /// Name of the person, as the journal keeps it.
        name -> Text,
        /// Where the account is kept: who may write accounts there may reset it.
        area_code -> Text,
        /// Rules for its password and log-in: mlps3 (GB/T 22239-2019 level 3) or asvs (OWASP ASVS 5).
        profile -> Text,
        /// Argon2id, with its parameters and salt.
        password_hash -> Text,
        /// When the password was set, for the age that mlps3 allows.
        password_changed_at -> Timestamptz,
        /// Whether another set it: it opens nothing but its own change.
        password_temporary -> Bool,
        /// Secret of the one-time codes (RFC 6238), sealed; null without a second factor.
        second_factor -> Nullable<Bytea>,
        /// Secret that was shown and not yet confirmed by a code, sealed.
        second_factor_pending -> Nullable<Bytea>,
        /// Time step of the last code that was taken: no code is taken twice.
        second_factor_step -> Int8,
        /// Failed log-ins since the last good one.
        failures -> Int4,
        /// No log-in before this instant, after too many failures.
        locked_until -> Nullable<Timestamptz>,
        /// Since when the account opens nothing; null while it does.
        disabled_at -> Nullable<Timestamptz>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Keys of machine clients. The key itself is shown once and stored as a hash.
    api_key (id) {
        /// Identity of the client in the journal.
        id -> Uuid,
        /// Who uses the key, for people.
        name -> Text,
        /// SHA-256 of the key: 256 random bits need no slow hash.
        digest -> Bytea,
        /// Prefix and last four characters, to recognise a key by.
        hint -> Text,
        /// Names of permissions, such as grid.write; * for all.
        permissions -> Array<Nullable<Text>>,
        /// The key reaches this area and all below it.
        area_code -> Text,
        /// When the key was made.
        created_at -> Timestamptz,
        /// From this instant on the key is refused.
        expires_at -> Timestamptz,
        /// From this instant on the key is refused, set by hand.
        revoked_at -> Nullable<Timestamptz>,
        /// Rises with every change; the ETag.
        version -> Int4,
    }
}

diesel::table! {
    /// The content of files, each kept once in the object store, whoever sent it.
    blob (id) {
        /// Identity; with the digest it is the name in the store, so content that comes again after its removal has another name.
        id -> Uuid,
        /// SHA-256 of the content.
        digest -> Bytea,
        /// Bytes.
        size -> Int8,
        /// Whether the store has it whole.
        stored -> Bool,
        /// When it was first announced.
        created_at -> Timestamptz,
        /// When it was last announced or taken into use; it stays for a while after that.
        touched_at -> Timestamptz,
        /// Since when it is on its way out of the store; no file may refer to it any more.
        doomed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// Buildings (楼栋), each in one compound.
    building (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// Seventeen digits: twelve of the community, five of its own.
        code -> Text,
        /// The community, from the code.
        area_code -> Text,
        /// The compound that it stands in.
        compound_code -> Text,
        /// Name or number, such as 3栋.
        name -> Text,
        /// Address.
        address -> Nullable<Text>,
        /// Floors above ground.
        floors_above -> Nullable<Int4>,
        /// Floors below ground.
        floors_below -> Nullable<Int4>,
        /// Entrances (单元).
        building_units -> Nullable<Int4>,
        /// Dwellings (套).
        dwellings -> Nullable<Int4>,
        /// Year of completion.
        built_year -> Nullable<Int4>,
        /// First day on which it holds.
        valid_from -> Date,
        /// First day on which it no longer holds; null while it has no end.
        valid_to -> Nullable<Date>,
        /// System of the caller that knows it by ref.
        source -> Nullable<Text>,
        /// Key of the caller, unique within source.
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Charter inclusions (党建入章): the clause on the leadership of the Party in one document of a compound, from its draft to its end (ORG-07).
    charter_inclusion (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// The compound.
        compound_code -> Text,
        /// residents_convention (小区居民公约), committee_rules (业委会工作规则) or company_articles (物业公司章程).
        document -> Text,
        /// The community, from the code of the compound.
        area_code -> Text,
        /// Where it is on its way; the moves stand in docs/WORKFLOWS.md.
        state -> Text,
        /// Where it was before; null before its first move.
        previous_state -> Nullable<Text>,
        /// The clause.
        clause -> Nullable<Text>,
        /// The company whose articles they are; null for the other documents.
        company_code -> Nullable<Text>,
        /// Day on which the law-maker of the document adopted it.
        adopted_on -> Nullable<Date>,
        /// Who could take part: residents or representatives, owners by head, or voting rights.
        eligible -> Nullable<Int4>,
        /// Who did take part, counted alike.
        attending -> Nullable<Int4>,
        /// Who agreed, counted alike.
        agreeing -> Nullable<Int4>,
        /// Of committee_rules: area of all exclusive parts, in square metres.
        area_total -> Nullable<Numeric>,
        /// Of committee_rules: area of the owners who took part, in square metres.
        area_participating -> Nullable<Numeric>,
        /// Of committee_rules: area of the owners who agreed, in square metres.
        area_agreeing -> Nullable<Numeric>,
        /// Number of the minutes.
        minutes_number -> Nullable<Text>,
        /// Day on which it was filed.
        filed_on -> Nullable<Date>,
        /// With whom it was filed.
        filed_with -> Nullable<Text>,
        /// Number under which it was filed.
        filing_number -> Nullable<Text>,
        /// Day of publication, the first day in force; null before.
        valid_from -> Nullable<Date>,
        /// First day no longer in force, or day of the veto; null while it stands or is on its way.
        valid_to -> Nullable<Date>,
        /// System of the caller that knows it by ref.
        source -> Nullable<Text>,
        /// Key of the caller, unique within source.
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Communities (社区): the area of one residents committee.
    community (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// Twelve digits: nine of the subdistrict, three of its own.
        code -> Text,
        /// The subdistrict, from the code.
        subdistrict_code -> Text,
        /// Name.
        name -> Text,
        /// urban, village_to_community or village.
        kind -> Text,
        /// Its boundary on the ground, a Polygon or MultiPolygon of GeoJSON in degrees of CGCS2000 or WGS 84; null where it is not known.
        boundary -> Nullable<Jsonb>,
        /// First day on which it holds.
        valid_from -> Date,
        /// First day on which it no longer holds; null while it has no end.
        valid_to -> Nullable<Date>,
        /// System of the caller that knows it by ref.
        source -> Nullable<Text>,
        /// Key of the caller, unique within source.
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Compounds (小区): residential quarters, in principle one grid each.
    compound (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// Sixteen characters: twelve of the community, X, three digits.
        code -> Text,
        /// The community, from the code.
        area_code -> Text,
        /// Name.
        name -> Text,
        /// Another name that people use.
        alias -> Nullable<Text>,
        /// commercial, old, self_built, three_no, resettlement or work_unit_housing.
        kind -> Text,
        /// Address.
        address -> Nullable<Text>,
        /// Filing number of the property area (物业管理区域).
        property_area_number -> Nullable<Text>,
        /// Who built it.
        developer -> Nullable<Text>,
        /// Day of hand-over.
        delivered_on -> Nullable<Date>,
        /// Total floor area in square metres.
        floor_area -> Nullable<Numeric>,
        /// Parking spaces.
        parking_spaces -> Nullable<Int4>,
        /// Whether it has a wall and a gate.
        gated -> Nullable<Bool>,
        /// First day on which it holds.
        valid_from -> Date,
        /// First day on which it no longer holds; null while it has no end.
        valid_to -> Nullable<Date>,
        /// System of the caller that knows it by ref.
        source -> Nullable<Text>,
        /// Key of the caller, unique within source.
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Which compound lies in which grid, and since when. In principle one compound is one grid; a further link is an exception with its reason (ORG-05).
    compound_grid (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// The compound.
        compound_code -> Text,
        /// The grid that it lies in, wholly or in part.
        grid_code -> Text,
        /// Why this link is a second one: large_split, small_merge or scattered_merge.
        exception -> Nullable<Text>,
        /// The reason in words.
        exception_reason -> Nullable<Text>,
        /// Who allowed the exception.
        approved_by -> Nullable<Text>,
        /// First day on which it holds.
        valid_from -> Date,
        /// First day on which it no longer holds; null while it has no end.
        valid_to -> Nullable<Date>,
        /// System of the caller that knows it by ref.
        source -> Nullable<Text>,
        /// Key of the caller, unique within source.
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Hand-overs (移交使用): a developer gives a compound into use, with three in place by then (三个同步), from its registration to the archive (ORG-11).
    compound_handover (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// The compound, built for sale.
        compound_code -> Text,
        /// The community, from the code of the compound.
        area_code -> Text,
        /// Who built it and hands it over.
        developer -> Text,
        /// Day on which it is to be handed over.
        planned_on -> Nullable<Date>,
        /// Where it is on its way; the moves stand in docs/WORKFLOWS.md.
        state -> Text,
        /// Day on which it was given into use; null before.
        handed_over_on -> Nullable<Date>,
        /// Day on which the hand-over was accepted; null before.
        accepted_on -> Nullable<Date>,
        /// Day on which it was rejected for good; null where it was not.
        rejected_on -> Nullable<Date>,
        /// Day on which the party organization stood; null before.
        party_organization_done_on -> Nullable<Date>,
        /// Day to which the party organization was deferred; it stays when that is done later.
        party_organization_deferred_to -> Nullable<Date>,
        /// Who signed the deferral for the subdistrict.
        party_organization_signed_by -> Nullable<Text>,
        /// How far it is, or what shows that it is done; of a deferral the reason.
        party_organization_note -> Nullable<Text>,
        /// The party organization of the compound; null until it is done.
        party_organization_id -> Nullable<Uuid>,
        /// Day on which the owners' committee or the property management committee stood; null before.
        owners_body_done_on -> Nullable<Date>,
        /// Day to which the committee was deferred; it stays when that is done later.
        owners_body_deferred_to -> Nullable<Date>,
        /// Who signed the deferral for the subdistrict.
        owners_body_signed_by -> Nullable<Text>,
        /// How far it is, or what shows that it is done; of a deferral the reason.
        owners_body_note -> Nullable<Text>,
        /// The committee; null until it is done.
        governance_body_id -> Nullable<Uuid>,
        /// Day on which the property company was in place; null before.
        property_company_done_on -> Nullable<Date>,
        /// Day to which the company was deferred; it stays when that is done later.
        property_company_deferred_to -> Nullable<Date>,
        /// Who signed the deferral for the subdistrict.
        property_company_signed_by -> Nullable<Text>,
        /// How far it is, or what shows that it is done; of a deferral the reason.
        property_company_note -> Nullable<Text>,
        /// The property project of the company; null until it is done.
        property_project_id -> Nullable<Uuid>,
        /// Property room as measured and handed over, in square metres; it is the owners' (Regulations on Property Management, article 37).
        property_room_area -> Nullable<Numeric>,
        /// Room for the services of the community as measured and handed over, in square metres; it is public.
        community_room_area -> Nullable<Numeric>,
        /// Whether the documents of the Regulations on Property Management, article 29, were received.
        documents_received -> Bool,
        /// System of the caller that knows it by ref.
        source -> Nullable<Text>,
        /// Key of the caller, unique within source.
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Cross appointments (双向进入、交叉任职): a secretary on the way to be director of the owners' committee, or a property manager on the way into the party organization (ORG-08, ORG-09).
    cross_appointment (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// The compound.
        compound_code -> Text,
        /// secretary_to_director (书记推选为业委会主任) or manager_to_party (物业负责人推荐进入小区党组织).
        direction -> Text,
        /// The community, from the code of the compound.
        area_code -> Text,
        /// The secretary or the manager.
        person_id -> Uuid,
        /// Where it is on its way; the moves stand in docs/WORKFLOWS.md.
        state -> Text,
        /// Where it was before; null before its first move.
        previous_state -> Nullable<Text>,
        /// Of a manager: what shows his political awareness (政治觉悟高).
        political_awareness -> Nullable<Text>,
        /// Of a manager: what shows that he serves well (服务能力强).
        service_ability -> Nullable<Text>,
        /// Of a secretary: minutes of the owners' assembly that elected him a member.
        assembly -> Nullable<Text>,
        /// Day of that election.
        elected_on -> Nullable<Date>,
        /// Owners by head.
        eligible -> Nullable<Int4>,
        /// Owners who took part, by head.
        attending -> Nullable<Int4>,
        /// Owners who agreed, by head.
        agreeing -> Nullable<Int4>,
        /// Area of all exclusive parts, in square metres.
        area_total -> Nullable<Numeric>,
        /// Area of the owners who took part, in square metres.
        area_participating -> Nullable<Numeric>,
        /// Area of the owners who agreed, in square metres.
        area_agreeing -> Nullable<Numeric>,
        /// His seat as director, kept with the body.
        governance_body_member_id -> Nullable<Uuid>,
        /// Day on which the election was filed.
        filed_on -> Nullable<Date>,
        /// With whom it was filed.
        filed_with -> Nullable<Text>,
        /// Number of the filing.
        filing_number -> Nullable<Text>,
        /// Of a manager: the upper party organization that approved, and its document.
        approved_by -> Nullable<Text>,
        /// Day of that approval.
        approved_on -> Nullable<Date>,
        /// His post in the party organization of the compound, kept with the organization.
        party_post_id -> Nullable<Uuid>,
        /// term_ended, resigned, recalled or disqualified; null where nobody said.
        end_cause -> Nullable<Text>,
        /// First day in the seat or the post; null before.
        valid_from -> Nullable<Date>,
        /// First day no longer in it, or day on which it came to nothing; null while it stands or is on its way.
        valid_to -> Nullable<Date>,
        /// System of the caller that knows it by ref.
        source -> Nullable<Text>,
        /// Key of the caller, unique within source.
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Dwellings (房屋, 专有部分): the registrable parts of buildings, which owners own and vote by (Civil Code, article 271).
    dwelling (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// Twenty-three digits: seventeen of the building, six of its own, by custom entrance, floor and room.
        code -> Text,
        /// The building, from the code.
        building_code -> Text,
        /// The community, from the code.
        area_code -> Text,
        /// Entrance (单元), as the door says it; null where the building has none.
        building_unit_no -> Nullable<Text>,
        /// Room, as the door says it.
        room_no -> Text,
        /// Floor; below ground negative.
        floor -> Nullable<Int4>,
        /// Area of the exclusive part in square metres, which counts in votes (Civil Code, article 278).
        exclusive_area -> Numeric,
        /// What the area rests on: register, else survey, else contract (SPC 2009 no. 7, article 8).
        area_basis -> Text,
        /// residential, commercial, garage, storage or other.
        use_kind -> Text,
        /// Whether the developer has handed it over.
        delivered -> Bool,
        /// Whether it is sold: what is not counts as one head together, the developer's (SPC 2009 no. 7, article 9).
        sold -> Bool,
        /// First day on which it holds.
        valid_from -> Date,
        /// First day on which it no longer holds; null while it has no end.
        valid_to -> Nullable<Date>,
        /// System of the caller that knows it by ref.
        source -> Nullable<Text>,
        /// Key of the caller, unique within source.
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Restores of this database: each begins an epoch, for transaction ids begin anew with it. None yet: epoch 0.
    event_epoch (id) {
        /// Identity, for the journal.
        id -> Uuid,
        /// Counted from 1; what was before the first restore is epoch 0.
        number -> Int4,
        /// The last line of the journal that was restored: later lines belong to this epoch.
        last_seq -> Int8,
        /// When the operator told of the restore.
        began_at -> Timestamptz,
    }
}

diesel::table! {
    /// Files: evidence, minutes, photos, what was imported and exported.
    file (id) {
        /// Identity of the file.
        id -> Uuid,
        /// Its content.
        blob_id -> Uuid,
        /// SHA-256 of the content, as the blob has it.
        digest -> Bytea,
        /// Bytes, as the blob has it.
        size -> Int8,
        /// What it is, found from its content.
        media_type -> Text,
        /// What its uploader called it; may name persons.
        name -> Text,
        /// Where it belongs: the area of its object, or the one that the uploader named.
        area_code -> Text,
        /// Who sent it; while it belongs to nothing, he alone reads it.
        uploader_id -> Uuid,
        /// What kind of thing it belongs to, such as compound.
        object_kind -> Nullable<Text>,
        /// Which thing it belongs to; who may see that may read the file.
        object_id -> Nullable<Uuid>,
        /// When it came.
        created_at -> Timestamptz,
        /// From this instant on it is gone.
        expires_at -> Nullable<Timestamptz>,
        /// Raised when it is attached.
        version -> Int4,
    }
}

diesel::table! {
    /// Governance bodies of compounds: owners' committees and what stands beside or before them (ORG-02, ORG-14).
    governance_body (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// The compound that it is of.
        compound_code -> Text,
        /// owners_committee (业委会), property_management_committee (物管会, temporary), party_mass_council (党群议事会, deliberates, decides nothing on common property) or preparatory_group (筹备组, temporary).
        kind -> Text,
        /// The community, from the code of the compound.
        area_code -> Text,
        /// Name.
        name -> Text,
        /// How many seats its rules give it.
        seats -> Nullable<Int4>,
        /// First day after its term. A temporary body always has one.
        agreed_to -> Nullable<Date>,
        /// Day on which it was filed with the subdistrict (Regulations on Property Management, article 16).
        filed_on -> Nullable<Date>,
        /// Number of the filing.
        filing_number -> Nullable<Text>,
        /// First day on which it exists.
        valid_from -> Date,
        /// First day on which it no longer does; null while it has no end.
        valid_to -> Nullable<Date>,
        /// System of the caller that knows it by ref.
        source -> Nullable<Text>,
        /// Key of the caller, unique within source.
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Who sits in a governance body, in which role, and when (ORG-14).
    governance_body_member (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// The body.
        governance_body_id -> Uuid,
        /// The compound of the body.
        compound_code -> Text,
        /// What the body is.
        body_kind -> Text,
        /// The community, from the code of the compound.
        area_code -> Text,
        /// The person.
        person_id -> Uuid,
        /// director (主任), deputy_director (副主任) or member (委员).
        role -> Text,
        /// The election or appointment that made him a member: meeting or document.
        chosen_by -> Nullable<Text>,
        /// First day on which he sits in it.
        valid_from -> Date,
        /// First day on which he no longer does; null while he does.
        valid_to -> Nullable<Date>,
        /// System of the caller that knows it by ref.
        source -> Nullable<Text>,
        /// Key of the caller, unique within source.
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Grids (网格): the smallest cell of governance, each in exactly one community.
    grid (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// Fifteen digits: twelve of the community, three of its own.
        code -> Text,
        /// The community, from the code.
        community_code -> Text,
        /// Name.
        name -> Text,
        /// urban, rural or dedicated.
        kind -> Text,
        /// What a dedicated grid is for.
        dedicated_kind -> Nullable<Text>,
        /// Its boundary on the ground, a Polygon or MultiPolygon of GeoJSON in degrees of CGCS2000 or WGS 84; null where it is not known.
        boundary -> Nullable<Jsonb>,
        /// First day on which it holds.
        valid_from -> Date,
        /// First day on which it no longer holds; null while it has no end.
        valid_to -> Nullable<Date>,
        /// System of the caller that knows it by ref.
        source -> Nullable<Text>,
        /// Key of the caller, unique within source.
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Lineage of grids: what became of which grid when the city was divided anew (ORG-12).
    grid_lineage (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// The grid before; null of one that was created.
        old_code -> Nullable<Text>,
        /// The grid after; null of one that was abolished.
        new_code -> Nullable<Text>,
        /// unchanged, renamed (a new code for the same ground), split, merged, adjusted (a part went to another, and it goes on), created or abolished.
        kind -> Text,
        /// The community, from the code of the grid after, else before.
        area_code -> Text,
        /// Households that went from the one to the other.
        households_moved -> Nullable<Int4>,
        /// Why, as the plan said it.
        reason -> Nullable<Text>,
        /// Day on which the division took effect.
        valid_from -> Date,
        /// Always null: what happened does not end.
        valid_to -> Nullable<Date>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Re-divisions of grids: how an area is divided from a day on, from the draft to its effect (ORG-12).
    grid_redivision (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// Title.
        title -> Text,
        /// The community, subdistrict or city that is divided anew, all of it.
        area_code -> Text,
        /// First day of the new division.
        effective_on -> Date,
        /// Why the area is divided anew.
        reason -> Nullable<Text>,
        /// Number of the notice that publishes it; null before.
        notice_number -> Nullable<Text>,
        /// Where it is on its way; the moves stand in docs/WORKFLOWS.md.
        state -> Text,
        /// Where it was before; null before its first move.
        previous_state -> Nullable<Text>,
        /// Grids of the plan.
        planned_grids -> Int4,
        /// Buildings of the plan.
        planned_buildings -> Int4,
        /// Households of the plan that part from their buildings.
        planned_households -> Int4,
        /// Grids of the area on the day before; null until it has taken effect, like all that follows.
        grids_before -> Nullable<Int4>,
        /// Grids of the area on the day.
        grids_after -> Nullable<Int4>,
        /// Households in grids of the area on the day before.
        households_before -> Nullable<Int4>,
        /// Households in grids of the area on the day.
        households_after -> Nullable<Int4>,
        /// Households that came into another grid.
        households_moved -> Nullable<Int4>,
        /// Links of compounds to grids that ended or began.
        compound_links_changed -> Nullable<Int4>,
        /// People and other objects that went with the grid that they belonged to.
        objects_moved -> Nullable<Int4>,
        /// System of the caller that knows it by ref.
        source -> Nullable<Text>,
        /// Key of the caller, unique within source.
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        /// Rises with every change, also of its plan; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// In which grid each building is from the day of a re-division on; its households go with it.
    grid_redivision_building (redivision_id, building_code) {
        /// The re-division.
        redivision_id -> Uuid,
        /// The building.
        building_code -> Text,
        /// The grid, one of the plan.
        grid_code -> Text,
    }
}

diesel::table! {
    /// The grids that a re-division leaves: those that go on, and new ones. A grid of the area that is not among them closes.
    grid_redivision_grid (redivision_id, code) {
        /// The re-division.
        redivision_id -> Uuid,
        /// Code of the grid; a new one has not been used before.
        code -> Text,
        /// Name from that day on.
        name -> Text,
        /// What it covers from that day on; null leaves it, and of a new grid means urban.
        kind -> Nullable<Text>,
        /// Why a compound has more than one grid here, or the grid more than one compound: large_split, small_merge or scattered_merge.
        exception -> Nullable<Text>,
        /// The reason in words.
        exception_reason -> Nullable<Text>,
        /// Who allowed the exception.
        approved_by -> Nullable<Text>,
        /// Why the grid changes; told in its lineage.
        reason -> Nullable<Text>,
        /// Its boundary on the ground from that day on, as in grid; null leaves the one that it has.
        boundary -> Nullable<Jsonb>,
    }
}

diesel::table! {
    /// Households that part from their buildings in a re-division.
    grid_redivision_household (redivision_id, household_code) {
        /// The re-division.
        redivision_id -> Uuid,
        /// The household.
        household_code -> Text,
        /// The grid, one of the plan.
        grid_code -> Text,
    }
}

diesel::table! {
    /// How many households a grid should have: a local number with a term, that warns and never blocks.
    grid_size_band (id) {
        /// Identity; reports name the row that they used.
        id -> Uuid,
        /// First day on which it holds.
        valid_from -> Date,
        /// First day on which it no longer holds.
        valid_to -> Nullable<Date>,
        /// Fewest households.
        min_households -> Int4,
        /// Most households.
        max_households -> Int4,
        /// The notice or practice that it comes from.
        basis -> Text,
        /// The policy document that it comes from; null where there is none, as of practice.
        document_number -> Nullable<Text>,
    }
}

diesel::table! {
    /// Households (户): the unit by which grids are drawn.
    household (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// Twenty-three digits: seventeen of the building, six of its own, by custom entrance, floor and room.
        code -> Text,
        /// The building, from the code.
        building_code -> Text,
        /// The grid that it is in now; household_grid holds since when, and where before.
        grid_code -> Nullable<Text>,
        /// Its present home, for access: the grid, else the community.
        area_code -> Text,
        /// Door, such as 1单元0302.
        name -> Text,
        /// How many people live there; who they are is not kept.
        residents -> Nullable<Int4>,
        /// First day on which it holds.
        valid_from -> Date,
        /// First day on which it no longer holds; null while it has no end.
        valid_to -> Nullable<Date>,
        /// System of the caller that knows it by ref.
        source -> Nullable<Text>,
        /// Key of the caller, unique within source.
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Which household was in which grid, and when: never rewritten, so that past figures stand.
    household_grid (id) {
        /// Identity.
        id -> Uuid,
        /// The household.
        household_id -> Uuid,
        /// The code of the household, which never changes.
        household_code -> Text,
        /// The grid.
        grid_code -> Text,
        /// First day in the grid.
        valid_from -> Date,
        /// First day no longer in the grid; null while it is there.
        valid_to -> Nullable<Date>,
    }
}

diesel::table! {
    /// What a write with an Idempotency-Key answered, kept a day, for the same answer to the same request.
    idempotency (client_id, key) {
        /// Whose key it is: two clients may use the same one.
        client_id -> Uuid,
        /// The value of the header.
        key -> Text,
        /// SHA-256 of method, path, query and body.
        request -> Bytea,
        /// The permissions and areas that the work needed; asked again before a replay.
        granted -> Jsonb,
        /// HTTP status of the answer.
        status -> Int2,
        /// Location header of the answer.
        location -> Nullable<Text>,
        /// Body of the answer.
        body -> Text,
        /// When the work was done.
        created_at -> Timestamptz,
        /// From this instant on the key may be used anew.
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    /// A row of an import that was refused, as it stood in the file.
    import_failure (run_id, line) {
        /// The run.
        run_id -> Uuid,
        /// Line in the file, the header being line 1.
        line -> Int4,
        /// The row in its original columns, as CSV.
        record -> Text,
        /// List of {field, code, zh, en}.
        faults -> Jsonb,
    }
}

diesel::table! {
    /// One import of one file: what came of it.
    import_run (id) {
        /// Identity of the run.
        id -> Uuid,
        /// What was imported, as in the path: grids.
        resource -> Text,
        /// dry_run, atomic or best_effort.
        mode -> Text,
        /// Area of the client that ran it.
        area_code -> Text,
        /// The day on which new rows begin and moves take place.
        effective_on -> Date,
        /// Header line of the file as CSV, for the file of failed rows.
        header -> Text,
        /// Data rows in the file.
        rows_read -> Int4,
        /// Rows that became new objects.
        created -> Int4,
        /// Rows that changed an object.
        changed -> Int4,
        /// Rows that said what was so already.
        unchanged -> Int4,
        /// Rows at fault.
        refused -> Int4,
        /// Whether anything was kept.
        committed -> Bool,
        /// The client that sent the file; it alone reads the run.
        started_by -> Uuid,
        /// When.
        created_at -> Timestamptz,
        /// Always 1: a run does not change.
        version -> Int4,
    }
}

diesel::table! {
    /// Work that goes on after the answer: large imports and exports.
    job (id) {
        /// Identity of the job; of one resource the earlier one is worked on first.
        id -> Uuid,
        /// import or export.
        kind -> Text,
        /// What is imported or exported, as in the path: grids.
        resource -> Text,
        /// queued, running, succeeded, failed or cancelled.
        state -> Text,
        /// What was asked for, by kind: mode and day, or form, headers and day.
        input -> Jsonb,
        /// Who asked for it: it runs with the rights that he has when it runs, and he alone reads it.
        owner_id -> Uuid,
        /// Area of the owner when he asked.
        area_code -> Text,
        /// The request that asked for it, as the journal names it.
        request_id -> Text,
        /// The file to import; it goes when the job has ended.
        source_file_id -> Nullable<Uuid>,
        /// The file that came of an export.
        result_file_id -> Nullable<Uuid>,
        /// What came of an import.
        run_id -> Nullable<Uuid>,
        /// Why it failed: {code, zh, en}.
        refusal -> Nullable<Jsonb>,
        /// Rows read so far, or written by an export.
        rows_read -> Int4,
        /// Rows found at fault so far.
        rows_refused -> Int4,
        /// Rows a second of the present attempt.
        rows_per_second -> Int4,
        /// How often it was begun.
        attempts -> Int4,
        /// Names the present attempt: what another attempt says of the job no longer counts.
        lease_id -> Nullable<Uuid>,
        /// From this instant on another process may take the job over.
        lease_until -> Nullable<Timestamptz>,
        /// Not to be begun earlier.
        not_before -> Timestamptz,
        /// When its owner wanted it to stop.
        cancel_requested_at -> Nullable<Timestamptz>,
        /// When it was asked for.
        created_at -> Timestamptz,
        /// When the present attempt began.
        started_at -> Nullable<Timestamptz>,
        /// When it ended, in whichever way.
        finished_at -> Nullable<Timestamptz>,
        /// Raised by every change, progress too.
        version -> Int4,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::Xid8;

    /// Every change, appended in the transaction that made it: history, audit log and change feed are views of it. A partition holds a month (Asia/Shanghai).
    journal (xid, seq, at) {
        /// Transaction that wrote the row; with seq, the order in which readers may follow without a gap.
        xid -> Xid8,
        /// Order within and across transactions, as handed out.
        seq -> Int8,
        /// When the transaction began.
        at -> Timestamptz,
        /// Who acted: an API key, or the nil UUID for the system itself.
        actor_id -> Uuid,
        /// Name of the actor at the time.
        actor_name -> Text,
        /// The role that granted the act; null for a key, whose permissions are its own.
        acting_role -> Nullable<Text>,
        /// The request that asked for it.
        request_id -> Text,
        /// What was done, such as grid.created.
        action -> Text,
        /// What kind of thing changed, such as grid.
        object_kind -> Text,
        /// Which one.
        object_id -> Uuid,
        /// Where it belongs after the change.
        area_code -> Text,
        /// Where it belonged before, if it moved.
        former_area_code -> Nullable<Text>,
        /// Version of the object after the change.
        version -> Int4,
        /// Why, in the words of the actor.
        reason -> Nullable<Text>,
        /// Created: its members. Changed: {member: {from, to}}.
        change -> Jsonb,
        /// Version of the form of change.
        format -> Int2,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::Xid8;

    /// Seals of the journal: a block is a run of its rows in the order of (xid, seq), chained to the block before by a hash.
    journal_block (number) {
        /// Counted from 1 without a gap.
        number -> Int8,
        /// Version of the form in which rows and block are hashed.
        form -> Int2,
        /// Rows have this seq or a greater one: the first after those restored from a dump into a cluster that counts its transactions anew; before any, the least of all numbers.
        from_seq -> Int8,
        /// Rows come after this transaction and seq: the last row of the block before; 0 where rows begin.
        after_xid -> Xid8,
        /// Seq to after_xid.
        after_seq -> Int8,
        /// Transaction of the last row.
        last_xid -> Xid8,
        /// Seq of the last row.
        last_seq -> Int8,
        /// How many rows there are: none in a block that only says where rows begin after a restore.
        lines -> Int4,
        /// The earliest at of a row.
        first_at -> Timestamptz,
        /// The latest at of a row.
        last_at -> Timestamptz,
        /// Root of the Merkle tree (RFC 9162) over the rows, SHA-256.
        root -> Bytea,
        /// Hash of the block before; zeros in the first.
        previous -> Bytea,
        /// When it was sealed.
        sealed_at -> Timestamptz,
        /// SHA-256 over all other columns.
        hash -> Bytea,
    }
}

diesel::table! {
    /// Ownerships: who owns which dwelling, in what share, and when (ORG-08).
    ownership (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// The dwelling.
        dwelling_code -> Text,
        /// The community, from the code of the dwelling.
        area_code -> Text,
        /// The person who owns; null where an organization does.
        person_id -> Nullable<Uuid>,
        /// The organization that owns; null where a person does.
        organization_name -> Nullable<Text>,
        /// Unified social credit code of the organization, its check digit right, where it is known.
        organization_code -> Nullable<Text>,
        /// Of the share, the part above the line.
        share_numerator -> Int4,
        /// Of the share, the part below the line. On no day are the shares of a dwelling more than the whole.
        share_denominator -> Int4,
        /// Whether this owner votes for the dwelling, on behalf of those who own it with him.
        voting_representative -> Bool,
        /// First day of ownership.
        valid_from -> Date,
        /// First day on which it is another's; null while it has no end.
        valid_to -> Nullable<Date>,
        /// System of the caller that knows it by ref.
        source -> Nullable<Text>,
        /// Key of the caller, unique within source.
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Which buildings a building group answers for, and since when (ORG-06). Written with the group.
    party_group_building (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// The group.
        organization_code -> Text,
        /// The building, of the same compound.
        building_code -> Text,
        /// First day on which the group answers for it.
        valid_from -> Date,
        /// First day on which it no longer does; null while it has no end.
        valid_to -> Nullable<Date>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Who is a member of the Party, where his organizational relation is, and when.
    party_membership (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// The person.
        person_id -> Uuid,
        /// The party organization that holds the relation (组织关系).
        organization -> Text,
        /// Day of admission; from it on he is a probationary member.
        joined_on -> Date,
        /// Day on which he became a full member; null while he is on probation.
        full_on -> Nullable<Date>,
        /// First day on which the organization holds the relation.
        valid_from -> Date,
        /// First day on which it no longer does; null while it does.
        valid_to -> Nullable<Date>,
        /// System of the caller that knows it by ref.
        source -> Nullable<Text>,
        /// Key of the caller, unique within source.
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Party organizations in four tiers: of a compound, its building groups, its hub households (their members are posts), and those of the property industry (ORG-02, ORG-06, ORG-16).
    party_organization (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// Code of the organization (党组织代码), the caller's own, never used again.
        code -> Text,
        /// Name.
        name -> Text,
        /// compound (小区党组织), building_group (楼栋党小组), hub_household (党员中心户), industry_committee (物业服务行业党委) or industry_branch (其所属党支部).
        tier -> Text,
        /// party_committee, general_branch or branch; null for groups and hubs.
        form -> Nullable<Text>,
        /// formal, or functional (功能型: the members' organizational relation stays where it is); null for groups and hubs.
        nature -> Nullable<Text>,
        /// standalone (单独建), joint (联合建) or seconded (派驻建).
        founding_mode -> Nullable<Text>,
        /// Whether it is a comprehensive organization (小区综合党组织); of compounds alone.
        composite -> Bool,
        /// The organization that it stands under; null for those of compounds and the committee of the industry.
        parent_code -> Nullable<Text>,
        /// The tier of the parent, from its own.
        parent_tier -> Nullable<Text>,
        /// The compound; null for those of the industry.
        compound_code -> Nullable<Text>,
        /// The household that is the hub; of hubs alone.
        household_code -> Nullable<Text>,
        /// Its home for access: the community of the compound, else where it is kept.
        area_code -> Text,
        /// Number of the document by which it was approved.
        approval_number -> Nullable<Text>,
        /// Day of the approval.
        approved_on -> Nullable<Date>,
        /// First day after the agreed term of office. It warns; nothing ends by itself.
        agreed_to -> Nullable<Date>,
        /// First day on which it holds.
        valid_from -> Date,
        /// First day on which it no longer holds; null while it has no end.
        valid_to -> Nullable<Date>,
        /// System of the caller that knows it by ref.
        source -> Nullable<Text>,
        /// Key of the caller, unique within source.
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Who holds which post in a party organization, and which hub household a member belongs to.
    party_post (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// The organization.
        organization_code -> Text,
        /// The person.
        person_id -> Uuid,
        /// secretary, deputy_secretary, organization_officer, publicity_officer, discipline_officer, committee_member, leader (党小组长、中心户户主), member (党员, of a hub) or observer (列席).
        role -> Text,
        /// First day after the agreed term. It only tells; nothing ends by itself.
        agreed_to -> Nullable<Date>,
        /// The document or meeting by which he got the post.
        appointed_by -> Nullable<Text>,
        /// First day in the post.
        valid_from -> Date,
        /// First day no longer in the post; null while it has no end.
        valid_to -> Nullable<Date>,
        /// System of the caller that knows it by ref.
        source -> Nullable<Text>,
        /// Key of the caller, unique within source.
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// People as far as governance needs them: residents, owners, members, holders of posts. One person once.
    person (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// Name, as on the document.
        name -> Text,
        /// Kind of the document that the number is of.
        id_kind -> Text,
        /// Number of the document: keyed hash (32 bytes), then the sealed value. Never in clear.
        id_number -> Nullable<Bytea>,
        /// The keyed hash of the number, from id_number: one person once.
        id_number_hash -> Nullable<Bytea>,
        /// Phone: keyed hash (32 bytes), then the sealed value. Never in clear.
        phone -> Nullable<Bytea>,
        /// The keyed hash of the phone, from phone. Families share phones.
        phone_hash -> Nullable<Bytea>,
        /// The community or grid that answers for the person: where he lives, else where he serves. For access.
        area_code -> Text,
        /// The community, from area_code.
        community_code -> Text,
        /// The grid, from area_code; null where that is a community.
        grid_code -> Nullable<Text>,
        /// First day on which the city keeps the person.
        valid_from -> Date,
        /// First day on which it no longer does, as he has died or moved away; null while it has no end.
        valid_to -> Nullable<Date>,
        /// The person that this entry turned out to be; null unless it is a duplicate that was merged.
        merged_into -> Nullable<Uuid>,
        /// System of the caller that knows the person by ref.
        source -> Nullable<Text>,
        /// Key of the caller, unique within source.
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Merges of a duplicate into the person that it is.
    person_merge (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// The person who stays.
        survivor_id -> Uuid,
        /// The entry that was the same person.
        duplicate_id -> Uuid,
        /// Why they are one.
        reason -> Text,
        /// Whether the survivor had no number and got the duplicate's.
        took_number -> Bool,
        /// Whether the survivor had no phone and got the duplicate's.
        took_phone -> Bool,
        /// When the merge was undone; null while it holds.
        undone_at -> Nullable<Timestamptz>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When they were merged.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// The rows that a merge made the survivor's, so that undoing it gives back just these.
    person_merge_move (merge_id, table_name, row_id) {
        /// The merge.
        merge_id -> Uuid,
        /// The table of the row.
        table_name -> Text,
        /// The id of the row.
        row_id -> Uuid,
    }
}

diesel::table! {
    /// Policy documents: notices and measures that local rules come from, each one version of its text (ORG-13).
    policy_document (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// Number of the document (文号), never used again.
        number -> Text,
        /// Title.
        title -> Text,
        /// Who issued it; several joined by 、.
        issuer -> Text,
        /// Day of issue.
        issued_on -> Date,
        /// Number of the document that it replaces, the version before.
        replaces_number -> Nullable<Text>,
        /// Where it was issued for, for access; seen also from below. Not moved by a re-division.
        area_code -> Text,
        /// First day in force; may lie before the day of issue.
        valid_from -> Date,
        /// First day no longer in force; null while it has no end.
        valid_to -> Nullable<Date>,
        /// System of the caller that knows it by ref.
        source -> Nullable<Text>,
        /// Key of the caller, unique within source.
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Property companies (物业服务企业), those led by communities among them (ORG-15).
    property_company (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// Unified social credit code of 18 characters (GB 32100-2015), its check digit right.
        code -> Text,
        /// Registered name, held by one company at a time.
        name -> Text,
        /// commercial, community_led, unit_self (a work unit for its own housing) or owner_self (owners for themselves).
        kind -> Text,
        /// The community that took the lead in founding it; of community_led ones alone. Not moved by a re-division.
        founder_community_code -> Nullable<Text>,
        /// Where it is kept, for access: who may write companies there may change it.
        area_code -> Text,
        /// Legal representative, as the public register of companies names him.
        legal_representative -> Nullable<Text>,
        /// Registered address.
        registered_address -> Nullable<Text>,
        /// First day on which it holds.
        valid_from -> Date,
        /// First day on which it no longer holds; null while it has no end.
        valid_to -> Nullable<Date>,
        /// System of the caller that knows it by ref.
        source -> Nullable<Text>,
        /// Key of the caller, unique within source.
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
        /// The branch of the industry committee that its Party members belong to; null where there is none.
        party_branch_code -> Nullable<Text>,
        /// The tier of that branch.
        party_branch_tier -> Nullable<Text>,
    }
}

diesel::table! {
    /// Property projects (物业服务项目): who serves which compound, under which contract, and since when (ORG-17).
    property_project (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// The compound that is served.
        compound_code -> Text,
        /// The company that serves it; null where a work unit or the owners look after it themselves without a company.
        company_code -> Nullable<Text>,
        /// The community, from the code of the compound.
        area_code -> Text,
        /// full_service, partial_service (such as cleaning alone; no coverage), unit_self (单位自管) or owner_self (业主自治).
        kind -> Text,
        /// preliminary (前期, chosen by the developer) or regular (chosen by the owners).
        stage -> Nullable<Text>,
        /// Number of the contract.
        contract_number -> Nullable<Text>,
        /// First day after the agreed term. A contract that goes on after it counts until it is ended (Civil Code, article 948).
        agreed_to -> Nullable<Date>,
        /// Day on which the contract was filed.
        filed_on -> Nullable<Date>,
        /// Fee, in words.
        fee_standard -> Nullable<Text>,
        /// Project manager, as publications name him.
        manager -> Nullable<Text>,
        /// People who work in the project.
        staff -> Nullable<Int4>,
        /// First day of service.
        valid_from -> Date,
        /// First day without service; null while it has no end.
        valid_to -> Nullable<Date>,
        /// System of the caller that knows it by ref.
        source -> Nullable<Text>,
        /// Key of the caller, unique within source.
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Tokens that renew a session, each once: one that comes a second time was stolen, and ends the session.
    refresh_token (digest) {
        /// SHA-256 of the token: 256 random bits need no slow hash.
        digest -> Bytea,
        /// The session that it renews.
        session_id -> Uuid,
        /// When it was handed out.
        issued_at -> Timestamptz,
        /// When it was taken; null while it waits.
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// Roles as accounts hold them: in an area, for a term. Outside the term a role gives nothing.
    role_grant (id) {
        /// Identity.
        id -> Uuid,
        /// Who holds it.
        account_id -> Uuid,
        /// Which role, as in /v1/roles.
        role -> Text,
        /// Where: this area and all below it.
        area_code -> Text,
        /// First day on which it holds.
        valid_from -> Date,
        /// First day on which it no longer holds.
        valid_to -> Date,
        /// Since when it gives nothing, although its term is not over; null while it does.
        revoked_at -> Nullable<Timestamptz>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Keys that live in the database, sealed under the deployment's SECRET_KEY.
    sealed_key (name) {
        /// What it is for: lookup is the key of the hashes by which personal values are found.
        name -> Text,
        /// The key, sealed.
        sealed -> Bytea,
        /// When it was made.
        created_at -> Timestamptz,
    }
}

diesel::table! {
    /// Keys that every replica must share; made by the migration, never sent out.
    secret (name) {
        /// What the key is for, such as "cursor".
        name -> Text,
        /// Random bytes.
        value -> Bytea,
    }
}

diesel::table! {
    /// Sessions of accounts: from a log-in until it ends, is idle for too long, or expires.
    session (id) {
        /// Identity, also in its tokens.
        id -> Uuid,
        /// Whose it is.
        account_id -> Uuid,
        /// When the person logged in.
        created_at -> Timestamptz,
        /// When it was last used, to the minute.
        used_at -> Timestamptz,
        /// From this instant on it is over, however busy.
        expires_at -> Timestamptz,
        /// When it was ended; null while it runs.
        ended_at -> Nullable<Timestamptz>,
        /// Why it was ended.
        end_reason -> Nullable<Text>,
    }
}

diesel::table! {
    /// Ed25519 keys that sign access tokens. The newest whose time has come signs, all that have not expired verify.
    signing_key (id) {
        /// The kid of tokens and of /.well-known/jwks.json.
        id -> Uuid,
        /// The city for which it signs.
        area_code -> Text,
        /// Public key, 32 bytes.
        public_key -> Bytea,
        /// Private key (PKCS #8), sealed with SECRET_KEY.
        sealed_key -> Bytea,
        /// When it was made.
        created_at -> Timestamptz,
        /// From this instant on it signs: late enough for every replica and every client to know it.
        signs_from -> Timestamptz,
        /// From this instant on nothing that it signed is taken.
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    /// Subdistricts, towns and townships: the second level of the division codes.
    subdistrict (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// Nine digits: six of the city, three of its own (GB/T 10114).
        code -> Text,
        /// Name, such as 龙池桥街道.
        name -> Text,
        /// First day on which it holds.
        valid_from -> Date,
        /// First day on which it no longer holds; null while it has no end.
        valid_to -> Nullable<Date>,
        /// System of the caller that knows it by ref.
        source -> Nullable<Text>,
        /// Key of the caller, unique within source.
        #[sql_name = "ref"]
        ref_ -> Nullable<Text>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Addresses that events are pushed to.
    webhook (id) {
        /// Identity, for ever.
        id -> Uuid,
        /// What it is for, for people.
        name -> Text,
        /// Where events are posted to.
        url -> Text,
        /// Events of this area and all below it are sent, none else.
        area_code -> Text,
        /// Kinds of objects whose events are sent; empty for all.
        kinds -> Array<Nullable<Text>>,
        /// Actions that are sent; empty for all.
        actions -> Array<Nullable<Text>>,
        /// unverified, active, paused, disabled or ended.
        state -> Text,
        /// gone (the receiver said 410), failing (too many failures in a row) or owner (its owner may no longer see events).
        disabled_because -> Nullable<Text>,
        /// Who made it, or last ran its challenge: only what this actor may see is sent.
        owner_id -> Uuid,
        /// When the receiver last met the challenge.
        verified_at -> Nullable<Timestamptz>,
        /// Rises with every change; the ETag.
        version -> Int4,
        /// When the row was made.
        created_at -> Timestamptz,
        /// When the row last changed.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// Each time that an event was sent, and what came of it; nothing of the answer but its status.
    webhook_attempt (id) {
        /// Identity; later ones sort after earlier ones.
        id -> Uuid,
        /// The event that was sent.
        delivery_id -> Uuid,
        /// When.
        at -> Timestamptz,
        /// HTTP status of the answer, where there was one.
        status -> Nullable<Int2>,
        /// Why it failed; null where it succeeded.
        failure -> Nullable<Text>,
        /// Milliseconds until the answer or the failure.
        millis -> Int4,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::Xid8;

    /// Events that a webhook has tried to send, kept for thirty days.
    webhook_delivery (id) {
        /// Identity.
        id -> Uuid,
        /// The webhook.
        webhook_id -> Uuid,
        /// Epoch of the line of the journal.
        era -> Int4,
        /// Transaction of the line of the journal.
        xid -> Xid8,
        /// The line of the journal.
        seq -> Int8,
        /// What was done, such as grid.created.
        action -> Text,
        /// pending (to be tried again), delivered or dead (given up).
        state -> Text,
        /// Attempts since it was first sent, or sent anew by hand.
        tries -> Int4,
        /// When it is tried again.
        next_at -> Nullable<Timestamptz>,
        /// When it was first tried.
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::Xid8;

    /// How far each webhook has come; written by the sender alone, and not journalled.
    webhook_progress (webhook_id) {
        /// The webhook.
        webhook_id -> Uuid,
        /// Epoch of the line that it has come to.
        era -> Int4,
        /// Transaction of the line that it has come to.
        xid -> Xid8,
        /// The line that it has come to: everything up to it was tried once.
        seq -> Int8,
        /// No sender takes it before this instant: another has it, or it rests after failures.
        ready_at -> Timestamptz,
        /// Failed attempts in a row, of whatever event.
        failures -> Int4,
    }
}

diesel::table! {
    /// Keys that sign what a webhook sends: one, or two while the receiver changes from one to the other.
    webhook_secret (id) {
        /// Identity; later ones sort after earlier ones.
        id -> Uuid,
        /// The webhook.
        webhook_id -> Uuid,
        /// The key, sealed.
        sealed -> Bytea,
        /// When it was made.
        created_at -> Timestamptz,
        /// From this instant on it no longer signs; null for the present one.
        expires_at -> Nullable<Timestamptz>,
    }
}

diesel::joinable!(compound_handover -> governance_body (governance_body_id));
diesel::joinable!(compound_handover -> party_organization (party_organization_id));
diesel::joinable!(compound_handover -> property_project (property_project_id));
diesel::joinable!(cross_appointment -> governance_body_member (governance_body_member_id));
diesel::joinable!(cross_appointment -> party_post (party_post_id));
diesel::joinable!(cross_appointment -> person (person_id));
diesel::joinable!(file -> blob (blob_id));
diesel::joinable!(governance_body_member -> person (person_id));
diesel::joinable!(grid_redivision_grid -> grid_redivision (redivision_id));
diesel::joinable!(household_grid -> household (household_id));
diesel::joinable!(import_failure -> import_run (run_id));
diesel::joinable!(job -> import_run (run_id));
diesel::joinable!(ownership -> person (person_id));
diesel::joinable!(party_membership -> person (person_id));
diesel::joinable!(party_post -> person (person_id));
diesel::joinable!(person_merge_move -> person_merge (merge_id));
diesel::joinable!(refresh_token -> session (session_id));
diesel::joinable!(role_grant -> account (account_id));
diesel::joinable!(session -> account (account_id));
diesel::joinable!(webhook_attempt -> webhook_delivery (delivery_id));
diesel::joinable!(webhook_delivery -> webhook (webhook_id));
diesel::joinable!(webhook_progress -> webhook (webhook_id));
diesel::joinable!(webhook_secret -> webhook (webhook_id));

diesel::allow_tables_to_appear_in_same_query!(
    account,
    api_key,
    blob,
    building,
    charter_inclusion,
    community,
    compound,
    compound_grid,
    compound_handover,
    cross_appointment,
    dwelling,
    event_epoch,
    file,
    governance_body,
    governance_body_member,
    grid,
    grid_lineage,
    grid_redivision,
    grid_redivision_building,
    grid_redivision_grid,
    grid_redivision_household,
    grid_size_band,
    household,
    household_grid,
    idempotency,
    import_failure,
    import_run,
    job,
    journal,
    journal_block,
    ownership,
    party_group_building,
    party_membership,
    party_organization,
    party_post,
    person,
    person_merge,
    person_merge_move,
    policy_document,
    property_company,
    property_project,
    refresh_token,
    role_grant,
    sealed_key,
    secret,
    session,
    signing_key,
    subdistrict,
    webhook,
    webhook_attempt,
    webhook_delivery,
    webhook_progress,
    webhook_secret,
);
