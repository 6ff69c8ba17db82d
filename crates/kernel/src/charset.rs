//! What the bytes of a file mean: UTF-8, with a byte order mark or without, or GB18030.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use encoding_rs::GB18030;

use crate::refusal::{Refusal, Result};
use crate::spool::broken;

/// Neither UTF-8 nor GB18030.
pub const ENCODING: Refusal = Refusal::invalid(
    "import.encoding",
    "文件编码既不是 UTF-8 也不是 GB18030;请在表格软件中另存为“CSV UTF-8”。",
    "The file is neither UTF-8 nor GB18030; save it as “CSV UTF-8”.",
);

/// The file in UTF-8 without a byte order mark: itself, or a decoded copy if it is GB18030.
pub(crate) fn utf8(mut file: File) -> Result<File> {
    let mut block = vec![0; 1 << 16];
    let mut kept = 0;
    let mut first = true;
    let mut mark = 0;
    let clean = loop {
        let read = file.read(block.get_mut(kept..).unwrap_or_default()).map_err(broken)?;
        let bytes = block.get(..kept + read).unwrap_or_default();
        if std::mem::take(&mut first) && bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
            mark = 3;
        }
        match std::str::from_utf8(bytes) {
            Ok(_) if read == 0 => break true,
            Ok(_) => kept = 0,
            // A character may be cut by the end of the block, though not by the end of the file.
            Err(error) if error.error_len().is_none() && read > 0 => {
                let tail = error.valid_up_to()..kept + read;
                kept = tail.len();
                block.copy_within(tail, 0);
            }
            Err(_) => break false,
        }
    };
    if clean && mark == 0 {
        file.rewind().map_err(broken)?;
        return Ok(file);
    }
    file.seek(SeekFrom::Start(mark)).map_err(broken)?;
    let mut copy = tempfile::tempfile().map_err(broken)?;
    if clean {
        std::io::copy(&mut file, &mut copy).map_err(broken)?;
    } else {
        decode_gb18030(&mut file, &mut copy)?;
    }
    copy.rewind().map_err(broken)?;
    Ok(copy)
}

fn decode_gb18030(from: &mut File, to: &mut File) -> Result<()> {
    let mut decoder = GB18030.new_decoder_without_bom_handling();
    let mut block = vec![0; 1 << 16];
    loop {
        let read = from.read(&mut block).map_err(broken)?;
        let mut text = String::with_capacity(decoder.max_utf8_buffer_length(read).unwrap_or(1 << 18));
        let (_, _, errors) = decoder.decode_to_string(block.get(..read).unwrap_or_default(), &mut text, read == 0);
        if errors {
            return Err((&ENCODING).into());
        }
        to.write_all(text.as_bytes()).map_err(broken)?;
        if read == 0 {
            return Ok(());
        }
    }
}

/// A short text, such as a name in an archive, in whichever of the two it is.
pub(crate) fn text(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| GB18030.decode_without_bom_handling(bytes).0.into_owned(), ToOwned::to_owned)
}
