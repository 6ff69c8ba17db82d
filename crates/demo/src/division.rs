//! How the city was divided before, and what became of that: 209 grids at scale 1 became 255, 165 of them unchanged, 36 split
//! into 84, 8 merged into 4, and 2 new ones.

use crate::city::{City, Community};

/// Communities of one copy of the city.
const COMMUNITIES: usize = 17;
/// In so many communities of a copy a grid was split into three, in so many two were merged, in so many one was created.
const THREEFOLD: usize = 12;
const MERGED: usize = 4;
const CREATED: usize = 2;
/// Own digits of the first grid that is no more; those in force are numbered from 1 on.
const FIRST_OLD: u32 = 501;

/// A line of descent, its grids by their number in the community.
pub struct Line<'a> {
    pub community: &'a Community,
    pub kind: &'static str,
    pub old: Option<u32>,
    pub new: Option<u32>,
}

/// What became of each grid of the city, community by community.
pub fn lines(city: &City) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    for copy in city.communities.chunks(COMMUNITIES) {
        let mut threefold = THREEFOLD;
        for (place, community) in copy.iter().enumerate() {
            let now = u32::try_from(community.compounds.len()).unwrap_or(u32::MAX);
            let (merged, created) = (u32::from(place < MERGED), u32::from((MERGED..MERGED + CREATED).contains(&place)));
            // What splits added: each into two adds one, each into three adds two.
            let added = now + merged - created - community.grids_before;
            let three = u32::from(threefold > 0 && added >= 2);
            threefold -= usize::from(three > 0);
            let two = added - 2 * three;
            let mut new = 1..;
            let mut old = FIRST_OLD..;
            let mut tell = |kind: &'static str, old: &[u32], new: &[u32]| {
                for (old, new) in old.iter().flat_map(|old| new.iter().map(move |new| (*old, *new))) {
                    lines.push(Line { community, kind, old: Some(old), new: Some(new) });
                }
            };
            for parts in std::iter::repeat_n(3, usize::try_from(three).unwrap_or(0)).chain(std::iter::repeat_n(2, usize::try_from(two).unwrap_or(0))) {
                tell("split", &old.by_ref().take(1).collect::<Vec<_>>(), &new.by_ref().take(parts).collect::<Vec<_>>());
            }
            if merged > 0 {
                tell("merged", &old.by_ref().take(2).collect::<Vec<_>>(), &new.by_ref().take(1).collect::<Vec<_>>());
            }
            let mut unchanged: Vec<u32> = new.by_ref().take_while(|number| *number <= now).collect();
            let newest = if created > 0 { unchanged.pop() } else { None };
            unchanged.iter().for_each(|number| tell("unchanged", &[*number], &[*number]));
            if let Some(number) = newest {
                lines.push(Line { community, kind: "created", old: None, new: Some(number) });
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_sums_are_those_of_the_seed() {
        for scale in [1, 2] {
            let city = City::plan(u32::try_from(scale).unwrap(), 1).unwrap();
            let lines = lines(&city);
            let grids = |of: &dyn Fn(&Line<'_>) -> Option<u32>, kinds: &[&str]| {
                lines.iter().filter(|line| kinds.contains(&line.kind)).filter_map(|line| Some((&line.community.code, of(line)?))).collect::<BTreeSet<_>>().len()
            };
            let (old, new) = (|line: &Line<'_>| line.old, |line: &Line<'_>| line.new);
            let all = ["unchanged", "split", "merged", "created"];
            assert_eq!((grids(&old, &all), grids(&new, &all)), (209 * scale, 255 * scale));
            assert_eq!(grids(&old, &["unchanged"]), 165 * scale);
            assert_eq!((grids(&old, &["split"]), grids(&new, &["split"])), (36 * scale, 84 * scale));
            assert_eq!((grids(&old, &["merged"]), grids(&new, &["merged"])), (8 * scale, 4 * scale));
            assert_eq!(grids(&new, &["created"]), 2 * scale);
        }
    }
}
