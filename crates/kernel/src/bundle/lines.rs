//! A bundle that is NDJSON: each line says of which resource its row is.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, Write};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{LINES, NO_SUCH_RESOURCE, NOT_A_BUNDLE, NOT_A_ROW, Part, Terms, refuse};
use crate::refusal::{Error, Refused, Result};
use crate::sheet::Sheet;
use crate::spool::broken;
use crate::tabular::{MOST_LINE, ROW_TOO_LONG};

/// Lines at fault after which no more are looked for.
const MOST_FAULTS: usize = 100;
/// Signs of a resource that there is not, which are told.
const SHOWN: usize = 60;

/// A line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    resource: String,
    row: Map<String, Value>,
}

/// The rows of one resource, on their way into a file of their own.
struct Stream {
    sheet: &'static Sheet,
    content: BufWriter<File>,
    /// Lines written.
    lines: u32,
}

impl Stream {
    /// Writes a row. Where rows of others stood there are empty lines here, so each has the number that it has in the bundle.
    fn add(&mut self, line: u32, row: &Map<String, Value>) -> Result<()> {
        while self.lines + 1 < line {
            self.content.write_all(b"\n").map_err(broken)?;
            self.lines += 1;
        }
        serde_json::to_writer(&mut self.content, row).map_err(|error| broken(error.into()))?;
        self.content.write_all(b"\n").map_err(broken)?;
        self.lines = line;
        Ok(())
    }

    fn end(self) -> Result<Part> {
        let mut content = self.content.into_inner().map_err(|error| broken(error.into_error()))?;
        content.rewind().map_err(broken)?;
        Ok(Part { sheet: self.sheet, name: None, content })
    }
}

/// Divides the rows among files of one resource each.
pub(super) fn split(file: File, terms: &Terms) -> Result<Vec<Part>> {
    let mut lines = BufReader::new(file);
    let mut streams = Vec::<Stream>::new();
    let mut faults = Vec::new();
    let mut text = Vec::new();
    let (mut line, mut begun) = (0, false);
    while faults.len() < MOST_FAULTS {
        text.clear();
        if (&mut lines).take(MOST_LINE).read_until(b'\n', &mut text).map_err(broken)? == 0 {
            break;
        }
        line += 1;
        let whole = text.last() == Some(&b'\n') || lines.fill_buf().map_err(broken)?.is_empty();
        if !whole {
            return Err((&ROW_TOO_LONG).into());
        }
        let row = text.trim_ascii();
        if row.is_empty() {
            continue;
        }
        if !begun && row.first() != Some(&b'{') {
            return Err((&NOT_A_BUNDLE).into());
        }
        begun = true;
        match read(row, line, terms) {
            Ok((sheet, row)) => stream(&mut streams, sheet)?.add(line, &row)?,
            Err(refused) => faults.push(refused.into_fault()),
        }
    }
    refuse(&LINES, faults)?;
    terms.insist(streams.iter().map(|stream| stream.sheet))?;
    streams.into_iter().map(Stream::end).collect()
}

/// Reads a line: of which resource it is, and the row.
fn read(text: &[u8], line: u32, terms: &Terms) -> Result<(&'static Sheet, Map<String, Value>), Refused> {
    let Ok(Line { resource, row }) = serde_json::from_slice(text) else { return Err(NOT_A_ROW.at(format!("/{line}")).with("line", line)) };
    match terms.sheets.iter().find(|sheet| sheet.resource == resource || sheet.zh == resource) {
        Some(sheet) => Ok((*sheet, row)),
        None => {
            let name: String = resource.chars().take(SHOWN).collect();
            Err(NO_SUCH_RESOURCE.at(format!("/{line}/resource")).with("line", line).with("name", name).with("names", terms.names()))
        }
    }
}

/// The file of a resource, which is begun with its first row.
fn stream<'a>(streams: &'a mut Vec<Stream>, sheet: &'static Sheet) -> Result<&'a mut Stream> {
    let index = match streams.iter().position(|stream| stream.sheet.resource == sheet.resource) {
        Some(index) => index,
        None => {
            let content = BufWriter::new(tempfile::tempfile().map_err(broken)?);
            streams.push(Stream { sheet, content, lines: 0 });
            streams.len() - 1
        }
    };
    streams.get_mut(index).ok_or_else(|| Error::Internal("a file of a bundle is gone".to_owned()))
}
