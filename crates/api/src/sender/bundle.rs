//! A bundle: all files in one request and one transaction; and what came of each.

use std::collections::{HashMap, HashSet};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use kernel::bundle::pack;
use platform::import_bundle::REFUSED;
use serde_json::Value;

use super::line::{Answer, Line, Outcome, Reading, Trouble, refused};
use super::plan::{Planned, plan};
use super::show::{Progress, counts, table};
use crate::naming::{FAILED, in_bundle, stem};

/// A bundle that is to be sent.
pub struct Bundle {
    /// What messages call it.
    name: String,
    content: Content,
    /// Where the files in it come from, by their names in it; none of a zip that was made elsewhere.
    files: HashMap<String, PathBuf>,
    /// Where the rows at fault of such a zip go.
    folder: PathBuf,
}

enum Content {
    /// A zip, as it is.
    Zip(PathBuf),
    /// Files that were packed.
    Packed(Bytes),
}

impl Content {
    async fn open(&self) -> Result<Reading, Trouble> {
        match self {
            Self::Zip(path) => Ok(Box::new(tokio::fs::File::open(path).await.map_err(unreadable)?)),
            Self::Packed(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
        }
    }

    async fn bytes(&self) -> Result<u64, Trouble> {
        match self {
            Self::Zip(path) => Ok(tokio::fs::metadata(path).await.map_err(unreadable)?.len()),
            Self::Packed(bytes) => Ok(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
        }
    }
}

impl Bundle {
    /// The zip that is given, or a zip of the files. Refuses where one of them is not understood.
    pub fn of(given: &[PathBuf], resource: Option<&str>) -> Result<Self, String> {
        match given {
            [zip] if is_zip(zip) && resource.is_some() => Err(format!("the names in {} say what its files are; leave --resource out", zip.display())),
            [zip] if is_zip(zip) => {
                std::fs::metadata(zip).map_err(|error| format!("{}: {error}", zip.display()))?;
                let folder = zip.parent().map(Path::to_owned).unwrap_or_default();
                Ok(Self { name: own_name(zip), content: Content::Zip(zip.clone()), files: HashMap::new(), folder })
            }
            several => match several.iter().find(|path| is_zip(path)) {
                Some(zip) => Err(format!("{} is a bundle already; send it alone", zip.display())),
                None => Self::pack(&plan(several, resource)?),
            },
        }
    }

    fn pack(files: &[Planned]) -> Result<Self, String> {
        let named = names(files);
        let bytes = pack(named.iter().map(|(name, path)| (name.as_str(), path.as_path())))?;
        Ok(Self { name: "the bundle".to_owned(), content: Content::Packed(Bytes::from(bytes)), files: named.into_iter().collect(), folder: PathBuf::new() })
    }

    /// Sends it and waits for all that comes of it.
    pub async fn send(&self, line: &Line) -> Result<Outcome, Trouble> {
        let started = Instant::now();
        let bytes = self.content.bytes().await?;
        let mut progress = Progress::start(&self.name, bytes);
        let answer = line.post(&mut progress, "/v1/imports", bytes, async || self.content.open().await).await?;
        let said = self.conclude(line, &answer, started.elapsed()).await;
        progress.end();
        said
    }

    /// Puts into words what came of each file, and fetches its rows at fault.
    async fn conclude(&self, line: &Line, answer: &Answer, took: Duration) -> Result<Outcome, Trouble> {
        let report = match (answer.status, answer.text("code")) {
            (200, _) => &answer.body,
            (422, code) if code == REFUSED.code => answer.body.get("bundle").unwrap_or(&Value::Null),
            (422 | 413, _) => return Ok(Outcome::Refused(format!("{}: refused: {}{}", self.name, answer.text("detail"), faults(answer)))),
            _ => return Err(refused(answer)),
        };
        let parts = report.get("parts").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut said = Vec::new();
        let mut taken = HashSet::new();
        for part in parts {
            let file = part.get("file").and_then(Value::as_str).unwrap_or_default();
            let own = file.rsplit(['/', '\\']).next().unwrap_or_default();
            let input = self.files.get(file).cloned().unwrap_or_else(|| self.folder.join(own));
            let came = counts(&own_name(&input), part.get("run").unwrap_or(&Value::Null));
            let Some(csv) = part.get("failed_csv").and_then(Value::as_str) else {
                said.push(came);
                continue;
            };
            let failed = beside(&input, &mut taken);
            line.fetch(csv, &failed).await?;
            let rows = table(part.get("failures").and_then(Value::as_array).map_or(&[][..], Vec::as_slice));
            said.push(format!("{came}{rows}\n  all rows at fault are in {}", failed.display()));
        }
        let kept = if report.get("committed").and_then(Value::as_bool) == Some(true) { "" } else { "; nothing was kept" };
        said.push(format!("{}: {} files{kept} ({:.1} s)", self.name, parts.len(), took.as_secs_f64()));
        let said = said.join("\n");
        Ok(if taken.is_empty() { Outcome::AllIn(said) } else { Outcome::Refused(said) })
    }
}

/// What each file is called in the bundle, and where it is: by its own name, unless that does not say what it is to be, or another
/// file has it. What is in a file is seen from its content, so any ending will do.
fn names(files: &[Planned]) -> Vec<(String, PathBuf)> {
    let mut taken = HashSet::new();
    let name = |(place, file): (usize, &Planned)| {
        let own = own_name(&file.path);
        let fits = in_bundle(&own).is_ok_and(|sheet| sheet.resource == file.sheet.resource) && !taken.contains(&own);
        let name = if fits { own } else { format!("{}-file-{}.csv", file.sheet.resource, place + 1) };
        taken.insert(name.clone());
        (name, file.path.clone())
    };
    files.iter().enumerate().map(name).collect()
}

/// Where the rows at fault of a file go: beside it, and no two to one place.
fn beside(input: &Path, taken: &mut HashSet<PathBuf>) -> PathBuf {
    let mut place = input.with_file_name(format!("{}{FAILED}.csv", stem(input)));
    let mut number = 1;
    while !taken.insert(place.clone()) {
        number += 1;
        place = input.with_file_name(format!("{}-{number}{FAILED}.csv", stem(input)));
    }
    place
}

/// What keeps the server from reading it at all, a fault a line.
fn faults(answer: &Answer) -> String {
    let text = |fault: &Value, name: &str| fault.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let faults = answer.body.get("errors").and_then(Value::as_array).into_iter().flatten();
    faults.map(|fault| format!("\n  {}  {}", text(fault, "pointer"), text(fault, "message"))).collect()
}

fn is_zip(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip"))
}

fn own_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err hands it over")]
fn unreadable(error: std::io::Error) -> Trouble {
    Trouble(error.to_string())
}

#[cfg(test)]
mod tests {
    use crate::domains;

    use super::*;

    #[test]
    fn files_keep_their_names_where_these_say_what_they_are() {
        let grids = domains::sheets().find(|sheet| sheet.resource == "grids").unwrap();
        let paths = ["a/03-grids.csv", "b/03-grids.csv", "notes.md", "网格.xlsx", "grids.failed.csv", "compounds.csv"];
        let files: Vec<Planned> = paths.iter().map(|path| Planned { path: path.into(), sheet: grids }).collect();
        let names: Vec<String> = names(&files).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["03-grids.csv", "grids-file-2.csv", "grids-file-3.csv", "网格.xlsx", "grids-file-5.csv", "grids-file-6.csv"]);
        assert!(names.iter().all(|name| in_bundle(name).unwrap().resource == "grids"));
    }

    #[test]
    fn a_zip_is_sent_alone() {
        let of = |given: &[&str], resource: Option<&str>| Bundle::of(&given.iter().map(PathBuf::from).collect::<Vec<_>>(), resource).err().unwrap_or_default();
        assert!(of(&["a.ZIP", "grids.csv"], None).contains("a.ZIP is a bundle already"));
        assert!(of(&["a.zip"], Some("grids")).contains("leave --resource out"));
        assert!(of(&["nothing.zip"], None).starts_with("nothing.zip: "));
        let mut taken = HashSet::new();
        let places: Vec<PathBuf> = (0..2).map(|_| beside(Path::new("a/grids.csv"), &mut taken)).collect();
        assert_eq!(places, [Path::new("a/grids.failed.csv"), Path::new("a/grids-2.failed.csv")]);
    }
}
