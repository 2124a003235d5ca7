//! The rewriter spells out windows that refer to others: `OVER (w ORDER BY v)` and `WINDOW w2 AS (w
//! ...)` get the PARTITION BY and ORDER BY of `w`.
//!
//! DataFusion 55: the planner reads `OVER w` and passes over the name inside the parentheses of a
//! window, so that its partitions and its order are lost. Not needed once `OVER (w ORDER BY v)` keeps
//! the partitions of `w`.

use crate::dialect::parse::tree::fold;
use crate::error::{ErrorKind, QueryError};
use datafusion::sql::sqlparser::ast::{
    Ident, NamedWindowDefinition, NamedWindowExpr, Query, SetExpr, WindowSpec, WindowType,
};

/// The windows that the WINDOW clause of a SELECT names, spelled out.
pub(super) type Windows = Vec<(String, WindowSpec)>;

/// Takes the WINDOW clause of a query's SELECT and spells out each of its windows.
///
/// # Errors
/// `UnknownObject` for a window that is not defined before it is used, `Windowing` where a window
/// would override what it refers to.
pub(super) fn named(query: &mut Query) -> Result<Windows, QueryError> {
    let SetExpr::Select(select) = query.body.as_mut() else { return Ok(Windows::new()) };
    let mut windows = Windows::new();
    for NamedWindowDefinition(name, window) in std::mem::take(&mut select.named_window) {
        let name = fold(&name);
        if windows.iter().any(|(known, _)| *known == name) {
            return Err(QueryError::new(ErrorKind::Windowing, format!("window \"{name}\" is already defined")));
        }
        let spec = match window {
            NamedWindowExpr::WindowSpec(spec) => spelled_out(spec, &windows)?,
            NamedWindowExpr::NamedWindow(other) => find(&other, &windows)?.clone(),
        };
        windows.push((name, spec));
    }
    Ok(windows)
}

/// Spells out the window of one call.
///
/// # Errors
/// As those of [`named`].
pub(super) fn spell_out(over: &mut WindowType, windows: &Windows) -> Result<(), QueryError> {
    let spec = match over {
        WindowType::NamedWindow(name) => find(name, windows)?.clone(),
        WindowType::WindowSpec(spec) if spec.window_name.is_some() => spelled_out(spec.clone(), windows)?,
        WindowType::WindowSpec(_) => return Ok(()),
    };
    *over = WindowType::WindowSpec(spec);
    Ok(())
}

/// A window with the partitions and the order of the one it refers to.
fn spelled_out(mut spec: WindowSpec, windows: &Windows) -> Result<WindowSpec, QueryError> {
    let Some(name) = spec.window_name.take() else { return Ok(spec) };
    let of = find(&name, windows)?;
    let refused = |message: String| Err(QueryError::new(ErrorKind::Windowing, message));
    if !spec.partition_by.is_empty() {
        return refused(format!("cannot override PARTITION BY clause of window \"{}\"", fold(&name)));
    }
    if !spec.order_by.is_empty() && !of.order_by.is_empty() {
        return refused(format!("cannot override ORDER BY clause of window \"{}\"", fold(&name)));
    }
    if of.window_frame.is_some() {
        return refused(format!("cannot copy window \"{}\" because it has a frame clause", fold(&name)));
    }
    spec.partition_by.clone_from(&of.partition_by);
    if spec.order_by.is_empty() {
        spec.order_by.clone_from(&of.order_by);
    }
    Ok(spec)
}

/// The window of a name.
fn find<'a>(name: &Ident, windows: &'a Windows) -> Result<&'a WindowSpec, QueryError> {
    let name = fold(name);
    let missing = || QueryError::new(ErrorKind::UnknownObject, format!("window \"{name}\" does not exist"));
    windows.iter().find(|(known, _)| *known == name).map(|(_, spec)| spec).ok_or_else(missing)
}
