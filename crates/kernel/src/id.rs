//! Identities: one newtype a table, so that no id can be taken for another's.

/// Declares an id: a UUIDv7 that Postgres, JSON and the API document all know.
#[macro_export]
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            $crate::macros::serde::Serialize, $crate::macros::serde::Deserialize,
            $crate::macros::utoipa::ToSchema,
            $crate::macros::diesel::expression::AsExpression, $crate::macros::diesel::deserialize::FromSqlRow,
        )]
        #[serde(crate = "kernel::macros::serde", transparent)]
        #[schema(value_type = String, format = Uuid)]
        #[diesel(sql_type = $crate::macros::diesel::sql_types::Uuid)]
        pub struct $name(pub $crate::macros::uuid::Uuid);

        impl $name {
            /// A new id; later ones sort after earlier ones.
            #[must_use]
            pub fn fresh() -> Self {
                Self($crate::macros::uuid::Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<$name> for $crate::macros::uuid::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl From<$crate::macros::uuid::Uuid> for $name {
            fn from(id: $crate::macros::uuid::Uuid) -> Self {
                Self(id)
            }
        }

        impl $crate::macros::diesel::serialize::ToSql<$crate::macros::diesel::sql_types::Uuid, $crate::macros::diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut $crate::macros::diesel::serialize::Output<'b, '_, $crate::macros::diesel::pg::Pg>,
            ) -> $crate::macros::diesel::serialize::Result {
                $crate::macros::diesel::serialize::ToSql::<$crate::macros::diesel::sql_types::Uuid, $crate::macros::diesel::pg::Pg>::to_sql(&self.0, out)
            }
        }

        impl $crate::macros::diesel::deserialize::FromSql<$crate::macros::diesel::sql_types::Uuid, $crate::macros::diesel::pg::Pg> for $name {
            fn from_sql(value: $crate::macros::diesel::pg::PgValue<'_>) -> $crate::macros::diesel::deserialize::Result<Self> {
                <$crate::macros::uuid::Uuid as $crate::macros::diesel::deserialize::FromSql<
                    $crate::macros::diesel::sql_types::Uuid,
                    $crate::macros::diesel::pg::Pg,
                >>::from_sql(value)
                .map(Self)
            }
        }
    };
}
