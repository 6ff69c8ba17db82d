//! Files on their way in: written to the disk of this machine, whole, before anything is done with them, so that no
//! transaction waits for a client and one that hangs up leaves nothing.

use std::io::Write;
use std::time::Duration;

use actix_multipart::{Field, Multipart};
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::{Stream, StreamExt};
use kernel::spool::broken;
use kernel::{Error, Kind, Refusal};
use platform::blob::Spooled;
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::body::{BodyDigest, CUT_OFF};
use crate::problem::{Problem, TOO_LARGE, TOO_SLOW};

/// How long a file on its way in may pause; a thin line is no reason to refuse it, silence is.
const PATIENCE: Duration = Duration::from_secs(60);

/// A form without a file in it.
pub const NO_FILE: Refusal = Refusal::new(Kind::Malformed, "import.no_file", "表单中没有文件。", "There is no file in the form.");
/// A file that was compressed for the way.
pub const COMPRESSED: Refusal =
    Refusal::new(Kind::Unsupported, "file.compressed", "请不要使用 Content-Encoding 压缩文件。", "Send the file as it is, without Content-Encoding.");

/// The bytes of a file, for the document.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct FileBytes(pub Vec<u8>);

/// A file in a form, for the document.
#[derive(ToSchema)]
pub struct UploadForm {
    /// The file, whatever its name.
    #[schema(value_type = String, format = Binary)]
    pub file: Vec<u8>,
}

/// A file on its way in; nothing of it has been read.
pub struct Upload {
    request: HttpRequest,
    payload: Payload,
}

/// A file that has come in.
pub struct Received {
    /// Its content.
    pub content: Spooled,
    /// What its sender calls it, where a form says so.
    pub name: Option<String>,
}

impl FromRequest for Upload {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        std::future::ready(Ok(Self { request: request.clone(), payload: payload.take() }))
    }
}

impl Upload {
    /// Writes the file to disk: the body itself, or the first file of a form.
    pub async fn spool(self, limit: u64) -> Result<Received, Problem> {
        let Self { request, payload } = self;
        if request.headers().contains_key(CONTENT_ENCODING) {
            return Err((&COMPRESSED).into());
        }
        let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(0_u64);
        if announced > limit {
            return Err(TOO_LARGE.with("limit", limit).into());
        }
        let received = if request.content_type().eq_ignore_ascii_case("multipart/form-data") {
            let mut form = Multipart::new(request.headers(), payload);
            loop {
                let field = form.next().await.ok_or(&NO_FILE)?.map_err(|_| Problem::from(&CUT_OFF))?;
                if let Some(name) = file_name(&field) {
                    break Received { content: write(field.map(|block| block.map_err(drop)), limit).await?, name: Some(name) };
                }
            }
        } else {
            Received { content: write(payload.map(|block| block.map_err(drop)), limit).await?, name: None }
        };
        request.extensions_mut().insert(BodyDigest(received.content.digest.clone()));
        Ok(received)
    }
}

/// The name of a part of a form that is a file.
fn file_name(field: &Field) -> Option<String> {
    let disposition = field.content_disposition()?;
    let extended = disposition.get_filename_ext().and_then(|name| String::from_utf8(name.value.clone()).ok());
    extended.or_else(|| disposition.get_filename().map(ToOwned::to_owned))
}

/// Writes blocks to a temporary file, which vanishes with its handle.
async fn write(blocks: impl Stream<Item = Result<Bytes, ()>>, limit: u64) -> Result<Spooled, Problem> {
    let mut blocks = std::pin::pin!(blocks);
    let mut file = tempfile::tempfile().map_err(broken)?;
    let mut digest = Sha256::new();
    let mut size = 0_u64;
    while let Some(block) = timeout(PATIENCE, blocks.next()).await.map_err(|_| Problem::from(TOO_SLOW.with("seconds", PATIENCE.as_secs())))? {
        let block = block.map_err(|()| Problem::from(&CUT_OFF))?;
        size += u64::try_from(block.len()).unwrap_or(u64::MAX);
        if size > limit {
            return Err(TOO_LARGE.with("limit", limit).into());
        }
        digest.update(&block);
        file = actix_web::rt::task::spawn_blocking(move || file.write_all(&block).map(|()| file))
            .await
            .map_err(|error| Error::Internal(error.to_string()))?
            .map_err(broken)?;
    }
    Ok(Spooled { file, digest: digest.finalize().to_vec(), size })
}
