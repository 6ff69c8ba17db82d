//! Files as answers: streamed from disk block by block, whole or not at all.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

use actix_web::body::SizedStream;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, Responder};
use futures_util::stream;
use utoipa::IntoResponses;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, RefOr, Response, ResponseBuilder};

/// A file to be kept by the caller.
pub struct Download {
    /// What it holds.
    pub file: File,
    /// Its media type.
    pub media_type: &'static str,
    /// The name to keep it under; percent-encoded for the header.
    pub name: String,
    /// Whether a byte order mark goes first, as some spreadsheets need.
    pub mark: bool,
}

/// Bytes of a file that are sent at a time.
const BLOCK: usize = 1 << 16;

impl Responder for Download {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mark: &'static [u8] = if self.mark { "\u{feff}".as_bytes() } else { b"" };
        let length = self.file.metadata().map_or(0, |metadata| metadata.len()) + u64::try_from(mark.len()).unwrap_or(0);
        let start = (!mark.is_empty()).then(|| Bytes::from_static(mark));
        let blocks = stream::unfold((start, self.file), async |(start, file)| match start {
            Some(mark) => Some((Ok(mark), (None, file))),
            // Reading may wait for the disk, so it is done off the event loop.
            None => actix_web::rt::task::spawn_blocking(move || read_block(file)).await.ok()?.map(|(block, file)| (block, (None, file))),
        });
        HttpResponse::Ok().content_type(self.media_type).insert_header((CONTENT_DISPOSITION, disposition(&self.name))).body(SizedStream::new(length, blocks))
    }
}

/// The header of a content that is to be kept as a file, never to be shown in a page.
pub(crate) fn disposition(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let encoded: String = name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect();
    format!("attachment; filename*=UTF-8''{encoded}")
}

fn read_block(mut file: File) -> Option<(std::io::Result<Bytes>, File)> {
    let mut block = vec![0; BLOCK];
    match file.read(&mut block) {
        Ok(0) => None,
        Ok(read) => {
            block.truncate(read);
            Some((Ok(block.into()), file))
        }
        Err(error) => Some((Err(error), file)),
    }
}

impl IntoResponses for Download {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let text = ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).build();
        let response = ["text/csv", "application/x-ndjson", kernel::export::FileForm::Xlsx.media_type()]
            .into_iter()
            .fold(ResponseBuilder::new().description("The file · 文件"), |response, media_type| {
                response.content(media_type, ContentBuilder::new().schema(Some(text.clone())).build())
            });
        BTreeMap::from([("200".to_owned(), response.build().into())])
    }
}
