//! Plots: the ground of grids and communities, and what is wrong between them (ORG-03, W1). “边界清晰、无缝衔接”: no ground is in two grids,
//! and where the boundary of a community is known, all of it is in one.

use std::collections::BTreeMap;

use diesel::QueryableByName;
use diesel::sql_types::{Jsonb, Nullable, Text};
use kernel::boundary::{Boundary, Geometry};

/// Square metres that are no fault, of each overlap, gap and piece outside. Seven decimals of a degree are a centimetre. So where one
/// of two neighbours has a point on a line of 400 m that the other does not have, they differ by a square metre and not by intent.
const TOLERANCE: f64 = 1.0;

/// A grid or a community with its boundary.
#[derive(Clone, Debug, QueryableByName)]
pub(crate) struct Plot {
    /// Its code.
    #[diesel(sql_type = Text)]
    pub code: String,
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Its boundary, parsed before it was kept.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub boundary: Option<Geometry>,
}

/// A plot at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// Its code and name.
    pub plot: (String, String),
    /// Code and name of the other one, of two that overlap.
    pub other: Option<(String, String)>,
    /// How much ground it is about, in square metres, rounded up.
    pub square_metres: i64,
}

/// What is wrong with the grids of some communities, each list by code.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judgement {
    /// Grids without a boundary.
    pub missing: Vec<Flaw>,
    /// Pairs of grids that share ground.
    pub overlaps: Vec<Flaw>,
    /// Grids that reach beyond their community.
    pub outside: Vec<Flaw>,
    /// Communities of which some ground is in no grid.
    pub gaps: Vec<Flaw>,
}

/// A plot and its ground.
type Drawn<'a> = (&'a Plot, Boundary);

/// The drawn plots of one community, and all their ground.
struct Block<'a> {
    plots: Vec<Drawn<'a>>,
    ground: Boundary,
}

fn community_of(plot: &Plot) -> &str {
    plot.code.get(..12).unwrap_or(&plot.code)
}

/// The drawn plots by community.
fn blocks(plots: &[Plot]) -> BTreeMap<&str, Block<'_>> {
    let mut drawn = BTreeMap::<&str, Vec<Drawn<'_>>>::new();
    for plot in plots {
        if let Some(geometry) = &plot.boundary {
            drawn.entry(community_of(plot)).or_default().push((plot, Boundary::kept(geometry)));
        }
    }
    let mut blocks = BTreeMap::new();
    for (community, plots) in drawn {
        let ground = Boundary::union(plots.iter().map(|(_, boundary)| boundary));
        blocks.insert(community, Block { plots, ground });
    }
    blocks
}

fn flaw(plot: &Plot, other: Option<&Plot>, square_metres: f64) -> Flaw {
    let named = |plot: &Plot| (plot.code.clone(), plot.name.clone());
    Flaw { plot: named(plot), other: other.map(named), square_metres: format!("{:.0}", square_metres.ceil()).parse().unwrap_or(i64::MAX) }
}

fn overlap(one: &Drawn<'_>, other: &Drawn<'_>) -> Option<Flaw> {
    let shared = one.1.shared(&other.1);
    (shared > TOLERANCE).then(|| flaw(one.0, Some(other.0), shared))
}

/// Pairs of plots that share ground, by code. Where the plots of a community together are as large as all their ground, no two of them
/// share any, and none is compared with another; of two communities those are compared whose grounds meet.
fn overlaps_of(blocks: &BTreeMap<&str, Block<'_>>) -> Vec<Flaw> {
    let mut found = Vec::new();
    let blocks: Vec<&Block<'_>> = blocks.values().collect();
    for (place, block) in blocks.iter().enumerate() {
        let together: f64 = block.plots.iter().map(|(_, boundary)| boundary.square_metres()).sum();
        if together - block.ground.square_metres() > TOLERANCE {
            for (index, one) in block.plots.iter().enumerate() {
                found.extend(block.plots.iter().skip(index + 1).filter_map(|other| overlap(one, other)));
            }
        }
        for next in blocks.iter().skip(place + 1).filter(|next| block.ground.shared(&next.ground) > TOLERANCE) {
            for one in &block.plots {
                found.extend(next.plots.iter().filter_map(|other| overlap(one, other)));
            }
        }
    }
    found.sort_by(|one, other| (&one.plot, &one.other).cmp(&(&other.plot, &other.other)));
    found
}

/// Pairs of grids that share ground, by code.
pub(crate) fn overlaps(grids: &[Plot]) -> Vec<Flaw> {
    overlaps_of(&blocks(grids))
}

/// What is wrong with all the grids of some communities, of which those with a boundary are given as well.
pub(crate) fn judge(grids: &[Plot], communities: &[Plot]) -> Judgement {
    let missing: Vec<Flaw> = grids.iter().filter(|grid| grid.boundary.is_none()).map(|grid| flaw(grid, None, 0.0)).collect();
    let blocks = blocks(grids);
    let (mut outside, mut gaps) = (Vec::new(), Vec::new());
    for community in communities {
        let (Some(geometry), Some(block)) = (&community.boundary, blocks.get(community.code.as_str())) else { continue };
        let whole = Boundary::kept(geometry);
        for (grid, boundary) in &block.plots {
            let beyond = boundary.beyond(&whole, TOLERANCE);
            if beyond > 0.0 {
                outside.push(flaw(grid, None, beyond));
            }
        }
        // What a grid without a boundary leaves open is no gap.
        let complete = !missing.iter().any(|flaw| flaw.plot.0.starts_with(&community.code));
        let left = if complete { whole.beyond(&block.ground, TOLERANCE) } else { 0.0 };
        if left > 0.0 {
            gaps.push(flaw(community, None, left));
        }
    }
    Judgement { missing, overlaps: overlaps_of(&blocks), outside, gaps }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rectangle of so many thousandths of a degree from 115.03° E, 31.18° N: its west, south, east and north.
    fn plot(code: &str, sides: Option<[f64; 4]>) -> Plot {
        let boundary = sides.map(|[west, south, east, north]| {
            let corners = [(west, south), (east, south), (east, north), (west, north), (west, south)];
            Geometry::Polygon(vec![corners.map(|(x, y)| [115.03 + x / 1000.0, 31.18 + y / 1000.0]).to_vec()])
        });
        Plot { code: code.to_owned(), name: format!("网格{code}"), boundary }
    }

    /// Codes, and square metres to the hundred.
    fn told(flaws: &[Flaw]) -> Vec<(&str, Option<&str>, i64)> {
        flaws.iter().map(|flaw| (flaw.plot.0.as_str(), flaw.other.as_ref().map(|(code, _)| code.as_str()), flaw.square_metres / 100)).collect()
    }

    const ONE: &str = "421181001001001";
    const TWO: &str = "421181001001002";
    const ELSEWHERE: &str = "421181001002001";

    #[test]
    fn org_03_grids_lie_side_by_side_and_fill_their_community() {
        let grids = [plot(ONE, Some([0.0, 0.0, 1.0, 2.0])), plot(TWO, Some([1.0, 0.0, 2.0, 2.0]))];
        let whole = [plot("421181001001", Some([0.0, 0.0, 2.0, 2.0]))];
        let Judgement { missing, overlaps, outside, gaps } = judge(&grids, &whole);
        assert_eq!((missing, overlaps, outside, gaps), (vec![], vec![], vec![], vec![]));
        // A line with a point that the neighbour does not have, some millimetres off, is no fault.
        let off = plot(TWO, Some([1.000_04, 0.0, 2.0, 2.0]));
        let Judgement { overlaps, gaps, .. } = judge(&[grids[0].clone(), off], &whole);
        assert_eq!((overlaps, told(&gaps)), (vec![], vec![]), "4 mm along 222 m");
        let Judgement { gaps, outside, .. } = judge(&grids, &[plot("421181001001", Some([0.0, 0.0, 1.5, 3.0]))]);
        assert_eq!(told(&outside), [(TWO, None, 105)]);
        assert_eq!(told(&gaps), [("421181001001", None, 158)]);
    }

    #[test]
    fn org_03_overlaps_are_told_in_pairs_also_of_two_communities() {
        let grids = [plot(ONE, Some([0.0, 0.0, 1.0, 2.0])), plot(TWO, Some([0.5, 0.0, 2.0, 2.0])), plot(ELSEWHERE, Some([1.5, 0.0, 3.0, 2.0]))];
        assert_eq!(told(&overlaps(&grids)), [(ONE, Some(TWO), 105), (TWO, Some(ELSEWHERE), 105)]);
        assert_eq!(overlaps(&grids[..1]), vec![]);
    }

    #[test]
    fn org_03_a_grid_without_a_boundary_is_missing_and_its_ground_no_gap() {
        let grids = [plot(ONE, Some([0.0, 0.0, 1.0, 2.0])), plot(TWO, None)];
        let Judgement { missing, overlaps, outside, gaps } = judge(&grids, &[plot("421181001001", Some([0.0, 0.0, 2.0, 2.0]))]);
        assert_eq!((told(&missing), overlaps, outside, gaps), (vec![(TWO, None, 0)], vec![], vec![], vec![]));
    }
}
