//! The content of files on its way out: whole, or the part that a `Range` asks for; always as a file to be kept,
//! never to be shown in a page.

use std::collections::BTreeMap;
use std::ops::Range;
use std::pin::Pin;

use actix_web::body::SizedStream;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_RANGE, ETAG, HeaderName, IF_NONE_MATCH, IF_RANGE, RANGE};
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder};
use futures_util::{Stream, StreamExt};
use kernel::{Error, Kind, Refusal};
use platform::blob::{Blobs, hex};
use platform::file::File;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, HeaderBuilder, RefOr, Response, ResponseBuilder};
use utoipa::{IntoParams, IntoResponses};

use crate::download::disposition;
use crate::problem::Problem;

/// A part that the content does not have.
pub const OUT_OF_RANGE: Refusal =
    Refusal::new(Kind::OutOfRange, "file.out_of_range", "Range 超出文件范围:文件共 {size} 字节。", "The range lies outside the file, which has {size} bytes.");

/// What a caller wants of a content, and what he has of it already.
#[derive(Default, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Wanted {
    /// Which bytes, such as `bytes=0-1023` · 所需的字节范围
    #[param(rename = "Range", max_length = 200)]
    range: Option<String>,
    /// The tag that the content must still have for a range of it to be sent · 内容未变时才返回范围
    #[param(rename = "If-Range", max_length = 200)]
    if_range: Option<String>,
    /// Tags of contents that you have: 304 if it is one of them · 已有内容的标签
    #[param(rename = "If-None-Match", max_length = 200)]
    if_none_match: Option<String>,
}

impl FromRequest for Wanted {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let header = |name: HeaderName| request.headers().get(name).and_then(|header| header.to_str().ok()).map(ToOwned::to_owned);
        std::future::ready(Ok(Self { range: header(RANGE), if_range: header(IF_RANGE), if_none_match: header(IF_NONE_MATCH) }))
    }
}

/// What is sent of a content.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// Nothing: the caller has it.
    None,
    /// All of it.
    Whole,
    /// These bytes.
    Bytes(Range<u64>),
    /// What was asked for is not there.
    Outside,
}

impl Wanted {
    /// What is to be sent of a content of this size under this tag.
    fn part(&self, tag: &str, size: u64) -> Part {
        let tags = self.if_none_match.as_deref().unwrap_or_default().split(',').map(|one| one.trim().trim_start_matches("W/"));
        if tags.into_iter().any(|known| known == tag || known == "*") {
            return Part::None;
        }
        match self.range.as_deref().filter(|_| self.if_range.as_deref().is_none_or(|known| known == tag)).and_then(one_range) {
            None => Part::Whole,
            Some((Some(first), _)) if first >= size => Part::Outside,
            Some((Some(first), last)) => Part::Bytes(first..last.map_or(size, |last| size.min(last.saturating_add(1)))),
            // The last so many bytes.
            Some((None, Some(0))) => Part::Outside,
            Some((None, _)) if size == 0 => Part::Outside,
            Some((None, last)) => Part::Bytes(size.saturating_sub(last.unwrap_or(size))..size),
        }
    }
}

/// The one range of bytes that a header names. Several, or what is none, are answered with the whole, as RFC 9110 lets.
fn one_range(header: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (first, last) = header.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse::<u64>().ok() } else { None };
    match (first.trim(), last.trim()) {
        ("", last) => Some((None, Some(number(last)?))),
        (first, "") => Some((Some(number(first)?), None)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some((Some(first), Some(last)))
        }
    }
}

type Blocks = Pin<Box<dyn Stream<Item = Result<Bytes, Error>>>>;

/// A content, or a part of it.
pub struct Content {
    file: File,
    part: Part,
    blocks: Blocks,
}

impl Content {
    /// What the caller wants of the content of a file.
    pub async fn of(file: File, wanted: &Wanted, blobs: &Blobs) -> Result<Self, Problem> {
        let size = u64::try_from(file.size).unwrap_or(0);
        let part = wanted.part(&tag(&file), size);
        let range = match &part {
            Part::None => 0..0,
            Part::Whole => 0..size,
            Part::Bytes(range) => range.clone(),
            Part::Outside => return Err(Problem::out_of_range(&OUT_OF_RANGE, size)),
        };
        let blocks = blobs.read(file.blob_id, &file.digest, range).await?.boxed_local();
        Ok(Self { file, part, blocks })
    }
}

/// The strong `ETag` of a content.
fn tag(file: &File) -> String {
    format!("\"{}\"", hex(&file.digest))
}

impl Responder for Content {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let size = u64::try_from(self.file.size).unwrap_or(0);
        let mut response = HttpResponse::build(match self.part {
            Part::None => StatusCode::NOT_MODIFIED,
            Part::Bytes(_) => StatusCode::PARTIAL_CONTENT,
            _ => StatusCode::OK,
        });
        response.insert_header((ETAG, tag(&self.file))).insert_header((ACCEPT_RANGES, "bytes"));
        let length = match &self.part {
            Part::None | Part::Outside => return response.finish(),
            Part::Whole => size,
            Part::Bytes(range) => {
                response.insert_header((CONTENT_RANGE, format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1))));
                range.end - range.start
            }
        };
        response
            .content_type(self.file.media_type)
            .insert_header((CONTENT_DISPOSITION, disposition(self.file.name.as_str())))
            // Its length and its tag are of the content as it is.
            .insert_header((CONTENT_ENCODING, "identity"))
            .body(SizedStream::new(length, self.blocks))
    }
}

impl IntoResponses for Content {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let text = || ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).build();
        let response = |description: &str, headers: &[(&str, &str)]| {
            let response = headers.iter().fold(ResponseBuilder::new().description(description), |response, (name, description)| {
                response.header(*name, HeaderBuilder::new().schema(Some(text())).description(Some(*description)).build())
            });
            response.content("*/*", ContentBuilder::new().schema(Some(text())).build()).build()
        };
        let tag = ("ETag", "SHA-256 of the content, quoted · 内容的 SHA-256,带引号");
        BTreeMap::from([
            ("200".to_owned(), response("The content · 内容", &[tag, ("Accept-Ranges", "bytes")]).into()),
            ("206".to_owned(), response("A part of the content · 部分内容", &[tag, ("Content-Range", "Which part · 所返回的范围")]).into()),
            ("304".to_owned(), ResponseBuilder::new().description("You have this content · 内容未变").build().into()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(range: &str) -> Part {
        Wanted { range: Some(range.to_owned()), ..Wanted::default() }.part("\"t\"", 10)
    }

    #[test]
    fn one_range_is_a_part_and_all_else_the_whole() {
        assert_eq!(part("bytes=0-3"), Part::Bytes(0..4));
        assert_eq!(part("bytes=7-"), Part::Bytes(7..10));
        assert_eq!(part("bytes=-3"), Part::Bytes(7..10));
        assert_eq!(part("bytes=-99"), Part::Bytes(0..10));
        assert_eq!(part("bytes=9-18446744073709551615"), Part::Bytes(9..10));
        for outside in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(part(outside), Part::Outside, "{outside}");
        }
        for whole in ["bytes=3-1", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b", "bytes=-", "bytes=+1-2", ""] {
            assert_eq!(part(whole), Part::Whole, "{whole}");
        }
    }

    #[test]
    fn what_the_caller_has_is_not_sent_and_a_part_of_something_else_neither() {
        let wanted = |if_range: &str, if_none_match: &str| Wanted {
            range: Some("bytes=0-0".to_owned()),
            if_range: Some(if_range.to_owned()),
            if_none_match: Some(if_none_match.to_owned()),
        };
        assert_eq!(wanted("\"t\"", "\"u\"").part("\"t\"", 10), Part::Bytes(0..1));
        assert_eq!(wanted("\"u\"", "").part("\"t\"", 10), Part::Whole);
        assert_eq!(wanted("W/\"t\"", "").part("\"t\"", 10), Part::Whole, "a weak tag is no ground for a part");
        assert_eq!(wanted("\"t\"", "\"u\", W/\"t\"").part("\"t\"", 10), Part::None);
    }
}
