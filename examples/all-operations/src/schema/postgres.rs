// @generated from the migrations. Regenerate it with `migrate schema --dialect postgres --write FILE`.
//
// Unknown: 2 declare_audit runs raw SQL that may have created, changed or dropped `old_view`; describe it with `.changes(..)`.
//
// Omitted: `members`, because it has no primary key.

pub mod sql_types {
    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "weather"))]
    pub struct Weather;
}

diesel::table! {
    audit (id) {
        id -> Int8,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::Weather;

    diary (id) {
        id -> Uuid,
        mood -> Text,
        weather -> Nullable<Weather>,
        title -> Text,
        entry -> Jsonb,
        day -> Date,
        tags -> Array<Nullable<Text>>,
        address -> Nullable<Inet>,
    }
}

diesel::table! {
    documents (id) {
        id -> Int8,
        a_timestamptz -> Timestamptz,
        a_json -> Json,
        a_jsonb -> Nullable<Jsonb>,
    }
}

diesel::table! {
    measurements (key) {
        a_small_int -> Int2,
        an_integer -> Int4,
        key -> Int8,
        a_float -> Float4,
        a_double -> Float8,
        a_numeric -> Numeric,
        a_bool -> Bool,
        no_bool -> Nullable<Bool>,
        a_text -> Text,
        bytes -> Nullable<Bytea>,
        a_time -> Time,
        a_timestamp -> Timestamp,
        twice -> Int4,
    }
}

diesel::table! {
    people (id) {
        id -> Int8,
        #[max_length = 200]
        email -> Nullable<Varchar>,
        #[max_length = 200]
        name -> Varchar,
        birthday -> Nullable<Date>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        #[max_length = 200]
        handle -> Varchar,
        visits -> Int4,
    }
}

diesel::allow_tables_to_appear_in_same_query!(audit, diary, documents, measurements, people,);
