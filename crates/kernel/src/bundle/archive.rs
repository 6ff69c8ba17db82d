//! A bundle that is a zip. What it says of itself is hostile input: names are never used as paths, and what comes out of it
//! is counted while it comes.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek, Write};

use zip::ZipArchive;

use super::{DAMAGED, FILE_DAMAGED, FILES, FOLDER, IS_A_WORKBOOK, MOST_FILES, NAME_DOUBLED, NESTED, Part, TOO_LARGE, TOO_MANY_FILES, Terms, faults_of, refuse};
use crate::charset::text;
use crate::refusal::{Error, Refused, Result};
use crate::sheet::Sheet;
use crate::spool::broken;
use crate::tabular::{WORKBOOK, WORKBOOK_BYTES, weigh};

/// What every workbook has in it, and no other archive.
const WORKBOOK_MARK: &str = "[Content_Types].xml";
/// Bytes that are unpacked at a time.
const BLOCK: usize = 1 << 16;
/// Signs of a name that are kept, from its end, where it says what the file is.
const LONGEST: usize = 255;

/// A file of the archive whose name says what is in it.
struct Meant {
    index: usize,
    name: String,
    sheet: &'static Sheet,
}

/// Unpacks the files of an archive, each into a file of its own.
pub(super) fn open(file: File, terms: &Terms) -> Result<Vec<Part>> {
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|_| Error::from(&DAMAGED))?;
    if archive.index_for_name(WORKBOOK_MARK).is_some() {
        return Err((&IS_A_WORKBOOK).into());
    }
    if archive.len() > MOST_FILES {
        return Err(TOO_MANY_FILES.with("most", MOST_FILES).into());
    }
    if archive.has_duplicate_names() {
        return Err((&NAME_DOUBLED).into());
    }
    let files = meant(&archive, terms)?;
    terms.insist(files.iter().map(|file| file.sheet))?;
    let mut parts = Vec::new();
    let mut faults = Vec::new();
    let (mut left, mut left_of_workbooks) = (terms.limit, WORKBOOK_BYTES);
    for Meant { index, name, sheet } in files {
        let Some(mut content) = unpack(&mut archive, index, &mut left, terms.limit)? else {
            faults.push(FILE_DAMAGED.at(&name).with("name", &name).into_fault());
            continue;
        };
        match look_inside(&mut content, &name, &mut left_of_workbooks) {
            Ok(()) => parts.push(Part { sheet, name: Some(name), content }),
            Err(error) => faults.extend(faults_of(&name, error)?),
        }
    }
    refuse(&FILES, faults)?;
    Ok(parts)
}

/// What is in the files by their names. Refuses where a name says nothing, or where the sizes that the archive declares are too
/// much already.
fn meant(archive: &ZipArchive<BufReader<File>>, terms: &Terms) -> Result<Vec<Meant>> {
    let mut files = Vec::new();
    let mut faults = Vec::new();
    let mut declared = 0_u64;
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(|_| Error::from(&DAMAGED))?;
        declared = declared.saturating_add(entry.size());
        let name = end_of(&text(entry.name_raw()));
        match in_name(&name, entry.is_dir(), terms) {
            Ok(sheet) => files.push(Meant { index, name, sheet }),
            Err(refused) => faults.push(refused.at(&name).into_fault()),
        }
    }
    if declared > terms.limit {
        return Err(TOO_LARGE.with("limit", terms.limit).into());
    }
    refuse(&FILES, faults)?;
    Ok(files)
}

/// The end of a name that is longer than any file's.
fn end_of(name: &str) -> String {
    name.chars().skip(name.chars().count().saturating_sub(LONGEST)).collect()
}

/// What the name of a file says; of a path, its last part alone counts.
fn in_name(name: &str, is_folder: bool, terms: &Terms) -> Result<&'static Sheet, Refused> {
    let own = name.rsplit(['/', '\\']).next().unwrap_or_default();
    if is_folder || own.is_empty() { Err(FOLDER.with("name", name)) } else { (terms.in_name)(own) }
}

/// Unpacks a file, and takes what really comes out of it from what is left. None where it is damaged, or packed in a way that is
/// not supported.
fn unpack(archive: &mut ZipArchive<BufReader<File>>, index: usize, left: &mut u64, limit: u64) -> Result<Option<File>> {
    let Ok(mut packed) = archive.by_index(index) else { return Ok(None) };
    let mut content = tempfile::tempfile().map_err(broken)?;
    let mut block = vec![0; BLOCK];
    loop {
        let read = match packed.read(&mut block) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return Ok(None),
        };
        let size = u64::try_from(read).unwrap_or(u64::MAX);
        *left = left.checked_sub(size).ok_or_else(|| Error::from(TOO_LARGE.with("limit", limit)))?;
        content.write_all(block.get(..read).unwrap_or_default()).map_err(broken)?;
    }
    content.rewind().map_err(broken)?;
    Ok(Some(content))
}

/// Refuses an archive within the archive, unless it is a workbook, which unpacks in its turn; all of them together may unpack to
/// what a single one may.
fn look_inside(content: &mut File, name: &str, left: &mut u64) -> Result<()> {
    let mut start = [0; 4];
    let read = content.read(&mut start).map_err(broken)?;
    content.rewind().map_err(broken)?;
    if !matches!(start.get(..read), Some([b'P', b'K', 3, 4])) {
        return Ok(());
    }
    let inner = ZipArchive::new(BufReader::new(&mut *content)).map_err(|_| Error::from(&WORKBOOK))?;
    let is_workbook = inner.index_for_name(WORKBOOK_MARK).is_some();
    drop(inner);
    if !is_workbook {
        return Err(NESTED.with("name", name).into());
    }
    let weight = weigh(content, *left)?;
    *left -= weight;
    Ok(())
}
