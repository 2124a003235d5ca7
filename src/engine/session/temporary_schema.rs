//! The temporary schema in the catalog of a session, which has it from its first temporary table on.

use super::settings::Settings;
use crate::dialect;
use crate::dialect::catalog::Comments;
use crate::temporary::catalog::{self, TemporarySchema, WithTemporary};
use crate::temporary::contents::Contents;
use crate::temporary::declared::WithDeclared;
use crate::temporary::provider::Current;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, MemoryCatalogProviderList};
use datafusion::common::{Result, plan_datafusion_err};
use datafusion::execution::session_state::SessionState;
use std::sync::{Arc, Mutex, PoisonError};

/// What the session has now, for tables that are read.
pub(super) fn current(settings: &Arc<Mutex<Settings>>) -> Current {
    Current(Box::new(contents(settings)))
}

fn contents(settings: &Arc<Mutex<Settings>>) -> impl Fn() -> Contents + Send + Sync + 'static {
    let settings = settings.clone();
    move || settings.lock().unwrap_or_else(PoisonError::into_inner).temporary().clone()
}

/// The one catalog of a state.
fn base(state: &SessionState) -> Option<Arc<dyn CatalogProvider>> {
    state.catalog_list().catalog(&state.config_options().catalog.default_catalog)
}

/// Whether a session's state has the schema.
pub(super) fn is_in(state: &SessionState) -> bool {
    base(state).is_some_and(|catalog| catalog.is::<WithTemporary>())
}

/// A session's state with the schema, which `pg_catalog` and functions about the catalog see as well.
///
/// # Errors
/// Whatever DataFusion refuses to register.
pub(super) fn with(state: &SessionState, pid: i32, settings: &Arc<Mutex<Settings>>) -> Result<SessionState> {
    let base = base(state).ok_or_else(|| plan_datafusion_err!("there is no catalog"))?;
    let (name, schema) = (catalog::schema_of(pid), Arc::new(TemporarySchema::new(contents(settings))));
    let with = |instead| WithTemporary { base: base.clone(), name: name.clone(), schema: schema.clone(), instead };
    let described: Arc<dyn CatalogProvider> = Arc::new(with(Vec::new()));
    let mut state = state.clone();
    let (own, known) = (name.clone(), contents(settings));
    let comments = |base| Arc::new(WithDeclared::new(base, own, known)) as Arc<dyn Comments>;
    let instead = dialect::describe(&mut state, &described, comments)?;
    let list = MemoryCatalogProviderList::new();
    let database = state.config_options().catalog.default_catalog.clone();
    list.register_catalog(database, Arc::new(with(instead)));
    // A builder would register all functions anew, and those of DataFusion's that have other names as well over ours.
    state.register_catalog_list(Arc::new(list));
    Ok(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::catalog::NoComments;
    use crate::engine::session::settings::Defaults;
    use crate::engine::template::over;
    use datafusion::prelude::SessionContext;

    #[tokio::test]
    async fn only_functions_about_the_catalog_are_others() {
        let engine = over(&SessionContext::new(), Arc::new(NoComments), Defaults::default()).unwrap();
        let before = engine.template();
        assert!(!is_in(before));
        let after = with(before, 7, &Arc::default()).unwrap();
        assert!(is_in(&after) && base(&after).unwrap().schema("pg_temp_7").is_some());
        assert!(after.scalar_functions().len() >= before.scalar_functions().len());
        for (name, function) in before.scalar_functions() {
            let now = &after.scalar_functions()[name];
            let about_catalog = format!("{:?}", now.inner()).starts_with("PgFunction");
            assert!(Arc::ptr_eq(now, function) || about_catalog, "{name} is another function");
        }
    }
}
