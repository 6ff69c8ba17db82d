//! The files of policy documents: their text and its annexes, each with the hash of its content (ORG-13).

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{Recorded, Result, View};
use schema::file;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::policy_document::{KIND, PolicyDocument};

/// A file of a policy document: its text, or an annex.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = file)]
pub struct DocumentFile {
    /// The file, as in `/v1/files`.
    pub id: Uuid,
    /// Its name.
    #[schema(max_length = 200, example = "通知.pdf")]
    pub name: String,
    /// What it is.
    #[schema(max_length = 100, example = "application/pdf")]
    pub media_type: String,
    /// Bytes.
    #[schema(minimum = 0)]
    pub size: i64,
    /// SHA-256 of its content, in hexadecimal.
    #[serde(rename = "sha256", serialize_with = "as_hex")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$", max_length = 64)]
    pub digest: Vec<u8>,
}

fn as_hex<S: Serializer>(digest: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// A policy document with its files.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FiledPolicyDocument {
    /// The document.
    #[serde(flatten)]
    pub document: PolicyDocument,
    /// What was attached to it, the oldest first.
    pub files: Vec<DocumentFile>,
}

impl Recorded for FiledPolicyDocument {
    const KIND: &'static str = KIND;

    fn id(&self) -> Uuid {
        self.document.id()
    }

    fn area(&self) -> &str {
        self.document.area()
    }

    fn version(&self) -> i32 {
        self.document.version
    }
}

/// Documents that the caller may see, each with its files.
pub(crate) async fn with_files(view: &View<'_>, documents: Vec<PolicyDocument>) -> Result<Vec<FiledPolicyDocument>> {
    let ids: Vec<Uuid> = documents.iter().map(|document| document.id.0).collect();
    let rows: Vec<(Option<Uuid>, DocumentFile)> = file::table
        .filter(file::object_kind.eq(KIND).and(file::object_id.eq_any(ids)))
        .order(file::id)
        .select((file::object_id, DocumentFile::as_select()))
        .load(&mut view.conn())
        .await?;
    let mut files = HashMap::<Option<Uuid>, Vec<DocumentFile>>::new();
    for (document, one) in rows {
        files.entry(document).or_default().push(one);
    }
    Ok(documents.into_iter().map(|document| FiledPolicyDocument { files: files.remove(&Some(document.id.0)).unwrap_or_default(), document }).collect())
}

/// A document that the caller may see, with its files.
pub(crate) async fn filed(view: &View<'_>, document: PolicyDocument) -> Result<FiledPolicyDocument> {
    let files = with_files(view, vec![document.clone()]).await?.pop().map(|filed| filed.files).unwrap_or_default();
    Ok(FiledPolicyDocument { document, files })
}
