//! The functions are those of PostgreSQL that DataFusion lacks, or whose results differ: about the
//! session, the catalog, names, sizes, texts of moments and time zones.
//!
//! Two lists: [`functions`] depend on the catalog alone and are registered once in the template;
//! [`session_functions`] know the user and the settings of one connection and are registered in each
//! session.

mod angle;
mod arguments;
mod array;
mod bytes;
mod catalog;
mod concat;
pub(crate) mod define;
pub(crate) mod double;
mod failure;
mod format;
mod json_build;
mod json_change;
mod json_read;
mod json_type;
mod keywords;
mod like;
mod made;
mod number;
mod number_pattern;
mod object_name;
mod privilege;
mod regexp;
pub(crate) mod result_size;
mod row_address;
pub(crate) mod section;
mod session;
mod sleep;
mod string;
mod text;
mod to_char;
mod to_char_number;
mod to_number;
mod typed;

pub use section::Section;

use super::catalog::{Comments, NoComments};
use crate::dialect::session::SessionFacts;
use crate::dialect::typing::marked;
use datafusion::catalog::CatalogProvider;
use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::ScalarUDF;
use define::{Definition, Facts, define};
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, LazyLock, OnceLock};

/// What the template's functions know of the catalog, kept in the template's config for the functions
/// that each session registers again.
struct CatalogFacts(Arc<Facts>);

/// Definitions that depend on the catalog at most. A new function is one line in one of these lists.
fn definitions() -> impl Iterator<Item = &'static Definition> {
    [
        array::FUNCTIONS,
        crate::dialect::array::FUNCTIONS,
        catalog::FUNCTIONS,
        number::FUNCTIONS,
        object_name::FUNCTIONS,
        privilege::FUNCTIONS,
        text::FUNCTIONS,
        to_number::FUNCTIONS,
    ]
    .into_iter()
    .flatten()
}

/// Routines with PostgreSQL's argument types. A new one is one line in one of these lists.
fn routines() -> impl Iterator<Item = &'static typed::Routine> {
    [
        bytes::ROUTINES,
        json_build::ROUTINES,
        json_change::ROUTINES,
        json_read::ROUTINES,
        regexp::ROUTINES,
        row_address::ROUTINES,
        string::ROUTINES,
    ]
    .into_iter()
    .flatten()
}

/// The function of a routine or of a cast by its name, for rules that put calls into plans: equal calls
/// must share one function to be recognised as equal.
pub(crate) fn routine(name: &str) -> Option<Arc<ScalarUDF>> {
    static MADE: LazyLock<BTreeMap<String, Arc<ScalarUDF>>> = LazyLock::new(|| {
        let routines = routines().map(typed::define).chain(json_type::functions());
        routines.map(|function| (function.name().to_owned(), Arc::new(function))).collect()
    });
    MADE.get(name).cloned()
}

/// Whether a name is that of a function of single values, and of no aggregate and no window function.
pub(crate) fn is_scalar(name: &str) -> bool {
    static NAMES: LazyLock<HashSet<String>> = LazyLock::new(|| {
        let of_datafusion = datafusion::functions::all_default_functions();
        let nested = datafusion::functions_nested::all_default_nested_functions();
        let own = definitions().chain(session::FUNCTIONS).map(|function| function.name.to_owned());
        let own = own.chain(routines().map(|routine| routine.name.to_owned()));
        let names = of_datafusion.iter().chain(&nested).map(|function| function.name().to_owned()).chain(own);
        let aggregates = datafusion::functions_aggregate::all_default_aggregate_functions();
        let windows = datafusion::functions_window::all_default_window_functions();
        let others: HashSet<&str> =
            aggregates.iter().map(|one| one.name()).chain(windows.iter().map(|one| one.name())).collect();
        names.filter(|name| !others.contains(name.as_str())).collect()
    });
    NAMES.contains(name)
}

/// Names and sections of the functions of a session, sorted by name: those of its template and those
/// it registers itself.
pub(crate) fn sections(template: &SessionState) -> Vec<(String, Section)> {
    let registered = template.scalar_functions().iter().filter(|(name, _)| !marked::NAMES.contains(&name.as_str()));
    let mut all: BTreeMap<String, Section> =
        registered.map(|(name, function)| (name.clone(), Section::of(function))).collect();
    all.extend(session::FUNCTIONS.iter().map(|function| (function.name.to_owned(), function.section)));
    all.into_iter().collect()
}

/// Functions that depend on the catalog at most, as DataFusion takes them; some are no plain
/// `Definition`, because they work on whole arrays or wait.
fn functions(facts: &Arc<Facts>) -> Vec<ScalarUDF> {
    let mut functions: Vec<ScalarUDF> = definitions().map(|function| define(function, facts)).collect();
    functions.extend(crate::dialect::moment::functions());
    functions.push(ScalarUDF::from(to_char::ToChar::default()));
    functions.extend(double::functions());
    functions.extend(concat::functions());
    functions.extend(json_type::functions());
    functions.extend(routines().map(typed::define));
    functions.push(sleep::function());
    functions
}

/// Functions that tell about one session, and those that look for its user or along its search path.
fn session_functions(facts: &Arc<Facts>) -> Vec<ScalarUDF> {
    let along_path = object_name::FUNCTIONS.iter().filter(|function| object_name::ALONG_PATH.contains(&function.name));
    session::FUNCTIONS
        .iter()
        .chain(privilege::FUNCTIONS)
        .chain(along_path)
        .map(|function| define(function, facts))
        .collect()
}

/// Gives a session template all functions that do not depend on the session, and bounds what large
/// results may take.
///
/// `pg_proc` describes all functions of a session, so those that each session registers are counted
/// in as well.
///
/// # Errors
/// Whatever DataFusion refuses to register.
pub(super) fn install(
    template: &mut SessionState,
    source: Arc<dyn CatalogProvider>,
    comments: Arc<dyn Comments>,
) -> Result<()> {
    let started_at = crate::clock::Clock::System.now();
    let (catalog, signatures) = (Some((source, comments)), OnceLock::new());
    let facts = Arc::new(Facts { catalog, session: None, started_at, signatures });
    for function in functions(&facts) {
        template.register_udf(Arc::new(function))?;
    }
    // Its result is a `time with time zone`, which there is not.
    template.deregister_udf("current_time")?;
    // Not PostgreSQL's. The types that two of them name are read by recursion, and may be of any size; the third tells where
    // the lake's files are.
    for name in ["arrow_cast", "arrow_try_cast", "input_file_name"] {
        template.deregister_udf(name)?;
    }
    template.register_function_rewrite(Arc::new(like::Patterns))?;
    crate::dialect::moment::install_series(template)?;
    template.register_udtf("pg_get_keywords", Arc::new(keywords::Keywords));
    // The rows of `pg_proc` include the functions that each session registers.
    let mut whole = template.clone();
    for function in session_functions(&facts) {
        whole.register_udf(Arc::new(function))?;
    }
    let all = super::catalog::functions::all(&whole).into_iter();
    let _ =
        facts.signatures.set(all.map(|function| (super::catalog::oid::function(&function.name), function)).collect());
    template.config_mut().set_extension(Arc::new(CatalogFacts(facts)));
    let pool = template.runtime_env().memory_pool.clone();
    result_size::bound(
        template,
        &pool,
        definitions()
            .filter_map(|own| Some((own.name, own.size?)))
            .chain(routines().filter_map(|own| Some((own.name, own.size?)))),
    )
}

/// Has the functions of one session's state look at another catalog; gives what there is to say of its tables.
///
/// # Errors
/// Whatever DataFusion refuses to register.
pub(super) fn describe(
    state: &mut SessionState,
    source: &Arc<dyn CatalogProvider>,
    with: impl FnOnce(Arc<dyn Comments>) -> Arc<dyn Comments>,
) -> Result<Arc<dyn Comments>> {
    let Some(shared) = state.config().get_extension::<CatalogFacts>() else { return Ok(Arc::new(NoComments)) };
    let comments = shared.0.catalog.as_ref().map(|(_, comments)| comments.clone());
    let comments = with(comments.unwrap_or_else(|| Arc::new(NoComments)));
    let signatures = OnceLock::new();
    if let Some(known) = shared.0.signatures.get() {
        let _ = signatures.set(known.clone());
    }
    let facts = Arc::new(Facts {
        catalog: Some((source.clone(), comments.clone())),
        session: state.config().get_extension::<SessionFacts>(),
        started_at: shared.0.started_at,
        signatures,
    });
    // Those that may give much look at no catalog, and are bound already.
    let plain = definitions().filter(|function| function.size.is_none()).map(|function| define(function, &facts));
    for function in plain.collect::<Vec<_>>().into_iter().chain(session_functions(&facts)) {
        state.register_udf(Arc::new(function))?;
    }
    Ok(comments)
}

/// Gives one session's state the functions and catalog rows that depend on it, and binds its
/// settings.
///
/// DataFusion 55: `now` and the `to_timestamp` functions keep the configuration they were made with,
/// so `with_updated_config` is asked for each in a new session. Not needed once DataFusion does so
/// when a session is made from a state.
///
/// # Errors
/// Whatever DataFusion refuses to register.
pub fn register_session(state: &mut SessionState, session: SessionFacts) -> Result<()> {
    let session = Arc::new(session);
    state.config_mut().set_extension(session.clone());
    // `now` and its like carry the session's time zone.
    let options = state.config_options();
    let zoned = state.scalar_functions().values().filter_map(|function| function.inner().with_updated_config(options));
    for function in zoned.collect::<Vec<_>>() {
        state.register_udf(Arc::new(function))?;
    }
    let shared = state.config().get_extension::<CatalogFacts>();
    let facts = Arc::new(Facts {
        catalog: shared.as_ref().and_then(|shared| shared.0.catalog.clone()),
        session: Some(session),
        started_at: shared.map_or_else(|| crate::clock::Clock::System.now(), |shared| shared.0.started_at),
        signatures: OnceLock::new(),
    });
    for function in session_functions(&facts) {
        state.register_udf(Arc::new(function))?;
    }
    Ok(())
}
