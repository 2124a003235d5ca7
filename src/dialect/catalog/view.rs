//! A `View` is what the rows of `pg_catalog` and `information_schema` are computed from in one scan.

use super::comments::Comments;
use super::description::CatalogDescription;
use crate::dialect::session::SessionFacts;
use datafusion::catalog::Session;

/// The role that owns everything: database, schemas, tables, functions.
pub(crate) const OWNER: &str = "tt";

/// Everything a catalog row may depend on.
pub(crate) struct View<'a> {
    /// What the catalog holds, gathered for this scan.
    pub(crate) description: &'a CatalogDescription,
    /// What there is to say of tables beyond their columns.
    pub(crate) comments: &'a dyn Comments,
    /// The DataFusion session, for its functions.
    pub(crate) session: &'a dyn Session,
    /// The connection that scans; `None` in a session that no client has.
    pub(crate) facts: Option<&'a SessionFacts>,
}
