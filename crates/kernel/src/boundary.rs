//! Boundaries on the ground (ORG-03, ORG-12): polygons as GeoJSON has them, hostile until they are parsed, and what is between them in
//! square metres.
//!
//! Positions are longitude and latitude in degrees of CGCS2000, or of WGS 84, which is the same to some centimetres. What the maps of
//! mini-programs show is GCJ-02, some hundred metres beside both; a number does not tell which of them it is.

use std::ops::RangeInclusive;

use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{Output, ToSql};
use diesel::sql_types::Jsonb;
use geo::orient::Direction;
use geo::{BooleanOps, BoundingRect, GeodesicArea, Intersects, Line, LineString, MultiPolygon, Orient, Polygon, Rect, Relate, unary_union};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::refusal::{Error, Refusal, Refused, Result};

/// Positions of a boundary at the most, all its rings together. A grid is some hundred metres across.
const MOST_POSITIONS: usize = 2_000;
/// Positions of a ring at the least: three corners, and the first again.
const FEWEST_POSITIONS: usize = 4;
/// Square metres that a ring encloses at the least; what encloses less is a slip.
const LEAST_AREA: f64 = 1.0;
/// Degrees of longitude in which the country lies.
const LONGITUDES: RangeInclusive<f64> = 73.0..=136.0;
/// Degrees of latitude in which the country lies.
const LATITUDES: RangeInclusive<f64> = 3.0..=54.0;

/// Nothing is enclosed.
pub const EMPTY: Refusal = Refusal::invalid(
    "boundary.empty",
    "边界须至少有一个多边形,每个多边形至少有一个外环。",
    "A boundary has at least one polygon, and each polygon at least an outer ring.",
);
/// Too detailed.
pub const TOO_MANY_POSITIONS: Refusal = Refusal::invalid(
    "boundary.too_many_positions",
    "边界有 {count} 个点,最多 {most} 个;请简化。",
    "The boundary has {count} positions, {most} at the most; simplify it.",
);
/// A ring of too few positions.
pub const TOO_FEW_POSITIONS: Refusal = Refusal::invalid(
    "boundary.too_few_positions",
    "一个环至少有4个点:三个角,再回到第一个点。",
    "A ring has at least four positions: three corners, and the first one again.",
);
/// A ring that does not come back.
pub const NOT_CLOSED: Refusal = Refusal::invalid(
    "boundary.not_closed",
    "环没有闭合:最后一个点须与第一个点相同。",
    "The ring is not closed: its last position must be the same as its first.",
);
/// Elsewhere, or the wrong way round.
pub const OUTSIDE: Refusal = Refusal::invalid(
    "boundary.outside_china",
    "点 [{longitude}, {latitude}] 不在中国境内;先写经度(73至136),后写纬度(3至54)。",
    "The position [{longitude}, {latitude}] is not in China; the longitude comes first (73 to 136), then the latitude (3 to 54).",
);
/// A ring that meets itself.
pub const CROSSES_ITSELF: Refusal = Refusal::invalid(
    "boundary.crosses_itself",
    "环与自身相交或相接;除首尾外,环不得经过同一处两次。",
    "The ring crosses or touches itself; but for its ends it must not come to the same place twice.",
);
/// Next to nothing is enclosed.
pub const TOO_SMALL: Refusal =
    Refusal::invalid("boundary.too_small", "围成的面积不足1平方米,请检查各点。", "It encloses less than a square metre; check its positions.");
/// A hole that is none.
pub const HOLE_OUTSIDE: Refusal =
    Refusal::invalid("boundary.hole_outside", "内环须在其多边形的外环之内。", "An inner ring must lie within the outer ring of its polygon.");
/// Two inner rings, or two polygons, on the same ground.
pub const PARTS_OVERLAP: Refusal =
    Refusal::invalid("boundary.parts_overlap", "与同一边界中前面的多边形或内环重叠。", "It overlaps an earlier polygon or inner ring of the same boundary.");

/// A position: longitude, then latitude, in degrees.
pub type Position = [f64; 2];

/// A geometry of GeoJSON (RFC 7946) that encloses ground, as it is sent, kept and shown. What was kept was parsed before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[serde(tag = "type", content = "coordinates", deny_unknown_fields)]
#[diesel(sql_type = Jsonb)]
pub enum Geometry {
    /// One piece: its outer ring, then its holes.
    Polygon(Vec<Vec<Position>>),
    /// Several pieces.
    MultiPolygon(Vec<Vec<Vec<Position>>>),
}

impl Geometry {
    /// The rings of each polygon, the outer one first, with where they stand in what is at `at`.
    fn polygons(&self, at: &str) -> Vec<(String, &[Vec<Position>])> {
        match self {
            Self::Polygon(rings) => vec![(format!("{at}/coordinates"), rings.as_slice())],
            Self::MultiPolygon(polygons) => polygons.iter().enumerate().map(|(index, rings)| (format!("{at}/coordinates/{index}"), rings.as_slice())).collect(),
        }
    }

    /// The same as `geo` has it, wound as it likes: outer rings against the clock, holes with it.
    fn shape(&self) -> MultiPolygon {
        let polygons = self.polygons("").into_iter().map(|(_, rings)| {
            let mut rings = rings.iter().map(|ring| line_string(ring));
            let outer = rings.next().unwrap_or_else(LineString::empty);
            Polygon::new(outer, rings.collect())
        });
        MultiPolygon::new(polygons.collect()).orient(Direction::Default)
    }
}

impl FromSql<Jsonb, Pg> for Geometry {
    fn from_sql(value: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        Ok(serde_json::from_value(<serde_json::Value as FromSql<Jsonb, Pg>>::from_sql(value)?)?)
    }
}

impl ToSql<Jsonb, Pg> for Geometry {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
        let value = serde_json::to_value(self)?;
        <serde_json::Value as ToSql<Jsonb, Pg>>::to_sql(&value, &mut out.reborrow())
    }
}

impl PartialSchema for Geometry {
    fn schema() -> RefOr<Schema> {
        let list = |items: RefOr<Schema>, least: usize, most: usize| -> RefOr<Schema> {
            ArrayBuilder::new().items(items).min_items(Some(least)).max_items(Some(most)).into()
        };
        let form = |name: &str, description: &str, coordinates: RefOr<Schema>| {
            let word = ObjectBuilder::new().schema_type(Type::String).pattern(Some(format!("^{name}$"))).max_length(Some(name.len())).examples([name]);
            ObjectBuilder::new()
                .schema_type(Type::Object)
                .description(Some(description))
                .property("type", word)
                .required("type")
                .property("coordinates", coordinates)
                .required("coordinates")
        };
        let degrees = ObjectBuilder::new().schema_type(Type::Number).minimum(Some(-180.0)).maximum(Some(180.0));
        let ring = list(list(degrees.into(), 2, 2), FEWEST_POSITIONS, MOST_POSITIONS);
        let polygon = list(ring, 1, MOST_POSITIONS);
        let square = [[115.03, 31.18], [115.031, 31.18], [115.031, 31.181], [115.03, 31.181], [115.03, 31.18]];
        OneOfBuilder::new()
            .item(form("Polygon", "One piece: its outer ring, then its holes.", polygon.clone()))
            .item(form("MultiPolygon", "Several pieces, each with its outer ring and its holes.", list(polygon, 1, MOST_POSITIONS)))
            .description(Some(
                "A geometry of GeoJSON (RFC 7946): rings of [longitude, latitude] in degrees of CGCS2000 or WGS 84 (not GCJ-02), the last position of \
                 each the same as its first; at most 2000 positions in all.",
            ))
            .examples([json!({"type": "Polygon", "coordinates": [square]})])
            .into()
    }
}

impl ToSchema for Geometry {}

/// Ground that is enclosed, parsed.
#[derive(Clone, Debug)]
pub struct Boundary {
    shape: MultiPolygon,
    around: Option<Rect>,
}

impl Boundary {
    fn of(shape: MultiPolygon) -> Self {
        let around = shape.bounding_rect();
        Self { shape, around }
    }

    /// Parses a geometry that stands at `at` in a body. Refuses at its first fault, and says where that is.
    pub fn parse(geometry: &Geometry, at: &str) -> Result<Self, Refused> {
        let polygons = geometry.polygons(at);
        if polygons.is_empty() || polygons.iter().any(|(_, rings)| rings.is_empty()) {
            return Err(EMPTY.at(at));
        }
        let count: usize = polygons.iter().flat_map(|(_, rings)| rings.iter()).map(Vec::len).sum();
        if count > MOST_POSITIONS {
            return Err(TOO_MANY_POSITIONS.at(at).with("count", count).with("most", MOST_POSITIONS));
        }
        for (at, rings) in &polygons {
            for (index, ring) in rings.iter().enumerate() {
                check_ring(ring, &format!("{at}/{index}"))?;
            }
        }
        let shape = geometry.shape();
        for ((at, _), polygon) in polygons.iter().zip(shape.iter()) {
            check_holes(polygon, at)?;
        }
        if let Some((at, _)) = meets_earlier(&shape.0).and_then(|index| polygons.get(index)) {
            return Err(PARTS_OVERLAP.at(at.clone()));
        }
        Ok(Self::of(shape))
    }

    /// The ground of a geometry that was parsed before it was kept.
    #[must_use]
    pub fn kept(geometry: &Geometry) -> Self {
        Self::of(geometry.shape())
    }

    /// All the ground that some enclose together.
    #[must_use]
    pub fn union<'a>(boundaries: impl Iterator<Item = &'a Self>) -> Self {
        Self::of(unary_union(boundaries.map(|boundary| &boundary.shape)))
    }

    /// How much it encloses, in square metres on the ellipsoid.
    #[must_use]
    pub fn square_metres(&self) -> f64 {
        self.shape.iter().map(square_metres).sum()
    }

    /// Square metres that both enclose.
    #[must_use]
    pub fn shared(&self, other: &Self) -> f64 {
        if !near(self.around, other.around) {
            return 0.0;
        }
        self.shape.intersection(&other.shape).iter().map(square_metres).sum()
    }

    /// Square metres of its pieces that lie outside another, those left out that are no larger than `ignored` square metres.
    #[must_use]
    pub fn beyond(&self, other: &Self, ignored: f64) -> f64 {
        self.shape.difference(&other.shape).iter().map(square_metres).filter(|area| *area > ignored).sum()
    }
}

/// Does work that takes a while apart from the threads that answer.
pub async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Internal(error.to_string()))
}

fn line_string(ring: &[Position]) -> LineString {
    ring.iter().map(|[longitude, latitude]| (*longitude, *latitude)).collect()
}

/// Square metres on the ellipsoid, however it is wound.
fn square_metres(polygon: &Polygon) -> f64 {
    polygon.geodesic_area_signed().abs()
}

fn near(one: Option<Rect>, other: Option<Rect>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one.intersects(&other))
}

fn in_the_country([longitude, latitude]: &Position) -> bool {
    LONGITUDES.contains(longitude) && LATITUDES.contains(latitude)
}

fn check_ring(ring: &[Position], at: &str) -> Result<(), Refused> {
    if let Some((index, [longitude, latitude])) = ring.iter().enumerate().find(|(_, position)| !in_the_country(position)) {
        return Err(OUTSIDE.at(format!("{at}/{index}")).with("longitude", longitude).with("latitude", latitude));
    }
    if ring.len() < FEWEST_POSITIONS {
        return Err(TOO_FEW_POSITIONS.at(at));
    }
    if ring.first() != ring.last() {
        return Err(NOT_CLOSED.at(at));
    }
    let line = line_string(ring);
    if crosses_itself(&line) {
        return Err(CROSSES_ITSELF.at(at));
    }
    if square_metres(&Polygon::new(line, Vec::new())) < LEAST_AREA {
        return Err(TOO_SMALL.at(at));
    }
    Ok(())
}

/// Whether two lines of a ring meet that do not follow one another. The rule is that of `geo`'s validation, which compares each line
/// with all others; here they come from west to east, and only those are compared that could meet.
fn crosses_itself(ring: &LineString) -> bool {
    let mut lines: Vec<(f64, f64, Line)> = ring.lines().map(|line| (line.start.x.min(line.end.x), line.start.x.max(line.end.x), line)).collect();
    lines.sort_by(|one, other| one.0.total_cmp(&other.0));
    lines.iter().enumerate().any(|(index, (_, east, line))| {
        let mut reached = lines.iter().skip(index + 1).take_while(|(west, ..)| west <= east);
        reached.any(|(.., other)| line.start != other.end && line.end != other.start && line.intersects(other))
    })
}

fn check_holes(polygon: &Polygon, at: &str) -> Result<(), Refused> {
    if polygon.interiors().is_empty() {
        return Ok(());
    }
    let whole = |ring: &LineString| Polygon::new(ring.clone(), Vec::new());
    let outer = whole(polygon.exterior());
    let holes: Vec<Polygon> = polygon.interiors().iter().map(whole).collect();
    if let Some(index) = holes.iter().position(|hole| !outer.relate(hole).is_covers()) {
        return Err(HOLE_OUTSIDE.at(format!("{at}/{}", index + 1)));
    }
    if let Some(index) = meets_earlier(&holes) {
        return Err(PARTS_OVERLAP.at(format!("{at}/{}", index + 1)));
    }
    if square_metres(polygon) < LEAST_AREA {
        return Err(TOO_SMALL.at(at));
    }
    Ok(())
}

/// The first polygon that shares ground with an earlier one.
fn meets_earlier(polygons: &[Polygon]) -> Option<usize> {
    let placed: Vec<(&Polygon, Option<Rect>)> = polygons.iter().map(|polygon| (polygon, polygon.bounding_rect())).collect();
    placed
        .iter()
        .enumerate()
        .position(|(index, (polygon, around))| placed.iter().take(index).any(|(earlier, before)| near(*around, *before) && share_ground(polygon, earlier)))
}

fn share_ground(one: &Polygon, other: &Polygon) -> bool {
    let how = one.relate(other);
    !how.is_disjoint() && !how.is_touches()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A square of so many thousandths of a degree, some hundred metres each, with its lower left corner so many from 115.03° E, 31.18° N.
    fn ring(east: f64, north: f64, side: f64) -> Vec<Position> {
        [(0.0, 0.0), (side, 0.0), (side, side), (0.0, side), (0.0, 0.0)].map(|(x, y)| [115.03 + (east + x) / 1000.0, 31.18 + (north + y) / 1000.0]).to_vec()
    }

    fn square(east: f64, north: f64, side: f64) -> Geometry {
        Geometry::Polygon(vec![ring(east, north, side)])
    }

    fn refused(geometry: &Geometry) -> (&'static str, String) {
        let refused = Boundary::parse(geometry, "/boundary").unwrap_err();
        (refused.refusal.code, refused.pointer.unwrap())
    }

    #[test]
    fn org_03_a_boundary_encloses_ground_in_the_country_once() {
        let good = Boundary::parse(&square(0.0, 0.0, 1.0), "/boundary").unwrap();
        // 95.3 m by 110.9 m, a little narrower in the north.
        assert!((10_500.0..10_640.0).contains(&good.square_metres()), "{}", good.square_metres());
        let clockwise = Geometry::Polygon(vec![ring(0.0, 0.0, 1.0).into_iter().rev().collect()]);
        let same = Boundary::parse(&clockwise, "/boundary").unwrap();
        assert!((same.square_metres() - good.square_metres()).abs() < 0.01);
        let open = Geometry::Polygon(vec![ring(0.0, 0.0, 1.0).into_iter().take(4).collect()]);
        assert_eq!(refused(&open), ("boundary.not_closed", "/boundary/coordinates/0".to_owned()));
        let short = Geometry::Polygon(vec![ring(0.0, 0.0, 1.0).into_iter().take(3).collect()]);
        assert_eq!(refused(&short).0, "boundary.too_few_positions");
        let bow_tie = Geometry::Polygon(vec![vec![[115.03, 31.18], [115.031, 31.181], [115.031, 31.18], [115.03, 31.181], [115.03, 31.18]]]);
        assert_eq!(refused(&bow_tie), ("boundary.crosses_itself", "/boundary/coordinates/0".to_owned()));
        let spike = Geometry::Polygon(vec![vec![[115.03, 31.18], [115.032, 31.18], [115.031, 31.18], [115.031, 31.181], [115.03, 31.18]]]);
        assert_eq!(refused(&spike).0, "boundary.crosses_itself");
        let flat = Geometry::Polygon(vec![vec![[115.03, 31.18], [115.031, 31.18], [115.032, 31.18], [115.03, 31.18]]]);
        assert_eq!(refused(&flat).0, "boundary.too_small");
        let swapped = Geometry::Polygon(vec![ring(0.0, 0.0, 1.0).into_iter().map(|[longitude, latitude]| [latitude, longitude]).collect()]);
        assert_eq!(refused(&swapped), ("boundary.outside_china", "/boundary/coordinates/0/0".to_owned()));
        let nowhere = Geometry::Polygon(vec![vec![[f64::NAN, 31.18]; 4]]);
        assert_eq!(refused(&nowhere).0, "boundary.outside_china");
        let mut long = vec![[115.03, 31.18]; 2_001];
        long.extend(ring(0.0, 0.0, 1.0));
        assert_eq!(refused(&Geometry::Polygon(vec![long])), ("boundary.too_many_positions", "/boundary".to_owned()));
        assert_eq!(refused(&Geometry::MultiPolygon(vec![])).0, "boundary.empty");
        assert_eq!(refused(&Geometry::MultiPolygon(vec![vec![]])).0, "boundary.empty");
    }

    #[test]
    fn org_03_holes_lie_within_and_parts_beside_one_another() {
        let outer = ring(0.0, 0.0, 4.0);
        let holed = Geometry::Polygon(vec![outer.clone(), ring(1.0, 1.0, 1.0), ring(2.0, 2.0, 1.0)]);
        let (holed, full) = (Boundary::parse(&holed, "").unwrap(), Boundary::parse(&square(0.0, 0.0, 4.0), "").unwrap());
        assert!((full.square_metres() - holed.square_metres() - 21_140.0).abs() < 140.0, "{}", holed.square_metres());
        let beside = Geometry::Polygon(vec![outer.clone(), ring(3.5, 1.0, 1.0)]);
        assert_eq!(refused(&beside), ("boundary.hole_outside", "/boundary/coordinates/1".to_owned()));
        let twice = Geometry::Polygon(vec![outer.clone(), ring(1.0, 1.0, 1.0), ring(1.5, 1.5, 1.0)]);
        assert_eq!(refused(&twice), ("boundary.parts_overlap", "/boundary/coordinates/2".to_owned()));
        assert_eq!(refused(&Geometry::Polygon(vec![outer.clone(), outer.clone()])).0, "boundary.too_small");
        let parts = |east: f64| Geometry::MultiPolygon(vec![vec![ring(0.0, 0.0, 1.0)], vec![ring(east, 0.0, 1.0)]]);
        assert!(Boundary::parse(&parts(2.0), "").is_ok());
        assert_eq!(refused(&parts(0.5)), ("boundary.parts_overlap", "/boundary/coordinates/1".to_owned()));
        let island = Geometry::MultiPolygon(vec![vec![outer, ring(1.0, 1.0, 2.0)], vec![ring(1.5, 1.5, 1.0)]]);
        assert!(Boundary::parse(&island, "").is_ok(), "an island in a hole is on no ground of the rest");
    }

    #[test]
    fn org_03_what_is_shared_and_what_is_left_is_measured() {
        let at = |east: f64, north: f64, side: f64| Boundary::kept(&square(east, north, side));
        let (west, east) = (at(0.0, 0.0, 1.0), at(1.0, 0.0, 1.0));
        assert!(west.shared(&east) < 0.01, "neighbours share a line and no ground");
        assert!(west.shared(&at(5.0, 5.0, 1.0)) < 0.01);
        let half = west.shared(&at(0.5, 0.0, 1.0));
        assert!((half - west.square_metres() / 2.0).abs() < 1.0, "{half}");
        let both = Boundary::union([&west, &east, &at(0.0, 1.0, 1.0)].into_iter());
        let whole = at(0.0, 0.0, 2.0);
        assert!((whole.beyond(&both, 1.0) - east.square_metres()).abs() < 5.0, "a quarter is left");
        assert!(both.beyond(&whole, 1.0) < 0.01);
        let full = Boundary::union([&both, &at(1.0, 1.0, 1.0)].into_iter());
        assert!(whole.beyond(&full, 1.0) < 0.01 && full.beyond(&whole, 1.0) < 0.01);
    }

    #[test]
    fn a_geometry_is_read_and_written_as_geojson() {
        let text = json!({"type": "Polygon", "coordinates": [[[115, 31.18], [115.031, 31.18], [115.031, 31.181], [115, 31.18]]]});
        let read: Geometry = serde_json::from_value(text).unwrap();
        assert_eq!(read, Geometry::Polygon(vec![vec![[115.0, 31.18], [115.031, 31.18], [115.031, 31.181], [115.0, 31.18]]]));
        let kept = serde_json::to_value(&read).unwrap();
        assert_eq!((kept["type"].as_str(), kept["coordinates"][0][1][0].as_f64()), (Some("Polygon"), Some(115.031)));
        for bad in [
            json!({"type": "Point", "coordinates": [115.0, 31.0]}),
            json!({"type": "Polygon", "coordinates": [[[115.0, 31.0, 20.0]]]}),
            json!({"type": "Polygon", "coordinates": [], "crs": "EPSG:3857"}),
        ] {
            assert!(serde_json::from_value::<Geometry>(bad.clone()).is_err(), "{bad}");
        }
    }
}
