//! Calls with arguments by name, `time_bucket('1 day', ts, timezone => 'Europe/Rome')`, of functions whose parameters
//! may be left out: they get all of their arguments in order.
//!
//! DataFusion 55: arguments by name must be those of the first parameters, without one left out between them. Not
//! needed once a parameter may have a default.

use super::build::{boolean, null};
use crate::dialect::parse::tree::fold;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments};

/// The parameters of one function.
struct Parameters {
    function: &'static str,
    names: &'static [&'static str],
    /// What stands where a parameter is left out. Where NULL would say something else, it is `false`, which none of the
    /// parameters takes.
    left_out: fn() -> Expr,
}

/// Parameters of buckets of time, and behind them those of filling gaps.
const BUCKET: &[&str] = &["bucket_width", "ts", "timezone", "origin", "offset", "session", "start", "finish"];

/// The functions whose parameters may be left out by name.
const FUNCTIONS: [Parameters; 5] = [
    Parameters { function: "time_bucket", names: BUCKET.split_at(6).0, left_out: || boolean(false) },
    Parameters { function: "time_bucket_gapfill", names: BUCKET, left_out: || boolean(false) },
    Parameters { function: "date_bin_gapfill", names: BUCKET, left_out: || boolean(false) },
    Parameters { function: "locf", names: &["value", "prev", "treat_null_as_missing"], left_out: null },
    Parameters { function: "interpolate", names: &["value", "prev", "next"], left_out: null },
];

/// Puts the arguments of a call in the order of its parameters, if any of them is named.
///
/// # Errors
/// 42883 for a name that the function does not have, 42601 for one that is given twice or stands before an argument
/// without a name.
pub(super) fn by_place(function: &mut Function) -> Result<(), QueryError> {
    let name = super::build::called(function).unwrap_or_default();
    let Some(known) = FUNCTIONS.iter().find(|known| known.function == name) else { return Ok(()) };
    let FunctionArguments::List(list) = &mut function.args else { return Ok(()) };
    if list.args.iter().all(|argument| matches!(argument, FunctionArg::Unnamed(_))) {
        return Ok(());
    }
    let mut values: Vec<Option<FunctionArgExpr>> = vec![None; known.names.len()];
    let mut named = false;
    for (place, argument) in list.args.iter().enumerate() {
        let (place, value) = match argument {
            FunctionArg::Unnamed(_) if named => {
                return Err(QueryError::new(ErrorKind::Syntax, "positional argument cannot follow named argument"));
            }
            FunctionArg::Unnamed(value) => (place, value),
            FunctionArg::Named { name, arg, .. } => (known.place(&fold(name))?, arg),
            FunctionArg::ExprNamed { name, arg, .. } => (known.place(&name.to_string())?, arg),
        };
        named |= !matches!(argument, FunctionArg::Unnamed(_));
        let slot = values.get_mut(place).ok_or_else(|| known.unknown())?;
        if slot.replace(value.clone()).is_some() {
            let name = known.names.get(place).copied().unwrap_or_default();
            let message = format!("argument name \"{name}\" used more than once");
            return Err(QueryError::new(ErrorKind::Syntax, message));
        }
    }
    let values = values.into_iter().map(|value| value.unwrap_or_else(|| FunctionArgExpr::Expr((known.left_out)())));
    list.args = values.map(FunctionArg::Unnamed).collect();
    Ok(())
}

impl Parameters {
    fn place(&self, name: &str) -> Result<usize, QueryError> {
        self.names.iter().position(|known| *known == name).ok_or_else(|| {
            let message = format!("function {} has no parameter \"{name}\"", self.function);
            QueryError::new(ErrorKind::UnknownFunction, message).with_hint(self.listed())
        })
    }

    fn unknown(&self) -> QueryError {
        let message = format!("function {} does not take so many arguments", self.function);
        QueryError::new(ErrorKind::UnknownFunction, message).with_hint(self.listed())
    }

    fn listed(&self) -> String {
        format!("Its parameters are {}.", self.names.join(", "))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::ast::{SelectItem, SetExpr, Statement};

    fn placed(sql: &str) -> Result<String, String> {
        let statement = crate::dialect::parse::parse(&format!("SELECT {sql}"), &[]).unwrap().remove(0);
        let Statement::Query(query) = statement else { panic!("{sql} is no query") };
        let SetExpr::Select(select) = *query.body else { panic!("{sql} is no list") };
        let Some(SelectItem::UnnamedExpr(Expr::Function(mut function))) = select.projection.into_iter().next() else {
            panic!("{sql} is no call")
        };
        by_place(&mut function).map_err(|error| error.message)?;
        Ok(function.to_string())
    }

    #[test]
    fn arguments_by_name_come_in_order() {
        for (written, wanted) in [
            ("time_bucket('1 d', ts)", "time_bucket('1 d', ts)"),
            ("time_bucket('1 d', ts, session => 'X')", "time_bucket('1 d', ts, false, false, false, 'X')"),
            ("time_bucket(ts => t, bucket_width => w)", "time_bucket(w, t, false, false, false, false)"),
            ("time_bucket(w, t, \"offset\" => o, TimeZone => z)", "time_bucket(w, t, z, false, o, false)"),
            ("locf(x, treat_null_as_missing => true)", "locf(x, NULL, true)"),
            ("other(x => 1)", "other(x => 1)"),
        ] {
            assert_eq!(placed(written).unwrap(), wanted);
        }
    }

    #[test]
    fn names_that_do_not_fit_are_refused() {
        for (written, wanted) in [
            ("locf(x, preview => 1)", "function locf has no parameter \"preview\""),
            ("locf(x, value => 1)", "argument name \"value\" used more than once"),
            ("locf(prev => 1, x)", "positional argument cannot follow named argument"),
            ("locf(1, 2, 3, 4, prev => 1)", "function locf does not take so many arguments"),
        ] {
            assert_eq!(placed(written).unwrap_err(), wanted);
        }
    }
}
