//! Closed lists of words: one word in Postgres and JSON, one label for people's spreadsheets.

/// One word of a list, as an import and its template know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The word in API, code and tables.
    pub word: &'static str,
    /// What a clerk writes.
    pub zh: &'static str,
}

/// A closed list of words, for what does not care which list it is.
pub trait Labelled: Copy + Eq + 'static {
    /// Every one of the list, in order.
    const EVERY: &'static [Self];
    /// Its word, with the label.
    fn choice(self) -> Choice;
}

/// Declares a list of words with their Chinese labels.
///
/// ```ignore
/// text_enum!(/// What a grid is for. GridKind { /// In the city. Urban = "urban" "城市网格", … });
/// ```
#[macro_export]
macro_rules! text_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:tt $zh:tt),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash,
            $crate::macros::serde::Serialize, $crate::macros::serde::Deserialize,
            $crate::macros::utoipa::ToSchema,
            $crate::macros::diesel::expression::AsExpression, $crate::macros::diesel::deserialize::FromSqlRow,
        )]
        #[serde(crate = "kernel::macros::serde")]
        #[diesel(sql_type = $crate::macros::diesel::sql_types::Text)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// Every one of the list, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// Every word of the list, in order, with its label.
            pub const CHOICES: &'static [$crate::Choice] = &[$($crate::Choice { word: $word, zh: $zh }),+];

            /// The word in API, code and tables.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl $crate::Labelled for $name {
            const EVERY: &'static [Self] = Self::ALL;

            fn choice(self) -> $crate::Choice {
                match self { $(Self::$variant => $crate::Choice { word: $word, zh: $zh }),+ }
            }
        }

        impl $crate::macros::diesel::serialize::ToSql<$crate::macros::diesel::sql_types::Text, $crate::macros::diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut $crate::macros::diesel::serialize::Output<'b, '_, $crate::macros::diesel::pg::Pg>,
            ) -> $crate::macros::diesel::serialize::Result {
                $crate::macros::diesel::serialize::ToSql::<$crate::macros::diesel::sql_types::Text, $crate::macros::diesel::pg::Pg>::to_sql(self.word(), out)
            }
        }

        impl $crate::macros::diesel::deserialize::FromSql<$crate::macros::diesel::sql_types::Text, $crate::macros::diesel::pg::Pg> for $name {
            fn from_sql(value: $crate::macros::diesel::pg::PgValue<'_>) -> $crate::macros::diesel::deserialize::Result<Self> {
                match value.as_bytes() {
                    $(word if word == $word.as_bytes() => Ok(Self::$variant),)+
                    other => Err(format!("{} is no {}", String::from_utf8_lossy(other), stringify!($name)).into()),
                }
            }
        }
    };
}
