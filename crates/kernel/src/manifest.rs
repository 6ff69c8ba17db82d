//! What a domain crate declares about itself, for everything that must know every domain.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use uuid::Uuid;

use crate::actor::Permission;
use crate::db::{Tx, View};
use crate::refusal::{Refusal, Result};
use crate::rekey::SealedColumn;
use crate::role::Role;
use crate::sheet::Sheet;
use crate::statistic::Statistic;
use crate::workflow::Chart;

/// A permission: what it allows, in Chinese and English, and the roles that give it.
pub type Power = (Permission, &'static str, &'static str, &'static [Role]);

/// Which permissions each role gives, collected from the domains.
#[derive(Clone, Debug)]
pub struct Powers(Arc<HashMap<Role, Vec<&'static str>>>);

impl Powers {
    /// Collects them.
    #[must_use]
    pub fn of(domains: &[Domain]) -> Self {
        let mut powers = HashMap::<Role, Vec<&'static str>>::new();
        for (permission, _, _, roles) in domains.iter().flat_map(|domain| domain.permissions) {
            for role in *roles {
                powers.entry(*role).or_default().push(permission.0);
            }
        }
        Self(Arc::new(powers))
    }

    /// The permissions of a role.
    #[must_use]
    pub fn of_role(&self, role: Role) -> &[&'static str] {
        self.0.get(&role).map_or(&[], Vec::as_slice)
    }
}

/// One domain.
#[derive(Debug)]
pub struct Domain {
    /// Its name: the crate's, the API tag's.
    pub name: &'static str,
    /// What may be granted in it.
    pub permissions: &'static [Power],
    /// Every refusal of it.
    pub refusals: &'static [&'static Refusal],
    /// Its sheets, in the order in which they are loaded: what is referred to comes first.
    pub sheets: &'static [&'static Sheet],
    /// What it publishes.
    pub statistics: &'static [Statistic],
    /// Its columns of sealed values, for the exchange of keys.
    pub sealed: &'static [SealedColumn],
    /// What of it refers to objects that can be merged.
    pub references: &'static [Reference],
    /// What of it can hold files.
    pub holders: &'static [Holder],
    /// Its workflows.
    pub workflows: &'static [Chart],
    /// Its columns that hold the code of an area, and what becomes of them when grids are divided anew.
    pub homes: &'static [Home],
}

/// A column that holds the code of an area. A test fails where one is not declared.
#[derive(Clone, Copy, Debug)]
pub struct Home {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// SQL: whether a row `t` still stands on the day `$3`, from which on grids are divided anew.
    pub open: &'static str,
    /// What becomes of it when its grid closes.
    pub rehoming: Rehoming,
    /// The sheet by which such rows are imported, if there is one: a re-division and an import wait for one another.
    pub resource: Option<&'static str>,
}

/// What becomes of a row when the grid that is its home closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rehoming {
    /// The plan of the re-division says where it goes.
    Planned,
    /// It goes to the grid that all households of the closed one went to; where they went to several, or there were none, to the
    /// community. Such a table has `id`, `version` and `updated_at`, its column is the area of its rows, and its name is their kind in
    /// the journal.
    Follows,
    /// It stays as it is, for this reason.
    Stays(&'static str),
    /// It is computed from another column of its row, or it never holds a grid.
    Computed,
}

/// A column that names objects of a kind that can be merged: with them, it moves to the survivor.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    /// The kind, as in the journal: `person`.
    pub to: &'static str,
    /// The table, whose key is `id` and whose rows have versions; its name is their kind in the journal.
    pub table: &'static str,
    /// The column, which is the member of the API too.
    pub column: &'static str,
    /// The sheet by which its rows are imported, if there is one: a merge and an import wait for one another.
    pub resource: Option<&'static str>,
}

/// The area of an object, when it is known.
pub type AreaOf<'a> = Pin<Box<dyn Future<Output = Result<String>> + 'a>>;

/// Objects of one kind that can hold files: who may see such an object may read its files.
#[derive(Debug)]
pub struct Holder {
    /// The kind, as in the journal: `compound`.
    pub kind: &'static str,
    /// Answers the area of an object that the caller may see; refuses what he may not, as if it were not there.
    pub see: for<'a> fn(&'a View<'a>, Uuid) -> AreaOf<'a>,
    /// The same for one that he may give files to, in the transaction that does.
    pub fill: for<'a> fn(&'a Tx<'a>, Uuid) -> AreaOf<'a>,
}

/// Finds the holder of a kind.
pub type Holders = fn(&str) -> Option<&'static Holder>;

/// The refusals of this crate.
pub const REFUSALS: &[&Refusal] = &[
    &crate::actor::FORBIDDEN,
    &crate::actor::OUT_OF_SCOPE,
    &crate::area::NOT_A_CODE,
    &crate::boundary::CROSSES_ITSELF,
    &crate::boundary::EMPTY,
    &crate::boundary::HOLE_OUTSIDE,
    &crate::boundary::NOT_CLOSED,
    &crate::boundary::OUTSIDE,
    &crate::boundary::PARTS_OVERLAP,
    &crate::boundary::TOO_FEW_POSITIONS,
    &crate::boundary::TOO_MANY_POSITIONS,
    &crate::boundary::TOO_SMALL,
    &crate::bundle::DAMAGED,
    &crate::bundle::EMPTY,
    &crate::bundle::FILES,
    &crate::bundle::FILE_DAMAGED,
    &crate::bundle::FOLDER,
    &crate::bundle::IS_A_WORKBOOK,
    &crate::bundle::LINES,
    &crate::bundle::NAME_DOUBLED,
    &crate::bundle::NESTED,
    &crate::bundle::NOT_A_BUNDLE,
    &crate::bundle::NOT_A_ROW,
    &crate::bundle::NO_SUCH_RESOURCE,
    &crate::bundle::TOO_LARGE,
    &crate::bundle::TOO_MANY_FILES,
    &crate::change::CODE_FIXED,
    &crate::change::HALF_A_REFERENCE,
    &crate::change::REFERENCE_TAKEN,
    &crate::change::STALE,
    &crate::change::VERSION_MISSING,
    &crate::charset::ENCODING,
    &crate::export::TOO_MANY_ROWS,
    &crate::import::DUPLICATE,
    &crate::import::ENDED,
    &crate::import::HALF_A_REFERENCE,
    &crate::import::IN_PROGRESS,
    &crate::import::OUT_OF_SCOPE,
    &crate::import::REFERENCE_TAKEN,
    &crate::import::REFERS_TO_FAULT,
    &crate::import::REQUIRED,
    &crate::import::UNSEALED,
    &crate::page::BAD_CURSOR,
    &crate::period::ENDED,
    &crate::period::ENDS_BEFORE_IT_BEGINS,
    &crate::period::OUT_OF_YEARS,
    &crate::personal::MASKED,
    &crate::pulse::STOPPED,
    &crate::refusal::DATABASE_AWAY,
    &crate::refusal::DATABASE_SLOW,
    &crate::refusal::OUTCOME_UNKNOWN,
    &crate::sheet::FORMULA,
    &crate::sheet::MASK_OF_NOTHING,
    &crate::sheet::NOT_AN_ID,
    &crate::sheet::NOT_A_CHOICE,
    &crate::sheet::NOT_A_DATE,
    &crate::sheet::NOT_A_FLAG,
    &crate::sheet::NOT_AN_INTEGER,
    &crate::sheet::NOT_THE_PREFIX,
    &crate::sheet::ROUNDED_CODE,
    &crate::spool::STORAGE_FULL,
    &crate::statistic::ENDS_BEFORE_IT_BEGINS,
    &crate::statistic::TOO_SMALL,
    &crate::statistic::TWO_LISTS,
    &crate::statistic::UNKNOWN,
    &crate::statistic::UNKNOWN_AREA,
    &crate::tabular::CELL_ERROR,
    &crate::tabular::COLUMN_DOUBLED,
    &crate::tabular::COLUMN_MISSING,
    &crate::tabular::COLUMN_UNKNOWN,
    &crate::tabular::CUT_OFF,
    &crate::tabular::EMPTY,
    &crate::tabular::HEADER,
    &crate::tabular::NOT_AN_OBJECT,
    &crate::tabular::ROW_LENGTH,
    &crate::tabular::ROW_TOO_LONG,
    &crate::tabular::WORKBOOK,
    &crate::tabular::WORKBOOK_TOO_LARGE,
    &crate::text::CONTROL_CHARACTER,
    &crate::text::EMPTY,
    &crate::text::NOT_A_KEY,
    &crate::text::NOT_AN_AREA,
    &crate::text::TOO_LONG,
    &crate::workflow::NO_SENDER,
    &crate::workflow::WRONG_STATE,
];
