//! Sealing anew what lies under former keys or another algorithm, a batch a transaction: after the exchange of a key, so that
//! the old one can be thrown away. What is done is seen from the values themselves, so it may stop anywhere and go on.

use diesel::sql_types::{Array, BigInt, Binary, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use serde::Serialize;
use uuid::Uuid;

use crate::cipher::MARK_BYTES;
use crate::db::Tx;
use crate::journal::Recorded;
use crate::refusal::Result;

/// Values that are sealed anew in one transaction.
const BATCH: i64 = 1_000;

/// A column of sealed values.
#[derive(Debug)]
pub struct SealedColumn {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// What its values are sealed for.
    pub purpose: &'static str,
    /// How many bytes stand before the sealed value, such as those of a hash.
    pub before: usize,
}

#[derive(QueryableByName)]
struct Value {
    #[diesel(sql_type = Text)]
    place: String,
    #[diesel(sql_type = Binary)]
    value: Vec<u8>,
}

/// What the journal keeps of a batch.
#[derive(Serialize)]
struct Batch {
    #[serde(skip)]
    id: Uuid,
    #[serde(skip)]
    area: String,
    table: &'static str,
    column: &'static str,
    values: usize,
}

impl Recorded for Batch {
    const KIND: &'static str = "rekey";

    fn id(&self) -> Uuid {
        self.id
    }

    fn area(&self) -> &str {
        &self.area
    }

    fn version(&self) -> i32 {
        1
    }
}

/// Seals a batch of a column anew and says how many values that were; none where all of them are sealed as they should
/// be. Rows that somebody else holds at the moment are left for a later batch.
pub async fn batch(tx: &Tx<'_>, sealed: &SealedColumn) -> Result<usize> {
    let cipher = tx.cipher()?;
    let SealedColumn { table, column, purpose, before } = sealed;
    let select = sql_query(format!(
        "select ctid::text as place, {column} as value from {table} where substring({column} from {} for {MARK_BYTES}) <> $1 limit $2 for update skip locked",
        before + 1
    ));
    let values: Vec<Value> = select.bind::<Binary, _>(cipher.mark()).bind::<BigInt, _>(BATCH).load(&mut tx.conn()).await?;
    if values.is_empty() {
        return Ok(0);
    }
    let mut anew = Vec::with_capacity(values.len());
    for Value { value, .. } in &values {
        let (head, body) = value.split_at_checked(*before).unwrap_or_default();
        anew.push([head, &cipher.seal(purpose, &cipher.open(purpose, body)?)?].concat());
    }
    let places: Vec<String> = values.into_iter().map(|value| value.place).collect();
    let update = sql_query(format!("update {table} t set {column} = n.value from unnest($1::tid[], $2) as n (place, value) where t.ctid = n.place"));
    let count = update.bind::<Array<Text>, _>(places).bind::<Array<Binary>, _>(anew).execute(&mut tx.conn()).await?;
    tx.record("rekey.done", None, &Batch { id: Uuid::now_v7(), area: tx.city.to_string(), table, column, values: count }, None)?;
    Ok(count)
}

/// How many values of a column are still sealed otherwise.
pub async fn left(tx: &Tx<'_>, sealed: &SealedColumn) -> Result<i64> {
    #[derive(QueryableByName)]
    struct Left {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let SealedColumn { table, column, before, .. } = sealed;
    let count = sql_query(format!("select count(*) from {table} where substring({column} from {} for {MARK_BYTES}) <> $1", before + 1));
    let left: Left = count.bind::<Binary, _>(tx.cipher()?.mark()).get_result(&mut tx.conn()).await?;
    Ok(left.count)
}
