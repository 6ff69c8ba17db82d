//! The charter of a compound: how far the leadership of the Party stands in its three documents on a day (ORG-07). What
//! counts, and what need not be there, is what the five basics say.

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel::{Result, View, within_or_above};
use schema::charter_inclusion;
use serde::Serialize;
use utoipa::ToSchema;

use crate::charter_adoption::CharterDocument;
use crate::charter_inclusion::{CharterInclusion, READ};
use crate::charter_inclusion_flow::CharterState;
use crate::code::CompoundCode;
use crate::compound::{self, CompoundId};
use crate::five_basics_check::ORGANIZATION;
use crate::five_basics_evidence::of_compound;

/// The charter of a compound on a day.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CompoundCharter {
    /// The compound.
    pub compound_code: CompoundCode,
    /// The day.
    pub as_of: NaiveDate,
    /// Whether all three documents have the clause in force, or need not: three law-makers, of whom none speaks for another.
    pub complete: bool,
    /// How many have one that counts.
    pub documents_in_force: usize,
    /// The three documents.
    #[schema(max_items = 3)]
    pub documents: Vec<CharterStanding>,
}

/// How far one document is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CharterStanding {
    /// The document.
    pub document: CharterDocument,
    /// What is in force on the day; null where nothing is.
    pub in_force: Option<CharterInclusion>,
    /// Whether that counts: of articles those of the company alone that serves the compound as a whole on the day.
    pub counts: bool,
    /// Whether it need not be there: the articles, where nobody but the owners or a work unit looks after the compound.
    pub waived: bool,
    /// What is on its way, or published for a later day; null where nothing is.
    pub coming: Option<CharterInclusion>,
}

/// The charter of a compound that the caller may see, on the day of the view.
pub async fn get(view: &View<'_>, id: CompoundId) -> Result<CompoundCharter> {
    let scope = view.may(READ)?;
    let compound = compound::get(view, id).await?;
    let rows: Vec<CharterInclusion> = CharterInclusion::query()
        .filter(charter_inclusion::compound_code.eq(&compound.code))
        .filter(charter_inclusion::state.ne(CharterState::Vetoed))
        .filter(within_or_above!(scope, charter_inclusion::area_code))
        .order(charter_inclusion::id)
        .load(&mut view.conn())
        .await?;
    let evidence = of_compound(view, compound.code.as_str()).await?;
    let there = |key: &str| evidence.iter().any(|one| one.part == key);
    let documents: Vec<CharterStanding> = CharterDocument::ALL
        .iter()
        .map(|document| {
            let mut of_it = rows.iter().filter(|row| row.document == *document);
            let in_force = of_it.clone().find(|row| row.in_force(view.as_of)).cloned();
            let coming = of_it.find(|row| row.valid_from.is_none_or(|from| from > view.as_of)).cloned();
            let counts = in_force.as_ref().is_some_and(|row| evidence.iter().any(|one| one.id == row.id.0));
            let mut parts = ORGANIZATION.iter().flat_map(|check| check.parts);
            let waived = parts.any(|part| part.key == document.word() && part.is_waived(there));
            CharterStanding { document: *document, in_force, counts, waived, coming }
        })
        .collect();
    let documents_in_force = documents.iter().filter(|standing| standing.counts).count();
    let complete = documents.iter().all(|standing| standing.counts || standing.waived);
    Ok(CompoundCharter { compound_code: compound.code, as_of: view.as_of, complete, documents_in_force, documents })
}
