//! What a file is: found from its content, whatever it is called, and whether such files are taken.

use std::fs::File;
use std::io::{Read, Seek};

use encoding_rs::{DecoderResult, GB18030};
use file_format::FileFormat;
use kernel::{Kind, Refusal, Result};

use kernel::spool::broken;

/// Neither of the kinds that are taken.
pub const NOT_TAKEN: Refusal = Refusal::new(
    Kind::Unsupported,
    "file.not_taken",
    "不接受此类文件(内容识别为 {found});可用:图片(JPEG、PNG、GIF、WebP、HEIC、TIFF)、PDF、Office 文档、文本和 CSV、ZIP。",
    "Such files are not taken (by its content it is {found}); these are: images (JPEG, PNG, GIF, WebP, HEIC, TIFF), PDF, Office documents, text and CSV, ZIP.",
);
/// Larger than files of its kind may be.
pub const TOO_LARGE: Refusal = Refusal::new(
    Kind::TooLarge,
    "file.too_large",
    "{media_type} 文件不得超过 {limit} 字节。",
    "A file of the type {media_type} may have {limit} bytes at most.",
);
/// Nothing in it.
pub const EMPTY: Refusal = Refusal::invalid("file.empty", "文件没有内容。", "The file is empty.");

/// The kinds of files, each with a limit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A picture.
    Image,
    /// A document, a table, slides.
    Document,
    /// Text without form.
    Text,
    /// Files in a file.
    Archive,
}

/// Bytes that files may have; none at all are taken of a kind whose limit is 0.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A picture.
    pub image: u64,
    /// A document.
    pub document: u64,
    /// A text.
    pub text: u64,
    /// An archive.
    pub archive: u64,
    /// All files together that one uploader has sent and that belong to nothing yet.
    pub loose: u64,
}

impl Limits {
    fn of(&self, class: Class) -> u64 {
        match class {
            Class::Image => self.image,
            Class::Document => self.document,
            Class::Text => self.text,
            Class::Archive => self.archive,
        }
    }

    /// Bytes that a file of any kind may have.
    #[must_use]
    pub fn most(&self) -> u64 {
        [self.image, self.document, self.text, self.archive].into_iter().max().unwrap_or(0)
    }
}

/// What is taken. No SVG and no HTML: they can run scripts.
static TAKEN: [(FileFormat, Class); 19] = [
    (FileFormat::JointPhotographicExpertsGroup, Class::Image),
    (FileFormat::PortableNetworkGraphics, Class::Image),
    (FileFormat::AnimatedPortableNetworkGraphics, Class::Image),
    (FileFormat::GraphicsInterchangeFormat, Class::Image),
    (FileFormat::Webp, Class::Image),
    (FileFormat::HighEfficiencyImageCoding, Class::Image),
    (FileFormat::HighEfficiencyImageFileFormat, Class::Image),
    (FileFormat::TagImageFileFormat, Class::Image),
    (FileFormat::PortableDocumentFormat, Class::Document),
    (FileFormat::OfficeOpenXmlDocument, Class::Document),
    (FileFormat::OfficeOpenXmlSpreadsheet, Class::Document),
    (FileFormat::OfficeOpenXmlPresentation, Class::Document),
    (FileFormat::MicrosoftWordDocument, Class::Document),
    (FileFormat::MicrosoftExcelSpreadsheet, Class::Document),
    (FileFormat::MicrosoftPowerpointPresentation, Class::Document),
    (FileFormat::OpendocumentText, Class::Document),
    (FileFormat::OpendocumentSpreadsheet, Class::Document),
    (FileFormat::OpendocumentPresentation, Class::Document),
    (FileFormat::Zip, Class::Archive),
];

/// The media type of a file by its content; refuses what is not taken and what is too large. `name` only tells CSV
/// from other text, which no content can.
pub fn check(mut file: &File, size: u64, name: &str, limits: &Limits) -> Result<&'static str> {
    if size == 0 {
        return Err((&EMPTY).into());
    }
    file.rewind().map_err(broken)?;
    let format = FileFormat::from_reader(file).unwrap_or_default();
    let (media_type, class) = match TAKEN.iter().find(|(taken, _)| *taken == format) {
        Some((taken, class)) => (taken.media_type(), *class),
        None if !is_active(format) && is_text(file)? => (if name.to_ascii_lowercase().ends_with(".csv") { "text/csv" } else { "text/plain" }, Class::Text),
        None => return Err(NOT_TAKEN.with("found", format.media_type()).into()),
    };
    match limits.of(class) {
        0 => Err(NOT_TAKEN.with("found", media_type).into()),
        limit if size > limit => Err(TOO_LARGE.with("media_type", media_type).with("limit", limit).into()),
        _ => Ok(media_type),
    }
}

/// Whether a program may run what is in it. (A text may begin by chance as some other format does.)
fn is_active(format: FileFormat) -> bool {
    ["html", "xml", "script", "executable"].iter().any(|word| format.media_type().contains(word))
}

/// Whether a file is text from beginning to end: UTF-8 or GB18030, without the characters that only programs use.
fn is_text(mut file: &File) -> Result<bool> {
    file.rewind().map_err(broken)?;
    // What is UTF-8 in the middle of a character may go on in the next block, so both are decoders with a memory.
    let mut decoders = [encoding_rs::UTF_8.new_decoder_with_bom_removal(), GB18030.new_decoder_without_bom_handling()].map(Some);
    let mut block = vec![0; 1 << 16];
    let mut text = String::with_capacity(1 << 18);
    loop {
        let read = file.read(&mut block).map_err(broken)?;
        let bytes = block.get(..read).unwrap_or_default();
        if bytes.iter().any(|byte| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c)) {
            return Ok(false);
        }
        for place in &mut decoders {
            text.clear();
            let decoded = place.as_mut().map(|decoder| decoder.decode_to_string_without_replacement(bytes, &mut text, read == 0).0);
            if decoded != Some(DecoderResult::InputEmpty) {
                *place = None;
            }
        }
        if decoders.iter().all(Option::is_none) {
            return Ok(false);
        }
        if read == 0 {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const LIMITS: Limits = Limits { image: 100, document: 100, text: 200_000, archive: 0, loose: 0 };

    fn checked(content: &[u8], name: &str) -> Result<&'static str, &'static str> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        check(&file, u64::try_from(content.len()).unwrap(), name, &LIMITS).map_err(|error| error.code().unwrap())
    }

    #[test]
    fn a_file_is_what_it_holds() {
        assert_eq!(checked(b"\x89PNG\r\n\x1a\n....", "a.pdf"), Ok("image/png"));
        assert_eq!(checked(b"%PDF-1.7\n", "photo.jpg"), Ok("application/pdf"));
        assert_eq!(checked("会议记录\n".as_bytes(), "a.exe"), Ok("text/plain"));
        assert_eq!(checked(&GB18030.encode("编码,名称\n").0, "表.CSV"), Ok("text/csv"));
        assert_eq!(checked(b"BM,MZ\n1,2\n", "a.csv"), Ok("text/csv"), "as a bitmap begins");
        // A character on the edge of two blocks.
        assert_eq!(checked(format!("x{}", "网".repeat(30_000)).as_bytes(), ""), Ok("text/plain"));
    }

    #[test]
    fn what_is_not_on_the_list_is_not_taken() {
        assert_eq!(checked(b"MZ\x90\0\x03\0\0\0", "photo.jpg"), Err("file.not_taken"));
        assert_eq!(checked(b"<!DOCTYPE html><script>alert(1)</script>", "a.txt"), Err("file.not_taken"));
        assert_eq!(checked(b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "a.png"), Err("file.not_taken"));
        assert_eq!(checked(b"abc\0def", "a.txt"), Err("file.not_taken"));
        assert_eq!(checked(&[0xe7, 0xbd, b'\n', 0xff], "a.txt"), Err("file.not_taken"));
        assert_eq!(checked(b"PK\x03\x04", "a.zip"), Err("file.not_taken"), "its limit is 0");
        assert_eq!(checked(b"", "a.txt"), Err("file.empty"));
        assert_eq!(checked(&[b"%PDF-1.7\n".as_slice(), &[b' '; 100]].concat(), ""), Err("file.too_large"));
    }
}
