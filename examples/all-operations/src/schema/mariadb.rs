// @generated from the migrations. Regenerate it with `migrate schema --dialect mariadb --write FILE`.
//
// Unknown: 2 declare_audit runs raw SQL that may have created, changed or dropped `old_view`; describe it with `.changes(..)`.
//
// Omitted: `members`, because it has no primary key.

pub mod sql_types {
    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(mysql_type(name = "Enum"))]
    pub struct NotesMoodEnum;
}

diesel::table! {
    audit (id) {
        id -> Bigint,
    }
}

diesel::table! {
    documents (id) {
        id -> Bigint,
        a_timestamptz -> Timestamp,
        a_json -> Longtext,
        a_jsonb -> Nullable<Longtext>,
    }
}

diesel::table! {
    measurements (key) {
        a_small_int -> Smallint,
        an_integer -> Integer,
        key -> Bigint,
        a_float -> Float,
        a_double -> Double,
        a_numeric -> Decimal,
        a_bool -> Bool,
        no_bool -> Nullable<Bool>,
        a_text -> Longtext,
        bytes -> Nullable<Longblob>,
        a_time -> Time,
        a_timestamp -> Datetime,
        twice -> Nullable<Integer>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::NotesMoodEnum;

    notes (id) {
        id -> Bigint,
        #[max_length = 100]
        title -> Varchar,
        age -> Unsigned<Integer>,
        tiny -> Nullable<Tinyint>,
        #[max_length = 5]
        mood -> NotesMoodEnum,
        body -> Mediumtext,
        stars -> Integer,
        thrice -> Nullable<Integer>,
    }
}

diesel::table! {
    people (id) {
        id -> Bigint,
        #[max_length = 200]
        email -> Nullable<Varchar>,
        #[max_length = 200]
        name -> Varchar,
        birthday -> Nullable<Date>,
        created_at -> Datetime,
        updated_at -> Datetime,
        #[max_length = 200]
        handle -> Varchar,
        visits -> Integer,
    }
}

diesel::allow_tables_to_appear_in_same_query!(audit, documents, measurements, notes, people,);
