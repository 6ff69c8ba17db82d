//! What the name of a file says of its rows: `03-grids.csv`, `grids-2026.xlsx`, `网格.csv`.

use std::path::Path;

use kernel::Refusal;
use kernel::refusal::Refused;
use kernel::sheet::Sheet;

use crate::domains;

/// Endings of files that hold rows.
const ENDINGS: [&str; 6] = ["csv", "tsv", "txt", "ndjson", "jsonl", "xlsx"];
/// How the name of a file of failed rows ends, before its last ending.
pub const FAILED: &str = ".failed";

/// A file in a bundle of which nobody knows what it is.
pub const NOT_A_RESOURCE: Refusal = Refusal::invalid(
    "import.bundle_not_a_resource",
    "“{name}”看不出是什么:文件名应以资源名开头(如 03-grids.csv、网格.xlsx),以 {endings} 之一结尾;可导入的资源:{names}。",
    "“{name}” does not say what it is: the name must begin with a resource, as in 03-grids.csv, and end in one of {endings}; these can be imported: {names}.",
);
/// The file of failed rows that an earlier import has left.
pub const FAILED_ROWS: Refusal = Refusal::invalid(
    "import.bundle_failed_rows",
    "“{name}”是以前导入时有误的行;请从包中删除,或改正并改名后再打包。",
    "“{name}” holds the rows at fault of an earlier import; leave it out, or mend it and give it another name.",
);

/// The name of a file without its last ending.
#[must_use]
pub fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether a file may be one of rows by its ending, and is not hidden.
#[must_use]
pub fn is_sent(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(['.', '~']));
    ENDINGS.contains(&ending.as_str()) && !hidden
}

/// What the name of a file says is in it: `03-grids.csv`, `网格-2026-11-24.csv`, `grids.failed.csv`.
#[must_use]
pub fn in_name(path: &Path) -> Option<&'static Sheet> {
    let stem = stem(path);
    let name = stem.trim_start_matches(|sign: char| sign.is_ascii_digit() || "-_. ".contains(sign)).trim_end_matches(FAILED);
    let says = |word: &str| name.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_', '.', ' ', '(', '(']));
    // Of compounds and compound-grids, the longer one is meant.
    domains::sheets().filter(|sheet| says(sheet.resource) || says(sheet.zh)).max_by_key(|sheet| (says(sheet.resource), sheet.resource.len(), sheet.zh.len()))
}

/// What the name of a file in a bundle says. There nothing is left alone: whoever packs a file wants it to go in.
pub fn in_bundle(name: &str) -> Result<&'static Sheet, Refused> {
    let path = Path::new(name);
    if stem(path).ends_with(FAILED) {
        return Err(FAILED_ROWS.with("name", name));
    }
    let sheet = if is_sent(path) { in_name(path) } else { None };
    sheet.ok_or_else(|| NOT_A_RESOURCE.with("name", name).with("endings", ENDINGS.join(", ")).with("names", domains::resources().join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_is_in_a_file() {
        let says = |name: &str| in_name(Path::new(name)).map(|sheet| sheet.resource);
        for (name, resource) in [
            ("grids.csv", "grids"),
            ("a/03-grids.csv", "grids"),
            ("网格.xlsx", "grids"),
            ("网格-2026-11-24.csv", "grids"),
            ("05_compound-grids.csv", "compound-grids"),
            ("compounds-old.csv", "compounds"),
            ("households.failed.csv", "households"),
            ("3 户(终).csv", "households"),
        ] {
            assert_eq!(says(name), Some(resource), "{name}");
        }
        for name in ["notes.csv", "gridsurvey.csv", "2026.csv", "网格员.csv"] {
            assert_eq!(says(name), None, "{name}");
        }
    }

    #[test]
    fn in_a_bundle_every_file_must_say_what_it_is() {
        let says = |name: &str| in_bundle(name).map(|sheet| sheet.resource).map_err(|refused| refused.refusal.code);
        for (name, resource) in [("03-grids.csv", "grids"), ("网格.XLSX", "grids"), ("compound-grids.ndjson", "compound-grids")] {
            assert_eq!(says(name), Ok(resource), "{name}");
        }
        for name in ["._grids.csv", "~$grids.xlsx", "grids.md", "grids", "notes.csv", "..", ""] {
            assert_eq!(says(name), Err("import.bundle_not_a_resource"), "{name}");
        }
        for name in ["grids.failed.csv", "notes.failed.csv"] {
            assert_eq!(says(name), Err("import.bundle_failed_rows"), "{name}");
        }
    }
}
