//! Which files are sent, what is in them, and in which order.

use std::path::{Path, PathBuf};

use kernel::sheet::Sheet;

use crate::domains;
use crate::naming::{FAILED, in_name, is_sent, stem};

/// A file that is to be sent.
#[derive(Debug)]
pub struct Planned {
    /// It.
    pub path: PathBuf,
    /// What its rows are.
    pub sheet: &'static Sheet,
}

/// The files to send, in order. Refuses the whole where one is not understood.
pub fn plan(given: &[PathBuf], resource: Option<&str>) -> Result<Vec<Planned>, String> {
    let named = |name: &str| domains::sheets().find(|sheet| sheet.resource == name || sheet.zh == name);
    let resources = || domains::sheets().map(|sheet| format!("{} {}", sheet.resource, sheet.zh)).collect::<Vec<_>>().join(", ");
    let of_all = match resource {
        None => None,
        Some(name) => Some(named(name).ok_or_else(|| format!("there is no resource {name}; there are: {}", resources()))?),
    };
    let mut files = Vec::new();
    for path in given {
        for path in files_of(path)? {
            let sheet = of_all.or_else(|| in_name(&path));
            let sheet = sheet.ok_or_else(|| format!("the name of {} says none of: {}; rename it, or give --resource", path.display(), resources()))?;
            files.push(Planned { path, sheet });
        }
    }
    if files.is_empty() {
        return Err("there is no file to send".to_owned());
    }
    // Stable: of one resource, files stay in the order in which they were given.
    files.sort_by_key(|file| domains::sheets().position(|sheet| sheet.resource == file.sheet.resource));
    Ok(files)
}

/// A file itself, or the files of a folder that may be sent, by name.
fn files_of(path: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable = |error: std::io::Error| format!("{}: {error}", path.display());
    if !std::fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.is_file() && is_sent(&file) && !stem(&file).ends_with(FAILED) {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_sent_in_the_order_of_the_resources() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["户.csv", "grids.xlsx", "z-subdistricts.csv", "readme.md", ".grids.csv", "grids.failed.csv", "communities.CSV"] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        let refused = plan(&[folder.path().to_owned()], None).unwrap_err();
        assert!(refused.contains("z-subdistricts.csv says none of"), "{refused}");
        std::fs::rename(folder.path().join("z-subdistricts.csv"), folder.path().join("9-subdistricts.csv")).unwrap();
        let files = plan(&[folder.path().to_owned()], None).unwrap();
        assert_eq!(files.iter().map(|file| file.sheet.resource).collect::<Vec<_>>(), ["subdistricts", "communities", "grids", "households"]);
        let one = plan(&[folder.path().join("readme.md")], Some("网格")).unwrap();
        assert_eq!(one.first().map(|file| file.sheet.resource), Some("grids"));
        assert!(plan(&[folder.path().join("nothing.csv")], Some("grids")).is_err());
        assert!(plan(&[folder.path().to_owned()], Some("nothing")).is_err());
    }
}
