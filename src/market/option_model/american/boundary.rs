//! The boundary of early exercise: the price of the underlying, for each time before expiration, at and below which a
//! put with strike 1 is worth its exercise.
//!
//! It solves an integral equation in itself, at the nodes of the grid by Newton's method.

use super::dynamics::Dynamics;
use super::grid::{Grid, NODES, Nodes, POINTS, Point, grid};
use super::linear::solve;
use crate::market::option_model::normal::{density, density_and_cumulative};

/// Steps of Newton's method at most; it takes five or six.
const STEPS: usize = 40;

/// The last step's size, in logarithms; the error it leaves is about its square.
const SMALL: f64 = 1e-7;

/// A solution for one set of dynamics.
#[derive(Debug, Clone)]
pub(super) struct Boundary {
    /// Logarithm of the boundary at expiration.
    limit: f64,
    /// How far the boundary's logarithm has fallen from there, at each node.
    fallen: Nodes,
    squares: Nodes,
}

/// The condition at the boundary that an equation for it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    /// The price falls with slope -1: well conditioned, and enough nearly always.
    SmoothPasting,
    /// The price is the exercise's.
    ValueMatching,
}

impl Boundary {
    /// The boundary that meets a condition; `None` where no solution was found. `near` is one of similar dynamics.
    pub(super) fn new(dynamics: &Dynamics, condition: Condition, near: Option<&Self>) -> Option<Self> {
        let equation = Equation::new(dynamics, condition);
        let mut fallen = near.map_or_else(|| guess(dynamics), |near| near.fallen);
        let mut before = fallen;
        // Nodes that are thrown to and fro go a shorter way each time.
        let (mut last, mut reach) = ([0.0; NODES], [4.0_f64; NODES]);
        for _ in 0..STEPS {
            let Some(step) = equation.step(&fallen) else {
                // A step too far: half of it.
                fallen = std::array::from_fn(|node| 0.5 * (before[node] + fallen[node]));
                continue;
            };
            before = fallen;
            for node in 0..NODES {
                if step[node] * last[node] < 0.0 {
                    reach[node] = reach[node].sqrt();
                }
                let (least, most) = (before[node] / reach[node], before[node] * reach[node]);
                fallen[node] = (before[node] + step[node]).clamp(least, most);
            }
            last = step;
            let largest = before.iter().zip(&fallen).map(|(one, other)| (one - other).abs()).fold(0.0, f64::max);
            if largest < SMALL {
                return Some(Self { limit: equation.limit, fallen, squares: fallen.map(|fallen| fallen * fallen) });
            }
        }
        None
    }

    /// Logarithm of the boundary where `interpolation` says.
    pub(super) fn log_at(&self, interpolation: &Nodes) -> f64 {
        self.limit - dot(interpolation, &self.squares).max(0.0).sqrt()
    }

    /// Logarithm of the boundary of the whole life.
    pub(super) fn log_now(&self) -> f64 {
        self.limit - self.fallen[NODES - 1]
    }
}

/// The sum of products, in four sums that a processor adds up at a time.
fn dot(one: &Nodes, other: &Nodes) -> f64 {
    let mut sums = [0.0; 4];
    for (one, other) in one.chunks_exact(4).zip(other.chunks_exact(4)) {
        sums.iter_mut().zip(one.iter().zip(other)).for_each(|(sum, (one, other))| *sum += one * other);
    }
    sums.iter().sum()
}

/// How far a boundary has fallen at the least, relative to what bounds it: the move that a deviation makes, and the
/// boundary of a put that never expires.
const LEAST: f64 = 0.2;

/// A first guess, by the trigger price of Bjerksund and Stensland.
fn guess(dynamics: &Dynamics) -> Nodes {
    let ratio = dynamics.boundary_at_expiration() / dynamics.perpetual_boundary() - 1.0;
    let mut before = 0.0_f64;
    grid().nodes.map(|node| {
        let years = dynamics.years * node * node;
        let reached = (2.0 * dynamics.volatility * years.sqrt() - dynamics.drift() * years).max(0.0);
        let risen = if ratio < 1e9 { -ratio * (-reached / ratio).exp_m1() } else { reached };
        let least = LEAST * (dynamics.volatility * years.sqrt()).min(ratio.ln_1p());
        before = before.max(risen.ln_1p()).max(least);
        before
    })
}

/// The equation for the boundary at all nodes.
struct Equation<'a> {
    dynamics: &'a Dynamics,
    condition: Condition,
    grid: &'static Grid,
    /// Logarithm of the boundary at expiration.
    limit: f64,
    /// How far the boundary of a put that never expires lies below that.
    depth: f64,
    /// What the rate and the yield have grown to at each point.
    growth: Vec<[(f64, f64); POINTS]>,
}

/// Numerator and denominator of the equation at a node, with their slopes.
#[derive(Debug, Clone, Copy, Default)]
struct Ratio {
    strike: f64,
    share: f64,
    strike_slope: f64,
    share_slope: f64,
}

impl<'a> Equation<'a> {
    fn new(dynamics: &'a Dynamics, condition: Condition) -> Self {
        let grid = grid();
        let (rate, dividend_yield) = (dynamics.rate * dynamics.years, dynamics.dividend_yield * dynamics.years);
        let growth = grid.nodes.iter().map(|node| {
            grid.points.map(|point| {
                let share = (node * point.cosine).powi(2);
                ((rate * share).exp(), (dividend_yield * share).exp())
            })
        });
        let limit = dynamics.boundary_at_expiration().ln();
        let depth = limit - dynamics.perpetual_boundary().ln();
        Self { dynamics, condition, grid, limit, depth, growth: growth.collect() }
    }

    /// Newton's step from where the boundary has fallen to.
    fn step(&self, fallen: &Nodes) -> Option<Nodes> {
        let squares = fallen.map(|fallen| fallen * fallen);
        let (mut matrix, mut step) = ([[0.0; NODES]; NODES], [0.0; NODES]);
        for node in 0..NODES {
            let (row, residual) = self.row(node, fallen, &squares)?;
            (matrix[node], step[node]) = (row, -residual);
        }
        solve(&mut matrix, &mut step)?;
        Some(step)
    }

    /// The slopes of a node's residual by all nodes, and the residual: the boundary's logarithm less what the equation
    /// says.
    fn row(&self, node: usize, fallen: &Nodes, squares: &Nodes) -> Option<(Nodes, f64)> {
        let root = self.grid.nodes[node];
        let log = self.limit - fallen[node];
        let mut ratio = self.at_expiration(log, root);
        let mut slopes = [(0.0, 0.0); POINTS];
        for (place, slope) in slopes.iter_mut().enumerate() {
            let (point, growth) = (&self.grid.points[place], self.growth[node][place]);
            let least = LEAST * (self.dynamics.deviation() * root * point.cosine).min(self.depth);
            let square = dot(&self.grid.interpolation[node][place], squares);
            // What the interpolation cannot tell from 0 is not the boundary's.
            let other = if square > least * least { square.sqrt() } else { least };
            let added = self.between(log - (self.limit - other), root, point, growth);
            ratio.add(&added);
            if other > least {
                *slope = (added.strike_slope / other, added.share_slope / other);
            }
        }
        let residual =
            log + self.dynamics.drift() * self.dynamics.years * root * root - (ratio.strike / ratio.share).ln();
        let mut row = [0.0; NODES];
        for ((of_strike, of_share), interpolation) in slopes.iter().zip(&self.grid.interpolation[node]) {
            let slope = of_share / ratio.share - of_strike / ratio.strike;
            row.iter_mut().zip(interpolation).for_each(|(one, weight)| *one += slope * weight);
        }
        row.iter_mut().zip(fallen).for_each(|(one, fallen)| *one *= fallen);
        row[node] += ratio.strike_slope / ratio.strike - ratio.share_slope / ratio.share - 1.0;
        residual.is_finite().then_some((row, residual))
    }

    /// What the end of the option's life adds at a node.
    fn at_expiration(&self, log: f64, root: f64) -> Ratio {
        let deviation = self.dynamics.deviation() * root;
        let d1 = self.dynamics.d1(log, root);
        let d2 = d1 - deviation;
        let (below, below_strike) = (density_and_cumulative(d1), density_and_cumulative(d2));
        let (share, strike) = (below.0 / deviation, below_strike.0 / deviation);
        match self.condition {
            Condition::SmoothPasting => Ratio {
                strike,
                share: share + below.1,
                strike_slope: -d2 * strike / deviation,
                share_slope: share - d1 * share / deviation,
            },
            Condition::ValueMatching => {
                Ratio { strike: below_strike.1, share: below.1, strike_slope: strike, share_slope: share }
            }
        }
    }

    /// What exercise at a point between adds, where the boundary lies at this distance below the node's, by logarithm.
    fn between(&self, distance: f64, root: f64, point: &Point, (rate, dividend_yield): (f64, f64)) -> Ratio {
        let Dynamics { years, .. } = *self.dynamics;
        let deviation = self.dynamics.deviation() * root * point.sine;
        let d1 = self.dynamics.d1(distance, root * point.sine);
        let d2 = d1 - deviation;
        let weight = point.weight * years * root * root;
        let mut ratio = Ratio::default();
        if self.dynamics.rate != 0.0 {
            let paid = self.dynamics.rate * weight * rate;
            match self.condition {
                Condition::SmoothPasting => {
                    ratio.strike = paid * density(d2) / deviation;
                    ratio.strike_slope = -d2 * ratio.strike / deviation;
                }
                Condition::ValueMatching => {
                    let (density, cumulative) = density_and_cumulative(d2);
                    ratio.strike = paid * cumulative;
                    ratio.strike_slope = paid * density / deviation;
                }
            }
        }
        if self.dynamics.dividend_yield != 0.0 {
            let paid = self.dynamics.dividend_yield * weight * dividend_yield;
            let (density, cumulative) = density_and_cumulative(d1);
            let slope = paid * density / deviation;
            ratio.share = paid * cumulative;
            ratio.share_slope = slope;
            if self.condition == Condition::SmoothPasting {
                ratio.share += slope;
                ratio.share_slope -= d1 * slope / deviation;
            }
        }
        ratio
    }
}

impl Ratio {
    fn add(&mut self, other: &Self) {
        self.strike += other.strike;
        self.share += other.share;
        self.strike_slope += other.strike_slope;
        self.share_slope += other.share_slope;
    }
}
