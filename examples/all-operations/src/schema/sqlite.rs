// @generated from the migrations. Regenerate it with `migrate schema --dialect sqlite --write FILE`.
//
// Unknown: 2 declare_audit runs raw SQL that may have created, changed or dropped `old_view`; describe it with `.changes(..)`.

diesel::table! {
    audit (id) {
        id -> BigInt,
    }
}

diesel::table! {
    documents (id) {
        id -> BigInt,
        a_timestamptz -> TimestamptzSqlite,
        a_json -> Json,
        a_jsonb -> Nullable<Jsonb>,
    }
}

diesel::table! {
    measurements (key) {
        a_small_int -> SmallInt,
        an_integer -> Integer,
        key -> BigInt,
        a_float -> Float,
        a_double -> Double,
        a_numeric -> Double,
        a_bool -> Bool,
        no_bool -> Nullable<Bool>,
        a_text -> Text,
        bytes -> Nullable<Binary>,
        a_time -> Time,
        a_timestamp -> Timestamp,
        twice -> Integer,
    }
}

diesel::table! {
    members (rowid) {
        rowid -> BigInt,
        person_id -> BigInt,
        role -> Text,
        team -> Text,
    }
}

diesel::table! {
    notes (id) {
        id -> BigInt,
        title -> Text,
        shade -> Integer,
        // Omitted: "place", because Diesel has no type for named geometry.
        stars -> Integer,
        thrice -> Integer,
    }
}

diesel::table! {
    people (id) {
        id -> BigInt,
        email -> Nullable<Text>,
        name -> Text,
        birthday -> Nullable<Date>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        handle -> Text,
        visits -> Integer,
    }
}

diesel::joinable!(members -> people (person_id));

diesel::allow_tables_to_appear_in_same_query!(
    audit,
    documents,
    measurements,
    members,
    notes,
    people,
);
