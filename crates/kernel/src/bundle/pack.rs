//! A bundle as its sender makes it: files packed into a zip.

use std::fs::File;
use std::io::{self, Cursor};
use std::path::Path;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Packs files into a zip, each under the name that is said; tells which cannot be read. A bundle may be no larger than what is
/// imported at once, so it is made in memory.
pub fn pack<'a>(files: impl IntoIterator<Item = (&'a str, &'a Path)>) -> Result<Vec<u8>, String> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, path) in files {
        let failed = |error: io::Error| format!("{}: {error}", path.display());
        let mut content = File::open(path).map_err(failed)?;
        zip.start_file(name, SimpleFileOptions::default()).map_err(|error| failed(error.into()))?;
        io::copy(&mut content, &mut zip).map_err(failed)?;
    }
    zip.finish().map(Cursor::into_inner).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use zip::ZipArchive;

    use super::*;

    #[test]
    fn what_is_packed_comes_out_under_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, "网格编码\n").unwrap();
        let bytes = pack([("网格.csv", path.as_path())]).unwrap();
        let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut text = String::new();
        archive.by_name("网格.csv").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!((archive.len(), text.as_str()), (1, "网格编码\n"));
        assert!(pack([("b.csv", folder.path().join("b.csv").as_path())]).unwrap_err().contains("b.csv"));
    }
}
