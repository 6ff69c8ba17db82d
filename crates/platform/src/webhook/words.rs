//! Lists of words, as Postgres keeps them.

use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{Output, ToSql};
use diesel::sql_types::{Array, Nullable, Text};
use kernel::text::Key;

/// An array of words.
#[derive(Clone, Debug, AsExpression, FromSqlRow)]
#[diesel(sql_type = Array<Nullable<Text>>)]
pub struct Words(Vec<Key>);

impl From<Vec<Key>> for Words {
    fn from(words: Vec<Key>) -> Self {
        Self(words)
    }
}

impl From<Words> for Vec<Key> {
    fn from(words: Words) -> Self {
        words.0
    }
}

impl FromSql<Array<Nullable<Text>>, Pg> for Words {
    fn from_sql(value: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        let words = <Vec<Option<Key>> as FromSql<Array<Nullable<Text>>, Pg>>::from_sql(value)?;
        Ok(Self(words.into_iter().flatten().collect()))
    }
}

impl ToSql<Array<Nullable<Text>>, Pg> for Words {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
        let words: Vec<Option<&Key>> = self.0.iter().map(Some).collect();
        <Vec<Option<&Key>> as ToSql<Array<Nullable<Text>>, Pg>>::to_sql(&words, &mut out.reborrow())
    }
}
