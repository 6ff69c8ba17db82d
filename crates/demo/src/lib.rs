//! A synthetic city from a scale and a seed number: the same input, the same bytes.
//!
//! Scale 1 is Macheng as the seed document counts it: 17 communities, 255 grids, 1,512 buildings, 98,400
//! households, 25,000 people; scale 10 is ten of it. It is written as import files and loaded through the import code itself.
//! Subdistricts of the first copy are real, everything under them is invented.

mod bodies;
mod charters;
mod city;
mod crossings;
mod division;
mod dwellings;
mod files;
mod handovers;
mod party;
mod people;
mod services;

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use kernel::db::Store;
use kernel::page::Paging;
use kernel::pulse::Pulse;
use kernel::{Call, Error, Result};
use organization::subdistrict::{self, SubdistrictFilter};
use platform::import_run::{self, ImportMode};

use self::city::City;

/// Writes the city as one CSV file a resource, numbered in the order in which to import them.
pub fn write(folder: &Path, scale: u32, seed: u64) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(failed)?;
    let city = City::plan(scale, seed)?;
    for (number, sheet) in organization::DOMAIN.sheets.iter().enumerate() {
        let file = File::create(folder.join(format!("{:02}-{}.csv", number + 1, sheet.resource))).map_err(failed)?;
        files::write(&city, sheet.resource, file)?;
    }
    Ok(())
}

/// Loads the city into a database without areas, one transaction a resource; says what was loaded and how fast.
/// None where there are areas already.
pub async fn load(store: &Store, call: &Call, scale: u32, seed: u64) -> Result<Option<Vec<String>>> {
    let first = Paging::new(Some(1), None, false, None, &[]);
    let areas = store.browse(call, async |view| subdistrict::list(view, &SubdistrictFilter::default(), &first).await).await?;
    if !areas.items.is_empty() {
        return Ok(None);
    }
    let city = City::plan(scale, seed)?;
    let mut said = Vec::new();
    for sheet in organization::DOMAIN.sheets.iter().copied() {
        let file = tempfile::tempfile().map_err(failed)?;
        files::write(&city, sheet.resource, file.try_clone().map_err(failed)?)?;
        let started = Instant::now();
        let (run, faults) =
            store.write(call, "demo", async |tx| import_run::import(tx, sheet, &file, ImportMode::Atomic, city::FOUNDED, &Pulse::default()).await).await?;
        if let Some(fault) = faults.first() {
            return Err(Error::Internal(format!("{}: line {}: {:?}", sheet.resource, fault.line, fault.faults)));
        }
        let seconds = started.elapsed().as_secs_f64();
        said.push(format!("{:>7} {:<15} in {seconds:.1} s", run.created, sheet.resource));
    }
    Ok(Some(said))
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err hands it over")]
fn failed(error: std::io::Error) -> Error {
    Error::Internal(format!("demo file: {error}"))
}
