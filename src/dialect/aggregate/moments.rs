//! Sums of doubles and of their squares and products about the mean, as PostgreSQL keeps them (Youngs
//! and Cramer), and the statistics that follow from them.

use crate::error::{ErrorKind, QueryError};
use datafusion::common::Result;
use datafusion::error::DataFusionError;

/// Below this size no square of a difference leaves a double, however many there are.
pub(crate) const SQUARES_FIT: f64 = 1e140;

/// PostgreSQL's error of a finite input with an infinite result: SQLSTATE 22003.
pub(crate) fn overflow() -> DataFusionError {
    DataFusionError::External(Box::new(QueryError::new(ErrorKind::OutOfRange, "value out of range: overflow")))
}

/// The real that is next to a double.
#[allow(clippy::cast_possible_truncation, reason = "what leaves a real is infinite, and an error")]
fn real(value: f64) -> f64 {
    f64::from(value as f32)
}

/// A statistic of one variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum One {
    /// `sum`, in double precision.
    Sum,
    /// `sum` of reals, which is rounded to a real after each of them.
    SumOfReals,
    /// `avg`, of all values.
    Average,
    /// `var_pop`, by the number of values.
    VariancePopulation,
    /// `var_samp`, by one less than the number of values.
    VarianceSample,
    /// `stddev_pop`, by the number of values.
    DeviationPopulation,
    /// `stddev_samp`, by one less than the number of values.
    DeviationSample,
}

impl One {
    /// Whether it needs the squares of all values, or only their sum.
    pub(crate) fn needs_squares(self) -> bool {
        !matches!(self, Self::Sum | Self::SumOfReals | Self::Average)
    }

    /// The statistic, `None` where it is NULL.
    pub(crate) fn of(self, moments: &Moments) -> Option<f64> {
        let Moments { count, sum, squares } = *moments;
        let least = if matches!(self, Self::VarianceSample | Self::DeviationSample) { 2.0 } else { 1.0 };
        (count >= least).then(|| match self {
            Self::Sum | Self::SumOfReals => sum,
            Self::Average => sum / count,
            Self::VariancePopulation => squares / count,
            Self::VarianceSample => squares / (count - 1.0),
            Self::DeviationPopulation => (squares / count).sqrt(),
            Self::DeviationSample => (squares / (count - 1.0)).sqrt(),
        })
    }
}

/// How many values of one variable there were, their sum, and the sum of their squared distances from
/// the mean.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Moments {
    /// Values seen, NULL aside.
    pub(crate) count: f64,
    /// The sum of the values.
    pub(crate) sum: f64,
    /// Squared distances from the mean; NaN once a value was not finite.
    pub(crate) squares: f64,
}

impl Moments {
    /// Counts one value in the sum alone.
    pub(crate) fn add_to_sum(&mut self, value: f64) {
        self.count += 1.0;
        self.sum += value;
    }

    /// Adds the sum of some values to the sum alone, and fails where finite ones become infinite.
    ///
    /// # Errors
    /// `OutOfRange` (SQLSTATE 22003).
    pub(crate) fn add_checked(&mut self, count: f64, value: f64) -> Result<()> {
        let before = self.sum;
        self.count += count;
        self.sum += value;
        if self.sum.is_infinite() && before.is_finite() && value.is_finite() { Err(overflow()) } else { Ok(()) }
    }

    /// The same of reals, whose sum is rounded to one.
    ///
    /// # Errors
    /// `OutOfRange` (SQLSTATE 22003).
    pub(crate) fn add_real(&mut self, count: f64, value: f64) -> Result<()> {
        let before = self.sum;
        self.count += count;
        self.sum = real(real(before) + real(value));
        if self.sum.is_infinite() && before.is_finite() && value.is_finite() { Err(overflow()) } else { Ok(()) }
    }

    /// Counts one value in everything.
    ///
    /// # Errors
    /// `OutOfRange` (SQLSTATE 22003) where finite values become infinite.
    pub(crate) fn add(&mut self, value: f64) -> Result<()> {
        let before = *self;
        self.add_to_sum(value);
        if before.count > 0.0 {
            let distance = value * self.count - self.sum;
            self.squares += distance * distance / (self.count * before.count);
            if self.sum.is_infinite() || self.squares.is_infinite() {
                if !before.sum.is_infinite() && !value.is_infinite() {
                    return Err(overflow());
                }
                self.squares = f64::NAN;
            }
        } else if !value.is_finite() {
            self.squares = f64::NAN;
        }
        Ok(())
    }

    /// Takes in what was counted elsewhere.
    ///
    /// # Errors
    /// `OutOfRange` (SQLSTATE 22003) where finite values become infinite.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<()> {
        if other.count == 0.0 {
            return Ok(());
        }
        if self.count == 0.0 {
            *self = *other;
            return Ok(());
        }
        let (one, count) = (*self, self.count + other.count);
        let distance = one.sum / one.count - other.sum / other.count;
        let sum = one.sum + other.sum;
        let squares = one.squares + other.squares + one.count * other.count * distance * distance / count;
        let overflown =
            |result: f64, one: f64, other: f64| result.is_infinite() && one.is_finite() && other.is_finite();
        if overflown(sum, one.sum, other.sum) || overflown(squares, one.squares, other.squares) && distance.is_finite()
        {
            return Err(overflow());
        }
        *self = Self { count, sum, squares };
        Ok(())
    }
}

/// A statistic of two variables; `y` is the first argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Two {
    /// `corr`, between -1 and 1.
    Correlation,
    /// `covar_pop`, by the number of pairs.
    CovariancePopulation,
    /// `covar_samp`, by one less than the number of pairs.
    CovarianceSample,
    /// `regr_avgx`, the mean of the second argument.
    AverageX,
    /// `regr_avgy`, the mean of the first argument.
    AverageY,
    /// `regr_count`, the pairs without a NULL.
    Count,
    /// `regr_intercept`, where the line meets x = 0.
    Intercept,
    /// `regr_r2`, the square of the correlation.
    Determination,
    /// `regr_slope`, of the line of least squares.
    Slope,
    /// `regr_sxx`, squared distances of the second argument.
    SquaresX,
    /// `regr_syy`, squared distances of the first argument.
    SquaresY,
    /// `regr_sxy`, products of both distances.
    Products,
}

impl Two {
    /// The statistic, `None` where it is NULL.
    pub(crate) fn of(self, pairs: &Pairs) -> Option<f64> {
        let Pairs { count, x, y, xx, yy, xy } = *pairs;
        if self == Self::Count {
            return Some(count);
        }
        if count < if self == Self::CovarianceSample { 2.0 } else { 1.0 } {
            return None;
        }
        match self {
            Self::Count => Some(count),
            Self::Correlation => (xx != 0.0 && yy != 0.0).then(|| xy / (xx * yy).sqrt()),
            Self::CovariancePopulation => Some(xy / count),
            Self::CovarianceSample => Some(xy / (count - 1.0)),
            Self::AverageX => Some(x / count),
            Self::AverageY => Some(y / count),
            Self::Intercept => (xx != 0.0).then(|| (y - x * xy / xx) / count),
            Self::Determination if xx == 0.0 => None,
            Self::Determination => Some(if yy == 0.0 { 1.0 } else { (xy * xy) / (xx * yy) }),
            Self::Slope => (xx != 0.0).then(|| xy / xx),
            Self::SquaresX => Some(xx),
            Self::SquaresY => Some(yy),
            Self::Products => Some(xy),
        }
    }
}

/// Sums of pairs, of their squares and of their products about the means.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Pairs {
    /// Pairs seen, those with a NULL aside.
    pub(crate) count: f64,
    /// Sum of the second argument.
    pub(crate) x: f64,
    /// Sum of the first argument.
    pub(crate) y: f64,
    /// Squared distances of the second argument.
    pub(crate) xx: f64,
    /// Squared distances of the first argument.
    pub(crate) yy: f64,
    /// Products of both distances.
    pub(crate) xy: f64,
}

impl Pairs {
    /// Counts one pair.
    ///
    /// # Errors
    /// `OutOfRange` (SQLSTATE 22003) where finite values become infinite.
    pub(crate) fn add(&mut self, y: f64, x: f64) -> Result<()> {
        let before = *self;
        self.count += 1.0;
        self.x += x;
        self.y += y;
        if before.count > 0.0 {
            let (of_x, of_y) = (x * self.count - self.x, y * self.count - self.y);
            let scale = 1.0 / (self.count * before.count);
            self.xx += of_x * of_x * scale;
            self.yy += of_y * of_y * scale;
            self.xy += of_x * of_y * scale;
            let (infinite_x, infinite_y) =
                (self.x.is_infinite() || self.xx.is_infinite(), self.y.is_infinite() || self.yy.is_infinite());
            if infinite_x || infinite_y || self.xy.is_infinite() {
                let (given_x, given_y) =
                    (before.x.is_infinite() || x.is_infinite(), before.y.is_infinite() || y.is_infinite());
                if infinite_x && !given_x || infinite_y && !given_y || self.xy.is_infinite() && !given_x && !given_y {
                    return Err(overflow());
                }
                for sum in [&mut self.xx, &mut self.yy, &mut self.xy] {
                    if sum.is_infinite() {
                        *sum = f64::NAN;
                    }
                }
            }
        } else {
            if !x.is_finite() {
                (self.xx, self.xy) = (f64::NAN, f64::NAN);
            }
            if !y.is_finite() {
                (self.yy, self.xy) = (f64::NAN, f64::NAN);
            }
        }
        Ok(())
    }

    /// Takes in what was counted elsewhere.
    ///
    /// # Errors
    /// `OutOfRange` (SQLSTATE 22003) where finite values become infinite.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<()> {
        if other.count == 0.0 {
            return Ok(());
        }
        if self.count == 0.0 {
            *self = *other;
            return Ok(());
        }
        let (one, count) = (*self, self.count + other.count);
        let of_x = one.x / one.count - other.x / other.count;
        let of_y = one.y / one.count - other.y / other.count;
        let weight = one.count * other.count / count;
        let sum = |own: f64, others: f64, added: f64| {
            let sum = own + others + added;
            let finite = own.is_finite() && others.is_finite() && of_x.is_finite() && of_y.is_finite();
            if sum.is_infinite() && finite { Err(overflow()) } else { Ok(sum) }
        };
        *self = Self {
            count,
            x: sum(one.x, other.x, 0.0)?,
            y: sum(one.y, other.y, 0.0)?,
            xx: sum(one.xx, other.xx, weight * of_x * of_x)?,
            yy: sum(one.yy, other.yy, weight * of_y * of_y)?,
            xy: sum(one.xy, other.xy, weight * of_x * of_y)?,
        };
        Ok(())
    }
}
