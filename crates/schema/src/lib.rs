// @generated automatically by Diesel CLI.

pub mod sql_types {
    #[derive(Debug, Clone, Copy, diesel::query_builder::QueryId, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "xid8", schema = "pg_catalog"))]
    pub struct Xid8;
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

    /// Every change, appended in the transaction that made it: history, audit log and change feed are views of it.
    journal (xid, seq) {
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
    /// Keys that every replica must share; made by the migration, never sent out.
    secret (name) {
        /// What the key is for, such as "cursor".
        name -> Text,
        /// Random bytes.
        value -> Bytea,
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

diesel::joinable!(file -> blob (blob_id));
diesel::joinable!(household_grid -> household (household_id));
diesel::joinable!(import_failure -> import_run (run_id));
diesel::joinable!(job -> import_run (run_id));

diesel::allow_tables_to_appear_in_same_query!(
    api_key,
    blob,
    building,
    community,
    compound,
    compound_grid,
    file,
    grid,
    grid_size_band,
    household,
    household_grid,
    idempotency,
    import_failure,
    import_run,
    job,
    journal,
    secret,
    subdistrict,
);
