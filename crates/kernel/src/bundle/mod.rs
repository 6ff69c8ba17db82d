//! Bundles: one file that brings rows of several resources, in whatever order it has them: a zip of files, or NDJSON of
//! which each line says what its row is. It is taken apart into files of one resource each, in the order in which these
//! are loaded; nothing of it is stored here.

mod archive;
mod lines;
mod pack;

use std::fs::File;
use std::io::{Read, Seek};
use std::sync::Arc;

pub use self::pack::pack;
use crate::actor::{Actor, FORBIDDEN};
use crate::charset::{ENCODING, utf8};
use crate::refusal::{Error, Fault, Kind, Refusal, Refused, Result};
use crate::sheet::Sheet;
use crate::spool::broken;
use crate::tabular::Table;

/// Files that a zip may hold.
pub const MOST_FILES: usize = 100;

/// Neither of the two forms.
pub const NOT_A_BUNDLE: Refusal = Refusal::invalid(
    "import.not_a_bundle",
    "文件既不是 zip 压缩包,也不是每行一个 JSON 对象的 NDJSON;单个表格请发送到 /v1/imports/ 后加资源名的地址。",
    "The file is neither a zip nor NDJSON with a JSON object on each line; send a single table to /v1/imports/ and the name of its resource.",
);
/// Nothing in it.
pub const EMPTY: Refusal = Refusal::invalid("import.bundle_empty", "包中没有任何文件或行。", "There is neither a file nor a row in the bundle.");
/// A zip that cannot be opened.
pub const DAMAGED: Refusal = Refusal::invalid(
    "import.bundle_damaged",
    "压缩包无法打开:已损坏或没有传完;请重新打包,并完整发送。",
    "The zip cannot be opened: it is damaged or cut off; pack it again and send it whole.",
);
/// A workbook, which is a zip too.
pub const IS_A_WORKBOOK: Refusal = Refusal::invalid(
    "import.bundle_is_a_workbook",
    "这是一个工作簿,不是压缩包;请发送到 /v1/imports/ 后加资源名的地址,或放入 zip 再发送。",
    "This is a workbook, no bundle; send it to /v1/imports/ and the name of its resource, or put it into a zip.",
);
/// More than is imported at once.
pub const TOO_LARGE: Refusal = Refusal::new(
    Kind::TooLarge,
    "import.bundle_too_large",
    "包解压后超过 {limit} 字节;整包是即时导入的,请把大文件单独导入,或分成几个包。",
    "The bundle unpacks to more than {limit} bytes; as it is imported at once, send its large files by themselves, or divide it.",
);
/// More files than anybody sends.
pub const TOO_MANY_FILES: Refusal =
    Refusal::invalid("import.bundle_too_many_files", "压缩包中的文件超过 {most} 个;请分成几个包。", "There are more than {most} files in the zip; divide it.");
/// One name for two files.
pub const NAME_DOUBLED: Refusal = Refusal::invalid(
    "import.bundle_name_doubled",
    "压缩包中有两个文件同名;请改名后重新打包。",
    "Two files in the zip have the same name; give them different ones and pack it again.",
);
/// Files that cannot be imported, whatever their rows say.
pub const FILES: Refusal = Refusal::invalid(
    "import.bundle_files",
    "包中有不能导入的文件(见 errors),因此全部未导入;请更正后重新发送整包。",
    "There are files in the bundle that cannot be imported (see errors), so nothing was; mend them and send the whole bundle again.",
);
/// A folder.
pub const FOLDER: Refusal = Refusal::invalid(
    "import.bundle_folder",
    "“{name}”是文件夹;请直接打包其中的文件,不带文件夹。",
    "“{name}” is a folder; pack the files in it without the folder.",
);
/// A file that cannot be unpacked.
pub const FILE_DAMAGED: Refusal = Refusal::invalid(
    "import.bundle_file_damaged",
    "“{name}”无法解压:已损坏、已加密,或压缩方式不受支持;请以普通方式重新打包。",
    "“{name}” cannot be unpacked: it is damaged, encrypted, or compressed in a way that is not supported; pack it again as a plain zip.",
);
/// An archive within the archive.
pub const NESTED: Refusal = Refusal::invalid(
    "import.bundle_nested",
    "“{name}”是压缩包中的压缩包;请直接打包其中的文件。",
    "“{name}” is an archive within the archive; pack the files in it instead.",
);
/// Lines that say not, or wrongly, what they are.
pub const LINES: Refusal = Refusal::invalid(
    "import.bundle_lines",
    "包中有无法辨认的行(见 errors),因此全部未导入;请更正后重新发送整包。",
    "There are lines in the bundle that cannot be made out (see errors), so nothing was imported; mend them and send the whole bundle again.",
);
/// A line that is no row of a resource.
pub const NOT_A_ROW: Refusal = Refusal::invalid(
    "import.bundle_not_a_row",
    "第 {line} 行须为 JSON 对象,且只含两个成员:resource(文本)和 row(对象)。",
    "Line {line} must be a JSON object with two members: resource, a text, and row, an object.",
);
/// A row of nothing that there is.
pub const NO_SUCH_RESOURCE: Refusal = Refusal::invalid(
    "import.bundle_no_such_resource",
    "第 {line} 行:“{name}”不能导入;可用:{names}。",
    "Line {line}: “{name}” cannot be imported; these can: {names}.",
);

/// A part of a bundle: rows of one resource.
#[derive(Debug)]
pub struct Part {
    /// Of which.
    pub sheet: &'static Sheet,
    /// The name of the file in the zip; none of rows that came line by line.
    pub name: Option<String>,
    /// The rows, as a file that [`crate::import::run`] takes.
    pub content: File,
}

impl Part {
    /// What messages call it.
    fn called(&self) -> &str {
        self.name.as_deref().unwrap_or(self.sheet.resource)
    }

    /// What it means for the bundle that this part of it was refused as a whole.
    #[must_use]
    pub fn refused(&self, error: Error) -> Error {
        match faults_of(self.called(), error) {
            Ok(faults) => Refused::from(&FILES).faults(faults).into(),
            Err(other) => other,
        }
    }
}

/// What a bundle may hold.
#[derive(Debug)]
pub struct Terms {
    /// Who sends it.
    pub actor: Arc<Actor>,
    /// The resources, in the order in which they are loaded.
    pub sheets: Vec<&'static Sheet>,
    /// What the name of a file, without its folder, says of its rows.
    pub in_name: fn(&str) -> Result<&'static Sheet, Refused>,
    /// Bytes that all of it may unpack to.
    pub limit: u64,
}

impl Terms {
    fn place(&self, sheet: &Sheet) -> usize {
        self.sheets.iter().position(|one| one.resource == sheet.resource).unwrap_or(usize::MAX)
    }

    fn names(&self) -> String {
        self.sheets.iter().map(|sheet| sheet.resource).collect::<Vec<_>>().join(", ")
    }

    /// Refuses unless its sender may import all of these, in whatever order they come.
    fn insist(&self, sheets: impl Iterator<Item = &'static Sheet>) -> Result<()> {
        let mut sheets: Vec<_> = sheets.collect();
        sheets.sort_by_key(|sheet| self.place(sheet));
        insist(&self.actor, sheets)
    }
}

/// Refuses unless somebody may import every one of these resources; names those that he may not. The files of one resource come one
/// after the other.
pub fn insist(actor: &Actor, sheets: impl IntoIterator<Item = &'static Sheet>) -> Result<()> {
    let mut lacking: Vec<&Sheet> = sheets.into_iter().filter(|sheet| actor.may(sheet.write).is_err()).collect();
    lacking.dedup_by_key(|sheet| sheet.resource);
    let Some(first) = lacking.first() else { return Ok(()) };
    let faults = lacking.iter().map(|sheet| FORBIDDEN.at(sheet.resource).with("permission", sheet.write.0).into_fault()).collect();
    Err(FORBIDDEN.with("permission", first.write.0).faults(faults).into())
}

/// Takes a bundle apart, into files that vanish with their handles. The parts are in the order in which they are loaded, those
/// of one resource by the names of their files. Refuses the whole, with all faults, where one of them cannot be read as what it
/// is said to be; and before anything is unpacked, where its sender may not import all that is in it. Reads and writes files: it
/// is for a thread that may wait.
pub fn open(mut file: File, terms: &Terms) -> Result<Vec<Part>> {
    file.rewind().map_err(broken)?;
    let mut start = [0; 4];
    let read = file.read(&mut start).map_err(broken)?;
    file.rewind().map_err(broken)?;
    let mut parts = match start.get(..read).unwrap_or_default() {
        [] => Vec::new(),
        // Of an empty zip there is the end alone.
        [b'P', b'K', 3, 4] | [b'P', b'K', 5, 6] => archive::open(file, terms)?,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Err((&ENCODING).into()),
        _ => lines::split(utf8(file)?, terms)?,
    };
    if parts.is_empty() {
        return Err((&EMPTY).into());
    }
    parts.sort_by(|one, other| (terms.place(one.sheet), &one.name).cmp(&(terms.place(other.sheet), &other.name)));
    let mut faults = Vec::new();
    for part in &mut parts {
        faults.extend(fit(part)?);
    }
    refuse(&FILES, faults)?;
    Ok(parts)
}

/// What keeps a part from being read at all, such as its header.
fn fit(part: &mut Part) -> Result<Vec<Fault>> {
    part.content.rewind().map_err(broken)?;
    let content = part.content.try_clone().map_err(broken)?;
    match Table::open(content, part.sheet) {
        Ok(_) => Ok(Vec::new()),
        Err(error) => faults_of(part.called(), error),
    }
}

/// The faults that the refusal of a file amounts to; what is not for its sender to mend stays what it is.
fn faults_of(name: &str, error: Error) -> Result<Vec<Fault>> {
    let refused = match error {
        Error::Refused(refused) if matches!(refused.refusal.kind, Kind::Invalid | Kind::TooLarge) => *refused,
        other => return Err(other),
    };
    let placed = |fault: Fault| {
        let pointer = if fault.pointer.is_empty() { name.to_owned() } else { format!("{name}: {}", fault.pointer) };
        Fault { pointer, ..fault }
    };
    if refused.faults.is_empty() {
        return Ok(vec![placed(refused.into_fault())]);
    }
    Ok(refused.faults.into_iter().map(placed).collect())
}

/// Refuses where there are faults.
fn refuse(refusal: &'static Refusal, faults: Vec<Fault>) -> Result<()> {
    if faults.is_empty() { Ok(()) } else { Err(Refused::from(refusal).faults(faults).into()) }
}
