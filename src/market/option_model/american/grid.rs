//! Points at which the boundary is known, and at which integrals over it are taken. They are the same for all options.
//!
//! The boundary of a time before expiration is a function of that time's square root, as a share of the root of the
//! whole life: 0 at expiration, 1 at the beginning. What is interpolated is the square of its logarithm's distance from
//! the boundary at expiration, which is smooth but for a logarithm.

use std::f64::consts::{FRAC_PI_2, PI};
use std::sync::LazyLock;

/// Nodes of the boundary, without the one at expiration, where the distance is 0; a multiple of four.
pub(super) const NODES: usize = 28;

/// Points of the integral up to each node.
pub(super) const POINTS: usize = 20;

/// One value for each node.
pub(super) type Nodes = [f64; NODES];

/// A point of an integral over time. Time since now is the sine squared, time to expiration the cosine squared, so that
/// the roots of both, by which everything moves, are smooth at both ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) sine: f64,
    pub(super) cosine: f64,
    /// Weight of the integrand over time, for a life of 1.
    pub(super) weight: f64,
}

/// A point of the integral over the whole life, and how the boundary follows there from the nodes.
#[derive(Debug, Clone)]
pub(super) struct WholePoint {
    pub(super) point: Point,
    pub(super) interpolation: Nodes,
}

/// The points of all integrals.
#[derive(Debug)]
pub(super) struct Grid {
    /// Where the nodes are.
    pub(super) nodes: Nodes,
    /// Points of the integral up to a node, by the Gauss-Legendre rule in the angle.
    pub(super) points: [Point; POINTS],
    /// For each node and each of its points, how the boundary follows there from the nodes.
    pub(super) interpolation: Vec<[Nodes; POINTS]>,
    /// Points of the integral over the whole life by the tanh-sinh rule: each level halves the step of those before.
    pub(super) levels: Vec<Vec<WholePoint>>,
}

/// Levels of the tanh-sinh rule.
const LEVELS: i32 = 6;

/// The grid of all options.
pub(super) fn grid() -> &'static Grid {
    static GRID: LazyLock<Grid> = LazyLock::new(Grid::new);
    &GRID
}

impl Grid {
    fn new() -> Self {
        let nodes: Nodes = std::array::from_fn(|node| chebyshev(node + 1));
        let points = legendre().map(|(share, weight)| {
            let (sine, cosine) = (share * FRAC_PI_2).sin_cos();
            Point { sine, cosine, weight: weight * FRAC_PI_2 * 2.0 * sine * cosine }
        });
        let interpolation = nodes.iter().map(|node| points.map(|point| interpolation(node * point.cosine))).collect();
        Self { nodes, points, interpolation, levels: (0..LEVELS).map(level).collect() }
    }
}

/// A Chebyshev point of the second kind between 0 and 1.
fn chebyshev(place: usize) -> f64 {
    (place as f64 * FRAC_PI_2 / NODES as f64).sin().powi(2)
}

/// Weights of the nodes' values in the value of the interpolating polynomial, by the barycentric formula.
fn interpolation(at: f64) -> Nodes {
    let weight = |place: usize| {
        let sign = if place.is_multiple_of(2) { 1.0 } else { -1.0 };
        let end = if place == 0 || place == NODES { 0.5 } else { 1.0 };
        sign * end / (at - chebyshev(place))
    };
    if let Some(node) = (0..=NODES).find(|place| (at - chebyshev(*place)).abs() < 1e-15) {
        return std::array::from_fn(|place| if place + 1 == node { 1.0 } else { 0.0 });
    }
    let sum: f64 = (0..=NODES).map(weight).sum();
    std::array::from_fn(|place| weight(place + 1) / sum)
}

/// The Gauss-Legendre rule between 0 and 1: places and weights.
fn legendre() -> [(f64, f64); POINTS] {
    let count = POINTS as f64;
    std::array::from_fn(|place| {
        let mut at = (PI * (place as f64 + 0.75) / (count + 0.5)).cos();
        // Newton's method doubles the digits of a place that has three.
        for _ in 0..6 {
            let (value, slope) = polynomial(at);
            at -= value / slope;
        }
        let slope = polynomial(at).1;
        (0.5 * (1.0 - at), 1.0 / ((1.0 - at * at) * slope * slope))
    })
}

/// The Legendre polynomial of the rule and its slope.
fn polynomial(at: f64) -> (f64, f64) {
    let (mut before, mut value) = (1.0, at);
    for degree in 2..=POINTS {
        let degree = degree as f64;
        (before, value) = (value, ((2.0 * degree - 1.0) * at * value - (degree - 1.0) * before) / degree);
    }
    (value, POINTS as f64 * (at * value - before) / (at * at - 1.0))
}

/// The points that one level of the tanh-sinh rule adds, with the weights of its step.
fn level(level: i32) -> Vec<WholePoint> {
    let step = 0.25 / f64::from(1 << level);
    let last = (3.3 / step) as i32;
    let added = (-last..=last).filter(|place| level == 0 || place % 2 != 0);
    added.map(|place| whole_point(f64::from(place) * step, step)).collect()
}

fn whole_point(at: f64, step: f64) -> WholePoint {
    let stretched = PI * at.sinh();
    // Both angles are computed from their own end, so that the small one keeps its digits.
    let (angle, complement) = (FRAC_PI_2 / (1.0 + (-stretched).exp()), FRAC_PI_2 / (1.0 + stretched.exp()));
    let (sine, cosine) = (angle.sin(), complement.sin());
    let speed = angle * complement / FRAC_PI_2 * PI * at.cosh();
    let weight = step * speed * 2.0 * sine * cosine;
    WholePoint { point: Point { sine, cosine, weight }, interpolation: interpolation(cosine) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The integral of the root of the time to expiration over a life of 1 is 2/3, of its square 1/2.
    #[test]
    fn integrals_over_time_are_right() {
        let grid = grid();
        let gauss: f64 = grid.points.iter().map(|point| point.weight * point.cosine).sum();
        assert!((gauss - 2.0 / 3.0).abs() < 1e-14, "{gauss}");
        let mut whole = 0.0;
        for level in &grid.levels {
            whole = whole / 2.0 + level.iter().map(|whole| whole.point.weight * whole.point.sine.powi(2)).sum::<f64>();
        }
        assert!((whole - 0.5).abs() < 1e-13, "{whole}");
    }

    #[test]
    fn interpolation_gives_polynomials_back() {
        let grid = grid();
        for (node, rows) in grid.nodes.iter().zip(&grid.interpolation) {
            for (point, row) in grid.points.iter().zip(rows) {
                let at = node * point.cosine;
                let value: f64 = row.iter().zip(&grid.nodes).map(|(weight, node)| weight * node.powi(3)).sum();
                assert!((value - at.powi(3)).abs() < 1e-13, "{value} at {at}");
            }
        }
    }
}
