//! Indicators over windows: `ewma`, `rsi`, `atr`, `macd` and `bollinger`, with TA-Lib's results.
//!
//! A row counts where all its numbers are known and finite; any other has no result, and the rows behind it are as if it were
//! not there. An indicator reads all rows of its partition up to the current one, so that it has no frame of its own.

mod function;
mod parameter;

use super::argument::Taken;
use crate::market::indicator::{
    average_true_range, bollinger_bands, exponential_average, moving_average_convergence, relative_strength,
};
use datafusion::common::Result;
use datafusion::logical_expr::WindowUDF;
pub(super) use function::Indicator;
use function::{Results, columns};
use parameter::Parameters;

/// The window functions of this file.
pub(super) fn functions() -> impl Iterator<Item = WindowUDF> {
    use Taken::{Number, Whole};
    let all = [
        Indicator {
            name: "ewma",
            doc: "The exponential moving average over a period, which begins with the mean of its first rows.",
            taken: &[Number, Whole],
            least: 2,
            series: 1,
            fields: &[],
            compute: ewma,
        },
        Indicator {
            name: "rsi",
            doc: "Wilder's relative strength index over a period, 14 if none is given, from 0 to 100.",
            taken: &[Number, Whole],
            least: 1,
            series: 1,
            fields: &[],
            compute: rsi,
        },
        Indicator {
            name: "atr",
            doc: "Wilder's average true range of high, low and close over a period, 14 if none is given.",
            taken: &[Number, Number, Number, Whole],
            least: 3,
            series: 3,
            fields: &[],
            compute: atr,
        },
        Indicator {
            name: "macd",
            doc: "A fast average less a slow one, the average of that, and their distance: macd, signal, histogram.",
            taken: &[Number, Whole, Whole, Whole],
            least: 1,
            series: 1,
            fields: &["macd", "signal", "histogram"],
            compute: macd,
        },
        Indicator {
            name: "bollinger",
            doc: "The mean of a period, and so many standard deviations around it: lower, middle, upper.",
            taken: &[Number, Whole, Number],
            least: 1,
            series: 1,
            fields: &["lower", "middle", "upper"],
            compute: bollinger,
        },
    ];
    all.into_iter().map(Indicator::function)
}

fn ewma(series: &[Vec<f64>], parameters: &Parameters) -> Result<Results> {
    let [values] = series else { return Ok(Results::new()) };
    Ok(vec![exponential_average(values, parameters.period(0, "period", 0)?)])
}

fn rsi(series: &[Vec<f64>], parameters: &Parameters) -> Result<Results> {
    let [values] = series else { return Ok(Results::new()) };
    Ok(vec![relative_strength(values, parameters.period(0, "period", 14)?)])
}

fn atr(series: &[Vec<f64>], parameters: &Parameters) -> Result<Results> {
    let [high, low, close] = series else { return Ok(Results::new()) };
    Ok(vec![average_true_range(high, low, close, parameters.period(0, "period", 14)?)])
}

fn macd(series: &[Vec<f64>], parameters: &Parameters) -> Result<Results> {
    let [values] = series else { return Ok(Results::new()) };
    let fast = parameters.period(0, "fast period", 12)?;
    let (slow, signal) = (parameters.period(1, "slow period", 26)?, parameters.period(2, "signal period", 9)?);
    let all = moving_average_convergence(values, fast, slow, signal);
    Ok(columns(&all, [|at| at.line, |at| at.signal, |at| at.histogram]))
}

fn bollinger(series: &[Vec<f64>], parameters: &Parameters) -> Result<Results> {
    let [values] = series else { return Ok(Results::new()) };
    let (period, deviations) =
        (parameters.period(0, "period", 20)?, parameters.factor(1, "number of deviations", 2.0)?);
    let all = bollinger_bands(values, period, deviations);
    Ok(columns(&all, [|at| at.lower, |at| at.middle, |at| at.upper]))
}
